// The ladder of one connection as plain rows: what crossed, in which states it left both ends, which step it was.
// How rows look is ladder-render.ts's business; where events come from, ladder.ts's.
import { STATE_NAMES, type State } from '../tcp/state.js';
import type { CallName, Verdict } from '../tcp/trace.js';
import { FIN, formatFlags, SYN } from '../wire/segment.js';
import { LadderSteps, opposite, type Side } from './ladder-steps.js';
import type { LinkAct } from './link-act.js';
import { PeerState, type Revelation } from './peer-state.js';
import type { SegmentFacts } from './segment-facts.js';

/** A state in a column. */
export interface LadderState {
  name: (typeof STATE_NAMES)[number];
  /** True when it was read from the other end itself, not inferred. */
  read: boolean;
}

/** The segment of a row. */
export interface LadderSegment {
  from: Side;
  packetId: number;
  /** `SYN,ACK`. */
  flags: string;
  /** Relative to the initial sequence numbers. */
  seq: number;
  ack: number | null;
  /** Payload bytes. */
  len: number;
  mss: number | null;
  /** Length of a Fast Open cookie, 0 where one is asked for; null without the option. */
  tfo: number | null;
  /** 0 for a first transmission. */
  retransmission: number;
  fate: 'arrived' | 'lost' | 'injected';
  /** Teaching letters: `x`, `u+1`; empty for none. */
  seqLetter: string;
  ackLetter: string;
  /** First printable payload bytes, or empty. */
  preview: string;
  /** What the link did to it beside losing or injecting it. */
  acts: LinkAct['act'][];
}

/** What happened in a row without a segment. */
export type LadderEvent =
  | { what: 'call'; side: Side; call: CallName | 'evict'; error: string | null }
  | { what: 'timer'; timer: 'rto' | 'persist' | 'keepalive'; side: Side; ms: number; n: number }
  | { what: 'expired'; timer: '2msl' | 'user' | 'finwait2' | 'rto' | 'keepalive'; side: Side; ms: number }
  | { what: '2msl-restarted'; side: Side; ms: number; wasMs: number }
  | { what: 'unreachable'; side: Side }
  | { what: 'crossed'; bit: 'SYN' | 'FIN' }
  | { what: 'link'; act: LinkAct['act']; from: Side; packetId: number }
  | { what: 'note'; text: { readonly en: string; readonly zh: string } };

/** One row. Columns are null where nothing is known or nothing is to be said. */
export interface LadderRow {
  /** Milliseconds since the ladder began. */
  t: number;
  a: LadderState | null;
  b: LadderState | null;
  segment: LadderSegment | null;
  event: LadderEvent | null;
  /** `H1`…`H3`, `W1`…`W4`, `W2+W3`, `RTX1`…, `2MSL`, `INJ` or empty. */
  step: string;
}

/** Numbers of interest when the ladder ends. */
export interface LadderSummary {
  /** Initial sequence numbers of A and B, or null while unknown. */
  x: number | null;
  y: number | null;
  /** Number of the first FIN, of its ACK and of the other FIN, with the side whose numbers they are. */
  u: { side: Side; number: number } | null;
  v: { side: Side; number: number } | null;
  w: { side: Side; number: number } | null;
  handshakeSeen: boolean;
  /** Rows that were shown but not kept. */
  rowsOmitted: number;
}

/** Rows kept of one connection; later ones are only shown live. */
const MAX_ROWS = 10_000;
/** Acts of the link remembered for segments that have not shown themselves yet. */
const MAX_EARLY_ACTS = 64;

interface PendingRow {
  row: LadderRow;
  /** Null for a call. */
  facts: SegmentFacts | null;
}

