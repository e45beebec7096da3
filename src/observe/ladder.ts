// The ladder as a listener: chooses connections, feeds their rows from the core's events and from the link's acts, and
// shows them as they come or when they are asked for.
import type { Connection } from '../tcp/connection.js';
import type { SegmentOut } from '../tcp/segment-out.js';
import { State, type Transition, Trigger } from '../tcp/state.js';
import { TIMER_NAMES, Timer } from '../tcp/timers.js';
import type { CallName, TimerOp, Verdict } from '../tcp/trace.js';
import { type FourTuple, formatEndpoint } from '../wire/address.js';
import type { SegmentView } from '../wire/segment.js';
import { type ActedSegment, actedSegment } from './acted-segment.js';
import { LadderRenderer, type LadderStyle } from './ladder-render.js';
import { type LadderEvent, LadderModel, type LadderRow, type LadderSummary } from './ladder-rows.js';
import type { Side } from './ladder-steps.js';
import type { LinkAct } from './link-act.js';
import { receivedFacts, type SegmentFacts, sentFacts } from './segment-facts.js';
import { SilentTrace } from './silent-trace.js';

/** Connections followed unless told otherwise. */
const DEFAULT_FIRST = 64;

/** Settings of `ladderTrace`. */
export interface LadderOptions extends LadderStyle {
  /** Which connections to follow. Default: all. */
  filter?: (connection: Connection) => boolean;
  /** Follow only the first so many of them. Default 64. */
  first?: number;
  /** Rows go here as they come, as lines of text. */
  live?: { write(text: string): unknown };
  /** Show payloads of up to so many printable bytes. Default 0: none. */
  previewBytes?: number;
  /** What the link's acts show: IP packets (default) or Ethernet frames. */
  medium?: 'ip' | 'ethernet';
}

/** The ladder of one connection as plain data. */
export interface LadderDocument {
  connection: string;
  /** Which end is our stack. */
  ours: Side;
  /** Address and port of each end. */
  a: string;
  b: string;
  rows: readonly LadderRow[];
  summary: LadderSummary;
}

/** What is kept of a ladder while it grows. */
export interface Followed {
  /** The newest connection of the two ends; null while there was none. */
  connection: Connection | null;
  tuple: FourTuple;
  model: LadderModel;
  renderer: LadderRenderer;
  /** Delay of each timer when it was last started, and when it is due, by timer number. */
  delays: number[];
  deadlines: number[];
  fires: number;
  /** A 2MSL restart waits for the row of the segment that caused it. */
  restart: LadderEvent | null;
  settling: boolean;
}

/** Makes a listener that draws ladders. */
export function ladderTrace(options: LadderOptions = {}): LadderTrace {
  return new LadderTrace(options);
}

const EXPIRED: Readonly<Partial<Record<Trigger, '2msl' | 'user' | 'finwait2' | 'rto' | 'keepalive'>>> = {
  [Trigger.TIMER_2MSL]: '2msl',
  [Trigger.TIMER_USER_TIMEOUT]: 'user',
  [Trigger.TIMER_FIN_WAIT_2]: 'finwait2',
  [Trigger.TIMER_RETRANSMISSION]: 'rto',
  [Trigger.TIMER_KEEPALIVE]: 'keepalive',
};

const TIMER_OF = {
  '2msl': Timer.TIME_WAIT,
  user: Timer.USER,
  finwait2: Timer.FIN_WAIT_2,
  rto: Timer.RETRANSMISSION,
  keepalive: Timer.KEEPALIVE,
} as const;

/** Calls that a ladder shows; reading and writing show themselves as segments. */
const SHOWN_CALLS: readonly CallName[] = ['connect', 'shutdown', 'close', 'abort'];

/** The listener made by `ladderTrace`. */
export class LadderTrace extends SilentTrace {
  protected readonly followed = new Map<Connection, Followed>();
  private lastLive: Followed | null = null;

  constructor(protected readonly options: LadderOptions) {
    super();
  }

  /** The connections followed, oldest first. */
  get connections(): Connection[] {
    return [...this.followed.keys()];
  }

  /** All ladders, or one connection's, as lines of text. */
  render(connection?: Connection): string[] {
    const lines: string[] = [];
    for (const each of this.chosen(connection)) {
      each.model.settle();
      if (lines.length > 0) lines.push('');
      lines.push(...this.rendererOf(each).whole(each.model.rows, each.model.summary()));
    }
    return lines;
  }

  /** All ladders, or one connection's, as plain data. */
  documents(connection?: Connection): LadderDocument[] {
    return this.chosen(connection).map(({ connection: c, tuple, model }) => {
      model.settle();
      const { a, b } = endsOf(tuple, model.ours);
      const { ours, rows } = model;
      return { connection: c === null ? '' : `c${c.id}`, ours, a, b, rows, summary: model.summary() };
    });
  }

  /** Puts the state of the other end, as read from there, on the newest row, marked with a star. */
  setPeerState(connection: Connection, state: State): void {
    this.followed.get(connection)?.model.setPeerState(state);
  }

