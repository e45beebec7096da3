// Protection against wrapped sequence numbers: RFC 7323 §5, and what may be missing, §3.2.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bench, type BenchOptions } from '../tcp/harness.js';

const DAY_MS = 86_400_000;

const STAMPED: BenchOptions = {
  config: { timestamps: true, delayedAckMs: 0 },
  peer: { options: 'mss 1000, ts 1000 0', window: 60_000 },
};

/** TS.Recent is 1000. */
function open(peer: BenchOptions['peer'] = {}): Bench {
  return Bench.accepted({ ...STAMPED, peer: { ...STAMPED.peer, ...peer } });
}

const lastDrop = (bench: Bench) => bench.recorder.drops.at(-1);

/** What we echo now. */
function recent(bench: Bench): number {
  bench.call((c) => c.acknowledgeNow());
  return bench.take().at(-1)!.options.ts![1];
}

describe('PAWS', () => {
  test('RFC7323 §5.3 R1: an old timestamp makes a segment unacceptable: it is answered and dropped', () => {
    const bench = open();
    bench.peer('A 1 a1 [10] <ts 999 0>').expect('A 1 a1');
    assert.deepEqual(lastDrop(bench), { reason: 'paws', reply: 'ack' });
    assert.equal(bench.read(), 0);
    bench.peer('A 1 a1 [10] <ts 1000 0>').expect('A 1 a11');
    assert.equal(bench.read(), 10);
  });

  test('RFC7323 §5.3 R1: data with one is answered each time, so that an honest sender of it gets into step', () => {
    const bench = open();
    for (let i = 0; i < 5; i++) bench.peer('A 1 a1 [10] <ts 999 0>').expect('A 1 a1');
  });

  test('RFC7323 §5.3 R1: it comes before the sequence check', () => {
    const bench = open();
    bench.peer('A 50000 a1 [10] <ts 999 0>');
    assert.equal(lastDrop(bench)!.reason, 'paws');
  });

  test('RFC7323 §5.3 R1: neither its ACK nor its FIN counts', () => {
    const bench = open();
    bench.write(10);
    bench.peer('FA 1 a11 <ts 900 0>').state('ESTABLISHED');
    assert.equal(bench.status.sndUna, 1);
  });

  test('RFC7323 §5.3: RST is exempt, with an old timestamp or with none', () => {
    open().peer('R 1 <ts 5 0>').state('CLOSED');
    open().peer('R 1').state('CLOSED');
  });

  test('RFC7323 §5.3: timestamps are compared modulo 2^32', () => {
    const bench = Bench.synReceived({
      config: { timestamps: true, delayedAckMs: 0 },
      peer: { options: 'mss 1000, ts 2147483640 0' },
    });
    bench.peer('A 1 a1 <ts 2147483647 0>').peer('A 1 a1 [10] <ts -2147483648 0>').settled('ESTABLISHED');
    assert.equal(bench.read(), 10);
    bench.peer('A 11 a1 [10] <ts 2147483647 0>');
    assert.deepEqual(lastDrop(bench), { reason: 'paws', reply: 'ack' });
  });

  test('RFC7323 §5.2: a duplicate of an earlier round through the sequence space is not taken for new', () => {
    const bench = open();
    bench.peer('A 1 a1 [100] <ts 1010 0>');
    // The same numbers as what is expected now, but from the time before.
    bench.peer('A 101 a1 [100] <ts 1005 0>');
    assert.equal(bench.status.rcvNxt, 101);
  });

  test('RFC7323 §5.3 R3: a segment beyond a hole does not move TS.Recent, so that what fills it is let in', () => {
    const bench = open();
    bench.peer('A 101 a1 [100] <ts 1020 0>');
    assert.equal(recent(bench), 1000);
    bench.peer('A 1 a1 [100] <ts 1010 0>');
    assert.equal(bench.status.rcvNxt, 201);
  });

  test('ATTACKS 39: pure ACKs with an old timestamp are not answered without bound', () => {
    const bench = open();
    for (let i = 0; i < 100; i++) bench.peer('A 1 a1 <ts 900 0>');
    assert.equal(bench.take().length, 1);
  });

  test('RFC5961 §4: a SYN with an old timestamp is challenged, as any SYN in a live connection', () => {
    const bench = open();
    bench.peer('S 5000 <mss 1000, ts 3 0>').expect('A 1 a1').state('ESTABLISHED');
    assert.deepEqual(lastDrop(bench), { reason: 'paws', reply: 'challenge' });
  });
});

