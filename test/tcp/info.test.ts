// TCP_INFO of the core: each count against what crossed the path, each measure against the situation that it describes.
// What limits a connection, and the times of that, have their own file.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Timer } from '../../src/tcp/timers.js';
import { FIN, RST } from '../../src/wire/segment.js';
import { Bench, type Captured, Pair, type Path, Random, type Side } from './harness.js';
import { ackBefore, flight } from './sacking.js';

function infoOf(bench: Bench) {
  return bench.connection.tcpInfo(bench.now);
}

/** What one direction of a path has seen. */
class Witness {
  segments = 0;
  dataSegments = 0;
  bytes = 0;
  repeatedBytes = 0;
  repeatedSegments = 0;
  arrived = 0;
  dataArrived = 0;
  aheadOfTurn = 0;
  /** End of the stream as far as it was sent, and as far as it is complete at the receiver. */
  private sentUpTo = 1;
  private expected = 1;
  private readonly kept = new Set<number>();

  leaves(s: Captured): void {
    // Of who has no connection any more: no count is kept of it.
    if (s.flags & RST) return;
    this.segments++;
    if (s.retransmission > 0) this.repeatedSegments++;
    if (s.payload.length === 0) return;
    const end = s.seq + s.payload.length;
    this.dataSegments++;
    this.bytes += s.payload.length;
    this.repeatedBytes += s.payload.length - Math.max(0, end - this.sentUpTo);
    this.sentUpTo = Math.max(this.sentUpTo, end);
  }

  arrives(s: Captured): void {
    this.arrived++;
    if (s.payload.length > 0) this.dataArrived++;
    if ((s.payload.length > 0 || s.flags & FIN) && s.seq > this.expected) this.aheadOfTurn++;
    for (let i = 0; i < s.payload.length; i++) this.kept.add(s.seq + i);
    while (this.kept.delete(this.expected)) this.expected++;
  }
}

/** A path that loses, repeats and reorders, with a witness on it. */
function witnessed(random: Random, witness: Witness): Path {
  return (segment) => {
    witness.leaves(segment);
    if (random.chance(0.06)) return [];
    return random.chance(0.03) ? [random.int(5, 20), random.int(5, 60)] : [random.int(5, 20)];
  };
}

function watchArrivals(side: Side, witness: Witness): void {
  const arrive = side.arrive.bind(side);
  side.arrive = (s) => {
    // Who has no connection any more answers as if there never was one.
    if (side.state !== 'CLOSED' || side.listening) witness.arrives(s);
    arrive(s);
  };
}

