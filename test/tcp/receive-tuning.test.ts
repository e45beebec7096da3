// Receive-buffer auto-tuning: the buffer follows what the application reads in a round trip, so that the window never
// limits a transfer that keeps up, and a slow reader pins no memory.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { configWith } from '../../src/tcp/defaults.js';
import { ReceiveTuning } from '../../src/tcp/receive-tuning.js';
import { Bench } from './bench.js';
import { Pair } from './pair.js';

const MEBIBYTE = 1 << 20;

describe('ReceiveTuning', () => {
  const make = (max = 16 * MEBIBYTE) => new ReceiveTuning(262_144, max, 1460, 0, 0);

  test('stays ahead of a sender that doubles its window each round trip', () => {
    const tuning = make();
    tuning.onRoundTrip(50);
    let window = 14_600;
    for (let now = 50; window < 4 * MEBIBYTE; now += 50) {
      tuning.onRead(window, now);
      window *= 2;
      assert.ok(tuning.capacity >= window, `${tuning.capacity} bytes for a window of ${window}`);
    }
  });

  test('never exceeds its limit, and never shrinks', () => {
    const tuning = make();
    tuning.onRoundTrip(50);
    for (let now = 50; now < 2000; now += 50) tuning.onRead(10 * MEBIBYTE * (now / 50), now);
    assert.equal(tuning.capacity, 16 * MEBIBYTE);
    tuning.onRead(1, 5000);
    assert.equal(tuning.capacity, 16 * MEBIBYTE);
  });

  test('a reader that takes no more than before gets no more', () => {
    const tuning = make();
    tuning.onRoundTrip(50);
    for (let now = 50; now < 60_000; now += 50) tuning.onRead(14_000, now);
    assert.equal(tuning.capacity, 262_144);
  });

  test('nor does one that takes just as much as a first flight, or less, from a buffer that is no larger', () => {
    for (const bytes of [9000, 10_000]) {
      const tuning = new ReceiveTuning(20_000, MEBIBYTE, 1000, 0, 0);
      tuning.onRoundTrip(50);
      tuning.onRead(bytes, 50);
      assert.equal(tuning.capacity, 20_000);
    }
  });

  test('nothing is judged before a round trip is known, nor within one', () => {
    const tuning = make();
    tuning.onRead(5 * MEBIBYTE, 1000);
    assert.equal(tuning.capacity, 262_144);
    tuning.onRoundTrip(500);
    tuning.onRead(MEBIBYTE, 400);
    assert.equal(tuning.capacity, 262_144);
  });

  test('a shorter round trip is believed at once, a longer one slowly', () => {
    const tuning = make();
    tuning.onRoundTrip(80);
    tuning.onRoundTrip(40);
    assert.equal(tuning.rttMs, 40);
    tuning.onRoundTrip(80);
    assert.equal(tuning.rttMs, 45);
  });

  test('without timestamps: a window that arrives took one round trip', () => {
    const tuning = new ReceiveTuning(262_144, MEBIBYTE, 1460, 10_000, 0);
    tuning.onArrival(5000, 12_000, 10);
    assert.equal(tuning.rttMs, 0);
    tuning.onArrival(10_000, 20_000, 30);
    assert.equal(tuning.rttMs, 30);
    tuning.onArrival(19_999, 20_000, 45);
    assert.equal(tuning.rttMs, 30, 'a part of it says nothing');
    tuning.onArrival(20_000, 20_000, 50);
    assert.equal(tuning.rttMs, 20);
  });
});

describe('the size that follows from a round trip', () => {
  test('is twice what was read and sixteen segments, with room for as much growth again, up to three times that', () => {
    const tuning = new ReceiveTuning(30_000, 10_000_000, 1000, 0, 0);
    tuning.onRoundTrip(100);
    // Ten segments are taken for read at first: half more than that.
    tuning.onRead(9000, 40);
    tuning.onRead(6000, 100);
    assert.equal(tuning.capacity, (2 * 15_000 + 16_000) * 2);
    tuning.onRead(20_000, 200);
    assert.equal(tuning.capacity, Math.ceil((2 * 20_000 + 16_000) * (1 + 2 / 3)));
    tuning.onRead(60_000, 300);
    assert.equal(tuning.capacity, (2 * 60_000 + 16_000) * 3);
    tuning.onRead(61_000, 399);
    assert.equal(tuning.capacity, (2 * 60_000 + 16_000) * 3, 'within the round trip');
  });

  test('a buffer of few segments counts as read by half', () => {
    const tuning = new ReceiveTuning(8000, 1_000_000, 1000, 0, 0);
    tuning.onRoundTrip(100);
    tuning.onRead(5000, 100);
    assert.equal(tuning.capacity, (2 * 5000 + 16_000) * 1.5);
  });

  test('without timestamps the shortest window counts, also when it was closed in between', () => {
    const tuning = new ReceiveTuning(30_000, 1_000_000, 1000, 10_000, 0);
    tuning.onArrival(9999, 20_000, 40);
    assert.equal(tuning.rttMs, 0);
    tuning.onArrival(10_000, 20_000, 50);
    assert.equal(tuning.rttMs, 50);
    tuning.onArrival(20_000, 30_000, 150);
    assert.equal(tuning.rttMs, 50);
    tuning.onArrival(30_000, 30_000, 180);
    assert.equal(tuning.rttMs, 30);
    // The window is closed: nothing of it can arrive.
    tuning.onArrival(30_000, 40_000, 190);
    assert.equal(tuning.rttMs, 30);
    tuning.onArrival(30_001, 40_000, 200);
    assert.equal(tuning.rttMs, 20);
  });
});

