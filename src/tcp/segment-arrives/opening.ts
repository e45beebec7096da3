// The moment a connection becomes ESTABLISHED, by either way there (RFC 9293 §3.10.7.3, §3.10.7.4).
import type { Connection } from '../connection.js';
import { Event } from '../events.js';
import { armKeepAlive } from '../keepalive.js';

/** Both SYNs are acknowledged: what was kept from a SYN becomes readable, what was queued may go. */
export function announceEstablished(c: Connection, now: number): void {
  c.events |= Event.ESTABLISHED;
  if (c.receiveQueueBytes > 0) c.events |= Event.READABLE;
  armKeepAlive(c, now);
  c.mayRest = true;
}
