// What an acknowledgment is news for, where several rules meet: which ACKs repeat, which count without advancing, which
// measure, and what the next one must not inherit.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { cubic } from '../../src/tcp/congestion/cubic.js';
import { Timer } from '../../src/tcp/timers.js';
import { Bench } from './harness.js';
import { ackBefore, edges, flight, MSS, segmentsSent } from './sacking.js';

function caState(bench: Bench): string {
  return bench.connection.tcpInfo(bench.now).caState;
}

/** As `flight`, and the first timeout has come. */
function timedOut(bench: Bench): Bench {
  while (bench.connection.rtx.tally.timeouts === 0) bench.advance(1);
  return bench;
}

describe('duplicates, where SACK is off', () => {
  test('RFC5681 §2: they are told by the window that the field stands for, not by the field', () => {
    const bench = flight(8, { sack: false, config: { windowScale: 2 }, peer: { window: 50_000 } });
    const scaled = Bench.synSent({
      config: { windowScale: 2, initialWindowSegments: 8 },
      peer: { window: 20_000 },
    });
    scaled.peer('SA 0 a1 <mss 1000, ws 2>').write(8 * MSS);
    scaled.peer('A 1 a1');
    for (const one of [bench, scaled]) {
      one.take();
      one.peer('A 1 a1', 'A 1 a1', 'A 1 a1');
      assert.equal(segmentsSent(one)[0], 1);
    }
  });

  test('RFC5681 §2: what is none is not counted among those that follow', () => {
    const bench = flight(8, { sack: false });
    bench.take();
    bench.peer('A 1 a1 [10]', 'A 11 a1 [10]', 'A 21 a1').take();
    assert.equal(bench.connection.retransmissions, 0);
    bench.peer('A 21 a1').take();
    assert.equal(bench.connection.retransmissions, 0);
    bench.peer('A 21 a1');
    assert.equal(bench.connection.retransmissions, 1);
  });

  test('RFC5681 §2: nor are those that repeat while nothing is in flight counted among those that follow', () => {
    const bench = flight(8, { sack: false });
    bench.advance(100).peer(ackBefore(9), ackBefore(9), ackBefore(9));
    bench.write(5 * MSS);
    bench.peer(ackBefore(9));
    assert.equal(bench.connection.retransmissions, 0);
    bench.peer(ackBefore(9), ackBefore(9));
    assert.equal(bench.connection.retransmissions, 1);
  });

  test('RFC5681 §2: nor is a FIN, which the peer repeats because it was overtaken', () => {
    const bench = flight(8, { sack: false });
    for (let i = 0; i < 4; i++) bench.peer('FA 2001 a1');
    assert.equal(bench.connection.retransmissions, 0);
  });

  test('RFC5681 §3.2: they tell of a loss of a single octet as well, and within a window of one', () => {
    for (const window of ['', ' w1']) {
      const bench = Bench.established();
      bench.write(1);
      bench.peer(`A 1 a1${window}`).take();
      for (let i = 0; i < 3; i++) bench.peer(`A 1 a1${window}`);
      bench.expect('PA 1 a1 [1]');
    }
  });

  test('RFC6582 §3.2 step 3: an ACK of everything ends what a partial one before it has begun', () => {
    const bench = flight(8, { sack: false, waiting: 20 });
    bench.advance(100);
    for (let i = 0; i < 7; i++) bench.peer('A 1 a1');
    // The first two duplicates let segments 9 and 10 go before the recovery began.
    assert.ok(Math.max(...segmentsSent(bench)) > 10);
    bench.advance(100).inject(ackBefore(3)).inject(ackBefore(11)).flush();
    assert.ok(bench.status.inFlight > 0);
    assert.equal(bench.connection.retransmissions, 1);
  });

  test('RFC5681 §2: the repeated offer of a closed window is none', () => {
    const bench = flight(8, { sack: false });
    bench.peer('A 1 a1 w0', 'A 1 a1 w0', 'A 1 a1 w0', 'A 1 a1 w0');
    assert.equal(caState(bench), 'open');
  });

  test('RFC5681 §3.2: after a timeout they let nothing go', () => {
    const bench = timedOut(flight(8, { sack: false }));
    bench.take();
    for (let i = 0; i < 5; i++) bench.peer('A 1 a1').silent();
  });

  test('RFC2018 §2: blocks of a peer that has not agreed on them mean nothing', () => {
    const bench = flight(8, { sack: false });
    bench.take();
    bench.peer(ackBefore(1, [2, 6])).silent();
    assert.equal(bench.connection.flight.sackedBytes, 0);
  });
});

