// What the tests do without any mutant: how long each case takes, and which mutants would change anything in it. What is known
// of a test file is kept until it, or something that it imports, is changed.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BrokenBuild } from './broken-build.js';
import { type Which, Worker } from './process.js';
import type { Surveyed } from './protocol.js';

/** What the tests do without any mutant. */
export interface Survey {
  readonly names: readonly string[];
  /** How long each case takes; infinite for those that are no judges. */
  readonly ms: readonly number[];
  /** How many switches each case passes. */
  readonly work: readonly number[];
  /** For each mutant, the cases in which it would change something, in the order in which they are asked. */
  readonly judges: readonly (readonly number[])[];
  /** Mutants that would change something when the core is loaded: they must be on before. */
  readonly metByLoading: ReadonlySet<number>;
}

export interface SurveyOptions {
  /** Cases that take longer are no judges. */
  readonly slowestCaseMs: number;
  /** Nor are those that take less. */
  readonly quickestCaseMs?: number;
  /** Where to keep what was found, or null. */
  readonly cache: string | null;
}

/** What is kept of a case. */
interface KeptCase {
  readonly name: string;
  readonly ms: number;
  readonly work: number;
  readonly repeats: boolean;
  readonly met: readonly number[];
}

interface Kept {
  readonly hash: string;
  readonly metByLoading: readonly number[];
  readonly cases: readonly KeptCase[];
}

/** Of a case that was so many times too slow before a change nobody asks whether it is quick now. */
const HOPELESS = 3;

/**
 * Runs every case unbroken of which not everything is known.
 * @throws Error when one fails: a broken test proves nothing
 */
export async function survey(build: BrokenBuild, options: SurveyOptions): Promise<Survey> {
  const kept = new Map<string, Kept>();
  const stale = new Map<string, Kept>();
  for (const file of build.testNames) {
    const there = read(options.cache, file);
    if (there?.hash === build.hashOf(file)) kept.set(file, there);
    else if (there !== null) stale.set(file, there);
  }
  if (kept.size < build.testNames.length) {
    for (const [file, found] of await look(build, options, kept, stale)) {
      kept.set(file, found);
      write(options.cache, file, found);
    }
  }
  return added(build, options, kept);
}

/** Surveys the files that are not known. */
async function look(
  build: BrokenBuild,
  options: SurveyOptions,
  kept: ReadonlyMap<string, Kept>,
  stale: ReadonlyMap<string, Kept>,
): Promise<Map<string, Kept>> {
  const slow = new Map<string, KeptCase>();
  for (const { cases } of stale.values()) {
    for (const one of cases) if (one.ms > HOPELESS * options.slowestCaseMs) slow.set(one.name, one);
  }
  const isAsked = (name: string) => !kept.has(fileOf(name)) && !slow.has(name);
  const timed = await surveyed(build, 'broken', options, (name) => isAsked(name));
  const isQuick = (name: string, index: number) => isAsked(name) && timed.cases.get(index)!.repeats;
  const watched = await surveyed(build, 'watched', { ...options, slowestCaseMs: 0 }, isQuick);
  const found = new Map<string, Kept>();
  for (const file of build.testNames) {
    if (kept.has(file)) continue;
    const indices = [...timed.names.keys()].filter((i) => fileOf(timed.names[i]!) === file);
    const cases = indices.map((i): KeptCase => {
      const name = timed.names[i]!;
      const one = timed.cases.get(i);
      if (one === undefined) return { ...slow.get(name)!, met: [] };
      const { ms, work, repeats } = one;
      return { name, ms, work, repeats, met: [...(watched.cases.get(i)?.met ?? [])] };
    });
    found.set(file, { hash: build.hashOf(file), metByLoading: [...watched.metByLoading], cases });
  }
  return found;
}

