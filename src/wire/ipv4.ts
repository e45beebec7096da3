// The IPv4 header (RFC 791): reading it into a reused view and writing one of 20 octets. Options are skipped, fragments
// reported; what becomes of them is the stack's business.
import { struct, u8, u16be, u32be } from './buffer-layout.js';
import { finish, fold } from './checksum.js';
import { offsetOf } from './layout.js';
import { ParseError } from './parse-error.js';

/** The fixed part of the header as it stands on the wire. Addresses are unsigned 32-bit numbers. */
export interface Ipv4Header {
  /** Version in the high nibble, header length in 32-bit words in the low one. */
  versionAndLength: number;
  /** Differentiated-services code point (6 bits) and ECN (2 bits). */
  trafficClass: number;
  totalLength: number;
  id: number;
  /** Reserved, DF, MF, and 13 bits of fragment offset in units of 8 octets. */
  flagsAndFragmentOffset: number;
  ttl: number;
  protocol: number;
  checksum: number;
  source: number;
  destination: number;
}

/** Layout of the fixed part of the header. */
export const IPV4_HEADER = struct<Ipv4Header>([
  u8('versionAndLength'),
  u8('trafficClass'),
  u16be('totalLength'),
  u16be('id'),
  u16be('flagsAndFragmentOffset'),
  u8('ttl'),
  u8('protocol'),
  u16be('checksum'),
  u32be('source'),
  u32be('destination'),
]);

/** Octets of a header without options. */
export const IPV4_HEADER_BYTES = IPV4_HEADER.span;

const VERSION_AND_LENGTH = offsetOf(IPV4_HEADER, 'versionAndLength');
const TRAFFIC_CLASS = offsetOf(IPV4_HEADER, 'trafficClass');
const TOTAL_LENGTH = offsetOf(IPV4_HEADER, 'totalLength');
const ID = offsetOf(IPV4_HEADER, 'id');
const FLAGS = offsetOf(IPV4_HEADER, 'flagsAndFragmentOffset');
const TTL = offsetOf(IPV4_HEADER, 'ttl');
const PROTOCOL = offsetOf(IPV4_HEADER, 'protocol');
const CHECKSUM = offsetOf(IPV4_HEADER, 'checksum');
const SOURCE = offsetOf(IPV4_HEADER, 'source');
const DESTINATION = offsetOf(IPV4_HEADER, 'destination');

const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const OFFSET_MASK = 0x1fff;

const OPTION_END = 0;
const OPTION_NOP = 1;
const OPTION_LSRR = 131;
const OPTION_SSRR = 137;

/** One received IPv4 header. Reused: valid until the next `parseIpv4` into it. */
export class Ipv4View {
  /** Octets of the header, options included: 20…60. */
  headerLength = 0;
  /** Octets of the packet; link padding behind them is not part of it. */
  totalLength = 0;
  payloadOffset = 0;
  payloadLength = 0;
  id = 0;
  dontFragment = false;
  moreFragments = false;
  /** Place of the payload in the whole datagram, in octets. */
  fragmentOffset = 0;
  ttl = 0;
  protocol = 0;
  /** Differentiated-services code point, 0…63. */
  dscp = 0;
  /** 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE. */
  ecn = 0;
  /** Address as int32. */
  source = 0;
  /** Address as int32. */
  destination = 0;
  /** A loose or strict source route is among the options; hosts should refuse the packet (RFC 7126 §4.3). */
  sourceRoute = false;

  /** True for any fragment, the first one included. */
  get isFragment(): boolean {
    return this.moreFragments || this.fragmentOffset !== 0;
  }
}

/**
 * Reads the IPv4 packet at `bytes[offset … offset + length)`, and nothing outside of it.
 * @param view a DataView of the same memory as `bytes`, beginning where it begins
 * @param out filled when the result is 0
 * @returns 0, or TRUNCATED, VERSION, HEADER_LENGTH, TOTAL_LENGTH, HEADER_CHECKSUM or IP_OPTION
 */
export function parseIpv4(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  length: number,
  out: Ipv4View,
): ParseError {
  if (length < IPV4_HEADER_BYTES) return ParseError.TRUNCATED;
  const versionAndLength = bytes[offset + VERSION_AND_LENGTH]!;
  if (versionAndLength >>> 4 !== 4) return ParseError.VERSION;
  const headerLength = (versionAndLength & 15) << 2;
  if (headerLength < IPV4_HEADER_BYTES || headerLength > length) return ParseError.HEADER_LENGTH;
  const totalLength = view.getUint16(offset + TOTAL_LENGTH);
  if (totalLength < headerLength || totalLength > length) return ParseError.TOTAL_LENGTH;
  if (sumHeader(view, offset, headerLength) !== 0xffff) return ParseError.HEADER_CHECKSUM;

  out.sourceRoute = false;
  if (headerLength > IPV4_HEADER_BYTES && !walkOptions(bytes, offset, headerLength, out)) {
    return ParseError.IP_OPTION;
  }
  out.headerLength = headerLength;
  out.totalLength = totalLength;
  out.payloadOffset = offset + headerLength;
  out.payloadLength = totalLength - headerLength;
  out.id = view.getUint16(offset + ID);
  const flags = view.getUint16(offset + FLAGS);
  out.dontFragment = (flags & DONT_FRAGMENT) !== 0;
  out.moreFragments = (flags & MORE_FRAGMENTS) !== 0;
  out.fragmentOffset = (flags & OFFSET_MASK) << 3;
  out.ttl = bytes[offset + TTL]!;
  out.protocol = bytes[offset + PROTOCOL]!;
  const trafficClass = bytes[offset + TRAFFIC_CLASS]!;
  out.dscp = trafficClass >>> 2;
  out.ecn = trafficClass & 3;
  out.source = view.getInt32(offset + SOURCE);
  out.destination = view.getInt32(offset + DESTINATION);
  return ParseError.NONE;
}

