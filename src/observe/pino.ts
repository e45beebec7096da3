// The log: every event of the core as one pino record. Which record has which fields is decided here; its text for
// people in log-messages.ts.
import type { Level, Logger } from 'pino';
import type { Listener } from '../stack/listener.js';
import type { BacklogPolicy, PacketDropReason } from '../stack/trace.js';
import type { Connection } from '../tcp/connection.js';
import type { SegmentOut } from '../tcp/segment-out.js';
import { State, type Transition, Trigger } from '../tcp/state.js';
import { Timer } from '../tcp/timers.js';
import type {
  CallName,
  CongestionPhase,
  CongestionTrigger,
  ConnectionEnd,
  DropReason,
  DropReply,
  TimerOp,
  Verdict,
} from '../tcp/trace.js';
import { type SegmentView, SYN } from '../wire/segment.js';
import { DropAllowance } from './drop-allowance.js';
import { dropText, type Lang, packetDropText } from './lexicon.js';
import type { LinkAct } from './link-act.js';
import {
  closedFields,
  dropFields,
  endpointOf,
  type Fields,
  finite,
  hexOf,
  isPlainDuplicate,
  listenerFields,
  rounded,
  segmentFields,
  stateFields,
} from './log-fields.js';
import { LogMemory } from './log-memory.js';
import {
  backlogMessage,
  callMessage,
  closedMessage,
  congestionMessage,
  establishedMessage,
  openMessage,
  rttMessage,
  segmentMessage,
  stateMessage,
  timerMessage,
} from './log-messages.js';
import { receivedFacts, type SegmentFacts, sentFacts } from './segment-facts.js';
import { SilentTrace } from './silent-trace.js';

/** Values of the field `ev`. */
export type EventKind =
  | 'state'
  | 'seg'
  | 'timer'
  | 'cc'
  | 'rtt'
  | 'buf'
  | 'drop'
  | 'app'
  | 'link'
  | 'conn'
  | 'backlog'
  | 'lab'
  | 'sys';

/** Settings of `pinoTrace`. */
export interface PinoTraceOptions {
  /** Any pino logger; `createLogger` makes one whose time is the stack's. */
  logger: Logger;
  /** Kinds to log, at the levels that they have. Default: all. */
  kinds?: readonly EventKind[];
  /** Language of `msg`. Default English. */
  lang?: Lang;
  /** Put as `run` on every record: the scenario's id. */
  run?: string;
  /** Puts `unsafe: true` on every record: a protection of the protocol is switched off. */
  unsafe?: boolean;
  /** Clock milliseconds of the run's start; every record then has `vt`, the seconds since. */
  runStartMs?: number;
  /** Payload bytes shown in hexadecimal on segment records at level trace. Default 0: none. */
  payloadBytes?: number;
  /** Dropped segments logged per second, at most; the next record tells how many were left out. Default 100. */
  dropsPerSecond?: number;
}

/** Logs the core's events. Errors of the logger are counted in `failures` and go no further. */
export function pinoTrace(options: PinoTraceOptions): PinoTrace {
  return new PinoTrace(options);
}

type LogLevel = Extract<Level, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'>;

/** Triggers that make a transition a warning: the peer's RST, and waits that ended in vain. */
const ALARMING: readonly Trigger[] = [
  Trigger.SEG_RST,
  Trigger.TIMER_USER_TIMEOUT,
  Trigger.TIMER_RETRANSMISSION,
  Trigger.TIMER_KEEPALIVE,
  Trigger.TIMER_FIN_WAIT_2,
];

/** Packets that any shared network brings and that say nothing of an error. */
const BENIGN_PACKETS: readonly PacketDropReason[] = [
  'not_for_us',
  'broadcast',
  'unknown_protocol',
  'icmp_ignored',
  'icmp_unmatched',
];

/** Most drops that `dropsPerSecond` lets through by default. */
const DROPS_PER_SECOND = 100;
const SECOND_MS = 1000;

/** The listener made by `pinoTrace`. */
export class PinoTrace extends SilentTrace {
  /** Records lost because the logger threw. */
  failures = 0;
  private readonly logger: Logger;
  private readonly kinds: ReadonlySet<EventKind> | null;
  private readonly lang: Lang;
  private readonly payloadBytes: number;
  private readonly drops: DropAllowance;
  private readonly memories = new WeakMap<Connection, LogMemory>();
  private readonly backlogLoggedAt = new WeakMap<Listener, number>();

