// The bytes that the application has sent and the peer has not acknowledged, by sequence number: chunks of the
// application by reference where it does not change them, for good or for a while, copies in blocks of ours where it may.
import type { PayloadPieces } from '../wire/payload.js';
import { type Seq, seqAdd, seqDiff } from '../wire/seq.js';
import { BlockPool, SMALL_BLOCK } from './block-pool.js';

/** Chunks shorter than this are copied in any case, so that a segment never consists of hundreds of pieces. */
const COPY_BELOW = 1024;
/** Who has more than this waiting gets large blocks. */
const FEW_BYTES = 2 * SMALL_BLOCK;
/** Consumed slots at the front of the chunk list that are worth closing up. */
const COMPACT_AT = 64;

/** Whose memory it is: a block of ours, which goes back to the pool; the application's, for good, or until it wants it back. */
type Memory = 'block' | 'given' | 'borrowed';

/** Consecutive bytes in one piece of memory: `bytes[start … end)`. */
class Chunk {
  constructor(
    public bytes: Uint8Array,
    public start: number,
    public end: number,
    readonly kind: Memory,
  ) {}
}

/** A queue of byte chunks addressed by sequence number. Invariant: `start + length === end`, chunks are in order. */
export class SendBuffer {
  /** Sequence number of the first byte kept. */
  start: Seq;
  /** Bytes kept. */
  length = 0;
  private chunks: (Chunk | null)[] = [];
  /** Something may be borrowed. */
  private hasBorrowed = false;
  /** First chunk in use. */
  private head = 0;
  /** Where the last `gather` ended: senders read on from there. */
  private cursorChunk = 0;
  private cursorSeq: Seq;

  constructor(
    start: Seq,
    private readonly pool: BlockPool = new BlockPool(),
  ) {
    this.start = start;
    this.cursorSeq = start;
  }

  /** Sequence number after the last byte. */
  get end(): Seq {
    return seqAdd(this.start, this.length);
  }

  /** Appends bytes that nobody changes until they are acknowledged: by reference, unless a copy is the better. */
  append(bytes: Uint8Array): void {
    if (bytes.length < COPY_BELOW || this.pool.isFaster) {
      this.appendCopy(bytes, 0, bytes.length);
      return;
    }
    this.length += bytes.length;
    this.chunks.push(new Chunk(bytes, 0, bytes.length, 'given'));
  }

  /** Appends bytes that nobody changes until `returnBorrowed`. */
  appendBorrowed(bytes: Uint8Array): void {
    if (bytes.length < COPY_BELOW || this.pool.isFaster) {
      this.appendCopy(bytes, 0, bytes.length);
      return;
    }
    this.length += bytes.length;
    this.chunks.push(new Chunk(bytes, 0, bytes.length, 'borrowed'));
    this.hasBorrowed = true;
  }

  /** Refers to nothing borrowed any more: copies what is left of it. */
  returnBorrowed(): void {
    if (!this.hasBorrowed) return;
    this.hasBorrowed = false;
    const before = this.chunks;
    this.chunks = [];
    this.length = 0;
    for (let i = this.head; i < before.length; i++) {
      const chunk = before[i]!;
      if (chunk.kind === 'borrowed') {
        this.appendCopy(chunk.bytes, chunk.start, chunk.end - chunk.start);
      } else {
        this.length += chunk.end - chunk.start;
        this.chunks.push(chunk);
      }
    }
    this.head = 0;
    this.rewindCursor();
  }

  /** Appends a copy of `bytes[offset … offset + length)`. */
  appendCopy(bytes: Uint8Array, offset: number, length: number): void {
    while (length > 0) {
      const block = this.blockFor(length);
      const n = Math.min(length, block.bytes.length - block.end);
      block.bytes.set(n === bytes.length ? bytes : bytes.subarray(offset, offset + n), block.end);
      block.end += n;
      this.length += n;
      offset += n;
      length -= n;
    }
  }

  /** Lets go of everything before `seq`, which lies within the buffer or at its end. */
  acknowledge(seq: Seq): void {
    let n = seqDiff(seq, this.start);
    if (n <= 0) return;
    this.start = seq;
    this.length -= n;
    while (n > 0) {
      const chunk = this.chunks[this.head]!;
      const left = chunk.end - chunk.start;
      if (n < left) {
        chunk.start += n;
        break;
      }
      n -= left;
      this.release(chunk);
      this.chunks[this.head++] = null;
    }
    if (this.length === 0) this.reset();
    else if (this.head >= COMPACT_AT && this.head * 2 >= this.chunks.length) this.compact();
    if (this.cursorChunk <= this.head) this.rewindCursor();
  }

  /** Lets go of everything, acknowledged or not: of a connection that has ended. */
  discard(): void {
    for (let i = this.head; i < this.chunks.length; i++) {
      const chunk = this.chunks[i]!;
      if (chunk.kind === 'block') this.pool.abandon(chunk.bytes);
    }
    this.chunks = [];
    this.length = 0;
    this.head = 0;
    this.rewindCursor();
  }

  /** Adds the pieces of `[seq, seq + length)` to `pieces`; the range must lie within the buffer. */
  gather(seq: Seq, length: number, pieces: PayloadPieces): void {
    if (seqDiff(seq, this.cursorSeq) < 0) this.rewindCursor();
    let index = this.cursorChunk;
    let at = this.cursorSeq;
    let chunk = this.chunks[index]!;
    let skip = seqDiff(seq, at);
    while (skip >= chunk.end - chunk.start) {
      at = seqAdd(at, chunk.end - chunk.start);
      skip -= chunk.end - chunk.start;
      chunk = this.chunks[++index]!;
    }
    this.cursorChunk = index;
    this.cursorSeq = at;
    for (;;) {
      const take = Math.min(length, chunk.end - chunk.start - skip);
      pieces.add(chunk.bytes, chunk.start + skip, take);
      length -= take;
      if (length === 0) return;
      skip = 0;
      chunk = this.chunks[++index]!;
    }
  }

  /** The last chunk, when it is a block with room, else a new one that suits `length` bytes. */
  private blockFor(length: number): Chunk {
    const last = this.chunks.length > this.head ? this.chunks[this.chunks.length - 1]! : null;
    if (last?.kind === 'block' && last.end < last.bytes.length) return last;
    const isMuch = length > SMALL_BLOCK || this.length > FEW_BYTES;
    const block = new Chunk(this.pool.take(isMuch ? SMALL_BLOCK + 1 : SMALL_BLOCK), 0, 0, 'block');
    this.chunks.push(block);
    return block;
  }

  private release(chunk: Chunk): void {
    if (chunk.kind === 'block') this.pool.give(chunk.bytes);
  }

  /** Nothing is kept any more; what is idle has no memory. */
  private reset(): void {
    // To set the length of an array takes longer, and a new array longer still.
    for (let left = this.chunks.length; left > 0; left--) this.chunks.pop();
    this.head = 0;
    this.rewindCursor();
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
