// Congestion window validation (RFC 7661): how much the path has carried of late, whether that justifies the window, and
// what becomes of a window that was not used. Numbers in, numbers out; the sender owns the window and applies the answers.

/** RFC 7661 §4.2: the sampling period is this many round trips, a second at least. */
const SAMPLING_ROUND_TRIPS = 3;
const SAMPLING_MIN_MS = 1000;
/** Stretches into which the sampling period is cut; each keeps its largest sample (§4.5.1). */
const BUCKETS = 4;
/** Of stretches without samples. Never written. */
const NEVER: number[] = [];
for (let i = 0; i < BUCKETS; i++) NEVER.push(Number.NEGATIVE_INFINITY);
/** The non-validated period, NVP (§4.4): five minutes at most. */
const NVP_MS = 300_000;

/**
 * pipeACK of one connection, the phase it puts the sender in, and the windows that follow from it.
 *
 * The sender
 * - calls `onAck` for each acknowledgment outside of recovery, before the controller's `onAck`, and gives the controller
 *   `mayGrow(...)` as `windowLimited`;
 * - calls `windowAtLoss` when recovery begins, before the controller's `onCongestion`, and lowers `ssthresh` to the answer
 *   afterwards when it is smaller; counts the bytes that it sends again; calls `windowAfterRecovery` at the end, before
 *   the controller's `onRecovered`, and lowers `cwnd` and `ssthresh` to the answer when it is smaller;
 * - calls `onTimeout` when the retransmission timer fires;
 * - asks `windowAt` on each ACK. When that is less than `cwnd`, `ssthresh` becomes `thresholdAt`, and then `cwnd` the
 *   answer. A connection that pauses for longer than a timeout begins anew all the same, as with Linux: that is
 *   `Controller.onIdle` (RFC 5681 §4.1).
 *
 * Where the controller `ownsRecovery` and has a model of the path, none of this is for it.
 */
export class CwndValidation {
  /** Beginning and greatest sample of the stretches of the sampling period, a ring whose newest is `newest`. */
  private bucketAt = NEVER;
  private bucketBytes = NEVER;
  private newest = 0;
  /** False while pipeACK has the value "undefined", with which every window is valid (§4.2). */
  private isDefined = false;
  /** The sample under way: bytes acknowledged since `sampleAt`, for one round trip. */
  private isSampling = false;
  private sampleAt = 0;
  private sampleBytes = 0;
  private srttMs = 0;
  /** When the window was last known to be valid, or the last NVP ended. */
  private validAt = 0;
  /** Between `windowAtLoss` and `windowAfterRecovery`. */
  private inRecovery = false;
  /** max(pipeACK, LossFlightSize), or 0 when the window was valid at the loss. */
  private usedAtLoss = 0;

  /**
   * An acknowledgment outside of recovery.
   * @param now clock ms
   * @param ackedBytes bytes newly acknowledged, selectively or not
   * @param flightBytes bytes still in flight
   * @param srttMs smoothed round-trip time, 0 when unknown
   * @param cwnd congestion window in bytes
   */
  onAck(now: number, ackedBytes: number, flightBytes: number, srttMs: number, cwnd: number): void {
    // §4.2: no sample is taken during recovery.
    if (this.inRecovery || srttMs <= 0) return;
    this.srttMs = srttMs;
    if (this.isSampling && now - this.sampleAt >= srttMs) this.endSample();
    if (!this.isSampling) {
      this.isSampling = true;
      this.sampleAt = now;
      this.sampleBytes = 0;
    }
    this.sampleBytes += ackedBytes;
    // With nothing in flight, the rest of the round trip will bring no more.
    if (flightBytes === 0) this.endSample();
    if (this.isValidated(now, cwnd)) this.validAt = now;
  }

  /** The pipeACK variable in bytes (§4.2): the most that a recent round trip carried; -1 for "undefined". */
  pipeAck(now: number): number {
    if (!this.isDefined) return -1;
    const oldest = now - this.samplingPeriodMs();
    let most = this.isSampling && this.sampleAt > oldest ? this.sampleBytes : 0;
    for (let i = 0; i < BUCKETS; i++) {
      if (this.bucketAt[i]! > oldest) most = Math.max(most, this.bucketBytes[i]!);
    }
    return most;
  }

