// Fragments on their way in: which of them can be part of a datagram, and the packet that a whole one becomes (RFC 791,
// RFC 815, RFC 8200 §4.5). Nothing is believed of fragments that contradict each other (RFC 5722), for IPv4 either.
import { IpAddress } from '../wire/address.js';
import { IcmpType, TimeExceededCode } from '../wire/icmp.js';
import { Icmpv6ParameterCode, Icmpv6Type } from '../wire/icmpv6.js';
import { type Ipv4View, rewriteIpv4Reassembled } from '../wire/ipv4.js';
import { IPV6_HEADER, IPV6_HEADER_BYTES, type Ipv6View, rewriteIpv6Reassembled } from '../wire/ipv6.js';
import {
  findUpperLayer,
  IPV6_FRAGMENT_HEADER_BYTES,
  IPV6_FRAGMENT_OFFSET_AT,
  UpperLayer,
} from '../wire/ipv6-extensions.js';
import { offsetOf } from '../wire/layout.js';
import { isTransportHeaderWhole } from '../wire/transport-header.js';
import { FragmentTable, IPV4_KEY_WORDS, IPV6_KEY_WORDS } from './fragment-table.js';
import { type FragmentedDatagram, FragmentFate } from './fragmented-datagram.js';
import type { IcmpErrors } from './icmp-errors.js';
import type { IpPacket } from './ip-packet.js';
import type { Limits } from './limits.js';
import type { RandomBytes } from './siphash.js';
import type { IpStats } from './stats.js';

/**
 * RFC 791 §3.2 suggests 15 s and RFC 1122 §3.3.2 60 s or more. An identification of 16 bits comes around within seconds
 * on a fast path, and what waits too long is completed with fragments of another datagram (RFC 4963 §3): hence no longer
 * than needed for a path that reorders, as Linux has it.
 */
export const IPV4_REASSEMBLY_MS = 30_000;
/** RFC 8200 §4.5. */
export const IPV6_REASSEMBLY_MS = 60_000;

const MAX_LENGTH = 65_535;
const PAYLOAD_LENGTH = offsetOf(IPV6_HEADER, 'payloadLength');

/** What became of a fragment: kept, the whole is in `whole` now, or dropped. */
export type FragmentResult = 'kept' | 'whole' | 'dropped';

/** Makes datagrams of fragments. */
export class IpReassembly {
  /** Length of the packet in `bytes`, after the result `whole`. */
  wholeLength = 0;
  /** Octets of the longest packet in which it came. */
  largestPacket = 0;
  private packetBytes: Uint8Array | null = null;
  private packetView: DataView | null = null;
  private readonly key = new Int32Array(IPV6_KEY_WORDS);
  private readonly upper = new UpperLayer();
  private readonly table: FragmentTable;

  /** @param arm told when `expire` wants to be called: clock ms, the earliest there is */
  constructor(
    private readonly limits: Limits,
    random: RandomBytes,
    private readonly errors: Pick<IcmpErrors, 'about' | 'send'>,
    private readonly stats: IpStats,
    private readonly arm: (deadline: number) => void,
  ) {
    this.table = new FragmentTable(limits, random, (evicted) => {
      if (!evicted.isGivenUp) this.stats.reasmFails++;
    });
  }

  /** The packet that was made whole: valid until the next fragment is taken. */
  get bytes(): Uint8Array {
    this.packetBytes ??= new Uint8Array(IPV6_HEADER_BYTES + MAX_LENGTH);
    return this.packetBytes;
  }

  /** Over the memory of `bytes`. */
  get view(): DataView {
    this.packetView ??= new DataView(this.bytes.buffer);
    return this.packetView;
  }

  /** What fragments take at present, in bytes. */
  get heldBytes(): number {
    return this.table.bytes;
  }

  /** Datagrams that are not whole yet. */
  get heldDatagrams(): number {
    return this.table.count;
  }

