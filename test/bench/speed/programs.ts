// The programs in C of the bench, compiled on the spot.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../../../', import.meta.url);
const SOURCES = new URL('test/bench/speed/load/', ROOT);
const COMPILED = new URL('dist/test/bench/speed/load/', ROOT);

/** Where the compiled program is. @returns null where there is no compiler */
export function compiled(name: 'client' | 'server'): string | null {
  const source = new URL(`${name}.c`, SOURCES);
  const program = new URL(name, COMPILED);
  const path = fileURLToPath(program);
  const changed = Math.max(statSync(source).mtimeMs, statSync(new URL('common.h', SOURCES)).mtimeMs);
  if (existsSync(program) && statSync(program).mtimeMs > changed) return path;
  mkdirSync(COMPILED, { recursive: true });
  const { status, stderr, error } = spawnSync('cc', ['-O2', '-o', path, fileURLToPath(source)], {
    encoding: 'utf8',
  });
  if (error !== undefined) return null;
  if (status !== 0) throw new Error(`cc ${name}.c: ${stderr}`);
  return path;
}

/** Where a program of the machine is, or null. */
export function installed(name: string): string | null {
  const { status, stdout } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
}
