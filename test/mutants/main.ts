// `scripts/mutants`: breaks the core in one place at a time and looks whether a test finds out. See `USAGE`.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '../tcp/random.js';
import { type PlacedMutant, removeBroken, writeBrokenBuild } from './broken-build.js';
import { type MutantOptions, parseOptions, USAGE, UsageError } from './options.js';
import { lives, outcomeOf, printed, written } from './report.js';
import { type Fate, judgeAll, type RunOptions, type Verdict } from './run.js';
import { survey } from './survey.js';
import { Excuses } from './survivors.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');

process.exitCode = await main();

async function main(): Promise<number> {
  let options: MutantOptions | null;
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    console.error(`mutants: ${error.message}\n\n${USAGE}`);
    return 2;
  }
  if (options === null) {
    console.log(USAGE);
    return 0;
  }
  return run(options);
}

async function run(options: MutantOptions): Promise<number> {
  const dist = join(root, 'dist');
  // Of this process alone, so that two runs do not meet.
  const broken = join(root, `dist-mutants-${process.pid}`);
  const leave = () => removeBroken(broken);
  process.once('exit', leave);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130));
  const build = writeBrokenBuild(
    dist,
    broken,
    (file) => options.only.test(file),
    (file) => options.tests.test(file),
  );
  if (options.from.length > 0) return account(options, collected(options.from, build.mutants), build.mutants);
  const chosen = choose(options, build.mutants);
  if (options.list) {
    for (const number of chosen) {
      const mutant = build.mutants[number]!;
      console.log(`src/${mutant.file}.ts:${mutant.line} ${mutant.key}`);
    }
    return 0;
  }
  note(
    `${build.mutants.length} mutants, ${chosen.length} to judge; ${build.testNames.length} test files run unbroken first`,
  );
  const known = await survey(build, { ...options, cache: join(root, 'node_modules/.cache/synwave-mutants') });
  const quick = known.ms.filter((ms) => ms <= options.slowestCaseMs);
  note(
    `${quick.length} of ${known.ms.length} cases judge, ${Math.round(quick.reduce((a, b) => a + b, 0))} ms in all`,
  );
  const judged = await judgeAll(build, known, {
    ...options,
    chosen,
    killers: killersIn(options.first),
    progress: progress(),
  });
  const verdicts =
    options.again === null ? judged : merged(readVerdicts(options.again), judged, build.mutants);
  return account(options, verdicts, build.mutants);
}

/** Tells what came out; returns the exit code. */
function account(
  options: MutantOptions,
  verdicts: readonly Verdict[],
  mutants: readonly PlacedMutant[],
): number {
  const outcome = outcomeOf(verdicts, Excuses.read(join(root, 'test/mutants/survivors.json')));
  console.log(printed(outcome));
  if (options.json !== null) writeFileSync(options.json, `${JSON.stringify(verdicts, null, 1)}\n`);
  if (options.report !== null) writeFileSync(options.report, written(outcome, countByFile(mutants)));
  return outcome.survivors.some((one) => one.excuse === null) ? 1 : 0;
}

function countByFile(mutants: readonly PlacedMutant[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { file } of mutants) counts.set(file, (counts.get(file) ?? 0) + 1);
  return counts;
}

/** The verdicts of several runs upon the mutants that are still there. */
function collected(files: readonly string[], mutants: readonly PlacedMutant[]): Verdict[] {
  const there = new Map(mutants.map((mutant) => [mutant.key, mutant]));
  const verdicts = new Map<string, Verdict>();
  for (const verdict of files.flatMap(readVerdicts)) {
    const mutant = there.get(verdict.mutant.key);
    if (mutant !== undefined) verdicts.set(mutant.key, { ...verdict, mutant });
  }
  return [...verdicts.values()].sort((a, b) => a.mutant.key.localeCompare(b.mutant.key));
}

function choose(options: MutantOptions, mutants: readonly PlacedMutant[]): number[] {
  const again = options.again === null ? null : lived(options.again);
  const numbers = [...mutants.keys()].filter((number) => {
    const { operator, key } = mutants[number]!;
    return (options.operators?.has(operator) ?? true) && (again?.has(key) ?? true);
  });
  if (options.sample === null || options.sample >= numbers.length) return numbers;
  const random = new Random(options.seed);
  for (let i = numbers.length - 1; i > 0; i--) {
    const j = random.int(0, i);
    [numbers[i], numbers[j]] = [numbers[j]!, numbers[i]!];
  }
  return numbers.slice(0, options.sample);
}

/** What a run has written with `--json`. */
function readVerdicts(file: string): Verdict[] {
  return JSON.parse(readFileSync(file, 'utf8')) as Verdict[];
}

/** By the key of a mutant, what has found it out. */
function killersIn(files: readonly string[]): Map<string, string> {
  const found = files.flatMap(readVerdicts).filter((one) => one.by !== null);
  return new Map(found.map(({ mutant, by }) => [mutant.key, by!]));
}

/** Keys of the mutants that lived through the run that wrote this file, or did not end in it. */
function lived(file: string): Set<string> {
  return new Set(
    readVerdicts(file)
      .filter((one) => lives(one) || one.fate === 'endless')
      .map(({ mutant }) => mutant.key),
  );
}

/** The verdicts of an earlier run, as far as its mutants are still there, with those that were judged anew. */
function merged(
  earlier: readonly Verdict[],
  anew: readonly Verdict[],
  mutants: readonly PlacedMutant[],
): Verdict[] {
  const there = new Map(mutants.map((mutant) => [mutant.key, mutant]));
  const again = new Map(anew.map((verdict) => [verdict.mutant.key, verdict]));
  return earlier.flatMap((verdict) => {
    const mutant = there.get(verdict.mutant.key);
    return mutant === undefined ? [] : [again.get(mutant.key) ?? { ...verdict, mutant }];
  });
}

function note(text: string): void {
  console.error(`mutants: ${text}`);
}

function progress(): RunOptions['progress'] {
  const began = performance.now();
  let next = began;
  const counts: Partial<Record<Fate, number>> = {};
  return (done, of, { mutant, fate }) => {
    if (fate === 'survived' || fate === 'unmet')
      note(`${fate} src/${mutant.file}.ts:${mutant.line} ${mutant.key}`);
    counts[fate] = (counts[fate] ?? 0) + 1;
    const now = performance.now();
    if (now < next && done !== of) return;
    next = now + 20_000;
    const seconds = Math.round((now - began) / 1000);
    note(
      `${done} of ${of} after ${seconds} s: ${Object.entries(counts)
        .map(([name, n]) => `${n} ${name}`)
        .join(', ')}`,
    );
  };
}
