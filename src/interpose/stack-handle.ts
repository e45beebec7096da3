// A connection of the stack in the form of a libuv stream, so that Node's own sockets, TLS, http parser and http2 work
// on it unchanged. Bytes and the end of the connection are the transport's matter, as for our own sockets.
import { AsyncResource } from 'node:async_hooks';
import * as net from 'node:net';
import { isUint8Array } from 'node:util/types';
import {
  type AddressInfo,
  ANY_IPV4,
  ANY_IPV6,
  addressInfo,
  familyMismatch,
  parseAddress,
  parseRemote,
} from '../net/addresses.js';
import { errnoOf, type SystemError, surfaceUncaught, systemCodeOf } from '../net/errors.js';
import { applyKeepAlive } from '../net/keep-alive.js';
import { Share } from '../net/liveness.js';
import type { NetContext } from '../net/net-stack.js';
import { PendingWrite } from '../net/pending-write.js';
import { READ_BYTES, Transport, type TransportOwner } from '../net/transport.js';
import type { Endpoint } from '../stack/endpoint.js';
import { Event } from '../tcp/connection.js';
import type { IpAddress } from '../wire/address.js';
import type { Bindings, JsStream, NameOut, Request } from './bindings.js';

/** The local end that was asked for before connecting or listening. */
export interface Bound {
  readonly address: string;
  readonly port: number;
  readonly ipv6Only: boolean;
  readonly reusePort: boolean;
}

/** A handle of Node's `net` whose connection is the stack's. */
export interface StackHandle extends JsStream {
  /** The connection, or null before `open`. */
  readonly endpoint: Endpoint | null;
  /** Begins to connect. Returns 0, or the negative error number of what cannot even be tried. */
  open(request: Request, address: string, port: number, bound: Bound | undefined): number;
  unref(): void;
}

/** What a handle asks for that its socket has before it is known what it connects to. */
export interface EarlyHandles {
  /** Opens the handle, or leaves the socket to the kernel. Returns 0 or a negative error number. */
  connectEarly(
    handle: StackHandle,
    method: 'connect' | 'connect6',
    request: Request,
    address: string,
    port: number,
  ): number;
  /** Takes note of the local end. Returns 0 or a negative error number. */
  bindEarly(handle: StackHandle, bound: Bound): number;
  /** Fills in the local end that was noted. Returns 0. */
  nameEarly(handle: StackHandle, out: NameOut): number;
}

/** Makes such handles. */
export interface StackHandleClass {
  new (early?: EarlyHandles): StackHandle;
  /** The handle of an accepted connection. `mapped`: its listener serves both families. */
  accepted(endpoint: Endpoint, mapped: boolean): StackHandle;
}

/** Fills in a name. Returns 0. */
export function nameInto(out: NameOut, { address, family, port }: AddressInfo): number {
  out.address = address;
  out.family = family;
  out.port = port;
  return 0;
}

/** Told when a socket lets go of its connection, which can then still be asked how it was. */
export type Remember = (socket: net.Socket, endpoint: Endpoint) => void;

function complete(handle: { completeWrite(): void }): void {
  handle.completeWrite();
}

