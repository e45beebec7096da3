// The options that travel on SYN segments: what we offer, and what both sides agree upon.
import type { SegmentView } from '../wire/segment.js';
import { appendMss, appendNop, appendWindowScale, padOptions } from '../wire/tcp-options.js';
import type { Connection } from './connection.js';
import type { SegmentOut } from './segment-out.js';
import { State } from './state.js';

/** Larger shifts than this are taken for this (RFC 7323 §2.3). */
const MAX_SHIFT = 14;
/** Largest value of the window field. */
const MAX_FIELD = 65_535;

/** Writes the options of a SYN or SYN-ACK. The SYN-ACK answers only what the SYN offered. */
export function writeSynOptions(c: Connection, out: SegmentOut): void {
  let at = appendMss(out.options, 0, c.config.receiveMss);
  const offersScale = c.state === State.SYN_SENT ? c.config.windowScale >= 0 : c.scaleAgreed;
  if (offersScale) {
    at = appendNop(out.options, at);
    at = appendWindowScale(out.options, at, offeredShift(c));
  }
  out.optionsLength = padOptions(out.options, at);
}

/**
 * The shift of our window field: as configured, but no coarser than half a segment or half the buffer where a smaller
 * shift says the whole buffer too. A window of less than one step of the field would read as closed.
 */
function offeredShift(c: Connection): number {
  const { windowScale, receiveBufferBytes, receiveMss } = c.config;
  const coarsest = Math.min(receiveMss, receiveBufferBytes) / 2;
  let shift = Math.min(windowScale, MAX_SHIFT);
  while (shift > 0 && 1 << shift > coarsest && MAX_FIELD * 2 ** (shift - 1) >= receiveBufferBytes) shift--;
  return shift;
}

/** Takes the peer's options from its SYN or SYN-ACK. */
export function acceptSynOptions(c: Connection, syn: SegmentView): void {
  // An MSS of zero is no offer; small ones are raised to a floor, so that headers do not outweigh data.
  if (syn.mss > 0) c.snd.peerMss = Math.max(syn.mss, c.config.peerMssFloor);
  updateSendMss(c);
  c.scaleAgreed = syn.windowScale >= 0 && c.config.windowScale >= 0;
  c.snd.shift = c.scaleAgreed ? Math.min(syn.windowScale, MAX_SHIFT) : 0;
  c.rcv.shift = c.scaleAgreed ? offeredShift(c) : 0;
}

/** The effective send MSS (RFC 9293 MUST-16): what the peer takes and the path carries, in payload bytes. */
export function updateSendMss(c: Connection): void {
  c.snd.mss = Math.min(c.snd.peerMss, c.pathMss);
  c.congestion.setMss(c.snd.mss);
}
