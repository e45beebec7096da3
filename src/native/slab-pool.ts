// Blocks for received bytes, cut from slabs that come back warm: what a reader has let go of is read into again, where a
// fresh block would cost page faults and the work of the garbage collector.
import type { NativeSlabPool } from './binding.js';
import { loadBinding } from './load.js';

/** Bytes of a slab: large enough that its way round is cheap, and small enough to come back soon. */
const SLAB_BYTES = 512 * 1024;
/** Slabs of one pool at most. What is asked for beyond is plain memory, whatever readers keep. */
const MOST_SLABS = 96;
/**
 * With so few left, those that nobody refers to are looked for. The engine does it, quickly because it looks through what is
 * young only, when an array is made while 32 MiB lie in young ones; else only once there is much more.
 */
const FEW_SLABS = 16;
/** Smaller blocks are the engine's own: a few bytes that somebody keeps must not hold a slab. */
const LEAST_BYTES = 32_768;

/** The pool of one link. */
export class SlabPool {
  private readonly native: NativeSlabPool | null;
  private slab: ArrayBuffer | null = null;
  private used = 0;

  constructor() {
    const { SlabPool } = loadBinding();
    this.native = SlabPool === undefined ? null : new SlabPool(SLAB_BYTES, MOST_SLABS);
  }

  /** Memory of that size with whatever is in it. */
  allocate(bytes: number): Uint8Array {
    if (bytes >= LEAST_BYTES && bytes <= SLAB_BYTES && this.native !== null) {
      if (this.slab === null || this.used + bytes > SLAB_BYTES) {
        this.slab = this.native.take();
        this.used = 0;
        if (this.native.available() === FEW_SLABS) new ArrayBuffer(1);
      }
      if (this.slab !== null) {
        this.used += bytes;
        return new Uint8Array(this.slab, this.used - bytes, bytes);
      }
    }
    return new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
  }

  /** Nothing is handed out from slabs any more; those in use stay good. */
  close(): void {
    this.slab = null;
    this.native?.close();
  }
}
