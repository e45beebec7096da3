// What a congestion controller is. The sender asks it how much may be in flight and tells it what happened; everything
// else (what is lost, what to resend, when) stays with the sender.

/** What a controller may read of its connection, when it is told of an event. */
export interface ControllerInput {
  /** Clock milliseconds. */
  now: number;
  /** Bytes newly acknowledged by this event. */
  ackedBytes: number;
  /** Bytes in flight before the event. */
  inFlightBytes: number;
  /** True when the window, and not the application, limited the sender: only then may the window grow (RFC 7661). */
  windowLimited: boolean;
  /** Latest smoothed round-trip time in ms, or 0 before the first sample. */
  srttMs: number;
}

/** A congestion-control algorithm for one connection. Windows are in bytes. */
export interface Controller {
  /** Name as logged: `newreno`. */
  readonly name: string;
  /** Congestion window. */
  readonly cwnd: number;
  /** Slow-start threshold. */
  readonly ssthresh: number;
  /** True while `cwnd` grows exponentially. */
  readonly inSlowStart: boolean;
  /** The effective send MSS became known or changed. */
  setMss(mss: number): void;
  /** New data was acknowledged outside of recovery. */
  onAck(input: ControllerInput): void;
  /** Fast recovery begins: a segment is held lost, and others still arrive. */
  onEnterRecovery(input: ControllerInput): void;
  /** A duplicate ACK during recovery tells that one more segment left the network. */
  onDuplicateAckInRecovery(input: ControllerInput): void;
  /** A partial ACK during recovery (RFC 6582 §3.2 step 4). */
  onPartialAck(input: ControllerInput): void;
  /** Recovery ends: everything sent before it is acknowledged. */
  onExitRecovery(input: ControllerInput): void;
  /** The retransmission timer fired; `firstTime` is false for a repeated timeout of the same data. */
  onRetransmissionTimeout(input: ControllerInput, firstTime: boolean): void;
  /** Nothing was sent for longer than one retransmission timeout (RFC 5681 §4.1). */
  onIdle(): void;
}

/** Makes a controller for a connection whose send MSS is `mss` bytes. */
export type ControllerFactory = (mss: number, initialWindowSegments: number) => Controller;
