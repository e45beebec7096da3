// Episodes of loss: what they cost is given back when they end, and all of it when they were no losses (BBR §5.5.11,
// §5.6.4.4).
import type { Bbr } from '../bbr.js';
import { boundCwnd } from './cwnd.js';
import { Phase } from './phase.js';
import { enterRefill, enterStartup } from './transitions.js';

/** How the sender recovers from losses now. */
export const Recovery = { NONE: 0, FAST: 1, TIMEOUT: 2 } as const;
export type Recovery = (typeof Recovery)[keyof typeof Recovery];

/** What was before the current or the last episode. */
export class Episode {
  recovery: Recovery = Recovery.NONE;
  /** `totalDelivered` when it began. */
  startDelivered = 0;
  /** The window, untouched by recovery and PROBE-RTT. */
  priorCwnd = 0;
  /** The phase that losses ended, STARTUP or UP, or null. */
  undoPhase: Phase | null = null;
  undoBw = 0;
  undoShortTerm = 0;
  undoLongTerm = 0;
  /**
   * The rest was saved for this episode. The draft saves anew at each round trip with a loss and at each entry into
   * recovery; but the first loss may already have ended UP and lowered the bounds when the sender enters recovery, and
   * then there were nothing left to return to. What counts is the state at the start (BBR §2.15).
   */
  isSaved = false;
  /** Everything in flight at the first timeout has been delivered when `totalDelivered` reaches this. */
  repairedAt = 0;
}

/** SaveCwnd. */
export function saveCwnd(b: Bbr): void {
  const e = b.episode;
  const isModulated = e.recovery !== Recovery.NONE || b.phase === Phase.PROBE_RTT;
  e.priorCwnd = isModulated ? Math.max(e.priorCwnd, b.cwnd) : b.cwnd;
}

/** RestoreCwnd. */
export function restoreCwnd(b: Bbr): void {
  b.cwnd = Math.max(b.cwnd, b.episode.priorCwnd);
}

/** SaveStateUponLoss, once an episode. */
export function saveOnLoss(b: Bbr): void {
  const e = b.episode;
  saveCwnd(b);
  if (e.isSaved) return;
  e.isSaved = true;
  e.undoPhase = null;
  e.undoBw = b.shortTerm.bw;
  e.undoShortTerm = b.shortTerm.inflight;
  e.undoLongTerm = b.longTerm.inflight;
}

/** The sender repairs losses that acknowledgments showed. */
export function enterFastRecovery(b: Bbr): void {
  const e = b.episode;
  saveOnLoss(b);
  e.recovery = Recovery.FAST;
  e.startDelivered = b.delivered;
}

/** The retransmission timer fired: one segment goes, and what it brings back opens the window again. */
export function enterTimeout(b: Bbr, priorInFlight: number, inFlight: number, isFirst: boolean): void {
  const e = b.episode;
  saveOnLoss(b);
  if (isFirst) e.repairedAt = b.delivered + priorInFlight;
  e.recovery = Recovery.TIMEOUT;
  b.cwnd = inFlight + b.mss;
}

/** All that the episode was about is delivered. The model bounds what is given back. */
export function leaveRecovery(b: Bbr): void {
  b.episode.recovery = Recovery.NONE;
  b.episode.isSaved = false;
  restoreCwnd(b);
  boundCwnd(b);
}

/** The sender does not say when the losses of a timeout are repaired: as much has arrived since as was on its way. */
export function checkTimeoutRepaired(b: Bbr): void {
  const e = b.episode;
  if (e.recovery === Recovery.TIMEOUT && b.delivered >= e.repairedAt) leaveRecovery(b);
}

/** HandleSpuriousLossDetection: nothing was lost. Back to the bounds, and to the probe, that the episode ended. */
export function undo(b: Bbr, priorCwnd: number): void {
  const e = b.episode;
  const { shortTerm, longTerm, fullPipe } = b;
  restoreCwnd(b);
  b.cwnd = Math.max(b.cwnd, priorCwnd);
  e.recovery = Recovery.NONE;
  e.isSaved = false;
  shortTerm.isLossInRound = false;
  fullPipe.restart(0);
  shortTerm.bw = Math.max(shortTerm.bw, e.undoBw);
  shortTerm.inflight = Math.max(shortTerm.inflight, e.undoShortTerm);
  longTerm.inflight = Math.max(longTerm.inflight, e.undoLongTerm);
  const phase = e.undoPhase;
  e.undoPhase = null;
  if (phase === Phase.STARTUP) {
    fullPipe.isReached = false;
    if (b.phase !== Phase.PROBE_RTT) enterStartup(b);
  } else if (phase === Phase.UP && b.phase !== Phase.UP && b.phase !== Phase.PROBE_RTT) {
    enterRefill(b);
  }
}
