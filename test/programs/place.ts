// What a program needs in order to run here or there: a `net`, an address, and what a server and its client must agree
// upon. A scenario is written once and runs over every pair of modules, in one process or in two.
import assert from 'node:assert/strict';
import type { EventEmitter } from 'node:events';
import type * as NodeNet from 'node:net';

/** `node:net`, or what claims its shape. */
export type NetModule = typeof NodeNet;

/** A self-signed certificate with its key, as PEM. */
export interface Identity {
  readonly key: string;
  readonly cert: string;
}

/** Where a scenario's server runs. */
export interface ServerPlace {
  readonly net: NetModule;
  /** The address to listen on. */
  readonly host: string;
  readonly identity: Identity;
}

/** Where a scenario's client runs, and whom it finds. */
export interface ClientPlace {
  readonly net: NetModule;
  readonly host: string;
  readonly port: number;
  /** The server's certificate, which is its own authority. */
  readonly ca: string;
}

/** A server at work. */
export interface Service {
  readonly port: number;
  /** Ends it with all its connections. */
  close(): void;
}

/** A program in both roles. What the server has seen its client asks for in-band, since it may be another process. */
export interface Scenario {
  readonly name: string;
  serve(place: ServerPlace): Promise<Service>;
  /** @throws AssertionError */
  use(place: ClientPlace): Promise<void>;
}

/** Name that the certificates are made out to, beside the addresses. */
export const SERVER_NAME = 'programs.synwave.test';

/** Listens, and hands each connection to `onSocket`. */
export async function listen(
  place: ServerPlace,
  options: NodeNet.ServerOpts,
  onSocket: (socket: NodeNet.Socket) => void,
): Promise<Service> {
  const sockets = new Set<NodeNet.Socket>();
  const server = place.net.createServer(options, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    onSocket(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, place.host, resolve);
  });
  return {
    port: (server.address() as NodeNet.AddressInfo).port,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/**
 * Gives an http, https, http2 or tls server its connections from `place.net`.
 * @param options those with which the server would have listened itself
 */
export function serveOver(
  place: ServerPlace,
  application: EventEmitter,
  options: NodeNet.ServerOpts = {},
): Promise<Service> {
  return listen(place, options, (socket) => application.emit('connection', socket));
}

/** What `http.createServer` listens with. */
export const HTTP_OPTIONS: NodeNet.ServerOpts = { allowHalfOpen: true, noDelay: true };

/** Connects a client and waits for it. */
export async function connected(
  place: ClientPlace,
  options: Partial<NodeNet.TcpNetConnectOpts> = {},
): Promise<NodeNet.Socket> {
  const socket = place.net.connect({ ...options, host: place.host, port: place.port });
  await eventOf(socket, 'connect');
  return socket;
}

/** The arguments of an event; an `error` that comes first rejects. */
export function eventOf(emitter: EventEmitter, event: string): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    const onEvent = (...args: unknown[]) => {
      emitter.off('error', onError);
      resolve(args);
    };
    const onError = (error: unknown) => {
      emitter.off(event, onEvent);
      reject(error);
    };
    emitter.once(event, onEvent);
    if (event !== 'error') emitter.once('error', onError);
  });
}

/** Waits for `close`; returns the code of the error before it, or null. */
export function endOf(emitter: EventEmitter): Promise<string | null> {
  let code: string | null = null;
  emitter.on('error', (error: NodeJS.ErrnoException) => {
    code = error.code ?? error.message;
  });
  return new Promise((resolve) => emitter.once('close', () => resolve(code)));
}

/** All that a stream delivers, as text. */
export async function textOf(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

const POLL_MS = 5;
const DEADLINE_MS = 15_000;

/** Waits until `condition` holds. @throws AssertionError naming `what` after 15 s */
export async function until(
  what: string | (() => string),
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      assert.fail(`waited in vain until ${typeof what === 'string' ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
