// The user calls OPEN, SEND, RECEIVE, CLOSE and ABORT by state (RFC 9293 §3.10.1–3.10.5).
import type { SegmentView } from '../wire/segment.js';
import { type Seq, seqAdd, seqGt } from '../wire/seq.js';
import type { Connection } from './connection.js';
import { acceptSynEcn } from './ecn.js';
import { askFastOpen, grantFastOpen } from './fast-open.js';
import type { ViewClass } from './receive-queue.js';
import { startOrphanTimer } from './segment-arrives/closing.js';
import { State, Trigger } from './state.js';
import { takeSynData } from './syn-data.js';
import { acceptSynOptions } from './syn-options.js';
import { startTimestamps } from './timestamps.js';
import type { CallName } from './trace.js';
import { sendRoom } from './unsent.js';
import { considerWindowUpdate, openReceiveWindow } from './window.js';

/** Linux's step for a connection that reopens a TIME-WAIT: far beyond any number the old one could have used. */
const REOPEN_ISN_STEP = 65_537;

/** OPEN, active (§3.10.1). */
export function openActive(c: Connection, now: number): void {
  c.trace?.connectionOpened(c, now);
  c.trace?.called(c, 'connect', 0, null, now);
  chooseIss(c, c.environment.initialSequence(c.tuple, now));
  startTimestamps(c, now);
  openReceiveWindow(c);
  askFastOpen(c, now);
  c.enter(State.SYN_SENT, Trigger.CALL_ACTIVE_OPEN, null, now);
}

/** A listener's answer to a SYN (§3.10.7.2). */
export function openPassive(
  c: Connection,
  syn: SegmentView,
  reopened: Connection | null,
  fastOpenPending: number,
  now: number,
): void {
  const stateAtArrival = reopened === null ? State.LISTEN : State.TIME_WAIT;
  c.segmentsIn++;
  c.lastReceivedAt = now;
  if (syn.payloadLength > 0) c.noteDataIn(syn, now);
  beginPassive(c, syn, passiveIss(c, reopened, now), stateAtArrival, now);
  grantFastOpen(c, syn, fastOpenPending, now);
  takeSynData(c, syn, now);
  c.trace?.segmentReceived(c, syn, 'accept', stateAtArrival, now);
}

/** To SYN-RECEIVED, with what a SYN says. */
export function beginPassive(c: Connection, syn: SegmentView, iss: Seq, from: State, now: number): void {
  c.state = from;
  c.trace?.connectionOpened(c, now);
  chooseIss(c, iss);
  startTimestamps(c, now);
  c.rcv.irs = syn.seq;
  c.rcv.nxt = seqAdd(syn.seq, 1);
  c.rcv.lastAcked = c.rcv.nxt;
  acceptSynEcn(c, syn);
  acceptSynOptions(c, syn, now);
  openReceiveWindow(c);
  c.snd.wnd = syn.wnd;
  c.snd.maxWnd = syn.wnd;
  c.snd.wl1 = syn.seq;
  c.enter(State.SYN_RECEIVED, Trigger.SEG_SYN, syn, now);
}

function chooseIss(c: Connection, iss: Seq): void {
  c.snd.iss = iss;
  c.snd.una = iss;
  c.snd.nxt = iss;
  c.snd.up = iss;
  c.flight.start = iss;
  c.pushedUpTo = seqAdd(iss, 1);
  c.rtx.recover = iss;
}

function passiveIss(c: Connection, reopened: Connection | null, now: number): Seq {
  const iss = c.environment.initialSequence(c.tuple, now);
  if (reopened === null || seqGt(iss, reopened.snd.nxt)) return iss;
  return seqAdd(reopened.snd.nxt, REOPEN_ISN_STEP);
}

function maySend(c: Connection): boolean {
  // A FIN that is queued has left these states behind.
  return (
    c.state === State.SYN_SENT ||
    c.state === State.SYN_RECEIVED ||
    c.state === State.ESTABLISHED ||
    c.state === State.CLOSE_WAIT
  );
}

/** Room in the send buffer; 0 in states that do not send. */
export function sendSpace(c: Connection): number {
  return maySend(c) ? sendRoom(c) : 0;
}

