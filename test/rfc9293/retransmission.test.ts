// Retransmission: RFC 6298, Karn's rule, the thresholds R1 and R2 (RFC 9293 §3.8.1, §3.8.3).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bench, type BenchOptions } from '../tcp/harness.js';

/** Moments, relative to now, at which segments leave during `ms`. */
function moments(bench: Bench, ms: number): number[] {
  const start = bench.now;
  bench.advance(ms);
  return bench.take().map((s) => s.at - start);
}

/** A round trip of `rtt` ms on a fresh segment. */
function roundTrip(bench: Bench, rtt: number): void {
  bench.take();
  bench.write(100);
  const [s] = bench.take();
  bench.advance(rtt);
  bench.peer(`A ${bench.status.rcvNxt} a${s!.seq + 100}`);
}

const near = (value: number, expected: number, tolerance: number) => Math.abs(value - expected) <= tolerance;

describe('RTO', () => {
  test('RFC6298 §2.1: one second until a round trip was measured', () => {
    assert.equal(Bench.synSent().status.rtoMs, 1000);
  });

  test('RFC6298 §2.2: the first sample R sets SRTT = R, RTTVAR = R/2, RTO = R + max(G, 4·RTTVAR)', () => {
    const bench = Bench.synSent();
    bench.advance(300).peer('SA 0 a1 <mss 1000>');
    const { srttMs, rttvarMs, rtoMs } = bench.status;
    assert.ok(near(srttMs, 300, 1), `SRTT ${srttMs}`);
    assert.ok(near(rttvarMs, 150, 1), `RTTVAR ${rttvarMs}`);
    assert.ok(near(rtoMs, 900, 2), `RTO ${rtoMs}`);
  });

  test('RFC6298 §2.3: later samples are smoothed with 1/8 and 1/4, RTTVAR before SRTT', () => {
    const bench = Bench.synSent();
    bench.advance(400).peer('SA 0 a1 <mss 1000>');
    roundTrip(bench, 800);
    const { srttMs, rttvarMs, rtoMs } = bench.status;
    assert.ok(near(rttvarMs, 0.75 * 200 + 0.25 * 400, 1), `RTTVAR ${rttvarMs}`);
    assert.ok(near(srttMs, 0.875 * 400 + 0.125 * 800, 1), `SRTT ${srttMs}`);
    assert.ok(near(rtoMs, 450 + 4 * 250, 2), `RTO ${rtoMs}`);
  });

  test('RFC6298 §2.4 §2.5: the RTO stays between its bounds', () => {
    const fast = Bench.established({ config: { rtoMinMs: 200 } });
    for (let i = 0; i < 50; i++) roundTrip(fast, 1);
    assert.ok(near(fast.status.rtoMs, 201, 0.1), 'the bound is a distance from the round trip');
    const slow = Bench.synSent({ config: { rtoMaxMs: 2000, rtoInitialMs: 1500 } });
    slow.advance(1400).peer('SA 0 a1 <mss 1000>');
    assert.equal(slow.status.rtoMs, 2000);
  });

  test('RFC9293 MUST-18: Karn: no sample from a segment that was sent twice', () => {
    const bench = Bench.established();
    for (let i = 0; i < 30; i++) roundTrip(bench, 100);
    const before = bench.status.srttMs;
    bench.take();
    bench.write(100);
    const [s] = bench.take();
    bench.advance(5000).take();
    bench.peer(`A 1 a${s!.seq + 100}`);
    assert.equal(bench.status.srttMs, before);
  });

  test('RFC9293 MUST-18: Karn holds for a segment that fast retransmit sent again', () => {
    const bench = Bench.established();
    for (let i = 0; i < 5; i++) roundTrip(bench, 100);
    const { sndNxt } = bench.status;
    bench.take();
    bench.write(4000);
    bench.advance(100).peer(`A 1 a${sndNxt}`, `A 1 a${sndNxt}`, `A 1 a${sndNxt}`);
    assert.ok(bench.take().some((s) => s.seq === sndNxt && s.retransmission > 0));
    const before = bench.status.srttMs;
    bench.advance(150).peer(`A 1 a${sndNxt + 1000}`);
    assert.equal(bench.status.srttMs, before);
  });

  test('RFC9293 MUST-18: Karn holds for the SYN', () => {
    const bench = Bench.synSent().expect('S 0');
    bench.advance(1500).expect('S 0');
    bench.peer('SA 0 a1 <mss 1000>').state('ESTABLISHED');
    assert.equal(bench.status.srttMs, 0);
  });

  test('RFC6298 §5.7: after a SYN was lost the RTO for data is three seconds', () => {
    const bench = Bench.synSent();
    bench.advance(1500).peer('SA 0 a1 <mss 1000>').settled('ESTABLISHED');
    bench.write(100);
    bench.expect('A 1 a1 [100]');
    assert.deepEqual(moments(bench, 3500), [3000]);
  });
});

