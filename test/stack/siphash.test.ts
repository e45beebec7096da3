import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SecretHash, TableHash } from '../../src/stack/siphash.js';

const MASK64 = (1n << 64n) - 1n;
const rotl64 = (x: bigint, n: bigint) => ((x << n) | (x >> (64n - n))) & MASK64;

/** SipHash-2-4 written plainly from its definition, over bytes. */
function sipHash24(key: Uint8Array, data: Uint8Array): bigint {
  const word = (bytes: Uint8Array, at: number) =>
    bytes.subarray(at, at + 8).reduce((sum, byte, i) => sum | (BigInt(byte) << BigInt(8 * i)), 0n);
  const k0 = word(key, 0);
  const k1 = word(key, 8);
  let [v0, v1, v2, v3] = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n,
  ];
  const round = () => {
    v0 = (v0 + v1) & MASK64;
    v1 = rotl64(v1, 13n) ^ v0;
    v0 = rotl64(v0, 32n);
    v2 = (v2 + v3) & MASK64;
    v3 = rotl64(v3, 16n) ^ v2;
    v0 = (v0 + v3) & MASK64;
    v3 = rotl64(v3, 21n) ^ v0;
    v2 = (v2 + v1) & MASK64;
    v1 = rotl64(v1, 17n) ^ v2;
    v2 = rotl64(v2, 32n);
  };
  const padded = new Uint8Array((data.length & ~7) + 8);
  padded.set(data);
  padded[padded.length - 1] = data.length;
  for (let at = 0; at < padded.length; at += 8) {
    const m = word(padded, at);
    v3 ^= m;
    round();
    round();
    v0 ^= m;
  }
  v2 ^= 0xffn;
  for (let i = 0; i < 4; i++) round();
  return v0 ^ v1 ^ v2 ^ v3;
}

function bytesOf(words: readonly number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(words).buffer);
}

/** Hands out `key`, piece by piece. */
function keyed(key: Uint8Array) {
  let at = 0;
  return (n: number) => {
    at += n;
    return key.subarray(at - n, at);
  };
}

describe('SipHash', () => {
  it('the reference in this test gives the vector of the paper', () => {
    const key = Uint8Array.from({ length: 16 }, (_, i) => i);
    const data = Uint8Array.from({ length: 15 }, (_, i) => i);
    assert.equal(sipHash24(key, data), 0xa129ca6149be45e5n);
  });

  it('SecretHash is SipHash-2-4', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.array(fc.integer(), { maxLength: 12 }),
        (key, words) => {
          const hash = new SecretHash(keyed(key));
          const low = hash.hash(Int32Array.from(words), words.length);
          const expected = sipHash24(key, bytesOf(words));
          assert.equal(BigInt(low >>> 0), expected & 0xffffffffn);
          assert.equal(BigInt(hash.highWord >>> 0), expected >> 32n);
        },
      ),
    );
  });

  it('TableHash spreads neighbouring tuples over buckets, and differently under another key', () => {
    const a = new TableHash(keyed(Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8])));
    const b = new TableHash(keyed(Uint8Array.from([8, 7, 6, 5, 4, 3, 2, 1])));
    const buckets = new Int32Array(1024);
    let same = 0;
    for (let port = 0; port < 10_240; port++) {
      const words = Int32Array.of(0x0a090001, 0x0a090002, (80 << 16) | port);
      const bucket = a.hash(words, 3) & 1023;
      buckets[bucket]!++;
      if (bucket === (b.hash(words, 3) & 1023)) same++;
    }
    // Ten a bucket on average; Poisson leaves more than 35 in none of 1024 but once in ten million tries.
    assert.ok(Math.max(...buckets) < 35, `fullest bucket ${Math.max(...buckets)}`);
    assert.ok(same < 60, `${same} of 10,240 in the same bucket under both keys`);
  });

  it('TableHash takes in the number of words', () => {
    const hash = new TableHash(keyed(Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8])));
    const words = new Int32Array(9);
    assert.notEqual(hash.hash(words, 3), hash.hash(words, 9));
  });
});
