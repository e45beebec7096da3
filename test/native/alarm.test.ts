// The addon's timer by itself: one ring for each setting, misuse, and the end of the thread that has it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { loadBinding } from '../../src/native/load.js';

const { Alarm } = loadBinding();

test('it rings once for the latest setting', async (t) => {
  let rings = 0;
  let told = () => {};
  const alarm = new Alarm(() => {
    rings++;
    told();
  });
  t.after(() => alarm.close());
  alarm.ref();
  const begun = performance.now();
  alarm.set(60_000);
  await new Promise<void>((resolve) => {
    told = resolve;
    alarm.set(1.5);
  });
  assert.ok(performance.now() - begun >= 1.5);
  alarm.set(0.1);
  alarm.cancel();
  // The next ring is awaited behind it: the cancelled one would have come first.
  const second = new Alarm(() => told());
  t.after(() => second.close());
  second.ref();
  await new Promise<void>((resolve) => {
    told = resolve;
    second.set(2);
  });
  assert.equal(rings, 1);
});

test('zero and negative delays ring at once', async (t) => {
  for (const delay of [0, -5, 1e-12]) {
    const begun = performance.now();
    await new Promise<void>((resolve) => {
      const alarm = new Alarm(resolve);
      t.after(() => alarm.close());
      alarm.ref();
      alarm.set(delay);
    });
    assert.ok(performance.now() - begun < 5000);
  }
});

test('misuse is refused, and a closed alarm does nothing', () => {
  assert.throws(() => new Alarm(undefined as never), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.throws(() => (Alarm as unknown as (f: () => void) => void)(() => {}), {
    code: 'ERR_INVALID_ARG_TYPE',
  });
  const alarm = new Alarm(() => assert.fail('rang'));
  assert.throws(() => alarm.set('soon' as never), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.throws(() => alarm.set(Number.NaN), { code: 'ERR_INVALID_ARG_TYPE' });
  alarm.set(0);
  alarm.close();
  alarm.close();
  alarm.set(0);
  alarm.cancel();
  alarm.ref();
  alarm.unref();
});

test('a worker may end while its alarm is set', async () => {
  const url = new URL('../../src/native/load.js', import.meta.url).href;
  const text = `
    const { parentPort } = require('node:worker_threads');
    import(${JSON.stringify(url)}).then(({ loadBinding }) => {
      const alarm = new (loadBinding().Alarm)(() => parentPort.postMessage('rang'));
      alarm.ref();
      alarm.set(3_600_000);
      parentPort.postMessage('set');
    });`;
  const worker = new Worker(text, { eval: true });
  await new Promise((resolve) => worker.once('message', resolve));
  assert.equal(await worker.terminate(), 1);
});
