// One captured TCP segment, read as leniently as a reader of other people's captures must: cut off by a snap length, from
// a sender that leaves checksums and cutting to its network card, or damaged.
import { encodedOptions, type OptionFacts } from '../observe/segment-facts.js';
import { IpAddress } from '../wire/address.js';
import { finish, pseudoHeader, sumRange } from '../wire/checksum.js';
import { IpProtocol } from '../wire/protocol.js';
import { toUint32 } from '../wire/seq.js';

/** What a checksum says: `unfinished` holds only the sum of the pseudo header, as before a network card adds the rest. */
export type ChecksumVerdict = 'good' | 'bad' | 'unfinished' | 'unknown';

/** A segment as it was captured. Sequence numbers are raw and unsigned. */
export interface ObservedSegment {
  readonly frame: number;
  readonly timeMs: number;
  readonly source: IpAddress;
  readonly sourcePort: number;
  readonly destination: IpAddress;
  readonly destinationPort: number;
  readonly flags: number;
  readonly seq: number;
  readonly ack: number;
  readonly wnd: number;
  readonly urgentPointer: number;
  readonly options: OptionFacts;
  /** Payload bytes on the wire, also when fewer were kept. */
  readonly len: number;
  /** The payload that was kept, in the memory of the frame. */
  readonly payload: Uint8Array;
  readonly checksum: ChecksumVerdict;
  /** ECN field of the IP header. */
  readonly ecn: number;
  readonly ttl: number;
}

/** What a frame turned out to carry. */
export type Observation =
  | { readonly what: 'segment'; readonly segment: ObservedSegment }
  | { readonly what: 'icmp'; readonly icmp: ObservedIcmp }
  | { readonly what: 'fragment' | 'other' | 'damaged' };

/** An ICMP error about a TCP segment: its type and code, and whose segment it quotes. */
export interface ObservedIcmp {
  readonly frame: number;
  readonly timeMs: number;
  readonly version: 4 | 6;
  readonly type: number;
  readonly code: number;
  /** Of the quoted segment. */
  readonly source: IpAddress;
  readonly sourcePort: number;
  readonly destination: IpAddress;
  readonly destinationPort: number;
  readonly seq: number;
  /** Next-hop MTU, or 0. */
  readonly mtu: number;
}

const OTHER: Observation = { what: 'other' };
const DAMAGED: Observation = { what: 'damaged' };
const FRAGMENT: Observation = { what: 'fragment' };

const TCP_HEADER_BYTES = 20;
const ICMP_HEADER_BYTES = 8;
/** Of a quoted TCP header: ports and sequence number. */
const QUOTED_BYTES = 8;
const MAX_EXTENSION_HEADERS = 16;

/** The IP header as far as a reader of TCP needs it. Offsets count from the beginning of the packet. */
interface IpPart {
  readonly version: 4 | 6;
  readonly protocol: number;
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly payloadOffset: number;
  /** On the wire. */
  readonly payloadLength: number;
  readonly isLaterFragment: boolean;
  readonly isFragment: boolean;
  readonly ecn: number;
  readonly ttl: number;
}

/**
 * Reads the IP packet that begins the bytes.
 * @param wireBytes its length on the wire, link padding included
 */
export function observe(bytes: Uint8Array, wireBytes: number, frame: number, timeMs: number): Observation {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ip = readIp(bytes, view, wireBytes);
  if (ip === null) return DAMAGED;
  if (ip.isLaterFragment) return FRAGMENT;
  if (ip.protocol === IpProtocol.ICMP || ip.protocol === IpProtocol.ICMPV6) {
    return observeIcmp(bytes, view, ip, frame, timeMs);
  }
  return ip.protocol === IpProtocol.TCP ? observeTcp(bytes, view, ip, frame, timeMs) : OTHER;
}

function readIp(bytes: Uint8Array, view: DataView, wireBytes: number): IpPart | null {
  const version = bytes.length > 0 ? bytes[0]! >>> 4 : 0;
  if (version === 4) return readIpv4(bytes, view, wireBytes);
  return version === 6 ? readIpv6(bytes, view, wireBytes) : null;
}

function readIpv4(bytes: Uint8Array, view: DataView, wireBytes: number): IpPart | null {
  if (bytes.length < 20) return null;
  const headerLength = (bytes[0]! & 0x0f) * 4;
  // A length of 0 stands in packets that the sender's card will cut.
  const total = view.getUint16(2) || wireBytes;
  if (headerLength < 20 || total < headerLength || bytes.length < headerLength) return null;
  const fragment = view.getUint16(6);
  return {
    version: 4,
    protocol: bytes[9]!,
    source: IpAddress.v4(view.getInt32(12)),
    destination: IpAddress.v4(view.getInt32(16)),
    payloadOffset: headerLength,
    payloadLength: Math.min(total, wireBytes) - headerLength,
    isLaterFragment: (fragment & 0x1fff) !== 0,
    isFragment: (fragment & 0x3fff) !== 0,
    ecn: bytes[1]! & 3,
    ttl: bytes[8]!,
  };
}