/** The ladder of one connection. */
export class LadderModel {
  readonly rows: LadderRow[] = [];
  readonly peer: Side;
  /** Gets each row when it will not change by itself any more. */
  onRow: ((row: LadderRow) => void) | null = null;
  /** Tells the state of the other end, for who knows it; null: it is inferred. */
  exactPeerState: (() => State | null) | null = null;
  private rowsOmitted = 0;
  private steps = new LadderSteps();
  private peerState = new PeerState();
  /** State last set from outside, until the inference moves on. */
  private readState: { state: State; inferred: State | null } | null = null;
  /** The newest row, while it may change: the link may tell that it lost the segment, the call may end in CLOSED. */
  private pending: PendingRow | null = null;
  /** Rows of ours whose effect on the peer is not known yet. */
  private doubtful: LadderRow[] = [];
  private readonly earlyActs = new Map<number, LinkAct['act'][]>();
  private lastRow: LadderRow | null = null;
  private peerSentUpTo = -1;
  private peerRepeated = { seq: -1, times: 0 };
  private iss: number | null = null;
  private irs: number | null = null;

  /**
   * @param ours which end is our stack
   * @param startMs clock milliseconds of time zero
   */
  constructor(
    readonly ours: Side,
    private readonly startMs: number,
  ) {
    this.peer = opposite(ours);
  }

  /** A segment of ours left; `state` is ours afterwards. */
  sent(facts: SegmentFacts, preview: string, state: State, now: number): void {
    this.settle();
    if (facts.flags & SYN) this.iss = facts.seqRaw;
    const row = this.rowOf(this.ours, facts, preview, now);
    this.setColumn(row, this.ours, state);
    if (this.exactPeerState !== null) this.setColumn(row, this.peer, this.exactPeerState());
    if (facts.retransmission > 0) row.step = `RTX${facts.retransmission}`;
    this.pending = { row, facts };
    this.keep(row);
    this.applyEarlyActs(row.segment!);
  }

  /** A segment of the peer was processed; `state` is ours afterwards. */
  received(facts: SegmentFacts, verdict: Verdict, preview: string, state: State, now: number): void {
    this.settle();
    const row = this.rowOf(this.peer, facts, preview, now);
    this.setColumn(row, this.ours, state);
    this.applyEarlyActs(row.segment!);
    const injected = row.segment!.fate === 'injected';
    if (injected) row.step = 'INJ';
    let revealed: Revelation = null;
    if (!injected) {
      if (facts.flags & SYN && verdict !== 'drop') this.irs = facts.seqRaw;
      this.countRepetition(row.segment!, facts, verdict);
      const label = this.steps.label(this.peer, facts);
      this.applyLabel(row, label);
      if (verdict !== 'drop') revealed = this.peerState.received(facts);
      this.resolveDoubt();
    }
    this.setColumn(row, this.peer, this.currentPeerState());
    this.keep(row);
    this.onRow?.(row);
    if (revealed !== null) this.showCrossing(revealed, now);
  }

  /** A packet that only the link saw: one it lost before it reached us, or one it injected toward the peer. */
  seenByLink(
    act: 'drop' | 'inject',
    from: Side,
    facts: SegmentFacts,
    preview: string,
    state: State,
    now: number,
  ): void {
    this.settle();
    const row = this.rowOf(from, facts, preview, now);
    row.segment!.fate = act === 'drop' ? 'lost' : 'injected';
    if (act === 'inject') row.step = 'INJ';
    this.setColumn(row, this.ours, state);
    // A lost segment left the peer in a state that only its retransmission will show.
    if (act === 'inject')
      this.setColumn(row, this.peer, this.peerState.doubtful ? null : this.currentPeerState());
    this.keep(row);
    this.onRow?.(row);
  }

  /** Something without a segment; `state` is ours to show, or null. */
  event(event: LadderEvent, state: State | null, now: number): void {
    this.settle();
    const step = event.what === 'expired' && event.timer === '2msl' ? '2MSL' : '';
    const row: LadderRow = { t: now - this.startMs, a: null, b: null, segment: null, event, step };
    if (state !== null) this.setColumn(row, this.ours, state);
    this.keep(row);
    if (event.what === 'call') this.pending = { row, facts: null };
    else this.onRow?.(row);
  }

