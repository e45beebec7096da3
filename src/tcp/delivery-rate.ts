// How fast the path delivers: the connection's share of delivery rate estimation (draft-ietf-ccwg-bbr §4.1). What each
// segment has to remember stays with the sender, who keeps it in typed arrays: at each transmission, after `onSend`, it
// copies `delivered`, `deliveredAt`, `firstSentAt`, `isAppLimited` and the time for the segment.

/**
 * Delivery rate of one connection. Bytes and clock milliseconds, rates in bytes per ms.
 *
 * The order for each acknowledgment: `appLimited` if the sender had run dry before it; `onDelivered` for all that is
 * newly delivered; then one `sample` from the record of the segment that was sent last among them.
 */
export class DeliveryRate {
  /** Bytes delivered in the connection's life. */
  delivered = 0;
  /** When `delivered` last grew, or when a flight began after an idle time. */
  deliveredAt = 0;
  /** When the segment was sent that was delivered last; for a flight that begins, its own start. */
  firstSentAt = 0;
  /** The sender had run dry: samples are app-limited until `delivered` is past this. 0: it had not. */
  appLimitedUntil = 0;
  /** Bytes ever held lost. */
  lost = 0;
  /** Length of the interval that the last sample covered, in ms. */
  intervalMs = 0;
  /**
   * The rate as shown to people (`TCP_INFO`): the last sample, without those that an idle application pulled down.
   * 0 before the first.
   */
  latestRate = 0;
  /** `latestRate` was measured while the application had too little to send. */
  latestIsAppLimited = false;

  /** The sender has lately had too little to send; what leaves now is to be recorded as app-limited. */
  get isAppLimited(): boolean {
    return this.appLimitedUntil > 0;
  }

  /**
   * A segment is about to leave.
   * @param nothingInFlight before this segment: both ends of the interval begin with it, so that idle time counts for nothing
   */
  onSend(now: number, nothingInFlight: boolean): void {
    if (!nothingInFlight) return;
    this.firstSentAt = now;
    this.deliveredAt = now;
  }

  /**
   * The windows and the pace would let a segment go, and there is none (§4.1.2.4). The gap leaves the path when
   * everything now in flight has arrived.
   */
  appLimited(inFlight: number): void {
    this.appLimitedUntil = Math.max(1, this.delivered + inFlight);
  }

  /** Bytes are newly known to have arrived, by SND.UNA or by SACK. */
  onDelivered(bytes: number, now: number): void {
    this.delivered += bytes;
    this.deliveredAt = now;
    if (this.delivered > this.appLimitedUntil) this.appLimitedUntil = 0;
  }

  /** Bytes are newly held lost. */
  onLost(bytes: number): void {
    this.lost += bytes;
  }

  /**
   * The delivery rate over the flight of one segment, newly delivered (§4.1.2.3).
   * @param sentAt when it left, for the last time
   * @param sentDelivered `delivered`, `deliveredAt`, `firstSentAt` and `isAppLimited` as it left
   * @param minRttMs least round trip of the connection, 0 for none yet: nothing is delivered in less, so that a shorter
   *   interval comes from an ACK of the original taken for one of the retransmission
   * @returns bytes per ms, or 0 when there is nothing to conclude
   */
  sample(
    now: number,
    sentAt: number,
    sentDelivered: number,
    sentDeliveredAt: number,
    sentFirstSentAt: number,
    wasAppLimited: boolean,
    minRttMs: number,
  ): number {
    this.firstSentAt = sentAt;
    // The slower of sending and acknowledging: ACKs that come in a bunch would show a rate that no path has (§4.1.1.2).
    const intervalMs = Math.max(sentAt - sentFirstSentAt, now - sentDeliveredAt);
    this.intervalMs = intervalMs;
    if (!(intervalMs > 0) || intervalMs < minRttMs) return 0;
    const rate = (this.delivered - sentDelivered) / intervalMs;
    if (!(rate > 0)) return 0;
    if (!wasAppLimited || rate >= this.latestRate) {
      this.latestRate = rate;
      this.latestIsAppLimited = wasAppLimited;
    }
    return rate;
  }
}
