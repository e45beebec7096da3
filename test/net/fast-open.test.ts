// Fast Open on the objects of node:net: what was written before the connection is there travels with the SYN, once.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { Socket } from '../../src/net/socket.js';
import type { FastOpenOutcome } from '../../src/tcp/fast-open.js';
import { joinStacks } from './stack-pair.js';

const { server, client } = joinStacks(['10.9.0.1/24'], ['10.9.0.2/24']);
const HOST = '10.9.0.1';
const tcp = { fastOpen: true };

/** Sends `words` with the call, and one more behind the connection; returns how it was opened at both ends. */
async function exchange(port: number, words: readonly (string | Buffer)[]): Promise<FastOpenOutcome> {
  const socket = client.net.connect({ host: HOST, port, tcp });
  let written = 0;
  socket.cork();
  for (const word of words) socket.write(word, () => void written++);
  socket.uncork();
  assert.equal(
    socket.bytesWritten,
    words.reduce((sum, word) => sum + word.length, 0),
  );
  await once(socket, 'connect');
  socket.end('.');
  const expected = `${words.map(String).join('')}.`;
  assert.equal(await text(socket), expected);
  assert.equal(written, words.length, 'each callback ran');
  assert.equal(socket.bytesWritten, expected.length);
  return socket.tcpInfo()!.fastOpen;
}

test('RFC7413 §4.2.2: the second connection sends what waits with its SYN, and every byte arrives once', async (t) => {
  const outcomes: FastOpenOutcome[] = [];
  const echo = server.net.createServer({ tcp }, (socket: Socket) => {
    socket.pipe(socket);
    socket.on('end', () => outcomes.push(socket.tcpInfo()!.fastOpen));
  });
  t.after(() => echo.close());
  echo.listen(7001, HOST);
  await once(echo, 'listening');
  assert.equal(await exchange(7001, ['first']), 'cookie received');
  assert.equal(await exchange(7001, ['one ', Buffer.from('two '), 'three']), 'accepted');
  const long = 'x'.repeat(100_000);
  assert.equal(await exchange(7001, ['a', long, 'b']), 'accepted', 'the rest follows the handshake');
  assert.deepEqual(outcomes, ['cookie given', 'accepted', 'accepted']);
});

test('without it nothing changes, and a server without it serves a client that asks', async (t) => {
  const plain = server.net.createServer((socket: Socket) => socket.pipe(socket));
  t.after(() => plain.close());
  plain.listen(7002, HOST);
  await once(plain, 'listening');
  assert.equal(await exchange(7002, ['first']), 'refused');
  assert.equal(await exchange(7002, ['second']), 'avoided');
  const socket = client.net.connect({ host: HOST, port: 7002 });
  socket.end('third');
  assert.equal(await text(socket), 'third');
  assert.equal(socket.tcpInfo()!.fastOpen, 'off');
});

test('a request of http, written a tick after the call, still goes with the SYN', async (t) => {
  const web = createServer((request, response) => response.end(request.url));
  const listener = server.net.createServer({ tcp }, (socket: Socket) => web.emit('connection', socket));
  t.after(() => listener.close());
  listener.listen(0, HOST);
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const opened: FastOpenOutcome[] = [];
  class FastAgent extends Agent {
    override createConnection(): Socket {
      const socket = client.net.connect({ host: HOST, port, tcp });
      socket.once('close', () => opened.push(socket.tcpInfo()!.fastOpen));
      return socket;
    }
  }
  for (const path of ['/a', '/b']) {
    const agent = new FastAgent();
    const body = await new Promise<string>((resolve, reject) => {
      get({ host: HOST, port, path, agent }, (response) => text(response).then(resolve, reject)).on(
        'error',
        reject,
      );
    });
    assert.equal(body, path);
    agent.destroy();
  }
  while (opened.length < 2) await new Promise(setImmediate);
  assert.deepEqual(opened, ['accepted', 'accepted'], 'by the cookie that another port of the server gave');
});

test('an address that fails hands what was sent early to the next', async (t) => {
  const echo = server.net.createServer({ tcp }, (socket: Socket) => socket.pipe(socket));
  t.after(() => echo.close());
  echo.listen(7003, HOST);
  await once(echo, 'listening');
  const socket = client.net.connect({
    host: 'two.addresses',
    port: 7003,
    tcp,
    autoSelectFamilyAttemptTimeout: 20,
    lookup: (_name, _options, callback) =>
      callback(null, [
        { address: '10.9.0.99', family: 4 },
        { address: HOST, family: 4 },
      ] as never),
  });
  socket.end('whole');
  assert.equal(await text(socket), 'whole');
});
