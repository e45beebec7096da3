// PROBE-RTT: every 5 s, unless a silence of the application did the same, the pipe runs half empty for 200 ms to show
// the round trip without queues (BBR §5.3.4).
import type { Bbr } from '../bbr.js';
import { probeRttCwnd } from './cwnd.js';
import { restoreCwnd, saveCwnd } from './episode.js';
import { PROBE_RTT_DURATION_MS } from './parameters.js';
import { AckPhase, Phase } from './phase.js';
import { enterCruise, enterDown, enterStartup } from './transitions.js';

/** CheckProbeRTT. */
export function checkProbeRtt(b: Bbr): void {
  if (b.phase !== Phase.PROBE_RTT && b.minRtt.isProbeDue && !b.isIdleRestart) {
    // Before the phase changes: afterwards an old and larger window would count as well.
    saveCwnd(b);
    b.phase = Phase.PROBE_RTT;
    b.probeRttDoneAt = 0;
    b.ackPhase = AckPhase.PROBE_STOPPING;
    b.rounds.restart(b.delivered);
  }
  if (b.phase === Phase.PROBE_RTT) handleProbeRtt(b);
  if (b.rs.delivered > 0) b.isIdleRestart = false;
}

function handleProbeRtt(b: Bbr): void {
  markAppLimited(b);
  if (b.probeRttDoneAt === 0) {
    if (b.rs.inFlight > probeRttCwnd(b)) return;
    b.probeRttDoneAt = b.rs.now + PROBE_RTT_DURATION_MS;
    b.isProbeRttRoundDone = false;
    b.rounds.restart(b.delivered);
    return;
  }
  if (b.rounds.isStart) b.isProbeRttRoundDone = true;
  if (b.isProbeRttRoundDone) checkProbeRttDone(b, b.rs.now);
}

/**
 * MarkConnectionAppLimited: the rates of a half-empty pipe are no rates of the path. The mark of the connection is the
 * sender's, so this one is kept here: what left between the two counts of delivered bytes is app-limited.
 */
function markAppLimited(b: Bbr): void {
  if (b.delivered > b.quietUntil) b.quietFrom = b.delivered;
  b.quietUntil = b.delivered + b.rs.inFlight;
}

/** CheckProbeRTTDone. */
export function checkProbeRttDone(b: Bbr, now: number): void {
  if (b.probeRttDoneAt === 0 || now <= b.probeRttDoneAt) return;
  b.minRtt.probed(now);
  restoreCwnd(b);
  b.shortTerm.resetBounds();
  if (b.fullPipe.isReached) {
    // The time to the next probe starts anew, and the queue is empty already.
    enterDown(b, now);
    enterCruise(b);
  } else {
    enterStartup(b);
  }
}
