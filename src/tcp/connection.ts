// CONTRACT SKELETON: signatures are final, bodies follow.
// One connection: the pure state machine behind RFC 9293. Its owner brings segments, calls and the time, and takes
// segments, events and the next deadline.
import type { FourTuple } from '../wire/address.js';
import type { SegmentView } from '../wire/segment.js';
import type { Seq } from '../wire/seq.js';
import type { ConnectionConfig } from './config.js';
import type { Controller } from './congestion/controller.js';
import type { SegmentSink } from './segment-out.js';
import type { State } from './state.js';
import type { Trace } from './trace.js';

/** What a connection needs from outside. Shared by all connections of a stack. */
export interface ConnectionEnvironment {
  /** Listener of the core's events, or null. */
  readonly trace: Trace | null;
  /** Initial send sequence number for a new connection (RFC 9293 MUST-8, MUST-9; RFC 6528). */
  initialSequence(tuple: FourTuple, now: number): Seq;
}

/** Bits of `Connection.takeEvents()`: what the application should learn. */
export const Event = {
  /** The handshake is complete. */
  ESTABLISHED: 1 << 0,
  /** In-order data waits in the receive queue. */
  READABLE: 1 << 1,
  /** The send buffer has room again after it had refused bytes. */
  WRITABLE: 1 << 2,
  /** The peer's FIN was reached: after the queued data comes the end. */
  PEER_FIN: 1 << 3,
  /** The connection is gone; `error` says why (null: orderly). */
  CLOSED: 1 << 4,
  /** Urgent data is announced or the pointer advanced; see `urgentBytes`. */
  URGENT: 1 << 5,
  /** A soft ICMP error or the R1 threshold; see `softError`. The connection lives on. */
  SOFT_ERROR: 1 << 6,
  /** All that was sent, a FIN included, is acknowledged. */
  ALL_ACKNOWLEDGED: 1 << 7,
  /** The connection entered TIME-WAIT: both directions have ended, only the wait remains. */
  TIME_WAIT: 1 << 8,
} as const;

/** Why a connection ended, in the spelling of `node:net`; the owner makes an Error of it. */
export type ConnectionErrorCode =
  | 'ECONNREFUSED'
  | 'ECONNRESET'
  | 'ETIMEDOUT'
  | 'EHOSTUNREACH'
  | 'ENETUNREACH'
  | 'ECONNABORTED'
  | 'EPROTO';

/** Snapshot for people and tools: the STATUS call of RFC 9293 §3.10.6. Sequence numbers are relative to ISS and IRS. */
export interface ConnectionStatus {
  state: State;
  iss: number;
  irs: number;
  sndUna: number;
  sndNxt: number;
  sndWnd: number;
  rcvNxt: number;
  rcvWnd: number;
  /** Bytes accepted by SEND and not yet acknowledged. */
  sendQueueBytes: number;
  /** Bytes that RECEIVE would return. */
  receiveQueueBytes: number;
  /** Bytes kept out of order. */
  reassemblyBytes: number;
  sendMss: number;
  srttMs: number;
  rttvarMs: number;
  rtoMs: number;
  cwnd: number;
  ssthresh: number;
  inFlight: number;
  retransmissions: number;
}

/** One TCP connection. */
export declare class Connection {
  /** Number of this connection in its stack, from 1: `c7` in logs. */
  readonly id: number;
  readonly tuple: FourTuple;
  readonly config: ConnectionConfig;
  /** How it began. */
  readonly role: 'active' | 'passive';
  /** Free for the owner of the connection. */
  owner: unknown;

  state: State;
  readonly congestion: Controller;
  /** Why it ended, once CLOSED; null for an orderly end. */
  error: ConnectionErrorCode | null;
  /** Last soft error, or null. */
  softError: ConnectionErrorCode | null;

  /** A connection in CLOSED, to be opened by `openActive`, or (fromListen/fromTimeWait) by the SYN it is then given. */
  constructor(
    id: number,
    tuple: FourTuple,
    config: ConnectionConfig,
    environment: ConnectionEnvironment,
    role: 'active' | 'passive',
  );

