// Parity of what arguments leave behind that make no sense, and of local ends that cannot be had.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Case, closeOf, DEADLINE_MS, type Environment, readAll, recordEvents } from './environment.js';

/** Registers the cases for one environment. */
export function defineMisuseCases(env: Environment): void {
  const timed = { timeout: DEADLINE_MS };
  const { address: host } = env;

  test('connect with wrong arguments throws, and leaves the socket connecting', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen({}, (socket) => socket.end('x'));
    for (const wrong of [
      { port: 65536 },
      { port: true },
      { port, localAddress: 'x' },
      { port, localPort: 'x' },
    ]) {
      const socket = c.adopt(new env.client.Socket());
      assert.throws(() => socket.connect({ host, ...wrong } as never));
      assert.deepEqual([socket.connecting, socket.pending, socket.readyState], [true, true, 'opening']);
      const seen = recordEvents(socket, ['connectionAttempt', 'connect', 'error', 'close']);
      socket.connect({ port, host });
      assert.equal((await readAll(socket)).toString(), 'x');
      assert.deepEqual(seen.slice(0, 2), ['connectionAttempt', 'connect']);
    }
  });

  test('what is written after such a throw waits, and close tells it', timed, async (t) => {
    const c = new Case(env, t);
    const socket = c.adopt(new env.client.Socket());
    assert.throws(() => socket.connect({ port: -1, host }));
    const written = new Promise<NodeJS.ErrnoException>((resolve) => {
      socket.write('x', (error) => resolve(error as NodeJS.ErrnoException));
    });
    await c.settle();
    assert.equal(socket.readyState, 'opening');
    const closed = closeOf(socket);
    socket.destroy();
    assert.equal(await closed, false);
    assert.equal((await written).code, 'ERR_SOCKET_CLOSED_BEFORE_CONNECTION');
  });

  test('connect without a port leaves it as it was', timed, async (t) => {
    const c = new Case(env, t);
    const socket = c.adopt(new env.client.Socket());
    assert.throws(() => socket.connect({} as never), { code: 'ERR_MISSING_ARGS' });
    assert.deepEqual([socket.connecting, socket.readyState], [false, 'open']);
    const closed = closeOf(socket);
    socket.destroy();
    assert.equal(await closed, undefined);
  });

  for (const localPort of [65_536, 70_000, 1.5, 2 ** 32 + 7, Number.POSITIVE_INFINITY]) {
    test(`a local port ${localPort} is EADDRINUSE of bind`, timed, async (t) => {
      const c = new Case(env, t);
      const { port } = await c.listen();
      const client = c.connect({ port, localPort });
      const seen = recordEvents(client, ['connectionAttempt', 'error', 'close']);
      const closed = closeOf(client);
      const [error] = await once(client, 'error');
      assert.equal(error.message, `bind EADDRINUSE 0.0.0.0:${localPort}`);
      assert.deepEqual([error.syscall, error.port, error.localPort], ['bind', localPort, undefined]);
      await closed;
      assert.deepEqual(seen, ['error', 'close']);
    });
  }

  for (const localPort of [-65_536, Number.NaN]) {
    test(`a local port ${localPort} is none`, timed, async (t) => {
      const c = new Case(env, t);
      const { port } = await c.listen();
      const client = c.connect({ port, localPort });
      await once(client, 'connect');
      assert.ok(client.localPort! > 0);
    });
  }

  test('a local port that another connection was given is EADDRINUSE of bind', timed, async (t) => {
    const c = new Case(env, t);
    const [first, , { port }] = await c.pair();
    const other = await c.listen();
    const localPort = first.localPort!;
    for (const [to, localAddress, shown] of [
      [port, undefined, '0.0.0.0'],
      [port, env.clientAddress, env.clientAddress],
      [other.port, env.clientAddress, env.clientAddress],
    ] as const) {
      const client = c.connect({ port: to, localPort, ...(localAddress && { localAddress }) });
      const [error] = await once(client, 'error');
      assert.equal(error.message, `bind EADDRINUSE ${shown}:${localPort}`);
      assert.equal(error.syscall, 'bind');
    }
  });

  test('a local port that was asked for connects to another place, not to the same', timed, async (t) => {
    const c = new Case(env, t);
    const localPort = await c.freeClientPort();
    const { port } = await c.listen();
    const other = await c.listen();
    await once(c.connect({ port, localPort }), 'connect');
    await once(c.connect({ port: other.port, localPort }), 'connect');
    const again = c.connect({ port, localPort });
    const [error] = await once(again, 'error');
    assert.equal(error.message, `connect EADDRNOTAVAIL ${host}:${port} - Local (0.0.0.0:${localPort})`);
    assert.deepEqual(
      { ...error },
      { errno: -99, code: 'EADDRNOTAVAIL', syscall: 'connect', address: host, port },
    );
  });

  test('a server takes a high-water mark that is no size', timed, () => {
    const taken = (highWaterMark: number) =>
      (env.server.createServer({ highWaterMark }) as unknown as { highWaterMark: number }).highWaterMark;
    for (const mark of [Number.NaN, Number.POSITIVE_INFINITY, 1.5, 0]) assert.equal(taken(mark), mark);
    assert.ok(taken(-1) >= 16_384);
  });
}
