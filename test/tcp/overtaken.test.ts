// A segment that was only overtaken: held lost, and there before it was sent again.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench } from './harness.js';

const PEER = { options: 'mss 1000, sackOK', window: 60_000 };

function flight(): Bench {
  const bench = Bench.established({ config: { sack: true }, peer: PEER });
  bench.write(10_000);
  bench.take();
  // Round trips of 40 ms.
  bench.advance(40);
  return bench;
}

test('RFC4015: what arrives by itself before it could be sent again takes the reduction back', () => {
  const bench = flight();
  const before = bench.connection.tcpInfo(bench.now);
  bench.peer('A 1 a1 <sack 1001:4001>', 'A 1 a4001');
  const after = bench.connection.tcpInfo(bench.now);
  assert.equal(after.totalRetrans, 0);
  assert.equal(after.sndSsthreshBytes, before.sndSsthreshBytes, 'slow start goes on');
  assert.ok(after.sndCwndBytes >= before.sndCwndBytes, `${after.sndCwndBytes} after ${before.sndCwndBytes}`);
  assert.ok(bench.connection.rack.reorderingSeen, 'from now on a hole is given time');
});

test('RFC8985 §6.2: a hole that closes by a retransmission does not', () => {
  const bench = flight();
  bench.peer('A 1 a1 <sack 1001:10001>').expect('A 1 a1 [1000]');
  bench.advance(40).peer('A 1 a10001');
  const { totalRetrans, sndSsthreshBytes } = bench.connection.tcpInfo(bench.now);
  assert.equal(totalRetrans, 1);
  assert.notEqual(sndSsthreshBytes, null);
});
