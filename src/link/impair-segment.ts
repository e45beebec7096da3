// Segments that an impaired link changes or makes up: a decoded copy that a rule edits, and the description of an
// injected one, with the packets built of them.
import { IpAddress } from '../wire/address.js';
import { pseudoHeader } from '../wire/checksum.js';
import { refreshIpv4Checksum } from '../wire/ipv4.js';
import { buildTcpPacket } from '../wire/packet.js';
import { PayloadPieces } from '../wire/payload.js';
import { IpProtocol } from '../wire/protocol.js';
import type { Seq } from '../wire/seq.js';
import {
  MAX_TCP_HEADER_BYTES,
  TCP_CHECKSUM_OFFSET,
  TCP_HEADER_BYTES,
  writeTcpChecksum,
  writeTcpHeader,
} from '../wire/tcp.js';
import { flagsFromLetters, RuleError } from './impair-numbers.js';
import type { Direction } from './impair-options.js';
import type { ImpairedPacket, IsnMemory } from './impair-packet.js';

const IPV4_TOTAL_LENGTH = 2;
const IPV4_TTL = 8;
const IPV6_PAYLOAD_LENGTH = 4;
const IPV6_HOP_LIMIT = 7;
const IPV6_HEADER_BYTES = 40;
const MAX_IP_LENGTH = 0xffff;
const ETHERNET_HEADER_BYTES = 14;
const utf8 = new TextEncoder();

/** A segment's checksum: corrected, as it was before the change, or certainly wrong. */
export type ChecksumChoice = 'fix' | 'keep' | 'bad';

/** A decoded copy of a segment, for a rewrite rule. Addresses and IP options stay as they are. */
export class EditableSegment {
  sourcePort: number;
  destinationPort: number;
  /** As int32 or uint32. */
  seq: Seq;
  ack: Seq;
  /** Control bits, CWR…FIN. */
  flags: number;
  /** The raw window field. */
  wnd: number;
  urgentPointer: number;
  /** Encoded options; padded when their length is no multiple of four. */
  options: Uint8Array;
  payload: Uint8Array;
  /** Time to live or hop limit. */
  ttl: number;
  checksum: ChecksumChoice = 'fix';

  constructor(private readonly packet: ImpairedPacket) {
    const { segment, bytes, tcpOffset, ipOffset, family } = packet;
    this.sourcePort = segment.sourcePort;
    this.destinationPort = segment.destinationPort;
    this.seq = segment.seq;
    this.ack = segment.ack;
    this.flags = segment.flags;
    this.wnd = segment.wnd;
    this.urgentPointer = segment.urgentPointer;
    this.options = bytes.slice(tcpOffset + TCP_HEADER_BYTES, segment.payloadOffset);
    this.payload = bytes.slice(segment.payloadOffset, segment.payloadOffset + segment.payloadLength);
    this.ttl = bytes[ipOffset + (family === 4 ? IPV4_TTL : IPV6_HOP_LIMIT)]!;
  }

  /** `seq` relative to the sender's ISN. Reading or setting it throws RuleError when the ISN is not known. */
  get relSeq(): number {
    return (this.seq - this.ownIsn()) | 0;
  }
  set relSeq(value: number) {
    this.seq = (this.ownIsn() + value) | 0;
  }

  /** `ack` relative to the receiver's ISN. Reading or setting it throws RuleError when the ISN is not known. */
  get relAck(): number {
    return (this.ack - this.otherIsn()) | 0;
  }
  set relAck(value: number) {
    this.ack = (this.otherIsn() + value) | 0;
  }

  private ownIsn(): Seq {
    const { source, sourcePort, destination, destinationPort, isns } = this.packet;
    return known(isns.get(source, sourcePort, destination, destinationPort));
  }

  private otherIsn(): Seq {
    const { source, sourcePort, destination, destinationPort, isns } = this.packet;
    return known(isns.get(destination, destinationPort, source, sourcePort));
  }
}

/**
 * The packet that carries the edited segment: the link and IP headers of the original, then what the edit left.
 * @throws RuleError when it does not fit a TCP header or an IP packet
 */
