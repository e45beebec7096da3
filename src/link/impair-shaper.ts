// When a packet comes out at the far end of one direction: bottleneck with its queue, delay and jitter. It computes
// times only; the packets themselves wait elsewhere.
import { DEFAULT_QUEUE_BYTES, type Impairments } from './impair-options.js';
import type { Xoshiro128 } from './impair-random.js';

/** Result of `PathShaper.pass` for a packet that found the queue full. */
export const QUEUE_FULL = -1;

/** A first-in first-out path: nothing that goes through it overtakes. */
export class PathShaper {
  private readonly delayMs: number;
  private readonly jitterMs: number;
  private readonly msPerByte: number;
  private readonly queueBytes: number;
  /** When the bottleneck has sent all that it took. */
  private busyUntil = Number.NEGATIVE_INFINITY;
  /** When the packet before comes out. */
  private lastOut = Number.NEGATIVE_INFINITY;
  /** False when everything passes at once. */
  readonly active: boolean;

  constructor(
    options: Impairments,
    private readonly random: Xoshiro128,
  ) {
    this.delayMs = options.delayMs ?? 0;
    this.jitterMs = options.jitterMs ?? 0;
    this.msPerByte = options.rate === undefined ? 0 : 8000 / options.rate;
    this.queueBytes = options.queueBytes ?? DEFAULT_QUEUE_BYTES;
    this.active = this.delayMs > 0 || this.jitterMs > 0 || this.msPerByte > 0;
  }

  /** Bytes that wait for the bottleneck or are being sent by it. */
  backlogBytes(now: number): number {
    return this.msPerByte === 0 ? 0 : Math.max(0, (this.busyUntil - now) / this.msPerByte);
  }

  /** Time at which a packet of `length` bytes that enters now comes out, or QUEUE_FULL. */
  pass(length: number, now: number): number {
    let out = now;
    if (this.msPerByte > 0) {
      // An idle bottleneck takes any packet; a busy one only what its queue holds (RFC 2309 calls it tail drop).
      if (this.busyUntil > now && this.backlogBytes(now) + length > this.queueBytes) return QUEUE_FULL;
      this.busyUntil = Math.max(this.busyUntil, now) + length * this.msPerByte;
      out = this.busyUntil;
    }
    out += this.delayMs;
    if (this.jitterMs > 0) out += (2 * this.random.fraction() - 1) * this.jitterMs;
    this.lastOut = Math.max(out, now, this.lastOut);
    return this.lastOut;
  }
}
