// Transport checksums that their sender left to its network device, as Linux does between namespaces and virtual
// machines: such a packet is sound, but its field holds the sum of the pseudo header only.
import { type PacketBatch, PacketHint } from '../stack/link.js';
import { finish, pseudoHeader4, pseudoHeader6, sumRange } from '../wire/checksum.js';
import { EthernetView, EtherType, parseEthernet } from '../wire/ethernet.js';
import { ParseError } from '../wire/parse-error.js';
import { IpProtocol } from '../wire/protocol.js';
import { TCP_CHECKSUM_OFFSET } from '../wire/tcp.js';

const UDP_CHECKSUM_OFFSET = 6;

/** Reused. */
const frame = new EthernetView();

/** Completes the checksums of those packets of a batch of which the link says that they are unfinished. */
export function completeBatch(batch: PacketBatch, medium: 'ip' | 'ethernet'): void {
  const { hints } = batch;
  if (hints === undefined) return;
  for (let i = 0; i < batch.count; i++) {
    if ((hints[i]! & PacketHint.UNFINISHED) === 0) continue;
    completePacket(batch.bytes, batch.view, batch.offsets[i]!, batch.lengths[i]!, medium);
    hints[i]! &= ~PacketHint.UNFINISHED;
  }
}

/**
 * Completes the checksum of TCP or UDP in a packet or frame, where it is unfinished.
 * @param view of the memory of `bytes`, from where it begins
 */
export function completePacket(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  length: number,
  medium: 'ip' | 'ethernet',
): boolean {
  if (medium === 'ip') return completeIp(bytes, view, offset, length);
  if (parseEthernet(view, offset, length, frame) !== ParseError.NONE) return false;
  if (frame.type !== EtherType.IPV4 && frame.type !== EtherType.IPV6) return false;
  return completeIp(bytes, view, frame.payloadOffset, frame.payloadLength);
}

function completeIp(bytes: Uint8Array, view: DataView, ip: number, length: number): boolean {
  const version = bytes[ip]! >>> 4;
  if (version === 4 && length >= 28) {
    const header = (bytes[ip]! & 15) * 4;
    const rest = view.getUint16(ip + 2) - header;
    const isWhole = (view.getUint16(ip + 6) & 0x3fff) === 0 && header >= 20 && header + rest <= length;
    const field = checksumField(bytes[ip + 9]!);
    if (!isWhole || field === 0) return false;
    const sum = pseudoHeader4(view.getInt32(ip + 12), view.getInt32(ip + 16), bytes[ip + 9]!, rest);
    return completeChecksum(bytes, ip + header, rest, field, sum);
  }
  if (version !== 6 || length < 48) return false;
  const rest = view.getUint16(ip + 4);
  const field = checksumField(bytes[ip + 6]!);
  if (field === 0 || 40 + rest > length) return false;
  return completeChecksum(bytes, ip + 40, rest, field, pseudoSum6(view, ip, bytes[ip + 6]!, rest));
}

/** Place of the checksum behind the beginning of that header; 0 for protocols that are not left to devices. */
function checksumField(protocol: number): number {
  if (protocol === IpProtocol.TCP) return TCP_CHECKSUM_OFFSET;
  return protocol === IpProtocol.UDP ? UDP_CHECKSUM_OFFSET : 0;
}

function pseudoSum6(view: DataView, ip: number, protocol: number, length: number): number {
  const word = (i: number) => view.getInt32(ip + 8 + 4 * i);
  return pseudoHeader6(
    word(0),
    word(1),
    word(2),
    word(3),
    word(4),
    word(5),
    word(6),
    word(7),
    protocol,
    length,
  );
}

/**
 * Completes such a checksum in place, so that what receives, records or judges the packet finds it as on a wire.
 * @param offset where the transport header begins
 * @param length octets of it and its data
 * @param field place of the checksum in the header
 * @param pseudoSum sum of the pseudo header
 * @returns whether it was unfinished; any other checksum, right or wrong, is left as it is
 */
export function completeChecksum(
  bytes: Uint8Array,
  offset: number,
  length: number,
  field: number,
  pseudoSum: number,
): boolean {
  const at = offset + field;
  if (length < field + 2 || ((bytes[at]! << 8) | bytes[at + 1]!) !== pseudoSum) return false;
  bytes[at] = 0;
  bytes[at + 1] = 0;
  const sum = finish(pseudoSum + sumRange(bytes, offset, length));
  // Of the two zeros a sum of something is never the one (RFC 1624 §3); but in UDP that means that there is none (RFC 768).
  const checksum = sum === 0 && field === UDP_CHECKSUM_OFFSET ? 0xffff : sum;
  bytes[at] = checksum >>> 8;
  bytes[at + 1] = checksum & 0xff;
  return true;
}
