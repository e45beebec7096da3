// What a congestion controller is told of each event: field by field, as `AckSample` describes it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { AckSample, Controller, LostSegment } from '../../src/tcp/congestion/controller.js';
import { Bench } from './harness.js';
import { ackBefore, type FlightOptions, flight, MSS } from './sacking.js';

/** Keeps what it is told, and a window that only a test moves. */
class Listener implements Controller {
  readonly name = 'listener';
  cwnd = 60_000;
  ssthresh = Number.MAX_SAFE_INTEGER;
  readonly inSlowStart = false;
  readonly acks: AckSample[] = [];
  readonly congestions: [AckSample, string][] = [];
  readonly timeouts: [AckSample, boolean][] = [];
  readonly recoveries: AckSample[] = [];
  readonly losses: LostSegment[] = [];
  readonly handshakes: number[] = [];
  readonly sent: [inFlight: number, isIdle: boolean, isAppLimited: boolean, now: number][] = [];

  constructor(readonly ownsRecovery: boolean) {}

  setMss(): void {}
  onAck(sample: AckSample): void {
    this.acks.push({ ...sample });
  }
  onCongestion(sample: AckSample, cause: string): void {
    this.congestions.push([{ ...sample }, cause]);
    this.ssthresh = this.cwnd;
  }
  onRecovered(sample: AckSample): void {
    this.recoveries.push({ ...sample });
  }
  onTimeout(sample: AckSample, isFirst: boolean): void {
    this.timeouts.push([{ ...sample }, isFirst]);
  }
  onSpurious(): void {}
  onHandshake(rttMs: number): void {
    this.handshakes.push(rttMs);
  }
  onIdle(): void {}
  onSent(inFlight: number, isIdle: boolean, isAppLimited: boolean, now: number): void {
    this.sent.push([inFlight, isIdle, isAppLimited, now]);
  }
  onSegmentLost({ seq, bytes, sentLost, sentInFlight, isAppLimited }: LostSegment): void {
    this.losses.push({ seq, bytes, sentLost, sentInFlight, isAppLimited });
  }
}

/** `segments` left at one moment; the handshake took 100 ms. */
function listening(
  segments: number,
  options: FlightOptions & { cwnd?: number } = {},
): { bench: Bench; told: Listener } {
  const { cwnd = 60_000, ...more } = options;
  const told = new Listener(true);
  told.cwnd = cwnd;
  const bench = flight(segments, { ...more, config: { congestion: () => told, ...more.config } });
  bench.take();
  return { bench, told };
}

