// Sockets and servers of ours are instances of those of Node's own `net` for whoever asks but Node itself.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import * as nodeNet from 'node:net';
import { test } from 'node:test';
import * as tls from 'node:tls';
import { makeIdentity } from '../programs/identity.js';
import { SERVER_NAME } from '../programs/place.js';
import { joinStacks } from './stack-pair.js';

const { server, client } = joinStacks(['10.9.0.1/24'], ['10.9.0.2/24']);
const { net } = client;

test('sockets and servers are instances of node:net’s, and nothing else becomes one', () => {
  const socket: unknown = new net.Socket();
  const listening: unknown = new net.Server();
  assert.ok(socket instanceof nodeNet.Socket && socket instanceof net.Socket);
  assert.ok(listening instanceof nodeNet.Server && listening instanceof net.Server);
  assert.ok(!(socket instanceof nodeNet.Server) && !(listening instanceof nodeNet.Socket));
  assert.ok(!(socket instanceof tls.TLSSocket));
  for (const value of [null, undefined, 1, {}, () => {}, Object.create(null)]) {
    assert.ok(!((value as object) instanceof nodeNet.Socket));
  }
  const theirs: unknown = new nodeNet.Socket();
  assert.ok(theirs instanceof nodeNet.Socket && !(theirs instanceof net.Socket));
});

test('classes derived from node:net’s are asked as ever', () => {
  class Theirs extends nodeNet.Socket {}
  class Ours extends (net.Socket as unknown as typeof nodeNet.Socket) {}
  assert.ok(new Theirs() instanceof Theirs && new Theirs() instanceof nodeNet.Socket);
  assert.ok(new Ours() instanceof nodeNet.Socket);
  const socket: unknown = new net.Socket();
  assert.ok(!(socket instanceof Theirs) && !(socket instanceof Ours));
});

test('who looks at stacks in a way of their own is left alone', () => {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const mine = () => 'mine';
  try {
    Error.prepareStackTrace = mine;
    Error.stackTraceLimit = 0;
    assert.ok((new net.Socket() as unknown) instanceof nodeNet.Socket);
    assert.deepEqual([Error.prepareStackTrace, Error.stackTraceLimit], [mine, 0]);
  } finally {
    Error.prepareStackTrace = prepareStackTrace;
    Error.stackTraceLimit = stackTraceLimit;
  }
});

test('nothing of node:net’s is inherited', () => {
  assert.ok(!Object.prototype.isPrototypeOf.call(nodeNet.Socket.prototype, new net.Socket()));
});

test('TLS in both roles still takes them as streams', async () => {
  const { key, cert } = makeIdentity('10.9.0.1');
  const listening = server.net.createServer((raw) => {
    assert.ok((raw as unknown) instanceof nodeNet.Socket);
    const secure = new tls.TLSSocket(raw as unknown as nodeNet.Socket, { isServer: true, key, cert });
    secure.end('secret');
  });
  listening.listen(0, '10.9.0.1');
  await once(listening, 'listening');
  const raw = net.connect((listening.address() as nodeNet.AddressInfo).port, '10.9.0.1');
  const socket = tls.connect({ socket: raw as unknown as nodeNet.Socket, servername: SERVER_NAME, ca: cert });
  let text = '';
  for await (const chunk of socket) text += chunk;
  assert.equal(text, 'secret');
  listening.close();
});

test('they cannot be sent to a child process, which is said', async () => {
  const child = fork('-', { execArgv: ['-e', 'process.on("message", () => {})'] });
  for (const unsendable of [new net.Socket(), new net.Server()]) {
    assert.throws(() => child.send('it', unsendable as unknown as nodeNet.Socket), {
      code: 'ERR_INVALID_HANDLE_TYPE',
    });
  }
  child.kill();
  await once(child, 'exit');
});
