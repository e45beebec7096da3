// Runs other programs: the iproute2 calls of the set-up, synchronous so that they also work while the process ends,
// and the commands that people run on the kernel's side.
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { constants } from 'node:os';
import { environmentError } from './failure.js';

/** What a finished program left behind. `status` is -1 when it could not be started, then `stderr` says why. */
export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Longest run of a helper program, in milliseconds. */
const COMMAND_LIMIT_MS = 10_000;

/** Runs a program to its end, without a shell. */
export function run(argv: readonly string[]): CommandResult {
  const [file, ...rest] = argv;
  const result = spawnSync(file!, rest, { encoding: 'utf8', timeout: COMMAND_LIMIT_MS });
  if (result.error !== undefined) return { status: -1, stdout: '', stderr: result.error.message };
  return { status: result.status ?? -1, stdout: result.stdout, stderr: result.stderr.trim() };
}

/**
 * Runs a program that must succeed.
 * @throws CliFailure `ERR_SYNWAVE_ENVIRONMENT` with what the program said
 */
export function mustRun(argv: readonly string[], remedy = 'run `synwave doctor`'): string {
  const result = run(argv);
  if (result.status !== 0) {
    throw environmentError(`${argv.join(' ')}: ${result.stderr || `exit ${result.status}`}`, remedy);
  }
  return result.stdout;
}

/** Waits for a child; the result is what a shell would report: its status, or 128 + signal. */
export function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (status, signal) => {
      resolve(signal === null ? (status ?? 1) : 128 + constants.signals[signal]);
    });
  });
}

/** Starts a program that shares our terminal. */
export function spawnShared(argv: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const [file, ...rest] = argv;
  return spawn(file!, rest, { stdio: 'inherit', ...options });
}
