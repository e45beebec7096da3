// The main thread of several stacks with the same addresses: makes the device, starts a worker for each of its queues, and
// speaks to all of them as to one. No packet passes here but strays.
import { randomBytes } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { parse } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { TunLinkOptions } from '../link/tun.js';
import { type TunQueues, tunQueues } from '../link/tun-queues.js';
import { DEFAULT_PORT_RANGE, type PortRange } from '../stack/ports.js';
import {
  type Calls,
  errorFrom,
  type FromWorker,
  type StackSeed,
  type Stray,
  type ToWorker,
  type WorkerMetrics,
  type WorkersListenOptions,
} from './protocol.js';

/** Queues that the kernel gives a device, without the one that holds it. */
export const MOST_WORKERS = 255;
/** How often the keys of Fast Open cookies are replaced. */
const KEY_LIFE_MS = 86_400_000;
const KEY_BYTES = 16;
/** Ports that the first worker chooses before a port that all can have is given up. */
const MOST_CHOICES = 8;

/** Settings of `stackWorkers`. */
export interface StackWorkersOptions
  extends Partial<Pick<StackSeed, 'config' | 'congestion' | 'limits' | 'isn' | 'lang' | 'ephemeralPorts'>> {
  /** The module that each worker runs: a `WorkerModule`, as a URL or an absolute path. */
  readonly module: URL | string;
  /** How many. Default: one for each processor. */
  readonly workers?: number;
  /** The TUN device; see `tunLink`. */
  readonly link?: Omit<TunLinkOptions, 'queueOf' | 'packetIds'>;
  /** Addresses of the stacks, the same for all. */
  readonly addresses: readonly string[];
  /** Given to the module, copied as by `postMessage`. */
  readonly data?: unknown;
  /** Path of a pcapng file; each worker writes one of its own with its number before the ending: `run-1.pcapng`. */
  readonly capture?: string;
  /** Takes the log of all workers, line by line; each record has the number of its `worker`. */
  readonly log?: { readonly destination: { write(line: string): void }; readonly level?: string };
  /** Told of each worker that ends by itself, and of each whose queue is gone. The others go on. */
  readonly onFailure?: (failure: WorkerFailure) => void;
}

/** A worker that is no more. */
export interface WorkerFailure {
  readonly worker: number;
  readonly error: Error;
}

/** Several stacks, spoken to as one. */
export interface StackWorkers {
  /** Name of the TUN device. */
  readonly device: string;
  /** Numbers of the workers that are alive. */
  readonly alive: readonly number[];
  /** Resolves with the first failure. */
  readonly failed: Promise<WorkerFailure>;
  /**
   * Listens in every worker, or in none. Connections go to `WorkerService.connection`.
   * @returns the port, which may have been asked for as 0, and how to give it up
   * @throws Error with `code` EADDRINUSE, EADDRNOTAVAIL …
   */
  listen(options: WorkersListenOptions): Promise<{ readonly port: number; close(): Promise<void> }>;
  /** What each worker that is alive has counted. */
  metrics(): Promise<WorkerMetrics[]>;
  /**
   * Ends all stacks, then the threads, then the device. Idempotent.
   * @param options.timeoutMs how long connections may take to end in order before they are reset; default 0
   * @returns what each worker that was alive has counted in all
   */
  close(options?: { timeoutMs?: number }): Promise<WorkerMetrics[]>;
}

/**
 * Starts the workers.
 * @throws RangeError `ERR_OUT_OF_RANGE` for a number of workers that cannot be; TunError as `tunLink` and `tunQueues`; what a
 *   module throws
 */
export async function stackWorkers(options: StackWorkersOptions): Promise<StackWorkers> {
  const count = options.workers ?? Math.min(availableParallelism(), MOST_WORKERS);
  if (!Number.isInteger(count) || count < 1 || count > MOST_WORKERS) {
    const message = `workers must be 1 to ${MOST_WORKERS}, not ${count}: a device has no more queues`;
    throw Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' });
  }
  const queues = await tunQueues(options.link ?? {});
  const group = new Group(queues, options, count);
  try {
    await group.begin();
  } catch (error) {
    await group.close();
    throw error;
  }
  return group;
}

interface Pending {
  resolve(result: never): void;
  reject(error: Error): void;
}

/** A worker as the main thread sees it. */
class Member {
  private readonly pending = new Map<number, Pending>();
  private lastId = 0;
  isAlive = true;

  constructor(
    readonly number: number,
    readonly thread: Worker,
  ) {}

  tell(message: ToWorker): void {
    if (this.isAlive) this.thread.postMessage(message);
  }

  ask<C extends keyof Calls>(call: C, argument: Calls[C][0]): Promise<Calls[C][1]> {
    if (!this.isAlive) return Promise.reject(new Error(`worker ${this.number} has ended`));
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve, reject });
      this.tell({ kind: 'call', id, call, argument });
    });
  }

  settle(message: Extract<FromWorker, { kind: 'answer' | 'refusal' }>): void {
    const pending = this.pending.get(message.id);
    this.pending.delete(message.id);
    if (message.kind === 'answer') pending?.resolve(message.result as never);
    else pending?.reject(errorFrom(message.error));
  }

  end(error: Error): void {
    this.isAlive = false;
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }
}

class Group implements StackWorkers {
  private readonly members: Member[] = [];
  private keys: readonly Uint8Array[] = [randomBytes(KEY_BYTES)];
  private readonly renewal: NodeJS.Timeout;
  private isOpen = false;
  private closing: Promise<WorkerMetrics[]> | null = null;
  private announce: (failure: WorkerFailure) => void = () => {};
  readonly failed = new Promise<WorkerFailure>((resolve) => {
    this.announce = resolve;
  });

