// Duplicate ACKs as the signal of a loss: RFC 5681 §4.2, and limited transmit, RFC 3042.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pipe } from '../../src/tcp/losses.js';
import { Bench } from './harness.js';

const peer = { options: 'mss 1000', window: 60_000 };

test('RFC5681 §4.2: segments out of order that arrive in one batch are answered by one duplicate ACK each', () => {
  const bench = Bench.established({ peer });
  bench.take();
  for (const line of ['A 1001 a1 [1000]', 'A 2001 a1 [1000]', 'A 3001 a1 [1000]']) bench.inject(line);
  bench.flush();
  bench.expect('A 1 a1', 'A 1 a1', 'A 1 a1');
});

test('RFC9293 MUST-58: a batch that fills the hole is answered by one ACK', () => {
  const bench = Bench.established({ peer });
  bench.take();
  for (const line of ['A 1001 a1 [1000]', 'A 2001 a1 [1000]', 'A 1 a1 [1000]']) bench.inject(line);
  bench.flush();
  bench.expect('A 1 a3001');
});

test('RFC3042 §2: each of the first two duplicate ACKs lets one new segment go', () => {
  const bench = Bench.established({
    peer,
    config: { initialWindowSegments: 2, pathMss: 1000, receiveMss: 1000 },
  });
  bench.write(10_000);
  bench.expect('A 1 a1 [1000]', 'A 1001 a1 [1000]');
  bench.peer('A 1 a1');
  bench.expect('A 2001 a1 [1000]');
  bench.peer('A 1 a1');
  bench.expect('A 3001 a1 [1000]');
  bench.peer('A 1 a1');
  // From here on deliveries and reduction decide (RFC 9937): one segment for one.
  bench.expect('A 1 a1 [1000]');
});

test('RFC5681 §3.2: when all is acknowledged nothing is on its way, whatever duplicates had told', () => {
  const bench = Bench.established({ peer, config: { nagle: false } });
  bench.write(1500);
  bench.peer('A 1 a1', 'A 1 a1').peer('A 1 a1501');
  assert.equal(pipe(bench.connection), 0);
});

test('ATTACKS 4: a flood of segments out of order is not answered without bound', () => {
  const bench = Bench.established({ peer });
  bench.take();
  for (let i = 0; i < 500; i++) bench.inject(`A ${1001 + 2 * i} a1 [1]`);
  bench.flush();
  assert.equal(bench.take().length, 64);
});
