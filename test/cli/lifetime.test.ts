// The life of a run: order of removal, errors on the way, signals, and the forced end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lifetime, withLifetime } from '../../src/cli/lifetime.js';

function recorded(): { complaints: string[]; life: Lifetime } {
  const complaints: string[] = [];
  return { complaints, life: new Lifetime((text) => complaints.push(text)) };
}

test('what was made last is removed first; an error does not stop the rest', async () => {
  const { complaints, life } = recorded();
  const order: string[] = [];
  life.defer('first', () => void order.push('first'));
  life.defer(
    'second',
    async () => {
      order.push('second');
      throw new Error('stuck');
    },
    () => void order.push('second by force'),
  );
  life.defer('third', async () => void order.push('third'));
  await Promise.all([life.end(), life.end()]);
  assert.deepEqual(order, ['third', 'second', 'second by force', 'first']);
  assert.deepEqual(complaints, ['could not remove second: stuck']);
});

test('what is made while things are removed is removed too', async () => {
  const { life } = recorded();
  const order: string[] = [];
  life.defer('a', () => {
    order.push('a');
    life.defer('b', () => void order.push('b'));
  });
  await life.end();
  assert.deepEqual(order, ['a', 'b']);
});

test('the forced end runs the synchronous parts only, once', () => {
  const { life } = recorded();
  const order: string[] = [];
  life.defer(
    'a',
    () => void order.push('a'),
    () => void order.push('a by force'),
  );
  life.defer('b', () => void order.push('b'));
  life.force();
  life.force();
  assert.deepEqual(order, ['a by force']);
});

test('a signal ends the run, and its code is the exit code', async () => {
  const removed: string[] = [];
  const status = await withLifetime(
    () => {},
    (life) => {
      life.defer('it', () => void removed.push('it'));
      process.emit('SIGINT', 'SIGINT');
      return new Promise(() => {});
    },
  );
  assert.equal(status, 130);
  assert.deepEqual(removed, ['it']);
});

test('an error of the body comes out after everything is removed', async () => {
  const removed: string[] = [];
  const listeners = process.listenerCount('SIGINT');
  await assert.rejects(
    withLifetime(
      () => {},
      async (life) => {
        life.defer('it', () => void removed.push('it'));
        throw new Error('no');
      },
    ),
    /no/,
  );
  assert.deepEqual(removed, ['it']);
  assert.equal(process.listenerCount('SIGINT'), listeners);
});
