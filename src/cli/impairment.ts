// The options that make a link worse, for verbs with a stack and for the wire. What becomes of packets then is said in
// link/impair-options.ts.
import type { Impairments } from '../link/impair-options.js';
import { usageError } from './failure.js';
import { type OptionSpecs, type OptionValues, textOf, textsOf } from './option-values.js';
import { parseBitRate, parseBytes, parseDuration, parseInteger, parseShare } from './values.js';

/** What the link does to packets. */
export interface Impairment {
  readonly seed: number;
  /** Packets that leave the stack, or the wire's left end. */
  readonly out: Impairments;
  /** Packets to the stack, or to the wire's left end. */
  readonly in: Impairments;
  readonly rules: readonly string[];
}

/** The options. Every value but those of `--seed` and `--rule` may be a pair `OUT,IN`. */
export const IMPAIRMENT_OPTIONS: OptionSpecs = {
  seed: { type: 'string', value: 'N', help: 'seed of the impaired link (default 1)' },
  loss: {
    type: 'string',
    value: 'SHARE',
    help: 'lose this share of the packets, each way: 2%; or OUT,IN: 2%,0',
  },
  burst: {
    type: 'string',
    value: 'SHARE[:N]',
    help: 'lose this share in bursts of N packets on average: 1%:5',
  },
  delay: { type: 'string', value: 'TIME', help: 'delay every packet: 30ms' },
  jitter: { type: 'string', value: 'TIME', help: 'vary the delay by at most this' },
  dup: { type: 'string', value: 'SHARE', help: 'duplicate this share' },
  reorder: { type: 'string', value: 'SHARE', help: 'let this share be overtaken' },
  corrupt: { type: 'string', value: 'SHARE', help: 'flip a bit in this share' },
  rate: { type: 'string', value: 'RATE', help: 'bottleneck: 10mbit' },
  queue: {
    type: 'string',
    value: 'BYTES',
    help: 'what waits for the bottleneck; more is lost (default 150000)',
  },
  rule: {
    type: 'string',
    multiple: true,
    value: 'TEXT',
    help: "a rule of the link: 'drop dir=out flags=FA nth=1'",
  },
};

/** Packets per burst unless `--burst` says otherwise. */
const BURST_PACKETS = 5;

/**
 * Reads the options. Null when none of them asks for anything.
 * @throws CliFailure `ERR_SYNWAVE_USAGE` naming the option
 */
export function readImpairment(values: OptionValues): Impairment | null {
  const seed = parseInteger(textOf(values, 'seed') ?? '1', '--seed', 0, 0xffffffff);
  const impairment = {
    seed,
    out: readWay(values, 0),
    in: readWay(values, 1),
    rules: textsOf(values, 'rule'),
  };
  const asks = (way: Impairments) => Object.keys(way).length > 0;
  return impairment.rules.length > 0 || asks(impairment.out) || asks(impairment.in) ? impairment : null;
}

/** What the options say for one way: 0 out, 1 in. A fault that is not asked for is left out. */
function readWay(values: OptionValues, way: 0 | 1): Impairments {
  const found: Impairments = {};
  const put = <K extends keyof Impairments>(
    key: K,
    option: string,
    parse: (text: string, what: string) => Impairments[K] | 0,
  ) => {
    const text = textOf(values, option);
    if (text === undefined) return;
    const value = parse(ofWay(text, `--${option}`, way), `--${option}`);
    if (value !== 0 && value !== undefined) found[key] = value;
  };
  put('loss', 'loss', parseShare);
  put('burstLoss', 'burst', parseBurst);
  put('delayMs', 'delay', (text, what) => parseDuration(text, what));
  put('jitterMs', 'jitter', (text, what) => parseDuration(text, what));
  put('duplicate', 'dup', parseShare);
  put('reorder', 'reorder', parseShare);
  put('corrupt', 'corrupt', parseShare);
  put('rate', 'rate', parseBitRate);
  put('queueBytes', 'queue', parseBytes);
  if (found.queueBytes !== undefined && found.rate === undefined) delete found.queueBytes;
  return found;
}

function ofWay(text: string, what: string, way: 0 | 1): string {
  const parts = text.split(',');
  if (parts.length > 2) throw usageError(`${what}: "${text}"`, 'give one value, or two: OUT,IN');
  return parts[way] ?? parts[0]!;
}

/**
 * `1%:5` as the two-state model in which 1 % of the packets meet a bad state that loses everything and lasts 5 packets
 * on average: `enter / (enter + leave)` is the share, `1 / leave` the length.
 */
function parseBurst(text: string, what: string): Impairments['burstLoss'] | 0 {
  const [first = '', second] = text.split(':', 2);
  const share = parseShare(first, what);
  const packets = second === undefined ? BURST_PACKETS : parseInteger(second, what, 1, 10_000);
  if (share === 0) return 0;
  const leave = 1 / packets;
  const enter = (share * leave) / (1 - share);
  if (!(enter <= 1)) throw usageError(`${what}: ${text} is more than bursts can lose`, 'take --loss for it');
  return { enter, leave };
}
