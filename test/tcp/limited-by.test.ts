// What keeps a sender from sending, provoked one reason after the other: `limitedBy` of TCP_INFO, and the times that each
// reason has held. The rules themselves are proved elsewhere.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Controller } from '../../src/tcp/congestion/controller.js';
import { newReno } from '../../src/tcp/congestion/newreno.js';
import type { Connection } from '../../src/tcp/connection.js';
import type { TcpInfo } from '../../src/tcp/info.js';
import type { SegmentOut } from '../../src/tcp/segment-out.js';
import { Timer } from '../../src/tcp/timers.js';
import { Bench, Pair, type Path, Random } from './harness.js';
import { ackBefore, flight } from './sacking.js';

function limitedBy(bench: Bench): string {
  return bench.connection.tcpInfo(bench.now).limitedBy;
}

/** A pace of one segment in ten milliseconds, whatever the controller's pacer does. */
function paceSlowly(bench: Bench): void {
  let nextAt = 0;
  Object.assign(bench.connection.pacer!, {
    allows: (now: number) => now >= nextAt,
    nextAt: () => nextAt,
    onSent: (_bytes: number, now: number) => {
      nextAt = now + 10;
    },
  });
}

describe('limitedBy', () => {
  test('handshake: until both SYNs are acknowledged, on either side', () => {
    const client = Bench.synSent();
    client.queue(100);
    assert.equal(limitedBy(client), 'handshake');
    client.peer('SA 0 a1 <mss 1000>');
    assert.equal(limitedBy(client), 'application', 'the data has left');
    const server = Bench.synReceived();
    assert.equal(limitedBy(server), 'handshake');
    server.peer('A 1 a1');
    assert.equal(limitedBy(server), 'application');
  });

  test('nothing: what was queued leaves at the end of the turn', () => {
    const bench = Bench.established();
    assert.equal(limitedBy(bench), 'application');
    bench.queue(100);
    assert.equal(limitedBy(bench), 'nothing');
    bench.flush().expect('A 1 a1 [100]');
    assert.equal(limitedBy(bench), 'application');
  });

  test('application: it said that more follows at once, and has not brought it yet', () => {
    const bench = Bench.established();
    bench.write(100, false);
    bench.silent();
    assert.equal(limitedBy(bench), 'application');
  });

  test('nagle: a short segment waits for the acknowledgment of another', () => {
    const bench = Bench.established();
    bench.write(100);
    bench.write(100);
    assert.equal(limitedBy(bench), 'nagle');
    bench.inject('A 1 a101');
    assert.equal(limitedBy(bench), 'nothing');
    bench.flush();
    assert.equal(limitedBy(bench), 'application');
  });

  test('congestion window: it is full of segments on their way', () => {
    const bench = Bench.established({ config: { initialWindowSegments: 2 } });
    bench.write(5000);
    assert.equal(bench.take().length, 2);
    assert.equal(limitedBy(bench), 'congestion window');
    assert.equal(bench.connection.windowLimited, true);
    bench.inject('A 1 a1001');
    assert.equal(limitedBy(bench), 'nothing');
  });

  test('receive window: closed, full, or too small for a full segment', () => {
    const closed = Bench.established();
    closed.peer('A 1 a1 w0');
    closed.write(5000);
    assert.equal(limitedBy(closed), 'receive window');
    const full = Bench.established({ peer: { window: 2000 } });
    full.write(5000);
    assert.equal(full.take().length, 2);
    assert.equal(limitedBy(full), 'receive window');
    const small = Bench.established({ peer: { window: 2500 } });
    small.write(5000);
    assert.equal(small.take().length, 2, 'silly-window avoidance');
    assert.equal(limitedBy(small), 'receive window');
    assert.equal(small.connection.windowLimited, false, 'the congestion window is not to blame');
    const shut = Bench.established();
    shut.write(3000);
    shut.advance(shut.untilTimer);
    shut.peer('A 1 a1001 w0');
    assert.equal(limitedBy(shut), 'receive window', 'over what is to be sent again');
    assert.equal(shut.connection.windowLimited, false);
  });

  test('send buffer: everything in it is sent, and the application has more', () => {
    const bench = Bench.established({ config: { sendBufferBytes: 2000 } });
    assert.equal(bench.write(5000), 2000);
    assert.equal(limitedBy(bench), 'send buffer');
    bench.peer('A 1 a1001').events(['WRITABLE']);
    const short = Bench.established({ config: { sendBufferBytes: 1500 } });
    assert.equal(short.write(5000), 1500);
    short.expect('A 1 a1 [1000]');
    assert.equal(limitedBy(short), 'send buffer', 'of which a full segment could be made if there were room');
    assert.equal(limitedBy(bench), 'application');
  });

  test('f-rto: after a timeout two segments have left, and their acknowledgments decide (RFC 5682 §2.1)', () => {
    const bench = Bench.established({ peer: { window: 50_000 } });
    bench.write(30_000);
    assert.equal(bench.take().length, 10);
    bench.advance(bench.untilTimer);
    bench.expect('A 1 a1 [1000]');
    assert.equal(limitedBy(bench), 'congestion window');
    bench.peer('A 1 a1001').expect('A 10001 a1 [1000]', 'A 11001 a1 [1000]');
    assert.equal(limitedBy(bench), 'f-rto');
    bench.inject('A 1 a5001');
    assert.equal(limitedBy(bench), 'nothing', 'it was spurious');
  });

  test('pacing: the window would let it go, and the pace not yet', () => {
    const paced = (mss: number, segments: number): Controller =>
      Object.assign(newReno(mss, segments), { pacingRate: 100 });
    const bench = Bench.established({ config: { congestion: paced } });
    paceSlowly(bench);
    bench.write(3000);
    assert.equal(bench.take().length, 1);
    assert.equal(limitedBy(bench), 'pacing');
    bench.advance(10);
    assert.equal(bench.take().length, 1);
    assert.equal(limitedBy(bench), 'pacing');
    bench.advance(9);
    bench.silent();
    bench.advance(1);
    assert.equal(limitedBy(bench), 'application');
    assert.equal(bench.connection.tcpInfo(bench.now).pacingLimitedMs, 20);
  });

  test('pacing: not while something else holds it back; what is sent again goes by the pace as well', () => {
    const paced = (mss: number, segments: number): Controller =>
      Object.assign(newReno(mss, segments), { pacingRate: 100 });
    const bench = flight(6, { config: { congestion: paced } });
    paceSlowly(bench);
    bench.take();
    bench
      .advance(100)
      .peer(ackBefore(1, [3, 6]))
      .expect('A 1 a1 [1000]');
    const timeout = bench.connection.timers.deadline(Timer.RETRANSMISSION);
    bench.advance(9).silent();
    bench.advance(1).expect('A 1001 a1 [1000]');
    assert.equal(
      bench.connection.timers.deadline(Timer.RETRANSMISSION),
      timeout,
      'the wait is for the first',
    );
    bench.advance(50).peer(ackBefore(7)).take();
    bench.write(3000);
    bench.expect('A 6001 a1 [1000]');
    bench.peer('A 1 a7001 w0');
    assert.equal(limitedBy(bench), 'receive window');
    bench.inject('A 1 a7001 w9000');
    assert.equal(limitedBy(bench), 'nothing');
  });

  test('link: it takes no more, and then does', () => {
    const bench = Bench.established();
    let room = 1;
    const sink = {
      get writable() {
        return room > 0;
      },
      segment: (connection: Connection, out: SegmentOut) => {
        room--;
        bench.segment(connection, out);
      },
    };
    bench.queue(3000);
    assert.equal(bench.connection.pollTransmit(bench.now, sink), false);
    assert.equal(bench.take().length, 1);
    assert.equal(limitedBy(bench), 'link');
    room = 10;
    assert.equal(bench.connection.pollTransmit(bench.now, sink), true);
    assert.equal(limitedBy(bench), 'application');
  });

  test('link: one that was full from the beginning holds back the SYN and data, but is not to blame for more', () => {
    const bench = new Bench();
    bench.connection.openActive(bench.now);
    bench.connection.heldBack(bench.now);
    assert.equal(limitedBy(bench), 'link');
    bench.flush().peer('SA 0 a1 <mss 1000>');
    bench.connection.heldBack(bench.now);
    assert.equal(limitedBy(bench), 'application');
    bench.queue(100);
    bench.connection.heldBack(bench.now);
    assert.equal(limitedBy(bench), 'link');
    bench.inject('A 1 a1 w0');
    assert.equal(limitedBy(bench), 'receive window');
  });

  test('finished: our FIN is out, the connection waits or is gone', () => {
    const bench = Bench.established();
    bench.shutdown();
    assert.equal(limitedBy(bench), 'finished');
    bench.peer('FA 1 a2').state('TIME-WAIT');
    assert.equal(limitedBy(bench), 'finished');
    const { handshakeMs } = bench.connection.tcpInfo(bench.now);
    bench.advance(1000);
    assert.equal(bench.connection.tcpInfo(bench.now).handshakeMs, handshakeMs);
    const gone = Bench.established();
    gone.write(100);
    gone.abort();
    assert.equal(limitedBy(gone), 'finished');
  });
});

