// Slow start by bytes (RFC 5681, RFC 3465) and its end by HyStart++ (RFC 9406).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Controller } from '../../../src/tcp/congestion/controller.js';
import { cubic } from '../../../src/tcp/congestion/cubic.js';
import { newReno } from '../../../src/tcp/congestion/newreno.js';
import { SlowStart } from '../../../src/tcp/congestion/slow-start.js';
import { ack, flight, lose, MSS, Rounds } from './samples.js';

const UNKNOWN = Number.MAX_SAFE_INTEGER;

/** CUBIC with a window large enough for eight RTT samples in a round. */
function guarded(segments = 32): { controller: Controller; rounds: Rounds } {
  const controller = cubic(MSS, segments);
  return { controller, rounds: new Rounds(controller) };
}

describe('bytes', () => {
  test('RFC5681 §3.1: a window acknowledged segment by segment doubles', () => {
    const c = newReno(MSS, 10);
    new Rounds(c).round(100);
    assert.equal(c.cwnd, 20 * MSS);
  });

  test('RFC3465 §2.2: one ACK grows the window by two segments at most', () => {
    const c = newReno(MSS, 10);
    c.onAck(ack({ ackedBytes: 2 * MSS }));
    assert.equal(c.cwnd, 12 * MSS);
    c.onAck(ack({ ackedBytes: 8 * MSS }));
    assert.equal(c.cwnd, 14 * MSS);
    c.onAck(ack({ ackedBytes: 8 * MSS, priorInFlight: 100 * MSS }));
    assert.equal(c.cwnd, 16 * MSS, 'however large the flight was');
  });

  test('RFC3465 §2.2: an ACK that stands for several grows it as these would', () => {
    const c = newReno(MSS, 10);
    c.onAck(ack({ ackedBytes: 8 * MSS, acks: 3 }));
    assert.equal(c.cwnd, 16 * MSS);
    c.onTimeout(flight(11 * MSS), true);
    c.onAck(ack({ ackedBytes: 5 * MSS, acks: 2 }));
    assert.equal(c.cwnd, 3 * MSS);
    const few = cubic(MSS, 40);
    few.onAck(ack({ ackedBytes: 40 * MSS, priorInFlight: 40 * MSS, acks: 2 }));
    assert.equal(few.cwnd, 56 * MSS);
  });

  test('RFC9406 §4.3: under HyStart++ by eight segments, or a quarter of the flight where that is more', () => {
    const few = cubic(MSS, 10);
    few.onAck(ack({ ackedBytes: 10 * MSS, priorInFlight: 10 * MSS }));
    assert.equal(few.cwnd, 18 * MSS);
    const many = cubic(MSS, 400);
    many.onAck(ack({ ackedBytes: 400 * MSS, priorInFlight: 400 * MSS }));
    assert.equal(many.cwnd, 500 * MSS);
  });

  test('RFC3465 §2.3: after a timeout by one segment at most, until congestion avoidance begins', () => {
    const c = newReno(MSS, 10);
    c.onAck(ack());
    c.onTimeout(flight(11 * MSS), true);
    c.onAck(ack({ ackedBytes: 2 * MSS }));
    assert.equal(c.cwnd, 2 * MSS);
    c.onAck(ack({ ackedBytes: 2 * MSS }));
    assert.equal(c.cwnd, 3 * MSS);
    while (c.inSlowStart) c.onAck(ack({ ackedBytes: 2 * MSS }));
    // A later slow start, which no timeout began.
    c.ssthresh = 100 * MSS;
    const before = c.cwnd;
    c.onAck(ack({ ackedBytes: 2 * MSS }));
    assert.equal(c.cwnd, before + 2 * MSS);
  });

  test('RFC3465 §2.3: after a recovery, or a timeout that was needless, it is that of a beginning', () => {
    const recovered = newReno(MSS, 10);
    recovered.onAck(ack());
    recovered.onTimeout(flight(11 * MSS), true);
    lose(recovered, 8 * MSS);
    recovered.ssthresh = 100 * MSS;
    recovered.onAck(ack({ ackedBytes: 2 * MSS }));
    assert.equal(recovered.cwnd, 6 * MSS);
    const undone = newReno(MSS, 10);
    undone.onAck(ack());
    undone.onTimeout(flight(11 * MSS), true);
    undone.onSpurious(11 * MSS, UNKNOWN, 0);
    undone.onAck(ack({ ackedBytes: 2 * MSS }));
    assert.equal(undone.cwnd, 13 * MSS);
  });

  test('RFC3465 §2: dividing one ACK into many, or repeating it, gains nothing', () => {
    for (const factory of [newReno, cubic]) {
      const whole = factory(MSS, 10);
      const divided = factory(MSS, 10);
      whole.onAck(ack());
      for (let i = 0; i < 100; i++) divided.onAck(ack({ ackedBytes: 10 }));
      for (let i = 0; i < 100; i++) divided.onAck(ack({ ackedBytes: 0, sentDelivered: -1 }));
      assert.equal(divided.cwnd, whole.cwnd, whole.name);
    }
  });

  test('RFC7661 §4.4: a window that does not limit the sender does not grow', () => {
    for (const factory of [newReno, cubic]) {
      const c = factory(MSS, 10);
      for (let i = 0; i < 100; i++) c.onAck(ack({ windowLimited: false }));
      assert.equal(c.cwnd, 10 * MSS, c.name);
    }
  });

  test('RFC5681 §3.1: slow start ends at ssthresh in the midst of an ACK; the rest of it counts for congestion avoidance', () => {
    for (const factory of [newReno, cubic]) {
      const c = factory(MSS, 10);
      c.ssthresh = 10 * MSS + 500;
      c.onAck(ack({ ackedBytes: 2 * MSS }));
      const beyond = c.cwnd - c.ssthresh;
      // Of the 1500 bytes left, a window of 10 500 grows by a seventh of a segment at most.
      assert.ok(beyond >= 0 && beyond <= MSS / 7, `${c.name}: ${beyond}`);
      if (factory === cubic) assert.ok(beyond > MSS / 8, `${beyond}`);
    }
  });
});

