// The clock behind `socket.setTimeout`: armed once, it looks at the time of the last activity when it fires, so that
// activity costs one assignment. Nor does a change of the duration move it, unless it would come too late: servers of
// HTTP set one after each response, and none during each request.
import type { Clock, ScheduledCall } from '../stack/clock.js';

/** Calls back after a time without activity, and again after the next activity and silence. */
export class IdleTimer {
  private durationMs = 0;
  private lastActivity = 0;
  private call: ScheduledCall | null = null;
  private callAt = 0;
  private readonly check = () => this.onDue();

  constructor(
    private readonly clock: Clock,
    private readonly onIdle: () => void,
  ) {}

  /** Starts anew with `ms`, or stops with 0. Never keeps the process alive. */
  set(ms: number): void {
    this.durationMs = ms;
    if (ms === 0) return;
    this.lastActivity = this.clock.now();
    const due = this.lastActivity + ms;
    if (this.call !== null && this.callAt > due) this.forgetCall();
    if (this.call === null) this.arm(due);
  }

  /** Stops for good. */
  end(): void {
    this.durationMs = 0;
    this.forgetCall();
  }

  /** Something moved on the connection. */
  touch(): void {
    if (this.durationMs === 0) return;
    this.lastActivity = this.clock.now();
    if (this.call === null) this.arm(this.lastActivity + this.durationMs);
  }

  private forgetCall(): void {
    this.call?.cancel();
    this.call = null;
  }

  private arm(at: number): void {
    this.callAt = at;
    this.call = this.clock.schedule(at, this.check);
    this.call.unref();
  }

  private onDue(): void {
    this.call = null;
    if (this.durationMs === 0) return;
    const due = this.lastActivity + this.durationMs;
    if (this.clock.now() < due) this.arm(due);
    else this.onIdle();
  }
}
