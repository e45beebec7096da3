// One-line notation of TCP segments for tests, `FA 4 a1 [10] w500 <mss 1000>`: parsing, printing, building a SegmentView
// and reading a SegmentOut back. Sequence numbers are relative to each side's ISS; `=n` gives a raw number.
import assert from 'node:assert/strict';
import type { SegmentOut } from '../../src/tcp/segment-out.js';
import { ACK, CWR, ECE, FIN, PSH, RST, type SegmentView, SYN, URG } from '../../src/wire/segment.js';

const LETTERS: Record<string, number> = {
  S: SYN,
  F: FIN,
  R: RST,
  P: PSH,
  A: ACK,
  U: URG,
  E: ECE,
  C: CWR,
};
/** Printing order: LAB notation writes `SA`, `FA`, `RA`. */
const ORDER = 'SFRPAUEC';

/** TCP options as a test reads or writes them; SACK edges are relative to the ISS of whose data they describe. */
export interface Options {
  mss?: number;
  ws?: number;
  sackOK?: boolean;
  ts?: readonly [value: number, echo: number];
  sack?: readonly (readonly [number, number])[];
  userTimeout?: number;
  /** Fast Open: the cookie in hexadecimal, empty for a request. */
  fastOpen?: string;
}

/** A segment as written in a test. */
export interface Described {
  flags: number;
  seq: number;
  seqIsRaw: boolean;
  ack: number | null;
  ackIsRaw: boolean;
  length: number;
  wnd: number | null;
  urgent: number | null;
  /** ECN field of the IP header, `e3` for CE; 0 for a segment that arrives without it. */
  ecn: number | null;
  options: Options | null;
}

/** A segment that left the connection under test, copied. */
export interface Captured {
  at: number;
  flags: number;
  /** Raw, int32. */
  rawSeq: number;
  rawAck: number;
  /** Relative to the sender's and the receiver's ISS. */
  seq: number;
  ack: number;
  wnd: number;
  urgent: number;
  payload: Uint8Array;
  options: Options;
  optionBytes: number;
  /** The option area as it stood in the header. */
  optionArea: Uint8Array;
  /** ECN field of the IP header. */
  ecn: number;
  retransmission: number;
  /** Payload of the segments that it is to be cut into; 0: it is one. */
  segmentBytes: number;
}

/** Byte `position` (from 0) of the test stream of one side: differs between sides and between near positions. */
export function patternByte(position: number, salt: number): number {
  return (position * 31 + (position >> 8) * 17 + (position >> 16) * 101 + salt) & 0xff;
}

/** `length` bytes of the pattern from `position` on. */
export function pattern(position: number, length: number, salt: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = patternByte(position + i, salt);
  return bytes;
}

export function parseFlags(letters: string): number {
  if (letters === '-') return 0;
  let flags = 0;
  for (const letter of letters) {
    const bit = LETTERS[letter];
    assert.ok(bit !== undefined, `no flag ${letter} in "${letters}"`);
    flags |= bit;
  }
  return flags;
}

export function printFlags(flags: number): string {
  let letters = '';
  for (const letter of ORDER) if (flags & LETTERS[letter]!) letters += letter;
  return letters === '' ? '-' : letters;
}

/** Parses the notation; a mistake in a test throws. */
export function parseSegment(text: string): Described {
  const tokens = text.match(/<[^>]*>|\[[^\]]*\]|\S+/g) ?? [];
  const [flags, seq, ...rest] = tokens;
  assert.ok(flags !== undefined && seq !== undefined, `"${text}" lacks flags or sequence number`);
  const described: Described = {
    flags: parseFlags(flags),
    seq: numberOf(seq, text),
    seqIsRaw: seq.startsWith('='),
    ack: null,
    ackIsRaw: false,
    length: 0,
    wnd: null,
    urgent: null,
    ecn: null,
    options: null,
  };
  for (const token of rest) {
    if (token.startsWith('[')) described.length = numberOf(token.slice(1, -1), text);
    else if (token.startsWith('<')) described.options = parseOptions(token.slice(1, -1));
    else if (token.startsWith('a')) {
      described.ack = numberOf(token.slice(1), text);
      described.ackIsRaw = token[1] === '=';
    } else if (token.startsWith('w')) described.wnd = numberOf(token.slice(1), text);
    else if (token.startsWith('u')) described.urgent = numberOf(token.slice(1), text);
    else if (token.startsWith('e')) described.ecn = numberOf(token.slice(1), text);
    else assert.fail(`"${token}" in "${text}" is not part of the notation`);
  }
  return described;
}

function numberOf(token: string, text: string): number {
  const value = Number(token.replace(/^=/, ''));
  assert.ok(Number.isInteger(value), `"${token}" in "${text}" is not a number`);
  return value;
}

