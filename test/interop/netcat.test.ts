// The kernel's nc against echo and half-closed connections: whoever says FIN first still receives everything.
import assert from 'node:assert/strict';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { test } from 'node:test';
import { patternStream, patternSum, sumOf } from './byte-pattern.js';
import { ANY, assertJudged } from './judge.js';
import { Lab, obstacle, STACK, until } from './lab.js';

const skip = obstacle('nc', 'tshark');
const SIZE = 5_000_000;
const FLOW_CONTROL = { window_full: ANY, window_update: ANY, zero_window: ANY };

test('nc: what it sends comes back from our echo, and its FIN too', { skip }, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack({ capture: 'echo.pcapng' });
  const port = await stack.listen(
    stack.net.createServer({ allowHalfOpen: true }, (socket) => void socket.pipe(socket)),
  );
  const echoed = await lab.run(['nc', '-N', STACK, String(port)], patternStream(3, SIZE));
  assert.deepEqual([echoed.status, echoed.bytes, echoed.sum], [0, SIZE, patternSum(3, SIZE)], echoed.stderr);
  await stack.settled();
  await stack.close();
  await assertJudged(stack.capture!, { allow: FLOW_CONTROL });
});

test('RFC9293 MUST-12 §3.6: nc -N half-closes first and still receives all that we send', {
  skip,
}, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack({ capture: 'kernel-first.pcapng' });
  const heard: string[] = [];
  const server = stack.net.createServer({ allowHalfOpen: true }, async (socket) => {
    // The answer begins only when the whole request, its FIN included, is here.
    heard.push((await sumOf(socket)).sum);
    patternStream(5, SIZE).pipe(socket);
  });
  const port = await stack.listen(server);
  const got = await lab.run(['nc', '-N', STACK, String(port)], patternStream(4, SIZE));
  assert.deepEqual(heard, [patternSum(4, SIZE)]);
  assert.deepEqual([got.status, got.bytes, got.sum], [0, SIZE, patternSum(5, SIZE)], got.stderr);
  await stack.settled();
  assert.deepEqual(stack.states(), [], 'the kernel closed first, TIME-WAIT is on its side');
  await stack.close();
  await assertJudged(stack.capture!, { allow: FLOW_CONTROL });
});

test('RFC9293 §3.6: we half-close first and still receive all that nc sends', { skip }, async (t) => {
  const lab = Lab.open(t);
  const stack = await lab.stack({ capture: 'stack-first.pcapng' });
  await writePattern(lab.file('answer'), 6, SIZE);
  let got: ReturnType<typeof sumOf> | null = null;
  const server = stack.net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.end('that is all from us');
    got = sumOf(socket);
  });
  const port = await stack.listen(server);
  // nc gets something to send only when our FIN has arrived there. (With -l it would leave at our FIN.)
  const script = `mkfifo "$0"; { read _ <"$0"; cat "$1"; } | nc -N ${STACK} ${port}`;
  const program = lab.start(['sh', '-c', script, lab.file('gate'), lab.file('answer')]);
  await until('the kernel has our FIN', () => stack.states().includes('FIN-WAIT-2'));
  await lab.run(['sh', '-c', 'echo go >"$0"', lab.file('gate')]);
  assert.deepEqual(await got, { bytes: SIZE, sum: patternSum(6, SIZE) });
  const result = await program.ended;
  assert.deepEqual([result.status, result.stdout], [0, 'that is all from us'], result.stderr);
  await stack.settled();
  assert.deepEqual(stack.states(), ['TIME-WAIT'], 'we closed first, TIME-WAIT is on our side');
  await stack.close();
  await assertJudged(stack.capture!, { allow: FLOW_CONTROL });
});

async function writePattern(path: string, seed: number, size: number): Promise<void> {
  await pipeline(patternStream(seed, size), createWriteStream(path));
}
