// The receiver's answer to marks: RFC 3168 §6.1.3, and RFC 8257 §3.2 for a controller that wants to know exactly.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { defaultConfig } from '../../src/tcp/defaults.js';
import { ECE } from '../../src/wire/segment.js';
import { Bench, type BenchOptions, Random } from '../tcp/harness.js';

/** A passive connection that agreed, past the segments that are acknowledged at once. */
function agreed(config: BenchOptions['config'] = {}): Bench {
  const bench = Bench.synReceived(
    { config: { ecn: 'accept', receiveBufferBytes: 60_000, ...config }, peer: { window: 60_000 } },
    'SEC 0 <mss 1000>',
  ).peer('A 1 a1');
  bench.connection.delayedAck.quick = 0;
  return bench.settled('ESTABLISHED');
}

const echoes = (bench: Bench) => bench.take().map((s) => (s.flags & ECE) !== 0);

describe('RFC3168', () => {
  test('RFC3168 §6.1.3: a mark is echoed at once, and by every ACK until CWR arrives', () => {
    const bench = agreed({ delayedAckMs: 0 });
    bench.peer('A 1 a1 [10] e2').expect('A 1 a11');
    bench.peer('A 11 a1 [10] e3').expect('AE 1 a21');
    bench.peer('A 21 a1 [10] e2').expect('AE 1 a31');
    bench.write(100);
    bench.expect('AE 1 a31 [100]');
    bench.peer('AC 31 a101 [10] e2').expect('A 101 a41');
    bench.peer('A 41 a101 [10] e2').expect('A 101 a51');
  });

  test('RFC3168 §6.1.3: a segment that bears CWR and is marked again keeps the echo going', () => {
    const bench = agreed({ delayedAckMs: 0 });
    bench.peer('A 1 a1 [10] e3').take();
    bench.peer('AC 11 a1 [10] e3').expect('AE 1 a21');
    bench.peer('AC 21 a1 [10] e2').expect('A 1 a31');
  });

  test('RFC3168 §6.1.3: the first mark and CWR do not wait for the delay of ACKs, other segments do', () => {
    const bench = agreed();
    bench.peer('A 1 a1 [1000] e2').expect();
    bench.peer('A 1001 a1 [10] e3').expect('AE 1 a1011');
    bench.peer('A 1011 a1 [10] e3').expect();
    bench.peer('AC 1021 a1 [10] e2').expect('A 1 a1031');
  });

  test('RFC3168 §6.1.3: the echo is on the ACK of a batch in which any segment was marked', () => {
    const bench = agreed();
    bench.peer('A 1 a1 [1000] e2', 'A 1001 a1 [1000] e3', 'A 2001 a1 [1000] e2').expect('AE 1 a3001');
  });

  test('RFC3168 §6.1.3: marks on segments out of order count', () => {
    const bench = agreed();
    bench.peer('A 1001 a1 [1000] e3').expect('AE 1 a1');
  });

  test('RFC3168 §6.1.5: a mark outside of the window says nothing', () => {
    const bench = agreed({ delayedAckMs: 0 });
    bench.peer('A 1 a1 [10]').take();
    bench.peer('A 1 a1 [10] e3', 'A 70000 a1 [10] e3');
    assert.deepEqual(echoes(bench), [false]);
  });

  test('RFC3168 §6.1.6: neither does one on the probe of our closed window, nor on a bare ACK', () => {
    const bench = agreed({ delayedAckMs: 0, receiveBufferBytes: 1000 });
    bench.peer('A 1 a1 [1000]').take();
    bench.peer('A 1001 a1 [1] e3');
    assert.deepEqual(echoes(bench), [false]);
    bench.read();
    bench.take();
    bench.peer('A 1001 a1 e3').peer('A 1001 a1 [10]');
    assert.deepEqual(echoes(bench), [false]);
  });

  test('RFC3168 §6.1.4: a FIN without data cannot be marked, so its mark is not believed', () => {
    const bench = agreed({ delayedAckMs: 0 }).peer('FA 1 a1 e3');
    assert.deepEqual(echoes(bench), [false]);
  });

  test('RFC3168 §6.1.3: CWR on a bare ACK is not the answer to an echo', () => {
    const bench = agreed({ delayedAckMs: 0 });
    bench.peer('A 1 a1 [10] e3').take();
    bench.peer('AC 11 a1').peer('A 11 a1 [10]');
    assert.deepEqual(echoes(bench), [true]);
  });

  test('RFC3168 §6.1.3: the FIN echoes, the RST does not', () => {
    const bench = agreed({ delayedAckMs: 0 });
    bench.peer('A 1 a1 [10] e3').take();
    bench.shutdown();
    assert.deepEqual(echoes(bench), [true]);
    bench.abort();
    assert.deepEqual(echoes(bench), [false]);
  });
});

