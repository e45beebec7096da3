// A link by which the packets of one connection are heard of a little later than they arrive, as by a process that has to be
// woken first.
import { PassingLink } from '../../src/lab/passing-link.js';
import type { Clock } from '../../src/stack/clock.js';
import type { Link, LinkReceiver, PacketBatch } from '../../src/stack/link.js';
import { batchOf } from '../stack/test-link.js';

const IPV4_HEADER_BYTES = 20;

/** Holds back what comes from the TCP port `port`, IPv4 without options. */
export class SlowEar extends PassingLink {
  constructor(
    inner: Link,
    private readonly clock: Clock,
    private readonly port: number,
    private readonly lateMs: number,
  ) {
    super(inner);
  }

  override start(receiver: LinkReceiver): void {
    this.inner.start({
      receive: (batch) => this.hear(batch, receiver),
      writable: () => receiver.writable(),
      failed: (error) => receiver.failed(error),
    });
  }

  private hear(batch: PacketBatch, receiver: LinkReceiver): void {
    const packets = Array.from({ length: batch.count }, (_, i) =>
      batch.bytes.slice(batch.offsets[i]!, batch.offsets[i]! + batch.lengths[i]!),
    );
    const isLate = (packet: Uint8Array) =>
      ((packet[IPV4_HEADER_BYTES]! << 8) | packet[IPV4_HEADER_BYTES + 1]!) === this.port;
    const late = packets.filter(isLate);
    const others = packets.filter((packet) => !isLate(packet));
    const give = (some: Uint8Array[]) => receiver.receive(batchOf(some, this.packetIds));
    if (others.length > 0) give(others);
    if (late.length > 0) this.clock.schedule(this.clock.now() + this.lateMs, () => give(late));
  }
}
