// The cycle of PROBE-BW, and PROBE-RTT, by BBR's rules one by one.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AckPhase, Phase } from '../../../src/tcp/congestion/bbr/phase.js';
import { enterDown, enterRefill, enterUp } from '../../../src/tcp/congestion/bbr/transitions.js';
import { ByHand, MSS, rateSample } from './bbr-by-hand.js';

const NONE = Number.POSITIVE_INFINITY;
/** Too much in flight to end DOWN. */
const QUEUE = { inFlight: 60_000 };

describe('on entering', () => {
  test('BBR §5.3.3.8.2: DOWN draws the time of the next probe: 2 to 3 s, and one round trip more for one of two', () => {
    const waits: number[] = [];
    const rounds: number[] = [];
    for (let i = 0; i < 400; i++) {
      const by = new ByHand({ phase: Phase.UP });
      enterDown(by.flow, by.now + 37.5 * i);
      waits.push(by.flow.probeWaitMs);
      rounds.push(by.flow.rounds.sinceProbeUp);
    }
    assert.ok(Math.min(...waits) >= 2000 && Math.min(...waits) < 2050, `${Math.min(...waits)}`);
    assert.ok(Math.max(...waits) < 3000 && Math.max(...waits) > 2950, `${Math.max(...waits)}`);
    assert.deepEqual([...new Set(rounds)].sort(), [0, 1]);
    const ones = rounds.filter((n) => n === 1).length;
    assert.ok(ones > 150 && ones < 250, `${ones} of 400`);
  });

  test('BBR §5.3.3.1: DOWN measures its round trips on their own', () => {
    const by = new ByHand({ phase: Phase.UP }).ack();
    by.lose();
    by.flow.isBwProbeSample = false;
    enterDown(by.flow, by.now);
    const { shortTerm } = by.flow;
    assert.deepEqual([shortTerm.isLossInRound, shortTerm.bwLatest, shortTerm.inflightLatest], [false, 0, 0]);
    assert.deepEqual([by.flow.phase, by.flow.ackPhase], [Phase.DOWN, AckPhase.PROBE_STOPPING]);
    assert.equal(by.flow.cycleAt, by.now);
    by.ack({ ...QUEUE, sentDelivered: by.delivered - 1 });
    assert.equal(by.flow.rounds.isStart, false);
    by.endRound(QUEUE);
    assert.equal(by.flow.rounds.isStart, true);
  });

  test('BBR §5.3.3.3: REFILL forgets the short-term bounds, and a new round trip begins', () => {
    const by = new ByHand().ack();
    by.flow.shortTerm.bw = 500;
    by.flow.shortTerm.inflight = 20_000;
    by.flow.isPrecautionary = true;
    enterRefill(by.flow);
    assert.deepEqual([by.flow.shortTerm.bw, by.flow.shortTerm.inflight], [NONE, NONE]);
    assert.deepEqual([by.flow.phase, by.flow.ackPhase], [Phase.REFILL, AckPhase.REFILLING]);
    assert.equal(by.flow.isPrecautionary, false);
    by.ack({ sentDelivered: by.delivered - 1 });
    assert.equal(by.flow.phase, Phase.REFILL);
  });

  test('BBR §5.3.3.4: UP looks for a plateau from the rate of now, and a new round trip begins', () => {
    const by = new ByHand({ phase: Phase.REFILL });
    by.flow.delivered = 2_000_000;
    by.flow.fullPipe.concede();
    by.flow.rs.deliveryRate = 800;
    enterUp(by.flow);
    assert.deepEqual([by.flow.phase, by.flow.ackPhase], [Phase.UP, AckPhase.PROBE_STARTING]);
    const { fullPipe, rounds } = by.flow;
    assert.equal(fullPipe.isNow, false);
    rounds.update(rateSample({ priorDelivered: 1_999_999, totalDelivered: 2_000_001 }));
    assert.equal(rounds.isStart, false);
    for (let i = 0; i < 2; i++) fullPipe.endOfRound(rateSample({ deliveryRate: 999 }));
    assert.equal(fullPipe.isNow, false);
    fullPipe.endOfRound(rateSample({ deliveryRate: 999 }));
    assert.equal(fullPipe.isNow, true, 'less than a quarter above 800, three times');
  });
});

