// What a socket makes of its endpoint's events, many of them at once and with listeners that interfere.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Server } from '../../src/net/server.js';
import { Socket } from '../../src/net/socket.js';
import { Event } from '../../src/tcp/connection.js';
import { State } from '../../src/tcp/state.js';
import { collectUncaught, type ScriptedEndpoint, ScriptedStack, turn } from './scripted-stack.js';

const { ESTABLISHED, READABLE, WRITABLE, PEER_FIN, CLOSED, SOFT_ERROR } = Event;

async function connected(prepare?: (socket: Socket) => void): Promise<[Socket, ScriptedEndpoint]> {
  const stack = new ScriptedStack();
  const socket = new Socket(stack.context).connect(80, '10.9.0.1');
  prepare?.(socket);
  await turn();
  const endpoint = stack.opened.at(-1)!;
  endpoint.state = State.ESTABLISHED;
  endpoint.tell(ESTABLISHED);
  return [socket, endpoint];
}

function reset(endpoint: ScriptedEndpoint, events = 0): void {
  endpoint.state = State.CLOSED;
  endpoint.error = 'ECONNRESET';
  endpoint.sendSpace = 0;
  endpoint.tell(events | CLOSED);
}

function log(socket: Socket): string[] {
  const seen: string[] = [];
  for (const name of ['connect', 'ready', 'end', 'finish', 'close'] as const) {
    socket.on(name, () => seen.push(name));
  }
  socket.on('data', (chunk) => seen.push(`data ${chunk}`));
  socket.on('error', (error) => seen.push(error.message));
  return seen;
}

test('a socket whose signal was aborted before does not connect', async () => {
  const stack = new ScriptedStack();
  const socket = new Socket(stack.context, { signal: AbortSignal.abort() });
  const seen: string[] = [];
  for (const event of ['connect', 'error', 'close']) socket.on(event, () => seen.push(event));
  socket.connect(80, '10.9.0.1');
  await turn();
  await turn();
  assert.deepEqual([seen, stack.opened.length, socket.connecting], [['error', 'close'], 0, false]);
});

test('chunks are the memory that the endpoint handed out', async () => {
  const [socket, endpoint] = await connected();
  const memory = new Uint8Array(100).fill(65);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  await turn();
  endpoint.queue.push(memory.subarray(10, 20));
  endpoint.tell(READABLE);
  assert.equal(chunks.length, 1);
  assert.equal(chunks[0]!.buffer, memory.buffer);
  assert.equal(chunks[0]!.byteOffset, 10);
  assert.equal(chunks[0]!.length, 10);
});

test('who reads as it flows does not ask the endpoint again after each chunk', async () => {
  const [socket, endpoint] = await connected();
  const chunks: string[] = [];
  socket.on('data', (chunk) => chunks.push(String(chunk)));
  await turn();
  let asked = 0;
  const { receive } = endpoint;
  endpoint.receive = (max, View) => {
    asked++;
    return receive.call(endpoint, max, View);
  };
  for (const text of ['one', 'two', 'three']) {
    endpoint.queue.push(Buffer.from(text));
    endpoint.tell(READABLE);
    await turn();
  }
  assert.deepEqual(chunks, ['one', 'two', 'three']);
  assert.equal(asked, 6, 'each time for what is there, and for what is not');
  endpoint.tell(Event.ALL_ACKNOWLEDGED);
  await turn();
  assert.equal(asked, 6, 'nor does an acknowledgment of ours ask');
});

test('nothing is pulled from the endpoint while nobody reads', async () => {
  const [socket, endpoint] = await connected();
  const chunk = new Uint8Array(socket.readableHighWaterMark);
  for (let i = 0; i < 10; i++) endpoint.queue.push(chunk);
  endpoint.tell(READABLE);
  await turn();
  assert.equal(endpoint.queue.length, 9);
  socket.resume();
  await turn();
  assert.equal(endpoint.queue.length, 0);
  assert.equal(socket.bytesRead, 10 * chunk.length);
});

