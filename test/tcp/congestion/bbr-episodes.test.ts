// Losses by BBR's rules one by one: when they end STARTUP or a probe, what they bound, and what is given back.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Recovery } from '../../../src/tcp/congestion/bbr/episode.js';
import { isInflightTooHigh } from '../../../src/tcp/congestion/bbr/inflight-too-high.js';
import { Phase } from '../../../src/tcp/congestion/bbr/phase.js';
import { ByHand, type Knowledge } from './bbr-by-hand.js';

const NONE = Number.POSITIVE_INFINITY;

/** In fast recovery, a segment being lost. */
function recovering(known: Knowledge = {}): ByHand {
  const by = new ByHand(known).ack().lose({ sentInFlight: 1_000_000 });
  by.flow.onCongestion(by.sample(), 'loss');
  return by;
}

describe('the window of an episode', () => {
  test('BBR §5.6.4.4: recovery gives back the window of its beginning, and not one of long ago', () => {
    const by = new ByHand({ cwnd: 60_000 });
    by.flow.episode.priorCwnd = 90_000;
    by.flow.onCongestion(by.sample(), 'loss');
    assert.equal(by.flow.episode.recovery, Recovery.FAST);
    assert.equal(by.flow.episode.startDelivered, by.delivered);
    by.flow.cwnd = 10_000;
    by.flow.onRecovered();
    assert.equal(by.flow.cwnd, 60_000);
    assert.equal(by.flow.episode.recovery, Recovery.NONE);
  });

  test('BBR §5.6.4.4: a loss on the way, or a timeout, does not replace it; PROBE-RTT has none of its own', () => {
    const by = recovering({ cwnd: 60_000 });
    by.flow.cwnd = 10_000;
    by.lose({ sentInFlight: 1_000_000 });
    by.flow.onTimeout(by.sample({ inFlight: 0 }), true);
    assert.equal(by.flow.episode.priorCwnd, 61_000);
    const probing = new ByHand({ phase: Phase.PROBE_RTT, cwnd: 25_000 });
    probing.flow.episode.priorCwnd = 80_000;
    probing.lose();
    assert.equal(probing.flow.episode.priorCwnd, 80_000);
  });

  test('BBR §5.6.4.4: a window that is larger by now stays', () => {
    const by = recovering({ cwnd: 60_000 });
    by.flow.cwnd = 70_000;
    by.flow.onRecovered();
    assert.equal(by.flow.cwnd, 70_000);
  });

  test('BBR §5.6.4.4: the model bounds what is given back', () => {
    const by = recovering({ cwnd: 60_000 });
    by.flow.cwnd = 10_000;
    by.flow.shortTerm.inflight = 30_000;
    by.flow.onRecovered();
    assert.equal(by.flow.cwnd, 30_000);
  });
});

describe('a timeout', () => {
  test('BBR §5.6.4.4: leaves one segment beyond what is in flight', () => {
    const by = new ByHand();
    by.flow.onTimeout(by.sample({ inFlight: 3000 }), true);
    assert.equal(by.flow.cwnd, 4000);
    assert.equal(by.flow.episode.recovery, Recovery.TIMEOUT);
  });

  test('BBR §5.6.4.4: is repaired when as much has arrived as was in flight at the first', () => {
    const by = new ByHand({ cwnd: 60_000 });
    by.flow.onTimeout(by.sample({ priorInFlight: 20_000, inFlight: 0 }), true);
    by.flow.onTimeout(by.sample({ priorInFlight: 30_000, inFlight: 0 }), false);
    for (let i = 0; i < 19; i++) by.ack();
    assert.equal(by.flow.episode.recovery, Recovery.TIMEOUT);
    assert.ok(by.flow.cwnd < 60_000);
    by.ack();
    assert.equal(by.flow.episode.recovery, Recovery.NONE);
    assert.equal(by.flow.cwnd, 60_000);
  });

  test('BBR §5.6.4.4: fast recovery ends when the sender says so, however much has arrived', () => {
    const by = recovering();
    by.flow.episode.repairedAt = by.delivered;
    by.ack();
    assert.equal(by.flow.episode.recovery, Recovery.FAST);
  });
});

