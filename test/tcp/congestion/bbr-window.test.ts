// The window and the pace that BBR's model asks for (BBR §5.6), number by number.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  bdp,
  inflightForBw,
  inflightForMaxBw,
  inflightWithHeadroom,
  probeRttCwnd,
  setCwnd,
  targetInflight,
} from '../../../src/tcp/congestion/bbr/cwnd.js';
import { setPacingRate, setPacingRateToBw } from '../../../src/tcp/congestion/bbr/pacing-rate.js';
import { isAccelerating, isProbeBw, Phase } from '../../../src/tcp/congestion/bbr/phase.js';
import { bbr } from '../../../src/tcp/congestion/bbr.js';
import { ByHand, MSS } from './bbr-by-hand.js';

const PHASES = Object.values(Phase);

/** A path with a bandwidth-delay product that is no whole number: 100.01 * 50.5 = 5050.505. */
const FRACTION = { rate: 100.01, rttMs: 50.5 };

describe('volumes', () => {
  test('BBR §5.6.4.2: the bandwidth-delay product in whole bytes; at first the initial window', () => {
    assert.equal(bdp(new ByHand(FRACTION).flow), 5050);
    const fresh = bbr(MSS, 10);
    fresh.pacingRate = 1;
    assert.equal(bdp(fresh), 10 * MSS);
    assert.equal(inflightForBw(fresh), 10 * MSS);
    assert.equal(inflightForMaxBw(fresh), 10 * MSS);
  });

  test('BBR §5.6.4.2: for the bandwidth to use, or for the highest of late', () => {
    const { flow } = new ByHand();
    flow.bw = 500;
    assert.equal(inflightForBw(flow), 25_000);
    assert.equal(inflightForMaxBw(flow), 50_000);
    flow.maxBw.value = 900.03;
    assert.equal(inflightForMaxBw(flow), 45_001);
  });

  test('BBR §5.6.4.2: three quanta at least, of whole bytes, and four segments', () => {
    const { flow } = new ByHand({ rate: 10, rttMs: 1 });
    flow.pacingRate = 2500.2;
    assert.equal(inflightForBw(flow), 3 * 2501);
    flow.pacingRate = 10;
    assert.equal(inflightForBw(flow), 3 * 2 * MSS);
    flow.mss = 2 * MSS;
    assert.equal(inflightForBw(flow), 3 * 4 * MSS);
  });

  test('BBR §5.6.4.2: in UP two segments more, so that a small path feels it', () => {
    for (const phase of PHASES) {
      const { flow } = new ByHand({ phase });
      assert.equal(inflightForBw(flow), phase === Phase.UP ? 52_000 : 50_000, `${phase}`);
    }
  });

  test('BBR §5.3.3.8: what a Reno flow would reach is the product, or the window where that is less', () => {
    assert.equal(targetInflight(new ByHand({ cwnd: 60_000 }).flow), 50_000);
    assert.equal(targetInflight(new ByHand({ cwnd: 40_000 }).flow), 40_000);
  });

  test('BBR §5.6.4.5: half the product in PROBE-RTT, four segments at least', () => {
    assert.equal(probeRttCwnd(new ByHand().flow), 25_000);
    assert.equal(probeRttCwnd(new ByHand({ rate: 1000.02 }).flow), 25_000);
    assert.equal(probeRttCwnd(new ByHand({ rate: 200.1, rttMs: 50.1 }).flow), 5012);
    assert.equal(probeRttCwnd(new ByHand({ rate: 10 }).flow), 4 * MSS);
  });

  test('BBR §5.3.3.9: headroom below the long-term bound, down to four segments', () => {
    const { flow } = new ByHand();
    flow.longTerm.inflight = 60_000;
    assert.equal(inflightWithHeadroom(flow), 51_000);
    flow.longTerm.inflight = 4 * MSS;
    assert.equal(inflightWithHeadroom(flow), 4 * MSS);
  });
});

