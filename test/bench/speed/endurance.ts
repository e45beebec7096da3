// One measurement that lasts: does throughput hold, and does memory stay where it is.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Subject, Usage } from './subject.js';

const BITS_PER_GBIT = 1e9 / 8;
const SLICE_MS = 1000;

/** What a long measurement found. */
export interface Endurance {
  readonly seconds: number;
  /** TCP segments that the stack received and sent, as its MIB counts them. */
  readonly segments: number;
  /** Gbit/s of payload, second by second. */
  readonly gbits: readonly number[];
  /** Resident memory of the process, second by second. */
  readonly residentBytes: readonly number[];
  /** Objects and buffers after a collection of garbage, before and after. */
  readonly heapBefore: number;
  readonly heapAfter: number;
}

/**
 * Watches a process under load.
 * @param load what is to go on meanwhile; it is warm already
 */
export async function endure(subject: Subject, load: () => Promise<unknown>): Promise<Endurance> {
  const { heapBytes: heapBefore } = await subject.memory();
  const first = await subject.usage();
  const begun = performance.now();
  const gbits: number[] = [];
  const residentBytes: number[] = [];
  let isOver = false;
  const running = load().finally(() => {
    isOver = true;
  });
  // Whoever waits for the load below hears of its failure.
  running.catch(() => {});
  let before = first;
  let at = begun;
  for (;;) {
    await sleep(SLICE_MS);
    const now = performance.now();
    const after = await subject.usage();
    // The last slice is cut short by the end of the load.
    if (isOver) break;
    gbits.push(((bytesOf(after) - bytesOf(before)) / BITS_PER_GBIT / (now - at)) * 1000);
    residentBytes.push(subject.residentBytes());
    [before, at] = [after, now];
  }
  await running;
  const { heapBytes: heapAfter } = await subject.memory();
  const segments = ((await subject.usage()).segments ?? 0) - (first.segments ?? 0);
  return { seconds: (at - begun) / 1000, segments, gbits, residentBytes, heapBefore, heapAfter };
}

function bytesOf({ bytesIn, bytesOut }: Usage): number {
  return bytesIn + bytesOut;
}