/** The class of handles for one stack. It is made at run time because Node's class below it is found at run time. */
export function defineStackHandle(
  { JsStream: Stream, owner, userBuffer }: Bindings,
  context: NetContext,
  remember: Remember,
): StackHandleClass {
  return class Handle extends Stream implements StackHandle, TransportOwner {
    endpoint: Endpoint | null = null;
    private readonly scope = new AsyncResource('SYNWAVEHANDLE');
    private readonly connecting = new Share(context.liveness);
    private transport: Transport | null = null;
    private request: Request | null = null;
    /** Its name before it has an end of its own; null before there would be a socket. */
    private unconnected: AddressInfo | null = null;
    private mapped = false;
    private referenced = true;
    private wantsData = false;
    private closed = false;
    /** To an end that is noted, but not connected yet. */
    private bound = false;
    /** Opened here, and not asked to connect again: once more that succeeds at once, as on Linux. */
    private mayRepeatConnect = false;
    private noDelay = false;
    private typeOfService = 0;
    private writing: object | null = null;
    /** How the write ended, which is told with the next tick. */
    private written: number | null = null;
    private ending: object | null = null;

    constructor(private readonly early: EarlyHandles | null = null) {
      super();
    }

    static accepted(endpoint: Endpoint, mapped: boolean): StackHandle {
      const handle = new Handle();
      handle.mapped = mapped;
      handle.attach(endpoint);
      return handle;
    }

    // ---- connecting

    open(request: Request, address: string, port: number, bound: Bound | undefined): number {
      this.request = request;
      this.unconnected = unconnectedName(address, bound);
      this.connecting.set(true);
      if (port === 0) {
        // Nobody listens there, so nobody need be asked.
        setImmediate(() => this.conclude(errnoOf('ECONNREFUSED')));
        return 0;
      }
      const code = this.openEndpoint(address, port, bound);
      if (code === null) return 0;
      this.request = null;
      this.connecting.set(false);
      return errnoOf(code);
    }

    /** Returns null, or the code of what stands against it. */
    private openEndpoint(address: string, port: number, bound: Bound | undefined): string | null {
      const remote = parseRemote(address, context.stack.addresses);
      const local = localOf(bound);
      if (remote === null || local === null) return 'EINVAL';
      const localPort = bound?.port;
      const mismatch = bound && familyMismatch(familyOf(bound.address), net.isIP(address));
      if (mismatch) return mismatch;
      const options = { remote, remotePort: port, ...(local && { local }), ...(localPort && { localPort }) };
      try {
        this.endpoint = context.stack.connect(options, this);
        return null;
      } catch (error) {
        const code = systemCodeOf(error);
        if (code === null) throw error;
        return code;
      }
    }

    connect(request: Request, address: string, port: number): number {
      return this.openEarly('connect', request, address, port);
    }

    connect6(request: Request, address: string, port: number): number {
      return this.openEarly('connect6', request, address, port);
    }

    private openEarly(
      method: 'connect' | 'connect6',
      request: Request,
      address: string,
      port: number,
    ): number {
      if (this.request !== null) return errnoOf('EALREADY');
      if (this.mayRepeatConnect) {
        this.mayRepeatConnect = false;
        this.request = request;
        setImmediate(() => this.conclude(0));
        return 0;
      }
      if (this.endpoint !== null || this.early === null) return errnoOf('EISCONN');
      // Not of the family that it is said to be.
      if (net.isIP(address) !== (method === 'connect' ? 4 : 6)) return errnoOf('EINVAL');
      return this.early.connectEarly(this, method, request, address, port);
    }

    bind(address: string, port: number): number {
      if (this.endpoint !== null || this.early === null) return errnoOf('EINVAL');
      this.bound = true;
      return this.early.bindEarly(this, { address, port, ipv6Only: false, reusePort: false });
    }

    bind6(address: string, port: number): number {
      return this.bind(address, port);
    }

    /** Of the attempt; afterwards the transport hears of everything. */
    onEvents(endpoint: Endpoint, events: number): void {
      if (endpoint !== this.endpoint) return;
      const established = (events & Event.ESTABLISHED) !== 0;
      if (!established && (events & Event.CLOSED) === 0) return;
      const rest = events & ~Event.ESTABLISHED;
      if (established) {
        this.mayRepeatConnect = true;
        const transport = this.attach(endpoint);
        if (rest !== 0) transport.onEventsLater(rest);
      }
      this.conclude(established ? 0 : errnoOf(endpoint.connection.error ?? 'ECONNABORTED'));
    }

    /** Tells the socket how connecting ended, unless it does not want to know any more. */
    private conclude(status: number): void {
      const { request } = this;
      this.request = null;
      this.connecting.set(false);
      if (request === null) return;
      const usable = status === 0;
      try {
        this.scope.runInAsyncScope(() => request.oncomplete?.(status, this, request, usable, usable));
      } catch (error) {
        surfaceUncaught(error);
      }
    }

    private attach(endpoint: Endpoint): Transport {
      this.endpoint = endpoint;
      this.transport = new Transport(endpoint, this, context.liveness);
      this.transport.setReferenced(this.referenced);
      return this.transport;
    }

    // ---- what the transport asks of its owner

    /** More than the buffer of `onread` holds would be read although its callback said no. */
    get _receiveBytes(): number {
      const own = (this.socket as unknown as Record<symbol, unknown> | undefined)?.[userBuffer];
      return isUint8Array(own) ? own.length : READ_BYTES;
    }

    _receive(bytes: Buffer | null): boolean {
      if (bytes === null) {
        this.emitEOF();
        return false;
      }
      this.readBuffer(bytes);
      return this.wantsData;
    }

    read(): void {}

    destroy(error: Error): void {
      this.socket?.destroy(error);
    }

    emit(event: 'softError', error: Error): void {
      this.socket?.emit(event, error);
    }

    _unrefTimer(): void {}

    private get socket(): net.Socket | undefined {
      return (this as unknown as Record<symbol, net.Socket | undefined>)[owner];
    }

    // ---- what the stream base asks of us

    onreadstart(): number {
      this.wantsData = true;
      // Data comes later, as from a kernel: whoever hears of it may stop reading again.
      setImmediate(() => {
        if (this.wantsData) this.transport?.startReading();
      });
      return 0;
    }

    onreadstop(): number {
      this.wantsData = false;
      this.transport?.stopReading();
      return 0;
    }

    onwrite(request: object, chunks: Uint8Array[]): number {
      if (this.transport === null) return errnoOf('ENOTCONN');
      // TLS says goodbye on a closed connection too; nobody waits for the outcome.
      if (this.closed) return 0;
      this.writing = request;
      this.transport.startWrite(PendingWrite.ofBuffers(chunks), (error) => {
        if (this.closed) return;
        this.written = error ? (error as SystemError).errno : 0;
        // The request is not in use before this call has returned. But before the peer can answer: http would hold back what
        // it answers to that until then, and each answer would leave by itself.
        process.nextTick(complete, this);
      });
      return 0;
    }

    completeWrite(): void {
      const { writing, ending, written } = this;
      if (writing === null) return;
      this.writing = null;
      this.written = null;
      this.finishWrite(writing, written ?? errnoOf('ECANCELED'));
      if (ending !== null && !this.closed) this.shutDown();
    }

    onshutdown(request: object): number {
      if (this.transport === null) return errnoOf('ENOTCONN');
      if (this.closed) return 0;
      this.mayRepeatConnect = false;
      this.ending = request;
      // TLS asks for both at once; the FIN comes after the bytes.
      if (this.writing === null) this.shutDown();
      return 0;
    }

    private shutDown(): void {
      // The request is not in use before the caller has returned; and the peer must not see the FIN before we have told.
      setImmediate(() => {
        if (this.closed) return;
        this.transport?.shutdown(() => {});
        this.completeShutdown(0);
      });
    }

    private completeShutdown(status: number): void {
      const { ending } = this;
      this.ending = null;
      if (ending !== null) this.finishShutdown(ending, status);
    }

    isClosing(): boolean {
      return this.closed;
    }

    // ---- what `net` asks of a TCP handle

    close(callback?: () => void): void {
      this.end('close', callback);
    }

    reset(callback?: () => void): number {
      this.end('abort', callback);
      return 0;
    }

    private end(how: 'close' | 'abort', callback?: () => void): void {
      if (this.closed) return;
      this.closed = true;
      const { socket } = this;
      if (socket !== undefined && this.endpoint !== null) remember(socket, this.endpoint);
      this.request = null;
      this.connecting.set(false);
      if (this.transport !== null) {
        this.transport.release(how);
      } else if (this.endpoint !== null) {
        this.endpoint.handler = null;
        this.endpoint.abort();
      }
      setImmediate(() => {
        this.completeWrite();
        this.completeShutdown(errnoOf('ECANCELED'));
        callback?.call(this);
      });
    }

    getsockname(out: NameOut): number {
      const tuple = this.endpoint?.tuple;
      if (tuple === undefined) {
        const early = this.bound ? this.early : null;
        if (early !== null) return early.nameEarly(this, out);
        return this.unconnected === null ? errnoOf('EBADF') : nameInto(out, this.unconnected);
      }
      return nameInto(out, addressInfo(tuple.local, tuple.localPort, this.mapped));
    }

    getpeername(out: NameOut): number {
      const tuple = this.transport?.endpoint.tuple;
      if (tuple === undefined) return errnoOf('ENOTCONN');
      return nameInto(out, addressInfo(tuple.remote, tuple.remotePort, this.mapped));
    }

    setNoDelay(on = true): number {
      // Node asks once more when it is connected.
      if (this.endpoint === null) return 0;
      if (on !== this.noDelay) this.endpoint?.setNagle(!on);
      this.noDelay = on;
      return 0;
    }

    /** Times in seconds. Node asks once more when it is connected. */
    setKeepAlive(on: boolean, delay: number, interval?: number, count?: number): number {
      if (this.endpoint !== null) applyKeepAlive(this.endpoint, { on, delay, interval, count });
      return 0;
    }

    /** @param tos an octet; the bits of ECN in it stay as TCP has them */
    setTypeOfService(tos: number): number {
      this.typeOfService = tos;
      this.endpoint?.setDscp(tos >> 2);
      return 0;
    }

    getTypeOfService(): number {
      return this.endpoint === null ? this.typeOfService : this.endpoint.connection.dscp << 2;
    }

    ref(): void {
      this.referenced = true;
      this.transport?.setReferenced(true);
    }

    unref(): void {
      this.referenced = false;
      this.transport?.setReferenced(false);
    }

    hasRef(): boolean {
      return this.referenced && !this.closed;
    }
  };
}

/** A local end as the stack takes it: null is every address, of `family` or with 0 of both. */
export function placeOf({ address, ipv6Only }: Bound): { address: IpAddress | null; family: 0 | 4 | 6 } {
  if (address === ANY_IPV4) return { address: null, family: 4 };
  if (address === ANY_IPV6) return { address: null, family: ipv6Only ? 6 : 0 };
  const one = parseAddress(address);
  return { address: one, family: one?.family ?? 0 };
}

/** `IPv4` or `IPv6`. */
export function familyOf(address: string): string {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}

/** What a socket is called before it has an address. */
function unconnectedName(remote: string, bound: Bound | undefined): AddressInfo {
  const any = familyOf(remote) === 'IPv6' ? ANY_IPV6 : ANY_IPV4;
  return { address: bound?.address ?? any, family: familyOf(remote), port: bound?.port ?? 0 };
}

/** The address to bind to; undefined for any, null for text that is no address. */
function localOf(bound: Bound | undefined) {
  if (bound === undefined || bound.address === ANY_IPV4 || bound.address === ANY_IPV6) return undefined;
  return parseAddress(bound.address);
}