describe('time to probe', () => {
  for (const phase of [Phase.DOWN, Phase.CRUISE]) {
    test(`BBR §5.3.3.8: in phase ${phase} when the clock says so, not before`, () => {
      const by = new ByHand({ phase });
      by.flow.cycleAt = by.now;
      by.flow.probeWaitMs = 2;
      by.ack(QUEUE).ack(QUEUE);
      assert.equal(by.flow.phase, phase);
      by.ack(QUEUE);
      assert.equal(by.flow.phase, Phase.REFILL);
    });

    test(`BBR §5.3.3.8: in phase ${phase} when a Reno flow had grown by what the path holds`, () => {
      const by = new ByHand({ phase });
      by.flow.rounds.sinceProbeUp = 48;
      by.endRound(QUEUE);
      assert.equal(by.flow.phase, phase, '49 of 50');
      by.endRound(QUEUE);
      assert.equal(by.flow.phase, Phase.REFILL);
    });
  }

  test('BBR §5.3.3.8: after 63 round trips at the latest', () => {
    const by = new ByHand({ rate: 2000 });
    by.flow.rounds.sinceProbeUp = 61;
    by.endRound();
    assert.equal(by.flow.phase, Phase.CRUISE);
    by.endRound();
    assert.equal(by.flow.phase, Phase.REFILL);
  });

  test('BBR §5.3.3.8: not in STARTUP, DRAIN or PROBE-RTT', () => {
    for (const phase of [Phase.STARTUP, Phase.DRAIN, Phase.PROBE_RTT]) {
      const by = new ByHand({ phase });
      by.flow.rounds.sinceProbeUp = 100;
      by.ack({ inFlight: 90_000 });
      assert.equal(by.flow.phase, phase);
    }
  });
});

describe('DOWN', () => {
  test('BBR §5.3.3.1: ends when no more is in flight than the highest bandwidth needs', () => {
    for (const [inFlight, phase] of [
      [50_001, Phase.DOWN],
      [50_000, Phase.CRUISE],
    ] as const) {
      const by = new ByHand({ phase: Phase.DOWN });
      by.flow.bw = 500;
      by.ack({ inFlight });
      assert.equal(by.flow.phase, phase, `${inFlight}`);
    }
  });

  test('BBR §5.3.3.1: and no more than the long-term bound with headroom', () => {
    for (const [inFlight, phase] of [
      [34_001, Phase.DOWN],
      [34_000, Phase.CRUISE],
    ] as const) {
      const by = new ByHand({ phase: Phase.DOWN });
      by.flow.longTerm.inflight = 40_000;
      by.ack({ inFlight, sentInFlight: 40_000 });
      assert.equal(by.flow.phase, phase, `${inFlight}`);
    }
  });
});

describe('REFILL', () => {
  test('BBR §5.3.3.3: lasts until a round trip ends; from then on acknowledgments tell of the probe', () => {
    const by = new ByHand({ phase: Phase.REFILL });
    by.ack();
    assert.deepEqual([by.flow.phase, by.flow.isBwProbeSample], [Phase.REFILL, false]);
    by.endRound();
    assert.deepEqual([by.flow.phase, by.flow.isBwProbeSample], [Phase.UP, true]);
  });
});

