// `npm run bench:idle`: what idle connections take, on a stack of its own over a link in memory, in one process.
import { parseArgs } from 'node:util';
import { writeHeapSnapshot } from 'node:v8';
import { createStack, memoryLinkPair, type SynwaveStack } from '../../../src/index.js';
import { IpAddress } from '../../../src/wire/address.js';
import { CrudeClients } from './crude-clients.js';

const USAGE = `usage: npm run bench:idle -- [--connections N] [--sockets] [--snapshot FILE]
Bytes of an idle connection: of the core alone, or with its Socket. Prints JSON.

  --connections N   how many (100000)
  --sockets         accepted by a server of stack.net; else only by the core
  --snapshot FILE   leave a heap snapshot of the end`;

const PORT = 7;
const ADDRESS = '10.0.0.1';
/** Of each, so that nothing but memory bounds them. */
const LIMIT = 1 << 24;

/** Bytes of objects and buffers after a collection of garbage, and of the process. */
function memory() {
  for (let i = 0; i < 3; i++) globalThis.gc!();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}

/** Keeps what is accepted as an application would: it refers to it. */
function accept(stack: SynwaveStack, withSockets: boolean): unknown[] {
  const kept: unknown[] = [];
  if (withSockets) {
    stack.net.createServer((socket) => void kept.push(socket)).listen({ port: PORT, backlog: 1024 });
    return kept;
  }
  const address = IpAddress.parse(ADDRESS)!;
  stack.core.listen(
    { address, port: PORT, backlog: 1024 },
    {
      onAcceptable: (listener) => {
        for (let next = listener.accept(); next !== null; next = listener.accept()) kept.push(next);
      },
    },
  );
  return kept;
}

async function measure(connections: number, withSockets: boolean) {
  const [link, far] = memoryLinkPair();
  // A stack does not keep a process by itself, and a SYN,ACK may have to be sent again.
  setInterval(() => {}, 1000);
  const limits = { connections: LIMIT, halfOpen: LIMIT };
  const stack = await createStack({ link, addresses: [`${ADDRESS}/8`], limits });
  const kept = accept(stack, withSockets);
  const clients = new CrudeClients(far, IpAddress.parse(ADDRESS)!, PORT);
  // The first ones bring what all share.
  const first = 1000;
  await clients.open(first);
  while (kept.length < first) await new Promise(setImmediate);
  const before = memory();
  const begun = performance.now();
  await clients.open(connections);
  while (kept.length < first + connections) await new Promise(setImmediate);
  const seconds = (performance.now() - begun) / 1000;
  const after = memory();
  return {
    connections,
    sockets: withSockets,
    bytesEach: (after.heap - before.heap) / connections,
    residentBytesEach: (after.rss - before.rss) / connections,
    openedPerSecond: connections / seconds,
    established: stack.stats.tcp.currEstab,
    residentMb: after.rss / 2 ** 20,
  };
}

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '100000' },
    sockets: { type: 'boolean', default: false },
    snapshot: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
if (values.help) {
  process.stdout.write(`${USAGE}\n`);
} else {
  const found = await measure(Number(values.connections), values.sockets);
  process.stdout.write(`${JSON.stringify(found)}\n`);
  if (values.snapshot !== undefined) writeHeapSnapshot(values.snapshot);
}
process.exit();
