// The example of the README does what it says when it is run as it stands there.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { assertJudged, judge } from './judge.js';
import { Lab, obstacle, until } from './lab.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** The first JavaScript in the README, with the package's name resolved to this build. */
function example(): string {
  const [, code] = /```js\n([\s\S]*?)```/.exec(readFileSync(`${ROOT}README.md`, 'utf8'))!;
  const entry = new URL('../../src/index.js', import.meta.url).href;
  return code!.replace("'synwave'", `'${entry}'`);
}

const notReadableYet = () => false;

test('README: the example hears its own echo, and the kernel hears it too', {
  skip: obstacle('nc', 'tshark'),
}, async (t) => {
  const lab = Lab.open(t);
  const file = lab.file('example.mjs');
  writeFileSync(file, example().replace('run.pcapng', lab.file('run.pcapng')));
  const program = lab.start([process.execPath, file]);
  await until('the echo is heard', () => program.stderr().includes('the echo of our own stack: hello'));
  const answer = await lab.run(['nc', '-N', '-w', '10', '10.9.0.2', '7'], 'from the kernel\n');
  assert.equal(answer.stdout, 'from the kernel\n');
  // The example runs until it is killed, and writes its capture behind the packets.
  const capture = lab.file('run.pcapng');
  const hasAll = () => judge(capture).then(({ frames }) => frames >= 6, notReadableYet);
  await until('the capture has the conversation', hasAll);
  program.child.kill('SIGTERM');
  await program.ended;
  const { sent } = await assertJudged(capture, { minFrames: 6 });
  assert.ok(sent.size >= 2, 'SYN,ACK and the echo are of the stack');
  const records = program
    .stdout()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { to?: string });
  assert.ok(records.some((record) => record.to === 'ESTABLISHED'));
});
