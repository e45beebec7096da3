// Puts the TCP of Node's own `net` onto a stack: where a handle of libuv is about to connect or to listen in the kernel,
// the stack does it. Everything above, from `net.Socket` to http2, stays Node's own; Unix sockets and descriptors never
// come here.
import cluster from 'node:cluster';
import * as net from 'node:net';
import { isUint8Array } from 'node:util/types';
import { ANY_IPV4, ANY_IPV6, parseAddress } from '../net/addresses.js';
import { normalizeArguments } from '../net/arguments.js';
import { errnoOf, systemCodeOf } from '../net/errors.js';
import { Liveness } from '../net/liveness.js';
import type { NetContext, NetStack } from '../net/net-stack.js';
import type { SocketConnectOptions } from '../net/options.js';
import { keepTickShape } from '../net/tick-shape.js';
import type { Endpoint } from '../stack/endpoint.js';
import { type Bindings, findBindings, type NameOut, type Request, type TcpHandle } from './bindings.js';
import type { Bypass } from './bypass.js';
import {
  type Bound,
  defineStackHandle,
  type EarlyHandles,
  familyOf,
  nameInto,
  placeOf,
  type StackHandle,
  type StackHandleClass,
} from './stack-handle.js';
import { StackListener } from './stack-listener.js';
import { refuseSending } from './unsendable.js';

/** `TCPConstants.SOCKET`: the kind of handle that connects. */
const SOCKET = 0;
/** `UV_TCP_IPV6ONLY`. */
const IPV6_ONLY = 1;
/** `UV_TCP_REUSEPORT`. */
const REUSE_PORT = 2;

type NodeSocket = net.Socket & { _host?: string | null; _handle: TcpHandle | null };

/** What a TLS socket asks of its handle once somebody listens to `session` or `keylog`. */
type TlsHandle = { enableSessionCallbacks(): void; enableKeylogCallback(): void };

/**
 * From now on, TCP sockets and servers of this process are on `stack`. Those that exist stay where they are.
 * @throws Error with code ERR_SYNWAVE_NODE_VERSION or ERR_SYNWAVE_NODE_PERMISSION, as `findBindings` does
 */
export function interpose(stack: NetStack, bypass: Bypass): void {
  const bindings = findBindings();
  keepTickShape();
  const context: NetContext = {
    stack,
    liveness: new Liveness(),
    autoSelectFamily: net.getDefaultAutoSelectFamily(),
    autoSelectFamilyAttemptTimeoutMs: net.getDefaultAutoSelectFamilyAttemptTimeout(),
  };
  const ended = new WeakMap<net.Socket, Endpoint>();
  const Handle = defineStackHandle(bindings, context, (socket, endpoint) => void ended.set(socket, endpoint));
  const interposition = new Interposition(context, bypass, bindings, Handle);
  interposition.install();
  addMethods(Handle, ended);
  refuseSending((socketOrServer) => interposition.isOnStack(socketOrServer));
  if (cluster.isWorker) refuseClusterHandles();
}

/** The methods that are replaced, with what they were. */
class Interposition implements EarlyHandles {
  private readonly bound = new WeakMap<TcpHandle, Bound>();
  private readonly listening = new WeakSet<object>();
  private readonly owners = new WeakMap<TcpHandle, NodeSocket>();
  private readonly kernel: Pick<
    TcpHandle,
    'bind' | 'bind6' | 'connect' | 'connect6' | 'listen' | 'getsockname'
  >;

  constructor(
    private readonly context: NetContext,
    private readonly bypass: Bypass,
    private readonly bindings: Bindings,
    private readonly Handle: StackHandleClass,
  ) {
    const { bind, bind6, connect, connect6, listen, getsockname } = bindings.Tcp.prototype;
    this.kernel = { bind, bind6, connect, connect6, listen, getsockname };
  }

