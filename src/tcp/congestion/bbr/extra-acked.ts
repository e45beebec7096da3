// How much more than the bandwidth explains is acknowledged at a time: aggregation by radio links, by offloads and by
// receivers that acknowledge rarely (BBR §5.5.9).
import type { Bbr } from '../bbr.js';
import { EXTRA_ACKED_ROUNDS, EXTRA_ACKED_STARTUP_ROUNDS } from './parameters.js';

/** One maximum for each of the last round trips, the current one included. */
const SLOTS = EXTRA_ACKED_ROUNDS + 1;

/** The estimate of aggregation. */
export class ExtraAcked {
  /** Bytes to allow in flight on top, or the sender would stand still between two bunches of ACKs. */
  bytes = 0;
  private intervalStart = 0;
  private delivered = 0;
  private readonly maxima = new Float64Array(SLOTS);
  private lastRound = 0;

  /** Data begins to flow after an idle time: what came before it in a bunch is no part of the next one. */
  restart(): void {
    this.delivered = 0;
  }

  /** UpdateACKAggregation. While the pipe fills up, aggregation is forgotten after one round trip. */
  update(b: Bbr): void {
    const { now, newlyAcked } = b.rs;
    let expected = b.bw * (now - this.intervalStart);
    if (this.delivered <= expected) {
      this.delivered = 0;
      this.intervalStart = now;
      expected = 0;
    }
    this.delivered += newlyAcked;
    const round = b.rounds.count;
    this.forgetSkipped(round);
    const slot = round % SLOTS;
    const extra = Math.min(this.delivered - expected, b.cwnd);
    this.maxima[slot] = Math.max(this.maxima[slot]!, extra);
    this.bytes = this.maximumOf(
      round,
      b.fullPipe.isReached ? EXTRA_ACKED_ROUNDS : EXTRA_ACKED_STARTUP_ROUNDS,
    );
  }

  private forgetSkipped(round: number): void {
    for (let r = Math.max(this.lastRound + 1, round - EXTRA_ACKED_ROUNDS); r <= round; r++) {
      this.maxima[r % SLOTS] = 0;
    }
    this.lastRound = round;
  }

  private maximumOf(round: number, window: number): number {
    let most = 0;
    for (let r = Math.max(0, round - window); r <= round; r++) most = Math.max(most, this.maxima[r % SLOTS]!);
    return most;
  }
}
