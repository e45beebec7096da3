// Memory for received bytes. They live for less than a millisecond, by the gigabyte a second: what counts is that a quick
// collection of young garbage frees them, and that the next ones lie in the same memory, warm. Memory of the addon's own would not
// do: an ArrayBuffer over it is found dead only by a collection of everything, which costs in proportion to all that the process
// holds, and many connections at rest are a lot.
//
// V8 takes each block for memory that has come in addition, and begins a collection of everything after a few of them, though a
// quick one frees them. So it is told of bytes that are not there, once, and what a block adds is taken off again. Being told costs such
// a collection as well: it comes soon after the link was opened, while there is little to look through, and not with the first bulk,
// for which many connections at rest would then have to be looked through.
import { getHeapStatistics } from 'node:v8';
import type { TunBinding } from './binding.js';
import { CollectionWatch } from './collection-watch.js';
import { loadBinding } from './load.js';

const MB = 1024 * 1024;
/** Blocks from this size on are bulk. */
const BULK_BYTES = 32_768;
/**
 * V8 is told of this part of the most that the heap may hold, and again of what it was seen to free: each time that it is told of all
 * costs a collection of everything. Half would be answered by one that stops the process.
 */
const TOLD_SHARE = 0.45;
/**
 * What V8 counts above the least since its last collection of everything calls for the next: 64 MB do, and less where the heap has hardly
 * any room left, which is a tenth of it where it does not grow. A quick collection frees 32 MB.
 */
const MOST_ABOVE_LEAST = 40 * MB;
const TIGHT_SHARE = 0.08;
const LEAST_ABOVE_LEAST = 4 * MB;
/** When less is left of what V8 was told, it is told anew in the next pause of so many milliseconds: nobody waits meanwhile. */
const REST_SHARE = 0.75;
const PAUSE_MS = 100;
/** Two that close together show that it is so. */
const CLOSE_BYTES = 1024 * MB;
/** A quick collection comes before there is so much: somebody keeps it, and V8 shall know of it. */
const MOST_UNFREED = 160 * MB;
/** Enough for V8 to look whether it is still kept. */
const ASKING_BYTES = 96 * MB;

/** The part of the addon that is needed; an older one lacks it. */
type MemoryBinding = Pick<TunBinding, 'keepFreedMemory' | 'adjustExternalMemory'>;

/** What is known of the heap of this process. */
export interface Heap {
  /** How large it is now. */
  usedBytes(): number;
  /** Most that it may hold. */
  limitBytes(): number;
  /** Whether there was a collection of everything since the last call. */
  wasCollected(): boolean;
  /** Calls back after a time, if the process is still there. */
  later(callback: () => void, ms: number): void;
}

/** The memory of one link. */
export class ReceiveMemory {
  /** Bytes that V8 was told of and that were not taken off again, and the most of them. */
  private told = 0;
  private readonly mostTold: number;
  /** What V8 counts in all as it was seen last, and the least since all was told. */
  private counted = 0;
  private least = 0;
  /** How far above that it may come. */
  private above = MOST_ABOVE_LEAST;
  /** Bytes of blocks that nobody has seen freed. */
  private unfreed = 0;
  /** Bytes since the last collection of everything that was seen, and whether the next one is our doing. */
  private sinceCollected = CLOSE_BYTES;
  private isAsked = false;
  /** Waits for a pause; and blocks since it began to. */
  private isWaiting = false;
  private blocks = 0;

  constructor(
    private readonly binding: MemoryBinding = loadBinding(),
    private readonly heap: Heap = hostHeap(),
  ) {
    binding.keepFreedMemory?.();
    this.mostTold = Math.floor(TOLD_SHARE * heap.limitBytes());
    this.tell(0);
    heap.later(() => this.askEarly(), PAUSE_MS);
  }

  /** Memory of that size with whatever is in it. */
  allocate(bytes: number): Uint8Array {
    const block = new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
    if (bytes >= BULK_BYTES && this.counted !== UNKNOWN) this.account(bytes);
    return block;
  }

  /** Tells V8 of nothing any more that is not there. What was handed out stays good. */
  close(): void {
    this.tell(-this.told);
    this.counted = UNKNOWN;
  }

  /** Takes off what a block has added to what V8 counts. */
  private account(bytes: number): void {
    const before = this.counted + bytes;
    this.tell(0);
    const freed = Math.max(0, before - this.counted);
    this.unfreed = Math.max(0, this.unfreed + bytes - freed);
    this.watch(bytes);
    if (this.told < bytes || this.unfreed > MOST_UNFREED) this.ask();
    else this.retell(bytes);
    this.tell(-bytes);
    this.blocks++;
    if (!this.isWaiting && this.told < REST_SHARE * this.mostTold) this.awaitPause();
  }

  /** Unless bulk came sooner, or V8 was told on behalf of another link: one collection is enough. */
  private askEarly(): void {
    if (this.counted === UNKNOWN) return;
    this.tell(0);
    if (this.told === 0 && this.counted < REST_SHARE * this.mostTold) this.ask();
  }

  private awaitPause(): void {
    this.isWaiting = true;
    this.blocks = 0;
    this.heap.later(() => {
      this.isWaiting = false;
      if (this.counted === UNKNOWN) return;
      if (this.blocks === 0) this.ask();
      else this.awaitPause();
    }, PAUSE_MS);
  }

  /** Tells of what was freed, as far as V8 may be told of more. */
  private retell(bytes: number): void {
    this.least = Math.min(this.least, this.counted - bytes);
    const room = Math.min(this.mostTold - this.told, this.least + this.above - this.counted);
    if (room > 0) this.tell(room);
  }

  /** Tells of so much that a collection of everything follows. */
  private ask(): void {
    this.tell(Math.max(ASKING_BYTES, this.mostTold - this.told));
    this.least = this.counted;
    this.unfreed = 0;
    this.isAsked = true;
  }

  private watch(bytes: number): void {
    this.sinceCollected += bytes;
    if (!this.heap.wasCollected()) return;
    if (!this.isAsked && this.sinceCollected < CLOSE_BYTES) {
      const tight = Math.max(LEAST_ABOVE_LEAST, Math.floor(TIGHT_SHARE * this.heap.usedBytes()));
      this.above = Math.min(MOST_ABOVE_LEAST, tight);
    }
    this.isAsked = false;
    this.sinceCollected = 0;
  }

  private tell(bytes: number): void {
    this.told += bytes;
    this.counted = this.binding.adjustExternalMemory?.(bytes) ?? UNKNOWN;
  }
}

/** What V8 counts, by an addon that does not tell. */
const UNKNOWN = Number.POSITIVE_INFINITY;

function hostHeap(): Heap {
  const watch = new CollectionWatch();
  return {
    usedBytes: () => getHeapStatistics().used_heap_size,
    limitBytes: () => getHeapStatistics().heap_size_limit,
    wasCollected: () => watch.wasCollected(),
    later: (callback, ms) => void setTimeout(callback, ms).unref(),
  };
}