describe('news without progress', () => {
  test('RFC3168 §6.1.2: the echo of a mark counts whatever comes with it', () => {
    const bench = flight(8, { ecn: true, config: { ecn: 'on' } });
    const { cwnd } = bench.status;
    bench.advance(100).peer('AE 1 a1 [10] w50000');
    assert.equal(caState(bench), 'cwr');
    assert.ok(bench.status.ssthresh < cwnd);
  });

  test('RFC3168 §6.1.3: bytes whose acknowledgment echoes a mark are counted', () => {
    const bench = flight(8, { ecn: true, config: { ecn: 'on' } });
    const marked = () => bench.connection.tcpInfo(bench.now).deliveredCeBytes;
    bench.advance(100).peer(ackBefore(3));
    assert.equal(marked(), 0);
    bench.peer(`AE 1 a${3 * MSS + 1}`);
    assert.equal(marked(), MSS);
    bench.peer(`AE 1 a${5 * MSS + 1}`);
    assert.equal(marked(), 3 * MSS);
  });

  test('RFC3708 §3: a report of a duplicate takes a reduction back also when nothing is in flight any more', () => {
    const bench = flight(8);
    const { cwnd } = bench.status;
    bench.advance(100).peer(ackBefore(1, [2, 6]));
    bench.advance(1).peer(ackBefore(9));
    assert.ok(bench.status.ssthresh < cwnd);
    bench.peer(ackBefore(9, [1, 1]));
    assert.ok(bench.status.ssthresh >= cwnd && bench.status.cwnd >= cwnd);
  });

  test('RFC6298 §5.3, RFC8985 §7.2: neither timeout nor probe are put off by an ACK that tells of no data', () => {
    const bench = flight(8, { config: { rtoMinMs: 1000 } });
    const { timers } = bench.connection;
    const before = [timers.deadline(Timer.RETRANSMISSION), timers.deadline(Timer.LOSS_PROBE)];
    bench.advance(50).peer('A 1 a1', 'A 1 a1');
    bench.peer(ackBefore(1, [1, 1]));
    assert.deepEqual([timers.deadline(Timer.RETRANSMISSION), timers.deadline(Timer.LOSS_PROBE)], before);
  });

  test('RFC8985 §7.2: where SACK reports something there is no probe to wait for', () => {
    const bench = flight(8);
    bench.advance(50).peer(`${ackBefore(1, [2, 2])} w50000`);
    assert.equal(bench.connection.timers.isSet(Timer.LOSS_PROBE), false);
  });
});

describe('measurements', () => {
  /** The retransmission of the first segment has left, half a tick after the clock's. */
  function resent(): Bench {
    const bench = flight(1, { timestamps: true, now: 50_000.5 });
    return timedOut(bench);
  }

  for (const ticks of [0, 100])
    test(`RFC7323 §4.1: what was sent twice is measured by its echo, in whole ticks: ${ticks}`, () => {
      const bench = resent();
      const [value] = bench.take().at(-1)!.options.ts!;
      bench.advance(ticks).peer(`A 1 a${bench.status.sndNxt} <ts 900 ${value}>`);
      assert.equal(bench.recorder.rttSamples.at(-1), ticks);
    });

  test('RFC9293 MUST-18: without an echo that is told to measure nothing', () => {
    const bench = resent();
    bench.advance(50).peer(`A 1 a${bench.status.sndNxt} <ts 900 0>`);
    assert.equal(bench.recorder.rttSamples.at(-1), -1);
  });

  test('RFC6298 §5.7: a SYN that was lost sets the timeout for data once, and a backoff of data stays', () => {
    const bench = Bench.synSent({ config: { initialWindowSegments: 4 } });
    while (bench.connection.rtx.tally.timeouts === 0) bench.advance(1);
    bench.peer('SA 0 a1 <mss 1000>').write(3 * MSS);
    assert.equal(bench.status.rtoMs, 3000);
    while (bench.connection.rtx.tally.timeouts === 1) bench.advance(1);
    assert.equal(bench.status.rtoMs, 6000);
    bench.peer(ackBefore(2));
    assert.equal(bench.status.rtoMs, 6000);
  });
});

