// Packets that came to the wrong stack. Where several stacks have the same addresses, each with a queue of its own of one
// device, the device chooses by what it remembers of a flow, and it forgets: what none of the connections here owns may
// belong to one of theirs. Who the others are, and how they are reached, is their owner's business.
import type { IpPacket } from './ip-packet.js';
import type { Limits } from './limits.js';
import type { PacketBatch, PacketIds } from './link.js';
import { RateLimit } from './rate-limit.js';
import type { IpStats } from './stats.js';

/** The other stacks with the same addresses. */
export interface Siblings {
  /**
   * Shows them a packet that nobody here owns; `Stack.takeStray` of each does the rest. If none takes it, it shall come back
   * as `returned`.
   * @param packet an IP packet, valid until the call returns
   * @param hint what the link said of it, as `PacketHint` has it
   */
  show(packet: Uint8Array, hint: number): void;
}

/** Whose packet is being taken in: one of our queue, one of a sibling's, or one of ours that all siblings refused. */
type Origin = 'ours' | 'sibling' | 'returned';

/** Knows whether a packet without an owner may have one elsewhere. */
export class Strays {
  private origin: Origin = 'ours';
  private wasRefused = false;
  private readonly limit: RateLimit;

  /** @param now clock ms */
  constructor(
    private readonly siblings: Siblings | null,
    limits: Limits,
    private readonly stats: IpStats,
    now: number,
  ) {
    this.limit = new RateLimit(limits.straysPerSecond, now);
  }

  /**
   * Of a packet that nobody here owns: true when it is not to be answered here, being shown to others, or beyond the limit
   * for that: an answer could end a connection of theirs.
   */
  pass(packet: IpPacket, now: number): boolean {
    if (this.siblings === null || packet.isLoopback || this.origin === 'returned') return false;
    if (this.origin === 'sibling') {
      this.wasRefused = true;
    } else if (this.limit.take(now)) {
      this.stats.straysShown++;
      const { bytes, packetOffset, packetLength, hint } = packet;
      this.siblings.show(bytes.subarray(packetOffset, packetOffset + packetLength), hint);
    } else {
      this.stats.strayDrops++;
    }
    return true;
  }

  /**
   * Has a packet that a sibling showed, or that has come back, taken in.
   * @returns false when nobody here owns it
   */
  take(isReturned: boolean, receive: () => void): boolean {
    this.origin = isReturned ? 'returned' : 'sibling';
    this.wasRefused = false;
    try {
      receive();
    } finally {
      this.origin = 'ours';
    }
    if (!isReturned && !this.wasRefused) this.stats.straysTaken++;
    return !this.wasRefused;
  }
}

/** A batch of that one packet. */
export function batchOf(packet: Uint8Array, hint: number, ids: PacketIds): PacketBatch {
  return {
    bytes: packet,
    view: new DataView(packet.buffer, packet.byteOffset, packet.length),
    count: 1,
    offsets: Int32Array.of(0),
    lengths: Int32Array.of(packet.length),
    hints: Int32Array.of(hint),
    ids: Float64Array.of(ids.next()),
  };
}