  /** A call changed our state at once. Shows it on the call's row; false when that row is gone. */
  amendCall(state: State): boolean {
    if (this.pending === null || this.pending.facts !== null) return false;
    this.setColumn(this.pending.row, this.ours, state);
    return true;
  }

  /** True while the newest row may still change. */
  get unsettled(): boolean {
    return this.pending !== null;
  }

  /** What the link did to a packet of ours or for us. */
  act(act: LinkAct): void {
    const segment = this.pending?.row.segment;
    if (segment?.packetId === act.packetId && segment.packetId !== 0) {
      this.applyAct(segment, act.act);
      return;
    }
    const acts = this.earlyActs.get(act.packetId);
    if (acts !== undefined) acts.push(act.act);
    else this.earlyActs.set(act.packetId, [act.act]);
    if (this.earlyActs.size <= MAX_EARLY_ACTS) return;
    for (const oldest of this.earlyActs.keys()) {
      this.earlyActs.delete(oldest);
      return;
    }
  }

  /** The next SYN begins another life of the same two ends: steps and letters start anew. */
  beginAgain(): void {
    this.settle();
    this.steps = new LadderSteps();
    this.peerState = new PeerState();
    this.readState = null;
    this.doubtful = [];
    this.peerSentUpTo = -1;
  }

  /** The newest row. */
  get newest(): LadderRow | null {
    return this.lastRow;
  }

  /** The state of the other end when it had got or had sent a certain packet; false when no row shows that packet. */
  setPeerStateOf(packetId: number, state: State, read: boolean): boolean {
    const row = this.rows.findLast((each) => each.segment?.packetId === packetId);
    if (row === undefined) return false;
    if (read) this.readState = { state, inferred: this.peerState.state };
    this.setColumn(row, this.peer, state, read);
    return true;
  }

  /** The state of the other end as it was read from there: it goes to the newest row, marked. */
  setPeerState(state: State): void {
    this.settle();
    this.readState = { state, inferred: this.peerState.state };
    if (this.lastRow !== null) this.setColumn(this.lastRow, this.peer, state, true);
  }

  /** Ends the wait for news of the newest row. */
  settle(): void {
    if (this.pending === null) return;
    const { row, facts } = this.pending;
    this.pending = null;
    if (facts !== null) this.settleSegment(row, facts);
    this.onRow?.(row);
  }

  private settleSegment(row: LadderRow, facts: SegmentFacts): void {
    const isExact = this.exactPeerState !== null;
    if (row.segment!.fate !== 'arrived') {
      if (!this.peerState.doubtful && !isExact) this.setColumn(row, this.peer, this.currentPeerState());
      return;
    }
    // Which of several copies arrives is never known; the doubt is the last one's.
    if (facts.retransmission > 0) this.doubtful = [];
    this.applyLabel(row, this.steps.label(this.ours, facts));
    this.peerState.sent(facts);
    if (isExact) return;
    if (this.peerState.doubtful) this.doubtful.push(row);
    else this.setColumn(row, this.peer, this.currentPeerState());
  }

  /** Initial numbers and letters. */
  summary(): LadderSummary {
    const { firstFin, secondFin, ackOfFirstFin } = this.steps;
    const ofA = this.ours === 'A' ? this.iss : this.irs;
    const ofB = this.ours === 'A' ? this.irs : this.iss;
    return {
      x: ofA,
      y: ofB,
      u: firstFin,
      v: ackOfFirstFin === null ? null : { side: opposite(firstFin!.side), number: ackOfFirstFin },
      w: secondFin,
      handshakeSeen: this.steps.handshakeSeen,
      rowsOmitted: this.rowsOmitted,
    };
  }

