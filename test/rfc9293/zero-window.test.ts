// Zero-window probes: RFC 9293 §3.8.6.1.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Timer } from '../../src/tcp/timers.js';
import { Bench, type BenchOptions } from '../tcp/harness.js';

/** Data is queued, nothing is outstanding, the peer's window is shut. */
function shut(options: BenchOptions = {}): Bench {
  const bench = Bench.established(options);
  bench.peer('A 1 a1 w0');
  bench.write(5000);
  return bench.silent();
}

/** Advances to the next segment; returns how long that took. */
function untilSent(bench: Bench, limit: number): number {
  const start = bench.now;
  while (bench.sent.length === 0) {
    const wait = bench.untilTimer;
    assert.ok(wait < limit, `nothing was sent within ${limit} ms`);
    bench.advance(Math.max(wait, 0));
  }
  return bench.now - start;
}

describe('zero-window probes', () => {
  test('RFC9293 MUST-36 SHLD-29: the first probe leaves one RTO after the window was shut', () => {
    const bench = shut();
    const rto = bench.status.rtoMs;
    const waited = untilSent(bench, 10_000);
    assert.ok(Math.abs(waited - rto) <= 1, `waited ${waited}, RTO ${rto}`);
    const [probe] = bench.take();
    // At least one octet of new data, or an old number that the peer must answer (RFC 9293 §3.8.6.1, MUST-36).
    assert.ok(probe!.payload.length <= 1 && probe!.seq <= 1);
  });

  test('RFC9293 SHLD-30: the interval grows exponentially, up to the greatest RTO', () => {
    const bench = shut({ config: { rtoMaxMs: 10_000 } });
    const intervals: number[] = [];
    for (let i = 0; i < 12; i++) {
      intervals.push(untilSent(bench, 100_000));
      bench.take();
      bench.peer('A 1 a1 w0');
    }
    for (let i = 1; i < 5; i++) {
      const ratio = intervals[i]! / intervals[i - 1]!;
      if (intervals[i]! < 9_999) assert.ok(ratio > 1.5 && ratio < 2.5, `intervals ${intervals.join(', ')}`);
    }
    assert.ok(Math.max(...intervals) <= 10_001, `intervals ${intervals.join(', ')}`);
    assert.ok(intervals.at(-1)! >= 9_000);
  });

  test('RFC9293 MUST-37: as long as probes are answered the connection lives', () => {
    const bench = shut({ config: { r2Ms: 100_000 } });
    for (let i = 0; i < 200; i++) {
      untilSent(bench, 1_000_000);
      bench.take();
      bench.peer('A 1 a1 w0').state('ESTABLISHED');
    }
    bench.events([], ['CLOSED']);
    bench.peer('A 1 a1 w5000');
    assert.equal(bench.take()[0]!.payload.length, 1000);
  });

  test('RFC9293 §3.8.3: probes that nobody answers end the connection at R2', () => {
    const bench = shut({ config: { r2Ms: 100_000 } });
    bench.advance(99_000).state('ESTABLISHED');
    bench.advance(200_000).state('CLOSED').events(['CLOSED']);
    assert.equal(bench.connection.error, 'ETIMEDOUT');
  });

  test('RFC9293 MUST-35: a window that shrinks to zero under data in flight is probed', () => {
    const bench = Bench.established({ peer: { window: 3000 } });
    bench.write(6000);
    bench.settled('ESTABLISHED').peer('A 1 a3001 w0').silent();
    untilSent(bench, 10_000);
    bench.state('ESTABLISHED');
    const [probe] = bench.take();
    assert.ok(probe!.seq <= 3001 && probe!.payload.length <= 1);
  });

  test('RFC9293 MUST-35 SHLD-30: the first octet in flight is the probe; the wait for the next begins with it, and doubles', () => {
    const bench = Bench.established({ config: { r2Ms: 10_000 } });
    bench.advance(60_000);
    bench.write(100);
    bench.take();
    const { rtoMs } = bench.status;
    bench.peer('A 1 a1 w0').silent();
    bench.advance(bench.untilTimer).expect('A 1 a1 [1]');
    const info = bench.connection.tcpInfo(bench.now);
    assert.deepEqual([info.probes, info.retransmits], [1, 0]);
    for (const wait of [2 * rtoMs, 4 * rtoMs]) {
      bench.advance(wait - 1).silent();
      bench.advance(1).expect('A 1 a1 [1]').state('ESTABLISHED');
    }
  });

  test('RFC6429 §5: an orphan’s time counts from when its window was shut over data in flight', () => {
    const bench = Bench.established();
    bench.advance(150_000);
    bench.write(100);
    bench.close().peer('A 1 a1 w0');
    for (let i = 0; i < 4; i++) bench.advance(bench.untilTimer);
    bench.state('FIN-WAIT-1');
  });

  test('RFC9293 §3.8.3: silence counts from when there was something to probe for', () => {
    const bench = Bench.established({ config: { r2Ms: 10_000 } });
    bench.advance(60_000).peer('A 1 a1 [10] w0');
    bench.advance(100).take();
    bench.write(100);
    bench.advance(5000).state('ESTABLISHED');
    bench.advance(20_000).state('CLOSED');
  });

  test('RFC9293 MUST-37: nor does it begin before there is something to probe for because we have spoken meanwhile', () => {
    const bench = Bench.established({ config: { r2Ms: 10_000 } }).peer('A 1 a1 w0');
    bench.advance(20_000).call((c) => c.acknowledgeNow());
    bench.advance(20_000).write(100);
    bench.advance(5000).state('ESTABLISHED');
    bench.advance(20_000).state('CLOSED');
  });

  test('RFC9293 MUST-37: a peer that shuts a window which was too small already has the whole time, orphan or not', () => {
    const bench = Bench.established().advance(150_000).peer('A 1 a1 w100');
    bench.queue(5000);
    bench.close().silent();
    bench.advance(100).peer('A 1 a1 w0');
    bench.advance(1000).state('FIN-WAIT-1');
    assert.equal(bench.connection.rtx.probes > 0, true);
  });

  test('RFC9293 MUST-20: silence and the time of orphans end the connection at the probe at which they have passed', () => {
    const config = { rtoMinMs: 1000, rtoInitialMs: 1000 };
    // Probes leave after one, three and seven seconds; silence begins with the first of them.
    shut({ config: { ...config, r2Ms: 2000 } })
      .advance(2999)
      .state('ESTABLISHED')
      .advance(1)
      .state('CLOSED');
    shut({ config: { ...config, r2Ms: 2001 } })
      .advance(6999)
      .state('ESTABLISHED')
      .advance(1)
      .state('CLOSED');
    const orphan = (orphanMs: number) => shut({ config: { ...config, orphanMs } }).close();
    orphan(3000).advance(2999).state('FIN-WAIT-1').advance(1).state('CLOSED');
    orphan(3001).advance(6999).state('FIN-WAIT-1').advance(1).state('CLOSED');
  });

  test('RFC9293 SHLD-30: where the octet of a probe is taken, the row of probes begins anew', () => {
    const bench = shut();
    for (let i = 0; i < 3; i++) bench.advance(bench.untilTimer).peer('A 1 a1 w0');
    assert.equal(bench.connection.tcpInfo(bench.now).probes, 3);
    bench.peer('A 1 a2 w0');
    assert.equal(bench.connection.tcpInfo(bench.now).probes, 0);
  });

  test('RFC9293 §3.8.6.2.1: a window of a single octet is open: it is used when the override timer expires', () => {
    const bench = Bench.established().peer('A 1 a1 w1');
    bench.write(5000);
    bench.advance(499).silent();
    bench.advance(1).expect('A 1 a1 [1]');
    assert.equal(bench.connection.tcpInfo(bench.now).probes, 0);
  });

  test('RFC9293 §3.8.6.2.1: the override timer of a window that opens a little runs from then', () => {
    const bench = shut({ config: { rtoMinMs: 1000, rtoInitialMs: 1000 } });
    bench.advance(900).peer('A 1 a1 w100').silent();
    bench.advance(499).silent();
    bench.advance(1).expect('A 1 a1 [100]');
  });

  test('RFC9293 MUST-21: a user timeout bounds the silence of a shut window as well', () => {
    const bench = shut({ config: { userTimeoutMs: 5000 } });
    bench.advance(4000).state('ESTABLISHED');
    bench.advance(6000).state('CLOSED');
  });

  test('RFC9293 §3.8.6.1: a window that shuts and opens again before anything is probed changes nothing', () => {
    const bench = Bench.established();
    bench.write(100);
    bench.take();
    bench.peer('A 1 a1 w0', 'A 1 a1 w10000').silent();
    bench.peer('A 1 a1 w0').peer('A 1 a1 w10000').silent();
  });

  test('RFC9293 §3.8.6.1: a probe that is due when the window opens makes way for the data', () => {
    const bench = Bench.established().peer('A 1 a1 w0');
    bench.write(100);
    bench.now += bench.untilTimer;
    bench.connection.onTimer(bench.now);
    bench.inject('A 1 a1 w10000').flush().expect('A 1 a1 [100]');
  });

  test('RFC9293 §3.8.6.1: a probe that is due when all is acknowledged is none', () => {
    const bench = Bench.established().peer('A 1 a1 w0');
    bench.write(1);
    bench.advance(bench.untilTimer).expect('A 1 a1 [1]');
    bench.now += bench.untilTimer;
    bench.connection.onTimer(bench.now);
    bench.peer('A 1 a2 w0').silent();
  });

  test('RFC9293 MUST-18, §3.8.6.1: the octet that goes again as a probe is a retransmission, and no measurement', () => {
    const bench = Bench.established();
    bench.write(1000);
    bench.advance(10);
    bench.peer('A 1 a1 w0').take();
    const { srttMs } = bench.status;
    bench.advance(bench.untilTimer);
    const [probe] = bench.take();
    assert.deepEqual([probe!.payload.length, probe!.segmentBytes, probe!.retransmission], [1, 0, 1]);
    const info = bench.connection.tcpInfo(bench.now);
    assert.deepEqual([info.totalRetrans, info.bytesRetrans], [1, 1]);
    bench.peer('A 1 a1001');
    assert.equal(bench.status.srttMs, srttMs);
  });

  test('RFC9293 §3.8.6.1: when it has opened nothing is probed any more, and the timeout is that of before', () => {
    const bench = shut();
    for (let i = 0; i < 3; i++) bench.advance(bench.untilTimer);
    bench.take();
    bench.peer('A 1 a1 w9000');
    const info = bench.connection.tcpInfo(bench.now);
    assert.deepEqual([info.probes, info.backoff], [0, 0]);
    assert.equal(bench.connection.timers.isSet(Timer.PERSIST), false);
  });

  test('RFC9293 §3.8.6.1: the window update starts the data, no octet is lost or doubled', () => {
    const bench = shut();
    untilSent(bench, 10_000);
    const probed = bench.take()[0]!;
    // The peer may or may not have kept the octet of the probe.
    const ack = probed.seq === 1 ? 1 + probed.payload.length : 1;
    bench.peer(`A 1 a${ack} w5000`);
    const sent = bench.take();
    assert.equal(sent[0]!.seq, ack);
    const last = sent.at(-1)!;
    assert.ok(last.seq + last.payload.length <= 5001);
  });

  test('RFC9293 §3.8.6.1: a window that opens before the first probe leaves no timer behind', () => {
    const bench = shut();
    bench.peer('A 1 a1 w9000');
    for (let i = 0; i < 10; i++) bench.peer(`A 1 a${bench.status.sndNxt} w9000`);
    assert.equal(bench.status.sndUna, 5001);
    assert.equal(bench.connection.nextTimeout(), Number.POSITIVE_INFINITY);
    bench.take();
    bench.advance(1_000_000).silent();
  });

  test('RFC9293 §3.8.6.1: a FIN waits behind a shut window and leaves when it opens', () => {
    const bench = Bench.established().peer('A 1 a1 w0');
    bench.queue(10);
    bench.shutdown().state('FIN-WAIT-1');
    bench.take();
    bench.advance(5000);
    bench.take();
    bench.peer('A 1 a1 w1000');
    const all = bench.history.filter((s) => s.flags & 1);
    assert.ok(all.length >= 1, 'the FIN has left');
    assert.equal(all.at(-1)!.seq + all.at(-1)!.payload.length, 11);
  });

  test('RFC9293 §3.8.6.1: without data to send nothing is probed', () => {
    const bench = Bench.established().peer('A 1 a1 w0');
    bench.advance(1_000_000).silent();
  });
});
