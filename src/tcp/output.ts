// What leaves, and when: SYN, data, FIN, retransmissions, probes and bare ACKs, within the peer's window, the
// congestion window, Nagle's rule and silly-window avoidance (RFC 9293 §3.7.4, §3.8.6).
import { ACK, FIN, PSH, SYN, URG } from '../wire/segment.js';
import { type Seq, seqAdd, seqDiff, seqGeq, seqGt, seqLeq, seqMin } from '../wire/seq.js';
import { acknowledged } from './acknowledge.js';
import type { Connection } from './connection.js';
import { armPersist } from './persist.js';
import { pipe } from './retransmit.js';
import { SegmentOut, type SegmentSink } from './segment-out.js';
import { State } from './state.js';
import { writeSynOptions } from './syn-options.js';
import { AckDue } from './tcb.js';
import { Timer } from './timers.js';
import { hasUnsent, isStalled, sequenceEnd } from './unsent.js';
import { takeWindowField } from './window.js';

/** Reused for every segment of every connection: it is filled and handed to the sink in one go. */
const out = new SegmentOut();

const MAX_URGENT_POINTER = 65_535;

/** Sends all that may be sent now. Returns false when the sink filled up before the end. */
export function pollTransmit(c: Connection, now: number, sink: SegmentSink): boolean {
  const done = transmitAll(c, now, sink);
  watch(c, done, now);
  return done;
}

/**
 * What is in flight, and what a full link holds back, is watched by a timer, however it came there: windows may open
 * and close again within one batch. With a closed window the timeout becomes a probe by itself.
 */
export function watch(c: Connection, done: boolean, now: number): void {
  if (c.state < State.SYN_SENT || c.state === State.TIME_WAIT) return;
  if (c.timers.isSet(Timer.RETRANSMISSION) || c.timers.isSet(Timer.PERSIST)) return;
  if (c.inFlight === 0) {
    if (done || !isStalled(c)) return;
    c.rtx.since = now;
  }
  c.startTimer(Timer.RETRANSMISSION, c.rtt.rto, c.rtx.timeouts, now);
}

function transmitAll(c: Connection, now: number, sink: SegmentSink): boolean {
  if (c.pendingReset !== null) {
    if (!sink.writable) return false;
    sendPendingReset(c, now, sink);
  }
  if (c.state === State.CLOSED || c.state === State.LISTEN) return true;
  while (c.duplicateAcksDue > 0) {
    if (!sink.writable) return false;
    c.duplicateAcksDue--;
    transmit(c, c.snd.nxt, ACK, 0, now, sink);
  }
  if (c.state !== State.TIME_WAIT) {
    c.windowLimited = false;
    while (sendNextSequenced(c, now, sink)) {}
    if (!sink.writable) return false;
  }
  if (c.keepAliveDue) {
    if (!sink.writable) return false;
    c.keepAliveDue = false;
    // RFC9293 SHLD-12: an old number and no data; the peer answers with an ACK.
    transmit(c, seqAdd(c.snd.nxt, -1), ACK, 0, now, sink);
  }
  if (c.ackDue === AckDue.NOW) {
    if (!sink.writable) return false;
    transmit(c, c.snd.nxt, ACK, 0, now, sink);
  }
  return true;
}

/** Whether there is anything for `pollTransmit` to do. */
export function wantsTransmit(c: Connection): boolean {
  if (c.pendingReset !== null) return true;
  if (c.state === State.CLOSED || c.state === State.LISTEN) return false;
  if (c.ackDue === AckDue.NOW || c.duplicateAcksDue > 0 || c.keepAliveDue) return true;
  if (c.state === State.TIME_WAIT) return false;
  const { rtx } = c;
  if (rtx.resendHead || rtx.probeNow) return true;
  if (rtx.inLoss && seqGt(rtx.recover, rtx.next)) return resendLength(c, rtx.next, rtx.recover) > 0;
  return c.snd.nxt === c.snd.iss || newDataLength(c) >= 0;
}

