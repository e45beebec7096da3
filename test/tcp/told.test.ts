// What the core tells of the user calls, and what a call leaves behind: the log is only as good as this.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bbr } from '../../src/tcp/congestion/bbr.js';
import type { Connection } from '../../src/tcp/connection.js';
import type { SegmentOut } from '../../src/tcp/segment-out.js';
import { TIMER_NAMES, Timer } from '../../src/tcp/timers.js';
import { ACK, RST } from '../../src/wire/segment.js';
import { Bench } from './harness.js';
import { ackBefore, flight } from './sacking.js';

const told = (bench: Bench) => bench.recorder.calls.map(({ call, n, error }) => `${call} ${n} ${error}`);

describe('each call is told once', () => {
  test('with the bytes that it took or gave, and its error', () => {
    const bench = Bench.established({ config: { sendBufferBytes: 100 } }).peer('A 1 a1 [30]');
    bench.write(60);
    bench.write(60);
    bench.read();
    bench.shutdown();
    bench.write(1);
    bench.call((c, now) => c.abort(now));
    assert.deepEqual(told(bench), [
      'connect 0 null',
      'send 60 null',
      'send 40 null',
      'recv 30 null',
      'shutdown 0 null',
      'send 0 EPIPE',
      'abort 0 null',
    ]);
  });

  test('also one of close, though it may be an abort by its effect', () => {
    assert.deepEqual(told(Bench.accepted().close().close()), ['close 0 null']);
    assert.deepEqual(told(Bench.accepted().peer('A 1 a1 [30]').close()), ['abort 0 null']);
  });
});

test('each connection is told once when it opens, actively or passively', () => {
  assert.equal(Bench.established().recorder.opened, 1);
  assert.equal(Bench.accepted().recorder.opened, 1);
});

describe('each timer is told', () => {
  const timers = (bench: Bench, wanted: string) =>
    bench.recorder.timers
      .filter(({ name }) => name === wanted)
      .map(({ op, delayMs, n }) => `${op} ${delayMs} ${n}`);

  test('with the time until it fires, the time that was left, and how often it has', () => {
    const bench = Bench.established({ config: { rtoMinMs: 200 } });
    bench.write(10);
    bench.advance(150).peer('A 1 a11');
    assert.deepEqual(timers(bench, 'rto').slice(-2), ['start 200 0', 'stop 50 0']);
    bench.write(10);
    const begun = bench.recorder.timers.length;
    bench.advance(10_000);
    const rto = bench.recorder.timers.slice(begun).filter(({ name }) => name === 'rto');
    assert.ok(rto.length >= 4);
    for (const [i, { op, n, delayMs }] of rto.entries()) {
      assert.deepEqual([op, n], i % 2 === 0 ? ['fire', i / 2] : ['start', (i + 1) / 2]);
      if (i > 0) assert.ok(delayMs >= rto[i - 1]!.delayMs, 'a backoff');
    }
  });

  test('RFC9293 MUST-13: the wait of 2 MSL, and how often a repeated FIN began it anew', () => {
    const bench = Bench.established({ config: { mslMs: 500 } })
      .shutdown()
      .peer('FA 1 a2');
    bench.advance(900).peer('FA 1 a2').advance(1000).state('CLOSED');
    const told = bench.recorder.timers.filter(({ delayMs, at }) => delayMs === 1000 && at > 0).slice(-3);
    assert.deepEqual(
      told.map(({ op, n }) => `${op} ${n}`),
      ['start 0', 'restart 1', 'fire 1'],
    );
  });

  test('RFC8985 §7.2: the timers of recovery, which come once, without a count; that of the pace not at all', () => {
    const bench = flight(10, { rttMs: 20, waiting: 20, config: { congestion: bbr } });
    bench.advance(20).peer(ackBefore(4));
    assert.equal(bench.connection.timers.isSet(Timer.PACING), true);
    bench.advance(3000);
    const fired = bench.recorder.timers.filter(({ op }) => op === 'fire');
    assert.ok(fired.some(({ name }) => name !== 'rto'));
    assert.ok(!fired.some(({ name }) => name === TIMER_NAMES[Timer.PACING]));
    for (const { delayMs, n } of fired.filter(({ name }) => name === TIMER_NAMES[Timer.LOSS_PROBE]))
      assert.deepEqual([delayMs, n], [0, 0]);
  });

  test('the persist timer with the probes so far, the keep-alive timer as well', () => {
    const bench = Bench.established().peer('A 1 a1 w0');
    bench.write(10);
    bench.advance(1000);
    const persist = bench.recorder.timers.filter(({ name }) => name === 'persist');
    assert.deepEqual(
      persist.slice(0, 4).map(({ op, n }) => `${op} ${n}`),
      ['start 0', 'fire 0', 'start 1', 'fire 1'],
    );
    for (const [i, { op, delayMs }] of persist.entries()) {
      if (op === 'fire') assert.equal(delayMs, persist[i - 1]!.delayMs, 'it had been set for so long');
    }
    const config = { keepAlive: true, keepAliveIdleMs: 5000, keepAliveIntervalMs: 700, keepAliveProbes: 2 };
    const idle = Bench.established({ config }).advance(7000).state('CLOSED');
    const alive = timers(idle, 'keepalive');
    assert.deepEqual(alive, [
      'start 5000 0',
      'fire 5000 0',
      'start 700 1',
      'fire 700 1',
      'start 700 2',
      'fire 700 2',
    ]);
  });

  test('the delayed ACK, and that it is not needed any more', () => {
    const bench = Bench.established({ config: { delayedAckMs: 40 } });
    bench.peer('FA 1 a1');
    bench.advance(15);
    bench.write(1);
    assert.deepEqual(timers(bench, 'delack'), ['start 40 0', 'stop 25 0']);
  });
});