describe('counts', () => {
  test('they are those of the wire: segments, payload, what was sent again, what came ahead of its turn', () => {
    let repeated = 0;
    let ahead = 0;
    for (let seed = 1; seed <= 30; seed++) {
      const random = new Random(seed);
      const sent = { a: new Witness(), b: new Witness() };
      // A small buffer at the reader: windows close, and are probed.
      const config = { receiveBufferBytes: 5000, windowScale: -1 };
      const pair = new Pair(
        { path: witnessed(random, sent.a), config },
        { path: witnessed(random, sent.b), config },
      );
      watchArrivals(pair.b, sent.a);
      watchArrivals(pair.a, sent.b);
      const left = new Map([
        [pair.a, 30_000],
        [pair.b, 9000],
      ]);
      pair.application = () => {
        for (const [side, bytes] of left) {
          const { connection } = side;
          if (connection === null) continue;
          if (random.chance(0.6)) while (connection.receive(3000, pair.now)) {}
          if (bytes < 0 || connection.state < 4) continue;
          const taken = connection.send(new Uint8Array(Math.min(bytes, random.int(1, 4000))), true, pair.now);
          left.set(side, bytes - taken);
          if (bytes > taken) continue;
          connection.shutdownWrite(pair.now);
          left.set(side, -1);
        }
      };
      pair.start();
      while (pair.step(200_000) && left.get(pair.a)! + left.get(pair.b)! > -2) {}
      // The readers take what is left, so that nothing is probed for ever.
      pair.application = () => {
        for (const { connection } of [pair.a, pair.b]) while (connection?.receive(3000, pair.now)) {}
      };
      pair.advance(100_000);
      for (const [mine, theirs, side] of [
        [sent.a, sent.b, pair.a],
        [sent.b, sent.a, pair.b],
      ] as const) {
        const info = side.connection!.tcpInfo(pair.now);
        assert.deepEqual(
          {
            segsOut: info.segsOut,
            dataSegsOut: info.dataSegsOut,
            bytesSent: info.bytesSent,
            bytesRetrans: info.bytesRetrans,
            totalRetrans: info.totalRetrans,
            segsIn: info.segsIn,
            dataSegsIn: info.dataSegsIn,
            rcvOooPack: info.rcvOooPack,
            bytesAcked: info.bytesAcked,
            bytesReceived: info.bytesReceived,
          },
          {
            segsOut: mine.segments,
            dataSegsOut: mine.dataSegments,
            bytesSent: mine.bytes,
            bytesRetrans: mine.repeatedBytes,
            totalRetrans: mine.repeatedSegments,
            segsIn: theirs.arrived,
            dataSegsIn: theirs.dataArrived,
            rcvOooPack: theirs.aheadOfTurn,
            bytesAcked: side === pair.a ? 30_000 : 9000,
            bytesReceived: side === pair.a ? 9000 : 30_000,
          },
          `seed ${seed}, ${side.name}\n${pair.tail(60)}`,
        );
        assert.equal(info.bytesSent - info.bytesRetrans, info.bytesAcked);
        assert.ok(info.deliveredBytes >= info.bytesAcked);
        repeated += info.bytesRetrans;
        ahead += info.rcvOooPack;
      }
    }
    assert.ok(repeated > 10_000 && ahead > 20, `${repeated} bytes repeated, ${ahead} segments ahead`);
  });

  test('RFC9293 §3.8.6.1: of a probe only its octet counts as sent again when data joins it', () => {
    const bench = Bench.established();
    bench.peer('A 1 a1 w0');
    bench.write(5000);
    bench.advance(bench.untilTimer).expect('A 1 a1 [1]');
    bench
      .peer('A 1 a1 w10000')
      .expect(
        'A 1 a1 [1000]',
        'A 1001 a1 [1000]',
        'A 2001 a1 [1000]',
        'A 3001 a1 [1000]',
        'A 4001 a1 [1000]',
      );
    const info = infoOf(bench);
    assert.deepEqual([info.bytesSent, info.bytesRetrans, info.totalRetrans], [5001, 1, 1]);
  });

  test('a FIN that joins a probe is no payload', () => {
    const bench = Bench.established();
    bench.peer('A 1 a1 w0');
    bench.write(100);
    bench.shutdown();
    bench.advance(bench.untilTimer).take();
    bench.peer('A 1 a1 w10000').expect('FA 1 a1 [100]');
    const info = infoOf(bench);
    assert.deepEqual([info.bytesSent, info.bytesRetrans], [101, 1]);
  });

  test('data on the SYN that opened us is data', () => {
    const bench = Bench.synReceived({}, 'S 0 [10] <mss 1000>');
    assert.deepEqual([infoOf(bench).segsIn, infoOf(bench).dataSegsIn], [1, 1]);
  });
});

describe('timeouts', () => {
  test('RFC6298 §5: each is counted, a row of them is one recovery, which lasts until what was lost is acknowledged', () => {
    const bench = Bench.established();
    bench.write(3000);
    const first = bench.untilTimer;
    const { rtoMs } = infoOf(bench);
    bench.advance(first);
    bench.advance(bench.untilTimer);
    bench.advance(100);
    let info = infoOf(bench);
    assert.deepEqual([info.retransmits, info.backoff, info.rtoMs], [2, 2, 4 * rtoMs]);
    assert.deepEqual([info.totalRto, info.totalRtoRecoveries, info.caState], [2, 1, 'loss']);
    assert.equal(info.congestionPhase, 'loss');
    const spent = info.totalRtoTimeMs;
    assert.equal(spent, 2 * rtoMs + 100);
    // Not all that was lost is repaired by this.
    bench.peer('A 1 a1001').advance(50);
    info = infoOf(bench);
    assert.deepEqual([info.retransmits, info.totalRtoTimeMs], [0, spent + 50]);
    bench.peer('A 1 a3001').advance(50);
    info = infoOf(bench);
    assert.deepEqual([info.totalRtoTimeMs, info.caState], [spent + 50, 'open']);
    // Another one begins, and the end of the connection ends it.
    bench.write(1000);
    bench.advance(bench.untilTimer);
    bench.advance(30).abort();
    bench.advance(1000);
    info = infoOf(bench);
    assert.deepEqual([info.totalRto, info.totalRtoRecoveries, info.totalRtoTimeMs], [3, 2, spent + 80]);
  });

  test('RFC6298 §5.7: a measurement ends the backoff, and an acknowledgment of something sent twice is none', () => {
    const bench = Bench.established();
    bench.write(1000);
    bench.advance(bench.untilTimer).peer('A 1 a1001');
    assert.deepEqual([infoOf(bench).retransmits, infoOf(bench).backoff], [0, 1]);
    bench.write(1000);
    bench.advance(10).peer('A 1 a2001');
    assert.equal(infoOf(bench).backoff, 0);
  });

  test('RFC6298 §5.7: those of a SYN count as well, and end with its acknowledgment', () => {
    const bench = Bench.synSent();
    bench.advance(bench.untilTimer).advance(200);
    bench.peer('SA 0 a1 <mss 1000>').advance(1000);
    const info = infoOf(bench);
    assert.deepEqual([info.totalRto, info.totalRtoRecoveries, info.totalRtoTimeMs], [1, 1, 200]);
    assert.equal(info.backoff, 0, 'the timeout for data is one of its own');
  });

  test('RFC9293 MUST-36: probes of a closed window are no timeouts, but double the wait', () => {
    const bench = Bench.established();
    bench.peer('A 1 a1 w0');
    bench.write(1000);
    for (const n of [1, 2, 3]) {
      bench.advance(bench.untilTimer);
      const info = infoOf(bench);
      assert.deepEqual([info.probes, info.backoff, info.totalRto], [n, n, 0]);
      assert.equal(
        bench.connection.timers.deadline(Timer.PERSIST) - bench.now,
        info.rtoMs * 2 ** info.backoff,
      );
    }
  });
});

