// Reassembly rule by rule, for both families where they agree.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ipv4View, parseIpv4 } from '../../src/wire/ipv4.js';
import { Ipv6View, parseIpv6 } from '../../src/wire/ipv6.js';
import { ParseError } from '../../src/wire/parse-error.js';
import { IpProtocol } from '../../src/wire/protocol.js';
import { cut, fragment4, fragment6, MAKE, patterned, ReassemblyBench } from './fragments.js';
import { ip } from './test-link.js';

function read4(bytes: Uint8Array): Ipv4View {
  const view = new Ipv4View();
  assert.equal(parseIpv4(bytes, new DataView(bytes.buffer), 0, bytes.length, view), ParseError.NONE);
  return view;
}

function read6(bytes: Uint8Array): Ipv6View {
  const view = new Ipv6View();
  assert.equal(parseIpv6(bytes, new DataView(bytes.buffer), 0, bytes.length, view), ParseError.NONE);
  return view;
}

for (const family of [4, 6] as const) {
  const rule = family === 4 ? 'RFC791 §3.2' : 'RFC8200 §4.5';
  const make = MAKE[family];

  describe(`IPv${family} reassembly`, () => {
    it(`${rule}: makes a whole of pieces in any order`, () => {
      const message = patterned(100);
      for (const order of [
        [0, 1, 2],
        [2, 1, 0],
        [1, 2, 0],
        [0, 2, 1],
      ]) {
        const bench = new ReassemblyBench();
        const pieces = cut(family, message, [40, 80]);
        const results = order.map((i) => bench.take(pieces[i]!));
        assert.deepEqual(results, ['kept', 'kept', 'whole']);
        assert.deepEqual(bench.wholeData(), message);
        assert.equal(bench.reassembly.heldBytes, 0);
        assert.deepEqual([bench.stats.reasmReqds, bench.stats.reasmOks, bench.stats.reasmFails], [3, 1, 0]);
      }
    });

    it('keeps datagrams of other sources, destinations and identifications apart', () => {
      const bench = new ReassemblyBench();
      const other = family === 4 ? '10.9.0.77' : 'fd00:9::77';
      const variants = [
        {},
        { id: 8 },
        { source: ip(other) },
        { destination: ip(other) },
        ...(family === 4 ? [{ protocol: IpProtocol.UDP }] : [{ id: 7 + 0x10000 }]),
      ];
      const messages = variants.map((_, i) => patterned(48, i));
      const all = variants.map((fields, i) => cut(family, messages[i]!, [24], fields));
      for (const pieces of all) assert.equal(bench.take(pieces[0]!), 'kept');
      assert.equal(bench.reassembly.heldDatagrams, variants.length);
      for (const [i, pieces] of all.entries()) {
        assert.equal(bench.take(pieces[1]!), 'whole');
        assert.deepEqual(bench.wholeData(), messages[i]);
      }
    });

    it('RFC5722 §4: an overlap ends the datagram, and what comes of it later is dropped until its time is over', () => {
      const bench = new ReassemblyBench();
      const message = patterned(64);
      const [first, second, third] = cut(family, message, [24, 48]);
      assert.equal(bench.take(first!), 'kept');
      assert.equal(bench.take(make({ start: 16, data: patterned(16), more: true })), 'dropped');
      const held = bench.reassembly.heldBytes;
      assert.deepEqual(bench.takeAll([second!, third!, first!]), ['dropped', 'dropped', 'dropped']);
      assert.equal(bench.reassembly.heldBytes, held, 'nothing of it is kept');
      assert.deepEqual([bench.stats.reasmOverlaps, bench.stats.reasmFails], [1, 1]);
      bench.now = bench.armedFor;
      bench.reassembly.expire(bench.now);
      assert.equal(bench.reassembly.heldDatagrams, 0);
      assert.deepEqual(
        [bench.told, bench.stats.reasmTimeouts],
        [[], 0],
        'RFC 8200 §4.5: no ICMP about overlaps',
      );
      assert.equal(bench.takeAll([first!, second!, third!]).at(-1), 'whole');
    });

    it('RFC5722 §4: overlaps are found from either side, and inside', () => {
      const behind = make({ start: 40, data: patterned(24), more: true });
      for (const [start, length] of [
        [32, 16],
        [40, 16],
        [48, 8],
        [56, 16],
        [32, 40],
      ] as const) {
        const bench = new ReassemblyBench();
        assert.equal(bench.take(behind), 'kept');
        const over = make({ start, data: patterned(length, 9), more: true });
        assert.equal(bench.take(over), 'dropped', `${start}+${length}`);
        assert.equal(bench.stats.reasmOverlaps, 1);
      }
    });

    it('RFC8200 §4.5: exact duplicates do no harm; the same place with other octets does', () => {
      const bench = new ReassemblyBench();
      const message = patterned(64);
      const [first, second] = cut(family, message, [24]);
      assert.deepEqual(bench.takeAll([first!, first!, first!, second!]), ['kept', 'kept', 'kept', 'whole']);
      assert.deepEqual(bench.wholeData(), message);
      bench.take(first!);
      assert.equal(bench.take(make({ start: 0, data: patterned(24, 2), more: true })), 'dropped');
      assert.equal(bench.stats.reasmOverlaps, 1);
    });

    it('the datagram ends in one place', () => {
      const last = make({ start: 40, data: patterned(8), more: false });
      for (const liar of [
        make({ start: 24, data: patterned(8), more: false }),
        make({ start: 64, data: patterned(8), more: false }),
        make({ start: 48, data: patterned(8), more: true }),
        make({ start: 40, data: patterned(8), more: true }),
      ]) {
        for (const order of [
          [last, liar],
          [liar, last],
        ]) {
          const bench = new ReassemblyBench();
          assert.deepEqual(bench.takeAll(order), ['kept', 'dropped']);
          assert.equal(bench.stats.reasmOverlaps, 1);
        }
      }
    });

    it('ATTACKS 5: empty pieces, and middle ones whose length is no multiple of eight, are dropped alone', () => {
      const bench = new ReassemblyBench();
      const message = patterned(48);
      const [first, second] = cut(family, message, [24]);
      bench.take(first!);
      for (const start of [24, 48]) {
        for (const more of [true, false]) {
          assert.equal(bench.take(make({ start, data: new Uint8Array(0), more })), 'dropped');
        }
      }
      for (const length of [1, 7, 12, 23]) {
        assert.equal(bench.take(make({ start: 24, data: patterned(length), more: true })), 'dropped');
      }
      assert.deepEqual([bench.stats.reasmFails, bench.stats.reasmOverlaps], [8, 0]);
      assert.equal(bench.take(second!), 'whole');
    });

    it('ATTACKS 5: what would be longer than 65535 octets is dropped; what is not, is made whole', () => {
      const most = family === 4 ? 65_535 - 20 : 65_535;
      const bench = new ReassemblyBench();
      const message = patterned(most);
      assert.equal(bench.takeAll(cut(family, message, [16_000, 32_000, 48_000])).at(-1), 'whole');
      assert.deepEqual(bench.wholeData(), message);
      const fits = most % 8;
      const start = most - fits;
      assert.equal(bench.take(make({ start, data: patterned(fits), more: false })), 'kept');
      assert.equal(bench.take(make({ start, data: patterned(fits + 1), more: false, id: 9 })), 'dropped');
      assert.equal(bench.take(make({ start: 65_528, data: patterned(1400), more: false, id: 9 })), 'dropped');
    });

    it('ATTACKS 61, RFC1858, RFC7112: a first fragment without its whole transport header is dropped', () => {
      const tcp = patterned(48);
      tcp[12] = 0x80;
      for (const [protocol, message, tooShort, enough] of [
        [IpProtocol.TCP, tcp, 24, 32],
        [IpProtocol.TCP, tcp, 8, 40],
      ] as const) {
        const bench = new ReassemblyBench();
        const split = (at: number, id: number) => cut(family, message, [at], { protocol, id });
        assert.deepEqual(bench.takeAll(split(tooShort, 1)), ['dropped', 'kept'], `${tooShort} octets`);
        assert.deepEqual(bench.takeAll(split(enough, 2)), ['kept', 'whole'], `${enough} octets`);
      }
    });

    it('gives a datagram up that takes too long, and tells its source when its beginning came', () => {
      const timeoutMs = family === 4 ? 30_000 : 60_000;
      const bench = new ReassemblyBench();
      const [first, second] = cut(family, patterned(48), [24], { id: 1 });
      const [, later] = cut(family, patterned(48), [24], { id: 2 });
      bench.take(first!);
      bench.now = 1000;
      bench.take(later!);
      assert.equal(bench.armedFor, timeoutMs);
      bench.now = timeoutMs - 1;
      bench.reassembly.expire(bench.now);
      assert.equal(bench.reassembly.heldDatagrams, 2);
      bench.now = timeoutMs;
      bench.reassembly.expire(bench.now);
      assert.equal(bench.armedFor, timeoutMs + 1000, 'the next one');
      assert.deepEqual(bench.told, [[family === 4 ? 11 : 3, 1, 0]], 'RFC 1122 §3.3.2, RFC 4443 §3.3');
      assert.deepEqual(bench.quoted, [first]);
      assert.equal(bench.take(second!), 'kept', 'it begins anew');
      bench.now = bench.armedFor;
      bench.reassembly.expire(bench.now);
      assert.equal(bench.told.length, 1, 'fragment zero did not come: silence');
      assert.deepEqual([bench.stats.reasmTimeouts, bench.stats.reasmFails], [2, 2]);
    });

    it('RFC3168 §5.3: the whole has met congestion when one of its fragments has', () => {
      const [NOT, ECT1, ECT0, CE] = [0, 1, 2, 3] as const;
      const cases: [number[], number | null][] = [
        [[NOT, NOT], NOT],
        [[ECT0, ECT0], ECT0],
        [[ECT1, ECT1], ECT1],
        [[CE, CE], CE],
        [[ECT0, CE], CE],
        [[CE, ECT1], CE],
        [[CE, ECT0, ECT1], CE],
        [[ECT0, NOT], NOT],
        [[NOT, CE], null],
        [[CE, ECT0, NOT], null],
      ];
      for (const [marks, expected] of cases) {
        const bench = new ReassemblyBench();
        const results = marks.map((ecn, i) =>
          bench.take(make({ start: i * 24, data: patterned(24), more: i < marks.length - 1, ecn })),
        );
        assert.equal(results.at(-1), expected === null ? 'dropped' : 'whole', `${marks}`);
        if (expected === null) continue;
        const whole = bench.whole();
        assert.equal(family === 4 ? read4(whole).ecn : read6(whole).ecn, expected, `${marks}`);
      }
    });

    it('limits.fragmentsPerDatagram: one fragment more, and it is given up', () => {
      const bench = new ReassemblyBench({ fragmentsPerDatagram: 4 });
      const pieces = cut(family, patterned(80), [16, 32, 48, 64]);
      assert.deepEqual(bench.takeAll(pieces), ['kept', 'kept', 'kept', 'kept', 'dropped']);
      assert.equal(bench.take(pieces[4]!), 'dropped');
      assert.equal(bench.takeAll(cut(family, patterned(64), [16, 32, 48], { id: 3 })).at(-1), 'whole');
    });

    it('limits.fragmentDatagrams and limits.fragmentBytes: the oldest goes', () => {
      const few = new ReassemblyBench({ fragmentDatagrams: 3 });
      const halves = [0, 1, 2, 3].map((id) => cut(family, patterned(48), [24], { id }));
      for (const [first] of halves) few.take(first!);
      assert.deepEqual([few.reassembly.heldDatagrams, few.stats.reasmFails], [3, 1]);
      assert.deepEqual(few.told, [], 'no time has run out');
      assert.deepEqual(
        [3, 2, 1].map((i) => few.take(halves[i]![1]!)),
        ['whole', 'whole', 'whole'],
      );
      const small = new ReassemblyBench({ fragmentBytes: 10_000 });
      const large = [0, 1, 2].map((id) => cut(family, patterned(6000), [4000], { id }));
      small.take(large[0]![0]!);
      small.take(large[1]![0]!);
      assert.deepEqual([small.reassembly.heldDatagrams, small.stats.reasmFails], [2, 0]);
      small.take(large[2]![0]!);
      assert.deepEqual([small.reassembly.heldDatagrams, small.stats.reasmFails], [1 + 1, 1]);
      assert.equal(small.take(large[2]![1]!), 'whole');
    });
  });
}