  // ---- OPEN (§3.10.1)
  /** Active OPEN: CLOSED to SYN-SENT. The SYN leaves with the next `pollTransmit`. */
  openActive(now: number): void;
  /**
   * Passive OPEN answered: takes the SYN that `classifyListenSegment` accepted, and goes to SYN-RECEIVED.
   * @param reopened the TIME-WAIT connection that this one follows on the same tuple, or null
   */
  openPassive(syn: SegmentView, reopened: Connection | null, now: number): void;

  // ---- SEND (§3.10.2)
  /** Bytes that `send` would take now. */
  readonly sendSpace: number;
  /**
   * Queues data by reference: `bytes` must not change until acknowledged. Legal from SYN-SENT on.
   * @param push sets PSH on the last segment of it (true unless more follows at once)
   * @returns how many leading bytes were taken; when fewer than all, `WRITABLE` follows
   */
  send(bytes: Uint8Array, push: boolean, now: number): number;
  /** As `send`, and the urgent pointer covers the bytes taken (RFC 9293 MUST-62). */
  sendUrgent(bytes: Uint8Array, now: number): number;
  /** Allows Nagle's delay again or forbids it (`setNoDelay`). */
  setNagle(on: boolean, now: number): void;

  // ---- RECEIVE (§3.10.3)
  /** Bytes that `receive` would hand out. */
  readonly receiveQueueBytes: number;
  /** The next in-order bytes, at most `max`, or null when there are none. The array belongs to the caller. */
  receive(max: number, now: number): Uint8Array | null;
  /** True when the peer's FIN was reached and all data before it was handed out. */
  readonly atEnd: boolean;
  /** Urgent bytes still to be read, 0 for none (RFC 9293 MUST-33). */
  readonly urgentBytes: number;

  // ---- CLOSE, ABORT (§3.10.4, §3.10.5)
  /** Ends our direction: FIN after the queued data. Reading goes on. Idempotent. */
  shutdownWrite(now: number): void;
  /**
   * The application has left: ends both directions. With unread data an RST goes out at once; else FIN, and data that
   * arrives later is answered by RST (RFC 9293 SHLD-3). FIN-WAIT-2 then ends by its timer.
   */
  close(now: number): void;
  /** RST to the peer (in the states that call for one) and CLOSED; queued data is dropped. */
  abort(now: number): void;
  /** The owner gives a half-open or TIME-WAIT connection up for a limit's sake: CLOSED without a segment. */
  evict(now: number): void;

  // ---- options during the connection
  setKeepAlive(on: boolean, idleMs: number, now: number): void;
  setUserTimeout(ms: number, now: number): void;
  setDscp(dscp: number): void;
  dscp: number;

  // ---- STATUS (§3.10.6)
  status(): ConnectionStatus;
  /** Counters since the beginning. */
  readonly bytesReceived: number;
  readonly bytesAcknowledged: number;
  readonly segmentsIn: number;
  readonly segmentsOut: number;
  readonly retransmissions: number;

  // ---- driven by the owner
  /** A segment with a good checksum for this tuple arrived (§3.10.7.3, §3.10.7.4). */
  onSegment(segment: SegmentView, now: number): void;
  /** An ICMP error quotes a segment of ours with sequence number `quotedSeq` (§3.9.2.2, RFC 5927). */
  onIcmpError(
    kind: 'net' | 'host' | 'protocol' | 'port' | 'prohibited' | 'time',
    quotedSeq: Seq,
    now: number,
  ): void;
  /** The path takes packets of at most `mss` payload bytes now (fragmentation needed, quote checked by sequence). */
  onPathMss(mss: number, quotedSeq: Seq, now: number): void;
  /** Acts on every timer whose deadline is at or before `now`. */
  onTimer(now: number): void;
  /** Sends all that may be sent now. Returns false when the sink filled up before the end. */
  pollTransmit(now: number, sink: SegmentSink): boolean;
  /** Whether `pollTransmit` would send something. Cheap. */
  readonly wantsTransmit: boolean;
  /** Earliest deadline in clock ms, or Infinity. */
  nextTimeout(): number;
  /** What happened since the last call, as bits of `Event`. */
  takeEvents(): number;
}

/** What a listener does with a segment (§3.10.7.2). */
export type ListenAction = 'open' | 'reset' | 'ignore';
