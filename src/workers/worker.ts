// What a program gives to each of its workers, and what it gets there: the module that runs in every thread.
import type { SynwaveStack } from '../create-stack.js';
import type { Socket } from '../net/socket.js';
import type { StackTrace } from '../stack/trace.js';

/** One of several stacks with the same addresses, in a thread of its own. */
export interface StackWorker {
  /** 1 … `count`. */
  readonly number: number;
  readonly count: number;
  readonly stack: SynwaveStack;
  /** `StackWorkersOptions.data`, copied. */
  readonly data: unknown;
}

/** What a worker does when it is asked from the main thread. */
export interface WorkerService {
  /** Takes a connection of a port that `StackWorkers.listen` has opened. */
  connection?(socket: Socket, port: number): void;
  /** What `StackWorkers.metrics` tells beside the counters. Must be fit for `postMessage`. */
  metrics?(): unknown;
}

/** The module of a worker. */
export interface WorkerModule {
  /** Runs once the stack is there. The workers are open when all of these have returned. */
  default(worker: StackWorker): undefined | WorkerService | Promise<undefined | WorkerService>;
  /** Further listeners of the stack's events, made before the stack. */
  observers?(): readonly StackTrace[];
}
