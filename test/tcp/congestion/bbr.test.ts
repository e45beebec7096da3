// What BBR is for: full use of a path with little queue, through loss and change. Over the path of bottleneck.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Phase } from '../../../src/tcp/congestion/bbr/phase.js';
import { bbr } from '../../../src/tcp/congestion/bbr.js';
import { BbrRun } from './bbr-flow.js';
import { Flow, MBIT, MSS, Path, run } from './path.js';

const PATHS: readonly [number, number][] = [
  [1, 100],
  [10, 40],
  [50, 20],
  [100, 40],
  [1000, 5],
];

for (const [mbit, rttMs] of PATHS) {
  test(`BBR §5.3.1.1: ${mbit} Mbit/s at ${rttMs} ms is found in some round trips more than its logarithm`, () => {
    const flow = new BbrRun({ rate: mbit * MBIT, rttMs });
    const doublings = Math.max(1, Math.log2(flow.bdp / (10 * MSS)));
    flow.until(Math.ceil(rttMs * (doublings + 5)));
    assert.ok(flow.bbr.maxBw.value > 0.9 * flow.path.rate, `${flow.bbr.maxBw.value / flow.path.rate}`);
    assert.ok(flow.bbr.maxBw.value < 1.02 * flow.path.rate, `${flow.bbr.maxBw.value / flow.path.rate}`);
    const used = flow.utilization(Math.max(2000, 20 * rttMs));
    assert.ok(used > 0.95, `${used}`);
  });
}

test('BBR §3.2: once the queue of STARTUP is drained, no more than 1.5 times the path is ever queued', () => {
  const flow = new BbrRun({ rate: 50 * MBIT, rttMs: 40 });
  flow.untilPhase(Phase.CRUISE);
  let longest = 0;
  let sum = 0;
  let count = 0;
  flow.onEvent = (now) => {
    const queueMs = flow.path.queueMs(now);
    longest = Math.max(longest, queueMs);
    sum += queueMs;
    count++;
  };
  const used = flow.utilization(20_000);
  assert.ok(used > 0.95, `${used}`);
  assert.ok(longest <= 1.5 * 40, `longest ${longest} ms`);
  assert.ok(sum / count < 0.25 * 40, `mean ${sum / count} ms`);
});

test('BBR §5.3.3.2: a cruising flow keeps no queue worth mentioning', () => {
  const flow = new BbrRun({ rate: 50 * MBIT, rttMs: 40 });
  flow.untilPhase(Phase.CRUISE);
  flow.until(flow.now + 200);
  let longest = 0;
  flow.onEvent = (now) => {
    if (flow.bbr.phase === Phase.CRUISE) longest = Math.max(longest, flow.path.queueMs(now));
  };
  flow.until(flow.now + 1000);
  assert.ok(longest < 4, `${longest} ms`);
});

test('BBR §3.1: 1 % of random loss costs little throughput', () => {
  const flow = new BbrRun({ rate: 50 * MBIT, rttMs: 40, loss: 0.01, seed: 5 });
  flow.until(2000);
  const used = flow.utilization(30_000);
  assert.ok(used > 0.8, `${used}`);
  assert.equal(flow.flow.timeouts, 0);
});

test('BBR §3.4.2: the answer to losses that others cause is to slow down, until the next probe', () => {
  const flow = new BbrRun({ rate: 50 * MBIT, rttMs: 40 });
  flow.untilPhase(Phase.CRUISE);
  flow.path.loss = 0.05;
  flow.until(flow.now + 1000);
  const { shortTerm, maxBw } = flow.bbr;
  assert.ok(shortTerm.bw < 0.9 * maxBw.value, `${shortTerm.bw / maxBw.value}`);
  assert.ok(shortTerm.inflight < 1.5 * flow.bdp, `${shortTerm.inflight / flow.bdp}`);
  assert.equal(flow.bbr.bw, shortTerm.bw);
  flow.path.loss = 0;
  flow.untilPhase(Phase.REFILL);
  assert.equal(flow.bbr.bw, maxBw.value);
  assert.equal(shortTerm.inflight, Number.POSITIVE_INFINITY);
});

test('BBR A.15: ten times the bandwidth is found by the probe after next, and used', () => {
  const flow = new BbrRun({ rate: 10 * MBIT, rttMs: 40 });
  flow.until(2500);
  flow.path.setRate(100 * MBIT, flow.now);
  flow.until(flow.now + 7000);
  const used = flow.utilization(4000);
  assert.ok(used > 0.9, `${used}`);
});

