// A running stack for one verb: its namespace, link, log, ladder and capture, and their end in the right order. What a run
// does not ask for is not loaded either: the first SYN should not have to wait for it.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createStack, type SynwaveStack } from '../create-stack.js';
import type { Socket } from '../net/socket.js';
import type { LadderTrace } from '../observe/ladder.js';
import { createLogger } from '../observe/logger.js';
import { type PinoTrace, pinoTrace } from '../observe/pino.js';
import { RecorderGroup } from '../observe/recorder-group.js';
import { type Clock, SystemClock } from '../stack/clock.js';
import type { Link } from '../stack/link.js';
import type { StackTrace } from '../stack/trace.js';
import { State } from '../tcp/state.js';
import { environmentError, networkError, usageError } from './failure.js';
import { makesDevice } from './link-choice.js';
import type { MemoryPeer } from './memory-peer.js';
import { claimNamespace, HOST } from './namespace.js';
import { type OpenedLink, openLink } from './open-link.js';
import { isOn, readStackSettings, type StackSettings } from './options.js';
import { peopleLog } from './people-log.js';
import { openTap } from './tap-server.js';
import type { Context } from './verb.js';

/** A connection of the stack, shaped as that of `node:net`. */
export type StackSocket = Socket;

/** Settings of `openSession`. */
export interface SessionOptions {
  /** The verb writes payload to stdout, so that the log cannot go there, even without `--json`. */
  readonly stdoutIsData?: boolean;
  /** Further listeners of the stack's events. */
  readonly observers?: readonly StackTrace[];
  /** Ports on which the verb will listen, or from which it will connect. */
  readonly ports?: readonly number[];
}

/** Longest time that connections get to end in order when a verb is through, in milliseconds. */
const DRAIN_MS = 4000;
const DRAIN_POLL_MS = 10;

/**
 * Opens everything that the options ask for. Each piece is registered with the lifetime as soon as it exists; an
 * interrupted run resets its connections, so that the peers know.
 * @throws CliFailure, or an error with a stable `code` of the layer that refused
 */
export async function openSession(
  context: Context,
  verb: string,
  options: SessionOptions = {},
): Promise<Session> {
  const settings = readStackSettings(context.args.values);
  refuseSharedStdout(settings, options.stdoutIsData === true || isOn(context.args.values, 'json'));
  await refuseClash(settings);
  const claim = makesDevice(settings.link) ? claimNamespace(settings.netns, verb, context.life) : null;
  const parts: Parts = { context, settings, clock: new SystemClock() };
  const log = pinoTrace({ logger: openLogger(parts), lang: settings.lang });
  const ladder = await openLadder(parts);
  const opened = await openLink(settings, options.ports ?? []);
  const { link, peer } = opened;
  context.life.defer(`the link ${link.name}`, () => link.close());
  if (peer !== null) context.life.defer('the peer', () => peer.close());
  claim?.addDevice(link.name);
  const observers = [log, ...(ladder === null ? [] : [ladder]), ...(options.observers ?? [])];
  return openStack(
    parts,
    { ...opened, link: await openImpairment(parts, link, log, ladder) },
    log,
    observers,
    verb,
  );
}

/** Nothing else may go where the verb's data, the document of `--json`, the log or the capture goes. @throws CliFailure */
export function refuseSharedStdout({ log, capture }: StackSettings, taken: boolean): void {
  if (log === '-' && taken) {
    throw usageError('stdout carries the output of this verb', 'write the log to a file: --log FILE');
  }
  if (capture === '-' && (taken || log === '-')) {
    throw usageError('stdout carries other output already', 'write the capture to a file: -w FILE');
  }
}

const STDOUT = 1;

/** What the pieces of a session share. */
interface Parts {
  readonly context: Context;
  readonly settings: StackSettings;
  readonly clock: Clock;
}

async function openStack(
  { context, settings, clock }: Parts,
  { link, addresses, peer }: OpenedLink,
  log: PinoTrace,
  observers: readonly StackTrace[],
  verb: string,
): Promise<Session> {
  let announce: (error: Error) => void = () => {};
  const failed = new Promise<Error>((resolve) => {
    announce = resolve;
  });
  const { capture } = settings;
  let usable = addresses.length;
  const taps = new RecorderGroup();
  const stack = await createStack({
    taps,
    link,
    addresses,
    clock,
    lang: settings.lang,
    observers,
    ...(settings.gateways.length === 0 ? {} : { gateway: settings.gateways }),
    config: settings.connection,
    isn: settings.isn === null ? 'rfc6528' : { fixed: settings.isn },
    onLinkFailure: (error) => {
      log.sys('error', { err: error.message }, clock.now(), error.message);
      announce(error);
    },
    onNotice: ({ message, ...fields }) => {
      log.sys('warn', fields, clock.now(), message);
      // Without any address there is nothing left to do.
      if (fields.isLost === true && --usable === 0) announce(networkError(message));
    },
    ...(capture === null
      ? {}
      : {
          capture: {
            target: capture === '-' ? STDOUT : capture,
            onError: (error) => context.terminal.complain(`the capture ended early: ${error.message}`),
          },
        }),
  });
  context.life.defer('the stack', () => stack.close());
  await openTap(taps, { link, addresses, netns: settings.netns, verb }, context.life);
  return new Session(settings, stack, failed, peer);
}

