// What is in flight, segment by segment: when each was sent, what was known then, and what has been learnt of it since.
// A ring of parallel typed arrays, so that sending a segment allocates nothing. Who is lost is decided elsewhere. Segments
// that left as one have one record, until something is told of a part of them: then it is cut.
//
// Invariant: record i covers [end(i - 1), end(i)), the first one begins at `start`, and together they cover SND.UNA to
// SND.NXT. A SYN and a FIN take a number each, like everywhere.
import { type Seq, seqDiff, seqGt, seqLeq } from '../wire/seq.js';
import { giveBackRing, NO_RING, takeRing } from './flight-ring.js';

/** What is known of a record; bits. */
export const Mark = {
  /** The peer reported it by SACK. */
  SACKED: 1,
  /** Held lost. It stays so while it is sent again. */
  LOST: 2,
  /** Sent again, and that transmission may be on its way. */
  RESENT: 4,
  /** Sent more than once: an acknowledgment does not tell which one it answers (Karn). */
  EVER_RESENT: 8,
  /** The last transmission happened while the application had too little to send. */
  APP_LIMITED: 16,
} as const;

/** What a sender notes with each transmission, for the delivery rate. */
export interface SendSnapshot {
  delivered: number;
  deliveredAt: number;
  firstSentAt: number;
  lost: number;
  inFlight: number;
  isAppLimited: boolean;
}

/** The segments between SND.UNA and SND.NXT, oldest first. */
export class Flight {
  /** Records kept. */
  count = 0;
  /** Where the first record begins: SND.UNA. */
  start: Seq = 0;
  /** Bytes of records with the mark SACKED, LOST (SACKED ones apart), RESENT, and how many are SACKED. */
  sackedBytes = 0;
  sackedCount = 0;
  lostBytes = 0;
  resentBytes = 0;
  /** Bytes held lost whose next transmission is due. */
  dueBytes = 0;

  /** Before this record none is due to be sent again. */
  private dueHint = 0;
  /** Before this record RACK has judged every first transmission. */
  judged = 0;

  private head = 0;
  private ring = NO_RING;
  /** `ring.size - 1`. */
  private mask = -1;
  /** Most records since the ring was taken, and the size that the next one begins with. */
  private most = 0;
  private usual = 0;

  /** Number after record `i`. */
  end(i: number): Seq {
    return this.ring.ends[(this.head + i) & this.mask]!;
  }

  /** First number of record `i`. */
  begin(i: number): Seq {
    return i === 0 ? this.start : this.end(i - 1);
  }

  length(i: number): number {
    return seqDiff(this.end(i), this.begin(i));
  }

  /** Segments in flight, where full ones have `mss` bytes: each record is one, or as many full ones as fill it. */
  segments(mss: number): number {
    const end = this.count === 0 ? this.start : this.end(this.count - 1);
    return Math.max(this.count, Math.ceil(seqDiff(end, this.start) / mss));
  }

  /** Bits of `Mark`. */
  mark(i: number): number {
    return this.ring.marks[(this.head + i) & this.mask]!;
  }

  /** Clock ms of the latest transmission. */
  sentAt(i: number): number {
    return this.ring.sent[(this.head + i) & this.mask]!;
  }

  /** Clock ms of the transmission before the latest; only for what was sent more than once. */
  sentBefore(i: number): number {
    return this.ring.sentBefores[(this.head + i) & this.mask]!;
  }

  /** Fills `into` with what was noted at the latest transmission. */
  snapshot(i: number, into: SendSnapshot): void {
    const at = (this.head + i) & this.mask;
    into.delivered = this.ring.delivered[at]!;
    into.deliveredAt = this.ring.deliveredTimes[at]!;
    into.firstSentAt = this.ring.firstSentTimes[at]!;
    into.lost = this.ring.lostThen[at]!;
    into.inFlight = this.ring.inFlightThen[at]!;
    into.isAppLimited = (this.ring.marks[at]! & Mark.APP_LIMITED) !== 0;
  }

  /** Adds the segment that ends at `end`, sent for the first time. */
  push(end: Seq, now: number, noted: SendSnapshot): void {
    if (this.count > this.mask) this.grow();
    const i = this.count++;
    if (this.count > this.most) this.most = this.count;
    const at = (this.head + i) & this.mask;
    this.ring.ends[at] = end;
    this.ring.marks[at] = 0;
    this.note(at, now, noted);
  }

