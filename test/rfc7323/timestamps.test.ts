// The timestamps option: who sends it when, with which value and which echo. RFC 7323 §3, §4, §5.4; RFC 6691.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { timestampEchoed } from '../../src/tcp/timestamps.js';
import { ACK, SegmentView } from '../../src/wire/segment.js';
import { Bench, type BenchOptions, fillOptions, losing, Pair } from '../tcp/harness.js';

/** The clock of the bench stands at 50 000 and our timestamps are 1 000 000 ahead of it. */
const OFFSET = 1_000_000;
const T0 = 50_000 + OFFSET;

function stamped(options: BenchOptions = {}): BenchOptions {
  return {
    peer: { options: 'mss 1000, ts 500 0', window: 60_000, ...options.peer },
    ...options,
    config: { timestamps: true, delayedAckMs: 0, ...options.config },
    environment: { timestampOffset: () => OFFSET, ...options.environment },
  };
}

/** Hexadecimal octets. */
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

describe('layout', () => {
  const T = (T0 >>> 0).toString(16).padStart(8, '0');
  const cases: [string, BenchOptions['config'], string][] = [
    ['all', { sack: true, timestamps: true, windowScale: 3 }, `020403e80402080a${T}0000000001030303`],
    ['without window scale', { sack: true, timestamps: true }, `020403e80402080a${T}00000000`],
    ['timestamps alone', { timestamps: true }, `020403e80101080a${T}00000000`],
    ['without timestamps', { sack: true, windowScale: 3 }, '020403e80101040201030303'],
    ['MSS alone', {}, '020403e8'],
  ];
  for (const [name, config, expected] of cases) {
    test(`RFC7323 appendix A: a SYN lays its options out as Linux does (${name})`, () => {
      const bench = Bench.synSent({ config: config!, environment: { timestampOffset: () => OFFSET } });
      assert.equal(hex(bench.take()[0]!.optionArea), expected);
    });
  }

  test('RFC7323 appendix A: other segments carry two NOPs and the option', () => {
    const bench = Bench.established(stamped());
    bench.peer('A 1 a1 [10] <ts 501 0>');
    assert.equal(hex(bench.take()[0]!.optionArea), `0101080a${T}000001f5`);
  });
});

describe('negotiation', () => {
  test('RFC7323 §3.2: a SYN offers timestamps and echoes nothing', () => {
    Bench.synSent(stamped()).expect(`S 0 <mss 1000, ts ${T0} 0>`);
  });

  test('RFC7323 §3.2: a SYN-ACK answers an offer and echoes it', () => {
    Bench.synReceived(stamped()).expect(`SA 0 a1 <mss 1000, ts ${T0} 500>`);
  });

  test('RFC7323 §3.2: a SYN-ACK offers none to a SYN without them, and nothing later carries them', () => {
    const bench = Bench.synReceived(stamped({ peer: { options: 'mss 1000' } }));
    assert.equal(bench.take()[0]!.options.ts, undefined);
    bench.peer('A 1 a1').peer('A 1 a1 [10]');
    bench.write(10);
    for (const s of bench.take()) assert.equal(s.optionBytes, 0);
  });

  test('RFC7323 §3.2: neither does a connection whose peer did not answer the offer', () => {
    const bench = Bench.established(stamped({ peer: { options: 'mss 1000' } }));
    bench.write(10);
    bench.peer('A 1 a11 [10] <ts 77 66>');
    for (const s of bench.take()) assert.equal(s.optionBytes, 0);
    assert.equal(bench.read(), 10);
  });

  test('RFC7323 §3.2: switched off, they are neither offered nor accepted', () => {
    const off = { config: { timestamps: false } };
    assert.equal(Bench.synSent(stamped(off)).take()[0]!.options.ts, undefined);
    assert.equal(Bench.synReceived(stamped(off)).take()[0]!.options.ts, undefined);
  });

  test('RFC7323 §3.2: once agreed, every segment carries them: ACK, data, retransmission, probe, FIN, keep-alive', () => {
    const bench = Bench.established(stamped({ config: { keepAliveIdleMs: 5000 } }));
    bench.write(1500);
    bench.advance(2000);
    bench.peer(`A 1 a1501 [10] <ts 600 ${T0}>`);
    bench.call((c, now) => c.setKeepAlive(true, 5000, now)).advance(6000);
    bench.peer(`A 11 a1501 w0 <ts 700 ${T0}>`);
    bench.write(10);
    bench.advance(10_000);
    bench.peer(`A 11 a1511 w1000 <ts 800 ${T0}>`);
    bench.shutdown();
    const kinds = bench.history.map((s) => s.options.ts !== undefined);
    assert.ok(bench.history.length > 8 && !kinds.includes(false), JSON.stringify(kinds));
  });

  test('RFC7323 §3.2: so does the RST that ends a connection that agreed', () => {
    const bench = Bench.established(stamped()).abort();
    assert.deepEqual(bench.take()[0]!.options, { ts: [T0, 500] });
    const without = Bench.established().abort();
    assert.deepEqual(without.take()[0]!.options, {});
  });

  test('RFC9293 MUST-16, RFC6691 §2: the option comes off the payload and not off the MSS that is announced', () => {
    const bench = Bench.established(stamped());
    assert.equal(bench.history[0]!.options.mss, 1000);
    assert.equal(bench.status.sendMss, 988);
    bench.write(5000);
    const [full] = bench.take();
    assert.equal(full!.payload.length + full!.optionBytes, 1000);
    bench.call((c) => c.onPathMss(700, (bench.iss + 1) | 0));
    assert.equal(bench.status.sendMss, 688);
  });
});

