// Every class of arriving segment: flags × sequence number × acknowledgment × data × window. Shared by the test of the states
// and by the page that is printed of them; like the oracle it imports nothing of the implementation.
import type { Arriving, Situation } from './segment-oracle.js';

/** Every set of SYN, FIN, RST, ACK and URG. PSH changes nothing; it comes along with URG. */
export const FLAGS: readonly string[] = Array.from({ length: 32 }, (_, set) => {
  const letters = ['S', 'F', 'R', 'A', 'PU'].filter((_, bit) => set & (1 << bit)).join('');
  return letters === '' ? '-' : letters;
});

/** Octets of data in the segment. */
export const DATA: readonly number[] = [0, 5];

/** The window that the segment offers: none, or one larger than any before. */
export const WINDOWS: readonly number[] = [0, 1200];

/** Where the segment begins, by name. */
export function sequenceClasses(c: Situation): Record<string, number> {
  if (c.state === 'SYN-SENT') return { zero: 0, other: 1_000_000 };
  const classes: Record<string, number> = { left: c.rcvNxt - 10 };
  if (c.state === 'SYN-RECEIVED') classes['at IRS'] = 0;
  // Overlap needs bytes that were received; after the peer's FIN the octet before RCV.NXT is the FIN.
  if (c.state === 'ESTABLISHED' || c.state.startsWith('FIN-WAIT')) classes.overlapping = c.rcvNxt - 2;
  return {
    ...classes,
    'RCV.NXT': c.rcvNxt,
    inside: c.rcvNxt + 10,
    'last octet': c.rcvNxt + Math.max(c.rcvWnd, 1) - 1,
    'right edge': c.rcvNxt + c.rcvWnd,
    beyond: c.rcvNxt + c.rcvWnd + 10,
    'far away': c.rcvNxt + 0x40000000,
  };
}

/** What it acknowledges, by name. */
export function acknowledgmentClasses(c: Situation): Record<string, number> {
  return {
    'far past': c.una - 20_000,
    'too old': c.una - c.maxSndWnd - 1,
    oldest: c.una - c.maxSndWnd,
    old: c.una - 5,
    'SND.UNA': c.una,
    partial: Math.max(c.una, c.nxt - 1),
    'SND.NXT': c.nxt,
    unsent: c.nxt + 1,
    'far future': c.nxt + 0x40000000,
  };
}

/** A segment of these classes. */
export function arriving(letters: string, seq: number, ack: number, data: number, wnd: number): Arriving {
  const has = (letter: string) => letters.includes(letter);
  return { syn: has('S'), fin: has('F'), rst: has('R'), hasAck: has('A'), seq, ack, data, wnd };
}

/** One segment with the names of its classes. */
export interface Event {
  readonly segment: Arriving;
  readonly seqClass: string;
  readonly ackClass: string;
}

/** Every segment with these flags in this situation. */
export function* eventsOf(c: Situation, letters: string): Iterable<Event> {
  const acks = letters.includes('A') ? acknowledgmentClasses(c) : { none: 0 };
  for (const [seqClass, seq] of Object.entries(sequenceClasses(c))) {
    for (const [ackClass, ack] of Object.entries(acks)) {
      for (const data of DATA) {
        for (const wnd of WINDOWS) {
          const segment = arriving(letters, seq, ack, data, wnd);
          if (!reopens(c, segment)) yield { segment, seqClass, ackClass };
        }
      }
    }
  }
}

/** A SYN beyond RCV.NXT in TIME-WAIT may found a new connection; the owner asks before. Tested with TIME-WAIT. */
function reopens(c: Situation, s: Arriving): boolean {
  return c.state === 'TIME-WAIT' && s.syn && !s.rst && !s.hasAck && s.seq >= c.rcvNxt;
}
