// The services in one of several workers, each with a stack of its own on a queue of the device.
import type { StackWorker, WorkerService } from '../../../src/workers/worker.js';
import { type NetLike, serveAll } from './services.js';

/** Opens them where `data` says. */
export default async function serve({ stack, data }: StackWorker): Promise<WorkerService> {
  const moved = await serveAll(stack.net as unknown as NetLike, data as string);
  return { metrics: () => moved };
}
