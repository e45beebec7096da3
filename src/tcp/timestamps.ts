// Timestamps (RFC 7323 §3–§5): the connection's timestamp clock, which of the peer's values is echoed, protection against
// old duplicates (PAWS), and what an echo of ours tells of the round trip. Ticks are milliseconds.
import { ACK, RST, type SegmentView, SYN } from '../wire/segment.js';
import { seqGt } from '../wire/seq.js';
import type { Connection } from './connection.js';

/** RFC 7323 §5.5: after so long without a newer one, TS.Recent says nothing; 2^31 ticks would be 24.8 days. */
const RECENT_LIFE_MS = 24 * 86_400_000;

/** What timestamps need to remember of a connection. Timestamps are int32, compared modulo 2^32. */
export class TimestampVariables {
  /** What our timestamps are ahead of the clock's milliseconds, so that they tell nobody its reading (RFC 7323 §5.4). */
  offset = 0;
  /** Tick of the clock before which we had sent no timestamp. */
  beganAt = 0;
  /** TS.Recent: the value that we echo, and that an acceptable segment does not fall behind. */
  recent = 0;
  /** Clock ms at which TS.Recent was last confirmed. */
  recentAt = 0;
}

/** How a segment stands to the timestamps of its connection. */
export const TimestampCheck = { GOOD: 0, MISSING: 1, OLD: 2 } as const;
export type TimestampCheck = (typeof TimestampCheck)[keyof typeof TimestampCheck];

/** A connection begins: chooses the zero of its timestamp clock. */
export function startTimestamps(c: Connection, now: number): void {
  c.ts.offset = c.environment.timestampOffset?.(c.tuple) ?? 0;
  c.ts.beganAt = Math.floor(now);
}

/** TSval of a segment that leaves now. */
export function timestampValue(c: Connection, now: number): number {
  return (Math.floor(now) + c.ts.offset) | 0;
}

/** TSecr of a segment that leaves now: zero while there is nothing to echo (RFC 7323 §3.2). */
export function timestampEcho(c: Connection): number {
  return c.timestampsAgreed ? c.ts.recent : 0;
}

/** Takes the timestamp of the peer's SYN or SYN-ACK, the first that we echo. */
export function takeSynTimestamp(c: Connection, syn: SegmentView, now: number): void {
  c.ts.recent = syn.tsVal;
  c.ts.recentAt = now;
}

/**
 * RFC 7323 §5.3 R1 and §3.2: whether the timestamp lets a segment of a synchronized connection in. RST is exempt from
 * both, or one that follows a crash could never come through. A SYN without timestamps is, too: it comes from a peer that
 * has forgotten the connection, and RFC 5961 §4 wants it asked.
 */
export function checkTimestamp(c: Connection, s: SegmentView, now: number): TimestampCheck {
  if (!c.timestampsAgreed || s.flags & RST) return TimestampCheck.GOOD;
  if (!s.hasTimestamps) return s.flags & SYN ? TimestampCheck.GOOD : TimestampCheck.MISSING;
  return isOlder(c, s) && !isRecentStale(c, now) ? TimestampCheck.OLD : TimestampCheck.GOOD;
}

/**
 * RFC 7323 §4.3: TS.Recent follows an acceptable segment that covers the place up to which we have acknowledged. So an
 * ACK that was delayed echoes the earliest segment it covers, one that repeats a number because of a hole the last that
 * advanced it, and one that closes a hole the segment that filled it.
 */
export function noteTimestamp(c: Connection, s: SegmentView, now: number): void {
  if (!c.timestampsAgreed || !s.hasTimestamps || seqGt(s.seq, c.rcv.lastAcked)) return;
  if (isOlder(c, s) && !isRecentStale(c, now)) return;
  c.ts.recent = s.tsVal;
  c.ts.recentAt = now;
}

/**
 * Reads the echo in a segment that acknowledges something.
 * @returns ticks of a millisecond since the tick in which the echoed segment left, or -1 when there is no echo, or one of
 *   the future, of zero, or of a time before the connection
 */
export function timestampEchoed(c: Connection, s: SegmentView, now: number): number {
  if (!c.timestampsAgreed || !s.hasTimestamps || !(s.flags & ACK) || s.tsEcr === 0) return -1;
  const ageMs = (timestampValue(c, now) - s.tsEcr) | 0;
  return ageMs >= 0 && ageMs <= Math.floor(now) - c.ts.beganAt ? ageMs : -1;
}

function isOlder(c: Connection, s: SegmentView): boolean {
  return ((s.tsVal - c.ts.recent) | 0) < 0;
}

function isRecentStale(c: Connection, now: number): boolean {
  return now - c.ts.recentAt > RECENT_LIFE_MS;
}