describe('needless losses', () => {
  /** Bounds that an episode has lowered. */
  function lower(by: ByHand): void {
    by.flow.shortTerm.bw = 500;
    by.flow.shortTerm.inflight = 25_000;
    by.flow.longTerm.inflight = 40_000;
  }

  test('BBR §5.5.11: every bound returns to what it was before the episode', () => {
    const by = recovering();
    lower(by);
    by.lose({ sentInFlight: 1_000_000 });
    by.flow.onSpurious(0);
    assert.deepEqual(
      [by.flow.shortTerm.bw, by.flow.shortTerm.inflight, by.flow.longTerm.inflight],
      [NONE, NONE, NONE],
    );
    assert.equal(by.flow.episode.recovery, Recovery.NONE);
    assert.equal(by.flow.shortTerm.isLossInRound, false);
  });

  test('BBR §5.5.11: a bound that has risen since stays', () => {
    const by = new ByHand();
    lower(by);
    by.lose({ sentInFlight: 1_000_000 });
    by.flow.onCongestion(by.sample(), 'loss');
    by.flow.shortTerm.resetBounds();
    by.flow.longTerm.inflight = 45_000;
    by.flow.onSpurious(0);
    assert.deepEqual(
      [by.flow.shortTerm.bw, by.flow.shortTerm.inflight, by.flow.longTerm.inflight],
      [NONE, NONE, 45_000],
    );
  });

  test('BBR §5.5.11: the window is the larger of ours and the one that the sender remembers', () => {
    for (const [prior, expected] of [
      [0, 61_000],
      [70_000, 70_000],
    ] as const) {
      const by = recovering({ cwnd: 60_000 });
      by.flow.cwnd = 10_000;
      by.flow.onSpurious(prior);
      assert.equal(by.flow.cwnd, expected);
    }
  });

  for (const [kind, end] of [
    ['was repaired', (by: ByHand) => by.flow.onRecovered()],
    ['was needless', (by: ByHand) => by.flow.onSpurious(0)],
    ['led into no recovery', (by: ByHand) => void by.endRound().endRound()],
  ] as const) {
    test(`BBR §5.5.11: after one that ${kind}, the next episode remembers a state of its own`, () => {
      const by = kind === 'led into no recovery' ? new ByHand().ack().lose() : recovering();
      end(by);
      lower(by);
      by.lose({ sentInFlight: 1_000_000 });
      by.flow.onCongestion(by.sample(), 'loss');
      by.flow.shortTerm.bw = 100;
      by.flow.onSpurious(0);
      assert.equal(by.flow.shortTerm.bw, 500);
    });
  }

  test('BBR §5.5.11: one that lasts remembers the state before its first loss', () => {
    const by = recovering();
    by.endRound().endRound();
    lower(by);
    by.lose({ sentInFlight: 1_000_000 });
    by.flow.onSpurious(0);
    assert.equal(by.flow.shortTerm.bw, NONE);
  });

  test('BBR §5.5.11: a probe that an older episode ended is not taken up again', () => {
    const by = new ByHand();
    by.flow.episode.undoPhase = Phase.UP;
    by.lose();
    by.flow.onSpurious(0);
    assert.equal(by.flow.phase, Phase.CRUISE);
  });

  test('BBR §5.5.11: UP is taken up again with REFILL, once, and not in PROBE-RTT', () => {
    for (const [phase, expected] of [
      [Phase.DOWN, Phase.REFILL],
      [Phase.CRUISE, Phase.REFILL],
      [Phase.UP, Phase.UP],
      [Phase.PROBE_RTT, Phase.PROBE_RTT],
    ] as const) {
      const by = new ByHand({ phase });
      by.flow.episode.undoPhase = Phase.UP;
      by.flow.onSpurious(0);
      assert.equal(by.flow.phase, expected);
      by.flow.phase = Phase.CRUISE;
      by.flow.onSpurious(0);
      assert.equal(by.flow.phase, Phase.CRUISE);
    }
  });

  test('BBR §5.5.11: STARTUP is taken up again, in PROBE-RTT when that is over', () => {
    for (const [phase, expected] of [
      [Phase.DRAIN, Phase.STARTUP],
      [Phase.DOWN, Phase.STARTUP],
      [Phase.PROBE_RTT, Phase.PROBE_RTT],
    ] as const) {
      const by = new ByHand({ phase });
      by.flow.fullPipe.concede();
      by.flow.episode.undoPhase = Phase.STARTUP;
      by.flow.onSpurious(0);
      assert.equal(by.flow.phase, expected);
      assert.equal(by.flow.fullPipe.isReached, false);
      assert.equal(by.flow.fullPipe.isNow, false);
    }
    const other = new ByHand({ phase: Phase.DOWN });
    other.flow.onSpurious(0);
    assert.equal(other.flow.phase, Phase.DOWN);
    assert.equal(other.flow.fullPipe.isReached, true);
  });

  test('BBR §5.5.11: the search for a plateau begins anew, from nothing', () => {
    const by = new ByHand({ phase: Phase.UP });
    by.flow.onSpurious(0);
    for (const deliveryRate of [1, 1, 1]) by.endRound({ deliveryRate });
    assert.equal(by.flow.fullPipe.isNow, false, 'the first only set the mark');
    by.endRound({ deliveryRate: 1 });
    assert.equal(by.flow.fullPipe.isNow, true);
  });
});

