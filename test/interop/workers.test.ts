// Several stacks on the queues of one TUN device, in worker threads, against the kernel: flows find their stack, also when the
// kernel has forgotten whose they are, and the whole begins, fails and ends as one.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { createStack } from '../../src/index.js';
import { tunLink } from '../../src/link/tun.js';
import { tunQueues } from '../../src/link/tun-queues.js';
import type { Endpoint } from '../../src/stack/endpoint.js';
import { buildTcpPacket } from '../../src/wire/packet.js';
import { ACK } from '../../src/wire/segment.js';
import { type StackWorkersOptions, stackWorkers } from '../../src/workers/stack-workers.js';
import { patternSum } from './byte-pattern.js';
import { Bench } from './command-bench.js';
import { KERNEL, Lab, linesOf, makePatient, obstacle, STACK, until } from './lab.js';
import { DEADLY_PORT, type Done, type Order, seedOf } from './worker-module.js';

const skip = obstacle('nc');
const MODULE = new URL('./worker-module.js', import.meta.url);
const ADDRESSES = [`${STACK}/24`];

async function open(lab: Lab, options: Partial<StackWorkersOptions> & { data?: Order } = {}) {
  const workers = await stackWorkers({
    module: MODULE,
    workers: 2,
    addresses: ADDRESSES,
    link: { name: 'many0', netns: lab.netns, hostAddress: `${KERNEL}/24` },
    data: {},
    ...options,
  });
  makePatient(lab.netns, 'many0', [KERNEL]);
  return workers;
}

const devices = (lab: Lab) => spawnSync('ip', ['-n', lab.netns, '-br', 'link'], { encoding: 'utf8' }).stdout;

test('connections of the kernel are spread over two workers, and every byte of each comes back', {
  skip,
}, async (t) => {
  const lab = Lab.open(t);
  const workers = await open(lab);
  t.after(() => workers.close());
  const { port } = await workers.listen({ port: 0, allowHalfOpen: true });
  const size = 200_000;
  const served = async () => (await workers.metrics()).map(({ service }) => (service as Done).served);
  let count = 0;
  // The kernel throws a coin for each connection: as many as it takes until both have had some.
  do {
    const wave = Array.from({ length: 6 }, () => ++count);
    const sums = wave.map(async (seed) => {
      const client = lab.peer('client', STACK, String(port), String(size), String(seed));
      assert.deepEqual(linesOf(await client.ended.then(() => client)), [
        { bytes: size, sum: patternSum(seed, size), error: null },
      ]);
    });
    await Promise.all(sums);
  } while ((await served()).some((n) => n === 0));
  assert.equal(
    (await served()).reduce((sum, n) => sum + n),
    count,
  );
  const ends = await workers.close();
  assert.deepEqual(
    ends.map(({ worker }) => worker),
    [1, 2],
  );
  assert.ok(ends.every(({ stats }) => stats.tcp.estabResets === 0));
  assert.doesNotMatch(devices(lab), /many0/);
});

test('connections that workers open get their answers, from ports that no two share', { skip }, async (t) => {
  const lab = Lab.open(t);
  const echo = lab.peer('echo', '0.0.0.0', '4007');
  await until('the kernel listens', () => echo.stdout() !== '');
  const outward = { host: KERNEL, port: 4007, connections: 8, size: 100_000 };
  const workers = await open(lab, { data: { outward } });
  t.after(() => workers.close());
  const done = async () => (await workers.metrics()).map(({ service }) => service as Done);
  await until('all have ended', async () => (await done()).every(({ reports }) => reports.length === 8));
  for (const [i, { reports, localPorts }] of (await done()).entries()) {
    const sums = Array.from({ length: 8 }, (_, n) => patternSum(seedOf(i + 1, n), outward.size));
    assert.deepEqual(reports.map(({ sum }) => sum).sort(), sums.sort());
    assert.ok(
      localPorts.every((port) => port < 46_884 === (i === 0)),
      localPorts.join(),
    );
  }
});

