// Keep-alive in the words of `node:net`: whole seconds, and libuv's way to probe where none is given.
import type { Endpoint } from '../stack/endpoint.js';
import type { ConnectionConfig } from '../tcp/config.js';

/** What `setKeepAlive` also takes in place of a boolean. */
export interface KeepAliveOptions {
  /** Default false. */
  enable?: boolean;
  /** Idle milliseconds before the first probe; below a second leaves all times as they are. */
  initialDelay?: number;
  /** Milliseconds between probes. Default: that of the option `tcp`, else one second. */
  interval?: number;
  /** Unanswered probes that end the connection. Default: that of the option `tcp`, else 10. */
  count?: number;
}

/** Keep-alive as it was asked for. Seconds, truncated. */
export interface KeepAlive {
  readonly on: boolean;
  readonly delay: number;
  /** Undefined: the default. */
  readonly interval: number | undefined;
  /** Whatever was given for it. */
  readonly count: unknown;
}

/** How a silent peer is probed when a call does not say. */
export interface Probing {
  readonly intervalMs: number;
  readonly probes: number;
}

const MS = 1000;
/** Of most sockets. */
const NOT_ASKED: KeepAlive = { on: false, delay: 0, interval: undefined, count: undefined };
/** What libuv sets along with the idle time. */
const LIBUV_PROBING: Probing = { intervalMs: MS, probes: 10 };
/** Longer than Linux takes for a time, and more probes than it takes. */
const LONGEST_SECONDS = 32_767;
const MOST_PROBES = 127;

/** The default of a connection with these settings of its own. */
export function probingOf(config: Partial<ConnectionConfig> | undefined): Probing {
  if (config === undefined) return LIBUV_PROBING;
  return {
    intervalMs: config.keepAliveIntervalMs ?? LIBUV_PROBING.intervalMs,
    probes: config.keepAliveProbes ?? LIBUV_PROBING.probes,
  };
}

/** Milliseconds as whole seconds; nonsense is 0, as for `node:net`. */
export function wholeSeconds(ms: unknown): number {
  return ~~((ms as number) / MS);
}

/** The arguments of `setKeepAlive`. */
export function askedKeepAlive(
  enable: boolean | KeepAliveOptions | undefined,
  initialDelay: number | undefined,
  interval: number | undefined,
  count: number | undefined,
): KeepAlive {
  if (!enable && !initialDelay && interval === undefined && count === undefined) return NOT_ASKED;
  const given =
    typeof enable === 'object' && enable !== null ? enable : { enable, initialDelay, interval, count };
  return {
    on: Boolean(given.enable),
    delay: wholeSeconds(given.initialDelay),
    interval: given.interval === undefined ? undefined : wholeSeconds(given.interval),
    count: given.count,
  };
}

/** Whether asking for the one after the other changes nothing. */
export function isSameKeepAlive(a: KeepAlive, b: KeepAlive): boolean {
  if (a.on !== b.on) return false;
  return !a.on || (a.delay === b.delay && a.interval === b.interval && a.count === b.count);
}

/** A number that counts; 0 is one that was meant, and what is none takes the default. */
function countOr(given: unknown, ms: number, otherwise: number): number {
  return Number.isInteger(given) && (given as number) >= 0 ? (given as number) * ms : otherwise;
}

/** Does to a connection what libuv and Linux do: an invalid number ends it there, and what came before it holds. */
export function applyKeepAlive(
  endpoint: Endpoint,
  { on, delay, interval, count }: KeepAlive,
  probing: Probing = LIBUV_PROBING,
): void {
  const intervalMs = countOr(interval, MS, probing.intervalMs);
  const probes = countOr(count, 1, probing.probes);
  const isTimed = on && delay >= 1 && delay <= LONGEST_SECONDS && intervalMs > 0 && probes > 0;
  endpoint.setKeepAlive(on, isTimed ? delay * MS : 0);
  if (!isTimed || intervalMs > LONGEST_SECONDS * MS) return;
  const { keepAliveProbes } = endpoint.connection;
  endpoint.setKeepAliveProbing(intervalMs, probes > MOST_PROBES ? keepAliveProbes : probes);
}
