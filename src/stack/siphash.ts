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
  /** v0…v3 as pairs of low and high word. */
  private readonly v = new Int32Array(8);

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

  /** Hash of the first `count` words of `words` (at most 63): the low 32 bits, as int32. `highWord` has the rest. */
  hash(words: Int32Array, count: number): number {
    const v = this.v;
    const key = this.key;
    v[0] = 0x70736575 ^ key[0]!;
    v[1] = 0x736f6d65 ^ key[1]!;
    v[2] = 0x6e646f6d ^ key[2]!;
    v[3] = 0x646f7261 ^ key[3]!;
    v[4] = 0x6e657261 ^ key[0]!;
    v[5] = 0x6c796765 ^ key[1]!;
    v[6] = 0x79746573 ^ key[2]!;
    v[7] = 0x74656462 ^ key[3]!;
    let i = 0;
    for (; i + 2 <= count; i += 2) this.compress(words[i]!, words[i + 1]!);
    const length = (count * 4) << 24;
    if (i < count) this.compress(words[i]!, length);
    else this.compress(0, length);
    v[4]! ^= 0xff;
    for (let round = 0; round < 4; round++) this.round();
    return v[0]! ^ v[2]! ^ v[4]! ^ v[6]!;
  }

  /** The high 32 bits of the last `hash`. */
  get highWord(): number {
    const v = this.v;
    return v[1]! ^ v[3]! ^ v[5]! ^ v[7]!;
  }

  private compress(low: number, high: number): void {
    this.v[6]! ^= low;
    this.v[7]! ^= high;
    this.round();
    this.round();
    this.v[0]! ^= low;
    this.v[1]! ^= high;
  }

  private round(): void {
    this.add(0, 2);
    this.rotate(2, 13);
    this.xor(2, 0);
    this.swap(0);
    this.add(4, 6);
    this.rotate(6, 16);
    this.xor(6, 4);
    this.add(0, 6);
    this.rotate(6, 21);
    this.xor(6, 0);
    this.add(4, 2);
    this.rotate(2, 17);
    this.xor(2, 4);
    this.swap(4);
  }

  private add(to: number, from: number): void {
    const v = this.v;
    const low = (v[to]! + v[from]!) | 0;
    const carry = low >>> 0 < v[to]! >>> 0 ? 1 : 0;
    v[to] = low;
    v[to + 1] = v[to + 1]! + v[from + 1]! + carry;
  }

  private rotate(at: number, bits: number): void {
    const v = this.v;
    const low = v[at]!;
    const high = v[at + 1]!;
    v[at] = (low << bits) | (high >>> (32 - bits));
    v[at + 1] = (high << bits) | (low >>> (32 - bits));
  }

  private xor(to: number, from: number): void {
    this.v[to]! ^= this.v[from]!;
    this.v[to + 1]! ^= this.v[from + 1]!;
  }

  private swap(at: number): void {
    const low = this.v[at]!;
    this.v[at] = this.v[at + 1]!;
    this.v[at + 1] = low;
  }
}
