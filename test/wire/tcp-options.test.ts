// TCP options: what is read, what is refused, what is written.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  appendFastOpen,
  appendMss,
  appendNop,
  appendSack,
  appendSackPermitted,
  appendTimestamps,
  appendUserTimeout,
  appendWindowScale,
  decodeTcpOptions,
  padOptions,
  parseTcpOptions,
  SegmentView,
} from '../../src/wire/index.js';
import { hex, placements } from './slab.js';

/** Reads the options in all placements, which must agree, and returns what the first one gave. */
function read(options: string | Uint8Array): SegmentView {
  const area = typeof options === 'string' ? hex(options) : options;
  const results = placements(area).map(({ bytes, view, offset, length }) => {
    const out = new SegmentView();
    parseTcpOptions(bytes, view, offset, length, out);
    if (out.fastOpenLength >= 0) out.fastOpenOffset -= offset;
    return out;
  });
  assert.deepEqual(results[1], results[0]);
  assert.deepEqual(results[2], results[0]);
  return results[0]!;
}

const NOTHING = new SegmentView();

describe('TCP options, reading', () => {
  test('RFC9293 MUST-4: END, NOP and MSS', () => {
    assert.equal(read('020405b4').mss, 1460);
    assert.equal(read('01 01 0204ffff 00').mss, 65535);
    assert.equal(read('00 0204 05b4 000000').mss, -1, 'nothing counts behind END');
    assert.equal(read('00 02 0204 05b4 0000').mss, -1, 'which has no length');
  });

  test('the options of a Linux SYN', () => {
    const out = read('020405b4 0402 080a afe43a3c 00000007 01 03030a');
    assert.equal(out.mss, 1460);
    assert.equal(out.sackPermitted, true);
    assert.equal(out.hasTimestamps, true);
    assert.equal(out.tsVal, 0xafe43a3c | 0);
    assert.equal(out.tsEcr, 7);
    assert.equal(out.windowScale, 10);
  });

  test('RFC9293 MUST-64: every option at every alignment', () => {
    for (let nops = 0; nops < 8; nops++) {
      const out = read(
        `${'01'.repeat(nops)} 0204 1234 03 03 07 0402 080a 80000001 7fffffff 050a 00000001 ffffffff`,
      );
      assert.equal(out.mss, 0x1234);
      assert.equal(out.windowScale, 7);
      assert.equal(out.sackPermitted, true);
      assert.deepEqual([out.tsVal, out.tsEcr], [0x80000001 | 0, 0x7fffffff]);
      assert.deepEqual([out.sackCount, out.sackEdges[0], out.sackEdges[1]], [1, 1, -1]);
    }
  });

  test('RFC9293 MUST-6: unknown options are skipped', () => {
    assert.equal(read('fd02 fe06deadbeef 1e 04 0000 0204 05b4').mss, 1460);
  });

  test('RFC9293 MUST-7: a length of 0 or 1 or past the header ends the parse, what stood before it counts', () => {
    for (const bad of ['0800', 'fe01', 'fe00', '0200', '0201', 'feff', '0204 05', '08 0b 00', 'fe', '02']) {
      assert.equal(read(`020405b4 ${bad}`).mss, 1460, bad);
      assert.deepEqual({ ...read(bad) }, { ...NOTHING }, bad);
    }
    for (const bad of ['0300', 'fe00', 'fe01', '0201', '0801']) {
      assert.equal(read(`${bad} 020405b4`).mss, -1, `nothing is read behind ${bad}`);
    }
  });

  test('RFC9293 MUST-7: forty octets of one value end', () => {
    for (let value = 0; value < 256; value++) read(new Uint8Array(40).fill(value));
  });

  test('known options of a wrong length are ignored, and those behind them read', () => {
    for (const bad of [
      '0202',
      '0203 05',
      '0205 05b400',
      '0302',
      '0304 0700',
      '0403 00',
      '0809 00000000000000',
    ]) {
      const out = read(`${bad} 0204 1111 0303 05`);
      assert.equal(out.mss, 0x1111, bad);
      assert.equal(out.windowScale, 5, bad);
      assert.equal(out.sackPermitted || out.hasTimestamps, false, bad);
    }
  });

  test('MSS 0, 1 and 65535 and window scale 15 and 255 are reported as they stand', () => {
    for (const mss of [0, 1, 65535]) assert.equal(read(`0204${mss.toString(16).padStart(4, '0')}`).mss, mss);
    for (const shift of [0, 14, 15, 255])
      assert.equal(read(`0303${shift.toString(16).padStart(2, '0')}`).windowScale, shift);
  });

  test('of several options of one kind the first right one counts', () => {
    const out = read(
      '0203 01 0204 0aaa 0204 0bbb 0303 01 0303 02 080a 00000001 00000002 080a 00000003 00000004',
    );
    assert.equal(out.mss, 0xaaa);
    assert.equal(out.windowScale, 1);
    assert.deepEqual([out.tsVal, out.tsEcr], [1, 2]);
    const aligned = read('0101 080a 00000001 00000002 0101 080a 00000003 00000004');
    assert.deepEqual([aligned.tsVal, aligned.tsEcr], [1, 2]);
    const sack = read('050a 00000001 00000002 050a 00000003 00000004');
    assert.deepEqual([sack.sackCount, sack.sackEdges[0]], [1, 1]);
  });

  test('SACK options carry one to four blocks, no other length', () => {
    // No header has room for five, which must not be read in any case.
    for (let length = 2; length <= 60; length++) {
      const option = new Uint8Array(length).map((_, i) => (i === 0 ? 5 : i === 1 ? length : i));
      const blocks = [10, 18, 26, 34].indexOf(length) + 1;
      assert.equal(read(option).sackCount, blocks, `length ${length}`);
    }
  });

  test('RFC 5482: seconds, minutes, and the reserved 0', () => {
    assert.equal(read('1c04 001e').userTimeoutMs, 30_000);
    assert.equal(read('1c04 8002').userTimeoutMs, 120_000);
    assert.equal(read('1c04 ffff').userTimeoutMs, 32_767 * 60_000);
    assert.equal(read('1c04 0000').userTimeoutMs, -1);
    assert.equal(read('1c04 8000').userTimeoutMs, -1);
    assert.equal(read('1c03 01').userTimeoutMs, -1);
  });

  test('RFC 7413: a request, cookies of 4…16 octets, and nothing else', () => {
    for (let length = 2; length <= 24; length++) {
      const option = new Uint8Array(length).map((_, i) => (i === 0 ? 34 : i === 1 ? length : 0));
      const out = read(option);
      const right = length === 2 || (length >= 6 && length <= 18 && length % 2 === 0);
      assert.equal(out.fastOpenLength, right ? length - 2 : -1, `length ${length}`);
      if (right) assert.equal(out.fastOpenOffset, 2);
    }
  });
});

