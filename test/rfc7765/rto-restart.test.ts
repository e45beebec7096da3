// RTO restart (RFC 7765): the timer of a short flight counts from when its oldest segment left, not from the last ACK,
// because no further ACKs will come that could show a loss. Without SACK, for there a tail loss probe comes first.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Timer } from '../../src/tcp/timers.js';
import type { Bench } from '../tcp/harness.js';
import { ackBefore, type FlightOptions, flight } from '../tcp/sacking.js';

function sender(segments: number, options: FlightOptions = {}): Bench {
  return flight(segments, { sack: false, ...options });
}

/** Milliseconds until the retransmission timer fires. */
function untilTimeout(bench: Bench): number {
  return Math.round(1000 * (bench.connection.timers.deadline(Timer.RETRANSMISSION) - bench.now)) / 1000;
}

function rto(bench: Bench): number {
  return Math.round(1000 * bench.status.rtoMs) / 1000;
}

test('RFC7765 §4: with fewer than four segments outstanding and nothing to send, the age of the oldest comes off', () => {
  const bench = sender(4);
  bench.advance(150).peer(ackBefore(2));
  assert.equal(untilTimeout(bench), rto(bench) - 150);
});

test('RFC7765 §4: not with four or more', () => {
  const bench = sender(5);
  bench.advance(150).peer(ackBefore(2));
  assert.equal(untilTimeout(bench), rto(bench));
});

test('RFC7765 §4: nor while there is more to send: its ACKs will come', () => {
  const bench = sender(4, { waiting: 2, peer: { window: 4000 } });
  bench.advance(150).peer(`${ackBefore(2)} w3000`);
  assert.equal(bench.status.inFlight, 3000);
  assert.equal(untilTimeout(bench), rto(bench));
});

test('RFC7765 §4: the age is that of the oldest segment outstanding', () => {
  const bench = sender(2, { config: { initialWindowSegments: 4 } });
  bench.advance(100);
  bench.write(1000);
  bench.advance(100).peer(ackBefore(3));
  assert.equal(untilTimeout(bench), rto(bench) - 100);
});

test('RFC7765 §4: where nothing would be left of it, it is the whole timeout', () => {
  const bench = sender(3, { config: { rtoMinMs: 0 } });
  // One ACK keeps the timer going, and the round trips get shorter: so does the timeout.
  bench.advance(290).peer(ackBefore(2));
  bench.connection.rtt.rto = 100;
  bench.peer(ackBefore(3));
  assert.ok(untilTimeout(bench) >= 100, `${untilTimeout(bench)}`);
});

test('RFC7765 §4: not in a recovery, whose retransmissions are younger than the segments', () => {
  const bench = sender(4, { config: { rtoMinMs: 200 } });
  while (bench.connection.rtx.tally.timeouts === 0) bench.advance(1);
  bench.advance(10).peer(ackBefore(2));
  assert.equal(untilTimeout(bench), rto(bench));
});

test('RFC7765 §4: what is left of the wait is waited for, be it a millisecond; where nothing is left a whole one', () => {
  for (const [afterMs, waitMs] of [
    [999, 1],
    [1000, 1000],
  ] as const) {
    const bench = flight(2, { config: { rtoMinMs: 1000, rtoMaxMs: 1000 } });
    bench.now += afterMs;
    bench.inject(ackBefore(2));
    assert.equal(bench.connection.timers.deadline(Timer.RETRANSMISSION), bench.now + waitMs);
  }
});
