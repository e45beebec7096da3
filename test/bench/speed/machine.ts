// The machine, as far as it explains a number.
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';
import type { Machine } from './results.js';

const STEAL_COLUMN = 7;

/** Begins to watch; the answer tells of the time until it is asked. */
export function watchMachine(): () => Machine {
  const loadAverage = loadavg()[0]!;
  const before = processorTimes();
  return () => {
    const now = processorTimes();
    const all = now.all - before.all;
    return {
      processors: cpus().length,
      model: cpus()[0]?.model ?? 'unknown',
      memoryGb: Math.round(totalmem() / 2 ** 30),
      kernel: release(),
      node: process.version,
      v8: process.versions.v8,
      loadAverage,
      stolenShare: all > 0 ? (now.stolen - before.stolen) / all : null,
    };
  };
}

function processorTimes(): { all: number; stolen: number } {
  const [line] = readFileSync('/proc/stat', 'utf8').split('\n', 1);
  const times = line!.trim().split(/\s+/).slice(1).map(Number);
  // The last two are counted in the first two as well.
  const all = times.slice(0, STEAL_COLUMN + 1).reduce((sum, time) => sum + time, 0);
  return { all, stolen: times[STEAL_COLUMN] ?? 0 };
}

/** Bytes of the kernel's slabs, where its sockets are. */
export function slabBytes(): number {
  const found = /^Slab:\s+(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8'));
  return Number(found?.[1] ?? 0) * 1024;
}
