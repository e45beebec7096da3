// Everything that an impaired link keeps for later, within one bound.
import type { Direction } from './impair-options.js';
import { type StoredPacket, TimedPackets } from './impair-queue.js';

/** Bounded keeping of packets. Whoever takes one out of it for good calls `forget`. */
export class PacketStore {
  /** Packets that go on at a time. */
  readonly timed = new TimedPackets();
  private readonly held = new Map<string, StoredPacket[]>();
  private packets = 0;
  private bytes = 0;

  /** Bounds on all that is kept, wherever it waits. */
  constructor(
    private readonly maxPackets: number,
    private readonly maxBytes: number,
  ) {}

  /** Packets kept. */
  get count(): number {
    return this.packets;
  }

  /** Counts a packet in; `bytes` belongs to the store from now on. Null when there is no room. */
  keep(dir: Direction, packetId: number, bytes: Uint8Array): StoredPacket | null {
    if (this.packets >= this.maxPackets || this.bytes + bytes.length > this.maxBytes) return null;
    this.packets++;
    this.bytes += bytes.length;
    return { dir, packetId, bytes };
  }

  /** Counts a packet out. */
  forget(packet: StoredPacket): void {
    this.packets--;
    this.bytes -= packet.bytes.length;
  }

  /** Holds a kept packet under a name. */
  hold(name: string, packet: StoredPacket): void {
    const packets = this.held.get(name);
    if (packets === undefined) this.held.set(name, [packet]);
    else packets.push(packet);
  }

  /** Packets held under a name. */
  heldCount(name: string): number {
    return this.held.get(name)?.length ?? 0;
  }

  /** Takes up to `count` held packets, oldest first; they stay counted. */
  takeHeld(name: string, count: number): StoredPacket[] {
    const packets = this.held.get(name);
    if (packets === undefined) return [];
    const taken = packets.splice(0, count);
    if (packets.length === 0) this.held.delete(name);
    return taken;
  }

  /** Lets go of everything. Returns how many packets that were. */
  clear(): number {
    const { packets } = this;
    this.timed.clear();
    this.held.clear();
    this.packets = 0;
    this.bytes = 0;
    return packets;
  }
}
