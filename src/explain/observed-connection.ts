// One captured connection: its rows for the ladder, the states of both ends, what is remarkable, and how it began and
// ended. Fed segment by segment; what it keeps is bounded.
import type { LadderRow, LadderSegment, LadderSummary } from '../observe/ladder-rows.js';
import { LadderSteps, opposite, type Side } from '../observe/ladder-steps.js';
import type { SegmentFacts } from '../observe/segment-facts.js';
import { State } from '../tcp/state.js';
import { formatEndpoint, type IpAddress } from '../wire/address.js';
import { ACK, ECE, FIN, formatFlags, RST, SYN, URG } from '../wire/segment.js';
import { seqDiff, seqGt, seqLt, toUint32 } from '../wire/seq.js';
import { type AnalysisFlag, analyse, Direction, lengthOf, takeNotice } from './direction.js';
import { icmpText } from './icmp-words.js';
import type { ObservedIcmp, ObservedSegment } from './observed-segment.js';
import { ObservedStates } from './observed-states.js';
import { labelOf, type Remark, type RemarkKind, type RemarkValues } from './remarks.js';

/** How a connection came about, as far as the capture shows. */
export type Opening = 'handshake' | 'simultaneous' | 'refused' | 'unanswered' | 'half-open' | 'midstream';
/** How it ended. */
export type Closing = 'fin' | 'simultaneous' | 'reset' | 'refused' | 'half-closed' | 'open' | 'unanswered';

/** Limits of what is kept of one connection. */
export interface KeepLimits {
  /** Rows from its beginning, and the latest ones. */
  readonly firstRows: number;
  readonly lastRows: number;
  /** Remarks of one kind. */
  readonly remarksOfKind: number;
}

/** What was known before a segment took effect. */
interface Before {
  /** When what it brings was sent last. */
  readonly known: { readonly timeMs: number; readonly times: number } | null;
  /** Duplicate ACKs of the other end, and the window that this end had offered. */
  readonly duplicates: number;
  readonly wnd: number;
  readonly isOldAck: boolean;
}

/** Remarks beside which the states stand: they tell of an arrival that no row shows. */
const CHANGES_STATES: readonly RemarkKind[] = ['simultaneous-open', 'simultaneous-close'];

/** An end of a connection. */
export interface Endpoint {
  readonly address: IpAddress;
  readonly port: number;
}

/** One connection. A is who opened it, or, where that is not known, who has the greater port. */
export class ObservedConnection {
  readonly a: Endpoint;
  readonly b: Endpoint;
  readonly directions: Readonly<Record<Side, Direction>> = { A: new Direction(), B: new Direction() };
  readonly counts = new Map<AnalysisFlag, number>();
  readonly remarks: Remark[] = [];
  private readonly remarkCounts = new Map<RemarkKind, number>();
  readonly states = new ObservedStates();
  readonly firstMs: number;
  lastMs: number;
  /** Round trip of the handshake as it crossed the place of the capture, in ms; 0 when not seen. */
  handshakeMs = 0;
  /** From the latest SYN to the ACK that completed the handshake, in ms; 0 when not seen. */
  private initialRttMs = 0;
  rowsOmitted = 0;
  isSimultaneousOpen = false;
  isSimultaneousClose = false;
  resetBy: Side | null = null;
  refusedBy: Side | null = null;
  isMidstream = false;
  private readonly steps = new LadderSteps();
  private readonly head: LadderRow[] = [];
  private readonly tail: LadderRow[] = [];
  private synAtMs = Number.NaN;
  private readonly finSent: Record<Side, boolean> = { A: false, B: false };
  private readonly finAcked: Record<Side, boolean> = { A: false, B: false };
  private firstFin: Side | null = null;

  constructor(
    readonly stream: number,
    first: ObservedSegment,
    private readonly limits: KeepLimits,
  ) {
    const from = { address: first.source, port: first.sourcePort };
    const to = { address: first.destination, port: first.destinationPort };
    const isOpener = (first.flags & SYN) !== 0;
    const fromOpened = isOpener ? (first.flags & ACK) === 0 : from.port > to.port;
    [this.a, this.b] = fromOpened ? [from, to] : [to, from];
    this.firstMs = this.lastMs = Number.isNaN(first.timeMs) ? 0 : first.timeMs;
    if (isOpener) return;
    this.isMidstream = true;
    this.states.assumeEstablished();
    if ((first.flags & RST) === 0) this.remark('midstream', first.frame, {});
  }

