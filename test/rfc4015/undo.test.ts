// Reductions that turn out needless are taken back: told by the echo of a timestamp (Eifel, RFC 3522), or by reports of
// duplicates for all that was sent again (RFC 3708). The response is that of RFC 4015.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Bench } from '../tcp/harness.js';
import { ackBefore, flight, MSS, segmentsSent } from '../tcp/sacking.js';

/** Payload of a segment that carries timestamps, which count as part of the MSS. */
const STAMPED = MSS - 12;

function caState(bench: Bench): string {
  return bench.connection.tcpInfo(bench.now).caState;
}

interface Window {
  cwnd: number;
  ssthresh: number;
}

function windowOf(bench: Bench): Window {
  return { cwnd: bench.status.cwnd, ssthresh: bench.status.ssthresh };
}

/** Whether the window is what it was, or more. */
function assertRestored(bench: Bench, before: Window): void {
  const { cwnd, ssthresh } = windowOf(bench);
  assert.ok(cwnd >= before.cwnd, `cwnd ${cwnd}, before ${before.cwnd}`);
  assert.ok(ssthresh >= before.ssthresh, `ssthresh ${ssthresh}, before ${before.ssthresh}`);
  assert.equal(caState(bench), 'open');
}

describe('RFC3522: the echo of the first transmission', () => {
  /** Segment 1 is late, or several; `sent` is its timestamp. It has left again because of the SACK up to segment 6. */
  function recovering(late = 1): { bench: Bench; sent: number; before: Window } {
    const bench = flight(10, { timestamps: true });
    const sent = bench.take()[0]!.options.ts![0];
    const before = windowOf(bench);
    bench.advance(100);
    bench.peer(`A 1 a1 <ts 600 ${sent - 100}, sack ${late * STAMPED + 1}:${6 * STAMPED + 1}>`);
    assert.equal(caState(bench), 'recovery');
    assert.equal(bench.take()[0]!.seq, 1);
    return { bench, sent, before };
  }

  test('RFC3522 §3.2 (4): in the ACK that covers what was sent again it shows the recovery to be spurious', () => {
    const { bench, sent, before } = recovering();
    bench.advance(10).peer(`A 1 a${6 * STAMPED + 1} <ts 610 ${sent}>`);
    assertRestored(bench, before);
  });

  test('RFC3522 §3.2 (4): the echo of the retransmission does not', () => {
    const { bench, sent, before } = recovering();
    bench.advance(100).peer(`A 1 a${10 * STAMPED + 1} <ts 700 ${sent + 100}>`);
    assert.ok(windowOf(bench).ssthresh < before.ssthresh);
  });

  test('RFC3522 §3.2 (4): nor that of the first of several retransmissions', () => {
    const { bench, sent, before } = recovering(2);
    bench.advance(1).peer(`A 1 a1 <ts 601 ${sent - 99}, sack ${2 * STAMPED + 1}:${7 * STAMPED + 1}>`);
    bench.advance(1).peer(`A 1 a1 <ts 602 ${sent - 98}, sack ${2 * STAMPED + 1}:${8 * STAMPED + 1}>`);
    assert.ok(bench.connection.retransmissions > 1);
    bench.advance(98).peer(`A 1 a${8 * STAMPED + 1} <ts 700 ${sent + 100}>`);
    assert.ok(windowOf(bench).ssthresh < before.ssthresh);
  });

  test('RFC3522 §3.2 (4): it counts in an ACK that advances only', () => {
    const { bench, sent, before } = recovering();
    bench.advance(1).peer(`A 1 a1 <ts 601 ${sent}, sack ${STAMPED + 1}:${7 * STAMPED + 1}>`);
    assert.equal(caState(bench), 'recovery');
    assert.ok(windowOf(bench).ssthresh < before.ssthresh);
  });

  test('RFC4015 §3: of a timeout within a recovery, what was before both comes back', () => {
    const { bench, sent, before } = recovering();
    while (bench.connection.rtx.tally.timeouts === 0) bench.advance(1);
    bench.peer(`A 1 a${6 * STAMPED + 1} <ts 900 ${sent}>`);
    assertRestored(bench, before);
  });

  test('RFC4015 §3: after a spurious timeout as well; the rest of the flight is not sent again', () => {
    const bench = flight(10, { timestamps: true });
    const sent = bench.take()[0]!.options.ts![0];
    const before = windowOf(bench);
    while (bench.connection.rtx.tally.timeouts === 0) bench.advance(1);
    const resent = bench.connection.retransmissions;
    assert.equal(bench.status.cwnd, STAMPED);
    bench.peer(`A 1 a${STAMPED + 1} <ts 800 ${sent}>`);
    assertRestored(bench, before);
    assert.equal(bench.connection.flight.lostBytes, 0);
    bench.advance(50);
    assert.equal(bench.connection.retransmissions, resent);
  });
});

