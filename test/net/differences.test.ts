// Where we do not follow `node:net`, as docs/differences.md tells it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Server } from '../../src/net/server.js';
import { Socket } from '../../src/net/socket.js';
import { collectUncaught, ScriptedStack, turn } from './scripted-stack.js';

const NAMES = ['connectionAttempt', 'connect', 'ready', 'data', 'error', 'close'];

function log(socket: Socket): string[] {
  const seen: string[] = [];
  for (const name of NAMES) socket.on(name, () => seen.push(name));
  return seen;
}

test('a socket whose signal is aborted does not connect', async () => {
  const stack = new ScriptedStack();
  const socket = new Socket(stack.context, { signal: AbortSignal.abort() });
  const seen = log(socket);
  for (let round = 0; round < 2; round++) {
    socket.connect(80, '10.9.0.1');
    assert.equal(socket.connecting, false);
    await turn();
  }
  assert.deepEqual(seen, ['error', 'close']);
  assert.equal(stack.opened.length, 0);
});

test('destroy in the first attempt closes, and the attempt is given up', async () => {
  for (const error of [undefined, new Error('given')]) {
    const stack = new ScriptedStack();
    const socket = new Socket(stack.context);
    const seen = log(socket);
    socket.once('connectionAttempt', () => socket.destroy(error));
    const caught = await collectUncaught(() => socket.connect(80, '10.9.0.1'));
    await turn();
    assert.deepEqual(caught, []);
    assert.deepEqual(seen, ['connectionAttempt', ...(error ? ['error'] : []), 'close']);
    assert.deepEqual(
      stack.opened.map(({ calls }) => calls.includes('abort')),
      [true],
    );
    assert.equal(stack.context.liveness.isHeld, false);
  }
});

test('a connection of a server whose high-water mark is no size is reset', async () => {
  const stack = new ScriptedStack();
  const server = new Server(stack.context, { highWaterMark: Number.NaN });
  let served = 0;
  server.on('connection', () => served++);
  server.listen(80);
  const peers = [ScriptedStack.incoming(1), ScriptedStack.incoming(2)];
  const caught = await collectUncaught(() => stack.arrive(...peers));
  assert.deepEqual(
    caught.map((error) => (error as NodeJS.ErrnoException).code),
    ['ERR_INVALID_ARG_VALUE', 'ERR_INVALID_ARG_VALUE'],
  );
  for (const { calls } of peers) assert.ok(calls.includes('abort'));
  assert.deepEqual([served, server._connections], [0, 0]);
  server.close();
});

test('the handle of a closed socket has no reference', () => {
  const socket = new Socket(new ScriptedStack().context).connect(80, '10.9.0.1');
  const handle = socket._handle!;
  assert.equal(handle.hasRef(), true);
  socket.destroy();
  assert.equal(handle.hasRef(), false);
});
