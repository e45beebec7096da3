// Rules as people type them: `drop dir=out flags=FA nth=1`. Grammar: an act, `name=value` pairs that match, and for
// `reorder`, `inject` and `rewrite` a `=>` followed by pairs that say what comes next.
import { compileNumberTest, flagsFromLetters, RuleError } from './impair-numbers.js';
import type { Direction } from './impair-options.js';
import { act, Matcher, type Rule, type RuleAct, type RuleMatch } from './impair-rules.js';
import { checkInjected, type EditableSegment, type InjectedSegment } from './impair-segment.js';

interface Token {
  readonly text: string;
  readonly column: number;
}

interface Pair {
  readonly name: string;
  readonly value: string;
  readonly column: number;
}

/** Pairs of one part of a rule; what nobody takes is an error. */
class Pairs {
  private readonly pairs = new Map<string, Pair>();

  constructor(
    tokens: readonly Token[],
    private readonly text: string,
  ) {
    for (const token of tokens) {
      const equals = token.text.indexOf('=');
      if (equals <= 0) this.fail(`"${token.text}" is not name=value.`, token.column);
      const name = token.text.slice(0, equals).toLowerCase();
      const pair = { name, value: token.text.slice(equals + 1), column: token.column };
      if (this.pairs.has(name)) this.fail(`${name} is given twice; keep one.`, token.column);
      this.pairs.set(name, pair);
    }
  }

  take(name: string): Pair | null {
    const pair = this.pairs.get(name) ?? null;
    this.pairs.delete(name);
    return pair;
  }

  /** Applies `read` to the value of `name` when there is one; its complaints get the column. */
  read<T>(name: string, read: (value: string) => T): T | undefined {
    const pair = this.take(name);
    if (pair === null) return undefined;
    try {
      return read(pair.value);
    } catch (error) {
      if (error instanceof RuleError && error.column === 0) {
        this.fail(error.message.replace(/^link rule: /, ''), pair.column + name.length + 1);
      }
      throw error;
    }
  }

  number(name: string, least: number, most: number): number | undefined {
    return this.read(name, (value) => {
      const number = /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
      if (number >= least && number <= most) return number;
      throw new RuleError(`${name} is "${value}"; write a number from ${least} to ${most}.`);
    });
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    return this.read(name, (value) => {
      const found = values.find((v) => v === value);
      if (found !== undefined) return found;
      throw new RuleError(`${name} is "${value}"; write ${values.join(' or ')}.`);
    });
  }

  end(known: readonly string[]): void {
    for (const pair of this.pairs.values()) {
      this.fail(`${pair.name} means nothing here; use ${known.join(', ')}.`, pair.column);
    }
  }

  fail(problem: string, column: number): never {
    throw new RuleError(problem, this.text, column);
  }
}

const MATCH_NAMES = [
  'dir',
  'flags',
  'has',
  'without',
  'relseq',
  'relack',
  'len',
  'port',
  'localport',
  'remoteport',
  'host',
  'nth',
] as const;
const ACTS = ['drop', 'delay', 'dup', 'reorder', 'hold', 'rewrite', 'inject'] as const;
const ACT_NAMES: Record<(typeof ACTS)[number], readonly string[]> = {
  drop: [],
  delay: ['ms'],
  dup: ['copies', 'gap'],
  reorder: ['max'],
  hold: ['until', 'line'],
  rewrite: [],
  inject: [],
};
const REWRITE_NAMES = ['flags', 'relseq', 'relack', 'seq', 'ack', 'window', 'ttl', 'payload', 'checksum'];
const INJECT_NAMES = [...REWRITE_NAMES, 'dir', 'delay'];

/**
 * Reads a rule from text:
 *
 *     drop    dir=out flags=FA nth=1
 *     delay   ms=150 dir=in has=F
 *     dup     copies=2 gap=10 dir=in len=>0 nth=1
 *     reorder max=500 dir=out len=>0 nth=1 => flags=FA
 *     hold    until=fin line=yes dir=out flags=FA
 *     rewrite dir=in len=>0 nth=1 => payload=none
 *     inject  dir=out flags=S nth=1 => dir=out flags=S relseq=-10 delay=5
 *
 * Matching: dir flags has without relseq relack len port localport remoteport host nth. After `=>` a reorder takes the
 * same names; a rewrite flags relseq relack seq ack window ttl payload checksum; an inject those and dir delay, with
 * payload as text, `none` or `hex:…`.
 * @throws RuleError (`ERR_SYNWAVE_RULE`) with the column of the trouble and the remedy
 */
export function parseRule(text: string): Rule {
  const tokens = tokenize(text);
  const verb = tokens[0] ?? { text: '', column: 1 };
  const kind = ACTS.find((name) => name === verb.text.toLowerCase());
  if (kind === undefined) {
    throw new RuleError(`"${verb.text}" is not an act; begin with ${ACTS.join(', ')}.`, text, verb.column);
  }
  const arrow = tokens.findIndex((token) => token.text === '=>');
  const front = new Pairs(tokens.slice(1, arrow < 0 ? undefined : arrow), text);
  const back = arrow < 0 ? null : new Pairs(tokens.slice(arrow + 1), text);
  const arrowColumn = arrow < 0 ? text.length + 1 : tokens[arrow]!.column;
  if (back !== null && !['reorder', 'rewrite', 'inject'].includes(kind)) {
    throw new RuleError(`${kind} takes nothing after =>; leave it out.`, text, arrowColumn);
  }
  const match = readMatch(front);
  const ruleAct = readAct(kind, front, back, verb, arrowColumn, text);
  front.end([...ACT_NAMES[kind], ...MATCH_NAMES]);
  return { match, act: ruleAct, text };
}

