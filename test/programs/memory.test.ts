// Thousands of short connections on one stack, a hundred thousand with SYNWAVE_FULL=1: memory may not grow with them.
import assert from 'node:assert/strict';
import type * as NodeNet from 'node:net';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { memoryLinkPair } from '../../src/link/memory.js';
import { createNet } from '../../src/net/net.js';
import { VirtualClock } from '../../src/stack/clock.js';
import { Stack } from '../../src/stack/stack.js';
import { drive, TIME_WAIT_OVER_MS } from './drive.js';
import { eventOf, type NetModule } from './place.js';

const SERVER = '10.9.0.1';
const ROUNDS = 10;
const A_ROUND = process.env.SYNWAVE_FULL === '1' ? 10_000 : 3000;
const AT_ONCE = 50;
/** Rounds until caches, pools and compiled code have their final size. */
const WARM_UP = 4;
/** Growth that counts as none: far less than any object that one connection could leave. */
const TOLERANCE_BYTES = 30 * A_ROUND * (ROUNDS - WARM_UP - 1);

const collectGarbage = (() => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

/** Bytes in use after what is garbage has gone. */
async function bytesInUse(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** One request and answer; every third connection is ended by the server, every fifth reset. */
async function connectOnce(net: NetModule, port: number, number: number): Promise<void> {
  const socket = net.connect({ host: SERVER, port, noDelay: true });
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const word = number % 3 === 0 ? 'end' : 'echo';
  socket.write(word);
  const [answer] = (await eventOf(socket, 'data')) as [Buffer];
  assert.equal(answer.toString(), word);
  if (number % 5 === 0) socket.resetAndDestroy();
  else socket.end();
  await closed;
}

test(`${ROUNDS * A_ROUND} short connections leave no memory behind`, { timeout: 240_000 }, async (t) => {
  const clock = new VirtualClock();
  const [link] = memoryLinkPair({ clock });
  const stack = new Stack({ link, addresses: [`${SERVER}/24`], clock });
  t.after(() => stack.close());
  const net = createNet(stack) as unknown as NetModule;
  const server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      socket.write(chunk);
      if (chunk.toString() === 'end') socket.end();
    });
  });
  server.listen(0, SERVER);
  await eventOf(server, 'listening');
  const { port } = server.address() as NodeNet.AddressInfo;
  const used: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    let begun = 0;
    const worker = async () => {
      while (begun < A_ROUND) await connectOnce(net, port, begun++);
    };
    await drive(clock, Promise.all(Array.from({ length: AT_ONCE }, worker)));
    clock.advance(TIME_WAIT_OVER_MS);
    assert.deepEqual([...stack.connections()], []);
    used.push(await bytesInUse());
  }
  const growth = used.at(-1)! - used[WARM_UP]!;
  assert.ok(growth < TOLERANCE_BYTES, `bytes in use after each round: ${used.join(' ')}`);
  server.close();
  await drive(clock, eventOf(server, 'close'));
  await stack.close();
});
