// Bulk to the kernel over a TUN device without anybody watching: what leaves as one is longer than IP can tell, in one piece to the
// kernel's own address, in parts over IPv6, and arrives as it was.
import assert from 'node:assert/strict';
import { release } from 'node:os';
import { test } from 'node:test';
import { takesLongPackets } from '../../src/link/long-packets.js';
import { tunLink } from '../../src/link/tun.js';
import { patternStream, patternSum } from './byte-pattern.js';
import { KERNEL, KERNEL_V6, Lab, obstacle, STACK, STACK_V6, type StackLink, until } from './lab.js';

const skip = obstacle();
const SIZE = 60_000_000;

for (const [name, host] of [
  ['IPv4', KERNEL],
  ['IPv6', KERNEL_V6],
] as const) {
  test(`${name}: ${SIZE} octets in packets that are longer than IP can tell`, { skip }, async (t) => {
    const lab = Lab.open(t);
    let over: StackLink | null = null;
    const stack = await lab.stack({
      over: async () => {
        const hostAddress = [`${KERNEL}/24`, `${KERNEL_V6}/64`];
        const link = await tunLink({ name: 'long0', netns: lab.netns, hostAddress });
        over = { link, addresses: [`${STACK}/24`, `${STACK_V6}/64`] };
        return over;
      },
    });
    const server = lab.peer('server', host, '0', '0', '1');
    await until('the server listens', () => server.stdout().includes('\n'));
    const { port } = JSON.parse(server.stdout()) as { port: number };
    const socket = stack.net.connect({ host, port, allowHalfOpen: true });
    socket.resume();
    patternStream(43, SIZE).pipe(socket);
    const report = JSON.parse((await server.ended).stdout.split('\n')[1]!) as object;
    assert.deepEqual(report, { bytes: SIZE, sum: patternSum(43, SIZE), error: null });
    const { tcp, ip } = stack.stack.stats;
    assert.equal(tcp.retransSegs, 0);
    const { packetsOut } = over!.link.stats;
    if (name === 'IPv6') assert.ok(packetsOut > ip.outRequests, 'some left in parts');
    else if (takesLongPackets(release())) assert.equal(packetsOut, ip.outRequests, 'all left in one piece');
    await stack.close();
  });
}