describe('UP', () => {
  test('BBR §5.3.3.4: ends at a plateau', () => {
    const by = new ByHand({ phase: Phase.UP });
    by.flow.wasTooHigh = true;
    by.ack();
    assert.equal(by.flow.phase, Phase.UP);
    by.flow.fullPipe.isNow = true;
    by.ack();
    assert.deepEqual([by.flow.phase, by.flow.wasTooHigh], [Phase.DOWN, false]);
    assert.equal(by.flow.cycleAt, by.now);
  });

  test('BBR §5.3.3.4: a plateau that the long-term bound makes is not the path’s', () => {
    const plateau = (cwnd: number, isCwndLimited: boolean) => {
      const by = new ByHand({ phase: Phase.UP, cwnd });
      by.flow.longTerm.inflight = 40_000;
      by.flow.isCwndLimited = isCwndLimited;
      by.flow.fullPipe.isNow = true;
      by.ack({ sentInFlight: 40_000, deliveryRate: 900 });
      return by;
    };
    const held = plateau(40_000, true);
    assert.deepEqual([held.flow.phase, held.flow.fullPipe.isNow], [Phase.UP, false]);
    for (let i = 0; i < 2; i++) held.flow.fullPipe.endOfRound(rateSample({ deliveryRate: 1100 }));
    assert.equal(held.flow.fullPipe.isNow, false);
    held.flow.fullPipe.endOfRound(rateSample({ deliveryRate: 1100 }));
    assert.equal(held.flow.fullPipe.isNow, true, 'less than a quarter above 900, three times');
    assert.equal(plateau(39_999, true).flow.phase, Phase.DOWN);
    assert.equal(plateau(40_000, false).flow.phase, Phase.DOWN);
  });

  test('BBR §5.3.3.6: after a probe that lost too much it ends when no further segment fits below the bound', () => {
    const flow = (wasTooHigh: boolean, priorInFlight: number) => {
      const by = new ByHand({ phase: Phase.UP });
      by.flow.longTerm.inflight = 60_000;
      by.flow.wasTooHigh = wasTooHigh;
      by.ack({ priorInFlight });
      return by.flow;
    };
    assert.equal(flow(true, 59_000).phase, Phase.UP);
    const stopped = flow(true, 59_001);
    assert.deepEqual([stopped.phase, stopped.isPrecautionary, stopped.wasTooHigh], [Phase.DOWN, true, false]);
    assert.equal(flow(false, 59_001).phase, Phase.UP);
    const fresh = new ByHand({ phase: Phase.UP });
    fresh.flow.longTerm.inflight = 60_000;
    fresh.ack({ priorInFlight: 60_000 });
    assert.equal(fresh.flow.phase, Phase.UP, 'there was no probe yet');
  });
});

describe('the probe’s acknowledgments', () => {
  test('BBR §2.14: a round trip of UP tells nothing of it, the next one does', () => {
    const by = new ByHand({ phase: Phase.UP });
    by.flow.ackPhase = AckPhase.PROBE_STARTING;
    by.ack();
    assert.equal(by.flow.ackPhase, AckPhase.PROBE_STARTING);
    by.endRound();
    assert.equal(by.flow.ackPhase, AckPhase.PROBE_FEEDBACK);
    by.endRound();
    assert.equal(by.flow.ackPhase, AckPhase.PROBE_FEEDBACK);
  });

  /** A probe is over, its last data on the way; the model knows 1000 of this cycle, and 800 is what comes in now. */
  function stopping(phase: Phase = Phase.DOWN): ByHand {
    const by = new ByHand({ phase });
    by.flow.ackPhase = AckPhase.PROBE_STOPPING;
    by.flow.isBwProbeSample = true;
    return by;
  }

  test('BBR §5.5.6: when all are in, the cycle of the bandwidth ends', () => {
    const by = stopping();
    by.ack({ ...QUEUE, deliveryRate: 800 });
    assert.deepEqual([by.flow.ackPhase, by.flow.isBwProbeSample], [AckPhase.PROBE_STOPPING, true]);
    by.endRound({ ...QUEUE, deliveryRate: 800 });
    assert.deepEqual([by.flow.ackPhase, by.flow.isBwProbeSample], [AckPhase.INIT, false]);
    by.ack({ ...QUEUE, deliveryRate: 800 });
    by.flow.maxBw.advance();
    assert.equal(by.flow.maxBw.value, 800);
  });

  test('BBR §5.5.6: not by the acknowledgment of a slow application, nor outside of PROBE-BW', () => {
    for (const [phase, isAppLimited] of [
      [Phase.DOWN, true],
      [Phase.PROBE_RTT, false],
    ] as const) {
      const by = stopping(phase);
      by.endRound({ inFlight: 90_000, deliveryRate: 1000, isAppLimited });
      assert.equal(by.flow.ackPhase, AckPhase.INIT);
      by.flow.maxBw.update(rateSample({ deliveryRate: 800 }));
      by.flow.maxBw.advance();
      assert.equal(by.flow.maxBw.value, 1000, 'of one cycle');
    }
  });

  test('BBR §5.3.3.6: one that stopped for caution and lost nothing is repeated at once', () => {
    const after = (isPrecautionary: boolean, wasTooHigh: boolean) => {
      const by = stopping();
      by.flow.isPrecautionary = isPrecautionary;
      by.flow.wasTooHigh = wasTooHigh;
      return by.endRound(QUEUE).flow.phase;
    };
    assert.equal(after(true, false), Phase.REFILL);
    assert.equal(after(true, true), Phase.DOWN);
    assert.equal(after(false, false), Phase.DOWN);
    assert.equal(stopping().endRound(QUEUE).flow.phase, Phase.DOWN, 'nor at first');
    const elsewhere = stopping(Phase.PROBE_RTT);
    elsewhere.flow.isPrecautionary = true;
    assert.equal(elsewhere.endRound({ inFlight: 90_000 }).flow.phase, Phase.PROBE_RTT);
  });

  test('BBR §5.3.3.1: the acknowledgment that ends the probe may end DOWN as well', () => {
    assert.equal(stopping().endRound({ inFlight: 20_000 }).flow.phase, Phase.CRUISE);
  });

  test('BBR §5.3.3.8: one that tells of too many losses may be the one at which the next probe is due', () => {
    const by = new ByHand();
    by.flow.probeWaitMs = 0;
    by.lost = 20_000;
    by.ack({ sentLost: 0, ...QUEUE });
    assert.equal(by.flow.phase, Phase.REFILL);
  });

  test('BBR §5.3.3.6: the repetition goes on from REFILL', () => {
    const by = stopping(Phase.CRUISE);
    by.flow.isPrecautionary = true;
    by.endRound({ inFlight: 10_000 });
    assert.equal(by.flow.phase, Phase.REFILL);
  });
});