function readIpv6(bytes: Uint8Array, view: DataView, wireBytes: number): IpPart | null {
  if (bytes.length < 40) return null;
  const address = (at: number) =>
    new IpAddress(view.getInt32(at), view.getInt32(at + 4), view.getInt32(at + 8), view.getInt32(at + 12));
  const length = view.getUint16(4) || wireBytes - 40;
  const end = Math.min(40 + length, wireBytes);
  let protocol = bytes[6]!;
  let at = 40;
  let isFragment = false;
  let isLaterFragment = false;
  for (let n = 0; n < MAX_EXTENSION_HEADERS && isExtension(protocol) && at + 8 <= bytes.length; n++) {
    if (protocol === 44) {
      const offset = view.getUint16(at + 2);
      isFragment = (offset & 0xfff9) !== 0;
      isLaterFragment = (offset & 0xfff8) !== 0;
    }
    const size = protocol === 44 ? 8 : protocol === 51 ? (bytes[at + 1]! + 2) * 4 : (bytes[at + 1]! + 1) * 8;
    protocol = bytes[at]!;
    at += size;
  }
  if (at > end) return null;
  return {
    version: 6,
    protocol,
    source: address(8),
    destination: address(24),
    payloadOffset: at,
    payloadLength: end - at,
    isLaterFragment,
    isFragment,
    ecn: (bytes[1]! >>> 4) & 3,
    ttl: bytes[7]!,
  };
}

/** Hop-by-hop, routing, fragment, authentication, destination, mobility. */
function isExtension(protocol: number): boolean {
  return [0, 43, 44, 51, 60, 135].includes(protocol);
}

function observeTcp(
  bytes: Uint8Array,
  view: DataView,
  ip: IpPart,
  frame: number,
  timeMs: number,
): Observation {
  const at = ip.payloadOffset;
  if (ip.payloadLength < TCP_HEADER_BYTES || at + TCP_HEADER_BYTES > bytes.length) return DAMAGED;
  const headerLength = (bytes[at + 12]! >>> 4) * 4;
  if (headerLength < TCP_HEADER_BYTES || headerLength > ip.payloadLength) return DAMAGED;
  const optionsAt = at + TCP_HEADER_BYTES;
  const options = bytes.subarray(optionsAt, Math.min(at + headerLength, bytes.length));
  const segment: ObservedSegment = {
    frame,
    timeMs,
    source: ip.source,
    sourcePort: view.getUint16(at),
    destination: ip.destination,
    destinationPort: view.getUint16(at + 2),
    seq: view.getUint32(at + 4),
    ack: view.getUint32(at + 8),
    flags: bytes[at + 13]!,
    wnd: view.getUint16(at + 14),
    urgentPointer: view.getUint16(at + 18),
    options: encodedOptions(options, options.length, 0),
    len: ip.payloadLength - headerLength,
    payload: bytes.subarray(
      Math.min(at + headerLength, bytes.length),
      Math.min(at + ip.payloadLength, bytes.length),
    ),
    checksum: checksumOf(bytes, view, ip),
    ecn: ip.ecn,
    ttl: ip.ttl,
  };
  return { what: 'segment', segment };
}

function checksumOf(bytes: Uint8Array, view: DataView, ip: IpPart): ChecksumVerdict {
  const { payloadOffset: at, payloadLength: length } = ip;
  if (ip.isFragment || at + length > bytes.length) return 'unknown';
  const pseudo = pseudoHeader(ip.source, ip.destination, IpProtocol.TCP, length);
  if (finish(pseudo + sumRange(bytes, at, length)) === 0) return 'good';
  const unfinished = toUint32(~finish(pseudo)) & 0xffff;
  return view.getUint16(at + 16) === unfinished ? 'unfinished' : 'bad';
}

const ICMP_ERRORS: Readonly<Record<4 | 6, readonly number[]>> = { 4: [3, 11, 12], 6: [1, 2, 3, 4] };

function observeIcmp(
  bytes: Uint8Array,
  view: DataView,
  ip: IpPart,
  frame: number,
  timeMs: number,
): Observation {
  const at = ip.payloadOffset;
  const { version } = ip;
  if (at + ICMP_HEADER_BYTES > bytes.length) return DAMAGED;
  const [type, code] = [bytes[at]!, bytes[at + 1]!];
  if (!ICMP_ERRORS[version].includes(type)) return OTHER;
  const quote = bytes.subarray(at + ICMP_HEADER_BYTES);
  const quoteView = new DataView(quote.buffer, quote.byteOffset, quote.byteLength);
  // Of the quoted packet only the beginning is there, so its own length says more.
  const quoted = readIp(quote, quoteView, 0xffff);
  if (quoted === null || quoted.protocol !== IpProtocol.TCP) return OTHER;
  const tcpAt = quoted.payloadOffset;
  if (tcpAt + QUOTED_BYTES > quote.length) return OTHER;
  const isTooBig = version === 4 ? type === 3 && code === 4 : type === 2;
  const mtu = !isTooBig ? 0 : version === 4 ? view.getUint16(at + 6) : view.getUint32(at + 4);
  const icmp: ObservedIcmp = {
    frame,
    timeMs,
    version,
    type,
    code,
    source: quoted.source,
    sourcePort: quoteView.getUint16(tcpAt),
    destination: quoted.destination,
    destinationPort: quoteView.getUint16(tcpAt + 2),
    seq: quoteView.getUint32(tcpAt + 4),
    mtu,
  };
  return { what: 'icmp', icmp };
}
