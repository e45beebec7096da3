// Whole packets as objects, for tools and tests: one TCP/IP packet made from a description, and one taken apart. The
// packet path uses the parsers and writers of the single headers instead.
import { IpAddress } from './address.js';
import { pseudoHeader } from './checksum.js';
import {
  IPV4_HEADER,
  IPV4_HEADER_BYTES,
  type Ipv4Header,
  Ipv4View,
  parseIpv4,
  writeIpv4Header,
} from './ipv4.js';
import {
  IPV6_HEADER,
  IPV6_HEADER_BYTES,
  type Ipv6Header,
  Ipv6View,
  parseIpv6,
  writeIpv6Header,
} from './ipv6.js';
import { decodeHeader } from './layout.js';
import { ParseError, parseErrorName } from './parse-error.js';
import { PayloadPieces } from './payload.js';
import { IpProtocol } from './protocol.js';
import { SegmentView } from './segment.js';
import {
  MAX_TCP_HEADER_BYTES,
  parseTcp,
  TCP_HEADER,
  TCP_HEADER_BYTES,
  type TcpHeader,
  tcpChecksumOk,
  writeTcpChecksum,
  writeTcpHeader,
} from './tcp.js';
import { decodeTcpOptions, type TcpOption } from './tcp-options-decode.js';

/** What `buildTcpPacket` makes a packet of. */
export interface TcpPacketSource {
  source: IpAddress;
  sourcePort: number;
  /** Of the family of `source`. */
  destination: IpAddress;
  destinationPort: number;
  /** Default 0. */
  seq?: number;
  /** Default 0. */
  ack?: number;
  /** Control bits; default none. */
  flags?: number;
  /** The raw window field; default 65535. */
  wnd?: number;
  /** Default 0. */
  urgentPointer?: number;
  /** Encoded options, padded to a multiple of four; default none. */
  options?: Uint8Array;
  /** Default none. */
  payload?: Uint8Array;
  /** Time to live or hop limit; default 64. */
  ttl?: number;
  /** Code point times four, plus ECN; default 0. */
  trafficClass?: number;
  /** IPv4 identification; default 0, with DF set. */
  id?: number;
  /** IPv6 flow label; default 0. */
  flowLabel?: number;
}

/**
 * One TCP packet over IPv4 or IPv6, checksums included.
 * @throws Error with code `ERR_ADDRESS_FAMILY` when the addresses differ in family, `ERR_TCP_OPTIONS` when the options
 *   are longer than 40 octets or no multiple of four, `ERR_PACKET_TOO_LONG` when the length does not fit its field
 */
export function buildTcpPacket(from: TcpPacketSource): Uint8Array {
  const options = from.options ?? new Uint8Array(0);
  const payload = new PayloadPieces();
  if (from.payload !== undefined) payload.add(from.payload, 0, from.payload.length);
  const ipBytes = from.source.family === 4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  const tcpBytes = TCP_HEADER_BYTES + options.length + payload.total;
  checkTcpPacket(from, options, tcpBytes);

  const bytes = new Uint8Array(ipBytes + tcpBytes);
  const view = new DataView(bytes.buffer);
  writeIpHeader(bytes, view, from, tcpBytes);
  const headerLength = writeTcpHeader(bytes, view, ipBytes, from.sourcePort, from.destinationPort, {
    seq: from.seq ?? 0,
    ack: from.ack ?? 0,
    flags: from.flags ?? 0,
    wnd: from.wnd ?? 0xffff,
    urgentPointer: from.urgentPointer ?? 0,
    options,
    optionsLength: options.length,
  });
  payload.copyTo(bytes, ipBytes + headerLength);
  const pseudoSum = pseudoHeader(from.source, from.destination, IpProtocol.TCP, tcpBytes);
  writeTcpChecksum(pseudoSum, bytes, view, ipBytes, headerLength, payload);
  return bytes;
}

function checkTcpPacket(from: TcpPacketSource, options: Uint8Array, tcpBytes: number): void {
  const family = from.source.family;
  if (from.destination.family !== family) {
    throw coded('ERR_ADDRESS_FAMILY', 'source and destination must be of one address family');
  }
  if (TCP_HEADER_BYTES + options.length > MAX_TCP_HEADER_BYTES || options.length % 4 !== 0) {
    throw coded('ERR_TCP_OPTIONS', 'options take at most 40 octets, a multiple of four; see padOptions');
  }
  const fieldLength = family === 4 ? IPV4_HEADER_BYTES + tcpBytes : tcpBytes;
  if (fieldLength > 0xffff) {
    throw coded(
      'ERR_PACKET_TOO_LONG',
      `${fieldLength} octets do not fit the IP length field; send less payload`,
    );
  }
}

