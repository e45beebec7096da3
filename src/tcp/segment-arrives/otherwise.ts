// SEGMENT ARRIVES in SYN-RECEIVED and every later state (RFC 9293 §3.10.7.4): the checks, in the order of the RFC.
import { ACK, FIN, RST, type SegmentView, SYN, URG } from '../../wire/segment.js';
import { seqAdd, seqDiff, seqGeq, seqGt, seqLt } from '../../wire/seq.js';
import type { Connection } from '../connection.js';
import { recheckSynEcn } from '../ecn.js';
import { noteDuplicate } from '../sack-blocks.js';
import { State, Trigger } from '../state.js';
import { AckDue } from '../tcb.js';
import { checkTimestamp, noteTimestamp, TimestampCheck } from '../timestamps.js';
import type { Verdict } from '../trace.js';
import { checkAck } from './ack.js';
import { finishAckOfFin, restartTimeWait } from './closing.js';
import { noteUrgent, textAndFin } from './text.js';

const RULE = 'RFC9293-3.10.7.4';
const PAWS_RULE = 'RFC7323-5.3';

/** Acts on a segment in SYN-RECEIVED, ESTABLISHED, FIN-WAIT-1/2, CLOSE-WAIT, CLOSING, LAST-ACK or TIME-WAIT. */
export function segmentArrives(c: Connection, s: SegmentView, now: number): Verdict {
  if (c.state === State.SYN_RECEIVED && repeatsSyn(c, s)) return synAgain(c, s, now);

  // RFC 7323 §5.3 R1: a segment of another time has no say in anything.
  const check = checkTimestamp(c, s, now);
  if (check !== TimestampCheck.GOOD) return refuseTimestamp(c, s, check, now);

  // First: is any of it inside the window?
  const acceptable = isAcceptable(c, s);
  const meaningful = (s.flags & (ACK | RST)) !== 0;
  // Not acceptable at RCV.NXT: the window is shut.
  const closedWindow = !acceptable && meaningful && s.seq === c.rcv.nxt;
  if (!acceptable && !closedWindow) return unacceptable(c, s, now);

  // Second and fourth: RST and SYN.
  if (s.flags & RST) return resetArrives(c, s, now);
  if (s.flags & SYN) return synInWindow(c, s, now);

  // Fifth: the ACK field. A segment without one has nothing to say any more.
  if (!(s.flags & ACK)) return c.dropped(s, 'no_ack', 'none', RULE, now);
  const finAcknowledged = checkAck(c, s, now);
  if (finAcknowledged === null) return 'drop';
  // RFC 7323 §5.3 R3, but no sooner: who guesses a number in the window has not guessed an acknowledgment yet.
  noteTimestamp(c, s, now);

  // Sixth to eighth: urgent pointer, text, FIN.
  if (s.flags & URG) noteUrgent(c, s);
  if (closedWindow) {
    // RFC9293 MUST-66: ACK, URG and RST count although there is no room for the text.
    finishAckOfFin(c, s, finAcknowledged, now);
    c.acknowledgeNow();
    return c.dropped(s, 'window', 'ack', RULE, now);
  }
  return textAndFin(c, s, finAcknowledged, now);
}

/** The four cases of the acceptability test (§3.4). The right edge is the furthest one ever granted. */
function isAcceptable(c: Connection, s: SegmentView): boolean {
  const { nxt, edge } = c.rcv;
  const window = c.receiveWindow;
  if (s.len === 0) {
    if (window === 0) return s.seq === nxt;
    return seqGeq(s.seq, nxt) && seqLt(s.seq, edge);
  }
  if (window === 0) return false;
  const last = seqAdd(s.seq, s.len - 1);
  const startsInside = seqGeq(s.seq, nxt) && seqLt(s.seq, edge);
  const endsInside = seqGeq(last, nxt) && seqLt(last, edge);
  // A segment that covers the whole window begins before it and ends behind it.
  const covers = seqLt(s.seq, nxt) && seqGeq(last, edge);
  return startsInside || endsInside || covers;
}

/**
 * A segment without the timestamp that every one should have is dropped silently (RFC 7323 §3.2); one with an old
 * timestamp is answered as any unacceptable segment, because an honest sender of it is out of step.
 */
function refuseTimestamp(c: Connection, s: SegmentView, check: TimestampCheck, now: number): Verdict {
  if (check === TimestampCheck.MISSING) return c.dropped(s, 'paws', 'none', 'RFC7323-3.2', now);
  if (s.flags & SYN) {
    noteReopening(c);
    return c.dropped(s, 'paws', c.challenge(now), PAWS_RULE, now);
  }
  if (s.len === 0 && !c.throttle.allowOutOfWindow(now)) return c.dropped(s, 'paws', 'none', PAWS_RULE, now);
  c.acknowledgeNow();
  return c.dropped(s, 'paws', 'ack', PAWS_RULE, now);
}

