// Losses, timeouts, marks, and losses that were none: what BBR gives up for them, and what it takes back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Recovery } from '../../../src/tcp/congestion/bbr/episode.js';
import { PHASE_NAMES, Phase } from '../../../src/tcp/congestion/bbr/phase.js';
import { bbr } from '../../../src/tcp/congestion/bbr.js';
import type { AckSample } from '../../../src/tcp/congestion/controller.js';
import { BbrRun } from './bbr-flow.js';
import { emptySample, MBIT, MSS } from './path.js';

const PATH = { rate: 20 * MBIT, rttMs: 40 };

/** A sample of now in which nothing was delivered. */
function sampleOf(flow: BbrRun): AckSample {
  const sample = emptySample(flow.now);
  sample.totalDelivered = flow.flow.rate.delivered;
  sample.totalLost = flow.bbr.lost;
  sample.inFlight = flow.flow.inFlight;
  sample.priorInFlight = flow.flow.inFlight;
  return sample;
}

function cruising(): BbrRun {
  const flow = new BbrRun(PATH);
  flow.untilPhase(Phase.CRUISE);
  flow.until(flow.now + 100);
  return flow;
}

test('BBR §5.5.10.3: a round trip with losses lowers pace and window to what it delivered, by no more than 30 %', () => {
  const flow = cruising();
  flow.path.loss = 0.08;
  const { cwnd, maxBw } = flow.bbr;
  const before = maxBw.value;
  flow.until(flow.now + 200, () => flow.bbr.shortTerm.bw < Number.POSITIVE_INFINITY);
  const { shortTerm } = flow.bbr;
  assert.ok(shortTerm.bw >= 0.7 * before && shortTerm.bw <= before, `${shortTerm.bw / before}`);
  assert.ok(shortTerm.inflight >= Math.floor(0.7 * cwnd), `${shortTerm.inflight / cwnd}`);
  assert.ok(flow.bbr.cwnd <= shortTerm.inflight);
  assert.equal(maxBw.value, before, 'the long-term model stays');
});

test('BBR §5.5.10.3: a whole round trip of losses is needed for each step down', () => {
  const flow = cruising();
  flow.path.loss = 1;
  flow.until(flow.now + 3);
  flow.path.loss = 0;
  const steps = new Set<number>();
  flow.onEvent = () => steps.add(flow.bbr.shortTerm.inflight);
  flow.until(flow.now + 400);
  // One burst of losses within one round trip: one step.
  assert.equal(steps.size, 2, [...steps].join(' '));
});

test('BBR §5.6.4.4: a timeout leaves one segment of window, keeps the model, and gives the window back after repair', () => {
  const flow = cruising();
  const { cwnd } = flow.bbr;
  const { value } = flow.bbr.maxBw;
  let atTimeout = 0;
  flow.path.loss = 1;
  flow.onEvent = () => {
    if (flow.flow.timeouts === 1 && atTimeout === 0) atTimeout = flow.bbr.cwnd;
  };
  flow.until(flow.now + 1000, () => flow.flow.timeouts === 1);
  flow.path.loss = 0;
  assert.equal(atTimeout, MSS);
  assert.equal(flow.bbr.episode.recovery, Recovery.TIMEOUT);
  assert.equal(flow.bbr.episode.priorCwnd, cwnd);
  assert.equal(flow.bbr.maxBw.value, value);
  flow.until(flow.now + 3000, () => flow.bbr.episode.recovery === Recovery.NONE);
  assert.equal(flow.bbr.episode.recovery, Recovery.NONE);
  flow.until(flow.now + 100);
  const used = flow.utilization(1000);
  assert.ok(used > 0.9, `${used}`);
});

test('BBR §5.6.4.4: repeated timeouts remember the window from before the first', () => {
  const flow = cruising();
  const { cwnd } = flow.bbr;
  flow.path.loss = 1;
  flow.until(flow.now + 5000, () => flow.flow.timeouts === 3);
  assert.equal(flow.bbr.episode.priorCwnd, cwnd);
  assert.equal(flow.bbr.cwnd, MSS);
});