function writeIpHeader(bytes: Uint8Array, view: DataView, from: TcpPacketSource, tcpBytes: number): void {
  const { source, destination, ttl = 64, trafficClass = 0, id = 0, flowLabel = 0 } = from;
  if (source.family === 6) {
    writeIpv6Header(
      bytes,
      view,
      0,
      tcpBytes,
      IpProtocol.TCP,
      source,
      destination,
      ttl,
      trafficClass,
      flowLabel,
    );
    return;
  }
  const total = bytes.length;
  writeIpv4Header(
    bytes,
    view,
    0,
    total,
    IpProtocol.TCP,
    source.w3,
    destination.w3,
    ttl,
    trafficClass,
    id,
    true,
  );
}

/** The TCP part of a packet taken apart. Offsets count from the beginning of the memory given to `decodePacket`. */
export interface DecodedTcp {
  readonly header: TcpHeader;
  /** Where the header begins. */
  readonly offset: number;
  /** Octets of the header, options included. */
  readonly headerLength: number;
  readonly options: readonly TcpOption[];
  readonly payloadOffset: number;
  readonly payloadLength: number;
  readonly checksumOk: boolean;
}

/** One IP packet taken apart. Offsets count from the beginning of the memory given to `decodePacket`. */
export interface DecodedPacket {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** The fixed header of the family. */
  readonly ip:
    | { readonly version: 4; readonly header: Ipv4Header; readonly view: Ipv4View }
    | { readonly version: 6; readonly header: Ipv6Header; readonly view: Ipv6View };
  /** Present when the packet is an unfragmented TCP segment with a readable header. */
  readonly tcp?: DecodedTcp;
}

/**
 * Takes the IP packet at `bytes[offset … offset + length)` apart.
 * @returns the packet, or the reason why its IP header cannot be read, in words (`parseErrorName`)
 */
export function decodePacket(
  bytes: Uint8Array,
  offset = 0,
  length: number = bytes.length - offset,
): DecodedPacket | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // An empty range is truncated whatever the family.
  const isIpv6 = bytes[offset]! >>> 4 === 6;
  return isIpv6 ? decodeIpv6(bytes, view, offset, length) : decodeIpv4(bytes, view, offset, length);
}

function decodeIpv4(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  length: number,
): DecodedPacket | string {
  const ip = new Ipv4View();
  const error = parseIpv4(bytes, view, offset, length, ip);
  if (error !== ParseError.NONE) return parseErrorName(error);
  const source = IpAddress.v4(ip.source);
  const destination = IpAddress.v4(ip.destination);
  const header = decodeHeader(IPV4_HEADER, bytes, offset);
  const tcp = ip.isFragment ? undefined : decodeTcp(bytes, view, ip, source, destination);
  return { source, destination, ip: { version: 4, header, view: ip }, ...(tcp && { tcp }) };
}

function decodeIpv6(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  length: number,
): DecodedPacket | string {
  const ip = new Ipv6View();
  const error = parseIpv6(bytes, view, offset, length, ip);
  if (error !== ParseError.NONE) return parseErrorName(error);
  const source = new IpAddress(ip.source0, ip.source1, ip.source2, ip.source3);
  const destination = new IpAddress(ip.destination0, ip.destination1, ip.destination2, ip.destination3);
  const header = decodeHeader(IPV6_HEADER, bytes, offset);
  const tcp = ip.isFragment ? undefined : decodeTcp(bytes, view, ip, source, destination);
  return { source, destination, ip: { version: 6, header, view: ip }, ...(tcp && { tcp }) };
}

function decodeTcp(
  bytes: Uint8Array,
  view: DataView,
  ip: Ipv4View | Ipv6View,
  source: IpAddress,
  destination: IpAddress,
): DecodedTcp | undefined {
  const { payloadOffset: offset, payloadLength: length } = ip;
  const segment = new SegmentView();
  if (ip.protocol !== IpProtocol.TCP || parseTcp(bytes, view, offset, length, segment) !== ParseError.NONE) {
    return undefined;
  }
  const headerLength = segment.payloadOffset - offset;
  const optionsLength = headerLength - TCP_HEADER_BYTES;
  return {
    header: decodeHeader(TCP_HEADER, bytes, offset),
    offset,
    headerLength,
    options: decodeTcpOptions(bytes, offset + TCP_HEADER_BYTES, optionsLength),
    payloadOffset: segment.payloadOffset,
    payloadLength: segment.payloadLength,
    checksumOk: tcpChecksumOk(
      pseudoHeader(source, destination, IpProtocol.TCP, length),
      bytes,
      offset,
      length,
    ),
  };
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
