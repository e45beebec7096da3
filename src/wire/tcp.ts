// The TCP header (RFC 9293 §3.1): reading a segment into the reused view, writing a header, and its checksum. What
// the fields mean to a connection is decided in `tcp/`.
import { struct, u8, u16be, u32be } from './buffer-layout.js';
import { addPieces, addRange, finish } from './checksum.js';
import { offsetOf } from './layout.js';
import { ParseError } from './parse-error.js';
import type { PayloadPieces } from './payload.js';
import { FIN, type SegmentView, SYN } from './segment.js';
import type { Seq } from './seq.js';
import { parseTcpOptions } from './tcp-options.js';

/** The fixed part of the header as it stands on the wire. */
export interface TcpHeader {
  sourcePort: number;
  destinationPort: number;
  /** Unsigned, 0…2^32 − 1. */
  seq: number;
  /** Unsigned, 0…2^32 − 1. */
  ack: number;
  /** Header length in 32-bit words in the high nibble, four reserved bits in the low one. */
  dataOffsetAndReserved: number;
  /** CWR ECE URG ACK PSH RST SYN FIN. */
  flags: number;
  window: number;
  checksum: number;
  urgentPointer: number;
}

/** Layout of the fixed part of the header. */
export const TCP_HEADER = struct<TcpHeader>([
  u16be('sourcePort'),
  u16be('destinationPort'),
  u32be('seq'),
  u32be('ack'),
  u8('dataOffsetAndReserved'),
  u8('flags'),
  u16be('window'),
  u16be('checksum'),
  u16be('urgentPointer'),
]);

/** Octets of a header without options. */
export const TCP_HEADER_BYTES = TCP_HEADER.span;
/** Octets of the longest header. */
export const MAX_TCP_HEADER_BYTES = 60;
/** Payload that always fits the packet of which an IP header can tell the length, with the longest headers of IPv6 and TCP. */
export const LONGEST_IP_PAYLOAD = 65_535 - 40 - MAX_TCP_HEADER_BYTES;

const SOURCE_PORT = offsetOf(TCP_HEADER, 'sourcePort');
const DESTINATION_PORT = offsetOf(TCP_HEADER, 'destinationPort');
const SEQ = offsetOf(TCP_HEADER, 'seq');
const ACKNOWLEDGMENT = offsetOf(TCP_HEADER, 'ack');
const DATA_OFFSET = offsetOf(TCP_HEADER, 'dataOffsetAndReserved');
const FLAGS = offsetOf(TCP_HEADER, 'flags');
const WINDOW = offsetOf(TCP_HEADER, 'window');
const CHECKSUM = offsetOf(TCP_HEADER, 'checksum');
const URGENT_POINTER = offsetOf(TCP_HEADER, 'urgentPointer');

/** Place of the checksum field in the header: what a link with checksum offload asks for. */
export const TCP_CHECKSUM_OFFSET = CHECKSUM;

/**
 * Reads the TCP segment at `bytes[offset … offset + length)`, options included, and nothing outside of it. The
 * checksum is not looked at: see `tcpChecksumOk`. Reserved bits are ignored (RFC 9293 §3.1). `packetId` and `ecn` are
 * left to the caller.
 * @param view a DataView of the same memory as `bytes`, beginning where it begins
 * @param out filled when the result is 0
 * @returns 0, or TRUNCATED or DATA_OFFSET
 */
