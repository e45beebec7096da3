// HTTP with the kernel's curl as the client: `node:http` on our sockets serves pages, downloads and uploads.
import assert from 'node:assert/strict';
import { createServer as createHttpServer } from 'node:http';
import { test } from 'node:test';
import { patternStream, patternSum } from './byte-pattern.js';
import { type Allowance, ANY, assertJudged, REQUEST_FRAMES } from './judge.js';
import { FULL, fewestPackets, Lab, obstacle, STACK, STACK_V6, type TestStack } from './lab.js';
import { servePattern } from './pattern-http.js';

const skip = obstacle('curl', 'tshark');
const LARGE = FULL ? 1_000_000_000 : 100_000_000;
const MEDIUM = 20_000_000;

/** Windows open and close with the reader's pace; nothing may get lost or be sent twice. */
const FLOW_CONTROL: Allowance = { window_full: ANY, window_update: ANY, zero_window: ANY };

/** Serves patterns on a free port. */
async function serve(stack: TestStack): Promise<number> {
  const http = createHttpServer(servePattern);
  const server = stack.net.createServer(
    { allowHalfOpen: true },
    (socket) => void http.emit('connection', socket),
  );
  return stack.listen(server);
}

for (const [family, host] of [
  ['IPv4', STACK],
  ['IPv6', `[${STACK_V6}]`],
] as const) {
  test(`curl: a page over ${family}`, { skip }, async (t) => {
    const lab = Lab.open(t);
    const stack = await lab.stack({ capture: 'page.pcapng' });
    const port = await serve(stack);
    const page = await lab.run(['curl', '-gsS', '--max-time', '20', `http://${host}:${port}/page`]);
    assert.equal(page.stderr, '');
    assert.equal(page.stdout, 'a page from user space\n');
    await stack.settled();
    await stack.close();
    await assertJudged(stack.capture!, { minFrames: REQUEST_FRAMES });
  });
}

test('curl: a download of 20 MB arrives unharmed, and no segment is sent twice', { skip }, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack({ capture: 'download.pcapng' });
  const port = await serve(stack);
  const got = await lab.run(['curl', '-sS', `http://${STACK}:${port}/bytes/7/${MEDIUM}`]);
  assert.deepEqual([got.status, got.bytes, got.sum], [0, MEDIUM, patternSum(7, MEDIUM)], got.stderr);
  await stack.settled();
  await stack.close();
  await assertJudged(stack.capture!, { allow: FLOW_CONTROL, minFrames: fewestPackets(MEDIUM) });
});

test('curl: an upload of 20 MB arrives unharmed', { skip }, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack({ capture: 'upload.pcapng' });
  const port = await serve(stack);
  const argv = ['curl', '-sS', '-T', '-', `http://${STACK}:${port}/upload`];
  const answer = await lab.run(argv, patternStream(11, MEDIUM));
  assert.equal(answer.status, 0, answer.stderr);
  assert.deepEqual(JSON.parse(answer.stdout), { bytes: MEDIUM, sum: patternSum(11, MEDIUM) });
  await stack.settled();
  await stack.close();
  await assertJudged(stack.capture!, { allow: FLOW_CONTROL, minFrames: fewestPackets(MEDIUM) });
});

test(`curl: ${LARGE / 1e6} MB down and up`, { skip }, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack();
  const port = await serve(stack);
  const got = await lab.run(['curl', '-sS', `http://${STACK}:${port}/bytes/1/${LARGE}`]);
  assert.deepEqual([got.status, got.bytes, got.sum], [0, LARGE, patternSum(1, LARGE)], got.stderr);
  const answer = await lab.run(
    ['curl', '-sS', '-T', '-', `http://${STACK}:${port}/upload`],
    patternStream(2, LARGE),
  );
  assert.deepEqual(JSON.parse(answer.stdout), { bytes: LARGE, sum: patternSum(2, LARGE) }, answer.stderr);
});

const AT_ONCE = 8;
const EACH = FULL ? LARGE / AT_ONCE : 5_000_000;
/** Captures of the full sizes would take longer to judge than the transfers. */
const capture = (name: string) => (FULL ? {} : { capture: name });

async function endJudged(stack: TestStack): Promise<void> {
  await stack.settled();
  await stack.close();
  if (stack.capture === null) return;
  await assertJudged(stack.capture, { allow: FLOW_CONTROL, minFrames: fewestPackets(AT_ONCE * EACH) });
}

test(`curl: ${AT_ONCE} downloads of ${EACH / 1e6} MB at once, each unharmed`, { skip }, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack(capture('downloads.pcapng'));
  const port = await serve(stack);
  const runs = Array.from({ length: AT_ONCE }, (_, i) =>
    lab.run(['curl', '-sS', `http://${STACK}:${port}/bytes/${i}/${EACH}`]),
  );
  for (const [i, got] of (await Promise.all(runs)).entries()) {
    const what = `download ${i}: ${got.stderr}`;
    assert.deepEqual([got.status, got.bytes, got.sum], [0, EACH, patternSum(i, EACH)], what);
  }
  await endJudged(stack);
});

test(`curl: ${AT_ONCE} uploads of ${EACH / 1e6} MB at once, each unharmed`, { skip }, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack(capture('uploads.pcapng'));
  const port = await serve(stack);
  const runs = Array.from({ length: AT_ONCE }, (_, i) =>
    lab.run(['curl', '-sS', '-T', '-', `http://${STACK}:${port}/upload`], patternStream(i, EACH)),
  );
  for (const [i, answer] of (await Promise.all(runs)).entries()) {
    assert.equal(answer.status, 0, `upload ${i}: ${answer.stderr}`);
    assert.deepEqual(JSON.parse(answer.stdout), { bytes: EACH, sum: patternSum(i, EACH) }, `upload ${i}`);
  }
  await endJudged(stack);
});
