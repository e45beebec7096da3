// Prints how long a call of `process.nextTick` takes before and after collections of everything, in nanoseconds.
import { setTimeout } from 'node:timers/promises';
import { keepTickShape } from '../../src/net/tick-shape.js';

const CALLS = 20_000;
const AT_ONCE = 100;
const TRIALS = 30;
/** V8 keeps a shape for two that nobody has. */
const COLLECTIONS = 5;

const nothing = () => {};

async function trial(): Promise<number> {
  const begun = performance.now();
  for (let i = 0; i < CALLS / AT_ONCE; i++) {
    for (let n = 0; n < AT_ONCE; n++) process.nextTick(nothing, n);
    await new Promise(setImmediate);
  }
  return ((performance.now() - begun) / CALLS) * 1e6;
}

/** The best, as what else the machine does only adds to it. */
async function measured(): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TRIALS; i++) best = Math.min(best, await trial());
  return best;
}

if (process.argv[2] === 'keep') keepTickShape();
const before = await measured();
for (let i = 0; i < COLLECTIONS; i++) {
  await setTimeout(5);
  globalThis.gc!();
}
process.stdout.write(JSON.stringify({ before, after: await measured() }));
