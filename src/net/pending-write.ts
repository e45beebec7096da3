// One write on its way into the send buffer. The buffer keeps references until the peer acknowledges, whereas a user
// may change a Buffer once the write's callback ran: user memory is copied here, piece by piece as room appears;
// strings are encoded by us and need no copy.
import type { Endpoint } from '../stack/endpoint.js';

/** Copied at once at most: bounds the memory of a large write to the send buffer and this. */
const COPY_BYTES = 65536;

/** What `Writable` hands to `_writev`. */
export interface WriteChunk {
  chunk: Buffer | Uint8Array | string;
  encoding: BufferEncoding;
}

/** The bytes of one `_write` or `_writev`. */
export class PendingWrite {
  /** Bytes of the whole write. */
  readonly length: number;
  private remaining: number;
  private index = 0;
  private offset = 0;

  private constructor(
    private readonly pieces: readonly Uint8Array[],
    /** True when no user can change `pieces`. */
    private readonly owned: boolean,
  ) {
    let length = 0;
    for (const piece of pieces) length += piece.length;
    this.length = length;
    this.remaining = length;
  }

  /** A write of one chunk. */
  static ofChunk(chunk: Uint8Array | string, encoding: BufferEncoding): PendingWrite {
    if (typeof chunk === 'string') return new PendingWrite([Buffer.from(chunk, encoding)], true);
    return new PendingWrite([chunk], false);
  }

  /** A write of many chunks. Small neighbours are sent as one. */
  static ofChunks(chunks: readonly WriteChunk[]): PendingWrite {
    const pieces = chunks.map(({ chunk, encoding }) =>
      typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk,
    );
    return new PendingWrite(pieces, false);
  }

  /** A write of many buffers, in the same way. */
  static ofBuffers(buffers: readonly Uint8Array[]): PendingWrite {
    return new PendingWrite(buffers, false);
  }

  /** Moves all that fits into the send buffer. Returns true once everything is in; until then WRITABLE follows. */
  advance(endpoint: Endpoint): boolean {
    while (this.remaining > 0) {
      const space = endpoint.connection.sendSpace;
      if (space <= 0) {
        // Refused bytes make the connection announce room; offering them keeps no reference.
        const refused = this.pieces[this.index]!;
        this.skip(endpoint.send(refused.subarray(this.offset), false));
        if (this.remaining > 0) return false;
      } else {
        const bytes = this.take(space);
        const sent = endpoint.send(bytes, bytes.length === this.remaining);
        this.skip(sent);
        if (sent < bytes.length) return false;
      }
    }
    return true;
  }

  /** The next bytes, at most `max`, in memory that nobody else changes. */
  private take(max: number): Uint8Array {
    const first = this.pieces[this.index]!;
    if (this.owned) return first.subarray(this.offset, this.offset + max);
    const length = Math.min(max, this.remaining, COPY_BYTES);
    const copy = Buffer.allocUnsafe(length);
    let filled = 0;
    let index = this.index;
    let offset = this.offset;
    while (filled < length) {
      const piece = this.pieces[index]!;
      const part = piece.subarray(offset, offset + length - filled);
      copy.set(part, filled);
      filled += part.length;
      index++;
      offset = 0;
    }
    return copy;
  }

  private skip(count: number): void {
    this.remaining -= count;
    this.offset += count;
    while (this.index < this.pieces.length && this.offset >= this.pieces[this.index]!.length) {
      this.offset -= this.pieces[this.index]!.length;
      this.index++;
    }
  }
}
