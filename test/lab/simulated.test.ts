// Every scenario in the simulation: it passes, and the same seed gives the same bytes.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type BatchResult, folderOf, runBatch } from '../../src/lab/batch.js';
import { SIMULATED } from '../../src/lab/catalogue.js';
import { CLAIMS } from '../../src/lab/claims.js';
import { passed } from '../../src/lab/outcome.js';
import { labPages } from '../../src/lab/pages.js';
import { reportLines } from '../../src/lab/report.js';
import { displayWidth } from '../../src/observe/display-width.js';
import { STATE_NAMES } from '../../src/tcp/state.js';

const folder = mkdtempSync(join(tmpdir(), 'synwave-lab-test-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const JOBS = SIMULATED.map((entry) => ({ entry, world: 'sim' as const }));

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
        // The table of a header's fields is wider than a ladder.
        assert.ok(displayWidth(line) <= (line.includes('§') ? 140 : 100), line);
      }
    }
  });
}

test('the same seed gives the same capture and the same log, byte by byte', async () => {
  const before = await first;
  await run('second', 1);
  assert.ok(before.outcomes.length > 0);
  for (const job of JOBS) {
    for (const name of ['wire.pcapng', 'story.pcapng', 'log.ndjson']) {
      const [a, b] = ['first', 'second'].map((each) => readFileSync(join(folder, each, folderOf(job), name)));
      assert.ok(a!.equals(b!), `${job.entry.variant.id}: ${name} differs`);
    }
  }
});

test('the pages of docs/lab are what comes out; else run scripts/lab-pages', async () => {
  const { outcomes } = await first;
  const docs = fileURLToPath(new URL('../../../docs/lab/', import.meta.url));
  const pages = labPages(outcomes);
  assert.deepEqual(readdirSync(docs).sort(), [...pages.keys()].sort());
  for (const [name, page] of pages) assert.equal(readFileSync(join(docs, name), 'utf8'), page, name);
});

test('the ladder of README.zh-CN.md is the one that comes out', async () => {
  const { outcomes } = await first;
  const outcome = outcomes.find(({ variant }) => variant.id === 'T01')!;
  const lines = reportLines(outcome, { lang: 'zh', color: false, unicode: false });
  const ladder = lines.slice(
    0,
    lines.findIndex((line) => line.startsWith(' 通过')),
  );
  const readme = readFileSync(new URL('../../../README.zh-CN.md', import.meta.url), 'utf8');
  assert.ok(readme.includes(ladder.join('\n')), ladder.join('\n'));
});

test('every claim is demonstrated, and every state is reached', async () => {
  const { outcomes } = await first;
  const shown = new Set(outcomes.flatMap(({ scenario }) => scenario.claims));
  assert.deepEqual(
    CLAIMS.map(({ id }) => id).filter((id) => !shown.has(id)),
    [],
  );
  const reached = new Set(outcomes.flatMap(({ states }) => states));
  assert.deepEqual(
    STATE_NAMES.filter((name) => !reached.has(name)),
    [],
  );
});

test('a counterfactual marks every record and every packet', async () => {
  const { outcomes } = await first;
  const unsafe = outcomes.filter((outcome) => outcome.unsafe.length > 0);
  assert.ok(unsafe.length >= 5);
  for (const outcome of unsafe) {
    for (const line of outcome.log)
      assert.equal((JSON.parse(line) as { unsafe?: boolean }).unsafe, true, line);
    const capture = readFileSync(outcome.capture);
    const packets = outcome.verdict?.segments ?? 0;
    const marks = capture.toString('latin1').split(`UNSAFE: ${outcome.unsafe.join(', ')}`).length - 1;
    assert.ok(marks >= packets, `${outcome.variant.id}: ${marks} marks on ${packets} packets`);
  }
});

test('another seed gives other numbers, and passes as well', async () => {
  const { outcomes } = await run('other', 7);
  for (const outcome of outcomes) {
    const lines = reportLines(outcome, { lang: 'en', color: false, unicode: false });
    assert.ok(passed(outcome), lines.join('\n'));
  }
});
