// The shift that we offer for our window field: RFC 7323 §2.3.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configWith } from '../../src/tcp/defaults.js';
import { offeredShift } from '../../src/tcp/syn-options.js';
import { Bench } from './harness.js';

test('RFC7323 §2.3: a shift coarser than the buffer is lowered, so that an open window never reads as closed', () => {
  const bench = Bench.established({
    config: { windowScale: 14, receiveBufferBytes: 600, delayedAckMs: 0 },
    peer: { options: 'mss 1000, ws 2' },
  });
  bench.take();
  bench.peer('A 1 a1 [1]');
  bench.read();
  const [ack] = bench.take();
  assert.ok(ack!.wnd > 0, `window field ${ack!.wnd}`);
});

test('RFC7323 §2.3: a shift that the buffer needs stays', () => {
  Bench.synSent({ config: { windowScale: 9, receiveBufferBytes: 30_000_000, receiveMss: 1000 } }).expect(
    'S 0 <mss 1000, ws 9>',
  );
});

test('RFC7323 §2.3: half a segment or half the buffer is not too coarse, and no less is said than the whole buffer', () => {
  const shift = (windowScale: number, receiveBufferBytes: number, receiveMss: number) =>
    offeredShift(configWith({ windowScale, receiveBufferBytes, receiveMss }));
  assert.equal(shift(9, 10_000, 1024), 9, 'steps of half a segment');
  assert.equal(shift(9, 10_000, 1022), 8);
  assert.equal(shift(9, 1024, 1460), 9, 'steps of half the buffer');
  assert.equal(shift(4, 65_535 * 8, 30), 3, 'the field says the whole buffer at the smaller shift');
  assert.equal(shift(4, 65_535 * 8 + 1, 30), 4);
  assert.deepEqual([shift(1, 1, 1460), shift(0, 1, 1460)], [0, 0], 'never less than none');
});
