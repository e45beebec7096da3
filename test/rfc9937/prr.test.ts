// Proportional rate reduction (RFC 9937): how the window sinks to `ssthresh` during a recovery.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newReno } from '../../src/tcp/congestion/newreno.js';
import type { Bench } from '../tcp/harness.js';
import { Random } from '../tcp/harness.js';
import { ackBefore, flight, MSS, segmentsSent } from '../tcp/sacking.js';

/** Segments in flight when the recovery begins; half of it remains. */
const FLIGHT = 20;

/** NewReno's half is easy to reckon with. More data waits than the window lets go. */
function sender(): Bench {
  const bench = flight(FLIGHT, {
    waiting: 100,
    config: { congestion: newReno, sendBufferBytes: 1_000_000 },
    peer: { window: 65_000 },
  });
  bench.take();
  bench.advance(100);
  return bench;
}

function pipe(bench: Bench): number {
  return bench.connection.tcpInfo(bench.now).inFlightBytes;
}

function isRecovering(bench: Bench): boolean {
  return bench.connection.tcpInfo(bench.now).caState === 'recovery';
}

describe('proportional reduction', () => {
  test('RFC9937 §6: the first retransmission leaves at once, whatever the proportion says', () => {
    const bench = sender();
    bench.peer(ackBefore(1, [2, 4]));
    assert.ok(isRecovering(bench));
    assert.equal(segmentsSent(bench)[0], 1);
  });

  test('RFC9937 §6: while more is in flight than ssthresh, half of what arrives is sent', () => {
    const bench = sender();
    bench.peer(ackBefore(1, [2, 4]));
    let sent = segmentsSent(bench).length;
    for (let last = 5; last <= FLIGHT; last++) {
      bench.peer(ackBefore(1, [2, last]));
      sent += segmentsSent(bench).length;
      const delivered = last - 1;
      // Half a segment is none.
      const share = Math.max(1, Math.floor(delivered / 2));
      if (pipe(bench) > bench.status.ssthresh) assert.equal(sent, share, `${delivered} delivered`);
    }
    assert.equal(bench.status.ssthresh, (FLIGHT / 2) * MSS);
    assert.ok(Math.abs(pipe(bench) - bench.status.ssthresh) <= MSS, `${pipe(bench)} in flight`);
  });

  test('RFC9937 §6: so it is when one ACK tells of much: no pause and no burst beyond the share', () => {
    const bench = sender();
    bench.peer(ackBefore(1, [2, 7]));
    // Six delivered: three may leave, of which one is the retransmission.
    assert.equal(segmentsSent(bench).length, 3);
  });

  test('RFC9937 §6: what was SACKed before recovery began does not count as delivered in it', () => {
    const bench = sender();
    bench.peer(ackBefore(1, [2, 3]));
    const limited = segmentsSent(bench).length;
    assert.equal(limited, 2, 'limited transmit (RFC 3042)');
    bench.peer(ackBefore(1, [2, 4]));
    const { prrFlight, prrDelivered } = bench.connection.rtx;
    assert.equal(prrFlight, FLIGHT * MSS, 'RecoverFS: two SACKed and two sent since');
    assert.equal(prrDelivered, MSS);
  });

  test('RFC9937 §6: in the end the window stands at ssthresh', () => {
    const bench = sender();
    bench.peer(ackBefore(1, [2, FLIGHT]));
    bench.take();
    // Everything before recovery began, and nothing that left in it but the retransmission.
    bench.advance(100).peer(ackBefore(FLIGHT + 1));
    assert.equal(isRecovering(bench), false);
    // From there the ACK lets it grow as any other in congestion avoidance does: by a segment at most.
    const { cwnd, ssthresh } = bench.status;
    assert.equal(ssthresh, (FLIGHT / 2) * MSS);
    assert.ok(cwnd === ssthresh || cwnd === ssthresh + MSS, `${cwnd}`);
  });
});

test('RFC9937 §6: a loss that the reordering timer finds in the midst of a recovery changes no window', () => {
  const bench = sender();
  bench.peer(ackBefore(1, [2, 2])).peer(ackBefore(3));
  bench.peer(ackBefore(3, [4, 5])).advance(26);
  assert.ok(isRecovering(bench));
  bench.peer(ackBefore(3, [4, 5], [8, 9])).take();
  const { cwnd } = bench.status;
  const { lostBytes } = bench.connection.flight;
  for (let i = 0; bench.connection.flight.lostBytes === lostBytes; i++) {
    assert.ok(i < 100, 'nothing more is lost');
    bench.advance(1);
    assert.equal(bench.status.cwnd, cwnd);
  }
});

describe('the reduction bound, when losses bring the flight below ssthresh', () => {
  /** Ten of twenty are lost at once; `bench` has seen it. */
  function halfLost(): Bench {
    const bench = sender();
    bench.peer(ackBefore(1, [13, FLIGHT]));
    bench.take();
    assert.ok(pipe(bench) < bench.status.ssthresh);
    return bench;
  }

  test('RFC9937 §6: an ACK without progress, or with further losses, lets as much go as it tells to have arrived', () => {
    const bench = sender();
    bench.peer(ackBefore(1, [13, FLIGHT]));
    const sent = segmentsSent(bench).length;
    // Eight arrived; in the same ACK twelve are lost.
    assert.equal(sent, 8);
    assert.equal(pipe(bench), 8 * MSS);
  });

  test('RFC9937 §6: one that makes progress and shows no loss (SafeACK) lets one segment more go', () => {
    const bench = halfLost();
    bench.advance(100);
    bench.peer(ackBefore(2, [13, FLIGHT]));
    assert.equal(segmentsSent(bench).length, 2);
    bench.peer(ackBefore(3, [13, FLIGHT]));
    assert.equal(segmentsSent(bench).length, 2);
  });

  test('RFC9937 §6: never beyond ssthresh', () => {
    const bench = halfLost();
    bench.advance(100);
    for (let n = 2; n <= 13; n++) {
      bench.peer(ackBefore(n, [13, FLIGHT]));
      assert.ok(pipe(bench) <= bench.status.ssthresh);
    }
  });
});

test('RFC9937 §3: whatever is lost and in whatever order ACKs tell of it, what is sent stays within the bounds', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = new Random(seed);
    const bench = sender();
    const lost = new Set<number>([1]);
    for (let n = 2; n <= FLIGHT; n++) if (random.chance(0.3)) lost.add(n);
    const arrived: number[] = [];
    let sent = 0;
    let delivered = 0;
    for (let n = 2; n <= FLIGHT; n++) {
      if (lost.has(n)) continue;
      arrived.push(n);
      delivered++;
      // Each ACK names the latest arrival and up to three others.
      const others = Array.from({ length: 3 }, () => random.pick(arrived));
      bench.peer(ackBefore(1, [n, n], ...others.map((m) => [m, m] as const)));
      const before = isRecovering(bench);
      sent += segmentsSent(bench).length;
      if (before) assert.ok(sent <= delivered + 2, `seed ${seed}: ${sent} sent for ${delivered} delivered`);
    }
  }
});

test('RFC9937 §6: a mark in an ACK that tells of no delivery leaves the window for now', () => {
  const bench = flight(10, { ecn: true, config: { ecn: 'on' } });
  const { cwnd } = bench.status;
  bench.advance(100).peer('AE 1 a1 [10] w50000');
  assert.equal(bench.connection.tcpInfo(bench.now).caState, 'cwr');
  assert.equal(bench.status.cwnd, cwnd);
});
