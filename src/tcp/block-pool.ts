// Memory for bytes that wait to be acknowledged: blocks of two sizes, which come back as soon as they are, so that a sender
// makes no garbage however much it sends. Shared by the connections of a stack.

/** For the few bytes that most connections ever have under way. */
export const SMALL_BLOCK = 2048;
/** For bulk data: most of what leaves as one lies in one or two of them. */
export const LARGE_BLOCK = 65_536;

/** Bytes of unused blocks that are kept, of each size. */
const MOST_KEPT_BYTES = { [SMALL_BLOCK]: 1 << 20, [LARGE_BLOCK]: 16 << 20 } as const;

/** Where large blocks come from first, and go back to. */
export interface BlockSource {
  /** A block of at least so many bytes, or null when there is none. What is in it is of no meaning. */
  take(bytes: number): Uint8Array | null;
  /** Takes back one of its blocks, which nobody but packets on their way out refers to. False for another, which it leaves alone. */
  give(block: Uint8Array): boolean;
  /** Whether, at this time, what lies in its blocks leaves so much faster that it is better to copy than to refer to other memory. */
  readonly isFaster: boolean;
}

/** The unused blocks. */
export class BlockPool {
  private readonly small: Uint8Array[] = [];
  private readonly large: Uint8Array[] = [];

  /**
   * @param allocate makes a block; what it returns need not be zeroed
   * @param source large blocks come from there as long as it has some; default: none do
   */
  constructor(
    private readonly allocate: (bytes: number) => Uint8Array = zeroed,
    private readonly source: BlockSource | null = null,
  ) {}

  /** See `BlockSource.isFaster`. */
  get isFaster(): boolean {
    return this.source?.isFaster === true;
  }

  /** A block of at least so many bytes, as far as there is one that large. What is in it is of no meaning. */
  take(bytes: number): Uint8Array {
    if (bytes <= SMALL_BLOCK) return this.small.pop() ?? this.allocate(SMALL_BLOCK);
    return this.source?.take(LARGE_BLOCK) ?? this.large.pop() ?? this.allocate(LARGE_BLOCK);
  }

  /** Takes back a block that packets may still refer to: only a source knows when it may serve again. */
  abandon(block: Uint8Array): void {
    this.source?.give(block);
  }

  /** Takes back a block that nobody refers to any more. */
  give(block: Uint8Array): void {
    const size = block.length === SMALL_BLOCK ? SMALL_BLOCK : LARGE_BLOCK;
    if (size === LARGE_BLOCK && this.source?.give(block) === true) return;
    const kept = size === SMALL_BLOCK ? this.small : this.large;
    if (kept.length * size < MOST_KEPT_BYTES[size]) kept.push(block);
  }
}

function zeroed(bytes: number): Uint8Array {
  return new Uint8Array(bytes);
}
