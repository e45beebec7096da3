// Thousands of short connections from the kernel's curl: none fails, none stays, and the memory comes back.
import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ANY, assertJudged, REQUEST_FRAMES } from './judge.js';
import { Lab, obstacle, STACK, type TestStack, until } from './lab.js';

const skip = obstacle('curl', 'tshark');
const SEQUENTIAL = 2000;
const CONCURRENT = 200;
/** Room for what the runtime keeps for itself: far below what 2,000 forgotten connections would hold. */
const MEMORY_SLACK_BYTES = 16 * 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function memoryInUse(): number {
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

async function serve(stack: TestStack): Promise<number> {
  const http = createHttpServer((_request, response) => {
    response.setHeader('Connection', 'close');
    response.end('ok\n');
  });
  return stack.listen(
    stack.net.createServer({ allowHalfOpen: true }, (socket) => void http.emit('connection', socket)),
  );
}

function answers(text: string): number {
  return text.split('\n').filter((line) => line === 'ok').length;
}

test(`curl: ${SEQUENTIAL} connections one after the other, ${CONCURRENT} at once`, { skip }, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack({ config: { mslMs: 500 }, capture: 'many.pcapng' });
  const port = await serve(stack);
  const url = (range: string) => `http://${STACK}:${port}/[${range}]`;

  const warm = await lab.run(['curl', '-sS', url('1-100')]);
  assert.equal(answers(warm.stdout), 100, warm.stderr);
  await until('TIME-WAIT has passed', () => stack.states().length === 0);
  const before = memoryInUse();

  const sequential = await lab.run(['curl', '-sS', url(`1-${SEQUENTIAL}`)]);
  assert.equal(sequential.status, 0, sequential.stderr);
  assert.equal(answers(sequential.stdout), SEQUENTIAL);

  const concurrent = await lab.run([
    'curl',
    '-sS',
    '--parallel',
    '--parallel-immediate',
    '--parallel-max',
    String(CONCURRENT),
    url(`1-${CONCURRENT}`),
  ]);
  assert.equal(concurrent.status, 0, concurrent.stderr);
  assert.equal(answers(concurrent.stdout), CONCURRENT);

  await stack.settled();
  await until('TIME-WAIT has passed', () => stack.states().length === 0);
  const grown = memoryInUse() - before;
  assert.ok(grown < MEMORY_SLACK_BYTES, `memory grew by ${grown} bytes`);
  const { tcp } = stack.stack.stats;
  assert.equal(tcp.passiveOpens, 100 + SEQUENTIAL + CONCURRENT);
  await stack.close();
  // The kernel may choose a port again whose TIME-WAIT has passed.
  await assertJudged(stack.capture!, {
    allow: { reused_ports: ANY },
    minFrames: REQUEST_FRAMES * (100 + SEQUENTIAL + CONCURRENT),
  });
  assert.deepEqual([tcp.currEstab, tcp.outRsts, tcp.listenDrops, tcp.listenOverflows], [0, 0, 0, 0]);
});
