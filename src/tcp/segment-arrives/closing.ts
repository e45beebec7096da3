// The last steps of a connection: what the ACK of our FIN leads to, and the 2 MSL wait (RFC 9293 §3.6, §3.10.7.4).
import type { SegmentView } from '../../wire/segment.js';
import type { Connection } from '../connection.js';
import { Event } from '../events.js';
import { State, Trigger } from '../state.js';
import { Timer } from '../timers.js';

/** The transitions that an ACK of our FIN makes when no FIN of the peer comes in the same segment. */
export function finishAckOfFin(c: Connection, s: SegmentView, finAcknowledged: boolean, now: number): void {
  if (!finAcknowledged) return;
  if (c.state === State.FIN_WAIT_1) {
    c.enter(State.FIN_WAIT_2, Trigger.SEG_ACK_OF_FIN, s, now);
    if (c.readClosed) startOrphanTimer(c, now);
  } else if (c.state === State.CLOSING) {
    enterTimeWait(c, Trigger.SEG_ACK_OF_FIN, s, now);
  } else if (c.state === State.LAST_ACK) {
    c.terminate(Trigger.SEG_ACK_OF_FIN, 'fin', null, s, now);
  }
}

/** Bounds the stay of a connection without an owner in FIN-WAIT-2. */
export function startOrphanTimer(c: Connection, now: number): void {
  c.startTimer(Timer.FIN_WAIT_2, c.config.finWait2Ms, 0, now);
}

/** Both FINs are acknowledged or answered: nothing is left but the wait (RFC9293 MUST-13). */
export function enterTimeWait(c: Connection, trigger: Trigger, s: SegmentView, now: number): void {
  c.enter(State.TIME_WAIT, trigger, s, now);
  c.timers.clearAll();
  c.sendBuffer = null;
  c.reassembly = null;
  c.events |= Event.TIME_WAIT;
  c.startTimer(Timer.TIME_WAIT, 2 * c.config.mslMs, 0, now);
}

/** The peer repeats its FIN: it has not seen our last ACK, and may not see the next (eighth check). */
export function restartTimeWait(c: Connection, now: number): void {
  c.timeWaitRestarts++;
  c.startTimer(Timer.TIME_WAIT, 2 * c.config.mslMs, c.timeWaitRestarts, now);
}
