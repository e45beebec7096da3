// What is sent again: the segments held lost, oldest first, cut and joined to the size that the path takes now.
import { seqAdd, seqDiff, seqGt, seqMin } from '../wire/seq.js';
import type { Connection } from './connection.js';
import { Limit } from './limit.js';
import { pipe } from './losses.js';
import type { SegmentSink } from './segment-out.js';
import { noteProbe } from './tail-loss-probe.js';
import { Doubt } from './tcb.js';
import { payloadLimit, sendAgain, sendNew } from './transmit.js';
import { noteResent } from './undo.js';
import { sequenceEnd } from './unsent.js';

/** Segments held lost wait to be sent again, and nothing keeps them back but the window. */
export function hasDue(c: Connection): boolean {
  return c.flight.dueBytes > 0 && c.rtx.doubt !== Doubt.NEW_DATA;
}

/** The record that the windows let go next, or the negative `Limit` that keeps it back. There is one that is due. */
export function dueWithinWindow(c: Connection): number {
  const i = c.flight.nextDue();
  const length = sendableLength(c, i);
  if (length <= 0) return -Limit.RECEIVE_WINDOW;
  const inFlight = pipe(c);
  return inFlight > 0 && c.congestion.cwnd - inFlight < length ? -Limit.CONGESTION_WINDOW : i;
}

/** Sends record `i`, which is due, as one segment. */
export function sendDue(c: Connection, i: number, now: number, sink: SegmentSink): void {
  fit(c, i);
  noteResent(c, i, now);
  sendAgain(c, i, now, sink);
}

/**
 * Sends the oldest segment again, whatever the congestion window says: our SYN, or what was thrown at a closed window.
 * Behind a probe of one octet there is more to send along with it.
 */
export function sendHead(c: Connection, now: number, sink: SegmentSink): void {
  const { flight, snd } = c;
  if (flight.count === 0) return;
  if (snd.synAcknowledged) {
    if (flight.count === 1 && flight.length(0) === 1) {
      const end = seqMin(sequenceEnd(c), seqAdd(snd.una, Math.min(payloadLimit(c), snd.wnd)));
      if (seqGt(end, snd.nxt)) {
        // What joins the octet leaves for the first time.
        c.bytesResent -= seqDiff(seqMin(end, c.finSeq), snd.nxt);
        flight.extendLast(end);
        snd.nxt = end;
      }
    }
    if (sendableLength(c, 0) <= 0) return;
    fit(c, 0);
  }
  sendAgain(c, 0, now, sink);
}

/** The tail loss probe (RFC 8985 §7.3): new data if the peer's window takes it, else the last segment again. */
export function sendLossProbe(c: Connection, now: number, sink: SegmentSink): void {
  const { flight, snd } = c;
  const limit = payloadLimit(c);
  const length = Math.min(seqDiff(sequenceEnd(c), snd.nxt), limit, snd.wnd - c.inFlight);
  if (length > 0) {
    sendNew(c, length, now, sink);
    noteProbe(c, false);
    return;
  }
  const last = flight.count - 1;
  if (flight.length(last) > capacityUpTo(c, last)) flight.split(last, seqAdd(flight.end(last), -limit));
  sendAgain(c, flight.count - 1, now, sink);
  noteProbe(c, true);
}

/** Numbers of record `i` that one segment may carry within the peer's window. A FIN is no payload. */
function sendableLength(c: Connection, i: number): number {
  const { flight, snd } = c;
  const begin = flight.begin(i);
  const inWindow = seqDiff(seqAdd(snd.una, snd.wnd), begin);
  const length = flight.length(i);
  return Math.min(length <= capacityUpTo(c, i) ? length : payloadLimit(c), inWindow);
}

/** Sequence numbers that a segment ending with record `i` may hold. */
function capacityUpTo(c: Connection, i: number): number {
  return payloadLimit(c) + (c.finSent && c.flight.end(i) === c.snd.nxt ? 1 : 0);
}

/** Cuts record `i` to what one segment may carry, or joins those behind it that fit and are due as well. */
function fit(c: Connection, i: number): void {
  const { flight } = c;
  const length = sendableLength(c, i);
  if (length < flight.length(i)) {
    flight.split(i, seqAdd(flight.begin(i), length));
    return;
  }
  const inWindow = seqDiff(seqAdd(c.snd.una, c.snd.wnd), flight.begin(i));
  if (!flight.isDue(i)) return;
  while (i + 1 < flight.count && flight.isDue(i + 1)) {
    const joined = flight.length(i) + flight.length(i + 1);
    if (joined > capacityUpTo(c, i + 1) || joined > inWindow) break;
    flight.merge(i);
  }
}
