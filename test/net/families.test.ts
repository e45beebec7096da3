// Both address families, and what listening on every address means.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as nodeNet from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import type { AddressInfo } from '../../src/net/addresses.js';
import type { Net } from '../../src/net/net.js';
import type { ListenArguments } from '../../src/net/options.js';
import type { Server } from '../../src/net/server.js';
import type { Socket } from '../../src/net/socket.js';
import { joinStacks } from './stack-pair.js';

const dual = joinStacks(['10.9.0.1/24', 'fd00:9::1/64'], ['10.9.0.2/24', 'fd00:9::2/64']);
const timed = { timeout: 20_000 };

async function listen(net: Net, options: ListenArguments): Promise<Server> {
  const server = net.createServer().listen(options);
  await once(server, 'listening');
  return server;
}

async function reach(server: Server, host: string): Promise<[Socket, Socket]> {
  const accepted = once(server, 'connection');
  const socket = dual.client.net.connect({ host, port: server.address()!.port });
  await once(socket, 'connect');
  const [peer] = (await accepted) as [Socket];
  socket.on('error', () => {});
  peer.on('error', () => {});
  return [socket, peer];
}

test('IPv6 from end to end', timed, async () => {
  const server = await listen(dual.server.net, { port: 0, host: 'fd00:9::1' });
  assert.deepEqual(server.address(), { address: 'fd00:9::1', family: 'IPv6', port: server.address()!.port });
  const [socket, peer] = await reach(server, 'fd00:9::1');
  assert.equal(socket.remoteFamily, 'IPv6');
  assert.equal(socket.localAddress, 'fd00:9::2');
  assert.equal(peer.remoteAddress, 'fd00:9::2');
  socket.write('six');
  assert.equal(String((await once(peer, 'data'))[0]), 'six');
  peer.destroy();
  socket.destroy();
  server.close();
});

test('without a host a dual stack listens on :: and shows IPv4 peers in mapped form', timed, async () => {
  const server = await listen(dual.server.net, { port: 0 });
  assert.equal((server.address() as AddressInfo).address, '::');
  assert.equal((server.address() as AddressInfo).family, 'IPv6');
  const [four, fourPeer] = await reach(server, '10.9.0.1');
  assert.equal(fourPeer.remoteAddress, '::ffff:10.9.0.2');
  assert.equal(fourPeer.remoteFamily, 'IPv6');
  assert.equal(fourPeer.localAddress, '::ffff:10.9.0.1');
  const [six, sixPeer] = await reach(server, 'fd00:9::1');
  assert.equal(sixPeer.remoteAddress, 'fd00:9::2');
  for (const socket of [four, fourPeer, six, sixPeer]) socket.destroy();
  server.close();
});

test('0.0.0.0 does not serve IPv6, ipv6Only does not serve IPv4', timed, async () => {
  for (const [options, host] of [
    [{ host: '0.0.0.0' }, 'fd00:9::1'],
    [{ host: '::', ipv6Only: true }, '10.9.0.1'],
  ] as const) {
    const server = await listen(dual.server.net, { port: 0, ...options });
    let connections = 0;
    server.on('connection', () => connections++);
    const socket = dual.client.net.connect({ host, port: server.address()!.port });
    const [error] = await once(socket, 'error');
    assert.equal(error.code, 'ECONNREFUSED', 'at its SYN, not after the handshake');
    assert.equal(connections, 0);
    server.close();
  }
});

/** Listens in two places on one port: the code of the second's error, or null. */
async function listenTwice(
  net: Pick<typeof nodeNet, 'createServer'>,
  first: nodeNet.ListenOptions,
  second: nodeNet.ListenOptions,
): Promise<string | null> {
  const one = net.createServer();
  one.listen({ ...first, port: 0 });
  await once(one, 'listening');
  const { port } = one.address() as AddressInfo;
  const other = net.createServer();
  other.listen({ ...second, port });
  const code = await once(other, 'listening').then(
    () => null,
    (error) => error.code as string,
  );
  one.close();
  other.close();
  return code;
}

test('EADDRINUSE between families, as the host decides', timed, async () => {
  const hosts = { node: ['127.0.0.1', '::1'], ours: ['10.9.0.1', 'fd00:9::1'] } as const;
  const hasIpv6 = Object.values(networkInterfaces()).some((own) =>
    own?.some(({ family }) => family === 'IPv6'),
  );
  const places = (family4: string, family6: string): Record<string, nodeNet.ListenOptions> => ({
    both: { host: '::' },
    any4: { host: '0.0.0.0' },
    any6: { host: '::', ipv6Only: true },
    one4: { host: family4 },
    one6: { host: family6 },
  });
  const beside = new Set(['any4 any6', 'any4 one6', 'any6 one4', 'one4 one6']);
  const net = dual.server.net as unknown as Pick<typeof nodeNet, 'createServer'>;
  for (const first of Object.keys(places('', ''))) {
    for (const second of Object.keys(places('', ''))) {
      const expected = beside.has([first, second].sort().join(' ')) ? null : 'EADDRINUSE';
      const ours = places(...hosts.ours);
      assert.equal(await listenTwice(net, ours[first]!, ours[second]!), expected, `${first}, ${second}`);
      const theirs = places(...hosts.node);
      if (!hasIpv6) continue;
      const host = await listenTwice(nodeNet, theirs[first]!, theirs[second]!);
      assert.equal(host, expected, `node:net: ${first}, ${second}`);
    }
  }
});

test('a stack without IPv6 listens on 0.0.0.0', timed, async () => {
  const single = joinStacks(['10.8.0.1/24'], ['10.8.0.2/24']);
  const server = await listen(single.server.net, { port: 0 });
  assert.deepEqual(server.address(), { address: '0.0.0.0', family: 'IPv4', port: server.address()!.port });
  server.close();
});

test('a family that the stack does not have is an error of connect', timed, async () => {
  const single = joinStacks(['10.8.0.1/24'], ['10.8.0.2/24']);
  const socket = single.client.net.connect({ host: 'fd00:9::1', port: 80 });
  const [error] = await once(socket, 'error');
  assert.equal(error.code, 'EHOSTUNREACH');
  assert.equal(error.message, 'connect EHOSTUNREACH fd00:9::1:80 - Local (:::0)');
});

test('sockets of the host are refused, with the remedy', () => {
  const { net } = dual.server;
  for (const refused of [
    () => net.connect({ path: '/run/x.sock' }),
    () => net.connect('/run/x.sock'),
    () => net.createServer().listen('/run/x.sock'),
    () => net.createServer().listen({ fd: 3 }),
    () => new net.Socket({ fd: 3 } as never),
  ]) {
    assert.throws(refused, { code: 'ERR_INVALID_ARG_VALUE' });
  }
});
