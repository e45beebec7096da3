// `setKeepAlive` in all its forms leaves a connection as it leaves a socket of Linux, whichever way `net` comes to the stack.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, describe, type TestContext, test } from 'node:test';
import type { Socket } from '../../src/net/socket.js';
import type { Connection } from '../../src/tcp/connection.js';
import { type KeepAliveState, PLAIN_CASES, PROBING_CASES } from './keep-alive-cases.js';
import { joinStacks } from './stack-pair.js';

const { server, client } = joinStacks(['10.9.0.1/24'], ['10.9.0.2/24']);
const listening = server.net.createServer().listen(0, '10.9.0.1');
await once(listening, 'listening');
const { port } = listening.address() as AddressInfo;
after(() => listening.close());

function stateOf({
  keepAlive,
  keepAliveIdleMs,
  keepAliveIntervalMs,
  keepAliveProbes,
}: Connection): KeepAliveState {
  return {
    on: keepAlive,
    idle: keepAliveIdleMs / 1000,
    interval: keepAliveIntervalMs / 1000,
    probes: keepAliveProbes,
  };
}

describe('setKeepAlive', () => {
  for (const [calls, expected] of [...PLAIN_CASES, ...PROBING_CASES]) {
    test(`with ${JSON.stringify(calls)} when connected`, async (t) => {
      const socket = client.net.connect(port, '10.9.0.1');
      t.after(() => socket.destroy());
      await once(socket, 'connect');
      for (const args of calls) (socket.setKeepAlive as (...args: never) => unknown)(...(args as never));
      assert.deepEqual(stateOf(socket.endpoint!.connection), expected);
    });
  }
});

async function connected(t: TestContext, socket: Socket): Promise<KeepAliveState> {
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return stateOf(socket.endpoint!.connection);
}

const TIMED = { keepAlive: true, keepAliveInitialDelay: 5999 };

test('of the calls before the connection the last one counts, also over the options', async (t) => {
  const where = { port, host: '10.9.0.1' };
  const timed = { on: true, idle: 5, interval: 1, probes: 10 };
  const untimed = { on: true, idle: 7200, interval: 75, probes: 9 };
  assert.deepEqual(await connected(t, client.net.connect({ ...where, ...TIMED })), timed);
  const late = client.net
    .connect({ ...where, ...TIMED })
    .setKeepAlive(true, 9000)
    .setKeepAlive(true);
  assert.deepEqual(await connected(t, late), untimed);
});

test('the option tcp says how to probe where a call does not, in both roles', async (t) => {
  const tcp = { keepAliveIntervalMs: 7500, keepAliveProbes: 4 };
  const mine = server.net.createServer({ ...TIMED, tcp }).listen(0, '10.9.0.1');
  t.after(() => mine.close());
  await once(mine, 'listening');
  const accepted = once(mine, 'connection');
  const ours = client.net.connect({ port: mine.address()!.port, host: '10.9.0.1', tcp });
  assert.deepEqual(await connected(t, ours), { on: false, idle: 7200, interval: 7.5, probes: 4 });
  ours.setKeepAlive(true, 5000);
  const expected = { on: true, idle: 5, interval: 7.5, probes: 4 };
  assert.deepEqual(stateOf(ours.endpoint!.connection), expected);
  ours.setKeepAlive(true, 5000, 2000, 3);
  assert.deepEqual(stateOf(ours.endpoint!.connection), { on: true, idle: 5, interval: 2, probes: 3 });
  const [peer] = (await accepted) as [Socket];
  t.after(() => peer.destroy());
  assert.deepEqual(stateOf(peer.endpoint!.connection), expected);
});

test('asking again for what is set does not begin the idle time anew', async (t) => {
  const socket = client.net.connect(port, '10.9.0.1');
  await connected(t, socket);
  const { connection } = socket.setKeepAlive(true, 5000).endpoint!;
  const due = connection.nextTimeout();
  await new Promise((resolve) => setTimeout(resolve, 2));
  socket.setKeepAlive(true, 5000);
  assert.equal(connection.nextTimeout(), due);
});