export function parseTcp(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  length: number,
  out: SegmentView,
): ParseError {
  if (length < TCP_HEADER_BYTES) return ParseError.TRUNCATED;
  const headerLength = (bytes[offset + DATA_OFFSET]! >>> 4) << 2;
  if (headerLength < TCP_HEADER_BYTES || headerLength > length) return ParseError.DATA_OFFSET;

  out.sourcePort = view.getUint16(offset + SOURCE_PORT);
  out.destinationPort = view.getUint16(offset + DESTINATION_PORT);
  out.seq = view.getInt32(offset + SEQ);
  out.ack = view.getInt32(offset + ACKNOWLEDGMENT);
  const flags = bytes[offset + FLAGS]!;
  out.flags = flags;
  out.wnd = view.getUint16(offset + WINDOW);
  out.urgentPointer = view.getUint16(offset + URGENT_POINTER);
  out.bytes = bytes;
  out.payloadOffset = offset + headerLength;
  out.payloadLength = length - headerLength;
  out.len = length - headerLength + ((flags & SYN) >>> 1) + (flags & FIN);
  out.clearOptions();
  if (headerLength > TCP_HEADER_BYTES) {
    parseTcpOptions(bytes, view, offset + TCP_HEADER_BYTES, headerLength - TCP_HEADER_BYTES, out);
  }
  return ParseError.NONE;
}

/** What `writeTcpHeader` puts into a header. */
export interface TcpHeaderSource {
  readonly seq: Seq;
  readonly ack: Seq;
  /** Control bits, CWR…FIN. */
  readonly flags: number;
  /** The window field as it goes on the wire, 0…65535. */
  readonly wnd: number;
  readonly urgentPointer: number;
  /** Encoded options; `optionsLength` of them count, a multiple of four up to 40. */
  readonly options: Uint8Array;
  readonly optionsLength: number;
}

/**
 * Writes a header with its options and a checksum of 0; `writeTcpChecksum` or `writeTcpPseudoSum` completes it.
 * @returns the octets written, 20…60
 */
export function writeTcpHeader(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  sourcePort: number,
  destinationPort: number,
  source: TcpHeaderSource,
): number {
  const headerLength = TCP_HEADER_BYTES + source.optionsLength;
  view.setUint16(offset + SOURCE_PORT, sourcePort);
  view.setUint16(offset + DESTINATION_PORT, destinationPort);
  view.setInt32(offset + SEQ, source.seq);
  view.setInt32(offset + ACKNOWLEDGMENT, source.ack);
  bytes[offset + DATA_OFFSET] = headerLength << 2;
  bytes[offset + FLAGS] = source.flags;
  view.setUint16(offset + WINDOW, source.wnd);
  view.setUint16(offset + CHECKSUM, 0);
  view.setUint16(offset + URGENT_POINTER, source.urgentPointer);
  const at = offset + TCP_HEADER_BYTES;
  for (let i = 0; i < source.optionsLength; i++) bytes[at + i] = source.options[i]!;
  return headerLength;
}

/**
 * Computes the checksum over pseudo header, header and payload and stores it (RFC 9293 MUST-2).
 * @param pseudoSum from `pseudoHeader`, `pseudoHeader4` or `pseudoHeader6`, with the length of header and payload
 * @param headerLength octets of the header at `offset`, its checksum field 0
 * @param payload what follows the header, or null when nothing does
 * @returns the checksum
 */
export function writeTcpChecksum(
  pseudoSum: number,
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  headerLength: number,
  payload: PayloadPieces | null,
): number {
  let sum = addRange(pseudoSum, bytes, offset, headerLength);
  if (payload !== null) sum = addPieces(sum, payload, headerLength);
  const checksum = finish(sum);
  view.setUint16(offset + CHECKSUM, checksum);
  return checksum;
}

/** Stores the sum of the pseudo header alone: what a link with checksum offload expects to find and completes. */
export function writeTcpPseudoSum(pseudoSum: number, view: DataView, offset: number): void {
  view.setUint16(offset + CHECKSUM, pseudoSum);
}

/**
 * True when the checksum of the segment at `bytes[offset … offset + length)` is right; a segment for which it is not
 * must be dropped (RFC 9293 MUST-3).
 * @param pseudoSum from `pseudoHeader4` or `pseudoHeader6`, with the same length
 */
export function tcpChecksumOk(pseudoSum: number, bytes: Uint8Array, offset: number, length: number): boolean {
  return addRange(pseudoSum, bytes, offset, length) === 0xffff;
}
