// When received text is acknowledged: at once, or a little later together with something else (RFC 9293 §3.8.6.3).
import type { SegmentView } from '../wire/segment.js';
import type { Connection } from './connection.js';
import { AckDue } from './tcb.js';
import { Timer } from './timers.js';

/** Segments that are acknowledged at once where the peer begins in slow start, so that it is not held up. */
const QUICK_ACKS = 16;
/** Least delay in ms, however fast segments follow each other. */
const LEAST_DELAY_MS = 4;

/** How the acknowledgments of one connection adapt to what the peer sends and to what the application answers. */
export class DelayedAck {
  /** Segments still to be acknowledged at once. */
  quick = QUICK_ACKS;
  /** Twice the usual time between two segments of the peer, in ms; negative while nothing is known of it. */
  twiceGapMs = -1;
}

/**
 * A segment with payload arrives and another had arrived before. After a pause that is longer than a timeout the peer has
 * begun anew in slow start (RFC 5681 §4.1), unless what it sends is answered: then an ACK travels with each answer.
 */
export function notePause(c: Connection, now: number): void {
  const { delayedAck } = c;
  const gapMs = now - c.lastDataReceivedAt;
  if (gapMs > c.rtt.rto && !isAnswering(c)) delayedAck.quick = QUICK_ACKS;
  // Between two bursts nothing is learnt of the distance within them.
  if (gapMs < c.config.delayedAckMs) {
    const { twiceGapMs } = delayedAck;
    delayedAck.twiceGapMs = twiceGapMs < 0 ? 2 * gapMs : twiceGapMs / 2 + gapMs;
  }
}

/** The application sent something since the peer last did. */
function isAnswering(c: Connection): boolean {
  return c.dataSegmentsOut > 0 && c.lastDataSentAt >= c.lastDataReceivedAt;
}

/**
 * How long an acknowledgment may wait for a second segment: about until it must have come. Where the application answers,
 * and with a FIN, its answer is waited for as long as configured (RFC9293 MUST-40).
 */
export function ackDelay(c: Connection): number {
  const longest = c.config.delayedAckMs;
  const { twiceGapMs } = c.delayedAck;
  if (twiceGapMs < 0 || c.peerFinReached || c.bytesSent > 0) return longest;
  return Math.min(longest, Math.max(LEAST_DELAY_MS, twiceGapMs));
}

/**
 * Text or a FIN arrived in order: decides when its ACK is due. Segments that are processed in one batch share one ACK
 * anyhow, because ACKs leave only after the batch (RFC9293 MUST-58, MUST-59). Bytes count: what a link has joined is
 * acknowledged as the segments that it was.
 * @param filledHole true when it completed data that had arrived before it
 */
export function noteTextForAck(c: Connection, s: SegmentView, filledHole: boolean, now: number): void {
  const { payloadLength } = s;
  if (s.largestPayloadLength > c.rcv.largestPayload) c.rcv.largestPayload = s.largestPayloadLength;
  c.bytesSinceAck += payloadLength;
  if (c.ackDue === AckDue.NOW) return;
  // Two full segments (RFC9293 SHLD-19), a hole that closes (RFC 5681 §4.2), the first segments of a connection.
  const secondSegment = c.bytesSinceAck >= 2 * Math.min(c.rcv.largestPayload, c.config.receiveMss);
  // With a FIN the application may have an answer, or a FIN of its own, in a moment: that can carry the ACK.
  const quick = c.delayedAck.quick > 0 && !c.peerFinReached;
  if (quick) c.delayedAck.quick--;
  if (
    (payloadLength > 0 && secondSegment) ||
    filledHole ||
    quick ||
    c.quickAck ||
    c.config.delayedAckMs === 0
  ) {
    c.acknowledgeNow();
    return;
  }
  c.ackDue = AckDue.DELAYED;
  if (!c.timers.isSet(Timer.DELAYED_ACK)) c.startTimer(Timer.DELAYED_ACK, ackDelay(c), 0, now);
}

/** A segment with an up-to-date ACK field has left: nothing is owed. */
export function acknowledged(c: Connection, now: number): void {
  c.rcv.lastAcked = c.rcv.nxt;
  c.ackDue = AckDue.NONE;
  c.bytesSinceAck = 0;
  c.stopTimer(Timer.DELAYED_ACK, now);
}
