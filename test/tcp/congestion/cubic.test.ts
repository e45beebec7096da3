// CUBIC against RFC 9438. The curve is computed here a second time from the formulas, in segments and seconds.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AckSample, Controller } from '../../../src/tcp/congestion/controller.js';
import { cubic } from '../../../src/tcp/congestion/cubic.js';
import { newReno } from '../../../src/tcp/congestion/newreno.js';
import { ack, flight, lose, MSS } from './samples.js';

const BETA = 0.7;
const C = 0.4;
const ALPHA = (3 * (1 - BETA)) / (1 + BETA);

/** CUBIC in congestion avoidance after a loss at `segments`, at time 0. */
function afterLoss(segments: number): Controller {
  const c = cubic(MSS, 10);
  c.onAck(ack());
  c.cwnd = segments * MSS;
  lose(c, segments * MSS);
  return c;
}

/** Acknowledges segment by segment, evenly in time, until `untilMs`. Returns the time. */
function flow(
  c: Controller,
  fromMs: number,
  untilMs: number,
  rttMs: number,
  bytesPerAck = MSS,
  fields: Partial<AckSample> = {},
): number {
  let now = fromMs;
  while (now < untilMs) {
    now += (rttMs * bytesPerAck) / c.cwnd;
    c.onAck(ack({ now, ackedBytes: bytesPerAck, srttMs: rttMs, rttMs, ...fields }));
  }
  return now;
}

/** The window in segments `seconds` after a stage of congestion avoidance began, by RFC 9438 §4.2–4.5, in small steps. */
function model(cwndEpoch: number, wMax: number, cwndPrior: number, rtt: number, seconds: number): number {
  const k = Math.cbrt((wMax - cwndEpoch) / C);
  const wCubic = (t: number) => C * (t - k) ** 3 + wMax;
  let cwnd = cwndEpoch;
  let wEst = cwndEpoch;
  const step = rtt / 500;
  for (let t = 0; t < seconds; t += step) {
    const segmentsAcked = (cwnd / rtt) * step;
    wEst += ((wEst >= cwndPrior ? 1 : ALPHA) * segmentsAcked) / cwnd;
    const target = Math.min(Math.max(wCubic(t + rtt), cwnd), 1.5 * cwnd);
    if (wCubic(t) < wEst) cwnd = Math.max(cwnd, wEst);
    else cwnd += ((target - cwnd) / cwnd) * segmentsAcked;
  }
  return cwnd;
}

function assertNear(got: number, expected: number, share: number, what: string): void {
  assert.ok(Math.abs(got - expected) <= share * expected, `${what}: ${got}, expected ${expected}`);
}

