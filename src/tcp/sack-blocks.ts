// What an ACK reports beside its number: data that arrived out of order (RFC 2018 §4), and data that arrived twice
// (RFC 2883 §4). What is reported is read from the reassembly queue when the ACK leaves, so it is true at that moment.
import { type Seq, seqAdd, seqDiff, seqGeq, seqGt, seqLt, seqMax, seqMin } from '../wire/seq.js';
import type { Connection } from './connection.js';

/** Arrivals remembered: more than the four that fit in a header, because some of them become one stretch. */
const REMEMBERED = 8;
/** Duplicates that wait for an ACK, at most: beyond them the oldest is not reported. */
const WAITING = 4;

/** What SACK needs to remember of a connection that something arrived out of order on. */
export class SackMemory {
  /** A number of each of the last arrivals out of order, the latest first, no two from one stretch. */
  readonly recent = new Int32Array(REMEMBERED);
  recentCount = 0;
  /** Left and right edges, alternating, of what arrived twice and is to be reported once, the oldest first. */
  readonly duplicates = new Int32Array(2 * WAITING);
  duplicateCount = 0;
}

/** Out-of-order data that begins at `seq`, or a FIN there, was taken in or repeated. */
export function noteOutOfOrder(c: Connection, seq: Seq): void {
  if (!c.sackAgreed) return;
  if (!findStretch(c, seq)) return;
  c.sack ??= new SackMemory();
  const { recent, recentCount } = c.sack;
  let kept = 0;
  for (let i = 0; i < recentCount; i++) {
    const entry = recent[i]!;
    if (seqGeq(entry, left) && seqLt(entry, right)) continue;
    recent[kept++] = entry;
  }
  kept = Math.min(kept, REMEMBERED - 1);
  recent.copyWithin(1, 0, kept);
  recent[0] = seq;
  c.sack.recentCount = kept + 1;
}

/**
 * A segment with sequence numbers [from, to) arrived, before it is taken in: notes the first part of it that is here
 * already (RFC 2883 §4.2.2), if any is.
 */
export function noteDuplicate(c: Connection, from: Seq, to: Seq): void {
  if (!c.sackAgreed) return;
  const { nxt } = c.rcv;
  if (seqLt(from, nxt)) {
    // An ancient segment, of a stretch of numbers that this connection never received, is no duplicate.
    if (seqDiff(nxt, from) <= c.bytesReceived + (c.peerFinReached ? 1 : 0))
      pushDuplicate(c, from, seqMin(to, nxt));
    return;
  }
  const { reassembly } = c;
  if (reassembly === null) return;
  const i = reassembly.firstEndingAt(seqAdd(from, 1));
  if (i === reassembly.size) return;
  pushDuplicate(c, seqMax(from, reassembly.startOf(i)), seqMin(to, reassembly.endOf(i)));
}

/** Keeps a range, unless it is empty, for the next ACK. One that continues the range before it is reported together with it. */
function pushDuplicate(c: Connection, from: Seq, to: Seq): void {
  if (seqGeq(from, to)) return;
  c.sack ??= new SackMemory();
  const { sack } = c;
  const { duplicates } = sack;
  const last = 2 * sack.duplicateCount - 2;
  if (last >= 0 && duplicates[last + 1] === from) {
    duplicates[last + 1] = to;
    return;
  }
  if (sack.duplicateCount === WAITING) shiftDuplicate(sack);
  const at = 2 * sack.duplicateCount++;
  duplicates[at] = from;
  duplicates[at + 1] = to;
  // Each is told by an ACK of its own: a segment of ours carries one of them (RFC 2883 §4).
  if (at > 0) c.duplicateAcksDue = Math.max(c.duplicateAcksDue, sack.duplicateCount);
}

function shiftDuplicate(sack: SackMemory): void {
  sack.duplicates.copyWithin(0, 2, 2 * sack.duplicateCount);
  sack.duplicateCount--;
}

/** Blocks that `takeSackBlocks` would give if all fitted. */
export function sackBlockCount(c: Connection): number {
  const waiting = c.sack !== null && c.sack.duplicateCount > 0 ? 1 : 0;
  return waiting + stretchCount(c);
}

/**
 * The blocks for an ACK that leaves now: a duplicate that waits to be reported, which is then done with, and the stretch
 * around it; the stretch of the latest arrival; those of the arrivals before it; then whatever else is here.
 * @param edges left and right edges, alternating
 * @param most blocks at most, above 0
 * @returns how many there are
 */
export function takeSackBlocks(c: Connection, edges: Int32Array, most: number): number {
  const { sack } = c;
  let count = 0;
  let first = 0;
  if (sack !== null && sack.duplicateCount > 0) {
    edges[0] = sack.duplicates[0]!;
    edges[1] = sack.duplicates[1]!;
    shiftDuplicate(sack);
    count = first = 1;
    if (count < most && findStretch(c, edges[0])) count = addBlock(edges, first, count);
  }
  for (let i = 0; sack !== null && i < sack.recentCount && count < most; ) {
    if (findStretch(c, sack.recent[i]!)) {
      count = addBlock(edges, first, count);
      i++;
    } else {
      sack.recent.copyWithin(i, i + 1, sack.recentCount);
      sack.recentCount--;
    }
  }
  const { reassembly } = c;
  for (let i = 0; reassembly !== null && i < reassembly.size && count < most; i++) {
    if (findStretch(c, reassembly.startOf(i))) count = addBlock(edges, first, count);
  }
  if (count < most && c.rcv.finKnown && findStretch(c, c.rcv.finSeq)) count = addBlock(edges, first, count);
  return count;
}

/** Adds the stretch found last, unless one of the blocks from `first` on says it already. */
function addBlock(edges: Int32Array, first: number, count: number): number {
  for (let i = first; i < count; i++) if (edges[2 * i] === left) return count;
  edges[2 * count] = left;
  edges[2 * count + 1] = right;
  return count + 1;
}

/** Edges of the stretch that `findStretch` found. */
let left: Seq = 0;
let right: Seq = 0;

/** Finds what is here around `seq`, beyond a hole. The peer's FIN takes a number and counts with the data before it. */
function findStretch(c: Connection, seq: Seq): boolean {
  const { rcv, reassembly } = c;
  const finWaits = rcv.finKnown && seqGt(rcv.finSeq, rcv.nxt);
  let i = reassembly === null ? -1 : reassembly.indexOf(seq);
  // Behind a FIN nothing is kept.
  if (finWaits && seq === rcv.finSeq) {
    const last = reassembly === null ? -1 : reassembly.size - 1;
    if (last >= 0 && reassembly!.endOf(last) === seq) {
      i = last;
    } else {
      left = seq;
      right = seqAdd(seq, 1);
      return true;
    }
  }
  if (i < 0) return false;
  left = reassembly!.startOf(i);
  right = reassembly!.endOf(i);
  if (finWaits && right === rcv.finSeq) right = seqAdd(right, 1);
  // Data of a SYN stands at RCV.NXT until the handshake is over.
  return seqGt(left, rcv.nxt);
}

function stretchCount(c: Connection): number {
  const { rcv, reassembly } = c;
  let count = 0;
  if (reassembly !== null) {
    count = reassembly.size;
    if (count > 0 && !seqGt(reassembly.startOf(0), rcv.nxt)) count--;
  }
  const finWaits = rcv.finKnown && seqGt(rcv.finSeq, rcv.nxt);
  if (finWaits && (count === 0 || reassembly!.endOf(reassembly!.size - 1) !== rcv.finSeq)) count++;
  return count;
}