function unacceptable(c: Connection, s: SegmentView, now: number): Verdict {
  if (s.flags & RST) return c.dropped(s, 'rst', 'none', RULE, now);
  const duplicate = s.len > 0 && seqDiff(seqAdd(s.seq, s.len), c.rcv.nxt) <= 0;
  noteDuplicate(c, s.seq, seqAdd(s.seq, s.len));
  if (c.state === State.TIME_WAIT && s.flags & FIN && seqAdd(s.seq, s.len) === c.rcv.nxt) {
    // The peer did not get our last ACK: say it again and wait another 2 MSL.
    restartTimeWait(c, now);
    c.acknowledgeNow();
    return 'dup';
  }
  if (s.flags & SYN) {
    noteReopening(c);
    c.dropped(s, 'syn', c.challenge(now), RULE, now);
  } else if (s.len > 0 || c.throttle.allowOutOfWindow(now)) {
    c.acknowledgeNow();
    c.dropped(s, 'window', 'ack', RULE, now);
  } else {
    c.dropped(s, 'window', 'none', RULE, now);
  }
  return duplicate ? 'dup' : 'drop';
}

/** A SYN with the number of the one that opened this connection, while ours is not acknowledged. */
function synAgain(c: Connection, s: SegmentView, now: number): Verdict {
  if (s.flags & RST) return c.dropped(s, 'rst', 'none', RULE, now);
  if (s.flags & ACK && seqGt(s.ack, c.snd.una) && !seqGt(s.ack, c.snd.nxt)) {
    // Simultaneous open: their SYN-ACK stands left of our window, and its ACK is the one we wait for.
    return acceptSynAck(c, s, now);
  }
  if (s.flags & ACK) return c.dropped(s, 'ack', c.replyReset(s), RULE, now);
  recheckSynEcn(c, s);
  noteTimestamp(c, s, now);
  // The same question gets the same answer: our SYN-ACK again.
  const reply = c.challenge(now);
  if (reply === 'challenge') c.rtx.resendHead = true;
  c.ackDue = AckDue.NONE;
  return 'dup';
}

/** Goes on with what follows the SYN in the segment: its ACK, and data if it carries any. */
function acceptSynAck(c: Connection, s: SegmentView, now: number): Verdict {
  const finAcknowledged = checkAck(c, s, now) === true;
  recheckSynEcn(c, s);
  noteTimestamp(c, s, now);
  const verdict = textAndFin(c, s, finAcknowledged, now);
  c.acknowledgeNow();
  return verdict;
}

/** RFC 5961 §3: only the number that we expect next proves that the sender of an RST is no guesser. */
function resetArrives(c: Connection, s: SegmentView, now: number): Verdict {
  if (c.state === State.TIME_WAIT && c.config.rfc1337 && !c.peerReopens)
    return c.dropped(s, 'rst', 'none', 'RFC1337-3', now);
  if (seqLt(s.seq, c.rcv.nxt)) return c.dropped(s, 'rst', 'none', RULE, now);
  if (s.seq !== c.rcv.nxt) return c.dropped(s, 'rst', c.challenge(now), 'RFC5961-3', now);
  switch (c.state) {
    case State.SYN_RECEIVED:
      if (c.isFastOpened) {
        // The application has it: nothing goes back to the listener.
        c.terminate(Trigger.SEG_RST, 'rst', 'ECONNRESET', s, now);
      } else if (c.role === 'passive') {
        c.terminate(Trigger.SEG_RST, 'refused', 'ECONNRESET', s, now, State.LISTEN);
      } else {
        c.terminate(Trigger.SEG_RST, 'refused', 'ECONNREFUSED', s, now);
      }
      break;
    case State.CLOSING:
    case State.LAST_ACK:
    case State.TIME_WAIT:
      // Both sides had said that they are done: an error only when bytes of ours were lost with it.
      c.terminate(Trigger.SEG_RST, 'rst', (c.sendBuffer?.length ?? 0) > 0 ? 'ECONNRESET' : null, s, now);
      break;
    default:
      c.terminate(Trigger.SEG_RST, 'rst', 'ECONNRESET', s, now);
  }
  return 'accept';
}

/** Fourth check: a SYN inside the window. RFC 5961 §4 asks the peer whether it means it. */
function synInWindow(c: Connection, s: SegmentView, now: number): Verdict {
  if (c.state === State.SYN_RECEIVED && c.role === 'passive' && !c.isFastOpened) {
    c.terminate(Trigger.SEG_SYN, 'reused', 'ECONNRESET', s, now, State.LISTEN);
    return 'drop';
  }
  noteReopening(c);
  return c.dropped(s, 'syn', c.challenge(now), 'RFC5961-4', now);
}

/**
 * In TIME-WAIT a SYN that may not reopen the connection gets an ACK. A peer that has no other connection on this tuple
 * answers with RST, and means it: unlike the RST that an old duplicate of data provokes (RFC 1337), it may end the wait,
 * or the peer could not connect before 2 MSL are over.
 */
function noteReopening(c: Connection): void {
  if (c.state === State.TIME_WAIT) c.peerReopens = true;
}

/** True for a segment that repeats the SYN which opened this connection. */
function repeatsSyn(c: Connection, s: SegmentView): boolean {
  return (s.flags & SYN) !== 0 && s.seq === c.rcv.irs;
}
