// SEGMENT ARRIVES in SYN-SENT (RFC 9293 §3.10.7.3).
import { ACK, RST, type SegmentView, SYN } from '../../wire/segment.js';
import { seqAdd, seqGt, seqLeq } from '../../wire/seq.js';
import type { Connection } from '../connection.js';
import { acceptSynEcn } from '../ecn.js';
import { State, Trigger } from '../state.js';
import { queueSynData } from '../syn-data.js';
import { acceptSynOptions } from '../syn-options.js';
import { takeAck } from '../take-ack.js';
import { Timer } from '../timers.js';
import type { Verdict } from '../trace.js';
import { openReceiveWindow } from '../window.js';
import { announceEstablished } from './opening.js';
import { textAndFin } from './text.js';

const RULE = 'RFC9293-3.10.7.3';

/** Acts on a segment while our SYN is unanswered. */
export function segmentArrivesSynSent(c: Connection, s: SegmentView, now: number): Verdict {
  // First: an ACK of anything but our SYN belongs to another life of this tuple.
  const hasAck = (s.flags & ACK) !== 0;
  if (hasAck && (seqLeq(s.ack, c.snd.iss) || seqGt(s.ack, c.snd.nxt))) {
    return c.dropped(s, 'ack', c.replyReset(s), RULE, now);
  }
  // Second: only an RST that proves to have seen our SYN may refuse it.
  if (s.flags & RST) {
    if (!hasAck) return c.dropped(s, 'rst', 'none', RULE, now);
    c.terminate(Trigger.SEG_RST, 'refused', 'ECONNREFUSED', s, now);
    return 'accept';
  }
  // Fourth: a SYN, with or without an ACK of ours.
  if (!(s.flags & SYN)) return c.dropped(s, hasAck ? 'syn' : 'no_ack', 'none', RULE, now);
  takePeerSyn(c, s, now);
  if (hasAck) return establish(c, s, now);
  return crossSyns(c, s, now);
}

function takePeerSyn(c: Connection, s: SegmentView, now: number): void {
  c.rcv.irs = s.seq;
  c.rcv.nxt = seqAdd(s.seq, 1);
  c.rcv.lastAcked = c.rcv.nxt;
  openReceiveWindow(c);
  acceptSynEcn(c, s);
  acceptSynOptions(c, s, now);
  c.snd.wnd = s.wnd;
  c.snd.maxWnd = s.wnd;
  c.snd.wl1 = s.seq;
}

function establish(c: Connection, s: SegmentView, now: number): Verdict {
  takeAck(c, s, now);
  c.enter(State.ESTABLISHED, Trigger.SEG_SYN_ACK, s, now);
  announceEstablished(c, now);
  c.acknowledgeNow();
  return textAndFin(c, s, false, now);
}

/** Simultaneous open (§3.5): our SYN goes again, now with an ACK of theirs. */
function crossSyns(c: Connection, s: SegmentView, now: number): Verdict {
  c.enter(State.SYN_RECEIVED, Trigger.SEG_SYN, s, now);
  c.stopTimer(Timer.RETRANSMISSION, now);
  c.rtx.resendHead = true;
  queueSynData(c, s, now);
  return 'accept';
}
