// What the core tells of the user calls, and what a call leaves behind: the log is only as good as this.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bench } from './harness.js';

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

describe('what a call leaves behind', () => {
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
