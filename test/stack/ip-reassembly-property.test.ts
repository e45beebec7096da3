// Reassembly against a model that marks octets, for any cutting, order, doubling and contradiction; and what floods leave
// behind: nothing above the limits, and nothing at all when time is over.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { FragmentResult } from '../../src/stack/ip-reassembly.js';
import { IpAddress } from '../../src/wire/address.js';
import { cut, MAKE, patterned, ReassemblyBench } from './fragments.js';

const SEED = 20_263;

interface Piece {
  readonly start: number;
  readonly data: Uint8Array;
  readonly more: boolean;
}

/** What is known of one datagram, octet by octet; shares nothing with the code under test. */
class Model {
  private readonly octets = new Map<number, number>();
  private readonly taken: Piece[] = [];
  private dead = false;

  /** @returns what must come of the piece, and the data when it completes the datagram */
  take(piece: Piece): { result: FragmentResult; data?: Uint8Array } {
    if (this.dead) return { result: 'dropped' };
    if (this.taken.some((other) => isSame(other, piece))) return { result: 'kept' };
    const isOver = piece.data.some((_, i) => this.octets.has(piece.start + i));
    this.taken.push(piece);
    const ends = new Set(this.taken.filter((one) => !one.more).map(endOf));
    const [end] = ends;
    const beyond = this.taken.some((one) => end !== undefined && endOf(one) + (one.more ? 1 : 0) > end);
    if (isOver || ends.size > 1 || beyond) {
      this.dead = true;
      return { result: 'dropped' };
    }
    for (const [i, octet] of piece.data.entries()) this.octets.set(piece.start + i, octet);
    if (this.octets.size !== end) return { result: 'kept' };
    return { result: 'whole', data: Uint8Array.from({ length: end }, (_, i) => this.octets.get(i)!) };
  }
}

function endOf(piece: Piece): number {
  return piece.start + piece.data.length;
}

function isSame(a: Piece, b: Piece): boolean {
  return (
    a.start === b.start &&
    a.more === b.more &&
    a.data.length === b.data.length &&
    a.data.every((x, i) => x === b.data[i])
  );
}

/** A message, cut at multiples of eight, in any order, some pieces several times. */
const shuffled = fc
  .record({
    length: fc.integer({ min: 17, max: 2000 }),
    cuts: fc.uniqueArray(fc.integer({ min: 1, max: 249 }), { maxLength: 20 }),
    order: fc.array(fc.nat(), { minLength: 1, maxLength: 40 }),
    shuffle: fc.infiniteStream(fc.nat(1_000_000)),
  })
  .map(({ length, cuts, order, shuffle }) => {
    const message = patterned(length, length);
    const starts = [0, ...cuts.map((at) => at * 8).filter((at) => at < length)].sort((a, b) => a - b);
    const pieces: Piece[] = starts.map((start, i) => {
      const end = starts[i + 1] ?? length;
      return { start, data: message.slice(start, end), more: end < length };
    });
    const doubled = order.map((n) => pieces[n % pieces.length]!);
    // A protocol that nobody knows asks for no transport header, so that the first piece may be as short as any.
    const sequence = [...pieces, ...doubled].map((piece) => [shuffle.next().value as number, piece] as const);
    return { message, sequence: sequence.sort(([a], [b]) => a - b).map(([, piece]) => piece) };
  });

/** A piece that may contradict the others. */
const stray = fc
  .record({
    at: fc.nat(250),
    length: fc.integer({ min: 1, max: 12 }),
    odd: fc.nat(7),
    more: fc.boolean(),
    position: fc.nat(60),
    seed: fc.nat(3),
  })
  .map(({ at, length, odd, more, position, seed }) => {
    const data = patterned(more ? length * 8 : length * 8 - odd, seed);
    return { position, piece: { start: at * 8, data, more } };
  });