describe('what is measured', () => {
  test('RFC7323 appendix G: with an ACK for every second segment each counts for so much less', () => {
    const bench = flight(7);
    bench.advance(180).peer(ackBefore(2));
    assert.equal(bench.status.srttMs, 100 + 80 / (8 * 4));
  });

  test('RFC9293 MUST-18: beside an ACK of what was sent twice a report measures nothing', () => {
    const bench = flight(5);
    bench.advance(100).peer(ackBefore(1, [2, 4]));
    bench.advance(100).peer(ackBefore(2, [3, 5]));
    assert.equal(bench.recorder.rttSamples.at(-1), -1);
  });

  test('RFC7323 §4.1: an echo measures only in an ACK that advances, and without a measurement none is told', () => {
    const bench = flight(5, { timestamps: true });
    const [sent] = bench.take()[0]!.options.ts!;
    const before = bench.recorder.rttSamples.length;
    bench.advance(50).peer(`A 1 a1 <ts 550 ${sent}>`);
    assert.equal(bench.recorder.rttSamples.length, before);
  });
});

describe('news of a single octet', () => {
  test('RFC2018 §5: its report counts as delivered, and no probe is waited for any more', () => {
    const bench = flight(0, { config: { initialWindowSegments: 10 } });
    for (let i = 0; i < 3; i++) bench.write(1);
    bench.advance(50).peer('A 1 a1 w50000 <sack 2:3>');
    assert.equal(bench.connection.rate.delivered, 1);
    assert.equal(bench.connection.timers.isSet(Timer.LOSS_PROBE), false);
  });

  test('RFC5681 §3.1: the window grows by it, also where its report had come before', () => {
    const bench = flight(0, { config: { initialWindowSegments: 10 } });
    for (let i = 0; i < 3; i++) bench.write(1);
    bench.advance(50).peer('A 1 a1 <sack 2:3>').peer('A 1 a2');
    const { cwnd } = bench.status;
    bench.peer('A 1 a3');
    assert.equal(bench.status.cwnd, cwnd + 1);
  });
});

describe('the window and the pace', () => {
  test('RFC5681 §3.1: what SACK had reported lets the window grow when it is acknowledged', () => {
    const bench = flight(4);
    bench
      .advance(100)
      .peer(ackBefore(1, [2, 2]))
      .peer(ackBefore(2));
    const { cwnd } = bench.status;
    bench.peer(ackBefore(3));
    assert.equal(bench.status.cwnd, cwnd + MSS);
  });

  test('each ACK sets the pace that the controller has now', () => {
    const rate = { pacingRate: 0 };
    const congestion = Object.assign(
      (mss: number, segments: number) => Object.assign(cubic(mss, segments), rate),
      { pacing: true },
    );
    const bench = flight(4, { config: { congestion } });
    const { pacer } = bench.connection;
    Object.assign(bench.connection.congestion, { pacingRate: 5000 });
    bench.advance(100).peer(ackBefore(2));
    assert.equal(pacer!.quantumBytes, 5000);
  });
});

