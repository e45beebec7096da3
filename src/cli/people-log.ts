// The log as people read it on stderr: one line a record, in the words of synwave.pretty.cjs, so that it looks the
// same as through pino-pretty, which need not be installed.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { packageRoot } from '../native/load.js';
import { paint, type Terminal } from './terminal.js';

interface LogRecord {
  readonly level: number;
  readonly time: number;
}

interface PrettyConfig {
  messageFormat(record: LogRecord, messageKey: string): string;
}

const LEVELS: readonly (readonly [least: number, name: string, style: Parameters<typeof paint>[1] | null])[] =
  [
    [60, 'FATAL', 'red'],
    [50, 'ERROR', 'red'],
    [40, 'WARN', 'yellow'],
    [30, 'INFO', 'green'],
    [20, 'DEBUG', 'dim'],
    [0, 'TRACE', 'dim'],
  ];

/** A destination for pino that prints for people. */
export function peopleLog(terminal: Terminal): { write(line: string): void } {
  const require = createRequire(import.meta.url);
  const pretty = require(join(packageRoot(), 'synwave.pretty.cjs')) as PrettyConfig;
  return {
    write(line) {
      const record = JSON.parse(line) as LogRecord;
      const [, name, style] = LEVELS.find(([least]) => record.level >= least)!;
      const level = style === null ? name : paint(terminal, style, name);
      terminal.complain(`[${timeOfDay(record.time)}] ${level}: ${pretty.messageFormat(record, 'msg')}`);
    },
  };
}

/** Local time of day with milliseconds, of epoch milliseconds with a fraction. */
function timeOfDay(epochMs: number): string {
  const date = new Date(Math.floor(epochMs));
  const two = (value: number) => String(value).padStart(2, '0');
  const ms = String(date.getMilliseconds()).padStart(3, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${ms}`;
}
