// `createStack`: the one place where a link, a stack, its sockets, the log and the capture are put together.
import type { Logger } from 'pino';
import { captureLink } from './link/capture.js';
import { createNet, type Net } from './net/net.js';
import type { Lang } from './observe/lexicon.js';
import { type PcapngOptions, PcapngWriter } from './observe/pcapng.js';
import { pinoTrace } from './observe/pino.js';
import { RecorderGroup } from './observe/recorder-group.js';
import { commentTrace } from './observe/state-comments.js';
import { TraceHub } from './observe/trace-hub.js';
import { SystemClock } from './stack/clock.js';
import type { Endpoint } from './stack/endpoint.js';
import { systemError } from './stack/errors.js';
import type { StackNotice } from './stack/notices.js';
import { Stack, type StackOptions } from './stack/stack.js';
import type { StackStats } from './stack/stats.js';
import type { StackTrace } from './stack/trace.js';

/** Settings of `createStack`; those of `StackOptions` and these. */
export interface CreateStackOptions extends Omit<StackOptions, 'trace'> {
  /** Any pino logger. Every transition becomes one record at level info; see `createLogger` for one with the stack's time. */
  logger?: Logger;
  /** A pcapng file of everything that crosses the link: its path, or the settings of the writer. */
  capture?: string | Partial<PcapngOptions>;
  /** Recorders of the same that come and go while the stack runs. It costs a test for each packet while it is empty. */
  taps?: RecorderGroup;
  /** Further listeners of the stack's events, such as `ladderTrace()`. */
  observers?: readonly StackTrace[];
  /** Language of log messages and packet comments. Default English. */
  lang?: Lang;
}

/** A stack in use: sockets shaped as those of `node:net`, and what stands behind them. */
export interface SynwaveStack {
  /** `createServer`, `connect`, `Socket`, `Server` … on this stack. */
  readonly net: Net;
  /** Connections, listeners and counters without the sockets. */
  readonly core: Stack;
  /** Live counters. */
  readonly stats: StackStats;
  /** All connections, TIME-WAIT included, in no order. */
  connections(): IterableIterator<Endpoint>;
  /**
   * Ends listeners and connections, then the link, then the capture. Idempotent.
   * @param options.timeoutMs how long connections may take to end in order before they are reset; default 0
   */
  close(options?: { timeoutMs?: number }): Promise<void>;
}

/**
 * Puts a stack on a link.
 * @throws Error with code EINVAL for addresses that no host can have and routes that lead nowhere; EADDRINUSE with
 *   `duplicateDetection: 'strict'` when another station uses an address; the errors of the file system when the capture cannot
 *   be written
 */
export async function createStack(options: CreateStackOptions): Promise<SynwaveStack> {
  const clock = options.clock ?? new SystemClock();
  const lang = options.lang ?? 'en';
  const log = options.logger === undefined ? null : pinoTrace({ logger: options.logger, lang });
  const hub = new TraceHub(options.observers);
  if (log !== null) hub.add(log);
  const link = withCapture(options, clock, lang, hub);
  const taken: StackNotice[] = [];
  const core = new Stack({
    ...options,
    clock,
    link,
    trace: hub.current,
    onLinkFailure: (error) => {
      log?.sys('error', { err: error.message }, clock.now(), error.message);
      options.onLinkFailure?.(error);
    },
    onNotice: (notice) => {
      const { message, ...fields } = notice;
      log?.sys('warn', fields, clock.now(), message);
      if (notice.code === 'EADDRINUSE') taken.push(notice);
      options.onNotice?.(notice);
    },
  });
  if (options.duplicateDetection === 'strict') await claimed(core, taken);
  // As with `node:net`, it is sockets and servers that keep a process alive; a mere TIME-WAIT does not.
  core.unref();
  return {
    core,
    net: createNet(core),
    stats: core.stats,
    connections: () => core.connections(),
    close: (closing) => core.close(closing),
  };
}

/** Waits until all addresses are known to be free; closes the stack when one is not. */
async function claimed(core: Stack, taken: readonly StackNotice[]): Promise<void> {
  await core.ready;
  const [notice] = taken;
  if (notice === undefined) return;
  await core.close();
  throw systemError('EADDRINUSE', 'claim', notice.address, undefined, notice.message);
}

/** What the header of a capture says of a link and of the stack's addresses on it. */
export function describeLink(
  link: StackOptions['link'],
  addresses: readonly string[],
): Partial<PcapngOptions> {
  return {
    medium: link.medium,
    interfaceName: link.name,
    addresses,
    names: addresses.map((address) => ({ address: address.split('/')[0]!, name: 'stack' })),
  };
}

/** The capture stands next to the stack: it sees what the stack sees, and comments can reach their packets. */
function withCapture(
  options: CreateStackOptions,
  clock: NonNullable<StackOptions['clock']>,
  lang: Lang,
  hub: TraceHub,
): StackOptions['link'] {
  const { capture, link, addresses, taps } = options;
  if (capture === undefined && taps === undefined) return link;
  const recorders = taps ?? new RecorderGroup();
  if (capture !== undefined) {
    const chosen = typeof capture === 'string' ? { target: capture } : capture;
    recorders.add(
      new PcapngWriter({ target: 'synwave.pcapng', ...describeLink(link, addresses), ...chosen }),
    );
  }
  const captured = captureLink(link, recorders, { clock });
  hub.add(
    commentTrace({
      annotate: (packetId, text) => captured.annotate(packetId, text),
      event: (fields) => captured.event(fields),
      lang,
    }),
  );
  return captured;
}