test('BBR §5.6.4.4: the end of recovery gives the window back, within what the model allows', () => {
  const flow = cruising();
  const { cwnd } = flow.bbr;
  flow.bbr.onCongestion(sampleOf(flow), 'loss');
  assert.equal(flow.bbr.episode.recovery, Recovery.FAST);
  flow.bbr.cwnd = 10 * MSS;
  flow.bbr.onRecovered();
  assert.equal(flow.bbr.cwnd, cwnd);
  flow.bbr.onCongestion(sampleOf(flow), 'loss');
  flow.bbr.cwnd = 10 * MSS;
  flow.bbr.shortTerm.inflight = 30 * MSS;
  flow.bbr.onRecovered();
  assert.equal(flow.bbr.cwnd, 30 * MSS);
});

test('BBR A.18: when no segment was lost, UP is taken up again with all its bounds', () => {
  const flow = new BbrRun(PATH);
  flow.untilPhase(Phase.UP);
  flow.until(flow.now + 60);
  const { cwnd } = flow.bbr;
  flow.loseSegments(5, 60 * MSS);
  flow.bbr.onCongestion(sampleOf(flow), 'loss');
  assert.equal(PHASE_NAMES[flow.bbr.phase], 'PROBE-BW-DOWN');
  assert.ok(flow.bbr.longTerm.inflight < Number.POSITIVE_INFINITY);
  flow.bbr.cwnd = 20 * MSS;
  flow.bbr.onSpurious(cwnd);
  assert.equal(PHASE_NAMES[flow.bbr.phase], 'PROBE-BW-REFILL');
  assert.equal(flow.bbr.longTerm.inflight, Number.POSITIVE_INFINITY);
  assert.equal(flow.bbr.cwnd, cwnd);
  assert.equal(flow.bbr.episode.recovery, Recovery.NONE);
  flow.untilPhase(Phase.UP, 100);
});

test('BBR A.18: when no segment was lost, STARTUP is taken up again', () => {
  const flow = new BbrRun({ rate: 100 * MBIT, rttMs: 40 });
  flow.flow.setAppRate(30 * MBIT, 0);
  flow.until(1000);
  const { cwnd } = flow.bbr;
  flow.path.loss = 0.15;
  flow.until(1500, () => flow.bbr.phase !== Phase.STARTUP);
  assert.equal(flow.bbr.fullPipe.isReached, true);
  flow.bbr.onSpurious(cwnd);
  assert.equal(PHASE_NAMES[flow.bbr.phase], 'STARTUP');
  assert.equal(flow.bbr.fullPipe.isReached, false);
  assert.equal(flow.bbr.longTerm.inflight, Number.POSITIVE_INFINITY);
  assert.ok(flow.bbr.cwnd >= cwnd);
});

test('BBR A.18: in CRUISE the short-term bounds come back', () => {
  const flow = cruising();
  flow.path.loss = 0.08;
  flow.until(flow.now + 200, () => flow.bbr.shortTerm.bw < Number.POSITIVE_INFINITY);
  flow.bbr.onSpurious(0);
  assert.equal(flow.bbr.shortTerm.bw, Number.POSITIVE_INFINITY);
  assert.equal(flow.bbr.shortTerm.inflight, Number.POSITIVE_INFINITY);
  assert.equal(flow.bbr.shortTerm.isLossInRound, false);
  assert.equal(PHASE_NAMES[flow.bbr.phase], 'PROBE-BW-CRUISE');
});

test('BBR §2.15: what comes back is the state before the first loss of the episode, however long it lasts', () => {
  const flow = cruising();
  flow.path.loss = 0.2;
  flow.until(flow.now + 100, () => flow.bbr.episode.recovery === Recovery.FAST);
  flow.onEvent = () => assert.equal(flow.bbr.episode.recovery, Recovery.FAST);
  // The controller does not hear of the end of recovery: it goes on over many round trips.
  flow.bbr.onRecovered = () => {};
  flow.until(flow.now + 300);
  assert.ok(flow.bbr.shortTerm.bw < 0.9 * flow.bbr.maxBw.value);
  flow.onEvent = () => {};
  flow.bbr.onSpurious(0);
  assert.equal(flow.bbr.shortTerm.bw, Number.POSITIVE_INFINITY);
});

