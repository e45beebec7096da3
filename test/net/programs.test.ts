// Node's own ways of using sockets: pipeline, AsyncLocalStorage; and the view into TCP.
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import type { Socket } from '../../src/net/socket.js';
import { joinStacks } from './stack-pair.js';

const { server, client } = joinStacks(['10.9.0.1/24'], ['10.9.0.2/24']);
const timed = { timeout: 20_000 };

async function listen(listener: (socket: Socket) => void) {
  const listening = server.net.createServer(listener).listen(0, '10.9.0.1');
  await once(listening, 'listening');
  return { listening, port: listening.address()!.port };
}

test('pipeline ends, and fails when the peer resets', timed, async () => {
  let text = '';
  const good = await listen((socket) => {
    socket.on('data', (chunk) => {
      text += chunk;
    });
  });
  const sink = client.net.connect(good.port, '10.9.0.1').resume();
  await Promise.all([pipeline(Readable.from(['a', 'b']), sink), once(sink, 'close')]);
  assert.equal(text, 'ab');
  good.listening.close();

  const { listening, port } = await listen((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.resetAndDestroy());
  });
  const endless = Readable.from(
    (function* () {
      for (;;) yield Buffer.alloc(1000);
    })(),
  );
  await assert.rejects(
    pipeline(endless, client.net.connect(port, '10.9.0.1')),
    (error: NodeJS.ErrnoException) => ['ECONNRESET', 'EPIPE'].includes(error.code ?? ''),
  );
  listening.close();
});

test('AsyncLocalStorage follows from connect to the events of the socket', timed, async () => {
  const storage = new AsyncLocalStorage<string>();
  const { listening, port } = await listen((socket) => socket.pipe(socket));
  const run = (name: string) =>
    storage.run(name, async () => {
      const seen: (string | undefined)[] = [];
      const socket = client.net.connect(port, '10.9.0.1', () => seen.push(storage.getStore()));
      socket.on('data', () => {
        seen.push(storage.getStore());
        socket.end();
      });
      socket.write('x');
      await once(socket, 'close');
      return seen;
    });
  assert.deepEqual(await Promise.all([run('one'), run('two')]), [
    ['one', 'one'],
    ['two', 'two'],
  ]);
  listening.close();
});

test('tcpInfo shows the connection, during and after its life', timed, async () => {
  const { listening, port } = await listen((socket) => socket.pipe(socket));
  const socket = new client.net.Socket();
  assert.deepEqual([socket.tcpInfo(), socket.endpoint], [null, null]);
  socket.connect(port, '10.9.0.1');
  await once(socket, 'connect');
  assert.equal(socket.tcpInfo()?.state, 'ESTABLISHED');
  assert.equal(socket.endpoint?.tuple.remotePort, port);
  socket.end('0123456789');
  socket.resume();
  await once(socket, 'close');
  assert.equal(socket.tcpInfo()?.state, 'TIME-WAIT');
  assert.equal(socket.endpoint?.connection.bytesAcknowledged, 10);
  listening.close();
});

test('the third connect of a socket is EISCONN', timed, async () => {
  const { listening, port } = await listen((socket) => socket.on('error', () => {}));
  const socket = client.net.connect(port, '10.9.0.1');
  await once(socket, 'connect');
  const local = `10.9.0.2:${socket.localPort}`;
  socket.connect(port, '10.9.0.1');
  await once(socket, 'connect');
  socket.connect(port, '10.9.0.1');
  const [error] = await once(socket, 'error');
  assert.equal(error.message, `connect EISCONN 10.9.0.1:${port} - Local (${local})`);
  listening.close();
});

test('the window closes while nobody reads, and opens again', timed, async () => {
  let peer: Socket | undefined;
  const { listening, port } = await listen((socket) => {
    peer = socket;
  });
  const socket = client.net.connect(port, '10.9.0.1');
  const size = 4 * 1024 * 1024;
  socket.write(Buffer.alloc(size));
  const untilThen = async (condition: () => boolean) => {
    while (!condition()) await new Promise((resolve) => setImmediate(resolve));
  };
  await untilThen(() => peer !== undefined && socket.tcpInfo()?.sndWndBytes === 0);
  assert.ok(peer!.readableLength < 200_000);
  assert.ok(socket.writableLength > 0);
  peer!.resume();
  await untilThen(() => peer!.bytesRead === size);
  assert.ok((socket.tcpInfo()?.sndWndBytes ?? 0) > 0);
  socket.destroy();
  listening.close();
});

test('closing the stack ends its sockets', timed, async () => {
  const pair = joinStacks(['10.7.0.1/24'], ['10.7.0.2/24']);
  const listening = pair.server.net.createServer().listen(0, '10.7.0.1');
  await once(listening, 'listening');
  const socket = pair.client.net.connect(listening.address()!.port, '10.7.0.1');
  await once(socket, 'connect');
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await pair.client.stack.close();
  socket.resume();
  await closed;
  listening.close();
});
