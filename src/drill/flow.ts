// One connection as the script numbers it: between the numbers of the script and those on the wire. The script's own end
// uses its numbers as they are; those of the subject are shifted by its initial sequence number and timestamp.
import type { SequenceNumber } from './script.js';

/** A tuple, and what the script calls its numbers. Sequence numbers are unsigned. */
export class Flow {
  /** The subject's sequence numbers are the script's plus this; null until its SYN was seen. */
  offset: number | null = null;
  /** The script's number of the subject's SYN. */
  iss = 0;
  /** Number of the script's own SYN. */
  irs: number | null = null;
  /** A SYN of another incarnation went in: the subject may choose a new initial number. */
  mayRestart = false;
  /** Behind the highest number that the subject sent, as the script counts; null before anything. */
  highest: number | null = null;
  /** What the script's end has acknowledged last. */
  private acknowledged: number | null = null;
  /** The script's TSval to the live one, for what was seen. */
  private readonly timestamps = new Map<number, number>();
  /** Live minus script, from the first one seen. */
  timestampOffset: number | null = null;
  lastTimestamp: number | null = null;

  /**
   * @param localPort the subject's
   * @param remotePort the script's
   * @param ports as the script calls them, or null when it does not
   */
  constructor(
    readonly localPort: number,
    readonly remotePort: number,
    readonly ports: { readonly local: number; readonly remote: number } | null,
  ) {}

  /** The subject's number on the wire. */
  toWire(number: SequenceNumber): number {
    if (number.kind === 'any') return ((this.highest ?? 0) + (this.offset ?? 0)) >>> 0;
    return number.kind === 'absolute' ? number.value : (number.value + (this.offset ?? 0)) >>> 0;
  }

  /** The script's number for one of the subject's on the wire. */
  toScript(live: number): number {
    return (live - (this.offset ?? 0)) >>> 0;
  }

  /** Takes the subject's SYN, which the script numbers `scriptSeq`. */
  learn(live: number, scriptSeq: number): void {
    this.offset = (live - scriptSeq) >>> 0;
    this.iss = scriptSeq;
    this.mayRestart = false;
    this.highest = null;
    this.acknowledged = null;
    this.timestamps.clear();
    this.timestampOffset = null;
    this.lastTimestamp = null;
  }

  /** Notes what the subject has sent. @param end script number behind the segment */
  noteSent(end: number): void {
    if (this.highest === null || isAfter(end, this.highest)) this.highest = end;
  }

  /** Notes what the script's end acknowledges. */
  noteAcknowledged(ack: number): void {
    this.acknowledged = ack;
  }

  /** Something that the subject sent is not acknowledged. */
  get isInFlight(): boolean {
    return this.highest !== null && (this.acknowledged === null || isAfter(this.highest, this.acknowledged));
  }

  /** Pairs a timestamp of the script with the live one that came in its place. */
  pairTimestamp(script: number, live: number): void {
    this.timestamps.set(script, live);
    this.timestampOffset ??= (live - script) >>> 0;
  }

  /** The live timestamp that the script's end echoes when the script says `ecr`. */
  echoOf(ecr: number | null): number {
    if (ecr === null) return this.lastTimestamp ?? 0;
    const seen = this.timestamps.get(ecr);
    if (seen !== undefined) return seen;
    return ecr === 0 || this.timestampOffset === null ? ecr : (ecr + this.timestampOffset) >>> 0;
  }
}

/** Whether `a` is behind `b` on the circle of sequence numbers. */
export function isAfter(a: number, b: number): boolean {
  return ((a - b) | 0) > 0;
}
