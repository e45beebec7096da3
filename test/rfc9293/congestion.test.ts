// Congestion control: RFC 5681, RFC 6582, RFC 6928, RFC 3465 (RFC 9293 §3.8.2).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newReno } from '../../src/tcp/congestion/newreno.js';
import { Bench } from '../tcp/harness.js';

const MSS = 1000;

/** ESTABLISHED with a wide peer window and much to send. */
function flowing(initialWindowSegments = 10, queued = 90_000): Bench {
  const config = { initialWindowSegments, rtoMinMs: 1000, congestion: newReno };
  const bench = Bench.established({ config, peer: { window: 60_000 } });
  bench.write(queued);
  return bench;
}

/** Three duplicate ACKs of `ack`. */
function threeDuplicates(bench: Bench, ack: number): void {
  bench.peer(`A 1 a${ack}`, `A 1 a${ack}`, `A 1 a${ack}`);
}

describe('slow start', () => {
  test('RFC9293 MUST-19: the first flight is the initial window', () => {
    assert.equal(flowing(10).take().length, 10);
    assert.equal(flowing(3).take().length, 3);
  });

  test('RFC6928 §2: by default ten segments', () => {
    const bench = Bench.established({ peer: { window: 60_000 } });
    bench.write(50_000);
    assert.equal(bench.take().length, 10);
  });

  test('RFC5681 §3.1: after a lost SYN the initial window is one segment', () => {
    const bench = Bench.synSent({ peer: { window: 60_000 } });
    bench.advance(1500).peer('SA 0 a1 <mss 1000>').settled('ESTABLISHED');
    bench.write(50_000);
    assert.equal(bench.take().length, 1);
  });

  test('RFC9293 MUST-19: each ACK of a full segment lets two more go', () => {
    const bench = flowing(4);
    bench.take();
    for (let i = 1; i <= 4; i++) {
      bench.peer(`A 1 a${1 + i * MSS}`);
      assert.equal(bench.take().length, 2);
    }
    assert.equal(bench.status.cwnd, 8 * MSS);
  });

  test('RFC3465 §2.2: an ACK of many segments grows the window by two at most', () => {
    const bench = flowing(8);
    bench.take();
    bench.peer(`A 1 a${1 + 8 * MSS}`);
    assert.ok(bench.status.cwnd <= 10 * MSS, `cwnd ${bench.status.cwnd}`);
  });

  test('RFC3465: dividing the ACKs gains nothing', () => {
    const bench = flowing(4);
    bench.take();
    for (let ack = 11; ack <= 1 + MSS; ack += 10) bench.peer(`A 1 a${ack}`);
    assert.ok(bench.status.cwnd <= 5 * MSS, `cwnd ${bench.status.cwnd}`);
  });

  test('RFC7661: a window that the application does not fill does not grow', () => {
    const bench = flowing(10, 100);
    for (let i = 0; i < 100; i++) {
      bench.advance(10).peer(`A 1 a${bench.status.sndNxt}`);
      bench.write(100);
    }
    assert.ok(bench.status.cwnd <= 12 * MSS, `cwnd ${bench.status.cwnd}`);
  });

  test('RFC9293 §3.8.2: an acknowledgment of data never sent does not open the window', () => {
    const bench = flowing(4);
    bench.take();
    const before = bench.status.cwnd;
    bench.peer('A 1 a50001').peer('A 1 a90001');
    assert.equal(bench.status.cwnd, before);
    assert.equal(bench.status.sndUna, 1);
  });
});