describe('the curve', () => {
  for (const [segments, rttMs] of [
    [1000, 100],
    [200, 100],
    [5000, 20],
    [100, 10],
    [40, 30],
  ] as const) {
    test(`RFC9438 §4.2-4.5: from a loss at ${segments} segments, ${rttMs} ms: as the formulas say at every second`, () => {
      const c = afterLoss(segments);
      const begin = c.cwnd / MSS;
      assertNear(begin, BETA * segments, 0.001, 'beta');
      let now = 0;
      for (let second = 1; second <= 12; second++) {
        now = flow(c, now, second * 1000, rttMs);
        const expected = model(begin, segments, segments, rttMs / 1000, now / 1000);
        assertNear(c.cwnd / MSS, expected, 0.01, `after ${second} s`);
      }
    });
  }

  test('RFC9438 §4.2: K seconds after the loss the window stands at W_max, and is flat there', () => {
    const c = afterLoss(1000);
    const k = Math.cbrt((1000 * (1 - BETA)) / C) * 1000;
    let now = flow(c, 0, k - 500, 50);
    const before = c.cwnd;
    now = flow(c, now, k, 50);
    assertNear(c.cwnd, 1000 * MSS, 0.001, 'at K');
    now = flow(c, now, k + 500, 50);
    assert.ok(c.cwnd - before < 0.001 * before, `${before} to ${c.cwnd}`);
    flow(c, now, k + 5000, 50);
    assertNear(c.cwnd / MSS, 1000 + C * 5 ** 3, 0.01, 'five seconds later');
  });

  test('RFC9438 §4.2: never faster than by half in a round trip', () => {
    const c = afterLoss(10_000);
    // Long after K in one step: the curve is far above the window.
    c.onAck(ack({ now: 100_000, ackedBytes: 3 * c.cwnd }));
    assertNear(c.cwnd, 1.5 * BETA * 10_000 * MSS, 0.001, 'target');
  });

  test('RFC9438 §4.2: a target that moves back with the round-trip time does not make the window smaller', () => {
    const c = afterLoss(500);
    c.onAck(ack({ now: 10, srttMs: 2000, ackedBytes: c.cwnd }));
    const { cwnd } = c;
    assert.ok(cwnd > 380 * MSS, 'two seconds ahead of the curve');
    for (let i = 0; i < 1000; i++) c.onAck(ack({ now: 20, srttMs: 2, ackedBytes: MSS }));
    assert.equal(c.cwnd, cwnd);
  });

  test('RFC9438 §4.3: nor does an estimate of what Reno would have', () => {
    const c = afterLoss(20);
    c.onAck(ack({ now: 1000, srttMs: 2000, ackedBytes: c.cwnd }));
    const { cwnd } = c;
    assert.ok(cwnd > 20 * MSS, 'W_cubic two seconds ahead');
    // The estimate comes to 14 + 11 * ALPHA: more than W_cubic has now, less than the window.
    c.onAck(ack({ now: 1000, srttMs: 2, ackedBytes: 10 * cwnd }));
    assert.equal(c.cwnd, cwnd);
  });

  test('RFC9438 §4.1: it is bytes that count: delayed, stretched and divided ACKs give the same window', () => {
    const windows = [50, 500, MSS, 2 * MSS, 16 * MSS].map((bytesPerAck) => {
      const c = afterLoss(400);
      flow(c, 0, 8000, 60, bytesPerAck);
      return c.cwnd;
    });
    for (const window of windows) assertNear(window, windows[2]!, 0.01, `${windows}`);
  });

  test('RFC9438 §4.2: growth of less than a byte an ACK adds up', () => {
    const c = afterLoss(2000);
    const k = Math.cbrt((2000 * (1 - BETA)) / C) * 1000;
    let now = flow(c, 0, k - 1000, 100);
    const before = c.cwnd;
    now = flow(c, now, k - 200, 100, 100);
    const expected = C * MSS * (1 - 0.2 ** 3);
    assertNear(c.cwnd - before, expected, 0.3, 'in 0.8 s before the plateau');
    assert.ok(Number.isInteger(c.cwnd));
  });
});

test('RFC9438 §4.4: steps of less than a byte add up, as many as make one', () => {
  const windows = [10, MSS].map((bytesPerAck) => {
    const c = afterLoss(1000);
    const from = c.cwnd;
    for (let acked = 0; acked < 5 * MSS; acked += bytesPerAck) {
      c.onAck(ack({ now: 1, ackedBytes: bytesPerAck, srttMs: 100 }));
    }
    return c.cwnd - from;
  });
  assert.ok(windows[1]! < 5 * MSS * 0.1, 'less than a byte for each ten');
  assertNear(windows[0]!, windows[1]!, 0.02, `${windows}`);
});

