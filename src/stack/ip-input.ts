// From the packets of a batch to TCP and ICMP: headers, addresses, fragments, source routes. Everything that is refused
// here is refused silently and counted.
import { Ipv4View, parseIpv4 } from '../wire/ipv4.js';
import { Ipv6View, parseIpv6 } from '../wire/ipv6.js';
import { ParseError } from '../wire/parse-error.js';
import { IpProtocol } from '../wire/protocol.js';
import { isMulticast, type LocalAddresses } from './addresses.js';
import type { IcmpInput } from './icmp.js';
import { IpPacket } from './ip-packet.js';
import type { PacketBatch } from './link.js';
import type { IpStats } from './stats.js';
import type { TcpInput } from './tcp-input.js';
import type { PacketDropReason, StackTrace } from './trace.js';

/** Counter of each reason to drop. */
const COUNTER_OF = {
  header: 'inHdrErrors',
  not_for_us: 'inAddrErrors',
  martian: 'inMartians',
  broadcast: 'inBroadcasts',
  fragment: 'inFragments',
  source_route: 'inSourceRoutes',
  unsupported_version: 'inUnsupportedVersion',
  unknown_protocol: 'inUnknownProtos',
} as const satisfies Partial<Record<PacketDropReason, keyof IpStats>>;

type IpDropReason = keyof typeof COUNTER_OF;

/** The way in. */
export class IpInput {
  private readonly packet = new IpPacket();
  private readonly ipv4 = new Ipv4View();
  private readonly ipv6 = new Ipv6View();

  constructor(
    private readonly addresses: LocalAddresses,
    private readonly tcp: TcpInput,
    private readonly icmp: IcmpInput,
    private readonly stats: IpStats,
    private readonly trace: StackTrace | null,
  ) {}

  /**
   * Takes in a batch.
   * @param isLoopback whether the packets came from this stack and never left it
   */
  receive(batch: PacketBatch, isLoopback: boolean, now: number): void {
    for (let i = 0; i < batch.count; i++) {
      this.packet.begin(batch, i, isLoopback);
      this.stats.inReceives++;
      this.receivePacket(batch.offsets[i]!, batch.lengths[i]!, now);
    }
  }

  private receivePacket(offset: number, length: number, now: number): void {
    const version = length > 0 ? this.packet.bytes[offset]! >>> 4 : 0;
    let reason: IpDropReason | null;
    if (version === 4) reason = this.takeIpv4(offset, length);
    else if (version === 6) reason = this.takeIpv6(offset, length);
    else reason = length > 0 ? 'unsupported_version' : 'header';
    if (reason === null) reason = this.deliver(now);
    if (reason === null) return;
    this.stats[COUNTER_OF[reason]]++;
    this.trace?.packetDropped(reason, this.packet.packetId, now);
  }

  private takeIpv4(offset: number, length: number): IpDropReason | null {
    const { packet, ipv4 } = this;
    if (parseIpv4(packet.bytes, packet.view, offset, length, ipv4) !== ParseError.NONE) return 'header';
    const refused = this.checkAddresses(0, 0, 0xffff, ipv4.source, 0, 0, 0xffff, ipv4.destination);
    if (refused !== null) return refused;
    if (ipv4.sourceRoute) return 'source_route';
    if (ipv4.isFragment) return 'fragment';
    packet.protocol = ipv4.protocol;
    packet.ecn = ipv4.ecn;
    packet.payloadOffset = ipv4.payloadOffset;
    packet.payloadLength = ipv4.payloadLength;
    return null;
  }

  private takeIpv6(offset: number, length: number): IpDropReason | null {
    const { packet, ipv6 } = this;
    const error = parseIpv6(packet.bytes, packet.view, offset, length, ipv6);
    if (error !== ParseError.NONE) return error === ParseError.ROUTING_HEADER ? 'source_route' : 'header';
    const refused = this.checkAddresses(
      ipv6.source0,
      ipv6.source1,
      ipv6.source2,
      ipv6.source3,
      ipv6.destination0,
      ipv6.destination1,
      ipv6.destination2,
      ipv6.destination3,
    );
    if (refused !== null) return refused;
    if (ipv6.isFragment) return 'fragment';
    packet.protocol = ipv6.protocol;
    packet.ecn = ipv6.ecn;
    packet.payloadOffset = ipv6.payloadOffset;
    packet.payloadLength = ipv6.payloadLength;
    return null;
  }

  /** Notes both addresses in the packet, or says why it is refused. */
  private checkAddresses(
    source0: number,
    source1: number,
    source2: number,
    source3: number,
    destination0: number,
    destination1: number,
    destination2: number,
    destination3: number,
  ): IpDropReason | null {
    const { packet, addresses } = this;
    const local = addresses.find(destination0, destination1, destination2, destination3);
    if (local === null) {
      const isGroup =
        isMulticast(destination0, destination1, destination2, destination3) ||
        addresses.isBroadcast(destination0, destination1, destination2, destination3);
      return isGroup ? 'broadcast' : 'not_for_us';
    }
    // Only a packet that never left us may come from us: on the link it is forged (ATTACKS: LAND).
    if (!packet.isLoopback && addresses.isMartianSource(source0, source1, source2, source3)) return 'martian';
    packet.local = local;
    packet.setSource(source0, source1, source2, source3);
    return null;
  }

  private deliver(now: number): IpDropReason | null {
    const { packet } = this;
    const icmpProtocol = packet.isIpv4 ? IpProtocol.ICMP : IpProtocol.ICMPV6;
    if (packet.protocol === IpProtocol.TCP) {
      this.stats.inDelivers++;
      this.tcp.receive(packet, now);
    } else if (packet.protocol === icmpProtocol) {
      this.stats.inDelivers++;
      this.icmp.receive(packet, now);
    } else {
      return 'unknown_protocol';
    }
    return null;
  }
}
