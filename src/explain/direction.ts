// One direction of a captured connection: how far it was sent, what its receiver is known to have, and what each of its
// segments is in the terms that Wireshark uses for its analysis flags, so that both can be read side by side.
import { ACK, FIN, RST, SYN } from '../wire/segment.js';
import { seqGt, seqLeq, seqLt, toUint32 } from '../wire/seq.js';
import type { ObservedSegment } from './observed-segment.js';

/**
 * What a segment can be beside new: the names of Wireshark's `tcp.analysis.*` fields. As there, a fast or needless
 * retransmission is a retransmission, too.
 */
export const ANALYSIS_FLAGS = [
  'retransmission',
  'fast_retransmission',
  'spurious_retransmission',
  'out_of_order',
  'lost_segment',
  'ack_lost_segment',
  'duplicate_ack',
  'zero_window',
  'zero_window_probe',
  'zero_window_probe_ack',
  'window_update',
  'window_full',
  'keep_alive',
  'keep_alive_ack',
  'reused_ports',
] as const;
/** One of `ANALYSIS_FLAGS`. */
export type AnalysisFlag = (typeof ANALYSIS_FLAGS)[number];

/** A retransmission this soon after the last duplicate ACK is its answer, in ms. */
const FAST_MS = 20;
/** Nearer than this, or than the round trip of the handshake, a lower number was overtaken and not sent again, in ms. */
const OVERTAKEN_MS = 3;
/** Ranges of which the time of sending is remembered. */
const MAX_RANGES = 4096;

interface Range {
  start: number;
  end: number;
  timeMs: number;
  times: number;
}

/** What is known of one end as a sender. Sequence numbers are raw, compared modulo 2^32. */
export class Direction {
  /** Initial number; of a stream that was joined midway the one before the first that was seen. */
  base: number | null = null;
  /** The SYN was seen. */
  synSeen = false;
  /** After the highest number sent; meaningful once `base` is known. */
  next = 0;
  private nextAtMs = 0;
  /** The latest acknowledgment and raw window that this end sent; null before the first. */
  lastAck: number | null = null;
  lastAckAtMs = 0;
  lastWnd = 0;
  /** Shift of its window field once both SYNs are known, else null. */
  shift: number | null = null;
  duplicateAcks = 0;
  /** After its FIN; null before it. */
  finEnd: number | null = null;
  segments = 0;
  bytes = 0;
  retransmissions = 0;
  /** Flags of its latest segment. */
  last: ReadonlySet<AnalysisFlag> = new Set();
  private readonly ranges: Range[] = [];

  /** Number relative to the first, as Wireshark and the ladder show it. */
  relative(seq: number): number {
    return toUint32(seq - (this.base ?? seq));
  }

  /** Largest window that it has offered in its latest segment, in bytes. */
  get window(): number {
    return this.lastWnd * 2 ** (this.shift ?? 0);
  }

  /** How often what begins at `seq` was sent, and when it was sent last; null when that was not seen. */
  lastSent(seq: number): { readonly timeMs: number; readonly times: number } | null {
    for (let i = this.ranges.length - 1; i >= 0; i--) {
      const range = this.ranges[i]!;
      if (seqLeq(range.start, seq) && seqLt(seq, range.end)) return range;
    }
    return null;
  }

  /** Remembers that a segment left. */
  note(s: ObservedSegment, length: number): void {
    const end = (s.seq + length) | 0;
    if (length > 0) this.remember(s.seq | 0, end, s.timeMs);
    if (this.base !== null && (length > 0 || seqGt(s.seq, this.next)) && seqGt(end, this.next)) {
      this.next = end;
      this.nextAtMs = s.timeMs;
    }
  }

  private remember(start: number, end: number, timeMs: number): void {
    const before = this.ranges.findLast((range) => range.start === start);
    if (before !== undefined) {
      before.timeMs = timeMs;
      before.times++;
      if (seqGt(end, before.end)) before.end = end;
      return;
    }
    if (this.ranges.length === MAX_RANGES) this.ranges.shift();
    this.ranges.push({ start, end, timeMs, times: 1 });
  }

  /** Forgets what was acknowledged. */
  acknowledgedUpTo(ack: number): void {
    let gone = 0;
    while (gone < this.ranges.length && seqLeq(this.ranges[gone]!.end, ack)) gone++;
    // What was just acknowledged may still come again, needlessly.
    const kept = 16;
    if (gone > kept) this.ranges.splice(0, gone - kept);
  }

  /** Milliseconds since SND.NXT advanced last. */
  sinceNext(timeMs: number): number {
    return timeMs - this.nextAtMs;
  }
}

/** Sequence numbers that a segment takes. */
export function lengthOf(s: ObservedSegment): number {
  return s.len + (s.flags & SYN ? 1 : 0) + (s.flags & FIN ? 1 : 0);
}

const CONTROL = SYN | FIN | RST;

/**
 * What the segment is, from `from` to `to`, before either takes notice of it.
 * @param initialRttMs from the SYN to the ACK that completed the handshake, or 0
 */
