// The options that travel on SYN segments: what we offer, and what both sides agree upon.
import type { SegmentView } from '../wire/segment.js';
import { appendMss, appendNop, appendWindowScale, padOptions } from '../wire/tcp-options.js';
import type { Connection } from './connection.js';
import type { SegmentOut } from './segment-out.js';
import { State } from './state.js';

/** Larger shifts than this are taken for this (RFC 7323 §2.3). */
const MAX_SHIFT = 14;

/** Writes the options of a SYN or SYN-ACK. The SYN-ACK answers only what the SYN offered. */
export function writeSynOptions(c: Connection, out: SegmentOut): void {
  let at = appendMss(out.options, 0, c.config.receiveMss);
  const offersScale = c.state === State.SYN_SENT ? c.config.windowScale >= 0 : c.scaleAgreed;
  if (offersScale) {
    at = appendNop(out.options, at);
    at = appendWindowScale(out.options, at, c.config.windowScale);
  }
  out.optionsLength = padOptions(out.options, at);
}

/** Takes the peer's options from its SYN or SYN-ACK. */
export function acceptSynOptions(c: Connection, syn: SegmentView): void {
  // An MSS of zero is no offer; small ones are raised to a floor, so that headers do not outweigh data.
  if (syn.mss > 0) c.snd.peerMss = Math.max(syn.mss, c.config.peerMssFloor);
  updateSendMss(c);
  c.scaleAgreed = syn.windowScale >= 0 && c.config.windowScale >= 0;
  c.snd.shift = c.scaleAgreed ? Math.min(syn.windowScale, MAX_SHIFT) : 0;
  c.rcv.shift = c.scaleAgreed ? c.config.windowScale : 0;
}

/** The effective send MSS (RFC 9293 MUST-16): what the peer takes and the path carries, in payload bytes. */
export function updateSendMss(c: Connection): void {
  c.snd.mss = Math.min(c.snd.peerMss, c.pathMss);
  c.congestion.setMss(c.snd.mss);
}
