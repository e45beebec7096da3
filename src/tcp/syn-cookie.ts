// SYN cookies (RFC 4987 §3.6): a SYN-ACK whose number remembers the SYN, so that a listener without room for another
// half-open connection can answer and keep nothing. The number holds the time and the MSS under a keyed hash; the rest of the
// SYN's options is kept in the low bits of the timestamp, where both sides use timestamps, and is lost where they do not.
//
//   number:     period (5 bits)  step of the MSS (3)  hash of tuple, peer's ISN, period and step (24)
//   timestamp:  our clock (26)   ECN (1)  SACK (1)  shift of the peer's window, 15 for none (4)
import type { FourTuple } from '../wire/address.js';
import { ACK, CWR, ECE, type SegmentView, SYN } from '../wire/segment.js';
import { type Seq, seqAdd } from '../wire/seq.js';
import { beginPassive } from './calls.js';
import type { ConnectionConfig } from './config.js';
import type { Connection, ConnectionEnvironment } from './connection.js';
import type { SegmentOut } from './segment-out.js';
import { State } from './state.js';
import { appendSynOptions, emptySynOffer, offeredShift } from './syn-options.js';
import { DEFAULT_SEND_MSS_V4, DEFAULT_SEND_MSS_V6 } from './tcb.js';
import { assumeSynSent } from './transmit.js';
import { MAX_SHIFT } from './window.js';

/** What cookies need from outside. */
export type SynCookieEnvironment = Pick<ConnectionEnvironment, 'synCookieMac' | 'timestampOffset'>;

const PERIOD_MS = 64_000;
/** How long a cookie may be good: it is taken in the period in which it was made and in the next. */
export const SYN_COOKIE_LIFE_MS = 2 * PERIOD_MS;

/** MSS that a cookie can tell of; one between two of them counts as the lower. */
const MSS_STEPS = [64, 536, 1024, 1220, 1300, 1400, 1440, 1460] as const;

const HASH_BITS = 0xff_ffff;
const OPTION_BITS = 0x3f;
const NO_SCALE = 15;
const SACK_BIT = 0x10;
const ECN_BIT = 0x20;
const ECN_SETUP = ECE | CWR;
const MAX_WINDOW = 65_535;

const offer = emptySynOffer();

/** Makes the SYN-ACK for a SYN that is not to be remembered. Its data is not acknowledged. */
export function fillCookieAnswer(
  config: ConnectionConfig,
  environment: SynCookieEnvironment,
  tuple: FourTuple,
  syn: SegmentView,
  now: number,
  out: SegmentOut,
): void {
  const timestamps = syn.hasTimestamps && config.timestamps;
  const scales = timestamps && syn.windowScale >= 0 && config.windowScale >= 0;
  const ecn = timestamps && config.ecn !== 'off' && (syn.flags & ECN_SETUP) === ECN_SETUP;
  const sack = timestamps && syn.sackPermitted && config.sack;
  const peerShift = scales ? Math.min(syn.windowScale, MAX_SHIFT) : NO_SCALE;
  out.reset();
  out.flags = SYN | ACK | (ecn ? ECE : 0);
  out.seq = cookieFor(environment, tuple, syn, now);
  out.ack = seqAdd(syn.seq, 1);
  out.wnd = Math.min(MAX_WINDOW, config.receiveBufferBytes);
  offer.mss = config.receiveMss;
  offer.sack = sack;
  offer.timestamps = timestamps;
  offer.tsVal = markedTick(
    clockOf(environment, tuple, now),
    peerShift | (sack ? SACK_BIT : 0) | (ecn ? ECN_BIT : 0),
  );
  offer.tsEcr = syn.tsVal;
  offer.shift = scales ? offeredShift(config) : -1;
  appendSynOptions(offer, out);
}

/**
 * Whether an ACK for a listener ends a handshake that a cookie began.
 * @param syn filled with the SYN as far as it is remembered, when true
 */
export function recallSyn(
  config: ConnectionConfig,
  environment: SynCookieEnvironment,
  tuple: FourTuple,
  ack: SegmentView,
  now: number,
  syn: SegmentView,
): boolean {
  const cookie = seqAdd(ack.ack, -1);
  const irs = seqAdd(ack.seq, -1);
  const present = Math.floor(now / PERIOD_MS);
  const age = (present - (cookie >>> 27)) & 31;
  const step = (cookie >>> 24) & 7;
  if (age > 1 || ((cookie ^ hash(environment, tuple, irs, present - age, step)) & HASH_BITS) !== 0)
    return false;
  syn.clearOptions();
  syn.packetId = ack.packetId;
  syn.seq = irs;
  syn.flags = SYN;
  syn.len = 1;
  syn.wnd = ack.wnd;
  syn.payloadLength = 0;
  syn.mss = MSS_STEPS[step]!;
  const agedMs = (clockOf(environment, tuple, now) - ack.tsEcr) | 0;
  const isOurs = agedMs >= 0 && agedMs <= SYN_COOKIE_LIFE_MS + OPTION_BITS + 1;
  if (ack.hasTimestamps && config.timestamps && isOurs) recallOptions(ack, syn);
  return true;
}

function recallOptions(ack: SegmentView, syn: SegmentView): void {
  const shift = ack.tsEcr & 0xf;
  syn.hasTimestamps = true;
  syn.tsVal = ack.tsVal;
  syn.sackPermitted = (ack.tsEcr & SACK_BIT) !== 0;
  syn.windowScale = shift === NO_SCALE ? -1 : shift;
  if (ack.tsEcr & ECN_BIT) syn.flags |= ECN_SETUP;
}

/** Passive OPEN by a cookie: SYN-RECEIVED, with a SYN-ACK that has left. `ack` itself is still to be processed. */
export function openByCookie(c: Connection, syn: SegmentView, ack: SegmentView, now: number): void {
  beginPassive(c, syn, seqAdd(ack.ack, -1), State.LISTEN, now);
  assumeSynSent(c, now);
}

function cookieFor(environment: SynCookieEnvironment, tuple: FourTuple, syn: SegmentView, now: number): Seq {
  const usual = tuple.remote.family === 6 ? DEFAULT_SEND_MSS_V6 : DEFAULT_SEND_MSS_V4;
  const step = stepOf(syn.mss > 0 ? syn.mss : usual);
  const period = Math.floor(now / PERIOD_MS);
  const head = ((period & 31) << 27) | (step << 24);
  return head | (hash(environment, tuple, syn.seq, period, step) & HASH_BITS);
}

function stepOf(mss: number): number {
  let step = MSS_STEPS.length - 1;
  while (step > 0 && MSS_STEPS[step]! > mss) step--;
  return step;
}

function hash(
  environment: SynCookieEnvironment,
  tuple: FourTuple,
  irs: Seq,
  period: number,
  step: number,
): number {
  return environment.synCookieMac!(tuple, irs, (period << 3) | step);
}

function clockOf(environment: SynCookieEnvironment, tuple: FourTuple, now: number): number {
  return (Math.floor(now) + (environment.timestampOffset?.(tuple) ?? 0)) | 0;
}

/** The latest tick, not after `tick`, with these low bits: the connection's timestamps go on from there. */
function markedTick(tick: number, bits: number): number {
  const marked = (tick & ~OPTION_BITS) | bits;
  return ((marked - tick) | 0) > 0 ? (marked - OPTION_BITS - 1) | 0 : marked;
}
