// The wire as a process: two kernels talk through it, meet the faults that were asked for, and nothing of it is left.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { patternSum } from './byte-pattern.js';
import { Bench, PEER } from './command-bench.js';
import { judge } from './judge.js';
import { Lab, obstacle, type Program, until } from './lab.js';

const skip = obstacle('curl', 'ping', 'tshark');

interface Way {
  packetsIn: number;
  bytesIn: number;
  packetsOut: number;
  bytesOut: number;
  drops: Record<string, number>;
  acts: Record<string, number>;
  underway: number;
}

interface WireDocument {
  verb: string;
  left: { device: string; netns: string; addresses: string[] };
  right: { device: string; netns: string; addresses: string[] };
  seed: number;
  seconds: number;
  ended: string;
  leftToRight: Way;
  rightToLeft: Way;
}

/** A wire between two namespaces of its own. */
class TestWire {
  readonly bench: Bench;

  constructor(t: TestContext) {
    this.bench = new Bench(Lab.open(t));
    t.after(() => {
      for (const side of ['left', 'right'] as const) spawnSync('ip', ['netns', 'del', this.netns(side)]);
    });
  }

  netns(side: 'left' | 'right'): string {
    return `${this.bench.netns}-${side}`;
  }

  /** Starts the verb and waits until it carries packets. */
  start(...words: readonly string[]): Promise<Program> {
    return this.bench.serving('wire', ...words);
  }

  /** Starts a program on the kernel of one end. */
  on(side: 'left' | 'right', ...argv: readonly string[]): Program {
    return this.bench.lab.startOutside(['ip', 'netns', 'exec', this.netns(side), ...argv]);
  }

  assertClean(): void {
    for (const side of ['left', 'right'] as const) {
      assert.equal(existsSync(`/run/netns/${this.netns(side)}`), false, `${this.netns(side)} is gone`);
    }
    assert.deepEqual(this.bench.claimed, [], 'no claim is left');
  }
}

const documentOf = ({ stdout }: { stdout: string }) => JSON.parse(stdout) as WireDocument;
const lostOf = (way: Way) => Object.values(way.drops).reduce((sum, n) => sum + n, 0);

const SIZE = 2_000_000;

test('two kernels: curl gets 2 MB over delay, loss and a bottleneck; the document and the capture agree', {
  skip,
}, async (t) => {
  const wire = new TestWire(t);
  const capture = wire.bench.lab.file('wire.pcapng');
  const words = [
    '--delay',
    '5ms',
    '--loss',
    '1%,0.5%',
    '--rate',
    '50mbit',
    '--queue',
    '100k',
    '--seed',
    '42',
  ];
  const program = await wire.start(...words, '-w', capture, '--json');
  assert.match(program.stderr(), new RegExp(`ip netns exec ${wire.netns('left')} ping 10.9.0.2`));
  const server = wire.on('right', process.execPath, PEER, 'http', '10.9.0.2', '80');
  await until('the server listens', () => server.stdout().includes('port'));
  const page = await wire.on('left', 'curl', '-sS', `http://10.9.0.2/bytes/5/${SIZE}`).ended;
  assert.deepEqual([page.status, page.bytes, page.sum], [0, SIZE, patternSum(5, SIZE)], page.stderr);
  program.child.kill('SIGINT');
  const ended = await program.ended;
  assert.equal(ended.status, 130, ended.stderr);
  wire.assertClean();

  const document = documentOf(ended);
  const { leftToRight, rightToLeft } = document;
  assert.deepEqual([document.verb, document.seed, document.ended], ['wire', 42, 'SIGINT']);
  assert.deepEqual(document.right, {
    device: 'wire0',
    netns: wire.netns('right'),
    addresses: ['10.9.0.2/24'],
  });
  assert.ok(rightToLeft.bytesOut > SIZE, 'the page came from the right');
  assert.ok(rightToLeft.drops.loss! > 0, 'and lost packets on the way');
  for (const way of [leftToRight, rightToLeft]) {
    assert.equal(way.packetsIn, way.packetsOut + lostOf(way) + way.underway);
  }
  const { frames, sent, malformed } = await judge(capture);
  assert.equal(frames, leftToRight.packetsIn + rightToLeft.packetsOut, 'the capture is that of the left end');
  assert.equal(sent.size, leftToRight.packetsIn, 'and so are its directions');
  assert.deepEqual(malformed, []);
});

