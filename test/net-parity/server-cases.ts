// Parity of servers: signatures of listen, addresses, close, limits.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, DropArgument, Server } from 'node:net';
import * as nodeNet from 'node:net';
import { test } from 'node:test';
import {
  Case,
  DEADLINE_MS,
  type Environment,
  type NetModule,
  NODE_MAJOR,
  readAll,
  recordEvents,
  until,
} from './environment.js';

/** Registers the cases for one environment. */
export function defineServerCases(env: Environment): void {
  const timed = { timeout: DEADLINE_MS };
  const portOf = (server: Server) => (server.address() as AddressInfo).port;

  test('all signatures of listen', timed, async (t) => {
    const c = new Case(env, t);
    const { address } = env;
    const listens: ((server: Server, callback: () => void) => Server)[] = [
      (server, callback) => server.listen(0, address, 10, callback),
      (server, callback) => server.listen(0, address, callback),
      (server, callback) => server.listen(0, callback),
      (server, callback) => server.listen(0, 5, callback),
      (server, callback) => server.listen(callback),
      (server, callback) => server.listen({ port: 0, host: address, backlog: 5 }, callback),
      (server, callback) => server.listen({ port: undefined }, callback),
      (server, callback) => server.listen('0' as unknown as number, address, callback),
      (server, callback) => server.listen({ port: 0, host: address, exclusive: true }, callback),
    ];
    for (const listen of listens) {
      let called = 0;
      const server = c.track(env.server.createServer((socket) => socket.end()));
      assert.equal(server.address(), null);
      assert.equal(server.listening, false);
      assert.equal(
        listen(server, () => called++),
        server,
      );
      await once(server, 'listening');
      assert.equal(called, 1);
      assert.equal(server.listening, true);
      const client = c.connect({ port: portOf(server) });
      client.resume();
      await once(client, 'close');
    }
  });

  test('without a host the address is known at once', timed, async (t) => {
    const c = new Case(env, t);
    const server = c.track(env.server.createServer());
    server.listen(0);
    const { address, family, port } = server.address() as AddressInfo;
    assert.ok(port > 0);
    assert.ok((address === '::' && family === 'IPv6') || (address === '0.0.0.0' && family === 'IPv4'));
    await once(server, 'listening');
  });

  test('listen on 0.0.0.0 shows plain IPv4 addresses', timed, async (t) => {
    const c = new Case(env, t);
    const server = c.track(env.server.createServer());
    server.listen(0, '0.0.0.0');
    await once(server, 'listening');
    const port = portOf(server);
    assert.deepEqual(server.address(), { address: '0.0.0.0', family: 'IPv4', port });
    const accepted = once(server, 'connection');
    c.connect({ port });
    const [socket] = await accepted;
    assert.equal(socket.localAddress, env.address);
    assert.equal(socket.remoteFamily, 'IPv4');
  });

  test('listen EADDRINUSE comes as an event, and the server can be used again', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen();
    const server = c.track(env.server.createServer());
    assert.equal(server.listen(port, env.address), server);
    const [error] = await once(server, 'error');
    assert.equal(error.message, `listen EADDRINUSE: address already in use ${env.address}:${port}`);
    assert.deepEqual(
      { ...error },
      { code: 'EADDRINUSE', errno: -98, syscall: 'listen', address: env.address, port },
    );
    assert.equal(server.listening, false);
    server.listen(0, env.address);
    await once(server, 'listening');
  });

  test('listen EADDRNOTAVAIL', timed, async (t) => {
    const c = new Case(env, t);
    const server = c.track(env.server.createServer());
    server.listen(4321, '203.0.113.77');
    const [error] = await once(server, 'error');
    assert.equal(error.message, 'listen EADDRNOTAVAIL: address not available 203.0.113.77:4321');
    assert.equal(error.code, 'EADDRNOTAVAIL');
    server.listen(0, '203.0.113.77');
    const [again] = await once(server, 'error');
    assert.equal(again.message, 'listen EADDRNOTAVAIL: address not available 203.0.113.77');
    assert.equal('port' in again, false);
  });

  test('listen twice is ERR_SERVER_ALREADY_LISTEN', timed, async (t) => {
    const c = new Case(env, t);
    const { server } = await c.listen();
    assert.throws(() => server.listen(0), {
      code: 'ERR_SERVER_ALREADY_LISTEN',
      message: 'Listen method has been called more than once without closing.',
    });
  });

  test('close waits for the connections', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted, { server, port }] = await c.pair();
    const seen = recordEvents(server, ['close']);
    const closed = new Promise<Error | undefined>((resolve) => {
      assert.equal(server.close(resolve), server);
    });
    assert.equal(server.listening, false);
    assert.equal(server.address(), null);
    const late = c.connect({ port });
    const [error] = await once(late, 'error');
    assert.equal(error.code, 'ECONNREFUSED');
    assert.deepEqual(seen, []);
    accepted.write('still open');
    await once(client, 'data');
    client.end();
    accepted.resume();
    assert.equal(await closed, undefined);
    assert.deepEqual(seen, ['close']);
  });

  test(
    'close of a server that does not run gives ERR_SERVER_NOT_RUNNING to its callback',
    timed,
    async () => {
      const server = env.server.createServer();
      const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => server.close(resolve));
      assert.equal(error?.code, 'ERR_SERVER_NOT_RUNNING');
      assert.equal(error?.message, 'Server is not running.');
    },
  );

  test('close before listening has happened prevents it', timed, async (t) => {
    const c = new Case(env, t);
    const server = c.track(env.server.createServer());
    const seen = recordEvents(server, ['listening', 'close']);
    server.listen(0, env.address);
    server.close();
    await once(server, 'close');
    await c.settle();
    assert.deepEqual(seen, ['close']);
    assert.equal(server.listening, false);
  });

  test('a closed server listens again', timed, async (t) => {
    const c = new Case(env, t);
    const { server, port } = await c.listen();
    server.close();
    await once(server, 'close');
    server.listen(port, env.address);
    await once(server, 'listening');
    assert.equal(portOf(server), port);
  });

  test('getConnections counts', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted, { server }] = await c.pair();
    const count = () =>
      new Promise<number>((resolve, reject) => {
        server.getConnections((error, n) => (error ? reject(error) : resolve(n)));
      });
    assert.equal(await count(), 1);
    client.destroy();
    accepted.resume();
    await once(accepted, 'close');
    assert.equal(await count(), 0);
  });

  test('maxConnections turns connections away with drop', timed, async (t) => {
    const c = new Case(env, t);
    const [, , { server, port }] = await c.pair();
    server.maxConnections = 1;
    const dropped = once(server, 'drop');
    const connections = recordEvents(server, ['connection']);
    const client = c.connect({ port });
    client.resume();
    client.on('error', () => {});
    await once(client, 'connect');
    const localPort = client.localPort;
    const [[info]] = (await Promise.all([dropped, once(client, 'close')])) as [[DropArgument], unknown];
    assert.deepEqual(
      { ...info },
      {
        localAddress: env.address,
        localPort: port,
        localFamily: 'IPv4',
        remoteAddress: env.clientAddress,
        remotePort: localPort,
        remoteFamily: 'IPv4',
      },
    );
    assert.deepEqual(connections, []);
  });

  test('maxConnections 0 lets nobody in since Node 22, and everybody before', timed, async (t) => {
    const c = new Case(env, t);
    const { server, port } = await c.listen({}, (socket) => socket.end('served'));
    server.maxConnections = 0;
    const seen = recordEvents(server, ['drop']);
    const client = c.connect({ port });
    const text = (await readAll(client)).toString();
    assert.deepEqual([text, seen], NODE_MAJOR >= 22 ? ['', ['drop']] : ['served', []]);
  });

  test('backlogs in text, and less than nothing', timed, async (t) => {
    const c = new Case(env, t);
    for (const backlog of ['5', -1, 1.5, null]) {
      const server = c.track(env.server.createServer((socket) => socket.end('x')));
      server.listen({ port: 0, host: env.address, backlog: backlog as number });
      await once(server, 'listening');
      assert.equal((await readAll(c.connect({ port: portOf(server) }))).toString(), 'x');
    }
  });

  test('hosts and ports of nothing mean any', timed, async (t) => {
    const c = new Case(env, t);
    const calls = [
      [null],
      [undefined],
      ['0'],
      [0, null, null],
      [{ port: null }],
      [{ port: 0, host: '' }],
      [0, ''],
    ];
    for (const args of calls) {
      const server = c.track(env.server.createServer());
      server.listen(...(args as [number]));
      await once(server, 'listening');
      const { address, port } = server.address() as AddressInfo;
      assert.ok(port > 0 && ['::', '0.0.0.0'].includes(address));
    }
  });

  test('listening on a name that nobody knows is the error of the lookup', timed, async (t) => {
    const c = new Case(env, t);
    const errorOf = async (net: NetModule) => {
      const server = c.track(net.createServer());
      server.listen(0, 'name.invalid');
      const [{ code, syscall, hostname }] = await once(server, 'error');
      return { code, syscall, hostname, listening: server.listening };
    };
    assert.deepEqual(await errorOf(env.server), await errorOf(nodeNet));
  });

  test('pauseOnConnect keeps data back until resume', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair({ server: { pauseOnConnect: true } });
    client.write('held');
    await c.settle();
    assert.equal(accepted.bytesRead, 0);
    assert.equal(accepted.isPaused(), true);
    const data = once(accepted, 'data');
    accepted.resume();
    assert.equal((await data)[0].toString(), 'held');
  });

  test('accepted sockets know their server and are Sockets', timed, async (t) => {
    const c = new Case(env, t);
    const [, accepted, { server }] = await c.pair({ server: { noDelay: true, keepAlive: true } });
    assert.equal((accepted as unknown as { server: Server }).server, server);
    assert.ok(accepted instanceof env.server.Socket);
    assert.ok(server instanceof env.server.Server);
  });

  test('fifty connections at once', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen({}, (socket) => socket.pipe(socket));
    const clients = Array.from({ length: 50 }, () => c.connect({ port }));
    const texts = clients.map(async (client, i) => {
      client.end(`client ${i}`);
      let text = '';
      for await (const chunk of client) text += chunk;
      return text;
    });
    assert.deepEqual(
      await Promise.all(texts),
      clients.map((_, i) => `client ${i}`),
    );
  });

  test('an abort signal closes the server', timed, async (t) => {
    const c = new Case(env, t);
    const controller = new AbortController();
    const server = c.track(env.server.createServer());
    server.listen({ port: 0, host: env.address, signal: controller.signal });
    await once(server, 'listening');
    controller.abort();
    await once(server, 'close');
    assert.equal(server.listening, false);
  });

  test('asynchronous disposal closes', timed, async (t) => {
    const c = new Case(env, t);
    const { server } = await c.listen();
    await server[Symbol.asyncDispose]();
    assert.equal(server.listening, false);
    await server[Symbol.asyncDispose]();
  });

  test('ref and unref return the server', timed, async (t) => {
    const c = new Case(env, t);
    const { server } = await c.listen();
    assert.equal(server.unref(), server);
    assert.equal(server.ref(), server);
  });

  // Whether the application sees such a connection at all is the stack's choice; Linux shows it, BSD does not.
  test('connections reset right after the handshake do no harm', timed, async (t) => {
    const c = new Case(env, t);
    let opened = 0;
    let closed = 0;
    const { server, port } = await c.listen({}, (socket) => {
      opened++;
      socket.on('error', () => {});
      socket.on('close', () => closed++);
      socket.end('alive');
      socket.resume();
    });
    for (let i = 0; i < 5; i++) {
      const client = c.connect({ port });
      client.once('connect', () => client.resetAndDestroy());
      await once(client, 'close');
    }
    const last = c.connect({ port });
    assert.equal((await readAll(last)).toString(), 'alive');
    await until(() => closed === opened);
    const left = await new Promise((resolve) => server.getConnections((_error, n) => resolve(n)));
    assert.equal(left, 0);
  });
}