describe('TS.Recent cannot be poisoned', () => {
  const poison = 1000 + 0x7000_0000;

  for (const [name, line] of [
    ['outside of the window', `A 50000 a1 [10] <ts ${poison} 0>`],
    ['left of the window', `A -500 a1 [10] <ts ${poison} 0>`],
    ['inside of it, but not at its left edge', `A 500 a1 [10] <ts ${poison} 0>`],
    ['with an acknowledgment of what was never sent', `A 1 a70000 [10] <ts ${poison} 0>`],
    ['without ACK', `- 1 [10] <ts ${poison} 0>`],
    ['an RST that misses', `R 300 <ts ${poison} 0>`],
    ['a SYN in the window', `S 300 <ts ${poison} 0>`],
  ] as const) {
    test(`CVE-2005-0356, RFC7323 §5.3 R3: by a segment ${name}`, () => {
      const bench = open();
      bench.peer(line);
      assert.equal(recent(bench), 1000);
      bench.peer('A 1 a1 [10] <ts 1001 0>');
      assert.equal(bench.read(), 10);
    });
  }
});

describe('idle connections', () => {
  test('RFC7323 §5.5: after 24 days TS.Recent is invalid, and the next segment sets it anew', () => {
    const bench = open();
    bench.advance(24 * DAY_MS + 1);
    bench.peer('A 1 a1 [10] <ts 5 0>');
    assert.equal(bench.read(), 10);
    assert.equal(recent(bench), 5);
  });

  test('RFC7323 §5.5: the days count from the last that confirmed it, wherever the clock stands', () => {
    const bench = new Bench({ ...STAMPED, role: 'active' });
    bench.now = 40 * DAY_MS;
    bench.connection.openActive(bench.now);
    bench.flush().peer('SA 0 a1 <mss 1000, ts 1000 0>');
    bench.peer('A 1 a1 [10] <ts 999 0>');
    assert.equal(lastDrop(bench)?.reason, 'paws');
    bench.now += 20 * DAY_MS;
    bench.peer('A 1 a1 [10] <ts 2000 0>');
    bench.now += 20 * DAY_MS;
    bench.peer('A 11 a1 [10] <ts 1500 0>');
    assert.equal(bench.recorder.drops.length, 2);
    assert.equal(bench.read(), 10);
  });

  test('RFC7323 §5.5: before that it is not', () => {
    const bench = open();
    for (const ms of [24 * DAY_MS - 1, 1]) {
      bench.advance(ms);
      bench.peer('A 1 a1 [10] <ts 5 0>');
      assert.equal(bench.read(), 0);
    }
  });
});

describe('missing timestamps', () => {
  test('RFC7323 §3.2: a segment without them is dropped silently, and the connection lives', () => {
    const bench = open();
    bench.peer('A 1 a1 [10]').silent().state('ESTABLISHED');
    assert.deepEqual(lastDrop(bench), { reason: 'paws', reply: 'none' });
    bench.peer('A 1 a1 [10] <ts 1001 0>');
    assert.equal(bench.read(), 10);
  });

  test('RFC7323 §3.2: nor do they end a handshake', () => {
    const bench = Bench.synReceived(STAMPED);
    bench.take();
    bench.peer('A 1 a1').state('SYN-RECEIVED').silent();
    bench.peer('A 1 a1 <ts 1000 0>').state('ESTABLISHED');
  });

  test('RFC5961 §4: a SYN without them comes from a peer that has forgotten us: it is asked', () => {
    const bench = open();
    bench.peer('S 5000 <mss 1000>').expect('A 1 a1');
    bench.peer('R 1').state('CLOSED');
  });

  test('RFC7323 §3.2: on a connection that did not agree they are not missed', () => {
    const bench = open({ options: 'mss 1000' });
    bench.peer('A 1 a1 [10] <ts 77 0>', 'A 11 a1 [10]', 'A 21 a1 [10] <ts 5 0>');
    assert.equal(bench.read(), 30);
  });
});