async function surveyed(
  build: BrokenBuild,
  which: Which,
  options: SurveyOptions,
  isAsked: (name: string, index: number) => boolean,
): Promise<{ names: readonly string[]; metByLoading: Uint32Array; cases: Map<number, Surveyed> }> {
  const worker = new Worker(build, which, -1);
  try {
    const loaded = await worker.next();
    if (loaded?.kind !== 'loaded')
      throw new Error(`the tests cannot be loaded with the mutants of the ${which} build`);
    const { names, metByLoading } = loaded;
    const asked = [...names.keys()].filter((i) => isAsked(names[i]!, i));
    worker.send({ kind: 'survey', cases: asked, slowestCaseMs: options.slowestCaseMs });
    const cases = new Map<number, Surveyed>();
    for (const index of asked) {
      const one = await worker.next();
      if (one?.kind !== 'surveyed') throw new Error(`the survey ended at: ${names[index]}`);
      if (one.failure !== null) throw new Error(`fails without any mutant: ${names[index]}\n${one.failure}`);
      cases.set(index, one);
    }
    return { names, metByLoading, cases };
  } finally {
    worker.end();
  }
}

function added(build: BrokenBuild, options: SurveyOptions, kept: ReadonlyMap<string, Kept>): Survey {
  const names: string[] = [];
  const ms: number[] = [];
  const work: number[] = [];
  const judges: number[][] = build.mutants.map(() => []);
  const metByLoading = new Set<number>();
  for (const file of build.testNames) {
    const { cases, metByLoading: atLoading } = kept.get(file)!;
    for (const one of atLoading) metByLoading.add(one);
    for (const one of cases) {
      const isJudge =
        one.repeats && one.ms <= options.slowestCaseMs && one.ms >= (options.quickestCaseMs ?? 0);
      if (isJudge) for (const mutant of one.met) judges[mutant]!.push(names.length);
      names.push(one.name);
      ms.push(one.repeats ? one.ms : Number.POSITIVE_INFINITY);
      work.push(one.work);
    }
  }
  const fileOfCase = names.map(fileOf);
  const breadths = breadthsOf(kept);
  const orders = judges.map((list) => dealt(list, ms, fileOfCase, breadths));
  return { names, ms, work, judges: orders, metByLoading };
}

/**
 * The order in which cases are asked: quick ones first, those of files that come past few mutants before those that come past all, and where files
 * are alike the quickest case of each, then the second of each.
 */
function dealt(
  cases: readonly number[],
  ms: readonly number[],
  fileOfCase: readonly string[],
  breadths: Breadths,
): number[] {
  const turns = new Map<string, number>();
  const keys = new Map<number, number>();
  const quickestFirst = [...cases].sort((a, b) => ms[a]! - ms[b]!);
  for (const one of quickestFirst) {
    const file = fileOfCase[one]!;
    const turn = (turns.get(file) ?? 0) + 1;
    turns.set(file, turn);
    keys.set(one, turn * breadths.get(file)! * (1 + ms[one]!));
  }
  return quickestFirst.sort((a, b) => keys.get(a)! - keys.get(b)!);
}

/** By test file, how many mutants would change something in it. */
type Breadths = ReadonlyMap<string, number>;

function breadthsOf(kept: ReadonlyMap<string, Kept>): Breadths {
  return new Map([...kept].map(([file, { cases }]) => [file, new Set(cases.flatMap((one) => one.met)).size]));
}

/** The test file of a case, as `BrokenBuild.testNames` has it. */
export function fileOf(name: string): string {
  return name.slice(0, name.indexOf('.test.js:'));
}

function read(cache: string | null, file: string): Kept | null {
  const path = cache === null ? null : join(cache, `${file}.json`);
  return path === null || !existsSync(path) ? null : (JSON.parse(readFileSync(path, 'utf8')) as Kept);
}

function write(cache: string | null, file: string, kept: Kept): void {
  if (cache === null) return;
  const path = join(cache, `${file}.json`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(kept));
}
