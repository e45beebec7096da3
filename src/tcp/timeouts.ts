// Timeouts by timer (RFC 9293 §3.10.8).
import type { Connection } from './connection.js';
import { keepAliveTimeout } from './keepalive.js';
import { persistTimeout } from './persist.js';
import { giveUp, retransmissionTimeout } from './retransmit.js';
import { Trigger } from './state.js';
import { Timer } from './timers.js';

/** In this order, because the first of them may end the connection. */
const ORDER: readonly Timer[] = [
  Timer.USER,
  Timer.TIME_WAIT,
  Timer.FIN_WAIT_2,
  Timer.RETRANSMISSION,
  Timer.PERSIST,
  Timer.KEEPALIVE,
  Timer.DELAYED_ACK,
];

/** Acts on every timer that is due. */
export function onTimers(c: Connection, now: number): void {
  for (const timer of ORDER) {
    if (!c.timers.isDue(timer, now)) continue;
    c.timers.clear(timer);
    c.trace?.timerChanged(c, timer, 'fire', 0, c.rtx.timeouts, now);
    fire(c, timer, now);
  }
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
  }
}
