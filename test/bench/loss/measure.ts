// One measurement in one world: it lays the wire, starts the ends, and takes everything down again.
import type { SenderCounters } from './counters.js';
import { faultsOf, type Job, RESPONSE_BYTES } from './plan.js';
import { BIN_MS, type Fetched, type Received } from './traffic.js';
import type { WireReport } from './wire-end.js';
import { Run, type World } from './world.js';

/** What a measurement found. */
export interface Measurement {
  readonly job: Job;
  /** Of `bulk`: payload that arrived per time, from the first byte on. */
  readonly goodputMbit: number | null;
  /** Of `responses`. */
  readonly fetched: Fetched | null;
  /** Of the sender, and of the receiver. */
  readonly counters: SenderCounters;
  readonly receiver: SenderCounters;
  readonly wire: WireReport;
}

const PORT = 5001;

/** Carries out a job. Rejects when an end could not do its part. */
export async function measure(world: World, job: Job): Promise<Measurement> {
  const { variant, cell } = job;
  const run = await Run.open(world, job.seed, faultsOf(cell));
  try {
    const right = await run.end('right', variant.right, variant.controller);
    const left = await run.end('left', variant.left, variant.controller);
    let goodputMbit: number | null = null;
    let fetched: Fetched | null = null;
    if (job.what === 'bulk') {
      await right.remote.ask('sink', { ports: [PORT] });
      await left.remote.ask('source', { host: right.address, ports: [PORT] });
      goodputMbit = goodput(await right.remote.ask<Received[]>('tell', { seconds: job.seconds }));
    } else {
      const bytes = RESPONSE_BYTES;
      await left.remote.ask('serve', { port: PORT, bytes });
      const order = { host: left.address, port: PORT, bytes, count: job.count, seconds: job.seconds };
      fetched = await right.remote.ask<Fetched>('fetch', order);
    }
    const counters = await left.remote.ask<SenderCounters>('counters');
    const receiver = await right.remote.ask<SenderCounters>('counters');
    return { job, goodputMbit, fetched, counters, receiver, wire: await run.report() };
  } finally {
    await run.close();
  }
}

function goodput([received]: readonly Received[]): number {
  const { bins } = received!;
  const bytes = bins.reduce((sum, n) => sum + n, 0);
  return (bytes * 8) / 1e6 / ((bins.length * BIN_MS) / 1000);
}
