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
