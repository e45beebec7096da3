// One write on its way into the send buffer, as room appears there. The buffer keeps references until the peer acknowledges,
// whereas a user may change a Buffer once the write's callback ran. So what comes last is copied; of a write that takes
// longer the rest leaves from the user's memory, and before the callback runs, what of it is not acknowledged is copied.
// Strings are encoded by us and need no copy.
import type { Endpoint } from '../stack/endpoint.js';

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
  /** The send buffer may refer to memory of the user. */
  private hasLent = false;
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

  /** A write of many chunks. */
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
      const piece = this.pieces[this.index]!;
      const bytes = this.offset === 0 ? piece : piece.subarray(this.offset);
      const isLast = bytes.length === this.remaining;
      // Refused bytes make the connection announce room; offering them keeps no reference.
      const sent = this.offer(endpoint, bytes, isLast);
      this.skip(sent);
      if (sent < bytes.length) return false;
    }
    this.takeBack(endpoint);
    return true;
  }

  /** From here on the user may change the memory of this write. */
  takeBack(endpoint: Endpoint): void {
    if (this.hasLent) endpoint.returnBorrowed();
    this.hasLent = false;
  }

  private offer(endpoint: Endpoint, bytes: Uint8Array, isLast: boolean): number {
    if (this.owned) return endpoint.send(bytes, isLast);
    if (this.remaining <= endpoint.connection.sendSpace) return endpoint.sendCopy(bytes, isLast);
    this.hasLent = true;
    return endpoint.sendBorrowed(bytes, isLast);
  }

  /** A copy of its first bytes, at most `most`. Nothing of it counts as sent. */
  copyOf(most: number): Uint8Array {
    const bytes = new Uint8Array(Math.min(most, this.remaining));
    for (let at = 0, index = 0; at < bytes.length; index++) {
      const part = this.pieces[index]!.subarray(0, bytes.length - at);
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  /** Its next bytes were sent by other means. */
  skip(count: number): void {
    this.remaining -= count;
    this.offset += count;
    while (this.index < this.pieces.length && this.offset >= this.pieces[this.index]!.length) {
      this.offset -= this.pieces[this.index]!.length;
      this.index++;
    }
  }
}
