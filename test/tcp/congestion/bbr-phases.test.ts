// BBR's state machine, case by case as the draft's appendix A lists them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AckPhase, Phase } from '../../../src/tcp/congestion/bbr/phase.js';
import { BbrRun } from './bbr-flow.js';
import { MBIT, MSS } from './path.js';

/** Twenty segments in flight: a path on which probes follow each other by round trips, and not by the clock. */
const SMALL = { rate: 6 * MBIT, rttMs: 40 };

test('BBR A.1: STARTUP ends after three round trips without growth, and with the bandwidth known', () => {
  const flow = new BbrRun({ rate: 20 * MBIT, rttMs: 40 });
  let fullSince = 0;
  flow.onEvent = () => {
    if (fullSince === 0 && flow.bbr.maxBw.value > 0.98 * flow.path.rate) fullSince = flow.bbr.rounds.count;
  };
  flow.untilPhase(Phase.DRAIN);
  assert.equal(flow.bbr.fullPipe.isReached, true);
  assert.equal(flow.bbr.inSlowStart, false);
  assert.ok(Math.abs(flow.bbr.maxBw.value / flow.path.rate - 1) < 0.02);
  const rounds = flow.bbr.rounds.count - fullSince;
  assert.ok(rounds === 3 || rounds === 4, `${rounds} round trips`);
});

test('BBR A.2: STARTUP ends by losses, also when the application is slow', () => {
  const flow = new BbrRun({ rate: 100 * MBIT, rttMs: 40, seed: 2 });
  flow.flow.setAppRate(30 * MBIT, 0);
  flow.until(1000);
  flow.path.loss = 0.15;
  flow.until(1500, () => flow.bbr.phase !== Phase.STARTUP);
  assert.ok(flow.now < 1200, `${flow.now}`);
  assert.equal(flow.bbr.fullPipe.isReached, true);
  assert.equal(flow.bbr.fullPipe.isNow, true);
  const model = flow.bbr.maxBw.value * flow.bbr.minRtt.ms;
  const { inflight } = flow.bbr.longTerm;
  assert.ok(inflight >= Math.floor(model) && inflight < 1.1 * flow.bdp, `${inflight / model}`);
});

test('BBR §5.3.1.3: a few losses, or one burst of many, do not end STARTUP', () => {
  const flow = new BbrRun({ rate: 100 * MBIT, rttMs: 40 });
  flow.flow.setAppRate(30 * MBIT, 0);
  flow.until(500);
  flow.path.loss = 1;
  flow.until(508);
  flow.path.loss = 0;
  flow.until(1000);
  const burst = flow.path.dropped;
  assert.ok(burst > 15, `${burst} lost at once`);
  flow.path.loss = 0.01;
  flow.until(2000);
  assert.ok(flow.path.dropped > burst + 10);
  assert.equal(flow.bbr.phase, Phase.STARTUP);
});

test('BBR §5.3.1.3: without SACK one loss ends STARTUP', () => {
  const flow = new BbrRun({ rate: 100 * MBIT, rttMs: 40 });
  flow.flow.onSample = (sample) => {
    sample.hasSack = false;
  };
  flow.flow.setAppRate(30 * MBIT, 0);
  flow.until(500);
  assert.equal(flow.bbr.phase, Phase.STARTUP);
  flow.path.loss = 1;
  flow.until(501);
  flow.path.loss = 0;
  flow.until(600, () => flow.bbr.phase !== Phase.STARTUP);
  assert.ok(flow.now < 600);
});

test('BBR A.3: DRAIN ends when no more than the path holds is in flight', () => {
  const flow = new BbrRun({ rate: 20 * MBIT, rttMs: 40 });
  flow.untilPhase(Phase.DRAIN);
  const before = flow.flow.inFlight;
  assert.ok(before > 1.8 * flow.bdp);
  assert.ok(Math.abs(flow.bbr.pacingRate / (0.5 * 0.99 * flow.bbr.bw) - 1) < 1e-9);
  let leastInDrain = before;
  flow.onEvent = () => {
    if (flow.bbr.phase === Phase.DRAIN) leastInDrain = Math.min(leastInDrain, flow.flow.inFlight);
  };
  flow.until(flow.now + 1000, () => flow.bbr.phase !== Phase.DRAIN);
  assert.ok(flow.bbr.phase === Phase.DOWN || flow.bbr.phase === Phase.CRUISE);
  assert.ok(leastInDrain > 0.97 * flow.bdp, `${leastInDrain / flow.bdp}`);
  assert.ok(flow.flow.inFlight <= flow.bdp + 3 * MSS, `${flow.flow.inFlight / flow.bdp}`);
});

