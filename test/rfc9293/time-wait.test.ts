// TIME-WAIT: RFC 9293 §3.6.1, §3.10.7.4, §3.10.8, RFC 1337, RFC 6191.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Connection } from '../../src/tcp/connection.js';
import { STATE_NAMES } from '../../src/tcp/state.js';
import { Timer } from '../../src/tcp/timers.js';
import { ACK, SegmentView, SYN } from '../../src/wire/segment.js';
import { Bench, type BenchOptions, fillRaw, losing, Pair, Recorder } from '../tcp/harness.js';

const MSL = 30_000;

function timeWait(options: BenchOptions = {}): Bench {
  const config = { mslMs: MSL, ...options.config };
  const bench = Bench.established({ ...options, config }).shutdown();
  return bench.peer('A 1 a2').peer('FA 1 a2').settled('TIME-WAIT');
}

describe('TIME-WAIT', () => {
  for (const mslMs of [100, 30_000, 120_000]) {
    test(`RFC9293 MUST-13: the active closer waits 2 MSL (MSL ${mslMs} ms)`, () => {
      const bench = timeWait({ config: { mslMs } });
      bench.advance(2 * mslMs - 1).state('TIME-WAIT');
      bench.advance(1).state('CLOSED').silent().events(['CLOSED']);
      assert.equal(bench.connection.error, null);
      assert.equal(bench.connection.nextTimeout(), Number.POSITIVE_INFINITY);
    });
  }

  test('RFC9293 MUST-13: it is reached through CLOSING as well, and waits as long', () => {
    const bench = Bench.established({ config: { mslMs: MSL } }).shutdown();
    bench.peer('FA 1 a1').peer('A 2 a2').settled('TIME-WAIT');
    bench
      .advance(2 * MSL - 1)
      .state('TIME-WAIT')
      .advance(1)
      .state('CLOSED');
  });

  test('RFC9293 §3.10.7.4: each repeated FIN is acknowledged and restarts the wait', () => {
    const bench = timeWait();
    for (let i = 0; i < 3; i++) {
      bench.advance(MSL).silent();
      bench.peer('FA 1 a2').expect('A 2 a2').state('TIME-WAIT');
    }
    bench
      .advance(2 * MSL - 1)
      .state('TIME-WAIT')
      .advance(1)
      .state('CLOSED')
      .events(['CLOSED'], ['PEER_FIN']);
  });

  test('RFC9293 §3.10.7.4: text in the place of the FIN is no repetition of it', () => {
    const bench = timeWait().advance(MSL);
    bench.peer('A 1 a2 [1]').expect('A 2 a2');
    bench.advance(MSL).state('CLOSED');
  });

  test('RFC9293 §3.10.7.4: the log counts the repetitions', () => {
    const bench = timeWait();
    for (let i = 0; i < 2; i++) bench.peer('FA 1 a2');
    const counted = bench.recorder.timers.filter(({ name }) => name === 'timewait');
    assert.deepEqual(
      counted.map(({ op, n, delayMs }) => [op, n, delayMs]),
      [
        ['start', 0, 2 * MSL],
        ['restart', 1, 2 * MSL],
        ['restart', 2, 2 * MSL],
      ],
    );
  });

  test('nothing is kept but what the wait needs: no buffers, and no other timer', () => {
    const bench = Bench.established({ config: { mslMs: MSL, keepAlive: true, keepAliveIdleMs: 1000 } });
    bench.write(10);
    bench.shutdown().peer('A 1 a12 [2]').peer('A 10 a12 [5]');
    bench.settled('FIN-WAIT-2').peer('FA 3 a12').state('TIME-WAIT');
    const { timers, sendBuffer, reassembly } = bench.connection;
    assert.deepEqual([sendBuffer, reassembly], [null, null]);
    const set = Object.values(Timer).filter((timer) => timers.isSet(timer));
    assert.deepEqual(set, [Timer.TIME_WAIT]);
  });

  test('RFC9293 §3.10.7.4: a FIN repeated with its data is acknowledged too', () => {
    const bench = Bench.established({ config: { mslMs: MSL } }).shutdown();
    bench.peer('A 1 a2').peer('FA 1 a2 [10]').settled('TIME-WAIT');
    bench.advance(MSL);
    bench
      .peer('FA 1 a2 [10]')
      .expect('A 2 a12')
      .advance(2 * MSL - 1)
      .state('TIME-WAIT');
    assert.equal(bench.read(), 10);
  });

  test('RFC9293 §3.10.7.4: an old duplicate of data is acknowledged, not delivered, and does not prolong the wait', () => {
    const bench = Bench.established({ config: { mslMs: MSL } });
    bench.peer('A 1 a1 [10]');
    bench.read();
    bench.shutdown().peer('A 11 a2').peer('FA 11 a2').settled('TIME-WAIT');
    bench.advance(MSL);
    bench.peer('A 1 a1 [10]').expect('A 2 a12').events([], ['READABLE']);
    assert.equal(bench.read(), 0);
    bench.advance(MSL).state('CLOSED');
  });

  test('RFC1337 §3: RST is ignored', () => {
    const bench = timeWait();
    bench.peer('R 2').silent().state('TIME-WAIT');
    bench.peer('RA 2 a2').silent().state('TIME-WAIT').events([], ['CLOSED']);
    bench.advance(2 * MSL).state('CLOSED');
  });

  test('RFC1337 §3: an RST that answers our ACK of a new SYN ends it, so that the peer can connect', () => {
    const stale = timeWait().peer('S -1000').expect('A 2 a2').peer('R 2');
    stale.state('CLOSED');
    const guess = timeWait().peer('S -1000').expect('A 2 a2').peer('R 3');
    guess.state('TIME-WAIT');
  });

  test('RFC1337 §3: wherever that SYN stood; but one that came before TIME-WAIT is forgotten', () => {
    const inWindow = timeWait();
    inWindow.peer('S 50 <mss 1000>').expect('A 2 a2').peer('R 2').state('CLOSED');
    const before = Bench.established({ config: { mslMs: MSL } })
      .peer('S 50 <mss 1000>')
      .expect('A 1 a1');
    before.shutdown().peer('A 1 a2').peer('FA 1 a2').settled('TIME-WAIT');
    before.peer('R 2').silent().state('TIME-WAIT');
  });

  test('RFC9293 §3.10.7.4: with rfc1337 off an exact RST ends it, one outside the window does not', () => {
    const bench = timeWait({ config: { rfc1337: false } });
    bench.peer('R 1').silent().state('TIME-WAIT');
    bench.peer('R 2').silent().state('CLOSED').events(['CLOSED']);
  });

  test('RFC9293 §3.6.1: an older SYN is answered with ACK and leaves TIME-WAIT alone', () => {
    timeWait().peer('S -1000 <mss 1000>').expect('A 2 a2').state('TIME-WAIT');
  });

  test('RFC9293 MAY-2: a newer SYN founds a new connection whose ISS lies beyond the old SND.NXT', () => {
    const old = timeWait({ iss: 0x7ffffff0, irs: 100 });
    const recorder = new Recorder();
    // The environment offers an ISS that the old connection had used already.
    const environment = { trace: recorder, initialSequence: () => 0x7ffffff0 };
    const next = new Connection(2, old.connection.tuple, old.connection.config, environment, 'passive');
    const syn = new SegmentView();
    fillRaw(syn, { flags: SYN, seq: 5000, ack: 0, wnd: 1000, urgent: 0, payload: new Uint8Array(0) });
    next.openPassive(syn, old.connection, old.now);
    assert.equal(STATE_NAMES[next.state], 'SYN-RECEIVED');
    const sent: { seq: number; ack: number; flags: number }[] = [];
    next.pollTransmit(old.now, {
      writable: true,
      segment: (_, out) => sent.push({ seq: out.seq, ack: out.ack, flags: out.flags }),
    });
    assert.equal(sent.length, 1);
    assert.equal(sent[0]!.flags & (SYN | ACK), SYN | ACK);
    assert.equal(sent[0]!.ack, 5001);
    const oldNext = (0x7ffffff0 + 2) | 0;
    assert.ok(((sent[0]!.seq - oldNext) | 0) > 0, 'the new ISS is greater than the old SND.NXT');
    assert.deepEqual(recorder.states, ['SYN-RECEIVED']);
    assert.equal(STATE_NAMES[recorder.transitions[0]!.from], 'TIME-WAIT');
    old
      .call((c, now) => c.supersede(now))
      .state('CLOSED')
      .silent()
      .events(['CLOSED']);
    assert.deepEqual(old.recorder.ends, ['reused']);
    old.advance(1_000_000).silent();
  });

  test('RFC9293 §3.6.1: the lost last ACK is repaired, and the passive closer ends orderly', () => {
    let lostAcks = 0;
    const path = losing((s) => s.seq === 2 && s.flags === ACK && lostAcks++ < 3);
    const pair = new Pair({ iss: 1, path, config: { mslMs: MSL } }, { iss: 2 }).establish();
    pair.application = () => {
      if (pair.b.state === 'CLOSE-WAIT') pair.b.connection!.shutdownWrite(pair.now);
    };
    pair.a.connection!.shutdownWrite(pair.now);
    pair.turn();
    pair.runToQuiescence({ steps: 1000, until: 1_000_000 });
    assert.equal(lostAcks > 3, true, pair.tail());
    assert.equal(pair.b.error, null);
    const restarts = pair.a.recorder.timers.filter((t) => t.name === 'timewait' && t.op === 'restart');
    assert.equal(restarts.length, 3, 'one restart for every repeated FIN');
  });

  test('evicting a TIME-WAIT connection sends nothing', () => {
    const bench = timeWait();
    bench
      .call((c, now) => c.evict(now))
      .state('CLOSED')
      .silent();
    assert.equal(bench.connection.nextTimeout(), Number.POSITIVE_INFINITY);
  });
});
