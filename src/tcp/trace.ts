// The events that the core emits. One listener (or none, at the cost of a null check) receives them; the log, the
// ladder, the captures' comments and every other view are made from this stream and from nothing else.
import type { SegmentView } from '../wire/segment.js';
import type { Connection } from './connection.js';
import type { SegmentOut } from './segment-out.js';
import type { State, Transition } from './state.js';
import type { Timer } from './timers.js';

/** What became of a received segment. */
export type Verdict = 'accept' | 'dup' | 'ooo' | 'trim' | 'drop';

/** Why a segment was dropped. */
export type DropReason =
  | 'checksum'
  | 'malformed'
  | 'window'
  | 'ack'
  | 'no_ack'
  | 'syn'
  | 'rst'
  | 'paws'
  | 'no_tcb'
  | 'listen_ack'
  | 'listen_flags'
  | 'backlog'
  | 'syndata_limit'
  | 'martian'
  | 'reassembly_limit'
  | 'after_fin'
  | 'syn_cookie';

/** What was sent in answer to a dropped segment; `cookie` is a SYN-ACK that nothing is kept for (RFC 4987 §3.6). */
export type DropReply = 'none' | 'ack' | 'challenge' | 'rst' | 'cookie';

/** What happened to a timer. */
export type TimerOp = 'start' | 'stop' | 'restart' | 'fire';

/** Phase of congestion control. */
export type CongestionPhase = 'slow_start' | 'avoidance' | 'recovery' | 'loss';

/** What moved the congestion window. */
export type CongestionTrigger = 'ack' | '3dupack' | 'rto' | 'sack' | 'idle' | 'ecn' | 'undo' | 'path_mtu';

/** User calls as logged. */
export type CallName = 'connect' | 'listen' | 'accept' | 'send' | 'recv' | 'shutdown' | 'close' | 'abort';

/** How a connection ended. */
export type ConnectionEnd =
  | 'fin'
  | 'rst'
  | 'abort'
  | 'timeout'
  | 'refused'
  | 'unreachable'
  | 'evicted'
  | 'reused';

/**
 * Receives the core's events. `now` is the clock's milliseconds at the event. `connection` and `segment` are live
 * objects: read what is needed during the call, keep nothing but the connection. A listener must not throw and must
 * not call back into the connection.
 */
export interface Trace {
  /** A transmission control block came to life. */
  connectionOpened(connection: Connection, now: number): void;
  /** Exactly one per transition; `segment` is the one that caused it, or null. */
  stateChanged(
    connection: Connection,
    transition: Transition,
    segment: SegmentView | null,
    now: number,
  ): void;
  /** After a segment was processed; `stateAtArrival` is the state in which it was received. */
  segmentReceived(
    connection: Connection,
    segment: SegmentView,
    verdict: Verdict,
    stateAtArrival: State,
    now: number,
  ): void;
  /** A segment left; `segment.packetId` is set. */
  segmentSent(connection: Connection, segment: SegmentOut, now: number): void;
  /**
   * @param delayMs time until it fires for start and restart; time it was set for on fire; time that was left for stop
   * @param n retransmissions, probes or restarts so far
   */
  timerChanged(
    connection: Connection,
    timer: Timer,
    op: TimerOp,
    delayMs: number,
    n: number,
    now: number,
  ): void;
  /** Read `connection.congestion` for the window. */
  congestionChanged(
    connection: Connection,
    phase: CongestionPhase,
    trigger: CongestionTrigger,
    now: number,
  ): void;
  /** A round-trip sample in ms, or -1 when Karn's rule forbade to take one. */
  rttSampled(connection: Connection, sampleMs: number, now: number): void;
  /** Receive queue, holes or send queue changed in size. */
  buffersChanged(connection: Connection, now: number): void;
  /** `connection` is null when no connection owns the segment. */
  segmentDropped(
    connection: Connection | null,
    segment: SegmentView | null,
    reason: DropReason,
    reply: DropReply,
    rule: string,
    now: number,
  ): void;
  /** The application called; `n` is a byte count where the call has one, `error` an error code or null. */
  called(connection: Connection, call: CallName, n: number, error: string | null, now: number): void;
  /** The transmission control block is gone. Only the segment that ended it, and an RST of ours, are told of after it. */
  connectionClosed(connection: Connection, end: ConnectionEnd, now: number): void;
}