describe('the Reno-friendly region', () => {
  test('RFC9438 §4.3: on a short path the window grows by alpha a round trip, and by a segment from cwnd_prior on', () => {
    const c = afterLoss(20);
    const rttMs = 2;
    let now = flow(c, 0, 8 * rttMs, rttMs);
    assertNear(c.cwnd / MSS, 14 + 8 * ALPHA, 0.02, 'below');
    while (c.cwnd < 20 * MSS) now = flow(c, now, now + rttMs, rttMs);
    const from = c.cwnd;
    flow(c, now, now + 8 * rttMs, rttMs);
    assertNear(c.cwnd / MSS, from / MSS + 8, 0.03, 'above');
  });

  test('RFC9438 §4.1: there, too, divided ACKs gain nothing', () => {
    const windows = [20, MSS].map((bytesPerAck) => {
      const c = afterLoss(20);
      flow(c, 0, 30, 2, bytesPerAck);
      return c.cwnd;
    });
    assertNear(windows[0]!, windows[1]!, 0.005, `${windows}`);
  });

  test('RFC9438 §4.3: after a timeout cwnd_prior is the window before it, from which on a whole segment counts', () => {
    for (const [segments, increase] of [
      [20, ALPHA],
      [14, 1],
    ] as const) {
      const c = afterLoss(10);
      c.cwnd = segments * MSS;
      c.onTimeout(flight(20 * MSS), true);
      while (c.inSlowStart) c.onAck(ack({ now: 5, srttMs: 2, rttMs: 2 }));
      assert.equal(c.cwnd, 14 * MSS);
      c.onAck(ack({ now: 5, srttMs: 2, rttMs: 2, ackedBytes: 14 * MSS }));
      assertNear(c.cwnd, (14 + increase) * MSS, 0.0001, `${segments} segments before`);
    }
  });

  test('RFC9438 §4.3: there CUBIC and NewReno have the same window on average', () => {
    const average = (c: Controller): number => {
      let sum = 0;
      let count = 0;
      for (let now = 0; now < 20_000; count++) {
        now += (2 * MSS) / c.cwnd;
        c.onAck(ack({ now, srttMs: 2, rttMs: 2 }));
        sum += c.cwnd;
        // A loss after every 500 segments: the deterministic model of §5.1.
        if (count % 500 === 499) lose(c, c.cwnd, now);
      }
      return sum / count / MSS;
    };
    const reno = newReno(MSS, 10);
    reno.ssthresh = reno.cwnd;
    assertNear(average(afterLoss(20)), average(reno), 0.15, 'average window');
  });
});

describe('congestion', () => {
  test('RFC9438 §4.6: 0.7 of the flight, for a loss and for a mark; two segments at least', () => {
    for (const cause of ['loss', 'ecn'] as const) {
      const c = afterLoss(100);
      c.cwnd = 100 * MSS;
      c.onCongestion(flight(100 * MSS), cause);
      assert.equal(c.ssthresh, 70 * MSS, cause);
      c.cwnd = 2 * MSS;
      c.onCongestion(flight(2 * MSS), cause);
      assert.equal(c.ssthresh, 2 * MSS, cause);
    }
  });

  test('RFC9438 §4.6: of the flight, not of a larger window', () => {
    const c = afterLoss(100);
    c.cwnd = 100 * MSS;
    c.onCongestion(flight(40 * MSS), 'loss');
    assert.equal(c.ssthresh, 28 * MSS);
  });

  test('RFC9438 §4.6: marks bring the window down to one segment', () => {
    const c = afterLoss(10);
    for (let i = 0; i < 10; i++) lose(c, c.cwnd, 0, 'ecn');
    assert.equal(c.cwnd, MSS);
  });

  test('RFC9438 §4.7: fast convergence: a second loss below the last maximum flattens the curve lower', () => {
    const c = afterLoss(1000);
    let now = flow(c, 0, 1000, 50);
    const second = c.cwnd / MSS;
    assert.ok(second < 1000);
    lose(c, c.cwnd, now);
    const wMax = (second * (1 + BETA)) / 2;
    const begin = c.cwnd / MSS;
    const from = now;
    now = flow(c, now, now + 8000, 50);
    assert.ok(now > from + Math.cbrt((wMax - begin) / C) * 1000, 'beyond its plateau');
    assertNear(c.cwnd / MSS, model(begin, wMax, second, 0.05, (now - from) / 1000), 0.01, 'after 8 s');
  });

  test('RFC9438 §4.7: a loss at or above the last maximum is no reason for it', () => {
    const c = afterLoss(1000);
    const k = Math.cbrt((1000 * (1 - BETA)) / C) * 1000;
    let now = flow(c, 0, k + 3000, 50);
    const second = c.cwnd / MSS;
    assert.ok(second > 1000);
    lose(c, c.cwnd, now);
    const from = now;
    now = flow(c, now, now + k, 50);
    assertNear(
      c.cwnd / MSS,
      model(BETA * second, second, second, 0.05, (now - from) / 1000),
      0.01,
      'after K',
    );
  });

  test('RFC9438 §4.7: nor is one at the same size', () => {
    const c = afterLoss(1000);
    c.cwnd = 1000 * MSS;
    lose(c, c.cwnd, 0);
    const k = Math.cbrt((1000 * (1 - BETA)) / C) * 1000;
    flow(c, 0, k, 50);
    assertNear(c.cwnd / MSS, 1000, 0.001, 'the same plateau');
  });

  test('a window that the sender has set begins a curve of its own, instead of a jump to the old one', () => {
    const c = afterLoss(1000);
    const now = flow(c, 0, 3000, 50);
    c.cwnd = 100 * MSS;
    c.ssthresh = 100 * MSS;
    flow(c, now, now + 100, 50);
    assert.ok(c.cwnd < 130 * MSS, `${c.cwnd}`);
  });
});

