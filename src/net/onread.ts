// The option `onread`: received bytes go into a buffer of the user's, over and over, instead of into the stream.
import { isUint8Array } from 'node:util/types';

/** `onread` of `new Socket()`. */
export interface OnReadOptions {
  /** The buffer, or what returns one: first, and again after each call of `callback`. */
  buffer: Uint8Array | (() => Uint8Array);
  /** @returns false to stop reading until `resume()` */
  callback(bytesRead: number, buffer: Uint8Array): boolean;
}

/** Fills the user's buffer. */
export class OnRead {
  private buffer: Uint8Array | null = null;

  private constructor(private readonly options: OnReadOptions) {}

  /** Null for what `node:net` silently takes no notice of: no buffer, or no callback. */
  static of(value: unknown): OnRead | null {
    if (typeof value !== 'object' || value === null) return null;
    const { buffer, callback } = value as Partial<OnReadOptions>;
    if (typeof callback !== 'function') return null;
    if (!isUint8Array(buffer) && typeof buffer !== 'function') return null;
    return new OnRead(value as OnReadOptions);
  }

  /** The buffer; a function is asked for the first one when there is something to read. */
  private current(): Uint8Array {
    const { buffer } = this.options;
    this.buffer ??= typeof buffer === 'function' ? buffer() : buffer;
    return this.buffer;
  }

  /** Bytes that it takes at once. */
  get room(): number {
    return this.current().length;
  }

  /** Takes at most `room` bytes. Returns false when the user wants no more for now. */
  take(bytes: Uint8Array): boolean {
    const { options } = this;
    const buffer = this.current();
    buffer.set(bytes);
    const more = options.callback(bytes.length, buffer) !== false;
    if (typeof options.buffer === 'function') {
      const next = options.buffer();
      if (isUint8Array(next)) this.buffer = next;
    }
    return more;
  }
}
