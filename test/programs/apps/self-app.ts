// A program that serves and asks itself: express on one side, Node's fetch, undici, ws and https on the other.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { request } from 'undici';
import { WebSocket, WebSocketServer } from 'ws';

const [, , certificate = '', key = ''] = process.argv;
const app = express().use(express.json());
app.post('/echo', (incoming, response) => void response.json(incoming.body));
const plain = http.createServer(app).listen(0, 'localhost');
const secure = https.createServer({ cert: certificate, key }, app).listen(0);
const sockets = new WebSocketServer({ server: plain });
sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(`heard ${data}`)));
await Promise.all([once(plain, 'listening'), once(secure, 'listening')]);
const { port } = plain.address() as AddressInfo;
const securePort = (secure.address() as AddressInfo).port;

const told: Record<string, unknown> = {};
const body = JSON.stringify({ words: ['one', 'two'] });
const headers = { 'content-type': 'application/json' };
const url = `http://localhost:${port}/echo`;
told.fetch = await (await fetch(url, { method: 'POST', headers, body })).json();
told.undici = await (await request(url, { method: 'POST', headers, body })).body.json();
const asked = https.request({
  ...{ host: 'localhost', port: securePort, path: '/echo', method: 'POST', headers, ca: certificate },
});
asked.end(body);
const [answer] = (await once(asked, 'response')) as [http.IncomingMessage];
told.https = JSON.parse(String(Buffer.concat(await answer.toArray())));
const socket = new WebSocket(`ws://localhost:${port}`);
await once(socket, 'open');
socket.send('a word');
told.ws = String((await once(socket, 'message'))[0]);
socket.close();
await once(socket, 'close');
// What the kernel knows of our ports: nothing, when they are not its own.
const listening = execFileSync('ss', ['-ltnH'], { encoding: 'utf8' });
told.kernel = [port, securePort].some((own) => listening.includes(`:${own} `));
process.stdout.write(`${JSON.stringify(told)}\n`);
sockets.close();
plain.close();
plain.closeAllConnections();
secure.close();
secure.closeAllConnections();
