// A link around a link that changes nothing by itself: what stands between our stack and the link in the lab looks at
// what is sent, or adds to what is received, packet by packet as on a wire.
import { LinkWrapper } from '../link/link-wrapper.js';
import type { Link, LinkOffload, LinkReceiver, LinkStats } from '../stack/link.js';
import type { PayloadPieces } from '../wire/payload.js';

const IPV4_HEADER_BYTES = 20;
const FLAGS_OFFSET = 13;

/** Passes everything on. */
export class PassingLink extends LinkWrapper implements Link {
  protected receiver: LinkReceiver | null = null;

  constructor(inner: Link) {
    super(inner);
    this.declineOffload();
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

  start(receiver: LinkReceiver): void {
    this.receiver = receiver;
    this.inner.start(receiver);
  }

  send(
    packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
  ): boolean {
    return this.inner.send(packetId, header, headerOffset, headerLength, payload);
  }

  flush(): void {
    this.inner.flush();
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

/** Control bits of the segment in an IPv4 packet without options, as the lab's stack sends them. */
export function flagsOfPacket(header: Uint8Array, headerOffset: number): number {
  return header[headerOffset + IPV4_HEADER_BYTES + FLAGS_OFFSET] ?? 0;
}
