// The sender's view of acknowledgments and losses: what an ACK covers, fast retransmit and recovery (RFC 6582), the
// retransmission timeout with Karn's rule and backoff (RFC 6298), and the thresholds R1 and R2 (RFC 9293 §3.8.3).
import { type Seq, seqDiff, seqGeq, seqGt, seqMax, seqMin } from '../wire/seq.js';
import type { ControllerInput } from './congestion/controller.js';
import type { Connection } from './connection.js';
import { Event } from './events.js';
import { giveUp } from './give-up.js';
import { probeInstead } from './persist.js';
import { State, Trigger } from './state.js';
import { Timer } from './timers.js';
import type { CongestionTrigger } from './trace.js';
import { isStalled } from './unsent.js';

/** Duplicate ACKs that mean a loss (RFC 5681 §3.2). */
const DUP_ACK_THRESHOLD = 3;

/** Filled for each event; controllers read it and keep nothing. */
const input: ControllerInput = { now: 0, ackedBytes: 0, inFlightBytes: 0, windowLimited: false, srttMs: 0 };

function describe(c: Connection, ackedBytes: number, inFlight: number, now: number): ControllerInput {
  input.now = now;
  input.ackedBytes = ackedBytes;
  input.inFlightBytes = inFlight;
  input.windowLimited = c.windowLimited;
  input.srttMs = c.rtt.srtt;
  return input;
}

/** SND.UNA moves to `ack`, which lies in (SND.UNA, SND.NXT]. */
export function acknowledgeUpTo(c: Connection, ack: Seq, now: number): void {
  const { snd, rtx } = c;
  const before = c.inFlight;
  const synAcknowledged = snd.una === snd.iss;
  const ackedBytes = releaseData(c, ack);
  snd.una = ack;
  if (seqGt(ack, snd.up)) snd.up = ack;
  sampleRoundTrip(c, ack, synAcknowledged, now);
  rtx.dupAcks = 0;
  rtx.resendHead = false;
  rtx.timeouts = 0;
  rtx.warned = false;
  rtx.probes = 0;
  rtx.since = now;
  if (ackedBytes > 0 || rtx.inRecovery) adjustCongestion(c, ack, ackedBytes, before, now);
  else endRecoveryAt(c, ack);
  rearm(c, now);
  raiseSenderEvents(c);
}

/** Releases the acknowledged bytes from the send buffer. Returns how many there were, SYN and FIN apart. */
function releaseData(c: Connection, ack: Seq): number {
  const buffer = c.sendBuffer;
  if (buffer === null) return 0;
  const upTo = seqMin(ack, buffer.end);
  const n = seqDiff(upTo, buffer.start);
  if (n <= 0) return 0;
  buffer.acknowledge(upTo);
  c.bytesAcknowledged += n;
  return n;
}

/** RFC9293 MUST-18: one measurement at a time, never of anything sent twice. */
function sampleRoundTrip(c: Connection, ack: Seq, synAcknowledged: boolean, now: number): void {
  const { rtx, rtt } = c;
  if (rtx.timedAt >= 0 && seqGeq(ack, rtx.timedSeq)) {
    rtt.sample(now - rtx.timedAt);
    c.trace?.rttSampled(c, now - rtx.timedAt, now);
    rtx.timedAt = -1;
  } else if (rtx.timeouts > 0) {
    c.trace?.rttSampled(c, -1, now);
  }
  if (synAcknowledged && rtx.synLost) rtt.restartAfterSynLoss();
}

function adjustCongestion(c: Connection, ack: Seq, acked: number, inFlightBefore: number, now: number): void {
  const { rtx, congestion } = c;
  if (rtx.inRecovery) {
    if (seqGeq(ack, rtx.recover)) {
      rtx.inRecovery = false;
      congestion.onExitRecovery(describe(c, acked, c.inFlight, now));
      tell(c, 'ack', now);
    } else {
      // A partial ACK: the next hole begins right there (RFC 6582 §3.2, step 3).
      rtx.resendHead = true;
      congestion.onPartialAck(describe(c, acked, c.inFlight, now));
    }
    return;
  }
  const wasLoss = rtx.inLoss;
  endRecoveryAt(c, ack);
  const info = describe(c, acked, inFlightBefore, now);
  // What is sent again after a timeout is limited by the window, whatever the application does.
  if (wasLoss) info.windowLimited = true;
  const slowStart = congestion.inSlowStart;
  congestion.onAck(info);
  if (c.trace !== null && slowStart !== congestion.inSlowStart) tell(c, 'ack', now);
}

