// The words of `npm run bench:loss`.
import { parseArgs } from 'node:util';
import { type Loss, PAIRS, type PlanOptions } from './plan.js';

/** What a run is asked for. */
export interface LossOptions extends PlanOptions {
  /** Most measurements at once. */
  readonly jobs: number;
  /** Where the numbers go; null: nowhere but the table. */
  readonly json: string | null;
}

/** What `--help` prints. */
export const LOSS_USAGE = `usage: npm run bench:loss -- [OPTIONS]
Goodput and response times over lossy paths: our stack and the kernel's TCP side by side over the same wire. Lists are
separated by commas. Needs root, or user namespaces; everything happens in namespaces of its own.

  --rtt MS          round-trip times (1,20,100)
  --loss SHARE      losses each way: 0.01, 1% or burst (0,0.1%,1%,3%,burst)
  --reorder SHARE   packets that are overtaken (0,5%)
  --rate MBIT       bottlenecks (10,100); the queue holds a bandwidth-delay product, at least 10 packets
  --cc NAME         congestion controllers of the senders (cubic,bbr)
  --only PAIR       of kernel-kernel,ours-kernel,kernel-ours,ours-ours (all); kernel-kernel is always run, to compare
  --seconds N       length of each bulk transfer (by the path: 3 to 12); 0: none
  --responses N     responses of 30 KB for each path (by the path: 20 to 200); 0: none
  --seeds N         bulk transfers for each path (3)
  --jobs N          measurements at once, at most (8); never more than the processors carry
  --json FILE       everything, for programs
  --quick           a path of 20 ms and 10 Mbit/s with 0, 1 % and bursts, cubic only: below a minute`;

const QUICK = { rtt: '20', loss: '0,1%,burst', reorder: '0', rate: '10', cc: 'cubic' } as const;
const FULL = {
  rtt: '1,20,100',
  loss: '0,0.1%,1%,3%,burst',
  reorder: '0,5%',
  rate: '10,100',
  cc: 'cubic,bbr',
};

/**
 * Reads the words; null when they ask for help.
 * @throws Error saying what is wrong with them
 */
export function readLossOptions(words: readonly string[]): LossOptions | null {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...words],
    strict: true,
    options: {
      rtt: text,
      loss: text,
      reorder: text,
      rate: text,
      cc: text,
      only: text,
      seconds: text,
      responses: text,
      seeds: text,
      jobs: text,
      json: text,
      quick: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help === true) return null;
  const quick = values.quick === true;
  const base = quick ? QUICK : FULL;
  const list = (name: keyof typeof FULL) => (values[name] ?? base[name]).split(',');
  return {
    rttMs: list('rtt').map((one) => number('--rtt', one, 0.1, 10_000)),
    loss: list('loss').map(readLoss),
    reorder: list('reorder').map((one) => share('--reorder', one)),
    rateMbit: list('rate').map((one) => number('--rate', one, 0.1, 10_000)),
    controllers: list('cc'),
    pairs: readPairs(values.only),
    seconds: optional('--seconds', values.seconds ?? (quick ? '3' : undefined), 3600),
    responses: optional('--responses', values.responses ?? (quick ? '40' : undefined), 100_000),
    seeds: number('--seeds', values.seeds ?? (quick ? '2' : '3'), 1, 1000),
    jobs: number('--jobs', values.jobs ?? '8', 1, 64),
    json: values.json ?? null,
  };
}

function number(what: string, text: string, least: number, most: number): number {
  const value = text.trim() === '' ? Number.NaN : Number(text);
  if (value >= least && value <= most) return value;
  throw new Error(`${what}: "${text}" is no number from ${least} to ${most}`);
}

function optional(what: string, text: string | undefined, most: number): number | null {
  return text === undefined ? null : number(what, text, 0, most);
}

function share(what: string, text: string): number {
  return text.endsWith('%') ? number(what, text.slice(0, -1), 0, 100) / 100 : number(what, text, 0, 1);
}

function readLoss(text: string): Loss {
  return text === 'burst' || text === 'bursts' ? 'burst' : share('--loss', text);
}

function readPairs(text: string | undefined): string[] {
  if (text === undefined) return [...PAIRS];
  const wanted = text.split(',');
  const unknown = wanted.find((pair) => !(PAIRS as readonly string[]).includes(pair));
  if (unknown !== undefined) throw new Error(`--only: "${unknown}" is none of ${PAIRS.join(', ')}`);
  return PAIRS.filter((pair) => pair === PAIRS[0] || wanted.includes(pair));
}
