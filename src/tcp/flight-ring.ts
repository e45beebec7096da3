// The memory of a flight: parallel typed arrays, taken when something leaves and given back when all of it has arrived, so
// that a connection at rest holds none. Rings that were given back are used again: a flight that begins allocates nothing.

/** A power of two of records, as parallel arrays; what they mean is told in flight.ts. */
export class FlightRing {
  readonly ends: Int32Array;
  readonly marks: Uint8Array;
  readonly sent: Float64Array;
  readonly sentBefores: Float64Array;
  readonly delivered: Float64Array;
  readonly deliveredTimes: Float64Array;
  readonly firstSentTimes: Float64Array;
  readonly lostThen: Float64Array;
  readonly inFlightThen: Float64Array;

  constructor(readonly size: number) {
    this.ends = new Int32Array(size);
    this.marks = new Uint8Array(size);
    this.sent = new Float64Array(size);
    this.sentBefores = new Float64Array(size);
    this.delivered = new Float64Array(size);
    this.deliveredTimes = new Float64Array(size);
    this.firstSentTimes = new Float64Array(size);
    this.lostThen = new Float64Array(size);
    this.inFlightThen = new Float64Array(size);
  }

  /** Takes over the records of a smaller ring, the first of which stands at `head` there and at 0 here. */
  takeOver(old: FlightRing, head: number): void {
    unroll(old.ends, this.ends, head);
    unroll(old.marks, this.marks, head);
    unroll(old.sent, this.sent, head);
    unroll(old.sentBefores, this.sentBefores, head);
    unroll(old.delivered, this.delivered, head);
    unroll(old.deliveredTimes, this.deliveredTimes, head);
    unroll(old.firstSentTimes, this.firstSentTimes, head);
    unroll(old.lostThen, this.lostThen, head);
    unroll(old.inFlightThen, this.inFlightThen, head);
  }
}

function unroll<T extends Int32Array | Uint8Array | Float64Array>(old: T, wider: T, head: number): void {
  wider.set(old.subarray(head));
  wider.set(old.subarray(0, head), old.length - head);
}

/** The ring of a flight that is empty. */
export const NO_RING = new FlightRing(0);

const LEAST_RECORDS = 8;
/** Rings that are kept: of each size up to this many records, so many. */
const MOST_RECORDS_KEPT = 1024;
const MOST_KEPT = 64;

const kept = new Map<number, FlightRing[]>();
for (let size = LEAST_RECORDS; size <= MOST_RECORDS_KEPT; size *= 2) kept.set(size, []);

/** A ring of `size` records, a power of two, or of the least size there is. What is in it is of no meaning. */
export function takeRing(size: number): FlightRing {
  const records = Math.max(size, LEAST_RECORDS);
  return kept.get(records)?.pop() ?? new FlightRing(records);
}

/** Nobody looks into this ring any more. */
export function giveBackRing(ring: FlightRing): void {
  const same = kept.get(ring.size);
  if (same !== undefined && same.length < MOST_KEPT) same.push(ring);
}
