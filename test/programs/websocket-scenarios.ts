// The package `ws` in both roles: WebSockets over http and https.
import assert from 'node:assert/strict';
import * as http from 'node:http';
import * as https from 'node:https';
import type * as NodeNet from 'node:net';
import { type ClientOptions, type RawData, WebSocket, WebSocketServer } from 'ws';
import {
  type ClientPlace,
  eventOf,
  HTTP_OPTIONS,
  type Scenario,
  type ServerPlace,
  type Service,
  serveOver,
  until,
} from './place.js';
import { connectTls } from './tls-scenarios.js';

/** Serves WebSockets behind an http server of this place. */
async function serveSockets(
  place: ServerPlace,
  application: http.Server | https.Server,
  onSocket: (socket: WebSocket, all: Set<WebSocket>) => void,
): Promise<Service> {
  const sockets = new WebSocketServer({ server: application, perMessageDeflate: { threshold: 1024 } });
  sockets.on('connection', (socket) => {
    socket.on('error', () => {});
    onSocket(socket, sockets.clients);
  });
  const service = await serveOver(place, application, HTTP_OPTIONS);
  return {
    port: service.port,
    close: () => {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      service.close();
    },
  };
}

/** Opens a WebSocket through `place.net`. */
export function openSocket(place: ClientPlace, scheme: 'ws' | 'wss', options: ClientOptions = {}): WebSocket {
  const connect = () =>
    scheme === 'ws' ? place.net.connect({ host: place.host, port: place.port }) : connectTls(place);
  return new WebSocket(`${scheme}://${place.host}:${place.port}/`, {
    ...options,
    createConnection: connect as unknown as typeof NodeNet.createConnection,
  });
}

async function answerOf(socket: WebSocket): Promise<Buffer> {
  const [data] = (await eventOf(socket, 'message')) as [RawData];
  return data as Buffer;
}

async function closeOf(socket: WebSocket): Promise<[number, string]> {
  return new Promise((resolve) => {
    socket.once('close', (code, reason) => resolve([code, reason.toString()]));
  });
}

const echo = (socket: WebSocket) =>
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));

async function talk(socket: WebSocket): Promise<void> {
  await eventOf(socket, 'open');
  for (const size of [0, 1, 125, 126, 65_535, 65_536, 1_000_000]) {
    const message = Buffer.alloc(size, 'wave ');
    const answer = answerOf(socket);
    socket.send(message);
    assert.ok((await answer).equals(message), `${size} bytes`);
  }
  const joined = answerOf(socket);
  socket.send('in ', { fin: false });
  socket.send('three ', { fin: false });
  socket.send('fragments', { fin: true });
  assert.equal((await joined).toString(), 'in three fragments');
  const pong = eventOf(socket, 'pong');
  socket.ping('are you there');
  assert.equal(String((await pong)[0]), 'are you there');
  const closed = closeOf(socket);
  socket.close(4001, 'enough');
  assert.deepEqual(await closed, [4001, 'enough']);
}

const messages: Scenario = {
  name: 'ws: messages of every length encoding, fragments, ping, an orderly close; also compressed',
  serve: (place) => serveSockets(place, http.createServer(), echo),
  async use(place) {
    await talk(openSocket(place, 'ws', { perMessageDeflate: false }));
    await talk(openSocket(place, 'ws', { perMessageDeflate: true }));
  },
};

const secureMessages: Scenario = {
  name: 'ws: the same over TLS',
  serve: (place) => serveSockets(place, https.createServer(place.identity), echo),
  use: async (place) => talk(openSocket(place, 'wss')),
};

const CLIENTS = 25;

const broadcast: Scenario = {
  name: `ws: ${CLIENTS} clients, each hears what each says`,
  serve: (place) =>
    serveSockets(place, http.createServer(), (socket, all) => {
      socket.on('message', (data) => {
        for (const other of all) other.send(data, { binary: false });
      });
    }),
  async use(place) {
    const sockets = Array.from({ length: CLIENTS }, () => openSocket(place, 'ws'));
    const heard = sockets.map(() => new Set<string>());
    for (const [i, socket] of sockets.entries()) {
      socket.on('message', (data) => heard[i]!.add(String(data)));
    }
    await Promise.all(sockets.map((socket) => eventOf(socket, 'open')));
    for (const [i, socket] of sockets.entries()) socket.send(`word of ${i}`);
    await until('everyone has heard everyone', () => heard.every((words) => words.size === CLIENTS));
    const closed = sockets.map(closeOf);
    for (const socket of sockets) socket.close();
    for (const [code] of await Promise.all(closed)) assert.equal(code, 1005);
  },
};

const endings: Scenario = {
  name: 'ws: closed and terminated by the server, terminated by the client',
  serve: (place) =>
    serveSockets(place, http.createServer(), (socket) => {
      socket.on('message', (data) => {
        if (String(data) === 'close') socket.close(1001, 'going');
        else if (String(data) === 'terminate') socket.terminate();
      });
    }),
  async use(place) {
    for (const [word, code, reason] of [
      ['close', 1001, 'going'],
      ['terminate', 1006, ''],
      ['by myself', 1006, ''],
    ] as const) {
      const socket = openSocket(place, 'ws');
      socket.on('error', () => {});
      await eventOf(socket, 'open');
      const closed = closeOf(socket);
      socket.send(word);
      if (word === 'by myself') socket.terminate();
      assert.deepEqual(await closed, [code, reason], word);
    }
  },
};

/** All of them. */
export const WEBSOCKET_SCENARIOS: readonly Scenario[] = [messages, secureMessages, broadcast, endings];
