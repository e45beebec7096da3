// The reused view of one received TCP segment: what `parseTcp` fills and `tcp/` reads. One instance serves a
// whole stack, so nothing here may be kept past the call that received it.
import type { Seq } from './seq.js';

/** TCP control bits (RFC 9293 §3.1), as they stand in octet 13 of the header. */
export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;
export const URG = 0x20;
export const ECE = 0x40;
export const CWR = 0x80;

/** At most four SACK blocks fit in a header (RFC 2018 §3). */
export const MAX_SACK_BLOCKS = 4;

/** One received TCP segment. Offsets point into `bytes`, which belongs to the link. */
export class SegmentView {
  /** Number of the packet that carried it; 0 when nobody counts. */
  packetId = 0;
  sourcePort = 0;
  destinationPort = 0;
  seq: Seq = 0;
  ack: Seq = 0;
  /** Control bits, CWR…FIN. */
  flags = 0;
  /** The raw 16-bit window field, unscaled, 0…65535. */
  wnd = 0;
  /** The raw urgent pointer. */
  urgentPointer = 0;
  /** The slab in which the payload lies. */
  bytes: Uint8Array = new Uint8Array(0);
  payloadOffset = 0;
  payloadLength = 0;
  /** SEG.LEN: payload plus one for SYN and one for FIN. */
  len = 0;
  /** ECN field of the IP header: 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE. */
  ecn = 0;
  /** Whether views of the payload may be kept, which `isKept` then has to tell. */
  mayBeKept = false;
  /** Somebody keeps a view of the payload. */
  isKept = false;
  /** Payload of the largest of the segments that the link has joined to this one, in octets; 0: it is one as it was sent. */
  segmentBytes = 0;
  /** Segments beyond what the length tells: some were shorter, or it took the place of acknowledgments for less. */
  extraSegments = 0;

  /** Segments that it is made of. */
  get segmentCount(): number {
    if (this.segmentBytes === 0) return 1 + this.extraSegments;
    return Math.max(1, Math.ceil(this.payloadLength / this.segmentBytes) + this.extraSegments);
  }

  /** Payload of the largest of them: all of it, or a full segment of the peer. */
  get largestPayloadLength(): number {
    return this.segmentBytes === 0 ? this.payloadLength : Math.min(this.segmentBytes, this.payloadLength);
  }

  /** MSS option, or -1. */
  mss = -1;
  /** Window-scale shift as received (0…255), or -1. */
  windowScale = -1;
  sackPermitted = false;
  hasTimestamps = false;
  /** TSval as int32. */
  tsVal = 0;
  /** TSecr as int32. */
  tsEcr = 0;
  /** SACK blocks present, 0…4. */
  sackCount = 0;
  /** Left and right edges, alternating, as int32. */
  readonly sackEdges = new Int32Array(2 * MAX_SACK_BLOCKS);
  /** User Timeout option in milliseconds, or -1 (RFC 5482). */
  userTimeoutMs = -1;
  /** Fast Open option (RFC 7413): -1 absent, 0 a request, 4…16 the length of the cookie at `fastOpenOffset`. */
  fastOpenLength = -1;
  fastOpenOffset = 0;

  /** Forgets the options of the segment before. */
  clearOptions(): void {
    this.mss = -1;
    this.windowScale = -1;
    this.sackPermitted = false;
    this.hasTimestamps = false;
    this.tsVal = 0;
    this.tsEcr = 0;
    this.sackCount = 0;
    this.userTimeoutMs = -1;
    this.fastOpenLength = -1;
    this.fastOpenOffset = 0;
  }
}

/** `SYN,ACK` as people write it; `none` for a segment without control bits. */
export function formatFlags(flags: number): string {
  const names: string[] = [];
  for (const [bit, name] of FLAG_NAMES) if (flags & bit) names.push(name);
  return names.length > 0 ? names.join(',') : 'none';
}

/** One letter a bit: `SA`, `FA`, `PA`, `R`; `E` and `C` for ECE and CWR; empty for none. */
export function flagLetters(flags: number): string {
  let letters = '';
  for (const [bit, name] of FLAG_NAMES) if (flags & bit) letters += name[0];
  return letters;
}

const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [SYN, 'SYN'],
  [FIN, 'FIN'],
  [RST, 'RST'],
  [PSH, 'PSH'],
  [ACK, 'ACK'],
  [URG, 'URG'],
  [ECE, 'ECE'],
  [CWR, 'CWR'],
];
