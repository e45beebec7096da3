// `Server`: a listener as an EventEmitter, in the shape of `node:net`.
import { AsyncResource } from 'node:async_hooks';
import { lookup as dnsLookup } from 'node:dns';
import { EventEmitter } from 'node:events';
import { type BlockList, isIP } from 'node:net';
import { getDefaultHighWaterMark } from 'node:stream';
import type { Endpoint, Listener, ListenerHandler, ListenOptions } from '../stack/endpoint.js';
import type { ConnectionConfig } from '../tcp/config.js';
import { type AddressInfo, ANY_IPV4, ANY_IPV6, addressInfo, parseAddress } from './addresses.js';
import {
  type ListenRequest,
  normalizeArguments,
  parseBacklog,
  parseBlockList,
  parseInitialDelay,
  parseListen,
} from './arguments.js';
import { BoundSocket } from './bound-socket.js';
import { adoptable } from './callable.js';
import { serverListen, serverSocket } from './channels.js';
import { ACCEPTED, type InternalSocketOptions } from './construction.js';
import {
  alreadyListening,
  invalidArgType,
  listenError,
  serverNotRunning,
  surfaceUncaught,
  systemCodeOf,
} from './errors.js';
import { ServerHandle } from './handles.js';
import { wholeSeconds } from './keep-alive.js';
import { Share } from './liveness.js';
import type { NetContext } from './net-stack.js';
import { SINCE_NODE_22 } from './node-version.js';
import type { BoundHandle, ListenArguments, ServerOptions } from './options.js';
import { Socket } from './socket.js';
import { parseTcpOptions } from './tcp-options.js';

const MS_PER_SECOND = 1000;

type CloseCallback = (error?: Error) => void;
type ConnectionListener = (socket: Socket) => void;

/** What a `drop` event tells about the connection that was turned away. */
export interface DropInfo {
  localAddress: string;
  localPort: number;
  localFamily: string;
  remoteAddress: string;
  remotePort: number;
  remoteFamily: string;
}

/** Where was listened, in the words of errors and of `_connectionKey`. */
interface ToldPlace {
  readonly type: number;
  readonly host: string | null;
  readonly port: number;
}

/** `node:net` does not look what somebody else has bound. */
const BOUND_BEFORE: ToldPlace = { type: -1, host: null, port: -1 };

/** Accepts TCP connections on this stack; shape, events, defaults and errors as `net.Server`. */
export class Server extends adoptable(EventEmitter) implements ListenerHandler {
  /** Connections beyond this number are closed at once, with `drop`. Unset as at first, or 0 on Node 20: no limit. */
  declare maxConnections: number;
  /** @deprecated Never there, as in `node:net`, whose types alone still have it; use `getConnections`. */
  declare connections: number;
  /** Connections accepted and not closed yet. */
  _connections = 0;

  /** Peers whose connections are closed at once. */
  declare blockList?: BlockList;
  /** What was listened on, as `family:host:port`. */
  _connectionKey?: string;
  /** Whether `unref` was called, and `ref` not after it. */
  _unref = false;

  allowHalfOpen: boolean;
  pauseOnConnect: boolean;
  noDelay: boolean;
  keepAlive: boolean;
  /** Seconds, as in `node:net`; the option is in milliseconds. */
  keepAliveInitialDelay: number;
  highWaterMark: number;

  readonly #context: NetContext;
  readonly #config: Partial<ConnectionConfig> | undefined;
  readonly #share: Share;
  readonly #scope = new AsyncResource('SYNWAVESERVER');
  #listener: Listener | null = null;
  #shown: AddressInfo | null = null;
  #mapped = false;
  /** Makes a lookup that `close()` overtook come to nothing. */
  #generation = 0;

