// The command line of `scripts/mutants`.
import { parseArgs } from 'node:util';

/** What to break, what judges, and what to write. */
export interface MutantOptions {
  readonly only: RegExp;
  readonly operators: ReadonlySet<string> | null;
  readonly tests: RegExp;
  readonly sample: number | null;
  readonly seed: number;
  readonly workers: number;
  readonly slowestCaseMs: number;
  readonly quickestCaseMs: number;
  readonly again: string | null;
  readonly from: readonly string[];
  readonly first: readonly string[];
  readonly budgetMs: number;
  readonly list: boolean;
  readonly json: string | null;
  readonly report: string | null;
}

/** Shown by `--help`. */
export const USAGE = `scripts/mutants breaks the compiled core in one place at a time and looks whether a test finds out.
usage: scripts/mutants [OPTIONS]
  --only PATTERN       files to break, below src/ and without extension   (default: ^(tcp|wire)/)
  --operator NAME,...  guard condition compare logic arithmetic number boolean statement call   (default: all)
  --tests PATTERN      test files that judge, below test/   (default: all that can)
  --sample N           only N mutants, drawn by the seed
  --seed N             of the draw   (default: 1)
  --workers N          processes at once   (default: 1)
  --slowest MS         cases that take longer do not judge   (default: 60)
  --quickest MS        nor do those that take less; for a second look, with --again
  --budget MS          cases for one mutant take no longer together, those that come past few mutants first; for a first look
  --from FILE,FILE     judges none: accounts for what earlier runs have written with --json; of two verdicts the later file's
  --first FILE,FILE    what found a mutant out in the runs that wrote these is asked first
  --again FILE         only the mutants that lived, or did not end, in the run that wrote FILE with --json; the rest stands
  --list               tells the mutants and judges none
  --json FILE          writes every verdict
  --report FILE        writes the account for people: docs/mutation.md
exit: 0 every survivor stands with its reason in test/mutants/survivors.json, 1 some do not, 2 usage`;

/** Thrown for a command line that cannot be followed. */
export class UsageError extends Error {
  readonly code = 'ERR_USAGE';
}

/** Reads the command line; null when help was asked for. */
export function parseOptions(args: readonly string[]): MutantOptions | null {
  const { values } = parsed(args);
  if (values.help) return null;
  return {
    only: pattern(values.only ?? '^(tcp|wire)/', '--only'),
    operators: values.operator === undefined ? null : new Set(values.operator.split(',')),
    tests: pattern(values.tests ?? '', '--tests'),
    sample: values.sample === undefined ? null : whole(values.sample, '--sample'),
    seed: whole(values.seed ?? '1', '--seed'),
    workers: whole(values.workers ?? '1', '--workers'),
    slowestCaseMs: whole(values.slowest ?? '60', '--slowest'),
    quickestCaseMs: values.quickest === undefined ? 0 : whole(values.quickest, '--quickest'),
    again: values.again ?? null,
    from: values.from?.split(',') ?? [],
    first: values.first?.split(',') ?? [],
    budgetMs: values.budget === undefined ? Number.POSITIVE_INFINITY : whole(values.budget, '--budget'),
    list: values.list ?? false,
    json: values.json ?? null,
    report: values.report ?? null,
  };
}

function parsed(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: text,
        operator: text,
        tests: text,
        sample: text,
        seed: text,
        workers: text,
        slowest: text,
        json: text,
        budget: text,
        quickest: text,
        report: text,
        again: text,
        from: text,
        first: text,
        list: flag,
        help: flag,
      },
    });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function pattern(text: string, option: string): RegExp {
  try {
    return new RegExp(text);
  } catch {
    throw new UsageError(`${option} wants a regular expression, not ${text}`);
  }
}

function whole(text: string, option: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new UsageError(`${option} wants a whole number above 0, not ${text}`);
  return number;
}
