// Memory for payload on its way out that a thread of the addon may read while JavaScript goes on: stretches of blocks that the addon
// knows, of which nobody else gets hold. A block whose bytes are acknowledged serves again when no packet that refers to it waits: an
// acknowledgment tells that a copy has arrived, or is claimed to have arrived, but another may be about to be sent again.
import { CONTROL_DONE, CONTROL_THREAD, MAX_STRETCHES, type NativePortOptions } from '../native/binding.js';
import type { PayloadMemory } from '../native/transmit-queue.js';
import type { Link } from '../stack/link.js';

const BLOCK_BYTES = 65_536;
/** Blocks in a stretch. Whoever has more under way than all stretches hold gets memory that no thread reads. */
const STRETCH_BLOCKS = 32;

/** Consecutive blocks. */
class Stretch {
  /** Blocks that were never taken begin with it. */
  private fresh = 0;
  /** By number of a block, the number of the packet behind the last one that refers to it. */
  private readonly usedUpTo: Int32Array;

  constructor(
    private readonly memory: Uint8Array,
    done: number,
  ) {
    this.usedUpTo = new Int32Array(STRETCH_BLOCKS).fill(done);
  }

  takeFresh(): Uint8Array | null {
    if (this.fresh === STRETCH_BLOCKS) return null;
    const at = this.fresh++ * BLOCK_BYTES;
    return this.memory.subarray(at, at + BLOCK_BYTES);
  }

  noteUse(block: Uint8Array, upTo: number): void {
    this.usedUpTo[block.byteOffset / BLOCK_BYTES] = upTo;
  }

  isFree(block: Uint8Array, done: number): boolean {
    return ((this.usedUpTo[block.byteOffset / BLOCK_BYTES]! - done) | 0) <= 0;
  }
}

/** The blocks of one port. */
export class LastingBlocks implements NonNullable<Link['blocks']>, PayloadMemory {
  private readonly stretches = new Map<ArrayBufferLike, Stretch>();
  /** The one that was made last. */
  private newest: Stretch | null = null;
  private mayGrow = true;
  private readonly free: Uint8Array[] = [];
  /** Given back while packets that refer to them wait; the first may be free by now. */
  private readonly busy: Uint8Array[] = [];

  /**
   * @param control the control array of the port, which tells up to where packets are written
   * @param announce shows a stretch to the port, before its first block is taken; false when the port has no use for it
   * @param allocate makes memory, which need not be zeroed; default as Node does
   */
  constructor(
    private readonly control: NativePortOptions['control'],
    private readonly announce: (memory: Uint8Array) => boolean,
    private readonly allocate: (bytes: number) => Uint8Array = unzeroed,
  ) {}

  get isFaster(): boolean {
    return this.control[CONTROL_THREAD] !== 0;
  }

  take(bytes: number): Uint8Array | null {
    if (bytes > BLOCK_BYTES) return null;
    this.settle();
    return this.free.pop() ?? this.takeFresh();
  }

  give(block: Uint8Array): boolean {
    const stretch = this.stretches.get(block.buffer);
    if (stretch === undefined) return false;
    (stretch.isFree(block, this.control[CONTROL_DONE]!) ? this.free : this.busy).push(block);
    return true;
  }

  noteUse(bytes: Uint8Array, number: number): void {
    this.stretches.get(bytes.buffer)?.noteUse(bytes, (number + 1) | 0);
  }

  /** What waits no more is the next to serve again: it is warmer than what has rested. */
  private settle(): void {
    const { busy } = this;
    const done = this.control[CONTROL_DONE]!;
    while (busy.length > 0 && this.stretches.get(busy[0]!.buffer)!.isFree(busy[0]!, done)) {
      this.free.push(busy.shift()!);
    }
  }

  private takeFresh(): Uint8Array | null {
    return this.newest?.takeFresh() ?? this.grow()?.takeFresh() ?? null;
  }

  private grow(): Stretch | null {
    if (!this.mayGrow || this.stretches.size === MAX_STRETCHES) return null;
    const memory = this.allocate(STRETCH_BLOCKS * BLOCK_BYTES);
    this.mayGrow = this.announce(memory);
    if (!this.mayGrow) return null;
    this.newest = new Stretch(memory, this.control[CONTROL_DONE]!);
    this.stretches.set(memory.buffer, this.newest);
    return this.newest;
  }
}

function unzeroed(bytes: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
}