function parseOptions(text: string): Options {
  const options: Options = {};
  for (const part of text
    .split(',')
    .map((p) => p.trim())
    .filter((p) => p !== '')) {
    const [name, ...args] = part.split(/\s+/);
    if (name === 'mss') options.mss = Number(args[0]);
    else if (name === 'ws') options.ws = Number(args[0]);
    else if (name === 'sackOK') options.sackOK = true;
    else if (name === 'ts') options.ts = [Number(args[0]), Number(args[1])];
    else if (name === 'uto') options.userTimeout = Number(args[0]);
    else if (name === 'fo') options.fastOpen = args[0] ?? '';
    else if (name === 'sack')
      options.sack = args.map((pair) => pair.split(':').map(Number) as [number, number]);
    else assert.fail(`no option "${name}"`);
  }
  return options;
}

/** Prints a segment with everything that a reader may want to compare. */
export function printSegment(s: Captured): string {
  const parts = [printFlags(s.flags & ~PSH), String(s.seq)];
  if (s.flags & ACK) parts.push(`a${s.ack}`);
  if (s.payload.length > 0) parts.push(`[${s.payload.length}]`);
  parts.push(`w${s.wnd}`);
  if (s.flags & URG) parts.push(`u${s.urgent}`);
  if (s.ecn !== 0) parts.push(`e${s.ecn}`);
  const options = printOptions(s.options);
  if (options !== '') parts.push(`<${options}>`);
  return parts.join(' ');
}

function printOptions(o: Options): string {
  const parts: string[] = [];
  if (o.mss !== undefined) parts.push(`mss ${o.mss}`);
  if (o.ws !== undefined) parts.push(`ws ${o.ws}`);
  if (o.sackOK) parts.push('sackOK');
  if (o.ts !== undefined) parts.push(`ts ${o.ts[0]} ${o.ts[1]}`);
  if (o.sack !== undefined) parts.push(`sack ${o.sack.map((b) => b.join(':')).join(' ')}`);
  if (o.fastOpen !== undefined) parts.push(`fo ${o.fastOpen}`.trim());
  return parts.join(', ');
}

/** Numbers of the two sides, to turn relative into raw sequence numbers. */
export interface Origins {
  /** ISS of who sends the segment. */
  sender: number;
  /** ISS of who receives it. */
  receiver: number;
}

/**
 * Fills a view as a parser would. The payload lies in a slab at an odd offset, between bytes that are not its own.
 * @param salt pattern of the sender; the byte at sequence number 1 is position 0
 */
export function fillView(
  view: SegmentView,
  d: Described,
  origins: Origins,
  salt: number,
  defaultWindow: number,
): void {
  const payload = pattern(d.seq - 1 + (d.flags & SYN ? 1 : 0), d.length, salt);
  fillRaw(view, {
    flags: d.flags,
    seq: d.seqIsRaw ? d.seq | 0 : (d.seq + origins.sender) | 0,
    ack: d.ack === null ? 0 : d.ackIsRaw ? d.ack | 0 : (d.ack + origins.receiver) | 0,
    wnd: d.wnd ?? defaultWindow,
    urgent: d.urgent ?? 0,
    payload,
  });
  view.ecn = d.ecn ?? 0;
  if (d.options !== null) fillOptions(view, d.options, origins.receiver);
}

/** What `fillRaw` needs. */
export interface RawSegment {
  flags: number;
  seq: number;
  ack: number;
  wnd: number;
  urgent: number;
  payload: Uint8Array;
}

export function fillRaw(view: SegmentView, raw: RawSegment): void {
  const slab = new Uint8Array(raw.payload.length + 20).fill(0xee);
  slab.set(raw.payload, 13);
  view.clearOptions();
  view.packetId++;
  view.flags = raw.flags;
  view.seq = raw.seq;
  view.ack = raw.ack;
  view.wnd = raw.wnd;
  view.urgentPointer = raw.urgent;
  view.bytes = slab;
  view.payloadOffset = 13;
  view.payloadLength = raw.payload.length;
  view.len = raw.payload.length + (raw.flags & SYN ? 1 : 0) + (raw.flags & FIN ? 1 : 0);
  view.ecn = 0;
}

export function fillOptions(view: SegmentView, o: Options, sackOrigin: number): void {
  if (o.mss !== undefined) view.mss = o.mss;
  if (o.ws !== undefined) view.windowScale = o.ws;
  if (o.sackOK) view.sackPermitted = true;
  if (o.ts !== undefined) {
    view.hasTimestamps = true;
    view.tsVal = o.ts[0] | 0;
    view.tsEcr = o.ts[1] | 0;
  }
  if (o.userTimeout !== undefined) view.userTimeoutMs = o.userTimeout;
  if (o.fastOpen !== undefined) fillFastOpen(view, Buffer.from(o.fastOpen, 'hex'));
  for (const [i, [left, right]] of (o.sack ?? []).entries()) {
    view.sackEdges[2 * i] = (left + sackOrigin) | 0;
    view.sackEdges[2 * i + 1] = (right + sackOrigin) | 0;
    view.sackCount = i + 1;
  }
}

/** The cookie lies in the slab, as everything that arrives. */
function fillFastOpen(view: SegmentView, cookie: Uint8Array): void {
  view.fastOpenOffset = view.bytes.length;
  view.fastOpenLength = cookie.length;
  view.bytes = Uint8Array.from([...view.bytes, ...cookie]);
}

