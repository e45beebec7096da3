// The TCP segment in a packet that only an impaired link saw: lost before it reached the stack, or made by the link.
import type { IpAddress } from '../wire/address.js';
import { decodePacket } from '../wire/packet.js';
import { SegmentView } from '../wire/segment.js';
import { parseTcp } from '../wire/tcp.js';

const ETHERNET_HEADER_BYTES = 14;

/** A segment with its addresses. */
export interface ActedSegment {
  source: IpAddress;
  destination: IpAddress;
  segment: SegmentView;
}

/** Reads `packet`, an IP packet or an Ethernet frame; null when it holds no readable segment. */
export function actedSegment(packet: Uint8Array, medium: 'ip' | 'ethernet'): ActedSegment | null {
  const offset = medium === 'ethernet' ? ETHERNET_HEADER_BYTES : 0;
  if (packet.length <= offset) return null;
  const decoded = decodePacket(packet, offset);
  if (typeof decoded === 'string' || decoded.tcp === undefined) return null;
  const { tcp, source, destination } = decoded;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const segment = new SegmentView();
  if (parseTcp(packet, view, tcp.offset, tcp.headerLength + tcp.payloadLength, segment) !== 0) return null;
  return { source, destination, segment };
}
