// Virtual time for programs of Node, which live in turns of the event loop.
import type { VirtualClock } from '../../src/stack/clock.js';

/** Longer than TIME-WAIT, in virtual milliseconds. */
export const TIME_WAIT_OVER_MS = 130_000;

/** Lets a virtual millisecond pass for each turn of the event loop until the work is done. */
export async function drive<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  let over = false;
  const watched = work.finally(() => {
    over = true;
  });
  // Awaited below; until then a failure is not unhandled.
  watched.catch(() => {});
  while (!over) {
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(1);
  }
  return watched;
}
