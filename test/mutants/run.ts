// Judges mutants: starts worker processes, gives each mutant the cases in which it changes something, quickest first, and
// collects verdicts.
import type { BrokenBuild, PlacedMutant } from './broken-build.js';
import { Worker } from './process.js';
import type { Judged } from './protocol.js';
import type { Survey } from './survey.js';

/** A broken case may pass so many times as many switches as unbroken, and some more, until it counts as endless. */
const WORK_TIMES = 3;
const MORE_WORK = 200_000;

/** For what acts while the core is loaded no case can be named: so long the quickest are asked. */
const AT_LOADING_MS = 1500;

/** What became of a mutant. `unmet`: it would change nothing in any case. `crashed`: it took its process down. */
export type Fate = 'killed' | 'endless' | 'crashed' | 'survived' | 'unmet';

export interface Verdict {
  readonly mutant: PlacedMutant;
  readonly fate: Fate;
  /** The case that found it out, or null. */
  readonly by: string | null;
}

/** How to run. */
export interface RunOptions {
  readonly workers: number;
  /** Cases for one mutant may take so long together, as they take unbroken; the slowest are left out. */
  readonly budgetMs: number;
  /** Numbers of the mutants to judge, in the order in which they are. */
  readonly chosen: readonly number[];
  /** Cases that have found mutants out in an earlier run, by the key of the mutant: they are asked first. */
  readonly killers: ReadonlyMap<string, string>;
  readonly progress: (done: number, of: number, verdict: Verdict) => void;
}

/** Judges the chosen mutants. */
export async function judgeAll(build: BrokenBuild, known: Survey, options: RunOptions): Promise<Verdict[]> {
  const queue = [...options.chosen];
  const verdicts: Verdict[] = [];
  // Neighbours are often found out by the same cases.
  const recent = new Map<string, number[]>();
  const indexOf = new Map(known.names.map((name, index) => [name, index]));

  const settle = (number: number, fate: Fate, by: number) => {
    const mutant = build.mutants[number]!;
    const verdict: Verdict = { mutant, fate, by: by < 0 ? null : known.names[by]! };
    verdicts.push(verdict);
    options.progress(verdicts.length, options.chosen.length, verdict);
    if (by < 0) return;
    const list = recent.get(mutant.file) ?? [];
    recent.set(mutant.file, [by, ...list.filter((one) => one !== by)].slice(0, 8));
  };

  const lane = async () => {
    const bench: { worker: Worker | null } = { worker: null };
    try {
      for (let number = queue.shift(); number !== undefined; number = queue.shift()) {
        const killer = indexOf.get(options.killers.get(build.mutants[number]!.key) ?? '');
        const likely = [
          ...(killer === undefined ? [] : [killer]),
          ...(recent.get(build.mutants[number]!.file) ?? []),
        ];
        const { fate, by } = await judgeOne(build, known, bench, number, likely, options.budgetMs);
        settle(number, fate, by);
      }
    } finally {
      bench.worker?.end();
    }
  };
  await Promise.all(Array.from({ length: options.workers }, lane));
  return verdicts.sort((a, b) => a.mutant.file.localeCompare(b.mutant.file) || a.mutant.line - b.mutant.line);
}

interface Ruling {
  readonly fate: Fate;
  readonly by: number;
}

async function judgeOne(
  build: BrokenBuild,
  known: Survey,
  bench: { worker: Worker | null },
  number: number,
  likely: readonly number[],
  budgetMs: number,
): Promise<Ruling> {
  const met = known.judges[number]!;
  const atLoading = known.metByLoading.has(number);
  if (met.length === 0 && !atLoading) return { fate: 'unmet', by: -1 };
  const meets = new Set(met);
  const first = [...new Set(likely)].filter((one) => meets.has(one));
  const order = within(known, [...first, ...met.filter((one) => !first.includes(one))], budgetMs);
  if (order.length > 0) {
    for (let attempt = 0; attempt < 2; attempt++) {
      bench.worker ??= await ready(build, -1);
      const ruling = await ask(bench.worker, known, number, order);
      if (ruling === 'unsure' || ruling.fate === 'crashed') {
        bench.worker.end();
        bench.worker = null;
      }
      if (ruling === 'unsure') continue;
      return ruling;
    }
  }
  // It acts while the code is loaded, or left nothing sound behind: a process of its own.
  const cases = order.length > 0 ? order : within(known, quickest(known), Math.min(budgetMs, AT_LOADING_MS));
  const worker = new Worker(build, 'broken', number);
  try {
    if ((await worker.next())?.kind !== 'loaded') return { fate: 'crashed', by: -1 };
    const ruling = await ask(worker, known, number, cases);
    return ruling === 'unsure' ? { fate: 'crashed', by: -1 } : ruling;
  } finally {
    worker.end();
  }
}

/** The first cases that take no longer than this together, one at least. */
function within(known: Survey, cases: readonly number[], budgetMs: number): number[] {
  let left = budgetMs;
  return cases.filter((one, i) => {
    left -= known.ms[one]!;
    return i === 0 || left >= 0;
  });
}

function quickest(known: Survey): number[] {
  return [...known.ms.keys()].sort((a, b) => known.ms[a]! - known.ms[b]!);
}

async function ready(build: BrokenBuild, onWhileLoading: number): Promise<Worker> {
  const worker = new Worker(build, 'broken', onWhileLoading);
  if ((await worker.next())?.kind !== 'loaded') throw new Error('a worker does not load any more');
  return worker;
}

async function ask(
  worker: Worker,
  known: Survey,
  mutant: number,
  cases: readonly number[],
): Promise<Ruling | 'unsure'> {
  const limits = cases.map((one) => WORK_TIMES * known.work[one]! + MORE_WORK);
  worker.send({ kind: 'judge', mutant, cases, limits });
  const reply = (await worker.next()) as Judged | null;
  if (reply === null) return { fate: 'crashed', by: -1 };
  if (reply.verdict === 'unsure') return 'unsure';
  return { fate: reply.verdict, by: reply.by };
}
