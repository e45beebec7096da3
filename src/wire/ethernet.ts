// The Ethernet II header, with or without an IEEE 802.1Q tag: reading it into a reused view, and writing it in front of a
// packet. Frames whose type field is a length (IEEE 802.3 with LLC) carry no IP and are reported as such.
import { struct, u16be, u32be } from './buffer-layout.js';
import { offsetOf } from './layout.js';
import { ParseError } from './parse-error.js';

/** The protocol that a frame carries (IANA registry of EtherTypes). */
export const EtherType = {
  IPV4: 0x0800,
  ARP: 0x0806,
  /** IEEE 802.1Q customer tag. */
  VLAN: 0x8100,
  IPV6: 0x86dd,
} as const;

/** The header without a tag. */
export interface EthernetHeader {
  /** First two octets of the destination. */
  destinationHigh: number;
  /** Its last four, unsigned. */
  destinationLow: number;
  sourceHigh: number;
  sourceLow: number;
  /** An EtherType; below 1536 a length. */
  type: number;
}

/** Layout of the header without a tag. */
export const ETHERNET_HEADER = struct<EthernetHeader>([
  u16be('destinationHigh'),
  u32be('destinationLow'),
  u16be('sourceHigh'),
  u32be('sourceLow'),
  u16be('type'),
]);

/** What follows the type `EtherType.VLAN`. */
export interface VlanTag {
  /** Priority (3 bits), drop eligibility (1 bit), VLAN identifier (12 bits). */
  control: number;
  /** EtherType of what is in the frame. */
  type: number;
}

/** Layout of the tag behind its EtherType. */
export const VLAN_TAG = struct<VlanTag>([u16be('control'), u16be('type')]);

/** Octets of the header without a tag. */
export const ETHERNET_HEADER_BYTES = ETHERNET_HEADER.span;
/** Octets that a tag adds. */
export const VLAN_TAG_BYTES = VLAN_TAG.span;
/** Octets of the longest header written here. */
export const MAX_ETHERNET_HEADER_BYTES = ETHERNET_HEADER_BYTES + VLAN_TAG_BYTES;
/** Octets to leave in front of an IP header, so that any of these headers fits there and the IP header stays aligned. */
export const FRAME_HEADROOM = 20;
/** Identifiers 1…4094 name VLANs; 0 is a tag that only sets a priority, 4095 is reserved (IEEE 802.1Q §9.6). */
export const MAX_VLAN_ID = 4094;

const DESTINATION = offsetOf(ETHERNET_HEADER, 'destinationHigh');
const DESTINATION_LOW = offsetOf(ETHERNET_HEADER, 'destinationLow');
const SOURCE = offsetOf(ETHERNET_HEADER, 'sourceHigh');
const SOURCE_LOW = offsetOf(ETHERNET_HEADER, 'sourceLow');
const TYPE = offsetOf(ETHERNET_HEADER, 'type');
const CONTROL = ETHERNET_HEADER_BYTES + offsetOf(VLAN_TAG, 'control');
const INNER_TYPE = ETHERNET_HEADER_BYTES + offsetOf(VLAN_TAG, 'type');
/** Smaller values of the type field are lengths (IEEE 802.3 §3.2.6). */
const LEAST_TYPE = 0x0600;

/** One received frame's header. Reused: valid until the next `parseEthernet` into it. */
export class EthernetView {
  destinationHigh = 0;
  /** int32 */
  destinationLow = 0;
  sourceHigh = 0;
  /** int32 */
  sourceLow = 0;
  /** EtherType of the payload, that behind the tag when there is one. */
  type = 0;
  /** VLAN identifier; 0 without a tag, or with one that only sets a priority. */
  vlan = 0;
  /** What the frame carries, with the padding of a short one. */
  payloadOffset = 0;
  payloadLength = 0;

  /** True for a frame to a group or to everybody. */
  get isGroup(): boolean {
    return (this.destinationHigh & 0x0100) !== 0;
  }
}

/**
 * Reads the frame at `bytes[offset … offset + length)`, which ends before its checksum sequence.
 * @param view a DataView of the memory in which the frame lies
 * @param out filled when the result is 0
 * @returns 0, or TRUNCATED, or ETHERNET_LENGTH for a frame of IEEE 802.3 that has no type
 */
export function parseEthernet(view: DataView, offset: number, length: number, out: EthernetView): ParseError {
  if (length < ETHERNET_HEADER_BYTES) return ParseError.TRUNCATED;
  let type = view.getUint16(offset + TYPE);
  let header = ETHERNET_HEADER_BYTES;
  out.vlan = 0;
  if (type === EtherType.VLAN) {
    header = MAX_ETHERNET_HEADER_BYTES;
    if (length < header) return ParseError.TRUNCATED;
    out.vlan = view.getUint16(offset + CONTROL) & 0x0fff;
    type = view.getUint16(offset + INNER_TYPE);
  }
  if (type < LEAST_TYPE) return ParseError.ETHERNET_LENGTH;
  out.destinationHigh = view.getUint16(offset + DESTINATION);
  out.destinationLow = view.getInt32(offset + DESTINATION_LOW);
  out.sourceHigh = view.getUint16(offset + SOURCE);
  out.sourceLow = view.getInt32(offset + SOURCE_LOW);
  out.type = type;
  out.payloadOffset = offset + header;
  out.payloadLength = length - header;
  return ParseError.NONE;
}

/** Octets of the header that `writeEthernetHeader` writes. */
export function ethernetHeaderBytes(vlan: number): number {
  return vlan === 0 ? ETHERNET_HEADER_BYTES : MAX_ETHERNET_HEADER_BYTES;
}

/**
 * Writes a header.
 * @param destinationLow int32, as `sourceLow`
 * @param vlan identifier for a tag of priority 0, or 0 for none
 * @returns the octets written, 14 or 18
 */
export function writeEthernetHeader(
  view: DataView,
  offset: number,
  destinationHigh: number,
  destinationLow: number,
  sourceHigh: number,
  sourceLow: number,
  type: number,
  vlan: number,
): number {
  view.setUint16(offset + DESTINATION, destinationHigh);
  view.setInt32(offset + DESTINATION_LOW, destinationLow);
  view.setUint16(offset + SOURCE, sourceHigh);
  view.setInt32(offset + SOURCE_LOW, sourceLow);
  if (vlan === 0) {
    view.setUint16(offset + TYPE, type);
    return ETHERNET_HEADER_BYTES;
  }
  view.setUint16(offset + TYPE, EtherType.VLAN);
  view.setUint16(offset + CONTROL, vlan);
  view.setUint16(offset + INNER_TYPE, type);
  return MAX_ETHERNET_HEADER_BYTES;
}
