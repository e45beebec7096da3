// A token bucket for replies that anybody can provoke. It knows nothing of what it limits.

/** Allows `perSecond` actions a second on average, and as many at once after a second of rest. */
export class RateLimit {
  private tokens: number;
  private filledAt: number;

  /**
   * @param perSecond actions per second
   * @param now clock milliseconds
   */
  constructor(
    private readonly perSecond: number,
    now: number,
  ) {
    this.tokens = perSecond;
    this.filledAt = now;
  }

  /** Whether one more action may happen now; if so it is counted. */
  take(now: number): boolean {
    if (now > this.filledAt) {
      const earned = ((now - this.filledAt) * this.perSecond) / 1000;
      this.tokens = Math.min(this.perSecond, this.tokens + earned);
      this.filledAt = now;
    }
    if (this.tokens < 1) return false;
    this.tokens--;
    return true;
  }
}
