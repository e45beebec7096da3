// Between a socket and its endpoint: turns the endpoint's events into stream operations and keeps the process alive
// while the connection needs it. It outlives its socket until the last byte and the FIN are acknowledged.
import { AsyncResource } from 'node:async_hooks';
import { BufferView } from '../stack/buffer-view.js';
import type { Endpoint, EndpointHandler } from '../stack/endpoint.js';
import { Event } from '../tcp/connection.js';
import { State } from '../tcp/state.js';
import { surfaceUncaught, systemError } from './errors.js';
import { type Liveness, Share } from './liveness.js';
import { SINCE_NODE_22 } from './node-version.js';
import type { PendingWrite, WriteChunk } from './pending-write.js';

/** Largest chunk given to a stream, as libuv reads. */
export const READ_BYTES = 65536;

/** What reads from and writes to a transport: a socket of ours, or a handle below one of Node's. */
export interface TransportOwner {
  /** Most bytes that `_receive` takes at once. */
  readonly _receiveBytes: number;
  /** Takes bytes, or null for the end; false when it wants no more for now and will call `startReading`. */
  _receive(bytes: Buffer | null): boolean;
  /** After the end was pushed: nobody may be reading, and the end is to be noticed all the same. */
  read(size: number): unknown;
  /** The connection failed. */
  destroy(error: Error): unknown;
  emit(event: 'softError', error: Error): unknown;
  /** Bytes moved: the idle timer starts anew. */
  _unrefTimer(): void;
}

/** Writes of at most so many bytes are put together here. */
const SHORT_BYTES = 16_384;
/** No character takes more, in any encoding. */
const MOST_PER_CHARACTER = 3;
const short = Buffer.allocUnsafeSlow(SHORT_BYTES);

type WriteCallback = (error?: Error | null) => void;

function resume(transport: Transport): void {
  transport.dispatch();
}

/** The connected endpoint of one socket. */
export class Transport implements EndpointHandler {
  /** Bytes handed to the stream so far. */
  bytesRead = 0;
  /** Bytes of all writes begun so far, as `node:net` counts. */
  bytesWritten = 0;

  private readonly scope = new AsyncResource('SYNWAVESOCKET');
  private readonly share: Share;
  /** Null once the socket was destroyed. */
  private owner: TransportOwner | null;
  /** The stream wants data. Off: nobody reads, and the advertised window closes. */
  private reading = false;
  private pumping = false;
  private ended = false;
  private closed = false;
  /** Since it was connected no turn has gone by; see `onEventsLater`. */
  private settling = false;
  /** The error of the peer or the path that no call has reported yet; see `takeFailure`. */
  private failure: string | null = null;
  private softError: string | null = null;
  private write: PendingWrite | null = null;
  private writeDone: WriteCallback | null = null;
  /** Our bytes are under way: this process must stay to retransmit them. */
  private unacknowledged = false;
  private referenced = true;

  constructor(
    readonly endpoint: Endpoint,
    owner: TransportOwner,
    liveness: Liveness,
  ) {
    this.owner = owner;
    this.share = new Share(liveness);
    endpoint.handler = this;
  }

  /**
   * Takes events that came together with the connection a turn later, and reads no sooner: listeners that a promise adds
   * after `connect` must be there before.
   */
  onEventsLater(events: number): void {
    this.settling = true;
    setImmediate(() => {
      this.settling = false;
      // What came meanwhile is looked at now, whatever these are.
      this.onEvents(this.endpoint, events | Event.READABLE);
    });
  }

  /** Takes note of everything first; listeners run afterwards, so that whatever they call finds a settled state. */
  onEvents(endpoint: Endpoint, events: number): void {
    if ((events & Event.SOFT_ERROR) !== 0) this.softError = endpoint.connection.softError;
    if ((events & (Event.ALL_ACKNOWLEDGED | Event.CLOSED)) !== 0) this.unacknowledged = false;
    if ((events & Event.CLOSED) !== 0) {
      this.closed = true;
      this.failure = endpoint.connection.error;
    }
    // That all is acknowledged concerns nobody above.
    if (this.owner !== null && events !== Event.ALL_ACKNOWLEDGED) this.dispatch();
    else this.updateShare();
  }

