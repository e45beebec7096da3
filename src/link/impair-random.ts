// Seeded randomness of the impaired link: xoshiro128** (Blackman and Vigna 2018) and the two-state loss model. It
// is for reproducible faults, not for secrets.

/** A generator of 32-bit numbers with a period of 2^128 − 1. The same seed gives the same numbers everywhere. */
export class Xoshiro128 {
  private readonly s: Int32Array;

  /** @param state four 32-bit words, not all 0 */
  constructor(state: readonly [number, number, number, number]) {
    this.s = Int32Array.from(state.map((word) => word | 0));
  }

  /**
   * Spreads one number over the state with splitmix32, so that neighbouring seeds give unrelated sequences.
   * @param seed an integer; its low 32 bits count
   * @param stream makes independent generators of one seed
   */
  static seeded(seed: number, stream = 0): Xoshiro128 {
    let z = (seed ^ Math.imul(stream, 0x85ebca6b)) | 0;
    const word = (): number => {
      z = (z + 0x9e3779b9) | 0;
      let t = z ^ (z >>> 16);
      t = Math.imul(t, 0x21f0aaad);
      t ^= t >>> 15;
      t = Math.imul(t, 0x735a2d97);
      return t ^ (t >>> 15);
    };
    return new Xoshiro128([word(), word(), word(), word() | 1]);
  }

  /** The next number, 0…2^32 − 1. */
  next(): number {
    const { s } = this;
    const s1 = s[1]!;
    const product = Math.imul(s1, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    s[2]! ^= s[0]!;
    s[3]! ^= s1;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= s1 << 9;
    const s3 = s[3]!;
    s[3] = (s3 << 11) | (s3 >>> 21);
    return result >>> 0;
  }

  /** A fraction, 0 ≤ x < 1. */
  fraction(): number {
    return this.next() / 0x1_0000_0000;
  }

  /** An integer, 0 ≤ x < n, for n up to 2^32. */
  below(n: number): number {
    return Math.floor(this.fraction() * n);
  }

  /** True with probability `p`. Draws nothing for p ≤ 0. */
  chance(p: number): boolean {
    return p > 0 && this.fraction() < p;
  }
}

/**
 * Losses in bursts: a two-state Markov chain (Gilbert 1960, Elliott 1963), stepped once per packet. A burst lasts
 * 1 / `leave` packets on average; in the long run `enter / (enter + leave)` of the packets meet the bad state.
 */
export interface BurstLoss {
  /** Probability per packet of going from the good state to the bad one. */
  enter: number;
  /** Probability per packet of going back. */
  leave: number;
  /** Probability of loss in the bad state. Default 1. */
  lossBad?: number;
  /** Probability of loss in the good state. Default 0. */
  lossGood?: number;
}

/** State of a `BurstLoss`. */
export class BurstLossModel {
  private bad = false;

  constructor(
    private readonly options: BurstLoss,
    private readonly random: Xoshiro128,
  ) {}

  /** Decides about the next packet. */
  loses(): boolean {
    const { enter, leave, lossBad = 1, lossGood = 0 } = this.options;
    if (this.random.chance(this.bad ? leave : enter)) this.bad = !this.bad;
    return this.random.chance(this.bad ? lossBad : lossGood);
  }
}
