// F-RTO (RFC 5682, with SACK as §3 has it): after a timeout the sender repeats one segment and then tries new data, until
// the acknowledgments tell whether the first transmissions were lost or only late.
import type { AckNews } from './ack-news.js';
import type { Connection } from './connection.js';
import { Doubt } from './tcb.js';
import { hasUnsent } from './unsent.js';

/** Segments of new data in step 2b. */
const NEW_SEGMENTS = 2;

/** Step 1: a timeout. Not for a SYN, and not when the same data times out once more. */
export function beginDoubt(c: Connection, isRepeated: boolean): void {
  c.rtx.doubt = isRepeated ? Doubt.NONE : Doubt.FIRST_ACK;
}

/**
 * Steps 2 and 3, at an ACK in the loss phase.
 * @returns true when the timeout was spurious
 */
export function judgeDoubt(c: Connection, news: AckNews): boolean {
  const { rtx } = c;
  if (rtx.doubt === Doubt.NONE) return false;
  const tellsNothingNew = news.isDuplicate || news.sackedBytes > 0;
  if (rtx.doubt === Doubt.NEW_DATA) {
    // Step 3b: what was sent only once, before the timeout, is there. Step 3a: only the new data is.
    if (news.originalArrived) return true;
    if (tellsNothingNew) {
      endDoubt(c);
      // Step 3: the window may be three segments now, of which two are the new ones. With SACK these free their place.
      if (!c.sackAgreed) rtx.resendHead = true;
    }
    return false;
  }
  if (news.advanced && canSendNew(c, news)) {
    // Step 2b. After an ACK of everything the loss phase ends, and the doubt with it (step 2a).
    rtx.doubt = Doubt.NEW_DATA;
    rtx.doubtSegments = NEW_SEGMENTS;
  } else if (news.advanced || tellsNothingNew) {
    // Step 2a.
    endDoubt(c);
  }
  return false;
}

/** The usual recovery goes on. */
export function endDoubt(c: Connection): void {
  c.rtx.doubt = Doubt.NONE;
}

/** The window is the one that the ACK offers, which is not in force yet. */
function canSendNew(c: Connection, news: AckNews): boolean {
  return hasUnsent(c) && c.inFlight < news.window;
}
