// Which numbers beyond SND.UNA the peer has reported by SACK: an ordered set of ranges, bounded, so that a hostile peer
// can make it neither large nor slow (RFC 2018, RFC 6675 §3). What follows from it is told in sack.ts.
//
// Invariant: ranges are sorted, not empty, and neither overlap nor touch.
import { type Seq, seqGeq, seqGt, seqLeq, seqLt } from '../wire/seq.js';

/** Ranges kept. An honest peer can name four at a time, and a window full of holes has no more use for them. */
const MAX_RANGES = 1024;
const INITIAL_RANGES = 8;

/** The reported ranges. */
export class Scoreboard {
  /** Number of ranges. */
  count = 0;
  private lefts = new Int32Array(INITIAL_RANGES);
  private rights = new Int32Array(INITIAL_RANGES);

  /** Where range `i` begins. */
  left(i: number): Seq {
    return this.lefts[i]!;
  }

  /** Where range `i` ends. */
  right(i: number): Seq {
    return this.rights[i]!;
  }

  /** First range that ends after `seq`, or `count`. O(log n). */
  indexAfter(seq: Seq): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (seqGt(this.rights[middle]!, seq)) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** True when all of [left, right) was reported. */
  covers(left: Seq, right: Seq): boolean {
    const i = this.indexAfter(left);
    return i < this.count && seqLeq(this.lefts[i]!, left) && seqGeq(this.rights[i]!, right);
  }

  /** True when `add` will take [left, right): it touches a range, or there is room for one more. */
  hasRoomFor(left: Seq, right: Seq): boolean {
    if (this.count < MAX_RANGES) return true;
    const i = this.indexAfter(left);
    if (i > 0 && this.rights[i - 1] === left) return true;
    return i < this.count && seqLeq(this.lefts[i]!, right);
  }

  /**
   * Adds [left, right), joining what it touches.
   * @returns index of the range that contains it now, or -1 when there was no room for another one
   */
  add(left: Seq, right: Seq): number {
    // From the first range that touches or follows, to before the first one that lies beyond.
    let from = this.indexAfter(left);
    if (from > 0 && this.rights[from - 1] === left) from--;
    let to = from;
    while (to < this.count && seqLeq(this.lefts[to]!, right)) to++;
    if (from === to) return this.insert(from, left, right);
    if (seqLt(left, this.lefts[from]!)) this.lefts[from] = left;
    const last = this.rights[to - 1]!;
    this.rights[from] = seqGt(right, last) ? right : last;
    this.remove(from + 1, to);
    return from;
  }

  /** Forgets what lies before `seq`. */
  dropBefore(seq: Seq): void {
    this.remove(0, this.indexAfter(seq));
    if (this.count > 0 && seqLt(this.lefts[0]!, seq)) this.lefts[0] = seq;
  }

  /** Forgets everything. */
  clear(): void {
    this.count = 0;
  }

  private insert(at: number, left: Seq, right: Seq): number {
    if (this.count === MAX_RANGES) return -1;
    if (this.count === this.lefts.length) {
      this.lefts = doubled(this.lefts);
      this.rights = doubled(this.rights);
    }
    this.lefts.copyWithin(at + 1, at, this.count);
    this.rights.copyWithin(at + 1, at, this.count);
    this.lefts[at] = left;
    this.rights[at] = right;
    this.count++;
    return at;
  }

  private remove(from: number, to: number): void {
    if (to <= from) return;
    this.lefts.copyWithin(from, to, this.count);
    this.rights.copyWithin(from, to, this.count);
    this.count -= to - from;
  }
}

function doubled(old: Int32Array): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(2 * old.length);
  wider.set(old);
  return wider;
}