function endRecoveryAt(c: Connection, ack: Seq): void {
  const { rtx } = c;
  if (!rtx.inLoss) return;
  rtx.next = seqMax(rtx.next, ack);
  if (seqGeq(ack, rtx.recover)) rtx.inLoss = false;
}

/** RFC 6298 §5.2, §5.3: off when nothing is outstanding, else from now. */
function rearm(c: Connection, now: number): void {
  if (c.inFlight === 0) {
    c.stopTimer(Timer.RETRANSMISSION, now);
    c.stopTimer(Timer.USER, now);
    return;
  }
  c.startTimer(Timer.RETRANSMISSION, c.rtt.rto, 0, now);
  if (c.userTimeoutMs > 0) c.timers.set(Timer.USER, now + c.userTimeoutMs);
}

function raiseSenderEvents(c: Connection): void {
  const queued = c.sendBuffer === null ? 0 : c.sendBuffer.length;
  if (c.writeBlocked && queued <= c.config.sendBufferBytes / 2) {
    c.writeBlocked = false;
    c.events |= Event.WRITABLE;
  }
  if (c.inFlight === 0 && queued === 0) c.events |= Event.ALL_ACKNOWLEDGED;
}

/** An ACK that repeats SND.UNA while data is outstanding. */
export function duplicateAck(c: Connection, now: number): void {
  const { rtx, congestion } = c;
  if (rtx.inLoss) return;
  if (rtx.dupAcks === 0) rtx.inFlightAtFirstDup = c.inFlight;
  rtx.dupAcks++;
  if (rtx.inRecovery) {
    congestion.onDuplicateAckInRecovery(describe(c, 0, c.inFlight, now));
    return;
  }
  // RFC 6582 §3.2 step 2: duplicates that still speak of an earlier recovery start no new one.
  if (rtx.dupAcks !== DUP_ACK_THRESHOLD || !seqGt(c.snd.una, rtx.recover)) return;
  rtx.inRecovery = true;
  rtx.recover = c.snd.nxt;
  rtx.resendHead = true;
  // What limited transmit has added does not count as flight (RFC 5681 §3.2, step 2).
  congestion.onEnterRecovery(describe(c, 0, rtx.inFlightAtFirstDup, now));
  tell(c, '3dupack', now);
}

/** The retransmission timer fired (RFC 6298 §5.4–5.7). */
export function retransmissionTimeout(c: Connection, now: number): void {
  const { rtx, snd } = c;
  const isSyn = snd.una === snd.iss;
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
  c.congestion.onRetransmissionTimeout(describe(c, 0, c.inFlight, now), rtx.timeouts === 0);
  rtx.timeouts++;
  rtx.synLost ||= isSyn;
  rtx.inRecovery = false;
  rtx.dupAcks = 0;
  rtx.timedAt = -1;
  resendEverything(c);
  c.rtt.backOff();
  c.startTimer(Timer.RETRANSMISSION, c.rtt.rto, rtx.timeouts, now);
  warnPastR1(c, now);
  tell(c, 'rto', now);
}

/** Nothing is outstanding, but something has waited for a full link since the timer was started. */
function waitForTheWayOut(c: Connection, isSyn: boolean, now: number): void {
  if (!isStalled(c)) return;
  if (mustGiveUp(c, isSyn, now)) giveUp(c, Trigger.TIMER_RETRANSMISSION, now);
  else c.startTimer(Timer.RETRANSMISSION, c.rtt.rto, 0, now);
}

/** Marks all that is in flight to be sent again, oldest first, as the congestion window allows. */
export function resendEverything(c: Connection): void {
  const { rtx, snd } = c;
  rtx.inLoss = true;
  rtx.recover = snd.nxt;
  rtx.next = snd.una;
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

function tell(c: Connection, trigger: CongestionTrigger, now: number): void {
  if (c.trace === null) return;
  const { rtx, congestion } = c;
  const phase = rtx.inLoss
    ? 'loss'
    : rtx.inRecovery
      ? 'recovery'
      : congestion.inSlowStart
        ? 'slow_start'
        : 'avoidance';
  c.trace.congestionChanged(c, phase, trigger, now);
}

/** Bytes that are thought to be on their way. After a timeout everything not yet resent counts as lost. */
export function pipe(c: Connection): number {
  const { rtx, snd } = c;
  if (!rtx.inLoss) return c.inFlight;
  return seqDiff(rtx.next, snd.una) + seqDiff(snd.nxt, rtx.recover);
}
