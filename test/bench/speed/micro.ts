// Runs the suite of small functions in a process of its own, which collects garbage between them.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Micro } from './results.js';

const SUITE = fileURLToPath(new URL('../micro/suite.js', import.meta.url));

/** Rejects with what the suite said. */
export async function measureMicro(): Promise<Micro[]> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', SUITE]);
  return JSON.parse(stdout) as Micro[];
}