test('BBR A.19: when a timeout was needless, the flow is where it was', () => {
  const flow = new BbrRun(PATH);
  flow.untilPhase(Phase.UP);
  flow.until(flow.now + 60);
  const { cwnd } = flow.bbr;
  flow.loseSegments(40, 40 * MSS);
  const sample = sampleOf(flow);
  sample.inFlight = 0;
  flow.bbr.onTimeout(sample, true);
  assert.equal(flow.bbr.cwnd, MSS);
  assert.equal(PHASE_NAMES[flow.bbr.phase], 'PROBE-BW-DOWN');
  flow.bbr.onSpurious(cwnd);
  assert.equal(flow.bbr.cwnd, cwnd);
  assert.equal(PHASE_NAMES[flow.bbr.phase], 'PROBE-BW-REFILL');
  assert.equal(flow.bbr.longTerm.inflight, Number.POSITIVE_INFINITY);
  assert.equal(flow.bbr.shortTerm.bw, Number.POSITIVE_INFINITY);
});

test('BBR §5.5.11: PROBE-RTT is not broken off by the discovery that nothing was lost', () => {
  const flow = new BbrRun(PATH);
  flow.untilPhase(Phase.UP);
  flow.loseSegments(5, 60 * MSS);
  flow.bbr.onCongestion(sampleOf(flow), 'loss');
  flow.untilPhase(Phase.PROBE_RTT);
  flow.bbr.episode.undoPhase = Phase.UP;
  flow.bbr.onSpurious(0);
  assert.equal(PHASE_NAMES[flow.bbr.phase], 'PROBE-RTT');
});

test('BBR §3.7: a mark ends STARTUP', () => {
  const flow = new BbrRun({ rate: 100 * MBIT, rttMs: 40 });
  flow.until(200);
  assert.equal(PHASE_NAMES[flow.bbr.phase], 'STARTUP');
  flow.bbr.onCongestion(sampleOf(flow), 'ecn');
  flow.until(241);
  assert.notEqual(PHASE_NAMES[flow.bbr.phase], 'STARTUP');
  assert.ok(flow.bbr.longTerm.inflight < Number.POSITIVE_INFINITY);
});

test('BBR §3.7: a mark in CRUISE lowers the short-term bounds, one in UP ends the probe', () => {
  const flow = cruising();
  flow.bbr.onCongestion(sampleOf(flow), 'ecn');
  flow.until(flow.now + 90);
  assert.ok(flow.bbr.shortTerm.bw < Number.POSITIVE_INFINITY);
  flow.untilPhase(Phase.UP);
  flow.until(flow.now + 60);
  const sample = sampleOf(flow);
  sample.sentDelivered = sample.totalDelivered - flow.bdp;
  sample.sentInFlight = Math.floor(1.3 * flow.bdp);
  flow.bbr.onCongestion(sample, 'ecn');
  assert.equal(PHASE_NAMES[flow.bbr.phase], 'PROBE-BW-DOWN');
  assert.equal(flow.bbr.longTerm.inflight, sample.sentInFlight);
});

test('BBR §5.4: an idle time does not take the window away', () => {
  const flow = cruising();
  const { cwnd } = flow.bbr;
  flow.bbr.onIdle();
  assert.equal(flow.bbr.cwnd, cwnd);
});

test('BBR §5.6.4.1, §5.6.2: before any sample there are initial window and a pace of it, by the first round trip', () => {
  const fresh = bbr(MSS, 10);
  assert.equal(fresh.cwnd, 10 * MSS);
  assert.equal(fresh.pacingRate, 2.77 * 10 * MSS);
  fresh.setMss(9000);
  assert.equal(fresh.cwnd, 18_000);
  assert.equal(fresh.pacingRate, 2.77 * 18_000);
  fresh.setMss(1000);
  fresh.onHandshake(50);
  assert.equal(fresh.pacingRate, (2.77 * 10_000) / 50);
  assert.equal(fresh.minRtt.ms, 50);
  fresh.cwnd = 12_345;
  fresh.setMss(900);
  assert.equal(fresh.cwnd, 12_345, 'a window in use is not reset');
});

test('BBR §5.6.2: without a handshake’s round trip the first acknowledgment sets the pace', () => {
  const fresh = bbr(MSS, 10);
  fresh.onSent(MSS, true, false, 5);
  const sample = emptySample(55);
  sample.srttMs = 50;
  sample.rttMs = 50;
  sample.deliveredBytes = MSS;
  sample.totalDelivered = MSS;
  sample.sentDelivered = 0;
  sample.sentInFlight = MSS;
  fresh.onAck(sample);
  assert.equal(fresh.pacingRate, (2.77 * 10 * MSS) / 50);
});
