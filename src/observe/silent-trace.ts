// A listener that ignores everything: what an observer extends, so that it names only the events that it wants.
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

/** Every event of a stack and its connections, unheard. */
export class SilentTrace implements StackTrace {
  connectionOpened(_connection: Connection, _now: number): void {}
  stateChanged(
    _connection: Connection,
    _transition: Transition,
    _segment: SegmentView | null,
    _now: number,
  ): void {}
  segmentReceived(
    _connection: Connection,
    _segment: SegmentView,
    _verdict: Verdict,
    _stateAtArrival: State,
    _now: number,
  ): void {}
  segmentSent(_connection: Connection, _segment: SegmentOut, _now: number): void {}
  timerChanged(
    _connection: Connection,
    _timer: Timer,
    _op: TimerOp,
    _delayMs: number,
    _n: number,
    _now: number,
  ): void {}
  congestionChanged(
    _connection: Connection,
    _phase: CongestionPhase,
    _trigger: CongestionTrigger,
    _now: number,
  ): void {}
  rttSampled(_connection: Connection, _sampleMs: number, _now: number): void {}
  buffersChanged(_connection: Connection, _now: number): void {}
  segmentDropped(
    _connection: Connection | null,
    _segment: SegmentView | null,
    _reason: DropReason,
    _reply: DropReply,
    _rule: string,
    _now: number,
  ): void {}
  called(_connection: Connection, _call: CallName, _n: number, _error: string | null, _now: number): void {}
  connectionClosed(_connection: Connection, _end: ConnectionEnd, _now: number): void {}
  packetDropped(_reason: PacketDropReason, _packetId: number, _now: number): void {}
  backlogFull(
    _listener: Listener,
    _halfOpen: number,
    _waiting: number,
    _limit: number,
    _policy: BacklogPolicy,
    _now: number,
  ): void {}
  listenerOpened(_listener: Listener, _transition: Transition, _now: number): void {}
  listenerClosed(_listener: Listener, _transition: Transition, _now: number): void {}
}
