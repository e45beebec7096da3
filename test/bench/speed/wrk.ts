// What wrk prints, as our own client reports it.
import type { LoadReport } from './load.js';

const UNIT_US: Readonly<Record<string, number>> = { us: 1, ms: 1000, s: 1e6, m: 60e6 };
const UNIT_BYTES: Readonly<Record<string, number>> = { B: 1, KB: 1024, MB: 1024 ** 2, GB: 1024 ** 3 };

/** @throws Error when it is no report of wrk with `--latency` */
export function readWrk(text: string): LoadReport {
  const total = /(\d+) requests in ([\d.]+)(\w+), ([\d.]+)(\w+) read/.exec(text);
  if (total === null) throw new Error(`no report of wrk: ${text.slice(0, 200)}`);
  const [, operations, time, timeUnit, size, sizeUnit] = total;
  const bytes = Number(size) * UNIT_BYTES[sizeUnit!]!;
  const failed = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  const refused = /Non-2xx or 3xx responses: (\d+)/.exec(text);
  const failures = [...(failed ?? []).slice(1), ...(refused ?? []).slice(1)].map(Number);
  return {
    seconds: (Number(time) * UNIT_US[timeUnit!]!) / 1e6,
    bytes,
    totalBytes: bytes,
    operations: Number(operations),
    failures: failures.reduce((sum, count) => sum + count, 0),
    p50Us: percentile(text, '50%'),
    p99Us: percentile(text, '99%'),
    userSeconds: 0,
    systemSeconds: 0,
  };
}

function percentile(text: string, name: string): number {
  const found = new RegExp(`${name}\\s+([\\d.]+)(us|ms|s|m)\\b`).exec(text);
  return found === null ? -1 : Number(found[1]) * UNIT_US[found[2]!]!;
}
