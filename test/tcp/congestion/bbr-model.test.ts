// The parts of BBR's model of the path, one by one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Chance } from '../../../src/tcp/congestion/bbr/chance.js';
import { FullPipe } from '../../../src/tcp/congestion/bbr/full-pipe.js';
import { LongTerm } from '../../../src/tcp/congestion/bbr/long-term.js';
import { MaxBandwidth } from '../../../src/tcp/congestion/bbr/max-bandwidth.js';
import { MinRtt } from '../../../src/tcp/congestion/bbr/min-rtt.js';
import { RateSample } from '../../../src/tcp/congestion/bbr/rate-sample.js';
import { Rounds } from '../../../src/tcp/congestion/bbr/rounds.js';
import { ShortTerm } from '../../../src/tcp/congestion/bbr/short-term.js';
import { LostRanges } from '../../../src/tcp/congestion/bbr/startup.js';
import { bbr } from '../../../src/tcp/congestion/bbr.js';
import { rateSample } from './bbr-by-hand.js';
import { emptySample, MSS } from './path.js';

test('BBR §5.5.6: the highest rate is remembered for this cycle and the one before', () => {
  const filter = new MaxBandwidth();
  filter.update(rateSample({ deliveryRate: 100 }));
  filter.update(rateSample({ deliveryRate: 60 }));
  assert.equal(filter.value, 100);
  filter.advance();
  filter.update(rateSample({ deliveryRate: 50 }));
  assert.equal(filter.value, 100);
  filter.advance();
  assert.equal(filter.value, 50);
  filter.update(rateSample({ deliveryRate: 70 }));
  assert.equal(filter.value, 70);
});

test('BBR §5.5.4: an app-limited sample as high as the estimate confirms it for a cycle', () => {
  const filter = new MaxBandwidth();
  filter.update(rateSample({ deliveryRate: 100 }));
  filter.advance();
  filter.update(rateSample({ deliveryRate: 60 }));
  filter.update(rateSample({ deliveryRate: 100, isAppLimited: true }));
  filter.advance();
  assert.equal(filter.value, 100);
});

test('BBR §5.5.6: cycles without a sample do not empty the filter', () => {
  const filter = new MaxBandwidth();
  filter.update(rateSample({ deliveryRate: 100 }));
  for (let i = 0; i < 5; i++) filter.advance();
  assert.equal(filter.value, 100);
});

test('BBR §5.5.4: an app-limited sample counts when it is higher, and only then', () => {
  const filter = new MaxBandwidth();
  filter.update(rateSample({ deliveryRate: 100 }));
  filter.advance();
  filter.update(rateSample({ deliveryRate: 60, isAppLimited: true }));
  filter.advance();
  assert.equal(filter.value, 100);
  filter.update(rateSample({ deliveryRate: 120, isAppLimited: true }));
  assert.equal(filter.value, 120);
});

test('BBR §5.5.1: a round trip ends with what was sent after it began', () => {
  const rounds = new Rounds();
  rounds.update(rateSample({ priorDelivered: 0, totalDelivered: 1000 }));
  assert.equal(rounds.count, 1);
  rounds.update(rateSample({ priorDelivered: 999, totalDelivered: 2000 }));
  assert.equal(rounds.isStart, false);
  rounds.update(rateSample({ priorDelivered: 1000, totalDelivered: 3000 }));
  assert.equal(rounds.isStart, true);
  rounds.update(rateSample({ priorDelivered: -1, totalDelivered: 3000 }));
  assert.equal(rounds.isStart, false);
  assert.equal(rounds.count, 2);
  assert.equal(rounds.sinceProbeUp, 2);
});

test('BBR §5.3.1.2: the pipe is full after three round trips that grew by less than a quarter', () => {
  const pipe = new FullPipe();
  for (const deliveryRate of [100, 125, 160, 155, 190]) pipe.endOfRound(rateSample({ deliveryRate }));
  assert.equal(pipe.isNow, false);
  pipe.endOfRound(rateSample({ deliveryRate: 194 }));
  assert.equal(pipe.isNow, true);
  assert.equal(pipe.isReached, true);
  pipe.restart(0);
  assert.equal(pipe.isNow, false);
  assert.equal(pipe.isReached, true, 'once is for ever');
});

test('BBR §5.3.1.2: once it is full it is so until the next search', () => {
  const pipe = new FullPipe();
  pipe.concede();
  pipe.endOfRound(rateSample({ deliveryRate: 1000 }));
  assert.equal(pipe.isNow, true);
});

test('BBR §5.3.1.2: growth begins the count anew; samples of a slow application and missing ones do not count', () => {
  const pipe = new FullPipe();
  for (const deliveryRate of [100, 100, 100, 125, 125, 125]) pipe.endOfRound(rateSample({ deliveryRate }));
  assert.equal(pipe.isNow, false);
  for (let i = 0; i < 5; i++) {
    pipe.endOfRound(rateSample({ deliveryRate: 10, isAppLimited: true }));
    pipe.endOfRound(rateSample({ deliveryRate: 0 }));
  }
  assert.equal(pipe.isNow, false);
  pipe.endOfRound(rateSample({ deliveryRate: 125 }));
  assert.equal(pipe.isNow, true);
});

