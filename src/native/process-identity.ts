// Which process made a thing that outlives it, and whether it still runs. A process number alone is used again.
import { readFileSync, readlinkSync } from 'node:fs';

/** Start time of a process from /proc (field 22 of `stat`), or null when there is no such process. */
export function startTimeOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in brackets and may hold spaces and brackets itself.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; nobody will clean up after it but us.
    return fields[0] === 'Z' ? null : fields[19]!;
  } catch {
    return null;
  }
}

/** Number of the namespace in which process numbers mean what they do here; `0` when /proc does not tell. */
export function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  } catch {
    return '0';
  }
}