describe('TSval', () => {
  test('RFC7323 §5.4: every tuple has a zero of its own', () => {
    const environment = { timestampOffset: ({ localPort }: { localPort: number }) => localPort * 7 };
    const bench = Bench.synSent(stamped({ environment }));
    assert.equal(bench.take()[0]!.options.ts![0], 50_000 + 6000 * 7);
  });

  test('RFC7323 §5.4: it advances by one each millisecond and wraps', () => {
    const environment = { timestampOffset: () => 0x7fffffff - 50_010 };
    const bench = Bench.established(stamped({ environment }));
    bench.advance(10.75);
    bench.peer('A 1 a1 [10] <ts 501 0>');
    bench.advance(0.25);
    bench.peer('A 11 a1 [10] <ts 501 0>');
    assert.deepEqual(
      bench.take().map((s) => s.options.ts![0]),
      [0x7fffffff, -0x80000000],
    );
  });

  test('RFC7323 §3.2: a SYN that is sent again bears the time at which it is sent', () => {
    const bench = Bench.synSent(stamped());
    bench.take();
    bench.advance(1000).expect(`S 0 <ts ${T0 + 1000} 0>`);
  });
});

describe('TSecr', () => {
  test('RFC7323 §4.3 (1): a delayed ACK echoes the earliest segment that it covers', () => {
    const bench = Bench.accepted(stamped({ config: { delayedAckMs: 40 } }));
    bench.connection.delayedAck.quick = 0;
    bench.peer('A 1 a1 [500] <ts 510 0>').silent();
    bench.peer('A 501 a1 [400] <ts 520 0>').silent();
    bench.advance(40).expect(`A 1 a901 <ts ${T0 + 40} 510>`);
    bench
      .peer('A 901 a1 [400] <ts 530 0>')
      .advance(5)
      .expect(`A 1 a1301 <ts ${T0 + 44} 530>`);
  });

  test('RFC7323 §4.3 (1): so does the one ACK of a batch', () => {
    const bench = Bench.accepted(stamped());
    bench.peer('A 1 a1 [10] <ts 510 0>', 'A 11 a1 [10] <ts 511 0>').expect('A 1 a21 <ts 1050000 510>');
  });

  test('RFC7323 §4.3 (2): while a hole is open, the last segment that advanced the window is echoed', () => {
    const bench = Bench.accepted(stamped());
    bench.peer('A 1 a1 [100] <ts 510 0>').expect(`A 1 a101 <ts ${T0} 510>`);
    bench.peer('A 201 a1 [100] <ts 520 0>').expect(`A 1 a101 <ts ${T0} 510>`);
    bench.peer('A 301 a1 [100] <ts 530 0>').expect(`A 1 a101 <ts ${T0} 510>`);
  });

  test('RFC7323 §4.3 (3): the segment that fills a hole is echoed, though later ones have come before', () => {
    const bench = Bench.accepted(stamped());
    bench.peer('A 101 a1 [100] <ts 520 0>').take();
    bench.peer('A 1 a1 [100] <ts 515 0>').expect(`A 1 a201 <ts ${T0} 515>`);
  });

  test('RFC7323 §4.3: data in flight the other way echoes the latest that was taken', () => {
    const bench = Bench.accepted(stamped());
    bench.peer('A 1 a1 <ts 540 0>');
    bench.write(10);
    bench.expect(`A 1 a1 [10] <ts ${T0} 540>`);
  });

  test('RFC7323 §4.3: a repeated SYN is answered with the echo of the repetition', () => {
    const bench = Bench.synReceived(stamped()).expect(`SA 0 a1 <ts ${T0} 500>`);
    bench.advance(900);
    bench.peer('S 0 <mss 1000, ts 1400 0>').expect(`SA 0 a1 <ts ${T0 + 900} 1400>`);
    bench.peer('S 0 <mss 1000, ts 700 0>').expect(`SA 0 a1 <ts ${T0 + 900} 1400>`);
  });

  test('RFC7323 §4.3: in a simultaneous open both SYN-ACKs echo', () => {
    const bench = Bench.synSent(stamped());
    bench.take();
    bench.peer('S 0 <mss 1000, ts 500 0>').expect(`SA 0 a1 <ts ${T0} 500>`);
    bench.peer(`SA 0 a1 <mss 1000, ts 505 ${T0}>`).state('ESTABLISHED').expect(`A 1 a1 <ts ${T0} 505>`);
  });

  for (const seed of [1, 2, 3]) {
    test(`RFC7323 §4.3: over a lossy path no echo is later than what was sent, nor runs backwards (seed ${seed})`, () => {
      const path = losing((_, i) => (i * 2654435761 * seed) % 7 === 3);
      const pair = new Pair({ path, iss: 5 }, { path, iss: 9 }).establish();
      const sent = new Uint8Array(60_000);
      let given = 0;
      pair.application = () => {
        const { a, b } = pair;
        if (given < sent.length) given += a.connection!.send(sent.subarray(given), true, pair.now);
        while (b.connection!.receive(1e6, pair.now) !== null);
      };
      pair.turn();
      pair.runToQuiescence({ steps: 100_000, until: 1e7 });
      let last = 0;
      for (const line of pair.log) {
        const [, time, value, echo] = /^(\S+) b>a A .*<.*ts (\d+) (\d+)/.exec(line) ?? [];
        if (time === undefined) continue;
        assert.equal(Number(value), Math.floor(Number(time)));
        assert.ok(Number(echo) <= Number(time) - 10 && Number(echo) >= last, line);
        last = Number(echo);
      }
      assert.ok(last > 1100, `the echo has moved to ${last}`);
    });
  }
});

