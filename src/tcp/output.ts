// What leaves, and when: SYN, data, FIN, retransmissions, probes and bare ACKs, within the peer's window, the
// congestion window, Nagle's rule and silly-window avoidance (RFC 9293 §3.7.4, §3.8.6).
import { seqAdd, seqDiff, seqGeq } from '../wire/seq.js';
import type { Connection } from './connection.js';
import { bareAckSeq } from './fast-open.js';
import { joinedLength } from './joined.js';
import { Limit } from './limit.js';
import { pipe } from './losses.js';
import { mtuProbeLength, noteMtuProbe } from './mtu-probing.js';
import { armPersist } from './persist.js';
import { dueWithinWindow, hasDue, sendDue, sendHead, sendLossProbe } from './resend.js';
import type { SegmentSink } from './segment-out.js';
import { State } from './state.js';
import { armLossProbe } from './tail-loss-probe.js';
import { AckDue, Doubt } from './tcb.js';
import { Timer } from './timers.js';
import {
  payloadLimit,
  sendBareAck,
  sendFirstOctetAgain,
  sendNew,
  sendOwedAck,
  sendPendingReset,
  sendSyn,
} from './transmit.js';
import { announceRoom, hasUnsent, isBusy, isStalled, whyNothingUnsent } from './unsent.js';

/** Sends all that may be sent now. Returns false when the sink filled up before the end. */
export function pollTransmit(c: Connection, now: number, sink: SegmentSink): boolean {
  const before = c.snd.nxt;
  let limit = transmitAll(c, now, sink);
  const done = limit !== Limit.LINK;
  // What left makes room behind it.
  if (announceRoom(c) && limit === Limit.SEND_BUFFER) limit = Limit.APPLICATION;
  noteLimit(c, limit, now);
  watch(c, done, now);
  if (c.snd.nxt !== before) armLossProbe(c, now);
  return done;
}

/** Instead of `pollTransmit` while the way out is full. */
export function heldBack(c: Connection, now: number): void {
  noteLimit(c, Limit.LINK, now);
  watch(c, false, now);
}

/** A full link is to blame only for what would leave otherwise. */
function noteLimit(c: Connection, limit: Limit, now: number): void {
  const own = limit === Limit.LINK ? limitOf(c) : limit;
  c.limited.note(own === Limit.NONE ? Limit.LINK : own, isBusy(c), now);
}

/**
 * What is in flight, and what a full link holds back, is watched by a timer, however it came there: windows may open
 * and close again within one batch. With a closed window the timeout becomes a probe by itself.
 */
function watch(c: Connection, done: boolean, now: number): void {
  if (c.state < State.SYN_SENT) return;
  if (c.timers.isSet(Timer.RETRANSMISSION) || c.timers.isSet(Timer.PERSIST)) return;
  if (c.inFlight === 0) {
    if (done || !isStalled(c)) return;
    c.rtx.since = now;
  }
  c.startTimer(Timer.RETRANSMISSION, c.rtt.rto, c.rtx.timeouts, now);
}

/** Returns what stopped it: `LINK` when the sink filled up before the end. */
function transmitAll(c: Connection, now: number, sink: SegmentSink): Limit {
  if (c.pendingReset !== null) {
    if (!sink.writable) return Limit.LINK;
    sendPendingReset(c, now, sink);
  }
  if (c.state < State.SYN_SENT) return Limit.FINISHED;
  while (c.ecn.owedCount > 0) {
    if (!sink.writable) return Limit.LINK;
    sendOwedAck(c, now, sink);
  }
  while (c.duplicateAcksDue > 0) {
    if (!sink.writable) return Limit.LINK;
    c.duplicateAcksDue--;
    sendBareAck(c, c.snd.nxt, now, sink);
  }
  let limit: Limit = Limit.FINISHED;
  if (c.state !== State.TIME_WAIT) {
    do limit = sendNextSequenced(c, now, sink);
    while (limit === Limit.NONE);
  }
  if (c.keepAliveDue) {
    if (!sink.writable) return Limit.LINK;
    c.keepAliveDue = false;
    // RFC9293 SHLD-12: an old number and no data; the peer answers with an ACK.
    sendBareAck(c, seqAdd(c.snd.nxt, -1), now, sink);
  }
  if (c.ackDue === AckDue.NOW) {
    if (!sink.writable) return Limit.LINK;
    sendBareAck(c, bareAckSeq(c), now, sink);
  }
  return limit;
}

/** Whether there is anything for `pollTransmit` to do. */
export function wantsTransmit(c: Connection): boolean {
  if (c.pendingReset !== null) return true;
  if (c.state < State.SYN_SENT) return false;
  if (c.ackDue === AckDue.NOW || c.duplicateAcksDue > 0 || c.keepAliveDue) return true;
  return limitOf(c) === Limit.NONE && !isPacing(c);
}

/** What keeps the next segment that takes sequence numbers from leaving, the link and the pace apart. */
function limitOf(c: Connection): Limit {
  if (c.state < State.SYN_SENT || c.state === State.TIME_WAIT) return Limit.FINISHED;
  const { rtx } = c;
  if (rtx.resendHead || rtx.probeNow || rtx.lossProbeDue) return Limit.NONE;
  if (hasDue(c)) return limitIn(dueWithinWindow(c));
  return c.snd.synWaits ? Limit.NONE : limitIn(newDataLength(c));
}

/** A length or an index that is negative is a limit. */
function limitIn(answer: number): Limit {
  return answer < 0 ? (-answer as Limit) : Limit.NONE;
}

/** What keeps the next segment from leaving at this moment, also in the midst of a turn. */
export function limitNow(c: Connection): Limit {
  const limit = limitOf(c);
  if (limit !== Limit.NONE) return limit;
  // It would leave with the next transmission, unless what stopped the last one still does.
  return c.limited.by === Limit.LINK || isPacing(c) ? c.limited.by : Limit.NONE;
}