describe('RFC3708: reports of duplicates', () => {
  test('RFC3708 §3: when every retransmission of the episode arrived twice, it was needless', () => {
    const bench = flight(10);
    const before = windowOf(bench);
    bench.take();
    bench.advance(100).peer(ackBefore(1, [4, 8]));
    const resent = segmentsSent(bench).filter((n) => n <= 3);
    bench.advance(1).peer(ackBefore(1, [4, 9]));
    resent.push(...segmentsSent(bench).filter((n) => n <= 3));
    assert.deepEqual([...resent].sort(), [1, 2, 3]);
    // All were only late; then their copies come.
    bench.advance(1).peer(ackBefore(11));
    for (const n of [1, 2]) bench.peer(ackBefore(11, [n, n]));
    assert.ok(windowOf(bench).ssthresh < before.ssthresh, 'the third is not reported yet');
    bench.write(1000);
    bench.peer(ackBefore(11, [3, 3]));
    assertRestored(bench, before);
  });

  test('RFC3708 §3: one that is not reported was needed', () => {
    const bench = flight(10);
    const before = windowOf(bench);
    bench
      .advance(100)
      .peer(ackBefore(1, [4, 8]))
      .peer(ackBefore(1, [4, 9]));
    bench.take();
    bench.advance(1).peer(ackBefore(11));
    bench.write(1000);
    for (const n of [1, 2]) bench.peer(ackBefore(11, [n, n]));
    assert.ok(windowOf(bench).ssthresh < before.ssthresh);
  });

  test('RFC3708 §3: a duplicate of something before the episode says nothing of it', () => {
    const bench = flight(10);
    bench.advance(100).peer(ackBefore(3));
    bench.write(2000);
    bench.take();
    const before = windowOf(bench);
    bench.advance(100).peer(ackBefore(3, [4, 9]));
    assert.deepEqual(segmentsSent(bench)[0], 3);
    bench.peer(ackBefore(3, [2, 2], [4, 9]));
    assert.equal(caState(bench), 'recovery');
    assert.ok(windowOf(bench).ssthresh < before.ssthresh);
  });
});

test('RFC3168 §6.1.2: not even where a loss, or a timeout, that followed a mark turns out to be none', () => {
  const marked = () => {
    const bench = flight(10, { ecn: true, waiting: 20, config: { ecn: 'on' } });
    bench.advance(100).peer('AE 1 a1001');
    assert.equal(caState(bench), 'cwr');
    return bench;
  };
  const lossless = marked();
  const { ssthresh } = lossless.status;
  lossless
    .inject(ackBefore(2, [3, 7]))
    .inject(ackBefore(8))
    .flush();
  assert.equal(caState(lossless), 'open');
  assert.equal(lossless.status.ssthresh, ssthresh);
  assert.ok(lossless.status.cwnd <= ssthresh + MSS, 'what the mark has left of the window');
  const late = marked();
  while (late.connection.rtx.tally.timeouts === 0) late.advance(1);
  late.peer(ackBefore(3)).peer(ackBefore(4));
  assert.equal(caState(late), 'open');
  assert.equal(late.status.ssthresh, ssthresh);
});