test('data and reset in one batch: the data, then ECONNRESET, then close', async () => {
  const [socket, endpoint] = await connected();
  const seen = log(socket);
  await turn();
  endpoint.queue.push(Buffer.from('a'), Buffer.from('b'));
  reset(endpoint, READABLE);
  await turn();
  assert.deepEqual(seen, ['data a', 'data b', 'read ECONNRESET', 'close']);
});

test('a reset waits for the reader of a paused socket', async () => {
  const [socket, endpoint] = await connected();
  const seen = log(socket);
  socket.pause();
  endpoint.queue.push(Buffer.alloc(socket.readableHighWaterMark, 'x'), Buffer.from('last'));
  reset(endpoint, READABLE);
  await turn();
  assert.equal(socket.destroyed, false);
  assert.deepEqual(seen, []);
  socket.resume();
  await turn();
  assert.deepEqual(seen.slice(1), ['data last', 'read ECONNRESET', 'close']);
});

test('data, the peer end and the end of the connection in one batch', async () => {
  const [socket, endpoint] = await connected();
  const seen = log(socket);
  await turn();
  endpoint.queue.push(Buffer.from('x'));
  endpoint.peerEnded = true;
  endpoint.state = State.CLOSE_WAIT;
  endpoint.tell(READABLE | PEER_FIN);
  await turn();
  assert.deepEqual(seen, ['data x', 'end', 'finish', 'close']);
  assert.deepEqual(endpoint.calls, ['shutdownWrite', 'close']);
});

test('the handshake and everything after it in one batch', async () => {
  const stack = new ScriptedStack();
  const socket = new Socket(stack.context).connect(80, '10.9.0.1');
  const seen = log(socket);
  await turn();
  const endpoint = stack.opened[0]!;
  endpoint.queue.push(Buffer.from('x'));
  endpoint.peerEnded = true;
  endpoint.state = State.CLOSE_WAIT;
  endpoint.tell(ESTABLISHED | READABLE | PEER_FIN);
  await turn();
  assert.deepEqual(seen, ['connect', 'ready', 'data x', 'end', 'finish', 'close']);
});

test('a connection that ended in order without FIN is an end', async () => {
  const [socket, endpoint] = await connected();
  const seen = log(socket);
  await turn();
  endpoint.state = State.CLOSED;
  endpoint.tell(CLOSED);
  await turn();
  assert.deepEqual(seen, ['end', 'finish', 'close']);
});

test('a write that waits for room fails with the reset', async () => {
  const [socket, endpoint] = await connected((opening) => opening.pause());
  endpoint.sendSpace = 3;
  const results: unknown[] = [];
  socket.on('error', (error) => results.push(error.message));
  socket.write('abcdef', (error) => results.push(error?.message));
  socket.write('never', (error) => results.push((error as NodeJS.ErrnoException).code));
  await turn();
  assert.deepEqual(results, []);
  reset(endpoint);
  await turn();
  assert.deepEqual(results, ['write ECONNRESET', 'ECONNRESET', 'write ECONNRESET']);
  assert.equal(endpoint.sentText, 'abc');
});

for (const [failure, code] of [
  ['ECONNRESET', 'EPIPE'],
  ['ETIMEDOUT', 'ETIMEDOUT'],
] as const) {
  test(`${failure} after the peer ended is ${code} for a writer`, async () => {
    const stack = new ScriptedStack();
    const socket = new Socket(stack.context, { allowHalfOpen: true }).connect(80, '10.9.0.1');
    await turn();
    const endpoint = stack.opened[0]!;
    endpoint.state = State.CLOSE_WAIT;
    endpoint.peerEnded = true;
    endpoint.tell(ESTABLISHED | PEER_FIN);
    socket.resume();
    await turn();
    endpoint.state = State.CLOSED;
    endpoint.error = failure;
    endpoint.tell(CLOSED);
    const message = await new Promise(
      (resolve) => socket.on('error', (error) => resolve(error.message)) && socket.write('x'),
    );
    assert.equal(message, `write ${code}`);
  });
}