  install(): void {
    const self = this;
    const { prototype } = this.bindings.Tcp;
    prototype.bind = function (address, port, flags = 0) {
      return self.bind(this, boundTo(address, port, flags & ~IPV6_ONLY));
    };
    prototype.bind6 = function (address, port, flags = 0) {
      return self.bind(this, boundTo(address, port, flags));
    };
    prototype.connect = function (request, address, port) {
      return self.connect(this, 'connect', request, address, port);
    };
    prototype.connect6 = function (request, address, port) {
      return self.connect(this, 'connect6', request, address, port);
    };
    prototype.listen = function (backlog) {
      return self.listen(this, backlog);
    };
    prototype.getsockname = function (out) {
      return self.getsockname(this, out);
    };
    this.watchOwners();
    this.exchangeEarly();
    this.passAsTcp();
  }

  /** Whether a socket or server of Node's has its connection, or its listener, on the stack. */
  isOnStack(socketOrServer: object): boolean {
    const { _handle: handle } = socketOrServer as { _handle?: { _parent?: unknown } | null };
    if (handle == null) return false;
    return this.listening.has(handle) || [handle, handle._parent].some((each) => each instanceof this.Handle);
  }

  /**
   * A socket gets our handle as soon as it begins to connect, before the lookup of its name: TLS that is put upon it
   * meanwhile, as `tls.connect({ socket })` does, stays upon the handle that it finds.
   */
  private exchangeEarly(): void {
    const self = this;
    const prototype = net.Socket.prototype as unknown as { connect(...args: unknown[]): NodeSocket };
    const { connect } = prototype;
    prototype.connect = function (this: NodeSocket, ...args) {
      connect.apply(this, args);
      const { _handle: handle } = this;
      const isWaiting =
        this.connecting && handle instanceof self.bindings.Tcp && !(handle instanceof self.Handle);
      if (isWaiting && !self.isBypassed(args)) self.exchange(this, handle, new self.Handle(self));
      return this;
    };
  }

  /** As far as is known before the lookup. */
  private isBypassed(args: readonly unknown[]): boolean {
    // Node's own callers have brought the arguments to their normal form.
    const { options } = normalizeArguments<SocketConnectOptions>(Array.isArray(args[0]) ? args[0] : args);
    const host = options.host || 'localhost';
    return this.bypass.has(net.isIP(host) === 0 ? null : host, Number(options.port), host);
  }

  /** `resetAndDestroy` asks whether the handle is of TCP. */
  private passAsTcp(): void {
    const { bindings, Handle } = this;
    const ordinary = Function.prototype[Symbol.hasInstance];
    Object.defineProperty(bindings.Tcp, Symbol.hasInstance, {
      value: (handle: unknown) => handle instanceof Handle || ordinary.call(bindings.Tcp, handle),
    });
  }

  /** Only the first handle of a TLS socket tells to whom it belongs; a later one is seen when it is put in. */
  private watchOwners(): void {
    const { owners, bindings } = this;
    const prototype = net.Socket.prototype as unknown as Record<symbol, (handle: TcpHandle) => void>;
    const reinitialize = prototype[bindings.reinitialize]!;
    prototype[bindings.reinitialize] = function (this: NodeSocket, handle: TcpHandle) {
      owners.set((handle as unknown as { _parent?: TcpHandle })._parent ?? handle, this);
      reinitialize.call(this, handle);
    };
  }

  private ownerOf(handle: TcpHandle): NodeSocket | undefined {
    const marked = (handle as unknown as Record<symbol, NodeSocket | undefined>)[this.bindings.owner];
    return marked ?? this.owners.get(handle);
  }

  /** Whether it will be the kernel's is not known before it connects or listens. */
  private bind(handle: TcpHandle, bound: Bound): number {
    const { stack } = this.context;
    const address = parseAddress(bound.address);
    if (address === null) return errnoOf('EINVAL');
    if (bound.address === ANY_IPV6 && !stack.addresses.some((own) => own.family === 6)) {
      return errnoOf('EAFNOSUPPORT');
    }
    const isAny = bound.address === ANY_IPV4 || bound.address === ANY_IPV6;
    const isOurs = isAny || stack.owns(address) || this.bypass.has(bound.address, bound.port, null);
    if (!isOurs) return errnoOf('EADDRNOTAVAIL');
    this.bound.set(handle, { ...bound, port: bound.port & 0xffff });
    return 0;
  }