  /** The record that covers `seq`, which lies in the flight; for one before it the first. O(log n). */
  indexOf(seq: Seq): number {
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (seqGt(this.end(middle), seq)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Drops the first record. */
  shift(): void {
    this.unmark(0, this.mark(0));
    this.start = this.end(0);
    this.head = (this.head + 1) & this.mask;
    this.count--;
    if (this.dueHint > 0) this.dueHint--;
    if (this.judged > 0) this.judged--;
    if (this.count === 0) this.release();
  }

  /** The first record begins at `seq`, within it, from now on: the bytes before are acknowledged. */
  trim(seq: Seq): void {
    const marks = this.mark(0);
    this.unmark(0, marks);
    this.start = seq;
    this.setMark(0, marks);
  }

  /** Adds marks to record `i`, and keeps the sums. */
  setMark(i: number, bits: number): void {
    const at = (this.head + i) & this.mask;
    const before = this.ring.marks[at]!;
    this.tally(i, before, -1);
    this.ring.marks[at] = before | bits;
    this.tally(i, before | bits, 1);
    if (i < this.dueHint && isDue(before | bits)) this.dueHint = i;
  }

  /** Takes marks from record `i`. */
  unmark(i: number, bits: number): void {
    const at = (this.head + i) & this.mask;
    const before = this.ring.marks[at]!;
    this.tally(i, before, -1);
    this.ring.marks[at] = before & ~bits;
    this.tally(i, before & ~bits, 1);
    if (i < this.dueHint && isDue(before & ~bits)) this.dueHint = i;
  }

  /** Record `i` is sent again. */
  resent(i: number, now: number, noted: SendSnapshot): void {
    const at = (this.head + i) & this.mask;
    this.unmark(i, Mark.APP_LIMITED);
    this.setMark(i, Mark.RESENT | Mark.EVER_RESENT);
    this.ring.sentBefores[at] = this.ring.sent[at]!;
    this.note(at, now, noted);
  }

  /** True when record `i` is held lost and its next transmission is due. */
  isDue(i: number): boolean {
    return isDue(this.mark(i));
  }

  /** First record that is due to be sent again, or -1. */
  nextDue(): number {
    if (this.dueBytes === 0) return -1;
    while (!this.isDue(this.dueHint)) this.dueHint++;
    return this.dueHint;
  }

  /** Cuts record `i` in two at `seq`, which lies within it. Both halves keep what is known. */
  split(i: number, seq: Seq): void {
    this.openGap(i, 1);
    this.ring.ends[(this.head + i) & this.mask] = seq;
  }

  /** Cuts record `i` into records of `bytes` each, of which the last may be shorter. All keep what is known. */
  cut(i: number, bytes: number): void {
    const added = Math.ceil(this.length(i) / bytes) - 1;
    if (added <= 0) return;
    const begin = this.begin(i);
    this.openGap(i, added);
    for (let k = 0; k < added; k++) {
      this.ring.ends[(this.head + i + k) & this.mask] = (begin + (k + 1) * bytes) | 0;
    }
  }

  /** Makes one record of `i` and the one behind it, which are both due to be sent again. */
  merge(i: number): void {
    this.ring.ends[(this.head + i) & this.mask] = this.end(i + 1);
    this.closeGap(i + 1);
    if (this.judged > i) this.judged--;
  }

  /** The last record ends at `end` from now on. */
  extendLast(end: Seq): void {
    const i = this.count - 1;
    const marks = this.mark(i);
    this.unmark(i, marks);
    this.ring.ends[(this.head + i) & this.mask] = end;
    this.setMark(i, marks);
  }

  /** Holds everything lost that was not reported to have arrived, whatever is on its way. Returns the bytes newly so. */
  loseAll(): number {
    const before = this.lostBytes;
    for (let i = 0; i < this.count; i++) {
      if (this.mark(i) & Mark.SACKED) continue;
      this.unmark(i, Mark.RESENT);
      this.setMark(i, Mark.LOST);
    }
    this.judged = this.count;
    return this.lostBytes - before;
  }

  /** Nothing is held lost any more: the losses were none. */
  loseNone(): void {
    for (let i = 0; i < this.count; i++) this.unmark(i, Mark.LOST);
    this.judged = 0;
  }

  /** Forgets what SACK reported: the peer does not keep to it (RFC 2018 §8). */
  forgetSacks(): void {
    for (let i = 0; i < this.count; i++) this.unmark(i, Mark.SACKED);
    this.judged = 0;
  }

  private note(at: number, now: number, noted: SendSnapshot): void {
    this.ring.sent[at] = now;
    this.ring.delivered[at] = noted.delivered;
    this.ring.deliveredTimes[at] = noted.deliveredAt;
    this.ring.firstSentTimes[at] = noted.firstSentAt;
    this.ring.lostThen[at] = noted.lost;
    this.ring.inFlightThen[at] = noted.inFlight;
    if (noted.isAppLimited) this.ring.marks[at]! |= Mark.APP_LIMITED;
  }

  private tally(i: number, marks: number, sign: number): void {
    if ((marks & (Mark.SACKED | Mark.LOST | Mark.RESENT)) === 0) return;
    const bytes = sign * this.length(i);
    if (marks & Mark.RESENT) this.resentBytes += bytes;
    if (marks & Mark.SACKED) {
      this.sackedBytes += bytes;
      this.sackedCount += sign;
      return;
    }
    if (marks & Mark.LOST) this.lostBytes += bytes;
    if (isDue(marks)) this.dueBytes += bytes;
  }

  /** Makes room for `n` records before `i`, moving the shorter side, and fills it with copies of `i`. */
  private openGap(i: number, n: number): void {
    while (this.count + n > this.mask + 1) this.grow();
    const before = this.count;
    this.count += n;
    if (i < before - 1 - i) {
      this.head = (this.head - n) & this.mask;
      for (let k = 0; k < i; k++) this.copy(k + n, k);
    } else {
      for (let k = before - 1; k >= i; k--) this.copy(k, k + n);
    }
    for (let k = i; k < i + n; k++) this.copy(i + n, k);
    if (this.mark(i) & Mark.SACKED) this.sackedCount += n;
    if (this.judged > i) this.judged += n;
  }

  /** Takes record `i` out, moving the shorter side. */
  private closeGap(i: number): void {
    if (i < this.count - 1 - i) {
      for (let k = i; k > 0; k--) this.copy(k - 1, k);
      this.head = (this.head + 1) & this.mask;
    } else {
      for (let k = i; k < this.count - 1; k++) this.copy(k + 1, k);
    }
    this.count--;
  }

  private copy(from: number, to: number): void {
    const a = (this.head + from) & this.mask;
    const b = (this.head + to) & this.mask;
    this.ring.ends[b] = this.ring.ends[a]!;
    this.ring.marks[b] = this.ring.marks[a]!;
    this.ring.sent[b] = this.ring.sent[a]!;
    this.ring.sentBefores[b] = this.ring.sentBefores[a]!;
    this.ring.delivered[b] = this.ring.delivered[a]!;
    this.ring.deliveredTimes[b] = this.ring.deliveredTimes[a]!;
    this.ring.firstSentTimes[b] = this.ring.firstSentTimes[a]!;
    this.ring.lostThen[b] = this.ring.lostThen[a]!;
    this.ring.inFlightThen[b] = this.ring.inFlightThen[a]!;
  }

  private grow(): void {
    const wider = takeRing(Math.max(2 * this.ring.size, this.usual));
    if (this.count > 0) wider.takeOver(this.ring, this.head);
    giveBackRing(this.ring);
    this.ring = wider;
    this.head = 0;
    this.mask = wider.size - 1;
  }

  /** The next flight will need about what this one did: a ring that grows step by step copies everything at each. */
  private release(): void {
    this.usual = 4 * this.most > this.ring.size ? this.ring.size : this.ring.size >> 1;
    this.most = 0;
    giveBackRing(this.ring);
    this.ring = NO_RING;
    this.mask = -1;
  }
}

function isDue(marks: number): boolean {
  return (marks & (Mark.LOST | Mark.RESENT | Mark.SACKED)) === Mark.LOST;
}

/** True when record `i` of `flight` lies wholly within [left, right). */
export function isCovered(flight: Flight, i: number, left: Seq, right: Seq): boolean {
  return seqLeq(left, flight.begin(i)) && seqLeq(flight.end(i), right);
}
