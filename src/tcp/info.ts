// How a connection performs, for people and monitors: what Linux tells by TCP_INFO, as far as it exists here, and what
// limits the connection at this moment. Read on demand; the rules only count.
import { seqDiff, seqMin } from '../wire/seq.js';
import { ackDelay } from './acknowledge.js';
import type { Connection } from './connection.js';
import type { FastOpenOutcome } from './fast-open.js';
import { LIMIT_NAMES, Limit, type LimitName } from './limit.js';
import { pipe } from './losses.js';
import { limitNow } from './output.js';
import { reorderingWindow } from './rack.js';
import { congestionPhase } from './recovery.js';
import { STATE_NAMES } from './state.js';
import { Phase } from './tcb.js';
import type { CongestionPhase } from './trace.js';

/**
 * A snapshot of one connection. The names are those of Linux's `struct tcp_info`, the units stand in them: bytes of
 * payload (FIN counted where sequence numbers are), milliseconds with fractions. Totals count from the connection's
 * beginning. The sequence numbers themselves are in `ConnectionStatus`.
 */
export interface TcpInfo {
  /** As the RFC spells it: `ESTABLISHED`. */
  state: (typeof STATE_NAMES)[number];
  /** What keeps the next byte from leaving at this moment; `nothing` when it leaves at the end of this turn. */
  limitedBy: LimitName;
  /** What the sender is doing about losses: as Linux names it. */
  caState: 'open' | 'disorder' | 'cwr' | 'recovery' | 'loss';
  /** Name of the congestion controller, and the phase in which the connection is. */
  congestion: string;
  congestionPhase: CongestionPhase;
  /** What both SYNs agreed upon; `synData`: data on a SYN was taken by Fast Open (RFC 7413). */
  options: { timestamps: boolean; sack: boolean; windowScale: boolean; ecn: boolean; synData: boolean };
  /** What has become of Fast Open; `off` where it was not asked for. */
  fastOpen: FastOpenOutcome;
  /** Shifts of the peer's window field and of ours; 0 without window scaling. */
  sndWscale: number;
  rcvWscale: number;

  /** Retransmission timeout, backoff included. */
  rtoMs: number;
  /** Longest delay of our acknowledgments. */
  atoMs: number;
  /** Doublings in force of the timer that waits for the peer. */
  backoff: number;
  /** Timeouts in a row, and zero-window probes in a row. */
  retransmits: number;
  probes: number;
  /** Smoothed round-trip time, its variance, and the least of the last minutes; 0 before the first measurement. */
  rttMs: number;
  rttVarMs: number;
  minRttMs: number;

  /** Payload of a full segment of ours, the largest payload seen from the peer, and the MSS that we advertise. */
  sndMss: number;
  rcvMss: number;
  advMss: number;
  /** Largest IP packet that the path takes. */
  pmtuBytes: number;

  /** Sent and not acknowledged by SND.UNA. */
  unackedBytes: number;
  unackedSegments: number;
  /** Of these: known to have arrived, held lost, sent again and not known to have arrived. */
  sackedBytes: number;
  lostBytes: number;
  resentBytes: number;
  /** Of these: thought to be on their way (RFC 6675 §4). */
  inFlightBytes: number;
  /** Queued and never sent. */
  notSentBytes: number;

  /** Congestion window. */
  sndCwndBytes: number;
  sndCwndSegments: number;
  /** Slow-start threshold; null while there is none. */
  sndSsthreshBytes: number | null;
  /** The peer's window and ours. */
  sndWndBytes: number;
  rcvWndBytes: number;
  /** The largest window that the peer has of us once everything received is read. */
  rcvSsthreshBytes: number;
  /** Received in order and not read, and received ahead of their turn. */
  receiveQueueBytes: number;
  reassemblyBytes: number;

  /** Pace of the controller; null where it sets none. */
  pacingRateBytesPerSecond: number | null;
  /** What the path delivered last, 0 before the first measurement; and whether the application had too little to send. */
  deliveryRateBytesPerSecond: number;
  deliveryRateAppLimited: boolean;

