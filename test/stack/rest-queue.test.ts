// Who is put to rest, and when.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestQueue } from '../../src/stack/rest-queue.js';

test('of many connections the latest stay awake, and the others go to rest once each, in their order', () => {
  const queue = new RestQueue();
  const resting: number[] = [];
  for (let i = 0; i < 1000; i++) queue.add({ rest: () => resting.push(i) });
  const awake = 1000 - resting.length;
  assert.ok(awake > 0 && awake <= 64, String(awake));
  assert.deepEqual(
    resting,
    resting.map((_, i) => i),
  );
});
