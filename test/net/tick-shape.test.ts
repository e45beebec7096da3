// Node's ticks stay as quick as they are at first, however often garbage is collected.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('./tick-shape-program.js', import.meta.url));

test('ticks are no slower after collections of everything', () => {
  const found = JSON.parse(
    execFileSync(process.execPath, ['--expose-gc', PROGRAM, 'keep'], { encoding: 'utf8' }),
  );
  assert.ok(found.after < 3 * found.before, `${found.before} ns before, ${found.after} after`);
});
