// The parts of Node's own `net` that it shows to nobody: the classes of libuv's handles and the symbols by which sockets
// and handles know each other. Everything that depends on Node's inside is looked up here, once, and checked.
import * as net from 'node:net';

/** A request of Node's `net`; `oncomplete` tells it of the outcome. */
export interface Request {
  oncomplete?: (
    status: number,
    handle: unknown,
    request: Request,
    readable: boolean,
    writable: boolean,
  ) => void;
}

/** What `getsockname` and `getpeername` fill in. */
export interface NameOut {
  address?: string;
  family?: string;
  port?: number;
}

/** `TCP` of libuv, as Node's `net` calls it. Statuses are 0 or a negative error number. */
export interface TcpHandle {
  bind(address: string, port: number, flags?: number): number;
  bind6(address: string, port: number, flags?: number): number;
  connect(request: Request, address: string, port: number): number;
  connect6(request: Request, address: string, port: number): number;
  listen(backlog: number): number;
  getsockname(out: NameOut): number;
  close(callback?: () => void): void;
  ref(): void;
  unref(): void;
  hasRef(): boolean;
  onread?: unknown;
  onconnection?: (status: number, client?: unknown) => void;
}

/** `JSStream`: a stream of libuv's kind whose work is done in JavaScript. */
export interface JsStream {
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readBuffer(bytes: Uint8Array): void;
  emitEOF(): void;
  finishWrite(request: object, status: number): void;
  finishShutdown(request: object, status: number): void;
  useUserBuffer(buffer: Uint8Array): void;
  getAsyncId(): number;
  /** Set by the socket: hears of what was read. */
  onread?: unknown;
}

/** What was found. */
export interface Bindings {
  readonly Tcp: { new (kind: number): TcpHandle; readonly prototype: TcpHandle };
  readonly JsStream: new () => JsStream;
  /** On a handle: the socket that it belongs to. */
  readonly owner: symbol;
  /** On a socket: the buffer of its option `onread`. */
  readonly userBuffer: symbol;
  /** On `Socket.prototype`: gives the socket another handle. */
  readonly reinitialize: symbol;
}

type InternalBinding = (name: string) => Record<string, unknown>;

/**
 * Looks them up.
 * @throws Error with code ERR_SYNWAVE_NODE_VERSION when this Node is made otherwise than those that are known, and
 *   ERR_SYNWAVE_NODE_PERMISSION when it may not show its inside
 */
export function findBindings(): Bindings {
  const Tcp = bindingOf('tcp_wrap').TCP as Bindings['Tcp'] | undefined;
  const Stream = bindingOf('js_stream').JSStream as Bindings['JsStream'] | undefined;
  if (typeof Tcp?.prototype?.connect6 !== 'function') throw unknownNode('the class TCP');
  if (typeof Stream?.prototype?.readBuffer !== 'function') throw unknownNode('the class JSStream');
  const reinitialize = symbolNamed(net.Socket.prototype, 'kReinitializeHandle');
  const handle = new Stream();
  // A socket marks its handle with itself.
  const socket = new net.Socket({ handle, manualStart: true } as net.SocketConstructorOpts);
  const owner = symbolNamed(handle, 'owner_symbol');
  return { Tcp, JsStream: Stream, owner, userBuffer: symbolNamed(socket, 'kBuffer'), reinitialize };
}

function bindingOf(name: string): Record<string, unknown> {
  const { binding } = process as unknown as { binding?: InternalBinding };
  if (typeof binding !== 'function') throw unknownNode('process.binding');
  try {
    return binding.call(process, name);
  } catch (error) {
    const isDenied = (error as NodeJS.ErrnoException).code === 'ERR_ACCESS_DENIED';
    throw isDenied ? deniedByPermissions() : unknownNode(`process.binding('${name}')`);
  }
}

function symbolNamed(object: object, name: string): symbol {
  const found = Object.getOwnPropertySymbols(object).find(({ description }) => description === name);
  if (found === undefined) throw unknownNode(`the symbol ${name}`);
  return found;
}

function unknownNode(what: string): Error {
  const message =
    `Node ${process.version} lacks ${what}, on which synwave/register relies; ` +
    'use Node 20 to 26, or synwave/net in place of node:net';
  return Object.assign(new Error(message), { code: 'ERR_SYNWAVE_NODE_VERSION' });
}

function deniedByPermissions(): Error {
  const message =
    'Node’s permission model closes process.binding, on which synwave/register relies; ' +
    'run without --permission, or use synwave/net in place of node:net';
  return Object.assign(new Error(message), { code: 'ERR_SYNWAVE_NODE_PERMISSION' });
}
