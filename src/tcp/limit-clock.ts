// How long each reason has kept a sender from sending, and how long it had anything to do: the times by which one sees
// whose fault it is that a connection is slow. Kept up to date after each transmission; between two of them nothing changes.
import { LIMIT_NAMES, Limit } from './limit.js';

/** Times of one connection in ms. Each moment since the first note belongs to exactly one limit. */
export class LimitClock {
  /** What stopped the last transmission. */
  by: Limit = Limit.HANDSHAKE;
  private isBusy = false;
  /** Since when both hold; negative before the first note. */
  since = -1;
  private busyMs = 0;
  private handshakeMs = 0;
  /** Of all others, by number; made when one of them is over. */
  private limitedMs: number[] | null = null;

  /**
   * From `now` on the sender is stopped by `by`.
   * @param isBusy something is queued or sent and not acknowledged
   */
  note(by: Limit, isBusy: boolean, now: number): void {
    if (by === this.by && isBusy === this.isBusy && this.since >= 0) return;
    const elapsed = this.elapsed(now);
    this.add(this.by, elapsed);
    if (this.isBusy) this.busyMs += elapsed;
    this.by = by;
    this.isBusy = isBusy;
    this.since = now;
  }

  /** Length of the handshake, when nothing but it has passed and the application has been waited for since; else -1. */
  get handshakeOnlyMs(): number {
    const isOnly = this.limitedMs === null && this.by === Limit.APPLICATION && !this.isBusy;
    return isOnly && this.busyMs === 0 ? this.handshakeMs : -1;
  }

  /** As it was at `now` when `handshakeOnlyMs` was that. */
  static after(handshakeMs: number, now: number): LimitClock {
    const clock = new LimitClock();
    clock.handshakeMs = handshakeMs;
    clock.by = Limit.APPLICATION;
    clock.since = now;
    return clock;
  }

  /** Time for which `limit` has stopped the sender, up to `now`. */
  msBy(limit: Limit, now: number): number {
    const finished = limit === Limit.HANDSHAKE ? this.handshakeMs : (this.limitedMs?.[limit] ?? 0);
    return finished + (limit === this.by ? this.elapsed(now) : 0);
  }

  /** Time for which something was queued or sent and not acknowledged, up to `now`. */
  busyUntil(now: number): number {
    return this.busyMs + (this.isBusy ? this.elapsed(now) : 0);
  }

  private add(limit: Limit, ms: number): void {
    if (limit === Limit.HANDSHAKE) {
      this.handshakeMs += ms;
    } else {
      this.limitedMs ??= new Array<number>(LIMIT_NAMES.length).fill(0);
      this.limitedMs[limit]! += ms;
    }
  }

  private elapsed(now: number): number {
    return this.since < 0 ? 0 : now - this.since;
  }
}
