// One datagram that comes in fragments (RFC 791 §3.2, RFC 8200 §4.5): what of it is there, and whether the pieces fit. How
// many of them there are, and how long they are kept, is the business of fragment-table.ts.
import { KeyedEntry } from './keyed-table.js';

/** What became of a fragment. */
export const FragmentFate = {
  /** Kept; something is missing still. */
  KEPT: 0,
  /** Nothing is missing any more. */
  COMPLETE: 1,
  /** The same octets at the same place were here already: a network may double packets (RFC 8200 §4.5). */
  DUPLICATE: 2,
  /** It contradicts what is here: another fragment covers some of its octets, or the datagram ends elsewhere. */
  OVERLAP: 3,
} as const;

/** One of the values of `FragmentFate`. */
export type FragmentFate = (typeof FragmentFate)[keyof typeof FragmentFate];

/** Octets of a datagram, from `start` on. */
class Piece {
  next: Piece | null = null;
  previous: Piece | null = null;

  constructor(
    readonly start: number,
    readonly bytes: Uint8Array,
  ) {}

  get end(): number {
    return this.start + this.bytes.length;
  }
}

/** What the objects around a fragment cost, in bytes; memory is bounded with them, not for payload alone. */
const PIECE_COST = 256;
const DATAGRAM_COST = 512;

/** A datagram, from its first fragment until it is whole, given up or forgotten. Places are octets of its data. */
export class FragmentedDatagram extends KeyedEntry {
  /** Everything in front of the data in the packet of fragment zero, or null until that came. Set with fragment zero. */
  header: Uint8Array | null = null;
  /** IPv6: place in `header` of the octet that names the fragment header. */
  namedAt = 0;
  /** True once fragments contradicted each other: what comes later is dropped, too (RFC 5722 §4). */
  isGivenUp = false;
  /** False once the table has let go of it. */
  isHeld = true;
  /** Pieces that it is made of so far. */
  count = 0;
  /** Octets of the longest packet among the fragments'. */
  largestPacket = 0;
  private first: Piece | null = null;
  private last: Piece | null = null;
  private received = 0;
  private total = -1;
  private ecnSeen = 0;

  /**
   * @param key addresses, protocol and identification, as the table hashes them
   * @param hash of the key
   * @param begunAt clock ms of its first fragment
   * @param deadline clock ms at which it is given up
   */
  constructor(
    key: Int32Array,
    hash: number,
    readonly begunAt: number,
    readonly deadline: number,
  ) {
    super(key, hash);
  }

  /** What it costs to hold, in bytes. */
  get cost(): number {
    return DATAGRAM_COST + (this.header?.length ?? 0) + this.count * PIECE_COST + this.received;
  }

  /** Octets of data, once the last fragment has told. */
  get length(): number {
    return this.total;
  }

  /**
   * Adds the fragment `bytes[offset … offset + length)`, which is copied.
   * @param start its place in the data
   * @param more whether others follow it
   * @param ecn ECN codepoint of its packet
   */
  add(
    bytes: Uint8Array,
    offset: number,
    length: number,
    start: number,
    more: boolean,
    ecn: number,
  ): FragmentFate {
    const end = start + length;
    if (more ? this.total >= 0 && end >= this.total : !this.mayEndAt(end)) return FragmentFate.OVERLAP;
    // Fragments come in order as a rule, so the place is near the end. `count` bounds the steps.
    let before = this.last;
    while (before !== null && before.start > start) before = before.previous;
    if (before !== null && before.end > start) {
      return isSame(before, start, bytes, offset, length) ? FragmentFate.DUPLICATE : FragmentFate.OVERLAP;
    }
    const behind = before === null ? this.first : before.next;
    if (behind !== null && behind.start < end) return FragmentFate.OVERLAP;

    const copy = new Uint8Array(length);
    copy.set(bytes.subarray(offset, offset + length));
    this.insert(new Piece(start, copy), before, behind);
    if (!more) this.total = end;
    this.ecnSeen |= 1 << ecn;
    return this.received === this.total ? FragmentFate.COMPLETE : FragmentFate.KEPT;
  }

  /** Copies all data to `target` at `at`; it must be complete. */
  copyTo(target: Uint8Array, at: number): void {
    for (let piece = this.first; piece !== null; piece = piece.next)
      target.set(piece.bytes, at + piece.start);
  }

  /** The packet of fragment zero as it came, for an error that quotes it, or null when it did not come. */
  firstPacket(): Uint8Array | null {
    if (this.header === null || this.first === null) return null;
    const packet = new Uint8Array(this.header.length + this.first.bytes.length);
    packet.set(this.header);
    packet.set(this.first.bytes, this.header.length);
    return packet;
  }

  /**
   * The ECN codepoint of the whole (RFC 3168 §5.3), or -1 when there is none that loses no mark: some fragment met
   * congestion, and another said that its transport does not understand that.
   */
  get ecn(): number {
    const seen = this.ecnSeen;
    if (seen & CE) return seen & NOT_ECT ? -1 : 3;
    // Where routers bleached some fragments, the whole claims no more than the least of them.
    if (seen & NOT_ECT) return 0;
    return seen & ECT_0 ? 2 : 1;
  }

  /** Lets go of the data. */
  clear(): void {
    this.first = null;
    this.last = null;
    this.header = null;
    this.count = 0;
    this.received = 0;
  }

  /** Whether a fragment that says to be the last one may end there. */
  private mayEndAt(end: number): boolean {
    return this.total < 0 ? this.last === null || this.last.end < end : this.total === end;
  }

  private insert(piece: Piece, before: Piece | null, behind: Piece | null): void {
    piece.previous = before;
    piece.next = behind;
    if (before === null) this.first = piece;
    else before.next = piece;
    if (behind === null) this.last = piece;
    else behind.previous = piece;
    this.count++;
    this.received += piece.bytes.length;
  }
}

const NOT_ECT = 1 << 0;
const ECT_0 = 1 << 2;
const CE = 1 << 3;

function isSame(piece: Piece, start: number, bytes: Uint8Array, offset: number, length: number): boolean {
  if (piece.start !== start || piece.bytes.length !== length) return false;
  for (let i = 0; i < length; i++) if (piece.bytes[i] !== bytes[offset + i]) return false;
  return true;
}
