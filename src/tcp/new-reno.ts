// Losses told by duplicate ACKs, where the peer has no SACK: the third one holds the first segment lost (RFC 5681 §3.2),
// and each partial ACK the next (RFC 6582). Each duplicate also tells that one segment more has left the network.
import { seqAdd, seqGt } from '../wire/seq.js';
import type { AckNews } from './ack-news.js';
import type { Connection } from './connection.js';
import { Mark } from './flight.js';
import { partFirst } from './joined.js';
import { holdLost } from './losses.js';
import { Phase } from './tcb.js';

/** Duplicate ACKs that mean a loss. */
const THRESHOLD = 3;

/** One more duplicate ACK. No more can have left the network than was in flight at the first, whatever a peer invents. */
export function countDuplicate(c: Connection, news: AckNews): void {
  const { rtx, snd } = c;
  if (rtx.dupAcks++ === 0) {
    // The segment that is missing has not left; but the first two duplicates count in any case (RFC 3042 §2).
    const most = Math.max(2 * snd.mss, c.inFlight - c.flight.lostBytes - snd.mss);
    rtx.dupAckLimit = Math.min(c.inFlight, most);
  }
  const added = Math.max(0, Math.min(snd.mss, rtx.dupAckLimit - rtx.dupAckBytes));
  rtx.dupAckBytes += added;
  news.deliveredBytes += added;
}

/** SND.UNA moved by `bytes`: what duplicates had told of is among them. */
export function forgetDuplicates(c: Connection, bytes: number, news: AckNews): void {
  const { rtx, snd } = c;
  // Once SND.UNA is past it `recover` stays just behind: 2 GiB further on it would seem to lie ahead.
  if (rtx.phase === Phase.OPEN && seqGt(snd.una, rtx.recover)) rtx.recover = seqAdd(snd.una, -1);
  rtx.dupAcks = 0;
  // The hole that the ACK fills is the one segment that no duplicate has told of.
  const told = Math.min(rtx.dupAckBytes, Math.max(0, bytes - snd.mss));
  rtx.dupAckBytes = c.inFlight === 0 ? 0 : rtx.dupAckBytes - told;
  news.deliveredBytes = Math.max(0, news.deliveredBytes - told);
}

/** Holds the first segment lost when the ACK gives reason to. Returns the bytes newly held lost. */
export function detectByDuplicates(c: Connection, news: AckNews, now: number): number {
  const { rtx, flight, snd } = c;
  const third = rtx.dupAcks === THRESHOLD && seqGt(snd.una, rtx.recover);
  const partial = rtx.phase === Phase.RECOVERY && news.advanced && seqGt(rtx.recover, snd.una);
  if (!third && !partial) return 0;
  // A partial ACK sends the next segment again at once (RFC 6582 §3.2 step 3).
  if (partial) rtx.resendHead = true;
  if (flight.mark(0) & Mark.LOST) return 0;
  partFirst(c);
  holdLost(c, 0, now);
  return flight.length(0);
}