test('a flow that the kernel steers to the wrong queue goes on: its packets find its stack', {
  skip,
}, async (t) => {
  const lab = Lab.open(t);
  const queues = await tunQueues({ name: 'many1', netns: lab.netns, hostAddress: `${KERNEL}/24` });
  t.after(() => queues.close());
  const links = [await tunLink(queues.queue), await tunLink(queues.queue)] as const;
  const stacks: Awaited<ReturnType<typeof createStack>>[] = [];
  for (const [home, link] of links.entries()) {
    const show = (packet: Uint8Array, hint: number) => {
      const copy = packet.slice();
      setImmediate(() => {
        if (!stacks[1 - home]!.core.takeStray(copy, hint, false))
          stacks[home]!.core.takeStray(copy, hint, true);
      });
    };
    stacks.push(await createStack({ link, addresses: ADDRESSES, siblings: { show } }));
  }
  t.after(() => Promise.all(stacks.map((stack) => stack.close())));
  makePatient(lab.netns, 'many1', [KERNEL]);
  const lines: string[] = [];
  for (const { net } of stacks) {
    const server = net.createServer((socket) => {
      socket.on('data', (chunk) => {
        lines.push(String(chunk));
        socket.write(chunk);
      });
    });
    await new Promise<void>((resolve) => server.listen(7, resolve));
  }
  const words = new PassThrough();
  const nc = lab.start(['nc', STACK, '7'], words);
  words.write('one\n');
  await until('the first word is back', () => nc.stdout() === 'one\n');
  const owner = stacks.findIndex(({ core }) => core.connectionCount > 0);
  const [{ connection }] = [...stacks[owner]!.connections()] as [Endpoint];
  const { tuple, snd, rcv } = connection;
  // The other queue sends a segment of that flow, of which the kernel's connection takes no note: an old duplicate.
  const duplicate = buildTcpPacket({
    source: tuple.local,
    sourcePort: tuple.localPort,
    destination: tuple.remote,
    destinationPort: tuple.remotePort,
    flags: ACK,
    seq: snd.nxt,
    ack: rcv.nxt,
    wnd: 500,
  });
  const wrong = links[1 - owner]!;
  wrong.send(wrong.packetIds.next(), duplicate, 0, duplicate.length, null);
  wrong.flush();
  words.write('two\n');
  await until('the second word is back', () => nc.stdout() === 'one\ntwo\n');
  assert.deepEqual(lines, ['one\n', 'two\n']);
  assert.ok(stacks[owner]!.stats.ip.straysTaken > 0, 'it came by the wrong queue');
  assert.equal(stacks[1 - owner]!.stats.tcp.outRsts, 0);
});

test('a worker that dies is reported; the kernel’s connections to it are reset, and new ones served by the others', {
  skip,
}, async (t) => {
  const lab = Lab.open(t);
  const told: number[] = [];
  const workers = await open(lab, { onFailure: ({ worker }) => void told.push(worker) });
  t.after(() => workers.close());
  await workers.listen({ port: 7, allowHalfOpen: true });
  await workers.listen({ port: DEADLY_PORT });
  const input = new PassThrough();
  const orphan = lab.start(['nc', STACK, String(DEADLY_PORT)], input);
  const { worker, error } = await workers.failed;
  // Nobody tells the kernel, until it sends something.
  input.write('x');
  await orphan.ended;
  assert.match(error.message, /a deadly connection/);
  assert.deepEqual(told, [worker]);
  const alive = 3 - worker;
  assert.deepEqual(workers.alive, [alive]);
  const echoed = await lab.run(['nc', '-N', STACK, '7'], 'still here');
  assert.equal(echoed.stdout, 'still here');
  assert.deepEqual(
    (await workers.metrics()).map((each) => each.worker),
    [alive],
  );
  await workers.close();
  assert.doesNotMatch(devices(lab), /many0/);
});

