// What the serving verbs do in each of several workers: the offers, and a tally of what they carried.
import type { StackWorker, WorkerService } from '../workers/worker.js';
import { acceptorOf, type Offer, type ServeOptions } from './offers.js';
import { type Carried, ServedTally } from './served-tally.js';

/** What the verb tells its workers. */
export interface ServingOrder {
  readonly offers: readonly Offer[];
  readonly options: ServeOptions;
  readonly isQuiet: boolean;
}

const tally = new ServedTally();

/** Counts from the stack's first event on. */
export const observers = () => [tally];

/** Takes the connections of all offers. */
export default async function serve({ data }: StackWorker): Promise<WorkerService> {
  const { offers, options, isQuiet } = data as ServingOrder;
  const say = (line: string) => {
    if (!isQuiet) process.stderr.write(`${line}\n`);
  };
  const takers = new Map<number, Awaited<ReturnType<typeof acceptorOf>>>();
  for (const offer of offers) takers.set(offer.port, await acceptorOf(offer, options, say));
  return {
    connection: (socket, port) => takers.get(port)!(socket),
    metrics: (): Carried[] => offers.map(({ port }) => tally.on(port)),
  };
}
