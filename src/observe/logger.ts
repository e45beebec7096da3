// The pino logger that the records are meant for: no pid and host, time in epoch milliseconds with three decimals from
// the stack's clock, so that a simulation logs its virtual time.
import { type DestinationStream, destination as fileDestination, type Level, type Logger, pino } from 'pino';
import type { Clock } from '../stack/clock.js';

/** Settings of `createLogger`. */
export interface LoggerOptions {
  /** A file's path, a file descriptor, or anything with `write`. Default: standard output. */
  destination?: string | number | DestinationStream;
  /** Least level written. Default `info`. */
  level?: Level | 'silent';
  /** Whether `write` returns only when the record has left the process; for paths and descriptors. Default true. */
  sync?: boolean;
  /** Source of `time`. Default: the host's clock with its fraction. */
  clock?: Pick<Clock, 'now' | 'epochMs'>;
}

/**
 * Makes a logger whose lines begin with `level` and `time` and carry nothing of the process.
 * @throws Error of `pino.destination` (`ENOENT`, `EACCES`) when the file cannot be opened in synchronous mode
 */
export function createLogger(options: LoggerOptions = {}): Logger {
  const clock = options.clock ?? { now: () => performance.now(), epochMs: performance.timeOrigin };
  const settings = {
    base: null,
    level: options.level ?? 'info',
    timestamp: () => `,"time":${(clock.epochMs + clock.now()).toFixed(3)}`,
  };
  const target = options.destination ?? 1;
  if (typeof target === 'object') return pino(settings, target);
  return pino(settings, fileDestination({ dest: target, sync: options.sync ?? true }));
}