  /** Binds in the kernel what was bound in our notes only. */
  private bindInKernel(handle: TcpHandle): number {
    const bound = this.bound.get(handle);
    if (bound === undefined) return 0;
    this.bound.delete(handle);
    const method = familyOf(bound.address) === 'IPv6' ? 'bind6' : 'bind';
    const flags = (bound.ipv6Only ? IPV6_ONLY : 0) | (bound.reusePort ? REUSE_PORT : 0);
    return this.kernel[method].call(handle, bound.address, bound.port, flags);
  }

  private connect(
    handle: TcpHandle,
    method: 'connect' | 'connect6',
    request: Request,
    address: string,
    port: number,
  ): number {
    const socket = this.ownerOf(handle);
    if (socket === undefined || this.bypass.has(address, port, socket._host ?? null)) {
      return this.bindInKernel(handle) || this.kernel[method].call(handle, request, address, port);
    }
    const ours = new this.Handle(this);
    if (socket._handle === handle) {
      this.exchange(socket, handle, ours);
    } else {
      if (!handle.hasRef()) ours.unref();
      this.rewrap(socket, ours);
      this.own(socket, ours);
    }
    return ours.open(request, address, port, this.bound.get(handle));
  }

  /** Of a handle that a socket got early: the address is known now. */
  connectEarly(
    ours: StackHandle,
    method: 'connect' | 'connect6',
    request: Request,
    address: string,
    port: number,
  ): number {
    const handle = ours as unknown as TcpHandle;
    const socket = this.ownerOf(handle);
    if (socket === undefined || !this.bypass.has(address, port, socket._host ?? null)) {
      return ours.open(request, address, port, this.bound.get(handle));
    }
    const kernels = new this.bindings.Tcp(SOCKET);
    const bound = this.bound.get(handle);
    if (bound !== undefined) this.bound.set(kernels, bound);
    this.exchange(socket, handle, kernels);
    return this.bindInKernel(kernels) || this.kernel[method].call(kernels, request, address, port);
  }

  bindEarly(ours: StackHandle, bound: Bound): number {
    return this.bind(ours as unknown as TcpHandle, bound);
  }

  nameEarly(ours: StackHandle, out: NameOut): number {
    return this.getsockname(ours as unknown as TcpHandle, out);
  }

  /** Gives a socket that is about to connect another handle in the place of its own. */
  private exchange(socket: NodeSocket, handle: TcpHandle, other: StackHandle | TcpHandle): void {
    const buffer = (socket as unknown as Record<symbol, unknown>)[this.bindings.userBuffer];
    if (!handle.hasRef()) other.unref();
    socket._handle = other as TcpHandle;
    other.onread = handle.onread;
    if (isUint8Array(buffer)) (other as StackHandle).useUserBuffer(buffer);
    this.own(socket, other);
    handle.close();
  }

  private own(socket: NodeSocket, handle: StackHandle | TcpHandle): void {
    (handle as unknown as Record<symbol, NodeSocket>)[this.bindings.owner] = socket;
  }

  /** The same for a TLS socket, whose own handle goes around another. */
  private rewrap(socket: NodeSocket, ours: StackHandle): void {
    const { reinitialize } = this.bindings;
    const parts = socket as unknown as Record<string | symbol, unknown>;
    // Otherwise the socket would forget that it was ended before it connected.
    Object.defineProperty(socket, '_undestroy', { value: () => {}, configurable: true });
    try {
      (parts[reinitialize] as (handle: StackHandle) => void).call(socket, ours);
    } finally {
      delete parts._undestroy;
    }
    // Node gives the new handle what the options say, and forgets what listeners had asked the old one for.
    const around = socket._handle as unknown as TlsHandle;
    if (socket.listenerCount('session') > 0) around.enableSessionCallbacks();
    if (socket.listenerCount('keylog') > 0) around.enableKeylogCallback();
  }

