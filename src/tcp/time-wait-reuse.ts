// Whether a SYN may open a connection anew whose predecessor is still in TIME-WAIT (RFC 9293 §3.6.1, RFC 6191 §2).
import type { SegmentView } from '../wire/segment.js';
import { seqGt } from '../wire/seq.js';
import type { Connection } from './connection.js';

/**
 * RFC9293 MAY-2, SHLD-4: a SYN is new beyond doubt when its timestamp is greater than any that the old connection saw,
 * or, where timestamps do not decide, when its number is. Segments of the old connection that still wander about cannot
 * harm the new one then: they lie left of its window, or PAWS or the missing timestamp gives them away.
 * @param acceptsTimestamps whether the new connection would agree to timestamps that the SYN offers
 */
export function mayReopen(old: Connection, syn: SegmentView, acceptsTimestamps: boolean): boolean {
  const isBeyond = seqGt(syn.seq, old.rcv.nxt);
  if (!acceptsTimestamps || !syn.hasTimestamps) return isBeyond;
  if (!old.timestampsAgreed) return true;
  const order = (syn.tsVal - old.ts.recent) | 0;
  return order === 0 ? isBeyond : order > 0;
}
