// The clock behind `socket.setTimeout`: armed once, it looks at the time of the last activity when it fires, so that
// activity costs one assignment.
import type { Clock, ScheduledCall } from '../stack/clock.js';

/** Calls back after a time without activity, and again after the next activity and silence. */
export class IdleTimer {
  private durationMs = 0;
  private lastActivity = 0;
  private call: ScheduledCall | null = null;
  private readonly check = () => this.onDue();

  constructor(
    private readonly clock: Clock,
    private readonly onIdle: () => void,
  ) {}

  /** Starts anew with `ms`, or stops with 0. Never keeps the process alive. */
  set(ms: number): void {
    this.call?.cancel();
    this.call = null;
    this.durationMs = ms;
    if (ms > 0) this.touch();
  }

  /** Something moved on the connection. */
  touch(): void {
    if (this.durationMs === 0) return;
    this.lastActivity = this.clock.now();
    if (this.call === null) this.arm(this.lastActivity + this.durationMs);
  }

  private arm(at: number): void {
    this.call = this.clock.schedule(at, this.check);
    this.call.unref();
  }

  private onDue(): void {
    this.call = null;
    const due = this.lastActivity + this.durationMs;
    if (this.clock.now() < due) this.arm(due);
    else this.onIdle();
  }
}
