// A worker process as its owner sees it: what it answers, and whether it is still at work.
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { BrokenBuild } from './broken-build.js';
import type { Reply, Request } from './protocol.js';

/** A process that has used so much of the processor without an answer does not end. */
const SILENT_WORK_MS = 20_000;
/** One that does nothing at all is given up after so long. */
const SILENCE_MS = 300_000;
const LOOK_MS = 1000;

/** A run that is interrupted leaves none behind. */
const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

/** Which of the two builds a process loads. */
export type Which = 'broken' | 'watched';

export class Worker {
  private readonly child: ChildProcess;
  private readonly inbox: Reply[] = [];
  private waiting: ((reply: Reply | null) => void) | null = null;
  private gone = false;

  constructor(build: BrokenBuild, which: Which, onWhileLoading: number) {
    const { files, testFiles } = build[which];
    const given = [String(onWhileLoading), String(build.mutants.length), ...files, '--', ...testFiles];
    this.child = fork(build.worker, given, {
      serialization: 'advanced',
      // Of the simulated worlds a few do: what they find out is found out in the first ones.
      env: { ...process.env, SYNWAVE_SIM_SEEDS: '4' },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: ['--max-old-space-size=1024', '--unhandled-rejections=strict'],
    });
    this.child.on('message', (reply: Reply) => this.deliver(reply));
    alive.add(this.child);
    this.child.on('exit', () => {
      alive.delete(this.child);
      this.gone = true;
      this.deliver(null);
    });
    this.child.on('error', () => {});
  }

  private deliver(reply: Reply | null): void {
    const { waiting } = this;
    this.waiting = null;
    if (waiting !== null) waiting(reply);
    else if (reply !== null) this.inbox.push(reply);
  }

  /** The next reply, or null when the process has died or does not come to an end. */
  async next(): Promise<Reply | null> {
    const ready = this.inbox.shift();
    if (ready !== undefined) return ready;
    if (this.gone) return null;
    const began = performance.now();
    const before = workOf(this.child.pid);
    let watch: NodeJS.Timeout | undefined;
    const reply = await new Promise<Reply | null>((resolve) => {
      this.waiting = resolve;
      watch = setInterval(() => {
        const isEndless = workOf(this.child.pid) - before > SILENT_WORK_MS;
        if (isEndless || performance.now() - began > SILENCE_MS) this.deliver(null);
      }, LOOK_MS);
    });
    clearInterval(watch);
    return reply;
  }

  send(request: Request): void {
    if (!this.gone) this.child.send(request, () => {});
  }

  end(): void {
    this.child.kill('SIGKILL');
  }
}

/** Milliseconds that a process has had of the processor; 0 where the system does not tell. */
function workOf(pid: number | undefined): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return 10 * (Number(fields[11]) + Number(fields[12]));
  } catch {
    return 0;
  }
}