  constructor(
    private readonly queues: TunQueues,
    private readonly options: StackWorkersOptions,
    private readonly count: number,
  ) {
    this.renewal = setInterval(() => this.renewKeys(), KEY_LIFE_MS).unref();
  }

  get device(): string {
    return this.queues.name;
  }

  get alive(): readonly number[] {
    return this.members.filter(({ isAlive }) => isAlive).map(({ number }) => number);
  }

  /** Resolves when all workers are ready. */
  async begin(): Promise<void> {
    const starts = Array.from({ length: this.count }, (_, i) => this.start(i + 1));
    const ends = await Promise.allSettled(starts);
    const failure = ends.find((end) => end.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
    this.isOpen = true;
  }

  async listen(options: WorkersListenOptions) {
    const [first, ...others] = this.living();
    if (first === undefined) throw new Error('no worker is alive');
    for (let choice = 1; ; choice++) {
      const port = await first.ask('listen', options);
      const ends = await Promise.allSettled(
        others.map((member) => member.ask('listen', { ...options, port })),
      );
      const failure = ends.find((end) => end.status === 'rejected');
      if (failure === undefined) return { port, close: () => this.unlisten(port) };
      await this.unlisten(port);
      const mayChoose = options.port === 0 && failure.reason.code === 'EADDRINUSE' && choice < MOST_CHOICES;
      if (!mayChoose) throw failure.reason;
    }
  }

  metrics(): Promise<WorkerMetrics[]> {
    return Promise.all(this.living().map((member) => member.ask('metrics', null)));
  }

  close({ timeoutMs = 0 }: { timeoutMs?: number } = {}): Promise<WorkerMetrics[]> {
    this.closing ??= this.closeOnce(timeoutMs);
    return this.closing;
  }

  private async closeOnce(timeoutMs: number): Promise<WorkerMetrics[]> {
    clearInterval(this.renewal);
    // One that has not come to answer yet has nothing to end in order.
    const asked = this.isOpen ? this.living() : [];
    const ends = await Promise.allSettled(asked.map((member) => member.ask('close', timeoutMs)));
    await Promise.all(this.members.map(({ thread }) => thread.terminate()));
    await this.queues.close();
    return ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
  }

  private living(): Member[] {
    return this.members.filter(({ isAlive }) => isAlive);
  }

  private async unlisten(port: number): Promise<void> {
    await Promise.allSettled(this.living().map((member) => member.ask('unlisten', port)));
  }

  private start(number: number): Promise<void> {
    const { options, count } = this;
    const workerData = {
      module: String(options.module),
      number,
      count,
      link: this.queues.queue,
      stack: this.seedOf(number),
      data: options.data,
    };
    const module = new URL('./worker-thread.js', import.meta.url);
    const thread = new Worker(module, { workerData, name: `synwave worker ${number}` });
    const member = new Member(number, thread);
    this.members.push(member);
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => {
        reject(error);
        this.lose(member, error);
      };
      thread.on('message', (message: FromWorker) => {
        if (message.kind === 'ready') resolve();
        else if (message.kind === 'unable') reject(errorFrom(message.error));
        else this.receive(member, message);
      });
      thread.once('error', fail);
      thread.once('exit', (code) => fail(new Error(`worker ${number} ended with ${code}`)));
    });
  }

  private seedOf(number: number): StackSeed {
    const { addresses, config = {}, lang = 'en', capture, log, congestion, limits, isn } = this.options;
    const range = this.options.ephemeralPorts ?? DEFAULT_PORT_RANGE;
    return {
      addresses,
      config,
      lang,
      congestion,
      ...(limits === undefined ? {} : { limits }),
      ...(isn === undefined ? {} : { isn }),
      ephemeralPorts: portsOf(range, number, this.count),
      fastOpenKeys: this.keys,
      capture: capture === undefined ? undefined : captureOf(capture, number),
      logLevel: log === undefined ? undefined : (log.level ?? 'info'),
    };
  }

  private receive(member: Member, message: FromWorker): void {
    switch (message.kind) {
      case 'answer':
      case 'refusal':
        member.settle(message);
        break;
      case 'stray':
        this.route(message.stray);
        break;
      case 'log':
        for (const line of message.lines) this.options.log?.destination.write(line);
        break;
      case 'link-lost':
        this.report(member, errorFrom(message.error));
        break;
    }
  }

  /** To the siblings of its home one after the other, and home again. */
  private route(stray: Stray): void {
    const siblings = this.living().filter(({ number }) => number !== stray.home);
    const next = siblings[stray.refusals] ?? this.members[stray.home - 1];
    next?.tell({ kind: 'stray', stray });
  }

  private renewKeys(): void {
    this.keys = [randomBytes(KEY_BYTES), this.keys[0]!];
    for (const member of this.living()) member.tell({ kind: 'keys', keys: this.keys });
  }

  private lose(member: Member, error: Error): void {
    if (!member.isAlive) return;
    member.end(error);
    this.report(member, error);
  }

  private report({ number: worker }: Member, error: Error): void {
    if (!this.isOpen || this.closing !== null) return;
    this.options.onFailure?.({ worker, error });
    this.announce({ worker, error });
  }
}

/** A part of the range for each, so that no two ever open the same connection. */
function portsOf({ first, last }: PortRange, number: number, count: number): PortRange {
  const size = (last - first + 1) / count;
  return { first: first + Math.floor((number - 1) * size), last: first + Math.floor(number * size) - 1 };
}

function captureOf(path: string, number: number): string {
  const { dir, name, ext } = parse(path);
  return `${dir === '' ? '' : `${dir.replace(/\/$/, '')}/`}${name}-${number}${ext}`;
}