describe('retransmission timer', () => {
  test('RFC6298 §5.4 §5.5: the earliest unacknowledged segment comes again, the RTO doubles', () => {
    const bench = Bench.established({ config: { rtoMinMs: 1000 } });
    bench.write(100);
    bench.expect('A 1 a1 [100]');
    assert.deepEqual(moments(bench, 32_000), [1000, 3000, 7000, 15_000, 31_000]);
  });

  test('RFC6298 §5.5: doubling ends at the greatest RTO', () => {
    const bench = Bench.established({ config: { rtoMinMs: 1000, rtoMaxMs: 4000 } });
    bench.write(100);
    bench.take();
    assert.deepEqual(moments(bench, 16_000), [1000, 3000, 7000, 11_000, 15_000]);
  });

  test('RFC6298 §5.3: an ACK of new data restarts the timer', () => {
    const bench = Bench.established({ config: { rtoMinMs: 1000 } });
    for (let i = 0; i < 20; i++) roundTrip(bench, 100);
    const { sndNxt } = bench.status;
    bench.write(2000);
    bench.take();
    bench
      .advance(100)
      .peer(`A 1 a${sndNxt + 1000}`)
      .silent();
    assert.deepEqual(moments(bench, 1500), [1000]);
  });

  test('RFC6298 §5.2: when all is acknowledged the timer is off', () => {
    const bench = Bench.established();
    bench.write(100);
    bench.take();
    bench.peer('A 1 a101').events(['ALL_ACKNOWLEDGED']);
    bench.advance(1_000_000).silent();
  });

  test('RFC6298 §5.5: after new data was acknowledged the backoff is undone by a fresh sample', () => {
    const bench = Bench.established({ config: { rtoMinMs: 1000 } });
    bench.write(100);
    bench.advance(8000).take();
    bench.peer('A 1 a101');
    roundTrip(bench, 10);
    assert.ok(near(bench.status.rtoMs, 1000, 15), `RTO ${bench.status.rtoMs}`);
  });

  test('RFC9293 §3.8.1: a duplicate ACK does not restart the timer', () => {
    const bench = Bench.established({ config: { rtoMinMs: 1000 } });
    bench.write(100);
    bench.take();
    bench.advance(500).peer('A 1 a1');
    assert.deepEqual(moments(bench, 600), [500]);
  });

  test('RFC9293 §3.10.8: only the first segment is resent by a timeout, the rest follows acknowledgments', () => {
    const bench = Bench.established({ config: { rtoMinMs: 1000 } });
    bench.write(5000);
    bench.take();
    bench.advance(1000).expect('A 1 a1 [1000]');
    bench.peer('A 1 a1001');
    const next = bench.take();
    assert.equal(next[0]!.seq, 1001);
    assert.ok(next.length <= 3, 'slow start: at most two or three');
    bench.peer('A 1 a5001');
    bench.advance(100_000).silent();
  });

  test('RFC9293 §3.8.1: a retransmission carries the present acknowledgment and window', () => {
    const bench = Bench.established({ config: { delayedAckMs: 0 } });
    bench.write(100);
    bench.take();
    bench.peer('A 1 a1 [500]').take();
    bench.advance(1500);
    const again = bench.take();
    assert.ok(again.length > 0);
    assert.equal(again[0]!.ack, 501);
  });

  for (const length of [999, 1000, 1001]) {
    test(`RFC9293 §3.8.1: ${length} bytes and a FIN come again as they went, the FIN at its place`, () => {
      const bench = Bench.established({ config: { nagle: false } });
      bench.queue(length);
      bench.shutdown();
      const first = bench.take().map((s) => `${s.flags & 1} ${s.seq} ${s.payload.length}`);
      bench.advance(250);
      const again = bench.take();
      assert.equal(`${again[0]!.flags & 1} ${again[0]!.seq} ${again[0]!.payload.length}`, first[0]);
      bench.peer(`A 1 a${length + 1}`).advance(2000);
      assert.equal(bench.take().at(-1)!.flags & 1, 1);
      bench.peer(`A 1 a${length + 2}`).state('FIN-WAIT-2');
    });
  }

  test('RFC9293 §3.8.1: small writes may be put together when they are sent again', () => {
    const bench = Bench.established({ config: { nagle: false } });
    for (let i = 0; i < 5; i++) bench.write(10);
    assert.equal(bench.take().length, 5);
    bench.advance(1500);
    const again = bench.take();
    assert.equal(again[0]!.seq, 1);
    assert.ok(again[0]!.payload.length >= 10);
  });
});

