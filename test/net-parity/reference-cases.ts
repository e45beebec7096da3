// Parity of `ref` and `unref`: what they leave behind before there is a handle, and what the handle tells.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { test } from 'node:test';
import { Case, closeOf, DEADLINE_MS, type Environment } from './environment.js';

/** Whether the handle holds the process; undefined without one. */
function hasRef(of: Socket | Server): boolean | undefined {
  return (of as unknown as { _handle: { hasRef(): boolean } | null })._handle?.hasRef();
}

/** Registers the cases for one environment. */
export function defineReferenceCases(env: Environment): void {
  const timed = { timeout: DEADLINE_MS };
  const { address: host } = env;

  test('ref and unref before connecting wait for connect, and the last one holds', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen();
    for (const [calls, expected] of [
      [['ref', 'unref'], false],
      [['unref', 'unref', 'ref'], true],
    ] as const) {
      const socket = c.adopt(new env.client.Socket());
      for (const call of calls) assert.equal(socket[call](), socket);
      assert.equal(socket.listenerCount('connect'), calls.length);
      socket.connect({ port, host });
      assert.equal(hasRef(socket), true);
      await once(socket, 'connect');
      assert.equal(socket.listenerCount('connect'), 0);
      assert.equal(hasRef(socket), expected);
    }
  });

  test('while it connects they hold at once', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen();
    const client = c.connect({ port });
    client.unref();
    assert.deepEqual([client.listenerCount('connect'), hasRef(client)], [0, false]);
    await once(client, 'connect');
    assert.equal(hasRef(client), false);
    assert.equal(hasRef(client.ref()), true);
  });

  test('a socket that connects again holds the process again', timed, async (t) => {
    const c = new Case(env, t);
    const { port } = await c.listen();
    const client = c.connect({ port });
    await once(client, 'connect');
    client.unref();
    const closed = closeOf(client);
    client.destroy();
    assert.equal(hasRef(client), undefined);
    await closed;
    client.connect({ port, host });
    await once(client, 'connect');
    assert.equal(hasRef(client), true);
  });

  test('a server remembers unref from before it listens', timed, async (t) => {
    const c = new Case(env, t);
    const server = c.track(env.server.createServer());
    server.unref();
    server.listen(0, host);
    await once(server, 'listening');
    assert.equal(hasRef(server), false);
    assert.equal(hasRef(server.ref()), true);
    server.close();
    assert.equal(hasRef(server), undefined);
  });
}
