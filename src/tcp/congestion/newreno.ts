// NewReno: slow start and congestion avoidance by bytes acknowledged (RFC 5681 §3.1, RFC 3465), fast recovery
// (RFC 6582). Detecting losses is the sender's business.
import type { Controller, ControllerInput } from './controller.js';

class NewReno implements Controller {
  readonly name = 'newreno';
  cwnd: number;
  ssthresh = Number.MAX_SAFE_INTEGER;
  /** Bytes acknowledged since the window last grew in congestion avoidance. */
  private ackedInRound = 0;
  /** After a timeout a stretch ACK may open the window by one segment only (RFC 3465 §2.3). */
  private afterTimeout = false;
  /** Bytes in flight when recovery began: no more than these can leave the network by duplicate ACKs. */
  private inFlightAtEntry = 0;

  constructor(
    private mss: number,
    private readonly initialWindowSegments: number,
  ) {
    this.cwnd = this.initialWindow();
  }

  get inSlowStart(): boolean {
    return this.cwnd < this.ssthresh;
  }

  setMss(mss: number): void {
    const untouched = this.cwnd === this.initialWindow();
    this.mss = mss;
    if (untouched) this.cwnd = this.initialWindow();
  }

  onAck(input: ControllerInput): void {
    if (!input.windowLimited) return;
    if (this.inSlowStart) {
      const limit = this.afterTimeout ? this.mss : 2 * this.mss;
      this.cwnd += Math.min(input.ackedBytes, limit);
      return;
    }
    this.afterTimeout = false;
    this.ackedInRound += input.ackedBytes;
    if (this.ackedInRound >= this.cwnd) {
      this.ackedInRound -= this.cwnd;
      this.cwnd += this.mss;
    }
  }

  onEnterRecovery(input: ControllerInput): void {
    this.ssthresh = this.halfOf(input.inFlightBytes);
    this.cwnd = this.ssthresh + 3 * this.mss;
    this.inFlightAtEntry = input.inFlightBytes;
    this.ackedInRound = 0;
  }

  onDuplicateAckInRecovery(): void {
    // A peer that invents duplicates must not inflate the window past what could really have left the network.
    const most = this.ssthresh + this.inFlightAtEntry;
    this.cwnd = Math.min(this.cwnd + this.mss, Math.max(this.cwnd, most));
  }

  onPartialAck(input: ControllerInput): void {
    this.cwnd -= input.ackedBytes;
    if (input.ackedBytes >= this.mss) this.cwnd += this.mss;
    this.cwnd = Math.max(this.cwnd, this.mss);
  }

  onExitRecovery(input: ControllerInput): void {
    this.cwnd = Math.min(this.ssthresh, Math.max(input.inFlightBytes, this.mss) + this.mss);
  }

  onRetransmissionTimeout(input: ControllerInput, firstTime: boolean): void {
    if (firstTime) this.ssthresh = this.halfOf(input.inFlightBytes);
    this.cwnd = this.mss;
    this.ackedInRound = 0;
    this.afterTimeout = true;
  }

  onIdle(): void {
    this.cwnd = Math.min(this.cwnd, this.initialWindow());
  }

  /** RFC 6928: ten segments, at most 14 600 bytes unless two segments are more. */
  private initialWindow(): number {
    const segments = this.initialWindowSegments * this.mss;
    return Math.min(segments, Math.max(2 * this.mss, this.initialWindowSegments * 1460));
  }

  private halfOf(inFlight: number): number {
    return Math.max(Math.floor(inFlight / 2), 2 * this.mss);
  }
}

/** NewReno with the initial window of RFC 6928. */
export function newReno(mss: number, initialWindowSegments: number): Controller {
  return new NewReno(mss, initialWindowSegments);
}
