// Bytes that the send buffer refers to for a while: what leaves is what they were, whatever becomes of them afterwards.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SendBuffer } from '../../src/tcp/send-buffer.js';
import { PayloadPieces } from '../../src/wire/payload.js';
import { seqAdd } from '../../src/wire/seq.js';
import { pattern } from '../native/packets.js';
import { Bench, OUR_SALT, pattern as streamPattern } from './harness.js';

const FIRST = 0x7fff_ff00;

function read(buffer: SendBuffer, from: number, length: number): Uint8Array {
  const pieces = new PayloadPieces();
  if (length > 0) buffer.gather(seqAdd(FIRST, from), length, pieces);
  const bytes = new Uint8Array(length);
  pieces.copyTo(bytes, 0);
  return bytes;
}

const steps = fc.array(
  fc.record({
    how: fc.constantFrom('given', 'borrowed', 'copied'),
    length: fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 60_000, max: 150_000 })),
    acknowledged: fc.double({ min: 0, max: 1, noNaN: true }),
    returned: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
);

describe('bytes that a send buffer has borrowed', () => {
  it('are as they were, after they were returned and changed, wherever acknowledgments have come to', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const buffer = new SendBuffer(FIRST);
        const all: number[] = [];
        let lent: Uint8Array[] = [];
        let done = 0;
        for (const [i, { how, length, acknowledged, returned }] of list.entries()) {
          const bytes = pattern(length, i);
          for (const byte of bytes) all.push(byte);
          if (how === 'given') buffer.append(bytes);
          else if (how === 'copied') buffer.appendCopy(bytes, 0, length);
          else buffer.appendBorrowed(bytes);
          if (how === 'borrowed') lent.push(bytes);
          // Readers read on from where they were.
          read(buffer, done, Math.floor((all.length - done) / 2));
          if (returned) {
            buffer.returnBorrowed();
            for (const each of lent) each.fill(0xee);
            lent = [];
          }
          done += Math.floor((all.length - done) * acknowledged);
          buffer.acknowledge(seqAdd(FIRST, done));
          assert.equal(buffer.length, all.length - done);
          const middle = Math.floor((all.length - done) / 3);
          assert.deepEqual(
            read(buffer, done + middle, all.length - done - middle),
            Uint8Array.from(all.slice(done + middle)),
          );
          assert.deepEqual(read(buffer, done, all.length - done), Uint8Array.from(all.slice(done)));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('leave without a copy until then', () => {
    const buffer = new SendBuffer(FIRST);
    const bytes = pattern(10_000, 1);
    const pieces = new PayloadPieces();
    buffer.appendBorrowed(bytes);
    buffer.gather(FIRST, 10_000, pieces);
    assert.equal(pieces.bytes[0]!.buffer, bytes.buffer);
    buffer.returnBorrowed();
    pieces.clear();
    buffer.gather(FIRST, 10_000, pieces);
    assert.notEqual(pieces.bytes[0]!.buffer, bytes.buffer);
  });

  it('are copied at once when they are few, and may change before they are returned', () => {
    for (const [length, isCopied] of [
      [1023, true],
      [1024, false],
    ] as const) {
      const buffer = new SendBuffer(FIRST);
      const bytes = pattern(length, 1);
      buffer.appendBorrowed(bytes);
      const before = bytes.slice();
      bytes.fill(0xee);
      assert.equal(buffer.length, length);
      assert.deepEqual(read(buffer, 0, length), isCopied ? before : bytes);
    }
  });

  it('leave what was given and what was copied where it is, and the numbers of all', () => {
    const buffer = new SendBuffer(FIRST);
    const given = pattern(2000, 1);
    const lent = pattern(3000, 2);
    buffer.append(given);
    buffer.appendCopy(pattern(100, 3), 0, 100);
    buffer.appendBorrowed(lent);
    const all = read(buffer, 0, 5100);
    buffer.acknowledge(seqAdd(FIRST, 500));
    read(buffer, 4000, 1100);
    buffer.returnBorrowed();
    lent.fill(0xee);
    assert.deepEqual([buffer.start, buffer.length], [seqAdd(FIRST, 500), 4600]);
    assert.deepEqual(read(buffer, 4000, 1100), all.subarray(4000));
    assert.deepEqual(read(buffer, 500, 4600), all.subarray(500));
    const pieces = new PayloadPieces();
    buffer.gather(seqAdd(FIRST, 500), 1500, pieces);
    assert.equal(pieces.bytes[0]!.buffer, given.buffer, 'what was given is not copied');
    buffer.acknowledge(seqAdd(FIRST, 5100));
    assert.equal(buffer.length, 0);
  });

  it('are returned once: a second time moves nothing', () => {
    const buffer = new SendBuffer(FIRST);
    buffer.appendBorrowed(pattern(3000, 2));
    buffer.returnBorrowed();
    const pieces = new PayloadPieces();
    buffer.gather(FIRST, 3000, pieces);
    const first = pieces.bytes[0];
    buffer.returnBorrowed();
    pieces.clear();
    buffer.gather(FIRST, 3000, pieces);
    assert.equal(pieces.bytes[0], first);
  });

  it('count for nothing once they are acknowledged, in part or whole', () => {
    const buffer = new SendBuffer(FIRST);
    for (let i = 0; i < 3; i++) buffer.appendBorrowed(pattern(2000, i));
    const all = read(buffer, 0, 6000);
    buffer.acknowledge(seqAdd(FIRST, 2500));
    buffer.returnBorrowed();
    assert.equal(buffer.length, 3500);
    assert.deepEqual(read(buffer, 2500, 3500), all.subarray(2500));
    buffer.acknowledge(seqAdd(FIRST, 6000));
    const given = pattern(2000, 7);
    buffer.append(given);
    buffer.returnBorrowed();
    assert.deepEqual(read(buffer, 6000, 2000), given);
  });

  it('are sent again as they were first', () => {
    const bench = Bench.established({ config: { sendBufferBytes: 3000 } });
    // The bench judges every segment by this pattern.
    const bytes = streamPattern(0, 5000, OUR_SALT);
    bench.call((c, now) => void assert.equal(c.sendBorrowed(bytes, true, now), 3000));
    bench.connection.returnBorrowed();
    bytes.fill(0);
    bench.advance(3000);
    assert.ok(bench.sent.some(({ retransmission }) => retransmission > 0));
  });
});