test('BBR A.4: DRAIN ends after three round trips when the bandwidth was too high a guess', () => {
  const flow = new BbrRun({ rate: 20 * MBIT, rttMs: 40 });
  flow.untilPhase(Phase.DRAIN);
  flow.path.setRate(8 * MBIT, flow.now);
  const round = flow.bbr.rounds.count;
  flow.until(flow.now + 3000, () => flow.bbr.phase !== Phase.DRAIN);
  assert.equal(flow.bbr.rounds.count, round + 4);
  assert.ok(flow.flow.inFlight > 1.1 * 20 * MBIT * 40, 'more than the guess says is in flight');
  assert.equal(flow.bbr.phase, Phase.DOWN);
});

test('BBR A.5: UP ends after three round trips without growth', () => {
  const flow = new BbrRun({ rate: 20 * MBIT, rttMs: 40 });
  flow.untilPhase(Phase.UP);
  assert.ok(Math.abs(flow.bbr.pacingRate / (1.25 * 0.99 * flow.bbr.bw) - 1) < 1e-9);
  const round = flow.bbr.rounds.count;
  flow.untilPhase(Phase.DOWN);
  assert.equal(flow.bbr.rounds.count, round + 3);
  assert.equal(flow.bbr.fullPipe.isNow, true);
  assert.equal(flow.bbr.wasTooHigh, false);
  assert.equal(flow.bbr.longTerm.inflight, Number.POSITIVE_INFINITY);
});

test('BBR A.6: UP ends by losses of a slow application, too, which set no bound', () => {
  const flow = new BbrRun({ rate: 20 * MBIT, rttMs: 40 });
  flow.untilPhase(Phase.UP);
  flow.flow.setAppRate(10 * MBIT, flow.now);
  flow.until(flow.now + 200);
  assert.equal(flow.bbr.phase, Phase.UP);
  flow.path.loss = 0.2;
  flow.until(flow.now + 200, () => flow.bbr.phase !== Phase.UP);
  assert.ok(flow.visitsOf(Phase.UP)[0]!.until <= flow.now);
  assert.equal(flow.bbr.wasTooHigh, true);
  assert.equal(flow.bbr.longTerm.inflight, Number.POSITIVE_INFINITY);
});

test('BBR A.7: neither STARTUP nor UP ends while the application is slow and nothing is lost', () => {
  const slow = new BbrRun({ rate: 100 * MBIT, rttMs: 40 });
  slow.flow.setAppRate(5 * MBIT, 0);
  slow.until(4500);
  assert.equal(slow.bbr.phase, Phase.STARTUP);
  const fast = new BbrRun({ rate: 20 * MBIT, rttMs: 40 });
  fast.untilPhase(Phase.UP);
  fast.flow.setAppRate(5 * MBIT, fast.now);
  fast.until(4900);
  assert.equal(fast.bbr.phase, Phase.UP);
});

test('BBR A.8: DOWN ends when the queue is gone', () => {
  const flow = new BbrRun({ rate: 20 * MBIT, rttMs: 40 });
  flow.untilPhase(Phase.UP);
  flow.untilPhase(Phase.DOWN);
  flow.until(flow.now + 5);
  assert.ok(Math.abs(flow.bbr.pacingRate / (0.9 * 0.99 * flow.bbr.bw) - 1) < 1e-9);
  assert.ok(flow.flow.inFlight > 1.5 * flow.bdp);
  flow.untilPhase(Phase.CRUISE);
  assert.ok(flow.flow.inFlight <= flow.bdp + 3 * MSS, `${flow.flow.inFlight / flow.bdp}`);
  assert.ok(Math.abs(flow.bbr.pacingRate / (0.99 * flow.bbr.bw) - 1) < 1e-9);
});

