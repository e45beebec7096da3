// Each kind of TCP option with each length, at the end of the options and before others: which are right, which are passed over, and
// which end the parse (RFC9293 MUST-6, MUST-7). The packet path and the list for people must agree.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeTcpOptions, parseTcpOptions, SegmentView } from '../../src/wire/index.js';
import { place } from './slab.js';

/** Lengths that a kind may have, by the RFC that defines it. */
const RIGHT: Record<number, { name: string; lengths: readonly number[] }> = {
  2: { name: 'mss', lengths: [4] },
  3: { name: 'window-scale', lengths: [3] },
  4: { name: 'sack-permitted', lengths: [2] },
  5: { name: 'sack', lengths: [10, 18, 26, 34] },
  8: { name: 'timestamps', lengths: [10] },
  28: { name: 'user-timeout', lengths: [4] },
  34: { name: 'fast-open', lengths: [2, 6, 8, 10, 12, 14, 16, 18] },
};

/** An option of a kind and length; its value is 1, 2, 3 …. */
function option(kind: number, length: number): number[] {
  return [kind, length, ...Array.from({ length: Math.max(0, length - 2) }, (_, i) => i + 1)];
}

/** What the packet path has taken, by the names of the list. */
function taken(area: readonly number[]): string[] {
  const { bytes, view, offset, length } = place(Uint8Array.from(area), 11, 0xff, 40);
  const out = new SegmentView();
  parseTcpOptions(bytes, view, offset, length, out);
  const facts: [string, boolean][] = [
    ['mss', out.mss >= 0],
    ['window-scale', out.windowScale >= 0],
    ['sack-permitted', out.sackPermitted],
    ['sack', out.sackCount > 0],
    ['timestamps', out.hasTimestamps],
    ['user-timeout', out.userTimeoutMs >= 0],
    ['fast-open', out.fastOpenLength >= 0],
  ];
  return facts.filter(([, is]) => is).map(([name]) => name);
}

const listed = (area: readonly number[]) => decodeTcpOptions(Uint8Array.from(area), 0, area.length);

for (const [text, { name, lengths }] of Object.entries(RIGHT)) {
  const kind = Number(text);
  describe(`option ${kind}, ${name}`, () => {
    for (let length = 2; length <= 38; length++) {
      test(`RFC9293 MUST-6: ${length} octets: ${lengths.includes(length) ? 'taken' : 'passed over'}`, () => {
        const isRight = lengths.includes(length);
        for (const around of [[], [1]]) {
          const area = [...around, ...option(kind, length), ...around];
          assert.deepEqual(taken(area), isRight ? [name] : []);
          const [found] = listed(area).filter((one) => one.kind === kind);
          assert.deepEqual(
            [found!.name, found!.offset, found!.length],
            [isRight ? name : 'invalid', around.length, length],
          );
        }
        // What stands behind it is read in any case.
        const other = kind === 2 ? option(3, 3) : option(2, 4);
        const behind = kind === 2 ? 'window-scale' : 'mss';
        assert.ok(taken([...option(kind, length), ...other]).includes(behind));
        assert.ok(listed([...option(kind, length), ...other]).some((one) => one.name === behind));
      });
    }

    test('RFC9293 MUST-7: a length of 0 or 1, or one octet too long for what is left, ends the parse', () => {
      const length = lengths.at(-1)!;
      for (const area of [
        [kind, 0],
        [kind, 1],
        [kind, 0, ...option(2, 4)],
        option(kind, length).slice(0, -1),
        [kind],
      ]) {
        assert.deepEqual(taken([1, ...area]), []);
        const list = listed([1, ...area]);
        assert.deepEqual(
          list.map((one) => one.name),
          ['nop', 'broken'],
        );
        assert.deepEqual([list[1]!.offset, list[1]!.length], [1, area.length]);
        const last = list[1]!;
        assert.deepEqual(last.name === 'broken' && [...last.data], area.slice(1));
      }
    });
  });
}

