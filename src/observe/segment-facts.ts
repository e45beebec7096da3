// A segment of either direction as plain numbers for people: relative to ISS and IRS, options named. Built only when
// somebody will read it; deciding that is the observers' business.
import type { SegmentOut } from '../tcp/segment-out.js';
import { ACK, type SegmentView, SYN } from '../wire/segment.js';
import { type Seq, toUint32 } from '../wire/seq.js';

/** Options of a segment under the names of the log's `opts` field; absent ones are undefined. */
export interface OptionFacts {
  /** Maximum segment size in bytes (RFC 9293 §3.2). */
  mss?: number;
  /** Window-scale shift (RFC 7323 §2). */
  ws?: number;
  /** SACK permitted (RFC 2018 §2). */
  sackok?: boolean;
  /** TSval and TSecr as unsigned numbers (RFC 7323 §3). */
  ts?: [number, number];
  /** SACK blocks, relative to the initial number of the data that they acknowledge. */
  sack?: [number, number][];
  /** Length of the Fast Open cookie in bytes, 0 for a request (RFC 7413). */
  tfo?: number;
}

/** One segment, numbers relative to the initial sequence numbers of their directions. */
export interface SegmentFacts {
  /** Seen from our stack. */
  dir: 'in' | 'out';
  /** Number of the packet that carried it; 0 when nobody counts. */
  packetId: number;
  /** Control bits. */
  flags: number;
  seq: number;
  /** Null without the ACK bit. */
  ack: number | null;
  seqRaw: number;
  ackRaw: number | null;
  /** Payload bytes. */
  len: number;
  /** The window field as it stood on the wire. */
  winRaw: number;
  options: OptionFacts;
  /** How often it had been sent before, for segments of ours; 0 for received ones. */
  retransmission: number;
}

/** `seq` counted from `base`, modulo 2^32. */
export function relativeTo(base: Seq, seq: Seq): number {
  return toUint32(seq - base);
}

/** Reads a received segment. `iss` and `irs` are the connection's initial sequence numbers. */
export function receivedFacts(segment: SegmentView, iss: Seq, irs: Seq): SegmentFacts {
  const acknowledges = (segment.flags & ACK) !== 0;
  // A SYN is the origin of its direction, also when it is refused and IRS stays unset.
  const origin = segment.flags & SYN && irs === 0 ? segment.seq : irs;
  return {
    dir: 'in',
    packetId: segment.packetId,
    flags: segment.flags,
    seq: relativeTo(origin, segment.seq),
    ack: acknowledges ? relativeTo(iss, segment.ack) : null,
    seqRaw: toUint32(segment.seq),
    ackRaw: acknowledges ? toUint32(segment.ack) : null,
    len: segment.payloadLength,
    winRaw: segment.wnd,
    options: receivedOptions(segment, iss),
    retransmission: 0,
  };
}

/** Reads a segment of ours that is leaving. */
export function sentFacts(segment: SegmentOut, iss: Seq, irs: Seq): SegmentFacts {
  const acknowledges = (segment.flags & ACK) !== 0;
  return {
    dir: 'out',
    packetId: segment.packetId,
    flags: segment.flags,
    seq: relativeTo(iss, segment.seq),
    ack: acknowledges ? relativeTo(irs, segment.ack) : null,
    seqRaw: toUint32(segment.seq),
    ackRaw: acknowledges ? toUint32(segment.ack) : null,
    len: segment.payload.total,
    winRaw: segment.wnd,
    options: encodedOptions(segment.options, segment.optionsLength, irs),
    retransmission: segment.retransmission,
  };
}

function receivedOptions(segment: SegmentView, iss: Seq): OptionFacts {
  const options: OptionFacts = {};
  if (segment.mss >= 0) options.mss = segment.mss;
  if (segment.windowScale >= 0) options.ws = segment.windowScale;
  if (segment.sackPermitted) options.sackok = true;
  if (segment.hasTimestamps) options.ts = [toUint32(segment.tsVal), toUint32(segment.tsEcr)];
  if (segment.sackCount > 0) {
    options.sack = [];
    for (let i = 0; i < segment.sackCount; i++) {
      const left = segment.sackEdges[2 * i]!;
      const right = segment.sackEdges[2 * i + 1]!;
      options.sack.push([relativeTo(iss, left), relativeTo(iss, right)]);
    }
  }
  if (segment.fastOpenLength >= 0) options.tfo = segment.fastOpenLength;
  return options;
}

/** Option kinds (RFC 9293 §3.2 and the IANA registry). */
const KIND = {
  END: 0,
  NOP: 1,
  MSS: 2,
  WINDOW_SCALE: 3,
  SACK_PERMITTED: 4,
  SACK: 5,
  TIMESTAMPS: 8,
  FAST_OPEN: 34,
};

/**
 * Reads encoded options, such as those of a segment of ours.
 * @param origin initial number of the data that SACK blocks speak of
 */
export function encodedOptions(bytes: Uint8Array, length: number, origin: Seq): OptionFacts {
  const options: OptionFacts = {};
  const view = new DataView(bytes.buffer, bytes.byteOffset, Math.min(length, bytes.length));
  let at = 0;
  while (at < view.byteLength) {
    const kind = view.getUint8(at);
    if (kind === KIND.END) break;
    if (kind === KIND.NOP) {
      at++;
      continue;
    }
    if (at + 1 >= view.byteLength) break;
    const size = view.getUint8(at + 1);
    if (size < 2 || at + size > view.byteLength) break;
    readOption(options, view, at, kind, size, origin);
    at += size;
  }
  return options;
}

function readOption(
  options: OptionFacts,
  view: DataView,
  at: number,
  kind: number,
  size: number,
  origin: Seq,
): void {
  if (kind === KIND.MSS && size === 4) options.mss = view.getUint16(at + 2);
  else if (kind === KIND.WINDOW_SCALE && size === 3) options.ws = view.getUint8(at + 2);
  else if (kind === KIND.SACK_PERMITTED) options.sackok = true;
  else if (kind === KIND.TIMESTAMPS && size === 10) {
    options.ts = [view.getUint32(at + 2), view.getUint32(at + 6)];
  } else if (kind === KIND.FAST_OPEN) options.tfo = size - 2;
  else if (kind === KIND.SACK) {
    options.sack = [];
    for (let edge = at + 2; edge + 8 <= at + size; edge += 8) {
      options.sack.push([
        relativeTo(origin, view.getInt32(edge)),
        relativeTo(origin, view.getInt32(edge + 4)),
      ]);
    }
  }
}
