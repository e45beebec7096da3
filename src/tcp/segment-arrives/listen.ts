// SEGMENT ARRIVES in LISTEN (RFC 9293 §3.10.7.2). Nothing is allocated before a segment has passed here.
import { ACK, FIN, RST, type SegmentView, SYN } from '../../wire/segment.js';

/** What a listener does with a segment: open a connection, answer with `fillReset`, or nothing. */
export type ListenAction = 'open' | 'reset' | 'ignore';

/** Judges a segment for a listener, in the order of the RFC: RST, ACK, SYN, other. */
export function classifyListenSegment(s: SegmentView): ListenAction {
  if (s.flags & RST) return 'ignore';
  if (s.flags & ACK) return 'reset';
  if (!(s.flags & SYN)) return 'ignore';
  // A SYN that ends its own direction is no connection anybody wants; Linux drops it as well.
  if (s.flags & FIN) return 'ignore';
  return 'open';
}