  /** @throws ERR_INVALID_ARG_TYPE; ERR_OUT_OF_RANGE and ERR_INVALID_ARG_VALUE for the option `tcp` */
  constructor(
    context: NetContext,
    options?: ServerOptions | ConnectionListener,
    listener?: ConnectionListener,
  ) {
    super();
    const given = typeof options === 'function' ? {} : (options ?? {});
    if (typeof given !== 'object') throw invalidArgType('options', 'of type object', options);
    const onConnection = typeof options === 'function' ? options : listener;
    if (typeof onConnection === 'function') this.on('connection', onConnection);
    if (given.highWaterMark !== undefined && typeof given.highWaterMark !== 'number') {
      throw invalidArgType('options.highWaterMark', 'of type number', given.highWaterMark);
    }
    this.#context = context;
    const blocked = parseBlockList(given.blockList);
    if (blocked !== undefined) this.blockList = blocked;
    this.#config = parseTcpOptions(given.tcp);
    this.#share = new Share(context.liveness);
    this.allowHalfOpen = given.allowHalfOpen || false;
    this.pauseOnConnect = Boolean(given.pauseOnConnect);
    this.noDelay = Boolean(given.noDelay);
    this.keepAlive = Boolean(given.keepAlive);
    this.keepAliveInitialDelay = wholeSeconds(parseInitialDelay(given.keepAliveInitialDelay));
    const asked = given.highWaterMark ?? -1;
    this.highWaterMark = asked < 0 ? getDefaultHighWaterMark(false) : asked;
  }

