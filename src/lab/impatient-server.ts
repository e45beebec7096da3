// The counterfactual `handshake=2`: a server that does not wait for the third segment. No option of the stack leads there;
// the lab slips our stack what it should have waited for.

import { BatchView } from '../link/impair-buffers.js';
import type { Clock } from '../stack/clock.js';
import type { Link } from '../stack/link.js';
import { buildTcpPacket, decodePacket } from '../wire/packet.js';
import type { PayloadPieces } from '../wire/payload.js';
import { ACK, SYN } from '../wire/segment.js';
import { flagsOfPacket, PassingLink } from './passing-link.js';

/**
 * A handshake of two segments: as soon as our stack has sent its SYN-ACK, it gets the ACK that it should have waited for.
 * To everybody else it looks like a server that needs no third segment.
 */
export class ImpatientServer extends PassingLink {
  /** @param slip hears of the number of each forged ACK, before our stack gets it */
  constructor(
    inner: Link,
    private readonly clock: Clock,
    private readonly slip: (packetId: number) => void,
  ) {
    super(inner);
  }

  override send(
    packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
  ): boolean {
    const flags = flagsOfPacket(header, headerOffset);
    if ((flags & (SYN | ACK)) === (SYN | ACK)) {
      this.forge(header.slice(headerOffset, headerOffset + headerLength));
    }
    return super.send(packetId, header, headerOffset, headerLength, payload);
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
