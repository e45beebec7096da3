// Scripted faults: what a rule matches and what it asks for. The text form stands in impair-rule-text.ts; the acts are
// carried out by impair.ts.
import { IpAddress } from '../wire/address.js';
import { PSH } from '../wire/segment.js';
import { compileNumberTest, flagsFromLetters, type NumberTest, RuleError } from './impair-numbers.js';
import type { Direction } from './impair-options.js';
import type { ImpairedPacket } from './impair-packet.js';
import type { EditableSegment, InjectedSegment } from './impair-segment.js';

/**
 * What a rule looks at. Every given field must hold; fields about TCP hold for unfragmented TCP segments only.
 * Relative numbers count from the ISN in the latest SYN of that side that crossed this link.
 */
export interface RuleMatch {
  /** From the stack's view. Default: both. */
  dir?: Direction;
  /** Letters of exactly the control bits that are set, PSH aside: `S`, `SA`, `FA`, `RA`; or a test of the bits. */
  flags?: string | ((flags: number) => boolean);
  /** Letters of bits that must be set. */
  has?: string;
  /** Letters of bits that must not be set. */
  without?: string;
  relSeq?: NumberTest;
  relAck?: NumberTest;
  /** Bytes of TCP payload. */
  len?: NumberTest;
  /** Either port. */
  port?: NumberTest;
  localPort?: NumberTest;
  remotePort?: NumberTest;
  /** Either address, as text. */
  host?: string;
  /** Anything else. What it throws counts as no match. */
  predicate?: (packet: ImpairedPacket) => boolean;
  /** Counts the packets that meet all the rest, from 1: `1` for the first, `>2`, `1..3`. Default: every one. */
  nth?: NumberTest;
}

/** What a rule does. `drop`, `delay`, `dup`, `reorder` and `hold` decide; after the others further rules are asked. */
export type RuleAct =
  | { readonly kind: 'drop' }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'dup'; readonly copies: number; readonly gapMs: number }
  | { readonly kind: 'reorder'; readonly after: RuleMatch | null; readonly maxMs: number }
  | { readonly kind: 'hold'; readonly until: string; readonly line: boolean }
  | { readonly kind: 'rewrite'; readonly edit: (segment: EditableSegment) => void }
  | { readonly kind: 'inject'; readonly segment: InjectedSegment };

/** A rule: which packets, and what becomes of them. */
export interface Rule {
  match: RuleMatch;
  act: RuleAct;
  /** What reports call it. Default: the name of its act. */
  text?: string;
}

/** Longest wait of a packet that a rule reorders, unless told otherwise. */
const DEFAULT_RULE_REORDER_MS = 1000;
const MAX_COPIES = 1000;

/** Makers of acts. */
export const act = {
  /** The packet is lost. */
  drop: (): RuleAct => ({ kind: 'drop' }),
  /** The packet takes `ms` longer; others may overtake it. */
  delay: (ms: number): RuleAct => ({ kind: 'delay', ms: atLeast('delay', ms, 0) }),
  /** The packet comes `copies` more times, `gapMs` apart. */
  dup: (copies = 1, gapMs = 0): RuleAct => {
    if (copies > MAX_COPIES) throw new RuleError(`${copies} copies; give at most ${MAX_COPIES}.`);
    return { kind: 'dup', copies: atLeast('copies', copies, 1), gapMs: atLeast('gap', gapMs, 0) };
  },
  /**
   * The packet waits until a later one of its direction that matches `after` has gone (null: the next one), or until
   * `maxMs` have passed (default 1000).
   */
  reorder: (after: RuleMatch | null = null, maxMs = DEFAULT_RULE_REORDER_MS): RuleAct => ({
    kind: 'reorder',
    after,
    maxMs: atLeast('maxMs', maxMs, 0),
  }),
  /**
   * The packet waits for `release(until)`, after which the rule is spent. With `line`, all that follows it in its
   * direction waits behind it.
   */
  hold: (until: string, line = false): RuleAct => ({ kind: 'hold', until, line }),
  /** `edit` changes a decoded copy; lengths and checksums are corrected unless it says otherwise. */
  rewrite: (edit: (segment: EditableSegment) => void): RuleAct => ({ kind: 'rewrite', edit }),
  /** Another segment appears; the matched one goes its way. */
  inject: (segment: InjectedSegment): RuleAct => ({ kind: 'inject', segment }),
};

