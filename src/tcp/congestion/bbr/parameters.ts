// The constants of BBR (draft-ietf-ccwg-bbr-06 §2), times in ms. "BBR §" in these files means a section of that draft.

/** Share of a round trip's data that may be lost while bandwidth is probed. */
export const LOSS_THRESH = 0.02;
/** What is left of the short-term bounds after a round trip with losses, unless more was delivered. */
export const BETA = 0.7;
/** Share of `inflightLongterm` left to other flows while not probing. */
export const HEADROOM = 0.15;
/** Segments that keep a path and delayed ACKs going. */
export const MIN_PIPE_SEGMENTS = 4;
/** Pacing stays this far below the bandwidth, to let queues shrink. */
export const PACING_MARGIN = 0.01;
/** Growth of the delivery rate in a round trip that says that the pipe is not full yet. */
export const FULL_BW_GROWTH = 1.25;
/** Round trips without such growth after which it is full. */
export const FULL_BW_ROUNDS = 3;
/** Separate holes in one round trip that end STARTUP. */
export const STARTUP_FULL_LOSS_COUNT = 6;
/** Round trips after which DRAIN ends in any case. */
export const DRAIN_ROUNDS = 3;
/** Window of the filter of ACK aggregation, in round trips; the second while the pipe is not full. */
export const EXTRA_ACKED_ROUNDS = 10;
export const EXTRA_ACKED_STARTUP_ROUNDS = 1;
/** How long a least round-trip time is believed. */
export const MIN_RTT_FILTER_MS = 10_000;
/** How often PROBE-RTT may come, and how long it lasts at least. */
export const PROBE_RTT_INTERVAL_MS = 5_000;
export const PROBE_RTT_DURATION_MS = 200;
/** Time between two probes for bandwidth: this, and up to as much as the second again, by chance. */
export const PROBE_WAIT_MS = 2_000;
export const PROBE_WAIT_SPREAD_MS = 1_000;
/** The same in round trips: not later than a Reno flow of that window would probe. */
export const PROBE_WAIT_ROUNDS = 63;
/** Quanta in flight: one in the sender's queue, one being segmented, one waiting for its ACK. */
export const OFFLOAD_QUANTA = 3;
