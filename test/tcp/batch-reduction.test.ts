// What a reduction is measured by when a batch of ACKs acknowledges much before it shows a loss.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench } from './harness.js';

const PEER = { options: 'mss 1000, sackOK', window: 60_000 };

test('RFC9438 §4.6: a window that was full counts whole, though the batch has emptied the flight', () => {
  const bench = Bench.established({ config: { sack: true }, peer: PEER });
  bench.write(60_000);
  bench.take();
  const { cwnd } = bench.connection.congestion;
  bench.advance(40);
  // Five segments are acknowledged and the sixth is missing, all within one turn.
  bench.peer('A 1 a5001', 'A 1 a5001 <sack 6001:10001>');
  const { ssthresh } = bench.connection.congestion;
  assert.ok(ssthresh >= 0.7 * cwnd, `${ssthresh} after a window of ${cwnd}`);
});

test('RFC5681 §3.1: a window that the application did not fill counts by what was in flight', () => {
  const bench = Bench.established({ config: { sack: true }, peer: PEER });
  bench.write(5000);
  bench.take();
  bench.advance(40);
  bench.peer('A 1 a1 <sack 1001:5001>');
  assert.ok(bench.connection.congestion.ssthresh <= 0.7 * 5000);
});
