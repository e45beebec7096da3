// Takes gigabytes of blocks, and prints how many collections of garbage of each kind there were meanwhile.
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { ReceiveMemory } from '../../src/native/receive-memory.js';

const BLOCK = 262_144;
const BYTES = 8e9;
const AT_ONCE = 8;

let [quick, whole] = [0, 0];
const observer = new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const { kind } = (entry as unknown as { detail: { kind: number } }).detail;
    if (kind === constants.NODE_PERFORMANCE_GC_MINOR) quick++;
    if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) whole++;
  }
});
// What was before is not of interest.
await setTimeout(1);
observer.observe({ entryTypes: ['gc'] });

const memory = new ReceiveMemory();
for (let i = 0; i < BYTES / BLOCK; i++) {
  memory.allocate(BLOCK)[0] = i;
  if (i % AT_ONCE === 0) await setImmediate();
}
await setTimeout(1);
process.stdout.write(JSON.stringify({ quick, whole }));
