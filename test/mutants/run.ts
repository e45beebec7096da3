// Judges mutants: starts worker processes, gives each mutant the cases that meet it, quickest first, and collects verdicts.
import { type ChildProcess, fork } from 'node:child_process';
import type { BrokenBuild, PlacedMutant } from './broken-build.js';
import type { Judged, Reply, Request } from './protocol.js';

/** What became of a mutant. `unmet`: no case comes past it. `crashed`: it took its process down. */
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
  readonly progress: (done: number, of: number, verdict: Verdict) => void;
}

/** What the tests do without any mutant. */
export interface Survey {
  readonly names: readonly string[];
  /** How long each case takes; infinite for those that are no judges. */
  readonly ms: readonly number[];
  /** For each mutant, the cases that meet it, quickest first. */
  readonly judges: readonly (readonly number[])[];
  /** Mutants that loading the core meets: they must be on before it is loaded. */
  readonly metByLoading: ReadonlySet<number>;
}

/** A process is given up after so long without an answer beyond what its cases may take. */
const SILENCE_MS = 30_000;
const LOAD_MS = 120_000;

/** A run that is interrupted leaves none behind. */
const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

class Worker {
  private readonly child: ChildProcess;
  private readonly inbox: Reply[] = [];
  private waiting: ((reply: Reply | null) => void) | null = null;
  private gone = false;

  constructor(build: BrokenBuild, onWhileLoading: number) {
    const { files, testFiles, mutants } = build;
    const given = [String(onWhileLoading), String(mutants.length), ...files, '--', ...testFiles];
    this.child = fork(build.worker, given, {
      serialization: 'advanced',
      // Of the simulated worlds a few do: what they find out is found out in the first ones.
      env: { ...process.env, SYNWAVE_SIM_SEEDS: '4' },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: ['--max-old-space-size=1024', '--unhandled-rejections=strict'],
    });
    this.child.on('message', (reply: Reply) => this.deliver(reply));
    alive.add(this.child);
    this.child.on('exit', () => {
      alive.delete(this.child);
      this.gone = true;
      this.deliver(null);
    });
    this.child.on('error', () => {});
  }

  private deliver(reply: Reply | null): void {
    const { waiting } = this;
    this.waiting = null;
    if (waiting !== null) waiting(reply);
    else if (reply !== null) this.inbox.push(reply);
  }

  /** The next reply, or null when the process has died or was silent for so long. */
  async next(ms: number): Promise<Reply | null> {
    const ready = this.inbox.shift();
    if (ready !== undefined) return ready;
    if (this.gone) return null;
    let timer: NodeJS.Timeout | undefined;
    const reply = await new Promise<Reply | null>((resolve) => {
      this.waiting = resolve;
      timer = setTimeout(() => {
        this.waiting = null;
        resolve(null);
      }, ms);
    });
    clearTimeout(timer);
    return reply;
  }

  send(request: Request): void {
    if (!this.gone) this.child.send(request, () => {});
  }

  end(): void {
    this.child.kill('SIGKILL');
  }
}

/**
 * Runs every case unbroken.
 * @param slowestCaseMs cases that take longer are no judges
 * @param quickestCaseMs nor are those that take less
 * @throws Error when one fails: a broken test proves nothing
 */
export async function survey(build: BrokenBuild, slowestCaseMs: number, quickestCaseMs = 0): Promise<Survey> {
  const worker = new Worker(build, -1);
  try {
    const loaded = await worker.next(LOAD_MS);
    if (loaded?.kind !== 'loaded')
      throw new Error('the tests cannot be loaded with the mutants behind their switches');
    worker.send({ kind: 'survey', slowestCaseMs });
    const ms: number[] = [];
    const judges: number[][] = build.mutants.map(() => []);
    for (const name of loaded.names) {
      const one = await worker.next(10 * LOAD_MS);
      if (one?.kind !== 'surveyed') throw new Error(`the survey ended at: ${name}`);
      if (one.failure !== null) throw new Error(`fails without any mutant: ${name}\n${one.failure}`);
      ms.push(one.repeats ? one.ms : Number.POSITIVE_INFINITY);
      if (one.repeats && one.ms >= quickestCaseMs)
        for (const mutant of one.met) judges[mutant]!.push(one.index);
    }
    for (const list of judges) list.sort((a, b) => ms[a]! - ms[b]!);
    return { names: loaded.names, ms, judges, metByLoading: new Set(loaded.metByLoading) };
  } finally {
    worker.end();
  }
}

/** Judges the chosen mutants. */
export async function judgeAll(build: BrokenBuild, known: Survey, options: RunOptions): Promise<Verdict[]> {
  const queue = [...options.chosen];
  const verdicts: Verdict[] = [];
  // Neighbours are often found out by the same cases.
  const recent = new Map<string, number[]>();

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
        const { fate, by } = await judgeOne(build, known, bench, number, recent, options.budgetMs);
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
  recent: ReadonlyMap<string, readonly number[]>,
  budgetMs: number,
): Promise<Ruling> {
  const met = known.judges[number]!;
  const atLoading = known.metByLoading.has(number);
  if (met.length === 0 && !atLoading) return { fate: 'unmet', by: -1 };
  const meets = new Set(met);
  const first = (recent.get(build.mutants[number]!.file) ?? []).filter((one) => meets.has(one));
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
  const cases = order.length > 0 ? order : within(known, quickest(known), budgetMs);
  const worker = new Worker(build, number);
  try {
    if ((await worker.next(LOAD_MS))?.kind !== 'loaded') return { fate: 'crashed', by: -1 };
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

/** For what acts at loading no case can be named: all that are quick. */
function quickest(known: Survey): number[] {
  const order = [...known.ms.keys()].sort((a, b) => known.ms[a]! - known.ms[b]!);
  return order.filter((one) => known.ms[one]! <= 100);
}

async function ready(build: BrokenBuild, onWhileLoading: number): Promise<Worker> {
  const worker = new Worker(build, onWhileLoading);
  if ((await worker.next(LOAD_MS))?.kind !== 'loaded') throw new Error('a worker does not load any more');
  return worker;
}

async function ask(
  worker: Worker,
  known: Survey,
  mutant: number,
  cases: readonly number[],
): Promise<Ruling | 'unsure'> {
  const limits = cases.map((one) => 20 * known.ms[one]! + 1000);
  worker.send({ kind: 'judge', mutant, cases, limits });
  const patience = SILENCE_MS + 5 * cases.reduce((sum, one) => sum + known.ms[one]!, 0);
  const reply = (await worker.next(patience)) as Judged | null;
  if (reply === null) return { fate: 'crashed', by: -1 };
  if (reply.verdict === 'unsure') return 'unsure';
  return { fate: reply.verdict, by: reply.by };
}
