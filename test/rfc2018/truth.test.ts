// Whatever arrives in whatever order: blocks say what a model of a receiver has, no more and no less, across the wrap of
// the sequence numbers. RFC 2018 §4, RFC 2883 §4.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Bench, type Captured } from '../tcp/harness.js';

/** One segment of the peer; `last` ends a batch. Places count from 0, the first byte of the stream. */
interface Arrival {
  readonly at: number;
  readonly length: number;
  readonly last: boolean;
}

const SPACE = 6000;

const arrivals = fc.array(
  fc.record({ at: fc.nat(SPACE - 500), length: fc.integer({ min: 1, max: 500 }), last: fc.boolean() }),
  { minLength: 1, maxLength: 80 },
);

/** Near the wraps of int32 and uint32, and anywhere. */
const irs = fc.oneof(
  fc.integer({ min: -SPACE, max: 10 }),
  fc.integer({ min: 0x7fffffff - SPACE, max: 0x7fffffff }),
  fc.integer(),
);

/** How often each byte has arrived. */
class Model {
  readonly times = new Uint8Array(SPACE + 1);

  take({ at, length }: Arrival): void {
    for (let i = at; i < at + length; i++) this.times[i]!++;
  }

  /** Bytes from the beginning without a hole. */
  get next(): number {
    return this.times.indexOf(0);
  }

  /** Stretches behind the first hole, as sequence numbers relative to IRS. */
  stretches(): string[] {
    const found: string[] = [];
    for (let i = this.next; i < SPACE; i++) {
      if (this.times[i] === 0) continue;
      const end = this.times.indexOf(0, i);
      found.push(`${i + 1}:${end + 1}`);
      i = end;
    }
    return found;
  }

  arrivedTwice(left: number, right: number): boolean {
    for (let i = left - 1; i < right - 1; i++) if (this.times[i]! < 2) return false;
    return true;
  }
}

/** Splits the blocks of an ACK into the report of a duplicate, if there is one, and the rest (RFC 2883 §4). */
function split(s: Captured): [readonly [number, number] | null, string[]] {
  const blocks = s.options.sack ?? [];
  const [first, second] = blocks;
  const isDuplicate =
    first !== undefined &&
    (first[1] <= s.ack || (second !== undefined && first[0] >= second[0] && first[1] <= second[1]));
  const rest = (isDuplicate ? blocks.slice(1) : blocks).map((block) => block.join(':'));
  return [isDuplicate ? first : null, rest];
}

function judge(s: Captured, model: Model, most: number): void {
  const [duplicate, rest] = split(s);
  const text = JSON.stringify(s.options.sack);
  assert.equal(s.ack, model.next + 1);
  if (duplicate !== null)
    assert.ok(model.arrivedTwice(...duplicate), `${duplicate} is no duplicate: ${text}`);
  const true_ = model.stretches();
  for (const block of rest) assert.ok(true_.includes(block), `${block} of ${text} is not in ${true_}`);
  assert.equal(new Set(rest).size, rest.length, `twice the same: ${text}`);
  assert.equal(rest.length, Math.min(true_.length, duplicate === null ? most : most - 1), `too few: ${text}`);
}

function open(numbers: number, timestamps: boolean, reassemblySegments: number): Bench {
  return Bench.accepted({
    irs: numbers,
    config: { sack: true, timestamps, delayedAckMs: 0, receiveBufferBytes: 20_000, reassemblySegments },
    peer: { options: timestamps ? 'mss 1000, sackOK, ts 1 0' : 'mss 1000, sackOK' },
  });
}

const lineOf = ({ at, length }: Arrival, timestamps: boolean) =>
  `A ${at + 1} a1 [${length}]${timestamps ? ' <ts 1 0>' : ''}`;

describe('truth', () => {
  for (const timestamps of [false, true]) {
    const most = timestamps ? 3 : 4;
    for (let seed = 1; seed <= 10; seed++) {
      test(`RFC2018 §4, RFC2883 §4: ${most} blocks say what is here and what came twice, and nothing else (seed ${seed})`, () => {
        fc.assert(
          fc.property(irs, arrivals, (numbers, list) => {
            const bench = open(numbers, timestamps, 1024);
            const model = new Model();
            for (const arrival of list) {
              bench.inject(lineOf(arrival, timestamps));
              model.take(arrival);
              if (!arrival.last) continue;
              bench.flush();
              assert.ok((bench.connection.sack?.recentCount ?? 0) <= 8);
              for (const s of bench.take()) judge(s, model, most);
            }
            bench.flush().take();
            bench.peer(lineOf({ at: 0, length: SPACE, last: true }, timestamps));
            assert.equal(bench.read(), SPACE);
          }),
          { numRuns: 30, seed },
        );
      });
    }

    test(`RFC2018 §4: alone in its batch, a segment beyond a hole is in the first of ${most} blocks that are no report`, () => {
      fc.assert(
        fc.property(irs, arrivals, (numbers, list) => {
          const bench = open(numbers, timestamps, 1024);
          const model = new Model();
          for (const arrival of list) {
            const before = model.next;
            bench.peer(lineOf(arrival, timestamps));
            model.take(arrival);
            const acks = bench.take();
            if (arrival.at <= before) continue;
            const [, rest] = split(acks.at(-1)!);
            const [left, right] = rest[0]!.split(':').map(Number);
            assert.ok(left! <= arrival.at + 1 && right! >= arrival.at + arrival.length + 1, `${rest}`);
          }
        }),
        { numRuns: 200, seed: 2018 },
      );
    });
  }

  for (let seed = 1; seed <= 20; seed++) {
    test(`RFC2018 §8: with few places for stretches, what was reported is kept (seed ${seed})`, () => {
      fc.assert(
        fc.property(irs, arrivals, fc.integer({ min: 1, max: 4 }), (numbers, list, places) => {
          const bench = open(numbers, false, places);
          const reported = new Uint8Array(SPACE);
          for (const arrival of list) {
            bench.peer(lineOf(arrival, false));
            for (const s of bench.take()) {
              reported.fill(1, 0, s.ack - 1);
              for (const [left, right] of s.options.sack ?? []) reported.fill(1, left - 1, right - 1);
            }
          }
          // The peer sends only what it was never told to have arrived.
          for (let i = 0; i < SPACE; i++) if (reported[i] === 0) bench.inject(`A ${i + 1} a1 [1]`);
          bench.flush().take();
          assert.equal(bench.read(), SPACE);
        }),
        { numRuns: 10, seed },
      );
    });
  }
});
