// What a socket is made from: the options that users give, those that only servers give, and those that are refused.
import type { DuplexOptions } from 'node:stream';
import type { Endpoint } from '../stack/endpoint.js';
import type { ConnectionConfig } from '../tcp/config.js';
import { BoundSocket } from './bound-socket.js';
import { invalidArgValue } from './errors.js';
import type { SocketOptions } from './options.js';
import type { Server } from './server.js';

/** Key of the option by which a server hands over an accepted connection. */
export const ACCEPTED = Symbol('accepted');

/** An accepted connection. */
export interface Accepted {
  endpoint: Endpoint;
  server: Server;
  /** Do not read until resumed. */
  paused: boolean;
  /** Settings of TCP that the server gives its connections. */
  config: Partial<ConnectionConfig> | undefined;
  /** Show IPv4 addresses in IPv6 form. */
  mapped: boolean;
}

/** Options of the constructor, with the one that servers use. */
export interface InternalSocketOptions extends SocketOptions {
  [ACCEPTED]?: Accepted;
}

/** Refuses what has no meaning on this stack. @throws ERR_INVALID_ARG_VALUE */
export function rejectUnsupported(options: object | number): void {
  // The form that `node:net` keeps from old times: a descriptor alone.
  if (typeof options === 'number') throw invalidArgValue('options.fd', options, 'is not supported');
  for (const name of ['objectMode', 'readableObjectMode', 'writableObjectMode', 'fd', 'handle'] as const) {
    const value = (options as Record<string, unknown>)[name];
    if (value instanceof BoundSocket) continue;
    // Descriptor 0 is one too.
    if (value || (name === 'fd' && value === 0))
      throw invalidArgValue(`options.${name}`, value, 'is not supported');
  }
}

/** What the stream below a socket is made with. An accepted connection has so few options that they are named: it is quicker. */
export function streamOptionsOf(options: InternalSocketOptions): DuplexOptions {
  const own = {
    allowHalfOpen: Boolean(options.allowHalfOpen),
    // `close` comes from the socket, with its argument and after the connection was let go.
    emitClose: false,
    autoDestroy: true,
    decodeStrings: false,
    highWaterMark: options.highWaterMark,
  };
  if (options[ACCEPTED] !== undefined) return own as DuplexOptions;
  const { signal, onread, blockList, handle, ...others } = options;
  return { ...others, ...own } as DuplexOptions;
}