test('BBR §5.3.4.3: the minimum of 10 s, with one of 5 s to say when it must be looked for', () => {
  const rtt = new MinRtt();
  rtt.begin(0);
  rtt.update(rateSample({ rttMs: 30, now: 10 }));
  rtt.update(rateSample({ rttMs: 20, now: 20 }));
  rtt.update(rateSample({ rttMs: 25, now: 5020 }));
  assert.equal(rtt.isProbeDue, false);
  assert.equal(rtt.ms, 20);
  rtt.update(rateSample({ rttMs: 25, now: 5021 }));
  assert.equal(rtt.isProbeDue, true);
  assert.equal(rtt.ms, 20, 'still remembered');
  rtt.update(rateSample({ rttMs: 26, now: 10_020 }));
  assert.equal(rtt.ms, 20);
  rtt.update(rateSample({ rttMs: 26, now: 10_021 }));
  assert.equal(rtt.ms, 25);
  rtt.probed(10_300);
  rtt.update(rateSample({ rttMs: -1, now: 15_300 }));
  assert.equal(rtt.isProbeDue, false);
  rtt.update(rateSample({ rttMs: 18, now: 15_301 }));
  assert.equal(rtt.ms, 18);
});

test('BBR §5.3.4.3: as short a round trip as the least is no shorter one; any measurement counts, also of nothing', () => {
  const rtt = new MinRtt();
  rtt.begin(0);
  rtt.update(rateSample({ rttMs: 20, now: 10 }));
  rtt.update(rateSample({ rttMs: 20, now: 3000 }));
  rtt.update(rateSample({ rttMs: 30, now: 5011 }));
  assert.equal(rtt.isProbeDue, true);
  rtt.update(rateSample({ rttMs: -1, now: 5012 }));
  assert.equal(rtt.ms, 20);
  rtt.update(rateSample({ rttMs: 0.5, now: 5013 }));
  assert.equal(rtt.ms, 0.5);
  rtt.update(rateSample({ rttMs: 0, now: 5014 }));
  assert.equal(rtt.ms, 0);
});

test('BBR §2.3: a sample is of the newest segment that was delivered, or of none', () => {
  const rs = new RateSample();
  const told = {
    ...emptySample(7),
    totalDelivered: 9000,
    totalLost: 5000,
    sentLost: 2000,
    sentInFlight: 700,
  };
  rs.take({ ...told, sentDelivered: 0, rttMs: 33 }, true);
  assert.deepEqual(
    [rs.now, rs.delivered, rs.priorDelivered, rs.txInFlight, rs.lost, rs.rttMs, rs.isAppLimited],
    [7, 9000, 0, 700, 3000, 33, true],
  );
  rs.take({ ...told, sentDelivered: 4000 }, false);
  assert.equal(rs.delivered, 5000);
  rs.take({ ...told, sentDelivered: -1 }, false);
  assert.deepEqual([rs.delivered, rs.txInFlight, rs.lost, rs.priorDelivered], [0, 0, 0, -1]);
});

test('BBR §5.5.9: what comes faster than the bandwidth explains is kept for ten round trips', () => {
  const flow = bbr(MSS, 1000);
  const { extraAcked, rs, rounds, fullPipe } = flow;
  fullPipe.isReached = true;
  flow.bw = 100;
  const ack = (now: number, bytes: number): number => {
    rs.now = now;
    rs.newlyAcked = bytes;
    extraAcked.update(flow);
    return extraAcked.bytes;
  };
  assert.equal(ack(10, 5000), 5000, 'a bunch after a silence');
  assert.equal(ack(20, 3000), 7000, 'more than 1000 in 10 ms');
  assert.equal(ack(100, 500), 7000, 'the bunch is paid for by the time');
  rounds.count = 10;
  assert.equal(ack(1000, 500), 7000);
  rounds.count = 11;
  assert.equal(ack(2000, 500), 500);
  rounds.count = 40;
  assert.equal(ack(9000, 0), 0, 'nothing of long ago');
});

test('BBR §5.5.9: several acknowledgments of a round trip are one bunch; a restart parts it', () => {
  const flow = bbr(MSS, 1000);
  const { extraAcked, rs, rounds, fullPipe } = flow;
  fullPipe.isReached = true;
  flow.bw = 100;
  const ack = (now: number, bytes: number): number => {
    rs.now = now;
    rs.newlyAcked = bytes;
    extraAcked.update(flow);
    return extraAcked.bytes;
  };
  ack(10, 8000);
  rounds.count = 5;
  assert.equal(ack(1000, 500), 8000, 'of the first round trip');
  assert.equal(ack(1000, 8500), 9000);
  assert.equal(ack(5000, 100), 9000);
  extraAcked.restart();
  assert.equal(ack(5000, 9500), 9500);
});