export function encodeEdited(packet: ImpairedPacket, edited: EditableSegment): Uint8Array {
  const optionsLength = (edited.options.length + 3) & ~3;
  const headerLength = TCP_HEADER_BYTES + optionsLength;
  if (headerLength > MAX_TCP_HEADER_BYTES) {
    throw new RuleError(`${edited.options.length} bytes of options; a header has room for 40.`);
  }
  const prefixLength = packet.tcpOffset - packet.offset;
  const tcpLength = headerLength + edited.payload.length;
  const ipAt = packet.ipOffset - packet.offset;
  const ipLength = prefixLength - ipAt + tcpLength;
  if (ipLength > MAX_IP_LENGTH)
    throw new RuleError(`the packet would have ${ipLength} bytes; give it less payload.`);

  const bytes = new Uint8Array(prefixLength + tcpLength);
  const view = new DataView(bytes.buffer);
  bytes.set(packet.bytes.subarray(packet.offset, packet.tcpOffset));
  if (packet.family === 4) {
    view.setUint16(ipAt + IPV4_TOTAL_LENGTH, ipLength);
    bytes[ipAt + IPV4_TTL] = edited.ttl;
    refreshIpv4Checksum(bytes, view, ipAt);
  } else {
    view.setUint16(ipAt + IPV6_PAYLOAD_LENGTH, ipLength - IPV6_HEADER_BYTES);
    bytes[ipAt + IPV6_HOP_LIMIT] = edited.ttl;
  }
  const options = new Uint8Array(optionsLength);
  options.set(edited.options);
  const { seq, ack, flags, wnd, urgentPointer } = edited;
  const header = { seq, ack, flags, wnd, urgentPointer, options, optionsLength };
  writeTcpHeader(bytes, view, prefixLength, edited.sourcePort, edited.destinationPort, header);
  bytes.set(edited.payload, prefixLength + headerLength);
  const checksum = computeChecksum(packet, bytes, view, prefixLength, headerLength, edited.payload);
  const before =
    (packet.bytes[packet.tcpOffset + TCP_CHECKSUM_OFFSET]! << 8) |
    packet.bytes[packet.tcpOffset + TCP_CHECKSUM_OFFSET + 1]!;
  const field = { fix: checksum, keep: before, bad: spoiled(checksum) }[edited.checksum];
  view.setUint16(prefixLength + TCP_CHECKSUM_OFFSET, field);
  return bytes;
}

function computeChecksum(
  packet: ImpairedPacket,
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  headerLength: number,
  payload: Uint8Array,
): number {
  const pieces = new PayloadPieces();
  pieces.add(payload, 0, payload.length);
  const length = headerLength + payload.length;
  const sum = pseudoHeader(packet.source, packet.destination, IpProtocol.TCP, length);
  return writeTcpChecksum(sum, bytes, view, offset, headerLength, pieces);
}

/** Neither the right sum nor its other spelling: 0x0000 and 0xffff mean the same in one's complement. */
function spoiled(checksum: number): number {
  return checksum ^ 0x5555;
}

/** One end of an injected segment. */
export interface InjectedEnd {
  address: string;
  port: number;
}

/** A segment to be made up. */
export interface InjectedSegment {
  /** `in` reaches the stack, `out` leaves as if the stack had sent it. */
  dir: Direction;
  /** Letters, such as `R` or `SA`. */
  flags: string;
  /** Exactly one of `seq` and `relSeq`. */
  seq?: number;
  /** Relative to the ISN of the side that it pretends to come from. */
  relSeq?: number;
  /** At most one of `ack` and `relAck`; default 0. */
  ack?: number;
  /** Relative to the ISN of the side that it goes to. */
  relAck?: number;
  /** The raw window field. Default 65535. */
  window?: number;
  /** Text is sent as UTF-8. Default none. */
  payload?: Uint8Array | string;
  /** Encoded options; padded when their length is no multiple of four. Default none. */
  options?: Uint8Array;
  /** Default 64. */
  ttl?: number;
  /** Default `fix`. */
  checksum?: 'fix' | 'bad';
  /** The stack's end. Default in a rule: that of the matched segment. */
  local?: InjectedEnd;
  /** The other end. Default in a rule: that of the matched segment. */
  remote?: InjectedEnd;
  /** Time until it appears. Default 0. */
  delayMs?: number;
}

