// The table of timers, and the time that timeouts have cost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TimeoutTally } from '../../src/tcp/timeout-tally.js';
import { giveBackTable, Timer, Timers, takeTable } from '../../src/tcp/timers.js';

const NEVER = Number.POSITIVE_INFINITY;

test('the earliest deadline of all, whichever timer has it', () => {
  const timers = new Timers();
  assert.equal(timers.next(), NEVER);
  for (const timer of Object.values(Timer)) timers.set(timer, 100 + timer);
  assert.equal(timers.next(), 100);
  for (const timer of Object.values(Timer)) {
    timers.set(timer, 50);
    assert.equal(timers.next(), 50);
    assert.equal(timers.deadline(timer), 50);
    timers.set(timer, 200);
  }
  assert.equal(timers.next(), 200);
});

test('a timer is due from its deadline on, and until it is cleared', () => {
  const timers = new Timers();
  timers.set(Timer.PERSIST, 100);
  assert.deepEqual(
    [timers.isDue(Timer.PERSIST, 99), timers.isDue(Timer.PERSIST, 100), timers.isDue(Timer.USER, 1e9)],
    [false, true, false],
  );
  timers.clear(Timer.USER);
  assert.equal(timers.isSet(Timer.PERSIST), true);
  timers.clear(Timer.PERSIST);
  assert.deepEqual([timers.isSet(Timer.PERSIST), timers.next()], [false, NEVER]);
});

test('what is cleared stays so, and no table shows the deadlines of another', () => {
  const one = new Timers();
  const other = new Timers();
  for (let round = 0; round < 3; round++) {
    one.set(Timer.USER, 10);
    one.set(Timer.PACING, 20);
    one.clear(Timer.USER);
    assert.equal(one.next(), 20);
    other.set(Timer.KEEPALIVE, 30);
    assert.deepEqual([one.next(), other.next()], [20, 30]);
    one.clearAll();
    assert.deepEqual([one.next(), other.next()], [NEVER, 30]);
    one.set(Timer.USER, 40);
    other.clearAll();
    assert.deepEqual([one.next(), other.next()], [40, NEVER]);
    one.clear(Timer.USER);
    assert.equal(one.next(), NEVER);
  }
});

/** The one table that is kept. */
function lastTable(): number[] {
  const tables = Array.from({ length: 300 }, takeTable);
  giveBackTable(tables[0]!);
  return tables[0]!;
}

test('a table is held from the first timer to the last one, however often each is set', () => {
  const timers = new Timers();
  const clearings = [
    () => timers.clear(Timer.USER),
    () => timers.clearAll(),
    () => timers.clear(Timer.USER),
    () => timers.clear(Timer.USER),
  ];
  for (const clear of clearings) {
    const table = lastTable();
    timers.set(Timer.PACING, 10);
    timers.set(Timer.USER, 20);
    timers.set(Timer.USER, 30);
    timers.clear(Timer.PACING);
    timers.clear(Timer.PACING);
    assert.notEqual(takeTable(), table);
    clear();
    assert.equal(takeTable(), table);
  }
});

test('a few tables are kept for those to come, and what is given back says nothing of who had it', () => {
  const tables = Array.from({ length: 300 }, takeTable);
  assert.ok(tables.every((table) => table.every((deadline) => deadline === NEVER)));
  for (const table of tables) giveBackTable(table);
  const again = Array.from({ length: 300 }, takeTable);
  assert.equal(again.filter((table) => tables.includes(table)).length, 256);
});

test('RFC6298 §5: a row of timeouts is one recovery, from its first to its end, wherever the clock stands', () => {
  for (const begin of [0, 1e6]) {
    const tally = new TimeoutTally();
    tally.onEnd(begin);
    assert.deepEqual([tally.timeouts, tally.recoveries, tally.msUntil(begin)], [0, 0, 0]);
    tally.onTimeout(begin);
    tally.onTimeout(begin + 30);
    assert.deepEqual([tally.timeouts, tally.recoveries, tally.msUntil(begin + 70)], [2, 1, 70]);
    tally.onEnd(begin + 100);
    tally.onEnd(begin + 500);
    assert.equal(tally.msUntil(begin + 900), 100);
    tally.onTimeout(begin + 1000);
    assert.deepEqual([tally.timeouts, tally.recoveries, tally.msUntil(begin + 1005)], [3, 2, 105]);
  }
});
