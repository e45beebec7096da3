// Tail loss probes (RFC 8985 §7): when one is sent, what it carries, what its acknowledgment tells, and when there is none.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Timer } from '../../src/tcp/timers.js';
import { Bench } from '../tcp/harness.js';
import { ackBefore, type FlightOptions, flight, MSS, segmentsSent } from '../tcp/sacking.js';

/** Milliseconds until the next segment leaves; the segment stays to be looked at. */
function untilNext(bench: Bench, mostMs = 10_000): number {
  const start = bench.now;
  bench.take();
  while (bench.sent.length === 0 && bench.now - start < mostMs) bench.advance(1);
  return bench.now - start;
}

/** A probe has just been sent for a flight of `segments`. */
function probed(segments: number, options: FlightOptions = {}): Bench {
  const bench = flight(segments, options);
  untilNext(bench);
  assert.equal(bench.connection.rtx.probeOut, true);
  return bench;
}

function timeouts(bench: Bench): number {
  return bench.connection.rtx.tally.timeouts;
}

describe('the timer', () => {
  test('RFC8985 §7.2: two smoothed round trips for a flight of several segments', () => {
    const bench = flight(4, { rttMs: 100, config: { rtoMinMs: 1000 } });
    const { srttMs, rttvarMs } = bench.status;
    const after = untilNext(bench);
    // The margin: a path whose round trips vary a lot is waited for.
    assert.equal(after, 2 * srttMs + Math.max(2, 4 * rttvarMs - srttMs));
  });

  test('RFC8985 §7.2: the first flight has one, wherever the numbers stand', () => {
    for (const iss of [0x1000_0000, 0x9000_0000]) {
      const bench = flight(4, { iss });
      assert.equal(bench.connection.timers.isSet(Timer.LOSS_PROBE), true);
    }
  });

  test('RFC8985 §7.2: and as long as a peer may delay its ACK, for a lone segment', () => {
    const bench = flight(1, { rttMs: 100, config: { rtoMinMs: 1000 } });
    assert.equal(untilNext(bench), 2 * 100 + 200);
  });

  test('RFC8985 §7.2: not that long for the last of a flight whose segments are acknowledged one by one', () => {
    const bench = flight(4, { rttMs: 100, config: { rtoMinMs: 1000 } });
    bench.advance(100);
    for (const i of [2, 3, 4]) bench.peer(ackBefore(i));
    const { srttMs, rttvarMs } = bench.status;
    assert.equal(untilNext(bench), Math.ceil(2 * srttMs + Math.max(2, 4 * rttvarMs - srttMs)));
  });

  test('RFC8985 §7.2: two such ACKs tell, and one does not', () => {
    for (const [segments, most] of [
      [2, 200],
      [3, 0],
    ] as const) {
      const bench = flight(segments, { rttMs: 100, config: { rtoMinMs: 1000 } });
      bench.advance(100);
      for (let i = 2; i <= segments; i++) bench.peer(ackBefore(i));
      const { srttMs, rttvarMs } = bench.status;
      const margin = most || Math.max(2, 4 * rttvarMs - srttMs);
      assert.equal(untilNext(bench), Math.ceil(2 * srttMs + margin), `${segments} segments`);
    }
  });

  test('RFC8985 §7.2: nor when the link gave one ACK for those of two segments, but for one of three octets too many', () => {
    for (const [more, isPrompt] of [
      [0, true],
      [1, false],
    ] as const) {
      const bench = flight(4, { rttMs: 100, config: { rtoMinMs: 1000 } });
      bench
        .advance(100)
        .peer(ackBefore(2))
        .peerOf(2, `A 1 a${3 * MSS + 1 + more}`);
      if (!isPrompt) assert.equal(bench.connection.rtx.singleAcks, 0);
      else assert.equal(bench.connection.rtx.singleAcks, 3);
    }
  });

  test('RFC8985 §7.2: but for one that is left when the others are acknowledged together', () => {
    const bench = flight(4, { rttMs: 100, config: { rtoMinMs: 1000 } });
    bench.advance(100).peer(ackBefore(2)).peer(ackBefore(4));
    assert.equal(untilNext(bench), Math.ceil(2 * bench.status.srttMs + 200));
  });

  test('RFC8985 §7.2: nor for one that follows others which were alone as well, or for one behind several at once', () => {
    const alone = flight(1, { rttMs: 100, config: { rtoMinMs: 1000 } });
    for (let i = 2; i <= 5; i++) {
      alone.advance(100).peer(ackBefore(i));
      alone.write(MSS);
    }
    assert.equal(untilNext(alone), Math.ceil(2 * alone.status.srttMs + 200));
    const bench = flight(5, { rttMs: 100, config: { rtoMinMs: 1000 } });
    bench.advance(100).peer(ackBefore(4)).peer(ackBefore(5));
    assert.equal(untilNext(bench), Math.ceil(2 * bench.status.srttMs + 200));
  });

  test('RFC8985 §7.2: one second where nothing was measured yet', () => {
    const bench = Bench.synSent({ config: { sack: true, rtoInitialMs: 1000 }, peer: { window: 60_000 } });
    // The SYN was sent twice: its round trip is unknown (Karn), and the timeout is three seconds (RFC 6298 §5.7).
    bench.advance(1500).peer('SA 0 a1 <mss 1000, sackOK>');
    bench.write(3000);
    bench.take();
    assert.equal(untilNext(bench), 1000);
    assert.equal(timeouts(bench), 1, 'that of the SYN');
  });

  test('RFC8985 §7.2: a round trip of one millisecond is a measured one', () => {
    assert.equal(untilNext(flight(1, { rttMs: 1, config: { rtoMinMs: 1000 } })), 2 * 1 + 200);
  });

  test('RFC8985 §7.2: overdue when new data leaves, it still comes in place of the timeout', () => {
    const bench = flight(2, { config: { initialWindowSegments: 4 } });
    bench.now += 5000;
    bench.write(1000);
    bench.take();
    bench.advance(0).expect('A 2001 a1 [1000]');
    assert.equal(timeouts(bench), 0);
  });

  test('RFC8985 §7.2: never later than the retransmission timeout, in whose place it comes', () => {
    const bench = flight(1, { rttMs: 100, config: { rtoMinMs: 0 } });
    const { rtoMs } = bench.status;
    assert.equal(rtoMs, 300);
    assert.equal(untilNext(bench), rtoMs);
    assert.equal(timeouts(bench), 0);
    assert.equal(bench.connection.rtx.probeOut, true);
  });

  test('RFC8985 §7.2: begins anew with new data and with each ACK of new data', () => {
    const bench = flight(4, { config: { rtoMinMs: 1000 } });
    bench.advance(150);
    bench.write(1000);
    bench.take();
    bench.advance(100).silent();
    bench.peer(ackBefore(2));
    assert.ok(untilNext(bench) >= 200);
  });

  test('RFC8985 §7.3: after the probe the retransmission timer counts from the probe', () => {
    const bench = probed(4);
    const { rtoMs } = bench.status;
    assert.equal(untilNext(bench), rtoMs);
    assert.equal(timeouts(bench), 1);
  });
});

