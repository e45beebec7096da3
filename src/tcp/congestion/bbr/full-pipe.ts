// Whether going faster still makes the data arrive faster (BBR §5.3.1.2). Asked in STARTUP and in UP.
import { FULL_BW_GROWTH, FULL_BW_ROUNDS } from './parameters.js';
import type { RateSample } from './rate-sample.js';

/** The search for a plateau of the delivery rate. */
export class FullPipe {
  /** The bandwidth was fully used at some time in the connection's life. */
  isReached = false;
  /** It was since the search last began. */
  isNow = false;
  private baseline = 0;
  private rounds = 0;

  /** A search begins. @param rate to grow from, bytes per ms */
  restart(rate: number): void {
    this.baseline = rate;
    this.rounds = 0;
    this.isNow = false;
  }

  /** CheckFullBWReached: a round trip is over. Without a delivery rate it is no evidence. */
  endOfRound(rs: RateSample): void {
    const rate = rs.deliveryRate;
    if (this.isNow || rs.isAppLimited || rate <= 0) return;
    if (rate >= this.baseline * FULL_BW_GROWTH) {
      this.restart(rate);
      return;
    }
    this.rounds++;
    if (this.rounds >= FULL_BW_ROUNDS) this.concede();
  }

  /** Losses say that it is full. */
  concede(): void {
    this.isNow = true;
    this.isReached = true;
  }
}