  /** Takes an IPv4 fragment, whose addresses were checked. */
  takeIpv4(packet: IpPacket, ip: Ipv4View, now: number): FragmentResult {
    this.stats.reasmReqds++;
    const { fragmentOffset: start, payloadOffset, payloadLength: length, headerLength, moreFragments } = ip;
    if (length === 0 || (moreFragments && length % 8 !== 0)) return this.refuse();
    if (headerLength + start + length > MAX_LENGTH) return this.refuse();
    if (start === 0 && !isTransportHeaderWhole(ip.protocol, packet.bytes, payloadOffset, length)) {
      return this.refuse();
    }
    const { key } = this;
    key[0] = ip.source;
    key[1] = ip.destination;
    key[2] = (ip.protocol << 16) | ip.id;
    const datagram = this.table.find(key, IPV4_KEY_WORDS, now, IPV4_REASSEMBLY_MS);
    return this.add(packet, datagram, payloadOffset, length, start, moreFragments, ip.ecn, 0);
  }

  /** Takes an IPv6 fragment, whose addresses were checked. */
  takeIpv6(packet: IpPacket, ip: Ipv6View, now: number): FragmentResult {
    this.stats.reasmReqds++;
    const { fragmentOffset: start, payloadOffset, moreFragments, fragmentHeaderAt } = ip;
    const length = packet.packetOffset + ip.totalLength - payloadOffset;
    if (length === 0) return this.refuse();
    if (moreFragments && length % 8 !== 0) {
      return this.refuseAloud(packet, Icmpv6ParameterCode.HEADER_FIELD, PAYLOAD_LENGTH, now);
    }
    if (fragmentHeaderAt - IPV6_HEADER_BYTES + start + length > MAX_LENGTH) {
      const pointer = fragmentHeaderAt + IPV6_FRAGMENT_OFFSET_AT;
      return this.refuseAloud(packet, Icmpv6ParameterCode.HEADER_FIELD, pointer, now);
    }
    if (start === 0 && !this.hasWholeChain(packet, ip.protocol, payloadOffset, payloadOffset + length)) {
      return this.refuseAloud(packet, Icmpv6ParameterCode.FIRST_FRAGMENT, 0, now);
    }
    const { key } = this;
    key[0] = ip.source0;
    key[1] = ip.source1;
    key[2] = ip.source2;
    key[3] = ip.source3;
    key[4] = ip.destination0;
    key[5] = ip.destination1;
    key[6] = ip.destination2;
    key[7] = ip.destination3;
    key[8] = ip.fragmentId;
    const datagram = this.table.find(key, IPV6_KEY_WORDS, now, IPV6_REASSEMBLY_MS);
    const { ecn, fragmentNamedAt } = ip;
    return this.add(packet, datagram, payloadOffset, length, start, moreFragments, ecn, fragmentNamedAt);
  }

  /** Gives up what has waited too long, and tells the sources of which the beginning came (RFC 1122 §3.3.2). */
  expire(now: number): void {
    for (let late = this.table.expired(now); late !== null; late = this.table.expired(now)) {
      this.table.remove(late);
      if (late.isGivenUp) continue;
      this.stats.reasmFails++;
      this.stats.reasmTimeouts++;
      this.tellTimeout(late, now);
    }
    this.armNext();
  }

  /** @param namedAt IPv6: place of the octet that names the fragment header; IPv4: 0 */
  private add(
    packet: IpPacket,
    datagram: FragmentedDatagram,
    offset: number,
    length: number,
    start: number,
    more: boolean,
    ecn: number,
    namedAt: number,
  ): FragmentResult {
    this.armNext();
    if (datagram.isGivenUp) return 'dropped';
    const costBefore = datagram.cost;
    const fate = datagram.add(packet.bytes, offset, length, start, more, ecn);
    if (fate === FragmentFate.DUPLICATE) return 'kept';
    if (fate === FragmentFate.OVERLAP) {
      this.stats.reasmOverlaps++;
      return this.giveUp(datagram, costBefore);
    }
    if (datagram.count > this.limits.fragmentsPerDatagram) return this.giveUp(datagram, costBefore);
    const { bytes, packetOffset, packetLength } = packet;
    datagram.largestPacket = Math.max(datagram.largestPacket, packetLength);
    if (start === 0) {
      datagram.header = new Uint8Array(offset - packetOffset);
      datagram.header.set(bytes.subarray(packetOffset, offset));
      datagram.namedAt = namedAt;
    }
    this.table.settle(datagram, costBefore);
    // It may have been the oldest itself.
    if (!datagram.isHeld) return 'dropped';
    return fate === FragmentFate.COMPLETE ? this.finish(datagram) : 'kept';
  }

