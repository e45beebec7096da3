// Needless reductions and how they are taken back: the peer's echo of a time stamp shows that the first transmission had
// arrived (Eifel, RFC 3522), or it reports that every retransmission was a duplicate (D-SACK, RFC 3708). The window
// returns as RFC 4015 has it.
import { type Seq, seqDiff, seqGeq, seqGt, seqLeq } from '../wire/seq.js';
import type { AckNews } from './ack-news.js';
import type { Connection } from './connection.js';
import { Phase } from './tcb.js';

/**
 * A reduction begins: notes what it would return to. In a recovery that goes on, the first note stays; after a mark of
 * congestion, which is no mistake, it would return to what that has left.
 */
export function rememberForUndo(c: Connection): void {
  const { rtx, congestion, snd } = c;
  if (rtx.phase < Phase.RECOVERY) {
    const { cwnd, ssthresh } = congestion;
    rtx.priorCwnd = rtx.phase === Phase.OPEN ? cwnd : Math.min(cwnd, ssthresh);
    rtx.priorSsthresh = ssthresh;
  }
  rtx.undoable = true;
  rtx.undoFrom = snd.una;
  rtx.undoUntil = snd.una;
  rtx.resentInEpisode = 0;
  rtx.resentBytesInEpisode = 0;
  rtx.firstResentAt = -1;
}

/** Record `i` of the flight is sent again. */
export function noteResent(c: Connection, i: number, now: number): void {
  const { rtx, flight } = c;
  const end = flight.end(i);
  rtx.resentInEpisode++;
  rtx.resentBytesInEpisode += flight.length(i);
  if (seqGt(end, rtx.undoUntil)) rtx.undoUntil = end;
  if (rtx.firstResentAt < 0) rtx.firstResentAt = now;
}

/** The peer received [left, right) twice (RFC 2883). */
export function noteDuplicateReport(c: Connection, left: Seq, right: Seq, news: AckNews): void {
  const { rtx, rack, snd } = c;
  news.duplicateReported = true;
  rtx.duplicateReports++;
  rack.onDuplicateReported(c.bytesAcknowledged, c.inFlight);
  if (rtx.resentInEpisode === 0 || isOfProbe(c, right)) return;
  // What lies elsewhere the episode has not sent again: the network has doubled it.
  if (!seqGeq(left, rtx.undoFrom) || !seqLeq(right, rtx.undoUntil)) return;
  // A receiver that joins segments before it looks at them reports them together.
  const segments = Math.max(1, Math.floor(seqDiff(right, left) / snd.mss));
  rtx.resentInEpisode = Math.max(0, rtx.resentInEpisode - segments);
}

/** What ends at `right` was sent again by the last tail loss probe, before the reduction and as no part of it. */
function isOfProbe({ rtx }: Connection, right: Seq): boolean {
  return rtx.probeRepeats && right === rtx.probeEnd;
}

/** True when the present or last reduction is shown to be needless. */
export function wasNeedless(c: Connection, news: AckNews): boolean {
  const { rtx } = c;
  if (!rtx.undoable) return false;
  if (rtx.firstResentAt < 0) return arrivedByItself(c, news);
  return isOriginalEchoed(c, news) || rtx.resentInEpisode === 0;
}

/** The hole at SND.UNA closed before it could be sent again: the segment had only been overtaken. */
function arrivedByItself(c: Connection, news: AckNews): boolean {
  return c.sackAgreed && news.advanced && c.rtx.phase === Phase.RECOVERY;
}

/** The ACK was triggered by something that left before the first retransmission. */
function isOriginalEchoed(c: Connection, news: AckNews): boolean {
  return news.advanced && news.echoedTick >= 0 && news.echoedTick < Math.floor(c.rtx.firstResentAt);
}

/** Takes the reduction back. */
export function undo(c: Connection, now: number): void {
  const { rtx, congestion } = c;
  congestion.onSpurious(rtx.priorCwnd, rtx.priorSsthresh, now);
  rtx.undoable = false;
}
