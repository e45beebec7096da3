// `node:net` on the kernel against `net` on our stack, each in each role, and ports where nobody listens.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patternStream, patternSum, sumOf } from './byte-pattern.js';
import { ANY, assertJudged } from './judge.js';
import type { PeerReport } from './kernel-peer.js';
import { KERNEL, KERNEL_V6, Lab, linesOf, obstacle, type Program, STACK, STACK_V6, until } from './lab.js';

const skip = obstacle('tshark');
const SIZE = 5_000_000;
const FLOW_CONTROL = { window_full: ANY, window_update: ANY, zero_window: ANY };

async function portOf(program: Program): Promise<number> {
  await until('the peer listens', () => linesOf(program).length > 0);
  return linesOf<{ port: number }>(program)[0]!.port;
}

for (const [family, ours, theirs] of [
  ['IPv4', STACK, KERNEL],
  ['IPv6', STACK_V6, KERNEL_V6],
] as const) {
  test(`node:net client, our server, both sending 5 MB at once over ${family}`, { skip }, async (t) => {
    const lab = Lab.open(t);
    const stack = await lab.stack({ capture: 'server.pcapng' });
    const heard: unknown[] = [];
    const server = stack.net.createServer({ allowHalfOpen: true }, async (socket) => {
      patternStream(21, SIZE).pipe(socket);
      heard.push(await sumOf(socket));
    });
    const port = await stack.listen(server);
    const result = await lab.peer('client', ours, String(port), String(SIZE), '22').ended;
    const report = JSON.parse(result.stdout) as PeerReport;
    assert.deepEqual(report, { bytes: SIZE, sum: patternSum(21, SIZE), error: null });
    await until('the server has heard all', () => heard.length > 0);
    assert.deepEqual(heard, [{ bytes: SIZE, sum: patternSum(22, SIZE) }]);
    await stack.settled();
    await stack.close();
    await assertJudged(stack.capture!, { allow: FLOW_CONTROL });
  });

  test(`our client, node:net server, both sending 5 MB at once over ${family}`, { skip }, async (t) => {
    const lab = Lab.open(t);
    const stack = await lab.stack({ capture: 'client.pcapng' });
    const peer = lab.peer('server', theirs, '0', String(SIZE), '24');
    const port = await portOf(peer);
    const socket = stack.net.connect({ host: theirs, port, allowHalfOpen: true });
    patternStream(23, SIZE).pipe(socket);
    assert.deepEqual(await sumOf(socket), { bytes: SIZE, sum: patternSum(24, SIZE) });
    await peer.ended;
    assert.deepEqual(linesOf(peer)[1], { bytes: SIZE, sum: patternSum(23, SIZE), error: null });
    await stack.settled();
    await stack.close();
    await assertJudged(stack.capture!, { allow: FLOW_CONTROL });
  });

  test(`RFC9293 §3.10.7.1: nobody listens on our port, the kernel's client is refused over ${family}`, {
    skip,
  }, async (t) => {
    const lab = Lab.open(t);
    const stack = await lab.stack({ capture: 'refused-by-us.pcapng' });
    const result = await lab.peer('client', ours, '81').ended;
    assert.equal((JSON.parse(result.stdout) as PeerReport).error, 'ECONNREFUSED');
    await stack.close();
    await assertJudged(stack.capture!, { allow: { rst: 1 }, minFrames: 2 });
  });

  test(`RFC9293 §3.10.7.3: nobody listens on the kernel's port, our client is refused over ${family}`, {
    skip,
  }, async (t) => {
    const lab = Lab.open(t);
    const stack = await lab.stack({ capture: 'refused-by-kernel.pcapng' });
    const socket = stack.net.connect({ host: theirs, port: 81 });
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => void socket.once('error', resolve));
    assert.equal(error.code, 'ECONNREFUSED');
    assert.deepEqual(stack.states(), []);
    await stack.close();
    await assertJudged(stack.capture!, { allow: { rst: 1 }, minFrames: 2 });
  });
}

test('RFC9293 MUST-12: our abort reaches the kernel as ECONNRESET, its abort us', { skip }, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack({ capture: 'abort.pcapng' });
  const server = stack.net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.resetAndDestroy());
  });
  const port = await stack.listen(server);
  const result = await lab.peer('client', STACK, String(port), '1000').ended;
  assert.equal((JSON.parse(result.stdout) as PeerReport).error, 'ECONNRESET');

  const peer = lab.peer('echo', KERNEL, '0');
  const socket = stack.net.connect({ host: KERNEL, port: await portOf(peer) });
  await new Promise((resolve) => void socket.once('connect', resolve));
  const failed = new Promise<NodeJS.ErrnoException>((resolve) => void socket.once('error', resolve));
  // Killed with data unread in its socket, the kernel answers by RST instead of FIN.
  peer.child.kill('SIGSTOP');
  socket.write('nobody will read this');
  await until('the kernel has acknowledged it', () => {
    const info = socket.tcpInfo();
    return info !== null && info.unackedBytes === 0 && info.bytesAcked > 0;
  });
  peer.child.kill('SIGKILL');
  assert.equal((await failed).code, 'ECONNRESET');
  await stack.close();
  // The first client's FIN may be on its way when our RST leaves; it is then answered by one more (§3.10.7.1).
  await assertJudged(stack.capture!, { allow: { rst: [2, 3] } });
});
