// The packet that an ICMP error quotes: which connection of ours it speaks about, and which segment. Shared by both
// ICMP versions; all of it comes from strangers and proves nothing by itself (RFC 5927 §4).
import { struct, u16be, u32be } from './buffer-layout.js';
import { IPV4_HEADER, IPV4_HEADER_BYTES } from './ipv4.js';
import { Ipv6View, parseQuotedIpv6 } from './ipv6.js';
import { offsetOf } from './layout.js';
import { ParseError } from './parse-error.js';
import { IpProtocol } from './protocol.js';

/** The first octets of a quoted transport header: ports for TCP and UDP, and the sequence number of TCP. */
export interface QuotedTransport {
  sourcePort: number;
  destinationPort: number;
  /** Unsigned; TCP only. */
  seq: number;
}

/** Layout of the eight octets that every ICMP error quotes behind the IP header (RFC 792). */
export const QUOTED_TRANSPORT = struct<QuotedTransport>([
  u16be('sourcePort'),
  u16be('destinationPort'),
  u32be('seq'),
]);

const SOURCE_PORT = offsetOf(QUOTED_TRANSPORT, 'sourcePort');
const DESTINATION_PORT = offsetOf(QUOTED_TRANSPORT, 'destinationPort');
const SEQ = offsetOf(QUOTED_TRANSPORT, 'seq');
const TOTAL_LENGTH = offsetOf(IPV4_HEADER, 'totalLength');
const FLAGS = offsetOf(IPV4_HEADER, 'flagsAndFragmentOffset');
const PROTOCOL = offsetOf(IPV4_HEADER, 'protocol');
const SOURCE = offsetOf(IPV4_HEADER, 'source');
const DESTINATION = offsetOf(IPV4_HEADER, 'destination');

/** What an ICMP error quotes. Reused with the view that holds it. Addresses in the words of `IpAddress`. */
export class IcmpQuote {
  /** False when there is no quote, or not enough of one to tell a connection; nothing else is valid then. */
  present = false;
  protocol = 0;
  /** Octets that the quoted packet had, by its own header (RFC 1191 §5 needs it). */
  totalLength = 0;
  /** Source of the quoted packet: us, when the error is meant for us. */
  source0 = 0;
  source1 = 0;
  source2 = 0;
  source3 = 0;
  destination0 = 0;
  destination1 = 0;
  destination2 = 0;
  destination3 = 0;
  /** Ports of TCP and UDP, else 0. */
  sourcePort = 0;
  destinationPort = 0;
  /** True when `seq` was quoted: TCP only. */
  hasSeq = false;
  /** Sequence number of the quoted segment, as int32. */
  seq = 0;

  private readonly ipv6 = new Ipv6View();

  /** Reads the start of an IPv4 packet at `bytes[offset … offset + length)`; sets `present`. */
  takeIpv4(bytes: Uint8Array, view: DataView, offset: number, length: number): void {
    this.present = false;
    if (length < IPV4_HEADER_BYTES || bytes[offset]! >>> 4 !== 4) return;
    const headerLength = (bytes[offset]! & 15) << 2;
    // Only a first fragment begins with the ports.
    const fragmentOffset = view.getUint16(offset + FLAGS) & 0x1fff;
    if (headerLength < IPV4_HEADER_BYTES || fragmentOffset !== 0) return;
    this.protocol = bytes[offset + PROTOCOL]!;
    this.totalLength = view.getUint16(offset + TOTAL_LENGTH);
    this.source0 = 0;
    this.source1 = 0;
    this.source2 = 0xffff;
    this.source3 = view.getInt32(offset + SOURCE);
    this.destination0 = 0;
    this.destination1 = 0;
    this.destination2 = 0xffff;
    this.destination3 = view.getInt32(offset + DESTINATION);
    this.takeTransport(view, offset + headerLength, length - headerLength);
  }

  /** Reads the start of an IPv6 packet at `bytes[offset … offset + length)`; sets `present`. */
  takeIpv6(bytes: Uint8Array, view: DataView, offset: number, length: number): void {
    this.present = false;
    const ip = this.ipv6;
    if (parseQuotedIpv6(bytes, view, offset, length, ip) !== ParseError.NONE || ip.fragmentOffset !== 0)
      return;
    this.protocol = ip.protocol;
    this.totalLength = ip.totalLength;
    this.source0 = ip.source0;
    this.source1 = ip.source1;
    this.source2 = ip.source2;
    this.source3 = ip.source3;
    this.destination0 = ip.destination0;
    this.destination1 = ip.destination1;
    this.destination2 = ip.destination2;
    this.destination3 = ip.destination3;
    this.takeTransport(view, ip.payloadOffset, ip.payloadLength);
  }

  private takeTransport(view: DataView, offset: number, length: number): void {
    if (length < QUOTED_TRANSPORT.span) return;
    const isTcp = this.protocol === IpProtocol.TCP;
    const hasPorts = isTcp || this.protocol === IpProtocol.UDP;
    this.sourcePort = hasPorts ? view.getUint16(offset + SOURCE_PORT) : 0;
    this.destinationPort = hasPorts ? view.getUint16(offset + DESTINATION_PORT) : 0;
    this.hasSeq = isTcp;
    this.seq = isTcp ? view.getInt32(offset + SEQ) : 0;
    this.present = true;
  }
}
