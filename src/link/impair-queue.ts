// Packets that an impaired link keeps for later, ordered by the time at which they go on.
import type { Direction } from './impair-options.js';

/** A packet of its own: its bytes belong to it. */
export interface StoredPacket {
  readonly dir: Direction;
  readonly packetId: number;
  readonly bytes: Uint8Array;
}

interface Entry {
  readonly at: number;
  readonly order: number;
  readonly packet: StoredPacket;
}

/** A binary heap; packets of the same time keep the order in which they came. */
export class TimedPackets {
  private readonly heap: Entry[] = [];
  private order = 0;

  get size(): number {
    return this.heap.length;
  }

  /** Time of the next packet, or Infinity. */
  nextAt(): number {
    return this.heap.length > 0 ? this.heap[0]!.at : Number.POSITIVE_INFINITY;
  }

  /** Adds a packet that goes on at `at`. */
  add(at: number, packet: StoredPacket): void {
    const { heap } = this;
    const entry: Entry = { at, order: this.order++, packet };
    let i = heap.length;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = entry;
  }

  /** Takes the next packet whose time has come, or null. */
  take(now: number): StoredPacket | null {
    const { heap } = this;
    if (heap.length === 0 || heap[0]!.at > now) return null;
    const first = heap[0]!;
    const last = heap.pop()!;
    if (heap.length > 0) this.sink(last);
    return first.packet;
  }

  /** Takes everything. */
  clear(): StoredPacket[] {
    return this.heap.splice(0).map((entry) => entry.packet);
  }

  private sink(entry: Entry): void {
    const { heap } = this;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, entry)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = entry;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
