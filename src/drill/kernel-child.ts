// The child process that drives the kernel's sockets: a line of JSON each way for every call.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from '../native/load.js';

/** What the child answers; the fields depend on the request. */
export type Reply = Readonly<Record<string, unknown>>;

/** The child's program is Python: it makes exactly the calls that a script names, and every Linux has it. */
const PROGRAM = join('src', 'drill', 'kernel-sockets.py');

/** One child, in a network namespace. */
export class KernelChild {
  private readonly child: ChildProcess;
  private readonly waiting = new Map<
    number,
    { resolve: (reply: Reply) => void; reject: (error: Error) => void }
  >();
  private lastId = 0;
  private stderr = '';
  private ending: Promise<void> | null = null;

  /** @param netns path of the namespace, or null for our own */
  constructor(netns: string | null) {
    const python = ['python3', '-S', '-E', join(packageRoot(), PROGRAM)];
    const argv = netns === null ? python : ['nsenter', `--net=${netns}`, '--', ...python];
    this.child = spawn(argv[0]!, argv.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] });
    createInterface({ input: this.child.stdout! }).on('line', (line) => this.take(line));
    this.child.stderr!.on('data', (chunk) => {
      this.stderr = (this.stderr + chunk).slice(-2000);
    });
    this.child.once('error', (error) => this.fail(error.message));
    this.child.once('exit', () => this.fail(this.stderr.trim() || 'it ended'));
    this.child.stdin!.on('error', () => {});
  }

  /** Sends a request and waits for its answer, for as long as the call blocks. */
  ask(request: object): Promise<Reply> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.child.stdin!.write(`${JSON.stringify({ ...request, id })}\n`);
    });
  }

  /** Ends the child. */
  close(): Promise<void> {
    this.ending ??= new Promise((resolve) => {
      if (this.child.exitCode !== null || this.child.signalCode !== null || this.child.pid === undefined)
        resolve();
      this.child.once('exit', () => resolve());
      this.child.kill('SIGKILL');
    });
    return this.ending;
  }

  private take(line: string): void {
    const reply = JSON.parse(line) as Reply;
    const id = Number(reply.id);
    this.waiting.get(id)?.resolve(reply);
    this.waiting.delete(id);
  }

  private fail(why: string): void {
    const message = `the child that drives the kernel's sockets is gone: ${why}; install python3 and util-linux`;
    const error = Object.assign(new Error(message), { code: 'ERR_DRILL_KERNEL' });
    for (const { reject } of this.waiting.values()) if (this.ending === null) reject(error);
    this.waiting.clear();
  }
}
