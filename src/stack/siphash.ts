// Keyed hashes over 32-bit words: HalfSipHash-1-3 for tables and packet numbers (short, fast), SipHash-2-4 where an
// observer must not be able to predict the result (Aumasson, Bernstein 2012).

/** Fills `n` bytes with randomness; the stack's only source of it. */
export type RandomBytes = (n: number) => Uint8Array;

/** One random 32-bit word as int32. */
export function randomWord(random: RandomBytes): number {
  const b = random(4);
  return b[0]! | (b[1]! << 8) | (b[2]! << 16) | (b[3]! << 24);
}

/**
 * HalfSipHash-1-3 with 32 bits of output. Enough against chosen collisions in a hash table, where results are never seen
 * from outside; not a pseudorandom function for secrets.
 */
export class TableHash {
  private readonly k0: number;
  private readonly k1: number;

  constructor(random: RandomBytes) {
    this.k0 = randomWord(random);
    this.k1 = randomWord(random);
  }

  /** Hash of the first `count` words of `words` (at most 63), as int32. */
  hash(words: Int32Array, count: number): number {
    let v0 = this.k0;
    let v1 = this.k1;
    let v2 = 0x6c796765 ^ this.k0;
    let v3 = 0x74656462 ^ this.k1;
    // One round for each word and one for the length; then three that take nothing in.
    for (let i = 0; i < count + 4; i++) {
      const m = i < count ? words[i]! : i === count ? (count * 4) << 24 : 0;
      v3 ^= m;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= m;
      if (i === count) v2 ^= 0xff;
    }
    return v1 ^ v3;
  }
}

/** SipHash-2-4 with a 128-bit key: a pseudorandom function for initial sequence numbers and port offsets. */
export class SecretHash {
  private readonly key = new Int32Array(4);
  /** The high 32 bits of the last `hash`. */
  highWord = 0;

  constructor(random: RandomBytes) {
    for (let i = 0; i < 4; i++) this.key[i] = randomWord(random);
  }

  /** One by a key of 16 octets. */
  static keyed(key: Uint8Array): SecretHash {
    let at = 0;
    return new SecretHash((n) => {
      at += n;
      return key.subarray(at - n, at);
    });
  }

  /**
   * Hash of the first `count` words of `words` (at most 63): the low 32 bits, as int32. `highWord` has the rest.
   *
   * v0…v3 are pairs of a low and a high word, in variables of one function: they stay in registers. Every new connection waits for
   * two of these.
   */
  hash(words: Int32Array, count: number): number {
    const key = this.key;
    let l0 = 0x70736575 ^ key[0]!;
    let h0 = 0x736f6d65 ^ key[1]!;
    let l1 = 0x6e646f6d ^ key[2]!;
    let h1 = 0x646f7261 ^ key[3]!;
    let l2 = 0x6e657261 ^ key[0]!;
    let h2 = 0x6c796765 ^ key[1]!;
    let l3 = 0x79746573 ^ key[2]!;
    let h3 = 0x74656462 ^ key[3]!;
    const length = (count * 4) << 24;
    // Two rounds for each pair of words, the last of which ends with the length; then four that take nothing in.
    const blocks = (count >>> 1) + 1;
    const rounds = 2 * blocks + 4;
    for (let round = 0; round < rounds; round++) {
      const block = round >>> 1;
      const isFirst = (round & 1) === 0;
      const takesIn = block < blocks;
      const low = takesIn && 2 * block < count ? words[2 * block]! : 0;
      const high = !takesIn ? 0 : 2 * block + 1 < count ? words[2 * block + 1]! : length;
      if (isFirst) {
        l3 ^= low;
        h3 ^= high;
      }
      if (round === 2 * blocks) l2 ^= 0xff;

      // v0 += v1; v1 = v1 <<< 13 ^ v0; v0 <<<= 32
      let low0 = (l0 + l1) | 0;
      let high0 = (h0 + h1 + carry(low0, l0)) | 0;
      const low1 = ((l1 << 13) | (h1 >>> 19)) ^ low0;
      const high1 = ((h1 << 13) | (l1 >>> 19)) ^ high0;
      // v2 += v3; v3 = v3 <<< 16 ^ v2
      const low2 = (l2 + l3) | 0;
      const high2 = (h2 + h3 + carry(low2, l2)) | 0;
      const low3 = ((l3 << 16) | (h3 >>> 16)) ^ low2;
      const high3 = ((h3 << 16) | (l3 >>> 16)) ^ high2;
      // v0 += v3, of which the halves have changed places; v3 = v3 <<< 21 ^ v0
      l0 = (high0 + low3) | 0;
      h0 = (low0 + high3 + carry(l0, high0)) | 0;
      l3 = ((low3 << 21) | (high3 >>> 11)) ^ l0;
      h3 = ((high3 << 21) | (low3 >>> 11)) ^ h0;
      // v2 += v1; v1 = v1 <<< 17 ^ v2; v2 <<<= 32
      low0 = (low2 + low1) | 0;
      high0 = (high2 + high1 + carry(low0, low2)) | 0;
      l1 = ((low1 << 17) | (high1 >>> 15)) ^ low0;
      h1 = ((high1 << 17) | (low1 >>> 15)) ^ high0;
      l2 = high0;
      h2 = low0;

      if (!isFirst) {
        l0 ^= low;
        h0 ^= high;
      }
    }
    this.highWord = h0 ^ h1 ^ h2 ^ h3;
    return l0 ^ l1 ^ l2 ^ l3;
  }
}

/** What the sum of two low words, of which `addend` is one, hands on to the high ones. */
function carry(sum: number, addend: number): number {
  return sum >>> 0 < addend >>> 0 ? 1 : 0;
}
