// The scoreboard against a set of bytes (RFC 2018, RFC 6675 §3), and its bound against a peer that reports confetti.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Scoreboard } from '../../src/tcp/scoreboard.js';
import { seqAdd, seqDiff } from '../../src/wire/seq.js';

const SPAN = 200;

/** Ranges of the board as positions, checking on the way that they are sorted and apart. */
function rangesOf(board: Scoreboard, origin: number): [number, number][] {
  const ranges: [number, number][] = [];
  let before = -1;
  for (let i = 0; i < board.count; i++) {
    const left = seqDiff(board.left(i), origin | 0);
    const right = seqDiff(board.right(i), origin | 0);
    assert.ok(
      left > before,
      `range ${i} [${left}, ${right}) overlaps or touches the one before, up to ${before}`,
    );
    assert.ok(right > left, `range ${i} is empty`);
    before = right;
    ranges.push([left, right]);
  }
  return ranges;
}

function rangesOfSet(bytes: Set<number>): [number, number][] {
  const ranges: [number, number][] = [];
  for (let at = 0; at <= SPAN; at++) {
    if (!bytes.has(at)) continue;
    const last = ranges.at(-1);
    if (last?.[1] === at) last[1]++;
    else ranges.push([at, at + 1]);
  }
  return ranges;
}

const operations = fc.array(
  fc.tuple(
    fc.constantFrom('add', 'add', 'add', 'drop', 'covers'),
    fc.nat(SPAN - 1),
    fc.integer({ min: 1, max: 30 }),
  ),
  { maxLength: 80, size: 'max' },
);

describe('scoreboard', () => {
  test('RFC6675 §3: it holds what a set of bytes holds, in as few ranges as can be, also across the wrap', () => {
    fc.assert(
      fc.property(fc.constantFrom(0, -100, 0x7fffffa0), operations, (origin, list) => {
        const board = new Scoreboard();
        const bytes = new Set<number>();
        const seq = (position: number) => seqAdd(origin | 0, position);
        for (const [kind, a, length] of list) {
          const right = Math.min(SPAN, a + length);
          if (kind === 'add') {
            assert.equal(board.hasRoomFor(seq(a), seq(right)), true);
            const i = board.add(seq(a), seq(right));
            for (let at = a; at < right; at++) bytes.add(at);
            assert.ok(seqDiff(board.left(i), seq(a)) <= 0 && seqDiff(board.right(i), seq(right)) >= 0);
          } else if (kind === 'drop') {
            // SND.UNA goes forward only.
            const una = Math.min(a, length);
            board.dropBefore(seq(una));
            for (let at = 0; at < una; at++) bytes.delete(at);
          } else {
            let all = true;
            for (let at = a; at < right; at++) all &&= bytes.has(at);
            assert.equal(board.covers(seq(a), seq(right)), all, `covers [${a}, ${right})`);
          }
          assert.deepEqual(rangesOf(board, origin), rangesOfSet(bytes));
          const i = board.indexAfter(seq(a));
          assert.equal(i, rangesOfSet(bytes).filter(([, end]) => end <= a).length, `indexAfter ${a}`);
        }
      }),
      { numRuns: 500, seed: 2018 },
    );
  });

  test('ATTACKS 2: the number of ranges has a bound; what joins them is still taken', () => {
    const board = new Scoreboard();
    let refused = 0;
    for (let i = 0; i < 5000; i++) if (board.add(2 * i, 2 * i + 1) < 0) refused++;
    assert.ok(board.count <= 1024, `${board.count} ranges`);
    assert.equal(board.count + refused, 5000);
    const full = board.count;
    assert.equal(board.hasRoomFor(9000, 9001), false);
    for (const [left, right] of [
      [1, 2],
      [-5, 0],
      [2046, 2046 + 1],
      [2047, 3000],
      [100, 101],
    ] as const)
      assert.equal(board.hasRoomFor(left, right), true, `[${left}, ${right})`);
    assert.equal(board.hasRoomFor(-5, -1), false);
    assert.equal(board.add(1, 2), 0, 'two ranges become one');
    assert.equal(board.count, full - 1);
    assert.ok(board.add(9000, 9001) >= 0, 'there is room again');
    board.clear();
    assert.equal(board.count, 0);
    assert.equal(board.covers(0, 1), false);
  });
});

test('a full board takes what touches a range of it on either side, the first range as well, and nothing else', () => {
  const board = new Scoreboard();
  for (let i = 0; i < 1024; i++) board.add(10 * i + 100, 10 * i + 105);
  assert.equal(board.hasRoomFor(105, 107), true);
  assert.equal(board.hasRoomFor(98, 100), true);
  assert.equal(board.hasRoomFor(107, 108), false);
  assert.equal(board.hasRoomFor(90, 95), false);
  assert.equal(board.add(90, 95), -1);
  assert.equal(board.add(105, 107), 0);
  assert.equal(board.count, 1024);
});
