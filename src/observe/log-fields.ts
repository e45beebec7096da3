// The fields of the larger log records, in the order in which they are written. Which of them is logged, and when, is
// pino.ts's business.
import type { Listener } from '../stack/listener.js';
import type { Connection } from '../tcp/connection.js';
import { STATE_NAMES, State, type Transition, Trigger } from '../tcp/state.js';
import type { ConnectionEnd, DropReason, DropReply, Verdict } from '../tcp/trace.js';
import { formatEndpoint } from '../wire/address.js';
import { flagLetters, type SegmentView } from '../wire/segment.js';
import { seqLeq, toUint32 } from '../wire/seq.js';
import { receivedFacts, type SegmentFacts } from './segment-facts.js';

/** What pino gets beside the message. */
export type Fields = Record<string, unknown>;

/** A transition of a connection. */
export function stateFields(
  connection: Connection,
  transition: Transition,
  segment: SegmentView | null,
  dwellMs: number,
): Fields {
  const status = connection.status();
  const fields: Fields = {
    ev: 'state',
    from: STATE_NAMES[transition.from],
    to: STATE_NAMES[transition.to],
    cause: transition.cause,
  };
  if (transition.cause === 'call') fields.call = transition.name;
  if (transition.cause === 'timer') fields.timer = timerOf(transition);
  if (segment !== null) {
    const { dir, flags, seq, ack, len } = receivedFacts(segment, status.iss, status.irs);
    fields.seg = { dir, flags: flagLetters(flags), seq, ...(ack === null ? {} : { ack }), len };
    fields.pkt = segment.packetId;
  }
  fields.rule = transition.rule;
  fields.iss = toUint32(status.iss);
  fields.irs = toUint32(status.irs);
  fields.snd_una = status.sndUna;
  fields.snd_nxt = status.sndNxt;
  fields.rcv_nxt = status.rcvNxt;
  fields.snd_wnd = status.sndWnd;
  fields.rcv_wnd = status.rcvWnd;
  fields.dwell_ms = rounded(dwellMs);
  return fields;
}

function timerOf(transition: Transition): string {
  const handshake = transition.from === State.SYN_SENT || transition.from === State.SYN_RECEIVED;
  return transition.trigger === Trigger.TIMER_RETRANSMISSION && handshake ? 'synrto' : transition.name;
}

/** A listener's opening or end: CLOSED to LISTEN and back. */
export function listenerFields(listener: Listener, transition: Transition): Fields {
  return {
    l: endpointOf(listener),
    ev: 'state',
    from: STATE_NAMES[transition.from],
    to: STATE_NAMES[transition.to],
    cause: transition.cause,
    call: transition.name,
    rule: transition.rule,
  };
}

/**
 * A segment of either direction.
 * @param win the window in bytes, scaled
 * @param verdict null for segments of ours
 */
export function segmentFields(
  facts: SegmentFacts,
  win: number,
  verdict: Verdict | null,
  state: State,
): Fields {
  const fields: Fields = {
    ev: 'seg',
    dir: facts.dir,
    pkt: facts.packetId,
    flags: flagLetters(facts.flags),
    seq: facts.seq,
  };
  if (facts.ack !== null) fields.ack = facts.ack;
  fields.seq_raw = facts.seqRaw;
  if (facts.ackRaw !== null) fields.ack_raw = facts.ackRaw;
  fields.len = facts.len;
  fields.win = win;
  fields.win_raw = facts.winRaw;
  fields.opts = facts.options;
  fields.rtx = facts.retransmission;
  if (verdict !== null) fields.verdict = verdict;
  fields.state = STATE_NAMES[state];
  return fields;
}

/** A dropped segment; its ports when no connection names them. */
export function dropFields(
  connection: Connection | null,
  segment: SegmentView | null,
  reason: DropReason,
  reply: DropReply,
  rule: string,
): Fields {
  const fields: Fields = { ev: 'drop', why: reason, reply, rule };
  if (segment === null) return fields;
  fields.pkt = segment.packetId;
  if (connection !== null) return fields;
  fields.sport = segment.sourcePort;
  fields.dport = segment.destinationPort;
  fields.flags = flagLetters(segment.flags);
  return fields;
}

/** The end of a connection and its totals. */
export function closedFields(connection: Connection, end: ConnectionEnd, durationMs: number): Fields {
  return {
    ev: 'conn',
    op: 'closed',
    bytes_in: connection.bytesReceived,
    bytes_out: connection.bytesAcknowledged,
    segs_in: connection.segmentsIn,
    segs_out: connection.segmentsOut,
    rtx: connection.retransmissions,
    dur_ms: rounded(durationMs),
    end,
  };
}

/** A segment that brings nothing but numbers received before: normal after a lost ACK, no reason to warn. */
export function isPlainDuplicate(connection: Connection, segment: SegmentView, reason: DropReason): boolean {
  if (reason !== 'window' || segment.len === 0) return false;
  const status = connection.status();
  return seqLeq((segment.seq + segment.len) | 0, (status.irs + status.rcvNxt) | 0);
}

/** `10.9.0.2:80`, `0.0.0.0:80` or `[::]:80` for every address of a family, `*:80` for every address. */
export function endpointOf(listener: Listener): string {
  const { address, family, port } = listener;
  if (address !== null) return formatEndpoint(address, port);
  return `${family === 4 ? '0.0.0.0' : family === 6 ? '[::]' : '*'}:${port}`;
}

/** Milliseconds to the microsecond. */
export function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** JSON has no Infinity: an unset threshold is null. */
export function finite(n: number): number | null {
  return Number.isFinite(n) ? n : null;
}

/** Two digits an octet. */
export function hexOf(bytes: Uint8Array): string {
  let hex = '';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return hex;
}
