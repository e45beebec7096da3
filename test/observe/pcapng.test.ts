import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { captureLink } from '../../src/link/capture.js';
import { impair } from '../../src/link/impair.js';
import { memoryLinkPair } from '../../src/link/memory.js';
import { type PcapngOptions, PcapngWriter } from '../../src/observe/pcapng.js';
import type { CaptureSink } from '../../src/observe/pcapng-file.js';
import { VirtualClock } from '../../src/stack/clock.js';
import { Collector, segment, sendPacket } from '../link/link-fixtures.js';

const EPOCH_NS = 1_704_067_200_000_000_000n;
const ZH = '第三次握手：x+1';

function missing(tool: string): string | false {
  return spawnSync(tool, ['--version']).error === undefined ? false : `${tool} is not installed`;
}

function directory(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'pcapng-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A sink in memory; holds its writes back while `stalled`. */
class MemorySink implements CaptureSink {
  readonly parts: Uint8Array[] = [];
  stalled = false;
  failWith: Error | null = null;
  private resume: (() => void) | null = null;

  get bytes(): Buffer {
    return Buffer.concat(this.parts);
  }
  write(bytes: Uint8Array, done: (error: Error | null) => void): void {
    const finish = () => {
      if (this.failWith === null) this.parts.push(bytes.slice());
      done(this.failWith);
    };
    if (this.stalled) this.resume = finish;
    else setImmediate(finish);
  }
  writeSync(bytes: Uint8Array): void {
    if (this.failWith !== null) throw this.failWith;
    this.parts.push(bytes.slice());
  }
  close(done: (error: Error | null) => void): void {
    done(null);
  }
  unstall(): void {
    this.stalled = false;
    this.resume?.();
  }
}

function packet(
  writer: PcapngWriter,
  id: number,
  bytes: Uint8Array,
  extra: { comments?: string[]; ns?: bigint } = {},
) {
  writer.packet({
    timeNs: EPOCH_NS + (extra.ns ?? BigInt(id) * 1000n),
    direction: id % 2 === 1 ? 'out' : 'in',
    packetId: id,
    bytes,
    offset: 0,
    length: Math.min(bytes.length, writer.snapLength),
    originalLength: bytes.length,
    comments: extra.comments ?? [],
  });
}

async function writeSample(
  target: PcapngOptions['target'],
  options: Partial<PcapngOptions> = {},
): Promise<void> {
  const writer = new PcapngWriter({
    target,
    hardware: 'test machine',
    os: 'test os',
    comment: 'H01 seed 7',
    interfaceName: 'lab0',
    interfaceDescription: 'stack side',
    addresses: ['10.9.0.2/24', 'fd00:9::2/64'],
    names: [
      { address: '10.9.0.2', name: 'A-client' },
      { address: 'fd00:9::1', name: 'B-server' },
    ],
    ...options,
  });
  packet(writer, 1, segment('local', { flags: 'S' }), {
    comments: ['CLOSED -> SYN-SENT', ZH],
    ns: 123_456_789n,
  });
  packet(writer, 2, segment('remote', { flags: 'SA', relAck: 1 }));
  packet(writer, 3, segment('local', { flags: 'A', relSeq: 1, relAck: 1, payload: 'abc', family: 6 }));
  writer.event(EPOCH_NS + 5_000_000n, {
    MESSAGE: 'TIME-WAIT over',
    TCP_FROM: 'TIME-WAIT',
    NOTE: 'two\nlines',
  });
  await writer.close();
}

function tshark(file: string, ...args: string[]): string[] {
  const stdout = execFileSync('tshark', ['-n', '-r', file, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  return stdout.toString().trimEnd().split('\n');
}

test('tshark reads every field back', { skip: missing('tshark') }, async (t) => {
  const file = join(directory(t), 'a.pcapng');
  await writeSample(file);
  const fields = [
    'frame.time_epoch',
    'frame.packet_flags_direction',
    'frame.packet_id',
    'frame.comment',
    'tcp.flags',
    'tcp.checksum.status',
    'frame.interface_name',
    'frame.interface_description',
    'frame.encap_type',
  ].flatMap((field) => ['-e', field]);
  const checks = ['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE'];
  const rows = tshark(file, ...checks, '-Y', 'tcp', '-T', 'fields', '-E', 'aggregator=|', ...fields);
  const cells = rows.map((row) => row.split('\t'));
  // Printed in hexadecimal or decimal, depending on the version.
  for (const row of cells) row[1] = String(Number(row[1]));
  assert.deepEqual(cells, [
    ['1704067200.123456789', '2', '1', `CLOSED -> SYN-SENT|${ZH}`, '0x0002', '1', 'lab0', 'stack side', '7'],
    ['1704067200.000002000', '1', '2', '', '0x0012', '1', 'lab0', 'stack side', '7'],
    ['1704067200.000003000', '2', '3', '', '0x0010', '1', 'lab0', 'stack side', '7'],
  ]);
});

test('tshark shows events without a packet and resolves names', { skip: missing('tshark') }, async (t) => {
  const file = join(directory(t), 'a.pcapng');
  await writeSample(file);
  const events = tshark(
    file,
    '-Y',
    'systemd_journal.message contains "TIME-WAIT"',
    '-T',
    'fields',
    '-e',
    'frame.number',
    '-e',
    'systemd_journal.message',
    '-e',
    'frame.time_epoch',
  );
  assert.deepEqual(events, ['4\tTIME-WAIT over\t1704067200.005000000']);
  assert.deepEqual(tshark(file, '-Y', '_ws.malformed'), ['']);
  const named = execFileSync(
    'tshark',
    ['-N', 'n', '-r', file, '-T', 'fields', '-e', 'ip.src_host', '-e', 'ipv6.dst_host'],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const rows = named.toString().split('\n');
  assert.equal(rows[0], 'A-client\t');
  assert.equal(rows[2], '\tB-server');
});

test('capinfos shows the section and interface options', { skip: missing('capinfos') }, async (t) => {
  const file = join(directory(t), 'a.pcapng');
  await writeSample(file);
  const info = execFileSync('capinfos', [file]).toString();
  for (const part of [
    /test machine/,
    /test os/,
    /synwave/,
    /H01 seed 7/,
    /lab0/,
    /stack side/,
    /nanosecond/,
    /Number of stat entries = 1/,
  ]) {
    assert.match(info, part);
  }
});

test('tcpdump reads the file and skips the events', { skip: missing('tcpdump') }, async (t) => {
  const file = join(directory(t), 'a.pcapng');
  await writeSample(file);
  const run = spawnSync('tcpdump', ['-n', '-r', file]);
  assert.equal(run.status, 0, run.stderr.toString());
  const lines = run.stdout.toString().trim().split('\n');
  assert.equal(lines.length, 3);
  assert.match(lines[0]!, /10\.9\.0\.2\.80 > 10\.9\.0\.1\.50000: Flags \[S\]/);
  assert.match(lines[2]!, /IP6 fd00:9::2\.80 > fd00:9::1\.50000/);
});

test('without events editcap can make a classic pcap of it', { skip: missing('editcap') }, async (t) => {
  const dir = directory(t);
  await writeSample(join(dir, 'a.pcapng'), { events: false });
  const run = spawnSync('editcap', ['-F', 'pcap', join(dir, 'a.pcapng'), join(dir, 'a.pcap')]);
  assert.equal(run.status, 0, run.stderr.toString());
});

test('Ethernet frames get their link type', { skip: missing('tshark') }, async (t) => {
  const file = join(directory(t), 'a.pcapng');
  const writer = new PcapngWriter({ target: file, medium: 'ethernet', sync: true });
  const header = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
  packet(writer, 1, Uint8Array.of(...header, ...segment('local', { flags: 'S' })));
  await writer.close();
  assert.deepEqual(tshark(file, '-T', 'fields', '-e', 'eth.dst', '-e', 'tcp.srcport'), [
    '02:00:00:00:00:02\t80',
  ]);
});

test('a snap length keeps the original length', { skip: missing('tshark') }, async (t) => {
  const file = join(directory(t), 'a.pcapng');
  const writer = new PcapngWriter({ target: file, snapLength: 40 });
  packet(writer, 1, segment('local', { flags: 'A', payload: 'x'.repeat(500) }));
  await writer.close();
  assert.deepEqual(tshark(file, '-T', 'fields', '-e', 'frame.len', '-e', 'frame.cap_len'), ['540\t40']);
});

test('packets beyond the buffer are dropped, counted on the next packet and in the statistics', {
  skip: missing('tshark'),
}, async (t) => {
  const file = join(directory(t), 'a.pcapng');
  const sink = new MemorySink();
  sink.stalled = true;
  const writer = new PcapngWriter({ target: sink, maxBufferedBytes: 3000 });
  const bytes = segment('local', { flags: 'A', payload: 'x'.repeat(900) });
  for (let id = 1; id <= 6; id++) packet(writer, id, bytes);
  const { dropped } = writer.stats;
  assert.ok(dropped > 0 && dropped < 6, `${dropped} dropped`);
  assert.ok(writer.bufferedBytes <= 3000);
  await new Promise((resolve) => setImmediate(resolve));
  sink.unstall();
  while (writer.bufferedBytes > 0) await new Promise((resolve) => setImmediate(resolve));
  packet(writer, 7, bytes);
  await writer.close();
  writeFileSync(file, sink.bytes);
  const rows = tshark(file, '-T', 'fields', '-e', 'frame.packet_id', '-e', 'frame.drop_count');
  assert.equal(rows.at(-1), `7\t${dropped}`);
  assert.equal(rows.length, 7 - dropped);
  const statistics = sink.bytes.subarray(sink.bytes.length - sink.bytes.readUInt32LE(sink.bytes.length - 4));
  assert.equal(statistics.readUInt32LE(0), 5);
  assert.equal(statistics.readBigUInt64LE(20 + 12 + 12 + 4), 7n);
  assert.equal(statistics.readBigUInt64LE(20 + 12 + 12 + 12 + 4), BigInt(dropped));
});

test('synchronous mode has written a packet when the call returns', (t) => {
  const file = join(directory(t), 'a.pcapng');
  const writer = new PcapngWriter({ target: file, sync: true });
  const before = readFileSync(file).length;
  packet(writer, 1, segment('local', { flags: 'S' }));
  assert.ok(readFileSync(file).length > before + 40);
  return writer.close();
});

test('synchronous and asynchronous mode write the same bytes', async (t) => {
  const dir = directory(t);
  await writeSample(join(dir, 'sync'), { sync: true });
  await writeSample(join(dir, 'async'));
  assert.ok(readFileSync(join(dir, 'sync')).equals(readFileSync(join(dir, 'async'))));
});

test('a failing target is told once, later packets are counted, close rejects', async () => {
  for (const sync of [false, true]) {
    const sink = new MemorySink();
    const errors: Error[] = [];
    const writer = new PcapngWriter({ target: sink, sync, onError: (error) => errors.push(error) });
    sink.failWith = Object.assign(new Error('disk full'), { code: 'ENOSPC' });
    const bytes = segment('local', { flags: 'S' });
    packet(writer, 1, bytes);
    while (errors.length === 0) await new Promise((resolve) => setImmediate(resolve));
    packet(writer, 3, bytes);
    assert.ok(writer.stats.dropped >= 1);
    await assert.rejects(writer.close(), { code: 'ENOSPC' });
    assert.equal(errors.length, 1);
  }
});

test('settings that make no sense are refused with a code', () => {
  const target = new MemorySink();
  assert.throws(() => new PcapngWriter({ target, snapLength: 0 }), { code: 'ERR_OUT_OF_RANGE' });
  assert.throws(() => new PcapngWriter({ target, addresses: ['10.9.0.2/33'] }), {
    code: 'ERR_INVALID_ARG_VALUE',
  });
  const names = [{ address: 'localhost', name: 'x' }];
  assert.throws(() => new PcapngWriter({ target, names }), { code: 'ERR_INVALID_ARG_VALUE' });
  assert.throws(() => new PcapngWriter({ target: '/nonexistent/a.pcapng' }), { code: 'ENOENT' });
});

test('a comment too long for its field is cut at a character', { skip: missing('tshark') }, async (t) => {
  const file = join(directory(t), 'a.pcapng');
  const writer = new PcapngWriter({ target: file });
  packet(writer, 1, segment('local', { flags: 'S' }), { comments: [`a${'握'.repeat(30_000)}`, 'after'] });
  await writer.close();
  const [row] = tshark(file, '-T', 'fields', '-E', 'aggregator=|', '-e', 'frame.comment');
  const [first, second] = row!.split('|');
  assert.equal(second, 'after');
  assert.equal(first, `a${'握'.repeat(21_844)}`);
});

test('the same seed gives the same file, byte for byte, with faults and comments', async () => {
  const run = async (seed: number) => {
    const clock = new VirtualClock();
    const [inner, peer] = memoryLinkPair({ clock });
    const sink = new MemorySink();
    const recorder = new PcapngWriter({ target: sink, os: 'test', hardware: 'test' });
    const capture = captureLink(inner, recorder, { clock });
    const link = impair(capture, { clock, seed, loss: 0.1, duplicate: 0.1, delayMs: 10, jitterMs: 3 });
    link.start(new Collector(() => clock.now()));
    peer.start(new Collector(() => clock.now()));
    for (let i = 0; i < 200; i++) {
      const id = sendPacket(link, segment('local', { flags: 'A', relSeq: i, payload: 'x'.repeat(i) }));
      capture.annotate(id, `segment ${i}`);
      sendPacket(peer, segment('remote', { flags: 'A', relAck: i }));
      link.flush();
      peer.flush();
      clock.advance(0.37);
    }
    clock.advance(100);
    await link.close();
    return { bytes: sink.bytes, stats: recorder.stats };
  };
  const first = await run(7);
  assert.ok(first.bytes.equals((await run(7)).bytes));
  assert.ok(!first.bytes.equals((await run(8)).bytes));
  assert.equal(first.stats.dropped, 0);
  assert.ok(first.stats.received > 300);
});
