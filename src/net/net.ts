// The module object: what `stack.net` is, in the shape of `import net from 'node:net'`.
import type { EventEmitter } from 'node:events';
import {
  BlockList,
  getDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  isIP,
  isIPv4,
  isIPv6,
  SocketAddress,
} from 'node:net';
import type { Duplex } from 'node:stream';
import { normalizeArguments, parseAttemptTimeout, parseBoolean } from './arguments.js';
import { BoundSocket } from './bound-socket.js';
import { callable } from './callable.js';
import type { InternalSocketOptions } from './construction.js';
import { passAsNodes } from './instances.js';
import { Liveness } from './liveness.js';
import type { NetContext, NetStack } from './net-stack.js';
import type { BoundSocketOptions, CreateConnectionOptions, ServerOptions, SocketOptions } from './options.js';
import { Server } from './server.js';
import { Socket } from './socket.js';
import { keepTickShape } from './tick-shape.js';

type ConnectionListener = (socket: Socket) => void;

/** What a class inherits of the static side of another. */
type Statics<T> = Omit<{ [K in keyof T]: T[K] }, 'prototype'>;

/** `net.Socket`; also callable without `new`. */
export interface SocketConstructor extends Statics<typeof Duplex> {
  new (options?: SocketOptions): Socket;
  (options?: SocketOptions): Socket;
  readonly prototype: Socket;
}

/** `net.Server`; also callable without `new`. */
export interface ServerConstructor extends Statics<typeof EventEmitter> {
  new (options?: ServerOptions, listener?: ConnectionListener): Server;
  new (listener?: ConnectionListener): Server;
  (options?: ServerOptions | ConnectionListener, listener?: ConnectionListener): Server;
  readonly prototype: Server;
}

/** `net.connect`. */
export interface Connect {
  (options: CreateConnectionOptions, listener?: () => void): Socket;
  (port: number | string, host?: string, listener?: () => void): Socket;
  (port: number | string, listener?: () => void): Socket;
}

/** The everyday part of `node:net`, on a stack. */
export interface Net {
  readonly Socket: SocketConstructor;
  /** The old name of `Socket`. */
  readonly Stream: SocketConstructor;
  readonly Server: ServerConstructor;
  /** As of Node 24. */
  readonly BoundSocket: new (
    options?: BoundSocketOptions,
  ) => BoundSocket;
  readonly createServer: {
    (listener?: ConnectionListener): Server;
    (options?: ServerOptions, listener?: ConnectionListener): Server;
  };
  readonly connect: Connect;
  readonly createConnection: Connect;
  readonly isIP: typeof isIP;
  readonly isIPv4: typeof isIPv4;
  readonly isIPv6: typeof isIPv6;
  readonly BlockList: typeof BlockList;
  readonly SocketAddress: typeof SocketAddress;
  getDefaultAutoSelectFamily(): boolean;
  setDefaultAutoSelectFamily(value: boolean): void;
  /** Milliseconds. */
  getDefaultAutoSelectFamilyAttemptTimeout(): number;
  setDefaultAutoSelectFamilyAttemptTimeout(value: number): void;
}

/**
 * Makes the `net` of a stack. Its sockets and servers keep the process alive as those of `node:net` do, and moreover
 * until what they have sent is acknowledged.
 * @param stack a stack, or what returns it when the first socket or server is made
 */
export function createNet(stack: NetStack | (() => NetStack)): Net {
  passAsNodes(Socket, Server);
  keepTickShape();
  const context: NetContext = {
    get stack() {
      return typeof stack === 'function' ? stack() : stack;
    },
    liveness: new Liveness(),
    autoSelectFamily: getDefaultAutoSelectFamily(),
    autoSelectFamilyAttemptTimeoutMs: getDefaultAutoSelectFamilyAttemptTimeout(),
  };

  class OwnSocket extends Socket {
    constructor(options?: SocketOptions) {
      super(context, options);
    }
  }
  Object.defineProperty(OwnSocket, 'name', { value: 'Socket' });

  class OwnServer extends Server {
    constructor(options?: ServerOptions | ConnectionListener, listener?: ConnectionListener) {
      super(context, options, listener);
    }
    override _createSocket(options: InternalSocketOptions): Socket {
      return new OwnSocket(options);
    }
  }
  Object.defineProperty(OwnServer, 'name', { value: 'Server' });

  class OwnBoundSocket extends BoundSocket {
    constructor(options?: BoundSocketOptions) {
      super(context, options);
    }
  }
  Object.defineProperty(OwnBoundSocket, 'name', { value: 'BoundSocket' });

  const connect = (...args: unknown[]) => {
    const { options } = normalizeArguments<CreateConnectionOptions>(args);
    const socket = new SocketFunction(options);
    if (options.timeout) socket.setTimeout(options.timeout);
    return socket.connect(...(args as [number]));
  };
  const SocketFunction = callable<SocketConstructor>(OwnSocket);

  return {
    Socket: SocketFunction,
    Stream: SocketFunction,
    Server: callable<ServerConstructor>(OwnServer),
    BoundSocket: OwnBoundSocket,
    createServer: (options?: ServerOptions | ConnectionListener, listener?: ConnectionListener) =>
      new OwnServer(options, listener),
    connect: connect as Connect,
    createConnection: connect as Connect,
    isIP,
    isIPv4,
    isIPv6,
    BlockList,
    SocketAddress,
    getDefaultAutoSelectFamily: () => context.autoSelectFamily,
    setDefaultAutoSelectFamily: (value) => {
      context.autoSelectFamily = parseBoolean(value, 'value');
    },
    getDefaultAutoSelectFamilyAttemptTimeout: () => context.autoSelectFamilyAttemptTimeoutMs,
    setDefaultAutoSelectFamilyAttemptTimeout: (value) => {
      context.autoSelectFamilyAttemptTimeoutMs = parseAttemptTimeout(value, 'value');
    },
  };
}