  /** Nothing of it is kept but that it is not to be believed, until its time is over. */
  private giveUp(datagram: FragmentedDatagram, costBefore: number): FragmentResult {
    this.stats.reasmFails++;
    datagram.isGivenUp = true;
    datagram.clear();
    this.table.settle(datagram, costBefore);
    return 'dropped';
  }

  /** All is there: the packet of fragment zero, with all of the data in place of its own. */
  private finish(datagram: FragmentedDatagram): FragmentResult {
    const { bytes, view } = this;
    const { header, ecn, namedAt, length: dataLength, largestPacket } = datagram;
    const isIpv4 = datagram.key.length === IPV4_KEY_WORDS;
    const headerLength = header!.length - (isIpv4 ? 0 : IPV6_FRAGMENT_HEADER_BYTES);
    const length = headerLength + dataLength;
    this.table.remove(datagram);
    // The fragments may differ in the length of their headers, so that only now it shows that the whole is too long.
    const isTooLong = (isIpv4 ? length : length - IPV6_HEADER_BYTES) > MAX_LENGTH;
    if (ecn < 0 || isTooLong) {
      this.stats.reasmFails++;
      return 'dropped';
    }
    bytes.set(header!);
    // What the fragment header named is named by the one in front of it now.
    if (!isIpv4) bytes[namedAt] = header![headerLength]!;
    datagram.copyTo(bytes, headerLength);
    if (isIpv4) rewriteIpv4Reassembled(bytes, view, 0, length, ecn);
    else rewriteIpv6Reassembled(bytes, view, 0, length - IPV6_HEADER_BYTES, ecn);
    this.wholeLength = length;
    this.largestPacket = largestPacket;
    this.stats.reasmOks++;
    return 'whole';
  }

  /** RFC 7112 §5: all headers, the upper layer's included, stand in the first fragment. */
  private hasWholeChain(packet: IpPacket, protocol: number, at: number, end: number): boolean {
    const { upper } = this;
    if (!findUpperLayer(packet.bytes, at, end, protocol, upper)) return false;
    return isTransportHeaderWhole(upper.protocol, packet.bytes, upper.offset, end - upper.offset);
  }

  private refuse(): FragmentResult {
    this.stats.reasmFails++;
    return 'dropped';
  }

  private refuseAloud(packet: IpPacket, code: number, pointer: number, now: number): FragmentResult {
    this.errors.about(packet, Icmpv6Type.PARAMETER_PROBLEM, code, pointer, now);
    return this.refuse();
  }

  private tellTimeout(late: FragmentedDatagram, now: number): void {
    const quoted = late.firstPacket();
    if (quoted === null) return;
    const { key } = late;
    const isIpv4 = key.length === IPV4_KEY_WORDS;
    const remote = isIpv4 ? IpAddress.v4(key[0]!) : new IpAddress(key[0]!, key[1]!, key[2]!, key[3]!);
    const local = isIpv4 ? IpAddress.v4(key[1]!) : new IpAddress(key[4]!, key[5]!, key[6]!, key[7]!);
    const type = isIpv4 ? IcmpType.TIME_EXCEEDED : Icmpv6Type.TIME_EXCEEDED;
    this.errors.send(local, remote, false, quoted, type, TimeExceededCode.REASSEMBLY, 0, now);
  }

  private armNext(): void {
    const deadline = this.table.nextDeadline;
    if (deadline !== Number.POSITIVE_INFINITY) this.arm(deadline);
  }
}