describe('an acknowledgment', () => {
  test('of how many acknowledgments it is, and of one that came with data that it is one', () => {
    const { bench, told } = listening(6);
    bench
      .advance(40)
      .peerOf(3, ackBefore(4))
      .peer(ackBefore(5))
      .peerOf(2, `${ackBefore(6)} [10]`);
    assert.deepEqual(
      told.acks.map(({ acks }) => acks),
      [3, 1, 1],
    );
  });

  test('what it covers, what is left, and the newest of what it covers as it was when that left', () => {
    const { bench, told } = listening(4);
    bench.advance(40).peer(ackBefore(2));
    const { srttMs } = bench.status;
    assert.deepEqual(told.acks, [
      {
        now: bench.now,
        ackedBytes: MSS,
        deliveredBytes: MSS,
        lostBytes: 0,
        priorInFlight: 4 * MSS,
        inFlight: 3 * MSS,
        flightBytes: 4 * MSS,
        windowLimited: false,
        rttMs: 40,
        srttMs,
        minRttMs: 40,
        totalDelivered: MSS,
        totalLost: 0,
        sentDelivered: 0,
        sentLost: 0,
        sentInFlight: MSS,
        deliveryRate: MSS / 40,
        // When the connection opened there was nothing to send.
        isAppLimited: true,
        ecnEcho: false,
        hasSack: true,
        acks: 1,
      },
    ]);
    assert.ok(srttMs < 100 && srttMs > 40);
    bench.write(MSS);
    bench.advance(30).peer(ackBefore(6));
    const [, second] = told.acks;
    assert.deepEqual(
      [second!.ackedBytes, second!.sentDelivered, second!.sentInFlight, second!.inFlight],
      [4 * MSS, MSS, 4 * MSS, 0],
    );
    assert.deepEqual([second!.rttMs, second!.minRttMs, second!.totalDelivered], [30, 40, 5 * MSS]);
    bench.write(MSS);
    bench.advance(20).peer(ackBefore(7));
    assert.equal(told.acks[2]!.minRttMs, 20);
  });

  test('RFC2018 §5: by SACK something is delivered, and SND.UNA stays', () => {
    const { bench, told } = listening(4);
    bench.advance(30).peer(ackBefore(1, [3, 3]));
    const [first] = told.acks;
    assert.deepEqual([first!.ackedBytes, first!.deliveredBytes, first!.rttMs], [0, MSS, 30]);
    assert.deepEqual([first!.sentInFlight, first!.inFlight], [3 * MSS, 3 * MSS]);
    bench.advance(5).peer(ackBefore(4));
    const second = told.acks.at(-1)!;
    assert.deepEqual([second.ackedBytes, second.deliveredBytes], [3 * MSS, 2 * MSS]);
  });

  test('the newest is what left last, of one moment what has the highest number, in whatever order they are reported', () => {
    for (const iss of [0x10000000, -20 * MSS, 0x7fffffff - 3 * MSS]) {
      for (const blocks of [
        [4, 3, 7],
        [4, 7, 3],
        [7, 3, 4],
      ]) {
        const { bench, told } = listening(5, { iss });
        bench.advance(10).write(2 * MSS);
        bench.advance(40).peer(ackBefore(1, ...blocks.map((n): [number, number] => [n, n])));
        assert.equal(told.acks[0]!.sentInFlight, 7 * MSS, `${blocks}`);
      }
    }
    for (const blocks of [
      [2, 4],
      [4, 2],
    ]) {
      const { bench, told } = listening(5);
      bench.advance(50).peer(ackBefore(1, ...blocks.map((n): [number, number] => [n, n])));
      assert.equal(told.acks[0]!.sentInFlight, 4 * MSS, `${blocks}`);
    }
  });

  for (const [kind, ack] of [
    ['ACK', ackBefore(8)],
    ['SACK', ackBefore(1, [4, 7])],
  ] as const) {
    test(`RFC6298 §3: of segments that left at two moments an ${kind} measures the first`, () => {
      const { bench } = listening(5);
      bench.advance(10).write(2 * MSS);
      bench.advance(40).peer(ack);
      assert.equal(bench.recorder.rttSamples.at(-1), 50);
    });
  }

  test('RFC2018 §5: a SACK counts on a segment with data as well, and with another window', () => {
    for (const [data, window] of [
      ['[10] ', ''],
      ['', ' w50000'],
    ]) {
      const { bench, told } = listening(5);
      bench.advance(50).peer(`A 1 a1 ${data}<sack ${2 * MSS + 1}:${5 * MSS + 1}>${window}`);
      assert.equal(told.acks[0]!.deliveredBytes, 3 * MSS);
      assert.equal(told.acks[0]!.lostBytes, 2 * MSS);
    }
  });

  test('what SND.UNA covers is measured rather than what SACK reports beside it', () => {
    const { bench, told } = listening(5);
    bench.advance(10).write(2 * MSS);
    bench.advance(40).peer(ackBefore(2, [7, 7]));
    assert.equal(told.acks[0]!.rttMs, 50);
  });

  test('the newest is one that was sent again, where it left after those behind it', () => {
    const { bench, told } = listening(5);
    bench.advance(40).peer(ackBefore(1, [3, 5]));
    const resent = bench.take().length;
    assert.equal(resent, 2);
    bench.advance(40).peer(ackBefore(6));
    assert.deepEqual([told.acks[1]!.sentDelivered, told.acks[1]!.sentInFlight], [3 * MSS, 2 * MSS]);
    const other = listening(5);
    other.bench.advance(40).peer(ackBefore(1, [4, 5]));
    other.bench.advance(26).peer(ackBefore(1, [3, 5]));
    other.bench.advance(40).peer(ackBefore(6));
    assert.equal(other.told.acks.at(-1)!.sentDelivered >= 2 * MSS, true);
  });

  test('the round trip of the handshake is told, once', () => {
    const { bench, told } = listening(4);
    bench.advance(40).peer(ackBefore(2));
    assert.deepEqual(told.handshakes, [100]);
  });

  test('an ACK that delivers nothing has no part in the rate', () => {
    const { bench, told } = listening(2);
    bench.advance(50).peer('A 1 a1');
    bench.write(MSS);
    bench.advance(50).peer(ackBefore(4));
    assert.equal(told.acks.at(-1)!.deliveryRate, (3 * MSS) / 100);
  });

  test('without SACK that is told as well', () => {
    const { bench, told } = listening(4, { sack: false });
    bench.peer(ackBefore(2));
    assert.equal(told.acks[0]!.hasSack, false);
  });

  test('a measurement of nothing is one; the round trip is that of what was sent last among them', () => {
    const { bench, told } = listening(2);
    bench.peer(ackBefore(2));
    assert.equal(told.acks[0]!.rttMs, 0);
    bench.advance(10);
    bench.write(MSS);
    bench.advance(20).peer(ackBefore(4));
    assert.equal(told.acks[1]!.rttMs, 20);
  });

  test('RFC9293 MUST-18: of what was sent twice nothing is measured', () => {
    const { bench, told } = listening(1);
    bench.advance(bench.untilTimer);
    while (bench.status.retransmissions === 0) bench.advance(bench.untilTimer);
    bench.advance(50).peer(ackBefore(2));
    const sample = told.acks.at(-1)!;
    assert.deepEqual([sample.rttMs, sample.deliveredBytes], [-1, MSS]);
    assert.ok(sample.sentDelivered >= 0);
  });

  test('a sender that has run dry is app-limited, one that the window keeps back is not', () => {
    const { bench, told } = listening(2, { cwnd: 2 * MSS, waiting: 4 });
    for (const n of [3, 5, 7]) bench.advance(40).peer(ackBefore(n));
    bench.write(MSS);
    bench.advance(40).peer(ackBefore(8));
    assert.deepEqual(
      told.acks.map(({ isAppLimited }) => isAppLimited),
      [true, false, false, true],
    );
    assert.deepEqual(
      told.acks.map(({ windowLimited }) => windowLimited),
      [true, true, false, false],
    );
  });

  test('the clock may begin at 0', () => {
    for (const [line, sampleOf] of [
      [ackBefore(3), 40],
      [ackBefore(1, [2, 2]), 40],
    ] as const) {
      const told = new Listener(true);
      const bench = new Bench({
        config: { sack: true, congestion: () => told, nagle: false },
        peer: { options: 'mss 1000, sackOK' },
      });
      bench.now = 0;
      bench.connection.openActive(0);
      bench.flush().peer('SA 0 a1 <mss 1000, sackOK>');
      bench.write(2 * MSS);
      bench.advance(40).peer(line);
      assert.deepEqual([told.acks[0]!.rttMs, told.acks[0]!.sentDelivered], [sampleOf, 0]);
    }
  });

  test('RFC3168 §6.1.3: the echo of a mark', () => {
    const { bench, told } = listening(4, { config: { ecn: 'on' }, ecn: true });
    bench.peer(ackBefore(2), `AE 1 a${2 * MSS + 1}`);
    assert.deepEqual(
      told.acks.map(({ ecnEcho }) => ecnEcho),
      [false, true],
    );
    assert.equal(told.congestions[0]![1], 'ecn');
  });
});

