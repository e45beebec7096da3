// F-RTO (RFC 5682): after a timeout one segment is sent again and then new data, until the acknowledgments tell whether the
// timeout was spurious.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Bench } from '../tcp/harness.js';
import { ackBefore, type FlightOptions, flight, MSS, segmentsSent } from '../tcp/sacking.js';

/** Ten segments in flight, more waiting; the timer has fired and the first one left again. */
function timedOut(options: FlightOptions = {}): Bench {
  const bench = flight(10, {
    waiting: 30,
    ...options,
    config: { sendBufferBytes: 100_000, ...options.config },
  });
  while (bench.connection.rtx.tally.timeouts === 0) bench.advance(1);
  assert.equal(segmentsSent(bench).at(-1), 1);
  return bench;
}

function caState(bench: Bench): string {
  return bench.connection.tcpInfo(bench.now).caState;
}

for (const sack of [true, false]) {
  describe(sack ? 'with SACK (§3)' : 'without SACK (§2)', () => {
    test('RFC5682 step 1: the first unacknowledged segment, and nothing else', () => {
      const bench = timedOut({ sack });
      bench.silent();
      assert.equal(bench.status.cwnd, MSS);
      assert.equal(caState(bench), 'loss');
    });

    test('RFC5682 step 2b: the first ACK that advances lets two new segments go, and no retransmission', () => {
      const bench = timedOut({ sack });
      const next = bench.status.sndNxt;
      bench.peer(ackBefore(2));
      const sent = bench.take();
      assert.deepEqual(
        sent.map((s) => s.seq),
        [next, next + MSS],
      );
    });

    test('RFC5682 step 3b: the next one that advances shows the timeout to be spurious: everything is as before', () => {
      const bench = timedOut({ sack });
      const { priorCwnd } = bench.connection.rtx;
      bench.peer(ackBefore(2)).peer(ackBefore(3));
      assert.equal(caState(bench), 'open');
      assert.ok(bench.status.cwnd >= priorCwnd);
      assert.equal(bench.connection.flight.lostBytes, 0);
      assert.equal(bench.connection.retransmissions, 1 + probes(bench));
    });

    test('RFC5682 step 3a: one that only repeats says that the losses are real: they are sent again', () => {
      const bench = timedOut({ sack });
      bench.peer(ackBefore(2));
      const newest = Math.max(...segmentsSent(bench));
      bench.peer(sack ? ackBefore(2, [newest, newest]) : ackBefore(2));
      assert.equal(caState(bench), 'loss');
      const again = segmentsSent(bench);
      assert.equal(again[0], 2);
    });

    test('RFC5682 step 2a: a first ACK that repeats says so as well', () => {
      const bench = timedOut({ sack });
      bench.peer(sack ? ackBefore(1, [5, 5]) : ackBefore(1));
      assert.equal(caState(bench), 'loss');
      assert.equal(bench.connection.rtx.doubt, 0);
    });

    test('RFC5682 step 2a: an ACK of everything does not tell which transmission it answers', () => {
      const bench = timedOut({ sack });
      const { ssthresh } = bench.status;
      bench.peer(`A 1 a${bench.status.sndNxt}`);
      assert.equal(bench.connection.rtx.doubt, 0);
      assert.equal(bench.status.ssthresh, ssthresh, 'nothing is taken back');
    });

    test('RFC5682 step 2b: without new data, or room for it, the usual recovery goes on', () => {
      const bench = timedOut({ sack, waiting: 0 });
      bench.peer(ackBefore(2));
      assert.equal(segmentsSent(bench)[0], 2);
    });

    test('RFC5682 step 2b: nor where the window of the peer has no room for it', () => {
      const bench = timedOut({ sack, peer: { window: 10 * MSS } });
      bench.peer(`${ackBefore(2)} w${9 * MSS}`);
      assert.equal(segmentsSent(bench)[0], 2);
    });

    test('RFC5682 step 3b: an ACK of the rest of what was sent again tells nothing yet', () => {
      const bench = timedOut({ sack });
      const { priorCwnd } = bench.connection.rtx;
      bench.peer(`A 1 a${MSS / 2 + 1}`);
      bench.peer(ackBefore(2));
      assert.equal(caState(bench), 'loss');
      const sent = bench.take();
      assert.ok(sent.length > 0 && sent.every((s) => s.retransmission === 0), 'new data only');
      bench.peer(ackBefore(3));
      assert.equal(caState(bench), 'open');
      assert.ok(bench.status.cwnd >= priorCwnd);
    });

    test('RFC5682 step 1: a second timeout of the same data is beyond doubt', () => {
      const bench = timedOut({ sack });
      while (bench.connection.rtx.tally.timeouts === 1) bench.advance(1);
      bench.take();
      bench.peer(ackBefore(2));
      assert.equal(segmentsSent(bench)[0], 2);
    });
  });
}

/** Tail loss probes that repeated a segment before the timeout. */
function probes(bench: Bench): number {
  return bench.history.filter((s) => s.retransmission > 0).length - 1;
}

test('RFC5682 §3 steps 2a, 3a: with SACK a report counts on a segment with data, too', () => {
  const early = timedOut();
  early.peer('A 1 a1 [10] <sack 4001:5001>');
  assert.equal(early.connection.rtx.doubt, 0);
  const late = timedOut();
  late.peer(ackBefore(2));
  const newest = Math.max(...segmentsSent(late));
  late.peer(`A 1 a${MSS + 1} [10] <sack ${(newest - 1) * MSS + 1}:${newest * MSS + 1}>`);
  assert.equal(caState(late), 'loss');
  assert.equal(segmentsSent(late)[0], 2);
});

test('RFC5682 step 2: what says nothing of the flight decides nothing', () => {
  const bench = timedOut({ ecn: true, config: { ecn: 'on' } });
  bench.peer('AE 1 a1 [10]').take();
  const next = bench.status.sndNxt;
  bench.peer(`A 11 a${MSS + 1}`);
  assert.equal(bench.take()[0]!.seq, next);
});

test('RFC5682 step 2a: it is decided once, also when there is new data at the next ACK', () => {
  for (const sack of [true, false]) {
    const bench = timedOut({ sack, waiting: 0 });
    bench.peer(ackBefore(2)).take();
    bench.write(5 * MSS);
    bench.take();
    bench.peer(ackBefore(3));
    assert.ok(segmentsSent(bench).every((n) => n <= 10));
  }
});

test('RFC5682 §3 step 3b: with SACK a report of what was not sent again is enough', () => {
  const bench = timedOut();
  bench.peer(ackBefore(2)).take();
  bench.peer(ackBefore(2, [4, 4]));
  assert.equal(caState(bench), 'disorder');
  assert.equal(bench.connection.flight.lostBytes, 0);
});

test('RFC5682: a delay spike repeats one segment and not the whole flight', () => {
  const bench = timedOut({ timestamps: false });
  for (let n = 2; n <= 11; n++) bench.advance(1).peer(ackBefore(n));
  const resent = bench.history.filter((s) => s.retransmission > 0);
  assert.ok(resent.length <= 2, `${resent.length} segments sent again`);
});
