// docs/congestion-control.md shows a complete controller: it is the text of example-controller.ts, and it works.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CONTROLLER_NAMES } from '../../../src/tcp/congestion/registry.js';
import { Bottleneck } from './bottleneck.js';
import { fewWaiting } from './example-controller.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const DOCUMENT = readFileSync(`${ROOT}docs/congestion-control.md`, 'utf8');

test('the document shows the example controller as it is compiled, but for where the package lies', () => {
  const file = readFileSync(`${ROOT}test/tcp/congestion/example-controller.ts`, 'utf8');
  const shown = file.replace(/'[./]+\/src\/tcp\/congestion\/controller\.js'/, "'synwave'");
  assert.notEqual(shown, file, 'the import was found');
  assert.ok(
    DOCUMENT.includes(`\`\`\`ts\n${shown}\`\`\`\n`),
    'the text in the document differs from the file',
  );
});

test('the document names every controller that comes with the stack', () => {
  for (const name of CONTROLLER_NAMES) assert.ok(DOCUMENT.includes(`| \`${name}\``), name);
});

for (const [mbitPerSecond, rttMs] of [
  [10, 20],
  [100, 50],
] as const) {
  test(`the example fills ${mbitPerSecond} Mbit/s at ${rttMs} ms and leaves the queue short`, () => {
    const rateBytesPerMs = mbitPerSecond * 125;
    const path = new Bottleneck(fewWaiting, { rateBytesPerMs, rttMs, queueBytes: rateBytesPerMs * rttMs });
    const usage = path.run(5000).usage(5000, 15_000);
    assert.ok(usage > 0.98, `${usage} of the bottleneck`);
    assert.ok(path.episodes <= 2, `${path.episodes} episodes of loss`);
    const { cwnd } = path.controller;
    const waiting = cwnd - rateBytesPerMs * rttMs;
    assert.ok(waiting <= 8 * 1448, `${waiting} bytes wait`);
  });
}