test('BBR A.8: with a long-term bound DOWN ends, and CRUISE stays, 15 % below it', () => {
  const flow = new BbrRun({ rate: 50 * MBIT, rttMs: 40, queueBytes: 100_000 });
  flow.untilPhase(Phase.CRUISE);
  const bound = flow.bbr.longTerm.inflight;
  assert.ok(bound < 1.6 * flow.bdp && bound > flow.bdp, `${bound / flow.bdp}`);
  flow.bbr.longTerm.inflight = flow.bdp;
  flow.untilPhase(Phase.UP);
  flow.bbr.longTerm.inflight = flow.bdp;
  flow.untilPhase(Phase.CRUISE);
  const { inflight } = flow.bbr.longTerm;
  assert.ok(flow.flow.inFlight <= 0.85 * inflight + 2 * MSS, `${flow.flow.inFlight / inflight}`);
  assert.equal(flow.bbr.cwnd, inflight - Math.ceil(0.15 * inflight));
});

test('BBR A.9: DOWN goes over to REFILL when it lasts until the next probe is due', () => {
  const flow = new BbrRun(SMALL);
  flow.untilPhase(Phase.UP);
  flow.untilPhase(Phase.DOWN);
  flow.path.setRate(3 * MBIT, flow.now);
  flow.until(flow.now + 4000, () => flow.bbr.phase !== Phase.DOWN);
  assert.equal(flow.bbr.phase, Phase.REFILL);
});

test('BBR §5.3.3.8: on a long path the clock says when to probe, 2 to 3 s after the last time, by chance', () => {
  const waits = new Set<number>();
  for (const rttMs of [100, 110, 120, 130]) {
    const flow = new BbrRun({ rate: 20 * MBIT, rttMs });
    flow.untilPhase(Phase.DRAIN);
    flow.until(flow.now + 2000, () => flow.bbr.phase !== Phase.DRAIN);
    const begin = flow.now;
    flow.untilPhase(Phase.REFILL);
    const waited = flow.now - begin;
    assert.ok(waited > 2000 && waited < 3000 + rttMs, `${waited}`);
    waits.add(Math.round(waited / 20));
  }
  assert.ok(waits.size >= 3, [...waits].join(' '));
});

test('BBR §5.3.3.8: on a short path a probe comes when a Reno flow would have filled it', () => {
  const flow = new BbrRun(SMALL);
  flow.untilPhase(Phase.DRAIN);
  flow.until(flow.now + 2000, () => flow.bbr.phase !== Phase.DRAIN);
  const begin = flow.now;
  const round = flow.bbr.rounds.count;
  flow.untilPhase(Phase.REFILL);
  const rounds = flow.bbr.rounds.count - round;
  const segments = flow.bdp / MSS;
  assert.ok(rounds >= segments - 1 && rounds <= segments + 1, `${rounds} rounds, ${segments} segments`);
  assert.ok(flow.now - begin < 2000);
});

test('BBR §5.3.3.3: REFILL lasts one round trip and forgets what losses had taken', () => {
  const flow = new BbrRun({ rate: 20 * MBIT, rttMs: 40 });
  flow.untilPhase(Phase.CRUISE);
  flow.path.loss = 0.03;
  flow.until(flow.now + 800);
  flow.path.loss = 0;
  assert.ok(flow.bbr.shortTerm.bw < flow.bbr.maxBw.value);
  flow.untilPhase(Phase.REFILL);
  assert.equal(flow.bbr.shortTerm.bw, Number.POSITIVE_INFINITY);
  const round = flow.bbr.rounds.count;
  const begin = flow.now;
  flow.untilPhase(Phase.UP);
  assert.equal(flow.bbr.rounds.count, round + 1);
  assert.ok(flow.now - begin >= 39 && flow.now - begin < 60, `${flow.now - begin} ms`);
  assert.equal(flow.bbr.isBwProbeSample, true);
});

