// STARTUP and DRAIN: find the bandwidth in a few round trips, and empty the queue that this made (BBR §5.3.1, §5.3.2).
import { seqAdd } from '../../../wire/seq.js';
import type { Bbr } from '../bbr.js';
import type { LostSegment } from '../controller.js';
import { bdp, inflightForBw } from './cwnd.js';
import { Recovery } from './episode.js';
import { isInflightTooHigh } from './inflight-too-high.js';
import { DRAIN_ROUNDS, STARTUP_FULL_LOSS_COUNT } from './parameters.js';
import { Phase } from './phase.js';
import { enterDown, enterDrain } from './transitions.js';

/** Counts the separate holes of one round trip. */
export class LostRanges {
  count = 0;
  /** Where the last one ends; NaN before the first. */
  private end = Number.NaN;

  note(lost: LostSegment): void {
    if (lost.seq !== this.end) this.count++;
    this.end = seqAdd(lost.seq, lost.bytes);
  }

  reset(): void {
    this.count = 0;
    this.end = Number.NaN;
  }
}

/** CheckStartupDone. */
export function checkStartupDone(b: Bbr): void {
  if (b.phase === Phase.STARTUP && !b.fullPipe.isReached && isLossHigh(b)) leaveOnCongestion(b);
  if (b.shortTerm.isRoundStart) b.lostRanges.reset();
  if (b.phase === Phase.STARTUP && b.fullPipe.isReached) enterDrain(b);
}

/** Many losses over a whole round trip of recovery, at separate places, so that no single burst is taken for it. */
function isLossHigh(b: Bbr): boolean {
  const { episode, lostRanges, rs } = b;
  if (episode.recovery !== Recovery.FAST) return false;
  if (!b.hasSack) return lostRanges.count > 0;
  return (
    b.shortTerm.isRoundStart &&
    rs.priorDelivered >= episode.startDelivered &&
    lostRanges.count >= STARTUP_FULL_LOSS_COUNT &&
    isInflightTooHigh(b, rs.lost, rs.txInFlight)
  );
}

/** The pipe is full because it overflows; what it delivered in the last round trip is the most that it holds. */
export function leaveOnCongestion(b: Bbr): void {
  b.episode.undoPhase = Phase.STARTUP;
  b.fullPipe.concede();
  b.longTerm.inflight = Math.max(bdp(b), b.shortTerm.inflightLatest);
}

/** CheckDrainDone. */
export function checkDrainDone(b: Bbr): void {
  if (b.phase !== Phase.DRAIN) return;
  const isDrained = b.rs.inFlight <= inflightForBw(b);
  if (isDrained || b.rounds.count > b.drainStartRound + DRAIN_ROUNDS) enterDown(b, b.rs.now);
}