/** The times that exclude each other, the end apart. */
const PARTS = [
  'rwndLimitedMs',
  'sndbufLimitedMs',
  'cwndLimitedMs',
  'pacingLimitedMs',
  'nagleLimitedMs',
  'fRtoLimitedMs',
  'linkLimitedMs',
  'appLimitedMs',
  'handshakeMs',
] as const;

/** The times that are not 0. */
function times(info: TcpInfo): Record<string, number> {
  const all = (['busyTimeMs', ...PARTS] as const).map((name) => [name, info[name]] as const);
  return Object.fromEntries(all.filter(([, ms]) => ms !== 0));
}

function timesOf(bench: Bench): Record<string, number> {
  return times(bench.connection.tcpInfo(bench.now));
}

describe('the clocks', () => {
  test('each moment counts for one limit, and busy from the first byte queued to the last acknowledged', () => {
    const bench = Bench.synSent({ config: { initialWindowSegments: 2, sendBufferBytes: 4000 } });
    bench.advance(30).peer('SA 0 a1 <mss 1000>');
    assert.deepEqual(timesOf(bench), { handshakeMs: 30 });
    bench.advance(100);
    assert.deepEqual(timesOf(bench), { handshakeMs: 30, appLimitedMs: 100 });

    bench.write(3000);
    bench.advance(20);
    assert.deepEqual(timesOf(bench), {
      busyTimeMs: 20,
      cwndLimitedMs: 20,
      handshakeMs: 30,
      appLimitedMs: 100,
    });
    // The window goes shut over what is left.
    bench.peer('A 1 a2001 w0').advance(15);
    assert.deepEqual(timesOf(bench), {
      busyTimeMs: 35,
      cwndLimitedMs: 20,
      rwndLimitedMs: 15,
      handshakeMs: 30,
      appLimitedMs: 100,
    });
    // It opens: the last segment is on its way, and the application has no more.
    bench.peer('A 1 a2001').advance(7);
    assert.equal(timesOf(bench).busyTimeMs, 42);
    assert.equal(timesOf(bench).appLimitedMs, 107);
    bench.peer('A 1 a3001').advance(1000);
    assert.deepEqual(timesOf(bench), {
      busyTimeMs: 42,
      cwndLimitedMs: 20,
      rwndLimitedMs: 15,
      handshakeMs: 30,
      appLimitedMs: 1107,
    });
    // As much as the buffer holds, all of it sent, and more to come.
    assert.equal(bench.write(9000), 4000);
    bench.peer(`A 1 a${bench.status.sndNxt}`).peer(`A 1 a${bench.status.sndNxt}`);
    assert.equal(bench.write(9000), 4000);
    assert.equal(bench.status.inFlight, 4000);
    bench.advance(5);
    assert.equal(timesOf(bench).sndbufLimitedMs, 5);
    assert.equal(timesOf(bench).busyTimeMs, 47);
  });

  test('a buffer that grows with what is in flight is not to blame once it has room again', () => {
    const config = { sendBufferBytes: 4000, sendBufferMaxBytes: 40_000, initialWindowSegments: 20 };
    const bench = Bench.established({ config, peer: { window: 20_000 } });
    assert.equal(bench.write(9000), 4000);
    bench.events(['WRITABLE']);
    bench.advance(5);
    assert.deepEqual(timesOf(bench), { busyTimeMs: 5, appLimitedMs: 5 });
    const narrow = Bench.established({ config: { ...config, initialWindowSegments: 2 } });
    assert.equal(narrow.write(9000), 4000);
    narrow.events(['WRITABLE']);
    narrow.advance(5);
    assert.deepEqual(timesOf(narrow), { busyTimeMs: 5, cwndLimitedMs: 5 }, 'the window is, all the while');
  });

  test('in TIME-WAIT, and when all is over, nothing is busy', () => {
    const bench = Bench.established();
    bench.write(1000);
    bench.advance(7).peer('A 1 a1001');
    bench.shutdown().peer('A 1 a1002').peer('FA 1 a1002').state('TIME-WAIT');
    bench.advance(1000);
    assert.equal(timesOf(bench).busyTimeMs, 7);
    const reset = Bench.established();
    reset.write(1000);
    reset.advance(4).peer('A 1 a1001');
    reset.write(1000);
    reset.advance(3).peer('R 1').state('CLOSED');
    reset.advance(1000);
    assert.equal(timesOf(reset).busyTimeMs, 7);
  });

  test('a full link counts only while it holds something back', () => {
    const bench = Bench.established();
    bench.connection.heldBack(bench.now);
    bench.now += 10;
    assert.deepEqual(timesOf(bench), { appLimitedMs: 10 });
    bench.queue(100);
    bench.connection.heldBack(bench.now);
    bench.now += 3;
    assert.deepEqual(timesOf(bench), { appLimitedMs: 10, linkLimitedMs: 3, busyTimeMs: 3 });
  });

  test('our SYN is nothing to be busy with', () => {
    const bench = Bench.synReceived();
    bench.advance(30);
    assert.deepEqual(timesOf(bench), { handshakeMs: 30 });
  });

  test('they stand still when the connection is gone', () => {
    const bench = Bench.established({ config: { initialWindowSegments: 2 } });
    bench.write(5000);
    bench.advance(50);
    // Ended by the peer, and nobody polls.
    bench.inject('R 1');
    const before = timesOf(bench);
    assert.deepEqual(before, { busyTimeMs: 50, cwndLimitedMs: 50 });
    bench.now += 1000;
    assert.deepEqual(timesOf(bench), before);
  });

  test('without a transmission to begin with there is no time', () => {
    const bench = new Bench();
    assert.deepEqual(timesOf(bench), {});
  });

  test('their sum is the age of the connection, whatever happens on the path', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const pair = lossyTransfer(seed);
      const opened = pair.now;
      pair.start();
      let steps = 0;
      for (; pair.step() && steps < 20_000; steps++) {
        checkTimes(pair.a.connection!.tcpInfo(pair.now), pair.now - opened, `seed ${seed}`);
      }
      assert.ok(steps > 50, `seed ${seed}: only ${steps} steps`);
    }
  });
});

