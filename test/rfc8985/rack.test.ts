// RACK (RFC 8985 §6): losses told by time. The reordering window, its growth, its timer, and lost retransmissions.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Rack, reorderingWindow } from '../../src/tcp/rack.js';
import { Timer } from '../../src/tcp/timers.js';
import type { Bench } from '../tcp/harness.js';
import { ackBefore, edges, flight, MSS, segmentsSent } from '../tcp/sacking.js';

/** A peer's D-SACK for segment `n`, which lies before the acknowledgment of everything before `next`. */
function duplicateOf(n: number, next: number): string {
  return ackBefore(next, [n, n]);
}

/** As `flight`, and the path is known to reorder: segment 2 arrived before segment 1. */
function reordering(segments: number): Bench {
  const bench = flight(segments);
  bench.advance(100);
  bench.peer(ackBefore(1, [2, 2])).peer(ackBefore(3));
  assert.ok(bench.connection.rack.reorderingSeen);
  bench.take();
  return bench;
}

describe('detection', () => {
  test('RFC8985 §6.2 step 5: two SACKed segments are enough: the lost one comes again after a quarter of the round trip', () => {
    const bench = flight(3);
    bench.take();
    bench
      .advance(100)
      .peer(ackBefore(1, [2, 3]))
      .silent();
    bench.advance(24).silent();
    bench.advance(1).expect('A 1 a1 [1000]');
    assert.equal(bench.connection.tcpInfo(bench.now).caState, 'recovery');
    assert.equal(bench.connection.rtx.tally.timeouts, 0);
  });

  test('RFC8985 §6.2 step 5: one is enough as well', () => {
    const bench = flight(2);
    bench.take();
    bench
      .advance(100)
      .peer(ackBefore(1, [2, 2]))
      .silent();
    bench.advance(25).expect('A 1 a1 [1000]');
  });

  test('RFC8985 §6.2 step 4: with three segments SACKed, and no reordering ever seen, there is nothing to wait for', () => {
    const bench = flight(6);
    bench.take();
    bench
      .advance(100)
      .peer(ackBefore(1, [2, 2]), ackBefore(1, [2, 3]))
      .take();
    assert.ok(bench.connection.flight.lostBytes === 0);
    bench.peer(ackBefore(1, [2, 4]));
    assert.deepEqual(segmentsSent(bench).slice(0, 1), [1]);
  });

  test('RFC8985 §6.2 step 5: every segment sent before the latest that arrived is lost, in whatever part of the flight', () => {
    const bench = flight(9);
    bench.take();
    bench.advance(100).peer(ackBefore(1, [2, 3], [5, 5], [9, 9]));
    assert.equal(bench.connection.flight.lostBytes, 5000);
    const sent = new Set(segmentsSent(bench));
    for (let i = 0; i < 5; i++) bench.advance(100).peer(ackBefore(1, [2, 3], [5, 5], [9, 9]));
    for (const n of segmentsSent(bench)) sent.add(n);
    for (const n of [2, 3, 5, 9]) assert.ok(!sent.has(n), `segment ${n} had arrived`);
  });

  test('RFC8985 §6.2 step 5: what left after the latest that arrived is not lost', () => {
    const bench = flight(4);
    bench.take();
    bench.advance(100).peer(ackBefore(1, [2, 2]));
    assert.equal(bench.connection.flight.lostBytes, 0);
    bench.advance(25);
    assert.equal(bench.connection.flight.lostBytes, 1000, 'segment 1 only; 3 and 4 left after 2');
  });

  test('RFC8985 §6.2 step 5: in recovery losses show without waiting', () => {
    const bench = flight(8);
    bench.take();
    bench.advance(100).peer(ackBefore(1, [2, 4]));
    assert.equal(bench.connection.flight.lostBytes, 1000);
    bench.advance(1).peer(ackBefore(1, [2, 4], [6, 6]));
    assert.equal(bench.connection.flight.lostBytes, 2000);
  });

  test('RFC8985 §3.1: duplicate ACKs that report nothing start no recovery where SACK is on', () => {
    const bench = flight(8);
    bench.take();
    bench.advance(100);
    for (let i = 0; i < 5; i++) bench.peer(ackBefore(1));
    bench.silent();
    assert.equal(bench.connection.tcpInfo(bench.now).caState, 'open');
  });

  test('RFC5681 §3.2: where it is off the third one does', () => {
    const bench = flight(8, { sack: false });
    bench.take();
    bench.advance(100).peer(ackBefore(1), ackBefore(1));
    assert.equal(bench.connection.tcpInfo(bench.now).totalRetrans, 0);
    bench.peer(ackBefore(1));
    assert.ok(segmentsSent(bench).includes(1));
  });
});

