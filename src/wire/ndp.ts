// Neighbour discovery for IPv6 over Ethernet (RFC 4861): solicitations, advertisements and router advertisements, read with
// the checks that every receiver owes them, and written whole. What a message means is decided by the stack.
import type { IpAddress } from './address.js';
import { struct, u8, u16be, u32be } from './buffer-layout.js';
import { addRange, finish, pseudoHeader } from './checksum.js';
import { ICMPV6_HEADER } from './icmpv6.js';
import { IPV6_HEADER_BYTES, type Ipv6View, ipv6PseudoSum, writeIpv6Header } from './ipv6.js';
import { offsetOf } from './layout.js';
import type { MacAddress } from './mac.js';
import { ParseError } from './parse-error.js';
import { IpProtocol } from './protocol.js';

/** ICMPv6 types of neighbour discovery (RFC 4861 §4). */
export const NdpType = {
  ROUTER_SOLICITATION: 133,
  ROUTER_ADVERTISEMENT: 134,
  NEIGHBOR_SOLICITATION: 135,
  NEIGHBOR_ADVERTISEMENT: 136,
  REDIRECT: 137,
} as const;

/** Options of neighbour discovery (RFC 4861 §4.6). */
export const NdpOption = { SOURCE_LINK_LAYER: 1, TARGET_LINK_LAYER: 2, PREFIX: 3, MTU: 5 } as const;

/** The hop limit that proves that no router has passed a message on (RFC 4861 §6.1, §7.1). */
export const NDP_HOP_LIMIT = 255;

/** Solicitation and advertisement: RFC 4861 §4.3, §4.4. */
export interface NeighborMessage {
  type: number;
  code: number;
  checksum: number;
  /** Advertisement: router (bit 31), solicited (30), override (29); else 0. */
  flags: number;
  target0: number;
  target1: number;
  target2: number;
  target3: number;
}

/** Layout of both. */
export const NEIGHBOR_MESSAGE = struct<NeighborMessage>([
  u8('type'),
  u8('code'),
  u16be('checksum'),
  u32be('flags'),
  u32be('target0'),
  u32be('target1'),
  u32be('target2'),
  u32be('target3'),
]);

/** Router advertisement: RFC 4861 §4.2. */
export interface RouterAdvertisement {
  type: number;
  code: number;
  checksum: number;
  hopLimit: number;
  /** Managed (bit 7) and other (6) configuration; router preference in bits 4 and 3 (RFC 4191 §2.2). */
  flags: number;
  /** Seconds for which the router may be the default one; 0: not at all. */
  routerLifetime: number;
  /** Milliseconds, 0: not told. */
  reachableTime: number;
  /** Milliseconds, 0: not told. */
  retransTimer: number;
}

/** Layout of a router advertisement. */
export const ROUTER_ADVERTISEMENT = struct<RouterAdvertisement>([
  u8('type'),
  u8('code'),
  u16be('checksum'),
  u8('hopLimit'),
  u8('flags'),
  u16be('routerLifetime'),
  u32be('reachableTime'),
  u32be('retransTimer'),
]);

/** An option that carries a link-layer address, for Ethernet (RFC 2464 §6). */
export interface LinkLayerOption {
  type: number;
  /** In units of eight octets. */
  length: number;
  macHigh: number;
  macLow: number;
}

/** Layout of that option. */
export const LINK_LAYER_OPTION = struct<LinkLayerOption>([
  u8('type'),
  u8('length'),
  u16be('macHigh'),
  u32be('macLow'),
]);

const TYPE = offsetOf(ICMPV6_HEADER, 'type');
const CODE = offsetOf(ICMPV6_HEADER, 'code');
const CHECKSUM = offsetOf(ICMPV6_HEADER, 'checksum');
const WORD = offsetOf(ICMPV6_HEADER, 'word');
const TARGET = offsetOf(NEIGHBOR_MESSAGE, 'target0');
const HOP_LIMIT = offsetOf(ROUTER_ADVERTISEMENT, 'hopLimit');
const RA_FLAGS = offsetOf(ROUTER_ADVERTISEMENT, 'flags');
const ROUTER_LIFETIME = offsetOf(ROUTER_ADVERTISEMENT, 'routerLifetime');
const REACHABLE_TIME = offsetOf(ROUTER_ADVERTISEMENT, 'reachableTime');
const RETRANS_TIMER = offsetOf(ROUTER_ADVERTISEMENT, 'retransTimer');
const OPTION_MAC_HIGH = offsetOf(LINK_LAYER_OPTION, 'macHigh');
const OPTION_MAC_LOW = offsetOf(LINK_LAYER_OPTION, 'macLow');
const MTU_VALUE = 4;