describe('HyStart++', () => {
  test('RFC9406 §4.2: a flat round-trip time lets slow start go on', () => {
    const { controller, rounds } = guarded();
    for (let i = 0; i < 6; i++) rounds.round((n) => 50 + (n % 5));
    assert.equal(controller.cwnd, 32 * MSS * 2 ** 6);
    assert.equal(controller.ssthresh, UNKNOWN);
  });

  test('RFC9406 §4.2: when the least RTT of a round has risen by an eighth, growth slows to a quarter', () => {
    const { controller, rounds } = guarded();
    rounds.round(80);
    const before = controller.cwnd;
    rounds.round(90);
    // Seven ACKs are too few to tell; from the ninth on the window grows by a quarter of a segment.
    assert.equal(controller.cwnd, before + 8 * MSS + ((before - 8 * MSS) * 1) / 4);
    assert.equal(controller.inSlowStart, true);
  });

  test('RFC9406 §4.2: five rounds of conservative growth, the begun one counted, then congestion avoidance', () => {
    const { controller, rounds } = guarded();
    rounds.round(80);
    const factors: number[] = [];
    for (let i = 0; i < 8 && controller.inSlowStart; i++) {
      const before = controller.cwnd;
      rounds.round(90);
      factors.push(controller.cwnd / before);
    }
    // The ACK that begins the sixth round ends slow start.
    assert.equal(factors.length, 6);
    for (const factor of factors.slice(1, 5)) assert.ok(Math.abs(factor - 1.25) < 0.01, `${factors}`);
    assert.ok(controller.ssthresh < UNKNOWN && controller.ssthresh <= controller.cwnd);
  });

  test('RFC9406 §4.2: a round-trip time that falls again was jitter: slow start resumes', () => {
    const { controller, rounds } = guarded();
    rounds.round(80);
    rounds.round(100);
    rounds.round(80);
    const before = controller.cwnd;
    rounds.round(80);
    assert.equal(controller.cwnd, 2 * before);
    assert.equal(controller.ssthresh, UNKNOWN);
  });

  test('RFC9406 §4.2: after it resumed, HyStart++ watches on', () => {
    const { controller, rounds } = guarded();
    for (const rttMs of [80, 100, 80, 80]) rounds.round(rttMs);
    for (let i = 0; i < 7 && controller.inSlowStart; i++) rounds.round(100);
    assert.equal(controller.inSlowStart, false);
  });

  test('RFC9406 §4.2: a rise counts from the round before, not from the best of all', () => {
    const { controller, rounds } = guarded();
    for (let i = 0; i < 6; i++) rounds.round(80 * 1.1 ** i);
    assert.equal(controller.cwnd, 32 * MSS * 2 ** 6);
  });

  test('RFC9406 §4.2: a later conservative growth has five rounds of its own', () => {
    const { controller, rounds } = guarded();
    for (const rttMs of [80, 100, 100, 100, 80, 80]) rounds.round(rttMs);
    let count = 0;
    for (; controller.inSlowStart && count < 10; count++) rounds.round(100);
    assert.equal(count, 6, 'the ACK that begins the sixth ends it');
  });

  test('RFC9406 §4.2: a round begins with what was sent when the last one had begun', () => {
    const slowStart = new SlowStart(2, true);
    const round = (rttMs: number, sentDelivered: number, totalDelivered: number) => {
      for (let i = 0; i < 8; i++) slowStart.growth(ack({ rttMs, sentDelivered, totalDelivered }), MSS, true);
    };
    round(50, 0, 1);
    round(52, 1, 2);
    assert.equal(slowStart.isConservative, false);
    round(60, 2, 3);
    assert.equal(slowStart.isConservative, true);
  });

  test('RFC9406 §4.2: a round trip of no time is a measurement', () => {
    const slowStart = new SlowStart(2, true);
    const round = (rttMs: number, sentDelivered: number) => {
      for (let i = 0; i < 8; i++)
        slowStart.growth(ack({ rttMs, sentDelivered, totalDelivered: sentDelivered + 1 }), MSS, true);
    };
    round(0, 0);
    round(4, 1);
    assert.equal(slowStart.isConservative, true);
  });

  test('RFC9406 §4.2: the rounds of an earlier conservative growth do not count again', () => {
    const { controller, rounds } = guarded();
    for (const rttMs of [80, 100, 100, 100, 80, 80]) rounds.round(rttMs);
    rounds.round(100);
    rounds.round(100);
    rounds.round(100);
    rounds.round(100);
    assert.equal(controller.ssthresh, UNKNOWN, 'four rounds');
  });

  test('RFC7661 §4.4.3: slow start after HyStart++ has ended one goes on to ssthresh', () => {
    const { controller, rounds } = guarded();
    rounds.round(80);
    for (let i = 0; i < 8 && controller.inSlowStart; i++) rounds.round(90);
    const { ssthresh } = controller;
    controller.cwnd = 10 * MSS;
    rounds.round(90);
    assert.deepEqual([controller.cwnd, controller.ssthresh], [20 * MSS, ssthresh]);
  });

  /** Whether a rise from one RTT to the other slows the growth. */
  function isSlowed(fromMs: number, toMs: number, segments = 32): boolean {
    const { controller, rounds } = guarded(segments);
    rounds.round(fromMs);
    const before = controller.cwnd;
    rounds.round(toMs);
    return controller.cwnd < 2 * before;
  }

  test('RFC9406 §4.3: the rise that counts is an eighth, but 4 ms at least and 16 ms at most', () => {
    assert.equal(isSlowed(80, 89.9), false);
    assert.equal(isSlowed(80, 90), true);
    assert.equal(isSlowed(8, 11.9), false);
    assert.equal(isSlowed(8, 12), true);
    assert.equal(isSlowed(400, 415.9), false);
    assert.equal(isSlowed(400, 416), true);
  });

  test('RFC9406 §4.3: fewer than eight samples in a round tell nothing', () => {
    assert.equal(isSlowed(80, 120, 3), false);
    assert.equal(isSlowed(80, 120, 5), true, 'ten ACKs in the second round');
  });

  test('RFC9406 §4.3: an ACK that stands for eight is as many samples', () => {
    const slowStart = new SlowStart(2, true);
    const round = (number: number, rttMs: number, acks: number) => {
      const sample = { rttMs, acks, sentDelivered: number, totalDelivered: number + 1 };
      slowStart.growth(ack(sample), MSS, true);
    };
    round(0, 50, 8);
    round(1, 70, 7);
    assert.equal(slowStart.isConservative, false);
    round(2, 50, 8);
    round(3, 70, 8);
    assert.equal(slowStart.isConservative, true);
  });

  test('RFC9406 §4.2: an ACK that measured nothing is no sample', () => {
    const slowStart = new SlowStart(2, true);
    for (let i = 0; i < 20; i++) {
      slowStart.growth(ack({ rttMs: 50, sentDelivered: 0, totalDelivered: 1 }), MSS, true);
    }
    for (let i = 0; i < 20; i++) {
      slowStart.growth(ack({ rttMs: -1, sentDelivered: i === 0 ? 1 : 0, totalDelivered: 2 }), MSS, true);
    }
    assert.equal(slowStart.isConservative, false);
    for (let i = 0; i < 8; i++) slowStart.growth(ack({ rttMs: 70, sentDelivered: 1 }), MSS, true);
    assert.equal(slowStart.isConservative, true);
  });

  test('RFC9406 §4.3: only the first slow start is watched, later ones end at a measured ssthresh', () => {
    const { controller, rounds } = guarded();
    rounds.round(80);
    controller.onTimeout(flight(controller.cwnd, rounds.now), true);
    const { ssthresh } = controller;
    for (let i = 0; 2 * controller.cwnd < ssthresh; i++) {
      const before = controller.cwnd;
      rounds.round(80 + 20 * i);
      assert.equal(controller.cwnd, 2 * before);
    }
    for (let i = 0; i < 20 && controller.inSlowStart; i++) rounds.round(80 + 20 * i);
    assert.equal(controller.ssthresh, ssthresh);
    assert.ok(controller.cwnd >= ssthresh);
  });

  test('RFC9406 §4.2: a loss ends slow start, HyStart++ or not', () => {
    const { controller, rounds } = guarded();
    rounds.round(80);
    lose(controller, controller.cwnd, rounds.now);
    assert.equal(controller.inSlowStart, false);
  });

  test('RFC9406 §4.3: after a pause the delays of before are forgotten', () => {
    const { controller, rounds } = guarded(16);
    rounds.round(50);
    rounds.round(50);
    controller.onIdle(10_000);
    for (let i = 0; i < 3; i++) rounds.round(100);
    assert.equal(controller.cwnd, 16 * MSS * 8, 'another path, but no rising delay');
  });

  test('RFC9406 §4.3: also in the midst of conservative growth, whose rounds begin anew', () => {
    const { controller, rounds } = guarded(16);
    for (const rttMs of [50, 60, 60, 60]) rounds.round(rttMs);
    controller.onIdle(10_000);
    assert.equal(controller.cwnd, 16 * MSS);
    rounds.round(60);
    assert.equal(controller.cwnd, 32 * MSS);
    let count = 0;
    for (; controller.inSlowStart && count < 10; count++) rounds.round(80);
    assert.equal(count, 6);
  });

  test('NewReno has no HyStart++', () => {
    const controller = newReno(MSS, 32);
    const rounds = new Rounds(controller);
    for (let i = 0; i < 4; i++) rounds.round(50 + 30 * i);
    assert.equal(controller.cwnd, 32 * 16 * MSS);
  });
});
