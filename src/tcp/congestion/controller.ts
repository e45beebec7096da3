// What a congestion controller is. The sender asks it how much may be in flight and how fast it may go, and tells it what
// happened. Everything else stays with the sender: what is lost, what is sent again and when, and the pace at which a
// window shrinks during recovery (prr.ts), unless the controller takes that upon itself.

import type { Seq } from '../../wire/seq.js';

/** What one acknowledgment, or one timeout, told the sender. One object for all connections: read it, keep nothing. */
export interface AckSample {
  /** Clock milliseconds. */
  now: number;
  /** Bytes by which SND.UNA advanced. */
  ackedBytes: number;
  /** Bytes newly known to have arrived: by SND.UNA, by SACK, or guessed from duplicate ACKs where SACK is off. */
  deliveredBytes: number;
  /** Bytes newly held lost. */
  lostBytes: number;
  /** Bytes thought to be on their way, before and after this event. */
  priorInFlight: number;
  inFlight: number;
  /**
   * What a reduction is measured by: the window where it limits the sender, else what was sent and not acknowledged by
   * SND.UNA before this event, at most the window.
   */
  flightBytes: number;
  /** True when the window, and not the application, limited the sender: only then may it grow (RFC 7661). */
  windowLimited: boolean;
  /** Round-trip time measured by this acknowledgment in ms, or -1 for none. */
  rttMs: number;
  /** Smoothed and least round-trip time in ms, or 0 before the first measurement. */
  srttMs: number;
  minRttMs: number;
  /** All bytes delivered, and all bytes ever held lost, up to now. */
  totalDelivered: number;
  totalLost: number;
  /**
   * Of the segment sent last among those newly delivered, as of when it was sent: `totalDelivered`, `totalLost` and the
   * bytes in flight, itself included. Negative when no segment was newly delivered. A round trip has passed when
   * `sentDelivered` reaches the `totalDelivered` of its beginning.
   */
  sentDelivered: number;
  sentLost: number;
  sentInFlight: number;
  /** Delivery rate in bytes per ms (draft-cheng-iccrg-delivery-rate-estimation), 0 when this event gives no sample. */
  deliveryRate: number;
  /** The rate was measured while the application had too little to send. */
  isAppLimited: boolean;
  /** The acknowledgment echoes congestion marks (RFC 3168 §6.1.3). */
  ecnEcho: boolean;
  /** Selective acknowledgments are in use (RFC 2018), so that all losses of a round trip show at once. Default true. */
  hasSack?: boolean;
  /** Acknowledgments for which this one stands: a link may leave out those between the first and the last of a row. Default 1. */
  acks?: number;
}

/** A segment that is held lost; for controllers that look at each of them. */
export interface LostSegment {
  /** Its first sequence number. */
  seq: Seq;
  /** Its sequence numbers. */
  bytes: number;
  /** `AckSample.totalLost` and bytes in flight when it was sent. */
  sentLost: number;
  sentInFlight: number;
  /** Sent while the application had too little to send. */
  isAppLimited: boolean;
}

/** Why the window must shrink: a segment was held lost, or marked by a router (RFC 3168). */
export type CongestionCause = 'loss' | 'ecn';

/**
 * A congestion-control algorithm for one connection. Windows are in bytes.
 *
 * The order of calls: `onAck` for every acknowledgment outside of recovery; `onCongestion` once when recovery begins,
 * whereupon the sender lets `cwnd` sink to `ssthresh` in proportion to what is delivered and sets it there in the end,
 * followed by `onRecovered`; `onTimeout` at each retransmission timeout; `onSpurious` when recovery or timeout turned out
 * to be needless. With `ownsRecovery` the sender never writes `cwnd`, and `onAck` is called in recovery, too.
 */
export interface Controller {
  /** Name as logged: `cubic`. */
  readonly name: string;
  /** Congestion window. */
  cwnd: number;
  /** Slow-start threshold. */
  ssthresh: number;
  /** True while the window grows exponentially. */
  readonly inSlowStart: boolean;
  /** Bytes per ms at which segments may leave; absent or 0: as fast as the window allows. */
  readonly pacingRate?: number;
  /** The controller sets `cwnd` also during recovery. Default false. */
  readonly ownsRecovery?: boolean;
  /**
   * Wants the exact share of marked bytes (RFC 8257): the receiver echoes each change of mark at once, `ecnEcho` is right
   * for each acknowledgment, and `onCongestion('ecn')` is not called. Default false.
   */
  readonly exactEcn?: boolean;
  /**
   * True while it knows no more than one made anew for the same MSS would: a connection at rest may then let it go, and have
   * another made when it sends. Absent: never.
   */
  readonly isUntouched?: boolean;
  /** The effective send MSS became known or changed. */
  setMss(mss: number): void;
  /** The SYN was acknowledged: a first round trip, before any data was sent. Not called when there is no valid one. */
  onHandshake?(rttMs: number, now: number): void;
  /** Something was delivered. Duplicate ACKs without news do not come here. */
  onAck(sample: AckSample): void;
  /** A congestion episode begins: sets `ssthresh`. At most one a round trip. */
  onCongestion(sample: AckSample, cause: CongestionCause): void;
  /** The episode is over and everything sent before it delivered; `cwnd` stands at `ssthresh`. */
  onRecovered?(sample: AckSample): void;
  /** The retransmission timer fired: sets `ssthresh` when `isFirst`, and `cwnd`. Repeated timeouts of the same data are not first. */
  onTimeout(sample: AckSample, isFirst: boolean): void;
  /** The last reduction was needless (RFC 4015, RFC 5682): sets `cwnd` and `ssthresh` to no less than before it. */
  onSpurious(priorCwnd: number, priorSsthresh: number, now: number): void;
  /** Nothing was in flight for `idleMs`, longer than one retransmission timeout (RFC 5681 §4.1). */
  onIdle(idleMs: number): void;
  /** A segment leaves; `inFlight` includes it. `isIdle`: nothing was in flight before it. */
  onSent?(inFlight: number, isIdle: boolean, isAppLimited: boolean, now: number): void;
  /** A segment is held lost; the sample of this event comes later. */
  onSegmentLost?(lost: LostSegment, now: number): void;
}

/**
 * Makes a controller for a connection.
 * @param mss payload bytes of a full segment
 * @param initialWindowSegments initial window (RFC 6928)
 */
export type ControllerFactory = (mss: number, initialWindowSegments: number) => Controller;
