// The mutation run by itself: it finds the places, keeps the meaning of the code while every mutant is off, tells found out
// from living, and ends what does not end.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { removeBroken, writeBrokenBuild } from './broken-build.js';
import { parseOptions, UsageError } from './options.js';
import { findPoints } from './points.js';
import { judgeAll } from './run.js';
import { survey } from './survey.js';
import { Excuses } from './survivors.js';

const dist = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** Without file and scope. */
function nameOf(key: string): string {
  return key.replace(/^f \S+: /, '');
}

/** `operator from => to` of every mutant of a text. */
function mutantsOf(text: string): string[] {
  const { points } = findPoints('f', text);
  return points.flatMap((point) => point.mutants.map((one) => nameOf(one.key)));
}

describe('points of mutation', () => {
  const cases: [string, string[]][] = [
    ['function f(a) { if (a) return a; }', ['guard a => false']],
    [
      'function f(a) { if (a) g(); }',
      ['condition a => false', 'condition a => true', 'statement g(); => nothing'],
    ],
    ['const f = (a, b) => a < b;', ['compare a < b => a <= b', 'compare a < b => a >= b']],
    ['const f = (a, b) => a && !b;', ['logic a && !b => a', 'logic a && !b => (!b)', 'logic !b => !!b']],
    ['const f = (a) => a + 1;', ['arithmetic a + 1 => a - 1', 'number 1 => 2']],
    ['const f = (a, b) => Math.min(a, b);', ['call Math.min(a, b) => Math.max(a, b)']],
    ['import { seqLt } from "x"; const f = (a, b) => seqLt(a, b);', []],
    [
      'import { seqLt, seqLeq } from "x"; const f = (a, b) => seqLt(a, b);',
      ['call seqLt(a, b) => seqLeq(a, b)'],
    ],
    ['const f = { 1: true };', ['boolean true => false']],
    ['const f = () => { throw new TypeError("a" + 1); };', []],
    ['export var E; (function (E) { E[E["A"] = 0] = "A"; })(E || (E = {}));', []],
  ];
  for (const [text, expected] of cases) {
    test(text, () => assert.deepEqual(mutantsOf(text), expected));
  }
});

test('of the command line what cannot be followed is refused', () => {
  assert.equal(parseOptions(['--help']), null);
  assert.equal(parseOptions(['--sample', '5'])!.sample, 5);
  for (const args of [['--sample', '0'], ['--frob'], ['--only', '(']]) {
    assert.throws(() => parseOptions(args), UsageError);
  }
});

test('a reason holds for one mutant, or for all that a star stands for', () => {
  const [mutant] = findPoints('tcp/a', 'function f(a) { if (a) return a; }').points[0]!.mutants;
  const excuse = (text: string) =>
    new Excuses([{ mutants: [text], kind: 'equivalent', reason: 'none' }]).of(mutant!);
  assert.notEqual(excuse('tcp/a f: guard a => false'), null);
  assert.notEqual(excuse('tcp/a *=> false'), null);
  assert.equal(excuse('tcp/b *'), null);
});