  /** Shows a call that the application of the other end is known to have made. */
  peerCalled(connection: Connection, call: CallName, now: number): void {
    const entry = this.followed.get(connection);
    if (entry === undefined) return;
    entry.model.event({ what: 'call', side: entry.model.peer, call, error: null }, null, now);
    this.settleSoon(entry);
  }

  /** The closing lines of live ladders. */
  finish(): void {
    for (const entry of this.entries()) {
      entry.model.settle();
      if (this.options.live === undefined) continue;
      this.announce(entry);
      this.writeLive(entry.renderer.footer(entry.model.summary()));
    }
  }

  override connectionOpened(connection: Connection, now: number): void {
    if (this.followed.size >= (this.options.first ?? DEFAULT_FIRST)) return;
    if (this.options.filter !== undefined && !this.options.filter(connection)) return;
    this.followed.set(connection, this.follow(connection, connection.tuple, connection.role, now));
  }

  /** Begins a ladder. */
  protected follow(
    connection: Connection | null,
    tuple: FourTuple,
    role: Connection['role'],
    now: number,
  ): Followed {
    const model = new LadderModel(role === 'active' ? 'A' : 'B', now);
    const entry: Followed = {
      connection,
      tuple,
      model,
      renderer: this.rendererOf({ tuple, model }),
      delays: TIMER_NAMES.map(() => 0),
      deadlines: TIMER_NAMES.map(() => 0),
      fires: 0,
      restart: null,
      settling: false,
    };
    if (this.options.live !== undefined) model.onRow = (row) => this.showLive(entry, row);
    return entry;
  }

  /** All ladders, each once, oldest first. */
  protected entries(): Followed[] {
    return [...new Set(this.followed.values())];
  }

  override called(
    connection: Connection,
    call: CallName,
    _n: number,
    error: string | null,
    now: number,
  ): void {
    const entry = this.followed.get(connection);
    if (entry === undefined || !SHOWN_CALLS.includes(call)) return;
    // The end of a stack aborts its connections, and the sockets that hear of it abort them once more, to no effect.
    if (call !== 'connect' && connection.state === State.CLOSED) return;
    const { model } = entry;
    const state = call === 'connect' ? connection.state : null;
    model.event({ what: 'call', side: model.ours, call, error }, state, now);
    this.settleSoon(entry);
  }

  override stateChanged(
    connection: Connection,
    transition: Transition,
    segment: SegmentView | null,
    now: number,
  ): void {
    const entry = this.followed.get(connection);
    if (entry === undefined || segment !== null) return;
    const { model } = entry;
    const side = model.ours;
    const expired = EXPIRED[transition.trigger];
    if (expired !== undefined) {
      const ms = entry.delays[TIMER_OF[expired]]!;
      model.event({ what: 'expired', timer: expired, side, ms }, transition.to, now);
    } else if (transition.trigger === Trigger.ICMP_HARD_ERROR) {
      model.event({ what: 'unreachable', side }, transition.to, now);
    } else if (transition.to === State.CLOSED && !model.amendCall(transition.to)) {
      const call = transition.trigger === Trigger.LIMIT_EVICTED ? 'evict' : 'abort';
      model.event({ what: 'call', side, call, error: null }, transition.to, now);
      this.settleSoon(entry);
    }
  }

  override segmentSent(connection: Connection, segment: SegmentOut, now: number): void {
    const entry = this.followed.get(connection);
    if (entry === undefined) return;
    const { iss, irs } = connection.status();
    entry.model.sent(sentFacts(segment, iss, irs), this.previewSent(segment), connection.state, now);
    this.settleSoon(entry);
  }

  override segmentReceived(
    connection: Connection,
    segment: SegmentView,
    verdict: Verdict,
    _stateAtArrival: State,
    now: number,
  ): void {
    const entry = this.followed.get(connection);
    if (entry === undefined) return;
    const { iss, irs } = connection.status();
    const facts = receivedFacts(segment, iss, irs);
    entry.model.received(facts, verdict, this.previewReceived(segment), connection.state, now);
    if (entry.restart === null) return;
    entry.model.event(entry.restart, connection.state, now);
    entry.restart = null;
  }

  override timerChanged(
    connection: Connection,
    timer: Timer,
    op: TimerOp,
    delayMs: number,
    _n: number,
    now: number,
  ): void {
    const entry = this.followed.get(connection);
    if (entry === undefined) return;
    if (op === 'fire') {
      this.timerFired(entry, timer, now);
      return;
    }
    if (op === 'stop') {
      if (timer === Timer.RETRANSMISSION) entry.fires = 0;
      return;
    }
    if (timer === Timer.TIME_WAIT && op === 'restart') {
      const wasMs = Math.max(0, entry.deadlines[timer]! - now);
      entry.restart = { what: '2msl-restarted', side: entry.model.ours, ms: delayMs, wasMs };
    }
    entry.delays[timer] = delayMs;
    entry.deadlines[timer] = now + delayMs;
  }

