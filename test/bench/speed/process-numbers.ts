// What the kernel tells of a process.
import { readFileSync } from 'node:fs';

const PAGE_BYTES = 4096;
/** Of `USER_HZ`, the same on every machine. */
const TICKS_PER_SECOND = 100;
/** Place of `utime` among the fields behind the name. */
const USER_TICKS = 11;

/** Its resident memory. */
export function residentBytesOf(pid: number): number {
  const [, resident] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
  return Number(resident) * PAGE_BYTES;
}

/** Time of the processor that it has used. */
export function processorSecondsOf(pid: number): { userSeconds: number; systemSeconds: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = fields.slice(USER_TICKS, USER_TICKS + 2).map(Number);
  return { userSeconds: user! / TICKS_PER_SECOND, systemSeconds: system! / TICKS_PER_SECOND };
}