/** A compiled `RuleMatch`, with its count. */
export class Matcher {
  private readonly tests: ((packet: ImpairedPacket) => boolean)[];
  private readonly nth: ((count: number) => boolean) | null;
  /** Packets that met everything but `nth`. */
  count = 0;

  /** @throws RuleError when a field cannot be understood */
  constructor(private readonly match: RuleMatch) {
    this.tests = compile(match);
    this.nth = match.nth === undefined ? null : compileNumberTest('nth', match.nth);
  }

  /** Asks about the next packet; counts it when all but `nth` holds. */
  matches(packet: ImpairedPacket): boolean {
    if (this.match.dir !== undefined && packet.dir !== this.match.dir) return false;
    for (const test of this.tests) if (!test(packet)) return false;
    this.count++;
    return this.nth === null || this.nth(this.count);
  }
}

function compile(match: RuleMatch): ((packet: ImpairedPacket) => boolean)[] {
  const tests: ((packet: ImpairedPacket) => boolean)[] = [];
  const onTcp = (test: (packet: ImpairedPacket) => boolean) =>
    tests.push((packet) => packet.isTcp && test(packet));
  const { flags, has, without, relSeq, relAck, len, predicate } = match;
  if (typeof flags === 'function') onTcp((p) => flags(p.segment.flags));
  else if (flags !== undefined) {
    const wanted = flagsFromLetters(flags) & ~PSH;
    onTcp((p) => (p.segment.flags & ~PSH) === wanted);
  }
  if (has !== undefined) {
    const bits = flagsFromLetters(has);
    onTcp((p) => (p.segment.flags & bits) === bits);
  }
  if (without !== undefined) {
    const bits = flagsFromLetters(without);
    onTcp((p) => (p.segment.flags & bits) === 0);
  }
  if (relSeq !== undefined) {
    const test = compileNumberTest('relSeq', relSeq);
    onTcp((p) => p.relSeq !== null && test(p.relSeq));
  }
  if (relAck !== undefined) {
    const test = compileNumberTest('relAck', relAck);
    onTcp((p) => p.relAck !== null && test(p.relAck));
  }
  if (len !== undefined) {
    const test = compileNumberTest('len', len);
    onTcp((p) => test(p.segment.payloadLength));
  }
  compileTuple(match, onTcp);
  if (predicate !== undefined) tests.push((p) => holds(predicate, p));
  return tests;
}

function compileTuple(match: RuleMatch, onTcp: (test: (packet: ImpairedPacket) => boolean) => void): void {
  const { port, localPort, remotePort, host } = match;
  if (port !== undefined) {
    const test = compileNumberTest('port', port);
    onTcp((p) => test(p.sourcePort) || test(p.destinationPort));
  }
  if (localPort !== undefined) {
    const test = compileNumberTest('localPort', localPort);
    onTcp((p) => test(p.local.port));
  }
  if (remotePort !== undefined) {
    const test = compileNumberTest('remotePort', remotePort);
    onTcp((p) => test(p.remote.port));
  }
  if (host !== undefined) {
    const address = IpAddress.parse(host);
    if (address === null) throw new RuleError(`host "${host}" is not an IP address; write it like 10.9.0.1.`);
    onTcp((p) => p.source.equals(address) || p.destination.equals(address));
  }
}

function holds(predicate: (packet: ImpairedPacket) => boolean, packet: ImpairedPacket): boolean {
  try {
    return predicate(packet);
  } catch {
    return false;
  }
}

function atLeast(what: string, value: number, least: number): number {
  if (value >= least && Number.isFinite(value)) return value;
  throw new RuleError(`${what} is ${value}; give a number of at least ${least}.`);
}
