// Fast Open and SYN cookies against the kernel, in both roles, with every option that both offer by themselves.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { Socket } from '../../src/net/socket.js';
import { FastOpenKeys } from '../../src/stack/fast-open-cookies.js';
import type { FastOpenOutcome } from '../../src/tcp/fast-open.js';
import { IpAddress } from '../../src/wire/address.js';
import { KERNEL, KERNEL_V6, Lab, obstacle, STACK, STACK_V6, until } from './lab.js';

const skip = obstacle('python3');
const PORT = 7413;

/** Accepts and answers with what it reads, after the words of a client that ends. */
const KERNEL_SERVER = `
import socket, sys
family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET
server = socket.socket(family)
server.bind((sys.argv[1], ${PORT}))
server.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 16)
server.listen(16)
print('ready', flush=True)
while True:
    conn, _ = server.accept()
    data = b''
    while True:
        more = conn.recv(65536)
        if not more: break
        data += more
    conn.sendall(data)
    conn.close()
`;

/** Opens with its words on the SYN where the kernel has a cookie; says what came back, and whether the SYN's data was taken. */
const KERNEL_CLIENT = `
import socket, sys
family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET
for word in sys.argv[2:]:
    conn = socket.socket(family)
    conn.sendto(word.encode(), socket.MSG_FASTOPEN, (sys.argv[1], ${PORT}))
    conn.shutdown(socket.SHUT_WR)
    data = b''
    while True:
        more = conn.recv(65536)
        if not more: break
        data += more
    info = conn.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    print(data.decode(), bool(info[5] & 32), flush=True)
    conn.close()
`;

for (const [family, kernel, own] of [
  ['IPv4', KERNEL, STACK],
  ['IPv6', KERNEL_V6, STACK_V6],
] as const) {
  test(`our client gets a cookie of the kernel, and sends with its SYN, over ${family}`, {
    skip,
  }, async (t) => {
    const lab = Lab.open(t);
    const { stack, net } = await lab.stack({ config: { fastOpen: true } });
    assert.ok(lab.knob('net.ipv4.tcp_fastopen', '3'));
    // The words of the key as the kernel writes them.
    assert.ok(lab.knob('net.ipv4.tcp_fastopen_key', '03020100-07060504-0b0a0908-0f0e0d0c'));
    const server = lab.start(['python3', '-c', KERNEL_SERVER, kernel]);
    await until('the kernel listens', () => server.stdout().includes('ready'));
    const exchange = async (word: string): Promise<FastOpenOutcome> => {
      const socket = net.connect({ host: kernel, port: PORT, tcp: { fastOpen: true } });
      socket.end(word);
      assert.equal(await text(socket), word);
      return socket.tcpInfo()!.fastOpen;
    };
    assert.equal(await exchange('first'), 'cookie received');
    assert.equal(await exchange('second'), 'accepted');
    assert.equal(await exchange('x'.repeat(100_000)), 'accepted', 'the rest follows');
    const keys = new FastOpenKeys(() => new Uint8Array(0));
    keys.set([Uint8Array.from({ length: 16 }, (_, i) => i)]);
    const expected = keys.make(IpAddress.parse(own)!, IpAddress.parse(kernel)!, 0);
    const shown = [...stack.connections()].map(({ connection }) => connection.fastOpen?.cookie ?? null);
    const cookie = shown.find((each) => each !== null);
    assert.deepEqual(Buffer.from(cookie!), Buffer.from(expected), 'one key makes one cookie, here and there');
  });

  test(`the kernel’s client gets a cookie of ours, and is read before the handshake is over, over ${family}`, {
    skip,
  }, async (t) => {
    const lab = Lab.open(t);
    const { stack, net } = await lab.stack();
    assert.ok(lab.knob('net.ipv4.tcp_fastopen', '1'));
    const outcomes: FastOpenOutcome[] = [];
    const server = net.createServer({ tcp: { fastOpen: true }, allowHalfOpen: true }, (socket: Socket) => {
      outcomes.push(socket.tcpInfo()!.fastOpen);
      socket.pipe(socket);
    });
    server.listen(PORT);
    await once(server, 'listening');
    const { stdout, stderr, status } = await lab.run([
      'python3',
      '-c',
      KERNEL_CLIENT,
      own,
      'one',
      'two',
      'three',
    ]);
    assert.equal(status, 0, stderr);
    assert.equal(stdout, 'one False\ntwo True\nthree True\n');
    assert.deepEqual(outcomes, ['cookie given', 'accepted', 'accepted']);
    assert.equal(stack.stats.tcp.fastOpenPassive, 2);
    server.close();
  });
}

test('the kernel’s client comes through SYN cookies with all of its options', { skip }, async (t) => {
  const lab = Lab.open(t);
  const { stack, net } = await lab.stack({ config: { synCookies: 'always' } });
  const agreed: unknown[] = [];
  const server = net.createServer({ allowHalfOpen: true }, (socket: Socket) => {
    const { options, sndWscale } = socket.tcpInfo()!;
    agreed.push([options.sack, options.timestamps, options.windowScale, sndWscale > 0]);
    socket.pipe(socket);
  });
  server.listen(PORT);
  await once(server, 'listening');
  const long = 'y'.repeat(300_000);
  const { stdout } = await lab.run(['nc', '-N', STACK, String(PORT)], long);
  assert.equal(stdout, long);
  assert.ok(lab.knob('net.ipv4.tcp_timestamps', '0'));
  assert.equal((await lab.run(['nc', '-N', STACK, String(PORT)], long)).stdout, long);
  assert.deepEqual(agreed, [
    [true, true, true, true],
    [false, false, false, false],
  ]);
  assert.equal(stack.stats.tcp.synCookiesRecv, 2);
  server.close();
});
