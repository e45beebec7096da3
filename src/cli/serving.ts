// What the serving verbs share: services on ports of one stack, until somebody ends them.

import { statSync } from 'node:fs';
import { ExitCode, usageError } from './failure.js';
import { formatLink } from './link-choice.js';
import { acceptorOf, type Offer, type ServeOptions } from './offers.js';
import { isOn, type OptionSpecs, type OptionValues, textOf } from './options.js';
import { ServedTally } from './served-tally.js';
import { announce } from './serving-notice.js';
import { openSession, type Session } from './session.js';
import { parseInteger } from './values.js';
import type { Context, JsonOutput } from './verb.js';

/** The option `--workers` of the serving verbs. */
export const WORKERS_OPTION: OptionSpecs = {
  workers: {
    type: 'string',
    value: 'N',
    help: 'N stacks in threads of their own, each on a queue of the TUN device (default 1)',
  },
};

function readWorkers(values: OptionValues): number {
  const text = textOf(values, 'workers');
  return text === undefined ? 1 : parseInteger(text, '--workers', 1, 255);
}

/** `--json` of the serving verbs. */
export const SERVED_DOCUMENT: JsonOutput = {
  prints: 'services, connections, bytes, counters, what ended it',
};

/**
 * Opens a stack, serves all offers on it and waits for a signal.
 * @throws CliFailure when two offers want one port, or a folder is none
 */
export async function serve(
  context: Context,
  verb: string,
  offers: readonly Offer[],
  options: ServeOptions,
): Promise<number> {
  checkOffers(offers);
  const workers = readWorkers(context.args.values);
  if (workers > 1) {
    const { serveByWorkers } = await import('./serving-workers.js');
    return serveByWorkers(context, verb, offers, options, workers);
  }
  const tally = isOn(context.args.values, 'json') ? new ServedTally() : null;
  let served: Session | null = null;
  // Registered first, so that it comes last: what the end of the stack still sends and counts is told as well.
  context.life.defer('the document', () => {
    if (served !== null && tally !== null)
      context.terminal.document(summary(context, verb, served, offers, tally));
  });
  const session = await openSession(context, verb, {
    ports: offers.map((offer) => offer.port),
    ...(tally === null ? {} : { observers: [tally] }),
  });
  served = session;
  for (const offer of offers) {
    await session.listen(offer.port, await acceptorOf(offer, options, (line) => context.terminal.say(line)));
  }
  announce(context, session.settings, offers);
  void visitAll(context, session, offers);
  await Promise.race([context.life.interrupted, session.failed]);
  if (!context.life.isInterrupted) throw await session.failed;
  return ExitCode.OK;
}

/** What `--json` prints when a serving verb has ended. */
function summary(
  { life }: Context,
  verb: string,
  session: Session,
  offers: readonly Offer[],
  tally: ServedTally,
): object {
  const { link, netns, addresses } = session.settings;
  return {
    verb,
    link: formatLink(link),
    netns,
    addresses: addresses.map((own) => `${own.address}/${own.prefix}`),
    services: offers.map(({ kind, port }) => ({ service: kind, port, ...tally.on(port) })),
    ...tally.total,
    counters: session.stack.stats,
    ended: life.signal ?? 'failure',
  };
}

function checkOffers(offers: readonly Offer[]): void {
  const ports = new Set<number>();
  for (const { port, directory } of offers) {
    if (ports.has(port)) throw usageError(`two services want port ${port}`, 'give each its own');
    ports.add(port);
    if (directory !== undefined && !statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
      throw usageError(`${directory} is not a folder`, 'name the folder to serve: synwave http ./site');
    }
  }
}

/** Nobody outside reaches a stack in memory: its peer visits each service once, for there to be something to see. */
async function visitAll(
  { terminal }: Context,
  { peer, address }: Session,
  offers: readonly Offer[],
): Promise<void> {
  if (peer === null) return;
  terminal.say('nobody outside of this process reaches it; the other stack visits every service once');
  for (const { kind, port } of offers) {
    try {
      const { sent, received } = await peer.visit(address, port, kind === 'http');
      terminal.say(`visited ${kind} on ${port}: ${sent} bytes there, ${received} back`);
    } catch (error) {
      terminal.complain(`visit to ${kind} on ${port}: ${(error as Error).message}`);
    }
  }
}
