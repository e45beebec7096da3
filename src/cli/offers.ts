// What the serving verbs offer on a port, and what takes the connections of an offer.
import { resolve } from 'node:path';
import type { Socket } from '../net/socket.js';
import { chargen, discard, echo, type Service } from './services.js';

/** One service on one port. */
export interface Offer {
  readonly kind: 'echo' | 'discard' | 'chargen' | 'http';
  readonly port: number;
  /** Folder of `http`. */
  readonly directory?: string;
}

/** How to serve. */
export interface ServeOptions {
  /** HTTP connections are ended by the server after each response. */
  readonly closeFirst: boolean;
}

const SIMPLE: Readonly<Record<'echo' | 'discard' | 'chargen', Service>> = { echo, discard, chargen };

/**
 * What takes the connections of an offer.
 * @param say prints a line for people
 */
export async function acceptorOf(
  offer: Offer,
  options: ServeOptions,
  say: (line: string) => void,
): Promise<(socket: Socket) => void> {
  if (offer.kind === 'http') return httpAcceptor(resolve(offer.directory ?? '.'), options, say);
  return SIMPLE[offer.kind];
}

/** `node:http` works on any duplex stream: the server never listens, it is handed connections. */
async function httpAcceptor(
  root: string,
  options: ServeOptions,
  say: (line: string) => void,
): Promise<(socket: Socket) => void> {
  const { createServer } = await import('node:http');
  const { fileHandler } = await import('./static-files.js');
  const server = createServer(fileHandler({ root, closeAfterResponse: options.closeFirst, onServed: say }));
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  });
  return (socket) => void server.emit('connection', socket);
}
