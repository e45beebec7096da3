// Fans one stream of events out to several listeners, which may come and go while the stack runs. It knows nothing of
// what they do; each of them keeps its own errors to itself, as `Trace` demands.
import type { Listener } from '../stack/listener.js';
import type { BacklogPolicy, PacketDropReason, StackTrace } from '../stack/trace.js';
import type { Connection } from '../tcp/connection.js';
import type { SegmentOut } from '../tcp/segment-out.js';
import type { State, Transition } from '../tcp/state.js';
import type { Timer } from '../tcp/timers.js';
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
import type { SegmentView } from '../wire/segment.js';

/** The set of listeners of a stack. A stack reads `current` once, when it is made: add its listeners before that. */
export class TraceHub {
  /** Called when `current` became another object. */
  onChange: ((current: StackTrace | null) => void) | null = null;
  private listeners: readonly StackTrace[];
  private target: StackTrace | null = null;

  /** @param listeners who listens from the beginning */
  constructor(listeners: readonly StackTrace[] = []) {
    this.listeners = [...new Set(listeners)];
    this.target = targetOf(this.listeners);
  }

  /** Where events go: null without listeners, the listener itself when there is one, else a fan-out. */
  get current(): StackTrace | null {
    return this.target;
  }

  /** Adds a listener, once. Returns the call that takes it out again. */
  add(listener: StackTrace): () => void {
    if (!this.listeners.includes(listener)) this.replace([...this.listeners, listener]);
    return () => this.remove(listener);
  }

  /** Takes a listener out; harmless when it is not there. */
  remove(listener: StackTrace): void {
    if (this.listeners.includes(listener)) this.replace(this.listeners.filter((other) => other !== listener));
  }

  /** A fan-out under way keeps its own list, so listeners may come and go during an event. */
  private replace(listeners: readonly StackTrace[]): void {
    this.listeners = listeners;
    this.target = targetOf(listeners);
    this.onChange?.(this.target);
  }
}

function targetOf(listeners: readonly StackTrace[]): StackTrace | null {
  if (listeners.length === 0) return null;
  return listeners.length === 1 ? listeners[0]! : new FanOut(listeners);
}

/** Passes each event to every listener, in the order in which they were added. */
class FanOut implements StackTrace {
  constructor(private readonly listeners: readonly StackTrace[]) {}

  connectionOpened(connection: Connection, now: number): void {
    for (const listener of this.listeners) listener.connectionOpened(connection, now);
  }

  stateChanged(
    connection: Connection,
    transition: Transition,
    segment: SegmentView | null,
    now: number,
  ): void {
    for (const listener of this.listeners) listener.stateChanged(connection, transition, segment, now);
  }

  segmentReceived(
    connection: Connection,
    segment: SegmentView,
    verdict: Verdict,
    stateAtArrival: State,
    now: number,
  ): void {
    for (const listener of this.listeners) {
      listener.segmentReceived(connection, segment, verdict, stateAtArrival, now);
    }
  }

  segmentSent(connection: Connection, segment: SegmentOut, now: number): void {
    for (const listener of this.listeners) listener.segmentSent(connection, segment, now);
  }

  timerChanged(
    connection: Connection,
    timer: Timer,
    op: TimerOp,
    delayMs: number,
    n: number,
    now: number,
  ): void {
    for (const listener of this.listeners) listener.timerChanged(connection, timer, op, delayMs, n, now);
  }

  congestionChanged(
    connection: Connection,
    phase: CongestionPhase,
    trigger: CongestionTrigger,
    now: number,
  ): void {
    for (const listener of this.listeners) listener.congestionChanged(connection, phase, trigger, now);
  }

  rttSampled(connection: Connection, sampleMs: number, now: number): void {
    for (const listener of this.listeners) listener.rttSampled(connection, sampleMs, now);
  }

  buffersChanged(connection: Connection, now: number): void {
    for (const listener of this.listeners) listener.buffersChanged(connection, now);
  }

  segmentDropped(
    connection: Connection | null,
    segment: SegmentView | null,
    reason: DropReason,
    reply: DropReply,
    rule: string,
    now: number,
  ): void {
    for (const listener of this.listeners) {
      listener.segmentDropped(connection, segment, reason, reply, rule, now);
    }
  }

  called(connection: Connection, call: CallName, n: number, error: string | null, now: number): void {
    for (const listener of this.listeners) listener.called(connection, call, n, error, now);
  }

  connectionClosed(connection: Connection, end: ConnectionEnd, now: number): void {
    for (const listener of this.listeners) listener.connectionClosed(connection, end, now);
  }

  packetDropped(reason: PacketDropReason, packetId: number, now: number): void {
    for (const listener of this.listeners) listener.packetDropped(reason, packetId, now);
  }

  backlogFull(
    listener: Listener,
    halfOpen: number,
    waiting: number,
    limit: number,
    policy: BacklogPolicy,
    now: number,
  ): void {
    for (const each of this.listeners) each.backlogFull(listener, halfOpen, waiting, limit, policy, now);
  }

  listenerOpened(listener: Listener, transition: Transition, now: number): void {
    for (const each of this.listeners) each.listenerOpened(listener, transition, now);
  }

  listenerClosed(listener: Listener, transition: Transition, now: number): void {
    for (const each of this.listeners) each.listenerClosed(listener, transition, now);
  }
}
