// What the parity cases run in: two `net` modules that reach each other, and the cleaning up after each case.

import { once } from 'node:events';
import type * as NodeNet from 'node:net';
import type { TestContext } from 'node:test';

/** The shape under test. */
export type NetModule = typeof NodeNet;

/** Two ends. For the host's own module both are the same. */
export interface Environment {
  readonly server: NetModule;
  readonly client: NetModule;
  /** Where servers listen. */
  readonly address: string;
  /** Another address of the servers' side. */
  readonly otherAddress: string;
  /** Address of the clients' side. */
  readonly clientAddress: string;
  /** Whether the modules are of our own making, and know what later versions of Node do. */
  readonly isOurs?: boolean;
  /** Whether both ends are one host, with a loopback over IPv4 and IPv6. */
  readonly isOneHost?: boolean;
}

/** Of the Node that runs the cases: `node:net` has changed its mind here and there. */
export const NODE_MAJOR = Number(process.versions.node.split('.')[0]);

/** Longest life of one case. */
export const DEADLINE_MS = 20_000;

/** A running server and its port. */
export interface Running {
  readonly server: NodeNet.Server;
  readonly port: number;
}

/** Makes servers and sockets for one case, and ends them with it. */
export class Case {
  private readonly servers: NodeNet.Server[] = [];
  private readonly sockets: NodeNet.Socket[] = [];

  constructor(
    readonly env: Environment,
    t: TestContext,
  ) {
    t.after(() => this.end());
  }

  /** A server that listens on a free port of `env.address`. */
  async listen(
    options: NodeNet.ServerOpts = {},
    listener?: (socket: NodeNet.Socket) => void,
  ): Promise<Running> {
    const server = this.track(this.env.server.createServer(options, listener));
    server.listen(0, this.env.address);
    await once(server, 'listening');
    return { server, port: (server.address() as NodeNet.AddressInfo).port };
  }

  /** A port of the clients' side that nobody has. */
  async freeClientPort(): Promise<number> {
    const reservation = this.track(this.env.client.createServer());
    reservation.listen(0, this.env.clientAddress);
    await once(reservation, 'listening');
    const { port } = reservation.address() as NodeNet.AddressInfo;
    reservation.close();
    await once(reservation, 'close');
    return port;
  }

  /** Takes a server along to the end of the case. */
  track(server: NodeNet.Server): NodeNet.Server {
    this.servers.push(server);
    server.on('connection', (socket) => this.sockets.push(socket));
    return server;
  }

  /** A client that connects to a port of `env.address`. */
  connect(options: Partial<NodeNet.NetConnectOpts> & { port: number }): NodeNet.Socket {
    return this.adopt(
      this.env.client.connect({ host: this.env.address, ...options } as NodeNet.NetConnectOpts),
    );
  }

  /** Takes a socket along to the end of the case. */
  adopt(socket: NodeNet.Socket): NodeNet.Socket {
    this.sockets.push(socket);
    return socket;
  }

  /** A connected pair: client first, the accepted socket second. */
  async pair(
    options: { server?: NodeNet.ServerOpts; client?: Partial<NodeNet.NetConnectOpts> } = {},
  ): Promise<[NodeNet.Socket, NodeNet.Socket, Running]> {
    const running = await this.listen(options.server);
    const accepted = once(running.server, 'connection');
    const client = this.connect({ ...options.client, port: running.port });
    const [[socket]] = await Promise.all([accepted, once(client, 'connect')]);
    return [client, socket as NodeNet.Socket, running];
  }

  /** Waits until everything sent so far has crossed: a connection of its own makes a round trip after it. */
  async settle(): Promise<void> {
    const { port } = await this.listen({}, (socket) => socket.end('x'));
    const socket = this.connect({ port });
    socket.resume();
    await once(socket, 'close');
  }

  private end(): void {
    for (const socket of this.sockets) {
      socket.on('error', () => {});
      socket.destroy();
    }
    for (const server of this.servers) server.close(() => {});
  }
}

/** Everything that a stream delivers until its end; the stream itself is left as it is. */
export function readAll(stream: NodeJS.ReadableStream): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () => resolve(Buffer.concat(chunks)));
    stream.on('error', reject);
  });
}

/** The argument of `close`, whatever errors come before; `once` of node:events would reject with them. */
export function closeOf(socket: NodeNet.Socket): Promise<boolean> {
  return new Promise((resolve) => socket.once('close', resolve));
}

/** Turns of the event loop until `condition` holds; the deadline of the case bounds it. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** Names of events in the order in which they came. */
export function recordEvents(emitter: NodeJS.EventEmitter, names: readonly string[]): string[] {
  const seen: string[] = [];
  for (const name of names) emitter.on(name, () => seen.push(name));
  return seen;
}

/** Bytes that differ everywhere enough to notice loss, repetition and reordering. */
export function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  let word = 1;
  for (let i = 0; i < length; i++) {
    word = (Math.imul(word, 1_103_515_245) + 12_345) | 0;
    bytes[i] = word >>> 16;
  }
  return bytes;
}