describe('what arrives tells of the round trip', () => {
  const growing = { receiveBufferBytes: 10_000, receiveBufferMaxBytes: 100_000 };
  const rtt = (bench: Bench) => bench.connection.receiveTuning!.rttMs;

  test('where the peer echoes timestamps: by a full segment, while a short one may have waited in the peer', () => {
    const bench = Bench.accepted({
      config: { ...growing, timestamps: true },
      peer: { options: 'mss 1000, ts 1 0' },
    }).advance(1000);
    const echo = (ago: number) => `<ts 2 ${bench.now - ago}>`;
    bench.peer(`A 1 a1 [1000] ${echo(80)}`);
    assert.equal(rtt(bench), 80);
    bench.peer(`A 1001 a1 [999] ${echo(10)}`);
    assert.equal(rtt(bench), 80);
    bench.peer(`A 2000 a1 [1000] ${echo(60)}`);
    assert.equal(rtt(bench), 60);
    bench.peer('A 3000 a1 [1000] <ts 2 0>');
    assert.equal(rtt(bench), 60, 'no echo says nothing');
    bench.peer(`A 4000 a1 [1000] ${echo(0)}`);
    assert.equal(rtt(bench), 1, 'less than a tick is one');
  });

  test('where it does not: by a window that fills', () => {
    const bench = Bench.accepted({ config: growing });
    for (let at = 1; at < 10_001; at += 1000) bench.advance(10).peer(`A ${at} a1 [1000]`);
    assert.equal(rtt(bench), 90);
  });

  test('and nothing is measured while no data came, or where the buffer stays as it is', () => {
    assert.notEqual(Bench.accepted({ config: growing }).peer('A 1 a1 [1]').connection.receiveTuning, null);
    assert.equal(Bench.accepted({ config: growing }).peer('FA 1 a1').connection.receiveTuning, null);
    for (const receiveBufferMaxBytes of [0, 10_000]) {
      const bench = Bench.accepted({ config: { receiveBufferBytes: 10_000, receiveBufferMaxBytes } });
      assert.equal(bench.peer('A 1 a1 [1000]').connection.receiveTuning, null);
    }
  });
});

/** Sends for `ms` over a path with 25 ms each way; the reader takes everything, or `readBytes` each time. */
function transfer(ms: number, config: object, readBytes = Number.POSITIVE_INFINITY): Pair {
  const path = () => [25];
  const sender = { path, config: { initialWindowSegments: 10, sendBufferBytes: 64 * MEBIBYTE, ...config } };
  const pair = new Pair(sender, { path, config });
  const chunk = new Uint8Array(MEBIBYTE);
  pair.application = () => {
    const from = pair.a.connection!;
    if (from.state >= 4) while (from.send(chunk, true, pair.now) === chunk.length) {}
    let left = readBytes;
    for (let view = take(); view !== null; view = take()) left -= view.length;
    function take(): Uint8Array | null {
      return pair.b.connection === null || left <= 0
        ? null
        : pair.b.connection.receive(Math.min(left, MEBIBYTE), pair.now);
    }
  };
  pair.start();
  pair.advance(ms);
  return pair;
}

describe('on a path with a round trip of 50 ms', () => {
  for (const timestamps of [true, false]) {
    test(`the window grows as far as it may ${timestamps ? 'with' : 'without'} timestamps`, () => {
      const pair = transfer(1200, { timestamps });
      const { receiveCapacity } = pair.b.connection!;
      assert.ok(receiveCapacity > 4 * MEBIBYTE, `${receiveCapacity} bytes`);
      assert.ok(receiveCapacity <= 16 * MEBIBYTE);
      const { rwndLimitedMs } = pair.a.connection!.tcpInfo(pair.now);
      assert.equal(rwndLimitedMs, 0, 'the window was never in the way');
    });
  }

  test('a chosen size stays at it', () => {
    const pair = transfer(600, { receiveBufferBytes: 100_000 });
    assert.equal(pair.b.connection!.receiveCapacity, 100_000);
  });

  test('a slow reader pins no more than the first size', () => {
    const pair = transfer(2000, {}, 100);
    const { receiveCapacity, receiveQueueBytes } = pair.b.connection!;
    assert.equal(receiveCapacity, 262_144);
    assert.ok(receiveQueueBytes <= 262_144);
  });
});

test('10 Gbit/s over 50 ms fits into the window where the limits allow it', () => {
  const product = (10e9 / 8) * 0.05;
  const config = configWith({ receiveBufferMaxBytes: 2 * product, sendBufferMaxBytes: 2 * product });
  assert.ok(65_535 * 2 ** config.windowScale >= product, `shift ${config.windowScale}`);
  assert.equal(configWith().windowScale, 8);
  assert.equal(configWith({ receiveBufferMaxBytes: 2 * product, windowScale: 3 }).windowScale, 3);
});
