// Slow start by acknowledged bytes (RFC 5681 §3.1, RFC 3465), and HyStart++ (RFC 9406), which leaves it when the
// round-trip time begins to rise, before the queue overflows. How far a window grows; the window itself is elsewhere.
import type { AckSample } from './controller.js';

/** RFC 9406 §4.3. */
const MIN_RTT_THRESH_MS = 4;
const MAX_RTT_THRESH_MS = 16;
const MIN_RTT_DIVISOR = 8;
const N_RTT_SAMPLE = 8;
const CSS_GROWTH_DIVISOR = 4;
const CSS_ROUNDS = 5;
/** An ACK for more than L segments may still grow the window by this share of what was in flight. */
const AGGREGATE_SHARE = 1 / 4;

/** The slow start of one connection. */
export class SlowStart {
  /** The slow start after a timeout sees ACKs for data that left the network long ago. */
  private isAfterTimeout = false;
  /** A round has passed when something sent after this many bytes were delivered is delivered itself. */
  private roundBegin = 0;
  /** Infinity, which nothing exceeds, in the first round. */
  private lastRoundMinRttMs = Number.POSITIVE_INFINITY;
  private currentRoundMinRttMs = Number.POSITIVE_INFINITY;
  private rttSampleCount = 0;
  /** Finite during Conservative Slow Start (CSS). */
  private cssBaselineMinRttMs = Number.POSITIVE_INFINITY;
  private cssRounds = 0;

  /**
   * @param limitSegments segments by which one ACK grows the window at most: L of RFC 3465 §2.2
   * @param hyStart whether HyStart++ watches the first slow start
   */
  constructor(
    private readonly limitSegments: number,
    private readonly hyStart: boolean,
  ) {}

  /** In Conservative Slow Start (RFC 9406 §4.2). */
  get isConservative(): boolean {
    return this.cssBaselineMinRttMs !== Number.POSITIVE_INFINITY;
  }

  /** The last round of CSS has passed: `ssthresh` shall be set to `cwnd` (RFC 9406 §4.2). */
  get isOver(): boolean {
    return this.cssRounds >= CSS_ROUNDS;
  }

  /**
   * Bytes by which the window grows for an ACK that comes while the window limits the sender; a fraction in CSS.
   * @param isFirst nothing is known of the path yet, `ssthresh` has its first value: later slow starts end at an
   *   `ssthresh` that was measured, so HyStart++ has no part in them (RFC 9406 §4.3)
   */
  growth(sample: AckSample, mss: number, isFirst: boolean): number {
    const counted = Math.min(sample.ackedBytes, this.limit(sample, mss));
    if (!this.hyStart || !isFirst) return counted;
    const grown = this.isConservative ? counted / CSS_GROWTH_DIVISOR : counted;
    this.watchDelay(sample);
    return grown;
  }

  /**
   * L of RFC 3465: 1 after a timeout (§2.3). Receivers that take in whole batches acknowledge many segments at once; where
   * HyStart++ watches for the queue that a burst builds, a share of a large flight counts in place of a few segments, or a
   * path of many segments would grow by a few per cent in a round trip.
   */
  private limit(sample: AckSample, mss: number): number {
    const { acks = 1 } = sample;
    if (this.isAfterTimeout) return acks * mss;
    const segments = acks * this.limitSegments * mss;
    return this.hyStart ? Math.max(segments, sample.priorInFlight * AGGREGATE_SHARE) : segments;
  }

  /** The retransmission timer fired. */
  onTimeout(): void {
    this.isAfterTimeout = true;
  }

  /** Congestion avoidance begins, or the timeout proved needless. */
  end(): void {
    this.isAfterTimeout = false;
  }

  /** After a pause the delays of before it prove nothing. The next acknowledgment begins a round. */
  forgetDelay(): void {
    this.currentRoundMinRttMs = Number.POSITIVE_INFINITY;
    this.cssBaselineMinRttMs = Number.POSITIVE_INFINITY;
    this.cssRounds = 0;
  }

  /** RFC 9406 §4.2. */
  private watchDelay(sample: AckSample): void {
    if (sample.sentDelivered >= this.roundBegin) this.nextRound(sample.totalDelivered);
    if (sample.rttMs < 0) return;
    this.currentRoundMinRttMs = Math.min(this.currentRoundMinRttMs, sample.rttMs);
    this.rttSampleCount += sample.acks ?? 1;
    if (this.rttSampleCount < N_RTT_SAMPLE) return;
    if (this.isConservative) this.resumeWhenSpurious();
    else this.turnConservativeWhenSlower();
  }

  private nextRound(totalDelivered: number): void {
    this.roundBegin = totalDelivered;
    this.lastRoundMinRttMs = this.currentRoundMinRttMs;
    this.currentRoundMinRttMs = Number.POSITIVE_INFINITY;
    this.rttSampleCount = 0;
    // The part of a round in which CSS began counts as one.
    if (this.isConservative) this.cssRounds++;
  }

  private turnConservativeWhenSlower(): void {
    const last = this.lastRoundMinRttMs;
    const threshold = Math.max(MIN_RTT_THRESH_MS, Math.min(last / MIN_RTT_DIVISOR, MAX_RTT_THRESH_MS));
    if (this.currentRoundMinRttMs < last + threshold) return;
    this.cssBaselineMinRttMs = this.currentRoundMinRttMs;
  }

  /** The delay fell again: it was jitter and no queue. */
  private resumeWhenSpurious(): void {
    if (this.currentRoundMinRttMs >= this.cssBaselineMinRttMs) return;
    this.cssBaselineMinRttMs = Number.POSITIVE_INFINITY;
    this.cssRounds = 0;
  }
}
