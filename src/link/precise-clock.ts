// The host's clock with wake-ups finer than Node's timers, for links that model a path: at 100 Mbit/s eight packets
// leave in the millisecond that `setTimeout` knows as its shortest. Needs the native addon.
import type { NativeAlarm } from '../native/binding.js';
import { loadBinding } from '../native/load.js';
import type { Clock, ScheduledCall } from '../stack/clock.js';

/** Tells the same time as `SystemClock`; a scheduled call comes some tens of microseconds after its time, never before. */
export class PreciseClock implements Clock {
  readonly epochMs = performance.timeOrigin;
  private readonly alarm: NativeAlarm;
  /** By time; those of the same time in the order in which they were scheduled. */
  private readonly calls: PendingCall[] = [];
  /** What the alarm is set for, or Infinity. */
  private setFor = Number.POSITIVE_INFINITY;
  private ringing = false;
  private referenced = 0;
  private scheduled = 0;

  /** @throws NativeBindingError (`ERR_SYNWAVE_NATIVE`) when the addon is not there */
  constructor() {
    const { Alarm } = loadBinding();
    this.alarm = new Alarm(() => this.ring());
  }

  now(): number {
    return performance.now();
  }

  schedule(at: number, callback: () => void): ScheduledCall {
    const call = new PendingCall(this, this.scheduled++, at, callback);
    const { calls } = this;
    let i = calls.length;
    while (i > 0 && calls[i - 1]!.at > at) i--;
    calls.splice(i, 0, call);
    this.count(1);
    this.arm();
    return call;
  }

  /** Lets go of the kernel's timer. Pending calls are forgotten. */
  close(): void {
    this.calls.length = 0;
    this.alarm.close();
  }

  /** @internal Takes a call out; false when it is not there any more. */
  remove(call: PendingCall): boolean {
    const i = this.calls.indexOf(call);
    if (i < 0) return false;
    this.calls.splice(i, 1);
    // The alarm stays as it is: a ring for nothing costs less than to set it for every call that is taken back.
    return true;
  }

  /** @internal Counts the calls that keep the process alive. */
  count(change: 1 | -1): void {
    this.referenced += change;
    if (change === 1 && this.referenced === 1) this.alarm.ref();
    if (change === -1 && this.referenced === 0) this.alarm.unref();
  }

  private arm(): void {
    const next = this.calls[0];
    if (this.ringing || next === undefined || next.at >= this.setFor) return;
    this.setFor = next.at;
    this.alarm.set(next.at - performance.now());
  }

  /** Runs what is due. What becomes due meanwhile waits for the next ring, so that other handles get their turn. */
  private ring(): void {
    const now = performance.now();
    const { calls, scheduled } = this;
    this.setFor = Number.POSITIVE_INFINITY;
    this.ringing = true;
    try {
      for (let next = calls[0]; next !== undefined && next.at <= now; next = calls[0]) {
        if (next.order >= scheduled) break;
        calls.shift();
        next.unref();
        next.callback();
      }
    } finally {
      // Also after a callback that threw: the others must not wait for ever.
      this.ringing = false;
      this.arm();
    }
  }
}

class PendingCall implements ScheduledCall {
  private referenced = true;

  constructor(
    private readonly clock: PreciseClock,
    readonly order: number,
    readonly at: number,
    readonly callback: () => void,
  ) {}

  cancel(): void {
    if (this.clock.remove(this)) this.unref();
  }

  ref(): void {
    if (this.referenced) return;
    this.referenced = true;
    this.clock.count(1);
  }

  unref(): void {
    if (!this.referenced) return;
    this.referenced = false;
    this.clock.count(-1);
  }
}
