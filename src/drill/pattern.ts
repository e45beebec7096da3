// The payload of scripts: an octet for each position of a stream, so that data that is moved, doubled or lost shows.

/** A prime: no window, MSS or buffer is a multiple of it. */
const PERIOD = 251;

/** Octets `[offset, offset + length)` of every stream. */
export function patternBytes(offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = patternAt(offset + i);
  return bytes;
}

/** Index of the first octet that is not that of its position, or -1. @param offset position of the first octet */
export function firstDeviation(bytes: Uint8Array, offset: number): number {
  return bytes.findIndex((byte, i) => byte !== patternAt(offset + i));
}

function patternAt(position: number): number {
  return ((position % PERIOD) + PERIOD) % PERIOD;
}
