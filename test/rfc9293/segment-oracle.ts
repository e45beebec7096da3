// What RFC 9293 §3.10.7, RFC 5961 and RFC 1337 say must become of one arriving segment, in the test's own terms. Written
// from the documents; it knows nothing of the implementation and must not import any of it.

/** The connection before the segment arrives. Numbers are relative to ISS and IRS. */
export interface Situation {
  state: string;
  passive: boolean;
  una: number;
  nxt: number;
  rcvNxt: number;
  rcvWnd: number;
  /** Largest window that the peer ever offered (RFC 5961 §5.2). */
  maxSndWnd: number;
}

/** The arriving segment. */
export interface Arriving {
  syn: boolean;
  fin: boolean;
  rst: boolean;
  hasAck: boolean;
  seq: number;
  ack: number;
  data: number;
}

/**
 * `ack` an acknowledgment with SND.NXT and RCV.NXT; `ack?` the same or nothing; `synack` our SYN again with ACK;
 * `rst` a reset without ACK whose sequence number is the segment's acknowledgment.
 */
export type Reply = 'none' | 'ack' | 'ack?' | 'synack' | 'rst';

export interface Outcome {
  state: string;
  reply: Reply;
  /** Bytes that the application can newly read. */
  delivered: number;
  /** SND.UNA afterwards, when the connection lives. */
  una: number;
  /** RCV.NXT afterwards, when the connection lives. */
  rcvNxt: number;
}

/** The outcome that the documents demand. */
export function outcomeOf(c: Situation, s: Arriving): Outcome {
  return c.state === 'SYN-SENT' ? inSynSent(c, s) : otherwise(c, s);
}

function stay(c: Situation, reply: Reply): Outcome {
  return { state: c.state, reply, delivered: 0, una: c.una, rcvNxt: c.rcvNxt };
}

function gone(c: Situation, state: string): Outcome {
  return { ...stay(c, 'none'), state };
}

/** §3.10.7.3. */
function inSynSent(c: Situation, s: Arriving): Outcome {
  const good = s.hasAck && s.ack > 0 && s.ack <= c.nxt;
  if (s.hasAck && !good) return stay(c, s.rst ? 'none' : 'rst');
  if (s.rst) return good ? gone(c, 'CLOSED') : stay(c, 'none');
  if (!s.syn) return stay(c, 'none');
  if (!good) return { ...stay(c, 'synack'), state: 'SYN-RECEIVED', rcvNxt: s.seq + 1 };
  const open: Outcome = {
    state: s.fin ? 'CLOSE-WAIT' : 'ESTABLISHED',
    reply: 'ack',
    delivered: s.data,
    una: s.ack,
    rcvNxt: s.seq + 1 + s.data + (s.fin ? 1 : 0),
  };
  return open;
}

/** First check of §3.10.7.4: the table of four cases. */
function acceptable(c: Situation, seq: number, len: number): boolean {
  const inWindow = (n: number) => c.rcvNxt <= n && n < c.rcvNxt + c.rcvWnd;
  if (len === 0) return c.rcvWnd === 0 ? seq === c.rcvNxt : inWindow(seq);
  if (c.rcvWnd === 0) return false;
  return inWindow(seq) || inWindow(seq + len - 1);
}

/** §3.10.7.4. */
function otherwise(c: Situation, s: Arriving): Outcome {
  if (s.rst) return reset(c, s);
  const len = s.data + (s.syn ? 1 : 0) + (s.fin ? 1 : 0);
  if (!acceptable(c, s.seq, len)) {
    const closedWindow = c.rcvWnd === 0 && s.seq === c.rcvNxt && s.hasAck && !s.syn;
    return closedWindow ? onlyItsAck(c, s) : stay(c, 'ack');
  }
  if (s.syn) {
    // In SYN-RECEIVED of a passive open: back to LISTEN. Else RFC 5961 §4: a challenge ACK, whatever the number.
    return c.state === 'SYN-RECEIVED' && c.passive ? gone(c, 'LISTEN') : stay(c, 'ack');
  }
  if (!s.hasAck) return stay(c, 'none');
  return acknowledgment(c, s);
}

