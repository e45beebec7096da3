// What the controllers reach on a path with one bottleneck: throughput, the queue they build, the losses they cause.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cubic } from '../../../src/tcp/congestion/cubic.js';
import { dctcp } from '../../../src/tcp/congestion/dctcp.js';
import { newReno } from '../../../src/tcp/congestion/newreno.js';
import { Bottleneck } from './bottleneck.js';

const MSS = 1448;

describe('RFC9438: CUBIC fills a bottleneck whose queue holds half of the bandwidth-delay product', () => {
  for (const mbitPerSecond of [10, 100]) {
    for (const rttMs of [1, 10, 30, 100]) {
      test(`${mbitPerSecond} Mbit/s, ${rttMs} ms`, () => {
        const rateBytesPerMs = mbitPerSecond * 125;
        const queueBytes = Math.max(10 * MSS, (rateBytesPerMs * rttMs) / 2);
        const path = new Bottleneck(cubic, { rateBytesPerMs, rttMs, queueBytes });
        const usage = path.run(3000).usage(3000, 15_000);
        assert.ok(usage > 0.99, `${(usage * 100).toFixed(1)} % after slow start`);
        assert.equal(path.timeouts, 0);
        assert.ok(path.episodes > 0, 'the queue was filled');
      });
    }
  }
});

test('RFC9293 MAY-18, RFC9438 §5: with a short queue and a long path CUBIC uses far more than NewReno', () => {
  const options = { rateBytesPerMs: 12_500, rttMs: 100, queueBytes: 250_000 };
  const ofCubic = new Bottleneck(cubic, options).run(3000).usage(3000, 30_000);
  const ofReno = new Bottleneck(newReno, options).run(3000).usage(3000, 30_000);
  assert.ok(ofCubic > 0.85, `CUBIC ${ofCubic}`);
  assert.ok(ofCubic > ofReno * 1.1, `CUBIC ${ofCubic}, NewReno ${ofReno}`);
});

test('RFC5681: NewReno fills a bottleneck whose queue holds the bandwidth-delay product', () => {
  const path = new Bottleneck(newReno, { rateBytesPerMs: 1250, rttMs: 30, queueBytes: 37_500 });
  assert.ok(path.run(3000).usage(3000, 15_000) > 0.97);
  assert.equal(path.timeouts, 0);
});

test('RFC9406 §4: HyStart++ leaves slow start with a fraction of the losses of slow start without it', () => {
  const options = { rateBytesPerMs: 12_500, rttMs: 50, queueBytes: 1_250_000 };
  const guarded = new Bottleneck(cubic, options).run(2000);
  const plain = new Bottleneck(newReno, options).run(2000);
  assert.ok(plain.lost > 100 * MSS, `NewReno lost ${plain.lost}`);
  assert.ok(guarded.lost < plain.lost / 3, `CUBIC lost ${guarded.lost}, NewReno ${plain.lost}`);
  assert.ok(guarded.delivered >= plain.delivered * 0.95, `${guarded.delivered} of ${plain.delivered}`);
});

test('RFC8257 §3: DCTCP keeps the queue at the marking threshold, the bottleneck busy, and loses nothing', () => {
  const markFromBytes = 20 * MSS;
  const path = new Bottleneck(dctcp, {
    rateBytesPerMs: 125_000,
    rttMs: 0.5,
    queueBytes: 400 * MSS,
    markFromBytes,
    ackEvery: 1,
  });
  const usage = path.run(200).usage(200, 1200);
  assert.ok(usage > 0.98, `${usage} of the bottleneck`);
  assert.equal(path.lost, 0);
  assert.ok(path.meanQueueBytes < 1.5 * markFromBytes, `${path.meanQueueBytes} bytes wait`);
  const deaf = new Bottleneck(newReno, { rateBytesPerMs: 125_000, rttMs: 0.5, queueBytes: 400 * MSS });
  deaf.run(1200);
  assert.ok(deaf.meanQueueBytes > 5 * path.meanQueueBytes, `NewReno: ${deaf.meanQueueBytes}`);
});