test('BBR A.21: too many losses in UP end it and set the bound to what was in flight then', () => {
  const flow = new BbrRun({ rate: 50 * MBIT, rttMs: 40, queueBytes: 150_000 });
  flow.untilPhase(Phase.UP);
  const before = flow.path.dropped;
  flow.untilPhase(Phase.DOWN);
  assert.ok(flow.path.dropped > before);
  assert.equal(flow.bbr.wasTooHigh, true);
  const capacity = flow.bdp + 150_000;
  const { inflight } = flow.bbr.longTerm;
  assert.ok(inflight > 0.9 * capacity && inflight < 1.1 * capacity, `${inflight / capacity}`);
});

test('BBR §5.5.10.2: the bound never falls below 0.7 of what the path holds', () => {
  const flow = new BbrRun({ rate: 50 * MBIT, rttMs: 40 });
  flow.untilPhase(Phase.UP);
  flow.loseSegments(4, 20 * MSS);
  assert.equal(flow.bbr.phase, Phase.DOWN);
  const share = flow.bbr.longTerm.inflight / flow.bdp;
  assert.ok(share > 0.68 && share < 0.72, `${share}`);
});

test('BBR §5.3.3.6: after a probe that lost too much the next one stops at the bound, then tries again at once', () => {
  const flow = new BbrRun({ rate: 50 * MBIT, rttMs: 40 });
  flow.untilPhase(Phase.UP);
  flow.until(flow.now + 30);
  flow.loseSegments(8, Math.floor(1.2 * flow.bdp));
  assert.equal(flow.bbr.wasTooHigh, true);
  const bound = flow.bbr.longTerm.inflight;
  flow.untilPhase(Phase.UP);
  const begin = flow.now;
  flow.untilPhase(Phase.DOWN);
  assert.equal(flow.bbr.isPrecautionary, true);
  assert.ok(flow.now - begin < 80, `stopped after ${flow.now - begin} ms`);
  assert.ok(Math.abs(flow.flow.inFlight - bound) <= 4 * MSS, `${(flow.flow.inFlight - bound) / MSS}`);
  const round = flow.bbr.rounds.count;
  flow.untilPhase(Phase.REFILL);
  assert.equal(flow.bbr.rounds.count, round + 1, 'as soon as the probe is acknowledged');
  flow.untilPhase(Phase.UP);
  const stays = flow.now;
  flow.untilPhase(Phase.DOWN);
  assert.ok(flow.now - stays > 120, `stayed ${flow.now - stays} ms`);
  assert.ok(flow.bbr.longTerm.inflight > bound);
});

test('BBR §5.3.3.5: the bound grows by 1, 2, 4, 8 segments in the round trips of a probe that it holds back', () => {
  const flow = new BbrRun({ rate: 100 * MBIT, rttMs: 40 });
  flow.untilPhase(Phase.REFILL);
  // Ten times less than the path would take: what limits the flow is the bound alone.
  const bound = Math.floor(flow.bdp / 10);
  flow.bbr.longTerm.inflight = bound;
  flow.untilPhase(Phase.UP);
  flow.bbr.longTerm.inflight = bound;
  const grown: number[] = [];
  let round = flow.bbr.rounds.count;
  let last = bound;
  flow.onEvent = () => {
    if (flow.bbr.rounds.count === round) return;
    round = flow.bbr.rounds.count;
    grown.push(Math.round((flow.bbr.longTerm.inflight - last) / MSS));
    last = flow.bbr.longTerm.inflight;
  };
  flow.until(flow.now + 8 * 45, () => grown.length >= 6);
  assert.equal(flow.bbr.phase, Phase.UP);
  // The first round trip may be cut short: the window fills up while it lasts.
  for (let i = 1; i < 6; i++) {
    const due = 2 ** i;
    assert.ok(Math.abs(grown[i]! - due) <= Math.max(1, due / 8), grown.join(' '));
  }
});

test('BBR A.22: an application that pauses in REFILL does not lower the bandwidth', () => {
  const flow = new BbrRun({ rate: 20 * MBIT, rttMs: 40 });
  flow.untilPhase(Phase.REFILL);
  const { value } = flow.bbr.maxBw;
  flow.flow.setAppRate(MBIT, flow.now);
  flow.untilPhase(Phase.UP);
  assert.equal(flow.bbr.maxBw.value, value);
  flow.flow.setAppRate(Number.POSITIVE_INFINITY, flow.now);
  flow.untilPhase(Phase.DOWN);
  assert.ok(flow.bbr.maxBw.value >= 0.99 * value);
});

