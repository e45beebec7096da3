// What is measured: the paths, who talks to whom over them, for how long, and what each measurement costs the machine.
import type { Impairments } from '../../../src/link/impair-options.js';
import type { Kind } from './world.js';

/** Share of packets lost each way, or `burst`. */
export type Loss = number | 'burst';

/** One path. */
export interface Cell {
  /** Round-trip time without queueing, in milliseconds. */
  readonly rttMs: number;
  readonly loss: Loss;
  /** Share of packets that others overtake. */
  readonly reorder: number;
  /** Of the bottleneck, in Mbit/s. */
  readonly rateMbit: number;
}

/** Who sends to whom, and with which controller the sender. */
export interface Variant {
  readonly left: Kind;
  readonly right: Kind;
  readonly controller: string;
}

/** A measurement: goodput of one connection, or times of responses. */
export interface Job {
  readonly cell: Cell;
  readonly variant: Variant;
  readonly what: 'bulk' | 'responses';
  readonly seed: number;
  /** How long a bulk runs; the longest time that responses may take. */
  readonly seconds: number;
  /** Responses wanted. */
  readonly count: number;
  /** Share of the machine that it needs, in processors. */
  readonly weight: number;
  /** How long it will take, about. */
  readonly expectedSeconds: number;
}

/** What the command line leaves to choose. */
export interface PlanOptions {
  readonly rttMs: readonly number[];
  readonly loss: readonly Loss[];
  readonly reorder: readonly number[];
  readonly rateMbit: readonly number[];
  readonly controllers: readonly string[];
  /** Of the pairs `kernel-kernel`, `ours-kernel`, `kernel-ours`, `ours-ours`. */
  readonly pairs: readonly string[];
  readonly seeds: number;
  /** Null: by the path. */
  readonly seconds: number | null;
  readonly responses: number | null;
}

/** Bytes of a response. */
export const RESPONSE_BYTES = 30_000;

const PACKET_BYTES = 1500;
const MSS = 1448;
const LEAST_QUEUE_PACKETS = 10;
/** Packets that overtake one: enough to look like a loss to who counts three duplicate ACKs. */
const REORDER_DISTANCE = 3;

/**
 * Gilbert–Elliott with all lost in the bad state: 1 / leave = 5 packets a burst, enter / (enter + leave) = 1 % of the
 * packets.
 */
const BURSTS = { enter: 0.2 / 99, leave: 0.2 };
const BURST_SHARE = 0.01;

/** Average share of packets lost each way. */
export function lossShare(loss: Loss): number {
  return loss === 'burst' ? BURST_SHARE : loss;
}

/** The faults of both directions of a path. */
export function faultsOf({ rttMs, loss, reorder, rateMbit }: Cell): Impairments {
  const rate = rateMbit * 1e6;
  const queueBytes = Math.max((rate * rttMs) / 8000, LEAST_QUEUE_PACKETS * PACKET_BYTES);
  return {
    delayMs: rttMs / 2,
    rate,
    queueBytes,
    ...(loss === 'burst' ? { burstLoss: BURSTS } : loss > 0 ? { loss } : {}),
    // Who has nobody behind him goes on after a quarter of a round trip, as from a slower branch of a path.
    ...(reorder > 0
      ? { reorder: { probability: reorder, distance: REORDER_DISTANCE, maxMs: Math.max(1, rttMs / 4) } }
      : {}),
  };
}

/** Name of a variant's ends, as `--only` takes it. */
export function pairOf({ left, right }: Variant): string {
  return `${left}-${right}`;
}

/** The pairs that there are, the one that the others are compared with first. */
export const PAIRS = ['kernel-kernel', 'ours-kernel', 'kernel-ours', 'ours-ours'] as const;

/** All variants: the controller matters where the sender has it, and the receiving kernel is tried with the first. */
function variantsOf(options: PlanOptions): Variant[] {
  const variants: Variant[] = [];
  for (const pair of options.pairs) {
    const [left, right] = pair.split('-') as [Kind, Kind];
    const isAboutReceiver = right === 'ours';
    const controllers = isAboutReceiver ? options.controllers.slice(0, 1) : options.controllers;
    for (const controller of controllers) variants.push({ left, right, controller });
  }
  return variants;
}

/** All paths, in the order of the table. */
export function cellsOf(options: PlanOptions): Cell[] {
  const cells: Cell[] = [];
  for (const rttMs of options.rttMs)
    for (const rateMbit of options.rateMbit)
      for (const reorder of options.reorder)
        for (const loss of options.loss) cells.push({ rttMs, loss, reorder, rateMbit });
  return cells;
}