describe('what is sent', () => {
  test('RFC8985 §7.3: the last segment again, when there is nothing new', () => {
    const bench = flight(4);
    untilNext(bench);
    bench.expect('A 3001 a1 [1000]');
  });

  test('RFC8985 §7.3: new data when there is some, though the congestion window is full', () => {
    const bench = flight(4, { waiting: 3 });
    assert.equal(bench.status.sndNxt, 4001);
    untilNext(bench);
    bench.expect('A 4001 a1 [1000]');
    assert.ok(bench.status.inFlight > bench.status.cwnd);
  });

  test('RFC8985 §7.3: also a single octet', () => {
    const bench = flight(4);
    bench.write(1);
    untilNext(bench);
    bench.expect('PA 4001 a1 [1]');
  });

  test('RFC8985 §7.3: the last segment again, when the peer’s window has no room for new data', () => {
    const bench = flight(4, { waiting: 3, peer: { window: 4000 } });
    untilNext(bench);
    bench.expect('A 3001 a1 [1000]');
  });

  test('RFC8985 §7.3: a full segment at most, though the path has become narrower meanwhile', () => {
    const bench = flight(4);
    bench.take();
    bench.call((c) => c.onPathMtuChanged(600));
    untilNext(bench);
    bench.expect('A 3401 a1 [600]');
  });

  test('RFC8985 §7.3: the last octet as well, with a FIN behind it in one segment or two, or without', () => {
    const ways: Record<string, (bench: Bench) => void> = {
      'no FIN': (bench) => bench.write(1),
      'in two': (bench) => {
        bench.write(1);
        bench.shutdown();
      },
      'in one': (bench) => {
        bench.queue(1);
        bench.shutdown();
      },
    };
    for (const [name, leave] of Object.entries(ways)) {
      const bench = flight(1);
      bench.advance(100).peer(ackBefore(2));
      leave(bench);
      untilNext(bench);
      assert.equal(bench.connection.rtx.probeOut, true, name);
    }
  });

  test('RFC8985 §7.3: a FIN goes along with the last segment', () => {
    const bench = flight(2);
    bench.shutdown().take();
    untilNext(bench);
    const [probe] = bench.take();
    assert.equal(probe!.flags & 1, 1);
  });
});