/** One segment that occupies sequence numbers, the most urgent first. Returns false when there is none to send. */
function sendNextSequenced(c: Connection, now: number, sink: SegmentSink): boolean {
  if (!sink.writable) return false;
  const { rtx, snd } = c;
  if (rtx.probeNow) {
    rtx.probeNow = false;
    sendProbe(c, now, sink);
    return true;
  }
  if (rtx.resendHead) {
    rtx.resendHead = false;
    // Behind a probe of one octet there is more to send along with it.
    const end = c.inFlight <= 1 ? sequenceEnd(c) : snd.nxt;
    const length = seqLeq(end, snd.una) ? 0 : resendLength(c, snd.una, end, true);
    if (length > 0) sendRange(c, snd.una, length, now, sink);
    return true;
  }
  if (rtx.inLoss && seqGt(rtx.recover, rtx.next)) {
    const length = resendLength(c, rtx.next, rtx.recover);
    if (length <= 0) return false;
    const seq = rtx.next;
    rtx.next = seqAdd(rtx.next, length);
    sendRange(c, seq, length, now, sink);
    return true;
  }
  if (snd.nxt === snd.iss) {
    restartIdle(c, now);
    sendRange(c, snd.iss, 1, now, sink);
    return true;
  }
  return sendNewData(c, now, sink);
}

/**
 * Sequence numbers of [seq, end) that one retransmission may carry now.
 * @param regardlessOfCwnd fast retransmit and window reopening resend one segment whatever the window says
 */
function resendLength(c: Connection, seq: Seq, end: Seq, regardlessOfCwnd = false): number {
  const { snd, congestion } = c;
  if (seq === snd.iss) return 1;
  const inWindow = seqDiff(seqAdd(snd.una, snd.wnd), seq);
  let length = Math.min(snd.mss, seqDiff(end, seq), inWindow);
  if (!regardlessOfCwnd) {
    const room = congestion.cwnd - pipe(c);
    if (room < length && pipe(c) > 0) return 0;
  }
  // The FIN is no payload: it may ride on a full segment.
  const payloadEnd = c.finSeq;
  if (
    c.finQueued &&
    end === seqAdd(payloadEnd, 1) &&
    seqDiff(end, seq) <= snd.mss + 1 &&
    inWindow > snd.mss
  ) {
    length = Math.min(snd.mss + 1, seqDiff(end, seq));
  }
  return Math.max(0, length);
}

/** New data, FIN included, as far as windows and the rules against small segments allow. */
function sendNewData(c: Connection, now: number, sink: SegmentSink): boolean {
  const length = newDataLength(c);
  if (length < 0) {
    if (c.inFlight === 0 && hasUnsent(c)) armPersist(c, now);
    return false;
  }
  c.rtx.override = false;
  restartIdle(c, now);
  sendRange(c, c.snd.nxt, length, now, sink);
  return true;
}

/**
 * Sequence numbers that the next segment of new data may carry, or -1 when none may be sent now
 * (RFC9293 MUST-38: §3.8.6.2.1).
 */
function newDataLength(c: Connection): number {
  if (!hasUnsent(c)) return -1;
  const { snd, rtx } = c;
  const unsentData = seqDiff(c.finSeq, snd.nxt);
  const usable = seqDiff(seqAdd(snd.una, snd.wnd), snd.nxt);
  const finDue = c.finQueued && !c.finSent;
  if (usable <= 0) return -1;
  const room = c.congestion.cwnd + limitedTransmit(c) - pipe(c);
  const wanted = Math.min(unsentData, snd.mss);
  if (room < wanted && pipe(c) > 0) {
    c.windowLimited = true;
    return -1;
  }
  const sendable = Math.min(wanted, usable);
  const withFin = finDue && sendable === unsentData && usable > sendable;
  if (sendable === 0) return withFin ? 1 : -1;
  if (sendable === snd.mss || withFin || rtx.override) return sendable + (withFin ? 1 : 0);
  const idle = c.inFlight === 0 || !c.nagle;
  const pushed = seqGeq(c.pushedUpTo, c.finSeq) && unsentData <= usable;
  if (idle && pushed) return sendable;
  if (idle && sendable >= snd.maxWnd / 2 && sendable < unsentData) return sendable;
  return -1;
}

/** RFC 3042: the first two duplicate ACKs each let one new segment go, so that a small window yields the third. */
function limitedTransmit(c: Connection): number {
  const { dupAcks, inRecovery, inLoss } = c.rtx;
  return inRecovery || inLoss ? 0 : Math.min(dupAcks, 2) * c.snd.mss;
}

