// An acceptable ACK, from its number and its options to everything that follows for the sender: what is released, what
// the round trip was, what is lost, how large the window is now, and which timers run.
import type { SegmentView } from '../wire/segment.js';
import { FIN } from '../wire/segment.js';
import { type Seq, seqDiff, seqGt, seqLeq, seqMin } from '../wire/seq.js';
import { AckNews, recordArrived } from './ack-news.js';
import type { Connection } from './connection.js';
import { ecnEchoArrives } from './ecn.js';
import { Event } from './events.js';
import { fastOpenAnswered } from './fast-open.js';
import { Mark } from './flight.js';
import { isJoined } from './joined.js';
import { pipe } from './losses.js';
import { judgeMtuProbe } from './mtu-probing.js';
import { countDuplicate, detectByDuplicates, forgetDuplicates } from './new-reno.js';
import { detectLosses } from './rack.js';
import { adjustWindow, advancePhase, reduceForRepairedLoss } from './recovery.js';
import { rearm, suspectReneging } from './retransmit.js';
import { takeSack } from './sack.js';
import { armLossProbe, probeRepairedLoss } from './tail-loss-probe.js';
import { Phase } from './tcb.js';
import { timestampEchoed } from './timestamps.js';
import { announceRoom } from './unsent.js';

const news = new AckNews();

/** Processes SEG.ACK, SACK, timestamp echo and congestion echo of a segment whose ACK is neither too old nor too new. */
export function takeAck(c: Connection, s: SegmentView, now: number): void {
  const { snd, rtx, flight } = c;
  news.begin(now, pipe(c), c.inFlight);
  if (s.payloadLength === 0) news.acks = s.segmentCount;
  news.window = s.wnd << snd.shift;
  news.isDuplicate = isDuplicate(c, s);
  news.ecnEcho = ecnEchoArrives(c, s);
  const echoedMs = timestampEchoed(c, s, now);
  if (echoedMs >= 0) news.echoedTick = Math.floor(now) - echoedMs;
  if (seqGt(s.ack, snd.una)) advance(c, s.ack);
  else if (!c.sackAgreed && news.isDuplicate && rtx.phase !== Phase.LOSS) countDuplicate(c, news);
  if (c.sackAgreed) takeSack(c, s, news);
  if (!hasNews()) return;
  if (news.synAcknowledged) fastOpenAnswered(c, s, now);

  if (news.deliveredBytes > 0) {
    c.rate.onDelivered(news.deliveredBytes, now);
    if (news.ecnEcho) rtx.markedBytes += news.deliveredBytes;
  }
  measureRoundTrip(c);
  measureRate(c);
  if (c.mtuProbing !== null) judgeMtuProbe(c, c.mtuProbing);
  news.lostBytes += c.sackAgreed ? detectLosses(c, now) : detectByDuplicates(c, news, now);
  if (probeRepairedLoss(c, s.ack, news)) reduceForRepairedLoss(c, news);
  advancePhase(c, news);
  if (rtx.phase !== Phase.LOSS) rtx.tally.onEnd(now);
  adjustWindow(c, news);
  c.pacer?.setRate(c.congestion.pacingRate!);
  if (news.advanced) rearm(c, now);
  if (flight.count > 0 && flight.mark(0) & Mark.SACKED) suspectReneging(c, now);
  if (news.advanced || news.sackedBytes > 0) armLossProbe(c, now);
  if (news.advanced) raiseSenderEvents(c);
}

/** The reordering timer fired: what is overdue now is lost (RFC 8985 §6.2 step 5). */
export function reorderingTimeout(c: Connection, now: number): void {
  news.begin(now, pipe(c), c.inFlight);
  news.lostBytes = detectLosses(c, now);
  advancePhase(c, news);
  adjustWindow(c, news);
}

/** RFC 5681 §2: the five marks of a duplicate ACK. What answers the probe of a closed window is none. */
function isDuplicate(c: Connection, s: SegmentView): boolean {
  return (
    s.ack === c.snd.una &&
    s.payloadLength === 0 &&
    (s.flags & FIN) === 0 &&
    c.inFlight > 0 &&
    c.snd.wnd > 0 &&
    news.window === c.snd.wnd
  );
}

function hasNews(): boolean {
  return news.advanced || news.isDuplicate || news.sackedBytes > 0 || news.duplicateReported || news.ecnEcho;
}

