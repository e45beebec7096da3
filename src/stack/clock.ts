// Time as the stack and the links see it: milliseconds with a fraction, monotonic. The real clock and the
// virtual one live here; nothing else in the stack asks the host for the time.

/** A pending call of `Clock.schedule`. */
export interface ScheduledCall {
  /** Takes the call back; harmless when it has run. */
  cancel(): void;
  /** Whether this call keeps the process alive (it does until `unref`). */
  ref(): void;
  unref(): void;
}

/** A source of time and of wake-ups. */
export interface Clock {
  /** Monotonic milliseconds with a fraction. */
  now(): number;
  /** Milliseconds since the Unix epoch that correspond to `now() === 0`. */
  readonly epochMs: number;
  /** Runs `callback` once, not before `now() >= at`. */
  schedule(at: number, callback: () => void): ScheduledCall;
}

/** The host's monotonic clock and Node's timers. */
export class SystemClock implements Clock {
  readonly epochMs = performance.timeOrigin;

  now(): number {
    return performance.now();
  }

  schedule(at: number, callback: () => void): ScheduledCall {
    const delay = at - performance.now();
    // Node's shortest timer takes a millisecond; what is due already should not wait for it.
    return delay <= 0 ? immediate(callback) : timeout(callback, Math.ceil(delay));
  }
}

function immediate(callback: () => void): ScheduledCall {
  const pending = setImmediate(callback);
  return {
    cancel: () => clearImmediate(pending),
    // It runs in this very turn of the event loop; unreferenced, it would wait for something else to wake the loop up.
    ref: () => {},
    unref: () => {},
  };
}

function timeout(callback: () => void, delayMs: number): ScheduledCall {
  const pending = setTimeout(callback, delayMs);
  return {
    cancel: () => clearTimeout(pending),
    ref: () => void pending.ref(),
    unref: () => void pending.unref(),
  };
}

interface VirtualCall extends ScheduledCall {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
  cancelled: boolean;
}

/**
 * A clock that stands still until it is told to move. Calls due at the same instant run in the order in which they
 * were scheduled, so a run depends on nothing but its inputs.
 */
export class VirtualClock implements Clock {
  private time: number;
  private order = 0;
  private calls: VirtualCall[] = [];

  /**
   * @param start first value of `now()`, in milliseconds
   * @param epochMs Unix time of `now() === 0`; default 2024-01-01T00:00:00Z
   */
  constructor(
    start = 0,
    readonly epochMs = 1_704_067_200_000,
  ) {
    this.time = start;
  }

  now(): number {
    return this.time;
  }

  schedule(at: number, callback: () => void): ScheduledCall {
    const call: VirtualCall = {
      at: Math.max(at, this.time),
      order: this.order++,
      callback,
      cancelled: false,
      cancel() {
        this.cancelled = true;
      },
      ref() {},
      unref() {},
    };
    let i = this.calls.length;
    while (i > 0 && this.calls[i - 1]!.at > call.at) i--;
    this.calls.splice(i, 0, call);
    return call;
  }

  /** Time of the next pending call, or Infinity. */
  nextCallAt(): number {
    while (this.calls.length > 0 && this.calls[0]!.cancelled) this.calls.shift();
    return this.calls.length > 0 ? this.calls[0]!.at : Number.POSITIVE_INFINITY;
  }

  /** Moves to the next pending call and runs it. Returns false when there is none at or before `limit`. */
  step(limit = Number.POSITIVE_INFINITY): boolean {
    const at = this.nextCallAt();
    if (at === Number.POSITIVE_INFINITY || at > limit) return false;
    const call = this.calls.shift()!;
    this.time = Math.max(this.time, call.at);
    call.callback();
    return true;
  }

  /** Runs everything due up to `at`, then stands at `at`. */
  advanceTo(at: number): void {
    while (this.step(at)) {}
    if (at > this.time) this.time = at;
  }

  /** `advanceTo(now() + ms)`. */
  advance(ms: number): void {
    this.advanceTo(this.time + ms);
  }
}

/** Nanoseconds since the Unix epoch at the clock's `nowMs`, without the rounding of one sum of milliseconds. */
export function epochNanoseconds(epochMs: number, nowMs: number): bigint {
  const epochWhole = Math.floor(epochMs);
  const nowWhole = Math.floor(nowMs);
  const fraction = Math.round((epochMs - epochWhole + (nowMs - nowWhole)) * 1e6);
  return BigInt(epochWhole + nowWhole) * 1_000_000n + BigInt(fraction);
}