const SOLICITATION_BYTES = 8;
const OPTION_UNIT = 8;
const FLAG_ROUTER = 1 << 31;
const FLAG_SOLICITED = 1 << 30;
const FLAG_OVERRIDE = 1 << 29;

/** Octets of the longest packet written here: IPv6 header, message, one option. */
export const MAX_NDP_BYTES = IPV6_HEADER_BYTES + NEIGHBOR_MESSAGE.span + LINK_LAYER_OPTION.span;

/** One received message. Reused: valid until the next `parseNdp` into it. */
export class NdpView {
  type = 0;
  /** Solicitation, advertisement: the address that it is about, as int32 words. */
  target0 = 0;
  target1 = 0;
  target2 = 0;
  target3 = 0;
  /** Neighbour advertisement. */
  isRouter = false;
  isSolicited = false;
  isOverride = false;
  /** The source's address of RFC 4861 §4.6.1, in an advertisement the target's. */
  hasMac = false;
  macHigh = 0;
  /** int32 */
  macLow = 0;
  /** Router advertisement: as in `RouterAdvertisement`, `mtu` 0 when not told. */
  hopLimit = 0;
  routerLifetime = 0;
  /** -1, 0 or 1: low, medium or high (RFC 4191 §2.1). */
  preference = 0;
  reachableTime = 0;
  retransTimer = 0;
  mtu = 0;
}

/** Whether an ICMPv6 type is one of neighbour discovery. */
export function isNdpType(type: number): boolean {
  return type >= NdpType.ROUTER_SOLICITATION && type <= NdpType.REDIRECT;
}

/**
 * Reads the message in an IPv6 packet whose header was read into `ip` and whose protocol is ICMPv6, and makes the checks
 * of RFC 4861 §6.1.1, §6.1.2, §7.1.1 and §7.1.2. A redirect passes them unread.
 * @param bytes the memory in which the packet lies, and `view` a DataView of the same
 * @param out filled when the result is 0
 * @returns 0, or TRUNCATED, CHECKSUM or NDP_FORMAT
 */
export function parseNdp(bytes: Uint8Array, view: DataView, ip: Ipv6View, out: NdpView): ParseError {
  const { payloadOffset: offset, payloadLength: length } = ip;
  if (length < SOLICITATION_BYTES) return ParseError.TRUNCATED;
  // Fragments are refused for all of them (RFC 6980 §5).
  if (ip.hopLimit !== NDP_HOP_LIMIT || ip.isFragment || bytes[offset + CODE] !== 0) {
    return ParseError.NDP_FORMAT;
  }
  if (addRange(ipv6PseudoSum(ip, IpProtocol.ICMPV6), bytes, offset, length) !== 0xffff)
    return ParseError.CHECKSUM;
  out.type = bytes[offset + TYPE]!;
  out.hasMac = false;
  out.mtu = 0;
  switch (out.type) {
    case NdpType.ROUTER_SOLICITATION:
      return parseOptions(bytes, view, offset + SOLICITATION_BYTES, offset + length, out);
    case NdpType.ROUTER_ADVERTISEMENT:
      return parseRouterAdvertisement(bytes, view, ip, out);
    case NdpType.NEIGHBOR_SOLICITATION:
    case NdpType.NEIGHBOR_ADVERTISEMENT:
      return parseNeighborMessage(bytes, view, ip, out);
    default:
      return ParseError.NONE;
  }
}

