// From outgoing segments to packets: IP and TCP header in one scratch buffer, checksum, link or loopback. What is sent
// and when is decided by the connections.
import type { Connection } from '../tcp/connection.js';
import type { SegmentOut, SegmentSink } from '../tcp/segment-out.js';
import type { IpAddress } from '../wire/address.js';
import { pseudoHeader } from '../wire/checksum.js';
import { FRAME_HEADROOM } from '../wire/ethernet.js';
import { IPV4_HEADER_BYTES, rewriteIpv4Fragment, writeIpv4Header } from '../wire/ipv4.js';
import { IPV6_HEADER_BYTES, writeIpv6Header } from '../wire/ipv6.js';
import { IPV6_FRAGMENT_HEADER_BYTES, writeIpv6FragmentHeader } from '../wire/ipv6-extensions.js';
import type { PayloadPieces } from '../wire/payload.js';
import { IpProtocol } from '../wire/protocol.js';
import { RST } from '../wire/segment.js';
import { MAX_TCP_HEADER_BYTES, writeTcpChecksum, writeTcpHeader, writeTcpPseudoSum } from '../wire/tcp.js';
import type { Endpoint } from './endpoint.js';
import { HeaderNumbers } from './header-numbers.js';
import type { Link, PacketOffload } from './link.js';
import type { Loopback } from './loopback.js';
import type { RandomBytes } from './siphash.js';
import type { IpStats, StackStats } from './stats.js';

/** Hop limit of packets that belong to no connection. */
const DEFAULT_TTL = 64;
/** The next-header value of the fragment header (RFC 8200 §4.5). */
const FRAGMENT_HEADER = 44;

/** Where the IP header is written: what is sent in a frame gets its header in front of it. */
const IP_AT = FRAME_HEADROOM;

/** The most that the length field of an IP header can tell. A link that takes more knows how long a packet is. */
const MOST_TOLD_BYTES = 65_535;

/** Where packets leave: a link of IP packets, or what stands before one of frames. */
export type PacketExit = Pick<
  Link,
  'mtu' | 'offload' | 'packetIds' | 'writable' | 'send' | 'looped' | 'flush'
>;

/** What is left to a link with offload, for the packet under way. */
class SegmentOffload implements PacketOffload {
  family: 4 | 6 = 4;
  transportOffset = 0;
  segmentBytes = 0;
}

/** The way out of a stack. */
export class IpOutput implements SegmentSink {
  private readonly header = new Uint8Array(FRAME_HEADROOM + IPV6_HEADER_BYTES + MAX_TCP_HEADER_BYTES);
  private readonly view = new DataView(this.header.buffer);
  private readonly numbers: HeaderNumbers;
  private readonly offload = new SegmentOffload();
  private budget = 0;
  private readonly ip: IpStats;

  constructor(
    private readonly link: PacketExit,
    private readonly loopback: Loopback,
    private readonly stats: StackStats,
    random: RandomBytes,
  ) {
    this.ip = stats.ip;
    this.numbers = new HeaderNumbers(random);
  }

  /** Allows so many segments until the next call. */
  beginTurn(segments: number): void {
    this.budget = segments;
  }

  /** False when connections should stop for this turn. */
  get writable(): boolean {
    return this.budget > 0 && this.link.writable && this.loopback.hasRoom;
  }

  /** False while the link itself asks to be spared. */
  get isLinkWritable(): boolean {
    return this.link.writable;
  }

  /** Hands what was sent to the wire. */
  flush(): void {
    this.link.flush();
  }

  /** Sends a connection's segment. */
  segment(connection: Connection, segment: SegmentOut): void {
    this.budget -= segment.segmentCount;
    const { tuple } = connection;
    const endpoint = connection.owner as Endpoint;
    if (segment.retransmission > 0) this.stats.tcp.retransSegs++;
    this.sendTcp(
      tuple.local,
      tuple.localPort,
      tuple.remote,
      tuple.remotePort,
      segment,
      connection.config.ttl,
      (connection.dscp << 2) | segment.ecn,
      endpoint.mayFragment,
      endpoint.isLoopback,
    );
  }