/**
 * All measurements. Those that are compared with each other stand together, so that they run at the same time or one
 * right after the other, and what else happens on the machine hits all of them.
 */
export function jobsOf(options: PlanOptions): Job[] {
  const variants = variantsOf(options);
  const jobs: Job[] = [];
  for (const cell of cellsOf(options)) {
    const seconds = options.seconds ?? bulkSeconds(cell);
    if (seconds > 0) {
      for (let seed = 1; seed <= options.seeds; seed++)
        for (const variant of variants) jobs.push(bulkJob(cell, variant, seed, seconds));
    }
    const count = options.responses ?? responseCount(cell);
    if (count > 0) {
      for (const variant of variants)
        if (variant.right === 'kernel') jobs.push(responsesJob(cell, variant, count));
    }
  }
  return jobs;
}

/** Long enough for many recoveries: a loss costs some round trips, and few losses make few of them. */
function bulkSeconds({ rttMs, loss }: Cell): number {
  if (rttMs >= 100) return loss === 0 ? 8 : 12;
  return rttMs >= 20 ? 5 : 3;
}

function responseCount({ rttMs, loss, reorder }: Cell): number {
  if (loss === 0 && reorder === 0) return 20;
  return rttMs >= 100 ? 80 : rttMs >= 20 ? 150 : 200;
}

/** To lay the wire, to start the ends, and to take both down. */
const SETUP_SECONDS = 0.3;
/** Processors that a run takes, over all of its processes: measured with our stack at both ends. */
const WEIGHT_PER_MBIT = 0.007;
const LEAST_WEIGHT = 0.2;

function bulkJob(cell: Cell, variant: Variant, seed: number, seconds: number): Job {
  const mbit = Math.min(cell.rateMbit, variant.controller === 'bbr' ? cell.rateMbit : 2 * lossLimit(cell));
  const weight = LEAST_WEIGHT + mbit * WEIGHT_PER_MBIT;
  const expectedSeconds = seconds + SETUP_SECONDS;
  return { cell, variant, what: 'bulk', seed, seconds, count: 0, weight, expectedSeconds };
}

/** Mbit/s of a sender that halves its window at each loss (Mathis 1997). */
function lossLimit({ rttMs, loss }: Cell): number {
  const share = lossShare(loss);
  return share === 0 ? Number.POSITIVE_INFINITY : (1.22 * MSS * 8) / (rttMs * 1000 * Math.sqrt(share));
}

function responsesJob(cell: Cell, variant: Variant, count: number): Job {
  const { rttMs, rateMbit, loss } = cell;
  // Connecting, slow start in three rounds, the bottleneck, and a timeout now and then.
  const one = (4 * rttMs + (RESPONSE_BYTES * 8) / (rateMbit * 1000) + 3000 * lossShare(loss)) / 1000;
  const expectedSeconds = count * one + SETUP_SECONDS;
  const seconds = 4 * expectedSeconds;
  return { cell, variant, what: 'responses', seed: 1, seconds, count, weight: LEAST_WEIGHT, expectedSeconds };
}

/** How long all of it will take when so many processors, and so many measurements at once, may be used. About. */
export function expectedSeconds(jobs: readonly Job[], processors: number, most: number): number {
  return simulate(jobs, processors, most).seconds;
}

/** The largest number of measurements that will run at once. */
export function mostAtOnce(jobs: readonly Job[], processors: number, most: number): number {
  return simulate(jobs, processors, most).mostAtOnce;
}

/** `runWeighted` with nothing but time passing. */
function simulate(
  jobs: readonly Job[],
  processors: number,
  most: number,
): { seconds: number; mostAtOnce: number } {
  const running: { readonly until: number; readonly weight: number }[] = [];
  let now = 0;
  let load = 0;
  let atOnce = 0;
  for (const job of jobs) {
    while (running.length > 0 && (running.length >= most || load + job.weight > processors + 1e-9)) {
      const next = running.shift()!;
      now = next.until;
      load -= next.weight;
    }
    running.push({ until: now + job.expectedSeconds, weight: job.weight });
    running.sort((a, b) => a.until - b.until);
    load += job.weight;
    atOnce = Math.max(atOnce, running.length);
  }
  return { seconds: running.at(-1)?.until ?? 0, mostAtOnce: atOnce };
}