test('what keeps workers from starting is said, and leaves nothing behind', { skip }, async (t) => {
  const lab = Lab.open(t);
  await assert.rejects(open(lab, { data: { unable: 2 } }), { code: 'ETODAY', message: 'not today' });
  await assert.rejects(open(lab, { addresses: ['10.9.0.2/33'] }), { code: 'EINVAL' });
  await assert.rejects(open(lab, { workers: 0 }), { code: 'ERR_OUT_OF_RANGE', message: /1 to 255/ });
  await assert.rejects(open(lab, { workers: 256 }), { code: 'ERR_OUT_OF_RANGE' });
  assert.doesNotMatch(devices(lab), /many0/);
  spawnSync('ip', ['-n', lab.netns, 'tuntap', 'add', 'mode', 'tun', 'name', 'many0']);
  await assert.rejects(open(lab), {
    code: 'EINVAL',
    message: /has only one.*ip tuntap add mode tun multi_queue name many0/,
  });
  spawnSync('ip', ['-n', lab.netns, 'link', 'del', 'many0']);
  const workers = await open(lab);
  const busy = { code: 'EBUSY', message: /many0 is already open in this process/ };
  await assert.rejects(open(lab), busy);
  await assert.rejects(workers.listen({ port: 7, host: '10.9.0.9' }), { code: 'EADDRNOTAVAIL' });
  await workers.listen({ port: 7 });
  await assert.rejects(workers.listen({ port: 7 }), { code: 'EADDRINUSE' });
  await workers.close();
});

test('a device that is deleted under the workers is reported', { skip }, async (t) => {
  const lab = Lab.open(t);
  const workers = await open(lab);
  t.after(() => workers.close());
  spawnSync('ip', ['-n', lab.netns, 'link', 'del', 'many0']);
  assert.match((await workers.failed).error.message, /many0 was deleted/);
});

test('a persistent device with queues is used as it is, and stays', { skip }, async (t) => {
  const lab = Lab.open(t);
  const ip = (...words: string[]) => assert.equal(spawnSync('ip', ['-n', lab.netns, ...words]).status, 0);
  ip('tuntap', 'add', 'mode', 'tun', 'multi_queue', 'name', 'many0');
  ip('address', 'add', `${KERNEL}/24`, 'dev', 'many0');
  ip('link', 'set', 'many0', 'up');
  const workers = await open(lab);
  await workers.listen({ port: 7, allowHalfOpen: true });
  assert.equal((await lab.run(['nc', '-N', STACK, '7'], 'hello')).stdout, 'hello');
  await workers.close();
  assert.match(devices(lab), /many0/);
});

test('serve --workers: served by several, one log and one document, and gone after SIGINT', {
  skip,
}, async (t) => {
  const bench = new Bench(Lab.open(t));
  const log = bench.lab.file('run.log');
  const capture = bench.lab.file('run.pcapng');
  const words = ['--echo', '7', '--workers', '2', '--json', '--log', log, '-w', capture];
  const serving = await bench.serving('serve', ...words);
  const count = 20;
  for (let i = 0; i < count; i++) {
    const script = `echo line ${i} | nc -N ${STACK} 7`;
    assert.equal((await bench.run('sh', '--', 'sh', '-c', script)).stdout, `line ${i}\n`);
  }
  serving.child.kill('SIGINT');
  const { status, stdout, stderr } = await serving.ended;
  assert.equal(status, 130, stderr);
  const document = JSON.parse(stdout) as {
    connections: number;
    bytesIn: number;
    workers: { connections: number }[];
  };
  assert.equal(document.connections, count);
  assert.equal(document.workers.length, 2);
  assert.equal(document.workers[0]!.connections + document.workers[1]!.connections, count);
  const records = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { worker: number });
  assert.deepEqual(new Set(records.map(({ worker }) => worker)), new Set([1, 2]));
  for (const n of [1, 2]) assert.ok(readFileSync(bench.lab.file(`run-${n}.pcapng`)).length > 0);
  bench.assertClean();
});