describe('R1 and R2', () => {
  test('RFC9293 MUST-20 SHLD-9 SHLD-10: R1 warns the application after three retransmissions at least, and the connection lives', () => {
    const bench = Bench.established({ config: { rtoMinMs: 1000, r1Retransmissions: 3 } });
    bench.write(100);
    bench.advance(3100).events([], ['SOFT_ERROR']);
    assert.equal(bench.take().length - 1, 2, 'two retransmissions so far');
    bench.advance(12_500).events(['SOFT_ERROR'], ['CLOSED']).state('ESTABLISHED');
  });

  test('RFC9293 MUST-20: past R2 the connection ends with ETIMEDOUT', () => {
    const bench = Bench.established({ config: { rtoMinMs: 1000, r2Ms: 100_000 } });
    bench.write(100);
    bench.advance(99_000).state('ESTABLISHED');
    bench.advance(62_000).state('CLOSED').events(['CLOSED']);
    assert.equal(bench.connection.error, 'ETIMEDOUT');
    assert.equal(bench.connection.nextTimeout(), Number.POSITIVE_INFINITY);
  });

  test('RFC9293 MUST-20: who has slept for longer than R2 asks the peer before it gives up', () => {
    const bench = Bench.established({ config: { r2Ms: 100_000 } });
    bench.write(100);
    bench.take();
    bench.now += 86_400_000;
    bench.advance(0).state('ESTABLISHED').expect('A 1 a1 [100]');
    bench.peer('A 1 a101').advance(200_000).state('ESTABLISHED');
  });

  test('RFC9293 MUST-20: timers that come a second late are no sleep: the connection ends in time', () => {
    const bench = Bench.established({ config: { rtoMinMs: 200, r2Ms: 18_000 } });
    bench.write(100);
    const begun = bench.now;
    for (let rto = 200; rto <= 6400; rto *= 2) {
      bench.state('ESTABLISHED');
      bench.now = bench.connection.nextTimeout() + 1000;
      bench.call((c, now) => c.onTimer(now));
    }
    assert.equal(bench.now - begun, 63 * 200 + 6 * 1000);
    bench.state('CLOSED');
  });

  test('RFC9293 MUST-37: nor does an orphan end that slept before a closed window', () => {
    const bench = Bench.established({ config: { orphanMs: 120_000 } });
    bench.peer('A 1 a1 w0');
    bench.write(100);
    bench.close();
    bench.advance(3000).take();
    bench.now += 86_400_000;
    bench.advance(0).state('FIN-WAIT-1');
    assert.equal(bench.take().length, 1, 'a probe');
    bench.peer('A 1 a2').peer('A 1 a102').state('FIN-WAIT-2');
  });

  test('RFC6298 §2.3: nor does the path seem a day long to it', () => {
    const bench = Bench.established();
    for (let i = 0; i < 10; i++) roundTrip(bench, 20);
    const { rtoMs } = bench.status;
    bench.write(100);
    bench.take();
    bench.now += 86_400_000;
    bench.peer(`A 1 a${bench.status.sndNxt}`);
    assert.ok(bench.status.rtoMs < 8 * rtoMs, `RTO ${bench.status.rtoMs}`);
  });

  test('RFC9293 SHLD-11: by default R2 is at least 100 s', () => {
    const bench = Bench.established();
    bench.write(100);
    bench.advance(100_000).state('ESTABLISHED');
  });

  test('RFC9293 MUST-20: an acknowledgment of new data starts R2 anew', () => {
    const bench = Bench.established({ config: { r2Ms: 20_000 }, peer: { window: 60_000 } });
    bench.write(5000);
    for (let acked = 1001; acked <= 5001; acked += 1000) {
      bench.advance(15_000).state('ESTABLISHED');
      bench.peer(`A 1 a${acked}`);
    }
    bench.state('ESTABLISHED');
  });

  test('RFC9293 MUST-21: the application sets R2 per connection, and again later', () => {
    const early = Bench.established({ config: { userTimeoutMs: 5000 } });
    early.write(100);
    early.advance(4900).state('ESTABLISHED').advance(200).state('CLOSED');
    assert.equal(early.connection.error, 'ETIMEDOUT');
    const later = Bench.established();
    later.call((c, now) => c.setUserTimeout(7000, now));
    later.write(100);
    later.advance(6900).state('ESTABLISHED').advance(200).state('CLOSED');
    assert.equal(later.recorder.ends[0], 'timeout');
  });

  test('RFC9293 MUST-21: a user timeout counts from the oldest unacknowledged data, not from the start', () => {
    const bench = Bench.established({ config: { userTimeoutMs: 5000 } });
    bench.advance(60_000).state('ESTABLISHED');
    bench.write(100);
    bench.advance(4000).peer('A 1 a101').advance(60_000).state('ESTABLISHED');
  });

  for (const [state, prepare] of [
    ['FIN-WAIT-1', (b: Bench) => b.shutdown()],
    ['CLOSING', (b: Bench) => b.shutdown().peer('FA 1 a1')],
    ['LAST-ACK', (b: Bench) => b.peer('FA 1 a1').shutdown()],
  ] as const) {
    test(`RFC9293 MUST-20: R2 ends ${state}, orphan or not`, () => {
      const bench = prepare(Bench.established({ config: { r2Ms: 100_000 } })).state(state);
      bench.advance(400_000).state('CLOSED').events(['CLOSED']);
      assert.equal(bench.connection.error, 'ETIMEDOUT');
    });
  }
});

