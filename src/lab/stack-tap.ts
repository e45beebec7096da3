// Sees what our stack sends without a connection: the RSTs that answer segments of nobody. What connections send, they
// tell themselves.
import { LinkWrapper } from '../link/link-wrapper.js';
import type { Link, LinkOffload, LinkReceiver, LinkStats } from '../stack/link.js';
import type { PayloadPieces } from '../wire/payload.js';
import { RST, SegmentView } from '../wire/segment.js';
import { parseTcp } from '../wire/tcp.js';

const IPV4_HEADER_BYTES = 20;
const FLAGS_OFFSET = 13;

/** A link around a link, next to the stack. */
export class StackTap extends LinkWrapper implements Link {
  private pending: SegmentView | null = null;

  /** @param unowned hears of each RST that no connection has announced until the next packet */
  constructor(
    inner: Link,
    private readonly unowned: (segment: SegmentView) => void,
  ) {
    super(inner);
  }

  get offload(): LinkOffload {
    return this.inner.offload;
  }
  get stats(): LinkStats {
    return this.inner.stats;
  }
  get writable(): boolean {
    return this.inner.writable;
  }

  /** A connection says that it sent this packet. */
  announced(packetId: number): void {
    if (this.pending?.packetId === packetId) this.pending = null;
  }

  start(receiver: LinkReceiver): void {
    this.inner.start(receiver);
  }

  send(
    packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
  ): boolean {
    this.settle();
    const taken = this.inner.send(packetId, header, headerOffset, headerLength, payload);
    const at = headerOffset + IPV4_HEADER_BYTES;
    if (taken && ((header[at + FLAGS_OFFSET] ?? 0) & RST) !== 0) {
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

  flush(): void {
    this.settle();
    this.inner.flush();
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  private settle(): void {
    const { pending } = this;
    this.pending = null;
    if (pending !== null) this.unowned(pending);
  }
}
