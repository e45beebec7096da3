// Chance for the times between probes (BBR §5.3.3.8.2), made from the connection's own history.

const SEED = 0x2545f491;
const MIX = 0x9e3779b1 | 0;

/**
 * Pseudo-random numbers (xorshift). All that is asked of them is that flows which share a bottleneck do not probe in
 * step. They begin at different times and deliver different amounts, which is stirred in at every draw. Nobody gains by
 * a guess, so there need be no secret in them, and a replay of the same traffic takes the same decisions.
 */
export class Chance {
  private state = SEED;

  /** In [0, 1). @param delivered bytes delivered so far */
  draw(now: number, delivered: number): number {
    let x = this.state ^ Math.imul(now * 1024, MIX) ^ delivered;
    for (let i = 0; i < 2; i++) {
      x ^= x << 13;
      x ^= x >>> 17;
      x ^= x << 5;
    }
    this.state = x;
    return (x >>> 0) / 2 ** 32;
  }
}
