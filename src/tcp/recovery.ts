// The phases of a sender: how an episode of congestion begins, what each ACK does during it, and how it ends. On what
// grounds segments are held lost is told in rack.ts and new-reno.ts.
import { seqGeq } from '../wire/seq.js';
import type { AckNews } from './ack-news.js';
import { congestionSample } from './congestion-sample.js';
import type { Connection } from './connection.js';
import { endDoubt, judgeDoubt } from './f-rto.js';
import { heedLostLong } from './losses.js';
import { explainsLosses } from './mtu-probing.js';
import { beginReduction, reduce } from './prr.js';
import { Phase } from './tcb.js';
import type { CongestionPhase, CongestionTrigger } from './trace.js';
import { rememberForUndo, undo, wasNeedless } from './undo.js';
import { validate, validateAfterRecovery, windowAtLoss } from './unused-window.js';

/** Acts on what an ACK told, in the phase in which it found the sender. */
export function advancePhase(c: Connection, news: AckNews): void {
  const { rtx } = c;
  if (rtx.phase === Phase.LOSS) inLoss(c, news);
  else if (rtx.phase === Phase.RECOVERY) inRecovery(c, news);
  else if (rtx.phase === Phase.REDUCING && isOver(c)) endReduction(c, news);
  else if (wasNeedless(c, news)) {
    // The duplicates were reported when the recovery was over. What a mark has reduced since is not undoable.
    undo(c, news.now);
    tell(c, 'undo', news.now);
  }
  if (c.flight.lostBytes > 0 && rtx.phase < Phase.RECOVERY && !isProbeLoss(c, news.now))
    enterRecovery(c, news);
  if (news.ecnEcho && c.congestion.exactEcn !== true) markedByRouter(c, news);
}

/** The window after an ACK: reduced in proportion, or as the controller has it. */
export function adjustWindow(c: Connection, news: AckNews): void {
  const { rtx, congestion } = c;
  const isReducing = rtx.phase === Phase.RECOVERY || rtx.phase === Phase.REDUCING;
  if (isReducing && congestion.ownsRecovery !== true) {
    reduce(c, news);
    return;
  }
  const hasNews = news.deliveredBytes > 0 || news.ackedBytes > 0;
  if (!hasNews && !(congestion.ownsRecovery === true && news.lostBytes > 0)) return;
  const wasSlowStart = congestion.inSlowStart;
  const sample = congestionSample(c, news);
  validate(c, sample);
  congestion.onAck(sample);
  if (wasSlowStart !== congestion.inSlowStart) tell(c, 'ack', news.now);
}

function isOver(c: Connection): boolean {
  return seqGeq(c.snd.una, c.rtx.recover);
}

function isProbeLoss(c: Connection, now: number): boolean {
  return c.mtuProbing !== null && explainsLosses(c, c.mtuProbing, now);
}

/** Fast recovery begins (RFC 6675 §5, RFC 6582 §3.2). */
function enterRecovery(c: Connection, news: AckNews): void {
  const { rtx, snd } = c;
  rememberForUndo(c);
  const reduces = rtx.phase === Phase.OPEN;
  rtx.phase = Phase.RECOVERY;
  rtx.recover = snd.nxt;
  rtx.probeOut = false;
  if (reduces) {
    const sample = congestionSample(c, news);
    const unusedLimit = windowAtLoss(c, sample);
    c.congestion.onCongestion(sample, 'loss');
    c.congestion.ssthresh = Math.min(c.congestion.ssthresh, unusedLimit);
    beginReduction(c, news);
  }
  tell(c, c.sackAgreed ? 'sack' : '3dupack', news.now);
}

function inRecovery(c: Connection, news: AckNews): void {
  const { flight } = c;
  if (wasNeedless(c, news)) {
    flight.loseNone();
    undo(c, news.now);
    leave(c);
    tell(c, 'undo', news.now);
    return;
  }
  if (isOver(c)) endReduction(c, news);
}

/** RFC 9937: in the end the window stands at `ssthresh`. */
function endReduction(c: Connection, news: AckNews): void {
  const { congestion } = c;
  if (congestion.ownsRecovery !== true) congestion.cwnd = congestion.ssthresh;
  validateAfterRecovery(c, news.now);
  leave(c);
  congestion.onRecovered?.(congestionSample(c, news));
  tell(c, 'ack', news.now);
}

function inLoss(c: Connection, news: AckNews): void {
  const { flight } = c;
  if (wasNeedless(c, news) || judgeDoubt(c, news)) {
    flight.loseNone();
    undo(c, news.now);
    leave(c);
    tell(c, 'undo', news.now);
    return;
  }
  if (isOver(c)) leave(c);
}

function leave(c: Connection): void {
  const { rtx, rack } = c;
  rtx.phase = Phase.OPEN;
  rtx.timeouts = 0;
  endDoubt(c);
  rack.onRecoveryEnds();
}

/** RFC 3168 §6.1.2: the marks of one window of data count once, and during a recovery not at all. */
function markedByRouter(c: Connection, news: AckNews): void {
  const { rtx } = c;
  c.cwrDue = true;
  if (rtx.phase !== Phase.OPEN) return;
  rtx.undoable = false;
  rtx.phase = Phase.REDUCING;
  rtx.recover = c.snd.nxt;
  c.congestion.onCongestion(congestionSample(c, news), 'ecn');
  beginReduction(c, news);
  tell(c, 'ecn', news.now);
}

/** A loss that was repaired before anybody saw it still was one: the window sinks at once (RFC 8985 §7.4.2). */
export function reduceForRepairedLoss(c: Connection, news: AckNews): void {
  const { rtx, congestion } = c;
  if (rtx.phase !== Phase.OPEN) return;
  rtx.undoable = false;
  congestion.onCongestion(congestionSample(c, news), 'loss');
  if (congestion.ownsRecovery !== true) congestion.cwnd = Math.min(congestion.cwnd, congestion.ssthresh);
  tell(c, 'sack', news.now);
}

/** A retransmission timeout: everything not reported to have arrived is held lost (RFC 5681 §3.1, RFC 6298 §5). */
export function enterLoss(c: Connection, news: AckNews): void {
  const { rtx, snd, flight, rate } = c;
  // A reduction under way has taken the present flight into account already.
  const isReduced = rtx.phase === Phase.REDUCING || rtx.phase === Phase.RECOVERY;
  const isFirst = rtx.timeouts === 0 && !isReduced;
  if (rtx.timeouts === 0) rememberForUndo(c);
  rtx.phase = Phase.LOSS;
  rtx.recover = snd.nxt;
  rtx.dupAckBytes = 0;
  rtx.probeOut = false;
  rtx.lossProbeDue = false;
  if (flight.count > 0) heedLostLong(c, 0);
  const lost = flight.loseAll();
  rate.onLost(lost);
  news.lostBytes += lost;
  c.validation?.onTimeout(news.now);
  c.congestion.onTimeout(congestionSample(c, news), isFirst);
}

/** Tells of the phase, once it is entered. */
export function tell(c: Connection, trigger: CongestionTrigger, now: number): void {
  if (c.trace === null) return;
  c.trace.congestionChanged(c, congestionPhase(c), trigger, now);
}

/** The phase as logged. */
export function congestionPhase(c: Connection): CongestionPhase {
  const { rtx, congestion } = c;
  if (rtx.phase === Phase.LOSS) return 'loss';
  if (rtx.phase !== Phase.OPEN) return 'recovery';
  return congestion.inSlowStart ? 'slow_start' : 'avoidance';
}
