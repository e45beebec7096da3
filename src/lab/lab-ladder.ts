// The ladder of a run: beside what the core tells, it shows segments that no connection owns, takes a new life of the
// same two ends for one story, and knows the other end's states where they can be known.
import { type Followed, type LadderOptions, LadderTrace } from '../observe/ladder.js';
import type { LadderRow } from '../observe/ladder-rows.js';
import type { Side } from '../observe/ladder-steps.js';
import type { LinkAct } from '../observe/link-act.js';
import { receivedFacts, type SegmentFacts, sentFacts } from '../observe/segment-facts.js';
import type { Connection } from '../tcp/connection.js';
import type { SegmentOut } from '../tcp/segment-out.js';
import type { State, Transition } from '../tcp/state.js';
import type { CallName, DropReason, DropReply, Verdict } from '../tcp/trace.js';
import type { FourTuple, IpAddress } from '../wire/address.js';
import { ACK, RST, type SegmentView, SYN } from '../wire/segment.js';
import { toUint32 } from '../wire/seq.js';
import type { PeerWatch } from './peer-watch.js';
import type { Text } from './scenario.js';

/** Name under which the lab holds everything back while it asks the kernel; not a part of the story. */
export const FREEZE = 'freeze';

/** Name of the rule for what a stack that is broken on purpose would not have sent; not a part of the story either. */
export const SWALLOWED = 'swallowed';

/** Who is on stage. */
export interface Cast {
  readonly ours: Side;
  readonly ourAddress: IpAddress;
  readonly peerAddress: IpAddress;
  readonly serverPort: number;
  /** ISN that our stack uses, where it is always the same. */
  readonly fixedIss: number | null;
  /** State of our port without a connection: LISTEN or CLOSED. */
  portState(): State;
}

/** The listener of one run. */
export class LabLadder extends LadderTrace {
  /** Hears of each row with a segment, in the midst of things: it may hold the link, nothing else. */
  onSegmentRow: ((row: LadderRow, entry: Followed) => void) | null = null;
  /** The other end's states, where both ends are ours. */
  peerWatch: PeerWatch | null = null;
  /** Rows in the order in which they came, of all conversations. */
  readonly order: LadderRow[] = [];
  /** Calls and what follows from them at once are not shown: a host that loses its power makes no calls. */
  isMute = false;
  private readonly conversations = new Map<number, Followed>();
  private readonly isns = new Map<Followed, { iss: number | null; irs: number | null }>();
  private readonly swallowed = new Set<number>();
  /** Segments that the lab slipped to our stack, unseen by anybody else. */
  readonly slipped = new Map<number, Text>();
  private startMs: number | null = null;
  private isOver = false;

  constructor(
    options: LadderOptions,
    private readonly cast: Cast,
  ) {
    super(options);
  }

  /** Nothing more is recorded. */
  end(): void {
    for (const entry of this.entries()) entry.model.settle();
    this.isOver = true;
  }

  /** When the story began, in the clock's ms; null while it has not. */
  get beganAt(): number | null {
    return this.startMs;
  }

  protected override entries(): Followed[] {
    return [...this.conversations.values()];
  }

  /** The conversation of a client's port. */
  private conversation(clientPort: number, now: number, connection: Connection | null): Followed {
    let entry = this.conversations.get(clientPort);
    if (entry === undefined) {
      this.startMs ??= now;
      const { ours, ourAddress, peerAddress, serverPort } = this.cast;
      const [localPort, remotePort] = ours === 'A' ? [clientPort, serverPort] : [serverPort, clientPort];
      const tuple: FourTuple = { local: ourAddress, localPort, remote: peerAddress, remotePort };
      entry = this.follow(connection, tuple, ours === 'A' ? 'active' : 'passive', this.startMs);
      const { peerWatch } = this;
      if (peerWatch !== null) entry.model.exactPeerState = () => peerWatch.stateOf(clientPort);
      this.conversations.set(clientPort, entry);
      this.isns.set(entry, { iss: this.cast.fixedIss, irs: null });
    }
    return entry;
  }

