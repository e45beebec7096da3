// One packet on an impaired link as rules see it: decoded in place, with numbers relative to the ISNs that the link
// learnt from the SYNs that crossed it.
import { IpAddress } from '../wire/address.js';
import { EthernetView, EtherType, parseEthernet } from '../wire/ethernet.js';
import { Ipv4View, parseIpv4 } from '../wire/ipv4.js';
import { Ipv6View, parseIpv6 } from '../wire/ipv6.js';
import { ParseError } from '../wire/parse-error.js';
import { IpProtocol } from '../wire/protocol.js';
import { ACK, SegmentView, SYN } from '../wire/segment.js';
import { type Seq, seqDiff } from '../wire/seq.js';
import { parseTcp } from '../wire/tcp.js';
import type { Direction } from './impair-options.js';

/** ISNs remembered, one for each direction of a connection; the oldest is forgotten first. */
const MAX_ISNS = 8192;

/** The ISNs of the connections that were seen to open. The latest SYN of a direction counts. */
export class IsnMemory {
  private readonly isns = new Map<string, Seq>();

  /** ISN of the side that sends from `source` to `destination`, or null when its SYN was not seen. */
  get(source: IpAddress, sourcePort: number, destination: IpAddress, destinationPort: number): Seq | null {
    return this.isns.get(`${source}:${sourcePort}>${destination}:${destinationPort}`) ?? null;
  }

  /** Learns from a SYN or SYN-ACK. */
  learn(packet: ImpairedPacket): void {
    const { source, sourcePort, destination, destinationPort, segment } = packet;
    this.set(`${source}:${sourcePort}>${destination}:${destinationPort}`, segment.seq);
    const reverse = `${destination}:${destinationPort}>${source}:${sourcePort}`;
    // A SYN-ACK names the other side's ISN, should its SYN have crossed before anybody watched.
    if (segment.flags & ACK && !this.isns.has(reverse)) this.set(reverse, (segment.ack - 1) | 0);
  }

  private set(key: string, isn: Seq): void {
    this.isns.delete(key);
    this.isns.set(key, isn);
    if (this.isns.size <= MAX_ISNS) return;
    for (const oldest of this.isns.keys()) {
      this.isns.delete(oldest);
      return;
    }
  }
}

const NOWHERE = IpAddress.v4(0);

/** The packet being judged. Reused: everything is valid until the next packet. */
export class ImpairedPacket {
  dir: Direction = 'out';
  packetId = 0;
  /** The packet is `bytes[offset … offset + length)`. */
  bytes: Uint8Array = new Uint8Array(0);
  offset = 0;
  length = 0;
  /** Where the IP header begins in `bytes`, or -1 when there is none. */
  ipOffset = -1;
  family: 4 | 6 = 4;
  /** True for a TCP segment that is not a fragment; the fields below hold only then. */
  isTcp = false;
  /** Where the TCP header begins in `bytes`. */
  tcpOffset = 0;
  source = NOWHERE;
  sourcePort = 0;
  destination = NOWHERE;
  destinationPort = 0;
  readonly segment = new SegmentView();
  /** SEG.SEQ relative to the sender's ISN, as a signed distance; null when that is not known. */
  relSeq: number | null = null;
  /** SEG.ACK relative to the receiver's ISN; null when that is not known or the ACK bit is not set. */
  relAck: number | null = null;
  private readonly ipv4 = new Ipv4View();
  private readonly ipv6 = new Ipv6View();
  private readonly frame = new EthernetView();

  constructor(
    private readonly medium: 'ip' | 'ethernet',
    readonly isns: IsnMemory,
  ) {}

  /**
   * Decodes one packet. What does not parse is a packet without TCP.
   * @param learn remember the ISN of a SYN; false for one that was changed here
   */
  read(
    dir: Direction,
    packetId: number,
    bytes: Uint8Array,
    view: DataView,
    offset: number,
    length: number,
    learn: boolean,
  ): void {
    this.dir = dir;
    this.packetId = packetId;
    this.bytes = bytes;
    this.offset = offset;
    this.length = length;
    this.relSeq = null;
    this.relAck = null;
    this.ipOffset = this.findIp(view, offset, length);
    this.isTcp = this.ipOffset >= 0 && this.readTcp(view, offset + length - this.ipOffset);
    if (!this.isTcp) return;
    if (learn && this.segment.flags & SYN) this.isns.learn(this);
    this.setRelativeNumbers();
  }

  /** The stack's end of the segment. */
  get local(): { address: IpAddress; port: number } {
    return this.dir === 'out'
      ? { address: this.source, port: this.sourcePort }
      : { address: this.destination, port: this.destinationPort };
  }

  /** The other end. */
  get remote(): { address: IpAddress; port: number } {
    return this.dir === 'out'
      ? { address: this.destination, port: this.destinationPort }
      : { address: this.source, port: this.sourcePort };
  }

  private findIp(view: DataView, offset: number, length: number): number {
    if (this.medium === 'ip') return length > 0 ? offset : -1;
    const { frame } = this;
    if (parseEthernet(view, offset, length, frame) !== ParseError.NONE || frame.payloadLength === 0)
      return -1;
    return frame.type === EtherType.IPV4 || frame.type === EtherType.IPV6 ? frame.payloadOffset : -1;
  }

  private readTcp(view: DataView, length: number): boolean {
    const { bytes, ipOffset, segment } = this;
    this.family = bytes[ipOffset]! >>> 4 === 6 ? 6 : 4;
    const ip = this.family === 6 ? this.ipv6 : this.ipv4;
    const error =
      this.family === 6
        ? parseIpv6(bytes, view, ipOffset, length, this.ipv6)
        : parseIpv4(bytes, view, ipOffset, length, this.ipv4);
    if (error !== 0 || ip.protocol !== IpProtocol.TCP || ip.isFragment) return false;
    this.tcpOffset = ip.payloadOffset;
    if (parseTcp(bytes, view, ip.payloadOffset, ip.payloadLength, segment) !== 0) return false;
    segment.packetId = this.packetId;
    this.sourcePort = segment.sourcePort;
    this.destinationPort = segment.destinationPort;
    if (this.family === 4) {
      this.source = IpAddress.v4(this.ipv4.source);
      this.destination = IpAddress.v4(this.ipv4.destination);
    } else {
      const { ipv6 } = this;
      this.source = new IpAddress(ipv6.source0, ipv6.source1, ipv6.source2, ipv6.source3);
      this.destination = new IpAddress(
        ipv6.destination0,
        ipv6.destination1,
        ipv6.destination2,
        ipv6.destination3,
      );
    }
    return true;
  }

  private setRelativeNumbers(): void {
    const { source, sourcePort, destination, destinationPort, segment, isns } = this;
    const own = isns.get(source, sourcePort, destination, destinationPort);
    if (own !== null) this.relSeq = seqDiff(segment.seq, own);
    if ((segment.flags & ACK) === 0) return;
    const other = isns.get(destination, destinationPort, source, sourcePort);
    if (other !== null) this.relAck = seqDiff(segment.ack, other);
  }
}
