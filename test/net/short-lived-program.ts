// A server whose clients stay, and then clients that come and go: prints how many bytes of each of these are left to a collection
// of everything.
import { setImmediate } from 'node:timers/promises';
import { getHeapSpaceStatistics } from 'node:v8';
import { createStack, memoryLinkPair } from '../../src/index.js';
import type { Endpoint } from '../../src/stack/endpoint.js';
import { Event } from '../../src/tcp/connection.js';
import { IpAddress } from '../../src/wire/address.js';

const STAY = 4000;
const SHORT = 8000;
/** So few at once that V8 does not take what Node makes for each of them for something that stays. */
const AT_ONCE = 6;
const PORT = 7;
const HOST = '10.0.0.1';

const [link, far] = memoryLinkPair();
const { net } = await createStack({ link, addresses: [`${HOST}/24`] });
const { core } = await createStack({ link: far, addresses: ['10.0.0.2/24'] });
const remote = IpAddress.parse(HOST)!;
const kept: unknown[] = [];

net
  .createServer((socket) => {
    if (kept.length < 2 * STAY) kept.push(socket);
    else socket.on('data', (chunk) => socket.write(chunk)).on('error', () => {});
  })
  .listen(PORT);

function connect(onEvents: (endpoint: Endpoint, events: number) => void): Endpoint {
  const endpoint = core.connect({ remote, remotePort: PORT }, null);
  endpoint.handler = { onEvents };
  return endpoint;
}

function stay(): Promise<void> {
  return new Promise((resolve) => {
    const endpoint = connect((_, events) => {
      if ((events & Event.ESTABLISHED) !== 0) resolve();
    });
    kept.push(endpoint);
  });
}

async function comeAndGo(): Promise<void> {
  await new Promise<void>((resolve) => {
    connect((endpoint, events) => {
      if ((events & Event.ESTABLISHED) !== 0) endpoint.sendCopy(Uint8Array.of(1), true);
      if (endpoint.receive(1) === null) return;
      endpoint.abort();
      resolve();
    });
  });
  await setImmediate();
}

async function many(count: number, each: () => Promise<void>): Promise<void> {
  let left = count;
  const one = async () => {
    while (left-- > 0) await each();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

function oldBytes(): number {
  const old = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space');
  return old!.space_used_size;
}

await many(STAY, stay);
while (kept.length < 2 * STAY) await setImmediate();
// By then it is compiled.
await many(SHORT, comeAndGo);
const before = oldBytes();
await many(SHORT, comeAndGo);
process.stdout.write(`${Math.round((oldBytes() - before) / SHORT)}\n`);
process.exit();