describe('lost retransmissions', () => {
  test('RFC8985 §6.2 step 5: one is seen by what was sent after it, without a timeout', () => {
    const bench = flight(5, { waiting: 20 });
    bench.take();
    bench.advance(100).peer(ackBefore(1, [2, 4]));
    assert.ok(segmentsSent(bench).includes(1));
    // New data, sent a moment after the retransmission, overtakes it.
    bench.advance(10).peer(ackBefore(1, [2, 5]));
    const newest = Math.max(...segmentsSent(bench));
    assert.ok(newest > 5);
    bench.advance(100).peer(ackBefore(1, [2, newest]));
    assert.ok(segmentsSent(bench).includes(1), 'sent for a third time');
    assert.equal(bench.connection.rtx.tally.timeouts, 0);
  });

  test('RFC8985 §6.2 step 5: also when its beginning was acknowledged meanwhile', () => {
    const bench = flight(5, { waiting: 20 });
    bench.take();
    bench.advance(100).peer(ackBefore(1, [2, 4]));
    bench.advance(10).peer(`A 1 a${MSS / 2 + 1} <sack ${edges(2, 5)}>`);
    const newest = Math.max(...segmentsSent(bench));
    assert.ok(newest > 5);
    bench.advance(100).peer(`A 1 a${MSS / 2 + 1} <sack ${edges(2, newest)}>`);
    assert.ok(bench.take().some((s) => s.seq === MSS / 2 + 1 && s.payload.length === MSS / 2));
    assert.equal(bench.connection.rtx.tally.timeouts, 0);
  });

  test('RFC8985 §6.2 step 5: it is given its own round trip, not that of the first transmission', () => {
    const bench = flight(5, { waiting: 20 });
    bench.take();
    bench.advance(100).peer(ackBefore(1, [2, 4]));
    bench.take();
    bench.advance(5).peer(ackBefore(1, [2, 5]));
    assert.ok(!segmentsSent(bench).includes(1));
  });
});

describe('the timer', () => {
  /** Milliseconds until it fires. */
  function untilReordering({ connection, now }: Bench): number {
    return connection.timers.deadline(Timer.REORDERING) - now;
  }

  /** Segment 3 is sent again 125 ms after the start; 7 and 8, when they are told to, are new. */
  function repairing(at7: number, at8: number): Bench {
    const bench = reordering(6);
    const start = bench.now - 100;
    bench.peer(ackBefore(3, [4, 6]));
    bench.connection.congestion.cwnd = 60_000;
    for (const when of [at7, at8]) {
      bench.advance(start + when - bench.now);
      bench.connection.congestion.cwnd = 60_000;
      bench.write(MSS);
    }
    assert.equal(bench.connection.rack.resends.count, 1);
    assert.equal(bench.connection.rack.resends.at, start + 125);
    return bench.advance(start + at8 + 100 - bench.now).peer(ackBefore(3, [4, 6], [8, 8]));
  }

  test('RFC8985 §6.2 step 5: is that of a retransmission where it left before the new data that is missing', () => {
    assert.equal(untilReordering(repairing(135, 145)), 5);
  });

  test('RFC8985 §6.2 step 5: and that of the new data where this left before it', () => {
    assert.equal(untilReordering(repairing(115, 135)), 5);
  });

  test('RFC8985 §6.2 step 5: does not run for what nothing has overtaken, be it sent once or again', () => {
    const bench = flight(7);
    bench.advance(100).peer(ackBefore(1, [2, 4]));
    assert.deepEqual(segmentsSent(bench).slice(-1), [1]);
    assert.equal(untilReordering(bench), Number.POSITIVE_INFINITY);
    bench.peer(ackBefore(1, [2, 5]));
    assert.equal(untilReordering(bench), Number.POSITIVE_INFINITY);
    bench.peer(ackBefore(1, [2, 7]));
    assert.equal(untilReordering(bench), Number.POSITIVE_INFINITY);
  });

  test('RFC8985 §6.2 step 5: may be a part of a millisecond', () => {
    const bench = flight(3, { rttMs: 2 });
    bench.advance(2).peer(ackBefore(1, [2, 3]));
    assert.equal(untilReordering(bench), 0.5);
  });

  test('RFC8985 §5.3: retransmissions are judged in the order in which they left, however many there are', () => {
    const { resends } = new Rack();
    let next = 0;
    const left: number[] = [];
    for (let round = 1; round < 12; round++) {
      for (let i = 0; i < round; i++) resends.add(1000 * ++next, next);
      for (let i = 1; i < round; i++) {
        left.push(resends.at);
        assert.equal(resends.begin, 1000 * resends.at);
        resends.shift();
      }
    }
    assert.deepEqual(
      left,
      Array.from({ length: left.length }, (_, i) => i + 1),
    );
  });
});

