// Data that arrived ahead of its turn, kept until the hole before it is filled (RFC 9293 SHLD-31).
import { type Seq, seqAdd, seqDiff, seqGeq, seqGt, seqLeq, seqLt } from '../wire/seq.js';
import { ReceiveQueue } from './receive-queue.js';

/** First block of a stretch: whoever sends single bytes between holes must not pin kilobytes with each. */
const SMALL_BLOCK = 256;
/** Stretches that there is room for at first. */
const FEW = 8;

/**
 * The stretches of contiguous bytes beyond RCV.NXT, and what stands in them.
 * Invariant: stretches are sorted, not empty, and neither overlap nor touch. The bytes that came first stay, and what was
 * taken in is kept until it is delivered, because SACK may have told of it (RFC 2018 §8 would let us renege; we do not).
 * A stretch is found in O(log n); to open or close one moves no more than two short arrays of numbers.
 */
export class Reassembly {
  /** Bytes kept. */
  byteCount = 0;
  /** Number of stretches. */
  size = 0;
  private starts = new Int32Array(FEW);
  private ends = new Int32Array(FEW);
  private readonly bytesOf: ReceiveQueue[] = [];

  /**
   * @param maxStretches kept at most: what would open another one is refused
   * @param allocate makes the memory; default a plain Uint8Array
   */
  constructor(
    private readonly maxStretches: number,
    private readonly allocate?: (bytes: number) => Uint8Array,
  ) {}

  /**
   * Keeps a copy of the parts of `bytes[offset … offset + length)`, which starts at `seq`, that are not here yet.
   * @returns bytes added, or -1 when it was refused
   */
  insert(seq: Seq, bytes: Uint8Array, offset: number, length: number): number {
    if (length <= 0) return 0;
    const before = this.byteCount;
    const end = seqAdd(seq, length);
    const i = this.firstEndingAt(seq);
    if (i === this.size || seqLt(end, this.startOf(i))) {
      if (!this.open(i, seq)) return -1;
      this.extend(i, end, bytes, offset);
      return length;
    }
    const missing = seqDiff(this.startOf(i), seq);
    if (missing > 0) {
      this.bytesOf[i]!.prepend(bytes, offset, missing);
      this.starts[i] = seq;
      this.byteCount += missing;
    }
    let following = i + 1;
    for (; following < this.size && seqLeq(this.startOf(following), end); following++) {
      this.extend(i, this.startOf(following), bytes, offset + seqDiff(this.endOf(i), seq));
      this.bytesOf[i]!.adopt(this.bytesOf[following]!);
      this.ends[i] = this.endOf(following);
    }
    this.extend(i, end, bytes, offset + seqDiff(this.endOf(i), seq));
    this.close(i + 1, following);
    return this.byteCount - before;
  }

  /** Left edge of stretch `i`, counted from the one with the lowest numbers. */
  startOf(i: number): Seq {
    return this.starts[i]!;
  }

  /** The number after the last byte of stretch `i`. */
  endOf(i: number): Seq {
    return this.ends[i]!;
  }

  /** The stretch in which `seq` lies, or -1. */
  indexOf(seq: Seq): number {
    const i = this.firstEndingAt(seqAdd(seq, 1));
    return i < this.size && seqLeq(this.startOf(i), seq) ? i : -1;
  }

  /** The first stretch that reaches `seq` or lies beyond it; `size` when there is none. */
  firstEndingAt(seq: Seq): number {
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (seqLt(this.endOf(middle), seq)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where the first stretch begins, or `otherwise` when nothing is kept. */
  firstStart(otherwise: Seq): Seq {
    return this.size > 0 ? this.startOf(0) : otherwise;
  }

  /**
   * Moves the first stretch to the end of `queue`, from `nxt` on, unless there is a hole before it.
   * @returns bytes moved
   */
  deliver(nxt: Seq, queue: ReceiveQueue): number {
    if (this.size === 0 || seqGt(this.startOf(0), nxt)) return 0;
    const bytes = this.bytesOf[0]!;
    this.byteCount -= bytes.length;
    bytes.skip(seqDiff(nxt, this.startOf(0)));
    const moved = bytes.length;
    queue.adopt(bytes);
    this.close(0, 1);
    return moved;
  }

  /** Forgets everything from `seq` on: the peer's FIN stands there, and nothing can follow it. */
  truncate(seq: Seq): void {
    while (this.size > 0 && seqGt(this.endOf(this.size - 1), seq)) {
      const last = this.size - 1;
      this.byteCount -= this.bytesOf[last]!.length;
      if (seqGeq(this.startOf(last), seq)) {
        this.close(last, this.size);
        continue;
      }
      this.bytesOf[last]!.truncate(seqDiff(seq, this.startOf(last)));
      this.ends[last] = seq;
      this.byteCount += this.bytesOf[last]!.length;
    }
  }

  /** Start and end of every stretch, in order; for logs and tests. */
  stretches(): [Seq, Seq][] {
    const out: [Seq, Seq][] = [];
    for (let i = 0; i < this.size; i++) out.push([this.startOf(i), this.endOf(i)]);
    return out;
  }

  /** Appends to stretch `i` what lies between its end and `to`, if anything does; `offset` is where that stands. */
  private extend(i: number, to: Seq, bytes: Uint8Array, offset: number): void {
    const missing = seqDiff(to, this.endOf(i));
    if (missing <= 0) return;
    this.bytesOf[i]!.push(bytes, offset, missing);
    this.ends[i] = to;
    this.byteCount += missing;
  }

  /** Makes an empty stretch at `seq` the one of index `i`. Returns false when there are enough. */
  private open(i: number, seq: Seq): boolean {
    const { size } = this;
    if (size >= this.maxStretches) return false;
    if (size === this.starts.length) {
      this.starts = widened(this.starts);
      this.ends = widened(this.ends);
    }
    this.starts.copyWithin(i + 1, i, size);
    this.ends.copyWithin(i + 1, i, size);
    this.starts[i] = seq;
    this.ends[i] = seq;
    this.bytesOf.splice(i, 0, new ReceiveQueue(this.allocate, SMALL_BLOCK));
    this.size = size + 1;
    return true;
  }

  /** Takes the stretches of index [from, to) out. */
  private close(from: number, to: number): void {
    if (from === to) return;
    this.starts.copyWithin(from, to, this.size);
    this.ends.copyWithin(from, to, this.size);
    this.bytesOf.splice(from, to - from);
    this.size -= to - from;
  }
}

function widened(numbers: Int32Array): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(2 * numbers.length);
  wider.set(numbers);
  return wider;
}