  constructor(private readonly options: PinoTraceOptions) {
    super();
    this.logger = options.logger;
    this.kinds = options.kinds === undefined ? null : new Set(options.kinds);
    this.lang = options.lang ?? 'en';
    this.payloadBytes = options.payloadBytes ?? 0;
    this.drops = new DropAllowance(options.dropsPerSecond ?? DROPS_PER_SECOND);
  }

  override connectionOpened(connection: Connection, now: number): void {
    this.memories.set(connection, new LogMemory(now));
    if (!this.wants('conn', 'info')) return;
    this.writeFor(connection, 'info', { ev: 'conn', op: 'open' }, now, openMessage(connection, this.lang));
  }

  override stateChanged(
    connection: Connection,
    transition: Transition,
    segment: SegmentView | null,
    now: number,
  ): void {
    const memory = this.memoryOf(connection, now);
    const dwellMs = now - memory.enteredStateAt;
    memory.enteredStateAt = now;
    const level: LogLevel = ALARMING.includes(transition.trigger) ? 'warn' : 'info';
    if (this.wants('state', level)) {
      const fields = stateFields(connection, transition, segment, dwellMs);
      this.writeFor(connection, level, fields, now, stateMessage(transition, this.lang), transition.why);
    }
    if (transition.to === State.ESTABLISHED && this.wants('conn', 'info')) {
      const afterMs = now - memory.openedAt;
      const fields = { ev: 'conn', op: 'established', dur_ms: rounded(afterMs) };
      this.writeFor(connection, 'info', fields, now, establishedMessage(afterMs, this.lang));
    }
  }

  override segmentReceived(
    connection: Connection,
    segment: SegmentView,
    verdict: Verdict,
    stateAtArrival: State,
    now: number,
  ): void {
    if (segment.flags & SYN) this.memoryOf(connection, now).noteReceivedSyn(segment);
    if (!this.wants('seg', 'debug')) return;
    const { iss, irs } = connection.status();
    const facts = receivedFacts(segment, iss, irs);
    const at = segment.payloadOffset;
    const payload = segment.bytes.subarray(at, at + Math.min(facts.len, this.payloadBytes));
    this.writeSegment(connection, facts, verdict, stateAtArrival, payload, now);
  }

  override segmentSent(connection: Connection, segment: SegmentOut, now: number): void {
    if (segment.flags & SYN) this.memoryOf(connection, now).noteSentSyn(segment);
    if (!this.wants('seg', 'debug')) return;
    const { iss, irs } = connection.status();
    const facts = sentFacts(segment, iss, irs);
    this.writeSegment(connection, facts, null, connection.state, this.sentPayload(segment), now);
  }

  override timerChanged(
    connection: Connection,
    timer: Timer,
    op: TimerOp,
    delayMs: number,
    n: number,
    now: number,
  ): void {
    if (!this.wants('timer', op === 'fire' ? 'info' : 'debug')) return;
    const name = this.memoryOf(connection, now).timerName(connection, timer, op);
    const notable = op === 'fire' && (name === 'timewait' || name === 'user' || name === 'synrto');
    const level = notable ? 'info' : 'debug';
    if (!this.wants('timer', level)) return;
    const fields: Fields = { ev: 'timer', timer: name, op, ms: rounded(delayMs) };
    // The factor by which the first interval has grown (RFC 6298 §5.5, RFC 9293 §3.8.6.1).
    if (timer === Timer.RETRANSMISSION || timer === Timer.PERSIST) fields.backoff = 2 ** n;
    fields.n = n;
    this.writeFor(connection, level, fields, now, timerMessage(name, op, delayMs, this.lang));
  }

  override congestionChanged(
    connection: Connection,
    phase: CongestionPhase,
    trigger: CongestionTrigger,
    now: number,
  ): void {
    const memory = this.memoryOf(connection, now);
    const level: LogLevel = memory.phase === phase ? 'debug' : 'info';
    memory.phase = phase;
    if (!this.wants('cc', level)) return;
    const { name: algo, cwnd, ssthresh } = connection.congestion;
    const inflight = connection.status().inFlight;
    const fields: Fields = { ev: 'cc', algo, phase, cwnd, ssthresh: finite(ssthresh), inflight, trigger };
    this.writeFor(connection, level, fields, now, congestionMessage(connection, phase, trigger));
  }

