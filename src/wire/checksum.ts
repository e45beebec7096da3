// The Internet checksum (RFC 1071): sums over any range and over scattered pieces, pseudo headers, and the
// incremental update of RFC 1624. A sum is the folded one's complement sum of big-endian 16-bit words, 0…0xffff.
import type { IpAddress } from './address.js';
import type { PayloadPieces } from './payload.js';

/**
 * Sum of one range of any alignment and length; an odd last octet counts as the high half of a word.
 * This is the only function here that touches payload, and so the one to replace by a faster kernel.
 * @param length bytes, at most 2^23, all inside `bytes`
 * @returns the folded sum, 0…0xffff
 */
export function sumRange(bytes: Uint8Array, offset: number, length: number): number {
  const view = length >= CACHED_FROM ? viewOf(bytes, length) : null;
  // Words are read little-endian whatever the machine, and the result swapped once: the one's complement sum does not
  // depend on the order of octets (RFC 1071 §2 B), and this order needs no swap per word on the usual processors.
  const sum = view !== null ? sumWords(view, offset, length) : sumOctets(bytes, offset, length);
  return ((sum & 0xff) << 8) | (sum >>> 8);
}

/**
 * Adds a range that stands `position` octets into the summed data: only its parity matters, since an odd start swaps
 * the halves of every word (RFC 1071 §2 B).
 * @returns the folded sum, 0…0xffff
 */
export function addRange(
  sum: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  position = 0,
): number {
  const range = sumRange(bytes, offset, length);
  // Folding brings the half that is shifted out back at the other end.
  return fold(sum + (position & 1 ? range << 8 : range));
}

/**
 * Adds scattered payload, the first piece of which stands `position` octets into the summed data. Pieces may have odd
 * lengths.
 * @returns the folded sum, 0…0xffff
 */
export function addPieces(sum: number, pieces: PayloadPieces, position = 0): number {
  for (let i = 0; i < pieces.count; i++) {
    const length = pieces.lengths[i]!;
    sum = addRange(sum, pieces.bytes[i]!, pieces.offsets[i]!, length, position);
    position += length;
  }
  return sum;
}

/** Folds a sum of few 16-bit words, below 2^32, into 16 bits. */
export function fold(sum: number): number {
  sum = (sum & 0xffff) + (sum >>> 16);
  return (sum & 0xffff) + (sum >>> 16);
}

/** The value for the checksum field: the complement of the sum, 0…0xffff. */
export function finish(sum: number): number {
  return ~fold(sum) & 0xffff;
}

/**
 * Sum of the IPv4 pseudo header (RFC 9293 §3.1).
 * @param source address as int32
 * @param destination address as int32
 * @param length octets of the upper-layer header and data
 */
export function pseudoHeader4(source: number, destination: number, protocol: number, length: number): number {
  return fold(halves(source) + halves(destination) + protocol + halves(length));
}

/** Sum of the IPv6 pseudo header (RFC 8200 §8.1), addresses as four int32 words each. */
export function pseudoHeader6(
  source0: number,
  source1: number,
  source2: number,
  source3: number,
  destination0: number,
  destination1: number,
  destination2: number,
  destination3: number,
  protocol: number,
  length: number,
): number {
  const source = halves(source0) + halves(source1) + halves(source2) + halves(source3);
  const destination =
    halves(destination0) + halves(destination1) + halves(destination2) + halves(destination3);
  return fold(source + destination + protocol + halves(length));
}

/** Sum of the pseudo header of the family that both addresses belong to. */
export function pseudoHeader(
  source: IpAddress,
  destination: IpAddress,
  protocol: number,
  length: number,
): number {
  if (destination.w0 === 0 && destination.w1 === 0 && destination.w2 === 0xffff) {
    return pseudoHeader4(source.w3, destination.w3, protocol, length);
  }
  return pseudoHeader6(
    source.w0,
    source.w1,
    source.w2,
    source.w3,
    destination.w0,
    destination.w1,
    destination.w2,
    destination.w3,
    protocol,
    length,
  );
}

/**
 * The checksum field after one 16-bit word under it changed (RFC 1624, equation 3).
 * @param checksum the field before
 */
export function updateChecksum(checksum: number, oldWord: number, newWord: number): number {
  return finish((~checksum & 0xffff) + (~oldWord & 0xffff) + newWord);
}

function halves(word: number): number {
  return (word & 0xffff) + (word >>> 16);
}

/** Below this a loop over octets is as fast as finding the view. */
const CACHED_FROM = 48;
/** Below this a range in an unknown buffer is not worth the allocation of a view. */
const ALLOCATE_FROM = 512;

// The buffers that were summed last, each with a view of its own range. Links, arenas and send queues sum the same few
// arrays over and over, so that packets allocate nothing; the cost is that up to four buffers live a little longer.
const knownBytes: Uint8Array[] = [];
const knownViews: DataView[] = [];
const KNOWN = 4;
let nextKnown = 0;

function viewOf(bytes: Uint8Array, length: number): DataView | null {
  for (let i = 0; i < knownBytes.length; i++) if (knownBytes[i] === bytes) return knownViews[i]!;
  if (length < ALLOCATE_FROM) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  knownBytes[nextKnown] = bytes;
  knownViews[nextKnown] = view;
  nextKnown = (nextKnown + 1) % KNOWN;
  return view;
}

/**
 * Sum of little-endian words. The accumulators are doubles: below 2^53 they are exact, so that 2^20 words need no
 * carry, and four of them in pairs keep the adders of the processor busy.
 */
function sumWords(view: DataView, offset: number, length: number): number {
  const end = offset + length;
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (; offset + 32 <= end; offset += 32) {
    a += view.getUint32(offset, true) + view.getUint32(offset + 16, true);
    b += view.getUint32(offset + 4, true) + view.getUint32(offset + 20, true);
    c += view.getUint32(offset + 8, true) + view.getUint32(offset + 24, true);
    d += view.getUint32(offset + 12, true) + view.getUint32(offset + 28, true);
  }
  for (; offset + 4 <= end; offset += 4) a += view.getUint32(offset, true);
  if (offset + 2 <= end) {
    b += view.getUint16(offset, true);
    offset += 2;
  }
  if (offset < end) c += view.getUint8(offset);
  const total = a + b + c + d;
  const low = total >>> 0;
  const high = (total - low) / 2 ** 32;
  return fold(fold(low) + fold(high));
}

function sumOctets(bytes: Uint8Array, offset: number, length: number): number {
  const end = offset + length;
  let sum = 0;
  for (; offset + 2 <= end; offset += 2) sum += bytes[offset]! | (bytes[offset + 1]! << 8);
  if (offset < end) sum += bytes[offset]!;
  return fold(sum);
}
