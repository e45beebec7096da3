// The persist timer: probes of a closed window (RFC 9293 §3.8.6.1), and the override that ends the sender's
// silly-window avoidance (§3.8.6.2.1).
import type { Connection } from './connection.js';
import { giveUp } from './give-up.js';
import { Trigger } from './state.js';
import { Timer } from './timers.js';

/** Longest time for which a short segment may wait for a better window (RFC 9293 §3.8.6.2.1: 0.1 to 1 s). */
const OVERRIDE_MS = 500;

/** Called when there is data to send, nothing in flight that would bring an ACK, and nothing may go. */
export function armPersist(c: Connection, now: number): void {
  if (c.timers.isSet(Timer.PERSIST)) return;
  // Also while the window is only too small: it may close before the timer fires.
  c.rtx.probingSince = now;
  c.rtx.silentSince = now;
  c.startTimer(Timer.PERSIST, persistInterval(c), c.rtx.probes, now);
}

/** RFC9293 SHLD-29, SHLD-30: the first probe after one RTO, then twice as late each time. */
export function persistInterval(c: Connection): number {
  if (c.snd.wnd > 0) return OVERRIDE_MS;
  return Math.min(c.config.rtoMaxMs, c.rtt.rto * 2 ** c.rtx.probes);
}

/** The persist timer fired. */
export function persistTimeout(c: Connection, now: number): void {
  const { rtx, snd, config } = c;
  if (snd.wnd > 0) {
    rtx.override = true;
    return;
  }
  // RFC9293 MUST-37: while the peer answers, the wait may last for ever; silence and orphans have an end.
  if (c.lastReceivedAt >= c.lastSentAt) rtx.silentSince = now;
  const silence = now - rtx.silentSince;
  const limit = c.userTimeoutMs > 0 ? c.userTimeoutMs : config.r2Ms;
  const orphaned = c.readClosed && now - rtx.probingSince >= config.orphanMs;
  if (orphaned || silence >= limit) {
    giveUp(c, Trigger.TIMER_RETRANSMISSION, now);
    return;
  }
  rtx.probes++;
  rtx.probeNow = true;
  c.startTimer(Timer.PERSIST, persistInterval(c), rtx.probes, now);
}

/** The window closed over data in flight: it is probed for, not retransmitted. */
export function probeInstead(c: Connection, now: number): void {
  c.rtx.probingSince = now;
  c.rtx.silentSince = now;
  c.rtx.probes = 1;
  c.rtx.probeNow = true;
  c.startTimer(Timer.PERSIST, persistInterval(c), c.rtx.probes, now);
}

/** The peer granted a window again: stop probing, and send again what was thrown at the closed one. */
export function sendWindowOpened(c: Connection, now: number): void {
  const { rtx } = c;
  c.stopTimer(Timer.PERSIST, now);
  rtx.probeNow = false;
  if (rtx.probes > 0) {
    // While the window was closed nothing could be acknowledged: the wait for that begins here.
    rtx.since = now;
    rtx.resendHead = true;
  }
  rtx.probes = 0;
}