describe('RACK.rtt and RACK.xmit_ts', () => {
  test('RFC8985 §6.2 step 2: an ACK that came sooner than any round trip answers the first transmission', () => {
    const bench = flight(4);
    bench.take();
    bench.advance(100).peer(ackBefore(1, [2, 4]));
    const { sentAt } = bench.connection.rack;
    assert.ok(segmentsSent(bench).includes(1));
    bench.advance(10).peer(ackBefore(5));
    assert.equal(bench.connection.rack.sentAt, sentAt);
  });

  test('RFC8985 §6.2 step 2: so does one whose timestamp echo is older than the retransmission', () => {
    const bench = flight(4, { timestamps: true });
    const [first] = bench.take();
    const sent = first!.options.ts![0];
    const payload = bench.status.sendMss;
    bench.advance(100).peer(`A 1 a1 <ts 600 ${sent}, sack ${payload + 1}:${4 * payload + 1}>`);
    const { sentAt } = bench.connection.rack;
    assert.equal(bench.take()[0]!.seq, 1);
    bench.advance(150).peer(`A 1 a${payload * 4 + 1} <ts 750 ${sent}>`);
    assert.equal(bench.connection.rack.sentAt, sentAt);
  });

  test('RFC8985 §6.2 step 2: the echo in an ACK of what lies beyond a hole is older, and tells nothing', () => {
    const bench = flight(2, { timestamps: true });
    const [first] = bench.take();
    const sent = first!.options.ts![0];
    // Both are lost, and the probe repeats the second. The receiver echoes what came before the hole.
    while (bench.sent.length === 0) bench.advance(1);
    const [probe] = bench.take();
    bench.advance(100).peer(`A 1 a1 <ts 700 ${sent - 50}, sack ${probe!.seq}:${probe!.seq + 988}>`);
    bench.advance(26);
    assert.equal(bench.take()[0]!.seq, 1, 'the first one is lost, and no timeout is needed to know it');
    assert.equal(bench.connection.rtx.tally.timeouts, 0);
  });

  for (const [afterMs, isOriginal] of [
    [120, true],
    [350, false],
  ] as const) {
    test(`RFC8985 §6.2 step 2: with round trips of 400 ms an ACK ${afterMs} ms after a retransmission answers ${isOriginal ? 'the first transmission' : 'it'}`, () => {
      const bench = flight(6);
      bench.take();
      // A queue has built up: the least round trip is 100 ms, the latest 400 ms.
      bench.advance(400).peer(ackBefore(1, [3, 5]));
      assert.ok(segmentsSent(bench).includes(2));
      const { sentAt } = bench.connection.rack;
      bench.advance(afterMs).peer(ackBefore(1, [2, 5]));
      assert.equal(bench.connection.rack.sentAt === sentAt, isOriginal);
    });
  }

  for (const [afterMs, isOriginal] of [
    [120, true],
    [350, false],
  ] as const) {
    test(`RFC8985 §6.2 step 2: so it is where the number acknowledges it, without timestamps: ${afterMs} ms`, () => {
      const bench = flight(6);
      bench
        .advance(400)
        .peer(ackBefore(1, [2, 4]))
        .take();
      const { sentAt } = bench.connection.rack;
      bench.advance(afterMs).peer(ackBefore(5));
      assert.equal(bench.connection.rack.sentAt === sentAt, isOriginal);
    });
  }

  test('RFC8985 §6.2 step 2: an echo of the first tick of the clock is one as well', () => {
    const environment = { timestampOffset: () => 5000 };
    const bench = flight(4, { timestamps: true, now: 0, rttMs: 0, environment });
    const [sent] = bench.take()[0]!.options.ts!;
    const payload = bench.status.sendMss;
    bench.advance(100).peer(`A 1 a1 <ts 600 ${sent}, sack ${payload + 1}:${4 * payload + 1}>`);
    const { sentAt } = bench.connection.rack;
    assert.equal(sentAt, 0);
    bench.advance(150).peer(`A 1 a${payload * 4 + 1} <ts 750 ${sent}>`);
    assert.equal(bench.connection.rack.sentAt, sentAt);
  });

  test('RFC8985 §6.2 step 2: otherwise the retransmission is the latest that arrived', () => {
    const bench = flight(4);
    bench.take();
    bench.advance(100).peer(ackBefore(1, [2, 4]));
    const resentAt = bench.now;
    bench.advance(100).peer(ackBefore(5));
    assert.equal(bench.connection.rack.sentAt, resentAt);
    assert.equal(bench.connection.rack.rttMs, 100);
  });

  test('RFC8985 §6.2 step 2: of what was sent once every measurement counts, also one below the least so far', () => {
    const bench = flight(4);
    bench.advance(40).peer(ackBefore(3));
    assert.equal(bench.connection.rack.rttMs, 40);
    bench.advance(20).peer(ackBefore(5));
    assert.equal(bench.connection.rack.rttMs, 60);
  });

  test('RFC8985 §6.2 step 2: of segments of one moment the one with the higher number is the later', () => {
    const bench = flight(4);
    bench.advance(100).peer(ackBefore(1, [3, 3]));
    assert.equal(bench.connection.rack.end, (bench.connection.snd.iss + 3001) | 0);
    bench.peer(ackBefore(1, [2, 3]));
    assert.equal(bench.connection.rack.end, (bench.connection.snd.iss + 3001) | 0);
  });
});

