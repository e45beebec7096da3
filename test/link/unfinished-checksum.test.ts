// Checksums that a sender left to its device: found by the sum of the pseudo header, completed, and nothing else touched.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { completeChecksum } from '../../src/link/unfinished-checksum.js';
import { finish, fold, pseudoHeader4, sumRange } from '../../src/wire/checksum.js';

const FIELD = 16;

test('an unfinished checksum is completed, whatever lies under it', () => {
  const segment = fc.uint8Array({ minLength: 20, maxLength: 200 });
  fc.assert(
    fc.property(segment, fc.integer(), fc.integer(), fc.nat(3), (bytes, source, destination, shift) => {
      const slab = new Uint8Array(bytes.length + shift);
      slab.set(bytes, shift);
      const pseudo = pseudoHeader4(source, destination, 6, bytes.length);
      slab[shift + FIELD] = pseudo >>> 8;
      slab[shift + FIELD + 1] = pseudo & 0xff;
      assert.equal(completeChecksum(slab, shift, bytes.length, FIELD, pseudo), true);
      assert.equal(fold(pseudo + sumRange(slab, shift, bytes.length)), 0xffff);
      const isField = (i: number) => i === FIELD || i === FIELD + 1;
      for (const [i, byte] of bytes.entries()) if (!isField(i)) assert.equal(slab[shift + i], byte);
    }),
  );
});

test('a finished checksum is left alone, a wrong one too', () => {
  const bytes = new Uint8Array(24).fill(7);
  const pseudo = pseudoHeader4(1, 2, 6, bytes.length);
  for (const wrong of [0, 1]) {
    bytes[FIELD] = 0;
    bytes[FIELD + 1] = 0;
    const checksum = finish(pseudo + sumRange(bytes, 0, bytes.length)) ^ wrong;
    bytes[FIELD] = checksum >>> 8;
    bytes[FIELD + 1] = checksum & 0xff;
    const before = bytes.slice();
    assert.equal(completeChecksum(bytes, 0, bytes.length, FIELD, pseudo), false);
    assert.deepEqual(bytes, before);
  }
});

test('what is too short to have the field is left alone', () => {
  const bytes = new Uint8Array(17);
  assert.equal(completeChecksum(bytes, 0, 17, FIELD, 0), false);
});
