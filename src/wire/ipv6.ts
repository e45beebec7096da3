// The IPv6 header (RFC 8200): reading it into a reused view and writing the fixed 40 octets. The extension headers are
// followed in ipv6-extensions.ts; fragments are reported, and reassembly is the stack's business.

import type { IpAddress } from './address.js';
import { struct, u8, u16be, u32be } from './buffer-layout.js';
import { pseudoHeader6 } from './checksum.js';
import { walkExtensionHeaders } from './ipv6-extensions.js';
import { offsetOf } from './layout.js';
import { ParseError } from './parse-error.js';

/** The fixed header as it stands on the wire. Address words are unsigned, most significant first. */
export interface Ipv6Header {
  /** Version (4 bits), traffic class (8 bits), flow label (20 bits). */
  versionClassFlow: number;
  payloadLength: number;
  nextHeader: number;
  hopLimit: number;
  source0: number;
  source1: number;
  source2: number;
  source3: number;
  destination0: number;
  destination1: number;
  destination2: number;
  destination3: number;
}

/** Layout of the fixed header. */
export const IPV6_HEADER = struct<Ipv6Header>([
  u32be('versionClassFlow'),
  u16be('payloadLength'),
  u8('nextHeader'),
  u8('hopLimit'),
  u32be('source0'),
  u32be('source1'),
  u32be('source2'),
  u32be('source3'),
  u32be('destination0'),
  u32be('destination1'),
  u32be('destination2'),
  u32be('destination3'),
]);

/** Octets of the fixed header. */
export const IPV6_HEADER_BYTES = IPV6_HEADER.span;

const VERSION_CLASS_FLOW = offsetOf(IPV6_HEADER, 'versionClassFlow');
const PAYLOAD_LENGTH = offsetOf(IPV6_HEADER, 'payloadLength');
const NEXT_HEADER = offsetOf(IPV6_HEADER, 'nextHeader');
const HOP_LIMIT = offsetOf(IPV6_HEADER, 'hopLimit');
const SOURCE = offsetOf(IPV6_HEADER, 'source0');
const DESTINATION = offsetOf(IPV6_HEADER, 'destination0');

/** One received IPv6 packet's header. Reused: valid until the next `parseIpv6` into it. */
export class Ipv6View {
  /** Octets of the packet, the fixed header included; what follows is not part of it. */
  totalLength = 0;
  /** Where the upper layer begins, or the data of a fragment. */
  payloadOffset = 0;
  payloadLength = 0;
  /** The upper-layer protocol; an extension header that we do not know counts as one. */
  protocol = 0;
  /** Place, in `bytes`, of the octet that named `protocol`, for ICMPv6 Parameter Problem. */
  protocolOffset = 0;
  hopLimit = 0;
  /** Differentiated-services code point, 0…63. */
  dscp = 0;
  /** 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE. */
  ecn = 0;
  flowLabel = 0;
  /** Source address as four int32 words, most significant first. */
  source0 = 0;
  source1 = 0;
  source2 = 0;
  source3 = 0;
  /** Destination address as four int32 words, most significant first. */
  destination0 = 0;
  destination1 = 0;
  destination2 = 0;
  destination3 = 0;
  /** Extension headers passed. */
  extensionHeaders = 0;
  /** True for a fragment of several; an atomic one (RFC 6946) counts as whole. `protocol` is that of its first header. */
  isFragment = false;
  moreFragments = false;
  /** Place of the payload in the fragmentable part, in octets. */
  fragmentOffset = 0;
  /** Identification as int32. */
  fragmentId = 0;
  /** Fragments: octets of the packet in front of the fragment header. */
  fragmentHeaderAt = 0;
  /** Fragments: place in the packet of the octet that named the fragment header. */
  fragmentNamedAt = 0;
  /** After ROUTING_HEADER and UNKNOWN_OPTION: what an ICMPv6 Parameter Problem points at, counted from the fixed header. */
  faultPointer = 0;
  /** After UNKNOWN_OPTION: the two high bits of its type, 1…3, which say whether to tell the source (RFC 8200 §4.2). */
  faultAction = 0;
}

/**
 * Reads the IPv6 packet at `bytes[offset … offset + length)`, and nothing outside of it.
 * @param view a DataView of the same memory as `bytes`, beginning where it begins
 * @param out filled when the result is 0; after ROUTING_HEADER and UNKNOWN_OPTION it holds the fixed header and the fault
 * @returns 0, or TRUNCATED, VERSION, TOTAL_LENGTH, MAPPED_ADDRESS, EXTENSION_HEADER, EXTENSION_LIMIT, ROUTING_HEADER or
 *   UNKNOWN_OPTION
 */
