// The errors of `node:net`, with its codes, properties and messages. Decisions about when to raise them are
// elsewhere.
import { constants } from 'node:os';
import { format, getSystemErrorMap, inspect } from 'node:util';

/** An error of the operating-system kind, as `node:net` emits it. */
export interface SystemError extends Error {
  /** Negative error number of the host, such as -111. */
  errno: number;
  /** Such as `ECONNREFUSED`. */
  code: string;
  /** The call that failed: `connect`, `bind`, `listen`, `read`, `write`. */
  syscall: string;
  address?: string | null;
  port?: number;
  localAddress?: string;
  localPort?: number;
}

const ERRNO: Readonly<Record<string, number>> = constants.errno;

/** The negative error number of a code, as libuv has it. */
export function errnoOf(code: string): number {
  return -(ERRNO[code] ?? constants.errno.EIO);
}

function placeOf(address: string | null | undefined, port: number | undefined): string {
  if (port !== undefined && port > 0) return ` ${address}:${port}`;
  return address ? ` ${address}` : '';
}

/** `read ECONNRESET`, `write EPIPE`: a call on an established connection failed. */
export function systemError(code: string, syscall: string): SystemError {
  return Object.assign(new Error(`${syscall} ${code}`), { errno: errnoOf(code), code, syscall });
}

/**
 * `connect ECONNREFUSED 10.9.0.1:81`: a call about an address failed.
 * @param local the local end when it is known, printed as `- Local (address:port)`
 */
export function addressError(
  code: string,
  syscall: string,
  address: string | undefined,
  port: number | undefined,
  local?: string,
): SystemError {
  const suffix = local === undefined ? '' : ` - Local (${local})`;
  const error: SystemError = Object.assign(
    new Error(`${syscall} ${code}${placeOf(address, port)}${suffix}`),
    { errno: errnoOf(code), code, syscall },
  );
  if (address !== undefined) error.address = address;
  if (port) error.port = port;
  return error;
}

/** `listen EADDRINUSE: address already in use 10.9.0.2:80`. Of an end that was bound before: null and -1. */
export function listenError(code: string, address: string | null, port: number): SystemError {
  const meaning = getSystemErrorMap().get(errnoOf(code))?.[1] ?? 'unknown error';
  const error: SystemError = Object.assign(new Error(`listen ${code}: ${meaning}${placeOf(address, port)}`), {
    code,
    errno: errnoOf(code),
    syscall: 'listen',
    address,
  });
  if (port) error.port = port;
  return error;
}

/** The `code` of what the stack threw, or null when it is not an error about addresses or routes. */
export function systemCodeOf(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && code in ERRNO ? code : null;
}

type ErrorKind = new (message: string) => Error;

/** An error of Node's own kind: `TypeError [ERR_…]: …` in its stack, `code` as a property. */
function coded(Kind: ErrorKind, code: string, message: string): Error & { code: string } {
  const error = Object.assign(new Kind(message), { code });
  const name = error.name;
  error.name = `${name} [${code}]`;
  // The stack keeps the header that it had when it was first read.
  void error.stack;
  Reflect.deleteProperty(error, 'name');
  return error;
}

function received(value: unknown): string {
  if (value === null || value === undefined) return ` Received ${value}`;
  if (typeof value === 'function') return ` Received function ${value.name}`;
  if (typeof value === 'object') {
    const name = value.constructor?.name;
    return name ? ` Received an instance of ${name}` : ` Received ${inspect(value, { depth: -1 })}`;
  }
  const text = inspect(value, { colors: false });
  return ` Received type ${typeof value} (${text.length > 28 ? `${text.slice(0, 25)}...` : text})`;
}

function kindOfName(name: string): string {
  return name.includes('.') ? 'property' : 'argument';
}

/**
 * `ERR_INVALID_ARG_TYPE`.
 * @param expected as a clause, such as `of type number`
 */
export function invalidArgType(name: string, expected: string, actual: unknown): Error {
  const message = `The "${name}" ${kindOfName(name)} must be ${expected}.${received(actual)}`;
  return coded(TypeError, 'ERR_INVALID_ARG_TYPE', message);
}

