// One BSD socket over the stack's endpoints and listeners: what read, write and poll return in each situation.
import type { Endpoint, EndpointHandler } from '../stack/endpoint.js';
import type { Listener } from '../stack/listener.js';
import type { ConnectionConfig } from '../tcp/config.js';
import { Event } from '../tcp/events.js';
import { State } from '../tcp/state.js';
import { firstDeviation, patternBytes } from './pattern.js';
import type { CallResult, OptionValue, PollEvent } from './socket-call.js';

/** Result of a call that cannot be done yet. */
export const BLOCKS = 'blocks';

/** A call's result, or the word that it has to wait. */
export type Attempt = CallResult | typeof BLOCKS;

const OK: CallResult = { value: 0, errno: null };

/** The result -1 with an error. */
export function failure(errno: string): CallResult {
  return { value: -1, errno };
}

/** A socket of a script. */
export class StackSocket implements EndpointHandler {
  /** Settings for the connection to come. */
  readonly config: Partial<ConnectionConfig> = {};
  /** Options as they were set, to be read back. */
  readonly options = new Map<string, OptionValue>();
  boundPort: number | null = null;
  listener: Listener | null = null;
  isReadShut = false;
  isWriteShut = false;
  /** `close` sends an RST. */
  lingersNot = false;
  private connection: Endpoint | null = null;
  /** `connect` was answered by EINPROGRESS and not asked again. */
  private isConnectOpen = false;
  private error: string | null = null;
  private softError: string | null = null;
  private peeked = new Uint8Array(0);
  private readCount = 0;
  private writtenCount = 0;
  /** Octets that a blocking write has got rid of so far. */
  private partlyWritten = 0;
  private corked: Uint8Array | null = null;

  constructor(public isNonblocking: boolean) {}

  get endpoint(): Endpoint | null {
    return this.connection;
  }

  /** Takes the connection that `connect` began, or that `accept` handed out. */
  attach(endpoint: Endpoint, isConnecting: boolean): void {
    this.connection = endpoint;
    this.isConnectOpen = isConnecting;
    endpoint.handler = this;
  }

  onEvents(endpoint: Endpoint, events: number): void {
    const { connection } = endpoint;
    if (events & Event.SOFT_ERROR) this.softError = connection.softError;
    if (events & Event.CLOSED && connection.error !== null) this.error = connection.error;
  }

  /** What a repeated or blocking `connect` returns. */
  connectResult(): Attempt {
    const error = this.takeError();
    if (error !== null) return failure(error);
    const state = this.connection!.connection.state;
    if (state === State.SYN_SENT || state === State.SYN_RECEIVED) return BLOCKS;
    if (!this.isConnectOpen) return failure('EISCONN');
    this.isConnectOpen = false;
    return state === State.CLOSED ? failure('ECONNABORTED') : OK;
  }

  /** The pending error, which is gone afterwards. */
  takeError(): string | null {
    const { error } = this;
    this.error = null;
    return error;
  }

  /** As `getsockopt(SO_ERROR)`: also a soft error, once. */
  takeAnyError(): string | null {
    const error = this.takeError() ?? this.softError;
    this.softError = null;
    return error;
  }

  read(length: number, flags: readonly string[]): Attempt {
    const endpoint = this.connection;
    if (endpoint === null) return failure('ENOTCONN');
    const isPeek = flags.includes('MSG_PEEK');
    const bytes = this.take(length);
    if (bytes.length > 0) return this.delivered(bytes, isPeek);
    const error = this.takeError();
    if (error !== null) return failure(error);
    const { connection } = endpoint;
    if (this.isReadShut || connection.atEnd || connection.state === State.CLOSED) return OK;
    if (length === 0) return OK;
    return this.mayWait(flags);
  }

  private delivered(bytes: Uint8Array, isPeek: boolean): CallResult {
    const bad = firstDeviation(bytes, this.readCount);
    const corruptAt = bad < 0 ? null : this.readCount + bad;
    if (isPeek) this.peeked = joined(bytes, this.peeked);
    else this.readCount += bytes.length;
    return { value: bytes.length, errno: null, corruptAt };
  }

  /** Takes octets, those that were only peeked at first. */
  private take(length: number): Uint8Array {
    let bytes = this.peeked.slice(0, length);
    this.peeked = this.peeked.slice(bytes.length);
    while (bytes.length < length) {
      const more = this.connection!.receive(length - bytes.length);
      if (more === null) break;
      bytes = joined(bytes, more);
    }
    return bytes;
  }

  write(length: number, text: string | null, flags: readonly string[]): Attempt {
    const problem = this.writeProblem(flags);
    if (problem !== null) return problem;
    const endpoint = this.connection!;
    const left = length - this.partlyWritten;
    const bytes =
      text === null
        ? patternBytes(this.writtenCount, left)
        : padded(text, length).subarray(this.partlyWritten);
    let taken: number;
    if (flags.includes('MSG_OOB')) taken = endpoint.sendUrgent(bytes);
    else if (this.corked !== null) taken = this.writeCorked(bytes);
    else taken = endpoint.send(bytes, !flags.includes('MSG_MORE'));
    this.writtenCount += taken;
    if (taken < left && this.mayWait(flags) === BLOCKS) {
      this.partlyWritten += taken;
      return BLOCKS;
    }
    if (taken === 0 && left > 0) return this.mayWait(flags);
    const value = this.partlyWritten + taken;
    this.partlyWritten = 0;
    return { value, errno: null };
  }

