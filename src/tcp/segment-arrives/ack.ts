// The ACK field of an arriving segment (RFC 9293 §3.10.7.4, fifth check): is it ours, what does it cover, does it
// move the send window.
import type { SegmentView } from '../../wire/segment.js';
import { seqDiff, seqGt, seqLeq, seqLt } from '../../wire/seq.js';
import type { Connection } from '../connection.js';
import { sendWindowOpened } from '../persist.js';
import { State, Trigger } from '../state.js';
import { takeAck } from '../take-ack.js';
import { announceEstablished } from './opening.js';
import { deliverWaiting } from './text.js';

const RULE = 'RFC9293-3.10.7.4';

/**
 * Processes the ACK of an acceptable segment.
 * @returns null when the segment is to be dropped for it, else whether our FIN is acknowledged (by this or an earlier one)
 */
export function checkAck(c: Connection, s: SegmentView, now: number): boolean | null {
  if (c.state === State.SYN_RECEIVED) {
    if (!completesHandshake(c, s, now)) return null;
  } else if (!inRange(c, s)) {
    // Neither unsent data nor an ancient number: RFC 5961 §5 (RFC9293 MAY-12).
    c.dropped(s, 'ack', c.challenge(now), seqGt(s.ack, c.snd.nxt) ? RULE : 'RFC5961-5', now);
    return null;
  }
  if (c.state === State.TIME_WAIT) return true;

  const advances = seqGt(s.ack, c.snd.una);
  takeAck(c, s, now);
  if (s.ack === c.snd.una) updateSendWindow(c, s, advances, now);
  return c.finSent && c.snd.una === c.snd.nxt;
}

/**
 * In SYN-RECEIVED only an ACK of our SYN will do; anything else belongs to another life of this tuple. Its window is taken
 * as that of every ACK that advances.
 */
function completesHandshake(c: Connection, s: SegmentView, now: number): boolean {
  if (!seqLt(c.snd.una, s.ack) || !seqLeq(s.ack, c.snd.nxt)) {
    c.dropped(s, 'ack', c.replyReset(s), RULE, now);
    return false;
  }
  c.enter(State.ESTABLISHED, Trigger.SEG_ACK_OF_SYN, s, now);
  announceEstablished(c, now);
  deliverWaiting(c);
  return true;
}

/** SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT. */
function inRange(c: Connection, s: SegmentView): boolean {
  if (seqGt(s.ack, c.snd.nxt)) return false;
  return seqDiff(c.snd.una, s.ack) <= c.snd.maxWnd;
}

/**
 * Takes the window of a segment that is not older than the last one that told of it. One whose ACK advances is the newest
 * whatever its SEG.SEQ says: it may carry data sent again, and the former window, counted from its ACK, would reach beyond
 * the edge that the peer offers. SND.WL2 is not kept: SEG.ACK is SND.UNA here, and it never lies beyond.
 */
function updateSendWindow(c: Connection, s: SegmentView, advances: boolean, now: number): void {
  const { snd } = c;
  const isNewer = seqLt(snd.wl1, s.seq);
  if (!advances && !isNewer && snd.wl1 !== s.seq) return;
  const before = snd.wnd;
  snd.wnd = s.wnd << snd.shift;
  if (isNewer) snd.wl1 = s.seq;
  if (snd.wnd > snd.maxWnd) snd.maxWnd = snd.wnd;
  if (snd.wnd > 0 && before === 0) sendWindowOpened(c, now);
}
