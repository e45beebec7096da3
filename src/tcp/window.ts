// The receive window: how much we grant, and when a change is worth a segment (RFC 9293 §3.8.6.2.2).
import { seqAdd, seqDiff } from '../wire/seq.js';
import type { Connection } from './connection.js';
import { State } from './state.js';

const MAX_FIELD = 65_535;
/** Largest shift that there is (RFC 7323 §2.3). */
export const MAX_SHIFT = 14;

/** The least shift, from `least` on, with which the window field can tell of so many bytes. */
export function shiftFor(bytes: number, least: number): number {
  let shift = least;
  while (shift >= 0 && shift < MAX_SHIFT && (MAX_FIELD + 1) << shift < bytes) shift++;
  return shift;
}

/** Largest window that we can grant: the receive buffer, as far as the field and its scale can say. */
function capacityOf(c: Connection): number {
  return Math.min(c.receiveCapacity, MAX_FIELD << c.rcv.shift);
}

/** How far right the edge could move for the room that the application has made. */
function possibleGain(c: Connection): number {
  const queued = c.receiveQueue === null ? 0 : c.receiveQueue.length;
  const edge = seqAdd(c.rcv.nxt, capacityOf(c) - queued);
  return seqDiff(edge, c.rcv.edge);
}

/** Grants the first window, before the scale of the field is agreed upon. */
export function openReceiveWindow(c: Connection): void {
  c.rcv.edge = seqAdd(c.rcv.nxt, Math.min(MAX_FIELD, c.config.receiveBufferBytes));
}

/**
 * The window field for a segment that leaves now. The edge moves right only by a worthwhile step
 * (RFC9293 MUST-39) and never left (SHLD-14).
 * @param unscaled true on segments with SYN (RFC 7323 §2.2)
 */
export function takeWindowField(c: Connection, unscaled: boolean): number {
  const gain = possibleGain(c);
  if (gain >= Math.min(capacityOf(c) >> 1, c.config.receiveMss) && !unscaled) {
    c.rcv.edge = seqAdd(c.rcv.edge, gain);
  }
  const window = c.receiveWindow;
  return Math.min(MAX_FIELD, unscaled ? window : window >>> c.rcv.shift);
}

/**
 * After the application has read: owes the peer a window update when the window it knows is nearly closed and opens
 * by a worthwhile step, or when half the buffer came free.
 */
export function considerWindowUpdate(c: Connection): void {
  if (c.state < State.ESTABLISHED || c.rcv.finKnown) return;
  const gain = possibleGain(c);
  const capacity = capacityOf(c);
  const step = Math.max(1, Math.min(capacity >> 1, 2 * c.config.receiveMss));
  if (gain < step) return;
  const nearlyClosed = c.receiveWindow < 2 * c.config.receiveMss;
  if (nearlyClosed || gain >= capacity >> 1) c.acknowledgeNow();
}
