// The loss matrix in virtual time, as a table that people read (loss-matrix.txt). It changes when the core does: then
// UPDATE_GOLDEN=1 node --test dist/test/golden/loss-matrix.test.js
// writes it anew, and the difference belongs into the commit.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { lossMatrix } from '../sim/loss-matrix.js';

const SEED = 1;
/** The source tree's copy; the compiled test runs three levels below the root. */
const file = new URL('../../../test/golden/loss-matrix.txt', import.meta.url);

test(`the loss matrix in virtual time is the golden one (seed ${SEED})`, () => {
  const table = lossMatrix(SEED);
  if (process.env.UPDATE_GOLDEN) writeFileSync(file, table);
  const golden = readFileSync(file, 'utf8').split('\n');
  const hint = 'after a change of the core: UPDATE_GOLDEN=1 node --test dist/test/golden/loss-matrix.test.js';
  for (const [i, line] of table.split('\n').entries())
    assert.equal(line, golden[i], `line ${i + 1}; ${hint}`);
  assert.equal(table.split('\n').length, golden.length, hint);
});