test('RFC4015 §3: a window beyond the threshold comes back as a whole', () => {
  const bench = flight(10);
  bench.connection.congestion.ssthresh = 4 * MSS;
  bench
    .advance(100)
    .inject(ackBefore(1, [2, 6]))
    .inject(ackBefore(8))
    .flush();
  assert.equal(caState(bench), 'open');
  assert.ok(bench.status.cwnd >= 10 * MSS, `cwnd ${bench.status.cwnd}`);
});

test('RFC6298 §5: an ACK that a full link lets come before the retransmission proves nothing for the rest of the flight', () => {
  const bench = flight(6);
  bench.writable = false;
  while (bench.connection.rtx.tally.timeouts === 0) bench.advance(1);
  bench.take();
  bench.peer(ackBefore(3));
  assert.equal(caState(bench), 'loss');
  bench.writable = true;
  bench.flush();
  assert.equal(segmentsSent(bench)[0], 3);
});

test('RFC3522 §3.2: the echo of a first retransmission is none of the original, also after a second timeout', () => {
  const bench = flight(6, { timestamps: true });
  const { ssthresh } = bench.status;
  const { tally } = bench.connection.rtx;
  while (tally.timeouts === 0) bench.advance(1);
  const [echo] = bench.take().at(-1)!.options.ts!;
  while (tally.timeouts === 1) bench.advance(1);
  bench.peer(`A 1 a${STAMPED + 1} <ts 900 ${echo}>`);
  assert.equal(caState(bench), 'loss');
  assert.ok(bench.status.ssthresh < ssthresh);
});

test('RFC3522 §3.2: the echo tells without SACK as well', () => {
  const bench = flight(8, { sack: false, timestamps: true });
  const [sent] = bench.take()[0]!.options.ts!;
  const before = windowOf(bench);
  bench.advance(100);
  for (let i = 0; i < 3; i++) bench.peer(`A 1 a1 <ts 600 ${sent - 100}>`);
  assert.equal(caState(bench), 'recovery');
  bench.advance(10).peer(`A 1 a${4 * STAMPED + 1} <ts 610 ${sent}>`);
  assertRestored(bench, before);
});

test('RFC6582 §3.2: without SACK and echo a hole that closes before it is repaired leaves the reduction', () => {
  const bench = flight(8, { sack: false });
  const { cwnd } = windowOf(bench);
  bench.advance(100);
  for (let i = 0; i < 3; i++) bench.inject(ackBefore(1));
  bench.inject(ackBefore(9)).flush();
  assert.ok(windowOf(bench).ssthresh < cwnd);
});

test('RFC3708 §3: a report that comes before anything was sent again counts for none of what is sent again later', () => {
  const bench = flight(10);
  const before = windowOf(bench);
  bench
    .advance(100)
    .inject(ackBefore(1, [2, 6]))
    .inject(ackBefore(1, [3, 3], [2, 6]))
    .flush();
  assert.equal(caState(bench), 'recovery');
  bench.advance(1).peer(ackBefore(7, [1, 1]));
  assertRestored(bench, before);
});

test('RFC4015 §3: what was taken back once is not taken back again', () => {
  const bench = flight(10);
  bench.advance(100).peer(ackBefore(1, [2, 6]));
  bench
    .advance(1)
    .peer(ackBefore(7))
    .peer(ackBefore(7, [1, 1]));
  assert.equal(caState(bench), 'open');
  bench.advance(1).peer(ackBefore(11));
  bench.connection.congestion.cwnd = 3 * MSS;
  bench.write(1000);
  bench.peer(ackBefore(11, [1, 1]));
  assert.equal(bench.status.cwnd, 3 * MSS);
});

test('RFC3168 §6.1.2: marks are no mistake: what they reduced stays reduced', () => {
  const bench = flight(10, { config: { ecn: 'on' }, peer: { window: 60_000 } });
  bench.connection.ecnAgreed = true;
  bench.advance(100).peer('AE 1 a1001');
  const reduced = bench.connection.congestion.ssthresh;
  bench.peer(`${ackBefore(3, [1, 1])}`);
  assert.equal(bench.connection.congestion.ssthresh, reduced);
});
