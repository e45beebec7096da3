// Parity of connecting: signatures, states, addresses, lookups, and the errors of it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, LookupFunction, Socket } from 'node:net';
import * as nodeNet from 'node:net';
import { test } from 'node:test';
import {
  Case,
  closeOf,
  DEADLINE_MS,
  type Environment,
  type NetModule,
  readAll,
  recordEvents,
  until,
} from './environment.js';

/** A port of `address` on which nobody listens. */
async function freePort(c: Case): Promise<number> {
  const { server, port } = await c.listen();
  server.close();
  await once(server, 'close');
  return port;
}

function resolvesTo(...addresses: string[]): LookupFunction {
  return (_host, options, callback) => {
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    if (options.all) setImmediate(callback, null, found);
    else setImmediate(callback, null, found[0]!.address, found[0]!.family);
  };
}

/** Registers the cases for one environment. */
export function defineConnectingCases(env: Environment): void {
  const timed = { timeout: DEADLINE_MS };

  test('all signatures of connect', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen({}, (socket) => socket.end('ok'));
    const { address } = env;
    const openers: ((callback: () => void) => Socket)[] = [
      (callback) => env.client.connect(port, address, callback),
      (callback) => env.client.createConnection({ port, host: address }, callback),
      (callback) => new env.client.Socket().connect({ port, host: address }, callback),
      (callback) => new env.client.Socket().connect(port, address, callback),
      (callback) => env.client.connect(String(port) as unknown as number, address, callback),
    ];
    for (const open of openers) {
      let connected = 0;
      const socket = c.adopt(open(() => connected++));
      assert.equal((await readAll(socket)).toString(), 'ok');
      assert.equal(connected, 1);
    }
  });

  test('promises that run before the loop turns can still add listeners', timed, async (t) => {
    const c = new Case(env, t);
    const { port, server } = await c.listen();
    const accepted = once(server, 'connection');
    const client = c.connect({ port });
    for (let i = 0; i < 10; i++) await null;
    const seen = recordEvents(client, ['connect', 'ready', 'data', 'end', 'close']);
    const [socket] = (await accepted) as [Socket];
    const hears = recordEvents(socket, ['data', 'end']);
    client.end('to the server');
    socket.end('to the client');
    for (let i = 0; i < 10; i++) await null;
    assert.deepEqual(hears, []);
    socket.resume();
    client.resume();
    await Promise.all([closeOf(client), closeOf(socket)]);
    assert.deepEqual(seen, ['connect', 'ready', 'data', 'end', 'close']);
    assert.deepEqual(hears, ['data', 'end']);
  });

  test('connecting, pending and readyState on the way', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen();
    const socket = c.adopt(new env.client.Socket());
    assert.deepEqual([socket.connecting, socket.pending, socket.readyState], [false, true, 'open']);
    socket.connect({ port, host: env.address });
    assert.deepEqual([socket.connecting, socket.pending, socket.readyState], [true, true, 'opening']);
    await once(socket, 'connect');
    assert.deepEqual([socket.connecting, socket.pending, socket.readyState], [false, false, 'open']);
    socket.end();
    assert.equal(socket.readyState, 'readOnly');
    socket.destroy();
    assert.deepEqual([socket.connecting, socket.pending, socket.readyState], [false, true, 'closed']);
  });

  test('addresses of both ends agree', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted, { server, port }] = await c.pair();
    assert.deepEqual(server.address(), { address: env.address, family: 'IPv4', port });
    assert.equal(client.remoteAddress, env.address);
    assert.equal(client.remotePort, port);
    assert.equal(client.remoteFamily, 'IPv4');
    assert.equal(accepted.localAddress, env.address);
    assert.equal(accepted.localPort, port);
    assert.equal(accepted.localFamily, 'IPv4');
    assert.equal(accepted.remoteAddress, client.localAddress);
    assert.equal(accepted.remotePort, client.localPort);
    const own = client.address() as AddressInfo;
    assert.deepEqual(own, { address: env.clientAddress, family: 'IPv4', port: client.localPort });
    client.destroy();
    assert.deepEqual(client.address(), {});
    assert.equal(client.localAddress, undefined);
    assert.equal(client.localPort, undefined);
    assert.equal(client.remoteAddress, env.address);
  });

  test('before it has an end a socket that connects has no address', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen();
    const client = c.connect({ port });
    const { remoteAddress, localAddress, localPort } = client;
    assert.deepEqual([remoteAddress, localAddress, localPort], [undefined, undefined, undefined]);
    assert.deepEqual(client.address(), {});
  });

  test('an empty path and no port is port 0', timed, async (t) => {
    const c = new Case(env, t);
    const client = c.adopt(env.client.connect({ path: '', host: env.address } as never));
    assert.equal((await once(client, 'error'))[0].message, `connect ECONNREFUSED ${env.address}`);
  });

  test('a name that nobody knows is the error of the lookup', timed, async (t) => {
    const c = new Case(env, t);
    const errorOf = async (net: NetModule) => {
      const client = c.adopt(net.connect(1, 'name.invalid'));
      const seen = recordEvents(client, ['lookup', 'connectionAttempt', 'error', 'close']);
      const [{ code, syscall, hostname }] = await once(client, 'error');
      await until(() => seen.includes('close'));
      return { code, syscall, hostname, seen };
    };
    assert.deepEqual(await errorOf(env.client), await errorOf(nodeNet));
  });

  test('paused before it connects it stays paused; resumed before, it flows', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen({}, (socket) => socket.end('data'));
    const paused = c.adopt(new env.client.Socket());
    paused.pause();
    const seen = recordEvents(paused, ['connect', 'data', 'end']);
    paused.connect({ port, host: env.address });
    await once(paused, 'connect');
    await c.settle();
    assert.deepEqual(seen, ['connect']);
    paused.resume();
    await closeOf(paused);
    assert.deepEqual(seen, ['connect', 'data', 'end']);
    const resumed = c.adopt(new env.client.Socket());
    resumed.resume();
    resumed.connect({ port, host: env.address });
    assert.equal(await closeOf(resumed), false);
  });

  test('the idle time runs while a name is looked up', timed, async (t) => {
    const c = new Case(env, t);
    // Which alone would not keep the process alive.
    const { port } = await c.listen();
    const client = c.connect({ port, host: 'name.example', timeout: 20, lookup: () => {} } as never);
    await once(client, 'timeout');
    assert.equal(client.connecting, true);
  });

  test('localAddress and localPort are used', timed, async (t) => {
    const c = new Case(env, t);
    const { port, server } = await c.listen();
    const accepted = once(server, 'connection');
    const localPort = await c.freeClientPort();
    c.connect({ port, localAddress: env.clientAddress, localPort });
    const [socket] = await accepted;
    assert.equal(socket.remoteAddress, env.clientAddress);
    assert.equal(socket.remotePort, localPort);
  });

  test('connect ECONNREFUSED', timed, async (t) => {
    const c = new Case(env, t);
    const port = await freePort(c);
    const client = c.connect({ port });
    const seen = recordEvents(client, ['connect', 'ready', 'end', 'finish', 'error', 'close']);
    const closed = closeOf(client);
    const [error] = await once(client, 'error');
    assert.equal(error.message, `connect ECONNREFUSED ${env.address}:${port}`);
    assert.deepEqual(
      { ...error },
      { errno: -111, code: 'ECONNREFUSED', syscall: 'connect', address: env.address, port },
    );
    assert.equal(client.connecting, false);
    const hadError = await closed;
    assert.equal(hadError, true);
    assert.deepEqual(seen, ['error', 'close']);
  });

  test('connect to port 0 is refused', timed, async (t) => {
    const c = new Case(env, t);
    const client = c.connect({ port: 0 });
    const [error] = await once(client, 'error');
    assert.equal(error.message, `connect ECONNREFUSED ${env.address}`);
  });

  test('connect while connecting is EALREADY', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen();
    const client = c.connect({ port });
    const seen = recordEvents(client, ['connect', 'error', 'close']);
    client.connect({ port, host: env.address });
    const closed = closeOf(client);
    const [error] = await once(client, 'error');
    const prefix = `connect EALREADY ${env.address}:${port} - Local (${env.clientAddress}:`;
    assert.ok(error.message.startsWith(prefix), error.message);
    assert.equal(await closed, true);
    assert.deepEqual(seen, ['error', 'close']);
  });

  test('connect from an address that is not ours is EADDRNOTAVAIL of bind', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen();
    const client = c.connect({ port, localAddress: '203.0.113.77' });
    const [error] = await once(client, 'error');
    assert.equal(error.message, 'bind EADDRNOTAVAIL 203.0.113.77');
    assert.equal(error.syscall, 'bind');
  });

  test('what cannot be bound is no attempt', timed, async (t) => {
    const c = new Case(env, t);
    const client = c.connect({ port: 1, localAddress: '203.0.113.77' });
    const seen = recordEvents(client, ['connectionAttempt', 'connectionAttemptFailed', 'error']);
    await assert.rejects(once(client, 'connect'), { syscall: 'bind' });
    assert.deepEqual(seen, ['error']);
  });

  test('a local port that was chosen is named in the error', timed, async (t) => {
    const c = new Case(env, t);
    const port = await freePort(c);
    let localPort: number;
    let error: NodeJS.ErrnoException & { localAddress?: string; localPort?: number };
    // Somebody else may have been given the port meanwhile.
    do {
      localPort = await freePort(c);
      [error] = await once(c.connect({ port, localPort }), 'error');
    } while (error.code === 'EADDRINUSE');
    const { address } = env;
    assert.equal(error.message, `connect ECONNREFUSED ${address}:${port} - Local (0.0.0.0:${localPort})`);
    assert.deepEqual([error.localAddress, error.localPort], ['0.0.0.0', localPort]);
  });

  test('a write that waits for a connection learns that there is none', timed, async (t) => {
    const c = new Case(env, t);
    const port = await freePort(c);
    const client = c.connect({ port });
    client.on('error', () => {});
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => {
      client.write('x', (e) => resolve(e as NodeJS.ErrnoException));
    });
    assert.equal(error.code, 'ERR_SOCKET_CLOSED_BEFORE_CONNECTION');
    assert.equal(error.message, 'Socket closed before the connection was established');
    assert.equal(client.bytesWritten, 1);
  });

  test('who asked to hear of close before the write hears of it first', timed, async (t) => {
    const c = new Case(env, t);
    const client = c.connect({ port: await freePort(c) });
    const seen = recordEvents(client, ['error', 'close']);
    client.write('x', () => seen.push('written'));
    client.once('close', () => seen.push('close again'));
    await once(client, 'close').catch(() => closeOf(client));
    await c.settle();
    assert.deepEqual(seen, ['error', 'close', 'written', 'close again']);
  });

  test('a write without connect is ERR_SOCKET_CLOSED', timed, async () => {
    const socket = new env.client.Socket();
    socket.write('x');
    const [error] = await once(socket, 'error');
    assert.equal(error.code, 'ERR_SOCKET_CLOSED');
  });

  test('a socket connects again after it was closed', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen({}, (socket) => socket.end('again'));
    const socket = c.adopt(new env.client.Socket());
    for (let round = 0; round < 3; round++) {
      let text = '';
      const onData = (chunk: Buffer) => {
        text += chunk;
      };
      socket.on('data', onData);
      socket.connect({ port, host: env.address });
      await once(socket, 'close');
      socket.off('data', onData);
      assert.equal(text, 'again');
      assert.equal(socket.bytesRead, 5);
    }
  });

  test('the option lookup resolves names, and lookup is emitted', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen({}, (socket) => socket.end('ok'));
    for (const family of [4, 0]) {
      const client = c.connect({ port, host: 'name.example', family, lookup: resolvesTo(env.address) });
      const seen: unknown[][] = [];
      client.on('lookup', (...args) => seen.push(args));
      assert.equal((await readAll(client)).toString(), 'ok');
      assert.deepEqual(seen, [[null, env.address, 4, 'name.example']]);
    }
  });

  test('a lookup that fails is the error', timed, async (t) => {
    const c = new Case(env, t);
    const failure = Object.assign(new Error('getaddrinfo ENOTFOUND name.example'), { code: 'ENOTFOUND' });
    const lookup: LookupFunction = (_host, _options, callback) => callback(failure, '', 0);
    const client = c.connect({ port: 1, host: 'name.example', lookup });
    const [error] = await once(client, 'error');
    assert.equal(error, failure);
  });

  test('a lookup that returns no address is ERR_INVALID_IP_ADDRESS', timed, async (t) => {
    const c = new Case(env, t);
    const client = c.connect({ port: 1, host: 'name.example', lookup: resolvesTo('nonsense') });
    const [error] = await once(client, 'error');
    assert.equal(error.code, 'ERR_INVALID_IP_ADDRESS');
    assert.equal(error.message, 'Invalid IP address: nonsense');
  });

  test('the next address of a name is tried when the first refuses', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen({}, (socket) => socket.end('second'));
    const lookup = resolvesTo(env.otherAddress, env.address);
    const client = c.connect({ port, host: 'name.example', lookup });
    const attempts: string[] = [];
    client.on('connectionAttempt', (ip) => attempts.push(`try ${ip}`));
    client.on('connectionAttemptFailed', (ip) => attempts.push(`failed ${ip}`));
    assert.equal((await readAll(client)).toString(), 'second');
    const { otherAddress, address } = env;
    assert.deepEqual(attempts, [`try ${otherAddress}`, `failed ${otherAddress}`, `try ${address}`]);
    assert.deepEqual(client.autoSelectFamilyAttemptedAddresses, [
      `${otherAddress}:${port}`,
      `${address}:${port}`,
    ]);
  });

  test('when all addresses refuse, the error names each', timed, async (t) => {
    const c = new Case(env, t);
    const port = await freePort(c);
    const lookup = resolvesTo(env.otherAddress, env.address);
    const client = c.connect({ port, host: 'name.example', lookup });
    const [error] = await once(client, 'error');
    assert.equal(error.constructor.name, 'AggregateError');
    assert.equal(error.code, 'ECONNREFUSED');
    assert.deepEqual(
      error.errors.map((each: Error) => each.message),
      [`connect ECONNREFUSED ${env.otherAddress}:${port}`, `connect ECONNREFUSED ${env.address}:${port}`],
    );
  });

  test('destroy during a lookup: nothing but close', timed, async (t) => {
    const c = new Case(env, t);
    let answer = () => {};
    const lookup: LookupFunction = (_host, _options, callback) => {
      answer = () => callback(null, [{ address: env.address, family: 4 }]);
    };
    const client = c.connect({ port: 1, host: 'name.example', lookup });
    const seen = recordEvents(client, ['connect', 'error', 'close']);
    client.destroy();
    answer();
    await once(client, 'close');
    await c.settle();
    assert.deepEqual(seen, ['close']);
  });
}