for (const family of [4, 6] as const) {
  const packet = (piece: Piece) => MAKE[family]({ ...piece, protocol: 253 });

  describe(`IPv${family} reassembly, whatever comes`, () => {
    it('RFC791, RFC8200 §4.5: every order and doubling of the pieces gives exactly the message', () => {
      fc.assert(
        fc.property(shuffled, ({ message, sequence }) => {
          const bench = new ReassemblyBench();
          const missing = new Set(sequence.map(({ start }) => start));
          for (const piece of sequence) {
            const before = missing.size;
            missing.delete(piece.start);
            const result = bench.take(packet(piece));
            if (before > 0) assert.equal(result, missing.size === 0 ? 'whole' : 'kept');
            if (result === 'whole') assert.deepEqual(bench.wholeData(), message);
            if (missing.size === 0 && before === 1) assert.equal(bench.reassembly.heldBytes, 0);
          }
          assert.equal(missing.size, 0);
          assert.equal(bench.stats.reasmFails, 0);
        }),
        { seed: SEED, numRuns: 500 },
      );
    });

    it('RFC5722: with pieces that contradict the others it is the model’s whole, or nothing', () => {
      let died = 0;
      let survived = 0;
      fc.assert(
        fc.property(shuffled, fc.array(stray, { minLength: 1, maxLength: 3 }), ({ sequence }, strays) => {
          const pieces = [...sequence];
          for (const { position, piece } of strays) pieces.splice(position % pieces.length, 0, piece);
          const bench = new ReassemblyBench();
          let model = new Model();
          for (const piece of pieces) {
            const expected = model.take(piece);
            assert.equal(bench.take(packet(piece)), expected.result);
            if (expected.data === undefined) continue;
            assert.deepEqual(bench.wholeData(), expected.data);
            model = new Model();
            survived++;
          }
          died += bench.stats.reasmOverlaps;
        }),
        { seed: SEED, numRuns: 1000 },
      );
      assert.ok(died > 200 && survived > 100, `both happened: ${died} died, ${survived} survived`);
    });

    it('ATTACKS 5: a flood of pieces stays within the limits, and time clears all of it', () => {
      const limits = { fragmentBytes: 60_000, fragmentDatagrams: 50, fragmentsPerDatagram: 16 };
      const bench = new ReassemblyBench(limits);
      let most = 0;
      let round = 0;
      const flood = fc.record({
        source: fc.nat(200),
        id: fc.nat(3),
        at: fc.nat(8191),
        length: fc.integer({ min: 0, max: 1480 }),
        more: fc.boolean(),
        ecn: fc.nat(3),
        waitMs: fc.constantFrom(0, 0, 0, 5, 2000),
      });
      fc.assert(
        fc.property(fc.array(flood, { minLength: 50, maxLength: 50 }), (pieces) => {
          round++;
          for (const { source, id, at, length, more, ecn, waitMs } of pieces) {
            bench.now += waitMs;
            bench.reassembly.expire(bench.now);
            const from =
              family === 4 ? IpAddress.v4(0x0a090100 + source) : new IpAddress(0x20010db8, 0, 0, source);
            const start = round % 3 === 0 ? at * 8 : (at % 12) * 8;
            bench.take(
              MAKE[family]({ start, data: patterned(length), more, id, ecn, source: from, protocol: 253 }),
            );
            const { heldBytes, heldDatagrams } = bench.reassembly;
            assert.ok(heldBytes <= limits.fragmentBytes && heldDatagrams <= limits.fragmentDatagrams);
            most = Math.max(most, heldBytes);
          }
        }),
        { seed: SEED, numRuns: 200 },
      );
      assert.ok(most > limits.fragmentBytes / 2, 'the flood reached the limit');
      bench.now += 60_000;
      bench.reassembly.expire(bench.now);
      assert.deepEqual([bench.reassembly.heldBytes, bench.reassembly.heldDatagrams], [0, 0]);
      const message = patterned(3000);
      const results = bench.takeAll(cut(family, message, [1480, 2960], { protocol: 253 }));
      assert.deepEqual([results.at(-1), bench.wholeData()], ['whole', message], 'it works as before');
    });
  });
}
