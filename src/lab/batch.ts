// Runs many variants: those of the simulation one after the other, those with the kernel several at once.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lang } from '../observe/lexicon.js';
import { type CatalogueEntry, clientPortOf } from './catalogue.js';
import type { KernelPlace } from './kernel-place.js';
import { openKernelWorld } from './kernel-world.js';
import type { Outcome } from './outcome.js';
import type { PlaySettings } from './rig.js';
import { play } from './run.js';
import type { World } from './scenario.js';
import { openSimWorld } from './sim-world.js';
import { judgeOutcomes } from './verdict.js';
import type { PlayedWorld } from './world.js';

/** Runs with the kernel at the same time: they wait more than they work. */
const KERNEL_RUNS_AT_ONCE = 10;

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
  /** Every run gets a folder in it: `wire.pcapng`, `story.pcapng`, `log.ndjson`. */
  readonly directory: string;
  /** Makes a namespace; null where only the simulation is asked for. */
  readonly openPlace: ((name: string) => KernelPlace) | null;
  /** May watch a run from its beginning; told when it is over. */
  readonly onPlay?: (settings: PlaySettings, world: PlayedWorld) => { stop(): void };
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
  for (const wave of waves(numbered.filter(({ job }) => job.world === 'kernel'))) {
    await runWave(wave, settings, outcomes);
  }
  const all = outcomes.filter((outcome): outcome is Outcome => outcome !== undefined);
  return { outcomes: all, noJudge: await judged(all, settings.directory) };
}

interface Numbered {
  readonly job: Job;
  readonly index: number;
}

/** Runs with the kernel by groups that are played at the same time. */
function waves(runs: readonly Numbered[]): Numbered[][] {
  const groups: Numbered[][] = [];
  const together = runs.filter(({ job }) => !job.entry.variant.alone);
  for (let at = 0; at < together.length; at += KERNEL_RUNS_AT_ONCE) {
    groups.push(together.slice(at, at + KERNEL_RUNS_AT_ONCE));
  }
  return [...groups, ...runs.filter(({ job }) => job.entry.variant.alone).map((run) => [run])];
}

/**
 * Everything is set up before the first of a wave begins, and taken down after the last has ended: programs that start
 * would keep this process from answering in time.
 */
async function runWave(
  wave: readonly Numbered[],
  batch: BatchSettings,
  outcomes: (Outcome | undefined)[],
): Promise<void> {
  if (batch.openPlace === null) throw new Error('the kernel is asked for, and nobody makes namespaces');
  const places: KernelPlace[] = [];
  try {
    const stages = [];
    for (const { job, index } of wave) {
      const place = batch.openPlace(`lab-${job.entry.variant.id}`);
      places.push(place);
      const settings = { ...settingsOf(job, batch), netns: place.netns };
      stages.push({ index, job, settings, world: await openKernelWorld(settings, place.netns) });
    }
    const plays = stages.map(async ({ index, settings, world }) => {
      const watching = batch.onPlay?.(settings, world);
      outcomes[index] = await play(settings, world);
      watching?.stop();
    });
    await Promise.all(plays);
    for (const { index, job } of stages) keepLog(job, batch, outcomes[index]!);
  } finally {
    for (const place of places) await place.close();
  }
}

async function runJob(job: Job, batch: BatchSettings): Promise<Outcome> {
  const settings = settingsOf(job, batch);
  const outcome = await play(settings, openSimWorld(settings));
  keepLog(job, batch, outcome);
  return outcome;
}

function settingsOf(job: Job, batch: BatchSettings): PlaySettings {
  const { scenario, variant } = job.entry;
  const folder = join(batch.directory, folderOf(job));
  mkdirSync(folder, { recursive: true });
  return {
    scenario,
    variant,
    world: job.world,
    seed: batch.seed,
    mslMs: Math.max(batch.mslMs[job.world], variant.leastMslMs ?? 0),
    clientPort: clientPortOf(job.entry, job.world),
    lang: batch.lang,
    capture: join(folder, 'wire.pcapng'),
    story: join(folder, 'story.pcapng'),
  };
}

function keepLog(job: Job, batch: BatchSettings, outcome: Outcome): void {
  writeFileSync(join(batch.directory, folderOf(job), 'log.ndjson'), outcome.log.join(''));
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