/** `ERR_INVALID_ARG_VALUE`. */
export function invalidArgValue(name: string, actual: unknown, reason = 'is invalid'): Error {
  const text = inspect(actual);
  const shown = text.length > 128 ? `${text.slice(0, 128)}...` : text;
  const message = `The ${kindOfName(name)} '${name}' ${reason}. Received ${shown}`;
  return coded(TypeError, 'ERR_INVALID_ARG_VALUE', message);
}

/** `ERR_OUT_OF_RANGE`. */
export function outOfRange(name: string, range: string, actual: unknown): Error {
  const message = `The value of "${name}" is out of range. It must be ${range}. Received ${String(actual)}`;
  return coded(RangeError, 'ERR_OUT_OF_RANGE', message);
}

/** `ERR_SOCKET_BAD_PORT`. */
export function badPort(name: string, actual: unknown): Error {
  const message = `${name} should be >= 0 and < 65536.${received(actual)}.`;
  return coded(RangeError, 'ERR_SOCKET_BAD_PORT', message);
}

/** `ERR_MISSING_ARGS` of `connect` without a port. */
export function missingPort(): Error {
  const message = 'The "options" or "port" or "path" argument must be specified';
  return coded(TypeError, 'ERR_MISSING_ARGS', message);
}

/** `ERR_INVALID_IP_ADDRESS`. */
export function invalidIpAddress(text: unknown): Error {
  return coded(TypeError, 'ERR_INVALID_IP_ADDRESS', format('Invalid IP address: %s', text));
}

/** `ERR_IP_BLOCKED`: the address is on the block list. */
export function ipBlocked(address: string): Error {
  return coded(Error, 'ERR_IP_BLOCKED', `IP(${address}) is blocked by net.BlockList`);
}

/** `ERR_INVALID_ADDRESS_FAMILY`, with `host` and `port`. */
export function invalidAddressFamily(family: unknown, host: string, port: number): Error {
  const message = `Invalid address family: ${String(family)} ${host}:${port}`;
  return Object.assign(coded(RangeError, 'ERR_INVALID_ADDRESS_FAMILY', message), { host, port });
}

/** `ERR_SOCKET_CLOSED`: the socket has no connection. */
export function socketClosed(): Error {
  return coded(Error, 'ERR_SOCKET_CLOSED', 'Socket is closed');
}

/** `ERR_SOCKET_CLOSED_BEFORE_CONNECTION`: given to the callback of a write that waited for the handshake. */
export function closedBeforeConnection(): Error {
  const message = 'Socket closed before the connection was established';
  return coded(Error, 'ERR_SOCKET_CLOSED_BEFORE_CONNECTION', message);
}

/** `ERR_SOCKET_CONNECTION_TIMEOUT`: no address answered in its time. */
export function connectionTimeout(): Error {
  return coded(Error, 'ERR_SOCKET_CONNECTION_TIMEOUT', 'Socket connection timeout');
}

/** `ERR_SOCKET_HANDLE_ADOPTED`. */
export function handleAdopted(): Error {
  const message = 'The bound socket has already been adopted by a server or socket';
  return coded(Error, 'ERR_SOCKET_HANDLE_ADOPTED', message);
}

/** `ERR_SERVER_ALREADY_LISTEN`. */
export function alreadyListening(): Error {
  const message = 'Listen method has been called more than once without closing.';
  return coded(Error, 'ERR_SERVER_ALREADY_LISTEN', message);
}

/** `ERR_SERVER_NOT_RUNNING`. */
export function serverNotRunning(): Error {
  return coded(Error, 'ERR_SERVER_NOT_RUNNING', 'Server is not running.');
}

/** `EPIPE` of a write after the peer's FIN made us end as well. */
export function endedByPeer(): Error {
  return Object.assign(new Error('This socket has been ended by the other party'), { code: 'EPIPE' });
}

/** All addresses of a host failed: the errors of each, under the code of the first. */
export function allAttemptsFailed(errors: readonly Error[]): AggregateError {
  const code = (errors[0] as Partial<SystemError> | undefined)?.code;
  return Object.assign(new AggregateError(errors), { code });
}

function rethrow(error: unknown): never {
  throw error;
}

/**
 * Lets what a listener threw surface as Node would show it, an `uncaughtException`, without unwinding through the
 * stack, where it would take other connections along.
 */
export function surfaceUncaught(error: unknown): void {
  process.nextTick(rethrow, error);
}
