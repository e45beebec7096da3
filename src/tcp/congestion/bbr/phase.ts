// The states of BBR's machine and what each does to pace and window (BBR §5.6.1).

/** States of the machine; indexes into the tables below. */
export const Phase = {
  /** Doubles the rate each round trip, until the pipe is full. */
  STARTUP: 0,
  /** Empties the queue that STARTUP made. */
  DRAIN: 1,
  /** PROBE-BW: slower than the path, to empty queues and leave room to others. */
  DOWN: 2,
  /** PROBE-BW: as fast as the path. */
  CRUISE: 3,
  /** PROBE-BW: fills the pipe for one round trip, so that what UP adds is what shows. */
  REFILL: 4,
  /** PROBE-BW: faster than the path, to see whether there is more. */
  UP: 5,
  /** Nearly empties the pipe to see the round trip without queues. */
  PROBE_RTT: 6,
} as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** Names as logged, by phase. */
export const PHASE_NAMES = [
  'STARTUP',
  'DRAIN',
  'PROBE-BW-DOWN',
  'PROBE-BW-CRUISE',
  'PROBE-BW-REFILL',
  'PROBE-BW-UP',
  'PROBE-RTT',
] as const;

/** Pace as a multiple of the bandwidth, by phase. */
export const PACING_GAIN = [2.77, 0.5, 0.9, 1, 1, 1.25, 1] as const;
/** Window as a multiple of the bandwidth-delay product, by phase. */
export const CWND_GAIN = [2, 2, 2, 2, 2, 2.25, 0.5] as const;

/** What acknowledgments that come in now tell about the last probe for bandwidth. */
export const AckPhase = {
  /** Nothing: there was no probe, or all of it is known. */
  INIT: 0,
  /** Data of REFILL is under way. */
  REFILLING: 1,
  /** UP has begun; its first data is under way. */
  PROBE_STARTING: 2,
  /** Data of UP is being acknowledged. */
  PROBE_FEEDBACK: 3,
  /** UP is over, its last data is being acknowledged. */
  PROBE_STOPPING: 4,
} as const;
export type AckPhase = (typeof AckPhase)[keyof typeof AckPhase];

/** IsInAProbeBWState. */
export function isProbeBw(phase: Phase): boolean {
  return phase >= Phase.DOWN && phase <= Phase.UP;
}

/** IsProbingBW: the flow itself drives the path to its limit, so that losses are no news about others. */
export function isAccelerating(phase: Phase): boolean {
  return phase === Phase.STARTUP || phase === Phase.REFILL || phase === Phase.UP;
}
