// The shift that we offer for our window field: RFC 7323 §2.3.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configWith } from '../../src/tcp/defaults.js';
import { offeredShift } from '../../src/tcp/syn-options.js';
import { shiftFor } from '../../src/tcp/window.js';
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

test('RFC7323 §2.3: a buffer has the least shift with which the field can tell of it, up to the largest there is', () => {
  for (const [bytes, shift] of [
    [1, 0],
    [65_536, 0],
    [65_537, 1],
    [131_072, 1],
    [131_073, 2],
    [2 ** 29, 13],
    [2 ** 29 + 1, 14],
    [2 ** 40, 14],
  ] as const)
    assert.equal(shiftFor(bytes, 0), shift, `${bytes} bytes`);
  assert.equal(shiftFor(1000, 3), 3, 'not less than what is asked for');
  assert.equal(shiftFor(2 ** 40, -1), -1, 'none where the option is off');
});

test('RFC7323 §2.2: no more is granted than the field of the segment can say: 65535 with a SYN, then the whole buffer', () => {
  const options = {
    config: { receiveBufferBytes: 100_000, windowScale: 1 },
    peer: { options: 'mss 1000, ws 0' },
  };
  assert.equal(Bench.synReceived(options).status.rcvWnd, 65_535);
  const bench = Bench.accepted(options);
  bench.write(1);
  assert.equal(bench.status.rcvWnd, 100_000);
  const odd = Bench.accepted({ ...options, config: { ...options.config, receiveBufferBytes: 131_072 } });
  odd.write(1);
  assert.equal(odd.status.rcvWnd, 2 * 65_535);
});

test('RFC9293 MUST-39: a buffer of a single octet is told of whenever it is free', () => {
  const bench = Bench.accepted({ config: { receiveBufferBytes: 1, delayedAckMs: 0 } });
  for (let at = 1; at <= 3; at++) {
    bench.peer(`A ${at} a1 [1]`).expect(`A 1 a${at + 1} w0`);
    assert.equal(bench.read(), 1);
    bench.expect(`A 1 a${at + 1} w1`);
    bench.read();
    bench.silent();
  }
});