describe('no probe', () => {
  function noProbe(bench: Bench, what: string): void {
    bench.take();
    // One that comes at the time of the retransmission timeout would take its place.
    assert.equal(bench.connection.timers.isSet(Timer.LOSS_PROBE), false, what);
    bench.advance(bench.connection.timers.deadline(Timer.RETRANSMISSION) - bench.now - 1).silent();
    assert.equal(bench.connection.rtx.probeOut, false, what);
  }

  test('RFC8985 §7.2: for a SYN-ACK: nothing is established yet', () => {
    const bench = Bench.synReceived({ config: { sack: true }, peer: { options: 'mss 1000, sackOK' } });
    assert.equal(bench.connection.timers.isSet(Timer.LOSS_PROBE), false);
  });

  test('RFC8985 §7.2: where SACK is off', () => noProbe(flight(4, { sack: false }), 'without SACK'));

  test('RFC8985 §7.2: while something is SACKed: RACK sees to the rest', () => {
    const bench = flight(4);
    bench.advance(100).peer(ackBefore(1, [2, 2]));
    bench.advance(50).take();
    noProbe(bench, 'with SACKed segments');
  });

  test('RFC8985 §7.2: in recovery, and after a timeout', () => {
    const bench = flight(6);
    bench.advance(100).peer(ackBefore(1, [3, 6]));
    noProbe(bench, 'in fast recovery');
    bench.advance(2).take();
    assert.equal(timeouts(bench), 1);
    noProbe(bench, 'in RTO recovery');
  });

  test('RFC8985 §7.3: a second one while the first is out', () => {
    const bench = probed(4);
    bench.take();
    assert.equal(bench.connection.timers.isSet(Timer.LOSS_PROBE), false);
    bench.advance(bench.connection.timers.deadline(Timer.RETRANSMISSION) - bench.now - 1).silent();
    bench.peer(ackBefore(2));
    assert.equal(bench.connection.timers.isSet(Timer.LOSS_PROBE), false, 'its answer is still to come');
  });

  test('RFC9293 §3.8.6.1: where the window closes over what is in flight', () => {
    const bench = flight(3, { config: { rtoMinMs: 1000 } });
    bench.take();
    bench.advance(50).peer(`${ackBefore(2)} w0`);
    const timeout = bench.connection.timers.deadline(Timer.RETRANSMISSION) - bench.now;
    assert.equal(untilNext(bench), Math.ceil(timeout));
    bench.expect('A 1001 a1 [1]');
    assert.equal(bench.connection.rtx.probeOut, false);
  });

  test('RFC9293 §3.8.6: but in a window of one octet as in any other', () => {
    const bench = flight(1, { peer: { window: 1 } });
    bench.expect('A 1 a1 [1]');
    assert.equal(bench.connection.timers.isSet(Timer.LOSS_PROBE), true);
  });

  test('for what is held lost already, because the path has become too narrow for it', () => {
    const bench = flight(3, { config: { rtoMinMs: 1000 } });
    bench.take();
    bench.call((c) => c.onPathMss(500, bench.connection.snd.una));
    bench.take();
    assert.equal(untilNext(bench, 800), 800);
  });

  test('RFC8985 §7.3: none before a round trip was measured since the last one', () => {
    const bench = probed(2);
    // Without timestamps nothing is measured by what was sent twice (Karn).
    bench.take();
    bench.advance(100).peer(ackBefore(3, [2, 2]));
    assert.equal(bench.connection.rtx.probeOut, false);
    bench.write(2000);
    noProbe(bench, 'no sample yet');
    bench.peer(ackBefore(5));
    bench.write(2000);
    bench.take();
    untilNext(bench);
    assert.equal(bench.connection.rtx.probeOut, true, 'a sample came with the ACK of what was sent once');
  });

  test('RFC9293 §3.8.6.1: at a closed window: that is probed for otherwise', () => {
    const bench = flight(2);
    bench.advance(100).peer(`${ackBefore(3)} w0`);
    bench.write(1000);
    bench.take();
    assert.equal(bench.connection.timers.isSet(Timer.LOSS_PROBE), false);
  });

  test('a FIN alone is left to the timeout', () => {
    const bench = flight(1);
    bench.advance(100).peer(ackBefore(2));
    bench.shutdown();
    noProbe(bench, 'nothing is held up by it');
  });
});

