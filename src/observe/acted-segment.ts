// The TCP segment in a packet that only an impaired link saw: lost before it reached the stack, or made by the link.
import type { IpAddress } from '../wire/address.js';
import { EthernetView, parseEthernet } from '../wire/ethernet.js';
import { decodePacket } from '../wire/packet.js';
import { ParseError } from '../wire/parse-error.js';
import { SegmentView } from '../wire/segment.js';
import { parseTcp } from '../wire/tcp.js';

/** A segment with its addresses. */
export interface ActedSegment {
  source: IpAddress;
  destination: IpAddress;
  segment: SegmentView;
}

/** Reads `packet`, an IP packet or an Ethernet frame; null when it holds no readable segment. */
export function actedSegment(packet: Uint8Array, medium: 'ip' | 'ethernet'): ActedSegment | null {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const offset = medium === 'ethernet' ? payloadOf(view) : 0;
  if (offset < 0 || packet.length <= offset) return null;
  const decoded = decodePacket(packet, offset);
  if (typeof decoded === 'string' || decoded.tcp === undefined) return null;
  const { tcp, source, destination } = decoded;
  const segment = new SegmentView();
  if (parseTcp(packet, view, tcp.offset, tcp.headerLength + tcp.payloadLength, segment) !== 0) return null;
  return { source, destination, segment };
}

/** Where the payload of a frame begins, behind a tag if there is one; -1 for what is no frame. */
function payloadOf(view: DataView): number {
  const frame = new EthernetView();
  return parseEthernet(view, 0, view.byteLength, frame) === ParseError.NONE ? frame.payloadOffset : -1;
}