describe('congestion avoidance', () => {
  test('RFC5681 §3.1: above ssthresh the window grows by about one segment per round trip', () => {
    const bench = flowing(10, 100_000);
    bench.take();
    bench.advance(1000).take();
    const { ssthresh } = bench.status;
    assert.equal(ssthresh, 5 * MSS);
    let rounds = 0;
    bench.peer('A 1 a10001');
    bench.take();
    while (bench.status.cwnd < 8 * MSS && rounds < 20) {
      const { sndUna, sndNxt, cwnd } = bench.status;
      const avoiding = cwnd >= ssthresh;
      for (let ack = sndUna + MSS; ack <= sndNxt; ack += MSS) bench.peer(`A 1 a${ack}`);
      bench.take();
      rounds++;
      if (avoiding) assert.ok(bench.status.cwnd - cwnd <= 1.5 * MSS, `${cwnd} to ${bench.status.cwnd}`);
    }
    assert.ok(rounds >= 3, `${rounds} rounds`);
    assert.ok(rounds < 20, 'the window grows');
  });

  test('RFC5681 §3.1 (4): a timeout sets ssthresh to half the flight, 2 MSS at least, and the window to one segment', () => {
    const bench = flowing(10);
    bench.take();
    bench.advance(1000).expect(`A 1 a1 [${MSS}]`);
    assert.equal(bench.status.cwnd, MSS);
    assert.equal(bench.status.ssthresh, 5 * MSS);
    bench.advance(2000).expect(`A 1 a1 [${MSS}]`);
    assert.equal(bench.status.cwnd, MSS);
    assert.equal(bench.status.ssthresh, 5 * MSS, 'a repeated timeout of the same segment leaves ssthresh');
    const small = flowing(2);
    small.take();
    small.advance(1000);
    assert.equal(small.status.ssthresh, 2 * MSS);
  });

  test('RFC5681 §4.1: after an idle time longer than the RTO the window is the initial window again', () => {
    const bench = flowing(4, 20_000);
    for (let i = 0; i < 12; i++) bench.peer(`A 1 a${bench.status.sndNxt}`);
    assert.ok(bench.status.cwnd > 4 * MSS);
    bench.take();
    bench.advance(60_000);
    bench.write(50_000);
    assert.equal(bench.take().length, 4);
  });

  test('RFC5681 §4.1: not after one that is just as long, nor before there is something to send', () => {
    const bench = flowing(4, 20_000);
    for (let i = 0; i < 12; i++) bench.peer(`A 1 a${bench.status.sndNxt}`);
    const { cwnd, rtoMs } = bench.status;
    const quietSince = bench.connection.lastDataSentAt;
    bench.take();
    bench.advance(quietSince + rtoMs - bench.now);
    bench.write(1);
    assert.equal(bench.status.cwnd, cwnd);
    bench.peer(`A 1 a${bench.status.sndNxt}`);
    const wide = bench.status.cwnd;
    bench.advance(60_000);
    bench.peer(`A 1 a${bench.status.sndNxt} [10]`);
    assert.equal(bench.status.cwnd, wide, 'an ACK of ours is no transmission of data');
    bench.write(1);
    assert.equal(bench.status.cwnd, 4 * MSS);
  });

  test('RFC5681 §4.1: also where the last ACK told of congestion', () => {
    const config = { initialWindowSegments: 4, congestion: newReno, ecn: 'on' } as const;
    const bench = Bench.synSent({ config, peer: { window: 60_000 } });
    bench.peer('SAE 0 a1 <mss 1000>').settled('ESTABLISHED');
    bench.write(20_000);
    for (let i = 0; i < 12; i++) bench.peer(`A 1 a${bench.status.sndNxt}`);
    bench.take();
    bench.write(bench.status.cwnd);
    bench.peer(`AE 1 a${bench.status.sndNxt}`);
    assert.equal(bench.status.inFlight, 0);
    assert.ok(bench.status.cwnd > 4000, `${bench.status.cwnd}`);
    bench.take();
    bench.advance(60_000);
    bench.write(30_000);
    assert.equal(bench.take().length, 4);
  });

  test('RFC5681 §4.1: a single octet in flight keeps the clock of ACKs: the pause is none', () => {
    const bench = flowing(4, 20_000);
    for (let i = 0; i < 12; i++) bench.peer(`A 1 a${bench.status.sndNxt}`);
    const { cwnd } = bench.status;
    bench.take();
    bench.call((c) => c.setNagle(false));
    const first = bench.status.sndNxt;
    for (const bytes of [1000, 1]) bench.write(bytes);
    bench.call((c) => c.setNagle(true));
    bench.write(10);
    assert.equal(bench.take().length, 2, 'Nagle holds the last one back');
    // The ACK starts the timeout anew.
    bench.advance(900).peer(`A 1 a${first + 1000}`);
    bench.advance(2000).silent();
    assert.ok(bench.now - bench.connection.lastDataSentAt > bench.status.rtoMs);
    assert.equal(bench.status.inFlight, 1);
    assert.ok(bench.status.cwnd >= cwnd, `${bench.status.cwnd} after ${cwnd}`);
  });

  test('RFC5681 §3.1: a single octet in flight takes its place in the window', () => {
    const config = { initialWindowSegments: 1, nagle: false, congestion: newReno };
    const bench = Bench.established({ config });
    bench.write(1);
    bench.write(1000);
    bench.expect('A 1 a1 [1]');
  });
});

