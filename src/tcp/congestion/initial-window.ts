// How much may leave before the first acknowledgment, and the floor of a window after a pause.

/** RFC 6928 §2 counts Ethernet-sized segments of this many bytes. */
const REFERENCE_MSS = 1460;

/**
 * Initial window in bytes (RFC 6928 §2): `segments` segments, but no more bytes than as many Ethernet-sized ones carry,
 * except that two segments are always allowed.
 * @param mss payload bytes of a full segment
 * @param segments RFC 6928 recommends 10
 */
export function initialWindow(mss: number, segments: number): number {
  return Math.min(segments * mss, Math.max(2 * mss, segments * REFERENCE_MSS));
}
