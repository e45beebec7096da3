// Round-trip estimation and the retransmission timeout (RFC 6298). Which segments may be sampled is the sender's choice.

/** Clock granularity G of RFC 6298 §2, in ms: deadlines are kept by a wheel with ticks of this length. */
const GRANULARITY_MS = 1;
/** RFC 6298 §5.7: least timeout for data after a SYN had to be retransmitted. */
const AFTER_SYN_LOSS_MS = 3000;
/**
 * A measurement counts for no more than this many timeouts: where one is longer and the timer has not fired, our process
 * has slept, in a debugger or by a signal, and the path is what it was.
 */
const MOST_OF_RTO = 2;
/** Half of the time for which a minimum counts. */
const MINIMUM_HALF_MS = 300_000;

/** The estimator of one connection. All values in ms. */
export class RttEstimator {
  /** Smoothed round-trip time; 0 before the first sample. */
  srtt = 0;
  rttvar = 0;
  /** Current timeout, backoff included. */
  rto: number;
  /** Doublings of the timeout since the last measurement. */
  backoff = 0;
  /** Least round trip of the last five to ten minutes; 0 before the first sample. */
  minRtt = 0;
  /** The least of the present half of that time, and when it began. */
  private minOfHalf = 0;
  private halfSince = 0;

  constructor(
    initialMs: number,
    private readonly minMs: number,
    private readonly maxMs: number,
  ) {
    this.rto = initialMs;
  }

  /** The one measurement that it has taken, or -1 where there were none, or more, or a loss in between. */
  get onlySampleMs(): number {
    return this.srtt > 0 && this.rttvar === this.srtt / 2 && this.backoff === 0 ? this.srtt : -1;
  }

  /**
   * Takes a measurement of a segment that was sent once, or told by its timestamp (RFC 6298 §2.2, §2.3); ends a backoff.
   * @param perRoundTrip measurements to expect in one round trip: each counts for so much less (RFC 7323 appendix G)
   */
  sample(rttMs: number, now: number, perRoundTrip = 1): void {
    if (this.srtt === 0) {
      this.srtt = rttMs;
      this.rttvar = rttMs / 2;
    } else {
      const counted = Math.min(rttMs, MOST_OF_RTO * this.rto);
      this.rttvar += (Math.abs(this.srtt - counted) - this.rttvar) / (4 * perRoundTrip);
      this.srtt += (counted - this.srtt) / (8 * perRoundTrip);
    }
    this.noteMinimum(rttMs, now);
    // As Linux: the least timeout is a distance from the round trip, room for a peer that delays its ACK.
    const margin = Math.max(GRANULARITY_MS, 4 * this.rttvar, this.minMs);
    this.rto = Math.min(this.maxMs, this.srtt + margin);
    this.backoff = 0;
  }

  /** A route may change: a minimum is forgotten in time. */
  private noteMinimum(rttMs: number, now: number): void {
    if (this.minRtt === 0) {
      this.minRtt = rttMs;
      this.minOfHalf = rttMs;
      this.halfSince = now;
    } else if (now - this.halfSince >= MINIMUM_HALF_MS) {
      this.minRtt = Math.min(this.minOfHalf, rttMs);
      this.minOfHalf = rttMs;
      this.halfSince = now;
    } else {
      this.minOfHalf = Math.min(this.minOfHalf, rttMs);
      this.minRtt = Math.min(this.minRtt, rttMs);
    }
  }

  /** Doubles the timeout after an expiry (§5.5). */
  backOff(): void {
    this.rto = Math.min(this.maxMs, this.rto * 2);
    this.backoff++;
  }

  /** Data begins to flow after a SYN was retransmitted and could not be sampled (§5.7). */
  restartAfterSynLoss(): void {
    if (this.srtt !== 0) return;
    this.rto = Math.min(this.maxMs, AFTER_SYN_LOSS_MS);
    this.backoff = 0;
  }
}
