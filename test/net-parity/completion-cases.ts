// Parity of the order in which writes are told of, among each other and against what happens around them.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { Case, closeOf, DEADLINE_MS, type Environment, recordEvents } from './environment.js';

function echo(socket: Socket): void {
  socket.on('data', (chunk) => socket.write(chunk));
}

/** Registers the cases for one environment. */
export function defineCompletionCases(env: Environment): void {
  const timed = { timeout: DEADLINE_MS };

  test('a small write is told of before the next tick, and before the answer', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair();
    echo(accepted);
    const seen = recordEvents(client, ['data']);
    client.write('x', () => seen.push('written'));
    process.nextTick(() => seen.push('tick'));
    await once(client, 'data');
    assert.deepEqual(seen, ['written', 'tick', 'data']);
  });

  test('a write from the callback of a write is told of in its own tick', timed, async (t) => {
    const c = new Case(env, t);
    const [client] = await c.pair();
    const seen: string[] = [];
    await new Promise<void>((resolve) => {
      client.write('x', () => {
        seen.push('first');
        client.write('y', () => {
          seen.push('second');
          resolve();
        });
        seen.push('asked');
      });
    });
    assert.deepEqual(seen, ['first', 'asked', 'second']);
  });

  test('drain comes before the callbacks, which come in order, and finish after all', timed, async (t) => {
    const c = new Case(env, t);
    const [client, accepted] = await c.pair();
    accepted.resume();
    const seen = recordEvents(client, ['drain', 'finish', 'end', 'close']);
    client.resume();
    // More than any buffer takes at once.
    const bytes = Buffer.alloc(16 << 20);
    assert.equal(
      client.write(bytes, () => seen.push('first')),
      false,
    );
    await once(client, 'drain');
    await new Promise<void>((resolve) => client.write('x', () => resolve()));
    assert.deepEqual(seen, ['drain', 'first']);
    client.cork();
    for (const name of ['second', 'third']) client.write(name, () => seen.push(name));
    client.uncork();
    const closed = closeOf(client);
    client.end('x', () => seen.push('ended'));
    await closed;
    assert.deepEqual(seen.slice(2), ['second', 'third', 'ended', 'finish', 'end', 'close']);
  });
}
