// The options that travel on SYN segments: what we offer, and what both sides agree upon.
import type { SegmentView } from '../wire/segment.js';
import {
  appendMss,
  appendNop,
  appendSackPermitted,
  appendTimestamps,
  appendWindowScale,
  padOptions,
} from '../wire/tcp-options.js';
import type { Connection } from './connection.js';
import { ALIGNED_TIMESTAMP_BYTES } from './segment-options.js';
import type { SegmentOut } from './segment-out.js';
import { State } from './state.js';
import { takeSynTimestamp, timestampEcho, timestampValue } from './timestamps.js';
import { MAX_SHIFT } from './window.js';

/** Largest value of the window field. */
const MAX_FIELD = 65_535;

/**
 * Writes the options of a SYN or SYN-ACK. The SYN-ACK answers only what the SYN offered. Order and padding are those of
 * Linux: what looks like any other SYN passes every middlebox.
 */
export function writeSynOptions(c: Connection, out: SegmentOut, now: number): void {
  const { options } = out;
  const isOffer = c.state === State.SYN_SENT;
  const sack = isOffer ? c.config.sack : c.sackAgreed;
  const timestamps = isOffer ? c.config.timestamps : c.timestampsAgreed;
  let at = appendMss(options, 0, c.config.receiveMss);
  if (!timestamps && sack) at = appendNop(options, appendNop(options, at));
  if (sack) at = appendSackPermitted(options, at);
  if (timestamps) {
    if (!sack) at = appendNop(options, appendNop(options, at));
    at = appendTimestamps(options, at, timestampValue(c, now), timestampEcho(c));
  }
  if (isOffer ? c.config.windowScale >= 0 : c.scaleAgreed) {
    at = appendNop(options, at);
    at = appendWindowScale(options, at, offeredShift(c));
  }
  out.optionsLength = padOptions(options, at);
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
export function acceptSynOptions(c: Connection, syn: SegmentView, now: number): void {
  // An MSS of zero is no offer; small ones are raised to a floor, so that headers do not outweigh data.
  if (syn.mss > 0) c.snd.peerMss = Math.max(syn.mss, c.config.peerMssFloor);
  c.sackAgreed = syn.sackPermitted && c.config.sack;
  c.timestampsAgreed = syn.hasTimestamps && c.config.timestamps;
  if (c.timestampsAgreed) takeSynTimestamp(c, syn, now);
  c.scaleAgreed = syn.windowScale >= 0 && c.config.windowScale >= 0;
  c.snd.shift = c.scaleAgreed ? Math.min(syn.windowScale, MAX_SHIFT) : 0;
  c.rcv.shift = c.scaleAgreed ? offeredShift(c) : 0;
  updateSendMss(c);
}

/**
 * The effective send MSS (RFC 9293 MUST-16): what the peer takes and the path carries, in payload bytes. The MSS option
 * counts no options (RFC 6691 §2), so those that every segment carries come off here; SACK blocks, which come and go, are
 * taken off each segment that has some.
 */
export function updateSendMss(c: Connection): void {
  const options = c.timestampsAgreed ? ALIGNED_TIMESTAMP_BYTES : 0;
  c.snd.mss = Math.min(c.snd.peerMss, c.pathMss) - options;
  c.congestion.setMss(c.snd.mss);
  c.pacer?.setMss(c.snd.mss);
}
