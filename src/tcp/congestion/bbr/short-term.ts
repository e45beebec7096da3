// What the last round trips delivered, and the bounds that losses put on pace and window until the next probe for
// bandwidth (BBR §5.5.10.3).
import { BETA } from './parameters.js';
import type { RateSample } from './rate-sample.js';

/** The short-term model. Bytes, bytes per ms. */
export class ShortTerm {
  /** Bounds; Infinity while there was no loss. */
  bw = Number.POSITIVE_INFINITY;
  inflight = Number.POSITIVE_INFINITY;
  /** Highest delivery rate, and most data delivered, over one round trip. */
  bwLatest = 0;
  inflightLatest = 0;
  isLossInRound = false;
  /** The current acknowledgment ended a round trip, counted from the first loss in it. */
  isRoundStart = false;
  private roundDelivered = 0;
  private roundIsDue = false;

  /** The first loss of a round trip: let it end one round trip from here, to see all that it delivers. */
  noteLoss(): void {
    if (!this.isLossInRound) this.roundIsDue = true;
    this.isLossInRound = true;
  }

  /** A loss is noted before it is known what the same acknowledgment delivered; now it is. */
  settle(delivered: number): void {
    if (!this.roundIsDue) return;
    this.roundIsDue = false;
    this.roundDelivered = delivered;
  }

  /** UpdateLatestDeliverySignals. */
  update(rs: RateSample): void {
    this.bwLatest = Math.max(this.bwLatest, rs.deliveryRate);
    this.inflightLatest = Math.max(this.inflightLatest, rs.delivered);
    this.isRoundStart = rs.priorDelivered >= this.roundDelivered;
    if (this.isRoundStart) this.roundDelivered = rs.totalDelivered;
  }

  /** AdvanceLatestDeliverySignals: the next round trip is measured on its own. */
  advance(rs: RateSample): void {
    if (!this.isRoundStart) return;
    this.bwLatest = rs.deliveryRate;
    this.inflightLatest = rs.delivered;
  }

  /** A round trip with losses: come down to what got through, by no more than 30 %. */
  adapt(maxBw: number, cwnd: number): void {
    const bw = this.bw === Number.POSITIVE_INFINITY ? maxBw : this.bw;
    const inflight = this.inflight === Number.POSITIVE_INFINITY ? cwnd : this.inflight;
    this.bw = Math.max(this.bwLatest, BETA * bw);
    this.inflight = Math.max(this.inflightLatest, Math.floor(BETA * inflight));
  }

  /** ResetCongestionSignals. */
  resetSignals(): void {
    this.isLossInRound = false;
    this.bwLatest = 0;
    this.inflightLatest = 0;
  }

  /** ResetShortTermModel. */
  resetBounds(): void {
    this.bw = Number.POSITIVE_INFINITY;
    this.inflight = Number.POSITIVE_INFINITY;
  }
}