describe('without a maximum', () => {
  for (const rttMs of [10, 100]) {
    test(`RFC9438 §4.8: after a timeout slow start to 0.7 of the flight, then from a plateau: ${rttMs} ms`, () => {
      const c = afterLoss(160);
      c.cwnd = 200 * MSS;
      c.onTimeout(flight(200 * MSS), true);
      assert.deepEqual([c.cwnd, c.ssthresh], [MSS, 140 * MSS]);
      let now = 0;
      for (; c.inSlowStart; now++) c.onAck(ack({ now }));
      const begin = c.cwnd / MSS;
      assertNear(begin, 140, 0.01, 'the stage begins at ssthresh');
      const from = now;
      // W_max and W_est are the window at the beginning, K is 0, cwnd_prior is the window before the timeout.
      for (const forMs of [600, 3000, 6000]) {
        now = flow(c, now, from + forMs, rttMs);
        const expected = model(begin, begin, 200, rttMs / 1000, (now - from) / 1000);
        assertNear(c.cwnd / MSS, expected, 0.01, `after ${forMs} ms`);
      }
    });
  }

  test('RFC9438 §4.8: a repeated timeout leaves ssthresh', () => {
    const c = afterLoss(200);
    c.cwnd = 200 * MSS;
    c.onTimeout(flight(200 * MSS), true);
    c.onTimeout(flight(MSS), false);
    assert.deepEqual([c.cwnd, c.ssthresh], [MSS, 140 * MSS]);
  });

  test('RFC9438 §4.10: slow start that ends without a loss leaves the same curve, and the increase of Reno at once', () => {
    const c = cubic(MSS, 10);
    c.onAck(ack());
    c.cwnd = c.ssthresh = 50 * MSS;
    const now = flow(c, 0, 5000, 20);
    assertNear(c.cwnd / MSS, model(50, 50, 50, 0.02, now / 1000), 0.01, 'after 5 s');
    const short = cubic(MSS, 10);
    short.onAck(ack());
    short.cwnd = short.ssthresh = 50 * MSS;
    flow(short, 0, 20, 2);
    assertNear(short.cwnd / MSS, 60, 0.02, 'ten round trips');
  });
});

