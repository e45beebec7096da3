// TCP_INFO of both ends of one connection: what `ss` tells of the kernel's end must be what we tell of ours, turned round.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Socket, TcpInfo } from '../../src/index.js';
import { patternStream } from './byte-pattern.js';
import { KERNEL, Lab, obstacle, STACK, until } from './lab.js';

const skip = obstacle('ss');
const SIZE = 300_000;

/** One line of `ss -ie`: words, and values by name. */
interface KernelInfo {
  readonly words: readonly string[];
  readonly values: ReadonlyMap<string, string>;
}

/** What the kernel tells of its connection with our port. */
async function kernelInfo(lab: Lab, ourPort: number): Promise<KernelInfo> {
  const { stdout, stderr } = await lab.run(['ss', '-tineHO', `dst ${STACK} and dport = :${ourPort}`]);
  assert.equal(stdout.trim().split('\n').length, 1, `one connection: ${stdout}${stderr}`);
  const words = stdout.trim().split(/\s+/);
  const pairs = words.map((word) => word.split(':')).filter((pair) => pair.length === 2);
  return { words, values: new Map(pairs as [string, string][]) };
}

/**
 * @param opener bytes that the kernel counts for the SYN of an active open
 * @param isJoined the device passes segments on as one
 */
function assertSame(info: TcpInfo, kernel: KernelInfo, opener: number, isJoined: boolean): void {
  const theirs = (name: string) => Number(kernel.values.get(name) ?? 0);
  const { words } = kernel;
  assert.equal(words[0], 'ESTAB');
  assert.equal(info.state, 'ESTABLISHED');
  assert.deepEqual(info.options, {
    timestamps: words.includes('ts'),
    sack: words.includes('sack'),
    windowScale: kernel.values.has('wscale'),
    ecn: words.includes('ecn'),
    synData: words.includes('fastopen'),
  });
  assert.equal(`${info.rcvWscale},${info.sndWscale}`, kernel.values.get('wscale'));
  assert.deepEqual([info.sndMss, info.pmtuBytes], [theirs('mss'), theirs('pmtu')]);
  assert.deepEqual(
    { sent: info.bytesSent - info.bytesRetrans, acked: info.bytesAcked, received: info.bytesReceived },
    { sent: SIZE, acked: SIZE, received: SIZE },
  );
  assert.deepEqual(
    [theirs('bytes_received'), theirs('bytes_sent') - theirs('bytes_retrans'), theirs('bytes_acked')],
    [SIZE, SIZE, SIZE + opener],
  );
  // What comes joined through a device the kernel counts as one, and we as the segments that were meant.
  const seen = theirs('data_segs_in');
  assert.deepEqual(
    [isJoined ? Math.max(seen, info.dataSegsOut) : seen, theirs('data_segs_out')],
    [info.dataSegsOut, info.dataSegsIn],
    'segments with payload',
  );
  assert.deepEqual([info.rcvOooPack, info.unackedBytes], [theirs('rcv_ooopack'), theirs('unacked')]);
}

/** Waits until each end has all of the other's bytes acknowledged. */
async function settled(lab: Lab, socket: Socket, opener: number): Promise<KernelInfo> {
  const port = socket.localPort!;
  let kernel = await kernelInfo(lab, port);
  await until('all is acknowledged both ways', async () => {
    const { bytesAcked, bytesReceived } = socket.tcpInfo()!;
    if (bytesAcked < SIZE || bytesReceived < SIZE) return false;
    kernel = await kernelInfo(lab, port);
    return Number(kernel.values.get('bytes_acked')) === SIZE + opener;
  });
  return kernel;
}

for (const offload of [false, true]) {
  const how = offload ? ', over a device that joins segments' : '';
  test(`our client and a server of the kernel tell the same of their connection${how}`, {
    skip,
  }, async (t) => {
    const lab = Lab.open(t);
    const stack = await lab.stack({ offload });
    const echo = lab.peer('echo', KERNEL, '0');
    await until('the echo listens', () => echo.stdout().includes('\n'));
    const { port } = JSON.parse(echo.stdout()) as { port: number };
    const socket = stack.net.connect({ host: KERNEL, port });
    socket.resume();
    patternStream(31, SIZE).pipe(socket, { end: false });
    await until('the connection stands', () => socket.tcpInfo()?.state === 'ESTABLISHED');
    const kernel = await settled(lab, socket, 0);
    assertSame(socket.tcpInfo()!, kernel, 0, offload);
    socket.destroy();
  });

  test(`our server and a client of the kernel tell the same of their connection${how}`, {
    skip,
  }, async (t) => {
    const lab = Lab.open(t);
    const stack = await lab.stack({ offload });
    const sockets: Socket[] = [];
    const server = stack.net.createServer({ tcp: { windowScale: 5 }, allowHalfOpen: true }, (socket) => {
      sockets.push(socket);
      // Sends as much as comes, but no FIN, so that the connection stays to be looked at.
      socket.pipe(socket, { end: false });
    });
    const port = await stack.listen(server);
    const script = `const s = require('net').connect(${port}, '${STACK}'); s.resume(); s.write(Buffer.alloc(${SIZE}));`;
    lab.start([process.execPath, '-e', script]);
    await until('the client is here', () => sockets.length === 1);
    const socket = sockets[0]!;
    const kernel = await settled(lab, socket, 1);
    assert.equal(socket.tcpInfo()!.rcvWscale, 5);
    assertSame(socket.tcpInfo()!, kernel, 1, offload);
    socket.destroy();
  });
}