export function analyse(
  s: ObservedSegment,
  from: Direction,
  to: Direction,
  initialRttMs: number,
): Set<AnalysisFlag> {
  const flags = new Set<AnalysisFlag>();
  if (from.base === null) return flags;
  const seq = s.seq | 0;
  const isPlain = (s.flags & CONTROL) === 0;
  const isProbe = s.len === 1 && seq === from.next && to.lastAck !== null && to.lastWnd === 0;
  if (isProbe) flags.add('zero_window_probe');
  else judgeNumbers(s, seq, isPlain, from, to, flags);
  judgeAck(s, to, flags);
  if (!isProbe && !flags.has('keep_alive')) judgeRepetition(s, seq, from, to, initialRttMs, flags);
  return flags;
}

function judgeNumbers(
  s: ObservedSegment,
  seq: number,
  isPlain: boolean,
  from: Direction,
  to: Direction,
  flags: Set<AnalysisFlag>,
): void {
  if (s.wnd === 0 && isPlain) flags.add('zero_window');
  if (seqGt(seq, from.next) && !(s.flags & RST)) flags.add('lost_segment');
  if (!isPlain) return;
  if (s.len <= 1 && seq === ((from.next - 1) | 0)) flags.add('keep_alive');
  if (s.len === 0) {
    judgeBareAck(s, seq, from, to, flags);
  } else if (to.lastAck !== null && to.shift !== null) {
    const edge = (to.lastAck + to.window) | 0;
    if (((seq + s.len) | 0) === edge) flags.add('window_full');
  }
}

/** A segment without text at the place where the next text would stand. */
function judgeBareAck(
  s: ObservedSegment,
  seq: number,
  from: Direction,
  to: Direction,
  flags: Set<AnalysisFlag>,
): void {
  if (!(s.flags & ACK) || seq !== from.next || from.lastAck === null) return;
  const sameAck = (s.ack | 0) === from.lastAck;
  const sameWindow = s.wnd === from.lastWnd;
  if (s.wnd === 0) {
    const answersProbe = sameAck || (s.ack | 0) === ((from.lastAck + 1) | 0);
    if (sameWindow && answersProbe && to.last.has('zero_window_probe')) flags.add('zero_window_probe_ack');
    return;
  }
  if (!sameAck) return;
  if (!sameWindow) flags.add('window_update');
  else if (to.last.has('keep_alive')) flags.add('keep_alive_ack');
  else flags.add('duplicate_ack');
}

/** Acknowledges what the capture does not have. */
function judgeAck(s: ObservedSegment, to: Direction, flags: Set<AnalysisFlag>): void {
  if (!(s.flags & ACK) || to.base === null || s.flags & RST) return;
  if (seqGt(s.ack, to.next)) flags.add('ack_lost_segment');
}

/** Numbers that were sent before. */
function judgeRepetition(
  s: ObservedSegment,
  seq: number,
  from: Direction,
  to: Direction,
  initialRttMs: number,
  flags: Set<AnalysisFlag>,
): void {
  const length = lengthOf(s);
  if (length === 0 || s.flags & RST || !seqLt(seq, from.next)) return;
  const end = (seq + length) | 0;
  if (to.lastAck !== null && seqLeq(end, to.lastAck) && s.len > 0) {
    flags.add('retransmission').add('spurious_retransmission');
    return;
  }
  const answersDuplicates = to.duplicateAcks >= 2 && to.lastAck === seq;
  if (answersDuplicates && s.timeMs - to.lastAckAtMs < FAST_MS) {
    flags.add('retransmission').add('fast_retransmission');
    return;
  }
  const threshold = initialRttMs > 0 ? initialRttMs : OVERTAKEN_MS;
  if (from.sinceNext(s.timeMs) < threshold && end !== from.next && s.len > 0) {
    flags.add('out_of_order');
    return;
  }
  flags.add('retransmission');
}

/** Lets both directions take notice of a segment, after `analyse`. */
export function takeNotice(
  s: ObservedSegment,
  from: Direction,
  to: Direction,
  flags: ReadonlySet<AnalysisFlag>,
): void {
  from.segments++;
  from.bytes += s.len;
  if (from.base === null) from.next = s.seq | 0;
  from.base ??= s.flags & SYN ? s.seq : toUint32(s.seq - 1);
  // A probe of a closed window takes no number until it is acknowledged.
  if (!flags.has('zero_window_probe') && !(s.flags & RST)) from.note(s, lengthOf(s));
  if (s.flags & FIN) from.finEnd ??= (s.seq + lengthOf(s)) | 0;
  if (flags.has('retransmission')) from.retransmissions++;
  from.last = flags;
  if (!(s.flags & ACK) || s.flags & RST) return;
  if (flags.has('duplicate_ack')) from.duplicateAcks++;
  else if (from.lastAck === null || (s.ack | 0) !== from.lastAck) from.duplicateAcks = 0;
  if (to.base === null) {
    to.base = toUint32(s.ack - 1);
    to.next = s.ack | 0;
  } else if (seqGt(s.ack, to.next)) {
    to.next = s.ack | 0;
  }
  from.lastAck = s.ack | 0;
  from.lastAckAtMs = s.timeMs;
  from.lastWnd = s.wnd;
  to.acknowledgedUpTo(s.ack | 0);
}
