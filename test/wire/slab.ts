// Packets as they lie in a link's slab: at an offset, between bytes that belong to others.

/** One packet and the memory around it. */
export interface Placed {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly offset: number;
  readonly length: number;
}

/** The packet at `offset` of a slab whose other bytes are all `poison`, `after` of them behind it. */
export function place(packet: Uint8Array, offset = 0, poison = 0, after = 0): Placed {
  const bytes = new Uint8Array(offset + packet.length + after).fill(poison);
  bytes.set(packet, offset);
  return { bytes, view: new DataView(bytes.buffer), offset, length: packet.length };
}

/**
 * The packet three ways: alone, so that a read behind it throws, and between zeros and between ones at odd and even
 * places, so that a read outside changes the result.
 */
export function placements(packet: Uint8Array): Placed[] {
  return [place(packet), place(packet, 33, 0, 128), place(packet, 64, 0xff, 128)];
}

/** Octets from hexadecimal digits; blanks do not count. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(text.replace(/\s+/g, '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** A small generator for seeded tests (mulberry32): numbers in 0…n − 1. */
export function randomFrom(seed: number): (n: number) => number {
  return (n) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), seed | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}
