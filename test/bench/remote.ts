// Processes of a measurement: what their parent asks of them, and their answers, over Node's channel between processes.
import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a process can be asked for, by name. */
export type Methods = Record<string, (argument: never) => unknown>;

interface Request {
  readonly id: number;
  readonly method: string;
  readonly argument: unknown;
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** Answers the parent until it lets go; then `end` runs and the process ends. */
export function answerParent(methods: Methods, end: () => Promise<void>): void {
  process.on('message', (request: Request) => {
    void answer(methods, request).then((message) => process.send?.(message));
  });
  process.once('disconnect', () => void end().finally(() => process.exit(0)));
  // The terminal interrupts the whole group; the parent decides when its children end.
  process.on('SIGINT', () => {});
}

async function answer(methods: Methods, { id, method, argument }: Request): Promise<Answer> {
  try {
    const run = methods[method];
    if (run === undefined) throw new Error(`no such method: ${method}`);
    return { id, result: await run(argument as never) };
  } catch (error) {
    return { id, error: (error as Error).stack ?? String(error) };
  }
}

/** What to tell people where there is none. */
export const NO_REAL_TIME =
  'no real-time priority here: what else this machine does will disturb the measurement';

let realTime: boolean | null = null;

/**
 * Whether programs may be started ahead of everything else on this machine. Round robin: first in, first out, two that
 * wait for threads of theirs keep those from the processor for ever.
 */
export function hasRealTime(): boolean {
  realTime ??= spawnSync('chrt', ['--rr', '1', 'true']).status === 0;
  return realTime;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** A process that answers. */
export class Remote {
  private readonly pending = new Map<number, Pending>();
  private lastId = 0;

  private constructor(
    private readonly name: string,
    private readonly child: ChildProcess,
  ) {
    child.on('message', (message: Answer) => this.settle(message));
    child.once('exit', (code, signal) => this.failAll(new Error(`${name} ended with ${signal ?? code}`)));
    child.once('error', (error) => this.failAll(error));
  }

  /**
   * Starts `module`, in the network namespace `netns` if one is named.
   * @param priority real-time priority, where this machine grants one: what else it has to do shall not be measured; null
   *   for none
   * @param nodeOptions words of Node's own
   */
  static start(
    module: URL,
    netns: string | null,
    priority: number | null,
    nodeOptions: readonly string[] = [],
  ): Remote {
    const path = fileURLToPath(module);
    const ahead = priority !== null && hasRealTime() ? ['chrt', '--rr', String(priority)] : [];
    const inside = netns === null ? [] : ['nsenter', `--net=/run/netns/${netns}`, '--'];
    const [execPath, ...execArgv] = [...ahead, ...inside, process.execPath, ...nodeOptions];
    const child = fork(path, [], {
      execPath: execPath!,
      execArgv,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    return new Remote(`${basename(path)}${netns === null ? '' : ` in ${netns}`}`, child);
  }

  /** Asks, and waits for the answer. Rejects with the other's error, or when it ends. */
  ask<T>(method: string, argument: unknown = null): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (!this.child.connected) {
        reject(new Error(`${this.name} has ended`));
        return;
      }
      const id = ++this.lastId;
      this.pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.child.send({ id, method, argument } satisfies Request);
    });
  }

  /** Its process. */
  get pid(): number {
    return this.child.pid!;
  }

  /** Whether it can still be asked. */
  get isAlive(): boolean {
    return this.child.connected && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Ends it at once. What it made in a namespace goes with it. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  private settle({ id, result, error }: Answer): void {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    if (error === undefined) pending?.resolve(result);
    else pending?.reject(new Error(`${this.name}: ${error}`));
  }

  private failAll(error: Error): void {
    for (const pending of this.pending.values()) pending.reject(error);
    this.pending.clear();
  }
}
