// The kernel's nc against echo and half-closed connections: whoever says FIN first still receives everything.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patternStream, patternSum, sumOf } from './byte-pattern.js';
import { ANY, assertJudged } from './judge.js';
import { KERNEL, Lab, obstacle, STACK, until } from './lab.js';

const skip = obstacle('nc', 'ss', 'tshark');
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

test('RFC9293 MUST-12 §3.6: nc -N half-closes first and still receives all that we send', { skip }, async (t) => {
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
  // nc sends when the shell lets it: after it has seen our FIN as the end of `cat`.
  const program = lab.start(
    ['sh', '-c', `mkfifo "$0" && { cat "$0" >/dev/null; cat "$1"; } | nc -N -l ${KERNEL} 4000 >"$0"`, lab.file('fifo'), lab.file('answer')],
  );
  await writePattern(lab.file('answer'), 6, SIZE);
  await until('nc listens', async () => (await lab.run(['ss', '-Htln', 'sport = 4000'])).stdout !== '');
  const socket = stack.net.connect({ host: KERNEL, port: 4000, allowHalfOpen: true });
  socket.end('that is all from us');
  assert.deepEqual(await sumOf(socket), { bytes: SIZE, sum: patternSum(6, SIZE) });
  const result = await program.ended;
  assert.equal(result.status, 0, result.stderr);
  await stack.settled();
  assert.deepEqual(stack.states(), ['TIME-WAIT'], 'we closed first, TIME-WAIT is on our side');
  await stack.close();
  await assertJudged(stack.capture!, { allow: FLOW_CONTROL });
});

async function writePattern(path: string, seed: number, size: number): Promise<void> {
  const { createWriteStream } = await import('node:fs');
  const { pipeline } = await import('node:stream/promises');
  await pipeline(patternStream(seed, size), createWriteStream(path));
}