  /** Takes what an impaired link did to packets of the connections followed. */
  onAct(act: LinkAct): void {
    const acted = act.packet === undefined ? null : actedSegment(act.packet, this.options.medium ?? 'ip');
    for (const entry of this.entries()) {
      if (acted === null || concerns(act, acted, entry.tuple)) this.actOn(entry, act, acted);
    }
  }

  private actOn(entry: Followed, act: LinkAct, acted: ActedSegment | null): void {
    const { model, connection } = entry;
    const from = act.dir === 'out' ? model.ours : model.peer;
    const unseen = (act.act === 'drop' && act.dir === 'in') || (act.act === 'inject' && act.dir === 'out');
    if (unseen && acted !== null && (act.act === 'drop' || act.act === 'inject')) {
      acted.segment.packetId = act.packetId;
      const facts = this.factsOfUnseen(entry, acted.segment, act.dir);
      const preview = this.previewReceived(acted.segment);
      const state = connection?.state ?? State.CLOSED;
      model.seenByLink(act.act, from, facts, preview, state, act.time);
    } else if (act.act === 'release' || (act.act === 'hold' && act.dir === 'in')) {
      model.event({ what: 'link', act: act.act, from, packetId: act.packetId }, null, act.time);
    } else {
      model.act(act);
    }
  }

  /** The facts of a segment that only the link saw. */
  protected factsOfUnseen(entry: Followed, segment: SegmentView, dir: 'in' | 'out'): SegmentFacts {
    const { iss, irs } = entry.connection?.status() ?? { iss: 0, irs: 0 };
    return dir === 'in'
      ? receivedFacts(segment, iss, irs)
      : { ...receivedFacts(segment, irs, iss), dir: 'out' };
  }

  private timerFired(entry: Followed, timer: Timer, now: number): void {
    if (timer !== Timer.RETRANSMISSION && timer !== Timer.PERSIST) return;
    entry.fires++;
    const { model, connection } = entry;
    const event: LadderEvent = {
      what: 'timer',
      timer: timer === Timer.PERSIST ? 'persist' : 'rto',
      side: model.ours,
      ms: entry.delays[timer]!,
      n: entry.fires,
    };
    model.event(event, connection?.state ?? State.CLOSED, now);
  }

  /** The newest row is shown at the end of the turn at the latest: by then the link has told what it did. */
  protected settleSoon(entry: Followed): void {
    if (this.options.live === undefined || entry.settling) return;
    entry.settling = true;
    queueMicrotask(() => {
      entry.settling = false;
      entry.model.settle();
    });
  }

  private showLive(entry: Followed, row: LadderRow): void {
    this.announce(entry);
    this.writeLive([entry.renderer.row(row)]);
  }

  /** A header where the live output turns to another connection. */
  private announce(entry: Followed): void {
    if (this.lastLive === entry) return;
    const lines = entry.renderer.header();
    this.writeLive(this.lastLive === null ? lines : ['', ...lines]);
    this.lastLive = entry;
  }

  private writeLive(lines: readonly string[]): void {
    try {
      this.options.live!.write(`${lines.join('\n')}\n`);
    } catch {
      // A terminal that is gone must not disturb the connection that it showed.
    }
  }

  private chosen(connection: Connection | undefined): Followed[] {
    if (connection === undefined) return this.entries();
    const entry = this.followed.get(connection);
    return entry === undefined ? [] : [entry];
  }

  private rendererOf({ tuple, model }: Pick<Followed, 'tuple' | 'model'>): LadderRenderer {
    const { a, b } = endsOf(tuple, model.ours);
    return new LadderRenderer({ ours: model.ours, a, b }, this.options);
  }

  protected previewReceived(segment: SegmentView): string {
    if (segment.payloadLength > (this.options.previewBytes ?? 0)) return '';
    const at = segment.payloadOffset;
    return printable(segment.bytes.subarray(at, at + segment.payloadLength));
  }

  protected previewSent(segment: SegmentOut): string {
    const { payload } = segment;
    if (payload.total > (this.options.previewBytes ?? 0)) return '';
    const bytes = new Uint8Array(payload.total);
    payload.copyTo(bytes, 0);
    return printable(bytes);
  }
}

function endsOf(tuple: FourTuple, ours: Side): { a: string; b: string } {
  const { local, localPort, remote, remotePort } = tuple;
  const mine = formatEndpoint(local, localPort);
  const theirs = formatEndpoint(remote, remotePort);
  return ours === 'A' ? { a: mine, b: theirs } : { a: theirs, b: mine };
}

function concerns(act: LinkAct, acted: ActedSegment, tuple: FourTuple): boolean {
  const { local, localPort, remote, remotePort } = tuple;
  const { source, destination, segment } = acted;
  return act.dir === 'out'
    ? source.equals(local) &&
        segment.sourcePort === localPort &&
        destination.equals(remote) &&
        segment.destinationPort === remotePort
    : source.equals(remote) &&
        segment.sourcePort === remotePort &&
        destination.equals(local) &&
        segment.destinationPort === localPort;
}

/** Text of printable ASCII; empty when there is anything else in it. */
function printable(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    if (byte < 0x20 || byte > 0x7e) return '';
    text += String.fromCharCode(byte);
  }
  return text;
}
