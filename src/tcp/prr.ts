// Proportional rate reduction (RFC 9937): how the congestion window sinks to `ssthresh` during a reduction, segment by
// segment as deliveries come in, so that there is neither a burst nor a pause.
import type { AckNews } from './ack-news.js';
import type { Connection } from './connection.js';
import { pipe } from './losses.js';

/** A reduction begins with so much in flight. */
export function beginReduction(c: Connection, news: AckNews): void {
  const { rtx } = c;
  // What is known to have arrived does not count; what this very ACK tells of was in flight until now.
  rtx.prrFlight = Math.max(news.priorInFlight, c.snd.mss);
  rtx.prrDelivered = 0;
  rtx.prrOut = 0;
}

/** Sets the window for what the ACK told. */
export function reduce(c: Connection, news: AckNews): void {
  const { rtx, congestion, snd } = c;
  if (news.deliveredBytes <= 0 && !(rtx.prrDelivered === 0 && news.lostBytes > 0)) return;
  rtx.prrDelivered += news.deliveredBytes;
  const inFlight = pipe(c);
  let sendCount: number;
  if (inFlight > congestion.ssthresh) {
    sendCount = Math.ceil((rtx.prrDelivered * congestion.ssthresh) / rtx.prrFlight) - rtx.prrOut;
  } else {
    // SafeACK: it moved SND.UNA and told of no further loss, so the path takes more than it gives.
    const isSafe = news.advanced && news.lostBytes === 0;
    sendCount = Math.max(rtx.prrDelivered - rtx.prrOut, news.deliveredBytes);
    if (isSafe) sendCount += snd.mss;
    sendCount = Math.min(congestion.ssthresh - inFlight, sendCount);
  }
  // The first retransmission of a recovery goes in any case.
  const least = rtx.prrOut === 0 ? snd.mss : 0;
  congestion.cwnd = inFlight + Math.max(sendCount, least);
}

/** A segment left during a reduction. */
export function noteSent(c: Connection, bytes: number): void {
  c.rtx.prrOut += bytes;
}
