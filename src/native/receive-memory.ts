// Memory for received bytes. They live for less than a millisecond, by the gigabyte a second: what counts is that a quick
// collection of young garbage frees them, and that the next ones lie in the same memory, warm. Memory of the addon's own would not
// do: an ArrayBuffer over it is found dead only by a collection of everything, which costs in proportion to all that the process
// holds, and many connections at rest are a lot.
import { getHeapStatistics } from 'node:v8';
import type { TunBinding } from './binding.js';
import { loadBinding } from './load.js';

/** Blocks from this size on are bulk. */
const BULK_BYTES = 32_768;
/**
 * V8 takes each block for memory that has come in addition, and where the heap is small it begins a collection of everything after a
 * few megabytes of it, though a quick one frees them. So it is told of this much at once, and what a block adds is taken off
 * again until it is used up.
 */
const TOLD_AT_ONCE = 512 * 1024 * 1024;
/** In a larger heap V8 waits for more by itself, and what it is told at once would cost a collection that is not cheap. */
const SMALL_HEAP_BYTES = 64 * 1024 * 1024;

/** The part of the addon that is needed; an older one lacks it. */
type MemoryBinding = Pick<TunBinding, 'keepFreedMemory' | 'adjustExternalMemory'>;

/** The memory of one link. */
export class ReceiveMemory {
  /** Bytes until the heap is looked at again. */
  private left = 0;
  /** Bytes that V8 was told of and that were not taken off again. */
  private told = 0;

  /** @param usedHeapBytes how large the heap is now */
  constructor(
    private readonly binding: MemoryBinding = loadBinding(),
    private readonly usedHeapBytes = () => getHeapStatistics().used_heap_size,
  ) {
    binding.keepFreedMemory?.();
  }

  /** Memory of that size with whatever is in it. */
  allocate(bytes: number): Uint8Array {
    if (bytes >= BULK_BYTES) this.account(bytes);
    return new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
  }

  /** Tells V8 of nothing any more that is not there. What was handed out stays good. */
  close(): void {
    this.tell(-this.told);
    this.left = Number.POSITIVE_INFINITY;
  }

  private account(bytes: number): void {
    if (this.left < bytes) {
      this.tell(-this.told);
      this.left = TOLD_AT_ONCE;
      if (this.usedHeapBytes() < SMALL_HEAP_BYTES) this.tell(TOLD_AT_ONCE);
    }
    this.left -= bytes;
    if (this.told >= bytes) this.tell(-bytes);
  }

  private tell(bytes: number): void {
    if (bytes === 0) return;
    this.told += bytes;
    this.binding.adjustExternalMemory?.(bytes);
  }
}