describe('too much in flight', () => {
  test('BBR §5.5.10.2: more than two per cent, or anything where SACK is off', () => {
    const { flow } = new ByHand();
    assert.equal(isInflightTooHigh(flow, 2000, 100_000), false);
    assert.equal(isInflightTooHigh(flow, 2001, 100_000), true);
    const by = new ByHand().ack({ hasSack: false });
    assert.equal(isInflightTooHigh(by.flow, 1, 100_000), true);
    assert.equal(isInflightTooHigh(by.flow, 0, 100_000), false);
    by.ack({ hasSack: true });
    assert.equal(isInflightTooHigh(by.flow, 1, 100_000), false);
  });

  /** A probe is being acknowledged. */
  function probing(phase: Phase = Phase.UP): ByHand {
    const by = new ByHand({ phase });
    by.flow.isBwProbeSample = true;
    return by;
  }

  test('BBR §5.5.10.2: what was lost since a segment left is set against what was in flight then', () => {
    const by = probing();
    by.lost = 50_000;
    by.flow.lost = 50_000;
    for (let i = 0; i < 2; i++) by.lose({ sentInFlight: 100_000, sentLost: 50_000 });
    assert.equal(by.flow.phase, Phase.UP, 'two per cent');
    by.lose({ sentInFlight: 100_000, sentLost: 50_000 });
    assert.equal(by.flow.phase, Phase.DOWN);
    assert.equal(by.flow.wasTooHigh, true);
    assert.equal(by.flow.isBwProbeSample, false);
    assert.equal(by.flow.cycleAt, by.now);
  });

  test('BBR §5.5.11: a probe that needless losses ended is taken up again', () => {
    const by = probing().lose({ sentInFlight: 20_000 });
    assert.equal(by.flow.phase, Phase.DOWN);
    by.flow.onSpurious(0);
    assert.equal(by.flow.phase, Phase.REFILL);
    assert.equal(by.flow.longTerm.inflight, NONE);
  });

  test('BBR §5.5.10.2: the bound is where within a burst two per cent were reached', () => {
    const bound = (lostBefore: number) => {
      const by = probing();
      by.flow.lost = lostBefore;
      by.flow.onSegmentLost(
        { seq: 0, bytes: 10_000, sentLost: 0, sentInFlight: 100_000, isAppLimited: false },
        by.now,
      );
      return by.flow.longTerm.inflight;
    };
    // x more lost: (lost + x) / (90 000 + x) = 0.02.
    assert.equal(bound(0), 90_000 + Math.floor(1800 / 0.98));
    assert.equal(bound(1000), 90_000 + Math.floor(800 / 0.98));
    assert.equal(bound(1799), 90_001);
    assert.equal(bound(3000), 90_000, 'it had been reached before');
  });

  test('BBR §5.5.10.2: the bound is no less than 0.7 of what the path holds, in whole bytes', () => {
    const by = probing();
    by.lose({ sentInFlight: 20_000 });
    assert.equal(by.flow.longTerm.inflight, 35_000);
    const odd = new ByHand({ phase: Phase.UP, rate: 1000.02, cwnd: 60_000 });
    odd.flow.isBwProbeSample = true;
    odd.lose({ sentInFlight: 20_000 });
    assert.equal(odd.flow.longTerm.inflight, 35_000, '0.7 of 50 001 is 35 000.7');
  });

  test('BBR §5.5.10.2: a slow application’s losses set no bound, but end the probe', () => {
    const by = probing();
    by.lose({ sentInFlight: 20_000, isAppLimited: true });
    assert.equal(by.flow.longTerm.inflight, NONE);
    assert.equal(by.flow.phase, Phase.DOWN);
  });

  test('BBR §5.5.10.2: after UP they bound, and end nothing; without a probe they do neither', () => {
    const after = probing(Phase.DOWN);
    after.flow.cycleAt = 17;
    after.lose({ sentInFlight: 20_000 });
    assert.equal(after.flow.longTerm.inflight, 35_000);
    assert.equal(after.flow.wasTooHigh, true);
    assert.equal(after.flow.cycleAt, 17);
    assert.equal(after.flow.episode.undoPhase, null);
    const none = new ByHand().lose({ sentInFlight: 20_000 });
    assert.equal(none.flow.longTerm.inflight, NONE);
    assert.equal(none.flow.wasTooHigh, false);
  });
});