  /** Which end sent it. */
  sideOf(s: { readonly source: IpAddress; readonly sourcePort: number }): Side {
    return s.sourcePort === this.a.port && s.source.equals(this.a.address) ? 'A' : 'B';
  }

  /** Both ends are done with it, or one has aborted it. */
  get isOver(): boolean {
    return this.resetBy !== null || this.refusedBy !== null || (this.finSent.A && this.finSent.B);
  }

  /** True when a SYN with these numbers begins another connection of the same ports. */
  isSuperseded(s: ObservedSegment): boolean {
    if ((s.flags & (SYN | ACK | RST)) !== SYN) return false;
    const { base, synSeen } = this.directions[this.sideOf(s)];
    return !(synSeen && base === s.seq) && (this.isOver || this.isMidstream || synSeen);
  }

  /** Takes a segment. */
  take(s: ObservedSegment): void {
    if (!Number.isNaN(s.timeMs)) this.lastMs = Math.max(this.lastMs, s.timeMs);
    const side = this.sideOf(s);
    const from = this.directions[side];
    const to = this.directions[opposite(side)];
    const flags = analyse(s, from, to, this.initialRttMs);
    for (const flag of flags) this.counts.set(flag, (this.counts.get(flag) ?? 0) + 1);
    const before = this.knownBefore(s, side);
    // Wireshark judges the order by time alone; what was seen before was sent before.
    const isAgain = flags.has('retransmission') || (flags.has('out_of_order') && before.known !== null);
    const resent = isAgain ? (before.known?.times ?? 1) : 0;
    const isDropped = s.checksum === 'bad' || this.isForeignSyn(s, side) || !this.isBelieved(s, side);
    if (!isDropped) takeNotice(s, from, to, flags);
    else from.segments++;
    if (s.flags & SYN && !isDropped) this.noteSyn(s, side);
    const facts = this.factsOf(s, side, resent);
    const row = this.rowOf(s, side, facts);
    this.keep(row);
    if (isDropped) this.states.unchanged(row);
    else this.follow(s, side, facts, row);
    this.judge(s, side, flags, before, isDropped);
  }

  /** Another connection of the same ports came before it. */
  noteReuse(frame: number): void {
    this.counts.set('reused_ports', 1);
    this.remark('reused-ports', frame, {});
  }

  /** An ICMP error quotes one of its segments. */
  takeIcmp(icmp: ObservedIcmp): void {
    const side = this.sideOf(icmp);
    this.remark('icmp', icmp.frame, { side, text: icmpText(icmp, 'en'), textZh: icmpText(icmp, 'zh') });
  }

  // ---- what follows from a segment

  private knownBefore(s: ObservedSegment, side: Side): Before {
    const from = this.directions[side];
    const sent = lengthOf(s) > 0 ? from.lastSent(s.seq | 0) : null;
    return {
      // Copied: the times of a range change when it is sent again.
      known: sent === null ? null : { timeMs: sent.timeMs, times: sent.times },
      duplicates: this.directions[opposite(side)].duplicateAcks,
      wnd: from.lastWnd,
      isOldAck: from.lastAck !== null && seqLt(s.ack | 0, from.lastAck),
    };
  }

  private noteSyn(s: ObservedSegment, side: Side): void {
    const from = this.directions[side];
    const to = this.directions[opposite(side)];
    if (!from.synSeen) {
      from.synSeen = true;
      from.base = s.seq;
      from.shift = s.options.ws ?? 0;
    }
    if (s.flags & ACK) {
      if (this.handshakeMs === 0) this.handshakeMs = s.timeMs - this.synAtMs || 0;
    } else {
      this.synAtMs = s.timeMs;
    }
    // Scaling needs both SYNs to offer it (RFC 7323 §2.2).
    if (from.synSeen && to.synSeen && (from.shift === 0 || to.shift === 0) && s.options.ws === undefined) {
      from.shift = to.shift = 0;
    }
  }

  /** A SYN of other numbers than those of this connection: it is answered by an ACK (RFC 5961 §4). */
  private isForeignSyn(s: ObservedSegment, side: Side): boolean {
    const { base } = this.directions[side];
    return (s.flags & SYN) !== 0 && base !== null && base !== s.seq;
  }

