// `Socket`: a connection as a Duplex stream, in the shape of `node:net`. How bytes move is in transport.ts, how a
// connection comes about in connecting.ts.
import type { BlockList } from 'node:net';
import { addAbortSignal, Duplex } from 'node:stream';
import type { Endpoint } from '../stack/endpoint.js';
import type { Explanation } from '../tcp/explain.js';
import type { TcpInfo } from '../tcp/info.js';
import { type AddressInfo, addressInfo } from './addresses.js';
import {
  normalizeArguments,
  parseBlockList,
  parseInitialDelay,
  parseTimeout,
  parseTypeOfService,
  requireTarget,
} from './arguments.js';
import { BoundSocket } from './bound-socket.js';
import { adoptable } from './callable.js';
import * as channels from './channels.js';
import { Connecting, type Standing } from './connecting.js';
import {
  ACCEPTED,
  type Accepted,
  type InternalSocketOptions,
  rejectUnsupported,
  streamOptionsOf,
} from './construction.js';
import { closedBeforeConnection, endedByPeer, invalidArgType, socketClosed } from './errors.js';
import { giveEventTable } from './event-table.js';
import { SocketHandle } from './handles.js';
import { IdleTimer } from './idle-timer.js';
import {
  applyKeepAlive,
  askedKeepAlive,
  isSameKeepAlive,
  type KeepAliveOptions,
  probingOf,
} from './keep-alive.js';
import type { NetContext } from './net-stack.js';
import { SINCE_NODE_22 } from './node-version.js';
import { OnRead } from './onread.js';
import type { SocketConnectOptions } from './options.js';
import { PendingWrite, type WriteChunk } from './pending-write.js';
import type { Server } from './server.js';
import { SocketState } from './socket-state.js';
import { READ_BYTES, Transport, type TransportOwner } from './transport.js';

type WriteCallback = (error?: Error | null) => void;

/** Parts of Node's Duplex that its types leave out. */
interface DuplexInternals {
  _undestroy(): void;
  readonly writableBuffer: readonly WriteChunk[] | undefined;
}

/** Width of the ECN field, below the differentiated-services code point. */
const ECN_BITS = 2;

/**
 * Whether Node reads this stream for a layer of its own, such as TLS: the wrapper that it puts around streams other than
 * its own sockets hands their end on by `emitEOF`. There is no public sign of it.
 */
function isBelowStreamWrapper(stream: Duplex): boolean {
  // One is the socket's own.
  if (stream.listenerCount('end') === 1) return false;
  return stream.listeners('end').some((listener) => listener.toString().includes('.emitEOF('));
}

function onEnd(this: Socket): void {
  this._onPeerEnd();
}

function announceEnd(socket: Socket, hadError: boolean): void {
  socket.emit('close', hadError);
}

function announceNoConnection(socket: Socket): void {
  socket.emit('close');
}

/**
 * A TCP connection on this stack; shape, events, defaults and errors as `net.Socket`.
 * One more event: `softError` (an Error with `code`), for trouble that the connection may survive (RFC 9293 MUST-47).
 */
export class Socket extends adoptable(Duplex, giveEventTable) implements TransportOwner {
  /** True from `connect()` until `connect` or an error. */
  connecting = false;
  /** Milliseconds given to `setTimeout`; undefined when never set. */
  declare timeout: number | undefined;
  /** The server that accepted this socket, or null. */
  server: Server | null = null;
  /** `address:port` of each attempt; there when a name had several addresses. */
  declare autoSelectFamilyAttemptedAddresses: string[];

  /** Addresses that are not connected to. */
  declare blockList?: BlockList;

  readonly #own: SocketState;

