// The window that the model asks for (BBR §5.6.4).
import { sendQuantum } from '../../pacing.js';
import type { Bbr } from '../bbr.js';
import { MIN_PIPE_SEGMENTS, OFFLOAD_QUANTA } from './parameters.js';
import { CWND_GAIN, isProbeBw, Phase } from './phase.js';

/** MinPipeCwnd. */
export function minPipe(b: Bbr): number {
  return MIN_PIPE_SEGMENTS * b.mss;
}

/** What is in flight at the bandwidth when no queue stands anywhere. */
export function bdp(b: Bbr): number {
  if (b.minRtt.ms === Number.POSITIVE_INFINITY) return b.initialWindow;
  return Math.floor(b.bw * b.minRtt.ms);
}

/** The same at the highest bandwidth of late, which losses have not lowered. */
function bdpOfMaxBw(b: Bbr): number {
  if (b.minRtt.ms === Number.POSITIVE_INFINITY) return b.initialWindow;
  return Math.floor(b.maxBw.value * b.minRtt.ms);
}

/** QuantizationBudget: room for quanta on both hosts, for delayed ACKs, and for UP to be felt on a small path. */
function withQuanta(b: Bbr, volume: number): number {
  const quanta = OFFLOAD_QUANTA * Math.ceil(sendQuantum(b.pacingRate, b.mss));
  const least = Math.max(volume, quanta, minPipe(b));
  return b.phase === Phase.UP ? least + 2 * b.mss : least;
}

/** Inflight(1.0): what must be in flight to use the bandwidth. */
export function inflightForBw(b: Bbr): number {
  return withQuanta(b, bdp(b));
}

/** Inflight(BBR.max_bw, 1.0). */
export function inflightForMaxBw(b: Bbr): number {
  return withQuanta(b, bdpOfMaxBw(b));
}

/** TargetInflight: the bandwidth-delay product, unless congestion has cut the window below it. */
export function targetInflight(b: Bbr): number {
  return Math.min(bdp(b), b.cwnd);
}

/** InflightWithHeadroom. */
export function inflightWithHeadroom(b: Bbr): number {
  return b.longTerm.withHeadroom(b.mss, minPipe(b));
}

/** ProbeRTTCwnd: half the path, so that any queue runs empty. */
export function probeRttCwnd(b: Bbr): number {
  return Math.max(Math.floor(CWND_GAIN[Phase.PROBE_RTT] * bdp(b)), minPipe(b));
}

function maxInflight(b: Bbr): number {
  return withQuanta(b, Math.floor(CWND_GAIN[b.phase] * bdp(b)) + Math.floor(b.extraAcked.bytes));
}

/** SetCwnd: down to what the model needs at once, up to it by no more than was delivered. */
export function setCwnd(b: Bbr): void {
  if (b.cwnd < maxInflight(b) || b.delivered < b.initialWindow) b.cwnd += b.rs.newlyAcked;
  boundCwnd(b);
}

/** All bounds of SetCwnd, BoundCwndForProbeRTT and BoundCwndForModel. */
export function boundCwnd(b: Bbr): void {
  if (b.fullPipe.isReached) b.cwnd = Math.min(b.cwnd, maxInflight(b));
  b.cwnd = Math.max(b.cwnd, minPipe(b));
  if (b.phase === Phase.PROBE_RTT) b.cwnd = Math.min(b.cwnd, probeRttCwnd(b));
  b.cwnd = Math.min(b.cwnd, volumeCap(b));
}

function volumeCap(b: Bbr): number {
  let cap = Number.POSITIVE_INFINITY;
  if (b.phase === Phase.PROBE_RTT || b.phase === Phase.CRUISE) cap = inflightWithHeadroom(b);
  else if (isProbeBw(b.phase)) cap = b.longTerm.inflight;
  return Math.max(Math.min(cap, b.shortTerm.inflight), minPipe(b));
}
