// The IPv6 extension headers (RFC 8200 §4): the bounded walk over them, their options, and the fragment header. What is
// to be told to the source about a fault is reported, not done.
import { struct, u8, u16be, u32be } from './buffer-layout.js';
import type { Ipv6View } from './ipv6.js';
import { offsetOf } from './layout.js';
import { ParseError } from './parse-error.js';
import { IpProtocol } from './protocol.js';

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

/** Octets of the fragment header. */
export const IPV6_FRAGMENT_HEADER_BYTES = IPV6_FRAGMENT_HEADER.span;
/** Where in the fragment header its offset field stands, for ICMPv6 Parameter Problem. */
export const IPV6_FRAGMENT_OFFSET_AT = offsetOf(IPV6_FRAGMENT_HEADER, 'offsetAndMore');

const FRAGMENT_NEXT_HEADER = offsetOf(IPV6_FRAGMENT_HEADER, 'nextHeader');
const FRAGMENT_RESERVED = offsetOf(IPV6_FRAGMENT_HEADER, 'reserved');
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

/**
 * Follows the chain until an upper layer, a fragment of several, an unknown header or a fault.
 * @param offset where the packet begins; the next three count from there
 * @param namedAt the octet of the fixed header that names what follows it
 * @param fixedLength octets of the fixed header
 * @param length octets of the packet
 * @param out holds the fixed header already
 */
export function walkExtensionHeaders(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  namedAt: number,
  fixedLength: number,
  length: number,
  out: Ipv6View,
): ParseError {
  const end = offset + length;
  let protocolOffset = offset + namedAt;
  let protocol = bytes[protocolOffset]!;
  let at = offset + fixedLength;
  let optionsLeft = MAX_EXTENSION_OPTIONS;
  // Hop-by-hop options only stand directly behind the fixed header; anywhere else their number is that of a header that
  // nobody knows (RFC 8200 §4), and so the walk ends there.
  while (isExtensionHeader(protocol) && (protocol !== HOP_BY_HOP || out.extensionHeaders === 0)) {
    if (++out.extensionHeaders > MAX_EXTENSION_HEADERS) return ParseError.EXTENSION_LIMIT;
    const size = headerLength(bytes, at, end, protocol);
    if (size === 0) return ParseError.EXTENSION_HEADER;
    if (protocol === FRAGMENT) {
      takeFragmentHeader(view, offset, at, protocolOffset, out);
    } else if (protocol === ROUTING) {
      // No type of them is known here, and one that is used up is passed over (RFC 8200 §4.4, RFC 5095 §3 for type 0).
      if (bytes[at + 3] !== 0) {
        out.faultPointer = at + 2 - offset;
        return ParseError.ROUTING_HEADER;
      }
    } else {
      optionsLeft = walkOptions(bytes, offset, at + 2, at + size, optionsLeft, out);
      if (optionsLeft < 0) return -optionsLeft as ParseError;
    }
    protocolOffset = at;
    protocol = bytes[at]!;
    at += size;
    if (out.isFragment) break;
  }
  out.protocol = protocol;
  out.protocolOffset = protocolOffset;
  out.payloadOffset = at;
  out.payloadLength = protocol === IpProtocol.NO_NEXT_HEADER ? 0 : end - at;
  return ParseError.NONE;
}

/** The header behind the extension headers. Reused: valid until the next `findUpperLayer` into it. */
export class UpperLayer {
  protocol = 0;
  /** Where its header begins; the end of the packet when it has none. */
  offset = 0;
}

/**
 * Looks for the upper layer behind extension headers, of which nothing but the length is checked: for a packet of which
 * only a part is there, or one that is to be refused.
 * @param protocol what `bytes[at]` is the first octet of
 * @param out filled when the result is true
 * @returns false when the chain leads out of `[at, end)`, is longer than the walk, or goes on in another fragment
 */
export function findUpperLayer(
  bytes: Uint8Array,
  at: number,
  end: number,
  protocol: number,
  out: UpperLayer,
): boolean {
  for (let passed = 0; isExtensionHeader(protocol); passed++) {
    const length = headerLength(bytes, at, end, protocol);
    if (length === 0 || passed === MAX_EXTENSION_HEADERS) return false;
    const place = at + IPV6_FRAGMENT_OFFSET_AT;
    if (protocol === FRAGMENT && (bytes[place]! | (bytes[place + 1]! & 0xf8)) !== 0) return false;
    protocol = bytes[at]!;
    at += length;
  }
  out.protocol = protocol;
  out.offset = at;
  return true;
}

/**
 * Writes a fragment header.
 * @param nextHeader what the fragmentable part begins with
 * @param fragmentOffset octets of the fragmentable part in front of this fragment, a multiple of 8
 * @param id identification, int32 or uint32
 * @returns the octets written, 8
 */
export function writeIpv6FragmentHeader(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  nextHeader: number,
  fragmentOffset: number,
  more: boolean,
  id: number,
): number {
  bytes[at + FRAGMENT_NEXT_HEADER] = nextHeader;
  bytes[at + FRAGMENT_RESERVED] = 0;
  view.setUint16(at + IPV6_FRAGMENT_OFFSET_AT, fragmentOffset | (more ? 1 : 0));
  view.setInt32(at + FRAGMENT_ID, id);
  return IPV6_FRAGMENT_HEADER_BYTES;
}

function isExtensionHeader(protocol: number): boolean {
  return (
    protocol === HOP_BY_HOP ||
    protocol === ROUTING ||
    protocol === FRAGMENT ||
    protocol === DESTINATION_OPTIONS
  );
}

/** Octets of the extension header at `at`, or 0 when it does not end before `end`. */
function headerLength(bytes: Uint8Array, at: number, end: number, protocol: number): number {
  if (at + 8 > end) return 0;
  const length = protocol === FRAGMENT ? IPV6_FRAGMENT_HEADER_BYTES : (bytes[at + 1]! + 1) << 3;
  return at + length > end ? 0 : length;
}

function takeFragmentHeader(
  view: DataView,
  offset: number,
  at: number,
  namedOffset: number,
  out: Ipv6View,
): void {
  const offsetAndMore = view.getUint16(at + IPV6_FRAGMENT_OFFSET_AT);
  out.fragmentOffset = offsetAndMore & 0xfff8;
  out.moreFragments = (offsetAndMore & 1) !== 0;
  out.fragmentId = view.getInt32(at + FRAGMENT_ID);
  out.isFragment = out.moreFragments || out.fragmentOffset !== 0;
  out.fragmentHeaderAt = at - offset;
  out.fragmentNamedAt = namedOffset - offset;
}

/** Returns how many options may still be looked at, or a negated ParseError. */
function walkOptions(
  bytes: Uint8Array,
  offset: number,
  at: number,
  end: number,
  left: number,
  out: Ipv6View,
): number {
  while (at < end) {
    if (--left < 0) return -ParseError.EXTENSION_LIMIT;
    const type = bytes[at]!;
    if (type === PAD1) {
      at++;
      continue;
    }
    if (at + 1 >= end || at + 2 + bytes[at + 1]! > end) return -ParseError.EXTENSION_HEADER;
    // The two high bits say what a host does that does not know the option; only 00 lets it go on (RFC 8200 §4.2).
    if (type >>> 6 !== 0) {
      out.faultPointer = at - offset;
      out.faultAction = type >>> 6;
      return -ParseError.UNKNOWN_OPTION;
    }
    at += 2 + bytes[at + 1]!;
  }
  return left;
}
