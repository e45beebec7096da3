// What retransmission timeouts have cost a connection: how many there were, and how long it took to get over them.

/** Counts of one connection. A recovery begins with a timeout and ends when what it held lost is acknowledged. */
export class TimeoutTally {
  /** Timeouts, those of a SYN and repeated ones included. */
  timeouts = 0;
  /** Recoveries begun. */
  recoveries = 0;
  private finishedMs = 0;
  /** When the present recovery began; negative outside of one. */
  private since = -1;

  /** The retransmission timer fired for something in flight. */
  onTimeout(now: number): void {
    this.timeouts++;
    if (this.since >= 0) return;
    this.since = now;
    this.recoveries++;
  }

  /** The present recovery, if there is one, is over; or the connection is. */
  onEnd(now: number): void {
    if (this.since < 0) return;
    this.finishedMs += now - this.since;
    this.since = -1;
  }

  /** Time spent in recoveries up to `now`, in ms. */
  msUntil(now: number): number {
    return this.finishedMs + (this.since < 0 ? 0 : now - this.since);
  }
}
