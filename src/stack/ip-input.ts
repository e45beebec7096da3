// From the packets of a batch to TCP and ICMP: headers, addresses, fragments, source routes. What is refused here is
// counted, and refused in silence but where an RFC has the source told (icmp-errors.ts).
import { IcmpType, UnreachableCode } from '../wire/icmp.js';
import { Icmpv6ParameterCode, Icmpv6Type } from '../wire/icmpv6.js';
import { Ipv4View, parseIpv4 } from '../wire/ipv4.js';
import { Ipv6View, parseIpv6 } from '../wire/ipv6.js';
import { ParseError } from '../wire/parse-error.js';
import { IpProtocol } from '../wire/protocol.js';
import { isMulticast, type LocalAddresses } from './addresses.js';
import type { IcmpInput } from './icmp.js';
import type { IcmpErrors } from './icmp-errors.js';
import { IpPacket } from './ip-packet.js';
import type { FragmentResult, IpReassembly } from './ip-reassembly.js';
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

/** What a packet came to: dropped for a reason, kept for the fragments that follow it, or null, to be delivered. */
type Verdict = IpDropReason | 'kept' | null;

/** The way in. */
export class IpInput {
  private readonly packet = new IpPacket();
  private readonly ipv4 = new Ipv4View();
  private readonly ipv6 = new Ipv6View();

  constructor(
    private readonly addresses: LocalAddresses,
    private readonly tcp: TcpInput,
    private readonly icmp: IcmpInput,
    private readonly reassembly: IpReassembly,
    private readonly errors: IcmpErrors,
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
    let verdict: Verdict;
    if (version === 4) verdict = this.takeIpv4(offset, length, now);
    else if (version === 6) verdict = this.takeIpv6(offset, length, now);
    else verdict = length > 0 ? 'unsupported_version' : 'header';
    if (verdict === null) verdict = this.deliver(now);
    if (verdict === null || verdict === 'kept') return;
    this.stats[COUNTER_OF[verdict]]++;
    this.trace?.packetDropped(verdict, this.packet.packetId, now);
  }

  private takeIpv4(offset: number, length: number, now: number): Verdict {
    const { packet, ipv4 } = this;
    if (parseIpv4(packet.bytes, packet.view, offset, length, ipv4) !== ParseError.NONE) return 'header';
    packet.place(offset, ipv4.totalLength, length);
    const refused = this.checkAddresses(0, 0, 0xffff, ipv4.source, 0, 0, 0xffff, ipv4.destination);
    if (refused !== null) return refused;
    if (ipv4.sourceRoute) return 'source_route';
    if (ipv4.isFragment) return this.afterReassembly(this.reassembly.takeIpv4(packet, ipv4, now), now);
    packet.protocol = ipv4.protocol;
    packet.ecn = ipv4.ecn;
    packet.placePayload(ipv4.payloadOffset);
    return null;
  }

  private takeIpv6(offset: number, length: number, now: number): Verdict {
    const { packet, ipv6 } = this;
    const error = parseIpv6(packet.bytes, packet.view, offset, length, ipv6);
    const isToldToSource = error === ParseError.ROUTING_HEADER || error === ParseError.UNKNOWN_OPTION;
    if (error !== ParseError.NONE && !isToldToSource) return 'header';
    packet.place(offset, ipv6.totalLength, length);
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
    if (isToldToSource) return this.refuseIpv6(error === ParseError.ROUTING_HEADER, now);
    if (ipv6.isFragment) {
      // Fragments of fragments: a whole that is a fragment again comes from nobody who obeys RFC 8200 §4.5.
      if (packet.isReassembled) return 'header';
      return this.afterReassembly(this.reassembly.takeIpv6(packet, ipv6, now), now);
    }
    packet.protocol = ipv6.protocol;
    packet.ecn = ipv6.ecn;
    packet.placePayload(ipv6.payloadOffset);
    return null;
  }

  /** A whole is taken in as if it had come so. */
  private afterReassembly(result: FragmentResult, now: number): Verdict {
    if (result !== 'whole') return result === 'kept' ? 'kept' : 'fragment';
    const { packet, reassembly } = this;
    const isIpv4 = packet.isIpv4;
    packet.become(reassembly.bytes, reassembly.view, reassembly.largestPacket);
    const length = reassembly.wholeLength;
    return isIpv4 ? this.takeIpv4(0, length, now) : this.takeIpv6(0, length, now);
  }

  /** A source route, or an option that is not to be passed over (RFC 8200 §4.2, §4.4). */
  private refuseIpv6(isRoute: boolean, now: number): IpDropReason {
    const { packet, ipv6, errors } = this;
    const { HEADER_FIELD, OPTION } = Icmpv6ParameterCode;
    // An option of action 01 is dropped in silence; 10 and 11 differ for multicast only, which never comes here.
    if (isRoute || ipv6.faultAction >= 2) {
      const code = isRoute ? HEADER_FIELD : OPTION;
      errors.about(packet, Icmpv6Type.PARAMETER_PROBLEM, code, ipv6.faultPointer, now);
    }
    return isRoute ? 'source_route' : 'header';
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
      this.tellUnknown(now);
      return 'unknown_protocol';
    }
    return null;
  }

  /** RFC 1122 §3.2.2.1, RFC 8200 §4: the source learns that nobody here speaks its protocol. */
  private tellUnknown(now: number): void {
    const { packet, errors } = this;
    if (packet.isIpv4) {
      errors.about(packet, IcmpType.DESTINATION_UNREACHABLE, UnreachableCode.PROTOCOL, 0, now);
    } else if (packet.protocol !== IpProtocol.NO_NEXT_HEADER) {
      const pointer = this.ipv6.protocolOffset - packet.packetOffset;
      errors.about(packet, Icmpv6Type.PARAMETER_PROBLEM, Icmpv6ParameterCode.NEXT_HEADER, pointer, now);
    }
  }
}
