// One segment on its way out: header fields, options, payload, and the books of what is outstanding. Which segment leaves,
// and when, is decided in output.ts and resend.ts.
import { ACK, FIN, PSH, SYN, URG } from '../wire/segment.js';
import { type Seq, seqAdd, seqDiff, seqGeq, seqGt, seqMin } from '../wire/seq.js';
import { acknowledged } from './acknowledge.js';
import type { Connection } from './connection.js';
import { ecnCodepointFor, ecnFlags, takeOwedAck } from './ecn.js';
import { synDataLength } from './fast-open.js';
import { Mark, type SendSnapshot } from './flight.js';
import { pipe } from './losses.js';
import { noteSent } from './prr.js';
import { sackOptionBytes, writeSegmentOptions, writeTimestamps } from './segment-options.js';
import { SegmentOut, type SegmentSink } from './segment-out.js';
import { State } from './state.js';
import { synOptionBytes, writeSynOptions } from './syn-options.js';
import { Phase } from './tcb.js';
import { Timer } from './timers.js';
import { takeWindowField } from './window.js';

/** Reused for every segment of every connection: it is filled and handed to the sink in one go. */
const out = new SegmentOut();

/** What is noted with each transmission. */
const noted: SendSnapshot = {
  delivered: 0,
  deliveredAt: 0,
  firstSentAt: 0,
  lost: 0,
  inFlight: 0,
  isAppLimited: false,
};

const MAX_URGENT_POINTER = 65_535;

/** Payload bytes that the next segment may carry, beside the options that it must (RFC 9293 MUST-16). */
export function payloadLimit(c: Connection): number {
  return c.reassembly === null ? c.snd.mss : Math.max(1, c.snd.mss - sackOptionBytes(c));
}

/**
 * Sends `[SND.NXT, SND.NXT + length)` for the first time: our SYN, data, our FIN.
 * @param segmentBytes payload of the segments that the sink is to cut it into; 0 for one that is no longer than it may be
 */
export function sendNew(
  c: Connection,
  length: number,
  now: number,
  sink: SegmentSink,
  segmentBytes = 0,
): void {
  const { snd, rtx } = c;
  const seq = snd.nxt;
  const end = seqAdd(seq, length);
  if (c.inFlight === 0) {
    rtx.since = now;
    c.timers.clear(Timer.RETRANSMISSION);
  }
  note(c, length, now);
  c.flight.push(end, now, noted);
  snd.nxt = end;
  send(c, seq, end, true, segmentBytes, now, sink);
  if (rtx.probes === 0) armRetransmission(c, now);
}

/** Sends our SYN or SYN-ACK for the first time, a SYN with the data that Fast Open lets it carry (RFC 7413 §4.2.2). */
export function sendSyn(c: Connection, now: number, sink: SegmentSink): void {
  const data = c.fastOpen === null ? 0 : synDataLength(c, synOptionBytes(c, now));
  sendNew(c, 1 + data, now, sink);
  if (data === 0) return;
  c.fastOpen!.synBytes = data;
  // The SYN is sent again without its data.
  c.flight.split(0, seqAdd(c.snd.iss, 1));
}

/** The books of a SYN-ACK that left before there was a connection. When that was, nobody knows. */
export function assumeSynSent(c: Connection, now: number): void {
  note(c, 1, now);
  c.snd.nxt = seqAdd(c.snd.iss, 1);
  c.flight.push(c.snd.nxt, now, noted);
  c.flight.setMark(0, Mark.EVER_RESENT);
}

/** Sends record `i` of the flight again. */
export function sendAgain(c: Connection, i: number, now: number, sink: SegmentSink): void {
  const { flight, rtx } = c;
  const seq = flight.begin(i);
  const end = flight.end(i);
  // Before its own mark counts it among what is in flight.
  note(c, seqDiff(end, seq), now);
  flight.resent(i, now, noted);
  if (c.sackAgreed) c.rack.resends.add(seq, now);
  c.retransmissions++;
  // Its repair is under way: the wait for it begins here.
  if (i === 0 && rtx.phase === Phase.RECOVERY) c.timers.clear(Timer.RETRANSMISSION);
  send(c, seq, end, false, 0, now, sink);
}

/** Sends the first octet of the flight again, as the probe of a closed window. */
export function sendFirstOctetAgain(c: Connection, now: number, sink: SegmentSink): void {
  c.flight.setMark(0, Mark.EVER_RESENT);
  c.retransmissions++;
  send(c, c.snd.una, seqAdd(c.snd.una, 1), false, 0, now, sink);
}

