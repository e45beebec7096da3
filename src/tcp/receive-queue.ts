// In-order bytes that wait for the application: the one copy between the link's slab and the reader.

/** Blocks begin small, so that a trickle of bytes pins little memory, and grow with bulk data. */
const SMALL_BLOCK = 2048;
const LARGEST_BLOCK = 65_536;
/** Payloads of at least this size count as bulk. */
const BULK_BYTES = 512;

interface Block {
  readonly bytes: Uint8Array;
  /** First byte not yet taken, first byte not yet written. */
  start: number;
  end: number;
}

/** A byte queue that hands out views of its blocks. A range handed out is never written again. */
export class ReceiveQueue {
  /** Bytes queued. */
  length = 0;
  private blocks: Block[] = [];
  private nextBlockBytes = SMALL_BLOCK;

  /** @param allocate makes the blocks; what it returns need not be zeroed */
  constructor(private readonly allocate: (bytes: number) => Uint8Array = zeroed) {}

  /** Appends a copy of `bytes[offset … offset + length)`. */
  push(bytes: Uint8Array, offset: number, length: number): void {
    this.length += length;
    let left = length;
    while (left > 0) {
      const tail = this.blocks[this.blocks.length - 1];
      const block = tail !== undefined && tail.end < tail.bytes.length ? tail : this.grow(left);
      const n = Math.min(left, block.bytes.length - block.end);
      block.bytes.set(bytes.subarray(offset, offset + n), block.end);
      block.end += n;
      offset += n;
      left -= n;
    }
  }

  /** Takes at most `max` bytes from the front, as one view; null when the queue is empty. */
  take(max: number): Uint8Array | null {
    if (this.length === 0 || max <= 0) return null;
    let block = this.blocks[0]!;
    if (block.start === block.end) {
      this.blocks.shift();
      block = this.blocks[0]!;
    }
    const n = Math.min(max, block.end - block.start);
    const view = block.bytes.subarray(block.start, block.start + n);
    block.start += n;
    this.length -= n;
    if (block.start === block.bytes.length) this.blocks.shift();
    return view;
  }

  /** Drops everything. */
  clear(): void {
    this.blocks = [];
    this.length = 0;
  }

  private grow(wanted: number): Block {
    this.nextBlockBytes =
      wanted >= BULK_BYTES ? Math.min(LARGEST_BLOCK, this.nextBlockBytes * 2) : SMALL_BLOCK;
    const block = { bytes: this.allocate(this.nextBlockBytes), start: 0, end: 0 };
    this.blocks.push(block);
    return block;
  }
}

function zeroed(bytes: number): Uint8Array {
  return new Uint8Array(bytes);
}
