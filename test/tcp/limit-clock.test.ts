// The clock of what held a sender back: each moment counts once, wherever the clock stands.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Limit } from '../../src/tcp/limit.js';
import { LimitClock } from '../../src/tcp/limit-clock.js';

for (const begin of [0, 1e6]) {
  test(`from ${begin} on: the time by each limit, and the time with something to do`, () => {
    const clock = new LimitClock();
    assert.deepEqual([clock.msBy(Limit.HANDSHAKE, begin + 5), clock.busyUntil(begin + 5)], [0, 0]);
    clock.note(Limit.HANDSHAKE, false, begin);
    clock.note(Limit.APPLICATION, false, begin + 10);
    clock.note(Limit.APPLICATION, true, begin + 30);
    clock.note(Limit.APPLICATION, true, begin + 35);
    clock.note(Limit.NAGLE, true, begin + 60);
    clock.note(Limit.NAGLE, false, begin + 100);
    const now = begin + 150;
    assert.deepEqual(
      [Limit.HANDSHAKE, Limit.APPLICATION, Limit.NAGLE, Limit.LINK].map((limit) => clock.msBy(limit, now)),
      [10, 50, 90, 0],
    );
    assert.equal(clock.busyUntil(now), 70);
    clock.note(Limit.NAGLE, true, now);
    assert.equal(clock.busyUntil(now + 5), 75);
    assert.equal(clock.by, Limit.NAGLE);
  });
}
