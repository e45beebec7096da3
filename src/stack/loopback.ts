// Packets from the stack to itself: they are copied once and taken in again within a turn, and never see the link.
import type { PayloadPieces } from '../wire/payload.js';
import type { PacketBatch } from './link.js';

const MAX_PACKET_BYTES = 65_535;
const MAX_PACKETS = 1024;

/** A batch that is filled here. */
class LoopbackBatch implements PacketBatch {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly offsets = new Int32Array(MAX_PACKETS);
  readonly lengths = new Int32Array(MAX_PACKETS);
  readonly ids = new Float64Array(MAX_PACKETS);
  count = 0;
  used = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  get hasRoom(): boolean {
    return (
      this.count === 0 || (this.count < MAX_PACKETS && this.used + MAX_PACKET_BYTES <= this.bytes.length)
    );
  }

  add(
    packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
  ): boolean {
    const length = headerLength + (payload === null ? 0 : payload.total);
    if (this.count === MAX_PACKETS || this.used + length > this.bytes.length) return false;
    for (let i = 0; i < headerLength; i++) this.bytes[this.used + i] = header[headerOffset + i]!;
    payload?.copyTo(this.bytes, this.used + headerLength);
    this.offsets[this.count] = this.used;
    this.lengths[this.count] = length;
    this.ids[this.count] = packetId;
    this.count++;
    this.used += length;
    return true;
  }

  empty(): void {
    this.count = 0;
    this.used = 0;
  }
}

/** The queue of packets from us to us: one batch fills while the other is taken in. */
export class Loopback {
  private filling: LoopbackBatch | null = null;
  private taken: LoopbackBatch | null = null;

  /** @param limitBytes memory for both batches, allocated when first needed */
  constructor(private readonly limitBytes: number) {}

  /** False when the next packet might not fit. */
  get hasRoom(): boolean {
    return this.filling === null || this.filling.hasRoom;
  }

  /** Nothing waits to be taken. */
  get isEmpty(): boolean {
    return this.filling === null || this.filling.count === 0;
  }

  /** Queues a copy of a packet. Returns false when there is no room. */
  send(
    packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
  ): boolean {
    this.filling ??= new LoopbackBatch(Math.max(1, this.limitBytes >>> 1));
    return this.filling.add(packetId, header, headerOffset, headerLength, payload);
  }

  /** The packets queued so far, or null; the batch before this one is emptied. */
  take(): PacketBatch | null {
    const batch = this.filling;
    if (batch === null || batch.count === 0) return null;
    this.filling = this.taken;
    this.filling?.empty();
    this.taken = batch;
    return batch;
  }
}
