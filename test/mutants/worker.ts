// A process that has loaded the broken core and its tests, and runs cases against one mutant after the other.
// usage: worker MUTANT COUNT FILE... -- TEST...
//   MUTANT is on while everything is loaded, -1 for none; COUNT of all mutants; FILE holds mutants
import { pathToFileURL } from 'node:url';
import { beginFile, cases } from './collect.js';
import type { Judged, JudgeRequest, Reply, Request } from './protocol.js';
import { noteMet, OutOfTime, turnOn } from './switch.js';

const LOAD_MS = 20_000;
/** A case that waits for something may wait so many times longer than it may work. */
const WAITING = 10;
/** For the case that is run again, unbroken, to see whether the process is still sound. */
const SOUND_MS = 20_000;

const [onWhileLoading, count] = process.argv.slice(2, 4).map(Number) as [number, number];
const met = new Uint8Array(count);

const dashes = process.argv.indexOf('--');
turnOn(onWhileLoading, LOAD_MS);
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
  else await survey(request.slowestCaseMs);
});

function reply(what: Reply): void {
  process.send!(what);
}

function takeMet(): Uint32Array {
  const numbers = [...met.keys()].filter((i) => met[i] === 1);
  met.fill(0);
  return Uint32Array.from(numbers);
}

async function survey(slowestCaseMs: number): Promise<void> {
  for (const index of cases.keys()) {
    noteMet(met);
    const began = performance.now();
    const failure = await run(index, -1, Number.POSITIVE_INFINITY);
    const ms = performance.now() - began;
    noteMet(null);
    const text = failure === null ? null : String((failure as Error).message ?? failure);
    // A case that shares something with others of its file may not pass again, and so cannot judge.
    const repeats = ms <= slowestCaseMs && (await run(index, -1, Number.POSITIVE_INFINITY)) === null;
    reply({ kind: 'surveyed', index, ms, failure: text, repeats, met: takeMet() });
  }
}

async function judge(request: JudgeRequest): Promise<Judged> {
  const { mutant } = request;
  for (const [i, index] of request.cases.entries()) {
    const failure = await run(index, mutant, request.limits[i]!);
    if (failure === null) continue;
    // A mutant may have spoilt what lives on in this process; then nothing that follows would prove anything.
    const sound = onWhileLoading === mutant || (await run(index, -1, SOUND_MS)) === null;
    const verdict = sound ? (failure instanceof OutOfTime ? 'endless' : 'killed') : 'unsure';
    return { kind: 'judged', mutant, verdict, by: index };
  }
  return { kind: 'judged', mutant, verdict: 'survived', by: -1 };
}

/** Runs a case; returns what it threw, or null. */
async function run(index: number, mutant: number, ms: number): Promise<unknown> {
  try {
    turnOn(mutant, ms);
    const pending = cases[index]!.body();
    if (pending instanceof Promise) await within(pending, ms);
    return null;
  } catch (error) {
    return error ?? new Error('threw nothing');
  } finally {
    turnOn(onWhileLoading, Number.POSITIVE_INFINITY);
  }
}

async function within(pending: Promise<unknown>, ms: number): Promise<void> {
  if (ms === Number.POSITIVE_INFINITY) {
    await pending;
    return;
  }
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new OutOfTime('a case does not end')), WAITING * ms);
  });
  try {
    await Promise.race([pending, late]);
  } finally {
    clearTimeout(timer);
  }
}