describe('SYN', () => {
  test('RFC9293 MUST-22 MUST-23: it is repeated with backoff for three minutes at least, then ETIMEDOUT', () => {
    const bench = Bench.synSent();
    bench.take();
    const sent = moments(bench, 179_000);
    assert.deepEqual(sent.slice(0, 6), [1000, 3000, 7000, 15_000, 31_000, 63_000]);
    bench.state('SYN-SENT');
    bench.advance(400_000).state('CLOSED').events(['CLOSED'], ['ESTABLISHED']);
    assert.equal(bench.connection.error, 'ETIMEDOUT');
    for (const s of bench.take()) assert.equal(s.seq, 0);
  });

  test('RFC9293 MUST-23: the application may give up sooner', () => {
    const bench = Bench.synSent({ config: { userTimeoutMs: 10_000 } });
    bench.advance(9900).state('SYN-SENT').advance(200).state('CLOSED');
    assert.equal(bench.connection.error, 'ETIMEDOUT');
  });

  test('RFC9293 MUST-22: a SYN-ACK is repeated a bounded number of times with backoff', () => {
    const bench = Bench.synReceived({ config: { synAckRetries: 5 } });
    bench.take();
    assert.deepEqual(moments(bench, 62_000), [1000, 3000, 7000, 15_000, 31_000]);
    bench.advance(200_000).silent().events(['CLOSED'], ['ESTABLISHED']);
    assert.ok(['CLOSED', 'LISTEN'].includes(bench.stateName));
  });

  const repeated: BenchOptions = { config: { windowScale: 2 } };
  test('RFC9293 §3.8.1: the repeated SYN has the same number and options', () => {
    const bench = Bench.synSent(repeated);
    const [first] = bench.take();
    bench.advance(1000);
    const [second] = bench.take();
    assert.equal(second!.rawSeq, first!.rawSeq);
    assert.equal(second!.options.mss, first!.options.mss);
    assert.equal(second!.options.ws, first!.options.ws);
  });
});
