// What is done on entering each phase (BBR §5.3).
import type { Bbr } from '../bbr.js';
import { PROBE_WAIT_MS, PROBE_WAIT_SPREAD_MS } from './parameters.js';
import { AckPhase, Phase } from './phase.js';

/** EnterStartup. */
export function enterStartup(b: Bbr): void {
  b.phase = Phase.STARTUP;
}

/** EnterDrain. */
export function enterDrain(b: Bbr): void {
  b.phase = Phase.DRAIN;
  b.drainStartRound = b.rounds.count;
}

/** StartProbeBW_DOWN: a cycle begins; when it will probe is decided by chance. */
export function enterDown(b: Bbr, now: number): void {
  b.shortTerm.resetSignals();
  b.rounds.sinceProbeUp = b.chance.draw(now, b.delivered) < 0.5 ? 0 : 1;
  b.probeWaitMs = PROBE_WAIT_MS + PROBE_WAIT_SPREAD_MS * b.chance.draw(now, b.delivered);
  b.cycleAt = now;
  b.ackPhase = AckPhase.PROBE_STOPPING;
  b.rounds.restart(b.delivered);
  b.phase = Phase.DOWN;
}

/** StartProbeBW_CRUISE. */
export function enterCruise(b: Bbr): void {
  b.phase = Phase.CRUISE;
}

/** StartProbeBW_REFILL: what others lost us meanwhile is forgotten, the path may have changed. */
export function enterRefill(b: Bbr): void {
  b.shortTerm.resetBounds();
  b.longTerm.restartGrowth();
  b.isPrecautionary = false;
  b.ackPhase = AckPhase.REFILLING;
  b.rounds.restart(b.delivered);
  b.phase = Phase.REFILL;
}

/** StartProbeBW_UP. */
export function enterUp(b: Bbr): void {
  b.ackPhase = AckPhase.PROBE_STARTING;
  b.rounds.restart(b.delivered);
  b.fullPipe.restart(b.rs.deliveryRate);
  b.phase = Phase.UP;
  b.longTerm.raiseSlope(b.cwnd, b.mss);
}