  /** Sends a segment that belongs to no connection. Returns false when it could not leave. */
  answer(
    local: IpAddress,
    localPort: number,
    remote: IpAddress,
    remotePort: number,
    segment: SegmentOut,
    isLoopback: boolean,
  ): boolean {
    return this.sendTcp(local, localPort, remote, remotePort, segment, DEFAULT_TTL, 0, false, isLoopback);
  }

  /**
   * Sends a whole message of a protocol that needs no header of ours, in fragments when it is longer than the path. Over
   * IPv4 routers may fragment it further: nobody here would hear that it did not fit.
   * @param message owned by the packet from here on
   * @param largestPacket octets that a packet on this path may have; never more than the link takes
   * @returns false when it could not leave
   */
  datagram(
    local: IpAddress,
    remote: IpAddress,
    protocol: number,
    message: PayloadPieces,
    isLoopback: boolean,
    largestPacket: number = this.link.mtu,
  ): boolean {
    const most = Math.min(largestPacket, this.link.mtu);
    const isIpv4 = remote.w2 === 0xffff && (remote.w0 | remote.w1) === 0;
    const headerBytes = isIpv4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
    if (!isLoopback && headerBytes + message.total > most) {
      return this.fragments(local, remote, isIpv4, protocol, message, most);
    }
    const length = this.writeIp(local, remote, protocol, message.total, DEFAULT_TTL, 0, true);
    return this.emit(this.link.packetIds.next(), length, message, isLoopback, null);
  }

  /** Cuts a message into packets of at most `most` octets (RFC 791 §3.2, RFC 8200 §4.5). */
  private fragments(
    local: IpAddress,
    remote: IpAddress,
    isIpv4: boolean,
    protocol: number,
    message: PayloadPieces,
    most: number,
  ): boolean {
    const id = this.numbers.uniqueIdentification(remote, isIpv4 ? 16 : 32);
    const headerBytes = isIpv4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES + IPV6_FRAGMENT_HEADER_BYTES;
    const room = Math.max(8, (most - headerBytes) & ~7);
    for (let at = 0; at < message.total; at += room) {
      const piece = message.slice(at, room);
      const more = at + room < message.total;
      if (isIpv4) this.writeFragment4(local, remote, protocol, piece.total, id, at, more);
      else this.writeFragment6(local, remote, protocol, piece.total, id, at, more);
      // Without one of them the others are worth nothing.
      if (!this.emit(this.link.packetIds.next(), headerBytes, piece, false, null)) return false;
      this.ip.outFragCreates++;
    }
    this.ip.outFragOks++;
    return true;
  }

  private writeFragment4(
    local: IpAddress,
    remote: IpAddress,
    protocol: number,
    bytes: number,
    id: number,
    at: number,
    more: boolean,
  ): void {
    const { header, view } = this;
    const total = IPV4_HEADER_BYTES + bytes;
    writeIpv4Header(header, view, IP_AT, total, protocol, local.w3, remote.w3, DEFAULT_TTL, 0, id, false);
    rewriteIpv4Fragment(header, view, IP_AT, at, more);
  }

  private writeFragment6(
    local: IpAddress,
    remote: IpAddress,
    protocol: number,
    bytes: number,
    id: number,
    at: number,
    more: boolean,
  ): void {
    const { header, view } = this;
    const length = IPV6_FRAGMENT_HEADER_BYTES + bytes;
    const label = this.numbers.flowLabel(local, remote);
    writeIpv6Header(header, view, IP_AT, length, FRAGMENT_HEADER, local, remote, DEFAULT_TTL, 0, label);
    writeIpv6FragmentHeader(header, view, IP_AT + IPV6_HEADER_BYTES, protocol, at, more, id);
  }

