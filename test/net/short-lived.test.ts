// What a process that serves many connections at rest makes of those that come and go.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./short-lived-program.js', import.meta.url));
/** So much that nothing calls for a collection of everything, which would hide what it is there to free; and V8 decides at full size. */
const FLAGS = ['--initial-old-space-size=1024', '--min-semi-space-size=16', '--max-semi-space-size=16'];

/** There something else of a short connection is made old, of which it is not known yet what. */
const skip =
  Number(process.versions.node.split('.', 1)[0]) >= 26 ? 'what V8 of Node 26 makes old is not known' : false;

test('beside many connections that stay, quick collections free those that come and go', { skip }, () => {
  const left = Number(execFileSync(process.execPath, [...FLAGS, PROGRAM], { encoding: 'utf8' }));
  assert.ok(left < 5000, `${left} bytes of each are left over; with its socket it has nine thousand`);
});
