// The variables of a transmission control block (RFC 9293 §3.3.1), in groups; what happens to them is told elsewhere.
import type { Seq } from '../wire/seq.js';
import { TimeoutTally } from './timeout-tally.js';

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
  /** Our SYN is acknowledged. Numbers do not tell it: every 4 GiB `una` and `nxt` come past `iss` again. */
  synAcknowledged = false;
  /** Send window in bytes, scaled. */
  wnd = 0;
  /** Sequence number after the last urgent octet; `nxt` or less when there is none. */
  up: Seq = 0;
  /** Segment sequence number of the last window update. */
  wl1: Seq = 0;
  /** Largest window that the peer ever offered: Max(SND.WND). */
  maxWnd = 0;
  /** Shift of the peer's window field. */
  shift = 0;
  /** Effective send MSS: payload bytes per segment (RFC 9293 §3.7.1). */
  mss = DEFAULT_SEND_MSS_V4;
  /** The peer's MSS option, or the default for the family. */
  peerMss = DEFAULT_SEND_MSS_V4;

  /** Payload bytes that may leave as one, beside what the settings say. */
  mostJoined = 0x3fff_ffff;

  /** Our SYN has still to be sent for the first time. */
  get synWaits(): boolean {
    return this.nxt === this.iss && !this.synAcknowledged;
  }
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

/** What the sender is doing about losses. From RECOVERY on, segments are held lost. */
export const Phase = {
  /** Nothing is amiss, or it is not certain yet. */
  OPEN: 0,
  /** The window shrinks because of congestion marks; nothing was lost (RFC 3168 §6.1.2). */
  REDUCING: 1,
  /** Fast recovery (RFC 6675, RFC 6582). */
  RECOVERY: 2,
  /** After a retransmission timeout. */
  LOSS: 3,
} as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

/** Where F-RTO stands after a timeout (RFC 5682 §3.1): not at work, before the first ACK, after new data was sent. */
export const Doubt = { NONE: 0, FIRST_ACK: 1, NEW_DATA: 2 } as const;
export type Doubt = (typeof Doubt)[keyof typeof Doubt];

/** What the sender knows of losses, and what it has begun because of them. */
export class RetransmissionVariables {
  phase: Phase = Phase.OPEN;
  /** SND.NXT when the present or the last episode began (RFC 6582). */
  recover: Seq = 0;
  /** Duplicate ACKs in a row, and the bytes that they tell to have left the network; only where SACK is off. */
  dupAcks = 0;
  dupAckBytes = 0;
  /** Most that duplicates can tell of: what was in flight at the first of them. */
  dupAckLimit = 0;
  /** Proportional rate reduction: RecoverFS, prr_delivered, prr_out (RFC 9937). */
  prrFlight = 0;
  prrDelivered = 0;
  prrOut = 0;

  /** The present or last reduction can still turn out needless: it began when this was SND.UNA. */
  undoable = false;
  undoFrom: Seq = 0;
  /** After the highest number that was sent again since. */
  undoUntil: Seq = 0;
  /** Its retransmissions that no duplicate report has shown to be needless yet. */
  resentInEpisode = 0;
  /** Bytes sent again in it. */
  resentBytesInEpisode = 0;
  /** When the first of them left; negative before it. */
  firstResentAt = -1;
  priorCwnd = 0;
  priorSsthresh = 0;

  doubt: Doubt = Doubt.NONE;
  /** Segments of new data that F-RTO still sends before it goes on with retransmissions. */
  doubtSegments = 0;

  /** A tail loss probe is out: SND.NXT then, and whether it repeated data (TLP.end_seq, TLP.is_retrans; RFC 8985 §7.1). */
  probeOut = false;
  probeEnd: Seq = 0;
  probeRepeats = false;
  /** A round trip was measured since the last probe left (RFC 8985 §7.3). */
  measuredSinceProbe = true;
  /** ACKs in a row that covered one segment of a flight of several. */
  singleAcks = 0;
  /** A tail loss probe is to be sent at once. */
  lossProbeDue = false;

  /** The segment at SND.UNA is to be sent again at once, whatever the congestion window says. */
  resendHead = false;
  /** Timeouts in a row without progress. */
  timeouts = 0;
  /** Since when the data at SND.UNA has waited for its acknowledgment. */
  since = 0;
  /** Whether R1 was reported for the present outage. */
  warned = false;
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

  readonly tally = new TimeoutTally();
  /** Times that the peer reported a duplicate (RFC 2883). */
  duplicateReports = 0;
  /** Bytes whose acknowledgment echoed a congestion mark. */
  markedBytes = 0;
}
