// The store of stretches by itself, against a plain array of bytes: RFC 9293 SHLD-31.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Reassembly } from '../../src/tcp/reassembly.js';
import { ReceiveQueue } from '../../src/tcp/receive-queue.js';

const SPACE = 4000;

/** What may happen: a piece with bytes of its own comes, the beginning is delivered, or the end is cut off. */
const steps = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.record({ at: fc.nat(SPACE - 1), length: fc.integer({ min: 1, max: 900 }) }) },
    { weight: 2, arbitrary: fc.record({ deliver: fc.nat(SPACE) }) },
    { weight: 1, arbitrary: fc.record({ cut: fc.nat(SPACE) }) },
  ),
  { maxLength: 60 },
);

function readAll(queue: ReceiveQueue, step: number): number[] {
  const all: number[] = [];
  for (let view = queue.take(step); view !== null; view = queue.take(step)) all.push(...view);
  return all;
}

describe('reassembly', () => {
  test('RFC9293 SHLD-31: the first bytes stay, stretches neither touch nor overlap, nothing is lost', () => {
    fc.assert(
      fc.property(fc.integer(), steps, fc.integer({ min: 1, max: 3000 }), (origin, list, step) => {
        const kept = new Reassembly(1024);
        const model: (number | undefined)[] = new Array(SPACE + 1000).fill(undefined);
        let generation = 0;
        for (const what of list) {
          if ('deliver' in what) {
            const first = model.findIndex((byte) => byte !== undefined);
            const from = what.deliver;
            const queue = new ReceiveQueue();
            const moved = kept.deliver((origin + from) | 0, queue);
            if (first < 0 || first > from) {
              assert.equal(moved, 0);
              continue;
            }
            let end = first;
            while (model[end] !== undefined) end++;
            assert.deepEqual(readAll(queue, step), model.slice(Math.min(from, end), end));
            model.fill(undefined, first, end);
          } else if ('cut' in what) {
            kept.truncate((origin + what.cut) | 0);
            model.fill(undefined, what.cut);
          } else {
            generation = (generation + 1) & 0xff;
            const bytes = Uint8Array.from({ length: what.length + 5 }, (_, i) => generation ^ (i * 7));
            const added = kept.insert((origin + what.at) | 0, bytes, 5, what.length);
            let fresh = 0;
            for (let i = 0; i < what.length; i++) {
              if (model[what.at + i] !== undefined) continue;
              model[what.at + i] = bytes[5 + i];
              fresh++;
            }
            bytes.fill(0xee);
            assert.equal(added, fresh);
          }
          check(kept, model, origin);
        }
        for (;;) {
          const first = model.findIndex((byte) => byte !== undefined);
          if (first < 0) break;
          let end = first;
          while (model[end] !== undefined) end++;
          const queue = new ReceiveQueue();
          kept.deliver((origin + first) | 0, queue);
          assert.deepEqual(readAll(queue, step), model.slice(first, end));
          model.fill(undefined, first, end);
        }
        assert.deepEqual([kept.size, kept.byteCount], [0, 0]);
      }),
      { numRuns: 400, seed: 31 },
    );
  });

  test('the queue in which a stretch ends up goes on behind it', () => {
    const queue = new ReceiveQueue();
    queue.push(Uint8Array.of(1, 2), 0, 2);
    const view = queue.take(1);
    const kept = new Reassembly(8);
    kept.insert(100, new Uint8Array(5000).fill(3), 0, 5000);
    kept.insert(98, Uint8Array.of(8, 9), 0, 2);
    assert.equal(kept.deliver(98, queue), 5002);
    queue.push(Uint8Array.of(4), 0, 1);
    const rest = readAll(queue, 100_000);
    assert.deepEqual([rest.length, rest[0], rest[1], rest[2], rest[3], rest.at(-1)], [5004, 2, 8, 9, 3, 4]);
    assert.deepEqual(view, Uint8Array.of(1), 'what was handed out is never written again');
    assert.equal(queue.length, 0);
  });

  test('what has no length adds nothing, and opens no stretch', () => {
    const kept = new Reassembly(8);
    for (const length of [0, -1]) assert.equal(kept.insert(100, new Uint8Array(4), 0, length), 0);
    assert.deepEqual([kept.size, kept.byteCount], [0, 0]);
  });

  test('RFC9293 §3.10.7.4: of a stretch that begins where the FIN stands nothing is kept', () => {
    const kept = new Reassembly(8);
    kept.insert(100, new Uint8Array(4), 0, 4);
    kept.insert(200, new Uint8Array(4), 0, 4);
    kept.truncate(200);
    assert.deepEqual(kept.stretches(), [[100, 104]]);
    kept.truncate(100);
    assert.deepEqual([kept.size, kept.byteCount], [0, 0]);
  });

  test('what would open one stretch too many is refused, what lengthens one is not', () => {
    const kept = new Reassembly(2);
    const bytes = new Uint8Array(100);
    assert.deepEqual([kept.insert(10, bytes, 0, 5), kept.insert(30, bytes, 0, 5)], [5, 5]);
    assert.deepEqual([kept.insert(20, bytes, 0, 5), kept.insert(40, bytes, 0, 5)], [-1, -1]);
    assert.deepEqual([kept.insert(15, bytes, 0, 5), kept.insert(25, bytes, 0, 5)], [5, 5]);
    assert.deepEqual(kept.stretches(), [
      [10, 20],
      [25, 35],
    ]);
    assert.equal(kept.insert(12, bytes, 0, 4), 0, 'what is here is not refused');
    assert.equal(kept.insert(20, bytes, 0, 5), 5);
    assert.equal(kept.insert(50, bytes, 0, 5), 5);
  });
});

function check(kept: Reassembly, model: (number | undefined)[], origin: number): void {
  const expected: [number, number][] = [];
  for (let i = 0; i < model.length; i++) {
    if (model[i] === undefined) continue;
    const start = i;
    while (model[i] !== undefined) i++;
    expected.push([(origin + start) | 0, (origin + i) | 0]);
  }
  assert.deepEqual(kept.stretches(), expected);
  assert.equal(kept.byteCount, model.filter((byte) => byte !== undefined).length);
  for (const [i, [start, end]] of expected.entries()) {
    assert.equal(kept.indexOf(start), i);
    assert.equal(kept.indexOf((end - 1) | 0), i);
    assert.equal(kept.indexOf(end), -1);
  }
}
