// Our stack as the client of servers of the kernel, at size: downloads and uploads, alone and in parallel, and HTTP.
import assert from 'node:assert/strict';
import { type IncomingMessage, request } from 'node:http';
import type { Readable } from 'node:stream';
import { test } from 'node:test';
import { patternStream, patternSum, sumOf } from './byte-pattern.js';
import { type Allowance, ANY, assertJudged } from './judge.js';
import type { PeerReport } from './kernel-peer.js';
import { FULL, fewestPackets, KERNEL, Lab, obstacle, type TestStack, until } from './lab.js';

const skip = obstacle('tshark');
const ALONE = FULL ? 1_000_000_000 : 20_000_000;
const AT_ONCE = 8;
const EACH = FULL ? 125_000_000 : 5_000_000;

/** Windows open and close with the reader's pace; nothing may get lost or be sent twice. */
const FLOW_CONTROL: Allowance = { window_full: ANY, window_update: ANY, zero_window: ANY };

/** A stack and a server of the kernel. */
interface Stage {
  readonly stack: TestStack;
  readonly port: number;
  /** Ends the stack when its connections have ended; judges what crossed the link, at least `bytes` of it. */
  end(bytes: number): Promise<void>;
}

async function stage(lab: Lab, role: 'files' | 'http'): Promise<Stage> {
  // Captures of the full sizes would take longer to judge than the transfers.
  const stack = await lab.stack(FULL ? {} : { capture: 'client.pcapng' });
  const server = lab.peer(role, KERNEL, '0');
  await until('the server listens', () => server.stdout().includes('\n'));
  const { port } = JSON.parse(server.stdout()) as { port: number };
  const end = async (bytes: number) => {
    await stack.settled();
    await stack.close();
    if (stack.capture === null) return;
    await assertJudged(stack.capture, { allow: FLOW_CONTROL, minFrames: fewestPackets(bytes) });
  };
  return { stack, port, end };
}

async function download({ stack, port }: Stage, seed: number, size: number): Promise<void> {
  const socket = stack.net.connect({ host: KERNEL, port, allowHalfOpen: true });
  socket.end(`down ${seed} ${size}\n`);
  assert.deepEqual(await sumOf(socket), { bytes: size, sum: patternSum(seed, size) }, `download ${seed}`);
}

async function upload({ stack, port }: Stage, seed: number, size: number): Promise<void> {
  const socket = stack.net.connect({ host: KERNEL, port, allowHalfOpen: true });
  socket.write('up\n');
  patternStream(seed, size).pipe(socket);
  const report = JSON.parse(await textOf(socket)) as PeerReport;
  assert.deepEqual(report, { bytes: size, sum: patternSum(seed, size), error: null }, `upload ${seed}`);
}

async function textOf(stream: Readable): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += chunk;
  return text;
}

for (const [name, transfer] of [
  ['download', download],
  ['upload', upload],
] as const) {
  test(`our client: ${name} of ${ALONE / 1e6} MB arrives unharmed`, { skip }, async (t) => {
    const on = await stage(Lab.open(t), 'files');
    await transfer(on, 51, ALONE);
    await on.end(ALONE);
  });

  test(`our client: ${AT_ONCE} ${name}s of ${EACH / 1e6} MB at once, each unharmed`, { skip }, async (t) => {
    const on = await stage(Lab.open(t), 'files');
    await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => transfer(on, 60 + i, EACH)));
    await on.end(AT_ONCE * EACH);
  });
}

/** One request over a socket of ours; the body of the request, if any, is the pattern of `seed`. */
function fetchOver(stage: Stage, method: 'GET' | 'PUT', path: string, body: Readable | null) {
  const { stack, port } = stage;
  return new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = request({
      method,
      path,
      host: KERNEL,
      port,
      createConnection: () => stack.net.connect({ host: KERNEL, port }),
    });
    outgoing.once('response', resolve).once('error', reject);
    if (body === null) outgoing.end();
    else body.pipe(outgoing);
  });
}

test(`http.request over our sockets: ${ALONE / 1e6} MB down and up from node:http of the kernel`, {
  skip,
}, async (t) => {
  const on = await stage(Lab.open(t), 'http');
  const page = await fetchOver(on, 'GET', `/bytes/71/${ALONE}`, null);
  assert.equal(page.statusCode, 200);
  assert.deepEqual(await sumOf(page), { bytes: ALONE, sum: patternSum(71, ALONE) });
  const answer = await fetchOver(on, 'PUT', '/upload', patternStream(72, ALONE));
  assert.deepEqual(JSON.parse(await textOf(answer)), { bytes: ALONE, sum: patternSum(72, ALONE) });
  await on.end(2 * ALONE);
});
