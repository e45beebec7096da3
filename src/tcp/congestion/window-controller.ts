// What the controllers with a window in the manner of RFC 5681 share: its beginning, slow start, timeouts, pauses and the
// flight that a reduction starts from. How the window grows in congestion avoidance and how far it shrinks is their own.
import type { AckSample, CongestionCause, Controller } from './controller.js';
import { initialWindow } from './initial-window.js';
import { SlowStart } from './slow-start.js';

/** `ssthresh` while nothing is known of the path: arbitrarily high (RFC 5681 §3.1). */
const UNKNOWN_SSTHRESH = Number.MAX_SAFE_INTEGER;

/** A controller whose window grows with acknowledged bytes and shrinks to a share of the flight. */
export abstract class WindowController implements Controller {
  abstract readonly name: string;
  cwnd: number;
  ssthresh = UNKNOWN_SSTHRESH;
  private madeSlowStart: SlowStart | null = null;
  /** Part of a byte by which the window has grown beyond `cwnd`: without it small steps would be lost to rounding. */
  protected fraction = 0;
  /** Window after an episode that marks began, or 0: it may be less than `ssthresh` (RFC 3168 §6.1.2). */
  private windowAfterMarks = 0;
  /** Before the first acknowledgment the window counts segments, whose size the handshake is still to settle. */
  private isFresh = true;

  /**
   * @param beta share of the flight that remains after congestion
   * @param limitSegments see `SlowStart`
   * @param hyStart see `SlowStart`
   */
  constructor(
    protected mss: number,
    private readonly initialWindowSegments: number,
    private readonly beta: number,
    private readonly limitSegments: number,
    private readonly hyStart: boolean,
  ) {
    this.cwnd = this.initialWindow;
  }

  /** Made at the first ACK that it is about. */
  private get slowStart(): SlowStart {
    this.madeSlowStart ??= new SlowStart(this.limitSegments, this.hyStart);
    return this.madeSlowStart;
  }

  get isUntouched(): boolean {
    return this.isFresh && this.cwnd === this.initialWindow && this.ssthresh === UNKNOWN_SSTHRESH;
  }

  get inSlowStart(): boolean {
    return this.cwnd < this.ssthresh;
  }

  /** RFC 6928. */
  protected get initialWindow(): number {
    return initialWindow(this.mss, this.initialWindowSegments);
  }

  setMss(mss: number): void {
    const wasInitial = this.cwnd === this.initialWindow;
    this.mss = mss;
    // RFC 5681 §3.1: after a lost SYN the first window is one segment, whatever its size will be.
    if (this.isFresh) this.cwnd = wasInitial ? this.initialWindow : mss;
    this.cwnd = Math.max(this.cwnd, mss);
  }

  onAck(sample: AckSample): void {
    this.isFresh = false;
    if (!sample.windowLimited) {
      this.notLimited(sample.now);
      return;
    }
    if (this.inSlowStart) this.growExponentially(sample);
    else this.avoidCongestion(sample, sample.ackedBytes);
  }

  /** What is left when `ssthresh` is reached in the midst of an ACK counts for congestion avoidance. */
  private growExponentially(sample: AckSample): void {
    const isFirst = this.ssthresh === UNKNOWN_SSTHRESH;
    const growth = this.slowStart.growth(sample, this.mss, isFirst);
    const room = this.ssthresh - this.cwnd;
    this.growBy(Math.min(growth, room));
    if (isFirst && this.slowStart.isOver) this.ssthresh = this.cwnd;
    if (this.inSlowStart) return;
    this.slowStart.end();
    this.avoidCongestion(sample, Math.max(growth, room) - room);
  }

  /** Grows the window by any number of bytes, keeping `cwnd` whole. */
  protected growBy(bytes: number): void {
    const exact = this.cwnd + this.fraction + bytes;
    this.cwnd = Math.floor(exact);
    this.fraction = exact - this.cwnd;
  }

  /** An ACK of `ackedBytes` in congestion avoidance, the window being what limits the sender. */
  protected abstract avoidCongestion(sample: AckSample, ackedBytes: number): void;

  /** An ACK came while something other than the window limited the sender. */
  protected notLimited(_now: number): void {}

  onCongestion(sample: AckSample, cause: CongestionCause): void {
    const remaining = this.remaining(sample, cause);
    this.ssthresh = Math.max(remaining, 2 * this.mss);
    // RFC 3168 §6.1.2, RFC 9438 §4.6: marks alone may bring the window down to one segment.
    this.windowAfterMarks = cause === 'ecn' ? Math.max(remaining, this.mss) : 0;
  }

  /** Bytes to which congestion brings the window, before any least size is seen to. */
  protected remaining(sample: AckSample, _cause: CongestionCause | 'timeout'): number {
    return Math.floor(this.beta * sample.flightBytes);
  }

  onRecovered(_sample: AckSample): void {
    if (this.windowAfterMarks !== 0) this.cwnd = Math.min(this.cwnd, this.windowAfterMarks);
    this.slowStart.end();
  }

  onTimeout(sample: AckSample, isFirst: boolean): void {
    this.cwnd = this.loseFlight(sample, isFirst);
  }

  /** Returns the loss window (RFC 5681 §3.1). */
  private loseFlight(sample: AckSample, isFirst: boolean): number {
    // A lost SYN makes the first window small (RFC 5681 §3.1), but no window of data met congestion yet.
    if (this.isFresh && sample.priorInFlight <= 1) return this.mss;
    // RFC 5681 §3.1 (4): what is sent again and lost again says nothing new of the path.
    if (isFirst) this.ssthresh = Math.max(this.remaining(sample, 'timeout'), 2 * this.mss);
    this.slowStart.onTimeout();
    return this.mss;
  }

  onSpurious(priorCwnd: number, priorSsthresh: number, _now: number): void {
    this.cwnd = Math.max(this.cwnd, priorCwnd);
    this.ssthresh = Math.max(this.ssthresh, priorSsthresh);
    this.slowStart.end();
  }

  /** RFC 5681 §4.1: the restart window is the initial window. */
  onIdle(_idleMs: number): void {
    this.cwnd = Math.min(this.cwnd, this.initialWindow);
    this.slowStart.forgetDelay();
  }
}
