// The life of one run: what must be undone at its end, in which order, and what signals do to it.
import { ExitCode } from './failure.js';

interface Undo {
  readonly what: string;
  readonly run: () => void | Promise<void>;
  /** The part of it that cannot wait, for forced ends: synchronous, and safe after `run` began. */
  readonly force: (() => void) | null;
}

/** Longest time that the orderly end of one thing may take before the next is undone, in milliseconds. */
const UNDO_LIMIT_MS = 5000;

/** Signals that follow the first within this time are echoes of it. */
const ECHO_MS = 250;

/** Collects what a run makes, and takes it back: last made, first removed. */
export class Lifetime {
  /** The first signal that asked for the end, or null. */
  signal: NodeJS.Signals | null = null;
  private signalledAt = 0;
  private readonly undos: Undo[] = [];
  private ending: Promise<void> | null = null;
  private announce: (signal: NodeJS.Signals) => void = () => {};
  /** Resolves with the first signal; never without one. */
  readonly interrupted = new Promise<NodeJS.Signals>((resolve) => {
    this.announce = resolve;
  });

  /**
   * @param complain prints what went wrong while things were removed
   */
  constructor(private readonly complain: (text: string) => void) {}

  /** True once the run was asked to end by a signal. */
  get isInterrupted(): boolean {
    return this.signal !== null;
  }

  /**
   * Registers what to undo at the end.
   * @param force synchronous rest of it, run when the process must go at once
   */
  defer(what: string, run: () => void | Promise<void>, force: (() => void) | null = null): void {
    this.undos.push({ what, run, force });
  }

  /** Undoes everything. Errors are printed and do not stop the rest. Idempotent. */
  end(): Promise<void> {
    this.ending ??= this.undoAll();
    return this.ending;
  }

  /** Runs the synchronous part of every undo that is still due. */
  force(): void {
    for (const undo of this.undos.splice(0).reverse()) {
      try {
        undo.force?.();
      } catch (error) {
        this.complain(`could not remove ${undo.what}: ${(error as Error).message}`);
      }
    }
  }

  /** The first signal ends the run in order, a later one at once. */
  onSignal(signal: NodeJS.Signals): void {
    const now = performance.now();
    if (this.signal === null) {
      this.signal = signal;
      this.signalledAt = now;
      this.announce(signal);
      return;
    }
    // A wrapper (npx, sudo, our own user-namespace parent) passes on what the terminal had sent to us already.
    if (now - this.signalledAt < ECHO_MS) return;
    this.force();
    process.exit(exitCodeOf(signal));
  }

  private async undoAll(): Promise<void> {
    for (let undo = this.undos.at(-1); undo !== undefined; undo = this.undos.at(-1)) {
      try {
        await withLimit(undo.run());
      } catch (error) {
        this.complain(`could not remove ${undo.what}: ${(error as Error).message}`);
        undo.force?.();
      }
      const index = this.undos.indexOf(undo);
      if (index >= 0) this.undos.splice(index, 1);
    }
  }
}

async function withLimit(work: void | Promise<void>): Promise<void> {
  if (!(work instanceof Promise)) return;
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${UNDO_LIMIT_MS} ms`)), UNDO_LIMIT_MS);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** 130 for SIGINT, 128 + number for the others, as shells report them. */
export function exitCodeOf(signal: NodeJS.Signals): number {
  return signal === 'SIGTERM' ? 143 : signal === 'SIGHUP' ? 129 : ExitCode.INTERRUPTED;
}

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/**
 * Runs `body` with a lifetime that ends with it: on return, on error, on a signal, on an uncaught exception, and even
 * when something calls `process.exit`.
 * @returns what `body` returned, or the exit code of the signal that ended it
 */
export async function withLifetime(
  complain: (text: string) => void,
  body: (life: Lifetime) => Promise<number>,
): Promise<number> {
  const life = new Lifetime(complain);
  const onSignal = (signal: NodeJS.Signals) => life.onSignal(signal);
  const onExit = () => life.force();
  const crash = withResolvers<never>();
  let ending = false;
  const onCrash = (error: unknown) => {
    if (ending) complain(`while ending: ${(error as Error)?.message ?? String(error)}`);
    else crash.reject(error);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  process.on('exit', onExit);
  process.on('uncaughtException', onCrash);
  process.on('unhandledRejection', onCrash);
  try {
    const signalled = life.interrupted.then(exitCodeOf);
    return await Promise.race([body(life), signalled, crash.promise]);
  } finally {
    ending = true;
    await life.end();
    for (const signal of SIGNALS) process.off(signal, onSignal);
    process.off('exit', onExit);
    process.off('uncaughtException', onCrash);
    process.off('unhandledRejection', onCrash);
  }
}

function withResolvers<T>(): { promise: Promise<T>; reject: (reason: unknown) => void } {
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<T>((_, no) => {
    reject = no;
  });
  return { promise, reject };
}