/** SND.UNA moves to `ack`, which lies in (SND.UNA, SND.NXT]. */
function advance(c: Connection, ack: Seq): void {
  const { snd, rtx, flight } = c;
  const bytes = seqDiff(ack, snd.una);
  const synAcknowledged = !snd.synAcknowledged;
  news.advanced = true;
  news.synAcknowledged = synAcknowledged;
  news.ackedBytes = synAcknowledged ? bytes - 1 : bytes;
  releaseFlight(c, ack);
  rtx.singleAcks = bytes <= snd.mss * news.acks && flight.count > 0 ? rtx.singleAcks + news.acks : 0;
  // A SYN is no data: no window grows for it.
  if (synAcknowledged) news.deliveredBytes--;
  releaseData(c, ack);
  snd.una = ack;
  snd.synAcknowledged = true;
  if (seqGt(ack, snd.up)) snd.up = ack;
  c.scoreboard?.dropBefore(ack);
  forgetDuplicates(c, bytes, news);
  rtx.resendHead = false;
  rtx.timeouts = 0;
  rtx.warned = false;
  rtx.probes = 0;
  rtx.since = news.now;
  if (synAcknowledged && rtx.synLost) c.rtt.restartAfterSynLoss();
}

/** Drops the records up to `ack`, noting what is told by them. */
function releaseFlight(c: Connection, ack: Seq): void {
  const { flight } = c;
  while (flight.count > 0 && seqLeq(flight.end(0), ack)) releaseFirst(c);
  if (seqGt(ack, flight.start)) releasePart(c, ack);
}

function releaseFirst(c: Connection): void {
  const { flight } = c;
  // What SACK had reported is no news.
  if ((flight.mark(0) & Mark.SACKED) === 0) recordArrived(c, 0, news, false);
  flight.shift();
}

/** Of segments that left as one, those up to `ack` are released as any others; less than one tells nothing of it. */
function releasePart(c: Connection, ack: Seq): void {
  const { flight } = c;
  if (isJoined(c, 0)) {
    flight.split(0, ack);
    releaseFirst(c);
    return;
  }
  if ((flight.mark(0) & Mark.SACKED) === 0) news.deliveredBytes += seqDiff(ack, flight.start);
  flight.trim(ack);
}

/** Releases the acknowledged bytes from the send buffer. */
function releaseData(c: Connection, ack: Seq): void {
  const buffer = c.sendBuffer;
  if (buffer === null) return;
  const upTo = seqMin(ack, buffer.end);
  c.bytesAcknowledged += seqDiff(upTo, buffer.start);
  buffer.acknowledge(upTo);
}

/**
 * RFC9293 MUST-18: never of anything sent twice, unless the timestamp echo tells which transmission is answered
 * (RFC 7323 §4.1).
 */
function measureRoundTrip(c: Connection): void {
  const { rtt } = c;
  const { now } = news;
  let sampleMs = -1;
  if (news.firstSentOnceAt >= 0 && !news.resentArrived) sampleMs = now - news.firstSentOnceAt;
  else if (!news.advanced && news.sackSentOnceAt >= 0) sampleMs = now - news.sackSentOnceAt;
  else if (news.advanced && news.echoedTick >= 0) sampleMs = Math.floor(now) - news.echoedTick;
  if (sampleMs >= 0) {
    rtt.sample(sampleMs, now, samplesPerRoundTrip(c));
    c.rtx.measuredSinceProbe = true;
    if (news.synAcknowledged) c.congestion.onHandshake?.(sampleMs, now);
    c.trace?.rttSampled(c, sampleMs, now);
  } else if (news.resentArrived) {
    c.trace?.rttSampled(c, -1, now);
  }
}

/** From the segment sent last among those that arrived; once for each ACK. */
function measureRate(c: Connection): void {
  if (news.newestSentAt < 0) return;
  news.deliveryRate = c.rate.sample(
    news.now,
    news.newestSentAt,
    news.delivered,
    news.deliveredAt,
    news.firstSentAt,
    news.isAppLimited,
    c.rtt.minRtt,
  );
}

/** RFC 7323 appendix G: with an ACK for every second segment each measurement counts for so much less. */
function samplesPerRoundTrip(c: Connection): number {
  return Math.max(1, Math.ceil(news.priorInFlight / (2 * c.snd.mss * news.acks)));
}

function raiseSenderEvents(c: Connection): void {
  announceRoom(c);
  if (c.inFlight === 0 && (c.sendBuffer === null || c.sendBuffer.length === 0))
    c.events |= Event.ALL_ACKNOWLEDGED;
}
