// The phases of a sender where they meet: a timeout within a recovery or after a mark, a loss after a mark, what each leaves
// behind, and what is sent again into a window that has changed meanwhile.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pipe } from '../../src/tcp/losses.js';
import { Timer } from '../../src/tcp/timers.js';
import type { Bench } from './harness.js';
import { checkFlight } from './sack-bench.js';
import { ackBefore, type FlightOptions, flight, MSS, segmentsSent } from './sacking.js';

function caState(bench: Bench): string {
  return bench.connection.tcpInfo(bench.now).caState;
}

/** Until the next timeout of the retransmission timer. */
function timeOut(bench: Bench): Bench {
  const { tally } = bench.connection.rtx;
  const { timeouts } = tally;
  for (let i = 0; tally.timeouts === timeouts; i++) {
    assert.ok(i < 100_000);
    bench.advance(1);
  }
  return bench;
}

/** Ten segments, a mark for the first, and more that waits. */
function marked(options: FlightOptions = {}): Bench {
  const bench = flight(10, { ecn: true, waiting: 20, ...options, config: { ecn: 'on' } });
  bench.advance(100).peer('AE 1 a1001');
  assert.equal(caState(bench), 'cwr');
  return bench;
}

describe('a reduction that is under way', () => {
  test('RFC3168 §6.1.2: a loss in a window that was reduced for a mark does not reduce it again', () => {
    const bench = marked();
    const { ssthresh } = bench.status;
    bench.peer(ackBefore(2, [3, 8]));
    assert.equal(caState(bench), 'recovery');
    assert.equal(bench.status.ssthresh, ssthresh);
  });

  test('RFC3168 §6.1.2: nor does a timeout; and F-RTO asks whether it was spurious', () => {
    const bench = marked();
    const { ssthresh } = bench.status;
    bench.take();
    timeOut(bench);
    assert.equal(bench.status.ssthresh, ssthresh);
    bench.take();
    const next = bench.status.sndNxt;
    bench.peer(ackBefore(3));
    assert.equal(bench.take()[0]!.seq, next, 'new data');
  });

  test('RFC5681 §3.1: nor does one within a recovery; then nothing is in doubt', () => {
    const bench = flight(10, { waiting: 20 });
    bench.advance(100).peer(ackBefore(1, [3, 8]));
    const { ssthresh } = bench.status;
    timeOut(bench).take();
    assert.equal(caState(bench), 'loss');
    assert.equal(bench.status.ssthresh, ssthresh);
    bench.peer(ackBefore(2, [3, 8]));
    assert.equal(segmentsSent(bench)[0], 2);
  });

  test('RFC5681 §3.1: the first timeout reduces, those that follow without progress do not', () => {
    const bench = flight(10);
    timeOut(bench);
    const { ssthresh } = bench.status;
    assert.ok(ssthresh < 10 * MSS);
    timeOut(bench);
    assert.equal(bench.status.ssthresh, ssthresh);
  });
});

