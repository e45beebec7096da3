import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Demux, type DemuxEntry } from '../../src/stack/demux.js';
import { TableHash } from '../../src/stack/siphash.js';
import { type FourTuple, IpAddress } from '../../src/wire/address.js';
import { seededRandom } from './test-link.js';

class Entry implements DemuxEntry {
  demuxNext: DemuxEntry | null = null;
  demuxHash = 0;
  constructor(readonly tuple: FourTuple) {}
}

function keyOf(tuple: FourTuple): string {
  return `${tuple.local}:${tuple.localPort}-${tuple.remote}:${tuple.remotePort}`;
}

// Few values, so that tuples often differ in one field only.
const word = fc.constantFrom(0, 1, -1, 0xffff);
const address = fc.oneof(
  fc.constantFrom(0x0a090001, 0x0a090002, -1).map((bits) => IpAddress.v4(bits)),
  fc.tuple(word, word, word, word).map(([a, b, c, d]) => new IpAddress(a, b, c, d)),
);
const port = fc.constantFrom(1, 80, 65_535);
const tuple: fc.Arbitrary<FourTuple> = fc.record({
  local: address,
  localPort: port,
  remote: address,
  remotePort: port,
});

describe('demultiplexing', () => {
  for (const [name, hash] of [
    ['a keyed hash', new TableHash(seededRandom(3))],
    ['a hash under which everything collides', { hash: () => 77 }],
    ['a hash with eight values', { hash: (words: Int32Array) => words[2]! & 7 }],
  ] as const) {
    it(`agrees with a Map under any sequence of operations, with ${name}`, () => {
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.constantFrom('add', 'add', 'remove', 'get'), tuple), { maxLength: 200 }),
          (operations) => {
            const demux = new Demux<Entry>(hash);
            const model = new Map<string, Entry>();
            for (const [op, t] of operations) {
              const known = model.get(keyOf(t)) ?? null;
              assert.equal(demux.get(t), known);
              if (op === 'add' && known === null) {
                const entry = new Entry(t);
                demux.add(entry);
                model.set(keyOf(t), entry);
              } else if (op === 'remove' && known !== null) {
                assert.equal(demux.remove(known), true);
                assert.equal(demux.remove(known), false);
                model.delete(keyOf(t));
              }
              assert.equal(demux.size, model.size);
            }
            assert.deepEqual(new Set(demux), new Set(model.values()));
          },
        ),
        { numRuns: 200 },
      );
    });
  }

  it('grows and shrinks with what it holds', () => {
    const demux = new Demux<Entry>(new TableHash(seededRandom(5)));
    const entries: Entry[] = [];
    const local = IpAddress.v4(1);
    for (let i = 0; i < 20_000; i++) {
      const entry = new Entry({
        local,
        localPort: 80,
        remote: IpAddress.v4(i >> 4),
        remotePort: 1 + (i & 15),
      });
      entries.push(entry);
      demux.add(entry);
    }
    assert.ok(entries.every((entry) => demux.get(entry.tuple) === entry));
    for (const entry of entries.slice(10)) assert.ok(demux.remove(entry));
    assert.equal(demux.size, 10);
    assert.ok(entries.every((entry, i) => demux.get(entry.tuple) === (i < 10 ? entry : null)));
  });

  it('tuples chosen to collide under one key are spread under another (ATTACKS 36)', () => {
    const known = new TableHash(seededRandom(11));
    const secret = new TableHash(seededRandom(12));
    const words = new Int32Array(3);
    const crafted: Int32Array[] = [];
    for (let i = 0; crafted.length < 512; i++) {
      words.set([0x0b000000 + (i >>> 10), 0x0a090002, (80 << 16) | (1024 + (i & 1023))]);
      if ((known.hash(words, 3) & 1023) === 0) crafted.push(words.slice());
    }
    const chains = new Int32Array(1024);
    for (const w of crafted) chains[secret.hash(w, 3) & 1023]!++;
    assert.ok(Math.max(...chains) <= 8, `longest chain ${Math.max(...chains)} of 512 crafted tuples`);
  });
});
