// RACK (RFC 8985 §6): a segment is lost when one that was sent sufficiently later has arrived. What "sufficiently" means
// adapts to the reordering that the path shows. Only with SACK; without it duplicate ACKs are counted.
import { type Seq, seqGeq, seqGt } from '../wire/seq.js';
import type { AckNews } from './ack-news.js';
import type { Connection } from './connection.js';
import { type Flight, Mark } from './flight.js';
import { holdLost } from './losses.js';
import { Phase } from './tcb.js';
import { Timer } from './timers.js';

/** Segments reported beyond a hole that make a loss likely also without knowledge of time (RFC 5681 §3.2). */
const DUP_THRESHOLD = 3;
/** Recoveries for which a widened window is kept (RFC 8985 §6.2 step 4). */
const PERSIST_RECOVERIES = 16;
/** The window is this share of the least round-trip time, times the multiplier, at most one round trip. */
const WINDOW_SHARE = 4;
const INITIAL_RESENDS = 4;
const NO_BEGINS = new Int32Array(0);
const NO_TIMES = new Float64Array(0);

/** Retransmissions in the order in which they left: what is no longer true of its segment is skipped when looked at. */
class Resends {
  count = 0;
  private head = 0;
  private begins = NO_BEGINS;
  private times = NO_TIMES;

  add(begin: Seq, at: number): void {
    if (this.count === this.begins.length) this.grow();
    const slot = (this.head + this.count++) & (this.begins.length - 1);
    this.begins[slot] = begin;
    this.times[slot] = at;
  }

  /** First number of the oldest. */
  get begin(): Seq {
    return this.begins[this.head]!;
  }

  /** When the oldest left. */
  get at(): number {
    return this.times[this.head]!;
  }

  shift(): void {
    this.head = (this.head + 1) & (this.begins.length - 1);
    this.count--;
  }

  private grow(): void {
    const size = Math.max(2 * this.begins.length, INITIAL_RESENDS);
    const begins = new Int32Array(size);
    const times = new Float64Array(size);
    for (let i = 0; i < this.count; i++) {
      const slot = (this.head + i) & (this.begins.length - 1);
      begins[i] = this.begins[slot]!;
      times[i] = this.times[slot]!;
    }
    this.head = 0;
    this.begins = begins;
    this.times = times;
  }
}

/** The variables of RFC 8985 §5.2 and §5.3 for one connection. */
export class Rack {
  /** RACK.xmit_ts and RACK.end_seq: of the segment sent last among those that arrived; negative before the first. */
  sentAt = -1;
  end: Seq = 0;
  /** RACK.rtt in ms: of the latest segment that arrived. */
  rttMs = 0;
  /** RACK.fack: after the highest number that arrived; valid once `sentAt` is. */
  highest: Seq = 0;
  /** RACK.reordering_seen: something arrived that later data had overtaken. */
  reorderingSeen = false;
  /** How often that was. */
  reorderings = 0;
  /** RACK.reo_wnd_mult and RACK.reo_wnd_persist. */
  windowMult = 1;
  persist = 0;
  /** RACK.dsack_round: the window widens once a round trip at most, until so many bytes are acknowledged. */
  private widenedUntil = 0;
  /** Retransmissions that may still be judged. */
  readonly resends = new Resends();

  /**
   * The peer reports a duplicate: the window was too small (step 4).
   * @param acknowledged bytes, since the connection began
   */
  onDuplicateReported(acknowledged: number, inFlight: number): void {
    if (acknowledged < this.widenedUntil) return;
    this.widenedUntil = acknowledged + inFlight;
    this.windowMult++;
    this.persist = PERSIST_RECOVERIES;
  }

  /** A recovery ends: after sixteen of them without duplicates the window is narrow again. */
  onRecoveryEnds(): void {
    if (this.persist > 0 && --this.persist === 0) this.windowMult = 1;
  }
}

/** Steps 1 to 3 for record `i`, which arrived: what is the latest transmission known to have arrived? */
export function noteDelivered(c: Connection, i: number, news: AckNews, bySack: boolean): void {
  const { rack, flight } = c;
  const marks = flight.mark(i);
  const sentAt = flight.sentAt(i);
  const end = flight.end(i);
  const rttMs = news.now - sentAt;
  // Where it was the transmission before, that says nothing about what was sent since.
  if (marks & Mark.EVER_RESENT && answersTheOneBefore(c, i, news, bySack)) return;
  rack.rttMs = rttMs;
  if (rack.sentAt < 0) rack.highest = end;
  if (sentLater(sentAt, end, rack.sentAt, rack.end)) {
    rack.sentAt = sentAt;
    rack.end = end;
  }
  if (seqGeq(end, rack.highest)) rack.highest = end;
  else if (!(marks & Mark.EVER_RESENT)) {
    rack.reorderingSeen = true;
    rack.reorderings++;
  }
}

