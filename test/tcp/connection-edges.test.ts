// What a connection answers when it is asked, and what the options do that may be set on the way.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Timer } from '../../src/tcp/timers.js';
import { Bench } from './harness.js';
import { ackBefore, flight } from './sacking.js';

test('RFC9293 MUST-15: before the SYNs a segment is the default, or what the path takes where that is less', () => {
  assert.equal(new Bench().status.sendMss, 536);
  assert.equal(new Bench({ family: 6, config: { pathMss: 1400 } }).status.sendMss, 1220);
  assert.equal(new Bench({ config: { pathMss: 400 } }).status.sendMss, 400);
});

describe('end and urgency of what is received', () => {
  test('the end is reached when the FIN is, and everything before it was read', () => {
    const bench = Bench.established();
    assert.equal(bench.connection.atEnd, false);
    bench.peer('FA 1 a1 [10]');
    assert.equal(bench.connection.atEnd, false);
    bench.read();
    assert.equal(bench.connection.atEnd, true);
  });

  test('RFC9293 MUST-33: urgent octets are counted from what was read, also before a FIN', () => {
    const bench = Bench.established().peer('UFA 1 a1 [10] u5');
    assert.equal(bench.connection.urgentBytes, 5);
    bench.read(3);
    assert.equal(bench.connection.urgentBytes, 2);
    bench.read();
    assert.equal(bench.connection.urgentBytes, 0);
    const open = Bench.established().peer('UA 1 a1 [10] u5');
    assert.equal(open.connection.urgentBytes, 5);
  });

  test('RFC9293 MUST-33: nothing is urgent that was not announced, wherever the numbers begin', () => {
    for (const irs of [0xffff_fff0, 0x7fff_fff0, 5]) {
      const bench = Bench.established({ irs }).peer('A 1 a1 [10]');
      assert.equal(bench.connection.urgentBytes, 0);
    }
  });
});

describe('before anything is agreed upon', () => {
  const config = { sack: true, timestamps: true, windowScale: 4, ecn: 'on' } as const;

  test('RFC7323 §3.2, RFC2018 §2: what a SYN offers is not in force, neither told nor used', () => {
    const bench = Bench.synSent({ config });
    assert.deepEqual(bench.connection.tcpInfo(bench.now).options, {
      timestamps: false,
      sack: false,
      windowScale: false,
      ecn: false,
      synData: false,
    });
    bench.take();
    bench.peer('A 1 a77').expect('R 77 <>');
  });

  test('nobody is told of room in a buffer that was never full', () => {
    Bench.synSent().peer('SA 0 a1 <mss 1000>').events(['ESTABLISHED'], ['WRITABLE']);
  });
});

describe('what is counted and told', () => {
  const counts = (bench: Bench) => {
    const { segsIn, dataSegsIn, rcvOooPack } = bench.connection.tcpInfo(bench.now);
    return [segsIn, dataSegsIn, rcvOooPack];
  };

  test('a segment of a single octet is one of data, and only one ahead of its turn is out of order', () => {
    const bench = Bench.accepted().peer('A 1 a1 [1]');
    assert.deepEqual(counts(bench), [3, 1, 0]);
    bench.peer('A 3 a1 [1]', 'A 2 a1');
    assert.deepEqual(counts(bench), [5, 2, 1]);
  });

  test('what is missing before data that came early', () => {
    const bench = Bench.established();
    assert.deepEqual(bench.connection.receiveHoles(), []);
    bench.peer('A 11 a1 [10]', 'A 31 a1 [10]');
    assert.deepEqual(bench.connection.receiveHoles(), [
      [1, 11],
      [21, 31],
    ]);
  });
});

test('RFC9293 §3.10.7.1: a connection that ended answers as none would, and counts nothing out of it', () => {
  const bench = Bench.established().abort().settled('CLOSED');
  bench.peer('A 5 a7 [3]').expect('R 7').peer('S 5').expect('RA =0 a6').peer('R 5').silent();
  assert.deepEqual(bench.recorder.verdicts.slice(-3), ['drop', 'drop', 'drop']);
  assert.deepEqual(
    bench.recorder.drops.map(({ reason, reply }) => `${reason} ${reply}`),
    ['no_tcb rst', 'no_tcb rst', 'no_tcb none'],
  );
});

describe('options on the way', () => {
  test('RFC9293 MUST-21: a user timeout counts from when it is set, for a single octet in flight', () => {
    const bench = Bench.established({ config: { rtoMinMs: 1000 } });
    bench.write(1);
    bench.advance(100).call((c, now) => c.setUserTimeout(150, now));
    bench.advance(149).state('ESTABLISHED');
    bench.advance(1).state('CLOSED');
    assert.equal(bench.connection.error, 'ETIMEDOUT');
  });

  test('RFC9293 MUST-21: one of the configuration runs from the first octet that leaves, and a retransmission does not prolong it', () => {
    const short = Bench.established({ config: { userTimeoutMs: 1 } });
    short.write(1);
    short.advance(1).state('CLOSED');
    assert.equal(short.connection.error, 'ETIMEDOUT');
    const bench = flight(6, { waiting: 10, config: { userTimeoutMs: 60_000 } });
    const deadline = bench.connection.timers.deadline(Timer.USER);
    assert.equal(deadline, bench.now + 60_000);
    bench.take();
    bench.advance(100).peer(ackBefore(1, [2, 6]));
    assert.ok(
      bench.take().some((s) => s.seq > 6001),
      'new data leaves as well',
    );
    assert.equal(bench.connection.timers.deadline(Timer.USER), deadline);
  });

  test('RFC9293 MUST-21: of one millisecond, too; none runs while nothing is in flight, or when it is taken back', () => {
    const short = Bench.established();
    short.write(10);
    short
      .call((c, now) => c.setUserTimeout(1, now))
      .advance(1)
      .state('CLOSED');
    const idle = Bench.established().call((c, now) => c.setUserTimeout(100, now));
    idle.advance(1000).state('ESTABLISHED');
    const taken = Bench.established();
    taken.write(10);
    taken.call((c, now) => c.setUserTimeout(50, now)).call((c, now) => c.setUserTimeout(0, now));
    taken.advance(100).state('ESTABLISHED');
  });
});

test('RFC9293 §3.10.7.4: a reset leaves nothing in the buffers, and nothing to send', () => {
  const bench = Bench.established({ config: { initialWindowSegments: 1 } });
  bench.write(5000);
  bench.peer('A 101 a1 [10]', 'A 1 a1 [10]').take();
  bench.peer('A 11 a1 [10]', 'R 21').state('CLOSED').silent();
  const { sendQueueBytes, reassemblyBytes } = bench.status;
  assert.deepEqual([sendQueueBytes, reassemblyBytes], [0, 0]);
  assert.equal(bench.connection.wantsTransmit, false);
  assert.equal(bench.connection.nextTimeout(), Number.POSITIVE_INFINITY);
});
