// ARP for IPv4 over Ethernet (RFC 826): reading and writing its one packet format. What a packet means is decided by the
// stack.
import { struct, u8, u16be, u32be } from './buffer-layout.js';
import { EtherType } from './ethernet.js';
import { offsetOf } from './layout.js';
import { MAC_BYTES } from './mac.js';
import { ParseError } from './parse-error.js';

/** What a packet asks or tells. */
export const ArpOperation = { REQUEST: 1, REPLY: 2 } as const;

/** The packet as it stands behind the Ethernet header. */
export interface ArpHeader {
  /** 1: Ethernet. */
  hardwareType: number;
  /** 0x0800: IPv4. */
  protocolType: number;
  hardwareLength: number;
  protocolLength: number;
  operation: number;
  senderMacHigh: number;
  senderMacLow: number;
  senderAddress: number;
  targetMacHigh: number;
  targetMacLow: number;
  targetAddress: number;
}

/** Layout of the packet. */
export const ARP_HEADER = struct<ArpHeader>([
  u16be('hardwareType'),
  u16be('protocolType'),
  u8('hardwareLength'),
  u8('protocolLength'),
  u16be('operation'),
  u16be('senderMacHigh'),
  u32be('senderMacLow'),
  u32be('senderAddress'),
  u16be('targetMacHigh'),
  u32be('targetMacLow'),
  u32be('targetAddress'),
]);

/** Octets of a packet. */
export const ARP_BYTES = ARP_HEADER.span;

const HARDWARE_TYPE = offsetOf(ARP_HEADER, 'hardwareType');
const PROTOCOL_TYPE = offsetOf(ARP_HEADER, 'protocolType');
const HARDWARE_LENGTH = offsetOf(ARP_HEADER, 'hardwareLength');
const PROTOCOL_LENGTH = offsetOf(ARP_HEADER, 'protocolLength');
const OPERATION = offsetOf(ARP_HEADER, 'operation');
const SENDER_MAC_HIGH = offsetOf(ARP_HEADER, 'senderMacHigh');
const SENDER_MAC_LOW = offsetOf(ARP_HEADER, 'senderMacLow');
const SENDER_ADDRESS = offsetOf(ARP_HEADER, 'senderAddress');
const TARGET_MAC_HIGH = offsetOf(ARP_HEADER, 'targetMacHigh');
const TARGET_MAC_LOW = offsetOf(ARP_HEADER, 'targetMacLow');
const TARGET_ADDRESS = offsetOf(ARP_HEADER, 'targetAddress');

const ETHERNET = 1;
const IPV4_BYTES = 4;

/** One received packet. Reused: valid until the next `parseArp` into it. Addresses are int32. */
export class ArpView {
  operation = 0;
  senderMacHigh = 0;
  senderMacLow = 0;
  senderAddress = 0;
  targetMacHigh = 0;
  targetMacLow = 0;
  targetAddress = 0;
}

/**
 * Reads the packet at `offset`; what follows its 28 octets is padding.
 * @param view a DataView of the memory in which it lies
 * @param out filled when the result is 0
 * @returns 0, or TRUNCATED, or ARP_FORMAT: not Ethernet and IPv4, neither request nor reply, or a sender that is a group
 */
export function parseArp(view: DataView, offset: number, length: number, out: ArpView): ParseError {
  if (length < ARP_BYTES) return ParseError.TRUNCATED;
  const operation = view.getUint16(offset + OPERATION);
  const senderMacHigh = view.getUint16(offset + SENDER_MAC_HIGH);
  if (
    view.getUint16(offset + HARDWARE_TYPE) !== ETHERNET ||
    view.getUint16(offset + PROTOCOL_TYPE) !== EtherType.IPV4 ||
    view.getUint8(offset + HARDWARE_LENGTH) !== MAC_BYTES ||
    view.getUint8(offset + PROTOCOL_LENGTH) !== IPV4_BYTES ||
    (operation !== ArpOperation.REQUEST && operation !== ArpOperation.REPLY) ||
    (senderMacHigh & 0x0100) !== 0
  ) {
    return ParseError.ARP_FORMAT;
  }
  out.operation = operation;
  out.senderMacHigh = senderMacHigh;
  out.senderMacLow = view.getInt32(offset + SENDER_MAC_LOW);
  out.senderAddress = view.getInt32(offset + SENDER_ADDRESS);
  out.targetMacHigh = view.getUint16(offset + TARGET_MAC_HIGH);
  out.targetMacLow = view.getInt32(offset + TARGET_MAC_LOW);
  out.targetAddress = view.getInt32(offset + TARGET_ADDRESS);
  return ParseError.NONE;
}

/**
 * Writes a packet. Addresses are int32.
 * @returns the octets written, 28
 */
export function writeArp(
  view: DataView,
  offset: number,
  operation: number,
  senderMacHigh: number,
  senderMacLow: number,
  senderAddress: number,
  targetMacHigh: number,
  targetMacLow: number,
  targetAddress: number,
): number {
  view.setUint16(offset + HARDWARE_TYPE, ETHERNET);
  view.setUint16(offset + PROTOCOL_TYPE, EtherType.IPV4);
  view.setUint8(offset + HARDWARE_LENGTH, MAC_BYTES);
  view.setUint8(offset + PROTOCOL_LENGTH, IPV4_BYTES);
  view.setUint16(offset + OPERATION, operation);
  view.setUint16(offset + SENDER_MAC_HIGH, senderMacHigh);
  view.setInt32(offset + SENDER_MAC_LOW, senderMacLow);
  view.setInt32(offset + SENDER_ADDRESS, senderAddress);
  view.setUint16(offset + TARGET_MAC_HIGH, targetMacHigh);
  view.setInt32(offset + TARGET_MAC_LOW, targetMacLow);
  view.setInt32(offset + TARGET_ADDRESS, targetAddress);
  return ARP_BYTES;
}
