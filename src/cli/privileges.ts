// What the process may do, and the way out when it may not: the same command again inside a user namespace, where
// an ordinary user is root over network namespaces of his own.
import { mkdirSync, readFileSync } from 'node:fs';
import { exitOf, run, spawnShared } from './command.js';
import { environmentError } from './failure.js';
import { RUNTIME_VARIABLE, runtimeDirectory, USER_NAMESPACE_VARIABLE } from './ownership.js';

/** Linux capabilities that the stack may need, by bit number (capabilities(7)). */
export const Capability = { NET_ADMIN: 12, NET_RAW: 13, SYS_ADMIN: 21 } as const;

/** Whether the process holds a capability now. */
export function hasCapability(bit: number): boolean {
  try {
    const match = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
    return match !== null && ((BigInt(`0x${match[1]}`) >> BigInt(bit)) & 1n) === 1n;
  } catch {
    return false;
  }
}

/** Whether the process may make network namespaces, and devices in them. */
export function mayMakeNamespaces(): boolean {
  return hasCapability(Capability.NET_ADMIN) && hasCapability(Capability.SYS_ADMIN);
}

// `ip netns` keeps its names under /run, which belongs to the real root: the user namespace gets a /run of its own.
// The folder of the markers must be the same inside and outside, for `synwave sh` and `clean` to find them: it is held
// open over the mount and bound to where it was.
const ENTER = `set -e
exec 9<"$${RUNTIME_VARIABLE}"
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/netns "$${RUNTIME_VARIABLE}"
mount --bind /proc/self/fd/9 "$${RUNTIME_VARIABLE}"
exec 9<&-
exec "$@"`;

/** The words that run a command as root of a new user, network and mount namespace. */
export function inUserNamespace(argv: readonly string[]): string[] {
  return ['unshare', '--user', '--map-root-user', '--net', '--mount', '--', 'sh', '-c', ENTER, 'sh', ...argv];
}

/** Whether this machine lets the user have a user namespace. Empty text means yes, else it says why not. */
export function userNamespaceObstacle(): string {
  const probe = run(['unshare', '--user', '--map-root-user', '--net', '--mount', '--', 'true']);
  if (probe.status === 0) return '';
  return probe.stderr || 'unshare failed';
}

/** The words that run a command with the right to make namespaces, if there is a way to get it. */
export function elevated(argv: readonly string[]): string[] {
  if (mayMakeNamespaces() || userNamespaceObstacle() !== '') return [...argv];
  const directory = runtimeDirectory();
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return ['env', `${RUNTIME_VARIABLE}=${directory}`, ...inUserNamespace(argv)];
}

/**
 * Runs this very command again inside a user namespace and waits for it.
 * @returns its exit code
 * @throws CliFailure when the machine does not allow user namespaces
 */
export async function runAgainAsUserRoot(): Promise<number> {
  const obstacle = userNamespaceObstacle();
  if (obstacle !== '') {
    throw environmentError(
      `not allowed to create network devices (no CAP_NET_ADMIN), and no user namespace either: ${obstacle}`,
      'run with sudo; in Docker add --cap-add NET_ADMIN --cap-add SYS_ADMIN --device /dev/net/tun',
    );
  }
  const directory = runtimeDirectory();
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const argv = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawnShared(inUserNamespace(argv), {
    env: { ...process.env, [RUNTIME_VARIABLE]: directory, [USER_NAMESPACE_VARIABLE]: '1' },
  });
  // A terminal signals both of us, `kill` only this process. The child takes two at once for one (lifetime.ts).
  const pass = (signal: NodeJS.Signals) => void child.kill(signal);
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, pass);
  try {
    return await exitOf(child);
  } finally {
    for (const signal of signals) process.off(signal, pass);
  }
}
