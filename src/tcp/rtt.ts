// Round-trip estimation and the retransmission timeout (RFC 6298). Which segments may be sampled is the sender's choice.

/** Clock granularity G of RFC 6298 §2, in ms: deadlines are kept by a wheel with ticks of this length. */
const GRANULARITY_MS = 1;
/** RFC 6298 §5.7: least timeout for data after a SYN had to be retransmitted. */
const AFTER_SYN_LOSS_MS = 3000;

/** The estimator of one connection. All values in ms. */
export class RttEstimator {
  /** Smoothed round-trip time; 0 before the first sample. */
  srtt = 0;
  rttvar = 0;
  /** Current timeout, backoff included. */
  rto: number;

  constructor(
    initialMs: number,
    private readonly minMs: number,
    private readonly maxMs: number,
  ) {
    this.rto = initialMs;
  }

  /** Takes a measurement of a segment that was sent once (RFC 6298 §2.2, §2.3); ends a backoff. */
  sample(rttMs: number): void {
    if (this.srtt === 0) {
      this.srtt = rttMs;
      this.rttvar = rttMs / 2;
    } else {
      this.rttvar += (Math.abs(this.srtt - rttMs) - this.rttvar) / 4;
      this.srtt += (rttMs - this.srtt) / 8;
    }
    const timeout = this.srtt + Math.max(GRANULARITY_MS, 4 * this.rttvar);
    this.rto = Math.min(this.maxMs, Math.max(this.minMs, timeout));
  }

  /** Doubles the timeout after an expiry (§5.5). */
  backOff(): void {
    this.rto = Math.min(this.maxMs, this.rto * 2);
  }

  /** Data begins to flow after a SYN was retransmitted and could not be sampled (§5.7). */
  restartAfterSynLoss(): void {
    if (this.srtt === 0) this.rto = Math.min(this.maxMs, AFTER_SYN_LOSS_MS);
  }
}
