// Connections that Fast Open has handed to the application of one listener and whose handshake is not over:
// PendingFastOpenRequests (RFC 7413 §4.2, §5.1).

/**
 * How long a connection counts after its peer has reset it: whoever makes strangers answer our SYN-ACKs by RST would free the
 * places by it, and keep the application at work for nobody.
 */
const RESET_COUNTS_MS = 60_000;

/** Counts them. */
export class PendingFastOpens {
  private open = 0;
  /** Clock ms at which those that were reset count no more, oldest first; never more than the limit lets begin. */
  private readonly resets: number[] = [];

  /** How many count now. */
  count(now: number): number {
    while (this.resets.length > 0 && this.resets[0]! <= now) this.resets.shift();
    return this.open + this.resets.length;
  }

  begin(): void {
    this.open++;
  }

  /** The handshake is over, or the connection is. */
  end(byReset: boolean, now: number): void {
    this.open--;
    if (byReset) this.resets.push(now + RESET_COUNTS_MS);
  }
}
