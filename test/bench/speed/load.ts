// The load: our client, in C where there is a compiler and in Node where there is none, and wrk where it is installed.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { actionOf, type Case, portOf } from './plan.js';
import { compiled, installed } from './programs.js';
import { readWrk } from './wrk.js';

/** What the client found. Times are -1 where none were taken. */
export interface LoadReport {
  readonly seconds: number;
  /** Payload while it counted, and in all. */
  readonly bytes: number;
  readonly totalBytes: number;
  readonly operations: number;
  readonly failures: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly userSeconds: number;
  readonly systemSeconds: number;
}

/** How long. */
export interface Duration {
  readonly seconds: number;
  readonly warmSeconds: number;
}

/** Puts load on a stack, from one namespace. */
export class Load {
  private readonly client: readonly string[];
  private readonly wrk = installed('wrk');
  private readonly running = new Set<ChildProcess>();
  /** Names of the tools, for the document. */
  readonly tools: readonly string[];

  constructor(private readonly netns: string) {
    const program = compiled('client');
    const fallback = fileURLToPath(new URL('./client.js', import.meta.url));
    this.client = program === null ? [process.execPath, fallback] : [program];
    this.tools = [
      program === null ? 'a client of our own in Node' : 'a client of our own in C',
      ...(this.wrk === null ? [] : ['wrk for HTTP']),
    ];
  }

  /** Carries out a case against `host`. Rejects with what the client said. */
  async run(job: Case, host: string, { seconds, warmSeconds }: Duration): Promise<LoadReport> {
    const port = portOf(job);
    const isHttp = job.scenario === 'http' || job.scenario === 'raw';
    if (isHttp && this.wrk !== null) {
      const whole = Math.max(1, Math.round(seconds));
      const threads = ['-t', '1', '-c', String(job.connections), '-d', `${whole}s`, '--latency'];
      return readWrk(await this.output([this.wrk, ...threads, `http://${host}:${port}/`]));
    }
    return JSON.parse(await this.output(this.words(job, host, seconds, warmSeconds))) as LoadReport;
  }

  /** Opens the connections of a case, and holds them while `during` runs. */
  async holding<T>(job: Case, host: string, during: () => Promise<T>): Promise<T> {
    const child = this.start(this.words(job, host, 0, 0));
    const ended = exitOf(child, () => '');
    try {
      const line = once(createInterface(child.stdout!), 'line');
      await Promise.race([line, ended.then(() => Promise.reject(new Error('the load has ended')))]);
      return await during();
    } finally {
      child.stdin!.end();
      await ended.catch(() => {});
    }
  }

  /** Ends whatever runs, at once. */
  kill(): void {
    for (const child of this.running) child.kill('SIGKILL');
  }

  private words(job: Case, host: string, seconds: number, warmSeconds: number): string[] {
    const numbers = [portOf(job), job.connections, seconds, warmSeconds].map(String);
    return [...this.client, actionOf(job.scenario), host, ...numbers];
  }

  private start(argv: readonly string[]): ChildProcess {
    const inside = [`--net=/run/netns/${this.netns}`, '--', ...argv];
    const child = spawn('nsenter', inside, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.running.add(child);
    child.once('close', () => this.running.delete(child));
    return child;
  }

  private output(argv: readonly string[]): Promise<string> {
    const child = this.start(argv);
    let text = '';
    child.stdout!.on('data', (chunk) => {
      text += chunk;
    });
    return exitOf(child, () => text);
  }
}

function exitOf(child: ChildProcess, result: () => string): Promise<string> {
  let said = '';
  child.stderr!.on('data', (chunk) => {
    said += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve(result());
      else reject(new Error(`load: ${said.trim() || `ended with ${signal ?? code}`}`));
    });
  });
}