function checkTimes(info: TcpInfo, age: number, which: string): void {
  if (info.state !== 'ESTABLISHED' && info.state !== 'SYN-SENT') return;
  const sum = PARTS.reduce((ms, name) => ms + info[name], 0);
  assert.ok(Math.abs(sum - age) < 1e-6, `${which}: ${sum} ms of ${age} ms in ${info.state}`);
  const waiting = sum - info.appLimitedMs - info.handshakeMs;
  assert.ok(
    waiting <= info.busyTimeMs + 1e-6,
    `${which}: ${waiting} ms of waiting, ${info.busyTimeMs} ms busy`,
  );
  assert.ok(info.busyTimeMs <= age + 1e-6);
}

/** A hundred kilobytes in writes of any size over a path that loses, to a reader with pauses; nobody closes. */
function lossyTransfer(seed: number): Pair {
  const random = new Random(seed);
  const path: Path = () => (random.chance(0.05) ? [] : [random.int(5, 25)]);
  const config = { sendBufferBytes: 8000, receiveBufferBytes: 6000, sack: false, timestamps: false };
  const pair = new Pair({ path, config }, { path, config: { ...config, windowScale: -1 } });
  let left = 100_000;
  pair.application = () => {
    const { a, b } = pair;
    const wanted = Math.min(left, random.int(1, 6000));
    if (wanted > 0) left -= a.connection!.send(new Uint8Array(wanted), true, pair.now);
    if (random.chance(0.7)) while (b.connection?.receive(5000, pair.now)) {}
  };
  return pair;
}
