// The shape of the module object: its type is that of `node:net`, its classes are called like functions, and what
// Node's own libraries look into is there.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as nodeNet from 'node:net';
import { test } from 'node:test';
import type { Socket } from '../../src/net/socket.js';
import { joinStacks } from './stack-pair.js';

const { server, client } = joinStacks(['10.9.0.1/24'], ['10.9.0.2/24']);

/** The compiler is the judge: users may hand our module to whatever wants Node's. */
const net: typeof nodeNet = client.net;

test('everything that node:net exports is there, but for its inside', () => {
  const inside = /^_/;
  const missing = Object.keys(nodeNet).filter(
    (name) => name !== 'default' && !inside.test(name) && !(name in net),
  );
  assert.deepEqual(missing, []);
});

test('Socket and Server initialise an object of a derived kind', async () => {
  function MyServer(this: nodeNet.Server & { mine: boolean }) {
    (server.net.Server as unknown as (this: unknown, options: object) => void).call(this, { noDelay: true });
    this.mine = true;
  }
  Object.setPrototypeOf(MyServer.prototype, server.net.Server.prototype);
  const listening = new (MyServer as unknown as new () => nodeNet.Server & { mine: boolean })();
  assert.deepEqual([listening.mine, listening instanceof server.net.Server], [true, true]);
  listening.on('connection', (socket) => socket.end('served'));
  listening.listen(0, '10.9.0.1');
  await once(listening, 'listening');

  function MySocket(this: nodeNet.Socket) {
    (net.Socket as unknown as (this: unknown) => void).call(this);
  }
  Object.setPrototypeOf(MySocket.prototype, net.Socket.prototype);
  const socket = new (MySocket as unknown as new () => nodeNet.Socket)();
  const other = new (MySocket as unknown as new () => nodeNet.Socket)();
  assert.notEqual(socket, other);
  assert.ok(socket instanceof MySocket && socket instanceof net.Socket);
  socket.connect((listening.address() as nodeNet.AddressInfo).port, '10.9.0.1');
  const [data] = await once(socket, 'data');
  assert.equal(String(data), 'served');
  listening.close();
});

test('descriptors and handles of the host are refused with words', () => {
  const Legacy = net.Socket as unknown as new (options: unknown) => nodeNet.Socket;
  for (const options of [3, { fd: 0 }, { fd: 3 }, { handle: {} }]) {
    assert.throws(() => new Legacy(options), { code: 'ERR_INVALID_ARG_VALUE', message: /is not supported/ });
  }
  for (const where of [{ fd: 3 }, { path: '/tmp/socket' }]) {
    assert.throws(() => net.createServer().listen(where as nodeNet.ListenOptions), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /of the host, which only node:net/,
    });
  }
  assert.throws(() => net.connect('/tmp/socket'), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /only node:net reaches/,
  });
});

test('a bound socket is of its stack, and of no path of the host', () => {
  const bound = new server.net.BoundSocket({ host: '10.9.0.1' });
  assert.deepEqual([bound.fd(), bound.isPipe, server.net.BoundSocket.name], [-1, false, 'BoundSocket']);
  const elsewhere = { code: 'ERR_INVALID_ARG_VALUE', message: /is bound on another stack/ };
  assert.throws(() => new client.net.Socket({ handle: bound }), elsewhere);
  assert.throws(() => client.net.createServer().listen(bound), elsewhere);
  assert.ok(bound.address().port > 0);
  bound.close();
  assert.throws(() => new server.net.BoundSocket({ path: '/tmp/socket' } as never), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /of the host, which only node:net/,
  });
});

test('classes derive, with new', () => {
  class Mine extends net.Socket {
    field = 1;
  }
  const mine = new Mine({ allowHalfOpen: true });
  assert.deepEqual([mine.field, mine.allowHalfOpen, mine instanceof net.Socket], [1, true, true]);
  assert.equal(Object.getPrototypeOf(mine), Mine.prototype);
});

test('a constructor that throws takes over nothing', () => {
  const call = net.Socket as unknown as (this: unknown, options?: object) => nodeNet.Socket;
  const half = Object.create(net.Socket.prototype);
  assert.throws(() => call.call(half, { objectMode: true }), { code: 'ERR_INVALID_ARG_VALUE' });
  const next = new net.Socket();
  assert.notEqual(next, half);
  assert.equal(next.pending, true);
});

test('the properties of the prototype can be read', () => {
  const values = Object.fromEntries(
    ['bytesWritten', 'bytesRead', 'bufferSize', 'remoteAddress', 'localPort', '_handle', 'pending'].map(
      (name) => [name, (net.Socket.prototype as unknown as Record<string, unknown>)[name]],
    ),
  );
  assert.deepEqual(values, {
    bytesWritten: undefined,
    bytesRead: undefined,
    bufferSize: undefined,
    remoteAddress: undefined,
    localPort: undefined,
    _handle: null,
    pending: true,
  });
});

test('_handle is there from connect to the end, and starts and stops reading', async () => {
  type Handle = { getAsyncId(): number; readStart(): number; readStop(): number } | null;
  const handleOf = (of: object) => (of as { _handle: Handle })._handle;
  const listening = server.net.createServer().listen(0, '10.9.0.1');
  assert.equal(handleOf(listening), null);
  await once(listening, 'listening');
  assert.ok(Number.isInteger(handleOf(listening)?.getAsyncId()));
  const accepted = once(listening, 'connection');
  const socket = new client.net.Socket();
  assert.equal(handleOf(socket), null);
  socket.connect(listening.address()!.port, '10.9.0.1');
  const handle = handleOf(socket)!;
  assert.equal(handle.readStop(), 0);
  await once(socket, 'connect');
  assert.equal(handleOf(socket), handle);
  const id = handle.getAsyncId();
  assert.ok(id > 0 && handle.getAsyncId() === id);
  const [peer] = (await accepted) as [Socket];
  socket.on('data', () => {});
  handle.readStop();
  peer.write('held');
  while (socket.endpoint?.connection.bytesReceived !== 4)
    await new Promise((resolve) => setImmediate(resolve));
  assert.equal(socket.bytesRead, 0);
  handle.readStart();
  while (socket.bytesRead < 4) await new Promise((resolve) => setImmediate(resolve));
  socket.destroy();
  assert.equal(handleOf(socket), null);
  listening.close();
  assert.equal(handleOf(listening), null);
});
