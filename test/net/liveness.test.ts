// Who keeps the process alive, and for how long.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdleTimer } from '../../src/net/idle-timer.js';
import { Server } from '../../src/net/server.js';
import { Socket } from '../../src/net/socket.js';
import { VirtualClock } from '../../src/stack/clock.js';
import { Event } from '../../src/tcp/connection.js';
import { State } from '../../src/tcp/state.js';
import { type ScriptedEndpoint, ScriptedStack, turn } from './scripted-stack.js';

async function connecting(): Promise<[ScriptedStack, Socket, ScriptedEndpoint]> {
  const stack = new ScriptedStack();
  const socket = new Socket(stack.context).connect(80, '10.9.0.1');
  await turn();
  return [stack, socket, stack.opened[0]!];
}

function establish(endpoint: ScriptedEndpoint): void {
  endpoint.state = State.ESTABLISHED;
  endpoint.tell(Event.ESTABLISHED);
}

test('a connecting socket holds the process, also when unref was called', async () => {
  const [stack, socket] = await connecting();
  assert.equal(stack.context.liveness.isHeld, true);
  socket.unref();
  assert.equal(stack.context.liveness.isHeld, true);
  socket.destroy();
  assert.equal(stack.context.liveness.isHeld, false);
});

test('a reading socket holds the process until unref, and again after ref', async () => {
  const [stack, socket, endpoint] = await connecting();
  establish(endpoint);
  const { liveness } = stack.context;
  assert.equal(liveness.isHeld, true);
  socket.unref();
  assert.equal(liveness.isHeld, false);
  socket.ref();
  assert.equal(liveness.isHeld, true);
  socket.destroy();
  endpoint.state = State.CLOSED;
  endpoint.tell(Event.CLOSED);
  assert.equal(liveness.isHeld, false);
});

test('bytes under way hold the process until they are acknowledged, also of an unref socket', async () => {
  const [stack, socket, endpoint] = await connecting();
  establish(endpoint);
  const { liveness } = stack.context;
  socket.unref();
  socket.write('x');
  assert.equal(liveness.isHeld, true);
  endpoint.tell(Event.ALL_ACKNOWLEDGED);
  assert.equal(liveness.isHeld, false);
  socket.destroy();
});

test('a write of nothing is under way nowhere', async () => {
  const [stack, socket, endpoint] = await connecting();
  establish(endpoint);
  socket.unref();
  await new Promise((resolve) => socket.write('', resolve));
  assert.equal(stack.context.liveness.isHeld, false);
  socket.destroy();
});

test('a destroyed socket holds the process until its FIN is acknowledged', async () => {
  for (const [state, event] of [
    [State.FIN_WAIT_2, Event.ALL_ACKNOWLEDGED],
    [State.TIME_WAIT, Event.TIME_WAIT],
    [State.CLOSED, Event.CLOSED],
  ] as const) {
    const [stack, socket, endpoint] = await connecting();
    establish(endpoint);
    socket.end('bye');
    socket.destroy();
    const { liveness } = stack.context;
    assert.deepEqual([liveness.isHeld, endpoint.state], [true, State.FIN_WAIT_1]);
    endpoint.tell(Event.WRITABLE);
    assert.equal(liveness.isHeld, true);
    endpoint.state = state;
    endpoint.tell(event);
    assert.equal(liveness.isHeld, false);
    assert.equal(endpoint.handler, null);
  }
});

test('a socket that waits with nobody reading holds nothing', async () => {
  const [stack, socket, endpoint] = await connecting();
  socket.pause();
  establish(endpoint);
  assert.equal(stack.context.liveness.isHeld, false);
  socket.resume();
  await turn();
  assert.equal(stack.context.liveness.isHeld, true);
  socket.destroy();
  endpoint.state = State.CLOSED;
  endpoint.tell(Event.CLOSED);
});

test('a listening server holds the process until close or unref', () => {
  const stack = new ScriptedStack();
  const { liveness } = stack.context;
  const server = new Server(stack.context);
  assert.equal(liveness.isHeld, false);
  server.listen(80);
  assert.equal(liveness.isHeld, true);
  server.unref();
  assert.equal(liveness.isHeld, false);
  server.ref();
  assert.equal(liveness.isHeld, true);
  server.close();
  assert.equal(liveness.isHeld, false);
  server.ref();
  assert.equal(liveness.isHeld, false);
});

test('the idle timer fires once per silence, measured from the last activity', () => {
  const clock = new VirtualClock();
  let fired = 0;
  const timer = new IdleTimer(clock, () => fired++);
  timer.set(100);
  clock.advance(60);
  timer.touch();
  clock.advance(99);
  assert.equal(fired, 0);
  clock.advance(1);
  assert.equal(fired, 1);
  clock.advance(1000);
  assert.equal(fired, 1);
  timer.touch();
  clock.advance(100);
  assert.equal(fired, 2);
  timer.touch();
  timer.set(0);
  timer.touch();
  clock.advance(1000);
  assert.equal(fired, 2);
});

test('the idle timer keeps to the duration set last, and asks the clock anew only where that ends sooner', () => {
  const clock = new VirtualClock();
  const asked: number[] = [];
  const schedule = clock.schedule.bind(clock);
  clock.schedule = (at, callback) => {
    asked.push(at);
    return schedule(at, callback);
  };
  const fired: number[] = [];
  const timer = new IdleTimer(clock, () => fired.push(clock.now()));
  for (let response = 0; response < 5; response++) {
    timer.set(100);
    clock.advance(10);
    timer.set(0);
    clock.advance(5);
  }
  assert.deepEqual(asked, [100]);
  clock.advance(1000);
  timer.set(100);
  timer.set(30);
  clock.advance(29);
  assert.deepEqual(fired, []);
  clock.advance(1000);
  assert.deepEqual(fired, [1105]);
  timer.set(50);
  timer.end();
  assert.equal(clock.nextCallAt(), Number.POSITIVE_INFINITY);
  timer.touch();
  clock.advance(1000);
  assert.equal(fired.length, 1);
});