  override rttSampled(connection: Connection, sampleMs: number, now: number): void {
    if (!this.wants('rtt', 'trace')) return;
    const { srttMs, rttvarMs, rtoMs } = connection.status();
    const fields: Fields = { ev: 'rtt' };
    if (sampleMs >= 0) fields.sample = rounded(sampleMs);
    fields.srtt = rounded(srttMs);
    fields.rttvar = rounded(rttvarMs);
    fields.rto = rounded(rtoMs);
    if (sampleMs < 0) fields.karn = true;
    const message = rttMessage(sampleMs, srttMs, rttvarMs, rtoMs, this.lang);
    this.writeFor(connection, 'trace', fields, now, message);
  }

  override buffersChanged(connection: Connection, now: number): void {
    if (!this.wants('buf', 'trace')) return;
    const { receiveQueueBytes, reassemblyBytes, sendQueueBytes } = connection.status();
    const holes = connection.receiveHoles();
    const fields = { ev: 'buf', rcvq: receiveQueueBytes, rcv_holes: holes, sndq: sendQueueBytes };
    const message = `rcvq=${receiveQueueBytes} ooo=${reassemblyBytes} sndq=${sendQueueBytes}`;
    this.writeFor(connection, 'trace', fields, now, message);
  }

  override segmentDropped(
    connection: Connection | null,
    segment: SegmentView | null,
    reason: DropReason,
    reply: DropReply,
    rule: string,
    now: number,
  ): void {
    const plain = connection !== null && segment !== null && isPlainDuplicate(connection, segment, reason);
    const level: LogLevel = plain ? 'debug' : 'warn';
    if (!this.wants('drop', level) || !this.drops.take(now)) return;
    const fields = dropFields(connection, segment, reason, reply, rule);
    this.drops.tell(fields);
    const message = dropText(reason, reply, this.lang);
    if (connection === null) this.write(this.logger, level, fields, now, message);
    else this.writeFor(connection, level, fields, now, message);
  }

  override called(
    connection: Connection,
    call: CallName,
    n: number,
    error: string | null,
    now: number,
  ): void {
    if (!this.wants('app', 'debug')) return;
    const fields: Fields = { ev: 'app', call, n };
    if (error !== null) fields.err = error;
    this.writeFor(connection, 'debug', fields, now, callMessage(call, n, error, this.lang));
  }

  override connectionClosed(connection: Connection, end: ConnectionEnd, now: number): void {
    if (this.wants('conn', 'info')) {
      const durationMs = now - this.memoryOf(connection, now).openedAt;
      const fields = closedFields(connection, end, durationMs);
      const message = closedMessage(connection, end, durationMs, this.lang);
      this.writeFor(connection, 'info', fields, now, message);
    }
    this.memories.get(connection)?.release();
  }

  /** Logs what an impaired link did to a packet. */
  onAct(act: LinkAct): void {
    if (!this.wants('link', 'info')) return;
    const fields: Fields = { ev: 'link', act: act.act, dir: act.dir, pkt: act.packetId, nth: act.nth };
    if (act.rule !== undefined) fields.rule = act.rule;
    const message = `${act.act} ${act.dir} #${act.packetId}${act.rule === undefined ? '' : ` (${act.rule})`}`;
    this.write(this.logger, 'info', fields, act.time, message);
  }

  override packetDropped(reason: PacketDropReason, packetId: number, now: number): void {
    const level: LogLevel = BENIGN_PACKETS.includes(reason) ? 'debug' : 'warn';
    if (!this.wants('drop', level) || !this.drops.take(now)) return;
    const fields: Fields = { ev: 'drop', why: reason, reply: 'none', pkt: packetId };
    this.drops.tell(fields);
    this.write(this.logger, level, fields, now, packetDropText(reason, this.lang));
  }