  private rowOf(from: Side, facts: SegmentFacts, preview: string, now: number): LadderRow {
    const segment: LadderSegment = {
      from,
      packetId: facts.packetId,
      flags: formatFlags(facts.flags),
      seq: facts.seq,
      ack: facts.ack,
      len: facts.len,
      mss: facts.options.mss ?? null,
      tfo: facts.options.tfo ?? null,
      retransmission: facts.retransmission,
      fate: 'arrived',
      seqLetter: '',
      ackLetter: '',
      preview,
      acts: [],
    };
    return { t: now - this.startMs, a: null, b: null, segment, event: null, step: '' };
  }

  private applyLabel(row: LadderRow, label: { step: string; seqLetter: string; ackLetter: string }): void {
    row.segment!.seqLetter = label.seqLetter;
    row.segment!.ackLetter = label.ackLetter;
    if (row.step === '') row.step = label.step;
  }

  /** The peer does not say what it repeats: numbers that all came before are a repetition. */
  private countRepetition(segment: LadderSegment, facts: SegmentFacts, verdict: Verdict): void {
    const length = facts.len + (facts.flags & SYN ? 1 : 0) + (facts.flags & FIN ? 1 : 0);
    if (length === 0) return;
    const end = facts.seq + length;
    if (end > this.peerSentUpTo) {
      if (verdict !== 'drop') this.peerSentUpTo = end;
      return;
    }
    if (verdict !== 'dup' && verdict !== 'drop') return;
    const times = this.peerRepeated.seq === facts.seq ? this.peerRepeated.times + 1 : 1;
    this.peerRepeated = { seq: facts.seq, times };
    segment.retransmission = times;
  }

  private showCrossing(revelation: Exclude<Revelation, null>, now: number): void {
    this.peerState.resolveCrossing(revelation);
    this.doubtful = [];
    const event: LadderEvent = { what: 'crossed', bit: revelation === 'syns-crossed' ? 'SYN' : 'FIN' };
    const row: LadderRow = { t: now - this.startMs, a: null, b: null, segment: null, event, step: '' };
    this.setColumn(row, this.peer, this.currentPeerState());
    this.keep(row);
    this.onRow?.(row);
  }

  /** An answer came: now it is known what the segments of ours had done to the peer. */
  private resolveDoubt(): void {
    if (this.peerState.doubtful) return;
    const before = this.peerState.stateBeforeAnswer;
    for (const row of this.doubtful) this.setColumn(row, this.peer, before);
    this.doubtful = [];
  }

  private currentPeerState(): State | null {
    if (this.exactPeerState !== null) return this.exactPeerState();
    const inferred = this.peerState.state;
    if (this.readState !== null) {
      if (this.readState.inferred === inferred) return this.readState.state;
      this.readState = null;
    }
    return inferred;
  }

  private setColumn(row: LadderRow, side: Side, state: State | null, read = false): void {
    const value = state === null ? null : { name: STATE_NAMES[state], read };
    // What was read is certain, what is inferred later is not.
    if (!read && (side === 'A' ? row.a : row.b)?.read === true) return;
    if (side === 'A') row.a = value;
    else row.b = value;
  }

  private applyEarlyActs(segment: LadderSegment): void {
    const acts = this.earlyActs.get(segment.packetId);
    if (acts === undefined || segment.packetId === 0) return;
    this.earlyActs.delete(segment.packetId);
    for (const act of acts) this.applyAct(segment, act);
  }

  private applyAct(segment: LadderSegment, act: LinkAct['act']): void {
    if (act === 'drop') segment.fate = 'lost';
    else if (act === 'inject') segment.fate = 'injected';
    else if (!segment.acts.includes(act)) segment.acts.push(act);
  }

  private keep(row: LadderRow): void {
    this.lastRow = row;
    if (this.rows.length < MAX_ROWS) this.rows.push(row);
    else this.rowsOmitted++;
  }
}
