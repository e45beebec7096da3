// Urgent pointer, text and FIN of an acceptable segment (RFC 9293 §3.10.7.4, sixth to eighth check).
import { FIN, type SegmentView, SYN } from '../../wire/segment.js';
import { type Seq, seqAdd, seqDiff, seqGt, seqLt, seqMin } from '../../wire/seq.js';
import { noteTextForAck } from '../acknowledge.js';
import type { Connection } from '../connection.js';
import { noteMark } from '../ecn.js';
import { Event } from '../events.js';
import type { Reassembly } from '../reassembly.js';
import { ReceiveTuning } from '../receive-tuning.js';
import { noteDuplicate, noteOutOfOrder } from '../sack-blocks.js';
import { State, Trigger } from '../state.js';
import { timestampEchoed } from '../timestamps.js';
import type { Verdict } from '../trace.js';
import { enterTimeWait, finishAckOfFin } from './closing.js';

const RULE = 'RFC9293-3.10.7.4';
/** Duplicate ACKs sent after one batch at most: three start a recovery, some more keep it going. */
const MAX_DUPLICATE_ACKS = 64;
/** Shorter payloads, none of a full packet, are copied: a few bytes must not pin the memory around them. */
const LEAST_KEPT = 60_000;
/** So are those for a reader that has left as much unread, which must not pin what others are read into; but longer ones are most of that. */
const MOST_QUEUED = 262_144;

/** Notes where urgent data ends, once per advance of the pointer (RFC9293 MUST-31, MUST-32). It stays in the stream. */
export function noteUrgent(c: Connection, s: SegmentView): void {
  if (c.state !== State.ESTABLISHED && c.state !== State.FIN_WAIT_1 && c.state !== State.FIN_WAIT_2) return;
  const up = seqAdd(s.seq, s.urgentPointer);
  const known = c.rcv.urgent ? c.rcv.up : c.rcv.nxt;
  if (!seqGt(up, known)) return;
  c.rcv.up = up;
  c.rcv.urgent = true;
  c.events |= Event.URGENT;
}

/** Takes the text and the FIN, and makes the transitions that follow from them and from the ACK of our own FIN. */
export function textAndFin(c: Connection, s: SegmentView, finAcknowledged: boolean, now: number): Verdict {
  let verdict: Verdict = 'accept';
  if (s.payloadLength > 0 || s.flags & FIN) {
    if (!receivesText(c)) {
      finishAckOfFin(c, s, finAcknowledged, now);
      // Behind the peer's FIN nothing can follow; say where we stand.
      c.acknowledgeNow();
      return c.dropped(s, 'after_fin', 'ack', RULE, now);
    }
    if (c.readClosed && s.payloadLength > 0 && seqGt(seqAdd(textSeq(s), s.payloadLength), c.rcv.nxt)) {
      return refuseText(c, s, now);
    }
    verdict = takeText(c, s, now);
  }
  if (c.peerFinReached) finArrives(c, s, finAcknowledged, now);
  else finishAckOfFin(c, s, finAcknowledged, now);
  return verdict;
}

function receivesText(c: Connection): boolean {
  return c.state === State.ESTABLISHED || c.state === State.FIN_WAIT_1 || c.state === State.FIN_WAIT_2;
}

/** RFC9293 SHLD-3: nobody will read this; the peer must not believe that it arrived. */
function refuseText(c: Connection, s: SegmentView, now: number): Verdict {
  const reply = c.replyReset(s);
  c.dropped(s, 'window', reply, 'RFC9293-3.6.1', now);
  c.terminate(Trigger.SEG_DATA_AFTER_CLOSE, 'abort', null, s, now);
  return 'drop';
}

/** Number of the first octet of text: a SYN before it takes one. */
function textSeq(s: SegmentView): Seq {
  return s.flags & SYN ? seqAdd(s.seq, 1) : s.seq;
}

function takeText(c: Connection, s: SegmentView, now: number): Verdict {
  const { rcv } = c;
  const first = textSeq(s);
  const end = seqAdd(first, s.payloadLength);
  const skip = Math.max(0, seqDiff(rcv.nxt, first));
  const start = seqAdd(first, skip);
  let length = s.payloadLength - skip;
  let fin = (s.flags & FIN) !== 0;
  let verdict: Verdict = skip > 0 ? 'trim' : 'accept';
  const acksDue = c.duplicateAcksDue;
  noteDuplicate(c, first, end);
  noteMark(c, s);

  const room = seqDiff(rcv.edge, start);
  if (length > room) {
    length = room;
    fin = false;
    verdict = 'trim';
  }
  const finWaits = rcv.finKnown;
  if (finWaits) {
    const untilFin = seqDiff(rcv.finSeq, start);
    if (length > untilFin) length = untilFin;
  } else if (fin) {
    rcv.finKnown = true;
    rcv.finSeq = end;
    c.reassembly?.truncate(end);
  }

  if (start === rcv.nxt) {
    const { reassembly } = c;
    const filledHole = finWaits || (reassembly !== null && reassembly.size > 0);
    if (length > 0) deliverInOrder(c, s, s.payloadOffset + skip, seqAdd(start, length));
    else if (!fin) verdict = 'dup';
    deliverWaiting(c);
    reachFin(c);
    if (s.payloadLength > 0) tuneBuffer(c, s, now);
    noteTextForAck(c, s, filledHole, now);
  } else {
    if (length > 0) keepForLater(c, start, s, length, now);
    noteOutOfOrder(c, start);
    verdict = 'ooo';
    // RFC9293 MAY-13, RFC 5681 §4.2: the peer counts these to learn of its loss, so they are not aggregated.
    // What it repeats may be owed an ACK of its own already: there is one for each segment (RFC9293 §3.8.6.3).
    if (acksDue < MAX_DUPLICATE_ACKS) c.duplicateAcksDue = Math.max(c.duplicateAcksDue, acksDue + 1);
    c.acknowledgeNow();
  }
  if (c.trace !== null) c.trace.buffersChanged(c, now);
  return verdict;
}

