// Explicit congestion notification (RFC 3168 §6.1): the handshake, the echo of marks that we receive, and what the sender
// asks before it marks its own. With a controller that wants exact marks the echo follows RFC 8257 §3.2.
import { ACK, CWR, ECE, type SegmentView, SYN } from '../wire/segment.js';
import { seqGt } from '../wire/seq.js';
import type { Connection } from './connection.js';
import type { SegmentOut } from './segment-out.js';
import { State } from './state.js';

/** ECN field of IP (RFC 3168 §5): ECN-capable transport, and congestion experienced. */
const ECT_0 = 2;
const CE = 3;
/** Both bits on a SYN ask for ECN (RFC 3168 §6.1.1). */
const SETUP = ECE | CWR;
/** Changes of marks that wait to be acknowledged, at most; beyond it the oldest is given up. */
const OWED = 16;

/** What ECN needs to remember of a connection. */
export class EcnVariables {
  /** A SYN of ours asked for ECN; and one, after a timeout, did not (RFC 3168 §6.1.1.1). */
  asked = false;
  askedNot = false;
  /** Both sides have said that marks mean something: those that we receive are echoed. */
  answers = false;
  /** Our ACKs carry ECE: until CWR arrives, or, with exact marks, while DCTCP.CE is true. */
  echo = false;
  /** ACKs of what came before a change of marks: their numbers, the echo of each in a bit, the oldest at bit 0. */
  owed: Int32Array | null = null;
  owedEchoes = 0;
  owedCount = 0;
}

/** Of connections that neither asked for ECN nor agreed on it. */
export const NO_ECN: EcnVariables = Object.freeze(new EcnVariables());

/** The variables, from now on the connection's own. */
function ownEcn(c: Connection): EcnVariables {
  if (c.ecn === NO_ECN) c.ecn = new EcnVariables();
  return c.ecn;
}

// ---- handshake

/** Takes the peer's SYN or SYN-ACK. The state is still the one before it. */
export function acceptSynEcn(c: Connection, syn: SegmentView): void {
  const { config } = c;
  const bits = syn.flags & SETUP;
  if (c.state === State.SYN_SENT) {
    const ecn = ownEcn(c);
    ecn.answers = ecn.asked && bits === (syn.flags & ACK ? ECE : SETUP);
    // RFC 3168 §6.1.1: who ever sent a SYN that does not ask may not send what could be marked.
    c.ecnAgreed = ecn.answers && !ecn.askedNot;
  } else if (bits === SETUP && config.ecn !== 'off') {
    ownEcn(c).answers = true;
    c.ecnAgreed = true;
  }
}

/** The peer's SYN again, or its SYN-ACK in a simultaneous open: one that does not agree takes the agreement back. */
export function recheckSynEcn(c: Connection, syn: SegmentView): void {
  if ((syn.flags & SETUP) !== (syn.flags & ACK ? ECE : SETUP)) c.ecnAgreed = false;
}

// ---- what leaves

/**
 * ECN field of IP for a segment of ours: only new data can be marked. ACKs, retransmissions and window probes cannot
 * (RFC 3168 §6.1.4–6.1.6): the loss of them would go unnoticed, or somebody else might have made them.
 */
export function ecnCodepointFor(c: Connection, isNewData: boolean): number {
  return isNewData && c.ecnAgreed ? ECT_0 : 0;
}

/** Adds ECE and CWR to the flags of a segment that leaves. Its payload and whether it is a retransmission are known. */
export function ecnFlags(c: Connection, out: SegmentOut): void {
  if (out.flags & SYN) {
    out.flags |= c.state === State.SYN_SENT ? askOnSyn(c) : c.ecnAgreed ? ECE : 0;
    return;
  }
  if (c.ecn.echo) out.flags |= ECE;
  // RFC 3168 §6.1.2: on the first new data behind the reduction; lost with a retransmission it would be lost unnoticed.
  if (c.cwrDue && out.payload.total > 0 && out.retransmission === 0 && c.rtx.probes === 0) {
    c.cwrDue = false;
    out.flags |= CWR;
  }
}

/** RFC 3168 §6.1.1.1: a SYN that got no answer may have been eaten for its bits; the next ones are plain. */
function askOnSyn(c: Connection): number {
  const ecn = ownEcn(c);
  if (c.config.ecn !== 'on' || c.rtx.synLost) {
    ecn.askedNot = true;
    return 0;
  }
  ecn.asked = true;
  return SETUP;
}

// ---- what arrives

/** True when an acceptable ACK tells that a segment of ours was marked. */
export function ecnEchoArrives(c: Connection, s: SegmentView): boolean {
  return c.ecnAgreed && (s.flags & (ECE | SYN)) === ECE;
}

/** Reads the mark of a segment with text inside the window, before the text is taken. Others say nothing (§6.1.5). */
export function noteMark(c: Connection, s: SegmentView): void {
  const { ecn } = c;
  if (!ecn.answers || s.payloadLength === 0) return;
  const isMarked = s.ecn === CE;
  if (wantsExactMarks(c)) {
    if (isMarked !== ecn.echo) changeMark(c, isMarked);
    return;
  }
  const before = ecn.echo;
  if (s.flags & CWR) ecn.echo = false;
  if (isMarked) ecn.echo = true;
  // The window over there may be down to one segment: neither the news nor the answer to CWR should wait.
  if ((isMarked && !before) || s.flags & CWR) c.acknowledgeNow();
}

function wantsExactMarks(c: Connection): boolean {
  return (c.congestion as { exactEcn?: boolean }).exactEcn === true;
}

/** RFC 8257 §3.2: what came before the change is acknowledged by itself, with the old echo, and the change at once. */
function changeMark(c: Connection, isMarked: boolean): void {
  const { ecn, rcv } = c;
  if (seqGt(rcv.nxt, rcv.lastAcked)) {
    ecn.owed ??= new Int32Array(OWED);
    if (ecn.owedCount === OWED) shiftOwed(ecn);
    ecn.owed[ecn.owedCount] = rcv.nxt;
    if (ecn.echo) ecn.owedEchoes |= 1 << ecn.owedCount;
    ecn.owedCount++;
  }
  ecn.echo = isMarked;
  c.acknowledgeNow();
}

/** Takes the oldest ACK owed for a change of marks: RCV.NXT and the echo become what they were then. */
export function takeOwedAck(c: Connection): void {
  const { ecn } = c;
  c.rcv.nxt = ecn.owed![0]!;
  ecn.echo = (ecn.owedEchoes & 1) === 1;
  shiftOwed(ecn);
}

function shiftOwed(ecn: EcnVariables): void {
  ecn.owed!.copyWithin(0, 1, ecn.owedCount);
  ecn.owedEchoes >>>= 1;
  ecn.owedCount--;
}
