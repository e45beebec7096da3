// The small functions of the hot path, one at a time, by mitata. Prints JSON: an array of `Micro` (speed/results.ts).
import { measure } from 'mitata';
import type { Micro } from '../speed/results.js';
import { connectionWork } from './connection.js';
import { tableWork } from './tables.js';
import { wireWork } from './wire.js';

/** A function to be measured. What it returns keeps V8 from dropping it. */
export interface Work {
  readonly group: string;
  readonly name: string;
  readonly run: () => unknown;
}

/** Half a second each: the suite takes about twenty. */
const CPU_TIME_NS = 5e8;

const found: Micro[] = [];
for (const { group, name, run } of [...wireWork(), ...connectionWork(), ...tableWork()]) {
  const stats = await measure(run, {
    min_cpu_time: CPU_TIME_NS,
    gc: () => globalThis.gc?.(),
    heap: () => process.memoryUsage().heapUsed,
  });
  const heapBytes = stats.heap === undefined ? null : Math.max(0, stats.heap.avg);
  found.push({ group, name, medianNs: stats.p50, p99Ns: stats.p99, heapBytes });
}
process.stdout.write(JSON.stringify(found));
