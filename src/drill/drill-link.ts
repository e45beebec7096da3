// The link between a script and our stack: packets leave into a list, and come when the script says so.
import {
  type Link,
  type LinkReceiver,
  NO_OFFLOAD,
  newLinkStats,
  type PacketBatch,
  PacketIds,
} from '../stack/link.js';
import type { PayloadPieces } from '../wire/payload.js';

/** A link of IP packets without any time of its own. */
export class DrillLink implements Link {
  readonly name = 'drill0';
  readonly medium = 'ip';
  readonly offload = NO_OFFLOAD;
  readonly packetIds = new PacketIds();
  readonly stats = newLinkStats();
  readonly writable = true;
  private receiver: LinkReceiver | null = null;

  /** @param onSent takes every packet; its bytes are its own */
  constructor(
    readonly mtu: number,
    private readonly onSent: (bytes: Uint8Array) => void,
  ) {}

  start(receiver: LinkReceiver): void {
    this.receiver = receiver;
  }

  send(
    _packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
  ): boolean {
    const bytes = new Uint8Array(headerLength + (payload?.total ?? 0));
    bytes.set(header.subarray(headerOffset, headerOffset + headerLength));
    payload?.copyTo(bytes, headerLength);
    this.stats.packetsOut++;
    this.stats.bytesOut += bytes.length;
    this.onSent(bytes);
    return true;
  }

  flush(): void {}

  /** Brings one packet. */
  deliver(bytes: Uint8Array): void {
    this.stats.packetsIn++;
    this.stats.bytesIn += bytes.length;
    const batch: PacketBatch = {
      bytes,
      view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
      count: 1,
      offsets: Int32Array.of(0),
      lengths: Int32Array.of(bytes.length),
      ids: Float64Array.of(this.packetIds.next()),
    };
    this.receiver?.receive(batch);
  }

  async close(): Promise<void> {
    this.receiver = null;
  }
}