describe('what a reduction is measured by', () => {
  test('RFC5681 §3.1 (4): the flight, where the application or the peer’s window limits the sender', () => {
    const { bench, told } = listening(4);
    bench.advance(10).peer(ackBefore(1, [2, 4]));
    const [sample, cause] = told.congestions[0]!;
    assert.equal(cause, 'loss');
    assert.deepEqual([sample.flightBytes, sample.windowLimited], [4 * MSS, false]);
  });

  test('RFC9438 §4.6: the window, where that limits it, also when a batch of ACKs has emptied the flight', () => {
    const { bench, told } = listening(6, { cwnd: 6 * MSS, waiting: 10 });
    bench.inject(ackBefore(3)).inject(ackBefore(3, [4, 6]));
    const [sample] = told.congestions[0]!;
    assert.deepEqual([sample.flightBytes, sample.windowLimited], [6 * MSS, true]);
  });

  test('RFC5681 §3.1 (4): never more than the window', () => {
    const { bench, told } = listening(4);
    told.cwnd = 3 * MSS;
    bench.advance(10).peer(ackBefore(1, [2, 4]));
    assert.equal(told.congestions[0]![0].flightBytes, 3 * MSS);
  });
});

describe('losses', () => {
  test('what is newly lost, and all that ever was', () => {
    const { bench, told } = listening(6);
    bench.advance(40).peer(ackBefore(1, [3, 6]));
    const sample = told.acks.at(-1)!;
    assert.deepEqual([sample.lostBytes, sample.totalLost], [2 * MSS, 2 * MSS]);
    assert.equal(sample.inFlight, 0);
    bench.write(MSS);
    bench.advance(40).peer(ackBefore(8));
    const later = told.acks.at(-1)!;
    assert.deepEqual([later.lostBytes, later.totalLost, later.sentLost], [0, 2 * MSS, 2 * MSS]);
    assert.equal(told.recoveries.length, 1);
  });

  test('each segment that is held lost, as it was when it left', () => {
    const { bench, told } = listening(5);
    const { iss } = bench.connection.snd;
    bench.advance(50).peer(ackBefore(1, [3, 5]));
    assert.deepEqual(
      told.losses.map(({ seq, ...rest }) => ({ number: (seq - iss) | 0, ...rest })),
      [1, 2].map((n) => ({
        number: (n - 1) * MSS + 1,
        bytes: MSS,
        sentLost: 0,
        sentInFlight: n * MSS,
        isAppLimited: told.acks[0]!.isAppLimited,
      })),
    );
    // Both are sent again, when 2000 bytes were held lost, and lost once more.
    bench.write(MSS);
    bench.advance(50).peer(ackBefore(1, [3, 6]));
    bench.advance(50).peer(ackBefore(1, [3, 6]));
    assert.deepEqual(
      told.losses.slice(2).map(({ sentLost, sentInFlight }) => [sentLost, sentInFlight]),
      [
        [2 * MSS, MSS],
        [2 * MSS, 2 * MSS],
      ],
    );
  });

  test('RFC3168 §6.1.2: neither a loss nor a timeout after a mark is another congestion', () => {
    const options: FlightOptions = { ecn: true, config: { ecn: 'on' } };
    const { bench, told } = listening(10, options);
    bench.advance(40).peer('AE 1 a1001');
    bench.advance(1).peer(ackBefore(2, [3, 8]));
    assert.deepEqual(
      told.congestions.map(([, cause]) => cause),
      ['ecn'],
    );
    const slow = listening(10, options);
    slow.bench.advance(40).peer('AE 1 a1001');
    while (slow.told.timeouts.length === 0) slow.bench.advance(slow.bench.untilTimer);
    assert.equal(slow.told.timeouts[0]![1], false);
  });

  test('RFC5681 §3.1: a timeout within a recovery is not the first of its losses', () => {
    const { bench, told } = listening(10);
    bench.advance(40).peer(ackBefore(1, [3, 8]));
    while (told.timeouts.length === 0) bench.advance(bench.untilTimer);
    assert.equal(told.timeouts[0]![1], false);
  });

  test('RFC6298 §5.7: a SYN that is lost is no loss of data', () => {
    const told = new Listener(true);
    const bench = Bench.synSent({ config: { congestion: () => told } });
    while (told.timeouts.length === 0) bench.advance(bench.untilTimer);
    assert.equal(told.timeouts[0]![1], false);
  });

  test('who owns the recovery keeps its window in the end of it', () => {
    const { bench, told } = listening(10);
    bench.advance(40).peer(ackBefore(1, [3, 8]));
    told.ssthresh = 3 * MSS;
    bench.advance(40).peer(ackBefore(11));
    assert.equal(told.recoveries.length, 1);
    assert.equal(told.cwnd, 60_000);
  });

  test('RFC8257 §3.3: who wants the exact share of marks hears of each, and of no congestion', () => {
    const { bench, told } = listening(10, { ecn: true, config: { ecn: 'on' } });
    Object.assign(told, { exactEcn: true });
    bench.advance(40).peer('AE 1 a1001');
    assert.equal(told.acks[0]!.ecnEcho, true);
    assert.equal(told.congestions.length, 0);
  });

  test('each with its own length', () => {
    const { bench, told } = listening(1);
    bench.write(300);
    bench.write(3 * MSS);
    bench.advance(50).peer(`A 1 a1 <sack ${MSS + 301}:${4 * MSS + 301}>`);
    assert.deepEqual(
      told.losses.map((one) => one.bytes),
      [MSS, 300],
    );
  });

  test('RFC5681 §3.2: without SACK the third duplicate tells of one segment, and half of it is not lost twice', () => {
    const { bench, told } = listening(1, { sack: false });
    bench.write(500);
    bench.write(4 * MSS);
    bench.advance(50).peer('A 1 a1', 'A 1 a1', 'A 1 a1');
    bench.advance(50).peer(`A 1 a${MSS / 2 + 1}`);
    assert.deepEqual(
      told.acks.map((one) => one.lostBytes),
      [0, 0, MSS, 0],
    );
    assert.equal(told.acks.at(-1)!.totalLost, MSS);
  });

  test('RFC8985 §6.2: what the reordering timer holds lost is about no segment that arrived', () => {
    const { bench, told } = listening(6);
    bench.advance(40).peer(ackBefore(1, [3, 6]));
    bench.advance(40).peer(ackBefore(7));
    bench.write(4 * MSS);
    bench.advance(30).peer(ackBefore(7, [10, 10]));
    const before = told.acks.at(-1)!;
    assert.deepEqual([before.sentLost, before.isAppLimited, before.lostBytes], [2 * MSS, true, 0]);
    assert.equal(before.sentInFlight, 4 * MSS);
    bench.advance(bench.untilTimer);
    const sample = told.acks.at(-1)!;
    assert.deepEqual(
      [sample.lostBytes, sample.sentDelivered, sample.sentLost, sample.sentInFlight, sample.isAppLimited],
      [3 * MSS, -1, 0, 0, false],
    );
  });

  test('RFC6298 §5: a timeout is about no segment that arrived', () => {
    const { bench, told } = listening(3);
    bench.advance(10).peer(ackBefore(2));
    while (told.timeouts.length === 0) bench.advance(bench.untilTimer);
    const [sample, isFirst] = told.timeouts[0]!;
    assert.equal(isFirst, true);
    assert.deepEqual(
      [sample.sentDelivered, sample.sentLost, sample.sentInFlight, sample.isAppLimited, sample.deliveryRate],
      [-1, 0, 0, false, 0],
    );
    assert.deepEqual(
      [sample.deliveredBytes, sample.rttMs, sample.inFlight, sample.lostBytes],
      [0, -1, 0, 2 * MSS],
    );
    assert.equal(sample.now, bench.now);
  });
});

describe('a transmission', () => {
  test('it is app-limited until everything has arrived that was in flight when the sender had run dry', () => {
    const { bench, told } = listening(3);
    bench.advance(100).inject(ackBefore(2));
    bench.queue(1000);
    bench.flush();
    assert.equal(told.sent.at(-1)![2], true);
  });

  test('what is then in flight, and whether nothing was, the first octet and what is sent again included', () => {
    const { bench, told } = listening(1);
    const { now } = bench;
    bench.write(1);
    bench.write(1000);
    assert.deepEqual(
      told.sent.map(([inFlight, isIdle]) => [inFlight, isIdle]),
      [
        [1, true],
        [1000, true],
        [1001, false],
        [2001, false],
      ],
      'the SYN, and three segments',
    );
    assert.deepEqual(
      told.sent.map(([, , , at]) => at),
      [now - 100, now, now, now],
    );
    bench.advance(100).peer('A 1 a2002');
    bench.write(1);
    bench.write(5);
    assert.deepEqual(
      told.sent.slice(4).map(([inFlight, isIdle, isAppLimited]) => [inFlight, isIdle, isAppLimited]),
      [
        [1, true, true],
        [6, false, true],
      ],
    );
  });
});