describe('timestampEchoed', () => {
  function echoed(bench: Bench, tsEcr: number, flags = ACK): number {
    const s = new SegmentView();
    s.flags = flags;
    fillOptions(s, { ts: [1, tsEcr] }, 0);
    return timestampEchoed(bench.connection, s, bench.now);
  }

  test('RFC7323 §4.1: gives the age of the echoed tick', () => {
    const bench = Bench.established(stamped());
    bench.advance(123.9);
    assert.equal(echoed(bench, T0), 123);
    assert.equal(echoed(bench, T0 + 123), 0);
  });

  test('ATTACKS 52: an echo of the future, of zero, or of a time before the connection is none', () => {
    const bench = Bench.established(stamped());
    bench.advance(100);
    for (const absurd of [T0 + 101, T0 - 1, 0, 1, -1, (T0 + 0x7fffffff) | 0]) {
      assert.equal(echoed(bench, absurd), -1, `echo ${absurd}`);
    }
  });

  test('ATTACKS 52: the first tick is one of the connection and the one before it none, wherever within it the clock stood', () => {
    const bench = Bench.established(stamped({ now: 50_000.5 }));
    bench.advance(100);
    assert.deepEqual([echoed(bench, T0), echoed(bench, T0 - 1)], [100, -1]);
  });

  test('ATTACKS 52: an echo of zero is none, also when our clock has just shown it', () => {
    const bench = Bench.established(stamped({ environment: { timestampOffset: () => -50_005 } }));
    bench.advance(10);
    assert.deepEqual([echoed(bench, -1), echoed(bench, 0), echoed(bench, 1)], [6, -1, 4]);
  });

  test('RFC7323 §3.2: without ACK the field means nothing, nor before both have agreed', () => {
    const bench = Bench.established(stamped());
    assert.equal(echoed(bench, T0, 0), -1);
    assert.equal(echoed(Bench.established(stamped({ peer: { options: 'mss 1000' } })), T0), -1);
  });

  test('RFC7323 §4.1: it is right across the wrap of our clock', () => {
    const environment = { timestampOffset: () => 0x7fffffff - 50_010 };
    const bench = Bench.established(stamped({ environment }));
    bench.advance(30);
    assert.equal(echoed(bench, 0x7fffffff - 5), 25);
  });
});

describe('what the echo tells the receiver of a growing buffer', () => {
  const growing = { receiveBufferBytes: 10_000, receiveBufferMaxBytes: 100_000 };

  test('RFC7323 §4.1: that of a full segment is a round trip; a shorter one may have waited in its sender', () => {
    const bench = Bench.accepted(stamped({ config: growing })).advance(1000);
    const echo = (ago: number) => `<ts 501 ${bench.now + OFFSET - ago}>`;
    bench.peer(`A 1 a1 [988] ${echo(80)}`);
    assert.equal(bench.connection.receiveTuning!.rttMs, 80);
    bench.peer(`A 989 a1 [987] ${echo(900)}`);
    assert.equal(bench.connection.receiveTuning!.rttMs, 80);
    bench.peer(`A 1976 a1 [988] ${echo(60)}`);
    assert.equal(bench.connection.receiveTuning!.rttMs, 60);
  });

  test('RFC9293 §3.8.6: nothing is measured for a buffer that stays as it is', () => {
    for (const receiveBufferMaxBytes of [0, 10_000]) {
      const bench = Bench.accepted(stamped({ config: { ...growing, receiveBufferMaxBytes } })).advance(1000);
      bench.peer(`A 1 a1 [988] <ts 501 ${bench.now + OFFSET - 80}>`);
      assert.equal(bench.connection.receiveTuning, null);
    }
  });
});
