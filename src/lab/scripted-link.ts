// The link as scripts see it, in terms of A and B, on top of the impaired link of our stack, which knows in and out.
import type { ImpairedLink } from '../link/impair.js';
import type { ImpairedPacket } from '../link/impair-packet.js';
import { act, type Rule, type RuleMatch } from '../link/impair-rules.js';
import type { EditableSegment, InjectedSegment } from '../link/impair-segment.js';
import type { Side } from '../observe/ladder-steps.js';
import { FREEZE, SWALLOWED } from './lab-ladder.js';
import type { InjectedByLab, SegmentMatch, StageLink } from './stage.js';

/** Where injected segments come from and go to. */
export interface ScriptedEnds {
  readonly ours: Side;
  readonly ourAddress: string;
  readonly peerAddress: string;
  readonly clientPort: number;
  readonly serverPort: number;
  /** ISN of a side, as far as it is known. */
  isnOf(side: Side): number | null;
  /** The conversation is about to begin, by a segment that nobody sent. */
  expect(): void;
}

/** What a script may do to the link. */
export class ScriptedLink implements StageLink {
  private readonly undoRules: (() => void)[] = [];
  private readonly names = new Set<string>();
  private undoFreeze: (() => void)[] = [];

  constructor(
    private readonly link: ImpairedLink,
    private readonly ends: ScriptedEnds,
  ) {}

  drop(match: SegmentMatch): void {
    this.rule(match, { act: act.drop(), text: 'lost' });
  }

  delay(match: SegmentMatch, ms: number): void {
    this.rule(match, { act: act.delay(ms), text: 'late' });
  }

  dup(match: SegmentMatch, copies = 1, gapMs = 0): void {
    this.rule(match, { act: act.dup(copies, gapMs), text: 'doubled' });
  }

  reorder(match: SegmentMatch, after: SegmentMatch): void {
    this.rule(match, { act: act.reorder(this.matchOf(after)), text: 'overtaken' });
  }

  hold(name: string, match: SegmentMatch, line = false): void {
    this.names.add(name);
    this.rule(match, { act: act.hold(name, line), text: `held: ${name}` });
  }

  release(name: string): void {
    this.link.release(name);
  }

  held(name: string): number {
    return this.link.heldCount(name);
  }

  rewrite(match: SegmentMatch, edit: (segment: EditableSegment) => void): void {
    this.rule(match, { act: act.rewrite(edit), text: 'rewritten' });
  }

  inject(segment: InjectedByLab): void {
    const { ends } = this;
    ends.expect();
    const other = segment.from === 'A' ? 'B' : 'A';
    const { clientPort, serverPort, ourAddress, peerAddress, ours } = ends;
    const base = (side: Side) => (segment.raw === true ? 0 : (ends.isnOf(side) ?? 0));
    const portOf = (side: Side) => (side === 'A' ? clientPort : serverPort);
    const injected: InjectedSegment = {
      dir: segment.from === ours ? 'out' : 'in',
      flags: segment.flags,
      seq: (base(segment.from) + segment.seq) >>> 0,
      local: { address: ourAddress, port: portOf(ours) },
      remote: segment.source ?? { address: peerAddress, port: portOf(ours === 'A' ? 'B' : 'A') },
    };
    if (segment.ack !== undefined) injected.ack = (base(other) + segment.ack) >>> 0;
    if (segment.payload !== undefined) injected.payload = segment.payload;
    if (segment.window !== undefined) injected.window = segment.window;
    if (segment.options !== undefined) injected.options = segment.options;
    this.link.inject(injected);
  }

  swallow(match: SegmentMatch): void {
    this.rule(match, { act: act.drop(), text: SWALLOWED });
  }

  swallowStrangers(): void {
    const { peerAddress } = this.ends;
    const isStranger = (packet: ImpairedPacket) => packet.remote.address.toString() !== peerAddress;
    this.undoRules.push(
      this.link.addRule({ match: { dir: 'out', predicate: isStranger }, act: act.drop(), text: SWALLOWED }),
    );
  }

  cut(): void {
    this.undoRules.push(this.link.addRule({ match: {}, act: act.drop(), text: FREEZE }));
  }

  /** Holds everything back, in both directions, until `thaw`. */
  freeze(): void {
    for (const dir of ['in', 'out'] as const) {
      this.undoFreeze.push(this.link.addRule({ match: { dir }, act: act.hold(FREEZE, true), text: FREEZE }));
    }
  }

  /** Lets everything go that `freeze` has held. */
  thaw(): void {
    for (const undo of this.undoFreeze.splice(0)) undo();
    this.link.release(FREEZE);
  }

  /** Takes all rules away and lets everything go. */
  clear(): void {
    for (const undo of this.undoRules.splice(0)) undo();
    for (const name of this.names) this.link.release(name);
    this.thaw();
  }

  private rule(match: SegmentMatch, rest: Omit<Rule, 'match'>): void {
    this.undoRules.push(this.link.addRule({ match: this.matchOf(match), ...rest }));
  }

  private matchOf(match: SegmentMatch): RuleMatch {
    const rule: RuleMatch = { dir: match.from === this.ends.ours ? 'out' : 'in' };
    if (match.flags !== undefined) rule.flags = match.flags;
    if (match.has !== undefined) rule.has = match.has;
    if (match.without !== undefined) rule.without = match.without;
    if (match.seq !== undefined) rule.relSeq = match.seq;
    if (match.ack !== undefined) rule.relAck = match.ack;
    if (match.len !== undefined) rule.len = match.len;
    if (match.nth !== undefined) rule.nth = match.nth;
    return rule;
  }
}
