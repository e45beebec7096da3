// The thread of a worker: a stack on a queue of its own, what its module does with it, and the wishes of the main thread.
import { parentPort, workerData } from 'node:worker_threads';
import { createStack, type SynwaveStack } from '../create-stack.js';
import { tunLink } from '../link/tun.js';
import type { Server } from '../net/server.js';
import { createLogger } from '../observe/logger.js';
import { SystemClock } from '../stack/clock.js';
import { controllerNamed } from '../tcp/congestion/registry.js';
import {
  type Calls,
  type FromWorker,
  type Stray,
  type ToWorker,
  tellable,
  type WorkerMetrics,
  type WorkerSeed,
  type WorkersListenOptions,
} from './protocol.js';
import type { WorkerModule, WorkerService } from './worker.js';

const seed = workerData as WorkerSeed;
const port = parentPort!;
const tell = (message: FromWorker) => port.postMessage(message);

/** Collects lines until the present task is over. */
class LogLines {
  private lines: string[] = [];

  write(line: string): void {
    if (this.lines.push(line) === 1) setImmediate(() => this.flush());
  }

  flush(): void {
    if (this.lines.length > 0) tell({ kind: 'log', lines: this.lines });
    this.lines = [];
  }
}

const log = new LogLines();

/** A running worker. */
class Thread {
  private readonly servers = new Map<number, Server>();

  constructor(
    private readonly stack: SynwaveStack,
    private readonly service: WorkerService,
  ) {}

  async answer<C extends keyof Calls>(call: C, argument: Calls[C][0]): Promise<Calls[C][1]> {
    const calls: { [K in keyof Calls]: (argument: Calls[K][0]) => Promise<Calls[K][1]> } = {
      listen: (options) => this.listen(options),
      unlisten: (which) => this.unlisten(which),
      metrics: async () => this.metrics(),
      close: async (timeoutMs) => {
        await this.stack.close({ timeoutMs });
        log.flush();
        return this.metrics();
      },
    };
    return calls[call](argument);
  }

  takeStray(stray: Stray): void {
    const { packet, hint, home, refusals } = stray;
    const isReturned = home === seed.number;
    const isTaken = this.stack.core.takeStray(packet, hint, isReturned);
    if (!isTaken && !isReturned) tell({ kind: 'stray', stray: { ...stray, refusals: refusals + 1 } });
  }

  renewKeys(keys: readonly Uint8Array[]): void {
    this.stack.core.setFastOpenKeys(keys);
  }

  private listen(options: WorkersListenOptions): Promise<number> {
    const { connection } = this.service;
    const { port: wanted, host, backlog, allowHalfOpen = false } = options;
    if (connection === undefined)
      throw new Error(`${seed.module} takes no connections: return { connection }`);
    let number = wanted;
    const server = this.stack.net.createServer({ allowHalfOpen }, (socket) => connection(socket, number));
    const where = { port: wanted, ...(host === undefined ? {} : { host }) };
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ ...where, ...(backlog === undefined ? {} : { backlog }) }, () => {
        server.off('error', reject);
        number = (server.address() as { port: number }).port;
        this.servers.set(number, server);
        resolve(number);
      });
    });
  }

  /** Accepted connections go on. */
  private async unlisten(which: number): Promise<null> {
    this.servers.get(which)?.close();
    this.servers.delete(which);
    return null;
  }

  private metrics(): WorkerMetrics {
    const { stats, core } = this.stack;
    return {
      worker: seed.number,
      stats,
      link: core.link.stats,
      connections: core.connectionCount,
      service: this.service.metrics?.(),
    };
  }
}

function openLog(level: string | undefined, clock: SystemClock): ReturnType<typeof createLogger> | null {
  if (level === undefined) return null;
  const logger = createLogger({ destination: log, level: level as 'info', clock });
  return logger.child({ worker: seed.number });
}

async function openStack(module: WorkerModule): Promise<SynwaveStack> {
  const { congestion, config, capture, logLevel, ...options } = seed.stack;
  const clock = new SystemClock();
  const logger = openLog(logLevel, clock);
  const chosen = congestion === undefined ? null : controllerNamed(congestion);
  if (chosen === null && congestion !== undefined)
    throw new Error(`no congestion control is called ${congestion}`);
  const link = await tunLink(seed.link);
  const siblings = {
    show(packet: Uint8Array, hint: number) {
      const stray = { packet: packet.slice(), hint, home: seed.number, refusals: 0 };
      tell({ kind: 'stray', stray });
    },
  };
  return createStack({
    ...options,
    link,
    clock,
    config: { ...config, ...(chosen === null ? {} : { congestion: chosen }) },
    observers: module.observers?.() ?? [],
    ...(seed.count > 1 ? { siblings } : {}),
    ...(logger === null ? {} : { logger }),
    ...(capture === undefined ? {} : { capture }),
    onLinkFailure: (error) => tell({ kind: 'link-lost', error: tellable(error) }),
  });
}

async function begin(): Promise<Thread> {
  const module = (await import(seed.module)) as WorkerModule;
  const stack = await openStack(module);
  const { number, count, data } = seed;
  return new Thread(stack, (await module.default({ number, count, stack, data })) ?? {});
}

function receive(thread: Thread, message: ToWorker): void {
  if (message.kind === 'stray') thread.takeStray(message.stray);
  else if (message.kind === 'keys') thread.renewKeys(message.keys);
  else {
    const { id, call, argument } = message;
    void thread.answer(call, argument as never).then(
      (result) => tell({ kind: 'answer', id, result }),
      (error) => tell({ kind: 'refusal', id, error: tellable(error) }),
    );
  }
}

try {
  const thread = await begin();
  port.on('message', (message: ToWorker) => receive(thread, message));
  tell({ kind: 'ready' });
} catch (error) {
  log.flush();
  tell({ kind: 'unable', error: tellable(error) });
}
