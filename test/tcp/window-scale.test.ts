// The shift that we offer for our window field: RFC 7323 §2.3.
import assert from 'node:assert/strict';
import { test } from 'node:test';
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
