// The clock with fine wake-ups: never early, in order, and no hindrance to the end of the process. How late it is belongs
// to the machine; test/bench measures it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { PreciseClock } from '../../src/link/precise-clock.js';

function opened(t: { after(fn: () => void): void }): PreciseClock {
  const clock = new PreciseClock();
  t.after(() => clock.close());
  return clock;
}

test('calls come at their time or after it, and finer than a millisecond', async (t) => {
  const clock = opened(t);
  const late: number[] = [];
  while (late.length < 100) {
    const at = clock.now() + 0.1 + (late.length % 7) * 0.05;
    await new Promise<void>((resolve) => clock.schedule(at, resolve));
    late.push(clock.now() - at);
  }
  assert.ok(Math.min(...late) >= 0, `early by ${-Math.min(...late)} ms`);
  // The best of a hundred: what a busy machine adds to the others is not the clock's.
  assert.ok(Math.min(...late) < 0.3, `late by ${Math.min(...late)} ms at best`);
});

test('calls run by time, those of the same time as scheduled; what is taken back does not run', async (t) => {
  const clock = opened(t);
  const ran: string[] = [];
  const at = clock.now() + 2;
  await new Promise<void>((resolve) => {
    clock.schedule(at + 1, resolve);
    clock.schedule(at, () => ran.push('b'));
    const gone = clock.schedule(at, () => ran.push('cancelled'));
    clock.schedule(at, () => ran.push('c'));
    clock.schedule(at - 1, () => ran.push('a'));
    gone.cancel();
    gone.cancel();
  });
  assert.deepEqual(ran, ['a', 'b', 'c']);
});

test('a call that is due already waits for the next ring: others are not starved', async (t) => {
  const clock = opened(t);
  let rounds = 0;
  await new Promise<void>((resolve) => {
    const again = () => {
      rounds++;
      clock.schedule(0, again);
    };
    clock.schedule(0, again);
    setImmediate(() => setImmediate(resolve));
  });
  assert.ok(rounds >= 1);
});

test('a call may take back another one that is due with it', async (t) => {
  const clock = opened(t);
  const ran: string[] = [];
  await new Promise<void>((resolve) => {
    const at = clock.now() + 1;
    clock.schedule(at, () => other.cancel());
    const other = clock.schedule(at, () => ran.push('other'));
    clock.schedule(at + 0.5, resolve);
  });
  assert.deepEqual(ran, []);
});

/** Runs a program that has `clock`; its exit code and what it printed. */
function program(body: string): { status: number | null; stdout: string } {
  const url = new URL('../../src/link/precise-clock.js', import.meta.url).href;
  const text = `import { PreciseClock } from ${JSON.stringify(url)};\nconst clock = new PreciseClock();\n${body}`;
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', text], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return { status: result.status, stdout: result.stdout };
}

test('a pending call keeps the process alive until it ran; an unreferenced one does not', () => {
  const ran = program(`clock.schedule(clock.now() + 30, () => console.log('ran'));`);
  assert.deepEqual(ran, { status: 0, stdout: 'ran\n' });
  const left = program(`
    const call = clock.schedule(clock.now() + 3_600_000, () => console.log('ran'));
    call.unref();
    call.unref();
    clock.schedule(clock.now() + 1, () => console.log('short')).cancel();
  `);
  assert.deepEqual(left, { status: 0, stdout: '' });
  const again = program(`
    const call = clock.schedule(clock.now() + 20, () => console.log('ran'));
    call.unref();
    call.ref();
  `);
  assert.deepEqual(again, { status: 0, stdout: 'ran\n' });
});

test('a call that throws is an uncaught exception, and the others still run', () => {
  const result = program(`
    process.on('uncaughtException', (error) => console.log(error.message));
    const at = clock.now() + 1;
    clock.schedule(at, () => { throw new Error('thrown'); });
    clock.schedule(at, () => console.log('ran'));
  `);
  assert.deepEqual(result, { status: 0, stdout: 'thrown\nran\n' });
});
