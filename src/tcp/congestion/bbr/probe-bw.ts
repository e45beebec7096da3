// The cycle of PROBE-BW, where a long flow spends its life: DOWN, CRUISE, REFILL, UP (BBR §5.3.3.9).
import type { Bbr } from '../bbr.js';
import { inflightForMaxBw, inflightWithHeadroom, targetInflight } from './cwnd.js';
import { isInflightTooHigh } from './inflight-too-high.js';
import { PROBE_WAIT_ROUNDS } from './parameters.js';
import { AckPhase, isProbeBw, Phase } from './phase.js';
import { enterCruise, enterDown, enterRefill, enterUp } from './transitions.js';

/** UpdateProbeBWCyclePhase. */
export function updateProbeBw(b: Bbr): void {
  if (!b.fullPipe.isReached) return;
  if (b.rounds.isStart && advanceAckPhase(b)) return;
  adaptLongTerm(b);
  const { phase } = b;
  if (phase === Phase.DOWN || phase === Phase.CRUISE) {
    if (isTimeToProbe(b)) enterRefill(b);
    else if (isTimeToCruise(b)) enterCruise(b);
  } else if (phase === Phase.REFILL && b.rounds.isStart) {
    b.isBwProbeSample = true;
    enterUp(b);
  } else if (phase === Phase.UP && isTimeToGoDown(b)) {
    b.wasTooHigh = false;
    enterDown(b, b.rs.now);
  }
}

/** The first half of AdaptLongTermModel. Returns true when it has moved the machine on. */
function advanceAckPhase(b: Bbr): boolean {
  if (b.ackPhase === AckPhase.PROBE_STARTING) b.ackPhase = AckPhase.PROBE_FEEDBACK;
  return b.ackPhase === AckPhase.PROBE_STOPPING && endOfProbe(b);
}

/** All that the probe sent is acknowledged: its rates are known, and whether it was safe. */
function endOfProbe(b: Bbr): boolean {
  b.isBwProbeSample = false;
  b.ackPhase = AckPhase.INIT;
  const isCycle = isProbeBw(b.phase);
  if (isCycle && !b.rs.isAppLimited) b.maxBw.advance();
  // BBR §5.3.3.6: a probe that stopped early, for caution, went well after all. The next one may stay.
  if (!isCycle || !b.isPrecautionary || b.wasTooHigh) return false;
  enterRefill(b);
  return true;
}

/** The second half: what was in flight without losing too much is safe. */
function adaptLongTerm(b: Bbr): void {
  const { rs, longTerm } = b;
  if (isInflightTooHigh(b, rs.lost, rs.txInFlight)) return;
  longTerm.inflight = Math.max(longTerm.inflight, rs.txInFlight);
  if (b.phase === Phase.UP) probeUpward(b);
}

/** ProbeInflightLongtermUpward: only what the bound held back can show that more is safe. */
function probeUpward(b: Bbr): void {
  if (!b.isCwndLimited || b.cwnd < b.longTerm.inflight) return;
  b.longTerm.grow(b.rs.newlyAcked, b.mss);
  if (b.rounds.isStart) b.longTerm.raiseSlope(b.cwnd, b.mss);
}

/** IsTimeToProbeBW: by the clock, or when a Reno flow would have filled the path by now. */
function isTimeToProbe(b: Bbr): boolean {
  if (b.rs.now > b.cycleAt + b.probeWaitMs) return true;
  return b.rounds.sinceProbeUp >= Math.min(targetInflight(b) / b.mss, PROBE_WAIT_ROUNDS);
}

/** IsTimeToCruise: the queue is gone, and others have room. */
function isTimeToCruise(b: Bbr): boolean {
  const { inFlight } = b.rs;
  return inFlight <= inflightWithHeadroom(b) && inFlight <= inflightForMaxBw(b);
}

/** IsTimeToGoDown. */
function isTimeToGoDown(b: Bbr): boolean {
  const { rs, longTerm } = b;
  // The bound is reached when no further segment fits below it, and what counts is the flight before this ACK took away.
  if (b.wasTooHigh && rs.priorInFlight + b.mss > longTerm.inflight) {
    b.isPrecautionary = true;
    return true;
  }
  if (b.isCwndLimited && b.cwnd >= longTerm.inflight) {
    // A plateau that the bound makes is not the path's.
    b.fullPipe.restart(rs.deliveryRate);
    return false;
  }
  return b.fullPipe.isNow;
}
