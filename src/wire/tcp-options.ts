// TCP options (RFC 9293 §3.2): reading them into the reused view and appending them to an outgoing header. Which
// options a connection sends and believes is decided in `tcp/`; objects for tools are in `tcp-options-decode.ts`.
import { MAX_SACK_BLOCKS, type SegmentView } from './segment.js';

/** Option kinds (IANA registry). */
export const TcpOptionKind = {
  END: 0,
  NOP: 1,
  /** Maximum segment size (RFC 9293 §3.7.1). */
  MSS: 2,
  /** Window scale (RFC 7323 §2). */
  WINDOW_SCALE: 3,
  /** SACK-permitted (RFC 2018 §2). */
  SACK_PERMITTED: 4,
  /** SACK blocks (RFC 2018 §3). */
  SACK: 5,
  /** Timestamps (RFC 7323 §3). */
  TIMESTAMPS: 8,
  /** User timeout (RFC 5482). */
  USER_TIMEOUT: 28,
  /** Fast Open cookie (RFC 7413). */
  FAST_OPEN: 34,
} as const;

const { END, NOP, MSS, WINDOW_SCALE, SACK_PERMITTED, SACK, TIMESTAMPS, USER_TIMEOUT, FAST_OPEN } =
  TcpOptionKind;

/** NOP, NOP, timestamps, length 10: how nearly every data segment of the Internet begins its options. */
const ALIGNED_TIMESTAMPS = 0x0101080a;

/**
 * Reads the options at `bytes[offset … offset + length)` into `out`, whose options must have been cleared. Any
 * alignment (RFC 9293 MUST-64), on any segment (MUST-5). An option that is unknown is skipped (MUST-6), a known one of
 * the wrong length is too; of several of one kind the first right one counts. A length of 0 or 1 or past the header ends
 * the parse, what was read before it stays (MUST-7). At most `length` steps.
 * @param view a DataView of the same memory as `bytes`, beginning where it begins
 */
export function parseTcpOptions(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  length: number,
  out: SegmentView,
): void {
  const end = offset + length;
  let at = offset;
  if (length >= 12 && view.getInt32(at) === ALIGNED_TIMESTAMPS) {
    takeTimestamps(view, at + 2, out);
    at += 12;
  }
  while (at < end) {
    const kind = bytes[at]!;
    if (kind === END) return;
    if (kind === NOP) {
      at++;
      continue;
    }
    if (at + 1 >= end) return;
    const optionLength = bytes[at + 1]!;
    if (optionLength < 2 || at + optionLength > end) return;
    takeOption(kind, bytes, view, at, optionLength, out);
    at += optionLength;
  }
}

function takeOption(
  kind: number,
  bytes: Uint8Array,
  view: DataView,
  at: number,
  length: number,
  out: SegmentView,
): void {
  switch (kind) {
    case MSS:
      if (length === 4 && out.mss < 0) out.mss = view.getUint16(at + 2);
      break;
    case WINDOW_SCALE:
      if (length === 3 && out.windowScale < 0) out.windowScale = bytes[at + 2]!;
      break;
    case SACK_PERMITTED:
      if (length === 2) out.sackPermitted = true;
      break;
    case SACK:
      takeSack(view, at, length, out);
      break;
    case TIMESTAMPS:
      if (length === 10 && !out.hasTimestamps) takeTimestamps(view, at, out);
      break;
    case USER_TIMEOUT:
      if (length === 4 && out.userTimeoutMs < 0) out.userTimeoutMs = userTimeoutMs(view.getUint16(at + 2));
      break;
    case FAST_OPEN:
      if (out.fastOpenLength < 0 && fastOpenLengthOk(length)) {
        out.fastOpenLength = length - 2;
        out.fastOpenOffset = at + 2;
      }
      break;
  }
}

function takeTimestamps(view: DataView, at: number, out: SegmentView): void {
  out.hasTimestamps = true;
  out.tsVal = view.getInt32(at + 2);
  out.tsEcr = view.getInt32(at + 6);
}

function takeSack(view: DataView, at: number, length: number, out: SegmentView): void {
  if (out.sackCount > 0) return;
  const count = sackBlocksIn(length);
  for (let i = 0; i < 2 * count; i++) out.sackEdges[i] = view.getInt32(at + 2 + 4 * i);
  out.sackCount = count;
}

/** Blocks in a SACK option of that length, 0 when no such length is right. Four blocks make 34 octets. */
export function sackBlocksIn(length: number): number {
  const count = length >> 3;
  return (length & 7) === 2 && count <= MAX_SACK_BLOCKS ? count : 0;
}

/** A request has no cookie; a cookie has 4…16 octets, an even number (RFC 7413 §4.1.1). */
export function fastOpenLengthOk(length: number): boolean {
  return length === 2 || (length >= 6 && length <= 18 && (length & 1) === 0);
}