  /** An RST that the receiver has no reason to believe changes nothing (RFC 5961 §3, RFC9293 §3.10.7.3). */
  private isBelieved(s: ObservedSegment, side: Side): boolean {
    if (!(s.flags & RST)) return true;
    const from = this.directions[side];
    const to = this.directions[opposite(side)];
    if (from.base === null || to.lastAck === null) return true;
    return (s.seq | 0) === to.lastAck || (s.seq | 0) === from.next || this.answersStray(s, side);
  }

  /** Its number is an ACK of the other end: it answers that very segment (RFC9293 §3.10.7.1). */
  private answersStray(s: ObservedSegment, side: Side): boolean {
    const { lastAck } = this.directions[opposite(side)];
    return !(s.flags & ACK) && lastAck === (s.seq | 0);
  }

  private follow(s: ObservedSegment, side: Side, facts: SegmentFacts, row: LadderRow): void {
    const label = this.steps.label(side, facts);
    if (row.segment !== null) {
      row.segment.seqLetter = label.seqLetter;
      row.segment.ackLetter = label.ackLetter;
    }
    row.step = label.step;
    if (label.step === 'H3' && this.initialRttMs === 0) this.initialRttMs = s.timeMs - this.synAtMs || 0;
    const revealed = this.states.segment(side, facts, row);
    if (revealed === 'syns-crossed') this.isSimultaneousOpen = true;
    if (revealed === 'fins-crossed') this.isSimultaneousClose = true;
    if (s.flags & FIN) {
      this.finSent[side] = true;
      this.firstFin ??= side;
    }
    const { finEnd } = this.directions[opposite(side)];
    if (finEnd !== null && s.flags & ACK && !seqLt(s.ack | 0, finEnd)) this.finAcked[opposite(side)] = true;
  }

  private factsOf(s: ObservedSegment, side: Side, retransmission: number): SegmentFacts {
    const from = this.directions[side];
    const to = this.directions[opposite(side)];
    const hasAck = (s.flags & ACK) !== 0;
    const { sack } = s.options;
    return {
      dir: side === 'A' ? 'out' : 'in',
      packetId: s.frame,
      flags: s.flags,
      seq: from.relative(s.seq),
      ack: hasAck ? to.relative(s.ack) : null,
      seqRaw: s.seq,
      ackRaw: hasAck ? s.ack : null,
      len: s.len,
      winRaw: s.wnd,
      options:
        sack === undefined
          ? s.options
          : { ...s.options, sack: sack.map(([left, right]) => [to.relative(left), to.relative(right)]) },
      retransmission,
    };
  }

  private rowOf(s: ObservedSegment, from: Side, facts: SegmentFacts): LadderRow {
    const segment: LadderSegment = {
      from,
      packetId: s.frame,
      flags: formatFlags(s.flags),
      seq: facts.seq,
      ack: facts.ack,
      len: s.len,
      mss: facts.options.mss ?? null,
      tfo: facts.options.tfo ?? null,
      retransmission: facts.retransmission,
      fate: s.checksum === 'bad' ? 'lost' : 'arrived',
      seqLetter: '',
      ackLetter: '',
      preview: '',
      acts: [],
    };
    return { t: this.timeOf(s.timeMs), a: null, b: null, segment, event: null, step: '' };
  }

  private timeOf(timeMs: number): number {
    return Number.isNaN(timeMs) ? 0 : timeMs - this.firstMs;
  }

  // ---- what is remarkable about it

  private judge(
    s: ObservedSegment,
    side: Side,
    flags: ReadonlySet<AnalysisFlag>,
    before: Before,
    isDropped: boolean,
  ): void {
    const say = (kind: RemarkKind, values: RemarkValues = {}) =>
      this.remark(kind, s.frame, { side, ...values });
    if (s.checksum === 'unfinished') say('unfinished-checksum');
    if (s.checksum === 'bad') say('bad-checksum');
    else if (s.flags & RST) say(isDropped ? 'reset-ignored' : this.judgeReset(s, side));
    else this.judgeLiving(s, side, flags, before, say);
  }