  private sendTcp(
    local: IpAddress,
    localPort: number,
    remote: IpAddress,
    remotePort: number,
    segment: SegmentOut,
    ttl: number,
    trafficClass: number,
    mayFragment: boolean,
    isLoopback: boolean,
  ): boolean {
    const { header, view } = this;
    const { payload } = segment;
    const tcpBytes = 20 + segment.optionsLength + payload.total;
    const ipBytes = this.writeIp(local, remote, IpProtocol.TCP, tcpBytes, ttl, trafficClass, mayFragment);
    const at = IP_AT + ipBytes;
    const tcpHeaderLength = writeTcpHeader(header, view, at, localPort, remotePort, segment);
    const pseudoSum = pseudoHeader(local, remote, IpProtocol.TCP, tcpBytes);
    const pieces = payload.total > 0 ? payload : null;
    const leavesChecksum = this.leavesChecksum(isLoopback);
    if (leavesChecksum) writeTcpPseudoSum(pseudoSum, view, at);
    else writeTcpChecksum(pseudoSum, header, view, at, tcpHeaderLength, pieces);
    // What leaves as one takes a link that cuts and sums it, or stays in memory as it is.
    const work = leavesChecksum ? this.workOfLink(ipBytes, segment.segmentBytes) : null;

    segment.packetId = this.link.packetIds.next();
    const { tcp } = this.stats;
    tcp.outSegs += segment.segmentCount;
    if (segment.flags & RST) tcp.outRsts++;
    return this.emit(segment.packetId, ipBytes + tcpHeaderLength, pieces, isLoopback, work);
  }

  private workOfLink(ipBytes: number, segmentBytes: number): PacketOffload {
    const { offload } = this;
    offload.family = ipBytes === IPV4_HEADER_BYTES ? 4 : 6;
    offload.transportOffset = ipBytes;
    offload.segmentBytes = segmentBytes;
    return offload;
  }

  /** What never leaves memory needs no checksum, unless somebody watches; a link with offload completes the pseudo sum. */
  private leavesChecksum(isLoopback: boolean): boolean {
    return isLoopback ? this.link.looped === undefined : this.link.offload.transmitChecksum;
  }

  private emit(
    packetId: number,
    length: number,
    payload: PayloadPieces | null,
    isLoopback: boolean,
    work: PacketOffload | null,
  ): boolean {
    this.ip.outRequests++;
    if (isLoopback) {
      const taken = this.loopback.send(packetId, this.header, IP_AT, length, payload);
      if (taken) this.link.looped?.(packetId, this.header, IP_AT, length, payload);
      if (taken) this.ip.loopedBack++;
      else this.ip.loopbackDiscards++;
      return taken;
    }
    const taken = this.link.send(packetId, this.header, IP_AT, length, payload, work);
    if (!taken) this.ip.outDiscards++;
    return taken;
  }

  /**
   * Writes the IP header for `payloadBytes` behind it; returns its length.
   * @param mayFragment leaves DF out: then the identification must be one of a kind (RFC 6864 §4.2)
   */
  private writeIp(
    local: IpAddress,
    remote: IpAddress,
    protocol: number,
    payloadBytes: number,
    ttl: number,
    trafficClass: number,
    mayFragment: boolean,
  ): number {
    const { header, view, numbers } = this;
    if (remote.w2 === 0xffff && (remote.w0 | remote.w1) === 0) {
      const total = IPV4_HEADER_BYTES + payloadBytes;
      const id = mayFragment ? numbers.uniqueIdentification(remote, 16) : numbers.identification(remote);
      return writeIpv4Header(
        header,
        view,
        IP_AT,
        told(total),
        protocol,
        local.w3,
        remote.w3,
        ttl,
        trafficClass,
        id,
        !mayFragment,
      );
    }
    const label = this.numbers.flowLabel(local, remote);
    return writeIpv6Header(
      header,
      view,
      IP_AT,
      told(payloadBytes),
      protocol,
      local,
      remote,
      ttl,
      trafficClass,
      label,
    );
  }
}

/** The length field of a packet: 0 in one that is longer than it can tell, as in Linux. */
function told(bytes: number): number {
  return bytes > MOST_TOLD_BYTES ? 0 : bytes;
}