/** Sequence numbers of the echo requests that were answered. */
function answered(stdout: string): number[] {
  return [...stdout.matchAll(/icmp_seq=(\d+) ttl/g)].map((match) => Number(match[1]));
}

test('the delays of both directions add up, and the same seed loses the same packets', {
  skip,
}, async (t) => {
  const ping = ['ping', '-c', '200', '-i', '0.005', '-W', '1', '10.9.0.2'];
  const runs: number[][] = [];
  for (const seed of ['3', '3', '4']) {
    const wire = new TestWire(t);
    const words = ['--delay', '5ms,10ms', '--loss', '10%', '--burst', '5%:3', '--seed', seed];
    const program = await wire.start(...words, '--seconds', '3600');
    const { stdout } = await wire.on('left', ...ping).ended;
    const best = Number(/^rtt min\/avg\/max\/mdev = ([\d.]+)/m.exec(stdout)?.[1]);
    assert.ok(best >= 15, `the best round trip took ${best} ms`);
    runs.push(answered(stdout));
    program.child.kill('SIGTERM');
    assert.equal((await program.ended).status, 143);
    wire.assertClean();
  }
  assert.ok(runs[0]!.length < 190 && runs[0]!.length > 90, `${runs[0]!.length} answered`);
  assert.deepEqual(runs[1], runs[0]);
  assert.notDeepEqual(runs[2], runs[0]);
});

test('--seconds: it ends by itself with 0, and nothing is left', { skip }, async (t) => {
  const wire = new TestWire(t);
  const ended = await (await wire.start('--seconds', '0.3', '--json')).ended;
  assert.equal(ended.status, 0, ended.stderr);
  const { ended: cause, seconds, leftToRight } = documentOf(ended);
  assert.equal(cause, 'time');
  assert.ok(seconds >= 0.3);
  const none = { packetsIn: 0, bytesIn: 0, packetsOut: 0, bytesOut: 0, drops: {}, acts: {}, underway: 0 };
  assert.deepEqual(leftToRight, none);
  wire.assertClean();
});

test('SIGKILL: `clean` removes both namespaces', { skip }, async (t) => {
  const wire = new TestWire(t);
  const program = await wire.start();
  assert.match((await wire.bench.run('clean')).stderr, /nothing to remove/);
  program.child.kill('SIGKILL');
  await program.ended;
  assert.ok(existsSync(`/run/netns/${wire.netns('left')}`));
  const { removed } = JSON.parse((await wire.bench.run('clean', '--json')).stdout) as { removed: string[] };
  assert.deepEqual(removed.sort(), [`namespace ${wire.netns('left')}`, `namespace ${wire.netns('right')}`]);
  wire.assertClean();
});

test('a namespace and a device of somebody else are used as they are, and stay', { skip }, async (t) => {
  const wire = new TestWire(t);
  const { lab } = wire.bench;
  const ip = (...argv: string[]) => assert.equal(spawnSync('ip', ['-n', lab.netns, ...argv]).status, 0);
  ip('tuntap', 'add', 'dev', 'mine', 'mode', 'tun');
  ip('addr', 'add', '10.9.0.77/24', 'dev', 'mine');
  // No router solicitations: the packets are counted.
  ip('link', 'set', 'dev', 'mine', 'addrgenmode', 'none');
  ip('link', 'set', 'dev', 'mine', 'mtu', '1400', 'up');
  const program = await wire.start('--left', `mine@${lab.netns}`, '--json');
  assert.match(program.stderr(), /the MTUs differ: 1400 left, 1500 right/);
  const pinged = await lab.run(['ping', '-c', '3', '-i', '0.1', '-W', '5', '10.9.0.2']);
  assert.equal(pinged.status, 0, pinged.stdout);
  program.child.kill('SIGINT');
  const ended = await program.ended;
  assert.equal(documentOf(ended).leftToRight.packetsOut, 3);
  wire.assertClean();
  assert.match((await lab.run(['ip', 'addr', 'show', 'dev', 'mine'])).stdout, /inet 10\.9\.0\.77\/24/);
});