/**
 * Writes a header of 20 octets, its checksum included.
 * @param totalLength octets of the whole packet, 20…65535
 * @param source address as int32
 * @param destination address as int32
 * @param id identification, 0…65535; of no meaning while DF is set (RFC 6864 §4.1)
 * @param trafficClass the code point times four, plus ECN
 * @returns the octets written, 20
 */
export function writeIpv4Header(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  totalLength: number,
  protocol: number,
  source: number,
  destination: number,
  ttl: number,
  trafficClass: number,
  id: number,
  dontFragment: boolean,
): number {
  bytes[offset + VERSION_AND_LENGTH] = 0x45;
  bytes[offset + TRAFFIC_CLASS] = trafficClass;
  view.setUint16(offset + TOTAL_LENGTH, totalLength);
  view.setUint16(offset + ID, id);
  view.setUint16(offset + FLAGS, dontFragment ? DONT_FRAGMENT : 0);
  bytes[offset + TTL] = ttl;
  bytes[offset + PROTOCOL] = protocol;
  view.setUint16(offset + CHECKSUM, 0);
  view.setInt32(offset + SOURCE, source);
  view.setInt32(offset + DESTINATION, destination);
  view.setUint16(offset + CHECKSUM, finish(sumHeader(view, offset, IPV4_HEADER_BYTES)));
  return IPV4_HEADER_BYTES;
}

/**
 * Makes the packet at `offset` a fragment, to be sent: its place and whether more follow. DF is cleared, the checksum
 * renewed; the lengths are the caller's business.
 * @param fragmentOffset octets of the datagram's data in front of this fragment, a multiple of 8
 */
export function rewriteIpv4Fragment(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  fragmentOffset: number,
  more: boolean,
): void {
  view.setUint16(offset + FLAGS, (fragmentOffset >>> 3) | (more ? MORE_FRAGMENTS : 0));
  refreshIpv4Checksum(bytes, view, offset);
}

/**
 * Makes the packet at `offset`, whose data was put together of fragments, say so: its length, its place, its ECN codepoint
 * and its checksum.
 * @param totalLength octets of the packet, its header included, at most 65535
 * @param ecn 0…3
 */
export function rewriteIpv4Reassembled(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  totalLength: number,
  ecn: number,
): void {
  view.setUint16(offset + TOTAL_LENGTH, totalLength);
  view.setUint16(offset + FLAGS, view.getUint16(offset + FLAGS) & DONT_FRAGMENT);
  bytes[offset + TRAFFIC_CLASS] = (bytes[offset + TRAFFIC_CLASS]! & 0xfc) | ecn;
  refreshIpv4Checksum(bytes, view, offset);
}

/** Recomputes the header checksum after a field was changed, for whoever alters packets on their way. */
export function refreshIpv4Checksum(bytes: Uint8Array, view: DataView, offset: number): void {
  view.setUint16(offset + CHECKSUM, 0);
  const headerLength = (bytes[offset + VERSION_AND_LENGTH]! & 15) << 2;
  view.setUint16(offset + CHECKSUM, finish(sumHeader(view, offset, headerLength)));
}

function sumHeader(view: DataView, offset: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i += 4) {
    const word = view.getInt32(offset + i);
    sum += (word >>> 16) + (word & 0xffff);
  }
  return fold(sum);
}

/** Looks for source routes. At most 40 steps, since every option is at least one octet long. */
function walkOptions(bytes: Uint8Array, offset: number, headerLength: number, out: Ipv4View): boolean {
  const end = offset + headerLength;
  let at = offset + IPV4_HEADER_BYTES;
  while (at < end) {
    const kind = bytes[at]!;
    if (kind === OPTION_END) return true;
    if (kind === OPTION_NOP) {
      at++;
      continue;
    }
    if (at + 1 >= end) return false;
    const optionLength = bytes[at + 1]!;
    if (optionLength < 2 || at + optionLength > end) return false;
    if (kind === OPTION_LSRR || kind === OPTION_SSRR) out.sourceRoute = true;
    at += optionLength;
  }
  return true;
}
