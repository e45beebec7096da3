// What one acknowledgment told: how much arrived, when that had been sent, and what it says about losses. Filled while the
// flight is walked, read by everything that follows from it.
import { type Seq, seqGeq, seqLeq } from '../wire/seq.js';
import type { Connection } from './connection.js';
import { Mark, type SendSnapshot } from './flight.js';
import { noteDelivered } from './rack.js';

/** The news of the acknowledgment under way. One object for all connections. */
export class AckNews implements SendSnapshot {
  now = 0;
  /** Bytes thought to be on their way before, and bytes sent and not acknowledged. */
  priorInFlight = 0;
  flightBytes = 0;
  /** Whether SND.UNA moved, and by how many bytes of data and FIN. */
  advanced = false;
  /** Acknowledgments for which it stands. */
  acks = 1;
  /** It is the first ACK: our SYN arrived. */
  synAcknowledged = false;
  ackedBytes = 0;
  /** Bytes newly known to have arrived, by whatever means. */
  deliveredBytes = 0;
  /** Bytes newly reported by SACK. */
  sackedBytes = 0;
  lostBytes = 0;
  /** The window that it offers, in bytes. */
  window = 0;
  /** A duplicate ACK by the rules of RFC 5681 §2. */
  isDuplicate = false;
  /** Something that was sent only once, before the present episode began, arrived: that transmission was not lost. */
  originalArrived = false;
  /** Something arrived that had been sent more than once. */
  resentArrived = false;
  /** When the oldest and the latest of what is newly acknowledged and was sent only once were sent; -1 for none. */
  firstSentOnceAt = -1;
  lastSentOnceAt = -1;
  /** The same for what is newly reported by SACK. */
  sackSentOnceAt = -1;
  /** The peer received something twice (RFC 2883), and whether that was a retransmission of the present episode. */
  duplicateReported = false;
  /** Clock tick in which what triggered this ACK was sent, by its timestamp echo; -1 when unknown. */
  echoedTick = -1;
  /** The peer echoes a congestion mark. */
  ecnEcho = false;

  /** What was noted at the transmission of the newest segment that arrived; `newestSentAt` is -1 when none did. */
  newestSentAt = -1;
  newestEnd: Seq = 0;
  delivered = 0;
  deliveredAt = 0;
  firstSentAt = 0;
  lost = 0;
  inFlight = 0;
  isAppLimited = false;
  /** Delivery rate that follows from it in bytes per ms, 0 for none. */
  deliveryRate = 0;

  /** Empties it. */
  begin(now: number, priorInFlight: number, flightBytes: number): void {
    this.now = now;
    this.priorInFlight = priorInFlight;
    this.flightBytes = flightBytes;
    this.advanced = false;
    this.acks = 1;
    this.synAcknowledged = false;
    this.deliveryRate = 0;
    this.ackedBytes = 0;
    this.deliveredBytes = 0;
    this.sackedBytes = 0;
    this.lostBytes = 0;
    this.isDuplicate = false;
    this.originalArrived = false;
    this.resentArrived = false;
    this.firstSentOnceAt = -1;
    this.lastSentOnceAt = -1;
    this.sackSentOnceAt = -1;
    this.duplicateReported = false;
    this.echoedTick = -1;
    this.ecnEcho = false;
    this.newestSentAt = -1;
  }
}

/** Record `i` arrived, by SND.UNA or by SACK. */
export function recordArrived(c: Connection, i: number, news: AckNews, bySack: boolean): void {
  const { flight } = c;
  const marks = flight.mark(i);
  const end = flight.end(i);
  const sentAt = flight.sentAt(i);
  const bytes = flight.length(i);
  news.deliveredBytes += bytes;
  if (bySack) news.sackedBytes += bytes;
  if (marks & Mark.EVER_RESENT) {
    news.resentArrived = true;
  } else {
    if (seqLeq(end, c.rtx.recover)) news.originalArrived = true;
    if (bySack) {
      if (news.sackSentOnceAt < 0) news.sackSentOnceAt = sentAt;
    } else {
      if (news.firstSentOnceAt < 0) news.firstSentOnceAt = sentAt;
      news.lastSentOnceAt = sentAt;
    }
  }
  if (sentAt > news.newestSentAt || (sentAt === news.newestSentAt && seqGeq(end, news.newestEnd))) {
    news.newestSentAt = sentAt;
    news.newestEnd = end;
    flight.snapshot(i, news);
  }
  if (c.sackAgreed) noteDelivered(c, i, news, bySack);
}