test('softError is emitted, and the connection goes on', async () => {
  const [socket, endpoint] = await connected();
  const seen: unknown[] = [];
  socket.on('softError', (error) => seen.push(error.code));
  endpoint.softError = 'EHOSTUNREACH';
  endpoint.tell(SOFT_ERROR);
  assert.deepEqual(seen, ['EHOSTUNREACH']);
  assert.equal(socket.destroyed, false);
});

const ACTIONS: Record<string, (socket: Socket) => void> = {
  destroy: (socket) => socket.destroy(),
  'destroy with an error': (socket) => socket.destroy(new Error('mine')),
  resetAndDestroy: (socket) => socket.resetAndDestroy(),
  end: (socket) => socket.end(),
  'end with data': (socket) => socket.end('last'),
  write: (socket) => socket.write('more'),
  destroySoon: (socket) => socket.destroySoon(),
  pause: (socket) => socket.pause(),
  read: (socket) => socket.read(),
  'read and destroy': (socket) => {
    socket.read();
    socket.destroy();
  },
};

const BATCHES: Record<string, (endpoint: ScriptedEndpoint) => void> = {
  'data and reset': (endpoint) => {
    endpoint.queue.push(Buffer.from('a'), Buffer.from('b'));
    reset(endpoint, READABLE | WRITABLE);
  },
  'data and end': (endpoint) => {
    endpoint.queue.push(Buffer.from('a'), Buffer.from('b'));
    endpoint.peerEnded = true;
    endpoint.state = State.CLOSE_WAIT;
    endpoint.sendSpace = 1000;
    endpoint.tell(READABLE | PEER_FIN | WRITABLE);
  },
  'data, end and reset': (endpoint) => {
    endpoint.queue.push(Buffer.from('a'), Buffer.from('b'));
    endpoint.peerEnded = true;
    reset(endpoint, READABLE | PEER_FIN | WRITABLE);
  },
};

for (const [batch, deliver] of Object.entries(BATCHES)) {
  for (const [name, act] of Object.entries(ACTIONS)) {
    for (const event of ['connect', 'data', 'drain', 'timeout', 'end'] as const) {
      test(`${name} inside '${event}' while ${batch} arrive: close once, error at most once before it`, async () => {
        const stack = new ScriptedStack();
        const socket = new Socket(stack.context, { highWaterMark: 4 }).connect(80, '10.9.0.1');
        const seen: string[] = [];
        socket.on('error', () => seen.push('error'));
        socket.on('close', () => seen.push('close'));
        socket.on('data', () => {
          if (socket.destroyed) seen.push('data after destroy');
        });
        socket.once(event, () => act(socket));
        await turn();
        const endpoint = stack.opened[0]!;
        endpoint.sendSpace = 2;
        endpoint.state = State.ESTABLISHED;
        socket.write('abcdef');
        socket.setTimeout(10);
        endpoint.tell(ESTABLISHED);
        stack.clock.advance(20);
        deliver(endpoint);
        await turn();
        stack.clock.advance(20);
        socket.resume();
        await turn();
        socket.destroy();
        await turn();
        const handlerCalls = endpoint.handler;
        if (handlerCalls !== null) endpoint.tell(READABLE | WRITABLE | PEER_FIN | CLOSED);
        await turn();
        assert.ok(seen.join() === 'close' || seen.join() === 'error,close', seen.join());
        assert.equal(socket.destroyed, true);
      });
    }
  }
}