describe('fast retransmit and recovery', () => {
  test('RFC5681 §3.2: the third duplicate ACK resends the lost segment at once', () => {
    const bench = flowing(10);
    bench.take();
    bench.peer('A 1 a1').peer('A 1 a1');
    for (const s of bench.take()) assert.ok(s.seq > 1, 'limited transmit sends new data only');
    bench.peer('A 1 a1');
    assert.equal(bench.take()[0]!.seq, 1);
    assert.equal(bench.state('ESTABLISHED').status.retransmissions, 1);
  });

  test('RFC3042 §2: the first two duplicates let one new segment go each', () => {
    const bench = flowing(10);
    bench.take();
    for (let i = 0; i < 2; i++) {
      bench.peer('A 1 a1').expect(`A ${10_001 + i * MSS} a1 [${MSS}]`);
    }
    assert.equal(bench.status.cwnd, 10 * MSS, 'the window itself does not change');
  });

  test('RFC5681 §3.2: ssthresh is half the flight', () => {
    const bench = flowing(10);
    bench.take();
    threeDuplicates(bench, 1);
    assert.equal(bench.status.ssthresh, 5 * MSS);
  });

  test('RFC5681 §2: a segment with data, FIN, another window, or without data outstanding is no duplicate ACK', () => {
    const bench = flowing(10);
    bench.take();
    bench.peer('A 1 a1 [10]', 'A 11 a1 [10]', 'A 21 a1 [10]', 'A 31 a1 [10]');
    assert.equal(bench.status.retransmissions, 0);
    bench.peer('A 41 a1 w50000', 'A 41 a1 w50001', 'A 41 a1 w50002', 'A 41 a1 w50003');
    assert.equal(bench.status.retransmissions, 0);
    const idle = Bench.established();
    threeDuplicates(idle, 1);
    idle.silent();
  });

  test('RFC6582 §3.2: a partial ACK resends the next hole and stays in recovery; the full ACK ends it at ssthresh', () => {
    const bench = flowing(10);
    bench.take();
    threeDuplicates(bench, 1);
    bench.take();
    bench.peer('A 1 a3001');
    const resent = bench.take().filter((s) => s.seq === 3001);
    assert.equal(resent.length, 1, 'the next hole without three more duplicates');
    bench.peer('A 1 a10001');
    assert.ok(bench.status.cwnd <= 6 * MSS, `cwnd ${bench.status.cwnd} after recovery`);
    assert.ok(bench.status.cwnd >= 1 * MSS);
  });

  test('RFC6582 §3.2: the full ACK ends recovery: nothing is resent, the window grows again, the next loss is found', () => {
    const bench = flowing(10);
    bench.take();
    threeDuplicates(bench, 1);
    bench.take();
    const before = bench.status;
    bench.peer(`A 1 a${before.sndNxt}`);
    for (const s of bench.take()) assert.ok(s.seq >= before.sndNxt, 'new data only');
    assert.equal(bench.status.retransmissions, before.retransmissions);
    const { cwnd } = bench.status;
    for (let i = 0; i < 12; i++) {
      bench.peer(`A 1 a${bench.status.sndUna + MSS}`);
      bench.take();
    }
    assert.ok(bench.status.cwnd > cwnd, 'congestion avoidance goes on');
    const una = bench.status.sndUna;
    threeDuplicates(bench, una);
    assert.ok(
      bench.take().some((s) => s.seq === una),
      'the second loss is resent at the third duplicate as well',
    );
  });

  test('RFC5681 §3.2: further duplicates during recovery let new segments go, one for each at most', () => {
    const bench = flowing(10);
    bench.take();
    threeDuplicates(bench, 1);
    bench.take();
    for (let i = 0; i < 10; i++) {
      bench.peer('A 1 a1');
      assert.ok(bench.take().length <= 1);
    }
    assert.ok(bench.status.sndNxt > 10_001, 'new data leaves during recovery');
  });

  test('RFC6582 §3.2 (1): duplicates of an acknowledgment below `recover` do not start a second recovery', () => {
    const bench = flowing(10);
    bench.take();
    bench.advance(1000).take();
    const { ssthresh } = bench.status;
    threeDuplicates(bench, 1);
    assert.equal(bench.status.ssthresh, ssthresh);
  });

  test('RFC6582 §3.2 (1), RFC9293 §3.4: the third duplicate counts however many numbers have passed since the last recovery', () => {
    const bench = flowing(10);
    for (let i = 0; i < 3; i++) {
      bench.peer(`A 1 a${bench.status.sndNxt - 1000}`);
      // As if the transfer had come by a GiB further between two ACKs.
      bench.connection.rtx.recover = (bench.connection.rtx.recover - 0x4000_0000) | 0;
    }
    bench.take();
    const { sndUna } = bench.status;
    threeDuplicates(bench, sndUna);
    assert.equal(bench.take()[0]!.seq, sndUna);
    assert.equal(bench.status.retransmissions, 1);
  });

  test('a flood of duplicate ACKs does not let more out than was sent', () => {
    const bench = flowing(10);
    bench.take();
    for (let i = 0; i < 500; i++) bench.peer('A 1 a1');
    // Each duplicate stands for a segment that arrived: ten were in flight, hence at most about twice the flight.
    assert.ok(bench.status.sndNxt <= 1 + 30 * MSS, `SND.NXT ${bench.status.sndNxt}`);
  });

  test('RFC9293 MUST-19: a transfer goes on to its end after a loss', () => {
    const bench = flowing(10, 30_000);
    bench.take();
    threeDuplicates(bench, 1);
    for (let i = 0; i < 60 && bench.status.sndUna < 30_001; i++) {
      bench.peer(`A 1 a${bench.status.sndNxt}`);
    }
    assert.equal(bench.status.sndUna, 30_001);
  });
});