describe('time that does not count', () => {
  test('RFC9438 §5.8: nothing grows while the application limits the sender, and the curve waits', () => {
    const paused = afterLoss(500);
    const steady = afterLoss(500);
    let now = flow(paused, 0, 2000, 50);
    const before = paused.cwnd;
    now = flow(paused, now, now + 30_000, 50, 100 * MSS, { windowLimited: false });
    assert.equal(paused.cwnd, before);
    flow(paused, now, now + 2000, 50);
    flow(steady, 0, 4000, 50);
    assertNear(paused.cwnd, steady.cwnd, 0.005, 'as if there had been no pause');
  });

  test('RFC9438 §5.8: nor does the time count in which nothing was in flight', () => {
    const paused = afterLoss(500);
    const steady = afterLoss(500);
    let now = flow(paused, 0, 2000, 50);
    now += 60_000;
    paused.onSent!(MSS, true, true, now);
    paused.onSent!(2 * MSS, false, false, now);
    flow(paused, now, now + 2000, 50);
    flow(steady, 0, 4000, 50);
    assertNear(paused.cwnd, steady.cwnd, 0.005, 'as if there had been no pause');
  });

  test('RFC9438 §5.8: the time of recovery is no such time', () => {
    const c = cubic(MSS, 10);
    c.onAck(ack());
    c.cwnd = c.ssthresh = 500 * MSS;
    c.onCongestion(flight(500 * MSS), 'loss');
    c.cwnd = c.ssthresh;
    c.onRecovered!(ack({ now: 2000 }));
    c.onAck(ack({ now: 2500, windowLimited: false }));
    const paused = flow(c, 2500, 5500, 50);
    const other = afterLoss(500);
    flow(other, 0, paused - 2500, 50);
    assertNear(c.cwnd, other.cwnd, 0.005, 'half a second of pause, and no more');
  });

  test('RFC9438 §5.8: segments that leave while others are in flight are no pause', () => {
    const c = afterLoss(500);
    const other = afterLoss(500);
    for (let now = 20; now < 4000; now += 20) {
      c.onSent!(c.cwnd, false, false, now - 10);
      for (const one of [c, other]) one.onAck(ack({ now, srttMs: 50, ackedBytes: 100 * MSS }));
    }
    assert.equal(c.cwnd, other.cwnd);
    assert.ok(c.cwnd > 400 * MSS, 'the window has grown');
  });

  test('RFC5681 §4.1: a window that is not larger than the initial one stays after a pause, and so does ssthresh', () => {
    const c = afterLoss(20);
    c.cwnd = 10 * MSS;
    c.ssthresh = 5 * MSS;
    c.onIdle(10_000);
    assert.deepEqual([c.cwnd, c.ssthresh], [10 * MSS, 5 * MSS]);
  });

  test('RFC5681 §4.1, RFC7661 §4.4.3: after a long pause the initial window, and a quick way back to where it was', () => {
    const c = afterLoss(500);
    const now = flow(c, 0, 9000, 50);
    const known = c.cwnd;
    c.onIdle(10_000);
    assert.equal(c.cwnd, 10 * MSS);
    assert.equal(c.ssthresh, Math.floor(0.75 * known));
    const later = flow(c, now + 10_000, now + 12_000, 50);
    assert.ok(c.cwnd <= 1.02 * known, 'no jump');
    assert.ok(c.cwnd >= 0.75 * known && later > 0);
  });
});

