// Congestion window validation against RFC 7661.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CwndValidation } from '../../../src/tcp/congestion/cwnd-validation.js';

const MSS = 1000;
const RTT_MS = 100;
const FIVE_MINUTES_MS = 300_000;
const INITIAL = 10 * MSS;

/** ACKs of `bytesPerRound`, spread over each of the round trips from `from` to `until`. */
function acked(v: CwndValidation, from: number, until: number, bytesPerRound: number, cwnd: number): number {
  const steps = 10;
  let now = from;
  for (; now < until; now += RTT_MS / steps) v.onAck(now, bytesPerRound / steps, bytesPerRound, RTT_MS, cwnd);
  return now;
}

describe('pipeACK', () => {
  test('RFC7661 §4.1: is undefined at first, and every window is valid', () => {
    const v = new CwndValidation();
    assert.equal(v.pipeAck(0), -1);
    assert.equal(v.isValidated(0, 1e9), true);
    v.onAck(0, 5000, 5000, RTT_MS, 1e9);
    assert.equal(v.pipeAck(0), -1, 'a round trip is not over');
  });

  test('RFC7661 §4.2: is what was acknowledged in a round trip', () => {
    const v = new CwndValidation();
    const now = acked(v, 0, 5000, 40_000, 50_000);
    assert.equal(v.pipeAck(now), 40_000);
  });

  test('RFC7661 §4.2: a flight that is acknowledged whole in less than a round trip is a sample', () => {
    const v = new CwndValidation();
    v.onAck(0, 4000, 4000, RTT_MS, 10_000);
    v.onAck(20, 4000, 0, RTT_MS, 10_000);
    assert.equal(v.pipeAck(20), 8000);
  });

  test('RFC7661 §4.2: a pause does not join what lies before and behind it', () => {
    const v = new CwndValidation();
    let now = acked(v, 0, 1000, 40_000, 50_000);
    v.onAck(now, 30_000, 10_000, RTT_MS, 50_000);
    now += 600;
    v.onAck(now, 10_000, 10_000, RTT_MS, 50_000);
    assert.ok(v.pipeAck(now) <= 40_000 + 30_000);
    const w = new CwndValidation();
    w.onAck(0, 30_000, 10_000, RTT_MS, 50_000);
    w.onAck(600, 30_000, 10_000, RTT_MS, 50_000);
    w.onAck(701, 1, 10_000, RTT_MS, 50_000);
    assert.equal(w.pipeAck(701), 30_000);
  });

  test('RFC7661 §4.2: is the greatest sample of the last second', () => {
    const v = new CwndValidation();
    let now = acked(v, 0, 500, 40_000, 50_000);
    now = acked(v, now, 1000, 5000, 50_000);
    assert.equal(v.pipeAck(now), 40_000);
    now = acked(v, now, 2000, 5000, 50_000);
    assert.ok(Math.abs(v.pipeAck(now) - 5000) <= 500, `${v.pipeAck(now)}`);
  });

  test('RFC7661 §4.2: wherever in the second it was, and not when it is a second old', () => {
    for (const stretch of [0, 1, 2, 3]) {
      const v = new CwndValidation();
      for (let now = 0; now < 1000; now += 125) {
        v.onAck(now, Math.floor(now / 250) === stretch ? 40_000 : 1000, 0, RTT_MS, 50_000);
      }
      const begin = 250 * stretch;
      assert.equal(v.pipeAck(999 + begin), 40_000, `${stretch}`);
      // In each stretch the second sample joins the first, with the time of that.
      assert.ok(v.pipeAck(1000 + begin) <= 1000, `${stretch}`);
    }
  });

  test('RFC7661 §4.2: so is the sample under way, when nothing more arrives', () => {
    const v = new CwndValidation();
    v.onAck(0, 1000, 0, RTT_MS, 50_000);
    v.onAck(10, 40_000, 40_000, RTT_MS, 50_000);
    assert.equal(v.pipeAck(1009), 40_000);
    assert.equal(v.pipeAck(1010), 0);
  });

  test('RFC7661 §4.2: of the samples of a stretch the greatest, in whichever order they come', () => {
    for (const [first, second] of [
      [10_000, 30_000],
      [30_000, 10_000],
    ] as const) {
      const v = new CwndValidation();
      v.onAck(0, first, 0, RTT_MS, 50_000);
      v.onAck(150, second, 0, RTT_MS, 50_000);
      v.onAck(260, 1000, 0, RTT_MS, 50_000);
      assert.equal(v.pipeAck(270), 30_000);
    }
  });

  test('RFC7661 §4.2: the sample under way counts as far as it has come', () => {
    const v = new CwndValidation();
    const now = acked(v, 0, 1000, 10_000, 50_000);
    v.onAck(now, 30_000, 10_000, RTT_MS, 50_000);
    assert.ok(v.pipeAck(now) >= 30_000, `${v.pipeAck(now)}`);
  });

  test('RFC7661 §4.1: the first sample is over after a round trip, wherever the clock stands', () => {
    const v = new CwndValidation();
    v.onAck(1e6, 5000, 5000, RTT_MS, 1e9);
    assert.equal(v.pipeAck(1e6), -1);
    const short = new CwndValidation();
    short.onAck(1e6, 5000, 0, 0.5, 1e9);
    assert.equal(short.pipeAck(1e6), 5000, 'however short');
  });

  test('RFC7661 §4.2: or of three round trips, where these are longer', () => {
    const v = new CwndValidation();
    for (let now = 0; now <= 3000; now += 100) v.onAck(now, 1000, 10_000, 1000, 20_000);
    assert.equal(v.pipeAck(4900), 10_000);
    assert.equal(v.pipeAck(6100), 0);
  });

  test('RFC7661 §4.2: without a round-trip time there is no sample', () => {
    const v = new CwndValidation();
    for (let now = 0; now < 1000; now += 10) v.onAck(now, 1000, 0, 0, 10_000);
    assert.equal(v.pipeAck(1000), -1);
  });
});

