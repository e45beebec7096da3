// How much of an upper-layer header must be there before anybody may look into a first fragment (RFC 1858, RFC 7112).
import { ICMP_HEADER_BYTES } from './icmp.js';
import { offsetOf } from './layout.js';
import { IpProtocol } from './protocol.js';
import { TCP_HEADER, TCP_HEADER_BYTES } from './tcp.js';

const DATA_OFFSET = offsetOf(TCP_HEADER, 'dataOffsetAndReserved');
const UDP_HEADER_BYTES = 8;

/**
 * Whether the upper-layer header that begins at `offset` is there in full: for TCP with its options, for ICMP the octets
 * that all messages have. Of other protocols nothing is known, and so nothing is demanded.
 * @param length octets from `offset` on
 */
export function isTransportHeaderWhole(
  protocol: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
): boolean {
  switch (protocol) {
    case IpProtocol.TCP:
      return length >= TCP_HEADER_BYTES && length >= (bytes[offset + DATA_OFFSET]! >>> 4) << 2;
    case IpProtocol.ICMP:
    case IpProtocol.ICMPV6:
      return length >= ICMP_HEADER_BYTES;
    case IpProtocol.UDP:
      return length >= UDP_HEADER_BYTES;
    default:
      return true;
  }
}
