// Every scenario in the simulation: it passes, and the same seed gives the same bytes.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type BatchResult, folderOf, runBatch } from '../../src/lab/batch.js';
import { VARIANTS } from '../../src/lab/catalogue.js';
import { passed } from '../../src/lab/outcome.js';
import { reportLines } from '../../src/lab/report.js';
import { worldsOf } from '../../src/lab/scenario.js';
import { displayWidth } from '../../src/observe/display-width.js';

const folder = mkdtempSync(join(tmpdir(), 'synwave-lab-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const JOBS = VARIANTS.filter(({ variant }) => worldsOf(variant).includes('sim')).map((entry) => ({
  entry,
  world: 'sim' as const,
}));

function run(name: string, seed: number): Promise<BatchResult> {
  const directory = join(folder, name);
  return runBatch(JOBS, { seed, mslMs: { sim: 1000, kernel: 100 }, lang: 'en', directory, openPlace: null });
}

const first = run('first', 1);

for (const [i, { entry }] of JOBS.entries()) {
  test(`${entry.variant.id} in the simulation: ${entry.scenario.title.en}`, async () => {
    const { outcomes } = await first;
    const outcome = outcomes[i]!;
    const lines = reportLines(outcome, { lang: 'en', color: false, unicode: false });
    assert.ok(passed(outcome), lines.join('\n'));
    for (const lang of ['en', 'zh'] as const) {
      for (const line of reportLines(outcome, { lang, color: false, unicode: false })) {
        assert.ok(displayWidth(line) <= 100, line);
      }
    }
  });
}

test('the same seed gives the same capture and the same log, byte by byte', async () => {
  const before = await first;
  await run('second', 1);
  assert.ok(before.outcomes.length > 0);
  for (const job of JOBS) {
    for (const name of ['wire.pcapng', 'log.ndjson']) {
      const [a, b] = ['first', 'second'].map((each) => readFileSync(join(folder, each, folderOf(job), name)));
      assert.ok(a!.equals(b!), `${job.entry.variant.id}: ${name} differs`);
    }
  }
});

test('another seed gives other numbers, and passes as well', async () => {
  const { outcomes } = await run('other', 7);
  for (const outcome of outcomes) {
    const lines = reportLines(outcome, { lang: 'en', color: false, unicode: false });
    assert.ok(passed(outcome), lines.join('\n'));
  }
});
