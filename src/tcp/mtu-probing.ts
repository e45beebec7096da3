// Packetization-layer path-MTU discovery (RFC 4821): a path that swallows large packets without a word is noticed by its
// timeouts, smaller segments go on, and larger ones are tried again one at a time. What routers do say is in
// icmp-error.ts.
import { type Seq, seqAdd, seqDiff, seqGeq, seqLt, seqMax } from '../wire/seq.js';
import type { Connection } from './connection.js';
import { Mark } from './flight.js';
import { pathMssFloor } from './icmp-error.js';
import { updateSendMss } from './syn-options.js';
import { Phase } from './tcb.js';

/** Timeouts in a row of a large segment after which its size is suspected (RFC 4821 §7.7). */
const SUSPICIOUS_TIMEOUTS = 2;
/** Bounds closer than this are not worth another probe. */
const RESOLUTION_BYTES = 32;
/** After this time a bound that was found is doubted (RFC 4821 §7.4): the path may have changed. */
const FORGET_MS = 600_000;
/** Full segments that follow a probe, so that its loss shows before a timeout (RFC 4821 §7.3). */
const FOLLOWERS = 4;

/** The search on one path. Sizes are payload bytes before options, like `Connection.pathMss`. */
export class MtuProbing {
  /** Largest size ever in use. */
  private top = 0;
  /** Nothing larger is tried, and this no more than once: the largest size in use, or the smallest that did not pass. */
  private high = 0;
  /** When `high` is forgotten; Infinity while nothing has failed. */
  private forgetAt = Number.POSITIVE_INFINITY;
  /** What is tried before all others: the size in use when the path fell silent, which may have been an outage. */
  private first = 0;
  /** No probe before this. */
  private waitUntil = 0;
  /** Size of the probe that is out, 0 for none. */
  size = 0;
  /** Numbers of the latest probe. */
  begin: Seq = 0;
  end: Seq = 0;
  /** The latest probe was lost, and is not acknowledged yet. */
  isRepairing = false;

  /** Segments of `size` bytes, the size in use, seem to vanish. No probe before `waitUntil`. */
  suspect(size: number, waitUntil: number): void {
    this.top = Math.max(this.top, size);
    this.high = Math.max(this.high, size);
    this.first = Math.max(this.first, size);
    this.waitUntil = waitUntil;
  }

  /** The size to try next above `low`, or `low` when the search is over for now. */
  next(low: number, now: number): number {
    if (now < this.waitUntil) return low;
    if (now >= this.forgetAt) {
      this.high = this.top;
      this.first = this.top;
    }
    if (this.high - low <= RESOLUTION_BYTES) return low;
    return this.first > low ? this.first : (low + this.high) >> 1;
  }

  /** A probe of `size` is out as [begin, end). */
  sent(size: number, begin: Seq, end: Seq): void {
    this.size = size;
    this.begin = begin;
    this.end = end;
    this.first = 0;
  }

  /** The probe that is out did not pass. */
  failed(now: number): void {
    this.high = Math.min(this.high, this.size);
    this.forgetAt = now + FORGET_MS;
    this.size = 0;
  }
}

/**
 * A timeout, not the first in a row: are the segments too large for a path that does not say so? Falls back to the base
 * size, and from there to the least that every path carries.
 */
export function suspectBlackHole(c: Connection, now: number): void {
  const { config, rtx } = c;
  if (config.probeBaseMss === 0 || rtx.timeouts < SUSPICIOUS_TIMEOUTS) return;
  // What is no larger than the fallback was not lost for its size.
  const base = Math.max(config.probeBaseMss, pathMssFloor(c));
  const lost = c.flight.length(0);
  const fallback = lost > base ? base : pathMssFloor(c);
  if (lost <= fallback || c.pathMss <= fallback) return;
  c.mtuProbing ??= new MtuProbing();
  c.mtuProbing.suspect(c.pathMss, now + c.rtt.rto);
  c.pathMss = fallback;
  updateSendMss(c);
}

/**
 * Payload bytes of a probe that may leave now in place of a full segment, or 0. It needs data for itself and for the
 * segments that show its loss, room for all of them in both windows, and a connection that has no other losses to see to.
 */
export function mtuProbeLength(c: Connection, probing: MtuProbing, now: number): number {
  const { snd, flight, rtx } = c;
  if (probing.size !== 0 || rtx.phase !== Phase.OPEN || rtx.probeOut) return 0;
  if (flight.sackedCount > 0 || rtx.dupAcks > 0) return 0;
  const size = Math.min(probing.next(c.pathMss, now), snd.peerMss);
  const length = size - (c.pathMss - snd.mss);
  if (length <= snd.mss) return 0;
  const needed = length + FOLLOWERS * snd.mss;
  const inWindow = seqDiff(seqAdd(snd.una, snd.wnd), snd.nxt);
  const inCwnd = c.congestion.cwnd - c.inFlight;
  const unsent = seqDiff(c.finSeq, snd.nxt);
  return Math.min(unsent, inWindow, inCwnd) >= needed ? length : 0;
}

/** A probe has left, as the last `length` numbers before SND.NXT. */
export function noteMtuProbe(c: Connection, probing: MtuProbing, length: number): void {
  probing.sent(length + c.pathMss - c.snd.mss, seqAdd(c.snd.nxt, -length), c.snd.nxt);
}

/** After an ACK: a probe that arrived raises the size, and the next one may follow. */
export function judgeMtuProbe(c: Connection, probing: MtuProbing): void {
  const isAcked = seqGeq(c.snd.una, probing.end);
  if (isAcked) probing.isRepairing = false;
  if (probing.size === 0 || (!isAcked && !isReported(c, probing))) return;
  c.pathMss = probing.size;
  probing.size = 0;
  updateSendMss(c);
}

function isReported(c: Connection, probing: MtuProbing): boolean {
  const { flight } = c;
  return (flight.mark(flight.indexOf(probing.begin)) & Mark.SACKED) !== 0;
}

/**
 * True when nothing but a probe is held lost: that says that it was too large, and nothing about congestion
 * (RFC 4821 §7.6.2).
 */
export function explainsLosses(c: Connection, probing: MtuProbing, now: number): boolean {
  if (probing.size === 0 && !probing.isRepairing) return false;
  if (lostBytesOf(c, probing) !== c.flight.lostBytes) return false;
  if (probing.size !== 0) {
    probing.failed(now);
    probing.isRepairing = true;
  }
  return true;
}

/** Everything in flight is held lost: so is a probe, for whatever reason. */
export function abandonMtuProbe(probing: MtuProbing, now: number): void {
  if (probing.size !== 0) probing.failed(now);
  probing.isRepairing = false;
}

function lostBytesOf(c: Connection, probing: MtuProbing): number {
  const { flight } = c;
  let bytes = 0;
  const from = flight.indexOf(seqMax(probing.begin, flight.start));
  for (let i = from; seqLt(flight.begin(i), probing.end); i++) {
    if ((flight.mark(i) & (Mark.LOST | Mark.SACKED)) === Mark.LOST) bytes += flight.length(i);
  }
  return bytes;
}