describe('after a timeout', () => {
  test('RFC6675 §4: nothing is on its way but what it sends again, whatever duplicates had told', () => {
    const bench = flight(10, { sack: false, waiting: 5 });
    bench.advance(10).peer('A 1 a1', 'A 1 a1');
    bench.take();
    timeOut(bench);
    assert.deepEqual(segmentsSent(bench), [1]);
    assert.equal(pipe(bench.connection), MSS);
    assert.equal(bench.connection.rate.lost, bench.status.inFlight);
  });

  test('RFC8985 §8: nothing is overdue any more, though the reordering timer ran', () => {
    const bench = flight(4, { rttMs: 290 });
    const { timers } = bench.connection;
    timers.set(Timer.RETRANSMISSION, bench.now + 300);
    bench.advance(299).peer(ackBefore(1, [2, 2]));
    assert.equal(timers.isSet(Timer.REORDERING), true);
    bench.advance(1);
    assert.equal(caState(bench), 'loss');
    assert.equal(timers.isSet(Timer.REORDERING), false);
  });

  test('RFC8985 §7.3: nor is a probe sent that a full link has kept back so long', () => {
    const bench = flight(4);
    bench.take();
    bench.writable = false;
    timeOut(bench);
    bench.writable = true;
    bench.flush();
    assert.deepEqual(segmentsSent(bench), [1]);
  });

  test('RFC3708 §3: one that is taken back for the report of a duplicate is over, also where nothing was acknowledged', () => {
    const bench = timeOut(flight(4, { waiting: 4 }));
    const reduced = bench.status.ssthresh;
    bench.peer(ackBefore(2));
    assert.equal(caState(bench), 'loss');
    bench.peer(ackBefore(2, [1, 1]));
    assert.equal(caState(bench), 'open');
    const { ssthresh } = bench.status;
    assert.ok(ssthresh > reduced);
    timeOut(bench);
    assert.ok(bench.status.ssthresh < ssthresh, 'the next one is a first one again');
  });

  test('RFC8985 §7.2, §6.2: neither a probe nor the reordering timer is waited for', () => {
    const bench = timeOut(flight(10));
    assert.equal(bench.connection.timers.isSet(Timer.LOSS_PROBE), false);
    assert.equal(bench.connection.timers.isSet(Timer.REORDERING), false);
  });

  test('RFC2018 §8: what the peer reports anew after its reports were forgotten counts', () => {
    const bench = flight(6);
    bench.advance(100).peer(ackBefore(1, [3, 6]));
    timeOut(bench);
    timeOut(bench);
    assert.equal(bench.connection.flight.sackedBytes, 0);
    bench.peer(ackBefore(1, [3, 6]));
    assert.equal(bench.connection.flight.sackedBytes, 4 * MSS);
  });

  test('RFC5682 step 3b: one that was spurious counts no more', () => {
    const bench = timeOut(flight(10, { waiting: 30 }));
    bench.peer(ackBefore(2)).peer(ackBefore(2, [4, 4]));
    assert.equal(caState(bench), 'disorder');
    assert.equal(bench.connection.tcpInfo(bench.now).retransmits, 0);
  });

  test('RFC7765 §4: the wait after a sleep of our process is a whole one', () => {
    const bench = flight(2);
    bench.now += 10_000;
    bench.inject(ackBefore(2));
    assert.equal(bench.connection.timers.deadline(Timer.RETRANSMISSION), bench.now + bench.status.rtoMs);
  });
});

