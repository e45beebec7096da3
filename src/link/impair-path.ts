// One direction of an impaired link: its random decisions, its shape, and the packets that were set aside to be
// overtaken.
import {
  corruptionOf,
  type Direction,
  type ImpairOptions,
  impairmentsOf,
  reorderingOf,
} from './impair-options.js';
import type { ImpairedPacket } from './impair-packet.js';
import type { StoredPacket } from './impair-queue.js';
import { BurstLossModel, Xoshiro128 } from './impair-random.js';
import type { Matcher } from './impair-rules.js';
import { PathShaper } from './impair-shaper.js';

/** A packet that waits to be overtaken. */
export interface SetAside {
  readonly packet: StoredPacket;
  /** Which later packet it waits for; null counts any. */
  readonly after: Matcher | null;
  /** Packets that still have to go first. */
  remaining: number;
  /** It goes at this time in any case. */
  readonly deadline: number;
}

/** What chance has decided for one packet. */
export interface Fate {
  /** Why it is lost, or null. */
  lost: 'loss' | 'burst-loss' | null;
  corrupt: boolean;
  duplicate: boolean;
  reorder: boolean;
}

/** State of one direction. Each has random numbers of its own, so that the two do not disturb each other. */
export class ImpairedPath {
  readonly shaper: PathShaper;
  readonly reordering: ReturnType<typeof reorderingOf>;
  /** Name of the hold behind which everything waits, or null. */
  blockedBy: string | null = null;
  /** Ethernet header of the packet seen last, for injected ones. */
  linkHeader: Uint8Array | null = null;
  readonly random: Xoshiro128;
  private setAside: SetAside[] = [];
  private readonly loss: number;
  private readonly duplicate: number;
  private readonly corruption: ReturnType<typeof corruptionOf>;
  private readonly burst: BurstLossModel | null;
  private readonly fate: Fate = { lost: null, corrupt: false, duplicate: false, reorder: false };

  constructor(
    readonly dir: Direction,
    options: ImpairOptions,
  ) {
    const own = impairmentsOf(options, dir);
    this.random = Xoshiro128.seeded(options.seed ?? 1, dir === 'in' ? 1 : 2);
    this.loss = own.loss ?? 0;
    this.duplicate = own.duplicate ?? 0;
    this.corruption = corruptionOf(own.corrupt);
    this.reordering = reorderingOf(own.reorder);
    this.burst = own.burstLoss === undefined ? null : new BurstLossModel(own.burstLoss, this.random);
    this.shaper = new PathShaper(own, this.random);
  }

  /** Decides about the next packet, in the order: burst loss, loss, corruption, duplication, reordering. */
  decide(): Fate {
    const { fate, random } = this;
    const burst = this.burst?.loses() ?? false;
    const lost = random.chance(this.loss);
    fate.lost = burst ? 'burst-loss' : lost ? 'loss' : null;
    fate.corrupt = random.chance(this.corruption.probability);
    fate.duplicate = random.chance(this.duplicate);
    fate.reorder = random.chance(this.reordering.probability);
    return fate;
  }

  /** A copy of `bytes[offset … offset + length)` with random bits inverted. */
  corrupted(bytes: Uint8Array, offset: number, length: number): Uint8Array {
    const damaged = bytes.slice(offset, offset + length);
    for (let i = 0; i < this.corruption.bits && length > 0; i++) {
      const bit = this.random.below(length * 8);
      damaged[bit >>> 3]! ^= 1 << (bit & 7);
    }
    return damaged;
  }

  /** Lets a packet wait until others have overtaken it. */
  setApart(entry: SetAside): void {
    this.setAside.push(entry);
  }

  /** A packet has gone: those that it was the last to overtake may go now. */
  overtakenBy(packet: ImpairedPacket): StoredPacket[] {
    if (this.setAside.length === 0) return NONE;
    return this.takeIf((entry) => {
      if (entry.after === null || entry.after.matches(packet)) entry.remaining--;
      return entry.remaining <= 0;
    });
  }

  /** Those that have waited long enough. */
  expired(now: number): StoredPacket[] {
    return this.setAside.length === 0 ? NONE : this.takeIf((entry) => entry.deadline <= now);
  }

  /** The earliest deadline, or Infinity. */
  nextDeadline(): number {
    let at = Number.POSITIVE_INFINITY;
    for (const entry of this.setAside) at = Math.min(at, entry.deadline);
    return at;
  }

  /** Takes all that were set aside. */
  clear(): StoredPacket[] {
    return this.takeIf(() => true);
  }

  private takeIf(test: (entry: SetAside) => boolean): StoredPacket[] {
    const taken: StoredPacket[] = [];
    const left: SetAside[] = [];
    for (const entry of this.setAside) {
      if (test(entry)) taken.push(entry.packet);
      else left.push(entry);
    }
    this.setAside = left;
    return taken;
  }
}

const NONE: StoredPacket[] = [];
