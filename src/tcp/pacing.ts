// When the next segments may leave at a given rate, whatever controller asks for it (draft-ietf-ccwg-bbr §5.6.2). A
// credit grows with time and pays for what is sent; the timer that waits for it belongs to the connection.

/** A quantum is what the rate yields in this time. */
const QUANTUM_MS = 1;
/** No burst beyond it, however fast the path is. */
const MAX_QUANTUM_BYTES = 65_536;
/**
 * A timer that comes late by up to so much costs no throughput: the wheel rounds up by one tick of 1 ms, the process may
 * be busy for another. Time lost beyond it is not made up for, or a halt of the process would end in a flood.
 */
const MAX_LATE_MS = 2;
/**
 * A quantum may leave so much before it has filled up: the wheel rounds its time up by half a tick on average, and what
 * leaves early is paid for afterwards. Waiting for the whole of it made every pause longer than the rate asks for.
 */
const LEAD_MS = 0.5;
/** A deadline is a rounded number: the quantum that fills up at it may lack this much. */
const ROUNDING_BYTES = 1;

/**
 * Bytes that leave in one go at a pace (C.send_quantum, draft-ietf-ccwg-bbr §5.6.3): what 1 ms yields, at least two
 * segments, at most 64 KiB.
 * @param rate bytes per ms
 * @param mss payload bytes of a full segment
 */
export function sendQuantum(rate: number, mss: number): number {
  return Math.max(2 * mss, Math.min(rate * QUANTUM_MS, MAX_QUANTUM_BYTES));
}

/**
 * The pace of one connection. Bytes, clock milliseconds, bytes per ms.
 *
 * The first segments of a connection, as many as an initial window, leave at once as RFC 6928 lets them: nothing is known
 * of the path yet, and the draft's guess of a rate would make a short response take a good part of a round trip longer.
 * After them, segments leave while there is credit, the last of them on trust; then nothing leaves until a whole quantum is there.
 * So there is one timer for each quantum and not for each segment. Where a tick of the timer is longer than a quantum
 * takes, what came due meanwhile leaves with it.
 *
 * Who sends asks `allows` before each segment that data and windows would permit, and tells `onSent`; after a refusal it
 * asks again at `nextAt`. Rate 0, as at first, is no pace: everything may leave at once.
 */
export class Pacer {
  private rate = 0;
  /** In force from the next look at the clock on: until then the time was spent at the old rate. */
  private nextRate = 0;
  private credit = 0;
  private creditAt = 0;
  /** Something waits for a quantum to fill up. */
  private waiting = false;
  private sentUnpaced = 0;

  /**
   * @param mss payload bytes of a full segment
   * @param unpacedSegments full segments that leave before the pace holds; default 0
   */
  constructor(
    private mss: number,
    private unpacedSegments = 0,
  ) {}

  /** The effective send MSS became known or changed. */
  setMss(mss: number): void {
    this.mss = mss;
  }

  /** Sets the pace in bytes per ms; 0 for none. */
  setRate(bytesPerMs: number): void {
    this.nextRate = bytesPerMs;
    if (this.rate > 0 && bytesPerMs > 0) return;
    this.rate = bytesPerMs;
    this.credit = this.quantumBytes;
  }

  /** Bytes released at a time. */
  get quantumBytes(): number {
    return sendQuantum(this.rate, this.mss);
  }

  /** Whether a segment may leave now. */
  allows(now: number): boolean {
    if (this.isUnpaced) return true;
    this.accrue(now);
    this.waiting = this.waiting ? this.credit < this.enoughBytes - ROUNDING_BYTES : this.credit <= 0;
    return !this.waiting;
  }

  /** A segment left; retransmissions count like all others. */
  onSent(bytes: number, now: number): void {
    if (this.unpacedSegments > 0) {
      this.sentUnpaced += bytes;
      if (this.sentUnpaced >= this.unpacedSegments * this.mss) this.unpacedSegments = 0;
      return;
    }
    this.accrue(now);
    this.credit -= bytes;
  }

  /** Clock time from which on `allows` says yes; `now` when it does already. */
  nextAt(now: number): number {
    if (this.isUnpaced) return now;
    this.accrue(now);
    if (!this.waiting && this.credit > 0) return now;
    return now + Math.max(0, this.enoughBytes - this.credit) / this.rate;
  }

  private get isUnpaced(): boolean {
    return this.rate === 0 || this.unpacedSegments > 0;
  }

  /** Credit that ends a wait: never less than half a quantum, or a fast pace would be one of small bursts. */
  private get enoughBytes(): number {
    const quantum = this.quantumBytes;
    return Math.max(quantum - LEAD_MS * this.rate, quantum / 2);
  }

  /** Only who waits is paid for being late: an idle time yields one quantum and no more. */
  private accrue(now: number): void {
    if (now > this.creditAt) {
      const most = this.quantumBytes + (this.waiting ? MAX_LATE_MS * this.rate : 0);
      this.credit = Math.min(this.credit + (now - this.creditAt) * this.rate, most);
      this.creditAt = now;
    }
    this.rate = this.nextRate;
  }
}
