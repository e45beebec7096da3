// The Internet checksum against the plain definition, for every alignment, length and cut.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  addPieces,
  addRange,
  finish,
  IpAddress,
  PayloadPieces,
  pseudoHeader,
  pseudoHeader4,
  sumRange,
  updateChecksum,
} from '../../src/wire/index.js';
import { hex, randomFrom } from './slab.js';

/** RFC 1071 as it is defined: big-endian words one by one, end-around carry, odd octet padded by zero. */
function naive(bytes: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) {
    sum += bytes[i]! * 256 + (bytes[i + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

/** Zero and all ones are the two writings of zero. */
function same(actual: number, expected: number, message: string): void {
  assert.equal(actual % 0xffff, expected % 0xffff, message);
}

function randomBytes(length: number, seed: number): Uint8Array {
  const random = randomFrom(seed);
  return Uint8Array.from({ length }, () => random(256));
}

describe('checksum', () => {
  test('the example of RFC 1071 §3', () => {
    assert.equal(sumRange(hex('0001 f203 f4f5 f6f7'), 0, 8), 0xddf2);
    assert.equal(finish(0xddf2), 0x220d);
  });

  test('every length 0…700 at every alignment 0…7, in a known and in a fresh buffer', () => {
    const slab = randomBytes(70_000, 1);
    sumRange(slab, 0, slab.length);
    for (let length = 0; length <= 700; length++) {
      for (let offset = 0; offset < 8; offset++) {
        const expected = naive(slab.subarray(offset, offset + length));
        same(sumRange(slab, offset, length), expected, `known ${offset}+${length}`);
        if (length % 7 === 0) {
          const fresh = slab.slice(0, offset + length);
          same(sumRange(fresh, offset, length), expected, `fresh ${offset}+${length}`);
        }
      }
    }
  });

  test('64 KiB of the largest words lose no carry', () => {
    const ones = new Uint8Array(65_535).fill(0xff);
    for (const length of [65_535, 65_534, 65_520, 1])
      same(sumRange(ones, 0, length), naive(ones.subarray(0, length)), `${length}`);
    const slab = randomBytes(65_537, 2);
    for (const offset of [0, 1])
      same(sumRange(slab, offset, 65_535), naive(slab.subarray(offset, offset + 65_535)), `${offset}`);
  });

  test('a buffer that is itself a part of a larger memory', () => {
    const memory = randomBytes(4096, 3);
    for (const start of [1, 2, 3, 5, 64]) {
      const part = new Uint8Array(memory.buffer, start, 2000);
      same(sumRange(part, 7, 1777), naive(memory.subarray(start + 7, start + 7 + 1777)), `${start}`);
    }
  });

  test('a changed buffer is summed anew', () => {
    const slab = new Uint8Array(2048);
    assert.equal(sumRange(slab, 0, 2048), 0);
    slab[2047] = 9;
    assert.equal(sumRange(slab, 0, 2048), 9);
  });

  test('RFC9293 MUST-2: pieces of odd and even lengths sum as the whole does', () => {
    const cut = fc.array(fc.uint8Array({ maxLength: 600 }), { maxLength: 8 });
    fc.assert(
      fc.property(cut, fc.nat(9), fc.uint8Array({ maxLength: 9 }), (chunks, shift, head) => {
        const pieces = new PayloadPieces();
        for (const chunk of chunks) {
          const within = new Uint8Array(shift + chunk.length + 3).fill(0xee);
          within.set(chunk, shift);
          pieces.add(within, shift, chunk.length);
        }
        const whole = [...head, ...chunks.flatMap((chunk) => [...chunk])];
        const actual = addPieces(addRange(0, head, 0, head.length), pieces, head.length);
        same(actual, naive(whole), 'pieces');
      }),
      { seed: 4, numRuns: 500 },
    );
  });

  test('RFC9293 MUST-2: pseudo headers of both families are the sums of their octets', () => {
    const v4 = hex('c0a80001 0a090002 0006 ffdc');
    assert.equal(pseudoHeader4(0xc0a80001 | 0, 0x0a090002, 6, 0xffdc), naive(v4));
    const v6 = hex('fd000009000100000000000000000002 20010db8ffffffffffffffffffffffff 0001ffff 00000006');
    const source = IpAddress.parse('fd00:9:1::2')!;
    const destination = IpAddress.parse('2001:db8:ffff:ffff:ffff:ffff:ffff:ffff')!;
    same(pseudoHeader(source, destination, 6, 0x1ffff), naive(v6), 'v6');
    const four = IpAddress.parse('192.168.0.1')!;
    assert.equal(pseudoHeader(four, IpAddress.parse('10.9.0.2')!, 6, 0xffdc), naive(v4));
  });

  test('the incremental update of RFC 1624 equals a new sum', () => {
    const word = fc.nat(0xffff);
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 40 }), fc.nat(3), word, (bytes, at, value) => {
        const before = finish(sumRange(bytes, 0, bytes.length));
        const old = bytes[2 * at]! * 256 + bytes[2 * at + 1]!;
        bytes[2 * at] = value >>> 8;
        bytes[2 * at + 1] = value;
        same(updateChecksum(before, old, value), finish(sumRange(bytes, 0, bytes.length)), 'update');
      }),
      { seed: 5, numRuns: 1000 },
    );
  });
});