  /** Time since something last left or came; null for never. Data includes SYN and FIN where we sent it. */
  lastDataSentMs: number | null;
  lastAckSentMs: number | null;
  lastDataRecvMs: number | null;
  lastAckRecvMs: number | null;

  /** All segments, and those with payload. */
  segsOut: number;
  segsIn: number;
  dataSegsOut: number;
  dataSegsIn: number;
  /** Segments that arrived ahead of their turn. */
  rcvOooPack: number;
  /** Payload sent, what was sent again included; payload sent again; acknowledged; received in order. */
  bytesSent: number;
  bytesRetrans: number;
  bytesAcked: number;
  bytesReceived: number;
  /** Known to have arrived by whatever means, and of these acknowledged with the echo of a congestion mark. */
  deliveredBytes: number;
  deliveredCeBytes: number;
  /** Segments sent again. */
  totalRetrans: number;
  /** Retransmission timeouts, the recoveries that they began, and the time spent in those. */
  totalRto: number;
  totalRtoRecoveries: number;
  totalRtoTimeMs: number;
  /** Times that the peer reported a duplicate (RFC 2883). */
  dsackDups: number;
  /** Times that something was overtaken on the way to the peer, and for how long that is waited for (RFC 8985). */
  reordSeen: number;
  reorderingWindowMs: number;

  /** Time with something queued or sent and not acknowledged. */
  busyTimeMs: number;
  /** For how long each of these kept back what there was to send; each moment counts for one of them at most. */
  rwndLimitedMs: number;
  sndbufLimitedMs: number;
  cwndLimitedMs: number;
  pacingLimitedMs: number;
  nagleLimitedMs: number;
  fRtoLimitedMs: number;
  linkLimitedMs: number;
  /** For how long the application had nothing more to send, whether or not something was on its way. */
  appLimitedMs: number;
  /** Until the handshake was complete. */
  handshakeMs: number;
}

/** IP and TCP header without options, by family. */
const HEADER_BYTES = { 4: 40, 6: 60 } as const;

