// Sees what our stack sends without a connection: the RSTs that answer segments of nobody, and SYN-ACKs with a SYN cookie.
// What connections send, they tell themselves.
import type { Link } from '../stack/link.js';
import type { PayloadPieces } from '../wire/payload.js';
import { RST, SegmentView, SYN } from '../wire/segment.js';
import { parseTcp } from '../wire/tcp.js';
import { flagsOfPacket, PassingLink } from './passing-link.js';

const IPV4_HEADER_BYTES = 20;

/** A link around a link, next to the stack. */
export class StackTap extends PassingLink {
  private pending: SegmentView | null = null;

  /** @param unowned hears of each RST and SYN-ACK that no connection has announced until the next packet */
  constructor(
    inner: Link,
    private readonly unowned: (segment: SegmentView) => void,
  ) {
    super(inner);
  }

  /** A connection says that it sent this packet. */
  announced(packetId: number): void {
    if (this.pending?.packetId === packetId) this.pending = null;
  }

  override send(
    packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
  ): boolean {
    this.settle();
    const taken = super.send(packetId, header, headerOffset, headerLength, payload);
    if (taken && (flagsOfPacket(header, headerOffset) & (RST | SYN)) !== 0) {
      const bytes = header.slice(headerOffset, headerOffset + headerLength);
      const segment = new SegmentView();
      const view = new DataView(bytes.buffer);
      if (parseTcp(bytes, view, IPV4_HEADER_BYTES, headerLength - IPV4_HEADER_BYTES, segment) === 0) {
        segment.packetId = packetId;
        this.pending = segment;
      }
    }
    return taken;
  }

  override flush(): void {
    this.settle();
    super.flush();
  }

  private settle(): void {
    const { pending } = this;
    this.pending = null;
    if (pending !== null) this.unowned(pending);
  }
}