describe('TCP options, writing', () => {
  test('RFC9293 MUST-69: zeros follow END up to a multiple of four', () => {
    for (let used = 0; used <= 40; used++) {
      const options = new Uint8Array(40).fill(0xff);
      const padded = padOptions(options, used);
      assert.equal(padded % 4, 0);
      assert.ok(padded >= used && padded < used + 4);
      assert.ok(options.subarray(used, padded).every((octet) => octet === 0));
      assert.ok(options.subarray(padded).every((octet) => octet === 0xff));
    }
  });

  test('RFC9293 MUST-68: every option of ours but END and NOP has a length octet that leads to the next', () => {
    const edges = Int32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const writers: ((options: Uint8Array, at: number) => number)[] = [
      (o, at) => appendMss(o, at, 1460),
      (o, at) => appendWindowScale(o, at, 7),
      appendSackPermitted,
      (o, at) => appendTimestamps(o, at, -1, 5),
      (o, at) => appendSack(o, at, edges, 4),
      (o, at) => appendUserTimeout(o, at, 5000),
      (o, at) => appendFastOpen(o, at, null),
      (o, at) => appendFastOpen(o, at, new Uint8Array(8)),
    ];
    for (const write of writers) {
      const options = new Uint8Array(40);
      const end = write(options, 0);
      assert.ok(end >= 2);
      assert.equal(options[1], end);
    }
  });

  test('what does not fit is not written', () => {
    const options = new Uint8Array(4);
    assert.equal(appendTimestamps(options, 0, 1, 2), 0);
    assert.equal(appendMss(options, 1, 1460), 1);
    assert.equal(appendNop(options, 4), 4);
    assert.deepEqual([...options], [0, 0, 0, 0]);
    const full = new Uint8Array(40);
    const at = appendTimestamps(full, 2, 1, 2);
    assert.equal(appendSack(full, at, new Int32Array(8), 4), at + 26, 'three blocks fit beside timestamps');
    assert.equal(appendSack(full, 31, new Int32Array(8), 4), 31);
    assert.equal(appendFastOpen(full, 0, new Uint8Array(5)), 0, 'no cookie of odd length');
    assert.equal(appendUserTimeout(full, 0, 0), 0);
  });

  test('RFC2018 §3: of the blocks the first that fit are written, and nothing behind them', () => {
    const edges = Int32Array.of(11, 12, 21, 22, 31, 32, 41, 42, 51, 52);
    for (let room = 0; room <= 40; room++) {
      for (let count = 0; count <= 5; count++) {
        const options = new Uint8Array(40).fill(0xff);
        const blocks = Math.min(count, 4, Math.max(0, Math.floor((room - 2) / 8)));
        const length = blocks === 0 ? 0 : 2 + 8 * blocks;
        const at = 40 - room;
        assert.equal(appendSack(options, at, edges, count), at + length, `${count} in ${room}`);
        assert.ok(options.subarray(0, at).every((octet) => octet === 0xff));
        assert.ok(options.subarray(at + length).every((octet) => octet === 0xff));
        const out = read(options.subarray(at, at + length));
        assert.equal(out.sackCount, blocks);
        assert.deepEqual(out.sackEdges.subarray(0, 2 * blocks), edges.subarray(0, 2 * blocks));
      }
    }
  });

  test('what is written is read back, by the packet path and by the decoder', () => {
    const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    const arbitrary = fc.record({
      mss: fc.nat(65535),
      shift: fc.nat(14),
      tsVal: int32,
      tsEcr: int32,
      edges: fc.array(int32, { minLength: 4, maxLength: 4 }),
      nops: fc.nat(1),
    });
    fc.assert(
      fc.property(arbitrary, ({ mss, shift, tsVal, tsEcr, edges, nops }) => {
        const options = new Uint8Array(40);
        let at = nops === 1 ? appendNop(options, 0) : 0;
        at = appendMss(options, at, mss);
        at = appendWindowScale(options, at, shift);
        at = appendSackPermitted(options, at);
        at = appendTimestamps(options, at, tsVal, tsEcr);
        at = appendSack(options, at, Int32Array.from(edges), 2);
        const area = options.slice(0, padOptions(options, at));
        const out = read(area);
        assert.deepEqual([out.mss, out.windowScale, out.sackPermitted], [mss, shift, true]);
        assert.deepEqual([out.tsVal, out.tsEcr, out.sackCount], [tsVal, tsEcr, 2]);
        assert.deepEqual([...out.sackEdges.subarray(0, 4)], edges);
        const list = decodeTcpOptions(area, 0, area.length).filter(
          (o) => o.name !== 'nop' && o.name !== 'end',
        );
        assert.deepEqual(
          list.map((o) => o.name),
          ['mss', 'window-scale', 'sack-permitted', 'timestamps', 'sack'],
        );
      }),
      { seed: 6, numRuns: 500 },
    );
  });

  test('a user timeout comes back as it was, rounded up to what its field can say', () => {
    for (const [ms, expected] of [
      [1, 1000],
      [30_000, 30_000],
      [32_767_000, 32_767_000],
      [32_767_001, 32_820_000],
      [36_000_000, 36_000_000],
      [36_000_001, 36_060_000],
      [2 ** 40, 32_767 * 60_000],
    ] as const) {
      const options = new Uint8Array(4);
      assert.equal(appendUserTimeout(options, 0, ms), 4);
      assert.equal(read(options).userTimeoutMs, expected);
    }
  });
});

describe('TCP options, for tools', () => {
  test('names invalid, unknown and broken options, and stops at END and at a broken one', () => {
    const area = hex('0203 05 fd03 aa 01 0402 22 02 1c04 0000 fe01 0204 05b4');
    const list = decodeTcpOptions(area, 0, area.length);
    assert.deepEqual(
      list.map((o) => [o.name, o.offset, o.length]),
      [
        ['invalid', 0, 3],
        ['unknown', 3, 3],
        ['nop', 6, 1],
        ['sack-permitted', 7, 2],
        ['fast-open', 9, 2],
        ['invalid', 11, 4],
        ['broken', 15, 6],
      ],
    );
  });
});