describe('phases', () => {
  test('RFC7661 §4.3: half of the window in use validates it', () => {
    const v = new CwndValidation();
    const now = acked(v, 0, 2000, 20_000, 40_000);
    assert.equal(v.isValidated(now, 40_000), true);
    assert.equal(v.isValidated(now, 40_002), false);
  });

  test('RFC7661 §4.4: in the non-validated phase the window grows only when it is used up', () => {
    const v = new CwndValidation();
    const now = acked(v, 0, 2000, 10_000, 40_000);
    assert.equal(v.mayGrow(now, 40_000, false), false);
    assert.equal(v.mayGrow(now, 40_000, true), true);
    assert.equal(v.mayGrow(now, 20_000, false), true, 'a validated window grows by the standard rules');
  });

  test('RFC7661 §4.3: who has been silent for longer than the sampling period is in the non-validated phase', () => {
    const v = new CwndValidation();
    const now = acked(v, 0, 2000, 40_000, 40_000);
    assert.equal(v.isValidated(now, 40_000), true);
    assert.equal(v.isValidated(now + 1100, 40_000), false);
  });
});

describe('congestion', () => {
  /** In the non-validated phase: 10 000 bytes a round trip of a window of 80 000. */
  function unused(): { v: CwndValidation; now: number } {
    const v = new CwndValidation();
    return { v, now: acked(v, 0, 3000, 10_000, 80_000) };
  }

  test('RFC7661 §4.4.1: half of what was in use, in flight or lately acknowledged', () => {
    const byPipe = unused();
    assert.equal(byPipe.v.windowAtLoss(byPipe.now, 80_000, 4000, MSS), 5000);
    const byFlight = unused();
    assert.equal(byFlight.v.windowAtLoss(byFlight.now, 80_000, 30_000, MSS), 15_000);
  });

  test('RFC7661 §4.4.1: at the end of recovery what was lost is taken off first; one segment remains at least', () => {
    const some = unused();
    some.v.windowAtLoss(some.now, 80_000, 30_000, MSS);
    assert.equal(some.v.windowAfterRecovery(some.now + 100, 6000, MSS), 12_000);
    const most = unused();
    most.v.windowAtLoss(most.now, 80_000, 30_000, MSS);
    assert.equal(most.v.windowAfterRecovery(most.now + 100, 29_500, MSS), MSS);
  });

  test('RFC7661 §4.4.1: in whole bytes', () => {
    const odd = unused();
    assert.equal(odd.v.windowAtLoss(odd.now, 80_000, 30_001, MSS), 15_000);
  });

  test('RFC7661 §4.4.1: an episode that no loss began knows nothing of the one before', () => {
    const { v, now } = unused();
    v.windowAtLoss(now, 80_000, 30_000, MSS);
    v.windowAfterRecovery(now + 100, 0, MSS);
    assert.equal(v.windowAfterRecovery(now + 300, 0, MSS), Number.POSITIVE_INFINITY);
  });

  test('RFC7661 §4.3: in the validated phase the controller decides alone', () => {
    const v = new CwndValidation();
    const now = acked(v, 0, 3000, 60_000, 80_000);
    assert.equal(v.windowAtLoss(now, 80_000, 60_000, MSS), Number.POSITIVE_INFINITY);
    assert.equal(v.windowAfterRecovery(now + 100, 6000, MSS), Number.POSITIVE_INFINITY);
  });

  test('RFC7661 §4.2: no sample is taken during recovery, and none is left after it', () => {
    const { v, now } = unused();
    v.windowAtLoss(now, 80_000, 30_000, MSS);
    const later = acked(v, now, now + 200, 70_000, 80_000);
    assert.equal(v.pipeAck(later), 10_000);
    assert.equal(v.windowAfterRecovery(later, 0, MSS), 15_000);
    assert.equal(v.pipeAck(later), -1);
    assert.equal(v.isValidated(later, 15_000), true);
    const end = acked(v, later, later + 300, 9000, 15_000);
    assert.equal(v.pipeAck(end), 9000, 'and sampling begins again');
  });

  test('RFC7661 §4.4: a timeout ends the non-validated phase', () => {
    const { v, now } = unused();
    assert.equal(v.isValidated(now, 80_000), false);
    v.onTimeout(now);
    assert.equal(v.isValidated(now, 80_000), true);
    assert.equal(v.windowAt(now + FIVE_MINUTES_MS * 2, 80_000, INITIAL), 80_000, 'undefined is valid');
  });
});