describe('IPv4 reassembly alone', () => {
  it('RFC791: takes options and all else of the header from fragment zero', () => {
    const bench = new ReassemblyBench();
    const message = patterned(40);
    const options = Uint8Array.of(148, 4, 0, 0);
    bench.take(fragment4({ start: 24, data: message.slice(24), more: false }));
    const first = fragment4({ start: 0, data: message.slice(0, 24), more: true, options });
    assert.equal(bench.take(first), 'whole');
    const whole = bench.whole();
    const view = read4(whole);
    assert.deepEqual([view.headerLength, view.totalLength, view.isFragment], [24, 64, false]);
    assert.deepEqual(whole.slice(20, 24), options);
    assert.deepEqual(whole.slice(24), message);
    assert.equal(bench.reassembly.largestPacket, first.length);
  });

  it('a whole whose header, from fragment zero, makes it too long is dropped', () => {
    const bench = new ReassemblyBench();
    const message = patterned(65_515);
    const [, second] = cut(4, message, [40_000]);
    const options = new Uint8Array(40).fill(1);
    bench.take(second!);
    assert.equal(
      bench.take(fragment4({ start: 0, data: message.slice(0, 40_000), more: true, options })),
      'dropped',
    );
    assert.deepEqual([bench.stats.reasmOks, bench.stats.reasmFails, bench.reassembly.heldBytes], [0, 1, 0]);
  });
});

