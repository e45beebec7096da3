// Reports of data that arrived twice: RFC 2883 §4.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bench, type BenchOptions } from '../tcp/harness.js';

function open(options: BenchOptions = {}): Bench {
  return Bench.accepted({
    ...options,
    config: { sack: true, delayedAckMs: 0, receiveBufferBytes: 30_000, ...options.config },
    peer: { options: 'mss 1000, sackOK', window: 60_000 },
  });
}

const sackOf = (bench: Bench) => bench.take().map((s) => s.options.sack);

describe('duplicate of acknowledged data', () => {
  test('RFC2883 §4.1.1: is the first block of the ACK that it provokes, and is reported once', () => {
    const bench = open().peer('A 1 a1 [500]').peer('A 501 a1 [500]');
    bench.take();
    bench.peer('A 501 a1 [500]').expect('A 1 a1001 <sack 501:1001>');
    bench.peer('A 1001 a1 [500]');
    assert.deepEqual(sackOf(bench), [undefined]);
  });

  test('RFC2883 §4.1.2: what is out of order follows behind it', () => {
    const bench = open().peer('A 1 a1 [500]').peer('A 1001 a1 [500]');
    bench.take();
    bench.peer('A 1 a1 [500]').expect('A 1 a501 <sack 1:501 1001:1501>');
    bench.peer('A 1501 a1 [500]').expect('A 1 a501 <sack 1001:2001>');
  });

  test('RFC2883 §4.2.2: of a segment that is new in part, the old part is reported', () => {
    const bench = open().peer('A 1 a1 [500]');
    bench.take();
    bench.peer('A 1 a1 [1000]').expect('A 1 a1001 <sack 1:501>');
  });

  test('RFC2883 §4: a repeated FIN was received twice as well', () => {
    const bench = open().peer('FA 1 a1 [100]').settled('CLOSE-WAIT');
    bench.peer('FA 1 a1 [100]').expect('A 1 a102 <sack 1:102>');
    bench.peer('FA 101 a1').expect('A 1 a102 <sack 101:102>');
  });

  test('RFC2883 §4: in TIME-WAIT, too', () => {
    const bench = open().shutdown();
    bench.peer('A 1 a2').peer('FA 1 a2').settled('TIME-WAIT');
    bench.peer('FA 1 a2').expect('A 2 a2 <sack 1:2>');
  });
});

describe('a report beside data of ours', () => {
  /** A duplicate was received, and `length` octets of ours leave before its report does. */
  function answering(length: number, peer = 'mss 1000, sackOK'): ReturnType<Bench['take']> {
    const bench = Bench.accepted({ config: { sack: true, nagle: false }, peer: { options: peer } });
    bench.peer('A 1 a1 [500]').take();
    bench.inject('A 1 a1 [500]');
    bench.write(length);
    return bench.take();
  }

  test('RFC9293 MUST-16: goes along as far as both fit the size that the peer takes', () => {
    const [fits] = answering(988);
    assert.deepEqual([fits!.payload.length, fits!.options.sack], [988, [[1, 501]]]);
    for (const length of [989, 995, 999, 1000]) {
      const [full] = answering(length);
      assert.deepEqual([full!.payload.length, full!.options.sack], [length, undefined], `${length} octets`);
    }
  });
});

describe('duplicate of data beyond a hole', () => {
  test('RFC2883 §4.2.1: is followed by the block that it lies in', () => {
    const bench = open().peer('A 501 a1 [100]', 'A 601 a1 [100]', 'A 701 a1 [100]');
    bench.take();
    bench.peer('A 601 a1 [100]').expect('A 1 a1 <sack 601:701 501:801>');
    bench.peer('A 901 a1 [10]').expect('A 1 a1 <sack 901:911 501:801>');
  });

  test('RFC2883 §4.2.1: the block follows also when it says the same', () => {
    const bench = open().peer('A 501 a1 [100]');
    bench.take();
    bench.peer('A 501 a1 [100]').expect('A 1 a1 <sack 501:601 501:601>');
  });

  test('RFC2883 §4.2.1: of a segment that begins with the last octet of one, that octet is reported', () => {
    const bench = open().peer('A 501 a1 [100]');
    bench.take();
    bench.peer('A 600 a1 [100]').expect('A 1 a1 <sack 600:601 501:700>');
  });

  test('RFC2883 §4.2.1: each of several is followed by its own block, whichever came last', () => {
    const bench = open().peer('A 501 a1 [100]').peer('A 901 a1 [100]');
    bench.take();
    bench.peer('A 501 a1 [100]', 'A 901 a1 [100]');
    assert.deepEqual(sackOf(bench), [
      [
        [501, 601],
        [501, 601],
        [901, 1001],
      ],
      [
        [901, 1001],
        [901, 1001],
        [501, 601],
      ],
    ]);
  });

  test('RFC2883 §4.2.3: of several parts that are here, the first is reported', () => {
    const bench = open().peer('A 501 a1 [100]', 'A 701 a1 [100]');
    bench.take();
    bench.peer('A 451 a1 [500]').expect('A 1 a1 <sack 501:601 451:951>');
  });

  test('RFC2883 §4.2.3: a segment that fills a hole and overlaps reports the overlap', () => {
    const bench = open().peer('A 501 a1 [100]');
    bench.take();
    bench.peer('A 1 a1 [550]').expect('A 1 a601 <sack 501:551>');
  });
});