  /** Lets the stream learn what is due. An exception of a listener surfaces on its own and delays nobody else. */
  dispatch(): void {
    if (this.owner === null) return;
    try {
      this.scope.runInAsyncScope(this.deliver, this);
    } catch (error) {
      surfaceUncaught(error);
      process.nextTick(resume, this);
    } finally {
      this.updateShare();
    }
  }

  private deliver(): void {
    if (this.softError !== null) {
      const error = systemError(this.softError, 'tcp');
      this.softError = null;
      this.owner?.emit('softError', error);
    }
    if (this.reading) this.pump();
    if (this.write !== null) this.advanceWrite();
  }

  // ---- reading

  /** The stream wants data (`_read`). */
  startReading(): void {
    this.reading = true;
    this.pump();
    this.updateShare();
  }

  /** Whether data goes on as soon as it comes. */
  get isReading(): boolean {
    return this.reading;
  }

  /** The stream has enough for now, and nobody called `_receive` to learn it from. */
  stopReading(): void {
    this.reading = false;
    this.updateShare();
  }

  /** Hands over what has arrived until the stream has enough. Listeners may do anything meanwhile, `read` included. */
  private pump(): void {
    if (this.pumping || this.settling) return;
    this.pumping = true;
    try {
      while (this.reading && this.owner !== null) {
        const bytes = this.endpoint.receive(this.owner._receiveBytes, BufferView);
        if (bytes === null) {
          if (this.endpoint.connection.receiveQueueBytes > 0) this.onNoRoom(this.owner);
          else this.onQueueEmpty(this.owner);
          return;
        }
        this.push(this.owner, bytes as Buffer);
      }
    } finally {
      this.pumping = false;
    }
  }

  /** There is data, and the buffer of `onread` holds none. */
  private onNoRoom(owner: TransportOwner): void {
    this.reading = false;
    owner.destroy(systemError('ENOBUFS', 'read'));
  }

  private push(owner: TransportOwner, bytes: Buffer): void {
    this.bytesRead += bytes.length;
    owner._unrefTimer();
    // Off during the call: a `_read` that a listener causes must not be lost when `push` then returns false.
    this.reading = false;
    let more = true;
    try {
      more = owner._receive(bytes);
    } finally {
      if (more) this.reading = true;
    }
  }

  /** No data: the end, an error, or simply nothing yet. Data that came before an error has been read by now. */
  private onQueueEmpty(owner: TransportOwner): void {
    if (this.ended) return;
    if (this.endpoint.connection.atEnd || (this.closed && this.endpoint.connection.error === null)) {
      this.ended = true;
      this.reading = false;
      owner._unrefTimer();
      owner._receive(null);
      owner.read(0);
    } else if (this.closed) {
      this.reading = false;
      const code = this.takeFailure();
      if (code !== null) owner.destroy(systemError(code, 'read'));
    }
  }

  /** The connection's error is reported to one call only, as by a kernel; writes get EPIPE afterwards. */
  private takeFailure(): string | null {
    const code = this.failure;
    this.failure = null;
    return code;
  }

  // ---- writing

  /** Starts a write; `done` runs when the send buffer has taken it all. One at a time. */
  startWrite(write: PendingWrite, done: WriteCallback): void {
    this.bytesWritten += write.length;
    this.write = write;
    this.writeDone = done;
    this.owner?._unrefTimer();
    this.advanceWrite();
    this.updateShare();
  }

