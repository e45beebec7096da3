// Listens at the other stack of a simulation, so that the ladder of ours knows what the other end really does.
import { SilentTrace } from '../observe/silent-trace.js';
import type { Connection } from '../tcp/connection.js';
import type { SegmentOut } from '../tcp/segment-out.js';
import { State, type Transition, Trigger } from '../tcp/state.js';
import { Timer } from '../tcp/timers.js';
import type { CallName, TimerOp } from '../tcp/trace.js';
import type { SegmentView } from '../wire/segment.js';
import type { LabLadder } from './lab-ladder.js';

const EXPIRED_AT_PEER: Readonly<Partial<Record<Trigger, '2msl' | 'rto' | 'user' | 'finwait2'>>> = {
  [Trigger.TIMER_2MSL]: '2msl',
  [Trigger.TIMER_RETRANSMISSION]: 'rto',
  [Trigger.TIMER_USER_TIMEOUT]: 'user',
  [Trigger.TIMER_FIN_WAIT_2]: 'finwait2',
};
const SHOWN_CALLS: readonly CallName[] = ['connect', 'shutdown', 'close', 'abort'];

/** Listens at the other stack of a simulation, for the ladder of ours. */
export class PeerWatch extends SilentTrace {
  private readonly states = new Map<number, State>();
  private readonly current = new Map<number, Connection>();
  private readonly delays = new Map<number, number>();

  /**
   * @param peerIsClient which of the ports is the client's
   * @param portState state of the other end's port without a connection
   */
  constructor(
    private readonly ladder: LabLadder,
    private readonly peerIsClient: boolean,
    private readonly portState: () => State,
  ) {
    super();
  }

  /** The state of the other end for a client's port. */
  stateOf(clientPort: number): State {
    return this.current.get(clientPort)?.state ?? this.portState();
  }

  /** The state in which the other end sent a packet. */
  sentIn(packetId: number): State | undefined {
    return this.states.get(packetId);
  }

  override connectionOpened(connection: Connection): void {
    this.current.set(this.clientPort(connection), connection);
  }

  override called(
    connection: Connection,
    call: CallName,
    _n: number,
    _error: string | null,
    now: number,
  ): void {
    if (!SHOWN_CALLS.includes(call) || (call !== 'connect' && connection.state === State.CLOSED)) return;
    this.ladder.peerCall(this.clientPort(connection), call, now);
  }

  override stateChanged(
    connection: Connection,
    transition: Transition,
    segment: SegmentView | null,
    now: number,
  ): void {
    const expired = EXPIRED_AT_PEER[transition.trigger];
    if (segment !== null || expired === undefined) return;
    this.ladder.peerExpired(this.clientPort(connection), expired, this.delays.get(connection.id) ?? 0, now);
  }

  override timerChanged(connection: Connection, timer: Timer, op: TimerOp, delayMs: number): void {
    if (timer === Timer.TIME_WAIT && op !== 'stop') this.delays.set(connection.id, delayMs);
  }

  override segmentSent(connection: Connection, segment: SegmentOut): void {
    this.states.set(segment.packetId, connection.state);
  }

  override segmentReceived(connection: Connection, segment: SegmentView): void {
    this.show(this.clientPort(connection), segment.packetId, connection.state);
  }

  override segmentDropped(connection: Connection | null, segment: SegmentView | null): void {
    if (connection !== null || segment === null) return;
    const clientPort = this.peerIsClient ? segment.destinationPort : segment.sourcePort;
    this.show(clientPort, segment.packetId, this.stateOf(clientPort));
  }

  private show(clientPort: number, packetId: number, state: State): void {
    this.ladder.showPeerState(clientPort, packetId, state);
  }

  private clientPort(connection: Connection): number {
    return this.peerIsClient ? connection.tuple.localPort : connection.tuple.remotePort;
  }
}