describe('needless reductions', () => {
  for (const kind of ['loss', 'timeout', 'timeouts'] as const) {
    for (const [where, segments, rttMs, atMs, untilMs] of [
      ['below the plateau', 400, 50, 3000, 6000],
      ['beyond it', 200, 50, 7000, 9000],
      ['in the Reno-friendly region', 20, 2, 6, 20],
    ] as const) {
      test(`RFC9438 §4.9: window, threshold and the whole curve are restored: ${kind} ${where}`, () => {
        const undone = afterLoss(segments);
        const never = afterLoss(segments);
        const now = flow(undone, 0, atMs, rttMs);
        flow(never, 0, atMs, rttMs);
        const { cwnd, ssthresh } = undone;
        if (kind === 'loss') lose(undone, cwnd, now);
        else undone.onTimeout(flight(cwnd, now), true);
        if (kind === 'timeouts') undone.onTimeout(flight(MSS, now), false);
        undone.onSpurious(cwnd, ssthresh, now);
        assert.equal(undone.cwnd, cwnd);
        assert.ok(undone.ssthresh >= ssthresh && undone.ssthresh <= cwnd);
        flow(undone, now, untilMs, rttMs);
        flow(never, now, untilMs, rttMs);
        assertNear(undone.cwnd, never.cwnd, 0.001, 'the curve');
      });
    }
  }

  test('RFC9438 §4.9: t_epoch is restored: the time of the needless recovery counts, a pause after it does not', () => {
    const undone = afterLoss(800);
    const never = afterLoss(800);
    let now = flow(undone, 0, 3000, 50);
    flow(never, 0, 3000, 50);
    const { cwnd, ssthresh } = undone;
    undone.onTimeout(flight(cwnd, now), true);
    now += 1000;
    undone.onSpurious(cwnd, ssthresh, now);
    undone.onAck(ack({ now: now + 500, windowLimited: false }));
    flow(undone, now + 500, 7500, 50);
    flow(never, now, 7000, 50);
    assertNear(undone.cwnd, never.cwnd, 0.005, 'the curve');
  });

  test('RFC9438 §4.9: fast convergence that was needless leaves no trace in the next loss', () => {
    const undone = afterLoss(800);
    const now = flow(undone, 0, 1000, 50);
    const { cwnd, ssthresh } = undone;
    lose(undone, cwnd, now);
    undone.onSpurious(cwnd, ssthresh, now);
    const k = Math.cbrt((800 * (1 - BETA)) / C) * 1000;
    flow(undone, now, k, 50);
    assertNear(undone.cwnd / MSS, 800, 0.005, 'the old maximum at the old time');
  });

  test('RFC9438 §4.9.2: a window that has outgrown the old one stays as it is', () => {
    for (const by of [30 * MSS, 1, 0]) {
      const [c, untold] = [afterLoss(100), afterLoss(100)];
      lose(c, c.cwnd, 0);
      lose(untold, untold.cwnd, 0);
      const now = flow(c, 0, 20_000, 50, 4 * MSS);
      flow(untold, 0, 20_000, 50, 4 * MSS);
      const { cwnd } = c;
      assert.ok(cwnd > 100 * MSS);
      c.onSpurious(cwnd - by, 70 * MSS, now);
      assert.equal(c.cwnd, cwnd);
      flow(c, now, now + 1000, 50, 4 * MSS);
      flow(untold, now, now + 1000, 50, 4 * MSS);
      assert.ok(c.cwnd > cwnd, 'and goes on from there');
      assert.equal(c.cwnd, untold.cwnd, 'on its own curve');
    }
  });

  test('RFC9438 §4.9, RFC9406 §4.3: slow start that a needless loss ended goes on', () => {
    const c = cubic(MSS, 10);
    c.onAck(ack());
    const { cwnd, ssthresh } = c;
    lose(c, cwnd);
    c.onSpurious(cwnd, ssthresh, 0);
    assert.equal(c.inSlowStart, true);
    c.onAck(ack());
    assert.equal(c.cwnd, cwnd + MSS);
  });
});

test('RFC6928 §2: the initial window follows the MSS that the handshake settles', () => {
  const c = cubic(536, 10);
  c.setMss(1460);
  assert.equal(c.cwnd, 14_600);
});

test('RFC9438 §4.1: another MSS changes the steps and not the window', () => {
  const c = afterLoss(500);
  const now = flow(c, 0, 2000, 50);
  const { cwnd } = c;
  c.setMss(500);
  assert.equal(c.cwnd, cwnd);
  flow(c, now, now + 50, 50, 500);
  assert.ok(c.cwnd > cwnd && c.cwnd < 1.01 * cwnd, `${cwnd} to ${c.cwnd}`);
});
