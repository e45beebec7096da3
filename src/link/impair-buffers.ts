// The reused memory of an impaired link: an outgoing packet in one piece, and batches of what is left of received ones.
import type { PacketBatch } from '../stack/link.js';
import type { PayloadPieces } from '../wire/payload.js';
import type { StoredPacket } from './impair-queue.js';

/** Holds one outgoing packet in one piece. */
export class Scratch {
  bytes = new Uint8Array(2048);
  view = new DataView(this.bytes.buffer);

  /** Puts header and payload together. Returns the length. */
  gather(header: Uint8Array, offset: number, headerLength: number, payload: PayloadPieces | null): number {
    const length = headerLength + (payload === null ? 0 : payload.total);
    if (length > this.bytes.length) {
      this.bytes = new Uint8Array(length * 2);
      this.view = new DataView(this.bytes.buffer);
    }
    this.bytes.set(header.subarray(offset, offset + headerLength));
    payload?.copyTo(this.bytes, headerLength);
    return length;
  }
}

/** A batch that is made up here. */
export class BatchView implements PacketBatch {
  bytes: Uint8Array = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  count = 0;
  offsets = new Int32Array(0);
  lengths = new Int32Array(0);
  ids = new Float64Array(0);

  /** Begins an empty batch over foreign memory, with room for `capacity` packets. */
  begin(bytes: Uint8Array, view: DataView, capacity: number): void {
    this.bytes = bytes;
    this.view = view;
    this.count = 0;
    if (this.offsets.length >= capacity) return;
    this.offsets = new Int32Array(capacity);
    this.lengths = new Int32Array(capacity);
    this.ids = new Float64Array(capacity);
  }

  /** Adds a packet of that memory. */
  add(offset: number, length: number, packetId: number): void {
    this.offsets[this.count] = offset;
    this.lengths[this.count] = length;
    this.ids[this.count] = packetId;
    this.count++;
  }

  /** Becomes a batch of copies of these packets. */
  gather(packets: readonly StoredPacket[]): void {
    const bytes = new Uint8Array(packets.reduce((total, packet) => total + packet.bytes.length, 0));
    this.begin(bytes, new DataView(bytes.buffer), packets.length);
    let at = 0;
    for (const packet of packets) {
      bytes.set(packet.bytes, at);
      this.add(at, packet.bytes.length, packet.packetId);
      at += packet.bytes.length;
    }
  }
}
