// The programs in C of the bench, compiled on the spot.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../../../', import.meta.url);
const SOURCES = new URL('test/bench/speed/load/', ROOT);
const COMPILED = new URL('dist/test/bench/speed/load/', ROOT);

/** Where Debian's liblwip-dev has its headers. */
const LWIP_HEADERS = '/usr/include/lwip';

const PROGRAMS = {
  client: { needs: null, flags: [] },
  server: { needs: null, flags: [] },
  lwip: { needs: `${LWIP_HEADERS}/lwip/tcp.h`, flags: [`-I${LWIP_HEADERS}`, '-llwip'] },
} as const;

/** Where the compiled program is. @returns null where there is no compiler, or not the library that it needs */
export function compiled(name: keyof typeof PROGRAMS): string | null {
  const { needs, flags } = PROGRAMS[name];
  if (needs !== null && !existsSync(needs)) return null;
  const source = new URL(`${name}.c`, SOURCES);
  const program = new URL(name, COMPILED);
  const path = fileURLToPath(program);
  const headers = readdirSync(SOURCES).filter((file) => file.endsWith('.h'));
  const changed = Math.max(
    ...[source, ...headers.map((file) => new URL(file, SOURCES))].map((file) => statSync(file).mtimeMs),
  );
  if (existsSync(program) && statSync(program).mtimeMs > changed) return path;
  mkdirSync(COMPILED, { recursive: true });
  const words = ['-O2', '-o', path, fileURLToPath(source), ...flags];
  const { status, stderr, error } = spawnSync('cc', words, { encoding: 'utf8' });
  if (error !== undefined) return null;
  if (status !== 0) throw new Error(`cc ${name}.c: ${stderr}`);
  return path;
}

/** Which lwIP is installed and how it was built, in words; null where it cannot be measured. */
export function installedLwip(): string | null {
  const program = compiled('lwip');
  if (program === null) return null;
  const { status, stdout, stderr } = spawnSync(program, [], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`lwip: ${stderr}`);
  return stdout.trim();
}

/** Which slirp4netns is installed, in words; null where it cannot be measured. */
export function installedSlirp(): string | null {
  if (installed('slirp4netns') === null) return null;
  const { stdout } = spawnSync('slirp4netns', ['--version'], { encoding: 'utf8' });
  const [, version = '', library = ''] = /version (\S+)[\s\S]*libslirp: (\S+)/.exec(stdout) ?? [];
  return `slirp4netns ${version} (libslirp ${library})`;
}

/** Where a program of the machine is, or null. */
export function installed(name: string): string | null {
  const { status, stdout } = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
}
