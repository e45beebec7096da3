// Runs many variants: those of the simulation one after the other, those with the kernel several at once.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lang } from '../observe/lexicon.js';
import { type CatalogueEntry, clientPortOf } from './catalogue.js';
import { openCounterfactual } from './counterfactual.js';
import type { KernelPlace } from './kernel-place.js';
import { openKernelWorld } from './kernel-world.js';
import type { Outcome } from './outcome.js';
import type { PlaySettings } from './rig.js';
import { play } from './run.js';
import type { World } from './scenario.js';
import { judgeOutcomes } from './verdict.js';

/** Runs with the kernel at the same time: they wait more than they work. */
const KERNEL_RUNS_AT_ONCE = 4;

/** A variant in a world. */
export interface Job {
  readonly entry: CatalogueEntry;
  readonly world: World;
}

/** How to run them. */
export interface BatchSettings {
  readonly seed: number;
  readonly mslMs: Readonly<Record<World, number>>;
  readonly lang: Lang;
  /** Every run gets a folder in it: `wire.pcapng`, `log.ndjson`. */
  readonly directory: string;
  /** Makes a namespace; null where only the simulation is asked for. */
  readonly openPlace: ((name: string) => KernelPlace) | null;
  /** Hears of each run as it begins. */
  readonly onBegin?: (job: Job, settings: PlaySettings) => void;
}

/** What came of a batch. */
export interface BatchResult {
  readonly outcomes: readonly Outcome[];
  /** Why tshark did not judge, or null. */
  readonly noJudge: string | null;
}

/** Folder of a run below the batch's. */
export function folderOf(job: Job): string {
  return `${job.entry.variant.id}-${job.world}`;
}

/** Runs all jobs; outcomes come in their order. */
export async function runBatch(jobs: readonly Job[], settings: BatchSettings): Promise<BatchResult> {
  const outcomes: (Outcome | undefined)[] = jobs.map(() => undefined);
  const numbered = jobs.map((job, index) => ({ job, index }));
  for (const { job, index } of numbered) {
    if (job.world === 'sim') outcomes[index] = await runJob(job, settings);
  }
  const waiting = numbered.filter(({ job }) => job.world === 'kernel');
  const worker = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      outcomes[next.index] = await runJob(next.job, settings);
    }
  };
  await Promise.all(Array.from({ length: KERNEL_RUNS_AT_ONCE }, worker));
  const all = outcomes.filter((outcome): outcome is Outcome => outcome !== undefined);
  return { outcomes: all, noJudge: await judged(all, settings.directory) };
}

async function runJob(job: Job, batch: BatchSettings): Promise<Outcome> {
  const { scenario, variant } = job.entry;
  const folder = join(batch.directory, folderOf(job));
  mkdirSync(folder, { recursive: true });
  const common = {
    scenario,
    variant,
    world: job.world,
    seed: batch.seed,
    mslMs: Math.max(batch.mslMs[job.world], variant.leastMslMs ?? 0),
    clientPort: clientPortOf(job.entry, job.world),
    lang: batch.lang,
    capture: join(folder, 'wire.pcapng'),
  };
  const outcome =
    job.world === 'sim' ? await inSimulation(job, batch, common) : await withKernel(job, batch, common);
  writeFileSync(join(folder, 'log.ndjson'), outcome.log.join(''));
  return outcome;
}

function inSimulation(job: Job, batch: BatchSettings, settings: PlaySettings): Promise<Outcome> {
  batch.onBegin?.(job, settings);
  return play(settings, openCounterfactual(settings));
}

async function withKernel(job: Job, batch: BatchSettings, common: PlaySettings): Promise<Outcome> {
  if (batch.openPlace === null) throw new Error('the kernel is asked for, and nobody makes namespaces');
  const place = batch.openPlace(`lab-${common.variant.id}`);
  try {
    const settings = { ...common, netns: place.netns };
    batch.onBegin?.(job, settings);
    return await play(settings, await openKernelWorld(settings, place.netns));
  } finally {
    await place.close();
  }
}

/** Lets tshark judge; a machine without it is told so. */
async function judged(outcomes: readonly Outcome[], directory: string): Promise<string | null> {
  if (outcomes.length === 0) return null;
  try {
    await judgeOutcomes(outcomes, join(directory, 'all.pcapng'));
    return null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'tshark not found';
    throw error;
  }
}
