// The end of a connection whose peer stays silent (RFC 9293 §3.8.3, §3.10.8). Who decides that it is time stands elsewhere.
import type { Connection } from './connection.js';
import type { Trigger } from './state.js';

/** The peer did not answer in time: CLOSED. A soft error that explains the silence is what the application sees. */
export function giveUp(c: Connection, trigger: Trigger, now: number): void {
  c.terminate(trigger, 'timeout', c.softError ?? 'ETIMEDOUT', null, now);
}
