// The retransmission timer (RFC 6298): when it runs, what its expiry does, and the thresholds R1 and R2
// (RFC 9293 §3.8.3).
import { AckNews } from './ack-news.js';
import { congestionSample } from './congestion-sample.js';
import type { Connection } from './connection.js';
import { Event } from './events.js';
import { beginDoubt, endDoubt } from './f-rto.js';
import { fastOpenTimedOut } from './fast-open.js';
import { Mark } from './flight.js';
import { giveUp } from './give-up.js';
import { pipe } from './losses.js';
import { abandonMtuProbe, suspectBlackHole } from './mtu-probing.js';
import { probeInstead } from './persist.js';
import { enterLoss, tell } from './recovery.js';
import { State, Trigger } from './state.js';
import { Phase } from './tcb.js';
import { Timer } from './timers.js';
import { hasUnsent, isStalled } from './unsent.js';

/** Below so many segments, sent or waiting, the timer counts from the oldest of them (RFC 7765 §4). */
const RESTART_THRESHOLD = 4;
/** Least wait before a peer that goes back on its SACK is not believed any more, in ms. */
const RENEGING_WAIT_MS = 10;

const news = new AckNews();

/** SND.UNA moved (RFC 6298 §5.2, §5.3): off when nothing is outstanding, else anew. */
export function rearm(c: Connection, now: number): void {
  if (c.inFlight === 0) {
    c.stopTimer(Timer.RETRANSMISSION, now);
    c.stopTimer(Timer.USER, now);
    return;
  }
  c.startTimer(Timer.RETRANSMISSION, restartDelay(c, now), 0, now);
  if (c.userTimeoutMs > 0) c.timers.set(Timer.USER, now + c.userTimeoutMs);
}

/** RTO restart (RFC 7765): a short flight has no more ACKs to come that would show a loss, so its wait is not prolonged. */
function restartDelay(c: Connection, now: number): number {
  const { flight, rtt, snd } = c;
  const isShort = flight.segments(snd.mss) < RESTART_THRESHOLD && !hasUnsent(c);
  if (!isShort || c.rtx.phase !== Phase.OPEN) return rtt.rto;
  const left = rtt.rto - (now - flight.sentAt(0));
  return left > 0 ? left : rtt.rto;
}

/** The retransmission timer fired (RFC 6298 §5.4–5.7). */
export function retransmissionTimeout(c: Connection, now: number): void {
  const { rtx, snd } = c;
  const isSyn = !snd.synAcknowledged;
  if (c.inFlight === 0) {
    waitForTheWayOut(c, isSyn, now);
    return;
  }
  if (snd.wnd === 0 && !isSyn) {
    // The peer closed its window over data in flight: not a loss, and no reason to give up (RFC9293 SHLD-17).
    probeInstead(c, now);
    return;
  }
  if (mustGiveUp(c, isSyn, now)) {
    giveUp(c, Trigger.TIMER_RETRANSMISSION, now);
    return;
  }
  news.begin(now, pipe(c), c.inFlight);
  if (isSyn) loseSyn(c);
  else loseFlight(c);
  rtx.timeouts++;
  suspectBlackHole(c, now);
  rtx.tally.onTimeout(now);
  c.rtt.backOff();
  c.startTimer(Timer.RETRANSMISSION, c.rtt.rto, rtx.timeouts, now);
  warnPastR1(c, now);
  tell(c, 'rto', now);
}

/** A lost SYN says that the path is congested, but nothing about how much it takes (RFC 5681 §3.1, RFC 6298 §5.7). */
function loseSyn(c: Connection): void {
  c.rtx.synLost = true;
  c.rtx.resendHead = true;
  fastOpenTimedOut(c, news.now);
  c.congestion.onTimeout(congestionSample(c, news), false);
}

function loseFlight(c: Connection): void {
  const { rtx, flight } = c;
  // The hole at SND.UNA was reported as filled, or nothing has helped so far: what SACK told is not to be relied upon.
  if (flight.mark(0) & Mark.SACKED || rtx.timeouts > 0) forgetSacks(c);
  beginDoubt(c, rtx.phase >= Phase.RECOVERY);
  if (c.mtuProbing !== null) abandonMtuProbe(c.mtuProbing, news.now);
  enterLoss(c, news);
  // A loss probe is not waited for any more: it comes before the timeout, and puts it off.
  c.timers.clear(Timer.REORDERING);
}

function forgetSacks(c: Connection): void {
  c.flight.forgetSacks();
  c.scoreboard?.clear();
}

/**
 * The peer acknowledges up to a segment that it had reported to have, and not that one: it goes back on its SACK
 * (RFC 2018 §8), or its ACK is still on the way. After a moment nothing it reported counts.
 */
export function suspectReneging(c: Connection, now: number): void {
  const wait = Math.max(c.rtt.srtt / 2, RENEGING_WAIT_MS);
  if (c.timers.deadline(Timer.RETRANSMISSION) <= now + wait) return;
  c.startTimer(Timer.RETRANSMISSION, wait, c.rtx.timeouts, now);
}

/** What is in flight will not be taken, but congestion was not the reason: a path too narrow, or data on a SYN. */
export function resendWithoutReduction(c: Connection): void {
  const { rtx, flight } = c;
  flight.loseAll();
  rtx.phase = Phase.LOSS;
  rtx.recover = c.snd.nxt;
  rtx.undoable = false;
  rtx.probeOut = false;
  endDoubt(c);
}

/** Nothing is outstanding, but something has waited for a full link since the timer was started. */
function waitForTheWayOut(c: Connection, isSyn: boolean, now: number): void {
  if (!isStalled(c)) return;
  if (mustGiveUp(c, isSyn, now)) giveUp(c, Trigger.TIMER_RETRANSMISSION, now);
  else c.startTimer(Timer.RETRANSMISSION, c.rtt.rto, 0, now);
}

/** R2 (RFC9293 MUST-20, MUST-23), or what the application or its absence puts in its place. */
function mustGiveUp(c: Connection, isSyn: boolean, now: number): boolean {
  const { config, rtx } = c;
  const waited = now - rtx.since;
  if (isSyn && c.role === 'passive') return rtx.timeouts >= config.synAckRetries;
  if (isSyn) return waited >= (c.userTimeoutMs > 0 ? c.userTimeoutMs : config.r2SynMs);
  const limit = c.userTimeoutMs > 0 ? c.userTimeoutMs : config.r2Ms;
  return waited >= (c.readClosed ? Math.min(limit, config.orphanMs) : limit);
}

/** RFC9293 MUST-20, SHLD-9: past R1 the route is doubted and the application is told. */
function warnPastR1(c: Connection, now: number): void {
  const { rtx } = c;
  if (rtx.warned || rtx.timeouts < c.config.r1Retransmissions) return;
  rtx.warned = true;
  c.environment.negativeAdvice?.(c.tuple, now);
  if (c.state !== State.SYN_SENT) c.events |= Event.SOFT_ERROR;
}
