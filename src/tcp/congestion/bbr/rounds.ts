// Round trips counted by packets: one ends when something is acknowledged that was sent after it began (BBR §5.5.1).
import type { RateSample } from './rate-sample.js';

/** The count of packet-timed round trips. */
export class Rounds {
  count = 0;
  /** The current acknowledgment ended a round trip. */
  isStart = false;
  /** Round trips since UP last began to wind down, give or take the one that chance adds. */
  sinceProbeUp = 0;
  private nextDelivered = 0;

  /** UpdateRound. */
  update(rs: RateSample): void {
    this.isStart = rs.priorDelivered >= this.nextDelivered;
    if (!this.isStart) return;
    this.nextDelivered = rs.totalDelivered;
    this.count++;
    this.sinceProbeUp++;
  }

  /** StartRound: a round trip begins with what is sent from now on. */
  restart(delivered: number): void {
    this.nextDelivered = delivered;
  }
}