export function parseIpv6(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  length: number,
  out: Ipv6View,
): ParseError {
  if (length < IPV6_HEADER_BYTES) return ParseError.TRUNCATED;
  if (bytes[offset]! >>> 4 !== 6) return ParseError.VERSION;
  const totalLength = IPV6_HEADER_BYTES + view.getUint16(offset + PAYLOAD_LENGTH);
  if (totalLength > length) return ParseError.TOTAL_LENGTH;
  takeFixedHeader(bytes, view, offset, out);
  out.totalLength = totalLength;
  if (
    (out.source0 === 0 && out.source1 === 0 && out.source2 === 0xffff) ||
    (out.destination0 === 0 && out.destination1 === 0 && out.destination2 === 0xffff)
  ) {
    return ParseError.MAPPED_ADDRESS;
  }
  return walkExtensionHeaders(bytes, view, offset, NEXT_HEADER, IPV6_HEADER_BYTES, totalLength, out);
}

/**
 * Reads as much of a quoted packet as an ICMPv6 error carries: the claimed length may exceed what is there.
 * @returns as `parseIpv6`, but never TOTAL_LENGTH or MAPPED_ADDRESS
 */
export function parseQuotedIpv6(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  length: number,
  out: Ipv6View,
): ParseError {
  if (length < IPV6_HEADER_BYTES) return ParseError.TRUNCATED;
  if (bytes[offset]! >>> 4 !== 6) return ParseError.VERSION;
  takeFixedHeader(bytes, view, offset, out);
  out.totalLength = IPV6_HEADER_BYTES + view.getUint16(offset + PAYLOAD_LENGTH);
  const quoted = Math.min(length, out.totalLength);
  return walkExtensionHeaders(bytes, view, offset, NEXT_HEADER, IPV6_HEADER_BYTES, quoted, out);
}

/** Sum of the pseudo header for the payload of a packet that was read (RFC 8200 §8.1). */
export function ipv6PseudoSum(ip: Ipv6View, protocol: number): number {
  return pseudoHeader6(
    ip.source0,
    ip.source1,
    ip.source2,
    ip.source3,
    ip.destination0,
    ip.destination1,
    ip.destination2,
    ip.destination3,
    protocol,
    ip.payloadLength,
  );
}

/**
 * Writes the fixed header.
 * @param payloadLength octets behind it, 0…65535
 * @param trafficClass the code point times four, plus ECN
 * @param flowLabel 0…0xfffff
 * @returns the octets written, 40
 */
export function writeIpv6Header(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  payloadLength: number,
  nextHeader: number,
  source: IpAddress,
  destination: IpAddress,
  hopLimit: number,
  trafficClass: number,
  flowLabel: number,
): number {
  view.setInt32(
    offset + VERSION_CLASS_FLOW,
    (6 << 28) | ((trafficClass & 0xff) << 20) | (flowLabel & 0xfffff),
  );
  view.setUint16(offset + PAYLOAD_LENGTH, payloadLength);
  bytes[offset + NEXT_HEADER] = nextHeader;
  bytes[offset + HOP_LIMIT] = hopLimit;
  view.setInt32(offset + SOURCE, source.w0);
  view.setInt32(offset + SOURCE + 4, source.w1);
  view.setInt32(offset + SOURCE + 8, source.w2);
  view.setInt32(offset + SOURCE + 12, source.w3);
  view.setInt32(offset + DESTINATION, destination.w0);
  view.setInt32(offset + DESTINATION + 4, destination.w1);
  view.setInt32(offset + DESTINATION + 8, destination.w2);
  view.setInt32(offset + DESTINATION + 12, destination.w3);
  return IPV6_HEADER_BYTES;
}

/**
 * Makes the packet at `offset`, whose payload was put together of fragments, say so: its length and its ECN codepoint.
 * @param payloadLength octets behind the fixed header, 0…65535
 * @param ecn 0…3
 */
export function rewriteIpv6Reassembled(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  payloadLength: number,
  ecn: number,
): void {
  view.setUint16(offset + PAYLOAD_LENGTH, payloadLength);
  bytes[offset + 1] = (bytes[offset + 1]! & 0xcf) | (ecn << 4);
}

function takeFixedHeader(bytes: Uint8Array, view: DataView, offset: number, out: Ipv6View): void {
  const word = view.getInt32(offset + VERSION_CLASS_FLOW);
  out.dscp = (word >>> 22) & 0x3f;
  out.ecn = (word >>> 20) & 3;
  out.flowLabel = word & 0xfffff;
  out.hopLimit = bytes[offset + HOP_LIMIT]!;
  out.source0 = view.getInt32(offset + SOURCE);
  out.source1 = view.getInt32(offset + SOURCE + 4);
  out.source2 = view.getInt32(offset + SOURCE + 8);
  out.source3 = view.getInt32(offset + SOURCE + 12);
  out.destination0 = view.getInt32(offset + DESTINATION);
  out.destination1 = view.getInt32(offset + DESTINATION + 4);
  out.destination2 = view.getInt32(offset + DESTINATION + 8);
  out.destination3 = view.getInt32(offset + DESTINATION + 12);
  out.extensionHeaders = 0;
  out.isFragment = false;
  out.moreFragments = false;
  out.fragmentOffset = 0;
  out.fragmentId = 0;
  out.fragmentHeaderAt = 0;
  out.fragmentNamedAt = 0;
  out.faultPointer = 0;
  out.faultAction = 0;
}