  /**
   * A whole write that is short and for which there is room: nothing of it is left to wait for.
   * @returns false when it is no such; then nothing was done
   */
  writeShort(chunk: Uint8Array | string, encoding: BufferEncoding): boolean {
    if (this.closed || this.write !== null) return false;
    if (typeof chunk !== 'string') return this.sendWhole(chunk);
    if (chunk.length * MOST_PER_CHARACTER > SHORT_BYTES) return false;
    const length = short.write(chunk, 0, encoding);
    return this.sendWhole(new Uint8Array(short.buffer, 0, length));
  }

  /** The same with a write of several chunks. */
  writeShortPieces(chunks: readonly WriteChunk[]): boolean {
    if (this.closed || this.write !== null) return false;
    let most = 0;
    for (const { chunk } of chunks)
      most += chunk.length * (typeof chunk === 'string' ? MOST_PER_CHARACTER : 1);
    if (most > SHORT_BYTES) return false;
    let length = 0;
    for (const { chunk, encoding } of chunks) {
      if (typeof chunk === 'string') {
        length += short.write(chunk, length, encoding);
      } else {
        short.set(chunk, length);
        length += chunk.length;
      }
    }
    return this.sendWhole(new Uint8Array(short.buffer, 0, length));
  }

  private sendWhole(bytes: Uint8Array): boolean {
    const { length } = bytes;
    if (length === 0 || length > SHORT_BYTES || length > this.endpoint.connection.sendSpace) return false;
    this.bytesWritten += length;
    this.unacknowledged = true;
    this.owner?._unrefTimer();
    this.endpoint.sendCopy(bytes, true);
    this.updateShare();
    return true;
  }

  private advanceWrite(): void {
    const write = this.write!;
    if (this.closed) {
      const reset = this.takeFailure();
      // An RST behind the peer's FIN says no more than that nobody reads any more; silence still says more.
      const brokenPipe = reset === null || (reset === 'ECONNRESET' && this.endpoint.connection.atEnd);
      const code = brokenPipe ? 'EPIPE' : reset;
      this.finishWrite(systemError(code, 'write'));
      return;
    }
    if (write.length > 0) this.unacknowledged = true;
    const sendable = this.endpoint.connection.sendSpace > 0;
    const whole = write.advance(this.endpoint);
    if (sendable) this.owner?._unrefTimer();
    if (whole) this.finishWrite(null);
  }

  private finishWrite(error: Error | null): void {
    const done = this.writeDone!;
    this.write = null;
    this.writeDone = null;
    done(error);
  }

  /** FIN after the queued data. */
  shutdown(done: WriteCallback): void {
    if (!this.closed) {
      this.unacknowledged = true;
      this.endpoint.shutdownWrite();
    }
    this.updateShare();
    done(null);
  }

  // ---- the end of the socket

  /** The socket is destroyed: the connection is closed in order, or aborted, and goes on without it. */
  release(how: 'close' | 'abort'): void {
    this.owner = null;
    this.reading = false;
    const done = this.writeDone;
    this.write?.takeBack(this.endpoint);
    this.write = null;
    this.writeDone = null;
    if (!this.closed) {
      if (how === 'abort') this.endpoint.abort();
      else this.endpoint.close();
    }
    this.updateShare();
    if (done !== null) setImmediate(done, SINCE_NODE_22 ? systemError('ECANCELED', 'write') : null);
  }

  // ---- liveness

  /** `socket.ref()` and `socket.unref()`: whether waiting for data keeps the process alive. */
  setReferenced(referenced: boolean): void {
    this.referenced = referenced;
    this.updateShare();
  }

  private updateShare(): void {
    if (this.owner !== null) {
      const waiting = this.reading && !this.ended && this.referenced;
      this.share.set(waiting || this.write !== null || this.unacknowledged);
      return;
    }
    const state = this.endpoint.connection.state;
    const settled = state === State.FIN_WAIT_2 || state === State.TIME_WAIT || state === State.CLOSED;
    this.share.set(!settled);
    if (settled) this.endpoint.handler = null;
  }
}