  override connectionOpened(connection: Connection, now: number): void {
    const { tuple } = connection;
    if (this.isOver || !tuple.remote.equals(this.cast.peerAddress)) return;
    const entry = this.conversation(this.clientPortOf(tuple), now, connection);
    if (entry.connection !== null && entry.connection !== connection) entry.model.beginAgain();
    entry.connection = connection;
    this.followed.set(connection, entry);
  }

  override called(
    connection: Connection,
    call: CallName,
    n: number,
    error: string | null,
    now: number,
  ): void {
    if (!this.isMute && !this.isOver) super.called(connection, call, n, error, now);
  }

  override stateChanged(
    connection: Connection,
    transition: Transition,
    segment: SegmentView | null,
    now: number,
  ): void {
    if (!this.isMute && !this.isOver) super.stateChanged(connection, transition, segment, now);
  }

  override segmentSent(connection: Connection, segment: SegmentOut, now: number): void {
    const entry = this.entryOf(connection);
    if (entry === null || this.swallowed.has(segment.packetId)) return;
    const { iss, irs } = connection.status();
    if (segment.flags & SYN) this.isns.get(entry)!.iss = iss;
    const facts = signed(sentFacts(segment, iss, irs));
    entry.model.sent(facts, this.previewSent(segment), connection.state, now);
    this.tell(entry, segment.packetId);
    this.settleSoon(entry);
  }

  override segmentReceived(
    connection: Connection,
    segment: SegmentView,
    verdict: Verdict,
    _stateAtArrival: State,
    now: number,
  ): void {
    const entry = this.entryOf(connection);
    if (entry === null) return;
    const remark = this.slipped.get(segment.packetId);
    if (remark !== undefined) {
      entry.model.event({ what: 'note', text: remark }, connection.state, now);
      return;
    }
    const { iss, irs } = connection.status();
    if (segment.flags & SYN && irs === toUint32(segment.seq)) this.isns.get(entry)!.irs = segment.seq;
    const facts = signed(receivedFacts(segment, iss, irs));
    entry.model.received(facts, verdict, this.previewReceived(segment), connection.state, now);
    this.tell(entry, segment.packetId);
    if (entry.restart === null) return;
    entry.model.event(entry.restart, connection.state, now);
    entry.restart = null;
  }

  /** A segment that no connection owns. */
  override segmentDropped(
    connection: Connection | null,
    segment: SegmentView | null,
    reason: DropReason,
    _reply: DropReply,
    _rule: string,
    now: number,
  ): void {
    if (this.isOver || connection !== null || segment === null) return;
    const clientPort = this.cast.ours === 'A' ? segment.destinationPort : segment.sourcePort;
    const isByCookie = reason === 'syn_cookie';
    // Who is answered by a cookie may be a stranger; the other end has called before its SYN comes.
    if (isByCookie && !this.conversations.has(clientPort)) return;
    const entry = this.conversation(clientPort, now, null);
    const known = this.isns.get(entry)!;
    if (segment.flags & SYN) known.irs = segment.seq;
    const facts = signed(receivedFacts(segment, known.iss ?? 0, known.irs ?? 0));
    const verdict = isByCookie ? 'accept' : 'drop';
    entry.model.received(facts, verdict, this.previewReceived(segment), this.stateWithout(entry), now);
    this.tell(entry, segment.packetId);
  }

  /** A segment of ours that answers one which no connection owns. */
  unownedSent(segment: SegmentView, now: number): void {
    if (this.isOver || this.swallowed.has(segment.packetId)) return;
    const clientPort = this.cast.ours === 'A' ? segment.sourcePort : segment.destinationPort;
    const entry = this.conversations.get(clientPort);
    if (entry === undefined) return;
    const known = this.isns.get(entry)!;
    if (segment.flags & SYN) known.iss = segment.seq;
    const { iss, irs } = known;
    const facts = signed({ ...receivedFacts(segment, irs ?? 0, iss ?? 0), dir: 'out' });
    // Where the offender had no ACK, the RST has no number but zero itself (RFC 9293 §3.10.7.1).
    if (segment.flags & ACK && segment.flags & RST) facts.seq = 0;
    entry.model.sent(facts, '', this.stateWithout(entry), now);
    this.tell(entry, segment.packetId);
    this.settleSoon(entry);
  }