describe('what is outstanding', () => {
  test('sent, queued, and neither SYN nor FIN counted among what was not sent', () => {
    const opening = new Bench();
    opening.connection.openActive(opening.now);
    opening.queue(700);
    assert.equal(infoOf(opening).notSentBytes, 700);
    opening.flush();
    assert.deepEqual([infoOf(opening).unackedBytes, infoOf(opening).notSentBytes], [1, 700]);

    const bench = Bench.established({ config: { initialWindowSegments: 2 } });
    bench.write(2500);
    let info = infoOf(bench);
    assert.deepEqual([info.unackedBytes, info.unackedSegments, info.notSentBytes], [2000, 2, 500]);
    assert.deepEqual([info.sndCwndBytes, info.sndCwndSegments, info.sndSsthreshBytes], [2000, 2, null]);
    bench.shutdown();
    bench.peer('A 1 a2001');
    info = infoOf(bench);
    assert.deepEqual([info.unackedBytes, info.notSentBytes], [501, 0]);
  });

  test('RFC5681 §3.2: duplicate ACKs tell of segments that arrived, the third of one that was lost', () => {
    const bench = Bench.established({ peer: { window: 20_000 } });
    bench.write(6000);
    assert.equal(infoOf(bench).caState, 'open');
    bench.peer('A 1 a1');
    assert.deepEqual([infoOf(bench).caState, infoOf(bench).sackedBytes], ['disorder', 1000]);
    bench.peer('A 1 a1');
    bench.inject('A 1 a1');
    let info = infoOf(bench);
    assert.deepEqual([info.caState, info.congestionPhase], ['recovery', 'recovery']);
    assert.deepEqual([info.sackedBytes, info.lostBytes, info.resentBytes], [3000, 1000, 0]);
    assert.equal(info.inFlightBytes, 2000);
    assert.equal(info.sndSsthreshBytes, bench.status.ssthresh);
    bench.flush();
    info = infoOf(bench);
    assert.deepEqual([info.lostBytes, info.resentBytes, info.inFlightBytes], [1000, 1000, 3000]);
  });

  test('RFC8985 §6.2: what was overtaken is told, and how long it is waited for', () => {
    const bench = Bench.established({ peer: { window: 20_000 } });
    bench.connection.sackAgreed = true;
    bench.write(2000);
    bench.advance(40).peer('A 1 a2001');
    bench.write(3000);
    bench.advance(40);
    bench.peer('A 1 a2001 <sack 3001:4001>');
    assert.deepEqual([infoOf(bench).reordSeen, infoOf(bench).sackedBytes], [0, 1000]);
    bench.peer('A 1 a4001');
    const info = infoOf(bench);
    assert.deepEqual([info.reordSeen, info.reorderingWindowMs, info.minRttMs], [1, 10, 40]);
  });

  test('RFC2883 §4: reports of duplicates are counted', () => {
    const bench = Bench.established({ peer: { window: 20_000 } });
    bench.connection.sackAgreed = true;
    bench.write(2000);
    bench.peer('A 1 a2001');
    assert.equal(infoOf(bench).dsackDups, 0);
    bench.peer('A 1 a2001 <sack 1:1001>');
    assert.equal(infoOf(bench).dsackDups, 1);
  });
});

