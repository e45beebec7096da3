// Parity of `BoundSocket`, which came with Node 24: ends that are bound first and adopted later.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { test } from 'node:test';
import { Case, DEADLINE_MS, type Environment, readAll, recordEvents } from './environment.js';

/** As newer versions have it. */
interface Bound {
  address(): AddressInfo;
  fd(): number;
  close(): void;
  readonly isPipe: boolean;
  [Symbol.dispose](): void;
}

type Kind = new (options?: unknown) => Bound;

const ADOPTED = {
  code: 'ERR_SOCKET_HANDLE_ADOPTED',
  message: 'The bound socket has already been adopted by a server or socket',
};

/** Registers the cases for one environment whose modules have it. */
export function defineBoundCases(env: Environment): void {
  const timed = { timeout: DEADLINE_MS };
  const kindOf = (module: object) => (module as { BoundSocket: Kind }).BoundSocket;
  const Bound = kindOf(env.server);
  const ClientBound = kindOf(env.client);
  const listenOn = (server: Server, ...args: unknown[]) => server.listen(...(args as [number]));
  const socketFrom = (handle: Bound) => new env.client.Socket({ handle } as object);

  test('a bound socket has its port at once, and nobody else is given that', timed, async (t) => {
    const c = new Case(env, t);
    const bound = new Bound({ host: env.address });
    const { port } = bound.address();
    assert.ok(port > 0);
    assert.deepEqual(bound.address(), { address: env.address, family: 'IPv4', port });
    assert.deepEqual([typeof bound.fd(), bound.isPipe], ['number', false]);
    const refused = c.connect({ port });
    assert.equal((await once(refused, 'error'))[0].code, 'ECONNREFUSED');
    bound.close();
  });

  test('the defaults of a bound socket', timed, () => {
    for (const [options, address, family] of [
      [undefined, '0.0.0.0', 'IPv4'],
      [{}, '0.0.0.0', 'IPv4'],
      [{ host: null, port: '0' }, '0.0.0.0', 'IPv4'],
      ...(env.isOneHost ? ([[{ ipv6Only: true }, '::', 'IPv6']] as const) : []),
    ] as const) {
      const bound = new Bound(options);
      const { port } = bound.address();
      assert.deepEqual(bound.address(), { address, family, port });
      bound.close();
    }
  });

  test('a server adopts it, in all signatures', timed, async (t) => {
    const c = new Case(env, t);
    const adoptions: ((server: Server, bound: Bound, callback: () => void) => Server)[] = [
      (server, bound, callback) => listenOn(server, bound, callback),
      (server, bound, callback) => listenOn(server, bound, 5, callback),
      (server, bound, callback) => listenOn(server, { handle: bound }, callback),
    ];
    for (const adopt of adoptions) {
      const bound = new Bound({ host: env.address });
      const { port } = bound.address();
      const server = c.track(env.server.createServer((socket) => socket.end('served')));
      let called = 0;
      assert.equal(
        adopt(server, bound, () => called++),
        server,
      );
      assert.deepEqual(server.address(), { address: env.address, family: 'IPv4', port });
      assert.equal((server as unknown as { _connectionKey: string })._connectionKey, '-1:null:-1');
      await once(server, 'listening');
      assert.equal(called, 1);
      assert.equal((await readAll(c.connect({ port }))).toString(), 'served');
    }
  });

  test('what was adopted or closed is nobody’s any more', timed, async (t) => {
    const c = new Case(env, t);
    const bound = new Bound({ host: env.address });
    listenOn(c.track(env.server.createServer()), bound);
    const closed = new Bound({ host: env.address });
    const { port } = closed.address();
    closed.close();
    const disposed = new Bound({ host: env.address });
    disposed[Symbol.dispose]();
    for (const gone of [bound, closed, disposed]) {
      assert.throws(() => gone.address(), ADOPTED);
      assert.throws(() => gone.fd(), ADOPTED);
      assert.throws(() => gone.close(), ADOPTED);
      assert.throws(() => listenOn(env.server.createServer(), gone), ADOPTED);
      assert.throws(() => new env.server.Socket({ handle: gone } as object), ADOPTED);
      assert.equal(gone[Symbol.dispose](), undefined);
    }
    const again = new Bound({ host: env.address, port });
    assert.equal(again.address().port, port);
    again.close();
  });

  test('two may bind one port, and the first that listens has it', timed, async (t) => {
    const c = new Case(env, t);
    const first = new Bound({ host: env.address });
    const { port } = first.address();
    const second = new Bound({ host: env.address, port });
    listenOn(c.track(env.server.createServer()), first);
    const late = c.track(env.server.createServer());
    listenOn(late, second);
    const [error] = await once(late, 'error');
    assert.equal(error.message, 'listen EADDRINUSE: address already in use');
    assert.deepEqual(
      { ...error },
      { code: 'EADDRINUSE', errno: -98, syscall: 'listen', address: null, port: -1 },
    );
    assert.equal(late.listening, false);
  });

  test('a socket connects from it, and knows where from before', timed, async (t) => {
    const c = new Case(env, t);
    const { server, port } = await c.listen({}, (socket) => socket.end('x'));
    const bound = new ClientBound({ host: env.clientAddress });
    const from = bound.address();
    const socket = c.adopt(socketFrom(bound));
    assert.deepEqual([socket.connecting, socket.pending, socket.readyState], [false, false, 'open']);
    assert.deepEqual(socket.address(), from);
    assert.ok((socket as unknown as { _handle: object | null })._handle);
    const seen = recordEvents(socket, ['connectionAttempt', 'connect', 'ready', 'end', 'close']);
    const accepted = once(server, 'connection');
    socket.connect({ port, host: env.address });
    assert.deepEqual(seen, ['connectionAttempt']);
    assert.deepEqual([socket.connecting, socket.localPort], [true, from.port]);
    const [peer] = (await accepted) as [Socket];
    assert.deepEqual([peer.remoteAddress, peer.remotePort], [env.clientAddress, from.port]);
    socket.resume();
    await once(socket, 'close');
    assert.deepEqual(seen, ['connectionAttempt', 'connect', 'ready', 'end', 'close']);
  });

  test(
    'from all addresses it connects from the one that leads there, after a lookup of one',
    timed,
    async (t) => {
      const c = new Case(env, t);
      const { port } = await c.listen();
      const socket = c.adopt(socketFrom(new ClientBound()));
      const asked: unknown[] = [];
      const lookup = (_host: string, options: { all?: boolean }, callback: (...args: unknown[]) => void) => {
        asked.push(options.all);
        callback(null, env.address, 4);
      };
      socket.connect({ port, host: 'name.example', lookup } as never);
      await once(socket, 'connect');
      assert.deepEqual([asked, socket.localAddress], [[undefined], env.clientAddress]);
    },
  );

  test('where it connects from is not to be said twice', timed, async (t) => {
    const c = new Case(env, t);
    for (const options of [{ localPort: 5 }, { localAddress: env.clientAddress }]) {
      const socket = c.adopt(socketFrom(new ClientBound({ host: env.clientAddress })));
      assert.throws(() => socket.connect({ port: 80, host: env.address, ...options }), {
        code: 'ERR_INVALID_ARG_VALUE',
        message:
          /^The argument 'options' localAddress and localPort cannot be used with an adopted bound socket\. /,
      });
    }
  });

  test('connect errors from it', timed, async (t) => {
    const c = new Case(env, t);
    const bound = new ClientBound({ host: env.clientAddress });
    const { port } = bound.address();
    const refused = c.adopt(socketFrom(bound));
    refused.connect(1, env.address);
    assert.equal((await once(refused, 'error'))[0].message, `connect ECONNREFUSED ${env.address}:1`);
    assert.equal(refused.localPort, undefined);
    const other = c.adopt(socketFrom(new ClientBound({ host: env.clientAddress, port })));
    other.connect(80, 'fd00::1');
    const [error] = await once(other, 'error');
    assert.equal(error.message, `connect EAFNOSUPPORT fd00::1:80 - Local (${env.clientAddress}:${port})`);
  });

  test('bind errors are thrown', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen();
    const inUse = { errno: -98, code: 'EADDRINUSE', syscall: 'bind', address: env.address, port };
    assert.throws(() => new Bound({ host: env.address, port }), {
      ...inUse,
      message: `bind EADDRINUSE ${env.address}:${port}`,
    });
    assert.throws(() => new Bound({ host: '203.0.113.77' }), {
      errno: -99,
      code: 'EADDRNOTAVAIL',
      syscall: 'bind',
      address: '203.0.113.77',
      message: 'bind EADDRNOTAVAIL 203.0.113.77',
    });
  });

  for (const [options, code] of [
    [5, 'ERR_INVALID_ARG_TYPE'],
    [null, 'ERR_INVALID_ARG_TYPE'],
    [[], 'ERR_INVALID_ARG_TYPE'],
    [{ host: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [{ ipv6Only: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [{ reusePort: 1 }, 'ERR_INVALID_ARG_TYPE'],
    [{ host: 'localhost' }, 'ERR_INVALID_ARG_VALUE'],
    [{ path: '/x', port: 1 }, 'ERR_INVALID_ARG_VALUE'],
    [{ port: 65536 }, 'ERR_SOCKET_BAD_PORT'],
    [{ port: 'x' }, 'ERR_SOCKET_BAD_PORT'],
  ] as const) {
    test(`a bound socket of ${JSON.stringify(options)} is refused`, () => {
      assert.throws(() => new Bound(options), { code });
    });
  }
}