/** The pace stopped the last transmission, and its time has not come. */
function isPacing(c: Connection): boolean {
  return c.limited.by === Limit.PACING && c.timers.isSet(Timer.PACING);
}

/** One segment that occupies sequence numbers, the most urgent first. Returns `NONE`, or why there is none to send. */
function sendNextSequenced(c: Connection, now: number, sink: SegmentSink): Limit {
  if (!sink.writable) return Limit.LINK;
  const { rtx, snd } = c;
  if (rtx.probeNow) {
    rtx.probeNow = false;
    sendWindowProbe(c, now, sink);
    return Limit.NONE;
  }
  if (rtx.resendHead) {
    rtx.resendHead = false;
    sendHead(c, now, sink);
    return Limit.NONE;
  }
  if (rtx.lossProbeDue) {
    rtx.lossProbeDue = false;
    if (c.flight.count > 0) sendLossProbe(c, now, sink);
    return Limit.NONE;
  }
  if (hasDue(c)) {
    const i = dueWithinWindow(c);
    if (i < 0) return limitIn(i);
    if (!isPaced(c, now)) return Limit.PACING;
    sendDue(c, i, now, sink);
    return Limit.NONE;
  }
  if (snd.synWaits) {
    sendSyn(c, now, sink);
    return Limit.NONE;
  }
  return sendNewData(c, now, sink);
}

/** New data, FIN included, as far as windows and the rules against small segments allow. */
function sendNewData(c: Connection, now: number, sink: SegmentSink): Limit {
  const { rtx } = c;
  restartIdle(c, now);
  const length = newDataLength(c);
  if (length < 0) {
    if (c.inFlight === 0 && hasUnsent(c)) armPersist(c, now);
    else if (length !== -Limit.CONGESTION_WINDOW) c.rate.appLimited(Math.max(0, pipe(c)));
    return limitIn(length);
  }
  if (!isPaced(c, now)) return Limit.PACING;
  rtx.override = false;
  if (rtx.doubtSegments > 0) rtx.doubtSegments--;
  const probe = c.mtuProbing === null ? 0 : mtuProbeLength(c, c.mtuProbing, now);
  if (probe > 0) {
    sendNew(c, probe, now, sink);
    noteMtuProbe(c, c.mtuProbing!, probe);
    return Limit.NONE;
  }
  const joined = joinedLength(c, length);
  sendNew(c, joined, now, sink, joined > length ? payloadLimit(c) : 0);
  return Limit.NONE;
}

/** A paced connection waits until its next quantum may leave. */
function isPaced(c: Connection, now: number): boolean {
  const { pacer } = c;
  if (pacer === null || pacer.allows(now)) return true;
  c.timers.set(Timer.PACING, pacer.nextAt(now));
  return false;
}

/**
 * Sequence numbers that the next segment of new data may carry, or the negative `Limit` that keeps it back
 * (RFC9293 MUST-38: §3.8.6.2.1).
 */
function newDataLength(c: Connection): number {
  if (!hasUnsent(c)) return -whyNothingUnsent(c);
  const { snd, rtx } = c;
  // F-RTO allows two segments, and then waits for what they bring (RFC 5682 §2.1).
  if (rtx.doubt === Doubt.NEW_DATA && rtx.doubtSegments === 0) return -Limit.F_RTO;
  const unsentData = seqDiff(c.finSeq, snd.nxt);
  const usable = seqDiff(seqAdd(snd.una, snd.wnd), snd.nxt);
  if (usable <= 0) return -Limit.RECEIVE_WINDOW;
  const limit = payloadLimit(c);
  const wanted = Math.min(unsentData, limit);
  const inFlight = pipe(c);
  if (inFlight > 0 && c.congestion.cwnd - inFlight < wanted) return -Limit.CONGESTION_WINDOW;
  const sendable = Math.min(wanted, usable);
  // With nothing else unsent it leaves alone.
  const withFin = c.finQueued && sendable === unsentData && usable > sendable;
  if (sendable === limit || withFin || rtx.override) return sendable + (withFin ? 1 : 0);
  const idle = c.inFlight === 0 || !c.nagle || isOnlySynInFlight(c);
  // The window cuts it short: worth a segment only when half of what the peer ever offered is free.
  if (sendable < unsentData) return idle && sendable >= snd.maxWnd / 2 ? sendable : -Limit.RECEIVE_WINDOW;
  if (!seqGeq(c.pushedUpTo, c.finSeq)) return -Limit.APPLICATION;
  if (idle) return sendable;
  // Who has filled the buffer would make a full segment of it, if there were room.
  return c.writeBlocked ? -Limit.SEND_BUFFER : -Limit.NAGLE;
}

/** Our SYN alone is unanswered: no short segment is, which Nagle's rule is about. */
function isOnlySynInFlight({ snd }: Connection): boolean {
  return !snd.synAcknowledged && snd.nxt === seqAdd(snd.iss, 1);
}

/** A probe of a closed window: one octet beyond it, or the oldest octet again (§3.8.6.1). */
function sendWindowProbe(c: Connection, now: number, sink: SegmentSink): void {
  if (c.inFlight > 0) sendFirstOctetAgain(c, now, sink);
  else if (hasUnsent(c)) sendNew(c, 1, now, sink);
}

/** RFC 5681 §4.1: after a pause the old window proves nothing. */
function restartIdle(c: Connection, now: number): void {
  if (c.inFlight > 0 || c.lastDataSentAt < 0 || !hasUnsent(c)) return;
  const idleMs = now - c.lastDataSentAt;
  if (idleMs > c.rtt.rto) c.congestion.onIdle(idleMs);
}
