// The thresholds R1 and R2 to the millisecond (RFC 9293 §3.8.3), and whom they concern.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Timer } from '../../src/tcp/timers.js';
import { Bench, type BenchOptions } from '../tcp/harness.js';
import { ackBefore, flight } from '../tcp/sacking.js';

/** With a timeout of a second the retransmissions leave after one, three, seven and fifteen seconds. */
const SECOND: BenchOptions['config'] = { rtoMinMs: 1000, rtoInitialMs: 1000 };

/** Data that nobody acknowledges has just left. */
function waiting(config: BenchOptions['config'], environment: BenchOptions['environment'] = {}): Bench {
  const bench = Bench.established({ config: { ...SECOND, ...config }, environment });
  bench.write(100);
  return bench;
}

describe('R1', () => {
  test('RFC9293 MUST-20: is told once in an outage, at the retransmission that it names', () => {
    let advices = 0;
    const bench = waiting(
      { r1Retransmissions: 3, r2Ms: 1_000_000 },
      {
        negativeAdvice: () => {
          advices++;
        },
      },
    );
    bench.advance(6999).events([], ['SOFT_ERROR']);
    assert.equal(advices, 0);
    bench.advance(1).events(['SOFT_ERROR']);
    assert.equal(advices, 1);
    bench.advance(60_000).events([], ['SOFT_ERROR']);
    assert.equal(advices, 1);
    bench.peer('A 1 a101').write(100);
    bench.advance(200_000).events(['SOFT_ERROR']);
    assert.equal(advices, 2, 'another outage');
  });

  test('RFC9293 MUST-20: for a SYN the route is doubted, and the application waits for the outcome anyway', () => {
    let advices = 0;
    const bench = Bench.synSent({
      config: { ...SECOND, r1Retransmissions: 3 },
      environment: {
        negativeAdvice: () => {
          advices++;
        },
      },
    });
    bench.advance(20_000).events([], ['SOFT_ERROR']);
    assert.equal(advices, 1);
  });
});

describe('the user timeout', () => {
  test('RFC9293 MUST-21: begins anew with each progress, and ends with the last', () => {
    const bench = flight(3, { config: { userTimeoutMs: 5000 } });
    const { timers } = bench.connection;
    assert.equal(timers.deadline(Timer.USER), bench.now + 5000);
    bench.advance(100).peer(ackBefore(2));
    assert.equal(timers.deadline(Timer.USER), bench.now + 5000);
    bench.peer(ackBefore(4));
    assert.equal(timers.isSet(Timer.USER), false);
    assert.equal(timers.isSet(Timer.RETRANSMISSION), false);
  });

  test('RFC9293 MUST-21: without one no timer runs for it', () => {
    const bench = flight(2);
    bench.peer(ackBefore(2));
    assert.equal(bench.connection.timers.isSet(Timer.USER), false);
  });

  test('RFC9293 MUST-23: it counts for a SYN in place of its own limit, and for an orphan beside that', () => {
    const opening = Bench.synSent({ config: { ...SECOND, userTimeoutMs: 0, r2SynMs: 1000 } });
    opening.advance(1000).state('CLOSED');
    const orphan = flight(2, { config: { r2Ms: 1_000_000, orphanMs: 3000 } });
    orphan.close().advance(30_000).state('CLOSED');
  });
});

describe('R2', () => {
  test('RFC9293 MUST-20: ends the connection at the timeout at which it has passed', () => {
    waiting({ r2Ms: 7000 }).advance(6999).state('ESTABLISHED').advance(1).state('CLOSED');
    waiting({ r2Ms: 7001 }).advance(14_999).state('ESTABLISHED').advance(1).state('CLOSED');
  });

  test('RFC9293 MUST-21: is what the application says, also where that is more', () => {
    const config = { r2Ms: 7000, r2SynMs: 7000, userTimeoutMs: 20_000 };
    waiting(config).advance(19_999).state('ESTABLISHED').advance(1).state('CLOSED');
    Bench.synSent({ config: { ...SECOND, ...config } })
      .advance(19_999)
      .state('SYN-SENT')
      .advance(1)
      .state('CLOSED');
  });

  test('RFC9293 MUST-23: of a SYN likewise', () => {
    const opening = (r2SynMs: number) => Bench.synSent({ config: { ...SECOND, r2SynMs } });
    opening(7000).advance(6999).state('SYN-SENT').advance(1).state('CLOSED');
    opening(7001).advance(14_999).state('SYN-SENT').advance(1).state('CLOSED');
  });

  test('RFC9293 MUST-20: for a connection without an application the shorter of it and the time for orphans', () => {
    const orphan = (r2Ms: number, orphanMs: number) => waiting({ r2Ms, orphanMs }).close();
    orphan(100_000, 7000).advance(6999).state('FIN-WAIT-1').advance(1).state('CLOSED');
    orphan(7000, 100_000).advance(6999).state('FIN-WAIT-1').advance(1).state('CLOSED');
    waiting({ r2Ms: 100_000, orphanMs: 7000 }).shutdown().advance(20_000).state('FIN-WAIT-1');
  });
});

test('RFC2018 §8: what SACK reported is relied upon after one timeout, and after a second one no more', () => {
  const bench = flight(5);
  bench.advance(100).peer(ackBefore(1, [3, 5]));
  const sacked = () => bench.connection.tcpInfo(bench.now).sackedBytes;
  while (bench.connection.rtx.tally.timeouts === 0) bench.advance(1);
  assert.equal(sacked(), 3000);
  while (bench.connection.rtx.tally.timeouts === 1) bench.advance(1);
  assert.equal(sacked(), 0);
  assert.equal(bench.connection.tcpInfo(bench.now).lostBytes, 5000);
});
