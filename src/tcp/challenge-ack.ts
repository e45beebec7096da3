// Limits on the ACKs that answer suspicious or unacceptable segments, kept per connection, so that no peer can learn
// of another's (RFC 5961 §7; ACK loops between desynchronized ends).

/** Shortest time between two ACKs for unacceptable segments without data, in ms. */
const OUT_OF_WINDOW_INTERVAL_MS = 500;

/** The allowance of one connection. */
export class ReplyThrottle {
  private windowStart = Number.NEGATIVE_INFINITY;
  private challenges = 0;
  private lastOutOfWindow = Number.NEGATIVE_INFINITY;

  /**
   * @param limit challenge ACKs per window
   * @param windowMs length of the window
   */
  constructor(
    private readonly limit: number,
    private readonly windowMs: number,
  ) {}

  /** Takes one challenge ACK from the allowance; false when it is used up. */
  allowChallenge(now: number): boolean {
    if (now - this.windowStart >= this.windowMs) {
      this.windowStart = now;
      this.challenges = 0;
    }
    if (this.challenges >= this.limit) return false;
    this.challenges++;
    return true;
  }

  /** True when an unacceptable segment without data may be answered now. */
  allowOutOfWindow(now: number): boolean {
    if (now - this.lastOutOfWindow < OUT_OF_WINDOW_INTERVAL_MS) return false;
    this.lastOutOfWindow = now;
    return true;
  }
}
