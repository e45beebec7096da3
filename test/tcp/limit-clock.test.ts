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

test('the length of a handshake, while nothing but the wait for the application has followed it', () => {
  const clock = new LimitClock();
  clock.note(Limit.HANDSHAKE, false, 0);
  assert.equal(clock.handshakeOnlyMs, -1, 'it is not over');
  clock.note(Limit.APPLICATION, false, 10);
  assert.equal(clock.handshakeOnlyMs, 10);
  clock.note(Limit.APPLICATION, true, 20);
  assert.equal(clock.handshakeOnlyMs, -1, 'there is something to do');
  clock.note(Limit.APPLICATION, false, 30);
  assert.equal(clock.handshakeOnlyMs, -1, 'there was something to do');
  const busy = new LimitClock();
  busy.note(Limit.HANDSHAKE, true, 0);
  busy.note(Limit.APPLICATION, false, 10);
  assert.equal(busy.handshakeOnlyMs, -1, 'there was something to do in the handshake');
  const limited = new LimitClock();
  limited.note(Limit.HANDSHAKE, false, 0);
  limited.note(Limit.NAGLE, false, 10);
  assert.equal(limited.handshakeOnlyMs, -1, 'something else stops the sender');
  limited.note(Limit.APPLICATION, false, 20);
  assert.equal(limited.handshakeOnlyMs, -1, 'something else has stopped the sender');
});