  private judgeLiving(
    s: ObservedSegment,
    side: Side,
    flags: ReadonlySet<AnalysisFlag>,
    before: Before,
    say: (kind: RemarkKind, values?: RemarkValues) => void,
  ): void {
    const waitedMs = before.known === null ? 0 : s.timeMs - before.known.timeMs;
    if (s.flags & SYN) this.judgeSyn(s, side, flags, waitedMs, say);
    else this.judgeRepetition(s, flags, waitedMs, before.duplicates, say);
    this.judgeFin(s, side, flags, say);
    if (flags.has('out_of_order') && before.known === null) say('out-of-order');
    if (flags.has('lost_segment') && !(s.flags & SYN)) say('gap');
    if (flags.has('ack_lost_segment')) say('ack-of-uncaptured');
    if (flags.has('zero_window') && before.wnd !== 0) say('zero-window');
    if (flags.has('zero_window_probe')) say('window-probe');
    if (flags.has('window_full')) say('window-full');
    if (flags.has('window_update') && before.wnd === 0) say('window-opened');
    // Behind a FIN, or with an older ACK, it only came late.
    if (flags.has('keep_alive') && !this.finSent[side] && !before.isOldAck) say('keep-alive');
    if (s.flags & URG && s.len > 0) say('urgent');
    if (s.flags & ECE && !(s.flags & SYN)) say('congestion');
    if (this.reportsDuplicate(s)) say('duplicate');
  }

  private judgeSyn(
    s: ObservedSegment,
    side: Side,
    flags: ReadonlySet<AnalysisFlag>,
    waitedMs: number,
    say: (kind: RemarkKind, values?: RemarkValues) => void,
  ): void {
    if (this.isForeignSyn(s, side)) say('syn-in-connection');
    else if (flags.has('retransmission')) say('syn-repeated', { ms: waitedMs });
    else if (s.len > 0) say('syn-data', { bytes: s.len });
    if (this.isSimultaneousOpen && s.flags & ACK && side === 'A') say('simultaneous-open');
  }

  private judgeRepetition(
    s: ObservedSegment,
    flags: ReadonlySet<AnalysisFlag>,
    waitedMs: number,
    duplicates: number,
    say: (kind: RemarkKind, values?: RemarkValues) => void,
  ): void {
    if (s.flags & FIN && s.len === 0 && flags.has('retransmission')) say('fin-repeated');
    else if (flags.has('fast_retransmission')) say('fast-retransmission', { count: duplicates });
    else if (flags.has('spurious_retransmission')) say('spurious-retransmission');
    else if (flags.has('retransmission') || waitedMs > 0) say('retransmission', { ms: waitedMs });
  }

  private judgeFin(
    s: ObservedSegment,
    side: Side,
    flags: ReadonlySet<AnalysisFlag>,
    say: (kind: RemarkKind, values?: RemarkValues) => void,
  ): void {
    const other = opposite(side);
    const { finEnd } = this.directions[side];
    if (finEnd !== null && s.len > 0 && seqGt((s.seq + s.len) | 0, finEnd)) say('after-fin');
    if (!this.finSent[other] || flags.has('retransmission')) return;
    if (s.flags & FIN) {
      if (this.isSimultaneousClose) say('simultaneous-close');
      else if (
        this.firstFin === other &&
        this.steps.ackOfFirstFin === this.directions[side].relative(s.seq) &&
        s.flags & ACK &&
        this.carriesFirstAck(side)
      ) {
        say('three-waves');
      }
    } else if (s.len > 0 && this.firstFin === other && !this.finSent[side]) {
      say('half-close');
    }
  }

  /** The second FIN is the first segment that acknowledges the first one. */
  private carriesFirstAck(side: Side): boolean {
    return this.lastRow()?.step === 'W2+W3' && this.lastRow()?.segment?.from === side;
  }

  private judgeReset(s: ObservedSegment, side: Side): RemarkKind {
    const other = opposite(side);
    const isRefusal =
      this.resetBy === null &&
      this.refusedBy === null &&
      !this.isMidstream &&
      !this.directions[side].synSeen &&
      this.directions[other].synSeen;
    if (isRefusal) {
      this.refusedBy = side;
      return 'refused';
    }
    const stray =
      !this.isOver &&
      this.directions[other].synSeen &&
      this.answersStray(s, side) &&
      !this.steps.handshakeSeen;
    const closed = this.finSent[side] && !this.finSent[other];
    this.resetBy ??= side;
    if (stray && !this.isMidstream) return 'stray-answered';
    return closed ? 'reset-after-close' : 'reset';
  }

