// What is asked of a TCP under measurement, over `node:net` and over ours alike: sink, source, echo, HTTP.
import { createServer, type Server as HttpServer } from 'node:http';
import type { Server, Socket } from 'node:net';
import { LARGE_BYTES, PORT, SMALL_BYTES } from './plan.js';

/** The part of `node:net` that is used; `stack.net` has it too. */
export interface NetLike {
  createServer(options: object, accept: (socket: Socket) => void): Server;
}

const SOURCE_BYTES = 64 * 1024;

/** What happened so far: payload bytes of `sink` and `source`. */
export interface Moved {
  bytesIn: number;
  bytesOut: number;
  /** Connections of the idle service. */
  accepted: number;
}

/** Opens all services on `net`, at the address `host`. Resolves when they listen. */
export async function serveAll(net: NetLike, host: string): Promise<Moved> {
  const moved: Moved = { bytesIn: 0, bytesOut: 0, accepted: 0 };
  const listen = (port: number, accept: (socket: Socket) => void) => {
    const server = net.createServer({ noDelay: true }, (socket) => {
      // The load ends its connections by RST.
      socket.on('error', () => {});
      accept(socket);
    });
    return new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, backlog: 4096 }, resolve);
    });
  };
  await Promise.all([
    listen(PORT.sink, (socket) => {
      socket.on('data', (chunk) => {
        moved.bytesIn += chunk.length;
      });
    }),
    listen(PORT.source, (socket) => fill(socket, moved)),
    listen(PORT.echo, (socket) => {
      socket.on('data', (chunk) => socket.write(chunk));
    }),
    listen(PORT.rawSmall, responder(SMALL_BYTES)),
    listen(PORT.rawLarge, responder(LARGE_BYTES)),
    listen(PORT.idle, () => {
      moved.accepted++;
    }),
    listen(PORT.httpSmall, onHttp(httpServer(SMALL_BYTES))),
    listen(PORT.httpLarge, onHttp(httpServer(LARGE_BYTES))),
  ]);
  return moved;
}

function fill(socket: Socket, moved: Moved): void {
  const chunk = Buffer.alloc(SOURCE_BYTES, 'x');
  const more = () => {
    while (!socket.destroyed) {
      moved.bytesOut += chunk.length;
      if (!socket.write(chunk)) return;
    }
  };
  socket.on('drain', more);
  socket.resume();
  more();
}

/** Answers whatever ends as a request does. @returns what takes a connection */
export function responder(bytes: number): (socket: Socket) => void {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${bytes}\r\n\r\n`;
  const response = Buffer.from(head + 'x'.repeat(bytes));
  return (socket) => {
    // A request may come in several chunks.
    let tail = 0;
    socket.on('data', (chunk) => {
      for (let i = Math.max(0, chunk.length - 4); i < chunk.length; i++) tail = (tail << 8) | chunk[i]!;
      if (tail === 0x0d0a0d0a) socket.write(response);
    });
  };
}

function httpServer(bytes: number): HttpServer {
  const body = Buffer.alloc(bytes, 'x');
  return createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/plain');
    response.setHeader('Content-Length', bytes);
    response.end(body);
  });
}

function onHttp(server: HttpServer): (socket: Socket) => void {
  return (socket) => void server.emit('connection', socket);
}