describe('SetCwnd', () => {
  /** The window after an acknowledgment of `newlyAcked` bytes. */
  function grown(by: ByHand, newlyAcked: number): number {
    by.flow.rs.newlyAcked = newlyAcked;
    setCwnd(by.flow);
    return by.flow.cwnd;
  }

  test('BBR §5.6.4.6: once the pipe was full the window follows what is delivered, up to twice the product', () => {
    const by = new ByHand({ cwnd: 98_000 });
    assert.equal(grown(by, 1500), 99_500);
    assert.equal(grown(by, 1500), 100_000);
    assert.equal(grown(new ByHand({ cwnd: 150_000 }), 1500), 100_000);
    assert.equal(grown(new ByHand({ phase: Phase.UP, cwnd: 200_000 }), 0), 2.25 * 50_000 + 2 * MSS);
  });

  test('BBR §5.6.4.6: before that it does not shrink, and grows while the model asks for more', () => {
    const startup = { phase: Phase.STARTUP } as const;
    assert.equal(grown(new ByHand({ ...startup, cwnd: 99_999 }), 2000), 101_999);
    assert.equal(grown(new ByHand({ ...startup, cwnd: 100_000 }), 2000), 100_000);
    assert.equal(grown(new ByHand({ ...startup, cwnd: 150_000 }), 2000), 150_000);
  });

  test('BBR §5.6.4.6: nor does it stand still before an initial window was delivered', () => {
    for (const [delivered, expected] of [
      [10 * MSS - 1, 152_000],
      [10 * MSS, 150_000],
    ] as const) {
      const by = new ByHand({ phase: Phase.STARTUP, cwnd: 150_000 });
      by.flow.delivered = delivered;
      assert.equal(grown(by, 2000), expected, `${delivered}`);
    }
  });

  test('BBR §5.5.9: aggregation comes on top, in whole bytes', () => {
    const by = new ByHand({ ...FRACTION, cwnd: 50_000 });
    by.flow.extraAcked.bytes = 3000.7;
    // Twice 5050 and 3000.
    assert.equal(grown(by, 0), 13_100);
  });

  test('BBR §5.6.4.2: two products in whole bytes', () => {
    const by = new ByHand({ rate: 1000.01, rttMs: 50.5, cwnd: 200_000 });
    // The product is 50 500.5; with the gain of 2.25 of UP that of its whole bytes is 113 625.
    assert.equal(grown(by, 0), 101_000);
    by.flow.phase = Phase.UP;
    by.flow.cwnd = 200_000;
    by.flow.bw = 1000.03;
    assert.equal(grown(by, 0), Math.floor(2.25 * 50_501) + 2 * MSS);
  });

  test('BBR §5.6.4.6: four segments at least, also after a timeout', () => {
    const by = new ByHand({ cwnd: MSS });
    assert.equal(grown(by, MSS), 4 * MSS);
    by.flow.shortTerm.inflight = 2 * MSS;
    assert.equal(grown(by, MSS), 4 * MSS);
  });

  test('BBR §5.6.4.5: in PROBE-RTT no more than half the path', () => {
    const cwnd = 80_000;
    for (const phase of PHASES) {
      const by = new ByHand({ phase, cwnd });
      assert.equal(grown(by, 0), phase === Phase.PROBE_RTT ? 25_000 : cwnd, `${phase}`);
    }
    const aggregating = new ByHand({ phase: Phase.PROBE_RTT });
    aggregating.flow.extraAcked.bytes = 10_000;
    assert.equal(grown(aggregating, 0), 25_000);
    const early = new ByHand({ phase: Phase.PROBE_RTT });
    early.flow.fullPipe.isReached = false;
    assert.equal(grown(early, 0), 25_000);
  });

  test('BBR §5.6.4.7: the long-term bound holds in PROBE-BW, with headroom left in CRUISE and PROBE-RTT', () => {
    const bound = 20_000;
    const expected: Partial<Record<Phase, number>> = {
      [Phase.DOWN]: bound,
      [Phase.CRUISE]: 17_000,
      [Phase.REFILL]: bound,
      [Phase.UP]: bound,
      [Phase.PROBE_RTT]: 17_000,
    };
    for (const phase of PHASES) {
      const by = new ByHand({ phase });
      by.flow.longTerm.inflight = bound;
      assert.equal(grown(by, 0), expected[phase] ?? 50_000, `${phase}`);
    }
  });

  test('BBR §5.6.4.7: the short-term bound holds everywhere', () => {
    for (const phase of PHASES) {
      const by = new ByHand({ phase });
      by.flow.shortTerm.inflight = 12_000;
      assert.equal(grown(by, 0), 12_000, `${phase}`);
    }
  });
});

describe('the pace', () => {
  const GAINS: Record<Phase, number> = {
    [Phase.STARTUP]: 2.77,
    [Phase.DRAIN]: 0.5,
    [Phase.DOWN]: 0.9,
    [Phase.CRUISE]: 1,
    [Phase.REFILL]: 1,
    [Phase.UP]: 1.25,
    [Phase.PROBE_RTT]: 1,
  };

  test('BBR §5.6.2: the gain of the phase, and one per cent less than the bandwidth', () => {
    for (const phase of PHASES) {
      const { flow } = new ByHand({ phase });
      setPacingRate(flow);
      assert.ok(Math.abs(flow.pacingRate - GAINS[phase] * 990) < 1e-6, `${phase}: ${flow.pacingRate}`);
    }
  });

  test('BBR §5.6.2: before the pipe was full it only rises', () => {
    const { flow } = new ByHand({ phase: Phase.STARTUP });
    flow.pacingRate = 5000;
    setPacingRate(flow);
    assert.equal(flow.pacingRate, 5000);
    flow.fullPipe.concede();
    setPacingRate(flow);
    assert.ok(flow.pacingRate < 2800);
  });

  test('BBR §5.6.2: without a bandwidth it stays as it is', () => {
    const { flow } = new ByHand();
    flow.bw = 0;
    setPacingRate(flow);
    assert.equal(flow.pacingRate, 1000);
    setPacingRateToBw(flow);
    assert.equal(flow.pacingRate, 1000);
    flow.bw = 0.5;
    setPacingRateToBw(flow);
    assert.equal(flow.pacingRate, 0.99 * 0.5);
    flow.bw = 0.25;
    setPacingRate(flow);
    assert.equal(flow.pacingRate, 0.25 * (1 - 0.01));
  });
});

test('BBR §5.3: which phases belong to PROBE-BW, and in which the flow itself fills the path', () => {
  const { DOWN, CRUISE, REFILL, UP, STARTUP } = Phase;
  assert.deepEqual(PHASES.filter(isProbeBw), [DOWN, CRUISE, REFILL, UP]);
  assert.deepEqual(PHASES.filter(isAccelerating), [STARTUP, REFILL, UP]);
});
