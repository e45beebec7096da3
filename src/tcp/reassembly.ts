// Segments that arrived ahead of their turn, kept until the hole before them is filled (RFC 9293 SHLD-31).
import { type Seq, seqAdd, seqDiff, seqGeq, seqGt, seqLeq, seqLt } from '../wire/seq.js';

interface Range {
  readonly start: Seq;
  readonly end: Seq;
  readonly bytes: Uint8Array;
}

/**
 * An ordered set of byte ranges beyond RCV.NXT.
 * Invariant: ranges are sorted, not empty and do not overlap; the bytes that came first stay.
 */
export class Reassembly {
  /** Bytes kept. */
  byteCount = 0;
  private ranges: Range[] = [];

  /** @param maxRanges pieces kept at most: beyond it the farthest are forgotten, and will be sent again */
  constructor(private readonly maxRanges: number) {}

  /** Number of pieces kept. */
  get size(): number {
    return this.ranges.length;
  }

  /**
   * Keeps a copy of the parts of `bytes[offset … offset + length)`, which starts at `seq`, that are not here yet.
   * @returns bytes added
   */
  insert(seq: Seq, bytes: Uint8Array, offset: number, length: number): number {
    const before = this.byteCount;
    const end = seqAdd(seq, length);
    let at = seq;
    let i = this.firstEndingAfter(seq);
    while (seqLt(at, end)) {
      const next = this.ranges[i];
      const stop = next === undefined || seqGeq(next.start, end) ? end : next.start;
      if (seqLt(at, stop)) {
        const from = offset + seqDiff(at, seq);
        this.ranges.splice(i, 0, {
          start: at,
          end: stop,
          bytes: bytes.slice(from, from + seqDiff(stop, at)),
        });
        this.byteCount += seqDiff(stop, at);
        i++;
      }
      if (next === undefined) break;
      at = next.end;
      i++;
    }
    this.enforceLimit();
    return this.byteCount - before;
  }

  /** Where the first range begins, or `otherwise` when nothing is kept. */
  firstStart(otherwise: Seq): Seq {
    return this.ranges.length > 0 ? this.ranges[0]!.start : otherwise;
  }

  /**
   * Takes the next range that covers `nxt`, cut to begin there; null while there is a hole. Ranges that lie wholly
   * before `nxt` are dropped on the way.
   */
  take(nxt: Seq): Uint8Array | null {
    while (this.ranges.length > 0) {
      const first = this.ranges[0]!;
      if (seqGt(first.start, nxt)) return null;
      this.ranges.shift();
      this.byteCount -= first.bytes.length;
      if (seqGt(first.end, nxt)) return first.bytes.subarray(seqDiff(nxt, first.start));
    }
    return null;
  }

  /** Forgets everything from `seq` on: the peer's FIN stands there, and nothing can follow it. */
  truncate(seq: Seq): void {
    for (
      let last = this.ranges.at(-1);
      last !== undefined && seqGt(last.end, seq);
      last = this.ranges.at(-1)
    ) {
      this.ranges.pop();
      this.byteCount -= last.bytes.length;
      if (seqGeq(last.start, seq)) continue;
      const bytes = last.bytes.subarray(0, seqDiff(seq, last.start));
      this.ranges.push({ start: last.start, end: seq, bytes });
      this.byteCount += bytes.length;
    }
  }

  /** Start and end of every contiguous stretch, in order; for SACK, logs and tests. */
  stretches(): [Seq, Seq][] {
    const out: [Seq, Seq][] = [];
    for (const range of this.ranges) {
      const last = out[out.length - 1];
      if (last !== undefined && last[1] === range.start) last[1] = range.end;
      else out.push([range.start, range.end]);
    }
    return out;
  }

  clear(): void {
    this.ranges = [];
    this.byteCount = 0;
  }

  private firstEndingAfter(seq: Seq): number {
    let low = 0;
    let high = this.ranges.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (seqLeq(this.ranges[middle]!.end, seq)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private enforceLimit(): void {
    while (this.ranges.length > this.maxRanges) this.byteCount -= this.ranges.pop()!.bytes.length;
  }
}