test('a throwing data listener surfaces, and neither data nor other connections are lost', async () => {
  const stack = new ScriptedStack();
  const server = new Server(stack.context);
  const received: string[] = [];
  let throws = true;
  server.on('connection', (socket: Socket) => {
    socket.on('data', (chunk) => {
      received.push(String(chunk));
      if (throws) {
        throws = false;
        throw new Error('from a listener');
      }
    });
  });
  server.listen(80);
  const [first, second] = [ScriptedStack.incoming(1), ScriptedStack.incoming(2)];
  stack.arrive(first, second);
  await turn();
  const caught = await collectUncaught(() => {
    first.queue.push(Buffer.from('1a'), Buffer.from('1b'));
    second.queue.push(Buffer.from('2a'));
    first.tell(READABLE);
    second.tell(READABLE);
  });
  assert.deepEqual(
    caught.map((error) => (error as Error).message),
    ['from a listener'],
  );
  assert.deepEqual(received.sort(), ['1a', '1b', '2a']);
  server.close();
});

test('throwing connection and connect listeners surface, others are served', async () => {
  const stack = new ScriptedStack();
  const server = new Server(stack.context);
  let served = 0;
  server.on('connection', () => {
    if (served++ === 0) throw new Error('connection');
  });
  server.listen(80);
  const caught = await collectUncaught(() => {
    stack.arrive(ScriptedStack.incoming(1), ScriptedStack.incoming(2));
  });
  assert.equal((caught[0] as Error).message, 'connection');
  assert.equal(served, 2);

  const socket = new Socket(stack.context).connect(80, '10.9.0.1');
  socket.on('connect', () => {
    throw new Error('connect');
  });
  socket.write('queued before');
  await turn();
  const endpoint = stack.opened[0]!;
  endpoint.state = State.ESTABLISHED;
  const more = await collectUncaught(() => endpoint.tell(ESTABLISHED));
  assert.equal((more[0] as Error).message, 'connect');
  assert.equal(endpoint.sentText, 'queued before');
  server.close();
});

test('options set before the connection reach the endpoint', async () => {
  const stack = new ScriptedStack();
  const socket = new Socket(stack.context, {
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 1500,
    typeOfService: 0xb8,
  });
  socket.connect(80, '10.9.0.1');
  await turn();
  const endpoint = stack.opened[0]!;
  endpoint.tell(ESTABLISHED);
  assert.deepEqual(endpoint.calls, [
    'setNagle false',
    'setKeepAlive true 1000',
    'setKeepAliveProbing 1000 10',
    'setDscp 46',
  ]);
  socket.setNoDelay(false).setKeepAlive(false);
  assert.deepEqual(endpoint.calls.slice(4), ['setNagle true', 'setKeepAlive false 0']);
});

test('the next address is tried when one does not answer in its time', async () => {
  const stack = new ScriptedStack();
  const lookup = (_host: string, _options: unknown, callback: (error: null, found: unknown) => void) =>
    callback(null, [
      { address: 'fd00::1', family: 6 },
      { address: '10.9.0.7', family: 4 },
      { address: '10.9.0.8', family: 4 },
    ]);
  const socket = new Socket(stack.context);
  const seen: string[] = [];
  for (const name of ['connectionAttempt', 'connectionAttemptTimeout', 'connectionAttemptFailed']) {
    socket.on(name, (address: string) => seen.push(`${name} ${address}`));
  }
  socket.connect({ port: 80, host: 'name.example', lookup: lookup as never });
  stack.clock.advance(249);
  assert.equal(stack.opened.length, 1);
  stack.clock.advance(1);
  assert.deepEqual(stack.opened[0]!.calls, ['abort']);
  assert.equal(stack.opened.length, 2);
  const refused = stack.opened[1]!;
  refused.error = 'ECONNREFUSED';
  refused.tell(CLOSED);
  // The last address has all the time that TCP gives it.
  stack.clock.advance(10_000);
  const last = stack.opened[2]!;
  last.state = State.ESTABLISHED;
  last.tell(ESTABLISHED);
  assert.equal(socket.remoteAddress, '10.9.0.8');
  assert.deepEqual(seen, [
    'connectionAttempt fd00::1',
    'connectionAttemptTimeout fd00::1',
    'connectionAttempt 10.9.0.7',
    'connectionAttemptFailed 10.9.0.7',
    'connectionAttempt 10.9.0.8',
  ]);
  socket.destroy();
});