function parseNeighborMessage(bytes: Uint8Array, view: DataView, ip: Ipv6View, out: NdpView): ParseError {
  const { payloadOffset: offset, payloadLength: length } = ip;
  if (length < NEIGHBOR_MESSAGE.span) return ParseError.TRUNCATED;
  out.target0 = view.getInt32(offset + TARGET);
  out.target1 = view.getInt32(offset + TARGET + 4);
  out.target2 = view.getInt32(offset + TARGET + 8);
  out.target3 = view.getInt32(offset + TARGET + 12);
  if (out.target0 >>> 24 === 0xff) return ParseError.NDP_FORMAT;
  const isSolicitation = out.type === NdpType.NEIGHBOR_SOLICITATION;
  const flags = isSolicitation ? 0 : view.getInt32(offset + WORD);
  out.isRouter = (flags & FLAG_ROUTER) !== 0;
  out.isSolicited = (flags & FLAG_SOLICITED) !== 0;
  out.isOverride = (flags & FLAG_OVERRIDE) !== 0;
  const result = parseOptions(bytes, view, offset + NEIGHBOR_MESSAGE.span, offset + length, out);
  if (result !== ParseError.NONE) return result;
  const isToGroup = ip.destination0 >>> 24 === 0xff;
  if (isSolicitation && isUnspecified(ip)) {
    // Somebody tests whether an address is free: he has none yet that could be remembered.
    return out.hasMac || !isSolicitedNodeGroup(ip) ? ParseError.NDP_FORMAT : ParseError.NONE;
  }
  return isToGroup && out.isSolicited ? ParseError.NDP_FORMAT : ParseError.NONE;
}

function parseRouterAdvertisement(bytes: Uint8Array, view: DataView, ip: Ipv6View, out: NdpView): ParseError {
  const { payloadOffset: offset, payloadLength: length } = ip;
  if (length < ROUTER_ADVERTISEMENT.span) return ParseError.TRUNCATED;
  // Only a link-local address names a router for good (RFC 4861 §6.1.2).
  if ((ip.source0 & 0xffc00000) !== (0xfe800000 | 0)) return ParseError.NDP_FORMAT;
  const preference = (bytes[offset + RA_FLAGS]! >>> 3) & 3;
  out.hopLimit = bytes[offset + HOP_LIMIT]!;
  out.routerLifetime = view.getUint16(offset + ROUTER_LIFETIME);
  // 10 is reserved and counts as medium (RFC 4191 §2.2).
  out.preference = preference === 1 ? 1 : preference === 3 ? -1 : 0;
  out.reachableTime = view.getUint32(offset + REACHABLE_TIME);
  out.retransTimer = view.getUint32(offset + RETRANS_TIMER);
  return parseOptions(bytes, view, offset + ROUTER_ADVERTISEMENT.span, offset + length, out);
}

/** Options that are unknown, or longer than expected, are passed over; one of length 0 spoils the message. */
function parseOptions(bytes: Uint8Array, view: DataView, at: number, end: number, out: NdpView): ParseError {
  const wanted =
    out.type === NdpType.NEIGHBOR_ADVERTISEMENT ? NdpOption.TARGET_LINK_LAYER : NdpOption.SOURCE_LINK_LAYER;
  // None is shorter than a unit, and no more of one than that is read.
  while (at + OPTION_UNIT <= end) {
    const length = bytes[at + 1]! * OPTION_UNIT;
    if (length === 0) return ParseError.NDP_FORMAT;
    if (bytes[at] === wanted && !out.hasMac) {
      out.hasMac = true;
      out.macHigh = view.getUint16(at + OPTION_MAC_HIGH);
      out.macLow = view.getInt32(at + OPTION_MAC_LOW);
      // No interface has a group's address, nor this one.
      if (out.macHigh & 0x0100 || (out.macHigh | out.macLow) === 0) return ParseError.NDP_FORMAT;
    } else if (bytes[at] === NdpOption.MTU) {
      out.mtu = view.getUint32(at + MTU_VALUE);
    }
    at += length;
  }
  return at === end ? ParseError.NONE : ParseError.NDP_FORMAT;
}

/**
 * Writes a whole IPv6 packet with a neighbour solicitation.
 * @param source unspecified to test whether `target` is free
 * @param mac the source's own, told in an option; null tells none
 * @returns the octets written
 */
