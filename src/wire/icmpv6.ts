// ICMPv6 (RFC 4443): reading messages, answering echo, and writing errors that quote the packet they are about.
// Neighbour discovery is not here; whether an answer may be sent at all is decided by the stack.
import { struct, u8, u16be, u32be } from './buffer-layout.js';
import { addRange, finish } from './checksum.js';
import { IcmpQuote } from './icmp-quote.js';
import { offsetOf } from './layout.js';
import { ParseError } from './parse-error.js';

/** Message types (IANA registry). Those below 128 report errors. */
export const Icmpv6Type = {
  DESTINATION_UNREACHABLE: 1,
  PACKET_TOO_BIG: 2,
  TIME_EXCEEDED: 3,
  PARAMETER_PROBLEM: 4,
  ECHO_REQUEST: 128,
  ECHO_REPLY: 129,
} as const;

/** Codes of Destination Unreachable (RFC 4443 §3.1). */
export const Icmpv6UnreachableCode = {
  NO_ROUTE: 0,
  PROHIBITED: 1,
  BEYOND_SCOPE: 2,
  ADDRESS: 3,
  PORT: 4,
  POLICY: 5,
  REJECT_ROUTE: 6,
} as const;

/** Codes of Parameter Problem (RFC 4443 §3.4, RFC 7112 §5). */
export const Icmpv6ParameterCode = {
  HEADER_FIELD: 0,
  NEXT_HEADER: 1,
  OPTION: 2,
  FIRST_FRAGMENT: 3,
} as const;

/** The first eight octets of the messages read here. */
export interface Icmpv6Header {
  type: number;
  code: number;
  checksum: number;
  /** Packet too big: MTU. Parameter problem: pointer. Echo: identifier and sequence number. Else 0. */
  word: number;
}

/** Layout of the first eight octets. */
export const ICMPV6_HEADER = struct<Icmpv6Header>([u8('type'), u8('code'), u16be('checksum'), u32be('word')]);

/** Octets in front of the data or the quote. */
export const ICMPV6_HEADER_BYTES = ICMPV6_HEADER.span;
/** An error message stays within 1280 octets, its IPv6 header included (RFC 4443 §2.4 c). */
export const MAX_ICMPV6_QUOTE_BYTES = 1280 - 40 - ICMPV6_HEADER_BYTES;

const TYPE = offsetOf(ICMPV6_HEADER, 'type');
const CODE = offsetOf(ICMPV6_HEADER, 'code');
const CHECKSUM = offsetOf(ICMPV6_HEADER, 'checksum');
const WORD = offsetOf(ICMPV6_HEADER, 'word');

/** One received message. Reused: valid until the next `parseIcmpv6` into it. */
export class Icmpv6View {
  type = 0;
  code = 0;
  /** Echo: identifier. */
  identifier = 0;
  /** Echo: sequence number. */
  sequence = 0;
  /** Packet too big: the MTU that fits, 0…2^32 − 1; else 0. */
  mtu = 0;
  /** Parameter problem: the octet of the quoted packet that is wrong, 0…2^32 − 1; else 0. */
  pointer = 0;
  /** What follows the eight octets: echo data or the quote. */
  dataOffset = 0;
  dataLength = 0;
  /** True for types below 128; such messages are never answered by errors. */
  isError = false;
  /** The packet that an error is about. */
  readonly quote = new IcmpQuote();
}

/**
 * Reads the ICMPv6 message at `bytes[offset … offset + length)`, and nothing outside of it.
 * @param view a DataView of the same memory as `bytes`, beginning where it begins
 * @param pseudoSum from `pseudoHeader6` with protocol 58 and `length`
 * @param out filled when the result is 0
 * @returns 0, or TRUNCATED or CHECKSUM
 */
