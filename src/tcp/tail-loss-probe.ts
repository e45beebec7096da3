// Tail loss probes (RFC 8985 §7): when the last segments of a flight stay unanswered, one segment is sent before the
// retransmission timeout, so that its acknowledgment shows the losses to RACK.
import { seqGeq, seqGt } from '../wire/seq.js';
import type { AckNews } from './ack-news.js';
import type { Connection } from './connection.js';
import { Phase } from './tcb.js';
import { Timer } from './timers.js';

/** Probe timeout without a measured round trip (§7.2). */
const UNMEASURED_MS = 1000;
/** Longest time for which a peer may delay the acknowledgment of a lone segment (WCDelAckT). */
const PEER_ACK_DELAY_MS = 200;
/** ACKs of one segment each that tell a peer who does not delay them. */
const PROMPT_ACKS = 2;
/** Clock granularity, added where the peer acknowledges at once. */
const GRANULARITY_MS = 2;

/** Starts the probe timer, or stops it where nothing may be probed. After data was sent, and after an ACK. */
export function armLossProbe(c: Connection, now: number): void {
  if (!mayProbe(c)) {
    c.stopTimer(Timer.LOSS_PROBE, now);
    return;
  }
  const { srtt, rttvar } = c.rtt;
  let delay = UNMEASURED_MS;
  if (srtt > 0) {
    // A busy host is part of the path: where round trips vary by more than the margin of §7.2, probes wait for it.
    const margin = Math.max(GRANULARITY_MS, 4 * rttvar - srtt);
    delay =
      2 * srtt + (c.flight.segments(c.snd.mss) === 1 && !acknowledgesEach(c) ? PEER_ACK_DELAY_MS : margin);
  }
  // It comes at the time of the retransmission timeout at the latest, and in its place.
  const timeout = c.timers.deadline(Timer.RETRANSMISSION) - now;
  c.startTimer(Timer.LOSS_PROBE, Math.max(0, Math.min(delay, timeout)), 0, now);
}

/**
 * Segments of this very flight were acknowledged one by one while others were under way, as peers do at the beginning of
 * a connection: the last of them will not have to wait for another either, and a lost tail costs no timeout.
 */
function acknowledgesEach(c: Connection): boolean {
  return c.rtx.singleAcks >= PROMPT_ACKS;
}

function mayProbe(c: Connection): boolean {
  const { rtx, flight, snd } = c;
  return (
    c.sackAgreed &&
    snd.synAcknowledged &&
    rtx.phase === Phase.OPEN &&
    !rtx.probeOut &&
    // §7.3: probes that repeat data bring no measurement, and one after the other would keep a longer round trip unknown.
    rtx.measuredSinceProbe &&
    flight.count > 0 &&
    flight.sackedCount === 0 &&
    snd.wnd > 0 &&
    !isLoneFin(c)
  );
}

/** Behind a FIN nothing is sent that a smaller window could delay: its repetition is the timeout's business. */
function isLoneFin(c: Connection): boolean {
  return c.finSent && c.flight.count === 1 && c.flight.length(0) === 1;
}

/** The probe timer fired: new data if there is some, else the last segment again (§7.3). */
export function lossProbeTimeout(c: Connection, now: number): void {
  if (!mayProbe(c)) return;
  c.rtx.lossProbeDue = true;
  // A retransmission timeout that was due with it has had its chance; it starts anew behind the probe.
  c.startTimer(Timer.RETRANSMISSION, c.rtt.rto, c.rtx.timeouts, now);
}

/** A probe has left. */
export function noteProbe(c: Connection, repeats: boolean): void {
  const { rtx } = c;
  rtx.probeOut = true;
  rtx.measuredSinceProbe = false;
  rtx.probeEnd = c.snd.nxt;
  rtx.probeRepeats = repeats;
}

/**
 * What an ACK says of the probe (§7.4.2).
 * @returns true when the probe repaired a loss of its own, which nothing else has shown
 */
export function probeRepairedLoss(c: Connection, ack: number, news: AckNews): boolean {
  const { rtx } = c;
  if (!rtx.probeOut || !seqGeq(ack, rtx.probeEnd)) return false;
  if (!rtx.probeRepeats || news.duplicateReported) {
    // New data, or the last segment had arrived twice: nothing was lost.
    rtx.probeOut = false;
    return false;
  }
  if (seqGt(ack, rtx.probeEnd)) {
    rtx.probeOut = false;
    return true;
  }
  // An ACK that says neither more nor less than one before it answers the probe: the first transmission had arrived.
  if (news.isDuplicate && news.sackedBytes === 0) rtx.probeOut = false;
  return false;
}
