// How much garbage a step of the packet path makes.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const WARM_UP = 50_000;
const ATTEMPTS = 5;
const ROUNDS = 300_000;
/** A double or a small object per packet would be 16 octets of it and more. */
export const MAX_BYTES_PER_PACKET = 2;

/** How often `bytesPerCall` calls. */
export const CALLS = WARM_UP + ATTEMPTS * ROUNDS;

/** Bytes of garbage and growth per call of `step`, compiled and warm. */
export function bytesPerCall(step: () => void): number {
  for (let i = 0; i < WARM_UP; i++) step();
  let least = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < ROUNDS; i++) step();
    least = Math.min(least, Math.abs(process.memoryUsage().heapUsed - before) / ROUNDS);
  }
  return least;
}