export function writeNeighborSolicitation(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  source: IpAddress,
  destination: IpAddress,
  target: IpAddress,
  mac: MacAddress | null,
): number {
  const type = NdpType.NEIGHBOR_SOLICITATION;
  writeTarget(view, at + IPV6_HEADER_BYTES, 0, target);
  const option = NdpOption.SOURCE_LINK_LAYER;
  return seal(bytes, view, at, source, destination, type, NEIGHBOR_MESSAGE.span, option, mac);
}

/**
 * Writes a whole IPv6 packet with a neighbour advertisement of `source` itself.
 * @param isSolicited whether it answers somebody, and not a test for duplicates
 * @returns the octets written
 */
export function writeNeighborAdvertisement(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  source: IpAddress,
  destination: IpAddress,
  mac: MacAddress,
  isSolicited: boolean,
  isOverride: boolean,
  isRouter = false,
): number {
  const type = NdpType.NEIGHBOR_ADVERTISEMENT;
  const flags =
    (isRouter ? FLAG_ROUTER : 0) | (isSolicited ? FLAG_SOLICITED : 0) | (isOverride ? FLAG_OVERRIDE : 0);
  writeTarget(view, at + IPV6_HEADER_BYTES, flags, source);
  const option = NdpOption.TARGET_LINK_LAYER;
  return seal(bytes, view, at, source, destination, type, NEIGHBOR_MESSAGE.span, option, mac);
}

/**
 * Writes a whole IPv6 packet with a router solicitation.
 * @param mac the source's own; null for an unspecified source
 * @returns the octets written
 */
export function writeRouterSolicitation(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  source: IpAddress,
  destination: IpAddress,
  mac: MacAddress | null,
): number {
  view.setInt32(at + IPV6_HEADER_BYTES + WORD, 0);
  const option = NdpOption.SOURCE_LINK_LAYER;
  const type = NdpType.ROUTER_SOLICITATION;
  return seal(bytes, view, at, source, destination, type, SOLICITATION_BYTES, option, mac);
}

function writeTarget(view: DataView, at: number, flags: number, target: IpAddress): void {
  view.setInt32(at + WORD, flags);
  view.setInt32(at + TARGET, target.w0);
  view.setInt32(at + TARGET + 4, target.w1);
  view.setInt32(at + TARGET + 8, target.w2);
  view.setInt32(at + TARGET + 12, target.w3);
}

/**
 * Writes what stands around the body: IPv6 header, type, option, and the checksum over all of it.
 * @param option the kind of option that tells `mac`; of no meaning when that is null
 */
function seal(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  source: IpAddress,
  destination: IpAddress,
  type: number,
  bodyBytes: number,
  option: number,
  mac: MacAddress | null,
): number {
  const message = at + IPV6_HEADER_BYTES;
  let length = bodyBytes;
  if (mac !== null) {
    view.setUint8(message + length, option);
    view.setUint8(message + length + 1, LINK_LAYER_OPTION.span / OPTION_UNIT);
    view.setUint16(message + length + OPTION_MAC_HIGH, mac.high);
    view.setInt32(message + length + OPTION_MAC_LOW, mac.low);
    length += LINK_LAYER_OPTION.span;
  }
  const protocol = IpProtocol.ICMPV6;
  writeIpv6Header(bytes, view, at, length, protocol, source, destination, NDP_HOP_LIMIT, 0, 0);
  view.setUint16(message + TYPE, type << 8);
  view.setUint16(message + CHECKSUM, 0);
  const sum = pseudoHeader(source, destination, protocol, length);
  view.setUint16(message + CHECKSUM, finish(addRange(sum, bytes, message, length)));
  return IPV6_HEADER_BYTES + length;
}

function isUnspecified({ source0, source1, source2, source3 }: Ipv6View): boolean {
  return (source0 | source1 | source2 | source3) === 0;
}

/** ff02::1:ff00:0/104 (RFC 4291 §2.7.1). */
function isSolicitedNodeGroup({ destination0, destination1, destination2, destination3 }: Ipv6View): boolean {
  return (
    destination0 === (0xff020000 | 0) &&
    destination1 === 0 &&
    destination2 === 1 &&
    destination3 >>> 24 === 0xff
  );
}