function tokenize(text: string): Token[] {
  return [...text.matchAll(/\S+/g)].map((found) => ({ text: found[0], column: found.index + 1 }));
}

function readMatch(pairs: Pairs): RuleMatch {
  const test = (name: string) =>
    pairs.read(name, (value) => {
      compileNumberTest(name, value);
      return value;
    });
  const letters = (name: string) =>
    pairs.read(name, (value) => {
      flagsFromLetters(value);
      return value;
    });
  const read = {
    dir: pairs.oneOf<Direction>('dir', ['in', 'out']),
    flags: letters('flags'),
    has: letters('has'),
    without: letters('without'),
    relSeq: test('relseq'),
    relAck: test('relack'),
    len: test('len'),
    port: test('port'),
    localPort: test('localport'),
    remotePort: test('remoteport'),
    host: pairs.read('host', (value) => {
      new Matcher({ host: value });
      return value;
    }),
    nth: test('nth'),
  };
  return Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined)) as RuleMatch;
}

function readAct(
  kind: (typeof ACTS)[number],
  front: Pairs,
  back: Pairs | null,
  verb: Token,
  arrowColumn: number,
  text: string,
): RuleAct {
  switch (kind) {
    case 'drop':
      return act.drop();
    case 'delay':
      return act.delay(front.number('ms', 0, 1e9) ?? front.fail('delay needs ms=…', verb.column));
    case 'dup':
      return act.dup(front.number('copies', 1, 1000), front.number('gap', 0, 1e9));
    case 'reorder': {
      const after = back === null ? null : readMatch(back);
      back?.end(MATCH_NAMES);
      return act.reorder(after, front.number('max', 0, 1e9));
    }
    case 'hold': {
      const until = front.take('until');
      if (until === null || until.value === '') front.fail('hold needs until=NAME.', verb.column);
      return act.hold(until.value, front.oneOf('line', ['yes', 'no']) === 'yes');
    }
    default:
      if (back === null) front.fail(`${kind} needs => and what to write.`, arrowColumn);
      return kind === 'rewrite' ? readRewrite(back) : readInject(back, arrowColumn, text);
  }
}

function readRewrite(pairs: Pairs): RuleAct {
  const fields = readFields(pairs);
  const checksum = pairs.oneOf('checksum', ['fix', 'keep', 'bad']);
  pairs.end(REWRITE_NAMES);
  return act.rewrite((segment: EditableSegment) => {
    if (fields.flags !== undefined) segment.flags = flagsFromLetters(fields.flags);
    if (fields.seq !== undefined) segment.seq = fields.seq;
    if (fields.relSeq !== undefined) segment.relSeq = fields.relSeq;
    if (fields.ack !== undefined) segment.ack = fields.ack;
    if (fields.relAck !== undefined) segment.relAck = fields.relAck;
    if (fields.window !== undefined) segment.wnd = fields.window;
    if (fields.ttl !== undefined) segment.ttl = fields.ttl;
    if (fields.payload !== undefined) segment.payload = fields.payload;
    if (checksum !== undefined) segment.checksum = checksum;
  });
}

function readInject(pairs: Pairs, column: number, text: string): RuleAct {
  const dir =
    pairs.oneOf<Direction>('dir', ['in', 'out']) ?? pairs.fail('inject needs dir= after =>.', column);
  const fields = readFields(pairs);
  const flags = fields.flags ?? pairs.fail('inject needs flags= after =>.', column);
  const checksum = pairs.oneOf('checksum', ['fix', 'bad']);
  const delayMs = pairs.number('delay', 0, 1e9);
  pairs.end(INJECT_NAMES);
  const given = Object.entries({ ...fields, checksum, delayMs }).filter(([, value]) => value !== undefined);
  const segment: InjectedSegment = { ...Object.fromEntries(given), dir, flags };
  try {
    checkInjected(segment);
  } catch (error) {
    throw new RuleError((error as Error).message.replace(/^link rule: /, ''), text, column);
  }
  return act.inject(segment);
}

function readFields(pairs: Pairs) {
  return {
    flags: pairs.read('flags', (value) => {
      flagsFromLetters(value);
      return value;
    }),
    seq: pairs.number('seq', 0, 0xffffffff),
    relSeq: pairs.number('relseq', -0x80000000, 0x7fffffff),
    ack: pairs.number('ack', 0, 0xffffffff),
    relAck: pairs.number('relack', -0x80000000, 0x7fffffff),
    window: pairs.number('window', 0, 0xffff),
    ttl: pairs.number('ttl', 0, 255),
    payload: pairs.read('payload', readPayload),
  };
}

function readPayload(value: string): Uint8Array {
  if (value === 'none') return new Uint8Array(0);
  if (!value.startsWith('hex:')) return new TextEncoder().encode(value);
  const digits = value.slice(4);
  if (!/^([0-9a-f]{2})*$/i.test(digits)) {
    throw new RuleError(`payload is "${value}"; write an even number of hexadecimal digits after hex:.`);
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
