// Parity of a socket that is told to connect once more while it connects or is connected.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { LookupFunction } from 'node:net';
import { test } from 'node:test';
import { Case, closeOf, DEADLINE_MS, type Environment, recordEvents } from './environment.js';

/** Registers the cases for one environment. */
export function defineRepeatedCases(env: Environment): void {
  const timed = { timeout: DEADLINE_MS };
  const { address: host } = env;

  test(
    'a connected socket connects once more, as Linux lets it, and then it is EISCONN',
    timed,
    async (t) => {
      const c = new Case(env, t);
      const [client, accepted, { port }] = await c.pair();
      const seen = recordEvents(client, ['connectionAttempt', 'connect', 'ready', 'error', 'close']);
      client.connect({ port, host });
      assert.deepEqual([client.connecting, client.readyState], [true, 'opening']);
      client.write('x');
      await once(client, 'ready');
      assert.equal(client.readyState, 'open');
      assert.equal(String((await once(accepted, 'data'))[0]), 'x');
      const local = `${client.localAddress}:${client.localPort}`;
      client.connect({ port, host });
      const closed = closeOf(client);
      const [error] = await once(client, 'error');
      assert.equal(error.message, `connect EISCONN ${host}:${port} - Local (${local})`);
      assert.deepEqual(
        { ...error },
        { errno: -106, code: 'EISCONN', syscall: 'connect', address: host, port },
      );
      assert.equal(await closed, true);
      const attempt = ['connectionAttempt', 'connect', 'ready'];
      assert.deepEqual(seen, [...attempt, 'connectionAttempt', 'error', 'close']);
    },
  );

  test('after its end, and on the side that accepted, it is EISCONN at once', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted, { port }] = await c.pair({ server: { allowHalfOpen: true } });
    client.end();
    await once(client, 'finish');
    for (const socket of [client, accepted]) {
      const seen = recordEvents(socket, ['connectionAttempt', 'connect', 'error', 'close']);
      const closed = closeOf(socket);
      socket.once('error', (error: NodeJS.ErrnoException) => assert.equal(error.code, 'EISCONN'));
      socket.connect({ port, host });
      await closed;
      assert.deepEqual(seen, ['connectionAttempt', 'error', 'close']);
    }
  });

  test('while a name is looked up an address overtakes it', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen();
    let answer = () => {};
    const lookup: LookupFunction = (_host, _options, callback) => {
      answer = () => callback(null, [{ address: host, family: 4 }]);
    };
    const client = c.connect({ port, host: 'name.example', autoSelectFamily: true, lookup });
    const seen = recordEvents(client, ['lookup', 'connectionAttempt', 'connect', 'error', 'close']);
    client.connect({ port, host });
    await once(client, 'connect');
    answer();
    await c.settle();
    assert.deepEqual(seen, ['connectionAttempt', 'connect']);
    assert.equal(client.readyState, 'open');
  });

  test('a second attempt is announced before it fails', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen();
    const client = c.connect({ port });
    const seen = recordEvents(client, ['connectionAttempt', 'connect', 'error', 'close']);
    client.connect({ port, host });
    const closed = closeOf(client);
    client.on('error', (error: NodeJS.ErrnoException) => assert.equal(error.code, 'EALREADY'));
    await closed;
    assert.deepEqual(seen, ['connectionAttempt', 'connectionAttempt', 'error', 'close']);
  });
}