test('BBR §5.5.9: in STARTUP aggregation is forgotten after a round trip, and it never exceeds the window', () => {
  const flow = bbr(MSS, 10);
  const { extraAcked, rs, rounds } = flow;
  flow.bw = 100;
  rs.now = 10;
  rs.newlyAcked = 100_000;
  extraAcked.update(flow);
  assert.equal(extraAcked.bytes, 10 * MSS);
  rounds.count = 2;
  rs.now = 10_000;
  rs.newlyAcked = 700;
  extraAcked.update(flow);
  assert.equal(extraAcked.bytes, 700);
});

test('BBR §5.5.10.3: bounds start from the model and come down to what got through, at most to 70 %', () => {
  const model = new ShortTerm();
  model.update(rateSample({ deliveryRate: 90, delivered: 9000, priorDelivered: 0, totalDelivered: 1000 }));
  model.adapt(100, 10_000);
  assert.equal(model.bw, 90);
  assert.equal(model.inflight, 9000);
  model.resetSignals();
  model.adapt(100, 10_000);
  assert.equal(model.bw, 0.7 * 90);
  assert.equal(model.inflight, 6300);
  model.inflight = 6301;
  model.adapt(100, 10_000);
  assert.equal(model.inflight, 4410, 'in whole bytes');
});

test('BBR §5.5.10.3: the best of a round trip counts; the next is measured from its end', () => {
  const model = new ShortTerm();
  model.settle(500);
  model.update(rateSample({ deliveryRate: 90, delivered: 9000, priorDelivered: 0, totalDelivered: 1000 }));
  assert.equal(model.isRoundStart, true);
  model.advance(rateSample({ deliveryRate: 90, delivered: 9000 }));
  model.update(rateSample({ deliveryRate: 80, delivered: 8000, priorDelivered: 999, totalDelivered: 2000 }));
  assert.equal(model.isRoundStart, false);
  model.advance(rateSample({ deliveryRate: 80, delivered: 8000 }));
  assert.deepEqual([model.bwLatest, model.inflightLatest], [90, 9000]);
  model.update(rateSample({ deliveryRate: 70, delivered: 7000, priorDelivered: 1000, totalDelivered: 3000 }));
  model.advance(rateSample({ deliveryRate: 70, delivered: 7000 }));
  assert.deepEqual([model.bwLatest, model.inflightLatest], [70, 7000]);
});

test('BBR §5.5.10.2: the round trip of a loss is counted from the first loss in it', () => {
  const model = new ShortTerm();
  model.update(rateSample({ priorDelivered: 0, totalDelivered: 1000 }));
  assert.equal(model.isRoundStart, true);
  model.noteLoss();
  model.settle(1500);
  model.noteLoss();
  model.settle(1900);
  model.update(rateSample({ priorDelivered: 1499, totalDelivered: 2000 }));
  assert.equal(model.isRoundStart, false);
  model.update(rateSample({ priorDelivered: 1500, totalDelivered: 2100 }));
  assert.equal(model.isRoundStart, true);
});

test('BBR §5.3.3.9: headroom is 15 % of the bound, one segment at least, and leaves four', () => {
  const model = new LongTerm();
  assert.equal(model.withHeadroom(MSS, 4 * MSS), Number.POSITIVE_INFINITY);
  model.inflight = 100 * MSS;
  assert.equal(model.withHeadroom(MSS, 4 * MSS), 85 * MSS);
  model.inflight = 100 * MSS + 1;
  assert.equal(model.withHeadroom(MSS, 4 * MSS), 85 * MSS, 'in whole bytes');
  model.inflight = 5.5 * MSS;
  assert.equal(model.withHeadroom(MSS, 4 * MSS), 4.5 * MSS);
  model.inflight = 4 * MSS;
  assert.equal(model.withHeadroom(MSS, 4 * MSS), 4 * MSS);
});

test('BBR §5.3.1.3: losses side by side are one hole', () => {
  const ranges = new LostRanges();
  const lose = (seq: number) =>
    ranges.note({ seq, bytes: 1000, sentLost: 0, sentInFlight: 0, isAppLimited: false });
  for (const seq of [0x7fffff00, (0x7fffff00 + 1000) | 0, (0x7fffff00 + 2000) | 0]) lose(seq);
  assert.equal(ranges.count, 1);
  lose(5000);
  lose(7000);
  assert.equal(ranges.count, 3);
  ranges.reset();
  assert.equal(ranges.count, 0);
  lose(8000);
  assert.equal(ranges.count, 1, 'also beside the last one of before');
});

test('BBR §5.3.3.8.2: chance is spread over its range, and other histories draw other numbers', () => {
  const draws: number[] = [];
  const one = new Chance();
  const other = new Chance();
  let different = 0;
  for (let i = 0; i < 4000; i++) {
    const drawn = one.draw(1000 + 2500.25 * i, 90_000 * i);
    draws.push(drawn);
    if (Math.abs(drawn - other.draw(1000.5 + 2500.25 * i, 90_000 * i)) > 0.01) different++;
  }
  for (let tenth = 0; tenth < 10; tenth++) {
    const share = draws.filter((x) => Math.floor(10 * x) === tenth).length / draws.length;
    assert.ok(share > 0.08 && share < 0.12, `${share} in tenth ${tenth}`);
  }
  assert.ok(different > 3800, `${different}`);
});