export function parseIcmpv6(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  length: number,
  pseudoSum: number,
  out: Icmpv6View,
): ParseError {
  if (length < ICMPV6_HEADER_BYTES) return ParseError.TRUNCATED;
  if (addRange(pseudoSum, bytes, offset, length) !== 0xffff) return ParseError.CHECKSUM;
  const type = bytes[offset + TYPE]!;
  const isEcho = type === Icmpv6Type.ECHO_REQUEST || type === Icmpv6Type.ECHO_REPLY;
  out.type = type;
  out.code = bytes[offset + CODE]!;
  out.identifier = isEcho ? view.getUint16(offset + WORD) : 0;
  out.sequence = isEcho ? view.getUint16(offset + WORD + 2) : 0;
  out.mtu = type === Icmpv6Type.PACKET_TOO_BIG ? view.getUint32(offset + WORD) : 0;
  out.pointer = type === Icmpv6Type.PARAMETER_PROBLEM ? view.getUint32(offset + WORD) : 0;
  out.dataOffset = offset + ICMPV6_HEADER_BYTES;
  out.dataLength = length - ICMPV6_HEADER_BYTES;
  out.isError = type < 128;
  if (out.isError) out.quote.takeIpv6(bytes, view, out.dataOffset, out.dataLength);
  else out.quote.present = false;
  return ParseError.NONE;
}

/**
 * Writes the reply to an echo request: identifier, sequence number and data as received (RFC 4443 §4.2).
 * @param pseudoSum from `pseudoHeader` of the reply's addresses, protocol 58 and `length`
 * @param request the memory of the request, its message at `requestOffset`, `length` octets long
 * @param out room for `length` octets at `at`; may be the same memory at the same place
 * @returns the octets written, `length`
 */
export function writeIcmpv6EchoReply(
  pseudoSum: number,
  request: Uint8Array,
  requestOffset: number,
  length: number,
  out: Uint8Array,
  outView: DataView,
  at: number,
): number {
  out.set(request.subarray(requestOffset, requestOffset + length), at);
  out[at + TYPE] = Icmpv6Type.ECHO_REPLY;
  return seal(pseudoSum, out, outView, at, length);
}

/** Octets of an error about a packet of that length: the length to make its pseudo header with. */
export function icmpv6ErrorLength(packetLength: number): number {
  return ICMPV6_HEADER_BYTES + Math.min(packetLength, MAX_ICMPV6_QUOTE_BYTES);
}

/**
 * Writes an error about the IPv6 packet at `packet[packetOffset … packetOffset + packetLength)`, of which it quotes as
 * much as an error message may carry.
 * @param pseudoSum from `pseudoHeader` of the error's addresses, protocol 58 and `icmpv6ErrorLength(packetLength)`
 * @param type DESTINATION_UNREACHABLE, PACKET_TOO_BIG, TIME_EXCEEDED or PARAMETER_PROBLEM
 * @param word the MTU or the pointer that goes with the type, else 0
 * @param out room for 8 octets and the quote, at most 1240, at `at`
 * @returns the octets written
 */
export function writeIcmpv6Error(
  pseudoSum: number,
  type: number,
  code: number,
  word: number,
  packet: Uint8Array,
  packetOffset: number,
  packetLength: number,
  out: Uint8Array,
  outView: DataView,
  at: number,
): number {
  const length = icmpv6ErrorLength(packetLength);
  out[at + TYPE] = type;
  out[at + CODE] = code;
  outView.setUint32(at + WORD, word);
  const quoted = length - ICMPV6_HEADER_BYTES;
  out.set(packet.subarray(packetOffset, packetOffset + quoted), at + ICMPV6_HEADER_BYTES);
  return seal(pseudoSum, out, outView, at, length);
}

function seal(pseudoSum: number, out: Uint8Array, outView: DataView, at: number, length: number): number {
  outView.setUint16(at + CHECKSUM, 0);
  outView.setUint16(at + CHECKSUM, finish(addRange(pseudoSum, out, at, length)));
  return length;
}

/** What a message says, in words: `port unreachable`, `packet too big`; `type T code C` for the others. */
export function icmpv6Name(type: number, code: number): string {
  if (type === Icmpv6Type.DESTINATION_UNREACHABLE && code < UNREACHABLE_NAMES.length) {
    return UNREACHABLE_NAMES[code]!;
  }
  return TYPE_NAMES.get(type) ?? `type ${type} code ${code}`;
}

const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [Icmpv6Type.PACKET_TOO_BIG, 'packet too big'],
  [Icmpv6Type.TIME_EXCEEDED, 'time exceeded'],
  [Icmpv6Type.PARAMETER_PROBLEM, 'parameter problem'],
  [Icmpv6Type.ECHO_REQUEST, 'echo request'],
  [Icmpv6Type.ECHO_REPLY, 'echo reply'],
]);

const UNREACHABLE_NAMES: readonly string[] = [
  'no route',
  'communication prohibited',
  'beyond scope',
  'address unreachable',
  'port unreachable',
  'source address failed policy',
  'reject route',
];