/** A build of one source and one test, judged. */
async function judged(source: string, cases: string): Promise<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'synwave-mutants-'));
  try {
    for (const part of ['src', 'test']) mkdirSync(join(folder, 'dist', part), { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(join(folder, 'dist/src/f.js'), source);
    const head =
      "import test from 'node:test';import assert from 'node:assert/strict';import { f } from '../src/f.js';";
    writeFileSync(join(folder, 'dist/test/f.test.js'), head + cases);
    const all = () => true;
    const build = writeBrokenBuild(
      join(folder, 'dist'),
      join(folder, 'broken'),
      all,
      all,
      join(dist, 'test/mutants'),
    );
    const known = await survey(build, { slowestCaseMs: Number.POSITIVE_INFINITY, cache: null });
    const chosen = [...build.mutants.keys()];
    const verdicts = await judgeAll(build, known, {
      workers: 1,
      budgetMs: 60_000,
      chosen,
      killers: new Map(),
      progress: () => {},
    });
    return Object.fromEntries(verdicts.map(({ mutant, fate }) => [nameOf(mutant.key), fate]));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('tells what was found out, what lives, what no test meets, what ends never, and what acts at loading', async () => {
  const fates = await judged(
    `const least = 1 + 1;
     export function f(n) {
       let sum = 0;
       for (let i = 0; i < n; i++) sum += least;
       if (n > 100) return -sum;
       return Math.max(sum, 0);
     }`,
    "test('sums', () => assert.equal(f(3), 6));",
  );
  assert.deepEqual(fates, {
    'arithmetic 1 + 1 => 1 - 1': 'killed',
    'number 0 => 1': 'killed',
    'number 0 => 1 (2)': 'killed',
    'condition i < n => false': 'killed',
    'compare i < n => i <= n': 'killed',
    'compare i < n => i >= n': 'killed',
    'arithmetic i++ => i--': 'endless',
    'statement sum += least; => nothing': 'killed',
    'arithmetic sum += least => sum -= least': 'killed',
    'guard n > 100 => false': 'unmet',
    'compare n > 100 => n >= 100': 'unmet',
    'compare n > 100 => n <= 100': 'killed',
    'number 100 => 101': 'unmet',
    'arithmetic -sum => sum': 'unmet',
    'call Math.max(sum, 0) => Math.min(sum, 0)': 'killed',
    'number 0 => 1 (3)': 'unmet',
  });
});

test('a default of a parameter is broken, one within a pattern, too', async () => {
  const fates = await judged(
    `export function f(from, by = 1) {
       const { a = 3, b: [c = 5], d } = from;
       return a + c + d + by;
     }`,
    "test('adds', () => assert.equal(f({ b: [], d: 7 }), 16));",
  );
  for (const number of ['1 => 2', '3 => 4', '5 => 6'])
    assert.equal(fates[`number ${number}`], 'killed', number);
});

test('a mutant is judged only by cases in which it changes something', async () => {
  const fates = await judged(
    `function twice(n) { return 2 * n; }
     const state = { n: 0, asked: 0 };
     function ask() { state.asked++; return state.asked; }
     export function f(n) {
       state.n = n;
       if (twice(n) > 2 && ask() > 5) state.n += 1;
       if (ask() > n && n < 0) return 1;
       return state.asked;
     }`,
    "test('asks', () => { const n = f(0); assert.equal(f(0), n + 1); assert.equal(f(2), n + 3); });",
  );
  assert.equal(fates['statement state.n = n; => nothing'], 'survived');
  assert.equal(fates['statement state.n += 1; => nothing'], 'unmet');
  assert.equal(fates['compare twice(n) > 2 => twice(n) >= 2'], 'unmet');
  assert.equal(fates['compare ask() > 5 => ask() >= 5'], 'unmet');
  assert.equal(fates['logic twice(n) > 2 && ask() > 5 => (ask() > 5)'], 'killed');
  assert.equal(fates['logic ask() > n && n < 0 => (ask() > n)'], 'killed');
  assert.equal(fates['compare n < 0 => n <= 0'], 'killed');
});

test('what spoils the process for what follows is judged in one of its own', async () => {
  const fates = await judged(
    `let calls = 0;
     export function f(n) {
       if (n < 0) calls = 1;
       return n + calls;
     }`,
    "test('adds', () => assert.equal(f(1), 1)); test('adds to 2', () => assert.equal(f(2), 2));",
  );
  assert.equal(fates['condition n < 0 => true'], 'killed');
  assert.equal(fates['arithmetic n + calls => n - calls'], 'unmet');
});

test('a test that fails unbroken proves nothing and stops the run', async () => {
  await assert.rejects(
    judged('export const f = (n) => n + 1;', "test('wrong', () => assert.equal(f(1), 1));"),
    /fails without any mutant: f\.test\.js: wrong/,
  );
});

test('every guard of LISTEN is missed by a test when it is taken out of the real core', async (t) => {
  const folder = join(dist, `../dist-mutants-test-${process.pid}`);
  t.after(() => removeBroken(folder));
  const build = writeBrokenBuild(
    dist,
    folder,
    (file) => file === 'tcp/segment-arrives/listen',
    (file) => file === 'rfc9293/no-connection',
  );
  const known = await survey(build, { slowestCaseMs: Number.POSITIVE_INFINITY, cache: null });
  const chosen = [...build.mutants.keys()].filter((one) => build.mutants[one]!.operator === 'guard');
  const verdicts = await judgeAll(build, known, {
    workers: 1,
    budgetMs: 60_000,
    chosen,
    killers: new Map(),
    progress: () => {},
  });
  assert.equal(chosen.length, 4);
  for (const { mutant, fate } of verdicts) assert.equal(fate, 'killed', `${mutant.key}, line ${mutant.line}`);
});
