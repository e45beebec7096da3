// What keeps the process alive. The kernel would go on delivering after a program's end; this stack ends with its
// process, so the `net` layer counts who still needs it.

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Holds the event loop open while anyone holds a share. One per `stack.net`. */
export class Liveness {
  private holders = 0;
  private timer: NodeJS.Timeout | null = null;

  /** Whether anyone keeps the process alive. */
  get isHeld(): boolean {
    return this.holders > 0;
  }

  /** Takes a share. */
  hold(): void {
    if (this.holders++ > 0) return;
    if (this.timer === null) this.timer = setInterval(() => {}, LONGEST_TIMER_MS);
    else this.timer.ref();
  }

  /** Gives a share back. */
  release(): void {
    if (--this.holders === 0) this.timer?.unref();
  }
}

/** One holder's share, taken or not. */
export class Share {
  private held = false;

  constructor(private readonly liveness: Liveness) {}

  /** Takes the share or gives it back; no change when it already is so. */
  set(held: boolean): void {
    if (held === this.held) return;
    this.held = held;
    if (held) this.liveness.hold();
    else this.liveness.release();
  }
}
