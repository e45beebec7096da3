// What the serving verbs share: services on ports of one stack, until somebody ends them.

import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { ExitCode, usageError } from './failure.js';
import { formatLink, type LinkChoice } from './link-choice.js';
import { isOn } from './options.js';
import { ServedTally } from './served-tally.js';
import { chargen, discard, echo, type Service } from './services.js';
import { openSession, type Session, type StackSocket } from './session.js';
import type { Context, JsonOutput } from './verb.js';

/** One service on one port. */
export interface Offer {
  readonly kind: 'echo' | 'discard' | 'chargen' | 'http';
  readonly port: number;
  /** Folder of `http`. */
  readonly directory?: string;
}

/** `--json` of the serving verbs. */
export const SERVED_DOCUMENT: JsonOutput = {
  prints: 'services, connections, bytes, counters, what ended it',
};

/** How to serve. */
export interface ServeOptions {
  /** HTTP connections are ended by the server after each response. */
  readonly closeFirst: boolean;
}

const SIMPLE: Readonly<Record<'echo' | 'discard' | 'chargen', Service>> = { echo, discard, chargen };

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
  for (const offer of offers) await openOffer(session, context, offer, options);
  announce(context, session, offers);
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

async function openOffer(
  session: Session,
  context: Context,
  offer: Offer,
  options: ServeOptions,
): Promise<void> {
  const accept =
    offer.kind === 'http'
      ? await httpAcceptor(resolve(offer.directory ?? '.'), context, options)
      : (socket: StackSocket) => SIMPLE[offer.kind as keyof typeof SIMPLE](socket);
  await session.listen(offer.port, accept);
}

/** `node:http` works on any duplex stream: the server never listens, it is handed connections. */
async function httpAcceptor(
  root: string,
  context: Context,
  options: ServeOptions,
): Promise<(socket: StackSocket) => void> {
  const { createServer } = await import('node:http');
  const { fileHandler } = await import('./static-files.js');
  const server = createServer(
    fileHandler({
      root,
      closeAfterResponse: options.closeFirst,
      onServed: (line) => context.terminal.say(line),
    }),
  );
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  });
  return (socket) => void server.emit('connection', socket);
}

function announce(context: Context, session: Session, offers: readonly Offer[]): void {
  const { terminal } = context;
  const { netns, link } = session.settings;
  const what = offers.map(({ kind, port }) => `${kind} on ${port}`).join(', ');
  terminal.say(`${session.address}: ${what}`);
  if (link.kind === 'memory') return;
  const example = offers.find((offer) => offer.kind === 'http') ?? offers[0]!;
  const shown = session.address.includes(':') ? `[${session.address}]` : session.address;
  const command =
    example.kind === 'http'
      ? `curl http://${shown}${example.port === 80 ? '' : `:${example.port}`}/`
      : `nc -N ${session.address} ${example.port}`;
  terminal.say(`${whence(link, netns)}${command}`);
}

/** From where the stack can be reached. */
function whence({ kind }: LinkChoice, netns: string): string {
  if (kind === 'raw' || kind === 'ethernet') return 'from another host: ';
  const way = netns === 'host' ? '' : `synwave sh${netns === 'synwave' ? '' : ` --netns ${netns}`} -- `;
  return `in another terminal: ${way}`;
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