describe('the end of the non-validated period', () => {
  test('RFC7661 §4.4.3: half of the window after five minutes, once; ssthresh remembers three quarters', () => {
    const v = new CwndValidation();
    const now = acked(v, 0, 1000, 80_000, 80_000);
    assert.equal(v.windowAt(now + FIVE_MINUTES_MS - 1000, 80_000, INITIAL), 80_000);
    assert.equal(v.windowAt(now + FIVE_MINUTES_MS, 80_000, INITIAL), 40_000);
    assert.equal(v.thresholdAt(80_000, 20_000), 60_000);
    assert.equal(v.thresholdAt(80_000, 70_000), 70_000);
    assert.equal(v.thresholdAt(80_001, 0), 60_000, 'in whole bytes');
    assert.equal(v.windowAt(now + FIVE_MINUTES_MS + 1, 40_000, INITIAL), 40_000);
    assert.equal(v.windowAt(now + 2 * FIVE_MINUTES_MS, 40_000, INITIAL), 20_000);
  });

  test('RFC7661 §4.4.3: as often as the time has passed; the initial window remains', () => {
    const v = new CwndValidation();
    const now = acked(v, 0, 1000, 80_000, 80_000);
    assert.equal(v.windowAt(now + 2.5 * FIVE_MINUTES_MS, 80_000, INITIAL), 20_000);
    const odd = new CwndValidation();
    acked(odd, 0, 1000, 90_001, 90_001);
    assert.equal(odd.windowAt(now + 3.5 * FIVE_MINUTES_MS, 90_001, INITIAL), 11_250);
    const w = new CwndValidation();
    acked(w, 0, 1000, 80_000, 80_000);
    assert.equal(w.windowAt(now + 100 * FIVE_MINUTES_MS, 80_000, INITIAL), INITIAL);
    assert.equal(w.windowAt(now + 200 * FIVE_MINUTES_MS, 4000, INITIAL), 4000, 'and nothing grows');
  });

  test('RFC7661 §4.4: the time begins anew whenever the window is validated', () => {
    const v = new CwndValidation();
    let now = acked(v, 0, 1000, 80_000, 80_000);
    now = acked(v, now, now + 200_000, 1000, 80_000);
    now = acked(v, now, now + 1000, 80_000, 80_000);
    now = acked(v, now, now + 200_000, 1000, 80_000);
    assert.equal(v.windowAt(now, 80_000, INITIAL), 80_000);
    now = acked(v, now, now + 101_000, 1000, 80_000);
    assert.equal(v.windowAt(now, 80_000, INITIAL), 40_000);
  });
});
