// The namespaces in which measurements take place, and programs that set them up.
import { spawnSync } from 'node:child_process';

/** Runs a program that must succeed. @throws Error with what it said */
export function must(...argv: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(argv[0]!, argv.slice(1), { encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(`${argv.join(' ')}: ${(stderr ?? '').trim() || error?.message || `exit ${status}`}`);
}

/**
 * Makes a network namespace with its loopback up.
 * @param knobs values for files below /proc/sys; one that the kernel does not have has nothing to be set
 * @throws Error when the kernel does not let one be set
 */
export function makeNamespace(name: string, knobs: Readonly<Record<string, string>>): void {
  must('ip', 'netns', 'add', name);
  must('ip', '-n', name, 'link', 'set', 'lo', 'up');
  const script = 'set -e; while [ $# -gt 0 ]; do test ! -e "$1" || echo "$2" >"$1"; shift 2; done';
  const words = Object.entries(knobs).flatMap(([knob, value]) => [`/proc/sys/${knob}`, value]);
  must('ip', 'netns', 'exec', name, 'sh', '-c', script, 'sh', ...words);
}

/** Gives the kernel's senders in a namespace the first of these congestion controls that it lets them have; which one. */
export function chooseCongestionControl(name: string, wanted: readonly string[]): string {
  const script =
    'for each; do echo "$each" >/proc/sys/net/ipv4/tcp_congestion_control && break; done 2>/dev/null; true';
  must('ip', 'netns', 'exec', name, 'sh', '-c', script, 'sh', ...wanted);
  return must('ip', 'netns', 'exec', name, 'cat', '/proc/sys/net/ipv4/tcp_congestion_control').trim();
}

/** Removes a network namespace. Harmless when it is gone. */
export function removeNamespace(name: string): void {
  spawnSync('ip', ['netns', 'del', name]);
}
