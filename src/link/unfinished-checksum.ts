// Transport checksums that their sender left to its network device, as Linux does between namespaces and virtual
// machines: such a packet is sound, but its field holds the sum of the pseudo header only.
import { finish, sumRange } from '../wire/checksum.js';

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
  const checksum = finish(pseudoSum + sumRange(bytes, offset, length));
  bytes[at] = checksum >>> 8;
  bytes[at + 1] = checksum & 0xff;
  return true;
}
