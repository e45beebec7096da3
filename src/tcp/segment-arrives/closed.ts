// SEGMENT ARRIVES in CLOSED (RFC 9293 §3.10.7.1): what answers a segment that no connection owns.
import { ACK, RST, type SegmentView } from '../../wire/segment.js';
import { seqAdd } from '../../wire/seq.js';
import type { SegmentOut } from '../segment-out.js';

/**
 * Makes the RST for a segment that nobody expects.
 * @returns false when none may be sent: an RST is never answered
 */
export function fillReset(s: SegmentView, out: SegmentOut): boolean {
  if (s.flags & RST) return false;
  out.reset();
  if (s.flags & ACK) {
    out.flags = RST;
    out.seq = s.ack;
  } else {
    out.flags = RST | ACK;
    out.seq = 0;
    out.ack = seqAdd(s.seq, s.len);
  }
  return true;
}
