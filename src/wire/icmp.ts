// ICMP for IPv4 (RFC 792): reading messages, answering echo, and writing errors that quote the packet they are about.
// Whether an answer may be sent at all, and how often, is decided by the stack.
import { struct, u8, u16be } from './buffer-layout.js';
import { finish, sumRange } from './checksum.js';
import { IcmpQuote } from './icmp-quote.js';
import { offsetOf } from './layout.js';
import { ParseError } from './parse-error.js';

/** Message types (IANA registry). */
export const IcmpType = {
  ECHO_REPLY: 0,
  DESTINATION_UNREACHABLE: 3,
  /** Obsolete; to be dropped silently (RFC 9293 MUST-55, RFC 6633). */
  SOURCE_QUENCH: 4,
  REDIRECT: 5,
  ECHO_REQUEST: 8,
  TIME_EXCEEDED: 11,
  PARAMETER_PROBLEM: 12,
} as const;

/** Codes of Destination Unreachable (RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1). */
export const UnreachableCode = {
  NET: 0,
  HOST: 1,
  PROTOCOL: 2,
  PORT: 3,
  FRAGMENTATION_NEEDED: 4,
  SOURCE_ROUTE_FAILED: 5,
  NET_UNKNOWN: 6,
  HOST_UNKNOWN: 7,
  HOST_ISOLATED: 8,
  NET_PROHIBITED: 9,
  HOST_PROHIBITED: 10,
  NET_TOS: 11,
  HOST_TOS: 12,
  PROHIBITED: 13,
  PRECEDENCE_VIOLATION: 14,
  PRECEDENCE_CUTOFF: 15,
} as const;

/** Codes of Time Exceeded, the same in both versions (RFC 792, RFC 4443 §3.3). */
export const TimeExceededCode = {
  TRANSIT: 0,
  REASSEMBLY: 1,
} as const;

/** The first eight octets of every message. */
export interface IcmpHeader {
  type: number;
  code: number;
  checksum: number;
  /** Echo: identifier. Parameter problem: the pointer in the high octet. Else 0. */
  first: number;
  /** Echo: sequence number. Fragmentation needed: MTU of the next hop (RFC 1191 §4). Else 0. */
  second: number;
}

/** Layout of the first eight octets; the ICMPv6 header is the same up to the meaning of the last four. */
export const ICMP_HEADER = struct<IcmpHeader>([
  u8('type'),
  u8('code'),
  u16be('checksum'),
  u16be('first'),
  u16be('second'),
]);

/** Octets in front of the data or the quote. */
export const ICMP_HEADER_BYTES = ICMP_HEADER.span;
/** An error message stays within 576 octets, its IP header included (RFC 1812 §4.3.2.3). */
export const MAX_ICMP_QUOTE_BYTES = 576 - 20 - ICMP_HEADER_BYTES;

const TYPE = offsetOf(ICMP_HEADER, 'type');
const CODE = offsetOf(ICMP_HEADER, 'code');
const CHECKSUM = offsetOf(ICMP_HEADER, 'checksum');
const FIRST = offsetOf(ICMP_HEADER, 'first');
const SECOND = offsetOf(ICMP_HEADER, 'second');

/** One received message. Reused: valid until the next `parseIcmp` into it. */
export class IcmpView {
  type = 0;
  code = 0;
  /** Echo: identifier. */
  identifier = 0;
  /** Echo: sequence number. */
  sequence = 0;
  /** Fragmentation needed: MTU of the next hop, 0 from a router older than RFC 1191; else 0. */
  nextHopMtu = 0;
  /** Parameter problem: the octet of the quoted packet that is wrong; else 0. */
  pointer = 0;
  /** What follows the eight octets: echo data or the quote. */
  dataOffset = 0;
  dataLength = 0;
  /** True for the types that report an error about a packet; such messages are never answered by errors. */
  isError = false;
  /** The packet that an error is about. */
  readonly quote = new IcmpQuote();
}

/**
 * Reads the ICMP message at `bytes[offset … offset + length)`, and nothing outside of it.
 * @param view a DataView of the same memory as `bytes`, beginning where it begins
 * @param out filled when the result is 0
 * @returns 0, or TRUNCATED or CHECKSUM
 */
export function parseIcmp(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  length: number,
  out: IcmpView,
): ParseError {
  if (length < ICMP_HEADER_BYTES) return ParseError.TRUNCATED;
  if (sumRange(bytes, offset, length) !== 0xffff) return ParseError.CHECKSUM;
  const type = bytes[offset + TYPE]!;
  const code = bytes[offset + CODE]!;
  const isEcho = type === IcmpType.ECHO_REQUEST || type === IcmpType.ECHO_REPLY;
  const isTooBig = type === IcmpType.DESTINATION_UNREACHABLE && code === UnreachableCode.FRAGMENTATION_NEEDED;
  out.type = type;
  out.code = code;
  out.identifier = isEcho ? view.getUint16(offset + FIRST) : 0;
  out.sequence = isEcho ? view.getUint16(offset + SECOND) : 0;
  out.nextHopMtu = isTooBig ? view.getUint16(offset + SECOND) : 0;
  out.pointer = type === IcmpType.PARAMETER_PROBLEM ? bytes[offset + FIRST]! : 0;
  out.dataOffset = offset + ICMP_HEADER_BYTES;
  out.dataLength = length - ICMP_HEADER_BYTES;
  out.isError = isIcmpErrorType(type);
  if (out.isError) out.quote.takeIpv4(bytes, view, out.dataOffset, out.dataLength);
  else out.quote.present = false;
  return ParseError.NONE;
}

