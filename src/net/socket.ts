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
import { BoundSocket, type LocalEnd } from './bound-socket.js';
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
  type KeepAlive,
  type KeepAliveOptions,
  probingOf,
} from './keep-alive.js';
import type { NetContext } from './net-stack.js';
import { SINCE_NODE_22 } from './node-version.js';
import { OnRead } from './onread.js';
import type { SocketConnectOptions } from './options.js';
import { PendingWrite, type WriteChunk } from './pending-write.js';
import type { Server } from './server.js';
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
  return stream.listeners('end').some((listener) => listener.toString().includes('.emitEOF('));
}

function onEnd(this: Socket): void {
  this._onPeerEnd();
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

  readonly #context: NetContext;
  /** Made by the first `setTimeout`. */
  #idle: IdleTimer | null = null;
  readonly #onRead: OnRead | null;
  #willReadOn = false;
  readonly #signal: AbortSignal | undefined;
  /** While connecting and connected there is a handle; it is made when somebody looks at it. */
  #hasHandle = false;
  #handle: SocketHandle | null = null;
  #attempts: Connecting | null = null;
  #transport: Transport | null = null;
  /** Of the latest connection, kept after its end for those who look into it. */
  #endpoint: Endpoint | null = null;
  #peer: AddressInfo | null = null;
  /** Where it comes from, when that was bound before. */
  #bound: LocalEnd | null = null;
  #mapped = false;

  #noDelay: boolean;
  #keepAlive: KeepAlive;
  #probing = probingOf(undefined);
  #typeOfService: number | undefined;
  #userTimeoutMs: number | null = null;
  #quickAck = false;
  #referenced = true;

  /** What was asked for before the connection was there. */
  #readWanted = false;
  /** A connection that was opened here, and of which `connect` has not been asked again; see `Standing`. */
  #mayRepeatConnect = false;
  #waitingWrite: PendingWrite | null = null;
  #waitingDone: WriteCallback | null = null;
  /** Tells it that there will be no connection. */
  #onCloseWaiting: (() => void) | null = null;
  #waitingFinal: WriteCallback | null = null;

  #aborting = false;
  #peerEnded = false;
  #bytesRead = 0;
  #bytesWritten = 0;

  /** @throws ERR_INVALID_ARG_VALUE for object mode, descriptors and handles; ERR_INVALID_ARG_TYPE */
  constructor(context: NetContext, given?: InternalSocketOptions | null) {
    const options = given ?? {};
    const { [ACCEPTED]: accepted, signal, onread, blockList, handle } = options;
    if (accepted === undefined) rejectUnsupported(options);
    super(streamOptionsOf(options));
    this.#context = context;
    this.#noDelay = Boolean(options.noDelay);
    const initialDelay = parseInitialDelay(options.keepAliveInitialDelay);
    this.#keepAlive = askedKeepAlive(options.keepAlive, initialDelay, undefined, undefined);
    if (options.typeOfService !== undefined) {
      this.#typeOfService = parseTypeOfService(options.typeOfService, 'options.typeOfService');
    }
    this.#onRead = OnRead.of(onread);
    const blocked = parseBlockList(blockList);
    if (blocked !== undefined) this.blockList = blocked;
    this.on('end', onEnd);
    this.#signal = signal;
    if (signal) addAbortSignal(signal, this);
    if (handle instanceof BoundSocket) {
      this.#bound = handle._adopt(context);
      this.#hasHandle = true;
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
    const isAborted = this.#signal?.aborted;
    if (!isAborted) this.#setOut();
    const attempts = new Connecting(this.#context, options, this, outcome, this.#bound, this.#attempts);
    if (isAborted) return this;
    if (this.#transport === null) this.#probing = probingOf(attempts.config);
    this.#attempts = attempts;
    attempts.start();
    return this;
  }

  /** Before the arguments are looked at: wrong ones leave the socket connecting, as they do in `node:net`. */
  #setOut(): void {
    if (this.destroyed) this.#renew();
    if (!this.#hasHandle) {
      this.#handle = null;
      this.#referenced = true;
    }
    this.#hasHandle = true;
    this.connecting = true;
    this._unrefTimer();
  }

  _standing(): Standing {
    if (this.#transport !== null) {
      const mayRepeat = this.#mayRepeatConnect;
      this.#mayRepeatConnect = false;
      return mayRepeat ? 'repeated' : 'EISCONN';
    }
    return this.#attempts?.underWay ? 'EALREADY' : 'free';
  }

  _localEnd(): string | undefined {
    const local = this._getsockname();
    return local === null ? undefined : `${local.address}:${local.port}`;
  }

  /** A destroyed socket may connect again, as a new one with the old listeners. */
  #renew(): void {
    (this as unknown as DuplexInternals)._undestroy();
    this.#peerEnded = false;
    this.#peer = null;
    this.#endpoint = null;
    this.#readWanted = false;
    this.#bytesRead = 0;
    this.#bytesWritten = 0;
  }

  _earlyData(most: number): Uint8Array {
    return this.#waitingWrite?.copyOf(most) ?? new Uint8Array(0);
  }

  #onConnected(endpoint: Endpoint, events: number, early: number): void {
    this.#waitingWrite?.skip(early);
    this.#mayRepeatConnect = true;
    const transport = this.#attach(endpoint);
    if (events !== 0) transport.onEventsLater(events);
    this.#announce(transport);
  }

  #onConnectRepeated(): void {
    if (this.#transport !== null) this.#announce(this.#transport);
  }

  #announce(transport: Transport): void {
    this.connecting = false;
    this.#attempts?.cancel();
    this.#attempts = null;
    this._unrefTimer();
    try {
      this.emit('connect');
      this.emit('ready');
    } finally {
      if (this.#transport === transport) this.#begin(transport);
    }
  }

  #attach(endpoint: Endpoint): Transport {
    this.#hasHandle = true;
    const transport = new Transport(endpoint, this, this.#context.liveness);
    this.#transport = transport;
    this.#endpoint = endpoint;
    if (!this.#referenced) transport.setReferenced(false);
    if (this.#noDelay) endpoint.setNagle(false);
    if (this.#quickAck) endpoint.setQuickAck(true);
    if (this.#userTimeoutMs !== null) endpoint.setUserTimeout(this.#userTimeoutMs);
    if (this.#keepAlive.on) applyKeepAlive(endpoint, this.#keepAlive, this.#probing);
    if (this.#typeOfService !== undefined) endpoint.setDscp(this.#typeOfService >> ECN_BITS);
    return transport;
  }

  /** Starts what had to wait for the connection. */
  #begin(transport: Transport): void {
    const write = this.#waitingWrite;
    const final = this.#waitingFinal;
    if (write !== null) {
      const done = this.#waitingDone!;
      this.off('close', this.#onCloseWaiting!);
      this.#forgetWaiting();
      transport.startWrite(write, done);
    } else if (final !== null) {
      this.#waitingFinal = null;
      transport.shutdown(final);
    }
    if (this.#readWanted) {
      this.#readWanted = false;
      transport.startReading();
    } else if (!this.isPaused()) {
      this.read(0);
    }
  }

  #accept(accepted: Accepted): void {
    this.server = accepted.server;
    this.#probing = probingOf(accepted.config);
    this.#mapped = accepted.mapped;
    const { endpoint } = accepted;
    // Data that came with the connection is heard of some ticks later, and its answer carries the acknowledgment.
    if (endpoint.connection.receiveQueueBytes > 0) endpoint.leaveToUser();
    this.#attach(endpoint);
    if (accepted.paused) this.pause();
    else this.read(0);
  }

  // ---- the Duplex's side

  get _receiveBytes(): number {
    return this.#onRead?.room ?? READ_BYTES;
  }

  _receive(bytes: Buffer | null): boolean {
    return bytes === null || this.#onRead === null ? this.push(bytes) : this.#onRead.take(bytes);
  }

  /** With `onread` nobody else asks for data. It comes later, as from a kernel: its callback may stop it again. */
  #readOn(): void {
    const transport = this.#transport;
    if (this.#onRead === null || transport === null || transport.isReading || this.#willReadOn) return;
    this.#willReadOn = true;
    setImmediate(() => {
      this.#willReadOn = false;
      if (transport === this.#transport) transport.startReading();
    });
  }

  override read(size?: number): ReturnType<Duplex['read']> {
    // A stream that flows asks after each chunk whether there is more; it will hear of that anyhow.
    if (size === 0 && this.#transport?.isReading === true && this.readableFlowing === true) return null;
    const chunk = super.read(size);
    this.#readOn();
    return chunk;
  }

  override resume(): this {
    this.#readOn();
    return super.resume();
  }

  override pause(): this {
    if (this.#onRead !== null) {
      this.#willReadOn = false;
      this.#transport?.stopReading();
    }
    return super.pause();
  }

  override _read(_size: number): void {
    if (this.#transport === null) this.#readWanted = true;
    else this.#transport.startReading();
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
    return this.connecting ? null : this.#transport;
  }

  #startWrite(write: PendingWrite, callback: WriteCallback): void {
    if (this.connecting) {
      this.#waitingWrite = write;
      this.#waitingDone = callback;
      this.#onCloseWaiting = () => callback(closedBeforeConnection());
      this.once('close', this.#onCloseWaiting);
    } else if (this.#transport === null) {
      callback(socketClosed());
    } else {
      this.#transport.startWrite(write, callback);
    }
  }

  override _final(callback: WriteCallback): void {
    if (this.#transport !== null && !this.connecting) {
      this.#mayRepeatConnect = false;
      this.#transport.shutdown(callback);
    } else if (this.connecting || !SINCE_NODE_22) this.#waitingFinal = callback;
    else callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const transport = this.#transport;
    const hadHandle = this.#hasHandle;
    this.#bound?.hold.close();
    this.#bound = null;
    this.connecting = false;
    this.#hasHandle = false;
    this.#handle = null;
    this.#idle?.end();
    // What was tried can still be asked why it failed.
    this.#endpoint ??= this.#attempts?.latest ?? null;
    this.#attempts?.cancel();
    this.#attempts = null;
    this.#bytesWritten += this.#waitingWrite?.length ?? 0;
    this.#forgetWaiting();
    this.#waitingFinal = null;
    if (transport !== null) {
      this.#bytesRead = transport.bytesRead;
      this.#bytesWritten = transport.bytesWritten;
      this.#transport = null;
      transport.release(this.#aborting ? 'abort' : 'close');
      this.#aborting = false;
    }
    callback(error);
    const announce = () => {
      if (hadHandle) this.emit('close', error !== null);
      else this.emit('close');
    };
    // After `error`, which the stream emits at the next tick; a connection's end takes a turn, as a handle's does.
    if (hadHandle) setImmediate(announce);
    else process.nextTick(announce);
    this.server?._onSocketGone(this);
  }

  #forgetWaiting(): void {
    this.#waitingWrite = null;
    this.#waitingDone = null;
    this.#onCloseWaiting = null;
  }

  /** The end was read. */
  _onPeerEnd(): void {
    this.#peerEnded = true;
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
    if (!this.#peerEnded || this.allowHalfOpen || !this.writableEnded) {
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
    if (this.#transport !== null) this.#reset();
    else if (this.connecting) this.once('connect', () => this.#reset());
    else this.destroy(socketClosed());
    return this;
  }

  #reset(): void {
    this.#aborting = true;
    this.destroy();
  }

  // ---- options

  /** Switches Nagle's algorithm off (default) or on again. */
  setNoDelay(noDelay?: boolean): this {
    const on = noDelay === undefined || Boolean(noDelay);
    if (on !== this.#noDelay) this.#transport?.endpoint.setNagle(!on);
    this.#noDelay = on;
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
    const transport = this.#transport;
    if (transport !== null && !isSameKeepAlive(this.#keepAlive, asked)) {
      applyKeepAlive(transport.endpoint, asked, this.#probing);
    }
    this.#keepAlive = asked;
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
    this.#typeOfService = parseTypeOfService(tos, 'tos');
    this.#transport?.endpoint.setDscp(tos >> ECN_BITS);
    return this;
  }

  /** The octet that packets carry, without ECN's bits; what was set while there is no connection, or 0. */
  getTypeOfService(): number {
    const connection = this.#transport?.endpoint.connection;
    return connection === undefined ? (this.#typeOfService ?? 0) : connection.dscp << ECN_BITS;
  }

  /**
   * How long sent data may stay unacknowledged before the connection ends with ETIMEDOUT, as TCP_USER_TIMEOUT of Linux.
   * @param msecs 0 for the default, about a quarter of an hour (RFC 9293 SHLD-11)
   * @throws ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE
   */
  setUserTimeout(msecs: number): this {
    this.#userTimeoutMs = parseTimeout(msecs);
    this.endpoint?.setUserTimeout(this.#userTimeoutMs);
    return this;
  }

  /** Acknowledges each segment at once (TCP_QUICKACK, but for good), or delays acknowledgments again. */
  setQuickAck(quickAck = true): this {
    this.#quickAck = Boolean(quickAck);
    this.endpoint?.setQuickAck(this.#quickAck);
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
    if (ms > 0) this.#idle ??= new IdleTimer(this.#context.stack.clock, () => this._onTimeout());
    this.#idle?.set(ms);
    if (callback === undefined) return this;
    if (ms === 0) this.removeListener('timeout', callback);
    else this.once('timeout', callback);
    return this;
  }

  /** Starts the idle time anew, as traffic does. */
  _unrefTimer(): void {
    this.#idle?.touch();
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
    if (!this.#hasHandle) return this.once('connect', again);
    this.#referenced = on;
    this.#transport?.setReferenced(on);
    return this;
  }

  // ---- state

  /** As `node:net` has it: null without a connection, else what Node's libraries look into. */
  get _handle(): SocketHandle | null {
    if (!(#handle in this) || !this.#hasHandle) return null;
    this.#handle ??= new SocketHandle(
      () => this.#transport,
      (handle) => handle === this.#handle && this.#referenced,
    );
    return this.#handle;
  }

  /** The TCP endpoint below, for what `node:net` does not have; null before there is one. Stays after the end. */
  get endpoint(): Endpoint | null {
    return this.#endpoint ?? this.#attempts?.latest ?? null;
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
    if (!(#transport in this) || this.connecting) return true;
    return this.#transport === null && this.#bound === null;
  }

  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.connecting) return 'opening';
    if (this.readable) return this.writable ? 'open' : 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  /** Bytes or characters that wait to be written; undefined without a connection. */
  get bufferSize(): number {
    // Typed as in node:net, which says no more of it.
    if (!(#transport in this)) return undefined as never;
    return this.#transport === null && !this.connecting ? (undefined as never) : this.writableLength;
  }

  get bytesRead(): number {
    if (!(#transport in this)) return undefined as never;
    return this.#transport?.bytesRead ?? this.#bytesRead;
  }

  /** Bytes written, those that still wait in this socket included. */
  get bytesWritten(): number {
    // Libraries copy the properties of the prototype.
    if (!(#transport in this)) return undefined as never;
    let bytes = this.#transport?.bytesWritten ?? this.#bytesWritten;
    bytes += this.#waitingWrite?.length ?? 0;
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
    if (!(#transport in this)) return null;
    const endpoint = this.#transport?.endpoint ?? this.#attempts?.underWay;
    if (endpoint == null) return this.#bound?.shown ?? null;
    return addressInfo(endpoint.tuple.local, endpoint.tuple.localPort, this.#mapped);
  }

  /** The remote end; once read, it stays known after the socket's end. */
  _getpeername(): AddressInfo | null {
    if (!(#peer in this)) return null;
    if (this.#peer === null && this.#transport !== null) {
      const { remote, remotePort } = this.#transport.endpoint.tuple;
      this.#peer = addressInfo(remote, remotePort, this.#mapped);
    }
    return this.#peer;
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