/** Delivers the text up to `end`. Bytes that came first stay, also where this segment says otherwise. */
function deliverInOrder(c: Connection, s: SegmentView, offset: number, end: Seq): void {
  const { rcv, reassembly } = c;
  const start = rcv.nxt;
  while (seqLt(rcv.nxt, end)) {
    if (reassembly !== null && deliverKept(c, reassembly) > 0) continue;
    const stop = reassembly === null ? end : seqMin(end, reassembly.firstStart(end));
    deliver(c, s, offset + seqDiff(rcv.nxt, start), seqDiff(stop, rcv.nxt));
  }
}

function deliver(c: Connection, s: SegmentView, offset: number, length: number): void {
  const queue = c.requireReceiveQueue();
  if (s.mayBeKept && length >= LEAST_KEPT && (queue.length <= MOST_QUEUED || length >= MOST_QUEUED)) {
    queue.keep(s.bytes, offset, length);
    s.isKept = true;
  } else {
    queue.push(s.bytes, offset, length);
  }
  advance(c, length);
}

/** Delivers what had arrived before and is next now. Returns how many bytes that were. */
function deliverKept(c: Connection, reassembly: Reassembly): number {
  const moved = reassembly.deliver(c.rcv.nxt, c.requireReceiveQueue());
  if (moved > 0) advance(c, moved);
  return moved;
}

/** What arrives tells the receive buffer of the round trip; it is made here, so that idle connections need none. */
function tuneBuffer(c: Connection, s: SegmentView, now: number): void {
  const { config, rcv } = c;
  if (config.receiveBufferMaxBytes <= config.receiveBufferBytes) return;
  c.receiveTuning ??= new ReceiveTuning(
    config.receiveBufferBytes,
    config.receiveBufferMaxBytes,
    config.receiveMss,
    rcv.edge,
    now,
  );
  if (!c.timestampsAgreed) {
    c.receiveTuning.onArrival(rcv.nxt, rcv.edge, now);
    return;
  }
  // A short segment may have waited in the peer for longer than a round trip.
  if (s.largestPayloadLength < rcv.largestPayload) return;
  const echoedMs = timestampEchoed(c, s, now);
  if (echoedMs >= 0) c.receiveTuning.onRoundTrip(echoedMs);
}

function advance(c: Connection, length: number): void {
  c.duplicateAcksDue = 0;
  c.rcv.nxt = seqAdd(c.rcv.nxt, length);
  c.bytesReceived += length;
  c.events |= Event.READABLE;
}

/** Moves what has become contiguous from the reassembly queue to the receive queue. */
export function deliverWaiting(c: Connection): void {
  const { reassembly } = c;
  if (reassembly === null) return;
  // RFC 5681 §4.2: at once, for it is the sender's repair that is acknowledged.
  if (deliverKept(c, reassembly) > 0) c.acknowledgeNow();
  if (reassembly.size === 0) c.reassembly = null;
}

function keepForLater(c: Connection, start: Seq, s: SegmentView, length: number, now: number): void {
  const added = c.requireReassembly().insert(start, s.bytes, s.payloadOffset, length);
  if (added < 0) c.dropped(s, 'reassembly_limit', 'ack', RULE, now);
}

/** Steps over the peer's FIN once everything before it is here. */
function reachFin(c: Connection): void {
  const { rcv } = c;
  if (!rcv.finKnown || rcv.nxt !== rcv.finSeq) return;
  rcv.nxt = seqAdd(rcv.nxt, 1);
  // The FIN's own number may lie at the right edge; the window is then closed, not negative.
  if (seqLt(rcv.edge, rcv.nxt)) rcv.edge = rcv.nxt;
  c.events |= Event.PEER_FIN;
}

/** Eighth check: by state. The ACK of it may wait as any other, so that a close in answer can share its segment. */
function finArrives(c: Connection, s: SegmentView, finAcknowledged: boolean, now: number): void {
  switch (c.state) {
    case State.ESTABLISHED:
      c.enter(State.CLOSE_WAIT, Trigger.SEG_FIN, s, now);
      break;
    case State.FIN_WAIT_1:
      c.acknowledgeNow();
      if (finAcknowledged) enterTimeWait(c, Trigger.SEG_FIN_AND_ACK_OF_FIN, s, now);
      else c.enter(State.CLOSING, Trigger.SEG_FIN, s, now);
      break;
    case State.FIN_WAIT_2:
      c.acknowledgeNow();
      enterTimeWait(c, Trigger.SEG_FIN, s, now);
      break;
    default:
      finishAckOfFin(c, s, finAcknowledged, now);
  }
}