  private listen(handle: TcpHandle, backlog: number): number {
    const bound = this.bound.get(handle);
    // A descriptor that was opened, which is the kernel's.
    if (bound === undefined) return this.kernel.listen.call(handle, backlog);
    if (this.bypass.has(bound.address, bound.port, null)) {
      return this.bindInKernel(handle) || this.kernel.listen.call(handle, backlog);
    }
    const status = new StackListener(this.context, this.Handle, handle, bound).listen(backlog);
    if (status === 0) this.listening.add(handle);
    return status;
  }

  private getsockname(handle: TcpHandle, out: NameOut): number {
    const bound = this.bound.get(handle);
    if (bound === undefined) return this.kernel.getsockname.call(handle, out);
    const { address } = bound;
    const port = bound.port === 0 ? this.choosePort(handle, bound) : bound.port;
    // A port that was not to be had shows only here: libuv keeps the error of bind for later.
    if (port === null || this.isTaken(bound)) return errnoOf('EADDRINUSE');
    return nameInto(out, { address, family: familyOf(address), port });
  }

  /** Somebody asks which port was chosen, before it is known what for. Returns null when none is left. */
  private choosePort(handle: TcpHandle, bound: Bound): number | null {
    const { stack } = this.context;
    const { reusePort } = bound;
    try {
      const { address, family } = placeOf(bound);
      const hold = stack.bind({ address, port: 0, reusePort, ...(family && { family }) });
      this.bound.set(handle, { ...bound, port: hold.port });
      const { close } = handle;
      handle.close = (callback) => {
        hold.close();
        close.call(handle, callback);
      };
      return hold.port;
    } catch (error) {
      if (systemCodeOf(error) === null) throw error;
      return null;
    }
  }

  private isTaken(bound: Bound): boolean {
    const { address, family } = placeOf(bound);
    const { stack } = this.context;
    if (stack.isListenedOn(address, family, bound.port, bound.reusePort)) return true;
    return stack.isChosenPort(address, bound.port);
  }
}

function boundTo(address: string, port: number, flags: number): Bound {
  return { address, port, ipv6Only: (flags & IPV6_ONLY) !== 0, reusePort: (flags & REUSE_PORT) !== 0 };
}

/** What sockets of ours have beyond `node:net` and Node's can have too; null where the kernel has the connection. */
function addMethods(Handle: StackHandleClass, ended: WeakMap<net.Socket, Endpoint>): void {
  const endpointOf = (socket: net.Socket): Endpoint | null => {
    const handle = (socket as unknown as { _handle: { _parent?: unknown } | null })._handle;
    for (const each of [handle, handle?._parent]) if (each instanceof Handle) return each.endpoint;
    return ended.get(socket) ?? null;
  };
  const methods = {
    tcpInfo(this: net.Socket) {
      return endpointOf(this)?.tcpInfo() ?? null;
    },
    explain(this: net.Socket) {
      return endpointOf(this)?.explain() ?? null;
    },
  };
  for (const [name, value] of Object.entries(methods)) {
    Object.defineProperty(net.Socket.prototype, name, { value, writable: true, configurable: true });
  }
}

/** The connections of a cluster are descriptors that processes send to each other. */
function refuseClusterHandles(): void {
  const prototype = net.Server.prototype as unknown as { listen(...args: unknown[]): net.Server };
  const { listen } = prototype;
  prototype.listen = function (...args) {
    const [first] = args;
    const options = (typeof first === 'object' && first !== null ? first : {}) as net.ListenOptions;
    const isPath = typeof first === 'string' && Number.isNaN(Number(first));
    if (!isPath && !options.path && !options.exclusive) {
      const message =
        'the workers of a cluster cannot share a port of a userspace stack; ' +
        'listen with { exclusive: true }, which gives each worker a listener of its own, or without cluster';
      throw Object.assign(new Error(message), { code: 'ERR_SYNWAVE_CLUSTER' });
    }
    return listen.apply(this, args);
  };
}