describe('the long-term bound', () => {
  test('BBR §5.3.3.5: rises to what was in flight when little of it was lost', () => {
    const bound = (fields: { sentInFlight: number; lost?: number; phase?: Phase }) => {
      const by = new ByHand({ phase: fields.phase ?? Phase.CRUISE });
      by.flow.longTerm.inflight = 40_000;
      by.lost = fields.lost ?? 0;
      by.ack({ sentInFlight: fields.sentInFlight, sentLost: 0 });
      return by.flow.longTerm.inflight;
    };
    assert.equal(bound({ sentInFlight: 45_000 }), 45_000);
    assert.equal(bound({ sentInFlight: 39_000 }), 40_000);
    assert.equal(bound({ sentInFlight: 45_000, lost: 900 }), 45_000);
    assert.equal(bound({ sentInFlight: 45_000, lost: 901 }), 40_000);
    const unbound = new ByHand().ack({ sentInFlight: 45_000 });
    assert.equal(unbound.flow.longTerm.inflight, NONE);
  });

  test('BBR §5.3.3.5: not before the pipe was full', () => {
    const by = new ByHand({ phase: Phase.STARTUP });
    by.flow.longTerm.inflight = 20_000;
    by.ack({ sentInFlight: 50_000 });
    assert.equal(by.flow.longTerm.inflight, 20_000);
  });

  /** UP, held back by a bound of 40 segments; the slope is that of its first round trip. */
  function heldBack(): ByHand {
    const by = new ByHand({ phase: Phase.REFILL, cwnd: 40_000 });
    by.flow.longTerm.inflight = 40_000;
    enterRefill(by.flow);
    enterUp(by.flow);
    by.flow.isCwndLimited = true;
    return by;
  }

  /** Acknowledges one window, and returns the segments by which the bound has grown. */
  function growth(by: ByHand): number {
    const before = by.flow.longTerm.inflight;
    for (let i = 0; i < 40; i++) by.ack({ sentInFlight: 40_000, sentDelivered: 0 });
    return (by.flow.longTerm.inflight - before) / MSS;
  }

  test('BBR §5.3.3.5: in UP it grows by a segment for each window that is acknowledged', () => {
    const by = heldBack();
    for (let i = 0; i < 39; i++) by.ack({ sentInFlight: 40_000 });
    assert.equal(by.flow.longTerm.inflight, 40_000);
    by.ack({ sentInFlight: 40_000 });
    assert.equal(by.flow.longTerm.inflight, 41_000);
  });

  test('BBR §5.3.3.5: by twice as many in each round trip that follows', () => {
    const by = heldBack();
    const grown: number[] = [];
    for (let i = 0; i < 3; i++) {
      by.flow.cwnd = 40_000;
      by.flow.longTerm.inflight = 40_000;
      by.flow.longTerm.raiseSlope(40_000, MSS);
      grown.push(growth(by));
    }
    assert.deepEqual(grown, [2, 4, 8]);
  });

  test('BBR §5.3.3.5: a round trip that ends while the bound holds the flow back makes the slope steeper', () => {
    const by = heldBack();
    by.flow.onSent(by.flow.cwnd, false, false, by.now);
    by.endRound({ sentInFlight: 40_000, deliveredBytes: 0 });
    assert.equal(growth(by), 2);
  });

  test('BBR §5.3.3.5: not by less than the window being full, or below the bound, or in another phase', () => {
    const unlimited = heldBack();
    unlimited.flow.isCwndLimited = false;
    assert.equal(growth(unlimited), 0);
    const below = heldBack();
    below.flow.longTerm.inflight = 200_000;
    assert.equal(growth(below), 0);
    const other = heldBack();
    other.flow.phase = Phase.REFILL;
    assert.equal(growth(other), 0);
    const lossy = heldBack();
    lossy.lost = 5000;
    for (let i = 0; i < 40; i++) lossy.ack({ sentInFlight: 40_000, sentLost: 0 });
    assert.equal(lossy.flow.longTerm.inflight, 40_000);
  });

  test('BBR §5.3.3.5: each probe begins slowly, with what the last one had begun to count forgotten', () => {
    const by = heldBack();
    for (let i = 0; i < 5; i++) by.flow.longTerm.raiseSlope(40_000, MSS);
    by.ack({ sentInFlight: 40_000 });
    const { longTerm } = by.flow;
    longTerm.restartGrowth();
    longTerm.inflight = 40_000;
    longTerm.raiseSlope(40_000, MSS);
    longTerm.grow(39_999, MSS);
    assert.equal(longTerm.inflight, 40_000);
    longTerm.grow(1, MSS);
    assert.equal(longTerm.inflight, 41_000);
  });

  test('BBR §5.3.3.5: also when the last one had come to a steep slope', () => {
    const by = heldBack();
    for (let i = 0; i < 5; i++) by.flow.longTerm.raiseSlope(40_000, MSS);
    enterRefill(by.flow);
    enterUp(by.flow);
    assert.equal(growth(by), 1);
  });

  test('BBR §5.3.3.5: by no more than a segment for each one acknowledged, and nothing is lost to rounding', () => {
    const { longTerm } = new ByHand().flow;
    longTerm.inflight = 0;
    for (let i = 0; i < 40; i++) longTerm.raiseSlope(40_000, MSS);
    longTerm.grow(2500, MSS);
    assert.equal(longTerm.inflight, 2 * MSS);
    longTerm.grow(500, MSS);
    assert.equal(longTerm.inflight, 3 * MSS);
  });
});

