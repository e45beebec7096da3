// A first-in first-out queue of packets, copied back to back into one circular slab. What the packets mean and
// when they leave is the owner's affair.
import type { PayloadPieces } from '../wire/payload.js';

const INITIAL_SLAB_BYTES = 64 * 1024;

/**
 * Bounded FIFO of packets. A packet always lies in one piece: one that would cross the end of the slab begins at its
 * start instead. The slab doubles when it is full, up to what the bounds can need.
 * Invariant: the packets `head … head + count` (modulo the capacity) lie in the slab in that order, at most one of
 * them preceded by an unused tail.
 */
export class PacketRing {
  /** The slab; replaced, never reused for other packets, when it grows. */
  bytes: Uint8Array;
  view: DataView;
  private readonly at: Int32Array;
  private readonly size: Int32Array;
  private readonly id: Float64Array;
  private readonly due: Float64Array;
  private head = 0;
  /** Packets in the queue. */
  count = 0;
  /** Sum of their lengths. */
  queuedBytes = 0;

  /**
   * @param maxPackets packets that it holds, at most
   * @param maxBytes sum of lengths that it holds, at most
   */
  constructor(
    readonly maxPackets: number,
    readonly maxBytes: number,
  ) {
    this.bytes = new Uint8Array(Math.min(INITIAL_SLAB_BYTES, maxBytes));
    this.view = new DataView(this.bytes.buffer);
    this.at = new Int32Array(maxPackets);
    this.size = new Int32Array(maxPackets);
    this.id = new Float64Array(maxPackets);
    this.due = new Float64Array(maxPackets);
  }

  /** True when a packet of that length may be appended. An empty queue takes any packet. */
  fits(length: number): boolean {
    if (this.count === 0) return true;
    return this.count < this.maxPackets && this.queuedBytes + length <= this.maxBytes;
  }

  /** Appends a copy of header and payload. The caller has asked `fits`. */
  push(
    packetId: number,
    due: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
  ): void {
    const length = headerLength + (payload === null ? 0 : payload.total);
    let at = this.place(length);
    while (at < 0) {
      this.grow(length);
      at = this.place(length);
    }
    this.bytes.set(header.subarray(headerOffset, headerOffset + headerLength), at);
    payload?.copyTo(this.bytes, at + headerLength);
    const slot = (this.head + this.count) % this.maxPackets;
    this.at[slot] = at;
    this.size[slot] = length;
    this.id[slot] = packetId;
    this.due[slot] = due;
    this.count++;
    this.queuedBytes += length;
  }

  /** Sets the due time of the newest `n` packets. */
  setDueOfNewest(n: number, due: number): void {
    for (let i = this.count - n; i < this.count; i++) this.due[(this.head + i) % this.maxPackets] = due;
  }

  /** Due time of the oldest packet, or Infinity. */
  nextDue(): number {
    return this.count > 0 ? this.due[this.head]! : Number.POSITIVE_INFINITY;
  }

  /**
   * Describes the oldest packets that are due, without removing them.
   * @returns how many were described, at most `offsets.length`
   */
  peek(now: number, offsets: Int32Array, lengths: Int32Array, ids: Float64Array): number {
    const most = Math.min(this.count, offsets.length);
    let n = 0;
    for (; n < most; n++) {
      const slot = (this.head + n) % this.maxPackets;
      if (this.due[slot]! > now) break;
      offsets[n] = this.at[slot]!;
      lengths[n] = this.size[slot]!;
      ids[n] = this.id[slot]!;
    }
    return n;
  }

  /** Removes the oldest `n` packets. */
  shift(n: number): void {
    for (let i = 0; i < n; i++) {
      this.queuedBytes -= this.size[this.head]!;
      this.head = (this.head + 1) % this.maxPackets;
    }
    this.count -= n;
  }

  /** Removes everything. */
  clear(): void {
    this.head = 0;
    this.count = 0;
    this.queuedBytes = 0;
  }

  /** Where `length` bytes fit behind the newest packet, or -1. */
  private place(length: number): number {
    const capacity = this.bytes.length;
    if (this.count === 0) return length <= capacity ? 0 : -1;
    const newest = (this.head + this.count - 1) % this.maxPackets;
    const end = this.at[newest]! + this.size[newest]!;
    const start = this.at[this.head]!;
    const wrapped = this.at[newest]! < start;
    if (wrapped) return end + length <= start ? end : -1;
    if (end + length <= capacity) return end;
    return length <= start ? 0 : -1;
  }

  private grow(length: number): void {
    const bytes = new Uint8Array(Math.max(this.bytes.length * 2, length));
    let to = 0;
    for (let i = 0; i < this.count; i++) {
      const slot = (this.head + i) % this.maxPackets;
      const from = this.at[slot]!;
      bytes.set(this.bytes.subarray(from, from + this.size[slot]!), to);
      this.at[slot] = to;
      to += this.size[slot]!;
    }
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}