/** The echo of DCTCP. */
function exact(config: BenchOptions['config'] = {}): Bench {
  const { congestion } = defaultConfig();
  const bench = agreed({
    congestion: (mss, segments) => Object.assign(congestion(mss, segments), { exactEcn: true }),
    ...config,
  });
  bench.checkAcknowledgment = false;
  return bench;
}

describe('RFC8257', () => {
  test('RFC8257 §3.2: a mark after unmarked data sends the ACK of that, without echo, and its own, with', () => {
    const bench = exact();
    bench.peer('A 1 a1 [900] e2').expect();
    bench.peer('A 901 a1 [10] e3').expect('A 1 a901', 'AE 1 a911');
  });

  test('RFC8257 §3.2: the end of the marks likewise', () => {
    const bench = exact();
    bench.peer('A 1 a1 [1000] e3').expect('AE 1 a1001');
    bench.peer('A 1001 a1 [10] e3').expect();
    bench.peer('A 1011 a1 [10] e2').expect('AE 1 a1011', 'A 1 a1021');
  });

  test('RFC8257 §3.2: while nothing changes, ACKs are delayed as ever, and CWR ends nothing', () => {
    const bench = exact();
    bench.peer('A 1 a1 [1000] e3').expect('AE 1 a1001');
    bench.peer('AC 1001 a1 [1000] e3').expect();
    bench.peer('A 2001 a1 [1000] e3').expect('AE 1 a3001');
  });

  test('RFC8257 §3.2: with nothing outstanding a change is one ACK', () => {
    const bench = exact({ delayedAckMs: 0 });
    bench.peer('A 1 a1 [10] e2').expect('A 1 a11');
    bench.peer('A 11 a1 [10] e3').expect('AE 1 a21');
    bench.peer('A 21 a1 [10] e2').expect('A 1 a31');
  });

  test('RFC8257 §3.2: changes within one batch are told apart', () => {
    const bench = exact();
    bench
      .peer(
        'A 1 a1 [100] e2',
        'A 101 a1 [100] e3',
        'A 201 a1 [100] e3',
        'A 301 a1 [100] e2',
        'A 401 a1 [100] e3',
      )
      .expect('A 1 a101', 'AE 1 a301', 'A 1 a401', 'AE 1 a501');
  });

  test('RFC8257 §3.2: data that leaves meanwhile carries the latest state, behind the ACKs that are owed', () => {
    const bench = exact();
    bench.inject('A 1 a1 [100] e2').inject('A 101 a1 [100] e3');
    bench.write(50);
    bench.expect('A 1 a101', 'AE 1 a201 [50]');
  });

  test('RFC8257 §3.2: marks that alternate without end owe a bounded number of ACKs, the latest ones', () => {
    const bench = exact();
    for (let i = 0; i < 100; i++) bench.inject(`A ${1 + 10 * i} a1 [10] e${i % 2 === 0 ? 2 : 3}`);
    bench.flush();
    const acks = bench.take();
    assert.equal(acks.length, 17);
    assert.equal(acks.at(-1)!.ack, 1001);
    for (const [i, s] of acks.entries()) {
      assert.equal((s.flags & ECE) !== 0, i % 2 === 0, `ACK ${i}`);
      assert.equal(s.ack, 1001 - 10 * (16 - i));
    }
  });

  for (const seed of [1, 2, 3, 4]) {
    test(`RFC8257 §3.2: the echoes count the marked bytes exactly, and no window edge moves left (seed ${seed})`, () => {
      const random = new Random(seed);
      const bench = exact();
      let next = 1;
      let marked = 0;
      let counted = 0;
      let acknowledged = 1;
      for (let i = 0; i < 400; i++) {
        const length = random.int(1, 300);
        const mark = random.chance(i % 40 < 20 ? 0.2 : 0.9);
        if (mark) marked += length;
        bench.inject(`A ${next} a1 [${length}] e${mark ? 3 : 2}`);
        next += length;
        if (!random.chance(0.4)) continue;
        bench.flush();
        if (random.chance(0.2)) bench.advance(50);
        bench.read();
        for (const s of bench.take()) {
          assert.ok(s.ack >= acknowledged);
          if (s.flags & ECE) counted += s.ack - acknowledged;
          acknowledged = s.ack;
        }
      }
      bench.flush().advance(50);
      for (const s of bench.take()) {
        if (s.flags & ECE) counted += s.ack - acknowledged;
        acknowledged = s.ack;
      }
      assert.deepEqual([acknowledged, counted], [next, marked]);
    });
  }
});
