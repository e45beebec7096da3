// The link of a stack that talks to nobody but itself: packets to its own addresses never reach a link, and all others
// have nowhere to go.
import { type Link, type LinkOffload, type LinkReceiver, newLinkStats, PacketIds } from '../stack/link.js';

/** As Linux's `lo`, but for the byte that an IPv4 packet cannot have. */
const LOOPBACK_MTU = 65_535;

/**
 * Makes a link that leads nowhere, for a stack in one process that only talks to itself.
 * @param mtu largest IP packet in bytes; it bounds the segments between the stack's own addresses
 */
export function nullLink(mtu = LOOPBACK_MTU): Link {
  return new NullLink(mtu);
}

class NullLink implements Link {
  readonly name = 'lo';
  readonly medium = 'ip';
  readonly writable = true;
  readonly packetIds = new PacketIds();
  readonly stats = newLinkStats();
  readonly offload: LinkOffload = { transmitChecksum: true, receiveChecksum: true, maxSegmentationBytes: 0 };

  constructor(readonly mtu: number) {}

  start(_receiver: LinkReceiver): void {}

  send(): boolean {
    this.stats.dropped++;
    return true;
  }

  flush(): void {}

  async close(): Promise<void> {}
}
