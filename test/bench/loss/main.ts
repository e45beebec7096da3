// `npm run bench:loss`: measures our TCP against the kernel's over lossy paths, and prints the table.
import { writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';
import { controllerNamed } from '../../../src/index.js';
import { hasRealTime, NO_REAL_TIME } from '../remote.js';
import { type Measurement, measure } from './measure.js';
import { LOSS_USAGE, type LossOptions, readLossOptions } from './options.js';
import { cellsOf, expectedSeconds, type Job, jobsOf, mostAtOnce } from './plan.js';
import { resultsOf } from './results.js';
import { runWeighted } from './schedule.js';
import { renderTable } from './table.js';
import { kernelHas, World } from './world.js';

/** Of the processors; the rest is the kernel's, whose work is not counted in the weights. */
const USED_SHARE = 0.9;

const say = (text: string) => void process.stderr.write(`${text}\n`);

/** Worlds that are not in use, for the next measurement. */
class Worlds {
  private readonly all: World[] = [];
  private readonly idle: World[] = [];

  take(): World {
    const world = this.idle.pop();
    if (world !== undefined) return world;
    const made = new World();
    this.all.push(made);
    return made;
  }

  /** Starts the processes of so many worlds, so that no measurement meets the work of starting others. */
  async warm(count: number): Promise<void> {
    const taken = Array.from({ length: count }, () => this.take());
    await Promise.all(taken.map((world) => world.warm()));
    for (const world of taken) this.giveBack(world);
  }

  giveBack(world: World): void {
    this.idle.push(world);
  }

  close(): void {
    for (const world of this.all.splice(0)) world.close();
  }
}

/** The controllers that the kernel here has; those that our stack has not are told of. */
async function availableControllers(worlds: Worlds, wanted: readonly string[]): Promise<string[]> {
  const world = worlds.take();
  const found = wanted.filter((name) => kernelHas(world, name));
  worlds.giveBack(world);
  for (const name of wanted) {
    if (!found.includes(name)) say(`the kernel has no ${name}; left out`);
    else if (controllerNamed(name) === null) say(`our stack has no ${name} and uses its default`);
  }
  return found;
}

function planned(seconds: number): string {
  return seconds < 120 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}

async function run(options: LossOptions, worlds: Worlds): Promise<number> {
  const controllers = await availableControllers(worlds, options.controllers);
  const plan = { ...options, controllers };
  const jobs = jobsOf(plan);
  const processors = availableParallelism() * USED_SHARE;
  const expected = expectedSeconds(jobs, processors, options.jobs);
  say(`${jobs.length} measurements on ${cellsOf(plan).length} paths, about ${planned(expected)}`);

  if (!hasRealTime()) say(NO_REAL_TIME);
  await worlds.warm(mostAtOnce(jobs, processors, options.jobs));
  const begun = performance.now();
  const measurements: Measurement[] = [];
  const failures: string[] = [];
  let interrupted = false;
  process.once('SIGINT', () => {
    interrupted = true;
    say('interrupted: ending what runs');
  });
  let done = 0;
  await runWeighted(jobs, { processors, most: options.jobs, isStopped: () => interrupted }, async (job) => {
    const world = worlds.take();
    try {
      measurements.push(await measure(world, job));
    } catch (error) {
      failures.push(`${nameOf(job)}: ${(error as Error).message}`);
      say(failures.at(-1)!);
    } finally {
      worlds.giveBack(world);
    }
    done++;
    if (process.stderr.isTTY || done % 50 === 0) {
      const seconds = Math.round((performance.now() - begun) / 1000);
      say(`${done} of ${jobs.length} after ${planned(seconds)}`);
    }
  });

  const seconds = (performance.now() - begun) / 1000;
  const results = resultsOf(cellsOf(plan), measurements);
  process.stdout.write(`${renderTable(results)}\n`);
  if (options.json !== null) {
    const machine = {
      processors: cpus().length,
      model: cpus()[0]?.model,
      kernel: release(),
      node: process.version,
    };
    const document = { machine, options: plan, expectedSeconds: expected, seconds, failures, results };
    writeFileSync(options.json, `${JSON.stringify(document)}\n`);
  }
  say(`${measurements.length} measurements in ${planned(seconds)}, ${failures.length} failed`);
  return interrupted ? 130 : failures.length > 0 ? 1 : 0;
}

function nameOf({ what, cell, variant, seed }: Job): string {
  return `${what} ${variant.left}-${variant.right} ${variant.controller} ${JSON.stringify(cell)} seed ${seed}`;
}

async function main(): Promise<number> {
  let options: LossOptions | null;
  try {
    options = readLossOptions(process.argv.slice(2));
  } catch (error) {
    say(`${(error as Error).message}\n${LOSS_USAGE}`);
    return 2;
  }
  if (options === null) {
    process.stdout.write(`${LOSS_USAGE}\n`);
    return 0;
  }
  const worlds = new Worlds();
  // Also when something calls for the end of the process.
  process.once('exit', () => worlds.close());
  process.once('SIGTERM', () => process.exit(143));
  try {
    return await run(options, worlds);
  } finally {
    worlds.close();
  }
}

process.exitCode = await main();
