// A network namespace for one test file, the commands that run in it, and the reasons why this machine may not have one.
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { loadBinding } from '../../src/native/load.js';

const TOOL_PATH = `${process.env.PATH ?? ''}:/usr/sbin:/sbin`;
const DEADLINE_MS = 20_000;
let made = 0;

/** What a finished command said. */
export interface Finished {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Why tests that need a device cannot run here, or false. The value of `skip` in node:test. */
export function whyNoDevices(): string | false {
  if (process.platform !== 'linux') return 'TUN devices are Linux only';
  if (process.getuid?.() !== 0) return 'needs root to make network namespaces';
  if (!existsSync('/dev/net/tun')) return '/dev/net/tun is missing';
  if (!hasTool('ip')) return 'needs iproute2';
  try {
    loadBinding();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  try {
    const probe = new TestNamespace();
    probe.remove();
  } catch (error) {
    return `cannot make a network namespace: ${error instanceof Error ? error.message : error}`;
  }
  return false;
}

/** Whether a command is on the path. */
export function hasTool(name: string): boolean {
  return TOOL_PATH.split(':').some((folder) => existsSync(`${folder}/${name}`));
}

/** A namespace with loopback up. Call `remove` in `after`. */
export class TestNamespace {
  readonly name = `synwave-test-${process.pid}-${++made}`;
  readonly path = `/run/netns/${this.name}`;

  constructor() {
    execFileSync('ip', ['netns', 'add', this.name], { env: environment(), stdio: 'pipe' });
    this.ip('link', 'set', 'lo', 'up');
  }

  /** Runs `ip` in the namespace; throws with its words when it fails. */
  ip(...argv: string[]): string {
    return this.run('ip', ...argv);
  }

  /** Runs a command in the namespace to its end; throws when it fails. Blocks the event loop. */
  run(command: string, ...argv: string[]): string {
    const full = ['netns', 'exec', this.name, command, ...argv];
    return execFileSync('ip', full, {
      env: environment(),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Starts a command in the namespace and tells how it ended. */
  execute(command: string, ...argv: string[]): Promise<Finished> {
    return execute('ip', ['netns', 'exec', this.name, command, ...argv]);
  }

  /** Starts a command in the namespace, silently; the caller ends it. */
  start(command: string, ...argv: string[]): ChildProcess {
    return spawn('ip', ['netns', 'exec', this.name, command, ...argv], {
      env: environment(),
      stdio: 'ignore',
    });
  }

  /** Starts a Node module of the tests in the namespace, with an IPC channel. */
  fork(module: URL, ...argv: string[]): ChildProcess {
    const full = ['netns', 'exec', this.name, process.execPath, module.pathname, ...argv];
    return spawn('ip', full, { env: environment(), stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }

  /** Whether an interface of that name is there. */
  has(device: string): boolean {
    return loadBinding().interfaceIndex({ name: device, netns: this.path }) !== 0;
  }

  remove(): void {
    execFileSync('ip', ['netns', 'delete', this.name], { env: environment(), stdio: 'pipe' });
  }
}

/** Runs a command and tells how it ended, whatever its status. It is killed at the deadline. */
export function execute(command: string, argv: readonly string[]): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const options = { env: environment(), timeout: DEADLINE_MS, killSignal: 'SIGKILL' as const };
    const child = execFile(command, argv, options, (error, stdout, stderr) => {
      if (error !== null && typeof error.code === 'string') reject(error);
      else resolve({ status: child.exitCode, signal: child.signalCode, stdout, stderr });
    });
  });
}

/** Kills a child and waits for its end. */
export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** Waits until something is true; fails, naming it, when it does not become so. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: TOOL_PATH, LC_ALL: 'C' };
}