/** Notes what is known at the transmission of `bytes`. */
function note(c: Connection, bytes: number, now: number): void {
  const { rate, rtx } = c;
  const inFlight = pipe(c);
  rate.onSend(now, inFlight <= 0);
  noted.delivered = rate.delivered;
  noted.deliveredAt = rate.deliveredAt;
  noted.firstSentAt = rate.firstSentAt;
  noted.lost = rate.lost;
  noted.inFlight = inFlight + bytes;
  noted.isAppLimited = rate.isAppLimited;
  if (rtx.phase === Phase.RECOVERY || rtx.phase === Phase.REDUCING) noteSent(c, bytes);
  c.congestion.onSent?.(inFlight + bytes, inFlight <= 0, noted.isAppLimited, now);
  c.pacer?.onSent(bytes, now);
}

function send(
  c: Connection,
  seq: Seq,
  end: Seq,
  isNew: boolean,
  segmentBytes: number,
  now: number,
  sink: SegmentSink,
): void {
  const flags = flagsOf(c, seq, end);
  const first = flags & SYN ? seqAdd(seq, 1) : seq;
  const payload = seqDiff(seqMin(end, c.finSeq), first);
  begin(c, seq, flags);
  if (payload > 0) {
    c.requireSendBuffer().gather(first, payload, out.payload);
    out.segmentBytes = segmentBytes;
    c.dataSegmentsOut += out.segmentCount;
    c.bytesSent += payload;
    if (!isNew) c.bytesResent += payload;
    out.ecn = ecnCodepointFor(c, isNew && c.rtx.probes === 0);
  }
  out.retransmission = isNew ? 0 : Math.max(1, c.rtx.timeouts);
  c.lastDataSentAt = now;
  finish(c, now, sink);
}

/** Sends a segment without text at `seq`: an acknowledgment, or a keep-alive probe. */
export function sendBareAck(c: Connection, seq: Seq, now: number, sink: SegmentSink): void {
  begin(c, seq, ACK);
  finish(c, now, sink);
}

/** RFC 8257 §3.2: an ACK of what had come before the marks changed, as it would have left then. */
export function sendOwedAck(c: Connection, now: number, sink: SegmentSink): void {
  const { nxt } = c.rcv;
  const { echo } = c.ecn;
  takeOwedAck(c);
  sendBareAck(c, c.snd.nxt, now, sink);
  c.rcv.nxt = nxt;
  c.ecn.echo = echo;
  c.acknowledgeNow();
}

/** Sends the RST that waits. */
export function sendPendingReset(c: Connection, now: number, sink: SegmentSink): void {
  const reset = c.pendingReset!;
  c.pendingReset = null;
  out.reset();
  out.seq = reset.seq;
  out.flags = reset.flags;
  out.ack = reset.ack;
  writeTimestamps(c, out, now);
  sink.segment(c, out);
  c.segmentsOut++;
  c.trace?.segmentSent(c, out, now);
}

/** Every segment but the first SYN acknowledges: it leaves before RCV.NXT is known, which is 0 then. */
function begin(c: Connection, seq: Seq, flags: number): void {
  out.reset();
  out.seq = seq;
  out.flags = flags;
  out.ack = c.rcv.nxt;
  out.wnd = takeWindowField(c, (flags & SYN) !== 0);
}

function finish(c: Connection, now: number, sink: SegmentSink): void {
  if (out.flags & SYN) writeSynOptions(c, out, now);
  else writeSegmentOptions(c, out, now);
  ecnFlags(c, out);
  markUrgent(c);
  sink.segment(c, out);
  c.segmentsOut += out.segmentCount;
  c.lastSentAt = now;
  acknowledged(c, now);
  c.trace?.segmentSent(c, out, now);
}

function flagsOf(c: Connection, seq: Seq, end: Seq): number {
  if (seq === c.snd.iss && !c.snd.synAcknowledged) return c.state === State.SYN_SENT ? SYN : SYN | ACK;
  let flags = ACK;
  const payloadEnd = c.finSeq;
  if (seqGeq(end, payloadEnd) && seq !== payloadEnd) flags |= PSH;
  if (seqGt(end, payloadEnd)) flags |= FIN;
  return flags;
}

/** RFC 6298 §5.1: runs whenever something is outstanding. */
function armRetransmission(c: Connection, now: number): void {
  if (c.timers.isSet(Timer.RETRANSMISSION)) return;
  c.stopTimer(Timer.PERSIST, now);
  c.startTimer(Timer.RETRANSMISSION, c.rtt.rto, c.rtx.timeouts, now);
  if (c.userTimeoutMs > 0 && !c.timers.isSet(Timer.USER)) c.timers.set(Timer.USER, now + c.userTimeoutMs);
}

/** RFC9293 MUST-62: the pointer names the octet after the urgent data, counted from this segment. */
function markUrgent(c: Connection): void {
  if (c.snd.up === c.snd.una || !seqGt(c.snd.up, out.seq) || out.flags & SYN) return;
  const distance = seqDiff(c.snd.up, out.seq);
  if (distance > MAX_URGENT_POINTER) return;
  out.flags |= URG;
  out.urgentPointer = distance;
}
