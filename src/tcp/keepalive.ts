// Keep-alive (RFC 9293 §3.8.4): off by default, and never the end of a connection after one lost probe.
import type { Connection } from './connection.js';
import { giveUp } from './give-up.js';
import { State, Trigger } from './state.js';
import { Timer } from './timers.js';

/** Starts or stops the timer after the option or the state has changed. */
export function armKeepAlive(c: Connection, now: number): void {
  c.stopTimer(Timer.KEEPALIVE, now);
  c.keepAliveProbesSent = 0;
  // FIN-WAIT-2, in which it is needed, is entered without another look at it.
  const willBeProbed = isProbed(c) || c.state === State.FIN_WAIT_1;
  if (c.keepAlive && willBeProbed) c.startTimer(Timer.KEEPALIVE, c.keepAliveIdleMs, 0, now);
}

function isProbed(c: Connection): boolean {
  return c.state === State.ESTABLISHED || c.state === State.CLOSE_WAIT || c.state === State.FIN_WAIT_2;
}

/** The timer fired. It is not moved with every segment, so it may find that there was traffic in the meantime. */
export function keepAliveTimeout(c: Connection, now: number): void {
  if (!isProbed(c)) {
    // Something of ours is outstanding, and the retransmission timer watches over it.
    c.keepAliveProbesSent = 0;
    c.startTimer(Timer.KEEPALIVE, c.keepAliveIdleMs, 0, now);
    return;
  }
  if (c.keepAliveProbesSent === 0) {
    const quietFor = now - Math.max(c.lastReceivedAt, c.lastSentAt);
    // RFC9293 MUST-26: only with nothing outstanding and nothing received for the interval.
    if (c.inFlight > 0 || quietFor < c.keepAliveIdleMs) {
      // A remainder too small for the clock's fraction would fire at this very moment, again and again.
      const wait = c.inFlight > 0 ? c.keepAliveIdleMs : Math.max(1, c.keepAliveIdleMs - quietFor);
      c.startTimer(Timer.KEEPALIVE, wait, 0, now);
      return;
    }
  } else if (c.keepAliveProbesSent >= c.keepAliveProbes) {
    c.queueAbortReset();
    giveUp(c, Trigger.TIMER_KEEPALIVE, now);
    return;
  }
  c.keepAliveProbesSent++;
  c.keepAliveDue = true;
  c.startTimer(Timer.KEEPALIVE, c.keepAliveIntervalMs, c.keepAliveProbesSent, now);
}
