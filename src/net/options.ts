// The option objects of the `node:net` shape.
import type { BlockList, LookupFunction } from 'node:net';
import type { AddressInfo } from './addresses.js';
import type { OnReadOptions } from './onread.js';
import type { TcpOptions } from './tcp-options.js';

/** Options of `new Socket()`. Descriptors and handles of the host have no meaning on this stack. */
export interface SocketOptions {
  /** Bytes that the stream buffers in each direction, apart from TCP's own buffers. Default: Node's. */
  highWaterMark?: number;
  readableHighWaterMark?: number;
  writableHighWaterMark?: number;
  readable?: boolean;
  writable?: boolean;
  /** Aborting it destroys the socket with an AbortError. */
  signal?: AbortSignal;
  /** Keep our side open after the peer ended its own. Default false. */
  allowHalfOpen?: boolean;
  /** Switch Nagle's algorithm off. Default false. */
  noDelay?: boolean;
  /** Send keep-alive probes on an idle connection. Default false. */
  keepAlive?: boolean;
  /** Idle milliseconds before the first probe, in whole seconds; less leaves the stack's default (two hours). */
  keepAliveInitialDelay?: number;
  /** Type of service or traffic class of the packets, 0 to 255, once connected; see `Socket.setTypeOfService`. */
  typeOfService?: number;
  /** Received bytes go into this buffer instead of into the stream; `data` is not emitted. */
  onread?: OnReadOptions | null;
  /** A local end to connect from; no other handle has a meaning here. */
  handle?: BoundHandle;
  /** Addresses that are not connected to: ERR_IP_BLOCKED. */
  blockList?: BlockList;
}

/** Options of `socket.connect()`. */
export interface SocketConnectOptions {
  port?: number | string;
  /** Address or name. Default `localhost`. */
  host?: string;
  localAddress?: string;
  localPort?: number;
  /** 4 or 6 restricts a lookup; 0 allows both. */
  family?: number | 'IPv4' | 'IPv6';
  hints?: number;
  /** Resolves host names. Default `dns.lookup`. */
  lookup?: LookupFunction;
  /** Try the addresses of a name in turn, both families alternating (RFC 8305). Default true. */
  autoSelectFamily?: boolean;
  /** Milliseconds for each of these attempts but the last; at least 10. Default: as of node:net. */
  autoSelectFamilyAttemptTimeout?: number;
  /** Not supported: a Unix-domain socket belongs to the host. */
  path?: string | null;
  /** Settings of TCP for this connection, its congestion controller among them. */
  tcp?: TcpOptions;
}

/** What a `BoundSocket` shows of itself; sockets and servers adopt those of their own stack. */
export interface BoundHandle {
  address(): AddressInfo;
  fd(): number;
  close(): void;
}

/** Options of `new BoundSocket()`. */
export interface BoundSocketOptions {
  /** An address, no name. Default `0.0.0.0`, or `::` with `ipv6Only`. */
  host?: string | null;
  /** Default 0, which chooses a free one. */
  port?: number | string;
  /** With host `::`, leave IPv4 alone. Default false. */
  ipv6Only?: boolean;
  /** As that of `listen`. Default false. */
  reusePort?: boolean;
}

/** Options of `createConnection()`: those of the socket and of `connect()`. */
export interface CreateConnectionOptions extends SocketOptions, SocketConnectOptions {
  /** As `socket.setTimeout(timeout)` before connecting. */
  timeout?: number;
}

/** Options of `createServer()`. */
export interface ServerOptions {
  /** For accepted sockets; see `SocketOptions`. */
  allowHalfOpen?: boolean;
  noDelay?: boolean;
  keepAlive?: boolean;
  keepAliveInitialDelay?: number;
  highWaterMark?: number;
  /** Accepted sockets do not read until resumed. Default false. */
  pauseOnConnect?: boolean;
  /** Peers whose connections are closed at once. */
  blockList?: BlockList;
  /** Settings of TCP for the connections that the server accepts. */
  tcp?: TcpOptions;
}

/** Options of `server.listen()`. */
export interface ListenArguments {
  /** 0, null or undefined choose a free port. */
  port?: number | string | null;
  /** Address or name. Default: every address of the stack. */
  host?: string;
  /** Connections that may wait to be accepted. Default 511. */
  backlog?: number;
  /** With host `::`, leave IPv4 alone. Default false. */
  ipv6Only?: boolean;
  /** Share the port with other servers that do; new connections go to them in turn. Default false. */
  reusePort?: boolean;
  /** A local end that was bound before, in place of host and port. */
  handle?: BoundHandle;
  /** Aborting it closes the server. */
  signal?: AbortSignal;
  /** Accepted and without meaning: there is no cluster on this stack. */
  exclusive?: boolean;
  /** Not supported: belongs to the host. */
  path?: string;
  /** Not supported: belongs to the host. */
  fd?: number;
}
