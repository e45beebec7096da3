// The fixed table of timers that every connection has. A timer is only a deadline here: who owns the connection asks
// for the earliest one and calls back when it has passed.

/** Timers of a connection; indexes into its table. */
export const Timer = {
  /** Retransmission (RFC 6298), of data, SYN and FIN. */
  RETRANSMISSION: 0,
  /** Zero-window probe (RFC 9293 §3.8.6.1). */
  PERSIST: 1,
  /** Delayed acknowledgment (RFC 9293 §3.8.6.3). */
  DELAYED_ACK: 2,
  /** Keep-alive (RFC 9293 §3.8.4). */
  KEEPALIVE: 3,
  /** 2 MSL in TIME-WAIT (RFC 9293 §3.10.8). */
  TIME_WAIT: 4,
  /** An orphan's stay in FIN-WAIT-2. */
  FIN_WAIT_2: 5,
  /** User timeout, R2 given by the application (RFC 9293 §3.10.8, RFC 5482). */
  USER: 6,
  /** Segments that others overtook are held lost when it fires (RFC 8985 §6.2). */
  REORDERING: 7,
  /** Tail loss probe (RFC 8985 §7). */
  LOSS_PROBE: 8,
  /** The next quantum of a paced connection may leave. */
  PACING: 9,
} as const;
export type Timer = (typeof Timer)[keyof typeof Timer];

/** Names as logged, by timer number. The retransmission timer is called `synrto` while a SYN is outstanding. */
export const TIMER_NAMES = [
  'rto',
  'persist',
  'delack',
  'keepalive',
  'timewait',
  'finwait2',
  'user',
  'reorder',
  'tlp',
  'pacing',
] as const;

const COUNT = TIMER_NAMES.length;
const OFF = Number.POSITIVE_INFINITY;

/** For timers of which none is set. Never written. */
const NONE_SET: number[] = [];
for (let i = 0; i < COUNT; i++) NONE_SET.push(OFF);
/** Tables that nobody uses, to be used again. */
const kept: number[][] = [];
const MOST_KEPT = 256;

/** A table in which none is set. */
export function takeTable(): number[] {
  return kept.pop() ?? NONE_SET.slice();
}

/** Nobody looks into this table any more, and none is set in it. */
export function giveBackTable(table: number[]): void {
  if (kept.length < MOST_KEPT) kept.push(table);
}

/** Deadlines of one connection in clock milliseconds; Infinity means off. While none is set it holds no table. */
export class Timers {
  private deadlines = NONE_SET;
  /** How many are set. */
  private count = 0;

  /** Starts or moves a timer. */
  set(timer: Timer, at: number): void {
    if (this.deadlines === NONE_SET) this.deadlines = takeTable();
    if (this.deadlines[timer] === OFF) this.count++;
    this.deadlines[timer] = at;
  }

  clear(timer: Timer): void {
    if (this.deadlines[timer] === OFF) return;
    this.deadlines[timer] = OFF;
    if (--this.count === 0) this.release();
  }

  clearAll(): void {
    if (this.deadlines === NONE_SET) return;
    this.deadlines.fill(OFF);
    this.count = 0;
    this.release();
  }

  isSet(timer: Timer): boolean {
    return this.deadlines[timer]! !== OFF;
  }

  deadline(timer: Timer): number {
    return this.deadlines[timer]!;
  }

  isDue(timer: Timer, now: number): boolean {
    return this.deadlines[timer]! <= now;
  }

  /** The earliest deadline, or Infinity. */
  next(): number {
    let next = OFF;
    if (this.count === 0) return next;
    for (let i = 0; i < COUNT; i++) if (this.deadlines[i]! < next) next = this.deadlines[i]!;
    return next;
  }

  private release(): void {
    giveBackTable(this.deadlines);
    this.deadlines = NONE_SET;
  }
}