/** Takes the snapshot at `now`, in clock ms. */
export function tcpInfo(c: Connection, now: number): TcpInfo {
  const { snd, rcv, rtx, rtt, flight, rate, limited, congestion } = c;
  const status = c.status();
  const hasThreshold = status.ssthresh < Number.MAX_SAFE_INTEGER;
  const pace = congestion.pacingRate ?? 0;
  return {
    state: STATE_NAMES[status.state],
    limitedBy: LIMIT_NAMES[limitNow(c)],
    caState: caState(c),
    congestion: congestion.name,
    congestionPhase: congestionPhase(c),
    options: {
      timestamps: c.timestampsAgreed,
      sack: c.sackAgreed,
      windowScale: c.scaleAgreed,
      ecn: c.ecnAgreed,
      synData: tookSynData(c),
    },
    fastOpen: c.fastOpen?.outcome ?? 'off',
    sndWscale: snd.shift,
    rcvWscale: rcv.shift,

    rtoMs: status.rtoMs,
    atoMs: ackDelay(c),
    backoff: rtt.backoff + rtx.probes,
    retransmits: rtx.timeouts,
    probes: rtx.probes,
    rttMs: status.srttMs,
    rttVarMs: status.rttvarMs,
    minRttMs: rtt.minRtt,

    sndMss: status.sendMss,
    rcvMss: rcv.largestPayload,
    advMss: c.config.receiveMss,
    pmtuBytes: c.pathMss + HEADER_BYTES[c.tuple.remote.family],

    unackedBytes: status.inFlight,
    unackedSegments: flight.segments(snd.mss),
    sackedBytes: flight.sackedBytes + rtx.dupAckBytes,
    lostBytes: flight.lostBytes,
    resentBytes: flight.resentBytes,
    inFlightBytes: pipe(c),
    notSentBytes: notSentBytes(c),

    sndCwndBytes: status.cwnd,
    sndCwndSegments: Math.floor(status.cwnd / status.sendMss),
    sndSsthreshBytes: hasThreshold ? status.ssthresh : null,
    sndWndBytes: status.sndWnd,
    rcvWndBytes: status.rcvWnd,
    rcvSsthreshBytes: status.rcvWnd + status.receiveQueueBytes,
    receiveQueueBytes: status.receiveQueueBytes,
    reassemblyBytes: status.reassemblyBytes,

    pacingRateBytesPerSecond: pace > 0 ? perSecond(pace) : null,
    deliveryRateBytesPerSecond: perSecond(rate.latestRate),
    deliveryRateAppLimited: rate.latestIsAppLimited,

    lastDataSentMs: c.lastDataSentAt >= 0 ? now - c.lastDataSentAt : null,
    lastAckSentMs: c.segmentsOut > 0 ? now - c.lastSentAt : null,
    lastDataRecvMs: c.dataSegmentsIn > 0 ? now - c.lastDataReceivedAt : null,
    lastAckRecvMs: c.segmentsIn > 0 ? now - c.lastReceivedAt : null,

    segsOut: c.segmentsOut,
    segsIn: c.segmentsIn,
    dataSegsOut: c.dataSegmentsOut,
    dataSegsIn: c.dataSegmentsIn,
    rcvOooPack: c.outOfOrderIn,
    bytesSent: c.bytesSent,
    bytesRetrans: c.bytesResent,
    bytesAcked: c.bytesAcknowledged,
    bytesReceived: c.bytesReceived,
    deliveredBytes: rate.delivered,
    deliveredCeBytes: rtx.markedBytes,
    totalRetrans: status.retransmissions,
    totalRto: rtx.tally.timeouts,
    totalRtoRecoveries: rtx.tally.recoveries,
    totalRtoTimeMs: rtx.tally.msUntil(now),
    dsackDups: rtx.duplicateReports,
    reordSeen: c.rack.reorderings,
    reorderingWindowMs: c.sackAgreed ? reorderingWindow(c) : 0,

    busyTimeMs: limited.busyUntil(now),
    rwndLimitedMs: limited.msBy(Limit.RECEIVE_WINDOW, now),
    sndbufLimitedMs: limited.msBy(Limit.SEND_BUFFER, now),
    cwndLimitedMs: limited.msBy(Limit.CONGESTION_WINDOW, now),
    pacingLimitedMs: limited.msBy(Limit.PACING, now),
    nagleLimitedMs: limited.msBy(Limit.NAGLE, now),
    fRtoLimitedMs: limited.msBy(Limit.F_RTO, now),
    linkLimitedMs: limited.msBy(Limit.LINK, now),
    appLimitedMs: limited.msBy(Limit.APPLICATION, now),
    handshakeMs: limited.msBy(Limit.HANDSHAKE, now),
  };
}

function tookSynData({ fastOpen }: Connection): boolean {
  if (fastOpen === null || fastOpen.synBytes === 0) return false;
  return fastOpen.outcome === 'accepted' || fastOpen.outcome === 'partly accepted';
}

function notSentBytes(c: Connection): number {
  const { sendBuffer } = c;
  if (sendBuffer === null) return 0;
  // Neither our SYN nor our FIN is in the buffer.
  const sent = seqDiff(seqMin(c.snd.nxt, c.finSeq), sendBuffer.start);
  return sendBuffer.length - Math.max(0, sent);
}

/** Rates are kept in bytes per ms. */
function perSecond(rate: number): number {
  return Math.round(rate * 1000);
}

function caState(c: Connection): TcpInfo['caState'] {
  switch (c.rtx.phase) {
    case Phase.REDUCING:
      return 'cwr';
    case Phase.RECOVERY:
      return 'recovery';
    case Phase.LOSS:
      return 'loss';
    case Phase.OPEN:
      return c.flight.sackedCount > 0 || c.rtx.dupAcks > 0 ? 'disorder' : 'open';
  }
}