/** True for the types that report an error about a packet. */
export function isIcmpErrorType(type: number): boolean {
  return (
    type === IcmpType.DESTINATION_UNREACHABLE ||
    type === IcmpType.SOURCE_QUENCH ||
    type === IcmpType.REDIRECT ||
    type === IcmpType.TIME_EXCEEDED ||
    type === IcmpType.PARAMETER_PROBLEM
  );
}

/**
 * Writes the reply to an echo request: identifier, sequence number and data as received (RFC 1122 §3.2.2.6).
 * @param request the memory of the request, its message at `requestOffset`, `length` octets long
 * @param out room for `length` octets at `at`; may be the same memory at the same place
 * @returns the octets written, `length`
 */
export function writeIcmpEchoReply(
  request: Uint8Array,
  requestOffset: number,
  length: number,
  out: Uint8Array,
  outView: DataView,
  at: number,
): number {
  out.set(request.subarray(requestOffset, requestOffset + length), at);
  out[at + TYPE] = IcmpType.ECHO_REPLY;
  return seal(out, outView, at, length);
}

/**
 * Writes an echo request.
 * @param data what the peer shall send back
 * @returns the octets written
 */
export function writeIcmpEchoRequest(
  identifier: number,
  sequence: number,
  data: Uint8Array,
  out: Uint8Array,
  outView: DataView,
  at: number,
): number {
  begin(out, outView, at, IcmpType.ECHO_REQUEST, 0, identifier, sequence);
  out.set(data, at + ICMP_HEADER_BYTES);
  return seal(out, outView, at, ICMP_HEADER_BYTES + data.length);
}

/**
 * Writes an error about the IPv4 packet at `packet[packetOffset … packetOffset + packetLength)`, of which it quotes as much
 * as an error message may carry.
 * @param type DESTINATION_UNREACHABLE, TIME_EXCEEDED or PARAMETER_PROBLEM
 * @param detail FRAGMENTATION_NEEDED: the MTU of the next hop; PARAMETER_PROBLEM: the octet that is wrong; else 0
 * @param out room for 8 octets and the quote, at most 556, at `at`
 * @returns the octets written
 */
export function writeIcmpError(
  type: number,
  code: number,
  detail: number,
  packet: Uint8Array,
  packetOffset: number,
  packetLength: number,
  out: Uint8Array,
  outView: DataView,
  at: number,
): number {
  const pointer = type === IcmpType.PARAMETER_PROBLEM;
  begin(out, outView, at, type, code, pointer ? (detail & 0xff) << 8 : 0, pointer ? 0 : detail);
  const quoted = Math.min(packetLength, MAX_ICMP_QUOTE_BYTES);
  out.set(packet.subarray(packetOffset, packetOffset + quoted), at + ICMP_HEADER_BYTES);
  return seal(out, outView, at, ICMP_HEADER_BYTES + quoted);
}

function begin(
  out: Uint8Array,
  outView: DataView,
  at: number,
  type: number,
  code: number,
  first: number,
  second: number,
): void {
  out[at + TYPE] = type;
  out[at + CODE] = code;
  outView.setUint16(at + FIRST, first);
  outView.setUint16(at + SECOND, second);
}

function seal(out: Uint8Array, outView: DataView, at: number, length: number): number {
  outView.setUint16(at + CHECKSUM, 0);
  outView.setUint16(at + CHECKSUM, finish(sumRange(out, at, length)));
  return length;
}

/** What a message says, in words: `port unreachable`, `echo request`; `type T code C` for the others. */
export function icmpName(type: number, code: number): string {
  if (type === IcmpType.DESTINATION_UNREACHABLE && code < UNREACHABLE_NAMES.length) {
    return UNREACHABLE_NAMES[code]!;
  }
  return TYPE_NAMES.get(type) ?? `type ${type} code ${code}`;
}

const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [IcmpType.ECHO_REPLY, 'echo reply'],
  [IcmpType.SOURCE_QUENCH, 'source quench'],
  [IcmpType.REDIRECT, 'redirect'],
  [IcmpType.ECHO_REQUEST, 'echo request'],
  [IcmpType.TIME_EXCEEDED, 'time exceeded'],
  [IcmpType.PARAMETER_PROBLEM, 'parameter problem'],
]);

const UNREACHABLE_NAMES: readonly string[] = [
  'network unreachable',
  'host unreachable',
  'protocol unreachable',
  'port unreachable',
  'fragmentation needed',
  'source route failed',
  'network unknown',
  'host unknown',
  'host isolated',
  'network prohibited',
  'host prohibited',
  'network unreachable for service',
  'host unreachable for service',
  'communication prohibited',
  'host precedence violation',
  'precedence cutoff',
];