test('BBR §5.5.4: samples of a slow application never lower the bandwidth, whatever it does', () => {
  const flow = new BbrRun({ rate: 20 * MBIT, rttMs: 40 });
  flow.untilPhase(Phase.CRUISE);
  const { value } = flow.bbr.maxBw;
  let least = value;
  flow.onEvent = () => {
    least = Math.min(least, flow.bbr.maxBw.value);
  };
  for (let i = 0; i < 20; i++) {
    flow.flow.setAppRate((1 + (i % 5)) * MBIT, flow.now);
    flow.until(flow.now + 1000);
  }
  assert.ok(least >= 0.99 * value, `${least / value}`);
  flow.flow.setAppRate(Number.POSITIVE_INFINITY, flow.now);
  flow.until(flow.now + 100);
  const used = flow.utilization(500);
  assert.ok(used > 0.9, `${used}`);
});

test('BBR A.10: PROBE-RTT comes after 5 s without a shorter round trip and lasts 200 ms at half the path', () => {
  const flow = new BbrRun({ rate: 50 * MBIT, rttMs: 40 });
  flow.untilPhase(Phase.CRUISE);
  flow.untilPhase(Phase.PROBE_RTT);
  assert.ok(flow.now >= 5000 && flow.now < 5050, `${flow.now}`);
  const begin = flow.now;
  const before = flow.bbr.maxBw.value;
  const windowBefore = flow.bbr.episode.priorCwnd;
  let halfSince = 0;
  let most = 0;
  flow.onEvent = (now) => {
    if (flow.bbr.phase !== Phase.PROBE_RTT) return;
    if (halfSince === 0 && flow.bbr.probeRttDoneAt > 0) halfSince = now;
    if (halfSince > 0) most = Math.max(most, flow.flow.inFlight);
  };
  flow.until(flow.now + 1000, () => flow.bbr.phase !== Phase.PROBE_RTT);
  assert.equal(flow.bbr.phase, Phase.CRUISE);
  const lasted = flow.now - halfSince;
  assert.ok(lasted >= 200 && lasted < 203, `${lasted} ms at half`);
  assert.ok(flow.now - begin < 260, `${flow.now - begin} ms in all`);
  assert.ok(most <= 0.5 * flow.bdp + MSS && most > 0.45 * flow.bdp, `${most / flow.bdp}`);
  assert.equal(flow.bbr.maxBw.value, before, 'its low rates are not the path’s');
  assert.equal(flow.bbr.cwnd, windowBefore);
  flow.untilPhase(Phase.PROBE_RTT);
  assert.ok(flow.now - begin > 5200 && flow.now - begin < 5300, `again after ${flow.now - begin} ms`);
});

test('BBR §5.3.4.3: PROBE-RTT lasts at least one round trip', () => {
  const flow = new BbrRun({ rate: 10 * MBIT, rttMs: 500 });
  flow.untilPhase(Phase.PROBE_RTT);
  flow.until(flow.now + 3000, () => flow.bbr.probeRttDoneAt > flow.now);
  const halfSince = flow.now;
  flow.until(flow.now + 3000, () => flow.bbr.phase !== Phase.PROBE_RTT);
  const lasted = flow.now - halfSince;
  assert.ok(lasted >= 500 && lasted < 560, `${lasted}`);
});

test('BBR §5.3.4: PROBE-RTT sees the path without the queue that hid it', () => {
  const flow = new BbrRun({ rate: 20 * MBIT, rttMs: 40 });
  flow.untilPhase(Phase.CRUISE);
  // A model that takes the queue for the path keeps the queue there.
  flow.bbr.minRtt.begin(flow.now);
  flow.bbr.minRtt.ms = 70;
  flow.bbr.minRtt.start(70);
  const rtts: number[] = [];
  flow.flow.onSample = (sample) => {
    if (flow.bbr.phase === Phase.PROBE_RTT && sample.rttMs >= 0) rtts.push(sample.rttMs);
  };
  flow.untilPhase(Phase.PROBE_RTT);
  flow.untilPhase(Phase.CRUISE);
  assert.ok(Math.min(...rtts) < 42, `${Math.min(...rtts)}`);
  assert.ok(flow.bbr.minRtt.ms < 42, `${flow.bbr.minRtt.ms}`);
});

