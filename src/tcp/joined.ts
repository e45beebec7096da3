// Segments that leave as one where the owner of the connection has them cut (segmentation offload): how many may, and the
// record of them in the flight, which is cut as soon as something is told of a part.

import { seqAdd, seqDiff, seqGeq } from '../wire/seq.js';
import { LONGEST_IP_PAYLOAD } from '../wire/tcp.js';
import type { Connection } from './connection.js';
import { pipe } from './losses.js';
import { Doubt } from './tcb.js';
import { payloadLimit } from './transmit.js';

/**
 * Sequence numbers that may leave behind each other as one, when the first segment may, with `length` of them: full
 * segments as far as both windows and the pace go, and what follows them if nothing would keep it back.
 */
export function joinedLength(c: Connection, length: number): number {
  const { snd, congestion, config, pacer } = c;
  const limit = payloadLimit(c);
  const unsent = seqDiff(c.finSeq, snd.nxt);
  const mostJoined = Math.min(config.joinedSendBytes, snd.mostJoined);
  if (length < limit || unsent <= limit || mostJoined < 2 * limit || !mayJoin(c)) return length;
  const usable = seqDiff(seqAdd(snd.una, snd.wnd), snd.nxt);
  const room = Math.min(usable, congestion.cwnd - Math.max(0, pipe(c)), mostJoined);
  const most = pacer === null ? room : Math.min(room, pacer.quantumBytes);
  const full = Math.max(1, Math.floor(Math.min(unsent, most) / limit)) * limit;
  if (unsent > most) return full;
  if (c.finQueued && usable > unsent) return unsent + 1;
  return !c.nagle && seqGeq(c.pushedUpTo, c.finSeq) ? unsent : full;
}

/**
 * As many of these bytes as leave in segments that are joined as far as they may be, if they are two of them or more: what is left over
 * would leave by itself each time, and be acknowledged by itself.
 */
export function wholeJoined(c: Connection, bytes: number): number {
  const limit = payloadLimit(c);
  const mostJoined = Math.min(c.config.joinedSendBytes, c.snd.mostJoined);
  if (mostJoined < 2 * limit || bytes < 2 * mostJoined) return bytes;
  return bytes - (bytes % (mostJoined - (mostJoined % limit)));
}

/**
 * An urgent pointer counts from each segment's own number; F-RTO and the search for the path's size want their segments one
 * by one.
 */
function mayJoin(c: Connection): boolean {
  const { snd, rtx } = c;
  return c.mtuProbing === null && snd.up === snd.una && rtx.doubt === Doubt.NONE;
}

/** From now on no more leaves as one than one IP packet can tell of. */
export function joinWithinIp(c: Connection): void {
  c.snd.mostJoined = LONGEST_IP_PAYLOAD;
}

/** Whether record `i` holds several segments. A FIN is no payload. */
export function isJoined(c: Connection, i: number): boolean {
  const { flight, snd } = c;
  const fin = c.finSent && flight.end(i) === snd.nxt ? 1 : 0;
  return flight.length(i) > snd.mss + fin;
}

/** Something is told of a part of record `i`: from now on each of its segments counts for itself. */
export function part(c: Connection, i: number): void {
  if (isJoined(c, i)) c.flight.cut(i, c.snd.mss);
}

/** Something is told of the first segment in flight only. */
export function partFirst(c: Connection): void {
  if (isJoined(c, 0)) c.flight.split(0, seqAdd(c.flight.start, c.snd.mss));
}
