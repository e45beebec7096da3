// What waits to be sent for the first time, as far as the state lets it go. How much of it may go now is output.ts's
// business.
import { type Seq, seqAdd, seqGt } from '../wire/seq.js';
import type { Connection } from './connection.js';
import { Event } from './events.js';
import { wholeJoined } from './joined.js';
import { Limit } from './limit.js';
import { State } from './state.js';

/** A full send buffer is announced as writable again when there is room for this share of what it holds at the beginning. */
const WRITABLE_SHARE = 1 / 4;

/** A round trip below it is one within a machine or a rack: whatever is under way there beyond some buffers waits in a queue. */
const NEAR_MS = 0.25;
/** So many times what the buffer holds at the beginning is more than such a path holds at 30 Gbit/s, and no more than caches do. */
const NEAR_BUFFERS = 2;

/** The number after everything queued: data and, when CLOSE was called, the FIN. */
export function sequenceEnd(c: Connection): Seq {
  return c.finQueued ? seqAdd(c.finSeq, 1) : c.finSeq;
}

/** Data or a FIN is queued that was never sent, and the state lets it go. */
export function hasUnsent(c: Connection): boolean {
  return maySendData(c) && seqGt(sequenceEnd(c), c.snd.nxt);
}

/**
 * Data may follow the handshake; a FIN alone may follow our SYN before it is acknowledged (§3.10.4), and after Fast Open
 * everything may (RFC 7413 §4.2.2).
 */
function maySendData(c: Connection): boolean {
  if (c.state === State.TIME_WAIT) return false;
  if (c.snd.synAcknowledged) return true;
  if (c.isFastOpened) return true;
  return c.state === State.FIN_WAIT_1 && (c.sendBuffer?.length ?? 0) === 0;
}

/** Why nothing waits: for a connection without anything unsent. */
export function whyNothingUnsent(c: Connection): Limit {
  if (!maySendData(c)) return Limit.HANDSHAKE;
  if (c.finSent) return Limit.FINISHED;
  return c.writeBlocked ? Limit.SEND_BUFFER : Limit.APPLICATION;
}

/** Data or a FIN is queued or sent, and not acknowledged. Our SYN does not count. */
export function isBusy(c: Connection): boolean {
  if (c.state < State.SYN_RECEIVED || c.state === State.TIME_WAIT) return false;
  return c.snd.synAcknowledged && c.snd.una !== sequenceEnd(c);
}

/** Something that takes sequence numbers waits to be sent for the first time, on a connection that was opened. */
export function isStalled(c: Connection): boolean {
  return c.snd.synWaits || hasUnsent(c);
}

/** Raises WRITABLE for who found the send buffer full, when there is room. Returns whether it did. */
export function announceRoom(c: Connection): boolean {
  if (!c.writeBlocked || sendRoom(c) < WRITABLE_SHARE * c.config.sendBufferBytes) return false;
  c.writeBlocked = false;
  c.events |= Event.WRITABLE;
  return true;
}

/** Bytes that the send buffer takes now, whatever the state. */
export function sendRoom(c: Connection): number {
  return Math.max(0, sendCapacity(c) - (c.sendBuffer?.length ?? 0));
}

/**
 * Bytes that the send buffer may hold now: what is in flight, and as much behind it as it holds at the beginning. More would
 * only have left the processor's caches before it leaves here, and so would what is queued on a short way.
 */
export function sendCapacity(c: Connection): number {
  const { sendBufferBytes, sendBufferMaxBytes } = c.config;
  const { minRtt } = c.rtt;
  const unsent = wholeJoined(c, sendBufferBytes);
  const isNear = minRtt > 0 && minRtt < NEAR_MS;
  const most = isNear ? Math.min(sendBufferMaxBytes, NEAR_BUFFERS * unsent) : sendBufferMaxBytes;
  return Math.max(unsent, Math.min(c.inFlight + unsent, most));
}
