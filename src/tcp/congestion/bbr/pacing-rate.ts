// The pace that the model asks for (BBR §5.6.2).
import type { Bbr } from '../bbr.js';
import { PACING_MARGIN } from './parameters.js';
import { PACING_GAIN, Phase } from './phase.js';

/** Round trip assumed before there is any, in ms. */
const NOMINAL_RTT_MS = 1;

/** InitPacingRate: the initial window in one round trip, with the gain of STARTUP. */
export function initPacingRate(b: Bbr, rttMs = NOMINAL_RTT_MS): void {
  b.pacingRate = (PACING_GAIN[Phase.STARTUP] * b.initialWindow) / rttMs;
}

/** SetPacingRate: until the pipe is known to be full, slow samples of an idle application must not brake. */
export function setPacingRate(b: Bbr): void {
  const rate = PACING_GAIN[b.phase] * b.bw * (1 - PACING_MARGIN);
  b.pacingRate = b.fullPipe.isReached && rate > 0 ? rate : Math.max(rate, b.pacingRate);
}

/** The pace after an idle time in PROBE-BW, whatever the phase: as fast as the path, and no faster. */
export function setPacingRateToBw(b: Bbr): void {
  const rate = b.bw * (1 - PACING_MARGIN);
  if (rate > 0) b.pacingRate = rate;
}
