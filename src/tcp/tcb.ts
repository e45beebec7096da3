// The variables of a transmission control block (RFC 9293 §3.3.1), in groups; what happens to them is told elsewhere.
import type { Seq } from '../wire/seq.js';

/** Send MSS when the peer's SYN had no MSS option (RFC 9293 MUST-15). */
export const DEFAULT_SEND_MSS_V4 = 536;
export const DEFAULT_SEND_MSS_V6 = 1220;

/** Whether and when an acknowledgment is owed. */
export const AckDue = { NONE: 0, DELAYED: 1, NOW: 2 } as const;
export type AckDue = (typeof AckDue)[keyof typeof AckDue];

/** SND.*: the send sequence space. */
export class SendVariables {
  iss: Seq = 0;
  /** Oldest unacknowledged number. */
  una: Seq = 0;
  /** Next number to be sent for the first time. */
  nxt: Seq = 0;
  /** Send window in bytes, scaled. */
  wnd = 0;
  /** Sequence number after the last urgent octet; `nxt` or less when there is none. */
  up: Seq = 0;
  /** Segment sequence and acknowledgment number of the last window update. */
  wl1: Seq = 0;
  wl2: Seq = 0;
  /** Largest window that the peer ever offered: Max(SND.WND). */
  maxWnd = 0;
  /** Shift of the peer's window field. */
  shift = 0;
  /** Effective send MSS: payload bytes per segment (RFC 9293 §3.7.1). */
  mss = DEFAULT_SEND_MSS_V4;
  /** The peer's MSS option, or the default for the family. */
  peerMss = DEFAULT_SEND_MSS_V4;
}

/** RCV.*: the receive sequence space. */
export class ReceiveVariables {
  irs: Seq = 0;
  /** Next number expected. */
  nxt: Seq = 0;
  /** Right edge of the window ever granted: RCV.NXT + RCV.WND. Never moves left (RFC 9293 SHLD-14). */
  edge: Seq = 0;
  /** Number after the last urgent octet announced; `urgent` tells whether it counts. */
  up: Seq = 0;
  urgent = false;
  /** Shift of our window field, once agreed. */
  shift = 0;
  /** RCV.NXT as last acknowledged on the wire. */
  lastAcked: Seq = 0;
  /** Largest payload seen so far: what the peer's full-sized segments look like. */
  largestPayload = 0;
  /** Number of the peer's FIN, valid when `finKnown`. */
  finSeq: Seq = 0;
  finKnown = false;
}

/** What the sender knows of losses and of the segment under measurement. */
export class RetransmissionVariables {
  dupAcks = 0;
  inFlightAtFirstDup = 0;
  /** SND.NXT when the last recovery or timeout began (RFC 6582). */
  recover: Seq = 0;
  /** Fast recovery is under way. */
  inRecovery = false;
  /** After a timeout: everything in [next, recover) is sent again as the window allows. */
  inLoss = false;
  next: Seq = 0;
  /** The segment at SND.UNA is to be sent again at once. */
  resendHead = false;
  /** Timeouts in a row without progress. */
  timeouts = 0;
  /** Since when the data at SND.UNA has waited for its acknowledgment. */
  since = 0;
  /** Whether R1 was reported for the present outage. */
  warned = false;
  /** Timed segment: sampled when this number is acknowledged; `timedAt` is negative when none is timed. */
  timedSeq: Seq = 0;
  timedAt = -1;
  /** Zero-window probes in a row, since when there is something to probe for, and since when nobody has answered. */
  probes = 0;
  probingSince = 0;
  silentSince = 0;
  /** A probe is to be sent at once. */
  probeNow = false;
  /** The silly-window override expired: send what fits. */
  override = false;
  /** A SYN of ours was retransmitted. */
  synLost = false;
}
