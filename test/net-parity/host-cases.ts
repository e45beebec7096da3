// Parity of one host that talks to itself: both families, names, and who stands in whose way.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { test } from 'node:test';
import { Case, DEADLINE_MS, type Environment, readAll, recordEvents } from './environment.js';

/** Registers the cases for one environment. */
export function defineHostCases(env: Environment): void {
  const timed = { timeout: DEADLINE_MS };

  const listening = async (c: Case, ...args: unknown[]): Promise<[Server, number]> => {
    const server = c.track(env.server.createServer((socket) => socket.end(String(socket.remoteAddress))));
    server.listen(...(args as [number]));
    await once(server, 'listening');
    return [server, (server.address() as AddressInfo).port];
  };
  const peerAs = async (c: Case, options: object): Promise<string> => {
    const socket = c.adopt(env.client.connect(options as { port: number }));
    return (await readAll(socket)).toString();
  };

  test('the server hears of a connection before the client', timed, async (t) => {
    const c = new Case(env, t);
    const { server, port } = await c.listen();
    const seen = recordEvents(server, ['connection']);
    for (let i = 1; i <= 3; i++) {
      const client = c.connect({ port });
      await new Promise<void>((resolve) => client.once('connect', () => resolve(void seen.push('connect'))));
    }
    assert.deepEqual(seen, ['connection', 'connect', 'connection', 'connect', 'connection', 'connect']);
  });

  test('without a host both families are served', timed, async (t) => {
    const c = new Case(env, t);
    const [server, port] = await listening(c, 0);
    assert.deepEqual(server.address(), { address: '::', family: 'IPv6', port });
    assert.equal(await peerAs(c, { port, host: '127.0.0.1' }), '::ffff:127.0.0.1');
    assert.equal(await peerAs(c, { port, host: '::1' }), '::1');
    assert.equal(await peerAs(c, { port, host: '127.8.9.10' }), '::ffff:127.0.0.1');
  });

  test('ipv6Only leaves IPv4 alone', timed, async (t) => {
    const c = new Case(env, t);
    const [, port] = await listening(c, { port: 0, host: '::', ipv6Only: true });
    assert.equal(await peerAs(c, { port, host: '::1' }), '::1');
    const refused = c.adopt(env.client.connect({ port, host: '127.0.0.1' }));
    const [error] = await once(refused, 'error');
    assert.equal(error.message, `connect ECONNREFUSED 127.0.0.1:${port}`);
    const [, same] = await listening(c, { port, host: '0.0.0.0' });
    assert.equal(same, port);
  });

  test('::1 is IPv6, with its family and addresses', timed, async (t) => {
    const c = new Case(env, t);
    const [server, port] = await listening(c, 0, '::1');
    assert.deepEqual(server.address(), { address: '::1', family: 'IPv6', port });
    const socket = c.adopt(env.client.connect(port, '::1'));
    await once(socket, 'connect');
    assert.deepEqual(
      [socket.remoteAddress, socket.remoteFamily, socket.localAddress, socket.localFamily],
      ['::1', 'IPv6', '::1', 'IPv6'],
    );
    const refused = c.adopt(env.client.connect(port, '127.0.0.1'));
    assert.equal((await once(refused, 'error'))[0].code, 'ECONNREFUSED');
  });

  test('localhost finds a server on either family', timed, async (t) => {
    const c = new Case(env, t);
    const lookup = (_host: string, options: { all?: boolean }, callback: (...args: unknown[]) => void) => {
      const both = [
        { address: '::1', family: 6 },
        { address: '127.0.0.1', family: 4 },
      ];
      if (options.all) setImmediate(callback, null, both);
      else setImmediate(callback, null, '::1', 6);
    };
    for (const host of ['127.0.0.1', '::1']) {
      const [, port] = await listening(c, 0, host);
      assert.equal(await peerAs(c, { port, host: 'localhost', lookup }), host);
    }
    const [, port] = await listening(c, 0, 'localhost');
    assert.ok(['127.0.0.1', '::1'].includes(await peerAs(c, { port, host: 'localhost' })));
  });

  test('the unspecified address is this host', timed, async (t) => {
    const c = new Case(env, t);
    const [, port] = await listening(c, 0);
    for (const [host, peer] of [
      ['0.0.0.0', '127.0.0.1'],
      ['::', '::1'],
    ] as const) {
      const socket = c.adopt(env.client.connect(port, host));
      await once(socket, 'connect');
      assert.deepEqual([socket.remoteAddress, socket.localAddress], [peer, peer]);
    }
    const nobody = c.adopt(env.client.connect(1, '0.0.0.0'));
    const [error] = await once(nobody, 'error');
    assert.equal(error.message, 'connect ECONNREFUSED 0.0.0.0:1');
  });

  test('an IPv4-mapped address reaches the IPv4 server', timed, async (t) => {
    const c = new Case(env, t);
    const [, port] = await listening(c, 0);
    assert.equal(await peerAs(c, { port, host: '::ffff:127.0.0.1' }), '::ffff:127.0.0.1');
  });

  test('EADDRINUSE of :: and of 0.0.0.0 on one port', timed, async (t) => {
    const c = new Case(env, t);
    const [, port] = await listening(c, 0);
    for (const [host, shown] of [
      [undefined, '::'],
      ['0.0.0.0', '0.0.0.0'],
      ['127.0.0.1', '127.0.0.1'],
      ['::1', '::1'],
    ]) {
      const second = c.track(env.server.createServer());
      second.listen({ port, host });
      const [error] = await once(second, 'error');
      assert.equal(error.message, `listen EADDRINUSE: address already in use ${shown}:${port}`);
      assert.deepEqual(
        { ...error },
        { code: 'EADDRINUSE', errno: -98, syscall: 'listen', address: shown, port },
      );
    }
  });

  test('two servers on two addresses share a port', timed, async (t) => {
    const c = new Case(env, t);
    const [, port] = await listening(c, 0, env.address);
    const [, other] = await listening(c, port, env.otherAddress);
    assert.equal(other, port);
    assert.equal(await peerAs(c, { port, host: env.otherAddress }), env.address);
  });

  test('a socket bound to a port on which somebody listens', timed, async (t) => {
    const c = new Case(env, t);
    const [, busy] = await listening(c, 0, '127.0.0.1');
    const [, port] = await listening(c, 0, '127.0.0.1');
    const client = c.adopt(
      env.client.connect({ port, host: '127.0.0.1', localAddress: '127.0.0.1', localPort: busy }),
    );
    const [error] = await once(client, 'error');
    assert.deepEqual(
      { ...error, message: error.message },
      {
        code: 'EADDRINUSE',
        errno: -98,
        syscall: 'bind',
        address: '127.0.0.1',
        port: busy,
        message: `bind EADDRINUSE 127.0.0.1:${busy}`,
      },
    );
  });

  test('two connections cannot have one pair of ends', timed, async (t) => {
    const c = new Case(env, t);
    const [, port] = await listening(c, 0, '127.0.0.1');
    const first = c.adopt(env.client.connect(port, '127.0.0.1'));
    await once(first, 'connect');
    const second = c.adopt(
      env.client.connect({ port, host: '127.0.0.1', localAddress: '127.0.0.1', localPort: first.localPort! }),
    );
    const [error] = await once(second, 'error');
    assert.match(error.code, /^EADDR(INUSE|NOTAVAIL)$/);
  });
}
