// The bytes that the application has sent and the peer has not acknowledged, by reference and by sequence number.
import type { PayloadPieces } from '../wire/payload.js';
import { type Seq, seqAdd, seqDiff } from '../wire/seq.js';

/** Chunks shorter than this are gathered into a block, so that a segment never consists of hundreds of pieces. */
const COALESCE_BELOW = 1024;
const COALESCE_BLOCK = 4096;
/** Consumed slots at the front of the chunk list that are worth closing up. */
const COMPACT_AT = 64;

/** A queue of byte chunks addressed by sequence number. Invariant: `start + length === end`, chunks are in order. */
export class SendBuffer {
  /** Sequence number of the first byte kept. */
  start: Seq;
  /** Bytes kept. */
  length = 0;
  private chunks: Uint8Array[] = [];
  /** First chunk in use, and how much of it was acknowledged. */
  private head = 0;
  private headOffset = 0;
  /** The block of ours that the last chunk lies in, and how much of it is filled; null when the last chunk is the user's. */
  private tailBlock: Uint8Array | null = null;
  private tailUsed = 0;
  /** Where the last `gather` ended: senders read on from there. */
  private cursorChunk = 0;
  private cursorSeq: Seq;

  constructor(start: Seq) {
    this.start = start;
    this.cursorSeq = start;
  }

  /** Sequence number after the last byte. */
  get end(): Seq {
    return seqAdd(this.start, this.length);
  }

  /** Appends a chunk; long ones by reference, short ones by copy. */
  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.length += bytes.length;
    if (bytes.length >= COALESCE_BELOW) {
      this.tailBlock = null;
      this.chunks.push(bytes);
      return;
    }
    let block = this.tailBlock;
    if (block === null || this.tailUsed + bytes.length > block.length) {
      block = new Uint8Array(this.chunks.length > this.head ? COALESCE_BLOCK : Math.max(256, bytes.length));
      this.tailBlock = block;
      this.tailUsed = 0;
      this.chunks.push(block.subarray(0, 0));
    }
    block.set(bytes, this.tailUsed);
    this.tailUsed += bytes.length;
    const last = this.chunks[this.chunks.length - 1]!;
    const from = last.byteOffset - block.byteOffset;
    this.chunks[this.chunks.length - 1] = block.subarray(from, this.tailUsed);
  }

  /** Lets go of everything before `seq`, which lies within the buffer or at its end. */
  acknowledge(seq: Seq): void {
    let n = seqDiff(seq, this.start);
    if (n <= 0) return;
    this.start = seq;
    this.length -= n;
    while (n > 0) {
      const chunk = this.chunks[this.head]!;
      const left = chunk.length - this.headOffset;
      if (n < left) {
        this.headOffset += n;
        break;
      }
      n -= left;
      this.chunks[this.head] = EMPTY;
      this.head++;
      this.headOffset = 0;
    }
    if (this.length === 0) this.clear();
    else if (this.head >= COMPACT_AT && this.head * 2 >= this.chunks.length) this.compact();
    if (this.cursorChunk <= this.head) this.rewindCursor();
  }

  /** Adds the pieces of `[seq, seq + length)` to `pieces`; the range must lie within the buffer. */
  gather(seq: Seq, length: number, pieces: PayloadPieces): void {
    if (seqDiff(seq, this.cursorSeq) < 0) this.rewindCursor();
    let index = this.cursorChunk;
    let at = this.cursorSeq;
    let usable = this.usableOf(index);
    let skip = seqDiff(seq, at);
    while (skip >= usable) {
      at = seqAdd(at, usable);
      skip -= usable;
      index++;
      usable = this.usableOf(index);
    }
    this.cursorChunk = index;
    this.cursorSeq = at;
    while (length > 0) {
      const take = Math.min(length, usable - skip);
      const base = index === this.head ? this.headOffset : 0;
      pieces.add(this.chunks[index]!, base + skip, take);
      length -= take;
      skip = 0;
      index++;
      if (length > 0) usable = this.usableOf(index);
    }
  }

  /** Drops everything; `start` stays. */
  clear(): void {
    this.chunks = [];
    this.head = 0;
    this.headOffset = 0;
    this.length = 0;
    this.tailBlock = null;
    this.tailUsed = 0;
    this.rewindCursor();
  }

  private usableOf(index: number): number {
    return this.chunks[index]!.length - (index === this.head ? this.headOffset : 0);
  }

  private rewindCursor(): void {
    this.cursorChunk = this.head;
    this.cursorSeq = this.start;
  }

  private compact(): void {
    this.chunks = this.chunks.slice(this.head);
    this.cursorChunk -= this.head;
    this.head = 0;
  }
}

const EMPTY = new Uint8Array(0);
