// NewReno: congestion avoidance by bytes acknowledged (RFC 5681 §3.1, RFC 3465 §2.1), half of the flight after a loss
// (RFC 5681 §3.2, RFC 6582) or a mark (RFC 3168 §6.1.2). Finding losses and recovering from them is the sender's business.
import type { AckSample, CongestionCause, Controller } from './controller.js';
import { WindowController } from './window-controller.js';

/** RFC 3465 §2.2. */
const LIMIT_SEGMENTS = 2;
/** RFC 5681 §3.1 (4). */
const BETA = 0.5;

/** The controller behind `newReno`; others that avoid congestion as it does extend it. */
export class NewReno extends WindowController {
  readonly name: string = 'newreno';
  /** Bytes acknowledged since the window last grew in congestion avoidance. */
  private ackedInRound = 0;

  constructor(mss: number, initialWindowSegments: number) {
    super(mss, initialWindowSegments, BETA, LIMIT_SEGMENTS, false);
  }

  /** RFC 3465 §2.1: one segment for each window's worth of acknowledged bytes, however they were acknowledged. */
  protected override avoidCongestion(_sample: AckSample, ackedBytes: number): void {
    this.ackedInRound += ackedBytes;
    if (this.ackedInRound < this.cwnd) return;
    this.ackedInRound = Math.min(this.ackedInRound - this.cwnd, this.cwnd);
    this.growBy(this.mss);
  }

  override onCongestion(sample: AckSample, cause: CongestionCause): void {
    super.onCongestion(sample, cause);
    this.ackedInRound = 0;
  }

  override onTimeout(sample: AckSample, isFirst: boolean): void {
    super.onTimeout(sample, isFirst);
    this.ackedInRound = 0;
  }
}

/**
 * NewReno with the initial window of RFC 6928.
 * @param mss payload bytes of a full segment
 * @param initialWindowSegments initial window in segments
 */
export function newReno(mss: number, initialWindowSegments: number): Controller {
  return new NewReno(mss, initialWindowSegments);
}
