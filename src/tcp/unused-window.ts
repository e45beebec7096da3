// A window that the application did not use proves nothing (RFC 7661): where the validation of congestion/ meets the
// sender. For controllers that measure the path by themselves there is none.
import type { AckSample } from './congestion/controller.js';
import { initialWindow } from './congestion/initial-window.js';
import type { Connection } from './connection.js';

/** An ACK outside of recovery: may the window grow, and must it shrink for not having been used? */
export function validate(c: Connection, sample: AckSample): void {
  const { validation, congestion } = c;
  if (validation === null) return;
  const { now } = sample;
  validation.onAck(now, sample.deliveredBytes, sample.inFlight, sample.srttMs, congestion.cwnd);
  sample.windowLimited = validation.mayGrow(now, congestion.cwnd, sample.windowLimited);
  const least = initialWindow(c.snd.mss, c.config.initialWindowSegments);
  const window = validation.windowAt(now, congestion.cwnd, least);
  if (window >= congestion.cwnd) return;
  congestion.ssthresh = validation.thresholdAt(congestion.cwnd, congestion.ssthresh);
  congestion.cwnd = window;
}

/** Recovery begins: the most that the window may be, when it was larger than what was used (§4.4.1). */
export function windowAtLoss(c: Connection, sample: AckSample): number {
  const { validation, congestion, snd } = c;
  if (validation === null) return Number.POSITIVE_INFINITY;
  // A window that keeps data waiting is in use, also where the last round trip, in slow start, was but half of it.
  const unproven = c.windowLimited ? 0 : congestion.cwnd;
  return validation.windowAtLoss(sample.now, unproven, sample.flightBytes, snd.mss);
}

/** Recovery ends: what was sent again was not carried by the path the first time (§4.4.1). */
export function validateAfterRecovery(c: Connection, now: number): void {
  const { validation, congestion, snd, rtx } = c;
  if (validation === null) return;
  const window = validation.windowAfterRecovery(now, rtx.resentBytesInEpisode, snd.mss);
  if (window >= congestion.cwnd) return;
  congestion.cwnd = window;
  congestion.ssthresh = window;
}
