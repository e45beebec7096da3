// A process that has loaded the broken core, or the watched one, and its tests, and runs cases against one mutant after the other.
// usage: worker MUTANT COUNT FILE... -- TEST...
//   MUTANT is on while everything is loaded, -1 for none; COUNT of all mutants; FILE holds mutants
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { beginFile, cases } from './collect.js';
import type { Judged, JudgeRequest, Reply, Request, SurveyRequest } from './protocol.js';
import { OutOfWork, switchesPassed, turnOn } from './switch.js';
import { noteMet } from './watch.js';

// That a property fails is enough: nobody reads the least example.
fc.configureGlobal({ endOnFailure: true });

const LOAD_SWITCHES = 10_000_000;
/** A case that waits while nothing happens in the process is given up after so long. */
const IDLE_MS = 1000;

const [onWhileLoading, count] = process.argv.slice(2, 4).map(Number) as [number, number];
const met = new Uint8Array(count);
/** Switches passed by the case that ran last. */
let lastWork = 0;

const dashes = process.argv.indexOf('--');
turnOn(onWhileLoading, LOAD_SWITCHES);
noteMet(met);
for (const file of process.argv.slice(4, dashes)) await import(pathToFileURL(file).href);
noteMet(null);
const metByLoading = takeMet();
for (const file of process.argv.slice(dashes + 1)) {
  beginFile(file.replace(/^.*\/test\//, ''));
  await import(pathToFileURL(file).href);
}
reply({ kind: 'loaded', names: cases.map((one) => one.name), metByLoading });

process.on('message', async (request: Request) => {
  if (request.kind === 'judge') reply(await judge(request));
  else await survey(request);
});

function reply(what: Reply): void {
  process.send!(what);
}

function takeMet(): Uint32Array {
  const numbers = [...met.keys()].filter((i) => met[i] === 1);
  met.fill(0);
  return Uint32Array.from(numbers);
}

async function survey(request: SurveyRequest): Promise<void> {
  for (const index of request.cases) {
    noteMet(met);
    const first = await timed(index);
    noteMet(null);
    const { work } = first;
    // One that waits for something else than the core is no judge.
    const waits = first.failure instanceof OutOfWork;
    const failure = waits ? null : first.failure;
    const text = failure === null ? null : String((failure as Error).message ?? failure);
    // A case that shares something with others of its file may not pass again, and so cannot judge.
    const second = !waits && first.ms <= 2 * request.slowestCaseMs ? await timed(index) : first;
    const ms = Math.min(first.ms, second.ms);
    const repeats = ms <= request.slowestCaseMs && second.failure === null;
    reply({ kind: 'surveyed', index, ms, work, failure: text, repeats, met: takeMet() });
  }
}

async function timed(index: number): Promise<{ failure: unknown; ms: number; work: number }> {
  const began = process.cpuUsage();
  const failure = await run(index, -1, Number.POSITIVE_INFINITY);
  const { user, system } = process.cpuUsage(began);
  return { failure, ms: (user + system) / 1000, work: lastWork };
}

async function judge(request: JudgeRequest): Promise<Judged> {
  const { mutant } = request;
  for (const [i, index] of request.cases.entries()) {
    const failure = await run(index, mutant, request.limits[i]!);
    if (failure === null) continue;
    // A mutant may have spoilt what lives on in this process; then nothing that follows would prove anything.
    const sound = onWhileLoading === mutant || (await run(index, -1, request.limits[i]!)) === null;
    const verdict = sound ? (failure instanceof OutOfWork ? 'endless' : 'killed') : 'unsure';
    return { kind: 'judged', mutant, verdict, by: index };
  }
  return { kind: 'judged', mutant, verdict: 'survived', by: -1 };
}

/** Runs a case; returns what it threw, or null. */
async function run(index: number, mutant: number, switches: number): Promise<unknown> {
  try {
    turnOn(mutant, switches);
    const pending = cases[index]!.body();
    if (pending instanceof Promise) await unlessIdle(pending);
    return null;
  } catch (error) {
    return error ?? new Error('threw nothing');
  } finally {
    lastWork = switchesPassed();
    turnOn(onWhileLoading, Number.POSITIVE_INFINITY);
  }
}

/** Waits; gives up what waits for nothing, which a process that only gets no processor does not. */
async function unlessIdle(pending: Promise<unknown>): Promise<void> {
  const began = performance.eventLoopUtilization();
  let watch: NodeJS.Timeout | undefined;
  const idle = new Promise((_, reject) => {
    watch = setInterval(() => {
      if (performance.eventLoopUtilization(began).idle > IDLE_MS)
        reject(new OutOfWork('a case waits for what does not come'));
    }, IDLE_MS / 4);
  });
  try {
    await Promise.race([pending, idle]);
  } finally {
    clearInterval(watch);
  }
}