describe('what its acknowledgment tells', () => {
  test('RFC8985 §7.4.1: SACK of the probe shows the losses before it to RACK: no timeout is needed', () => {
    const bench = flight(6, { config: { rtoMinMs: 300 } });
    bench.advance(100).peer(ackBefore(3));
    // Segments 3 to 6 are lost; the probe repeats the sixth.
    untilNext(bench);
    assert.deepEqual(segmentsSent(bench), [6]);
    bench.advance(100).peer(ackBefore(3, [6, 6]));
    bench.advance(25);
    for (let i = 0; i < 3; i++) {
      const next = segmentsSent(bench);
      if (next.length === 0) break;
      bench.advance(100).peer(ackBefore(Math.max(...next) + 1, [6, 6]));
    }
    bench.peer(ackBefore(7));
    assert.equal(timeouts(bench), 0);
    assert.equal(bench.status.inFlight, 0);
    assert.equal(bench.connection.retransmissions, 4);
  });

  test('RFC8985 §7.4.2: a loss that only the probe repaired counts as one: the window shrinks', () => {
    const bench = flight(4);
    bench.advance(100).peer(ackBefore(4));
    untilNext(bench);
    bench.expect('A 3001 a1 [1000]');
    const { cwnd } = bench.status;
    bench.advance(100);
    bench.write(1000);
    bench.take();
    // One number beyond the probe: it arrived, and nobody says twice.
    bench.advance(100).peer(ackBefore(6));
    assert.ok(bench.status.cwnd < cwnd, `${bench.status.cwnd} after ${cwnd}`);
    assert.equal(bench.connection.rtx.probeOut, false);
  });

  test('RFC8985 §7.4.2: not when it arrived for the second time (D-SACK)', () => {
    const bench = probed(4);
    const { cwnd } = bench.status;
    bench.advance(50).peer(ackBefore(5));
    bench.write(1000);
    bench.advance(50).peer(ackBefore(6, [4, 4]));
    assert.ok(bench.status.cwnd >= cwnd);
    assert.equal(bench.connection.rtx.probeOut, false);
  });

  test('RFC8985 §7.4.2: not when an ACK repeats the one before: both transmissions arrived', () => {
    const bench = probed(4);
    const { cwnd } = bench.status;
    bench.write(1000);
    bench.take();
    bench.advance(50).peer(ackBefore(5));
    assert.equal(bench.connection.rtx.probeOut, true, 'it may answer either transmission');
    bench.peer(ackBefore(5));
    assert.equal(bench.connection.rtx.probeOut, false);
    bench.advance(50).peer(ackBefore(6));
    assert.ok(bench.status.cwnd >= cwnd);
  });

  test('RFC8985 §7.4.2: not when it carried new data', () => {
    const bench = probed(4, { waiting: 1 });
    const { cwnd } = bench.status;
    bench.advance(100).peer(ackBefore(6));
    assert.ok(bench.status.cwnd >= cwnd);
    assert.equal(bench.connection.rtx.probeOut, false);
  });

  test('RFC8985 §7.4: an ACK of less leaves the episode open', () => {
    const bench = probed(4);
    bench.advance(50).peer(ackBefore(3));
    assert.equal(bench.connection.rtx.probeOut, true);
    assert.equal(MSS * 2, bench.status.inFlight);
    bench.peer(ackBefore(3));
    assert.equal(bench.connection.rtx.probeOut, true, 'nor does its repetition');
    const withNew = probed(4, { waiting: 1 });
    withNew.advance(50).peer(ackBefore(3));
    assert.equal(withNew.connection.rtx.probeOut, true, 'nor does it answer new data');
  });

  test('RFC8985 §7.4.2: a duplicate that reports later data is no answer to it', () => {
    const bench = probed(4);
    bench.write(2000);
    bench.advance(50).peer(ackBefore(5));
    bench.advance(50).peer(ackBefore(5, [6, 6]));
    assert.equal(bench.connection.rtx.probeOut, true);
    bench.peer(ackBefore(5, [6, 6]));
    assert.equal(bench.connection.rtx.probeOut, false);
  });

  test('none is sent when everything is acknowledged before it leaves', () => {
    const bench = flight(1);
    bench.take();
    bench.now = bench.connection.timers.deadline(Timer.LOSS_PROBE);
    bench.connection.onTimer(bench.now);
    bench.peer(ackBefore(2)).silent();
    bench.write(1000);
    bench.expect('A 1001 a1 [1000]');
  });
});
