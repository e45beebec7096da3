// ICMP errors about segments of ours (RFC 9293 §3.9.2.2), believed only when they quote a sequence number in flight
// (RFC 5927 §4).
import { type Seq, seqGeq, seqLt } from '../wire/seq.js';
import type { Connection } from './connection.js';
import { type ConnectionErrorCode, Event } from './events.js';
import { fastOpenObjected } from './fast-open.js';
import { resendWithoutReduction } from './retransmit.js';
import { State, Trigger } from './state.js';
import { updateSendMss } from './syn-options.js';

/** What an ICMP error says. `net`, `host` and `time` are soft always, the others only in synchronized states. */
export type IcmpErrorKind = 'net' | 'host' | 'protocol' | 'port' | 'prohibited' | 'time';

const CODES: Record<IcmpErrorKind, ConnectionErrorCode> = {
  net: 'ENETUNREACH',
  host: 'EHOSTUNREACH',
  protocol: 'ECONNREFUSED',
  port: 'ECONNREFUSED',
  prohibited: 'EHOSTUNREACH',
  time: 'EHOSTUNREACH',
};

/** Least payload per segment that a router may talk us into: that of 552 octets over IPv4, of 1280 over IPv6. */
const FLOOR_V4 = 512;
const FLOOR_V6 = 1220;

/** Least payload per segment, options included, that any path carries. */
export function pathMssFloor(c: Connection): number {
  return c.tuple.remote.family === 6 ? FLOOR_V6 : FLOOR_V4;
}

function quotesInFlight(c: Connection, seq: Seq): boolean {
  return seqGeq(seq, c.snd.una) && seqLt(seq, c.snd.nxt);
}

/** An error other than "fragmentation needed". */
export function onIcmpError(c: Connection, kind: IcmpErrorKind, quotedSeq: Seq, now: number): void {
  if (!quotesInFlight(c, quotedSeq)) return;
  if (c.state === State.SYN_SENT) fastOpenObjected(c, now);
  const hard = kind === 'protocol' || kind === 'port' || kind === 'prohibited';
  if (hard && c.state === State.SYN_SENT) {
    // RFC9293 SHLD-26, as RFC 5461 limits it: only a connection that never was may die of it.
    const end = CODES[kind] === 'ECONNREFUSED' ? 'refused' : 'unreachable';
    c.terminate(Trigger.ICMP_HARD_ERROR, end, CODES[kind], null, now);
    return;
  }
  // RFC9293 MUST-56: noted, reported if wanted, never the end.
  c.softError = CODES[kind];
  if (c.config.reportSoftErrors) c.events |= Event.SOFT_ERROR;
}

/**
 * "Fragmentation needed" or "packet too big": smaller segments from now on, and the lost ones again at once.
 * @returns whether the quote is of a segment in flight, so that the path may be thought of as that narrow
 */
export function onPathMss(c: Connection, mss: number, quotedSeq: Seq): boolean {
  if (!quotesInFlight(c, quotedSeq)) return false;
  const floor = Math.min(c.pathMss, pathMssFloor(c));
  const believed = Math.max(mss, floor);
  if (believed >= c.pathMss) return true;
  c.pathMss = believed;
  updateSendMss(c);
  if (c.state >= State.ESTABLISHED) resendWithoutReduction(c);
  return true;
}

/**
 * The path to this destination is known to be narrower from another connection, or not known any more (RFC 1191 §6.3).
 * What is in flight is left to its own error or timer: it may have gone through.
 */
export function onPathMtuChanged(c: Connection, mss: number): void {
  const pathMss = Math.min(mss, c.config.pathMss);
  if (pathMss === c.pathMss) return;
  c.pathMss = pathMss;
  updateSendMss(c);
}
