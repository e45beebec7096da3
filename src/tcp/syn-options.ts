// The options that travel on SYN segments: what we offer, and what both sides agree upon.
import type { SegmentView } from '../wire/segment.js';
import {
  appendFastOpen,
  appendMss,
  appendNop,
  appendSackPermitted,
  appendTimestamps,
  appendWindowScale,
  padOptions,
} from '../wire/tcp-options.js';
import type { ConnectionConfig } from './config.js';
import type { Connection } from './connection.js';
import { carriesFastOpen } from './fast-open.js';
import { ALIGNED_TIMESTAMP_BYTES } from './segment-options.js';
import { SegmentOut } from './segment-out.js';
import { State } from './state.js';
import { takeSynTimestamp, timestampEcho, timestampValue } from './timestamps.js';
import { MAX_SHIFT } from './window.js';

/** Largest value of the window field. */
const MAX_FIELD = 65_535;

/** What a SYN or SYN-ACK says by its options. */
export interface SynOffer {
  mss: number;
  sack: boolean;
  timestamps: boolean;
  tsVal: number;
  tsEcr: number;
  /** Window-scale shift, or -1. */
  shift: number;
  /** Fast Open cookie, none for a request; undefined for no option. */
  fastOpen: Uint8Array | null | undefined;
}

/** One that says nothing, to be filled again and again. */
export function emptySynOffer(): SynOffer {
  return {
    mss: 0,
    sack: false,
    timestamps: false,
    tsVal: 0,
    tsEcr: 0,
    shift: -1,
    fastOpen: undefined,
  };
}

/** Filled for each SYN. */
const offer = emptySynOffer();

/** For the length of options that are not sent yet. */
const measured = new SegmentOut();

/** Writes the options of a SYN or SYN-ACK. The SYN-ACK answers only what the SYN offered. */
export function writeSynOptions(c: Connection, out: SegmentOut, now: number): void {
  const isOffer = c.state === State.SYN_SENT;
  offer.mss = c.config.receiveMss;
  offer.sack = isOffer ? c.config.sack : c.sackAgreed;
  offer.timestamps = isOffer ? c.config.timestamps : c.timestampsAgreed;
  offer.tsVal = timestampValue(c, now);
  offer.tsEcr = timestampEcho(c);
  offer.shift = (isOffer ? c.config.windowScale >= 0 : c.scaleAgreed) ? offeredShift(c.config) : -1;
  offer.fastOpen = carriesFastOpen(c) ? c.fastOpen!.cookie : undefined;
  appendSynOptions(offer, out);
}

/** Octets of the options of a SYN that leaves now. */
export function synOptionBytes(c: Connection, now: number): number {
  writeSynOptions(c, measured, now);
  return measured.optionsLength;
}

/**
 * Order and padding are those of Linux: what looks like any other SYN passes every middlebox. With a cookie of sixteen octets
 * the header is full to the last of its forty.
 */
export function appendSynOptions(said: Readonly<SynOffer>, out: SegmentOut): void {
  const { options } = out;
  const { sack, timestamps } = said;
  let at = appendMss(options, 0, said.mss);
  if (!timestamps && sack) at = appendNop(options, appendNop(options, at));
  if (sack) at = appendSackPermitted(options, at);
  if (timestamps) {
    if (!sack) at = appendNop(options, appendNop(options, at));
    at = appendTimestamps(options, at, said.tsVal, said.tsEcr);
  }
  if (said.shift >= 0) {
    at = appendNop(options, at);
    at = appendWindowScale(options, at, said.shift);
  }
  if (said.fastOpen !== undefined) {
    at = appendFastOpen(options, at, said.fastOpen);
    while (at & 3) at = appendNop(options, at);
  }
  out.optionsLength = padOptions(options, at);
}

/**
 * The shift of our window field: as configured, but no coarser than half a segment or half the buffer where a smaller
 * shift says the whole buffer too. A window of less than one step of the field would read as closed.
 */
export function offeredShift({ windowScale, receiveBufferBytes, receiveMss }: ConnectionConfig): number {
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
  c.rcv.shift = c.scaleAgreed ? offeredShift(c.config) : 0;
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