  /** Makes the socket of an accepted connection; overridden where `net.Socket` is a class of its own. */
  _createSocket(options: InternalSocketOptions): Socket {
    return new Socket(this.#context, options);
  }

  // ---- listening

  /**
   * `listen([port[, host[, backlog]]][, callback])` or `listen(options[, callback])`. What goes wrong with the address
   * is emitted as `error`. A `BoundSocket` in the place of the port is adopted.
   * @throws ERR_SERVER_ALREADY_LISTEN, ERR_SOCKET_HANDLE_ADOPTED, ERR_SOCKET_BAD_PORT, ERR_INVALID_ARG_VALUE
   */
  listen(port?: number | string | null, host?: string, backlog?: number, callback?: () => void): this;
  listen(port?: number | string | null, host?: string, callback?: () => void): this;
  listen(port?: number | string | null, backlog?: number, callback?: () => void): this;
  listen(port?: number | string | null, callback?: () => void): this;
  listen(options: ListenArguments, callback?: () => void): this;
  listen(bound: BoundHandle, backlog?: number, callback?: () => void): this;
  listen(bound: BoundHandle, callback?: () => void): this;
  listen(callback?: () => void): this;
  listen(...args: unknown[]): this {
    if (this.#listener !== null) throw alreadyListening();
    const { handle } = normalizeArguments<{ handle?: unknown }>(args).options;
    const bound = [args[0], handle].find((each) => each instanceof BoundSocket);
    if (bound !== undefined) return this.#listenBound(bound, args);
    const request = parseListen(args);
    this.#announce(request.options, request.callback);
    if (request.signal !== undefined) this.#closeOn(request.signal);
    const generation = ++this.#generation;
    const { host } = request;
    if (host === undefined) {
      this.#open(request, null);
    } else if (isIP(host) !== 0) {
      process.nextTick(() => this.#openIfCurrent(generation, request, host));
    } else {
      dnsLookup(host, (error, address) => {
        if (generation !== this.#generation) return;
        if (error) this.emit('error', error);
        else this.#openIfCurrent(generation, request, address);
      });
    }
    return this;
  }

  #closeOn(signal: AbortSignal): void {
    if (typeof signal !== 'object' || signal === null || !('aborted' in signal)) {
      throw invalidArgType('options.signal', 'an instance of AbortSignal', signal);
    }
    const close = () => this.close();
    if (signal.aborted) process.nextTick(close);
    else {
      signal.addEventListener('abort', close, { once: true });
      this.once('close', () => signal.removeEventListener('abort', close));
    }
  }

  #openIfCurrent(generation: number, request: ListenRequest, host: string): void {
    if (generation === this.#generation) this.#open(request, host);
  }

  /** @param host an address, or null for all of them */
  #open(request: ListenRequest, host: string | null): void {
    const hasIpv6 = this.#context.stack.addresses.some((own) => own.family === 6);
    const shownHost = host ?? (hasIpv6 ? ANY_IPV6 : ANY_IPV4);
    const any = shownHost === ANY_IPV4 || shownHost === ANY_IPV6;
    const address = any ? null : parseAddress(shownHost);
    const family = any ? onlyFamily(shownHost, host === null, request.ipv6Only) : undefined;
    this.#mapped = shownHost === ANY_IPV6;
    const told = { type: isIP(shownHost), host: shownHost, port: request.port };
    if (address === null && !any) {
      this.#failListen(Object.assign(new Error('zone in address'), { code: 'EINVAL' }), told);
      return;
    }
    const { port, backlog, reusePort } = request;
    const shown = {
      address: address?.toString() ?? shownHost,
      family: isIP(shownHost) === 6 ? 'IPv6' : 'IPv4',
    };
    this.#listenAt({ address, port, backlog, reusePort, ...(family && { family }) }, shown, told);
  }

  /** Listens where it was bound before. */
  #listenBound(bound: BoundSocket, args: readonly unknown[]): this {
    const { options, callback } = normalizeArguments<object>(args);
    this.#announce(options, callback);
    const { address, family, reusePort, shown, hold } = bound._adopt(this.#context);
    this.#generation++;
    this.#mapped = shown.address === ANY_IPV6 && family === 0;
    const where = { address, port: shown.port, reusePort, ...(address === null && family && { family }) };
    this.#listenAt({ ...where, backlog: parseBacklog(args) }, shown, BOUND_BEFORE);
    hold.close();
    return this;
  }

  #announce(options: object, callback: ((...args: unknown[]) => void) | null): void {
    if (serverListen.asyncStart.hasSubscribers) serverListen.asyncStart.publish({ server: this, options });
    if (callback !== null) this.once('listening', callback);
  }

  #listenAt(options: ListenOptions, shown: Omit<AddressInfo, 'port'>, told: ToldPlace): void {
    try {
      const config = this.#config === undefined ? {} : { config: this.#config };
      this.#listener = this.#context.stack.listen({ ...options, ...config }, this);
    } catch (error) {
      this.#failListen(error, told);
      return;
    }
    this.#shown = { ...shown, port: this.#listener.port };
    this._connectionKey = `${told.type}:${told.host}:${told.port}`;
    this.#share.set(!this._unref);
    if (serverListen.asyncEnd.hasSubscribers) serverListen.asyncEnd.publish({ server: this });
    process.nextTick(() => {
      if (this.#listener !== null) this.emit('listening');
    });
  }

  #failListen(error: unknown, { host, port }: ToldPlace): void {
    const code = systemCodeOf(error);
    const shown = code === null ? error : listenError(code, host, port);
    if (serverListen.error.hasSubscribers) serverListen.error.publish({ server: this, error: shown });
    process.nextTick(() => this.emit('error', shown));
  }

