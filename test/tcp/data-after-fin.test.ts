// A peer that sends data behind its own FIN: the stream ends at the FIN (RFC 9293 §3.10.7.4, eighth check).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bench } from './harness.js';

/** Data 1…10 is missing; what lies behind the FIN at 11 came first. */
function withDataBehindTheFin(): Bench {
  const bench = Bench.established();
  bench.peer('A 11 a1 [20]').peer('A 6 a1 [5]');
  bench.take();
  return bench;
}

test('RFC9293 §3.10.7.4: what was kept from behind the place of a FIN is never delivered', () => {
  for (const fin of ['FA 1 a1 [10]', 'FA 11 a1']) {
    const bench = withDataBehindTheFin().peer(fin).peer('A 1 a1 [10]');
    bench.state('CLOSE-WAIT').events(['READABLE', 'PEER_FIN']);
    assert.equal(bench.read(), 10, fin);
    assert.equal(bench.connection.atEnd, true, fin);
    assert.equal(bench.status.rcvNxt, 12, fin);
    assert.equal(bench.status.reassemblyBytes, 0, fin);
  }
});

test('RFC9293 §3.10.7.4: a range that a FIN cuts in two keeps its front', () => {
  const bench = withDataBehindTheFin();
  bench.peer('FA 6 a1 [10]').peer('A 1 a1 [5]');
  bench.state('CLOSE-WAIT');
  assert.equal(bench.read(), 15);
  assert.equal(bench.status.rcvNxt, 17);
});
