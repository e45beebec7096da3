// The counterfactual `handshake=2`: a server that does not wait for the third segment. No option of the stack leads there;
// the lab slips our stack what it should have waited for.

import { BatchView } from '../link/impair-buffers.js';
import { LinkWrapper } from '../link/link-wrapper.js';
import type { Clock } from '../stack/clock.js';
import type { Link, LinkOffload, LinkReceiver, LinkStats } from '../stack/link.js';
import { buildTcpPacket, decodePacket } from '../wire/packet.js';
import type { PayloadPieces } from '../wire/payload.js';
import { ACK, SYN } from '../wire/segment.js';

const IPV4_HEADER_BYTES = 20;
const FLAGS_OFFSET = 13;

/**
 * A handshake of two segments: as soon as our stack has sent its SYN-ACK, it gets the ACK that it should have waited for.
 * To everybody else it looks like a server that needs no third segment.
 */
export class ImpatientServer extends LinkWrapper implements Link {
  private receiver: LinkReceiver | null = null;

  /** @param slip hears of the number of each forged ACK, before our stack gets it */
  constructor(
    inner: Link,
    private readonly clock: Clock,
    private readonly slip: (packetId: number) => void,
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
    const flags = header[headerOffset + IPV4_HEADER_BYTES + FLAGS_OFFSET] ?? 0;
    if ((flags & (SYN | ACK)) === (SYN | ACK)) {
      this.forge(header.slice(headerOffset, headerOffset + headerLength));
    }
    return this.inner.send(packetId, header, headerOffset, headerLength, payload);
  }

  flush(): void {
    this.inner.flush();
  }

  close(): Promise<void> {
    return this.inner.close();
  }

  private forge(synAck: Uint8Array): void {
    const decoded = decodePacket(synAck, 0);
    if (typeof decoded === 'string' || decoded.tcp === undefined) return;
    const { source, destination, tcp } = decoded;
    const packet = buildTcpPacket({
      source: destination,
      sourcePort: tcp.header.destinationPort,
      destination: source,
      destinationPort: tcp.header.sourcePort,
      seq: tcp.header.ack,
      ack: (tcp.header.seq + 1) >>> 0,
      flags: ACK,
    });
    const packetId = this.packetIds.next();
    this.slip(packetId);
    this.clock.schedule(this.clock.now(), () => {
      const batch = new BatchView();
      batch.begin(packet, new DataView(packet.buffer), 1);
      batch.add(0, packet.length, packetId);
      this.receiver?.receive(batch);
    });
  }
}
