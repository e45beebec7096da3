// `synwave explain` against tshark, the second reader of the same captures: streams, numbers, flags and analysis must be
// the same for every segment.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { CaptureFile } from '../../src/explain/capture-file.js';
import { observeCapture } from '../../src/explain/capture-observer.js';
import { ANALYSIS_FLAGS } from '../../src/explain/direction.js';
import { KEEP_ALL } from '../explain/captures.js';
import { patternStream } from './byte-pattern.js';
import { KERNEL, Lab, obstacle, STACK, until } from './lab.js';

const skip = obstacle('tshark', 'tcpdump', 'editcap');
const FIELDS = ['frame.number', 'tcp.stream', 'tcp.seq', 'tcp.ack', 'tcp.flags', 'tcp.len'];

interface Told {
  /** `stream seq ack len` by frame; the ACK of a segment without one is `-`. */
  readonly segments: ReadonlyMap<number, string>;
  readonly counts: Readonly<Record<string, number>>;
}

function byTshark(path: string): Told {
  const fields = [...FIELDS, ...ANALYSIS_FLAGS.map((flag) => `tcp.analysis.${flag}`)].flatMap((f) => [
    '-e',
    f,
  ]);
  const output = execFileSync('tshark', ['-r', path, '-Y', 'tcp', '-T', 'fields', ...fields], {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const segments = new Map<number, string>();
  const counts: Record<string, number> = {};
  for (const line of output.split('\n').filter((each) => each !== '')) {
    const [frame, stream, seq, ack, flags, len, ...analysis] = line.split('\t');
    const hasAck = (Number(flags) & 0x10) !== 0;
    segments.set(Number(frame), `${stream} ${seq} ${hasAck ? ack : '-'} ${len}`);
    for (const [i, flag] of ANALYSIS_FLAGS.entries()) {
      if (analysis[i] !== '') counts[flag] = (counts[flag] ?? 0) + 1;
    }
  }
  return { segments, counts };
}

async function byOurs(path: string): Promise<Told> {
  const options = { ...KEEP_ALL, firstRows: 1_000_000 };
  const story = await observeCapture(new CaptureFile(path), options);
  const segments = new Map<number, string>();
  for (const { stream, rows } of story.connections) {
    for (const { segment } of [...rows.first, ...rows.last]) {
      if (segment === null) continue;
      segments.set(segment.packetId, `${stream} ${segment.seq} ${segment.ack ?? '-'} ${segment.len}`);
    }
  }
  return { segments, counts: Object.fromEntries(story.counts) };
}

async function assertSame(path: string, least: number): Promise<Told> {
  const theirs = byTshark(path);
  const ours = await byOurs(path);
  assert.ok(theirs.segments.size >= least, `${theirs.segments.size} segments`);
  for (const [frame, text] of theirs.segments)
    assert.equal(ours.segments.get(frame), text, `frame ${frame} of ${path}`);
  assert.equal(ours.segments.size, theirs.segments.size);
  assert.deepEqual(sorted(ours.counts), sorted(theirs.counts));
  return ours;
}

function sorted(counts: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(counts).sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Half-close, refusal, abort, a reader that stops; on the kernel's loopback, both families. */
const LOOPBACK = `
const net = require('net');
const once = (e, n) => new Promise((r) => e.once(n, r));
(async () => {
  const server = net.createServer({ allowHalfOpen: true }, (c) => {
    c.on('error', () => {});
    c.on('end', () => { c.write('bye'); c.end(); });
    c.resume();
  }).listen(9000, '::');
  const slow = net.createServer((c) => {
    c.on('error', () => {});
    c.pause();
    setTimeout(() => c.resume(), 400);
  }).listen(9002);
  await Promise.all([once(server, 'listening'), once(slow, 'listening')]);
  for (const host of ['127.0.0.1', '::1']) {
    const c = net.connect({ port: 9000, host });
    c.end('hello'); c.resume(); await once(c, 'close');
  }
  const refused = net.connect(9001); refused.on('error', () => {}); await once(refused, 'close');
  const aborted = net.connect(9000); aborted.write('x'); await once(aborted, 'connect');
  aborted.resetAndDestroy(); await once(aborted, 'close');
  const filled = net.connect(9002); filled.end(Buffer.alloc(9e6)); filled.resume(); await once(filled, 'close');
  server.close(); slow.close();
})();`;

test('captures of the kernel’s loopback, in every form that tools write them', { skip }, async (t) => {
  const lab = Lab.open(t);
  const path = lab.file('lo.pcap');
  const dump = lab.start(['tcpdump', '-i', 'lo', '--immediate-mode', '-U', '-B', '65536', '-w', path]);
  await until('tcpdump listens', () => dump.stderr().includes('listening'));
  await lab.run([process.execPath, '-e', LOOPBACK]);
  dump.child.kill('SIGINT');
  await dump.ended;
  const { counts } = await assertSame(path, 60);
  assert.ok((counts.zero_window ?? 0) > 0 && (counts.window_update ?? 0) > 0, JSON.stringify(counts));
  for (const [name, args] of [
    ['ng.pcapng', ['-F', 'pcapng']],
    ['ns.pcap', ['-F', 'nsecpcap']],
    ['cut.pcap', ['-s', '96']],
  ] as const) {
    execFileSync('editcap', [...args, path, lab.file(name)], { stdio: 'ignore' });
    await assertSame(lab.file(name), 60);
  }
  execFileSync('editcap', ['-r', path, lab.file('midway.pcap'), '7-100000'], { stdio: 'ignore' });
  await assertSame(lab.file('midway.pcap'), 50);
});

test('a capture of our stack on a path that loses, reorders and duplicates', { skip }, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack({
    capture: 'lossy.pcapng',
    impair: { seed: 5, loss: 0.03, reorder: 0.05, duplicate: 0.02, delayMs: 5 },
  });
  const server = stack.net.createServer((socket) => patternStream(9, 2_000_000).pipe(socket));
  const port = await stack.listen(server);
  await lab.run(['nc', '-d', '-w', '20', STACK, String(port)]);
  await stack.close();
  const { counts } = await assertSame(lab.file('lossy.pcapng'), 1000);
  assert.ok((counts.retransmission ?? 0) > 10, `${JSON.stringify(counts)} from ${KERNEL}`);
});