  /** The validated phase: at least half of the window was used (§4.3). */
  isValidated(now: number, cwnd: number): boolean {
    const pipeAck = this.pipeAck(now);
    return pipeAck < 0 || pipeAck >= cwnd / 2;
  }

  /** Whether an ACK may let the window grow: in the non-validated phase only when the window is used up (§4.4). */
  mayGrow(now: number, cwnd: number, isWindowLimited: boolean): boolean {
    return isWindowLimited || this.isValidated(now, cwnd);
  }

  /**
   * Recovery begins (§4.4.1).
   * @param flightBytes LossFlightSize: bytes sent and not acknowledged
   * @returns the window for the time of recovery; Infinity in the validated phase: the controller's own rule holds
   */
  windowAtLoss(now: number, cwnd: number, flightBytes: number, mss: number): number {
    this.usedAtLoss = this.isValidated(now, cwnd) ? 0 : Math.max(this.pipeAck(now), flightBytes);
    this.inRecovery = true;
    return this.reduced(0, mss);
  }

  /**
   * Recovery is over. Until there are new samples every window is valid (§4.4.1).
   * @param retransmittedBytes R: bytes that were lost and sent again, each counted once
   * @returns the window from now on; Infinity when the controller's own rule holds
   */
  windowAfterRecovery(now: number, retransmittedBytes: number, mss: number): number {
    const window = this.reduced(retransmittedBytes, mss);
    this.restart(now);
    return window;
  }

  /** The retransmission timer fired: the non-validated phase is left, RFC 5681 says the rest (§4.4). */
  onTimeout(now: number): void {
    this.restart(now);
  }

  /** Half of what was in use at the loss, less the lost (§4.4.1). */
  private reduced(lostBytes: number, mss: number): number {
    if (this.usedAtLoss === 0) return Number.POSITIVE_INFINITY;
    return Math.max(Math.floor((this.usedAtLoss - lostBytes) / 2), mss);
  }

  private restart(now: number): void {
    this.isDefined = false;
    this.isSampling = false;
    this.inRecovery = false;
    this.usedAtLoss = 0;
    this.bucketAt = NEVER;
    this.validAt = now;
  }

  /**
   * The window that may be used now: `cwnd`, or half of it for each non-validated period that has passed (§4.4.3).
   * Answers once for each period.
   * @param initialWindow in bytes; the window does not shrink below it
   */
  windowAt(now: number, cwnd: number, initialWindow: number): number {
    if (this.isValidated(now, cwnd)) return cwnd;
    const periods = Math.floor((now - this.validAt) / NVP_MS);
    this.validAt += periods * NVP_MS;
    return Math.min(cwnd, Math.max(Math.floor(cwnd / 2 ** periods), initialWindow));
  }

  /** `ssthresh` to be set when `windowAt` is less than `cwnd`: the old window was sustained for a long time (§4.4.3). */
  thresholdAt(cwnd: number, ssthresh: number): number {
    return Math.max(ssthresh, Math.floor((3 * cwnd) / 4));
  }

  private samplingPeriodMs(): number {
    return Math.max(SAMPLING_ROUND_TRIPS * this.srttMs, SAMPLING_MIN_MS);
  }

  private endSample(): void {
    this.isSampling = false;
    this.isDefined = true;
    if (this.bucketAt === NEVER) {
      this.bucketAt = NEVER.slice();
      this.bucketBytes = NEVER.slice();
    }
    if (this.sampleAt - this.bucketAt[this.newest]! < this.samplingPeriodMs() / BUCKETS) {
      this.bucketBytes[this.newest] = Math.max(this.bucketBytes[this.newest]!, this.sampleBytes);
      return;
    }
    this.newest = (this.newest + 1) % BUCKETS;
    this.bucketAt[this.newest] = this.sampleAt;
    this.bucketBytes[this.newest] = this.sampleBytes;
  }
}