/** The timeout of a User Timeout field in ms, or -1 for the reserved value 0 (RFC 5482 §3.4). */
export function userTimeoutMs(field: number): number {
  const count = field & 0x7fff;
  if (count === 0) return -1;
  return field & USER_TIMEOUT_MINUTES ? count * 60_000 : count * 1000;
}

/** The granularity bit: minutes when set, else seconds. */
const USER_TIMEOUT_MINUTES = 0x8000;

// ---- encoding. Each function appends one option to `options` at `at` and returns the place behind it. What does not
// fit is not written, and `at` comes back. Every option but END and NOP has its length octet (RFC 9293 MUST-68).

/** One octet of padding, to align the option behind it. */
export function appendNop(options: Uint8Array, at: number): number {
  if (at + 1 > options.length) return at;
  options[at] = NOP;
  return at + 1;
}

/** Maximum segment size, 0…65535; for SYN segments only (RFC 9293 MUST-65). 4 octets. */
export function appendMss(options: Uint8Array, at: number, mss: number): number {
  if (!begin(options, at, MSS, 4)) return at;
  put16(options, at + 2, mss);
  return at + 4;
}

/** Window-scale shift, 0…14. 3 octets. */
export function appendWindowScale(options: Uint8Array, at: number, shift: number): number {
  if (!begin(options, at, WINDOW_SCALE, 3)) return at;
  options[at + 2] = shift;
  return at + 3;
}

/** SACK-permitted. 2 octets. */
export function appendSackPermitted(options: Uint8Array, at: number): number {
  return begin(options, at, SACK_PERMITTED, 2) ? at + 2 : at;
}

/** Timestamps as int32. 10 octets. */
export function appendTimestamps(options: Uint8Array, at: number, tsVal: number, tsEcr: number): number {
  if (!begin(options, at, TIMESTAMPS, 10)) return at;
  put32(options, at + 2, tsVal);
  put32(options, at + 6, tsEcr);
  return at + 10;
}

/**
 * SACK blocks, as many of the first `count` as fit. 2 octets and 8 a block.
 * @param edges left and right edges, alternating, as int32
 */
export function appendSack(options: Uint8Array, at: number, edges: Int32Array, count: number): number {
  const blocks = Math.min(count, MAX_SACK_BLOCKS, (options.length - at - 2) >> 3);
  if (blocks <= 0 || !begin(options, at, SACK, 2 + 8 * blocks)) return at;
  for (let i = 0; i < 2 * blocks; i++) put32(options, at + 2 + 4 * i, edges[i]!);
  return at + 2 + 8 * blocks;
}

/**
 * User timeout; seconds up to 32767 of them, else minutes, rounded up and capped at 32767 minutes. 4 octets. Nothing
 * is written for a timeout of 0 or less, which may not be sent (RFC 5482 §3.4).
 */
export function appendUserTimeout(options: Uint8Array, at: number, ms: number): number {
  if (!(ms > 0) || !begin(options, at, USER_TIMEOUT, 4)) return at;
  const seconds = Math.ceil(ms / 1000);
  const field = seconds <= 0x7fff ? seconds : USER_TIMEOUT_MINUTES | Math.min(0x7fff, Math.ceil(ms / 60_000));
  put16(options, at + 2, field);
  return at + 4;
}

/** Fast Open: a request when `cookie` is null, else the cookie, 4…16 octets, an even number. */
export function appendFastOpen(options: Uint8Array, at: number, cookie: Uint8Array | null): number {
  const length = 2 + (cookie === null ? 0 : cookie.length);
  if (!fastOpenLengthOk(length) || !begin(options, at, FAST_OPEN, length)) return at;
  if (cookie !== null) options.set(cookie, at + 2);
  return at + length;
}

/**
 * Ends the list: END and zeros behind it up to a multiple of four (RFC 9293 MUST-69); nothing when it is one already.
 * @returns the length of the options in the header
 */
export function padOptions(options: Uint8Array, at: number): number {
  const padded = (at + 3) & ~3;
  for (; at < padded; at++) options[at] = END;
  return padded;
}

function begin(options: Uint8Array, at: number, kind: number, length: number): boolean {
  if (at + length > options.length) return false;
  options[at] = kind;
  options[at + 1] = length;
  return true;
}

function put16(options: Uint8Array, at: number, value: number): void {
  options[at] = value >>> 8;
  options[at + 1] = value;
}

function put32(options: Uint8Array, at: number, value: number): void {
  options[at] = value >>> 24;
  options[at + 1] = value >>> 16;
  options[at + 2] = value >>> 8;
  options[at + 3] = value;
}