/** Copies what left, checking on the way that the option area is well formed (RFC 9293 MUST-4, MUST-68, MUST-69). */
export function capture(out: SegmentOut, origins: Origins, at: number): Captured {
  const payload = new Uint8Array(out.payload.total);
  out.payload.copyTo(payload, 0);
  assert.ok(out.wnd >= 0 && out.wnd <= 0xffff, `window field ${out.wnd} does not fit in 16 bits`);
  return {
    at,
    flags: out.flags,
    rawSeq: out.seq | 0,
    rawAck: out.ack | 0,
    seq: (out.seq - origins.sender) | 0,
    ack: out.flags & ACK ? (out.ack - origins.receiver) | 0 : 0,
    wnd: out.wnd,
    urgent: out.urgentPointer,
    payload,
    options: decodeOptions(out.options.subarray(0, out.optionsLength), origins.receiver),
    optionBytes: out.optionsLength,
    optionArea: out.options.slice(0, out.optionsLength),
    ecn: out.ecn,
    retransmission: out.retransmission,
    segmentBytes: out.segmentBytes,
  };
}

/** The segments that whoever cuts them makes of one: CWR on the first, PSH and FIN on the last. */
export function cutSegments(joined: Captured): Captured[] {
  const { segmentBytes, payload } = joined;
  if (segmentBytes === 0) return [joined];
  const segments: Captured[] = [];
  for (let at = 0; at < payload.length; at += segmentBytes) {
    const isLast = at + segmentBytes >= payload.length;
    const dropped = (at > 0 ? CWR : 0) | (isLast ? 0 : PSH | FIN);
    segments.push({
      ...joined,
      rawSeq: (joined.rawSeq + at) | 0,
      seq: (joined.seq + at) | 0,
      flags: joined.flags & ~dropped,
      payload: payload.slice(at, at + segmentBytes),
      segmentBytes: 0,
    });
  }
  return segments;
}

function decodeOptions(bytes: Uint8Array, receiver: number): Options {
  assert.equal(bytes.length % 4, 0, 'the option area is not a multiple of four octets');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const options: Options = {};
  let at = 0;
  while (at < bytes.length) {
    const kind = bytes[at]!;
    if (kind === 0) {
      assert.ok(
        bytes.subarray(at).every((b) => b === 0),
        'RFC9293 MUST-69: padding after EOL is not zero',
      );
      break;
    }
    if (kind === 1) {
      at++;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    assert.ok(length >= 2 && at + length <= bytes.length, `option ${kind} has length ${length}`);
    readOption(options, view, kind, at, length, receiver);
    at += length;
  }
  return options;
}

function readOption(
  options: Options,
  view: DataView,
  kind: number,
  at: number,
  length: number,
  receiver: number,
): void {
  const expected: Record<number, number> = { 2: 4, 3: 3, 4: 2, 8: 10, 28: 4 };
  if (expected[kind] !== undefined) assert.equal(length, expected[kind], `length of option ${kind}`);
  if (kind === 2) options.mss = view.getUint16(at + 2);
  else if (kind === 3) options.ws = view.getUint8(at + 2);
  else if (kind === 4) options.sackOK = true;
  else if (kind === 34) options.fastOpen = hexOf(view, at + 2, length - 2);
  else if (kind === 8) options.ts = [view.getInt32(at + 2), view.getInt32(at + 6)];
  else if (kind === 5) {
    assert.equal((length - 2) % 8, 0, 'length of the SACK option');
    const blocks: [number, number][] = [];
    for (let i = at + 2; i < at + length; i += 8) {
      blocks.push([(view.getInt32(i) - receiver) | 0, (view.getInt32(i + 4) - receiver) | 0]);
    }
    options.sack = blocks;
  }
}

function hexOf(view: DataView, at: number, length: number): string {
  return Buffer.from(view.buffer, view.byteOffset + at, length).toString('hex');
}

/** Whether `got` is what the line says; fields that the line leaves out are free, PSH counts only when it is written. */
export function matches(expected: Described, got: Captured): boolean {
  const mask = expected.flags & PSH ? 0xff : 0xff & ~PSH;
  if ((expected.flags & mask) !== (got.flags & mask)) return false;
  if (expected.seqIsRaw ? (expected.seq | 0) !== got.rawSeq : expected.seq !== got.seq) return false;
  if (expected.ack !== null) {
    if (!(got.flags & ACK)) return false;
    if (expected.ackIsRaw ? (expected.ack | 0) !== got.rawAck : expected.ack !== got.ack) return false;
  }
  if (expected.length !== got.payload.length) return false;
  if (expected.wnd !== null && expected.wnd !== got.wnd) return false;
  if (expected.urgent !== null && expected.urgent !== got.urgent) return false;
  if (expected.ecn !== null && expected.ecn !== got.ecn) return false;
  return expected.options === null || optionsMatch(expected.options, got.options);
}

function optionsMatch(expected: Options, got: Options): boolean {
  for (const name of Object.keys(expected) as (keyof Options)[]) {
    if (JSON.stringify(expected[name]) !== JSON.stringify(got[name])) return false;
  }
  return Object.keys(expected).length > 0 || Object.keys(got).length === 0;
}