describe('PROBE-RTT', () => {
  /** Nothing shorter was measured for more than 5 s. */
  function due(phase: Phase = Phase.CRUISE): ByHand {
    const by = new ByHand({ phase, cwnd: 80_000 });
    by.now = 5001;
    by.flow.cycleAt = by.now;
    return by;
  }

  test('BBR §5.3.4.3: begins when it is due; the window of before is remembered', () => {
    for (const phase of [Phase.STARTUP, Phase.UP, Phase.CRUISE]) {
      const by = due(phase);
      by.flow.episode.priorCwnd = 500_000;
      by.flow.probeRttDoneAt = 7;
      by.ack({ inFlight: 60_000 });
      assert.equal(by.flow.phase, Phase.PROBE_RTT);
      assert.equal(by.flow.ackPhase, AckPhase.PROBE_STOPPING);
      assert.equal(by.flow.probeRttDoneAt, 0);
      assert.equal(by.flow.episode.priorCwnd, 80_000);
      assert.equal(by.flow.cwnd, 25_000);
      by.ack({ inFlight: 60_000, sentDelivered: by.delivered - 1 });
      assert.equal(by.flow.rounds.isStart, false, 'a round trip begins');
    }
  });

  test('BBR §5.3.4.3: not after a pause, until something of after it has arrived', () => {
    const by = due();
    by.flow.isIdleRestart = true;
    by.ack({ sentDelivered: -1, deliveredBytes: 0, rttMs: -1 });
    assert.deepEqual([by.flow.phase, by.flow.isIdleRestart], [Phase.CRUISE, true]);
    by.ack({ rttMs: -1, deliveredBytes: 1, sentDelivered: by.delivered });
    assert.deepEqual([by.flow.phase, by.flow.isIdleRestart], [Phase.CRUISE, false]);
    by.ack({ rttMs: -1 });
    assert.equal(by.flow.phase, Phase.PROBE_RTT);
  });

  test('BBR §5.3.4.3: one that is under way does not begin again', () => {
    const by = due().ack({ inFlight: 20_000 });
    const { probeRttDoneAt } = by.flow;
    assert.equal(probeRttDoneAt, by.now + 200);
    by.now += 5001;
    by.flow.isProbeRttRoundDone = false;
    by.ack({ inFlight: 20_000 });
    assert.equal(by.flow.probeRttDoneAt, probeRttDoneAt);
  });

  test('BBR §5.3.4.3: its 200 ms begin when half the path is in flight', () => {
    const by = due().ack({ inFlight: 60_000 });
    by.ack({ inFlight: 25_001 });
    assert.equal(by.flow.probeRttDoneAt, 0);
    by.flow.isProbeRttRoundDone = true;
    by.ack({ inFlight: 25_000 });
    assert.equal(by.flow.probeRttDoneAt, by.now + 200);
    assert.equal(by.flow.isProbeRttRoundDone, false);
  });

  /** Half the path is in flight. */
  function probing(phase: Phase = Phase.CRUISE): ByHand {
    return due(phase).ack({ inFlight: 60_000 }).ack({ inFlight: 25_000 });
  }

  test('BBR §5.3.4.3: and end after a whole round trip at that, and 200 ms', () => {
    const early = probing();
    early.now = early.flow.probeRttDoneAt + 10;
    early.ack({ inFlight: 25_000, sentDelivered: early.delivered - 1 });
    assert.equal(early.flow.phase, Phase.PROBE_RTT, 'the round trip is not over');
    early.endRound({ inFlight: 25_000 });
    assert.equal(early.flow.phase, Phase.CRUISE);
    const by = probing();
    by.endRound({ inFlight: 25_000 });
    by.now = by.flow.probeRttDoneAt - 1;
    by.ack({ inFlight: 25_000 });
    assert.equal(by.flow.phase, Phase.PROBE_RTT, '200 ms are not more than 200 ms');
    by.ack({ inFlight: 25_000 });
    assert.equal(by.flow.phase, Phase.CRUISE);
  });

  test('BBR §5.3.4.4: then the window is back, bounds are forgotten, and both the next probes wait their time', () => {
    const by = probing();
    by.flow.shortTerm.bw = 500;
    by.flow.shortTerm.inflight = 30_000;
    by.endRound({ inFlight: 25_000 });
    by.now = by.flow.probeRttDoneAt;
    by.ack({ inFlight: 25_000, rttMs: -1 });
    assert.deepEqual([by.flow.shortTerm.bw, by.flow.shortTerm.inflight], [NONE, NONE]);
    assert.equal(by.flow.cwnd, 81_000);
    assert.equal(by.flow.cycleAt, by.now);
    const { now } = by;
    by.now = now + 4998;
    by.flow.cycleAt = by.now;
    by.ack({ rttMs: -1 }).ack({ rttMs: -1 });
    assert.equal(by.flow.phase, Phase.CRUISE);
    by.ack({ rttMs: -1 });
    assert.equal(by.flow.phase, Phase.PROBE_RTT, '5 s later');
  });

  test('BBR §5.3.4.4: before the pipe was full STARTUP goes on', () => {
    const by = probing(Phase.STARTUP);
    by.endRound({ inFlight: 25_000 });
    by.now = by.flow.probeRttDoneAt;
    by.ack({ inFlight: 25_000 });
    assert.equal(by.flow.phase, Phase.STARTUP);
  });

  test('BBR §5.3.4.3: what is sent meanwhile counts as app-limited, and nothing before', () => {
    const by = due();
    by.flow.quietFrom = 17;
    by.flow.quietUntil = 900_000;
    by.ack({ inFlight: 60_000 });
    const begin = by.delivered;
    assert.deepEqual([by.flow.quietFrom, by.flow.quietUntil], [begin, begin + 60_000]);
    by.ack({ inFlight: 30_000 });
    assert.deepEqual([by.flow.quietFrom, by.flow.quietUntil], [begin, begin + MSS + 30_000]);
    by.ack({ inFlight: 30_000, deliveredBytes: 30_000 });
    assert.deepEqual([by.flow.quietFrom, by.flow.quietUntil], [begin, begin + 31_000 + 30_000]);
  });
});