describe('several duplicates in one batch', () => {
  test('RFC2883 §4: those that continue each other are one report', () => {
    const bench = open().peer('A 1 a1 [1000]', 'A 1001 a1 [1000]');
    bench.take();
    bench.peer('A 1 a1 [1000]', 'A 1001 a1 [1000]').expect('A 1 a2001 <sack 1:2001>');
  });

  test('RFC2883 §4: also behind others', () => {
    const bench = open().peer('A 1 a1 [1000]', 'A 1001 a1 [1000]', 'A 2001 a1 [1000]');
    bench.take();
    bench.peer('A 2001 a1 [1000]', 'A 1 a1 [500]', 'A 501 a1 [500]');
    assert.deepEqual(sackOf(bench), [[[2001, 3001]], [[1, 1001]]]);
  });

  test('RFC2883 §4: others have an ACK each', () => {
    const bench = open().peer('A 1 a1 [1000]', 'A 1001 a1 [1000]', 'A 2001 a1 [1000]');
    bench.take();
    bench.peer('A 2001 a1 [1000]', 'A 1 a1 [1000]', 'A 1 a1 [1000]');
    assert.deepEqual(sackOf(bench), [[[2001, 3001]], [[1, 1001]], [[1, 1001]]]);
  });

  test('ATTACKS 39: a flood of duplicates is answered by a few ACKs a batch', () => {
    const bench = open().peer('A 1 a1 [1000]', 'A 1001 a1 [1000]');
    bench.take();
    for (let i = 0; i < 1000; i++) bench.inject(`A ${1 + 3 * (i % 300)} a1 [2]`);
    bench.flush();
    const acks = bench.take();
    assert.ok(acks.length >= 1 && acks.length <= 8, `${acks.length} ACKs`);
    bench.peer('A 2001 a1 [1000]').expect('A 1 a3001');
  });

  test('RFC2883 §4: left and right of the acknowledgment they are two', () => {
    const bench = open().peer('A 1 a1 [100]', 'A 201 a1 [100]');
    bench.take();
    bench.peer('A 1 a1 [100]', 'A 101 a1 [150]');
    const blocks = sackOf(bench).flatMap((sack) => sack ?? []);
    assert.deepEqual(blocks, [[1, 101]]);
    bench.peer('A 301 a1 [10]');
    assert.deepEqual(sackOf(bench)[0], [[201, 251]]);
  });
});

describe('what is no duplicate', () => {
  test('RFC2883 §4: the number of the SYN: keep-alive probes may carry an octet there before there was any data', () => {
    const bench = open().peer('A 0 a1 [1]');
    assert.deepEqual(sackOf(bench), [undefined]);
    bench.peer('FA 1 a1').settled('CLOSE-WAIT');
    bench.peer('A 0 a1 [1]');
    assert.deepEqual(sackOf(bench), [undefined]);
  });

  test('RFC2883 §4: numbers that this connection never received are not reported as received', () => {
    const bench = open().peer('A 1 a1 [100]');
    bench.take();
    bench.peer('A -5000 a1 [100]', 'A -50 a1 [100]');
    for (const sack of sackOf(bench)) assert.equal(sack, undefined);
  });

  test('RFC9293 §3.8.4: nor does a keep-alive probe without data repeat anything', () => {
    const bench = open().peer('A 1 a1 [100]');
    bench.take();
    bench.peer('A 100 a1');
    assert.deepEqual(sackOf(bench), [undefined]);
  });

  test('RFC7323 §5.3: a segment that its timestamp gives away as old is not reported', () => {
    const bench = Bench.accepted({
      config: { sack: true, timestamps: true, delayedAckMs: 0 },
      peer: { options: 'mss 1000, sackOK, ts 100 0' },
    });
    bench.peer('A 1 a1 [100] <ts 110 0>');
    bench.take();
    bench.peer('A 1 a1 [100] <ts 105 0>');
    assert.deepEqual(sackOf(bench), [undefined]);
  });

  test('RFC2018 §2: without SACK there are no reports', () => {
    const bench = Bench.accepted({ config: { delayedAckMs: 0 } }).peer('A 1 a1 [100]', 'A 1 a1 [100]');
    assert.deepEqual(sackOf(bench), [undefined]);
  });
});

describe('room', () => {
  test('RFC2883 §4: a report that finds no room beside the payload waits for the next segment', () => {
    const bench = open().peer('A 1 a1 [100]');
    bench.take();
    bench.inject('A 1 a1 [100]');
    bench.write(2000);
    for (const s of bench.take()) assert.ok(s.payload.length + s.optionBytes <= 1000);
    bench.peer('A 101 a2001 [100]').expect('A 2001 a201 <sack 1:101>');
  });

  test('RFC2883 §4: with timestamps it and two others fit', () => {
    const bench = Bench.accepted({
      config: { sack: true, timestamps: true, delayedAckMs: 0 },
      peer: { options: 'mss 1000, sackOK, ts 100 0' },
    });
    for (const at of [501, 701, 901]) bench.peer(`A ${at} a1 [100] <ts 101 0>`);
    bench.take();
    bench.peer('A 701 a1 [100] <ts 102 0>').expect('A 1 a1 <sack 701:801 701:801 901:1001>');
  });
});
