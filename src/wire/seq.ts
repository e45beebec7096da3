// Sequence-number arithmetic modulo 2^32 (RFC 9293 §3.4). Numbers are held as int32 so that V8 keeps them
// as small integers; use `toUint32` only where a person or another program reads them.

/** A sequence or acknowledgment number as a signed 32-bit integer. */
export type Seq = number;

/** `seq + n`, modulo 2^32, as int32. */
export function seqAdd(seq: Seq, n: number): Seq {
  return (seq + n) | 0;
}

/** Signed distance `a - b`, right while the two are less than 2^31 apart. */
export function seqDiff(a: Seq, b: Seq): number {
  return (a - b) | 0;
}

/** True when `a` comes before `b`. */
export function seqLt(a: Seq, b: Seq): boolean {
  return ((a - b) | 0) < 0;
}

/** True when `a` comes before `b` or equals it. */
export function seqLeq(a: Seq, b: Seq): boolean {
  return ((a - b) | 0) <= 0;
}

/** True when `a` comes after `b`. */
export function seqGt(a: Seq, b: Seq): boolean {
  return ((a - b) | 0) > 0;
}

/** True when `a` comes after `b` or equals it. */
export function seqGeq(a: Seq, b: Seq): boolean {
  return ((a - b) | 0) >= 0;
}

/** The later of two sequence numbers. */
export function seqMax(a: Seq, b: Seq): Seq {
  return seqGt(a, b) ? a : b;
}

/** The earlier of two sequence numbers. */
export function seqMin(a: Seq, b: Seq): Seq {
  return seqLt(a, b) ? a : b;
}

/** The unsigned reading of a sequence number, for display and for files. */
export function toUint32(seq: Seq): number {
  return seq >>> 0;
}