/** A probe of a closed window: one octet beyond it, or the oldest octet again (§3.8.6.1). */
function sendProbe(c: Connection, now: number, sink: SegmentSink): void {
  const { snd } = c;
  if (c.inFlight === 0 && !hasUnsent(c)) return;
  sendRange(c, snd.una, 1, now, sink);
}

/** RFC 5681 §4.1: after a pause the old window proves nothing. */
function restartIdle(c: Connection, now: number): void {
  if (c.inFlight === 0 && c.lastSentAt > 0 && now - c.lastSentAt > c.rtt.rto) c.congestion.onIdle();
}

/** Sends `[seq, seq + length)`: our SYN, data, our FIN. Keeps the books of what is outstanding. */
function sendRange(c: Connection, seq: Seq, length: number, now: number, sink: SegmentSink): void {
  const { snd, rtx } = c;
  const end = seqAdd(seq, length);
  const again = seqGt(snd.nxt, seq);
  const wasIdle = c.inFlight === 0;
  const flags = flagsOf(c, seq, end);
  const payload = seq === snd.iss ? 0 : seqDiff(seqMin(end, c.finSeq), seq);
  if (seqGt(end, snd.nxt)) snd.nxt = end;
  if (again) {
    c.retransmissions++;
    if (rtx.timedAt >= 0) rtx.timedAt = -1;
  } else if (rtx.timedAt < 0 && rtx.probes === 0) {
    rtx.timedSeq = end;
    rtx.timedAt = now;
  }
  if (wasIdle) {
    rtx.since = now;
    c.timers.clear(Timer.RETRANSMISSION);
  }
  transmit(c, seq, flags, payload, now, sink, again);
  if (rtx.probes === 0) armRetransmission(c, now);
}

function flagsOf(c: Connection, seq: Seq, end: Seq): number {
  if (seq === c.snd.iss) return c.state === State.SYN_SENT ? SYN : SYN | ACK;
  let flags = ACK;
  const payloadEnd = c.finSeq;
  if (seqGeq(end, payloadEnd) && seq !== payloadEnd) flags |= PSH;
  if (c.finQueued && seqGt(end, payloadEnd)) flags |= FIN;
  return flags;
}

function armRetransmission(c: Connection, now: number): void {
  if (c.timers.isSet(Timer.RETRANSMISSION)) return;
  c.stopTimer(Timer.PERSIST, now);
  c.startTimer(Timer.RETRANSMISSION, c.rtt.rto, c.rtx.timeouts, now);
  if (c.userTimeoutMs > 0 && !c.timers.isSet(Timer.USER)) c.timers.set(Timer.USER, now + c.userTimeoutMs);
}

/** Fills in the header fields and hands the segment over. Every segment but the first SYN acknowledges. */
function transmit(
  c: Connection,
  seq: Seq,
  flags: number,
  payload: number,
  now: number,
  sink: SegmentSink,
  again = false,
): void {
  out.reset();
  out.seq = seq;
  out.flags = flags;
  if (flags & ACK) out.ack = c.rcv.nxt;
  out.wnd = takeWindowField(c, (flags & SYN) !== 0);
  if (flags & SYN) writeSynOptions(c, out);
  if (payload > 0) c.requireSendBuffer().gather(seq, payload, out.payload);
  out.retransmission = again ? Math.max(1, c.rtx.timeouts) : 0;
  markUrgent(c);
  sink.segment(c, out);
  c.segmentsOut++;
  c.lastSentAt = now;
  if (flags & ACK) acknowledged(c, now);
  c.trace?.segmentSent(c, out, now);
}

/** RFC9293 MUST-62: the pointer names the octet after the urgent data, counted from this segment. */
function markUrgent(c: Connection): void {
  if (c.snd.up === c.snd.una || !seqGt(c.snd.up, out.seq) || out.flags & SYN) return;
  const distance = seqDiff(c.snd.up, out.seq);
  if (distance > MAX_URGENT_POINTER) return;
  out.flags |= URG;
  out.urgentPointer = distance;
}

function sendPendingReset(c: Connection, now: number, sink: SegmentSink): void {
  const reset = c.pendingReset!;
  c.pendingReset = null;
  out.reset();
  out.seq = reset.seq;
  out.flags = reset.flags;
  if (reset.flags & ACK) out.ack = reset.ack;
  sink.segment(c, out);
  c.segmentsOut++;
  c.trace?.segmentSent(c, out, now);
}