  override onAct(act: LinkAct): void {
    if (this.isOver || act.rule === FREEZE) return;
    if (act.rule === SWALLOWED) {
      this.swallowed.add(act.packetId);
      return;
    }
    super.onAct(act);
    const isUnseen = (act.act === 'drop' && act.dir === 'in') || (act.act === 'inject' && act.dir === 'out');
    if (!isUnseen) return;
    for (const entry of this.entries()) this.tell(entry, act.packetId);
  }

  protected override factsOfUnseen(entry: Followed, segment: SegmentView, dir: 'in' | 'out'): SegmentFacts {
    const { iss, irs } = this.isns.get(entry)!;
    if (dir === 'out') return signed({ ...receivedFacts(segment, irs ?? 0, iss ?? 0), dir });
    const origin = irs ?? ((segment.flags & SYN) !== 0 ? segment.seq : 0);
    return signed(receivedFacts(segment, iss ?? 0, origin));
  }

  /** Makes the conversation known before its first segment. */
  expect(clientPort: number, now: number): void {
    this.conversation(clientPort, now, null);
  }

  /** A call of the other end's application. */
  peerCall(clientPort: number, call: CallName, now: number): void {
    if (this.isOver) return;
    const { model } = this.conversation(clientPort, now, null);
    const state = model.rows.length === 0 && this.cast.ours === 'B' ? this.cast.portState() : null;
    model.event({ what: 'call', side: model.peer, call, error: null }, state, now);
  }

  /** ISN of a side as far as it is known. */
  isnOf(clientPort: number, side: Side): number | null {
    const entry = this.conversations.get(clientPort);
    const known = entry === undefined ? undefined : this.isns.get(entry);
    if (side === this.cast.ours) return known?.iss ?? this.cast.fixedIss;
    return known?.irs ?? null;
  }

  /** The other end was asked for its state just after a packet. */
  markRead(packetId: number, state: State): void {
    for (const { model } of this.entries()) if (model.setPeerStateOf(packetId, state, true)) return;
  }

  /** The state in which a packet of ours left the other end. */
  showPeerState(clientPort: number, packetId: number, state: State): void {
    if (!this.isOver) this.conversations.get(clientPort)?.model.setPeerStateOf(packetId, state, false);
  }

  /** A timer of the other end that ended its connection. */
  peerExpired(
    clientPort: number,
    timer: '2msl' | 'rto' | 'user' | 'finwait2',
    ms: number,
    now: number,
  ): void {
    const entry = this.conversations.get(clientPort);
    if (this.isOver || entry === undefined) return;
    entry.model.event({ what: 'expired', timer, side: entry.model.peer, ms }, null, now);
    const row = entry.model.newest!;
    const state = { name: 'CLOSED', read: false } as const;
    if (entry.model.peer === 'A') row.a = state;
    else row.b = state;
  }

  /** A remark in the middle of the ladder. */
  note(clientPort: number, remark: Text, now: number): void {
    if (this.isOver) return;
    this.conversation(clientPort, now, null).model.event({ what: 'note', text: remark }, null, now);
  }

  /** Our state when no connection is concerned: what the last one left, else what the port is. */
  private stateWithout(entry: Followed): State {
    return entry.connection?.state ?? this.cast.portState();
  }

  private entryOf(connection: Connection): Followed | null {
    return this.isOver ? null : (this.followed.get(connection) ?? null);
  }

  private clientPortOf(tuple: FourTuple): number {
    return this.cast.ours === 'A' ? tuple.localPort : tuple.remotePort;
  }

  private tell(entry: Followed, packetId: number): void {
    const row = entry.model.rows.findLast((each) => each.segment?.packetId === packetId);
    if (row === undefined || this.order.at(-1) === row) return;
    this.order.push(row);
    const isPeers = row.segment!.from === entry.model.peer;
    const sent = isPeers ? this.peerWatch?.sentIn(packetId) : undefined;
    if (sent !== undefined) entry.model.setPeerStateOf(packetId, sent, false);
    this.onSegmentRow?.(row, entry);
  }
}

/** Numbers left of the ISN are negative: what a segment of an earlier life has. */
function signed(facts: SegmentFacts): SegmentFacts {
  return { ...facts, seq: facts.seq | 0, ack: facts.ack === null ? null : facts.ack | 0 };
}
