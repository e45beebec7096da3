// What sockets have beyond node:net: the user timeout, quick acknowledgments, half-close while it lasts, and explanations.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { act } from '../../src/link/impair-rules.js';
import { createNet } from '../../src/net/net.js';
import type { Socket } from '../../src/net/socket.js';
import { VirtualWire } from '../sim/virtual-wire.js';

/** A connected pair on a wire in virtual time. */
class World {
  isCut = false;
  readonly wire = new VirtualWire({
    delayMs: 10,
    rules: [{ match: { flags: () => this.isCut }, act: act.drop() }],
  });
  accepted!: Socket;
  client!: Socket;

  static async connected(t: TestContext): Promise<World> {
    const world = new World();
    t.after(() => world.end());
    const server = createNet(world.wire.right).createServer((socket) => {
      world.accepted = socket;
    });
    server.listen(7);
    world.client = createNet(world.wire.left).connect(7, '10.9.0.2');
    await turn();
    await world.run(1000, () => world.accepted !== undefined);
    return world;
  }

  /** Streams work in ticks of Node: each step of the clock waits for those that it set off. */
  async run(ms: number, isDone: () => boolean = () => false): Promise<void> {
    const end = this.wire.clock.now() + ms;
    while (!isDone() && this.wire.clock.step(end)) await turn();
  }

  async end(): Promise<void> {
    this.client.destroy();
    this.accepted.destroy();
    await Promise.all([this.wire.left.close(), this.wire.right.close()]);
  }
}

test('setUserTimeout ends a connection whose data is not acknowledged in that time', async (t) => {
  const world = await World.connected(t);
  const { client, wire } = world;
  assert.equal(client.setUserTimeout(3000), client);
  let error: NodeJS.ErrnoException | undefined;
  client.on('error', (e) => {
    error = e;
  });
  world.isCut = true;
  client.write('into the void');
  const begin = wire.clock.now();
  await world.run(60_000, () => error !== undefined);
  assert.equal(error?.code, 'ETIMEDOUT');
  assert.equal(wire.clock.now() - begin, 3000);
  assert.equal(client.explain()?.ended?.by, 'path');
  assert.throws(() => client.setUserTimeout('1' as never), { code: 'ERR_INVALID_ARG_TYPE' });
  assert.throws(() => client.setUserTimeout(-1), { code: 'ERR_OUT_OF_RANGE' });
});

test('setQuickAck acknowledges each segment at once', async (t) => {
  const world = await World.connected(t);
  const { client, accepted, wire } = world;
  accepted.resume();
  const roundTrip = async () => {
    const begin = wire.clock.now();
    client.write('x');
    await turn();
    await world.run(1000, () => client.tcpInfo()?.bytesAcked === client.bytesWritten);
    return wire.clock.now() - begin;
  };
  // The first segments of a connection are acknowledged at once anyhow.
  for (let i = 0; i < 20; i++) await roundTrip();
  const delayed = await roundTrip();
  assert.ok(delayed > 20, `${delayed} ms`);
  assert.equal(accepted.setQuickAck(), accepted);
  assert.equal(await roundTrip(), 20);
  accepted.setQuickAck(false);
  assert.equal(await roundTrip(), delayed);
});

test('allowHalfOpen may be changed until the peer ends', async (t) => {
  const world = await World.connected(t);
  const { client, accepted } = world;
  accepted.allowHalfOpen = true;
  let text = '';
  client.setEncoding('utf8').on('data', (part) => {
    text += part;
  });
  accepted.resume();
  client.end();
  await world.run(1000, () => accepted.readableEnded);
  assert.equal(accepted.writable, true);
  accepted.end('an answer to the end');
  await world.run(5000, () => client.destroyed);
  assert.equal(text, 'an answer to the end');
  assert.equal(client.explain()?.ended?.orderly, true);
});

test('a refused connection can still be asked why', async () => {
  const wire = new VirtualWire({ delayMs: 10 });
  const net = createNet(wire.left);
  assert.equal(new net.Socket().explain(), null);
  const client = net.connect(9, '10.9.0.2');
  let isClosed = false;
  client.on('error', () => {});
  client.on('close', () => {
    isClosed = true;
  });
  await turn();
  while (!isClosed && (wire.clock.step() || true)) await turn();
  assert.match(String(client.explain()), /connection refused .*\[RFC9293-3.10.7.3\]\n {2}nobody listens/);
  await Promise.all([wire.left.close(), wire.right.close()]);
});