/** A stack in use by a verb. It ends with the verb's lifetime. */
export class Session {
  /**
   * @param failed resolves when the link is gone under the stack; never otherwise
   */
  constructor(
    readonly settings: StackSettings,
    readonly stack: SynwaveStack,
    readonly failed: Promise<Error>,
    /** Who is at the other end of a link inside of this process; null for all others. */
    readonly peer: MemoryPeer | null,
  ) {}

  /** The first address of the stack. */
  get address(): string {
    return this.settings.addresses[0]!.address.toString();
  }

  /**
   * Listens on all addresses of the stack. Accepted sockets may be half-closed, and are paused until somebody reads.
   * @throws error with `code` EADDRINUSE, EADDRNOTAVAIL …
   */
  listen(port: number, accept: (socket: StackSocket) => void): Promise<void> {
    const server = this.stack.net.createServer({ allowHalfOpen: true }, accept);
    const { backlog } = this.settings;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, ...(backlog === undefined ? {} : { backlog }) }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  }

  /** Connects. What goes wrong is emitted by the socket. */
  connect(options: { host: string; port: number; localPort?: number }): StackSocket {
    return this.stack.net.connect({ ...options, allowHalfOpen: true });
  }

  /**
   * Waits until all that was sent is delivered and both directions of every connection have ended, but not for long.
   * TIME-WAIT is waited for when `--msl` makes it short: whoever asks for that wants to see its end.
   */
  async drain(): Promise<void> {
    const waitForAll = 2 * (this.settings.mslMs ?? Number.POSITIVE_INFINITY) <= DRAIN_MS;
    const deadline = performance.now() + DRAIN_MS;
    while (performance.now() < deadline && this.isBusy(waitForAll)) await sleep(DRAIN_POLL_MS);
    await this.stack.close();
  }

  private isBusy(countTimeWait: boolean): boolean {
    for (const { connection } of this.stack.connections()) {
      if (countTimeWait || connection.state !== State.TIME_WAIT) return true;
    }
    return false;
  }
}

/** Refuses addresses that the machine has, or routes elsewhere. @throws CliFailure */
export async function refuseClash(settings: StackSettings): Promise<void> {
  if (settings.netns !== HOST || !makesDevice(settings.link)) return;
  const { subjectOf } = await import('./doctor/check.js');
  const { addressClash } = await import('./doctor/network.js');
  const found = [await addressClash(subjectOf(settings, []))]
    .flat()
    .find((finding) => finding.verdict === 'FAIL');
  if (found !== undefined) throw environmentError(`${found.found}. ${found.meaning}`, found.remedy ?? '');
}

const LEVELS = { '-1': 'error', 0: 'info', 1: 'debug', 2: 'trace' } as const;

/** The least level that is logged. */
export function logLevel({ verbosity, log, ladder }: StackSettings): 'error' | 'info' | 'debug' | 'trace' {
  const level = LEVELS[verbosity as keyof typeof LEVELS];
  if (log !== null) return verbosity < 0 ? 'info' : level;
  // A diagram with log lines between its rows is no diagram.
  return ladder && verbosity < 1 ? 'error' : level;
}

function openLogger({ context, settings, clock }: Parts): Logger {
  const { log } = settings;
  const destination = log === null ? peopleLog(context.terminal) : log === '-' ? STDOUT : log;
  return createLogger({ destination, level: logLevel(settings), clock });
}

/** Payloads up to so many bytes are shown in the ladder. */
const PREVIEW_BYTES = 24;

async function openLadder({ context, settings }: Parts): Promise<LadderTrace | null> {
  if (!settings.ladder) return null;
  const { ladderTrace } = await import('../observe/ladder.js');
  const ladder = ladderTrace({
    live: process.stderr,
    lang: settings.lang,
    color: context.terminal.color,
    previewBytes: PREVIEW_BYTES,
  });
  context.life.defer('the ladder', () => ladder.finish());
  return ladder;
}

async function openImpairment(
  { settings }: Parts,
  link: Link,
  log: PinoTrace,
  ladder: LadderTrace | null,
): Promise<Link> {
  const faults = settings.impairment;
  if (faults === null) return link;
  const { impair } = await import('../link/impair.js');
  const { PreciseClock } = await import('../link/precise-clock.js');
  return impair(link, {
    ...faults,
    clock: new PreciseClock(),
    onAct: (act) => {
      log.onAct(act);
      ladder?.onAct(act);
    },
  });
}
