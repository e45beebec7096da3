// When received text is acknowledged: at once, or a little later together with something else (RFC 9293 §3.8.6.3).
import type { Connection } from './connection.js';
import { AckDue } from './tcb.js';
import { Timer } from './timers.js';

/**
 * Text or a FIN arrived in order: decides when its ACK is due. Segments that are processed in one batch share one ACK
 * anyhow, because ACKs leave only after the batch (RFC9293 MUST-58, MUST-59).
 * @param filledHole true when it completed data that had arrived before it
 */
export function noteTextForAck(c: Connection, payloadLength: number, filledHole: boolean, now: number): void {
  if (payloadLength > c.rcv.largestPayload) c.rcv.largestPayload = payloadLength;
  c.bytesSinceAck += payloadLength;
  if (c.ackDue === AckDue.NOW) return;
  // Two full segments (RFC9293 SHLD-19), a hole that closes (RFC 5681 §4.2), the first segments of a connection.
  const secondSegment = c.bytesSinceAck >= 2 * Math.min(c.rcv.largestPayload, c.config.receiveMss);
  // With a FIN the application may have an answer, or a FIN of its own, in a moment: that can carry the ACK.
  const quick = payloadLength > 0 && c.quickAcks > 0 && !c.peerFinReached;
  if (quick) c.quickAcks--;
  if ((payloadLength > 0 && secondSegment) || filledHole || quick || c.config.delayedAckMs === 0) {
    c.acknowledgeNow();
    return;
  }
  c.ackDue = AckDue.DELAYED;
  if (!c.timers.isSet(Timer.DELAYED_ACK)) c.startTimer(Timer.DELAYED_ACK, c.config.delayedAckMs, 0, now);
}

/** A segment with an up-to-date ACK field has left: nothing is owed. */
export function acknowledged(c: Connection, now: number): void {
  c.rcv.lastAcked = c.rcv.nxt;
  c.ackDue = AckDue.NONE;
  c.bytesSinceAck = 0;
  c.stopTimer(Timer.DELAYED_ACK, now);
}