describe('IPv6 reassembly alone', () => {
  it('RFC8200 §4.5: keeps the headers in front of fragment zero, without the fragment header', () => {
    const bench = new ReassemblyBench();
    const message = patterned(40);
    // Destination options that name the fragment header, and what fragment zero says comes next.
    const options = Uint8Array.of(44, 0, 1, 4, 0, 0, 0, 0);
    bench.take(fragment6({ start: 24, data: message.slice(24), more: false, protocol: 99 }));
    const first = { start: 0, data: message.slice(0, 24), more: true, protocol: 132, options };
    assert.equal(bench.take(fragment6(first)), 'whole');
    const whole = bench.whole();
    const view = read6(whole);
    assert.deepEqual([view.protocol, view.isFragment, view.extensionHeaders], [132, false, 1]);
    assert.deepEqual(whole.slice(48), message);
  });

  it('RFC8200 §4.5: tells the source which field of its fragment is wrong', () => {
    const bench = new ReassemblyBench();
    const options = Uint8Array.of(44, 0, 1, 4, 0, 0, 0, 0);
    bench.take(fragment6({ start: 8, data: patterned(12), more: true, options }));
    bench.take(fragment6({ start: 65_528, data: patterned(8), more: false, options }));
    bench.take(fragment6({ start: 65_520, data: patterned(8), more: false, options }));
    assert.deepEqual(bench.told, [
      [4, 0, 4],
      [4, 0, 48 + 2],
      [4, 0, 48 + 2],
    ]);
  });

  it('RFC7112 §5: tells the source that its first fragment lacks headers', () => {
    const chains = [
      patterned(8),
      Uint8Array.of(6, 1, 1, 4, 0, 0, 0, 0),
      Uint8Array.of(6, 0, 1, 4, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8),
    ];
    for (const [i, data] of chains.entries()) {
      const bench = new ReassemblyBench();
      const protocol = i === 0 ? IpProtocol.TCP : 60;
      assert.equal(bench.take(fragment6({ start: 0, data, more: true, protocol })), 'dropped');
      assert.deepEqual(bench.told, [[4, 3, 0]]);
    }
    const bench = new ReassemblyBench();
    const whole = Uint8Array.of(58, 0, 1, 4, 0, 0, 0, 0, 128, 0, 0, 0, 0, 0, 0, 0);
    assert.equal(bench.take(fragment6({ start: 0, data: whole, more: true, protocol: 60 })), 'kept');
    assert.deepEqual(bench.told, []);
  });
});
