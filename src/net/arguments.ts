// The many signatures of `connect` and `listen`, brought to one form and checked as `node:net` checks them.
import { BlockList, isIP } from 'node:net';
import {
  badPort,
  invalidArgType,
  invalidArgValue,
  invalidIpAddress,
  missingPort,
  outOfRange,
} from './errors.js';
import { SINCE_NODE_22 } from './node-version.js';
import type { ListenArguments, SocketConnectOptions } from './options.js';

type Callback = (...args: unknown[]) => void;

/** Options and the callback, null when there is none. */
export interface Normalized<Options> {
  options: Options;
  callback: Callback | null;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;
const SHORTEST_ATTEMPT_MS = 10;
/** `somaxconn` of Linux. */
const LONGEST_BACKLOG = 4096;

/** A non-negative number, or false. */
function toNumber(value: unknown): number | false {
  const number = Number(value);
  return number >= 0 ? number : false;
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && toNumber(value) === false;
}

/** `(options[, cb])`, `(path[, cb])` or `([port][, host][…][, cb])`. */
export function normalizeArguments<Options extends object>(args: readonly unknown[]): Normalized<Options> {
  const [first, second] = args;
  const last = args.at(-1);
  const callback = typeof last === 'function' ? (last as Callback) : null;
  let options: Record<string, unknown> = {};
  if (typeof first === 'object' && first !== null) options = first as Record<string, unknown>;
  else if (isPath(first)) options.path = first;
  else if (args.length > 0) {
    options.port = first;
    if (typeof second === 'string') options.host = second;
  }
  return { options: options as Options, callback };
}

/** A port as a number. Strings of digits are ports too. */
export function parsePort(value: unknown, name: string): number {
  const number = Number(value);
  const blank = typeof value === 'string' && value.trim() === '';
  const kind = typeof value === 'number' || typeof value === 'string';
  if (!kind || blank || number !== number >>> 0 || number > 0xffff) throw badPort(name, value);
  return number;
}

function requireNumber(value: unknown, name: string): asserts value is number {
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value);
}

function requireHost(host: unknown): void {
  if (typeof host !== 'string') throw invalidArgType('options.host', 'of type string', host);
  if (host.includes('\0')) throw invalidArgValue('options.host', host, 'must be a string without null bytes');
}

/** Whether there is anything to connect to, or ERR_MISSING_ARGS. */
export function requireTarget({ port, path }: SocketConnectOptions): void {
  if (port === undefined && path == null) throw missingPort();
}

/** The remote end of `connect`, checked. `host` may still be a name. */
export function parseConnectTarget(options: SocketConnectOptions): { host: string; port: number } {
  const { port, path, localAddress, localPort } = options;
  if (path) {
    if (typeof path !== 'string') throw invalidArgType('options.path', 'of type string', path);
    throw invalidArgValue('options.path', path, 'is a socket of the host, which only node:net reaches');
  }
  if (localPort) requireNumber(localPort, 'options.localPort');
  if (localAddress && !isIP(localAddress)) throw invalidIpAddress(localAddress);
  if (port !== undefined && typeof port !== 'number' && typeof port !== 'string') {
    throw invalidArgType('options.port', 'one of type number or string', port);
  }
  if (options.lookup != null && !isIP(options.host || '') && typeof options.lookup !== 'function') {
    throw invalidArgType('options.lookup', 'of type function', options.lookup);
  }
  const host = options.host || 'localhost';
  if (SINCE_NODE_22) requireHost(host);
  return { host, port: port === undefined ? 0 : parsePort(port, 'Port') };
}

/** `autoSelectFamilyAttemptTimeout`: an int32 of at least 1; below 10 means 10. */
export function parseAttemptTimeout(value: unknown, name: string): number {
  requireNumber(value, name);
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value);
  if (value < 1 || value > 2 ** 31 - 1) throw outOfRange(name, '>= 1 && <= 2147483647', value);
  return Math.max(value, SHORTEST_ATTEMPT_MS);
}

