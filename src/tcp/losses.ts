// What is thought to be on its way, and the act of holding a segment lost. On what grounds is told in rack.ts,
// new-reno.ts and retransmit.ts.
import { LONGEST_IP_PAYLOAD } from '../wire/tcp.js';
import type { LostSegment } from './congestion/controller.js';
import type { Connection } from './connection.js';
import { Mark, type SendSnapshot } from './flight.js';

/** Filled for each loss; controllers read it and keep nothing. */
const lostSegment: LostSegment & SendSnapshot = {
  seq: 0,
  bytes: 0,
  sentLost: 0,
  sentInFlight: 0,
  isAppLimited: false,
  delivered: 0,
  deliveredAt: 0,
  firstSentAt: 0,
  lost: 0,
  inFlight: 0,
};

/**
 * Bytes that are thought to be on their way (RFC 6675 §4, "pipe"): what was sent, without what arrived or is held lost,
 * and again what was sent again.
 */
export function pipe(c: Connection): number {
  const { flight, rtx } = c;
  return c.inFlight - flight.sackedBytes - flight.lostBytes + flight.resentBytes - rtx.dupAckBytes;
}

/** All of record `i` is lost: if it was a packet longer than IP can tell, the path may not take such, and is given none again. */
export function heedLostLong(c: Connection, i: number): void {
  if (c.flight.length(i) > LONGEST_IP_PAYLOAD) c.snd.mostJoined = LONGEST_IP_PAYLOAD;
}

/** Holds record `i`, or its retransmission, lost: it is due to be sent again. */
export function holdLost(c: Connection, i: number, now: number): void {
  const { flight, rate } = c;
  flight.unmark(i, Mark.RESENT);
  flight.setMark(i, Mark.LOST);
  heedLostLong(c, i);
  const bytes = flight.length(i);
  rate.onLost(bytes);
  if (c.congestion.onSegmentLost === undefined) return;
  flight.snapshot(i, lostSegment);
  lostSegment.seq = flight.begin(i);
  lostSegment.bytes = bytes;
  lostSegment.sentLost = lostSegment.lost;
  lostSegment.sentInFlight = lostSegment.inFlight;
  c.congestion.onSegmentLost(lostSegment, now);
}