describe('reordering', () => {
  test('RFC8985 §6.2 step 3: seen when a segment arrives that a later one has overtaken', () => {
    const bench = flight(4);
    bench.advance(100).peer(ackBefore(1, [2, 2]));
    assert.equal(bench.connection.rack.reorderingSeen, false);
    bench.peer(ackBefore(3));
    assert.equal(bench.connection.rack.reorderingSeen, true);
  });

  test('RFC8985 §6.2 step 3: also among what left at the first moment of the clock', () => {
    const bench = flight(4, { now: 0, rttMs: 0 });
    bench
      .advance(100)
      .peer(ackBefore(1, [3, 3]))
      .peer(ackBefore(2, [3, 3]));
    assert.equal(bench.connection.tcpInfo(bench.now).reordSeen, 1);
  });

  test('RFC8985 §6.2 step 3: what arrives first has overtaken nothing, wherever the numbers stand', () => {
    for (const iss of [0x10000000, 0x7fffff00, 0xa0000000]) {
      const bench = flight(4, { iss });
      bench.advance(100).peer(ackBefore(1, [2, 2]));
      assert.equal(bench.connection.tcpInfo(bench.now).reordSeen, 0);
    }
  });

  test('RFC8985 §6.2 step 3: not when it had been sent again', () => {
    const bench = flight(4);
    bench.advance(100).peer(ackBefore(1, [2, 4]));
    bench.advance(100).peer(ackBefore(5));
    assert.equal(bench.connection.rack.reorderingSeen, false);
  });

  test('RFC8985 §6.2 step 4: once it was seen, three SACKed segments do not cut the wait short', () => {
    const bench = reordering(9);
    bench.advance(0).peer(ackBefore(3, [4, 7]));
    assert.equal(bench.connection.flight.lostBytes, 0);
    assert.equal(reorderingWindow(bench.connection), 25);
    bench.advance(25);
    assert.equal(bench.connection.flight.lostBytes, 1000);
  });

  test('RFC8985 §6.2 step 5: what arrives within the window was not lost, and the timer stops', () => {
    const bench = reordering(9);
    bench.peer(ackBefore(3, [4, 7]));
    bench.take();
    bench.advance(20).peer(ackBefore(8)).take();
    bench.advance(30);
    assert.equal(bench.connection.tcpInfo(bench.now).totalRetrans, 0);
    assert.equal(
      bench.recorder.timers.filter((t) => t.name === 'reorder' && t.op === 'stop').length > 0,
      true,
    );
  });

  test('RFC8985 §6.2 step 4: a duplicate reported widens the window by a quarter of the least round trip', () => {
    const bench = reordering(9);
    assert.equal(reorderingWindow(bench.connection), 25);
    bench.peer(duplicateOf(1, 3));
    assert.equal(reorderingWindow(bench.connection), 50);
  });

  test('RFC8985 §6.2 step 4: the first one does, wherever the numbers stand', () => {
    for (const iss of [0x10000000, 0xa0000000]) {
      const bench = flight(4, { iss });
      bench.advance(100).peer(ackBefore(5)).peer(duplicateOf(4, 5));
      assert.equal(bench.connection.rack.windowMult, 2);
    }
  });

  test('RFC8985 §6.2 step 4: once in a round trip, however many are reported', () => {
    const bench = reordering(9);
    for (const n of [1, 2, 1, 2]) bench.peer(duplicateOf(n, 3));
    assert.equal(bench.connection.rack.windowMult, 2);
    bench.write(5000);
    bench.advance(100).peer(ackBefore(10)).peer(duplicateOf(9, 10));
    assert.equal(bench.connection.rack.windowMult, 3);
  });

  test('RFC8985 §6.2 step 4: also when the last one was more than 2 GiB ago', () => {
    const rack = new Rack();
    rack.onDuplicateReported(5000, 1000);
    rack.onDuplicateReported(5999, 1000);
    assert.equal(rack.windowMult, 2);
    rack.onDuplicateReported(2 ** 31 + 9000, 1000);
    assert.equal(rack.windowMult, 3);
  });

  test('RFC8985 §6.2 step 4: never beyond the smoothed round trip', () => {
    const bench = reordering(9);
    bench.connection.rack.windowMult = 40;
    assert.equal(reorderingWindow(bench.connection), bench.connection.rtt.srtt);
  });

  test('RFC8985 §6.2 step 4: sixteen recoveries without a duplicate make it narrow again', () => {
    const bench = flight(8, { peer: { window: 60_000 }, config: { sendBufferBytes: 1_000_000 } });
    const { rack } = bench.connection;
    bench.advance(100).peer(ackBefore(9));
    bench.peer(duplicateOf(8, 9));
    assert.equal(rack.windowMult, 2);
    let base = 8;
    for (let i = 1; i <= 16; i++) {
      assert.equal(rack.windowMult, 2, `before recovery ${i}`);
      bench.connection.congestion.cwnd = 8000;
      bench.write(5000);
      const last = Math.round((bench.status.sndNxt - 1) / 1000);
      bench.advance(100).peer(ackBefore(base + 1, [base + 2, last]));
      bench
        .advance(100)
        .peer(ackBefore(last + 1))
        .take();
      assert.equal(bench.connection.tcpInfo(bench.now).caState, 'open');
      base = last;
    }
    assert.equal(rack.windowMult, 1);
  });
});