describe('each segment is told', () => {
  test('with what became of it, the SYN that opens a connection among them', () => {
    const bench = Bench.synReceived();
    assert.deepEqual(bench.recorder.verdicts, ['accept']);
    bench.peer('A 1 a1', 'A 11 a1 [10]');
    assert.deepEqual(bench.recorder.verdicts, ['accept', 'accept', 'ooo']);
    assert.equal(bench.connection.outOfOrderIn, 1);
    assert.deepEqual(bench.connection.receiveHoles(), [[1, 11]]);
    bench.peer('A 31 a1 [10]');
    assert.deepEqual(bench.connection.receiveHoles(), [
      [1, 11],
      [21, 31],
    ]);
  });

  test('what a SYN or a third segment brought once more is a duplicate, and no FIN behind it', () => {
    const verdictOf = (line: string) => {
      const bench = Bench.synReceived({}, 'S 0 [20] <mss 1000>').peer(line);
      return bench.recorder.verdicts.at(-1);
    };
    assert.equal(verdictOf('A 1 a1 [20]'), 'dup');
    assert.equal(verdictOf('A 1 a1 [30]'), 'trim');
    assert.equal(verdictOf('FA 1 a1 [20]'), 'trim');
    assert.equal(verdictOf('A 21 a1 [10]'), 'accept');
  });

  test('a reset that leaves as any other', () => {
    const bench = Bench.established();
    const sent: number[] = [];
    const segmentSent = (_connection: Connection, out: SegmentOut) => void sent.push(out.flags);
    Object.assign(bench.recorder, { segmentSent });
    bench.abort();
    assert.deepEqual(sent, [RST | ACK]);
  });

  test('octets that came with a SYN count as received', () => {
    const bench = Bench.synReceived({ config: { synData: 'accept' } }, 'S 0 [20] <mss 1000>').peer('A 21 a1');
    assert.equal(bench.connection.bytesReceived, 20);
    const limited = Bench.synReceived({ config: { synDataBytes: 5 } }, 'S 0 [20] <mss 1000>');
    assert.deepEqual(limited.recorder.drops, [{ reason: 'syndata_limit', reply: 'none' }]);
    assert.deepEqual(Bench.synReceived({}, 'S 0 [20] <mss 1000>').recorder.drops, []);
  });
});

describe('what a call leaves behind', () => {
  test('one octet that came out of order is data lost by a close', () => {
    const bench = Bench.accepted().peer('A 11 a1 [1]').settled('ESTABLISHED').close().state('CLOSED');
    assert.equal(bench.take()[0]!.flags & 4, 4);
  });

  test('urgent data for which there is no room makes nothing urgent', () => {
    const bench = Bench.established({ config: { sendBufferBytes: 100 } });
    bench.queue(100);
    assert.equal(bench.writeUrgent(1), 0);
    assert.equal(bench.take()[0]!.flags & 0x20, 0);
  });

  test('a write that does not fit is pushed as far as it does: its rest is to follow', () => {
    const bench = Bench.established({ config: { sendBufferBytes: 100 } });
    assert.equal(bench.write(101, false), 100);
    bench.expect('PA 1 a1 [100]');
  });

  test('a second close does not prolong the stay of an orphan', () => {
    const bench = Bench.accepted({ config: { finWait2Ms: 60_000 } });
    bench
      .close()
      .peer('A 1 a2')
      .settled('FIN-WAIT-2')
      .advance(30_000)
      .close()
      .advance(29_999)
      .state('FIN-WAIT-2');
    bench.advance(1).state('CLOSED');
  });

  test('an orphan of FIN-WAIT-2 is one from the moment of its close', () => {
    const bench = Bench.accepted({ config: { finWait2Ms: 60_000 } })
      .shutdown()
      .peer('A 1 a2');
    bench.settled('FIN-WAIT-2').advance(500_000).close().advance(59_999).state('FIN-WAIT-2').advance(1);
    bench.state('CLOSED');
    const timer = bench.recorder.timers.filter(({ name }) => name === 'finwait2');
    assert.deepEqual(
      timer.map(({ op, n, delayMs }) => `${op} ${n} ${delayMs}`),
      ['start 0 60000', 'fire 0 60000'],
    );
  });

  test('the queue of what was read is let go with close, and with abort', () => {
    for (const call of ['close', 'abort'] as const) {
      const bench = Bench.accepted().peer('A 1 a1 [10]');
      bench.read();
      assert.equal(bench[call]().connection.receiveQueue, null, call);
    }
  });

  test('a user timeout runs while something is in flight, and 0 takes it away', () => {
    const bench = Bench.established();
    bench.call((c, now) => c.setUserTimeout(5000, now));
    bench.advance(20_000).state('ESTABLISHED');
    bench.write(10);
    bench.advance(4999).state('ESTABLISHED').advance(1).state('CLOSED');
    assert.equal(bench.connection.error, 'ETIMEDOUT');
    const other = Bench.established();
    other.write(10);
    other.call((c, now) => c.setUserTimeout(5000, now)).advance(3000);
    other
      .call((c, now) => c.setUserTimeout(0, now))
      .advance(60_000)
      .state('ESTABLISHED');
  });

  test('keep-alive that is switched on again keeps its idle time when none is given', () => {
    const bench = Bench.established();
    bench.call((c, now) => c.setKeepAlive(true, 9000, now)).call((c, now) => c.setKeepAlive(false, 0, now));
    bench.advance(20_000).silent();
    bench
      .call((c, now) => c.setKeepAlive(true, 0, now))
      .advance(8999)
      .silent()
      .advance(1)
      .expect('A 0 a1');
  });
});