  /** The data of a `sendto` that opens the connection. It counts as sent when it may go with the SYN; else nothing does. */
  writeEarly(length: number): CallResult {
    const endpoint = this.connection!;
    if (endpoint.connection.fastOpen?.cookie == null) return failure('EINPROGRESS');
    const taken = endpoint.send(patternBytes(this.writtenCount, length), true);
    this.writtenCount += taken;
    return { value: taken, errno: null };
  }

  private writeProblem(flags: readonly string[]): Attempt | null {
    const endpoint = this.connection;
    const error = this.takeError();
    if (error !== null) return failure(error);
    if (endpoint === null) return failure('EPIPE');
    const { state } = endpoint.connection;
    if (
      this.isWriteShut ||
      state === State.CLOSED ||
      (state >= State.FIN_WAIT_1 && state !== State.CLOSE_WAIT)
    ) {
      return failure('EPIPE');
    }
    const isOpening = state === State.SYN_SENT || state === State.SYN_RECEIVED;
    return isOpening && !endpoint.connection.isFastOpened ? this.mayWait(flags) : null;
  }

  private mayWait(flags: readonly string[]): Attempt {
    return this.isNonblocking || flags.includes('MSG_DONTWAIT') ? failure('EAGAIN') : BLOCKS;
  }

  /** TCP_CORK: whole segments leave, the rest is kept. */
  private writeCorked(bytes: Uint8Array): number {
    const endpoint = this.connection!;
    const all = joined(this.corked!, bytes);
    const { mss } = endpoint.connection.snd;
    const whole = all.length - (all.length % mss);
    if (whole > 0) endpoint.send(all.slice(0, whole), false);
    this.corked = all.slice(whole);
    return bytes.length;
  }

  setCork(on: boolean): void {
    if (on) {
      this.corked ??= new Uint8Array(0);
      return;
    }
    const rest = this.corked;
    this.corked = null;
    if (rest !== null && rest.length > 0) this.connection?.send(rest, true);
  }

  shutdown(how: 'SHUT_RD' | 'SHUT_WR' | 'SHUT_RDWR'): CallResult {
    if (this.listener !== null) {
      if (how !== 'SHUT_WR') this.listener.close();
      return OK;
    }
    const endpoint = this.connection;
    if (
      endpoint === null ||
      endpoint.connection.state === State.CLOSED ||
      endpoint.connection.state === State.TIME_WAIT
    ) {
      return failure('ENOTCONN');
    }
    if (how !== 'SHUT_WR') this.isReadShut = true;
    if (how !== 'SHUT_RD' && !this.isWriteShut) {
      this.setCork(false);
      this.isWriteShut = true;
      endpoint.shutdownWrite();
    }
    return OK;
  }

  close(): CallResult {
    this.listener?.close();
    const endpoint = this.connection;
    if (endpoint === null) return OK;
    this.setCork(false);
    // What was only peeked at was never read (RFC9293 SHLD-3).
    if (this.lingersNot || this.peeked.length > 0) endpoint.abort();
    else endpoint.close();
    return OK;
  }

  /** Octets that a read would return, and that are not acknowledged. */
  queued(request: 'SIOCINQ' | 'SIOCOUTQ'): number {
    const connection = this.connection?.connection;
    if (connection === undefined) return 0;
    if (request === 'SIOCINQ') return connection.receiveQueueBytes + this.peeked.length;
    return connection.status().sendQueueBytes;
  }

  /** The events of `poll` that hold now. */
  pollEvents(): PollEvent[] {
    if (this.listener !== null) return this.listener.waiting.size > 0 ? ['POLLIN'] : [];
    const connection = this.connection?.connection;
    if (connection === undefined) return ['POLLOUT', 'POLLHUP'];
    const { state } = connection;
    const events: PollEvent[] = [];
    const isConnecting = state === State.SYN_SENT || state === State.SYN_RECEIVED;
    const isEnded =
      connection.atEnd || connection.peerFinReached || state === State.CLOSED || this.isReadShut;
    if (this.queued('SIOCINQ') > 0 || isEnded) events.push('POLLIN');
    if (isEnded) events.push('POLLRDHUP');
    if (!isConnecting && (connection.sendSpace > 0 || this.isWriteShut || state === State.CLOSED))
      events.push('POLLOUT');
    if (this.error !== null) events.push('POLLERR');
    if (state === State.CLOSED || (this.isWriteShut && isEnded)) events.push('POLLHUP');
    if (connection.urgentBytes > 0) events.push('POLLPRI');
    return events;
  }
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}

function padded(text: string, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(Buffer.from(text, 'latin1').subarray(0, length));
  return bytes;
}