/** How long the bytes of a SEND stay as they are: until they are acknowledged, until `returnBorrowed`, or not at all. */
export type Lasting = 'given' | 'borrowed' | 'changing';

/** SEND (§3.10.2). */
export function send(
  c: Connection,
  bytes: Uint8Array,
  push: boolean,
  now: number,
  lasting: Lasting = 'given',
): number {
  const taken = Math.min(bytes.length, sendSpace(c));
  if (taken < bytes.length && maySend(c)) c.writeBlocked = true;
  if (taken > 0) {
    const buffer = c.requireSendBuffer();
    if (lasting === 'changing') buffer.appendCopy(bytes, 0, taken);
    else if (lasting === 'borrowed') buffer.appendBorrowed(bytes.subarray(0, taken));
    else buffer.append(taken === bytes.length ? bytes : bytes.subarray(0, taken));
    // What does not fit is on its way: a peer should not wait for a push that comes with it.
    if (push || taken < bytes.length) c.pushedUpTo = buffer.end;
  }
  c.trace?.called(c, 'send', taken, maySend(c) ? null : 'EPIPE', now);
  return taken;
}

/** SEND with the urgent flag (§3.8.5). */
export function sendUrgent(c: Connection, bytes: Uint8Array, now: number): number {
  const taken = send(c, bytes, true, now);
  if (taken > 0) c.snd.up = c.requireSendBuffer().end;
  return taken;
}

/** RECEIVE (§3.10.3). */
export function receive(c: Connection, max: number, now: number, View?: ViewClass): Uint8Array | null {
  if (c.receiveQueueBytes === 0) return null;
  const bytes = c.receiveQueue!.take(max, View);
  if (bytes === null) return null;
  if (c.rcv.urgent && c.urgentBytes === 0) c.rcv.urgent = false;
  c.receiveTuning?.onRead(bytes.length, now);
  considerWindowUpdate(c);
  c.trace?.called(c, 'recv', bytes.length, null, now);
  return bytes;
}

/** CLOSE of the sending direction (§3.10.4). */
export function shutdownWrite(c: Connection, call: CallName, now: number): void {
  c.trace?.called(c, call, 0, null, now);
  switch (c.state) {
    case State.SYN_SENT:
      c.terminate(Trigger.CALL_CLOSE, 'abort', null, null, now);
      break;
    case State.SYN_RECEIVED:
    case State.ESTABLISHED:
      queueFin(c);
      c.enter(State.FIN_WAIT_1, Trigger.CALL_CLOSE, null, now);
      break;
    case State.CLOSE_WAIT:
      queueFin(c);
      c.enter(State.LAST_ACK, Trigger.CALL_CLOSE, null, now);
  }
}

function queueFin(c: Connection): void {
  c.finQueued = true;
  c.pushedUpTo = c.finSeq;
}

/** CLOSE by an application that will not read either. */
export function close(c: Connection, now: number): void {
  if (c.readClosed) return;
  c.readClosed = true;
  const mayStillReceive =
    (c.state === State.SYN_RECEIVED && c.isFastOpened) ||
    c.state === State.ESTABLISHED ||
    c.state === State.FIN_WAIT_1 ||
    c.state === State.FIN_WAIT_2 ||
    c.state === State.CLOSE_WAIT;
  if (mayStillReceive && (c.receiveQueueBytes > 0 || (c.reassembly?.byteCount ?? 0) > 0)) {
    // RFC9293 SHLD-3: the peer must learn that data was lost.
    abort(c, now);
    return;
  }
  c.receiveQueue = null;
  shutdownWrite(c, 'close', now);
  if (c.state === State.FIN_WAIT_2) startOrphanTimer(c, now);
}

/** ABORT (§3.10.5). */
export function abort(c: Connection, now: number): void {
  c.trace?.called(c, 'abort', 0, null, now);
  switch (c.state) {
    case State.CLOSED:
      return;
    case State.SYN_RECEIVED:
    case State.ESTABLISHED:
    case State.FIN_WAIT_1:
    case State.FIN_WAIT_2:
    case State.CLOSE_WAIT:
      c.queueAbortReset();
  }
  c.receiveQueue = null;
  c.terminate(Trigger.CALL_ABORT, 'abort', null, null, now);
}
