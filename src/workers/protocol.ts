// What the main thread and its workers tell each other.
import type { TunLinkOptions } from '../link/tun.js';
import type { LinkStats } from '../stack/link.js';
import type { StackOptions } from '../stack/stack.js';
import type { StackStats } from '../stack/stats.js';

/** The part of a stack's settings that can be told to another thread. */
export interface StackSeed extends Pick<StackOptions, 'addresses' | 'limits' | 'isn' | 'ephemeralPorts'> {
  readonly config: Omit<NonNullable<StackOptions['config']>, 'congestion'>;
  /** Name of the congestion controller; absent: the default. */
  readonly congestion?: string | undefined;
  readonly fastOpenKeys: readonly Uint8Array[];
  readonly lang: 'en' | 'zh';
  /** Path of this worker's capture. */
  readonly capture?: string | undefined;
  /** Least level of the log; absent: there is none. */
  readonly logLevel?: string | undefined;
}

/** What a worker begins with. */
export interface WorkerSeed {
  readonly module: string;
  readonly number: number;
  readonly count: number;
  readonly link: TunLinkOptions;
  readonly stack: StackSeed;
  readonly data: unknown;
}

/** Where to listen, in every worker. */
export interface WorkersListenOptions {
  readonly port: number;
  /** An address of the stack. Default: all. */
  readonly host?: string;
  /** As for `node:net`; each worker has so many places. */
  readonly backlog?: number;
  readonly allowHalfOpen?: boolean;
}

/** What one worker counted. */
export interface WorkerMetrics {
  readonly worker: number;
  readonly stats: StackStats;
  readonly link: LinkStats;
  /** Connections now, TIME-WAIT included. */
  readonly connections: number;
  /** What `WorkerService.metrics` said. */
  readonly service: unknown;
}

/** A packet that nobody owns in the worker that was given it. */
export interface Stray {
  readonly packet: Uint8Array;
  /** What the link said of it. */
  readonly hint: number;
  /** The worker that was given it. */
  readonly home: number;
  /** Siblings that have refused it. */
  readonly refusals: number;
}

/** What can be asked of a worker: argument and answer of each. */
export interface Calls {
  /** Opens a port. Answers with it. */
  listen: [WorkersListenOptions, number];
  unlisten: [number, null];
  metrics: [null, WorkerMetrics];
  /** Ends the stack; the argument is how long connections may take to end. Answers with what was counted. */
  close: [number, WorkerMetrics];
}

/** To a worker. */
export type ToWorker =
  | { readonly kind: 'call'; readonly id: number; readonly call: keyof Calls; readonly argument: unknown }
  | { readonly kind: 'stray'; readonly stray: Stray }
  | { readonly kind: 'keys'; readonly keys: readonly Uint8Array[] };

/** An error on its way between threads. */
export interface TellableError {
  readonly message: string;
  readonly code: string | undefined;
  readonly stack: string | undefined;
}

/** From a worker. */
export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'unable'; readonly error: TellableError }
  | { readonly kind: 'link-lost'; readonly error: TellableError }
  | { readonly kind: 'answer'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly error: TellableError }
  | { readonly kind: 'stray'; readonly stray: Stray }
  | { readonly kind: 'log'; readonly lines: readonly string[] };

/** Takes an error apart, for the way. */
export function tellable(error: unknown): TellableError {
  if (!(error instanceof Error)) return { message: String(error), code: undefined, stack: undefined };
  const { message, stack } = error;
  return { message, code: 'code' in error ? String(error.code) : undefined, stack };
}

/** Puts it together again. */
export function errorFrom({ message, code, stack }: TellableError): Error {
  const error = new Error(message);
  if (code !== undefined) Object.assign(error, { code });
  if (stack !== undefined) error.stack = stack;
  return error;
}