test('BBR A.11: a silence of the application stands for PROBE-RTT', () => {
  const flow = new BbrRun({ rate: 20 * MBIT, rttMs: 40 });
  flow.until(4000);
  const { cwnd } = flow.bbr;
  flow.flow.setAppRate(0, flow.now);
  flow.until(11_000);
  assert.equal(flow.flow.inFlight, 0);
  flow.flow.setAppRate(Number.POSITIVE_INFINITY, 11_000);
  flow.until(11_001);
  assert.equal(flow.bbr.isIdleRestart, true);
  flow.until(14_000);
  assert.equal(flow.visitsOf(Phase.PROBE_RTT).length, 0);
  assert.equal(flow.bbr.isIdleRestart, false);
  assert.ok(flow.bbr.cwnd >= 0.99 * cwnd);
});

test('BBR §5.4.1: after an idle time the flow paces at the bandwidth, whatever the phase was', () => {
  const flow = new BbrRun({ rate: 20 * MBIT, rttMs: 40 });
  flow.untilPhase(Phase.UP);
  assert.ok(flow.bbr.pacingRate > 1.2 * flow.bbr.bw);
  flow.flow.setAppRate(0, flow.now);
  flow.until(flow.now + 500);
  assert.equal(flow.bbr.phase, Phase.UP);
  flow.bbr.onSent(MSS, true, true, flow.now);
  assert.equal(flow.bbr.pacingRate, 0.99 * flow.bbr.bw);
});

test('BBR §5.4.1: PROBE-RTT that ran out during an idle time ends before the next segment', () => {
  const flow = new BbrRun({ rate: 20 * MBIT, rttMs: 40 });
  flow.untilPhase(Phase.PROBE_RTT);
  flow.until(flow.now + 100, () => flow.bbr.probeRttDoneAt > 0);
  flow.flow.setAppRate(0, flow.now);
  flow.until(flow.now + 1000);
  assert.equal(flow.bbr.phase, Phase.PROBE_RTT);
  flow.bbr.onSent(MSS, true, true, flow.now);
  assert.equal(flow.bbr.phase, Phase.CRUISE);
  assert.ok(flow.bbr.cwnd > 1.9 * flow.bdp, `${flow.bbr.cwnd / flow.bdp}`);
});

test('BBR A.20: PROBE-RTT in STARTUP leads back to STARTUP', () => {
  const flow = new BbrRun({ rate: 100 * MBIT, rttMs: 40 });
  flow.flow.setAppRate(5 * MBIT, 0);
  flow.untilPhase(Phase.PROBE_RTT);
  assert.equal(flow.bbr.fullPipe.isReached, false);
  flow.untilPhase(Phase.STARTUP, 500);
  flow.flow.setAppRate(Number.POSITIVE_INFINITY, flow.now);
  flow.untilPhase(Phase.DRAIN, 1000);
  assert.ok(flow.bbr.maxBw.value > 0.95 * flow.path.rate);
});

test('BBR §2.14: acknowledgments are told apart by the part of the probe that they are for', () => {
  const flow = new BbrRun({ rate: 20 * MBIT, rttMs: 40 });
  flow.untilPhase(Phase.REFILL);
  assert.equal(flow.bbr.ackPhase, AckPhase.REFILLING);
  flow.untilPhase(Phase.UP);
  assert.equal(flow.bbr.ackPhase, AckPhase.PROBE_STARTING);
  flow.until(flow.now + 45);
  assert.equal(flow.bbr.ackPhase, AckPhase.PROBE_FEEDBACK);
  flow.untilPhase(Phase.DOWN);
  assert.equal(flow.bbr.ackPhase, AckPhase.PROBE_STOPPING);
  flow.untilPhase(Phase.CRUISE);
  assert.equal(flow.bbr.ackPhase, AckPhase.INIT);
  assert.equal(flow.bbr.isBwProbeSample, false);
});
