// `BoundSocket`: a local end that is taken at once and becomes a server's or a socket's later, in the shape of `node:net`.
import { isIP } from 'node:net';
import type { BoundPort } from '../stack/bound-ports.js';
import type { IpAddress } from '../wire/address.js';
import { type AddressInfo, ANY_IPV4, ANY_IPV6, parseAddress } from './addresses.js';
import { parseBoolean, parsePort } from './arguments.js';
import { addressError, handleAdopted, invalidArgType, invalidArgValue, systemCodeOf } from './errors.js';
import type { NetContext } from './net-stack.js';
import type { BoundSocketOptions } from './options.js';

/** What a server or a socket takes over. */
export interface LocalEnd {
  /** As `address()` tells it. */
  readonly shown: AddressInfo;
  /** Null: all of `family`, or of both with 0. */
  readonly address: IpAddress | null;
  readonly family: 0 | 4 | 6;
  readonly reusePort: boolean;
  /** To be closed when the end is not in use any more. */
  readonly hold: BoundPort;
}

/** What is bound to, checked. */
interface Request {
  host: string;
  port: number;
  ipv6Only: boolean;
  reusePort: boolean;
}

/** A local address and port, neither listening nor connecting until a server or a socket adopts it. */
export class BoundSocket {
  readonly #context: NetContext;
  #end: LocalEnd | null;

  /**
   * @throws Error of `bind` with code EADDRINUSE, EADDRNOTAVAIL …; ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE (also for a
   *   path, which belongs to the host), ERR_SOCKET_BAD_PORT
   */
  constructor(context: NetContext, options: BoundSocketOptions = {}) {
    this.#context = context;
    this.#end = bind(context, parseRequest(options));
  }

  /** The local end; a port 0 that was asked for is the one that was chosen. @throws ERR_SOCKET_HANDLE_ADOPTED */
  address(): AddressInfo {
    return this.#own().shown;
  }

  /** -1: there is no descriptor. @throws ERR_SOCKET_HANDLE_ADOPTED */
  fd(): number {
    this.#own();
    return -1;
  }

  /** Lets the port go. @throws ERR_SOCKET_HANDLE_ADOPTED */
  close(): void {
    this.#own().hold.close();
    this.#end = null;
  }

  /** The same, unless it was closed or adopted. */
  [Symbol.dispose](): void {
    if (this.#end !== null) this.close();
  }

  /** False: only `node:net` binds paths. */
  get isPipe(): boolean {
    return false;
  }

  /**
   * Hands the end over to a server or socket of the same stack.
   * @throws ERR_SOCKET_HANDLE_ADOPTED; ERR_INVALID_ARG_VALUE on another stack
   */
  _adopt(context: NetContext): LocalEnd {
    if (context !== this.#context) {
      throw invalidArgValue('options.handle', this, 'is bound on another stack');
    }
    const end = this.#own();
    this.#end = null;
    return end;
  }

  #own(): LocalEnd {
    if (this.#end === null) throw handleAdopted();
    return this.#end;
  }
}

function parseRequest(options: BoundSocketOptions): Request {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalidArgType('options', 'of type object', options);
  }
  const { path } = options as { path?: unknown };
  if (path !== undefined) {
    throw invalidArgValue('options.path', path, 'is a socket of the host, which only node:net binds');
  }
  const port = parsePort(options.port ?? 0, 'options.port');
  const ipv6Only = parseBoolean(options.ipv6Only ?? false, 'options.ipv6Only');
  const reusePort = parseBoolean(options.reusePort ?? false, 'options.reusePort');
  const host = options.host ?? (ipv6Only ? ANY_IPV6 : ANY_IPV4);
  if (typeof host !== 'string') throw invalidArgType('options.host', 'of type string', host);
  if (isIP(host) === 0) {
    const reason = 'must be a numeric IP address; net.BoundSocket does not perform DNS resolution';
    throw invalidArgValue('options.host', host, reason);
  }
  return { host, port, ipv6Only, reusePort };
}

function bind({ stack }: NetContext, { host, port, ipv6Only, reusePort }: Request): LocalEnd {
  const isAny = host === ANY_IPV4 || host === ANY_IPV6;
  const address = isAny ? null : parseAddress(host);
  if (address === null && !isAny) throw addressError('EINVAL', 'bind', host, port);
  const family = host === ANY_IPV6 && !ipv6Only ? 0 : (isIP(host) as 4 | 6);
  try {
    const hold = stack.bind({ address, port, reusePort, ...(isAny && family && { family }) });
    const shown = {
      address: address?.toString() ?? host,
      family: isIP(host) === 6 ? 'IPv6' : 'IPv4',
      port: hold.port,
    };
    return { shown, address, family, reusePort, hold };
  } catch (error) {
    const code = systemCodeOf(error);
    throw code === null ? error : addressError(code, 'bind', host, port);
  }
}
