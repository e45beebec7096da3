// The most data that could be in flight without losing too much of it, as seen while probing (BBR §5.3.3.5, §5.3.3.9).
import { HEADROOM } from './parameters.js';

/** Doublings of the slope, at most. */
const MAX_DOUBLINGS = 30;

/** The long-term bound of the window and its growth in UP. Bytes. */
export class LongTerm {
  /** The bound; Infinity while no probe lost too much. */
  inflight = Number.POSITIVE_INFINITY;
  private acked = 0;
  private ackedPerSegment = Number.POSITIVE_INFINITY;
  private doublings = 0;

  /** The bound, less what is left to other flows (InflightWithHeadroom). */
  withHeadroom(mss: number, minPipe: number): number {
    if (this.inflight === Number.POSITIVE_INFINITY) return this.inflight;
    const headroom = Math.max(mss, Math.ceil(HEADROOM * this.inflight));
    return Math.max(this.inflight - headroom, minPipe);
  }

  /** REFILL begins: the next growth starts slowly again. */
  restartGrowth(): void {
    this.doublings = 0;
    this.acked = 0;
  }

  /** By one segment in the first round trip, by two in the next, then four: a new bandwidth is found in its logarithm. */
  raiseSlope(cwnd: number, mss: number): void {
    this.ackedPerSegment = Math.max(cwnd / 2 ** this.doublings, mss);
    this.doublings = Math.min(this.doublings + 1, MAX_DOUBLINGS);
  }

  /** Acknowledged while the bound was what held the sender back. */
  grow(bytes: number, mss: number): void {
    this.acked += bytes;
    if (this.acked < this.ackedPerSegment) return;
    const segments = Math.floor(this.acked / this.ackedPerSegment);
    this.acked -= segments * this.ackedPerSegment;
    this.inflight += segments * mss;
  }
}
