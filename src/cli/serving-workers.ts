// The serving verbs on several cores: what `serving.ts` does on one stack, on one for each queue of a TUN device.
import { openSync, writeSync } from 'node:fs';
import type { WorkerMetrics } from '../workers/protocol.js';
import { type StackWorkers, stackWorkers } from '../workers/stack-workers.js';
import { ExitCode, environmentError, usageError } from './failure.js';
import { formatLink } from './link-choice.js';
import { claimNamespace, HOST } from './namespace.js';
import type { Offer, ServeOptions } from './offers.js';
import { isOn, readStackSettings, type StackSettings, textOf } from './options.js';
import { peopleLog } from './people-log.js';
import type { Carried } from './served-tally.js';
import { announce } from './serving-notice.js';
import type { ServingOrder } from './serving-worker.js';
import { logLevel, refuseClash, refuseSharedStdout } from './session.js';
import type { Context } from './verb.js';

/**
 * Starts the workers, opens all offers on each of them and waits for a signal.
 * @throws CliFailure for what only one stack can do, and when a worker ends by itself
 */
export async function serveByWorkers(
  context: Context,
  verb: string,
  offers: readonly Offer[],
  options: ServeOptions,
  count: number,
): Promise<number> {
  const { args, life, terminal } = context;
  const settings = readStackSettings(args.values);
  refuseSingular(settings);
  refuseSharedStdout(settings, isOn(args.values, 'json'));
  await refuseClash(settings);
  const claim = claimNamespace(settings.netns, verb, life);
  const order: ServingOrder = { offers, options, isQuiet: terminal.quiet };
  const workers = await open(context, settings, order, count);
  life.defer('the workers', async () => {
    const metrics = await workers.close();
    if (isOn(args.values, 'json')) terminal.document(summary(context, verb, settings, offers, metrics));
  });
  claim.addDevice(workers.device);
  for (const { port } of offers) {
    const { backlog } = settings;
    await workers.listen({ port, allowHalfOpen: true, ...(backlog === undefined ? {} : { backlog }) });
  }
  announce(context, settings, offers);
  terminal.say(`${count} workers, each on a queue of ${workers.device}`);
  const failure = await Promise.race([life.interrupted.then(() => null), workers.failed]);
  if (failure === null) return ExitCode.OK;
  const { worker, error } = failure;
  throw environmentError(`worker ${worker} has failed: ${error.message}`, 'start the verb again');
}

function refuseSingular({ link, ladder, impairment, capture }: StackSettings): void {
  const alone = 'leave --workers out: one stack can do it';
  if (link.kind !== 'tun') {
    throw usageError(
      `--link ${formatLink(link)} has no queues for --workers`,
      'take a TUN device: --link tun:NAME',
    );
  }
  if (ladder) throw usageError('--ladder draws one stack, not several workers', alone);
  if (impairment !== null)
    throw usageError('faults of the link are played on one stack, not on several workers', alone);
  if (capture === '-') throw usageError('several workers write a capture each', 'name a file: -w run.pcapng');
}

function open(
  { args, terminal }: Context,
  settings: StackSettings,
  data: ServingOrder,
  workers: number,
): Promise<StackWorkers> {
  const { link, netns, mtu, offload, addresses, hostAddresses, capture, isn, lang } = settings;
  const { congestion: _, ...config } = settings.connection;
  const congestion = textOf(args.values, 'cc');
  return stackWorkers({
    module: new URL('./serving-worker.js', import.meta.url),
    workers,
    link: {
      name: (link as { device: string }).device,
      hostAddress: hostAddresses,
      offload,
      ...(netns === HOST ? {} : { netns }),
      ...(mtu === null ? {} : { mtu }),
    },
    addresses: addresses.map((own) => `${own.address}/${own.prefix}`),
    data,
    config,
    lang,
    log: { destination: logOf(settings, terminal), level: logLevel(settings) },
    ...(congestion === undefined ? {} : { congestion }),
    ...(isn === null ? {} : { isn: { fixed: isn } }),
    ...(capture === null ? {} : { capture }),
  });
}

function logOf({ log }: StackSettings, terminal: Context['terminal']): { write(line: string): void } {
  if (log === null) return peopleLog(terminal);
  if (log === '-') return process.stdout;
  const file = openSync(log, 'a');
  return { write: (line) => void writeSync(file, line) };
}

/** What `--json` prints when the workers have ended. */
function summary(
  { life }: Context,
  verb: string,
  { link, netns, addresses }: StackSettings,
  offers: readonly Offer[],
  metrics: readonly WorkerMetrics[],
): object {
  const carried = metrics.map(({ service }) => service as Carried[]);
  const services = offers.map(({ kind, port }, i) => ({
    service: kind,
    port,
    ...sum(carried.map((each) => each[i]!)),
  }));
  const workers = metrics.map(({ worker, stats }, i) => ({ worker, ...sum(carried[i]!), counters: stats }));
  return {
    verb,
    link: formatLink(link),
    netns,
    addresses: addresses.map((own) => `${own.address}/${own.prefix}`),
    services,
    ...sum(carried.flat()),
    workers,
    ended: life.signal ?? 'failure',
  };
}

function sum(all: readonly Carried[]): Carried {
  const total = { connections: 0, bytesIn: 0, bytesOut: 0 };
  for (const { connections, bytesIn, bytesOut } of all) {
    total.connections += connections;
    total.bytesIn += bytesIn;
    total.bytesOut += bytesOut;
  }
  return total;
}
