// Keep-alives: RFC 9293 §3.8.4.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Timer } from '../../src/tcp/timers.js';
import { Bench, type BenchOptions } from '../tcp/harness.js';

const ON: BenchOptions = {
  config: { keepAlive: true, keepAliveIdleMs: 60_000, keepAliveIntervalMs: 10_000, keepAliveProbes: 3 },
};

describe('keep-alive', () => {
  test('RFC9293 MUST-25: off by default', () => {
    Bench.established()
      .advance(30 * 24 * 3_600_000)
      .silent()
      .state('ESTABLISHED');
  });

  test('RFC9293 MUST-28: the default interval is two hours at least', () => {
    const bench = Bench.established({ config: { keepAlive: true } });
    bench.advance(7_199_000).silent();
    bench.advance(2000);
    assert.equal(bench.take().length, 1);
  });

  test('RFC9293 MAY-5 SHLD-12: the probe carries no data and an old number, so that the peer must answer', () => {
    const bench = Bench.established(ON).advance(60_000).expect('A 0 a1');
    bench.peer('A 1 a1').advance(59_000).silent();
  });

  test('RFC9293 MUST-24 MUST-27: switched on and off, and timed, per connection', () => {
    const bench = Bench.established();
    bench
      .call((c, now) => c.setKeepAlive(true, 5000, now))
      .advance(4900)
      .silent();
    bench.advance(200).expect('A 0 a1').peer('A 1 a1');
    bench
      .call((c, now) => c.setKeepAlive(false, 5000, now))
      .advance(1_000_000)
      .silent();
  });

  test('RFC9293 MUST-27: an idle time of one millisecond is one', () => {
    const bench = Bench.established().call((c, now) => c.setKeepAlive(true, 1, now));
    bench.advance(1).expect('A 0 a1');
  });

  test('RFC9293 MUST-25: switched off, no timer is left', () => {
    const bench = Bench.established(ON).call((c, now) => c.setKeepAlive(false, 0, now));
    assert.equal(bench.connection.nextTimeout(), Number.POSITIVE_INFINITY);
    bench.advance(1_000_000).silent();
  });

  test('RFC9293 MUST-26: none before the connection is established, nor while our FIN is outstanding', () => {
    const opening = Bench.synSent(ON);
    assert.equal(opening.connection.timers.isSet(Timer.KEEPALIVE), false);
    const closing = Bench.established(ON).advance(60_000).expect('A 0 a1').shutdown();
    closing.advance(100_000);
    for (const s of closing.take()) assert.equal(s.seq, 1, 'the FIN, again and again');
    closing.peer('A 1 a2').settled('FIN-WAIT-2');
    closing.advance(59_000).silent();
    closing.advance(2000).expect('A 1 a1');
  });

  test('RFC9293 MUST-24: switched on while our FIN is outstanding, it asks from FIN-WAIT-2 on', () => {
    const bench = Bench.established({ config: { ...ON.config, keepAlive: false } }).shutdown();
    bench.call((c, now) => c.setKeepAlive(true, 0, now)).settled('FIN-WAIT-1');
    bench.peer('A 1 a2').state('FIN-WAIT-2').advance(60_000).expect('A 1 a1');
  });

  test('RFC9293 MUST-26: switched on before the connection is established, or after its end, no timer runs', () => {
    for (const bench of [Bench.synSent(), Bench.synReceived(), Bench.established().abort()]) {
      bench.call((c, now) => c.setKeepAlive(true, 5000, now));
      assert.equal(bench.connection.timers.isSet(Timer.KEEPALIVE), false, bench.stateName);
    }
  });

  test('RFC9293 MUST-26: the interval ends so long after the last segment, to the millisecond', () => {
    const bench = Bench.established(ON).advance(1).peer('A 1 a1');
    bench.advance(59_999).silent();
    const { op, delayMs, n } = bench.recorder.timers.at(-1)!;
    assert.deepEqual([op, delayMs, n], ['start', 1, 0]);
    bench.advance(1).expect('A 0 a1');
  });

  test('RFC9293 §3.8.4: while our FIN is outstanding, the timer is told to begin anew', () => {
    const bench = Bench.established(ON).advance(60_000).settled('ESTABLISHED').shutdown();
    bench.advance(70_000);
    const told = bench.recorder.timers.filter(({ name }) => name === 'keepalive');
    assert.deepEqual(told.map(({ op, delayMs, n }) => `${op} ${delayMs} ${n}`).slice(2), [
      'start 10000 1',
      'fire 10000 1',
      'start 60000 0',
      'fire 60000 0',
      'start 60000 0',
    ]);
  });

  test('RFC9293 MUST-26: not while a single octet is outstanding', () => {
    const bench = Bench.established({ config: { ...ON.config, rtoMinMs: 100_000, rtoMaxMs: 200_000 } });
    bench.write(1);
    bench.take();
    bench.advance(90_000).silent();
  });

  test('RFC9293 §3.8.4: who does not answer is told, and so is each start of the timer', () => {
    const bench = Bench.established(ON);
    bench.advance(80_000).take();
    bench.advance(10_000).expect('RA 1 a1').state('CLOSED');
    const started = bench.recorder.timers.filter(({ name, op }) => name === 'keepalive' && op === 'start');
    assert.deepEqual(
      started.map(({ delayMs, n }) => `${delayMs} ${n}`),
      ['60000 0', '10000 1', '10000 2', '10000 3'],
    );
  });

  test('RFC9293 MUST-26: not while data is outstanding', () => {
    const bench = Bench.established({ config: { ...ON.config, rtoMinMs: 50_000, rtoInitialMs: 50_000 } });
    bench.advance(30_000);
    bench.write(100);
    bench.take();
    bench.advance(49_000);
    for (const s of bench.take()) assert.equal(s.payload.length, 100);
  });

  test('RFC9293 MUST-26: whatever arrives begins the interval anew', () => {
    const bench = Bench.established(ON);
    for (let i = 1; i < 10; i++) {
      bench.advance(50_000).silent();
      bench.peer(`A ${i} a1 [1]`);
      bench.advance(100).take();
    }
  });

  test('RFC9293 MUST-26: bare ACKs and window updates count as received', () => {
    const bench = Bench.established(ON);
    for (let i = 1; i < 10; i++)
      bench
        .advance(50_000)
        .silent()
        .peer(`A 1 a1 w${5000 + i}`)
        .silent();
    bench.advance(60_000).expect('A 0 a1');
  });

  test('RFC9293 MUST-29: one unanswered probe does not end the connection; all of them do', () => {
    const bench = Bench.established(ON).advance(60_000).expect('A 0 a1');
    bench.advance(10_000).expect('A 0 a1').state('ESTABLISHED');
    bench.advance(10_000).expect('A 0 a1').state('ESTABLISHED');
    bench.advance(10_000).state('CLOSED').events(['CLOSED']);
    assert.equal(bench.connection.error, 'ETIMEDOUT');
    assert.equal(bench.connection.nextTimeout(), Number.POSITIVE_INFINITY);
  });

  test('RFC9293 §3.8.4: an answer starts the count again', () => {
    const bench = Bench.established(ON);
    for (let round = 0; round < 5; round++) {
      bench.advance(60_000).expect('A 0 a1');
      bench.advance(10_000).expect('A 0 a1').peer('A 1 a1').state('ESTABLISHED');
    }
  });

  test('RFC9293 MUST-24: switching it on anew begins anew', () => {
    const bench = Bench.established(ON).advance(80_000).expect('A 0 a1', 'A 0 a1', 'A 0 a1');
    bench
      .call((c, now) => c.setKeepAlive(true, 30_000, now))
      .advance(29_900)
      .silent();
    bench.advance(100).expect('A 0 a1').advance(20_000).expect('A 0 a1', 'A 0 a1').state('ESTABLISHED');
    bench.advance(10_000).state('CLOSED');
  });

  test('RFC9293 §3.8.4: the interval of probes and their number are set per connection, from the next probe on', () => {
    const bench = Bench.established(ON).advance(60_000).expect('A 0 a1');
    bench
      .call((c) => c.setKeepAliveProbing(2000, 4))
      .advance(9900)
      .silent();
    bench.advance(100).expect('A 0 a1').advance(2000).expect('A 0 a1').advance(2000).expect('A 0 a1');
    bench.advance(1900).state('ESTABLISHED');
    bench.advance(100).state('CLOSED');
  });

  test('a fractional clock does not make a timer fire twice at one moment', () => {
    for (let i = 1; i < 200; i++) {
      const bench = Bench.established();
      // Around 65 536 ms the sum of a time and an interval loses its last bit.
      bench.advance(15_200.119539829844 + 1 / i).call((c, now) => c.setKeepAlive(true, 500, now));
      bench
        .advance(100.3 + i / 7)
        .peer('A 1 a1 [1]')
        .take();
      // `advance` itself fails when timers keep firing without an end.
      bench.advance(2000);
      assert.ok(bench.take().length > 0);
    }
  });

  test('RFC9293 §3.8.4: a peer that forgot the connection answers with RST', () => {
    const bench = Bench.established(ON).advance(60_000).settled('ESTABLISHED');
    bench.peer('R 1').state('CLOSED');
    assert.equal(bench.connection.error, 'ECONNRESET');
  });

  test('RFC9293 §3.8.4: also in CLOSE-WAIT and FIN-WAIT-2, where the peer may have gone', () => {
    const waiting = Bench.established(ON).peer('FA 1 a1');
    waiting.advance(100_000).state('CLOSED');
    const half = Bench.established(ON).shutdown().peer('A 1 a2').settled('FIN-WAIT-2');
    half.advance(100_000).state('CLOSED');
  });

  test('RFC9293 MAY-6: we answer the keep-alive of a peer, with or without its garbage octet', () => {
    const bench = Bench.accepted().peer('A 1 a1 [10]');
    bench.read();
    bench.settled('ESTABLISHED').peer('A 10 a1').expect('A 1 a11');
    bench.advance(1000);
    bench.peer('A 10 a1 [1]').expect('A 1 a11');
    assert.equal(bench.read(), 0);
  });
});