describe('what the application hears', () => {
  test('that all is acknowledged once, not with each ACK that comes later', () => {
    const bench = flight(2);
    bench.peer(ackBefore(3)).events(['ALL_ACKNOWLEDGED']);
    bench.peer(ackBefore(3, [2, 2])).events([], ['ALL_ACKNOWLEDGED']);
  });

  test('that all is acknowledged: not while a closed window keeps something back, or a FIN is under way', () => {
    const shut = flight(2);
    shut.peer('A 1 a1001 w0').write(MSS);
    shut.peer('A 1 a2001 w0').events([], ['ALL_ACKNOWLEDGED']);
    const ending = flight(2).shutdown();
    ending.peer(ackBefore(3)).events([], ['ALL_ACKNOWLEDGED']);
    ending.peer('A 1 a2002').events(['ALL_ACKNOWLEDGED']);
  });

  test('of room in the send buffer as soon as the ACK is there, before anything leaves', () => {
    const bench = flight(4, { waiting: 4, config: { sendBufferBytes: 8 * MSS } });
    assert.equal(bench.write(MSS), 0);
    bench.takeEvents();
    bench.inject(ackBefore(4)).events(['WRITABLE']);
  });

  test('that all is acknowledged: not while something is in flight or waits', () => {
    const bench = flight(2, { waiting: 3 });
    bench.peer(ackBefore(2)).events([], ['ALL_ACKNOWLEDGED']);
    bench.peer('A 1 a3001 w0').events([], ['ALL_ACKNOWLEDGED']);
    bench.peer('A 1 a3001 w9000').peer(ackBefore(6)).events(['ALL_ACKNOWLEDGED']);
    bench.shutdown().peer(ackBefore(6)).events([], ['ALL_ACKNOWLEDGED']);
    bench.peer('A 1 a5002').events(['ALL_ACKNOWLEDGED']);
  });

  test('also of a FIN without data', () => {
    const bench = Bench.established().shutdown();
    bench.peer('A 1 a2').events(['ALL_ACKNOWLEDGED']);
  });

  test('of one octet as of many', () => {
    const bench = Bench.established();
    bench.write(1);
    bench.peer('A 1 a2').events(['ALL_ACKNOWLEDGED']);
    assert.equal(bench.connection.bytesAcknowledged, 1);
    assert.equal(bench.connection.rate.delivered, 1);
  });
});

describe('what is kept', () => {
  test('RFC8985 §6.2: no timer, when all is acknowledged', () => {
    const bench = flight(3);
    bench.advance(100).peer(ackBefore(1, [2, 2]));
    assert.equal(bench.connection.timers.isSet(Timer.REORDERING), true);
    bench.peer(ackBefore(4));
    assert.equal(bench.connection.timers.next(), Number.POSITIVE_INFINITY);
  });

  test('RFC2018 §8: the last segment in flight, which was reported, is not acknowledged: the report is not believed', () => {
    const bench = flight(2);
    bench
      .advance(100)
      .peer(ackBefore(1, [2, 2]))
      .take();
    bench.advance(5).peer(ackBefore(2)).take();
    bench.advance(60);
    assert.deepEqual(segmentsSent(bench), [2]);
  });

  test('RFC2018 §5: nothing of a report that was acknowledged', () => {
    const bench = flight(6);
    bench.advance(100).peer(ackBefore(1, [2, 2], [4, 4]));
    assert.equal(bench.connection.scoreboard!.count, 2);
    bench.peer(ackBefore(4));
    assert.equal(bench.connection.scoreboard!.count, 1);
  });

  test('ATTACKS 2: reports that were acknowledged take no room from those to come', () => {
    const bench = flight(0, { config: { sendBufferBytes: 1_000_000, initialWindowSegments: 4 } });
    for (let i = 0; i < 1100; i++) {
      bench.write(MSS);
      bench.write(MSS);
      const first = 2 * i + 1;
      bench.inject(ackBefore(first, [first + 1, first + 1]));
      assert.equal(bench.connection.flight.sackedBytes, MSS, `pair ${i}`);
      bench.inject(ackBefore(first + 2));
    }
  });

  test('the window of a half acknowledged segment counts its rest only, and a reported one nothing', () => {
    const bench = flight(4);
    bench.advance(50).peer(`A 1 a${MSS / 2 + 1}`);
    assert.equal(bench.connection.rate.delivered, MSS / 2);
    bench.peer(`A 1 a${MSS / 2 + 1} <sack ${edges(2, 2)}>`);
    assert.equal(bench.connection.rate.delivered, 1.5 * MSS);
    bench.peer(`A 1 a${1.5 * MSS + 1}`);
    assert.equal(bench.connection.rate.delivered, 2 * MSS);
    bench.peer(ackBefore(5));
    assert.equal(bench.connection.rate.delivered, 4 * MSS);
  });
});