  private reportsDuplicate(s: ObservedSegment): boolean {
    const first = s.options.sack?.[0];
    return first !== undefined && (s.flags & ACK) !== 0 && seqDiff(first[1], s.ack) <= 0;
  }

  private remark(kind: RemarkKind, frame: number, values: RemarkValues): void {
    const count = (this.remarkCounts.get(kind) ?? 0) + 1;
    this.remarkCounts.set(kind, count);
    const remark: Remark = { kind, frame, values };
    if (count <= this.limits.remarksOfKind) this.remarks.push(remark);
    const en = labelOf(remark, 'en');
    const zh = labelOf(remark, 'zh');
    if (en === null || zh === null) return;
    const t = this.lastRow()?.t ?? 0;
    const row: LadderRow = {
      ...{ t, a: null, b: null, segment: null, step: '' },
      event: { what: 'note', text: { en, zh } },
    };
    if (CHANGES_STATES.includes(kind)) this.states.unchanged(row);
    this.keep(row);
  }

  /** How often each kind was remarked. */
  remarkCount(kind: RemarkKind): number {
    return this.remarkCounts.get(kind) ?? 0;
  }

  /** To be called once, at the end of the capture. */
  finish(): void {
    const { A, B } = this.directions;
    if (this.opening === 'half-open' && this.resetBy === null && A.synSeen && B.synSeen) {
      this.remark('third-missing', this.lastFrame(), { side: 'B' });
    }
  }

  // ---- the whole

  get opening(): Opening {
    if (this.isMidstream) return 'midstream';
    if (this.refusedBy !== null) return 'refused';
    if (this.isSimultaneousOpen) return 'simultaneous';
    if (this.steps.handshakeSeen) return 'handshake';
    return this.directions.A.synSeen && this.directions.B.synSeen ? 'half-open' : 'unanswered';
  }

  get closing(): Closing {
    if (this.refusedBy !== null) return 'refused';
    if (this.resetBy !== null) return 'reset';
    if (this.isSimultaneousClose) return 'simultaneous';
    if (this.finSent.A && this.finSent.B) return 'fin';
    if (this.finSent.A || this.finSent.B) return 'half-closed';
    return this.opening === 'unanswered' ? 'unanswered' : 'open';
  }

  /** Who closed first, or null. */
  get closedFirst(): Side | null {
    return this.firstFin;
  }

  /** The end that waits 2 MSL at the end of the capture; null for none or both. */
  get inTimeWait(): Side | null {
    const waits = (side: Side) => this.states.state(side) === State.TIME_WAIT;
    if (waits('A') === waits('B')) return null;
    return waits('A') ? 'A' : 'B';
  }

  /** What the foot of the ladder says. */
  summary(): LadderSummary {
    const { firstFin, secondFin, ackOfFirstFin, handshakeSeen } = this.steps;
    const { A, B } = this.directions;
    return {
      x: A.synSeen && A.base !== null ? toUint32(A.base) : null,
      y: B.synSeen && B.base !== null ? toUint32(B.base) : null,
      u: firstFin,
      v: ackOfFirstFin === null ? null : { side: opposite(firstFin!.side), number: ackOfFirstFin },
      w: secondFin,
      handshakeSeen,
      rowsOmitted: 0,
    };
  }

  /** `address:port` of an end. */
  name(side: Side): string {
    const { address, port } = side === 'A' ? this.a : this.b;
    return formatEndpoint(address, port);
  }

  /** The rows that were kept: those of the beginning, and the latest. */
  get rows(): { readonly first: readonly LadderRow[]; readonly last: readonly LadderRow[] } {
    return { first: this.head, last: this.tail };
  }

  private keep(row: LadderRow): void {
    const { firstRows, lastRows } = this.limits;
    if (this.head.length < firstRows) {
      this.head.push(row);
      return;
    }
    this.tail.push(row);
    if (this.tail.length <= lastRows) return;
    this.tail.shift();
    this.rowsOmitted++;
  }

  private lastRow(): LadderRow | undefined {
    const rows = this.tail.length > 0 ? this.tail : this.head;
    return rows.findLast((row) => row.segment !== null);
  }

  private lastFrame(): number {
    return this.lastRow()?.segment?.packetId ?? 0;
  }
}