  /** @throws ERR_INVALID_ARG_VALUE for object mode, descriptors and handles; ERR_INVALID_ARG_TYPE */
  constructor(context: NetContext, given?: InternalSocketOptions | null) {
    const options = given ?? {};
    const { [ACCEPTED]: accepted, signal, onread, blockList, handle } = options;
    if (accepted === undefined) rejectUnsupported(options);
    super(streamOptionsOf(options));
    const initialDelay = parseInitialDelay(options.keepAliveInitialDelay);
    const keepAlive = askedKeepAlive(options.keepAlive, initialDelay, undefined, undefined);
    const typeOfService =
      options.typeOfService === undefined
        ? undefined
        : parseTypeOfService(options.typeOfService, 'options.typeOfService');
    this.#own = new SocketState(
      context,
      Boolean(options.noDelay),
      keepAlive,
      typeOfService,
      OnRead.of(onread),
      signal,
    );
    const blocked = parseBlockList(blockList);
    if (blocked !== undefined) this.blockList = blocked;
    this.on('end', onEnd);
    if (signal) addAbortSignal(signal, this);
    if (handle instanceof BoundSocket) {
      this.#own.bound = handle._adopt(context);
      this.#own.hasHandle = true;
    }
    if (accepted !== undefined) this.#accept(accepted);
  }

  // ---- connecting

  /**
   * `connect(port[, host][, callback])` or `connect(options[, callback])`. The callback listens to `connect`.
   * @throws ERR_MISSING_ARGS, ERR_SOCKET_BAD_PORT, ERR_INVALID_ARG_TYPE, ERR_INVALID_IP_ADDRESS; for the option `tcp` also
   *   ERR_OUT_OF_RANGE and ERR_INVALID_ARG_VALUE
   */
  connect(options: SocketConnectOptions, callback?: () => void): this;
  connect(port: number | string, host: string, callback?: () => void): this;
  connect(port: number | string, callback?: () => void): this;
  connect(...args: unknown[]): this {
    const { options, callback } = normalizeArguments<SocketConnectOptions>(args);
    if (channels.clientSocket.hasSubscribers) channels.clientSocket.publish({ socket: this });
    if (callback !== null) this.once('connect', callback);
    const outcome = {
      connected: (endpoint: Endpoint, events: number, early: number) =>
        this.#onConnected(endpoint, events, early),
      repeated: () => this.#onConnectRepeated(),
      failed: (error: Error) => this.destroy(error),
    };
    requireTarget(options);
    const isAborted = this.#own.signal?.aborted;
    if (!isAborted) this.#setOut();
    const attempts = new Connecting(
      this.#own.context,
      options,
      this,
      outcome,
      this.#own.bound,
      this.#own.attempts,
    );
    if (isAborted) return this;
    if (this.#own.transport === null) this.#own.probing = probingOf(attempts.config);
    this.#own.attempts = attempts;
    attempts.start();
    return this;
  }

  /** Before the arguments are looked at: wrong ones leave the socket connecting, as they do in `node:net`. */
  #setOut(): void {
    if (this.destroyed) this.#renew();
    if (!this.#own.hasHandle) {
      this.#own.handle = null;
      this.#own.referenced = true;
    }
    this.#own.hasHandle = true;
    this.connecting = true;
    this._unrefTimer();
  }

  _standing(): Standing {
    if (this.#own.transport !== null) {
      const mayRepeat = this.#own.mayRepeatConnect;
      this.#own.mayRepeatConnect = false;
      return mayRepeat ? 'repeated' : 'EISCONN';
    }
    return this.#own.attempts?.underWay ? 'EALREADY' : 'free';
  }

  _localEnd(): string | undefined {
    const local = this._getsockname();
    return local === null ? undefined : `${local.address}:${local.port}`;
  }

  /** A destroyed socket may connect again, as a new one with the old listeners. */
  #renew(): void {
    (this as unknown as DuplexInternals)._undestroy();
    this.#own.peerEnded = false;
    this.#own.peer = null;
    this.#own.endpoint = null;
    this.#own.readWanted = false;
    this.#own.bytesRead = 0;
    this.#own.bytesWritten = 0;
  }

  _earlyData(most: number): Uint8Array {
    return this.#own.waitingWrite?.copyOf(most) ?? new Uint8Array(0);
  }

  #onConnected(endpoint: Endpoint, events: number, early: number): void {
    this.#own.waitingWrite?.skip(early);
    this.#own.mayRepeatConnect = true;
    const transport = this.#attach(endpoint);
    if (events !== 0) transport.onEventsLater(events);
    this.#announce(transport);
  }

  #onConnectRepeated(): void {
    if (this.#own.transport !== null) this.#announce(this.#own.transport);
  }

  #announce(transport: Transport): void {
    this.connecting = false;
    this.#own.attempts?.cancel();
    this.#own.attempts = null;
    this._unrefTimer();
    try {
      this.emit('connect');
      this.emit('ready');
    } finally {
      if (this.#own.transport === transport) this.#begin(transport);
    }
  }

  #attach(endpoint: Endpoint): Transport {
    this.#own.hasHandle = true;
    const transport = new Transport(endpoint, this, this.#own.context.liveness);
    this.#own.transport = transport;
    this.#own.endpoint = endpoint;
    if (!this.#own.referenced) transport.setReferenced(false);
    if (this.#own.noDelay) endpoint.setNagle(false);
    if (this.#own.quickAck) endpoint.setQuickAck(true);
    if (this.#own.userTimeoutMs !== null) endpoint.setUserTimeout(this.#own.userTimeoutMs);
    if (this.#own.keepAlive.on) applyKeepAlive(endpoint, this.#own.keepAlive, this.#own.probing);
    if (this.#own.typeOfService !== undefined) endpoint.setDscp(this.#own.typeOfService >> ECN_BITS);
    return transport;
  }

  /** Starts what had to wait for the connection. */
  #begin(transport: Transport): void {
    const write = this.#own.waitingWrite;
    const final = this.#own.waitingFinal;
    if (write !== null) {
      const done = this.#own.waitingDone!;
      this.off('close', this.#own.onCloseWaiting!);
      this.#forgetWaiting();
      transport.startWrite(write, done);
    } else if (final !== null) {
      this.#own.waitingFinal = null;
      transport.shutdown(final);
    }
    if (this.#own.readWanted) {
      this.#own.readWanted = false;
      transport.startReading();
    } else if (!this.isPaused()) {
      this.read(0);
    }
  }

  #accept(accepted: Accepted): void {
    this.server = accepted.server;
    this.#own.probing = probingOf(accepted.config);
    this.#own.mapped = accepted.mapped;
    const { endpoint } = accepted;
    // Data that came with the connection is heard of some ticks later, and its answer carries the acknowledgment.
    if (endpoint.connection.receiveQueueBytes > 0) endpoint.leaveToUser();
    this.#attach(endpoint);
    if (accepted.paused) this.pause();
    else this.read(0);
  }

  // ---- the Duplex's side

  get _receiveBytes(): number {
    return this.#own.onRead?.room ?? READ_BYTES;
  }

  _receive(bytes: Buffer | null): boolean {
    return bytes === null || this.#own.onRead === null ? this.push(bytes) : this.#own.onRead.take(bytes);
  }

  /** With `onread` nobody else asks for data. It comes later, as from a kernel: its callback may stop it again. */
  #readOn(): void {
    const transport = this.#own.transport;
    if (this.#own.onRead === null || transport === null || transport.isReading || this.#own.willReadOn)
      return;
    this.#own.willReadOn = true;
    setImmediate(() => {
      this.#own.willReadOn = false;
      if (transport === this.#own.transport) transport.startReading();
    });
  }

  override read(size?: number): ReturnType<Duplex['read']> {
    // A stream that flows asks after each chunk whether there is more; it will hear of that anyhow.
    if (size === 0 && this.#own.transport?.isReading === true && this.readableFlowing === true) return null;
    const chunk = super.read(size);
    this.#readOn();
    return chunk;
  }

  override resume(): this {
    this.#readOn();
    return super.resume();
  }

  override pause(): this {
    if (this.#own.onRead !== null) {
      this.#own.willReadOn = false;
      this.#own.transport?.stopReading();
    }
    return super.pause();
  }

  override _read(_size: number): void {
    if (this.#own.transport === null) this.#own.readWanted = true;
    else this.#own.transport.startReading();
  }

  override _write(chunk: Buffer | string, encoding: BufferEncoding, callback: WriteCallback): void {
    if (this.#mayWrite?.writeShort(chunk, encoding)) callback();
    else this.#startWrite(PendingWrite.ofChunk(chunk, encoding), callback);
  }

  override _writev(chunks: WriteChunk[], callback: WriteCallback): void {
    if (this.#mayWrite?.writeShortPieces(chunks)) callback();
    else this.#startWrite(PendingWrite.ofChunks(chunks), callback);
  }

  /** Where to write without waiting for anything. */
  get #mayWrite(): Transport | null {
    return this.connecting ? null : this.#own.transport;
  }

  #startWrite(write: PendingWrite, callback: WriteCallback): void {
    if (this.connecting) {
      this.#own.waitingWrite = write;
      this.#own.waitingDone = callback;
      this.#own.onCloseWaiting = () => callback(closedBeforeConnection());
      this.once('close', this.#own.onCloseWaiting);
    } else if (this.#own.transport === null) {
      callback(socketClosed());
    } else {
      this.#own.transport.startWrite(write, callback);
    }
  }

  override _final(callback: WriteCallback): void {
    if (this.#own.transport !== null && !this.connecting) {
      this.#own.mayRepeatConnect = false;
      this.#own.transport.shutdown(callback);
    } else if (this.connecting || !SINCE_NODE_22) this.#own.waitingFinal = callback;
    else callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const transport = this.#own.transport;
    const hadHandle = this.#own.hasHandle;
    this.#own.bound?.hold.close();
    this.#own.bound = null;
    this.connecting = false;
    this.#own.hasHandle = false;
    this.#own.handle = null;
    this.#own.idle?.end();
    // What was tried can still be asked why it failed.
    this.#own.endpoint ??= this.#own.attempts?.latest ?? null;
    this.#own.attempts?.cancel();
    this.#own.attempts = null;
    this.#own.bytesWritten += this.#own.waitingWrite?.length ?? 0;
    this.#forgetWaiting();
    this.#own.waitingFinal = null;
    if (transport !== null) {
      this.#own.bytesRead = transport.bytesRead;
      this.#own.bytesWritten = transport.bytesWritten;
      this.#own.transport = null;
      transport.release(this.#own.aborting ? 'abort' : 'close');
      this.#own.aborting = false;
    }
    callback(error);
    // After `error`, which the stream emits at the next tick; a connection's end takes a turn, as a handle's does.
    if (hadHandle) setImmediate(announceEnd, this, error !== null);
    else process.nextTick(announceNoConnection, this);
    this.server?._onSocketGone(this);
  }

  #forgetWaiting(): void {
    this.#own.waitingWrite = null;
    this.#own.waitingDone = null;
    this.#own.onCloseWaiting = null;
  }

  /** The end was read. */
  _onPeerEnd(): void {
    this.#own.peerEnded = true;
    // TLS ends the socket below it by itself, when it has said goodbye and its own reader has come to the end; until then
    // that socket must stay, as one of `node:net` does, or what is not read yet would be lost with it.
    if (isBelowStreamWrapper(this)) this.allowHalfOpen = true;
  }

  // ---- writing

  override write(chunk: unknown, callback?: WriteCallback): boolean;
  override write(chunk: unknown, encoding?: BufferEncoding, callback?: WriteCallback): boolean;
  override write(
    chunk: unknown,
    encoding?: BufferEncoding | WriteCallback,
    callback?: WriteCallback,
  ): boolean {
    if (!this.#own.peerEnded || this.allowHalfOpen || !this.writableEnded) {
      return super.write(chunk, encoding as BufferEncoding, callback);
    }
    // Not the user's `end()` came first but the peer's, which "write after end" would hide.
    const error = endedByPeer();
    const done = typeof encoding === 'function' ? encoding : callback;
    if (typeof done === 'function') process.nextTick(done, error);
    this.destroy(error);
    return false;
  }

  /** Ends our side after what is queued, then destroys the socket. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', this.destroy);
  }

  /** Closes with RST instead of FIN. While connecting, does so once connected. */
  resetAndDestroy(): this {
    if (this.#own.transport !== null) this.#reset();
    else if (this.connecting) this.once('connect', () => this.#reset());
    else this.destroy(socketClosed());
    return this;
  }

  #reset(): void {
    this.#own.aborting = true;
    this.destroy();
  }

  // ---- options

  /** Switches Nagle's algorithm off (default) or on again. */
  setNoDelay(noDelay?: boolean): this {
    const on = noDelay === undefined || Boolean(noDelay);
    if (on !== this.#own.noDelay) this.#own.transport?.endpoint.setNagle(!on);
    this.#own.noDelay = on;
    return this;
  }

  /**
   * Switches keep-alive on or off. Times are whole seconds, as in `node:net`.
   * @param initialDelay idle milliseconds before the first probe; below a second leaves all times as they are
   * @param interval milliseconds between probes; see `KeepAliveOptions` for the defaults
   * @param count unanswered probes that end the connection
   */
  setKeepAlive(enable?: boolean, initialDelay?: number, interval?: number, count?: number): this;
  setKeepAlive(options: KeepAliveOptions): this;
  setKeepAlive(
    enable?: boolean | KeepAliveOptions,
    initialDelay?: number,
    interval?: number,
    count?: number,
  ): this {
    const asked = askedKeepAlive(enable, initialDelay, interval, count);
    const transport = this.#own.transport;
    if (transport !== null && !isSameKeepAlive(this.#own.keepAlive, asked)) {
      applyKeepAlive(transport.endpoint, asked, this.#own.probing);
    }
    this.#own.keepAlive = asked;
    return this;
  }

  /**
   * Sets the type of service (IPv4) or traffic class (IPv6) of packets from now on, or from the connection on. Its two
   * lowest bits are ECN's (RFC 3168 §5) and stay as TCP has them.
   * @param tos 0 to 255
   * @throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE
   */
  setTypeOfService(tos: number): this {
    // Not out of range, as for the option.
    if (Number.isNaN(tos)) throw invalidArgType('tos', 'of type number', tos);
    this.#own.typeOfService = parseTypeOfService(tos, 'tos');
    this.#own.transport?.endpoint.setDscp(tos >> ECN_BITS);
    return this;
  }

  /** The octet that packets carry, without ECN's bits; what was set while there is no connection, or 0. */
  getTypeOfService(): number {
    const connection = this.#own.transport?.endpoint.connection;
    return connection === undefined ? (this.#own.typeOfService ?? 0) : connection.dscp << ECN_BITS;
  }

  /**
   * How long sent data may stay unacknowledged before the connection ends with ETIMEDOUT, as TCP_USER_TIMEOUT of Linux.
   * @param msecs 0 for the default, about a quarter of an hour (RFC 9293 SHLD-11)
   * @throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE
   */
  setUserTimeout(msecs: number): this {
    this.#own.userTimeoutMs = parseTimeout(msecs);
    this.endpoint?.setUserTimeout(this.#own.userTimeoutMs);
    return this;
  }

  /** Acknowledges each segment at once (TCP_QUICKACK, but for good), or delays acknowledgments again. */
  setQuickAck(quickAck = true): this {
    this.#own.quickAck = Boolean(quickAck);
    this.endpoint?.setQuickAck(this.#own.quickAck);
    return this;
  }

  /**
   * Emits `timeout` after `msecs` without traffic; 0 switches it off. The connection stays as it is.
   * @throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE
   */
  setTimeout(msecs: number, callback?: () => void): this {
    if (this.destroyed) return this;
    this.timeout = msecs;
    const ms = parseTimeout(msecs);
    if (callback !== undefined && typeof callback !== 'function') {
      throw invalidArgType('callback', 'of type function', callback);
    }
    if (ms > 0) this.#own.idle ??= new IdleTimer(this.#own.context.stack.clock, () => this._onTimeout());
    this.#own.idle?.set(ms);
    if (callback === undefined) return this;
    if (ms === 0) this.removeListener('timeout', callback);
    else this.once('timeout', callback);
    return this;
  }

  /** Starts the idle time anew, as traffic does. */
  _unrefTimer(): void {
    this.#own.idle?.touch();
  }

  _onTimeout(): void {
    this.emit('timeout');
  }

  /** Waiting for data on this socket keeps the process alive (default). */
  ref(): this {
    return this.#setReferenced(true, this.ref);
  }

  /** Waiting for data does not keep the process alive; bytes under way still do. */
  unref(): this {
    return this.#setReferenced(false, this.unref);
  }

  /** Without anything to refer to, once it is connected. */
  #setReferenced(on: boolean, again: () => this): this {
    if (!this.#own.hasHandle) return this.once('connect', again);
    this.#own.referenced = on;
    this.#own.transport?.setReferenced(on);
    return this;
  }

  // ---- state

  /** As `node:net` has it: null without a connection, else what Node's libraries look into. */
  get _handle(): SocketHandle | null {
    if (!(#own in this) || !this.#own.hasHandle) return null;
    this.#own.handle ??= new SocketHandle(
      () => this.#own.transport,
      (handle) => handle === this.#own.handle && this.#own.referenced,
    );
    return this.#own.handle;
  }

  /** The TCP endpoint below, for what `node:net` does not have; null before there is one. Stays after the end. */
  get endpoint(): Endpoint | null {
    return this.#own.endpoint ?? this.#own.attempts?.latest ?? null;
  }

  /**
   * How the connection performs and what limits it: a fresh snapshot, as TCP_INFO of Linux. Null until `connect` has sent a
   * SYN; afterwards, like `endpoint`, it tells of the latest connection, also when that has ended. Throws nothing.
   */
  tcpInfo(): TcpInfo | null {
    return this.endpoint?.tcpInfo() ?? null;
  }

  /**
   * Why the connection closed and what makes it slow, with the chain of causes and where their rules stand; `String()` of
   * it is plain text. Null until `connect` has sent a SYN; afterwards it tells of the latest connection.
   */
  explain(): Explanation | null {
    return this.endpoint?.explain() ?? null;
  }

  /** Nothing local yet, or still connecting. */
  get pending(): boolean {
    if (!(#own in this) || this.connecting) return true;
    return this.#own.transport === null && this.#own.bound === null;
  }

  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.connecting) return 'opening';
    if (this.readable) return this.writable ? 'open' : 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  /** Bytes or characters that wait to be written; undefined without a connection. */
  get bufferSize(): number {
    // Typed as in node:net, which says no more of it.
    if (!(#own in this)) return undefined as never;
    return this.#own.transport === null && !this.connecting ? (undefined as never) : this.writableLength;
  }

  get bytesRead(): number {
    if (!(#own in this)) return undefined as never;
    return this.#own.transport?.bytesRead ?? this.#own.bytesRead;
  }

  /** Bytes written, those that still wait in this socket included. */
  get bytesWritten(): number {
    // Libraries copy the properties of the prototype.
    if (!(#own in this)) return undefined as never;
    let bytes = this.#own.transport?.bytesWritten ?? this.#own.bytesWritten;
    bytes += this.#own.waitingWrite?.length ?? 0;
    for (const { chunk, encoding } of (this as unknown as DuplexInternals).writableBuffer ?? []) {
      bytes += typeof chunk === 'string' ? Buffer.byteLength(chunk, encoding) : chunk.length;
    }
    return bytes;
  }

  /** The local end, or an empty object without a connection. */
  address(): AddressInfo | Record<string, never> {
    return this._getsockname() ?? {};
  }

  /** The local end, or null. */
  _getsockname(): AddressInfo | null {
    if (!(#own in this)) return null;
    const endpoint = this.#own.transport?.endpoint ?? this.#own.attempts?.underWay;
    if (endpoint == null) return this.#own.bound?.shown ?? null;
    return addressInfo(endpoint.tuple.local, endpoint.tuple.localPort, this.#own.mapped);
  }

  /** The remote end; once read, it stays known after the socket's end. */
  _getpeername(): AddressInfo | null {
    if (!(#own in this)) return null;
    if (this.#own.peer === null && this.#own.transport !== null) {
      const { remote, remotePort } = this.#own.transport.endpoint.tuple;
      this.#own.peer = addressInfo(remote, remotePort, this.#own.mapped);
    }
    return this.#own.peer;
  }

  get localAddress(): string | undefined {
    return this._getsockname()?.address;
  }

  get localPort(): number | undefined {
    return this._getsockname()?.port;
  }

  get localFamily(): string | undefined {
    return this._getsockname()?.family;
  }

  get remoteAddress(): string | undefined {
    return this._getpeername()?.address;
  }

  get remotePort(): number | undefined {
    return this._getpeername()?.port;
  }

  get remoteFamily(): string | undefined {
    return this._getpeername()?.family;
  }
}
