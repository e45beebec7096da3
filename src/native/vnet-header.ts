// The virtio-net header in front of each packet for a device with offload (virtio 1.2 §5.1.6): little-endian, padded to
// `VNET_HEADER_BYTES`. What comes with received packets is read by the addon.

import { CWR } from '../wire/segment.js';
import { TCP_CHECKSUM_OFFSET } from '../wire/tcp.js';
import { VNET_HEADER_BYTES } from './binding.js';

const FLAG_NEEDS_CHECKSUM = 1;
const GSO_TCPV4 = 1;
const GSO_TCPV6 = 4;
/** Bears CWR: only the first of the segments shall (RFC 3168 §6.1.2). */
const GSO_ECN = 0x80;

/** Places in the header. */
const FLAGS = 0;
const GSO_TYPE = 1;
const HEADER_LENGTH = 2;
const GSO_SIZE = 4;
const CHECKSUM_START = 6;
const CHECKSUM_OFFSET = 8;
const PADDING = 10;
/** In the padding, for the addon: see `long_packet.c`. */
const MAY_BE_LONG = 12;

/** Places in a TCP header. */
const DATA_OFFSET = 12;
const CONTROL_BITS = 13;

/** What is left to the device. */
export interface DeviceWork {
  readonly family: 4 | 6;
  /** Octets before the TCP header, whose checksum field holds the sum of the pseudo header. */
  readonly transportOffset: number;
  /** Payload octets of each segment to be cut; 0 for none. */
  readonly segmentBytes: number;
}

/**
 * Writes the header for the packet whose own headers are `packet[offset … offset + length)`.
 * @param work null: the packet is complete
 * @param mayBeLong the device may be given it in one piece, although it is longer than IP can tell
 */
export function writeVnetHeader(
  bytes: Uint8Array,
  at: number,
  packet: Uint8Array,
  offset: number,
  length: number,
  work: DeviceWork | null,
  mayBeLong = false,
): void {
  let flags = 0;
  let gsoType = 0;
  // What is told to be header the kernel keeps in one piece, and the rest in pages. Without it all is copied into one.
  let headerLength = length;
  if (work !== null) {
    const tcp = offset + work.transportOffset;
    flags = FLAG_NEEDS_CHECKSUM;
    headerLength = work.transportOffset + ((packet[tcp + DATA_OFFSET]! >>> 4) << 2);
    if (work.segmentBytes > 0) {
      gsoType = work.family === 4 ? GSO_TCPV4 : GSO_TCPV6;
      if (packet[tcp + CONTROL_BITS]! & CWR) gsoType |= GSO_ECN;
    }
  }
  const segmentBytes = work === null ? 0 : work.segmentBytes;
  bytes[at + FLAGS] = flags;
  bytes[at + GSO_TYPE] = gsoType;
  bytes[at + HEADER_LENGTH] = headerLength;
  bytes[at + HEADER_LENGTH + 1] = headerLength >>> 8;
  bytes[at + GSO_SIZE] = segmentBytes;
  bytes[at + GSO_SIZE + 1] = segmentBytes >>> 8;
  bytes[at + CHECKSUM_START] = work === null ? 0 : work.transportOffset;
  bytes[at + CHECKSUM_START + 1] = 0;
  bytes[at + CHECKSUM_OFFSET] = work === null ? 0 : TCP_CHECKSUM_OFFSET;
  bytes[at + CHECKSUM_OFFSET + 1] = 0;
  for (let i = PADDING; i < VNET_HEADER_BYTES; i++) bytes[at + i] = 0;
  if (mayBeLong) bytes[at + MAY_BE_LONG] = 1;
}
