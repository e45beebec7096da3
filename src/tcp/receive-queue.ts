// Received bytes that are contiguous, in order: those that wait for the application, and each stretch that waits for what
// goes before it. Small payloads are copied here from the memory of the link, once; large ones stay there.

/** Blocks begin small, so that a trickle of bytes pins little memory, and grow with bulk data. */
const SMALL_BLOCK = 2048;
const LARGEST_BLOCK = 65_536;
/** Up to about this size a loop beats `set`, which needs a subarray. */
const LOOP_BYTES = 64;
/** Arrays of at most so many bytes are part of the heap, and much cheaper than such that have memory outside. */
const TINY_BYTES = 64;
/** Payloads of at least this size count as bulk. */
const BULK_BYTES = 512;

/** Makes views of memory, and small arrays of their own: `Uint8Array`, or a class derived from it. */
export interface ViewClass {
  new (memory: ArrayBufferLike, offset: number, length: number): Uint8Array;
  new (length: number): Uint8Array;
  readonly prototype: Uint8Array;
}

/** A piece of memory; the bytes in use are `[start, end)`. */
class Block {
  next: Block | null = null;

  /** @param limit where the memory ends that may be written */
  constructor(
    readonly bytes: Uint8Array,
    public start: number,
    public end: number,
    public limit: number,
  ) {}

  /** Bytes that may be appended. */
  get room(): number {
    return this.limit - this.end;
  }
}

/** A byte queue that hands out views of its blocks. A range handed out is never written again. */
export class ReceiveQueue {
  /** Bytes queued. */
  length = 0;
  private head: Block | null = null;
  private tail: Block | null = null;
  /** Size of the block made last. */
  private blockBytes: number;

  /**
   * @param allocate makes the blocks; what it returns need not be zeroed
   * @param smallBlockBytes size of the first block, and of those for a trickle
   * @param Tiny what `take` is mostly asked for: a small payload is made one at once, and handed out as it is
   */
  constructor(
    private readonly allocate: (bytes: number) => Uint8Array = zeroed,
    private readonly smallBlockBytes = SMALL_BLOCK,
    private readonly Tiny: ViewClass = Uint8Array,
  ) {
    this.blockBytes = smallBlockBytes;
  }

  /** Appends a copy of `bytes[offset … offset + length)`. */
  push(bytes: Uint8Array, offset: number, length: number): void {
    // One of them at a time: many tiny arrays would be more than the bytes in them.
    if (this.length === 0 && this.head === null && length <= TINY_BYTES) {
      this.pushTiny(bytes, offset, length);
      return;
    }
    this.length += length;
    let left = length;
    this.widenTiny();
    while (left > 0) {
      const { tail } = this;
      const block = tail !== null && tail.room > 0 ? tail : this.grow(left, length);
      const n = Math.min(left, block.room);
      const { end } = block;
      if (n <= LOOP_BYTES) for (let i = 0; i < n; i++) block.bytes[end + i] = bytes[offset + i]!;
      else block.bytes.set(bytes.subarray(offset, offset + n), end);
      block.end = end + n;
      offset += n;
      left -= n;
    }
  }

  private pushTiny(bytes: Uint8Array, offset: number, length: number): void {
    const tiny = new this.Tiny(length);
    for (let i = 0; i < length; i++) tiny[i] = bytes[offset + i]!;
    this.length = length;
    this.append(new Block(tiny, 0, length, length));
  }

  /** A tiny array to which more comes moves into a block with room, so that they can be taken together. */
  private widenTiny(): void {
    const block = this.head;
    if (block === null || block !== this.tail || block.bytes.length > TINY_BYTES || block.room > 0) return;
    const n = block.end - block.start;
    const size = this.smallBlockBytes;
    if (n >= size) return;
    const wide = new Block(this.allocate(size), 0, n, size);
    for (let i = 0; i < n; i++) wide.bytes[i] = block.bytes[block.start + i]!;
    this.head = wide;
    this.tail = wide;
  }

  /**
   * Appends `bytes[offset … offset + length)` itself, which nobody writes any more; not nothing. Where most is kept, the little that is
   * copied in between needs no large blocks.
   */
  keep(bytes: Uint8Array, offset: number, length: number): void {
    this.length += length;
    this.blockBytes = this.smallBlockBytes;
    this.append(new Block(bytes, offset, offset + length, offset + length));
  }