describe('the rest', () => {
  test('options, sizes and shifts are those of the SYNs', () => {
    const options = 'mss 900, ws 7';
    const bench = Bench.established({
      config: { windowScale: 4, receiveBufferBytes: 900_000 },
      peer: { options },
    });
    bench.peer('A 1 a1 [333]');
    const info = infoOf(bench);
    const { options: agreed } = info;
    assert.deepEqual(agreed, {
      timestamps: false,
      sack: false,
      windowScale: true,
      ecn: false,
      synData: false,
    });
    assert.equal(info.fastOpen, 'off');
    assert.deepEqual([info.sndWscale, info.rcvWscale], [7, 4]);
    assert.deepEqual([info.sndMss, info.rcvMss, info.advMss, info.pmtuBytes], [900, 333, 1000, 1040]);
    assert.equal(info.sndWndBytes, 10_000 << 7);
    assert.equal(info.rcvSsthreshBytes, info.rcvWndBytes + 333);
    const v6 = Bench.established({ family: 6 });
    assert.equal(infoOf(v6).pmtuBytes, 1060);
    assert.deepEqual(infoOf(v6).options.windowScale, false);
  });

  test('a reset that leaves is a segment', () => {
    const bench = Bench.established();
    const { segsOut } = infoOf(bench);
    bench.abort().expect('RA 1 a1');
    assert.equal(infoOf(bench).segsOut, segsOut + 1);
  });

  test('ages: null for what never happened, else the time since', () => {
    const bench = new Bench();
    assert.deepEqual(ages(bench), [null, null, null, null]);
    bench.connection.openActive(bench.now);
    bench.flush();
    bench.advance(25).peer('SA 0 a1 <mss 1000>');
    assert.deepEqual(ages(bench), [25, 0, null, 0]);
    bench.advance(10);
    bench.write(10);
    bench.advance(5).peer('A 1 a11 [20]');
    assert.deepEqual(ages(bench), [5, 0, 0, 0]);
    bench.advance(7).peer('A 21 a11');
    assert.deepEqual(ages(bench), [12, 7, 7, 0]);
  });

  test('rates are told in bytes per second', () => {
    const bench = Bench.established();
    assert.deepEqual(
      [infoOf(bench).deliveryRateBytesPerSecond, infoOf(bench).pacingRateBytesPerSecond],
      [0, null],
    );
    bench.write(4000);
    bench.advance(20).peer('A 1 a4001');
    assert.equal(infoOf(bench).deliveryRateBytesPerSecond, 200_000);
    const slow = Bench.established({ config: { nagle: false } });
    slow.write(1);
    slow.advance(50);
    slow.write(999);
    slow.advance(50).peer('A 1 a1001');
    assert.equal(infoOf(slow).deliveryRateBytesPerSecond, 10_000, 'from when a single octet left');
    Object.assign(bench.connection.congestion, { pacingRate: 12.5 });
    assert.equal(infoOf(bench).pacingRateBytesPerSecond, 12_500);
  });

  test('it is plain data: JSON loses nothing, in any state', () => {
    const benches = [
      new Bench(),
      Bench.synSent(),
      Bench.synReceived(),
      Bench.established(),
      Bench.accepted(),
    ];
    benches.push(Bench.established().abort(), Bench.established().shutdown().peer('FA 1 a2'));
    for (const bench of benches) {
      const info = infoOf(bench);
      assert.deepEqual(JSON.parse(JSON.stringify(info)), info);
    }
    assert.equal(infoOf(benches[6]!).state, 'TIME-WAIT');
  });
});

function ages(bench: Bench): (number | null)[] {
  const { lastDataSentMs, lastAckSentMs, lastDataRecvMs, lastAckRecvMs } = infoOf(bench);
  return [lastDataSentMs, lastAckSentMs, lastDataRecvMs, lastAckRecvMs];
}

describe('where it is about one', () => {
  test('a single segment of ours has left, and nothing waits before the first SEND', () => {
    const { lastDataSentMs, lastAckSentMs, notSentBytes } = infoOf(Bench.synSent().advance(5));
    assert.deepEqual([lastDataSentMs, lastAckSentMs, notSentBytes], [5, 5, 0]);
  });

  test('a segment that the congestion window does not take whole does not count', () => {
    const bench = Bench.established({ config: { initialWindowSegments: 10 } });
    bench.write(15_000);
    bench.peer('A 1 a1501');
    const { sndCwndBytes, sndCwndSegments } = infoOf(bench);
    assert.notEqual(sndCwndBytes % 1000, 0);
    assert.equal(sndCwndSegments, Math.floor(sndCwndBytes / 1000));
  });

  test('one segment that arrived ahead of its turn, or one duplicate, is disorder', () => {
    const reported = flight(4)
      .advance(100)
      .peer(ackBefore(1, [2, 2]));
    assert.equal(infoOf(reported).caState, 'disorder');
    const repeated = flight(4, { sack: false }).advance(100).peer(ackBefore(1));
    assert.equal(infoOf(repeated).caState, 'disorder');
    assert.equal(infoOf(repeated).reorderingWindowMs, 0, 'nobody waits for what SACK would tell');
  });
});