test('RFC9293 MUST-4: END ends the list, whatever follows', () => {
  const area = [...option(3, 3), 0, ...option(2, 4)];
  assert.deepEqual(taken(area), ['window-scale']);
  assert.deepEqual(
    listed(area).map((one) => one.name),
    ['window-scale', 'end'],
  );
  assert.deepEqual(listed(area)[1], { kind: 0, offset: 3, length: 1, name: 'end' });
});

test('values are those of the octets', () => {
  const area = [...option(2, 4), ...option(3, 3), ...option(8, 10), ...option(5, 18)];
  const [mss, scale, ts, sack] = listed(area);
  assert.deepEqual(
    [mss, scale],
    [
      { kind: 2, offset: 0, length: 4, name: 'mss', mss: 0x0102 },
      { kind: 3, offset: 4, length: 3, name: 'window-scale', shift: 1 },
    ],
  );
  assert.deepEqual(ts, {
    kind: 8,
    offset: 7,
    length: 10,
    name: 'timestamps',
    tsVal: 0x01020304,
    tsEcr: 0x05060708,
  });
  const blocks = [
    [0x01020304, 0x05060708],
    [0x090a0b0c, 0x0d0e0f10],
  ];
  assert.deepEqual(sack, { kind: 5, offset: 17, length: 18, name: 'sack', blocks });
  assert.deepEqual(listed([28, 4, 0, 0])[0]!.name, 'invalid', 'RFC 5482 §3.4: zero is reserved');
  assert.deepEqual(listed([28, 4, 0x80, 2])[0], {
    kind: 28,
    offset: 0,
    length: 4,
    name: 'user-timeout',
    ms: 120_000,
  });
  assert.deepEqual(listed([28, 4, 0, 2])[0], {
    kind: 28,
    offset: 0,
    length: 4,
    name: 'user-timeout',
    ms: 2000,
  });
  assert.deepEqual(listed([99, 3, 7]), [
    { kind: 99, offset: 0, length: 3, name: 'unknown', data: Uint8Array.of(7) },
  ]);
});

test('options behind the timestamps are read, as others lay them out, and as Linux does', () => {
  for (const before of [[1, 1], [], [1]]) {
    for (const behind of [option(2, 4), option(4, 2), [1, ...option(3, 3)], [1, 1, ...option(5, 10)]]) {
      const area = [...before, ...option(8, 10), ...behind];
      const names = listed(area)
        .map((one) => one.name)
        .filter((name) => name !== 'nop');
      assert.deepEqual(taken(area).toSorted(), names.toSorted(), `${area}`);
      assert.equal(names.length, 2);
    }
    assert.deepEqual(taken([...before, ...option(8, 10)]), ['timestamps']);
  }
});

test('of several of one kind the first right one counts, also when its value is zero', () => {
  const read = (...area: number[]) => {
    const { bytes, view, offset, length } = place(Uint8Array.from(area), 3, 0xff, 9);
    const out = new SegmentView();
    parseTcpOptions(bytes, view, offset, length, out);
    return out;
  };
  assert.equal(read(2, 4, 0, 0, 2, 4, 5, 5).mss, 0);
  assert.equal(read(3, 3, 0, 3, 3, 9).windowScale, 0);
  assert.equal(read(28, 4, 0, 1, 28, 4, 0, 9).userTimeoutMs, 1000);
  assert.equal(read(...option(8, 10), 8, 10, 9, 9, 9, 9, 9, 9, 9, 9).tsVal, 0x01020304);
  assert.equal(read(34, 2, ...option(34, 6)).fastOpenLength, 0);
  const twice = read(...option(5, 10), 5, 10, 9, 9, 9, 9, 9, 9, 9, 9);
  assert.deepEqual([twice.sackCount, twice.sackEdges[0]], [1, 0x01020304]);
});
