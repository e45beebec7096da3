// From outgoing segments to packets: IP and TCP header in one scratch buffer, checksum, link or loopback. What is sent
// and when is decided by the connections.
import type { Connection } from '../tcp/connection.js';
import type { SegmentOut, SegmentSink } from '../tcp/segment-out.js';
import type { IpAddress } from '../wire/address.js';
import { pseudoHeader } from '../wire/checksum.js';
import { IPV4_HEADER_BYTES, writeIpv4Header } from '../wire/ipv4.js';
import { IPV6_HEADER_BYTES, writeIpv6Header } from '../wire/ipv6.js';
import type { PayloadPieces } from '../wire/payload.js';
import { IpProtocol } from '../wire/protocol.js';
import { RST } from '../wire/segment.js';
import { MAX_TCP_HEADER_BYTES, writeTcpChecksum, writeTcpHeader, writeTcpPseudoSum } from '../wire/tcp.js';
import type { Endpoint } from './endpoint.js';
import type { Link } from './link.js';
import type { Loopback } from './loopback.js';
import { type RandomBytes, TableHash } from './siphash.js';
import type { IpStats, StackStats } from './stats.js';

/** Hop limit of packets that belong to no connection. */
const DEFAULT_TTL = 64;

/** The way out of a stack. */
export class IpOutput implements SegmentSink {
  private readonly header = new Uint8Array(IPV6_HEADER_BYTES + MAX_TCP_HEADER_BYTES);
  private readonly view = new DataView(this.header.buffer);
  private readonly identification: TableHash;
  private readonly flowLabels: TableHash;
  private readonly words = new Int32Array(3);
  private packets = 0;
  private budget = 0;
  private readonly ip: IpStats;

  constructor(
    private readonly link: Link,
    private readonly loopback: Loopback,
    private readonly stats: StackStats,
    random: RandomBytes,
  ) {
    this.ip = stats.ip;
    this.identification = new TableHash(random);
    this.flowLabels = new TableHash(random);
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
    this.budget--;
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
      connection.dscp << 2,
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
    return this.sendTcp(local, localPort, remote, remotePort, segment, DEFAULT_TTL, 0, isLoopback);
  }

  /**
   * Sends a whole message of a protocol that needs no header of ours.
   * @param message owned by the packet from here on
   * @returns false when it could not leave
   */
  datagram(
    local: IpAddress,
    remote: IpAddress,
    protocol: number,
    message: PayloadPieces,
    isLoopback: boolean,
  ): boolean {
    const length = this.writeIp(local, remote, protocol, message.total, DEFAULT_TTL, 0);
    return this.emit(this.link.packetIds.next(), length, message, isLoopback);
  }

  private sendTcp(
    local: IpAddress,
    localPort: number,
    remote: IpAddress,
    remotePort: number,
    segment: SegmentOut,
    ttl: number,
    trafficClass: number,
    isLoopback: boolean,
  ): boolean {
    const { header, view } = this;
    const { payload } = segment;
    const tcpBytes = 20 + segment.optionsLength + payload.total;
    const at = this.writeIp(local, remote, IpProtocol.TCP, tcpBytes, ttl, trafficClass);
    const tcpHeaderLength = writeTcpHeader(header, view, at, localPort, remotePort, segment);
    const pseudoSum = pseudoHeader(local, remote, IpProtocol.TCP, tcpBytes);
    const pieces = payload.total > 0 ? payload : null;
    // What never leaves memory needs no checksum; a link with offload completes the sum of the pseudo header.
    if (isLoopback || this.link.offload.transmitChecksum) writeTcpPseudoSum(pseudoSum, view, at);
    else writeTcpChecksum(pseudoSum, header, view, at, tcpHeaderLength, pieces);

    segment.packetId = this.link.packetIds.next();
    const { tcp } = this.stats;
    tcp.outSegs++;
    if (segment.flags & RST) tcp.outRsts++;
    return this.emit(segment.packetId, at + tcpHeaderLength, pieces, isLoopback);
  }

  private emit(
    packetId: number,
    length: number,
    payload: PayloadPieces | null,
    isLoopback: boolean,
  ): boolean {
    this.ip.outRequests++;
    if (isLoopback) {
      const taken = this.loopback.send(packetId, this.header, length, payload);
      if (taken) this.ip.loopedBack++;
      else this.ip.loopbackDiscards++;
      return taken;
    }
    const taken = this.link.send(packetId, this.header, 0, length, payload);
    if (!taken) this.ip.outDiscards++;
    return taken;
  }

  /** Writes the IP header for `payloadBytes` behind it; returns its length. Fragmentation is forbidden throughout. */
  private writeIp(
    local: IpAddress,
    remote: IpAddress,
    protocol: number,
    payloadBytes: number,
    ttl: number,
    trafficClass: number,
  ): number {
    const { header, view } = this;
    if (remote.w2 === 0xffff && (remote.w0 | remote.w1) === 0) {
      const total = IPV4_HEADER_BYTES + payloadBytes;
      const id = this.nextIdentification(remote);
      return writeIpv4Header(
        header,
        view,
        0,
        total,
        protocol,
        local.w3,
        remote.w3,
        ttl,
        trafficClass,
        id,
        true,
      );
    }
    const label = this.flowLabel(local, remote);
    return writeIpv6Header(header, view, 0, payloadBytes, protocol, local, remote, ttl, trafficClass, label);
  }

  /**
   * With DF set the identification means nothing (RFC 6864 §4.1); a keyed hash of a counter keeps it from telling how
   * many packets go elsewhere (ATTACKS: IP ID side channel).
   */
  private nextIdentification(remote: IpAddress): number {
    const { words } = this;
    words[0] = remote.w3;
    words[1] = this.packets = (this.packets + 1) | 0;
    return this.identification.hash(words, 2) & 0xffff;
  }

  /** Constant for a pair of hosts, unguessable from outside (RFC 6437 §3). */
  private flowLabel(local: IpAddress, remote: IpAddress): number {
    const { words } = this;
    words[0] = local.w3 ^ local.w2;
    words[1] = remote.w2 ^ remote.w0 ^ remote.w1;
    words[2] = remote.w3;
    return this.flowLabels.hash(words, 3) & 0xfffff;
  }
}