/** A boolean, or ERR_INVALID_ARG_TYPE. */
export function parseBoolean(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw invalidArgType(name, 'of type boolean', value);
  return value;
}

/** Milliseconds of `setTimeout`; 0 is none. Longer than a Node timer lasts is shortened, with a warning. */
export function parseTimeout(value: unknown): number {
  requireNumber(value, 'msecs');
  if (value < 0 || !Number.isFinite(value)) throw outOfRange('msecs', 'a non-negative finite number', value);
  if (value <= LONGEST_TIMER_MS) return value;
  process.emitWarning(
    `${value} does not fit into a 32-bit signed integer.\nTimer duration was truncated to ${LONGEST_TIMER_MS}.`,
    'TimeoutOverflowWarning',
  );
  return LONGEST_TIMER_MS;
}

/** `keepAliveInitialDelay` in milliseconds; negative means 0. */
export function parseInitialDelay(value: unknown): number {
  if (value === undefined) return 0;
  requireNumber(value, 'options.keepAliveInitialDelay');
  return Math.max(0, value);
}

/** An octet. */
export function parseTypeOfService(value: unknown, name: string): number {
  requireNumber(value, name);
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value);
  if (value < 0 || value > 255) throw outOfRange(name, '>= 0 && <= 255', value);
  return value;
}

/** `options.blockList`, or ERR_INVALID_ARG_TYPE. */
export function parseBlockList(value: unknown): BlockList | undefined {
  if (!value) return undefined;
  if (value instanceof BlockList) return value;
  throw invalidArgType('options.blockList', 'an net.BlockList', value);
}

/** What `server.listen` was asked for. `host` may be a name; undefined is every address. */
export interface ListenRequest {
  port: number;
  host: string | undefined;
  backlog: number | undefined;
  ipv6Only: boolean;
  reusePort: boolean;
  signal: AbortSignal | undefined;
  callback: Callback | null;
  /** As they were given. */
  options: ListenArguments;
}

/** A backlog as the kernel takes it: whole, and a negative one as long as there is. */
export function listenBacklog(asked: unknown): number {
  const whole = ~~(asked as number);
  return whole < 0 ? LONGEST_BACKLOG : whole;
}

/** The argument `backlog` of `server.listen`. */
export function parseBacklog(args: readonly unknown[]): number | undefined {
  const given = toNumber(args.length > 1 && args[1]) || toNumber(args.length > 2 && args[2]);
  return given ? listenBacklog(given) : undefined;
}

/** All signatures of `server.listen` that mean TCP. */
export function parseListen(args: readonly unknown[]): ListenRequest {
  const { options, callback } = normalizeArguments<ListenArguments>(args);
  if (typeof options.fd === 'number' && options.fd >= 0) {
    throw invalidArgValue(
      'options.fd',
      options.fd,
      'is a descriptor of the host, which only node:net listens on',
    );
  }
  const anyPort =
    args.length === 0 ||
    typeof args[0] === 'function' ||
    (options.port === undefined && 'port' in options) ||
    options.port === null;
  const port = anyPort ? 0 : options.port;
  if (typeof port !== 'number' && typeof port !== 'string') {
    if (options.path) {
      throw invalidArgValue(
        'options.path',
        options.path,
        'is a socket of the host, which only node:net serves',
      );
    }
    if ('port' in options || 'path' in options) throw invalidArgValue('options', options);
    throw invalidArgValue('options', options, 'must have the property "port" or "path"');
  }
  return {
    port: parsePort(port, 'options.port'),
    host: options.host || undefined,
    backlog: options.backlog ? listenBacklog(options.backlog) : parseBacklog(args),
    ipv6Only: Boolean(options.ipv6Only),
    reusePort: options.reusePort === true,
    signal: options.signal,
    callback,
    options,
  };
}
