// The words of `npm run bench`.
import { parseArgs } from 'node:util';
import { type Group, KINDS, type Kind, PARTS, type PlanOptions, type Scenario } from './plan.js';

/** What a run is asked for. */
export interface SpeedOptions extends PlanOptions {
  /** How often each thing is measured. */
  readonly rounds: number;
  /** Length of each measurement. */
  readonly seconds: number;
  /** Length of the measurements that are to show that it lasts. */
  readonly longSeconds: number;
  /** Whether the suite of small functions runs as well. */
  readonly micro: boolean;
  /** Whether start-up is measured as well. */
  readonly start: boolean;
  /** Folder for V8 profiles of the processes of Node, or null. */
  readonly profile: string | null;
  /** Folder of the document, or null for the table alone. */
  readonly out: string | null;
  /** Run ahead of everything else on the machine. */
  readonly realTime: boolean;
  /** A file of an earlier run: only its document is written. */
  readonly render: string | null;
}

/** Parts that no case stands for. */
const OTHERS = ['start', 'micro'];

/** What `--help` prints. */
export const SPEED_USAGE = `usage: npm run bench -- [OPTIONS]
Speed of our TCP over a TUN device beside that of node:net and of a C program over veth: throughput, round trips,
connections, HTTP, memory, start-up. Beside lwIP and slirp4netns as well, where Debian's liblwip-dev and slirp4netns are installed. All in network namespaces of
its own. Needs root, or user namespaces. Measures, and asserts nothing.

  --only NAME[,…]   of ${PARTS.join(' ')} ${OTHERS.join(' ')}
  --cases PATTERN   only cases whose names (as in the first column: "recv ×10, MTU 1500") match this regular expression
  --kinds NAME[,…]  only these columns, of ${KINDS.join(' ')}
  --quick           the most telling part in about a minute; writes no document unless --out is given
  --rounds N        how often each is measured (3; quick 2)
  --seconds N       length of each measurement (0.75; quick 0.4)
  --long N          seconds of those that show that throughput and memory hold (60); not among the quick ones
  --profile [DIR]   leave V8 profiles of what runs in Node (profiles), one for each measurement of the first round
  --out DIR         where performance.md, its plots and its numbers go (docs)
  --real-time       ahead of everything else on this machine, which stands still meanwhile: for a machine that is not quiet
  --render FILE     measure nothing: write the document of these numbers anew`;

/**
 * Reads the words; null when they ask for help.
 * @throws Error saying what is wrong with them
 */
export function readSpeedOptions(words: readonly string[]): SpeedOptions | null {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: withProfileFolder(words),
    strict: true,
    options: {
      only: text,
      cases: text,
      kinds: text,
      rounds: text,
      seconds: text,
      long: text,
      profile: text,
      out: text,
      render: text,
      quick: { type: 'boolean' },
      'real-time': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return null;
  const quick = values.quick === true;
  const names = values.only?.split(',') ?? null;
  const whole = !quick && names === null && values.cases === undefined && values.kinds === undefined;
  const others = (name: string) => names?.includes(name) ?? whole;
  return {
    quick,
    only: names?.filter((name) => !OTHERS.includes(name)).map(readPart) ?? null,
    cases: values.cases === undefined ? null : readPattern(values.cases),
    kinds: values.kinds?.split(',').map(readKind) ?? null,
    micro: others('micro'),
    start: others('start'),
    rounds: number('--rounds', values.rounds ?? (quick ? '2' : '3'), 1, 1000),
    seconds: number('--seconds', values.seconds ?? (quick ? '0.4' : '0.75'), 0.05, 3600),
    longSeconds: number('--long', values.long ?? '60', 3, 86_400),
    profile: values.profile ?? null,
    out: values.out ?? (whole || values.render !== undefined ? 'docs' : null),
    realTime: values['real-time'] === true,
    render: values.render ?? null,
  };
}

/** `--profile` may stand alone. */
function withProfileFolder(words: readonly string[]): string[] {
  return words.flatMap((word, i) => {
    const alone = word === '--profile' && (words[i + 1]?.startsWith('-') ?? true);
    return alone ? [word, 'profiles'] : [word];
  });
}

function readPart(name: string): Scenario | Group {
  const found = PARTS.find((each) => each === name);
  if (found !== undefined) return found;
  throw new Error(`--only: there is no "${name}"; there are ${[...PARTS, ...OTHERS].join(' ')}`);
}

function readKind(name: string): Kind {
  const found = KINDS.find((each) => each === name);
  if (found !== undefined) return found;
  throw new Error(`--kinds: there is no "${name}"; there are ${KINDS.join(' ')}`);
}

function readPattern(text: string): RegExp {
  try {
    return new RegExp(text, 'u');
  } catch (error) {
    throw new Error(`--cases: ${(error as Error).message}`);
  }
}

function number(what: string, text: string, least: number, most: number): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= least && value <= most) return value;
  throw new Error(`${what}: "${text}" is no number from ${least} to ${most}`);
}