/**
 * Whether what arrived is the last but one transmission of record `i`, which was only late. An echo of its time tells,
 * unless SACK reports the segment: that lies beyond a hole, and what is echoed is a segment before the hole
 * (RFC 7323 §4.3). Otherwise an ACK that comes sooner than any round trip does, and where it comes later, whichever of the
 * two transmissions was answered after a time that is more like the latest round trip.
 */
function answersTheOneBefore(c: Connection, i: number, news: AckNews, bySack: boolean): boolean {
  const sentAt = c.flight.sentAt(i);
  if (!bySack && news.echoedTick >= 0) {
    if (news.echoedTick < Math.floor(sentAt)) return true;
  } else {
    const expected = c.rack.rttMs;
    const late = Math.abs(news.now - c.flight.sentBefore(i) - expected);
    if (late < Math.abs(news.now - sentAt - expected)) return true;
  }
  return news.now - sentAt < c.rtt.minRtt;
}

/** Of segments sent in the same instant the one with the higher number left later. */
function sentLater(at: number, end: Seq, thanAt: number, thanEnd: Seq): boolean {
  return at > thanAt || (at === thanAt && seqGt(end, thanEnd));
}

/** RACK_update_reo_wnd: for how long a segment may be overtaken, in ms. */
export function reorderingWindow(c: Connection): number {
  const { rack, rtx, flight, rtt } = c;
  if (!rack.reorderingSeen) {
    if (rtx.phase >= Phase.RECOVERY || flight.sackedCount >= DUP_THRESHOLD) return 0;
  }
  return Math.min((rack.windowMult * rtt.minRtt) / WINDOW_SHARE, rtt.srtt);
}

/**
 * Step 5: holds lost what was sent so long before the latest arrival that it should be here, and sets the timer for what
 * will be next. First transmissions are judged in their order, which is that of time; so are retransmissions.
 * @returns bytes newly held lost
 */
export function detectLosses(c: Connection, now: number): number {
  const { rack, flight } = c;
  if (rack.sentAt < 0 || flight.count === 0) {
    c.timers.clear(Timer.REORDERING);
    return 0;
  }
  const allowed = rack.rttMs + reorderingWindow(c);
  const before = c.rate.lost;
  let wait = judgeFirstTransmissions(c, flight, allowed, now);
  const other = judgeRetransmissions(c, flight, allowed, now);
  if (other > 0 && (wait === 0 || other < wait)) wait = other;
  if (wait > 0) c.startTimer(Timer.REORDERING, wait, 0, now);
  else c.stopTimer(Timer.REORDERING, now);
  return c.rate.lost - before;
}

/** Returns ms until the next one will be overdue, 0 when none is waited for. */
function judgeFirstTransmissions(c: Connection, flight: Flight, allowed: number, now: number): number {
  const { rack } = c;
  for (; flight.judged < flight.count; flight.judged++) {
    const i = flight.judged;
    const marks = flight.mark(i);
    if (marks & (Mark.SACKED | Mark.LOST | Mark.RESENT)) continue;
    const sentAt = flight.sentAt(i);
    if (!sentLater(rack.sentAt, rack.end, sentAt, flight.end(i))) return 0;
    const remaining = sentAt + allowed - now;
    if (remaining > 0) return remaining;
    holdLost(c, i, now);
  }
  return 0;
}

function judgeRetransmissions(c: Connection, flight: Flight, allowed: number, now: number): number {
  const { rack } = c;
  const { resends } = rack;
  for (; resends.count > 0; resends.shift()) {
    const i = outstanding(flight, resends.begin, resends.at);
    if (i < 0) continue;
    if (!sentLater(rack.sentAt, rack.end, resends.at, flight.end(i))) return 0;
    const remaining = resends.at + allowed - now;
    if (remaining > 0) return remaining;
    holdLost(c, i, now);
  }
  return 0;
}

/** The record whose retransmission at that time is still waited for, or -1. */
function outstanding(flight: Flight, begin: Seq, at: number): number {
  // Where its beginning was acknowledged meanwhile, the rest of it comes first.
  const i = flight.indexOf(begin);
  const waits = (flight.mark(i) & (Mark.RESENT | Mark.SACKED)) === Mark.RESENT && flight.sentAt(i) === at;
  return waits ? i : -1;
}