/** Second check, with RFC 5961 §3 and RFC 1337: only RCV.NXT exactly resets. */
function reset(c: Situation, s: Arriving): Outcome {
  const inside = s.seq === c.rcvNxt || (s.seq > c.rcvNxt && s.seq < c.rcvNxt + c.rcvWnd);
  if (!inside) return stay(c, 'none');
  if (c.state === 'TIME-WAIT') return stay(c, s.seq === c.rcvNxt ? 'none' : 'ack?');
  if (s.seq !== c.rcvNxt) return stay(c, 'ack');
  return gone(c, c.state === 'SYN-RECEIVED' && c.passive ? 'LISTEN' : 'CLOSED');
}

/** With a closed window the text cannot be taken, but a valid ACK still counts (§3.10.7.4, first check; MUST-66). */
function onlyItsAck(c: Situation, s: Arriving): Outcome {
  const bare = acknowledgment(c, { ...s, data: 0, fin: false });
  return { ...bare, reply: bare.reply === 'rst' ? 'rst' : 'ack' };
}

/** Fifth check. */
function acknowledgment(c: Situation, s: Arriving): Outcome {
  if (c.state === 'SYN-RECEIVED') {
    if (s.ack <= c.una || s.ack > c.nxt) return stay(c, 'rst');
    return text({ ...c, state: 'ESTABLISHED', una: s.ack }, s);
  }
  if (s.ack > c.nxt || s.ack < c.una - c.maxSndWnd) return stay(c, 'ack');
  const una = Math.max(c.una, s.ack);
  const finAcknowledged = una === c.nxt;
  if (c.state === 'FIN-WAIT-1' && finAcknowledged) return text({ ...c, state: 'FIN-WAIT-2', una }, s);
  if (c.state === 'CLOSING' && finAcknowledged) return { ...gone(c, 'TIME-WAIT'), una, reply: optional(s) };
  if (c.state === 'LAST-ACK' && finAcknowledged) return gone(c, 'CLOSED');
  return text({ ...c, una }, s);
}

/** A segment with text or FIN that is ignored may be answered, a bare ACK must not be when it is in order. */
function optional(s: Arriving): Reply {
  return s.data > 0 || s.fin ? 'ack?' : 'none';
}

const AFTER_PEERS_FIN = ['CLOSE-WAIT', 'CLOSING', 'LAST-ACK', 'TIME-WAIT'];

/** Seventh and eighth check: segment text, trimmed to the window, and FIN. */
function text(c: Situation, s: Arriving): Outcome {
  if (AFTER_PEERS_FIN.includes(c.state)) {
    return stay(c, s.data > 0 || s.fin || s.seq !== c.rcvNxt ? 'ack?' : 'none');
  }
  if (s.data === 0 && !s.fin) return stay(c, s.seq === c.rcvNxt ? 'none' : 'ack?');
  const edge = c.rcvNxt + c.rcvWnd;
  const end = s.seq + s.data;
  if (s.seq > c.rcvNxt) return stay(c, 'ack');
  const delivered = Math.max(0, Math.min(end, edge) - c.rcvNxt);
  const finTaken = s.fin && end < edge;
  const next = stay(c, 'ack');
  next.delivered = delivered;
  next.rcvNxt = c.rcvNxt + delivered + (finTaken ? 1 : 0);
  if (finTaken) next.state = afterFin(c.state);
  return next;
}

function afterFin(state: string): string {
  if (state === 'ESTABLISHED') return 'CLOSE-WAIT';
  if (state === 'FIN-WAIT-1') return 'CLOSING';
  return 'TIME-WAIT';
}

/** §3.10.7.2, with the ruling that SYN with FIN is no request to connect. */
export function listenOutcome(s: Arriving): 'open' | 'reset' | 'ignore' {
  if (s.rst) return 'ignore';
  if (s.hasAck) return 'reset';
  return s.syn && !s.fin ? 'open' : 'ignore';
}

/** §3.10.7.1: what goes out, or null. */
export function closedOutcome(s: Arriving): { seq: number | 'segment ack'; ack: number | null } | null {
  if (s.rst) return null;
  if (s.hasAck) return { seq: 'segment ack', ack: null };
  return { seq: 0, ack: s.seq + s.data + (s.syn ? 1 : 0) + (s.fin ? 1 : 0) };
}
