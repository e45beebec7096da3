// A receiver may go back on what it reported (RFC 2018 §8): nothing is let go before it is acknowledged, and what SACK told
// does not keep anything from being sent again for ever.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Random } from '../tcp/harness.js';
import { ackBefore, flight, segmentsSent } from '../tcp/sacking.js';

describe('reneging', () => {
  test('RFC2018 §8: SACKed data stays in the send buffer until it is acknowledged', () => {
    const bench = flight(6);
    bench.advance(100).peer(ackBefore(1, [2, 6]));
    assert.equal(bench.status.sendQueueBytes, 6000);
    bench.peer(ackBefore(7));
    assert.equal(bench.status.sendQueueBytes, 0);
  });

  test('RFC2018 §8: an ACK that stops before a reported segment gives it up: all is sent again, soon', () => {
    const bench = flight(6);
    bench.take();
    bench.advance(100).peer(ackBefore(1, [3, 6]));
    bench.advance(100).take();
    // The holes are filled, and yet the third is asked for, which had been reported.
    bench.peer(ackBefore(3));
    bench.take();
    const start = bench.now;
    while (bench.connection.flight.sackedBytes > 0) bench.advance(1);
    assert.ok(bench.now - start <= 110, `believed for ${bench.now - start} ms more`);
    let next = 3;
    for (let i = 0; i < 20 && next <= 6; i++) {
      const sent = segmentsSent(bench);
      if (sent.includes(next)) bench.peer(ackBefore(++next));
      else bench.advance(100);
    }
    assert.equal(bench.status.inFlight, 0);
  });

  test('RFC2018 §8: it is the usual ACK in flight that is waited for: one that comes in time changes nothing', () => {
    const bench = flight(6);
    bench.advance(100).peer(ackBefore(1, [3, 6]));
    bench.advance(100).take();
    bench.peer(ackBefore(3));
    bench.advance(5).peer(ackBefore(7));
    bench.advance(1000);
    assert.equal(bench.connection.rtx.tally.timeouts, 0);
  });

  test('ATTACKS 7: a peer that reports at random, and forgets, is served to the end', () => {
    for (let seed = 1; seed <= 100; seed++) {
      const random = new Random(seed);
      const bench = flight(8, { waiting: 20, config: { r2Ms: 1e9 } });
      let una = 1;
      for (let i = 0; i < 4000 && una <= 28; i++) {
        const sent = segmentsSent(bench);
        const last = Math.round((bench.status.sndNxt - 1) / 1000);
        // It keeps only what comes next, and lies about the rest.
        if (sent.includes(una)) una++;
        const from = random.int(una + 1, Math.max(una + 1, last));
        const lie = from <= last ? [[from, random.int(from, last)] as const] : [];
        bench.advance(random.pick([0, 10, 100, 1000])).peer(ackBefore(una, ...lie));
      }
      assert.ok(una > 28, `seed ${seed}: came to segment ${una}`);
    }
  });
});