describe('what an earlier episode leaves behind', () => {
  /** Segment 1 was lost, and sent again; that is over. */
  function repaired(options: FlightOptions = {}): Bench {
    const bench = flight(8, options);
    bench.advance(100).peer(ackBefore(1, [2, 8]));
    bench.advance(100).peer(ackBefore(9));
    assert.equal(caState(bench), 'open');
    bench.connection.congestion.cwnd = 20 * MSS;
    bench.take();
    return bench;
  }

  test('RFC3168 §6.1.2: a report of a duplicate takes back nothing that a mark has reduced since', () => {
    const bench = repaired({ ecn: true, config: { ecn: 'on' } });
    bench.write(4 * MSS);
    bench.advance(100).peer(`AE 1 a${9 * MSS + 1}`);
    assert.equal(caState(bench), 'cwr');
    const { ssthresh } = bench.status;
    for (const next of [10, 13]) {
      bench.peer(ackBefore(next, [1, 1]));
      assert.equal(bench.status.ssthresh, ssthresh);
    }
    assert.equal(caState(bench), 'open');
  });

  /** The last of four segments was sent again by a probe. */
  function probed(bench: Bench): Bench {
    bench.write(4 * MSS);
    const last = (bench.status.sndNxt - 1) / MSS;
    bench.advance(100).peer(ackBefore(last));
    bench.take();
    while (!bench.connection.rtx.probeOut) bench.advance(1);
    assert.deepEqual(segmentsSent(bench), [last]);
    return bench;
  }

  test('RFC8985 §7.4.2: nor what a loss has that only a probe repaired', () => {
    const bench = probed(repaired());
    bench.write(MSS);
    bench.advance(100).peer(ackBefore(14));
    const { cwnd, ssthresh } = bench.status;
    assert.ok(cwnd < 20 * MSS);
    bench.peer(ackBefore(14, [1, 1]));
    assert.deepEqual([bench.status.cwnd, bench.status.ssthresh], [cwnd, ssthresh]);
  });

  test('RFC8985 §7.4.2, RFC3168 §6.1.2: that loss reduces no window that a mark has just reduced', () => {
    const bench = flight(10, { ecn: true, config: { ecn: 'on' } });
    while (!bench.connection.rtx.probeOut) bench.advance(1);
    bench.peer(`AE 1 a${5 * MSS + 1}`);
    assert.equal(caState(bench), 'cwr');
    const { ssthresh } = bench.status;
    bench.write(MSS);
    bench.advance(100).peer(ackBefore(12));
    assert.equal(bench.connection.rtx.probeOut, false);
    assert.equal(bench.status.ssthresh, ssthresh);
  });

  test('RFC8985 §7.4.2: a probe from before a recovery, or before the path became narrower, tells nothing of what is sent after it', () => {
    const recovered = flight(4);
    while (!recovered.connection.rtx.probeOut) recovered.advance(1);
    recovered.advance(100).peer(ackBefore(1, [4, 4]));
    recovered.advance(30);
    assert.equal(caState(recovered), 'recovery');
    const narrowed = probed(flight(0, { config: { initialWindowSegments: 10 } }));
    narrowed.call((c) => c.onPathMss(600, c.snd.una));
    for (const bench of [recovered, narrowed]) {
      bench.advance(100).peer(`A 1 a${bench.status.sndNxt}`);
      assert.equal(caState(bench), 'open');
      const { ssthresh } = bench.status;
      bench.write(500);
      bench.advance(100).peer(`A 1 a${bench.status.sndNxt}`);
      assert.equal(bench.status.ssthresh, ssthresh);
    }
  });

  test('RFC1191 §6.3: what a narrower path makes be sent again stays so, whatever duplicates are reported of before', () => {
    const bench = repaired();
    bench.write(4 * MSS);
    bench.take();
    bench.connection.onPathMss(600, bench.connection.snd.una);
    bench.inject(ackBefore(9, [1, 1])).flush();
    assert.deepEqual(
      bench.take().map((s) => s.payload.length),
      [600, 400, 600, 400, 600, 400, 600, 400],
    );
  });

  test('RFC1191 §6.3: it is no doubt about a timeout: all of it is sent again, and nothing new first', () => {
    const bench = timeOut(flight(6, { waiting: 20 }));
    bench.call((c) => c.onPathMss(600, c.snd.una)).take();
    bench.advance(50).peer('A 1 a601');
    assert.equal(bench.take()[0]!.seq < 6 * MSS, true);
    assert.equal(bench.connection.rtx.doubt, 0);
  });
});

describe('a peer that seems to go back on its reports', () => {
  /** Two of six are missing; the repetitions have arrived, and segment 3, reported before, is asked for. */
  function goingBack(rttMs: number): Bench {
    const bench = flight(6, { rttMs });
    bench.advance(rttMs).peer(ackBefore(1, [3, 6]));
    return bench.advance(rttMs).peer(ackBefore(3));
  }

  for (const [rttMs, waitMs] of [
    [100, 50],
    [8, 10],
  ] as const)
    test(`RFC2018 §8: with round trips of ${rttMs} ms it is believed for ${waitMs} ms more, whatever it repeats`, () => {
      const bench = goingBack(rttMs);
      const { srttMs } = bench.status;
      const since = bench.now;
      const expected = Math.max(waitMs, Math.round(srttMs / 2));
      bench.advance(5).peer(ackBefore(3));
      bench.advance(expected - 6);
      assert.ok(bench.connection.flight.sackedBytes > 0, `after ${bench.now - since} ms`);
      bench.advance(2);
      assert.equal(bench.connection.flight.sackedBytes, 0, `after ${bench.now - since} ms`);
    });

  test('RFC2018 §8: a timeout that is due sooner is not put off', () => {
    const bench = goingBack(100);
    const { timers } = bench.connection;
    timers.set(Timer.RETRANSMISSION, bench.now + 20);
    bench.peer(ackBefore(3));
    assert.equal(timers.deadline(Timer.RETRANSMISSION), bench.now + 20);
  });
});

