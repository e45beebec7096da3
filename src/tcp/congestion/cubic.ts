// CUBIC (RFC 9438): the window follows a cubic function of the time since the last congestion, flat around the size at
// which congestion was met and steep away from it, whatever the round-trip time. Windows in bytes, times in ms.
import type { AckSample, CongestionCause, Controller } from './controller.js';
import { WindowController } from './window-controller.js';

/** beta_cubic (§4.6). */
const BETA = 0.7;
/** C in segments per ms³; 0.4 segments per s³ (§5.1). */
const C = 0.4e-9;
/** alpha_cubic, with which additive increase is as fast as Reno's on average in spite of BETA (§4.3). */
const ALPHA = (3 * (1 - BETA)) / (1 + BETA);
/** The window may not grow faster than this in a round trip (§4.2). */
const MAX_TARGET = 1.5;
/** L of RFC 3465 §2.2: eight for senders that do not pace (RFC 9406 §4.3), so that stretched ACKs do not stretch slow start. */
const LIMIT_SEGMENTS = 8;

/** What makes up the curve, to be restored. */
interface CurveUndo {
  readonly wMax: number;
  readonly cwndPrior: number;
  readonly cwndSeen: number;
  readonly epochAt: number;
  readonly k: number;
  readonly wEst: number;
}

class Cubic extends WindowController {
  readonly name = 'cubic';
  /** Window at the last congestion, or less by fast convergence; 0 where no congestion has told it (§4.8, §4.10). */
  private wMax = 0;
  /** Window before the last congestion; 0 where slow start has ended without: Reno's own increase holds (§4.10). */
  private cwndPrior = 0;
  /** t_epoch, moved on by the time in which the window was not used. */
  private epochAt = 0;
  /** K: ms from the beginning of the stage until W_cubic reaches `wMax`. */
  private k = 0;
  /** W_est: what Reno's window would be. */
  private wEst = 0;
  /**
   * `cwnd` as this class left it in congestion avoidance. When it is another, slow start or the sender has set it, and a
   * stage with a curve of its own begins: `epochAt`, `k` and `wEst`.
   */
  private cwndSeen = 0;
  /** Clock ms up to which the use of the window is known. */
  private knownAt = 0;

  /** As it was before the last reduction, while that may turn out needless. */
  private undo: CurveUndo | null = null;

  constructor(mss: number, initialWindowSegments: number) {
    super(mss, initialWindowSegments, BETA, LIMIT_SEGMENTS, true);
  }

  override setMss(mss: number): void {
    super.setMss(mss);
    this.cwndSeen = 0;
  }

  protected override avoidCongestion(sample: AckSample, ackedBytes: number): void {
    if (this.cwndSeen !== this.cwnd) this.beginEpoch(sample.now);
    this.knownAt = sample.now;
    const window = this.cwnd + this.fraction;
    const t = sample.now - this.epochAt;
    this.wEst += (this.additiveIncrease() * ackedBytes) / window;
    // §4.3: the Reno-friendly region.
    if (this.wCubic(t) < this.wEst) {
      this.growBy(Math.max(0, this.wEst - window));
    } else {
      // §4.2, §4.4, §4.5: by (target - cwnd) / cwnd for each segment acknowledged.
      const target = Math.min(this.wCubic(t + sample.srttMs), MAX_TARGET * window);
      const share = Math.min(1, ackedBytes / window);
      this.growBy(Math.max(0, target - window) * share);
    }
    this.cwndSeen = this.cwnd;
  }

  /** Bytes a round trip: alpha_cubic, and Reno's own increase from where the last stage had come to (§4.3). */
  private additiveIncrease(): number {
    return this.wEst >= this.cwndPrior ? this.mss : ALPHA * this.mss;
  }

  /** W_cubic of Figure 1. */
  private wCubic(t: number): number {
    const fromPlateau = t - this.k;
    return this.wMax + C * this.mss * fromPlateau * fromPlateau * fromPlateau;
  }

  private beginEpoch(now: number): void {
    this.epochAt = now;
    // §4.8, §4.10: with no size to return to, the curve begins at its plateau.
    this.wMax = Math.max(this.wMax, this.cwnd);
    this.k = Math.cbrt((this.wMax - this.cwnd) / (C * this.mss));
    this.wEst = this.cwnd;
  }

  /** §4.2, §5.8: t leaves out the time in which the application, or the receiver, did not use the window. */
  protected override notLimited(now: number): void {
    this.epochAt += now - this.knownAt;
    this.knownAt = now;
  }

  onSent(_inFlight: number, isIdle: boolean, _isAppLimited: boolean, now: number): void {
    if (isIdle) this.notLimited(now);
  }

  override onCongestion(sample: AckSample, cause: CongestionCause): void {
    this.saveForUndo();
    // §4.7: fast convergence. Below the old maximum, others need room.
    this.wMax = this.cwnd < this.wMax ? (this.cwnd * (1 + BETA)) / 2 : this.cwnd;
    this.cwndPrior = this.cwnd;
    super.onCongestion(sample, cause);
  }

  override onRecovered(sample: AckSample): void {
    super.onRecovered(sample);
    this.beginEpoch(sample.now);
    this.cwndSeen = this.cwnd;
    this.knownAt = sample.now;
  }

  override onTimeout(sample: AckSample, isFirst: boolean): void {
    if (isFirst) {
      this.saveForUndo();
      this.cwndPrior = this.cwnd;
    }
    this.wMax = 0;
    super.onTimeout(sample, isFirst);
  }

  /** §4.9: everything as if nothing had happened, unless the window has outgrown what it was. */
  override onSpurious(priorCwnd: number, priorSsthresh: number, now: number): void {
    const undo = this.cwnd < priorCwnd ? this.undo : null;
    super.onSpurious(priorCwnd, priorSsthresh, now);
    if (undo === null) return;
    this.wMax = undo.wMax;
    this.cwndPrior = undo.cwndPrior;
    this.cwndSeen = undo.cwndSeen;
    this.epochAt = undo.epochAt;
    this.k = undo.k;
    this.wEst = undo.wEst;
    this.knownAt = now;
  }

  private saveForUndo(): void {
    const { wMax, cwndPrior, cwndSeen, epochAt, k, wEst } = this;
    this.undo = { wMax, cwndPrior, cwndSeen, epochAt, k, wEst };
  }

  /** RFC 5681 §4.1; that the path has carried more is remembered in `ssthresh`, as in RFC 7661 §4.4.3. */
  override onIdle(idleMs: number): void {
    if (this.cwnd <= this.initialWindow) return;
    const known = Math.floor((3 * this.cwnd) / 4);
    this.ssthresh = Math.max(this.ssthresh, known);
    super.onIdle(idleMs);
  }
}

/**
 * CUBIC with HyStart++ (RFC 9438, RFC 9406).
 * @param mss payload bytes of a full segment
 * @param initialWindowSegments initial window in segments (RFC 6928)
 */
export function cubic(mss: number, initialWindowSegments: number): Controller {
  return new Cubic(mss, initialWindowSegments);
}
