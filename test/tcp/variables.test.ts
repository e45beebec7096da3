// The clocks and memories of a connection by themselves: the least round trip, what limits the sender, and what state lets through.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Limit } from '../../src/tcp/limit.js';
import { LimitClock } from '../../src/tcp/limit-clock.js';
import { RttEstimator } from '../../src/tcp/rtt.js';
import { Bench } from './harness.js';

describe('the least round trip', () => {
  const MINUTE = 60_000;

  for (const begin of [0, 3 * 60 * MINUTE]) {
    test(`is that of the last five to ten minutes, wherever the clock stands (${begin})`, () => {
      const rtt = new RttEstimator(1000, 200, 60_000);
      assert.equal(rtt.minRtt, 0);
      rtt.sample(50, begin);
      rtt.sample(80, begin + MINUTE);
      rtt.sample(40, begin + 2 * MINUTE);
      assert.equal(rtt.minRtt, 40);
      // The path has become longer. Up to ten minutes the old minimum may count, then it does not.
      for (let minute = 3; minute < 5; minute++) rtt.sample(90, begin + minute * MINUTE);
      assert.equal(rtt.minRtt, 40);
      for (let minute = 5; minute < 10; minute++) rtt.sample(90 + minute, begin + minute * MINUTE);
      assert.equal(rtt.minRtt, 40, 'the second half began with what the first had seen');
      rtt.sample(99, begin + 10 * MINUTE);
      assert.equal(rtt.minRtt, 95);
      rtt.sample(60, begin + 11 * MINUTE);
      assert.equal(rtt.minRtt, 60);
    });
  }

  test('of a half without a smaller one is its own', () => {
    const rtt = new RttEstimator(1000, 200, 60_000);
    rtt.sample(50, 0);
    rtt.sample(70, 5 * MINUTE);
    rtt.sample(65, 6 * MINUTE);
    rtt.sample(80, 10 * MINUTE);
    assert.equal(rtt.minRtt, 65);
  });
});

describe('the estimator', () => {
  test('RFC6298 §2.2 §2.3: the first measurement is taken as it is, another counts by an eighth and a fourth', () => {
    const rtt = new RttEstimator(1000, 200, 60_000);
    rtt.sample(100, 0);
    assert.deepEqual([rtt.srtt, rtt.rttvar], [100, 50]);
    rtt.sample(200, 1);
    assert.deepEqual([rtt.srtt, rtt.rttvar], [112.5, 62.5]);
  });

  test('RFC6298 §5.7: three seconds after a lost SYN, unless its round trip was measured nevertheless', () => {
    const rtt = new RttEstimator(1000, 200, 60_000);
    rtt.backOff();
    rtt.restartAfterSynLoss();
    assert.deepEqual([rtt.rto, rtt.backoff], [3000, 0]);
    rtt.sample(50, 0);
    rtt.restartAfterSynLoss();
    assert.equal(rtt.rto, 250);
  });

  test('tells of its only measurement, as long as it is that and no timer has fired', () => {
    const rtt = new RttEstimator(1000, 200, 60_000);
    assert.equal(rtt.onlySampleMs, -1);
    rtt.sample(50, 0);
    assert.equal(rtt.onlySampleMs, 50);
    rtt.backOff();
    assert.equal(rtt.onlySampleMs, -1);
    rtt.sample(50, 1);
    assert.equal(rtt.onlySampleMs, -1);
  });
});

describe('what limits the sender, and for how long', () => {
  test('each moment belongs to one reason, busy or not', () => {
    const clock = new LimitClock();
    assert.equal(clock.msBy(clock.by, 1000), 0);
    clock.note(Limit.SEND_BUFFER, true, 0);
    assert.equal(clock.msBy(Limit.SEND_BUFFER, 30), 30);
    clock.note(Limit.SEND_BUFFER, true, 40);
    clock.note(Limit.RECEIVE_WINDOW, true, 100);
    clock.note(Limit.RECEIVE_WINDOW, false, 150);
    clock.note(Limit.SEND_BUFFER, true, 300);
    assert.deepEqual([clock.msBy(Limit.SEND_BUFFER, 310), clock.msBy(Limit.RECEIVE_WINDOW, 310)], [110, 200]);
    assert.equal(clock.busyUntil(310), 160);
    assert.equal(clock.msBy(Limit.CONGESTION_WINDOW, 310), 0);
  });
});

describe('what a state lets through', () => {
  test('RFC9293 §3.10.2: data that is queued before ESTABLISHED leaves with it, and not before', () => {
    const passive = Bench.synReceived().expect('SA 0 a1');
    passive.write(10);
    passive.silent().peer('A 1 a1').state('ESTABLISHED').expect('A 1 a1 [10]');
    const active = Bench.synSent().expect('S 0');
    active.write(10);
    active.silent().peer('S 0 <mss 1000>').expect('SA 0 a1').peer('A 1 a1').expect('A 1 a1 [10]');
  });

  test('RFC9293 §3.10.7.3: of several bad acknowledgments in one batch the first is answered by RST', () => {
    Bench.synSent().expect('S 0').peer('A 5 a7', 'A 5 a8').expect('R 7');
  });

  test('RFC9293 §3.10.5: a connection that is aborted owes no acknowledgment any more', () => {
    const bench = Bench.accepted({ config: { delayedAckMs: 0 } })
      .inject('A 1 a1 [10]')
      .abort();
    const sent = bench.take();
    assert.equal(sent.length, 1);
    assert.equal(sent[0]!.flags & 4, 4);
    bench.advance(100_000).silent();
  });

  test('STATUS tells both initial numbers without a sign', () => {
    const { iss, irs } = Bench.accepted({ iss: 0xfffffff0, irs: 0x80000000 }).status;
    assert.deepEqual([iss, irs], [0xfffffff0, 0x80000000]);
  });
});
