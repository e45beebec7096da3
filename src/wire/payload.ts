// Payload on its way out, by reference: the pieces of the sender's buffers that make up one segment.

/** Scatter-gather payload of one outgoing packet. Reused by its owner; valid until the next `flush` returns. */
export class PayloadPieces {
  count = 0;
  /** Sum of the lengths, in bytes. */
  total = 0;
  /** The first `count` entries of each array are in use. */
  readonly bytes: Uint8Array[] = [];
  readonly offsets: number[] = [];
  readonly lengths: number[] = [];

  /** Empties the list and lets go of the buffers. The arrays stay as long as they were: emptied, they would grow anew. */
  clear(): void {
    for (let i = 0; i < this.count; i++) this.bytes[i] = NOTHING;
    this.count = 0;
    this.total = 0;
  }

  /** Appends `bytes[offset … offset + length)`. */
  add(bytes: Uint8Array, offset: number, length: number): void {
    this.bytes[this.count] = bytes;
    this.offsets[this.count] = offset;
    this.lengths[this.count] = length;
    this.count++;
    this.total += length;
  }

  /** A part of it as a list of its own, which refers to the same buffers: `length` bytes from byte `from` on. */
  slice(from: number, length: number): PayloadPieces {
    const part = new PayloadPieces();
    for (let i = 0; i < this.count && length > 0; i++) {
      const skipped = Math.min(from, this.lengths[i]!);
      const taken = Math.min(length, this.lengths[i]! - skipped);
      if (taken > 0) part.add(this.bytes[i]!, this.offsets[i]! + skipped, taken);
      from -= skipped;
      length -= taken;
    }
    return part;
  }

  /** Copies all pieces, in order, to `target` at `at`. */
  copyTo(target: Uint8Array, at: number): void {
    for (let i = 0; i < this.count; i++) {
      const from = this.offsets[i]!;
      target.set(this.bytes[i]!.subarray(from, from + this.lengths[i]!), at);
      at += this.lengths[i]!;
    }
  }
}

const NOTHING = new Uint8Array(0);