describe('what is sent again', () => {
  /** Small segments of `bytes` each, all held lost but for the first, which a timeout has sent again. */
  function crumbs(count: number, bytes: number): Bench {
    const bench = flight(0, { sack: false, config: { initialWindowSegments: 10 } });
    for (let i = 0; i < count; i++) bench.write(bytes);
    bench.take();
    return bench;
  }

  test('RFC9293 SHLD-16: joined small segments stay within the window that the peer has now', () => {
    const bench = crumbs(4, 300);
    bench.peer('A 1 a1 w700');
    timeOut(bench).expect('A 1 a1 [600]', 'A 601 a1 [100]');
  });

  test('RFC9293 §3.8.1: they are joined up to a full segment', () => {
    const bench = crumbs(5, 250);
    timeOut(bench).expect('A 1 a1 [1000]');
  });

  test('RFC9293 SHLD-16: a segment of which the window has only a part comes again in part', () => {
    const bench = flight(3, { sack: false });
    bench.take();
    bench.peer('A 1 a1 w400');
    timeOut(bench).expect('A 1 a1 [400]');
  });

  test('RFC9293 MUST-16: not to one octet more, with a FIN behind them or without', () => {
    for (const behind of [0, 10]) {
      const bench = flight(0, { sack: false, config: { initialWindowSegments: 10 } });
      for (const bytes of [500, 501]) bench.write(bytes);
      if (behind > 0) bench.queue(behind);
      if (behind > 0) bench.shutdown();
      bench.take();
      const [first] = timeOut(bench).take();
      assert.deepEqual([first!.seq, first!.payload.length], [1, 500]);
    }
  });

  /** What is in flight was thrown at a window that closes over it and is probed. */
  function probed(writes: readonly number[], waiting: number): Bench {
    const bench = flight(0, { sack: false, config: { initialWindowSegments: 10 } });
    for (const bytes of writes) bench.write(bytes);
    bench.peer('A 1 a1 w0');
    bench.queue(waiting);
    bench.advance(bench.untilTimer);
    assert.equal(bench.connection.rtx.probes, 1);
    bench.take();
    return bench;
  }

  test('RFC9293 SHLD-16: when it opens the first segment comes again as it was, and new data behind it', () => {
    probed([100], 900).peer('A 1 a1 w10000').expect('A 1 a1 [100]', 'PA 101 a1 [900]');
    probed([1, 500], 499).peer('A 1 a1 w10000').expect('A 1 a1 [1]', 'PA 502 a1 [499]');
  });

  test('RFC9293 SHLD-16: as much of it as the window takes now, a single octet as well, and nothing where it has closed again', () => {
    probed([1000], 0).peer('A 1 a1 w400').expect('A 1 a1 [400]');
    probed([1000], 0).peer('A 1 a1 w1').expect('A 1 a1 [1]');
    probed([1000], 0).inject('A 1 a1 w400').inject('A 1 a1 w0').flush().silent();
  });

  test('RFC9293 SHLD-16: nor does anything come of an octet that waits behind it, where it has closed again', () => {
    const bench = probed([1], 900).inject('A 1 a1 w400').inject('A 1 a1 w0').flush().silent();
    checkFlight(bench.connection);
    bench.peer('A 1 a1 w10000').expect('PA 2 a1 [900]');
  });

  test('RFC9293 SHLD-16: joined small segments may fill the window that the peer has now', () => {
    const bench = crumbs(4, 300);
    bench.peer('A 1 a1 w600');
    timeOut(bench).expect('A 1 a1 [600]');
  });

  test('RFC5682 step 3: what is sent again a third time is joined with nothing that is on its way no more', () => {
    const bench = timeOut(crumbs(12, 100));
    bench.write(3 * MSS);
    bench.expect('A 1 a1 [1000]');
    bench.peer('A 1 a101').take();
    for (let i = 0; i < 2; i++) bench.peer('A 1 a101');
    const [again] = bench.take();
    assert.deepEqual([again!.seq, again!.payload.length], [101, 900]);
    checkFlight(bench.connection);
  });

  test('RFC9293 §3.8.1: a FIN takes no room of the payload, and nothing is joined behind it', () => {
    const bench = crumbs(2, 500);
    bench.shutdown().take();
    timeOut(bench).expect('FPA 1 a1 [1000]');
  });
});
