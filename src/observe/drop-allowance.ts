// How many dropped packets may be logged: a flood of bad packets must not become a flood of records.

const SECOND_MS = 1000;

/** Lets so many records through in a second, and remembers how many it held back. */
export class DropAllowance {
  private windowStart = Number.NEGATIVE_INFINITY;
  private taken = 0;
  private suppressed = 0;

  constructor(private readonly perSecond: number) {}

  /** Whether one more may be logged; counts it when not. */
  take(now: number): boolean {
    if (now - this.windowStart >= SECOND_MS) {
      this.windowStart = now;
      this.taken = 0;
    }
    if (this.taken >= this.perSecond) {
      this.suppressed++;
      return false;
    }
    this.taken++;
    return true;
  }

  /** Puts the number held back since the last record on this one, as `suppressed`. */
  tell(fields: Record<string, unknown>): void {
    if (this.suppressed > 0) fields.suppressed = this.suppressed;
    this.suppressed = 0;
  }
}