test('a device that disappears ends the wire with 3, in order', { skip }, async (t) => {
  const wire = new TestWire(t);
  const program = await wire.start('--json');
  spawnSync('ip', ['-n', wire.netns('right'), 'link', 'del', 'wire0']);
  const ended = await program.ended;
  assert.equal(ended.status, 3);
  assert.match(ended.stderr, /TUN device wire0 was deleted/);
  assert.equal(documentOf(ended).ended, 'failure');
  wire.assertClean();
});

test('what the kernel could not queue for the wire is counted', { skip }, async (t) => {
  const wire = new TestWire(t);
  const program = await wire.start('--json');
  assert.equal(
    spawnSync('ip', ['-n', wire.netns('left'), 'link', 'set', 'wire0', 'txqueuelen', '2']).status,
    0,
  );
  // Stopped, the wire reads nothing, and the kernel's queue in front of it overflows.
  program.child.kill('SIGSTOP');
  const flood = await wire.on('left', 'ping', '-c', '50', '-i', '0.002', '-W', '1', '10.9.0.2').ended;
  assert.match(flood.stdout, /50 packets transmitted/);
  program.child.kill('SIGCONT');
  // One that comes through has all those behind it that were queued; until the wire runs again there is no room for it.
  const ask = () => wire.on('left', 'ping', '-c', '1', '-W', '1', '10.9.0.2').ended;
  let sent = 51;
  while ((await ask()).status !== 0 && sent < 60) sent++;
  program.child.kill('SIGINT');
  const { leftToRight } = documentOf(await program.ended);
  assert.ok(leftToRight.drops['device-queue']! > 0, JSON.stringify(leftToRight));
  assert.equal(leftToRight.packetsIn + leftToRight.drops['device-queue']!, sent);
});

test('without the right to make devices, the wire is laid inside a user namespace', { skip }, async (t) => {
  const wire = new TestWire(t);
  const { bench } = wire;
  const drop = ['setpriv', '--inh-caps=-net_admin,-sys_admin', '--bounding-set=-net_admin,-sys_admin'];
  const program = bench.lab.startOutside([...drop, ...bench.words(['wire', '--json'])]);
  await until(
    'it carries packets, or not',
    () => /in another terminal/.test(program.stderr()) || program.child.exitCode !== null,
  );
  if (program.child.exitCode !== null) {
    assert.match(program.stderr(), /no user namespace either/);
    t.skip('this machine allows no user namespaces');
    return;
  }
  const [, netns = ''] = /synwave sh --netns (\S+) -- ping 10\.9\.0\.2/.exec(program.stderr()) ?? [];
  assert.equal(netns, wire.netns('left'));
  assert.equal(existsSync(`/run/netns/${netns}`), false, 'the name exists only inside');
  const [verb, ...rest] = bench.words(['sh', '--', 'ping', '-c', '2', '-i', '0.1', '-W', '5', '10.9.0.2']);
  const words = [verb!, ...rest].map((word) => (word === bench.netns ? netns : word));
  const pinged = await bench.lab.startOutside(words).ended;
  assert.equal(pinged.status, 0, pinged.stderr);
  program.child.kill('SIGINT');
  assert.equal((await program.ended).status, 130);
  assert.deepEqual(bench.claimed, []);
});
