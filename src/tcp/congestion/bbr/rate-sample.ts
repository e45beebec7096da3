// What one acknowledgment says, in the draft's terms (RS, BBR §2.3). It is handed round as a whole: a number with a
// fraction that crosses a call may cost an allocation.
import type { AckSample } from '../controller.js';

/** Overwritten by each acknowledgment. Bytes, bytes per ms, ms. */
export class RateSample {
  now = 0;
  /** Newly delivered by this acknowledgment. */
  newlyAcked = 0;
  /** Delivered while the newest of those segments was on its way. */
  delivered = 0;
  /** Delivered before it left; -1 when nothing was newly delivered. */
  priorDelivered = -1;
  /** Delivered in all. */
  totalDelivered = 0;
  /** 0: no sample. */
  deliveryRate = 0;
  isAppLimited = false;
  /** In flight just after it left. */
  txInFlight = 0;
  /** Held lost since it left. */
  lost = 0;
  /** -1: no sample. */
  rttMs = -1;
  /** In flight before and after this acknowledgment. */
  priorInFlight = 0;
  inFlight = 0;

  take(s: AckSample, isAppLimited: boolean): void {
    const hasSegment = s.sentDelivered >= 0;
    this.now = s.now;
    this.newlyAcked = s.deliveredBytes;
    this.delivered = hasSegment ? s.totalDelivered - s.sentDelivered : 0;
    this.priorDelivered = s.sentDelivered;
    this.totalDelivered = s.totalDelivered;
    this.deliveryRate = s.deliveryRate;
    this.isAppLimited = isAppLimited;
    this.txInFlight = hasSegment ? s.sentInFlight : 0;
    this.lost = hasSegment ? s.totalLost - s.sentLost : 0;
    this.rttMs = s.rttMs;
    this.priorInFlight = s.priorInFlight;
    this.inFlight = s.inFlight;
  }
}
