// Timeouts by timer (RFC 9293 §3.10.8).
import { ackDelay } from './acknowledge.js';
import type { Connection } from './connection.js';
import { giveUp } from './give-up.js';
import { keepAliveTimeout } from './keepalive.js';
import { persistInterval, persistTimeout } from './persist.js';
import { retransmissionTimeout } from './retransmit.js';
import { Trigger } from './state.js';
import { lossProbeTimeout } from './tail-loss-probe.js';
import { reorderingTimeout } from './take-ack.js';
import { Timer } from './timers.js';

/** In this order, because the first of them may end the connection. */
const ORDER: readonly Timer[] = [
  Timer.USER,
  Timer.TIME_WAIT,
  Timer.FIN_WAIT_2,
  Timer.REORDERING,
  Timer.LOSS_PROBE,
  Timer.RETRANSMISSION,
  Timer.PERSIST,
  Timer.KEEPALIVE,
  Timer.DELAYED_ACK,
  Timer.PACING,
];

/** A timer that comes later than this has found its process asleep: stopped, in a debugger, or with its machine. */
const SLEPT_MS = 1000;

/** Acts on every timer that is due. */
export function onTimers(c: Connection, now: number): void {
  const lateMs = now - c.timers.next();
  if (lateMs > SLEPT_MS) forgiveSleep(c, lateMs);
  for (const timer of ORDER) {
    if (!c.timers.isDue(timer, now)) continue;
    c.timers.clear(timer);
    if (c.trace !== null && timer !== Timer.PACING)
      c.trace.timerChanged(c, timer, 'fire', durationOf(c, timer), countOf(c, timer), now);
    fire(c, timer, now);
  }
}

/** R2 and its like count the time in which the peer could have answered (RFC9293 MUST-20): asleep, nobody asked it. */
function forgiveSleep(c: Connection, ms: number): void {
  const { rtx } = c;
  rtx.since += ms;
  rtx.probingSince += ms;
  rtx.silentSince += ms;
}

/** How long a timer that fires now had been set for, in ms. */
function durationOf(c: Connection, timer: Timer): number {
  const { config } = c;
  switch (timer) {
    case Timer.USER:
      return c.userTimeoutMs;
    case Timer.TIME_WAIT:
      return 2 * config.mslMs;
    case Timer.FIN_WAIT_2:
      return config.finWait2Ms;
    case Timer.RETRANSMISSION:
      return c.rtt.rto;
    case Timer.PERSIST:
      return persistInterval(c);
    case Timer.KEEPALIVE:
      return c.keepAliveProbesSent === 0 ? c.keepAliveIdleMs : c.keepAliveIntervalMs;
    case Timer.DELAYED_ACK:
      return ackDelay(c);
    case Timer.REORDERING:
    case Timer.LOSS_PROBE:
    case Timer.PACING:
      return 0;
  }
}

/** Retransmissions, probes or restarts so far. */
function countOf(c: Connection, timer: Timer): number {
  if (timer === Timer.RETRANSMISSION) return c.rtx.timeouts;
  if (timer === Timer.PERSIST) return c.rtx.probes;
  if (timer === Timer.KEEPALIVE) return c.keepAliveProbesSent;
  return timer === Timer.TIME_WAIT ? c.timeWaitRestarts : 0;
}

function fire(c: Connection, timer: Timer, now: number): void {
  switch (timer) {
    case Timer.USER:
      giveUp(c, Trigger.TIMER_USER_TIMEOUT, now);
      break;
    case Timer.TIME_WAIT:
      c.terminate(Trigger.TIMER_2MSL, 'fin', null, null, now);
      break;
    case Timer.FIN_WAIT_2:
      c.terminate(Trigger.TIMER_FIN_WAIT_2, 'timeout', null, null, now);
      break;
    case Timer.RETRANSMISSION:
      retransmissionTimeout(c, now);
      break;
    case Timer.PERSIST:
      persistTimeout(c, now);
      break;
    case Timer.KEEPALIVE:
      keepAliveTimeout(c, now);
      break;
    case Timer.DELAYED_ACK:
      c.acknowledgeNow();
      break;
    case Timer.REORDERING:
      reorderingTimeout(c, now);
      break;
    case Timer.LOSS_PROBE:
      lossProbeTimeout(c, now);
      break;
    case Timer.PACING:
      // What waited leaves with the transmission that follows every timer.
      break;
  }
}