  /** Puts a copy of `bytes[offset … offset + length)` before everything else. Nothing may have been taken yet. */
  prepend(bytes: Uint8Array, offset: number, length: number): void {
    if (length === 0) return;
    let head = this.head;
    if (head === null || head.start < length) {
      const size = Math.max(length, this.smallBlockBytes);
      const block = new Block(this.allocate(size), size, size, size);
      block.next = head;
      this.head = head = block;
      this.tail ??= block;
    }
    head.start -= length;
    head.bytes.set(bytes.subarray(offset, offset + length), head.start);
    this.length += length;
  }

  /**
   * Appends all of `other`, which is empty afterwards. Blocks change hands; the bytes of those that fit behind our last one
   * are copied. So no gap is larger than what follows it, and memory stays below twice the bytes in it, however they came.
   */
  adopt(other: ReceiveQueue): void {
    this.length += other.length;
    this.widenTiny();
    const { tail } = this;
    let block = other.head;
    if (tail !== null) {
      for (; block !== null && block.end - block.start <= tail.room; block = block.next) {
        tail.bytes.set(block.bytes.subarray(block.start, block.end), tail.end);
        tail.end += block.end - block.start;
      }
    }
    if (block !== null) {
      if (tail === null) this.head = block;
      else tail.next = block;
      this.tail = other.tail;
    }
    other.clear();
  }

  /**
   * Takes at most `max` bytes from the front, as one view; null when the queue is empty.
   * @param View what the view is to be; default a plain one
   */
  take(max: number, View?: ViewClass): Uint8Array | null {
    if (this.length === 0 || max <= 0) return null;
    let block = this.head!;
    if (block.start === block.end) block = this.dropHead();
    const n = Math.min(max, block.end - block.start);
    const view = viewOf(block.bytes, block.start, n, View);
    block.start += n;
    this.length -= n;
    if (block.start === block.limit) this.dropHead();
    return view;
  }

  /** Forgets the first `n` bytes, or all when there are fewer. */
  skip(n: number): void {
    for (let view = this.take(n); view !== null; view = this.take(n)) n -= view.length;
  }

  /** Forgets everything behind the first `length` bytes. */
  truncate(length: number): void {
    if (length >= this.length) return;
    if (length <= 0) {
      this.clear();
      return;
    }
    this.length = length;
    let block = this.head!;
    for (let left = length; ; block = block.next!) {
      const used = block.end - block.start;
      if (left <= used) {
        block.end = block.start + left;
        // What was kept must not be written, and of our own memory little is lost.
        block.limit = block.end;
        break;
      }
      left -= used;
    }
    block.next = null;
    this.tail = block;
  }

  /** Drops everything. */
  clear(): void {
    this.head = null;
    this.tail = null;
    this.length = 0;
  }

  private dropHead(): Block {
    const next = this.head!.next;
    this.head = next;
    if (next === null) this.tail = null;
    return next!;
  }

  /**
   * Bulk data gets a block twice as large as the one before, and large enough for the segment.
   * @param wanted what is left of the segment, which may be little also of a large one
   */
  private grow(wanted: number, payload: number): Block {
    if (payload >= BULK_BYTES) {
      do this.blockBytes *= 2;
      while (this.blockBytes < wanted);
      this.blockBytes = Math.min(LARGEST_BLOCK, this.blockBytes);
    } else {
      this.blockBytes = this.smallBlockBytes;
    }
    const block = new Block(this.allocate(this.blockBytes), 0, 0, this.blockBytes);
    this.append(block);
    return block;
  }

  private append(block: Block): void {
    if (this.tail === null) this.head = block;
    else this.tail.next = block;
    this.tail = block;
  }
}

/** `bytes[start … start + n)`; of a tiny array itself, or a copy, which leaves both in the heap. */
function viewOf(bytes: Uint8Array, start: number, n: number, View: ViewClass | undefined): Uint8Array {
  if (bytes.length <= TINY_BYTES) {
    if (n === bytes.length && View !== undefined && Object.getPrototypeOf(bytes) === View.prototype)
      return bytes;
    const copy = new (View ?? Uint8Array)(n);
    for (let i = 0; i < n; i++) copy[i] = bytes[start + i]!;
    return copy;
  }
  if (View === undefined) return bytes.subarray(start, start + n);
  return new View(bytes.buffer, bytes.byteOffset + start, n);
}

function zeroed(bytes: number): Uint8Array {
  return new Uint8Array(bytes);
}