  /** As `node:net` has it: null unless the server listens. */
  get _handle(): ServerHandle | null {
    if (!(#listener in this) || this.#listener === null) return null;
    const listener = this.#listener;
    return new ServerHandle(this.#scope, () => listener === this.#listener && !this._unref);
  }

  /** Whether the server accepts connections. */
  get listening(): boolean {
    return this.#listener !== null;
  }

  /** The address that is listened on, or null. Every address is `::`, or `0.0.0.0` on a stack without IPv6. */
  address(): AddressInfo | null {
    return this.#listener === null ? null : { ...this.#shown! };
  }

  // ---- accepting

  onAcceptable(listener: Listener): void {
    for (;;) {
      if (listener !== this.#listener) return;
      const endpoint = listener.accept();
      if (endpoint === null) return;
      try {
        this.#scope.runInAsyncScope(this.#take, this, endpoint);
      } catch (error) {
        surfaceUncaught(error);
      }
    }
  }

  /** The stack closed under us: `close` is emitted as if we had been asked. */
  onClosed(listener: Listener): void {
    if (listener === this.#listener) this.close();
  }

  #take(endpoint: Endpoint): void {
    const most = this.maxConnections;
    const isLimited = SINCE_NODE_22 ? most != null : Boolean(most);
    if (isLimited && this._connections >= most) {
      endpoint.close();
      this.emit('drop', this.#dropInfo(endpoint));
      return;
    }
    const { remote } = endpoint.tuple;
    if (this.blockList?.check(remote.toString(), `ipv${remote.family}`)) {
      endpoint.close();
      return;
    }
    const socket = this.#socketOf(endpoint);
    this._connections++;
    this.emit('connection', socket);
    if (serverSocket.hasSubscribers) serverSocket.publish({ socket });
  }

  /** A `highWaterMark` that makes no sense shows only here, as in `node:net`; no connection is left over. */
  #socketOf(endpoint: Endpoint): Socket {
    try {
      return this._createSocket(this.#socketOptions(endpoint));
    } catch (error) {
      endpoint.abort();
      throw error;
    }
  }

  #socketOptions(endpoint: Endpoint): InternalSocketOptions {
    return {
      allowHalfOpen: this.allowHalfOpen,
      highWaterMark: this.highWaterMark,
      noDelay: this.noDelay,
      keepAlive: this.keepAlive,
      keepAliveInitialDelay: this.keepAliveInitialDelay * MS_PER_SECOND,
      [ACCEPTED]: {
        endpoint,
        server: this,
        paused: this.pauseOnConnect,
        config: this.#config,
        mapped: this.#mapped,
      },
    };
  }

  #dropInfo(endpoint: Endpoint): DropInfo {
    const { tuple } = endpoint;
    const local = addressInfo(tuple.local, tuple.localPort, this.#mapped);
    const remote = addressInfo(tuple.remote, tuple.remotePort, this.#mapped);
    return {
      localAddress: local.address,
      localPort: local.port,
      localFamily: local.family,
      remoteAddress: remote.address,
      remotePort: remote.port,
      remoteFamily: remote.family,
    };
  }

  /** Number of connections, at the next tick. */
  getConnections(callback: (error: Error | null, count: number) => void): this {
    process.nextTick(callback, null, this._connections);
    return this;
  }

  // ---- closing

  /** Stops accepting. `close` and the callback come when the last connection is gone; ERR_SERVER_NOT_RUNNING to it. */
  close(callback?: CloseCallback): this {
    this.#generation++;
    const listener = this.#listener;
    if (typeof callback === 'function') {
      if (listener === null) this.once('close', () => callback(serverNotRunning()));
      else this.once('close', callback);
    }
    this.#listener = null;
    this.#share.set(false);
    listener?.close();
    this._emitCloseIfDrained();
    return this;
  }

  /** Called by a socket of this server that was destroyed. */
  _onSocketGone(_socket: Socket): void {
    this._connections--;
    this._emitCloseIfDrained();
  }

  _emitCloseIfDrained(): void {
    if (this.#listener !== null || this._connections > 0) return;
    process.nextTick(() => this.emit('close'));
  }

  /** Closes and waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#listener === null) return;
    await new Promise<void>((resolve, reject) => {
      this.close((error) => (error ? reject(error) : resolve()));
    });
  }

  override [EventEmitter.captureRejectionSymbol](
    error: Error,
    event: string | symbol,
    ...args: unknown[]
  ): void {
    if (event === 'connection') (args[0] as Socket).destroy(error);
    else this.emit('error', error);
  }

  /** Listening keeps the process alive (default). */
  ref(): this {
    this._unref = false;
    this.#share.set(this.#listener !== null);
    return this;
  }

  unref(): this {
    this._unref = true;
    this.#share.set(false);
    return this;
  }
}

/** The family that "any address" is narrowed to. Without a host it means all there are, also on a stack without IPv6. */
function onlyFamily(any: string, isDefault: boolean, ipv6Only: boolean): 4 | 6 | undefined {
  if (any === ANY_IPV4) return isDefault ? undefined : 4;
  return ipv6Only ? 6 : undefined;
}
