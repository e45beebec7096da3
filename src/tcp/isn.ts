// Initial sequence numbers by RFC 6528: a clock of four microseconds plus a keyed function of the four-tuple.
import type { FourTuple } from '../wire/address.js';
import type { Seq } from '../wire/seq.js';

/** The clock part advances by one each 4 µs (RFC 9293 MUST-8). */
const STEPS_PER_MS = 250;

/**
 * Makes the ISN generator of a stack.
 * @param prf keyed pseudo-random function of the four-tuple, 32 bits; its secret must not be guessable (MUST-9)
 * @returns ISN for a tuple at a clock time in ms
 */
export function makeIsnGenerator(prf: (tuple: FourTuple) => number): (tuple: FourTuple, now: number) => Seq {
  return (tuple, now) => {
    const clock = Math.floor(now * STEPS_PER_MS) % 0x1_0000_0000;
    return (clock + prf(tuple)) | 0;
  };
}
