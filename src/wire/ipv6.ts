// The IPv6 header (RFC 8200): reading it into a reused view, following the extension headers a bounded way, and
// writing the fixed 40 octets. Fragments are reported; reassembly is the stack's business.

import type { IpAddress } from './address.js';
import { struct, u8, u16be, u32be } from './buffer-layout.js';
import { offsetOf } from './layout.js';
import { ParseError } from './parse-error.js';
import { IpProtocol } from './protocol.js';

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

/** The fragment header (RFC 8200 §4.5). */
export interface Ipv6FragmentHeader {
  nextHeader: number;
  reserved: number;
  /** 13 bits of offset in units of 8 octets, two reserved bits, M. */
  offsetAndMore: number;
  id: number;
}

/** Layout of the fragment header. */
export const IPV6_FRAGMENT_HEADER = struct<Ipv6FragmentHeader>([
  u8('nextHeader'),
  u8('reserved'),
  u16be('offsetAndMore'),
  u32be('id'),
]);

const VERSION_CLASS_FLOW = offsetOf(IPV6_HEADER, 'versionClassFlow');
const PAYLOAD_LENGTH = offsetOf(IPV6_HEADER, 'payloadLength');
const NEXT_HEADER = offsetOf(IPV6_HEADER, 'nextHeader');
const HOP_LIMIT = offsetOf(IPV6_HEADER, 'hopLimit');
const SOURCE = offsetOf(IPV6_HEADER, 'source0');
const DESTINATION = offsetOf(IPV6_HEADER, 'destination0');
const FRAGMENT_BYTES = IPV6_FRAGMENT_HEADER.span;
const FRAGMENT_OFFSET = offsetOf(IPV6_FRAGMENT_HEADER, 'offsetAndMore');
const FRAGMENT_ID = offsetOf(IPV6_FRAGMENT_HEADER, 'id');

/** Extension headers followed in one packet; more of them are refused. */
export const MAX_EXTENSION_HEADERS = 8;
/** Options looked at in one packet, padding included (RFC 8504 §5.3 lets a host bound them). */
export const MAX_EXTENSION_OPTIONS = 64;

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const DESTINATION_OPTIONS = 60;
const PAD1 = 0;
const PADN = 1;
const ROUTER_ALERT = 5;

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
}

/**
 * Reads the IPv6 packet at `bytes[offset … offset + length)`, and nothing outside of it.
 * @param view a DataView of the same memory as `bytes`, beginning where it begins
 * @param out filled when the result is 0
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
  return walkExtensionHeaders(bytes, view, offset, offset + totalLength, out);
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
  return walkExtensionHeaders(bytes, view, offset, offset + Math.min(length, out.totalLength), out);
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
}

/** Follows the chain until an upper layer, a fragment of several, an unknown header or a fault. */
function walkExtensionHeaders(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  end: number,
  out: Ipv6View,
): ParseError {
  let protocolOffset = offset + NEXT_HEADER;
  let protocol = bytes[protocolOffset]!;
  let at = offset + IPV6_HEADER_BYTES;
  let optionsLeft = MAX_EXTENSION_OPTIONS;
  while (isExtensionHeader(protocol)) {
    if (++out.extensionHeaders > MAX_EXTENSION_HEADERS) return ParseError.EXTENSION_LIMIT;
    if (at + 8 > end) return ParseError.EXTENSION_HEADER;
    const length = protocol === FRAGMENT ? FRAGMENT_BYTES : (bytes[at + 1]! + 1) << 3;
    if (at + length > end) return ParseError.EXTENSION_HEADER;
    if (protocol === FRAGMENT) {
      takeFragmentHeader(view, at, out);
    } else if (protocol === ROUTING) {
      // Type 0 is refused even when used up (RFC 5095 §3), other types once they ask us to forward.
      if (bytes[at + 2] === 0 || bytes[at + 3] !== 0) return ParseError.ROUTING_HEADER;
    } else {
      // Hop-by-hop options only stand directly behind the fixed header (RFC 8200 §4.1).
      if (protocol === HOP_BY_HOP && out.extensionHeaders > 1) return ParseError.EXTENSION_HEADER;
      optionsLeft = walkOptions(bytes, at + 2, at + length, optionsLeft);
      if (optionsLeft < 0) return -optionsLeft as ParseError;
    }
    protocolOffset = at;
    protocol = bytes[at]!;
    at += length;
    if (out.isFragment) break;
  }
  out.protocol = protocol;
  out.protocolOffset = protocolOffset;
  out.payloadOffset = at;
  out.payloadLength = protocol === IpProtocol.NO_NEXT_HEADER ? 0 : end - at;
  return ParseError.NONE;
}

function isExtensionHeader(protocol: number): boolean {
  return (
    protocol === HOP_BY_HOP ||
    protocol === ROUTING ||
    protocol === FRAGMENT ||
    protocol === DESTINATION_OPTIONS
  );
}

function takeFragmentHeader(view: DataView, at: number, out: Ipv6View): void {
  const offsetAndMore = view.getUint16(at + FRAGMENT_OFFSET);
  out.fragmentOffset = offsetAndMore & 0xfff8;
  out.moreFragments = (offsetAndMore & 1) !== 0;
  out.fragmentId = view.getInt32(at + FRAGMENT_ID);
  out.isFragment = out.moreFragments || out.fragmentOffset !== 0;
}

/** Returns how many options may still be looked at, or a negated ParseError. */
function walkOptions(bytes: Uint8Array, at: number, end: number, left: number): number {
  while (at < end) {
    if (--left < 0) return -ParseError.EXTENSION_LIMIT;
    const type = bytes[at]!;
    if (type === PAD1) {
      at++;
      continue;
    }
    if (at + 1 >= end || at + 2 + bytes[at + 1]! > end) return -ParseError.EXTENSION_HEADER;
    // The two high bits say what a host does that does not know the option; only 00 lets it go on (RFC 8200 §4.2).
    if (type !== PADN && type !== ROUTER_ALERT && type >>> 6 !== 0) return -ParseError.UNKNOWN_OPTION;
    at += 2 + bytes[at + 1]!;
  }
  return left;
}
