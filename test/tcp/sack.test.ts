// The sender's reading of SACK blocks (RFC 2018 §5, RFC 6675): against a set of bytes, and against a peer that wants it slow.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Mark } from '../../src/tcp/flight.js';
import { seqDiff } from '../../src/wire/seq.js';
import type { Bench } from './bench.js';
import { at, checkFlight, MSS, sackEstablished } from './sack-bench.js';

type Block = readonly [left: number, right: number];

/** What a careful reader of the blocks believes: a set of numbers beyond the acknowledgment. */
class Believed {
  readonly bytes = new Set<number>();

  take(blocks: readonly Block[], ack: number, una: number, nxt: number): void {
    const [first, second] = blocks;
    const isDuplicate =
      first !== undefined &&
      first[0] < first[1] &&
      (first[1] <= ack || (second !== undefined && first[0] >= second[0] && first[1] <= second[1]));
    for (const [left, right] of isDuplicate ? blocks.slice(1) : blocks) {
      if (left >= right || left <= una || right > nxt) continue;
      for (let at = left; at < right; at++) this.bytes.add(at);
    }
    for (const at of this.bytes) if (at < una) this.bytes.delete(at);
  }
}

function assertMarks(bench: Bench, believed: Believed): void {
  const { flight, snd } = bench.connection;
  const relative = (seq: number) => seqDiff(seq, snd.iss);
  for (let i = 0; i < flight.count; i++) {
    let all = true;
    for (let at = relative(flight.begin(i)); at < relative(flight.end(i)); at++)
      all &&= believed.bytes.has(at);
    // A peer that has what follows its acknowledgment acknowledges it: of the first record such a claim is nonsense.
    if (i === 0 && all) continue;
    const range = `[${relative(flight.begin(i))}, ${relative(flight.end(i))})`;
    assert.equal((flight.mark(i) & Mark.SACKED) !== 0, all, `record ${i} ${range} reported or not`);
  }
}

const acks = fc.array(
  fc.record({
    advance: fc.constantFrom(0, 0, 0, 0, 1, 20),
    blocks: fc.array(fc.tuple(fc.nat(420), fc.integer({ min: -3, max: 150 })), { maxLength: 4 }),
  }),
  { maxLength: 25, size: 'max' },
);

describe('SACK blocks', () => {
  for (let seed = 1; seed <= 16; seed++) {
    test(`RFC2018 §5: a segment counts as arrived when all of it was reported, in however many pieces, and never otherwise (seed ${seed})`, () => {
      fc.assert(
        fc.property(acks, fc.constantFrom(0x10000000, 0xffffff00, 0x7fffffd0), (list, iss) => {
          const bench = sackEstablished({ iss, config: { initialWindowSegments: 40 } });
          for (let i = 0; i < 30; i++) bench.write(1 + ((i * 7) % 23));
          const believed = new Believed();
          for (const { advance, blocks } of list) {
            const { sndUna, sndNxt } = bench.status;
            const ack = Math.min(sndUna + advance, sndNxt);
            const offered = blocks.map(([left, length]) => [left, left + length] as const);
            const sack = offered.map(([l, r]) => `${l}:${r}`).join(' ');
            bench.peer(offered.length > 0 ? `A 1 a${ack} <sack ${sack}>` : `A 1 a${ack}`);
            believed.take(offered, ack, ack, sndNxt);
            checkFlight(bench.connection);
            assertMarks(bench, believed);
          }
        }),
        { numRuns: 25, seed },
      );
    });
  }

  test('ATTACKS 2: what was reported before costs nothing when it is reported again', () => {
    const bench = wide(900);
    const visits = countVisits(bench);
    bench.inject(`A 1 a1 <sack ${at(2)}:${at(901)}>`);
    assert.ok(visits() >= 899, 'the first time every segment is looked at');
    for (let i = 0; i < 50; i++) {
      bench.inject(
        `A 1 a1 <sack ${at(2 + i)}:${at(901 - i)} ${at(2)}:${at(901)} ${at(3)}:${at(400)} ${at(500)}:${at(900)}>`,
      );
      assert.ok(visits() < 20, 'and not again');
    }
  });

  test('ATTACKS 2: a peer that fills the scoreboard with crumbs cannot have the flight walked for each of its ACKs', () => {
    const bench = wide(900);
    // A crumb in every second octet: none completes a segment, each is a range of its own.
    for (let i = 0; i < 1100; i++) bench.inject(`A 1 a1 <sack ${3 + 2 * i}:${4 + 2 * i}>`);
    checkFlight(bench.connection);
    const visits = countVisits(bench);
    let most = 0;
    for (let i = 0; i < 20; i++) {
      bench.inject(
        `A 1 a1 <sack ${at(10)}:${at(890)} ${at(11)}:${at(889)} ${at(12)}:${at(888)} ${at(13)}:${at(887)}>`,
      );
      if (i > 0) most = Math.max(most, visits());
      else visits();
    }
    assert.ok(most < 50, `${most} records looked at for one ACK without news`);
  });
});

/** So many segments in flight to a peer with a window of a gigabyte. */
function wide(segments: number): Bench {
  const bench = sackEstablished({
    config: { initialWindowSegments: segments, sendBufferBytes: 2_000_000, windowScale: 2 },
    peer: { options: 'mss 1000, sackOK, ws 14', window: 65_535 },
  });
  bench.peer('A 1 a1');
  bench.write(segments * MSS);
  assert.equal(bench.take().length, segments);
  return bench;
}

/** Returns how many records of the flight were looked at since the last call. */
function countVisits(bench: Bench): () => number {
  const { flight } = bench.connection;
  const original = flight.mark.bind(flight);
  let count = 0;
  flight.mark = (i) => {
    count++;
    return original(i);
  };
  return () => {
    const n = count;
    count = 0;
    return n;
  };
}
