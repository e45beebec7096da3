// A link that takes nothing for a long time: RFC 9293 §3.8.3 counts for what never left, too.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { State } from '../../src/tcp/state.js';
import { Bench } from './harness.js';

function stalled(bench: Bench, ms: number): void {
  bench.writable = false;
  const end = bench.now + ms;
  while (bench.now < end && bench.connection.nextTimeout() <= end) {
    bench.now = Math.max(bench.now, bench.connection.nextTimeout());
    bench.connection.onTimer(bench.now);
    bench.connection.heldBack(bench.now);
  }
}

test('RFC9293 MUST-20: data that a full link holds back ends the connection at R2', () => {
  const bench = Bench.established({ config: { r2Ms: 100_000 } });
  bench.writable = false;
  bench.queue(1000);
  bench.connection.heldBack(bench.now);
  stalled(bench, 90_000);
  assert.equal(bench.connection.state, State.ESTABLISHED);
  stalled(bench, 20_000);
  assert.equal(bench.connection.state, State.CLOSED);
  assert.equal(bench.connection.error, 'ETIMEDOUT');
});

test('RFC6298 §5.1: the timeout of data counts from when it left, not from when it was held back', () => {
  const bench = Bench.established();
  bench.writable = false;
  bench.queue(1000);
  bench.connection.heldBack(bench.now);
  const deadline = bench.connection.nextTimeout();
  bench.now = deadline - 1;
  bench.writable = true;
  bench.flush();
  assert.equal(bench.take().length, 1);
  assert.ok(bench.connection.nextTimeout() > deadline + 1);
});