describe('STARTUP', () => {
  interface Losses {
    holes?: number;
    lostShare?: number;
    isRecovering?: boolean;
    isRoundOver?: boolean;
    /** The round trip of losses began before recovery did. */
    isEarly?: boolean;
    hasSack?: boolean;
    phase?: Phase;
    /** Default: in any phase but STARTUP. */
    isFull?: boolean;
  }

  function afterLosses(losses: Losses): ByHand {
    const { holes = 6, lostShare = 0.03, isRecovering = true, isRoundOver = true, isEarly = false } = losses;
    const { hasSack = true, phase = Phase.STARTUP, isFull = phase !== Phase.STARTUP } = losses;
    const by = new ByHand({ phase }).ack();
    by.flow.fullPipe.isReached = isFull;
    for (let i = 0; i < holes; i++) by.lose({ sentInFlight: 1_000_000 });
    const begin = by.delivered;
    if (isRecovering) by.flow.onCongestion(by.sample({ hasSack }), 'loss');
    if (isEarly) by.flow.episode.startDelivered = begin + 1;
    const sentInFlight = 100_000;
    by.ack({
      sentDelivered: isRoundOver ? begin : begin - 1,
      sentLost: by.lost - lostShare * sentInFlight,
      sentInFlight,
      inFlight: 90_000,
      hasSack,
    });
    return by;
  }

  test('BBR §5.3.1.3: ends by six holes and more than two per cent in a round trip of recovery', () => {
    const by = afterLosses({});
    assert.equal(by.flow.phase, Phase.DRAIN);
    assert.equal(by.flow.fullPipe.isReached, true);
    assert.equal(by.flow.episode.undoPhase, Phase.STARTUP);
  });

  for (const [what, losses] of [
    ['five holes', { holes: 5 }],
    ['two per cent', { lostShare: 0.02 }],
    ['no recovery', { isRecovering: false }],
    ['a round trip that is not over', { isRoundOver: false }],
    ['a round trip that recovery did not see from its beginning', { isEarly: true }],
    ['a loss without SACK in no recovery', { isRecovering: false, hasSack: false, holes: 1 }],
    ['no loss without SACK', { holes: 0, hasSack: false }],
  ] as const) {
    test(`BBR §5.3.1.3: not by ${what}`, () => {
      assert.equal(afterLosses(losses).flow.phase, Phase.STARTUP);
    });
  }

  test('BBR §5.3.1.3: nor in the midst of a later round trip, but at its end', () => {
    const by = new ByHand({ phase: Phase.STARTUP }).ack();
    by.flow.onCongestion(by.sample(), 'loss');
    const begin = by.delivered;
    by.endRound();
    for (let i = 0; i < 6; i++) by.lose({ sentInFlight: 1_000_000 });
    const tooMany = { sentLost: by.lost - 3000, sentInFlight: 100_000, inFlight: 90_000 };
    by.ack({ sentDelivered: begin, ...tooMany });
    assert.deepEqual([by.flow.phase, by.flow.rounds.isStart], [Phase.STARTUP, false]);
    by.endRound(tooMany);
    assert.equal(by.flow.phase, Phase.DRAIN);
  });

  test('BBR §5.3.1.3: losses of PROBE-RTT do not tell that the pipe is full', () => {
    const by = afterLosses({ phase: Phase.PROBE_RTT, isFull: false });
    assert.deepEqual([by.flow.phase, by.flow.fullPipe.isReached], [Phase.PROBE_RTT, false]);
    assert.equal(by.flow.lostRanges.count, 0, 'the round trip is over');
  });

  test('BBR §5.3.1.3: without SACK one loss is enough, at any time of recovery', () => {
    const by = afterLosses({ hasSack: false, holes: 1, isRoundOver: false, lostShare: 0 });
    assert.equal(by.flow.phase, Phase.DRAIN);
  });

  test('BBR §5.3.1.3: the holes of each round trip are counted by themselves', () => {
    const by = new ByHand({ phase: Phase.STARTUP }).ack();
    for (let i = 0; i < 3; i++) by.lose({ sentInFlight: 1_000_000 });
    by.flow.onCongestion(by.sample(), 'loss');
    by.ack();
    assert.equal(by.flow.lostRanges.count, 3);
    by.endRound();
    assert.equal(by.flow.lostRanges.count, 0);
  });

  test('BBR §5.3.1.3: the bound is the product, or what the last round trip delivered where that is more', () => {
    for (const [latest, bound] of [
      [0, 50_000],
      [70_000, 70_000],
    ] as const) {
      const by = new ByHand({ phase: Phase.STARTUP });
      by.flow.shortTerm.inflightLatest = latest;
      by.flow.onCongestion(by.sample(), 'ecn');
      assert.equal(by.flow.longTerm.inflight, bound);
    }
  });

  test('BBR §5.3.1.2: ends when the pipe is full; no other phase goes to DRAIN', () => {
    const by = new ByHand({ phase: Phase.STARTUP });
    by.flow.fullPipe.concede();
    by.flow.rounds.count = 17;
    by.ack({ inFlight: 90_000 });
    assert.equal(by.flow.phase, Phase.DRAIN);
    assert.equal(by.flow.drainStartRound, 17);
    for (const phase of [Phase.CRUISE, Phase.DOWN, Phase.REFILL]) {
      const { flow } = afterLosses({ phase });
      assert.notEqual(flow.phase, Phase.DRAIN);
      assert.equal(flow.longTerm.inflight, NONE);
      assert.equal(flow.episode.undoPhase, null);
    }
  });

  test('BBR §5.3.1.3: a pipe that is known to be full is not judged by its losses as well', () => {
    const by = new ByHand({ phase: Phase.STARTUP }).ack();
    for (let i = 0; i < 6; i++) by.lose({ sentInFlight: 1_000_000 });
    by.flow.onCongestion(by.sample(), 'loss');
    by.flow.fullPipe.concede();
    by.endRound({ sentLost: 0, inFlight: 90_000 });
    assert.equal(by.flow.phase, Phase.DRAIN);
    assert.equal(by.flow.longTerm.inflight, NONE);
  });
});

describe('DRAIN', () => {
  test('BBR §5.3.2: ends when what is in flight is what the bandwidth needs', () => {
    for (const [inFlight, phase] of [
      [50_001, Phase.DRAIN],
      [50_000, Phase.DOWN],
    ] as const) {
      const by = new ByHand({ phase: Phase.DRAIN });
      by.ack({ inFlight });
      assert.equal(by.flow.phase === Phase.DRAIN, phase === Phase.DRAIN, `${inFlight}`);
    }
  });

  test('BBR §5.3.2: or after three round trips', () => {
    const by = new ByHand({ phase: Phase.DRAIN });
    for (let i = 0; i < 3; i++) by.endRound({ inFlight: 90_000 });
    assert.equal(by.flow.phase, Phase.DRAIN);
    by.endRound({ inFlight: 90_000 });
    assert.equal(by.flow.phase, Phase.DOWN);
    assert.equal(by.flow.cycleAt, by.now);
  });

  test('BBR §5.3.2: what is in flight ends no other phase', () => {
    const by = new ByHand({ phase: Phase.UP });
    by.ack({ inFlight: 0 });
    assert.equal(by.flow.phase, Phase.UP);
  });
});