  override backlogFull(
    listener: Listener,
    halfOpen: number,
    waiting: number,
    limit: number,
    policy: BacklogPolicy,
    now: number,
  ): void {
    const last = this.backlogLoggedAt.get(listener) ?? Number.NEGATIVE_INFINITY;
    if (now - last < SECOND_MS || !this.wants('backlog', 'warn')) return;
    this.backlogLoggedAt.set(listener, now);
    const fields: Fields = { ev: 'backlog', l: endpointOf(listener), half: halfOpen, waiting, limit, policy };
    // None of the policies answers with cookies.
    fields.cookies = false;
    this.write(this.logger, 'warn', fields, now, backlogMessage(halfOpen, waiting, limit, policy, this.lang));
  }

  override listenerOpened(listener: Listener, transition: Transition, now: number): void {
    this.writeListenerState(listener, transition, now);
  }

  override listenerClosed(listener: Listener, transition: Transition, now: number): void {
    this.writeListenerState(listener, transition, now);
  }

  private writeListenerState(listener: Listener, transition: Transition, now: number): void {
    if (!this.wants('state', 'info')) return;
    const fields = listenerFields(listener, transition);
    this.write(this.logger, 'info', fields, now, stateMessage(transition, this.lang), transition.why);
  }

  /** Logs a step of a scenario: `ev: 'lab'`, at error when `ok` is false. */
  lab(op: 'begin' | 'step' | 'assert' | 'end', fields: Fields, now: number, message: string): void {
    const level: LogLevel = fields.ok === false ? 'error' : 'info';
    if (this.wants('lab', level)) this.write(this.logger, level, { ev: 'lab', op, ...fields }, now, message);
  }

  /** Logs something of the process or its devices: `ev: 'sys'`. */
  sys(level: 'info' | 'warn' | 'error' | 'fatal', fields: Fields, now: number, message: string): void {
    if (this.wants('sys', level)) this.write(this.logger, level, { ev: 'sys', ...fields }, now, message);
  }

  private wants(kind: EventKind, level: LogLevel): boolean {
    return this.logger.isLevelEnabled(level) && (this.kinds === null || this.kinds.has(kind));
  }

  private memoryOf(connection: Connection, now: number): LogMemory {
    let memory = this.memories.get(connection);
    if (memory === undefined) {
      memory = new LogMemory(now);
      this.memories.set(connection, memory);
    }
    return memory;
  }

  private writeSegment(
    connection: Connection,
    facts: SegmentFacts,
    verdict: Verdict | null,
    state: State,
    payload: Uint8Array,
    now: number,
  ): void {
    const win = this.memoryOf(connection, now).window(facts.dir, facts.flags, facts.winRaw);
    const fields = segmentFields(facts, win, verdict, state);
    if (payload.length > 0 && this.wants('seg', 'trace')) fields.hex = hexOf(payload);
    this.writeFor(connection, 'debug', fields, now, segmentMessage(facts, win, verdict, this.lang));
  }

  private sentPayload(segment: SegmentOut): Uint8Array {
    const { payload } = segment;
    if (this.payloadBytes === 0 || payload.count === 0) return NO_BYTES;
    const all = new Uint8Array(payload.total);
    payload.copyTo(all, 0);
    return all.subarray(0, this.payloadBytes);
  }

  private writeFor(
    connection: Connection,
    level: LogLevel,
    fields: Fields,
    now: number,
    message: string,
    why?: string,
  ): void {
    let logger: Logger;
    try {
      logger = this.memoryOf(connection, now).logger(this.logger, connection);
    } catch {
      this.failures++;
      return;
    }
    this.write(logger, level, fields, now, message, why);
  }

  /** The only place that calls the logger; what it throws must not reach the protocol. */
  private write(
    logger: Logger,
    level: LogLevel,
    fields: Fields,
    now: number,
    message: string,
    why?: string,
  ): void {
    const { run, unsafe, runStartMs } = this.options;
    if (run !== undefined) fields.run = run;
    if (unsafe) fields.unsafe = true;
    if (runStartMs !== undefined) fields.vt = Math.round((now - runStartMs) * 1000) / 1e6;
    if (why !== undefined) fields.why = why;
    try {
      logger[level](fields, message);
    } catch {
      this.failures++;
    }
  }
}

const NO_BYTES = new Uint8Array(0);