/** What `buildInjected` takes from its surroundings. */
export interface InjectionContext {
  isns: IsnMemory;
  /** The segment that a rule matched, or null. */
  matched: ImpairedPacket | null;
  /** Ethernet header to put in front, or null on a link of IP packets. */
  linkHeader: Uint8Array | null;
}

/**
 * The packet of an injected segment, with good checksums unless told otherwise.
 * @throws RuleError when an end or an ISN is missing, or a value does not fit
 */
export function buildInjected(segment: InjectedSegment, context: InjectionContext): Uint8Array {
  const local = endOf('local', segment.local, context.matched?.local);
  const remote = endOf('remote', segment.remote, context.matched?.remote);
  const [from, to] = segment.dir === 'out' ? [local, remote] : [remote, local];
  const { isns } = context;
  const sourceIsn = () => known(isns.get(from.address, from.port, to.address, to.port));
  const destinationIsn = () => known(isns.get(to.address, to.port, from.address, from.port));
  checkInjected(segment);
  const options = new Uint8Array(((segment.options?.length ?? 0) + 3) & ~3);
  if (segment.options !== undefined) options.set(segment.options);
  const { payload = '' } = segment;
  const packet = build({
    source: from.address,
    sourcePort: from.port,
    destination: to.address,
    destinationPort: to.port,
    seq: segment.relSeq === undefined ? segment.seq! : (sourceIsn() + segment.relSeq) | 0,
    ack: segment.relAck === undefined ? (segment.ack ?? 0) : (destinationIsn() + segment.relAck) | 0,
    flags: flagsFromLetters(segment.flags),
    wnd: segment.window ?? 0xffff,
    options,
    payload: typeof payload === 'string' ? utf8.encode(payload) : payload,
    ttl: segment.ttl ?? 64,
  });
  if (segment.checksum === 'bad') spoilTcpChecksum(packet, from.address.family);
  return context.linkHeader === null
    ? packet
    : withLinkHeader(context.linkHeader, packet, from.address.family);
}

/**
 * Checks what can be checked before any packet is there.
 * @throws RuleError
 */
export function checkInjected(segment: InjectedSegment): void {
  flagsFromLetters(segment.flags);
  if ((segment.seq === undefined) === (segment.relSeq === undefined)) {
    throw new RuleError('an injected segment needs exactly one of seq and relSeq.');
  }
  if (segment.ack !== undefined && segment.relAck !== undefined) {
    throw new RuleError('an injected segment takes ack or relAck, not both.');
  }
}

function build(source: Parameters<typeof buildTcpPacket>[0]): Uint8Array {
  try {
    return buildTcpPacket(source);
  } catch (error) {
    throw new RuleError((error as Error).message);
  }
}

function endOf(
  what: string,
  given: InjectedEnd | undefined,
  matched: { address: IpAddress; port: number } | undefined,
): { address: IpAddress; port: number } {
  if (given === undefined) {
    if (matched === undefined)
      throw new RuleError(`an injected segment without a rule needs its ${what} end.`);
    return matched;
  }
  const address = IpAddress.parse(given.address);
  if (address === null)
    throw new RuleError(`"${given.address}" is not an IP address; write it like 10.9.0.1.`);
  return { address, port: given.port };
}

function known(isn: Seq | null): Seq {
  if (isn !== null) return isn;
  throw new RuleError('no SYN of that side has crossed this link; give an absolute number instead.');
}

function spoilTcpChecksum(packet: Uint8Array, family: 4 | 6): void {
  const at = (family === 4 ? 20 : IPV6_HEADER_BYTES) + TCP_CHECKSUM_OFFSET;
  const field = spoiled((packet[at]! << 8) | packet[at + 1]!);
  packet[at] = field >>> 8;
  packet[at + 1] = field & 0xff;
}

function withLinkHeader(header: Uint8Array, packet: Uint8Array, family: 4 | 6): Uint8Array {
  const frame = new Uint8Array(ETHERNET_HEADER_BYTES + packet.length);
  frame.set(header.subarray(0, 12));
  frame.set(family === 4 ? [0x08, 0x00] : [0x86, 0xdd], 12);
  frame.set(packet, ETHERNET_HEADER_BYTES);
  return frame;
}