test('BBR A.16: a tenth of the bandwidth is felt at once by losses, and known after two cycles', () => {
  const flow = new BbrRun({ rate: 100 * MBIT, rttMs: 40, queueBytes: 125_000 });
  flow.until(2500);
  flow.path.setRate(10 * MBIT, flow.now);
  flow.until(flow.now + 1500);
  assert.ok(flow.bbr.bw < 30 * MBIT, `${flow.bbr.bw / MBIT} Mbit/s`);
  const downs = flow.visitsOf(Phase.DOWN).length;
  flow.until(flow.now + 15_000, () => flow.visitsOf(Phase.DOWN).length >= downs + 3);
  flow.until(flow.now + 1000);
  assert.ok(flow.bbr.maxBw.value < 1.02 * flow.path.rate, `${flow.bbr.maxBw.value / flow.path.rate}`);
  assert.ok(flow.bbr.maxBw.value > 0.95 * flow.path.rate, `${flow.bbr.maxBw.value / flow.path.rate}`);
  const lost = flow.path.dropped;
  const used = flow.utilization(4000);
  assert.ok(used > 0.9, `${used}`);
  assert.ok(flow.path.dropped - lost < 20, `${flow.path.dropped - lost} dropped`);
});

test('BBR §5.5.7: a longer path is believed when the old minimum is 10 s old, a shorter one at once', () => {
  const flow = new BbrRun({ rate: 10 * MBIT, rttMs: 40 });
  flow.until(2500);
  flow.path.rttMs = 80;
  flow.until(9500);
  assert.ok(flow.bbr.minRtt.ms < 42, `${flow.bbr.minRtt.ms}`);
  flow.until(24_000);
  assert.ok(flow.bbr.minRtt.ms >= 80 && flow.bbr.minRtt.ms < 84, `${flow.bbr.minRtt.ms}`);
  const used = flow.utilization(4000);
  assert.ok(used > 0.9, `${used}`);
  flow.path.rttMs = 20;
  flow.until(flow.now + 300);
  assert.ok(flow.bbr.minRtt.ms >= 20 && flow.bbr.minRtt.ms < 24, `${flow.bbr.minRtt.ms}`);
});

test('BBR A.17: a policer with no queue is answered by slowing down to its rate', () => {
  const flow = new BbrRun({ rate: 10 * MBIT, rttMs: 40 });
  flow.path.tokens = { bytes: 100_000, burst: 100_000, at: 0 };
  flow.until(5000);
  const dropped = flow.path.dropped;
  const delivered = flow.flow.rate.delivered;
  const used = flow.utilization(20_000);
  const lost = (flow.path.dropped - dropped) * MSS;
  const share = lost / (lost + flow.flow.rate.delivered - delivered);
  assert.ok(used > 0.7, `${used}`);
  assert.ok(share < 0.1, `${share} lost`);
});

test('BBR A.12, A.13: ACKs that come every 20 ms neither hide the bandwidth nor halt the flow', () => {
  const flow = new BbrRun({ rate: 100 * MBIT, rttMs: 40, ackEveryMs: 20 });
  flow.untilPhase(Phase.DRAIN, 2000);
  assert.ok(flow.bbr.maxBw.value > 0.95 * flow.path.rate, `${flow.bbr.maxBw.value / flow.path.rate}`);
  flow.untilPhase(Phase.CRUISE);
  const extra = flow.bbr.extraAcked.bytes / (20 * flow.path.rate);
  assert.ok(extra > 0.9 && extra < 2, `${extra}`);
  flow.until(flow.now + 200);
  assert.ok(flow.bbr.cwnd > 2.3 * flow.bdp, `${flow.bbr.cwnd / flow.bdp}`);
  assert.equal(flow.bbr.phase, Phase.CRUISE);
  const used = flow.utilization(1000);
  assert.ok(used > 0.97, `${used}`);
});

test('BBR A.14: a path that holds less than a segment has four in flight, and no less than its rate', () => {
  const flow = new BbrRun({ rate: 0.5 * MBIT, rttMs: 5 });
  flow.until(2000);
  let least = Number.POSITIVE_INFINITY;
  flow.onEvent = () => {
    least = Math.min(least, flow.bbr.cwnd);
  };
  const used = flow.utilization(10_000);
  assert.equal(least, 4 * MSS);
  assert.ok(used > 0.98, `${used}`);
  assert.ok(flow.bbr.bw < 1.05 * flow.path.rate, `${flow.bbr.bw / flow.path.rate}`);
});

test('two flows come to share a bottleneck', () => {
  const path = new Path({ rate: 50 * MBIT, rttMs: 30, queueBytes: 200_000 });
  const first = new Flow(bbr(MSS, 10), path);
  const second = new Flow(bbr(MSS, 10), path, 3000.5);
  run([first, second], 60_000);
  const before = [first.rate.delivered, second.rate.delivered];
  run([first, second], 80_000);
  const a = first.rate.delivered - before[0]!;
  const b = second.rate.delivered - before[1]!;
  assert.ok((a + b) / (20_000 * path.rate) > 0.9);
  const fairness = (a + b) ** 2 / (2 * (a * a + b * b));
  assert.ok(fairness > 0.85, `${fairness}: ${a / (a + b)}`);
});

test('the same traffic takes the same decisions', () => {
  const visits = () => {
    const flow = new BbrRun({ rate: 20 * MBIT, rttMs: 30, loss: 0.002, seed: 9 });
    flow.until(15_000);
    return flow.visits;
  };
  assert.deepEqual(visits(), visits());
});
