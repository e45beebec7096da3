// What RFC 9293 §3.10.7, RFC 5961 and RFC 1337 say must become of one arriving segment, in the test's own terms. Written
// from the documents; it knows nothing of the implementation and must not import any of it. Where the documents leave a
// choice, or ours is another, the line says "ruling". docs/state-event.md is printed from here.

/** The connection before the segment arrives. Numbers are relative to ISS and IRS. */
export interface Situation {
  state: string;
  passive: boolean;
  una: number;
  nxt: number;
  /** SND.WND, and the numbers of the segment that told of it (SND.WL1, SND.WL2). */
  sndWnd: number;
  wl1: number;
  wl2: number;
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
  wnd: number;
}

/**
 * `ack` an acknowledgment with SND.NXT and RCV.NXT; `ack?` the same or nothing; `synack` our SYN again with ACK;
 * `rst` a reset without ACK whose sequence number is the segment's acknowledgment.
 */
export type Reply = 'none' | 'ack' | 'ack?' | 'synack' | 'rst';

/** What must be so afterwards. */
export interface Outcome {
  state: string;
  reply: Reply;
  /** What the log must say of the segment: its verdict; and of one that is dropped why, what answers it, by which rule. */
  told: string;
  /** Bytes that the application can newly read. */
  delivered: number;
  /** SND.UNA, SND.WND and RCV.NXT afterwards, when the connection lives. */
  una: number;
  sndWnd: number;
  rcvNxt: number;
}

/** The outcome that the documents demand. */
export function outcomeOf(c: Situation, s: Arriving): Outcome {
  return c.state === 'SYN-SENT' ? inSynSent(c, s) : otherwise(c, s);
}

const SYN_SENT = 'RFC9293-3.10.7.3';
const OTHERWISE = 'RFC9293-3.10.7.4';

function stay(c: Situation, reply: Reply, told: string): Outcome {
  return { state: c.state, reply, told, delivered: 0, una: c.una, sndWnd: c.sndWnd, rcvNxt: c.rcvNxt };
}

function gone(c: Situation, state: string, told: string): Outcome {
  return { ...stay(c, 'none', told), state };
}

/** §3.10.7.3. */
function inSynSent(c: Situation, s: Arriving): Outcome {
  const good = s.hasAck && s.ack > 0 && s.ack <= c.nxt;
  if (s.hasAck && !good) {
    return s.rst
      ? stay(c, 'none', `drop: ack, none, ${SYN_SENT}`)
      : stay(c, 'rst', `drop: ack, rst, ${SYN_SENT}`);
  }
  if (s.rst) return good ? gone(c, 'CLOSED', 'accept') : stay(c, 'none', `drop: rst, none, ${SYN_SENT}`);
  if (!s.syn) return stay(c, 'none', `drop: ${s.hasAck ? 'syn' : 'no_ack'}, none, ${SYN_SENT}`);
  const sndWnd = s.wnd;
  // Ruling: text beside a SYN that crosses ours waits for ESTABLISHED, a FIN beside it has to come again.
  if (!good) return { ...stay(c, 'synack', 'accept'), state: 'SYN-RECEIVED', sndWnd, rcvNxt: s.seq + 1 };
  return {
    state: s.fin ? 'CLOSE-WAIT' : 'ESTABLISHED',
    reply: 'ack',
    told: 'accept',
    delivered: s.data,
    una: s.ack,
    sndWnd,
    rcvNxt: s.seq + 1 + s.data + (s.fin ? 1 : 0),
  };
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
  if (c.state === 'SYN-RECEIVED' && s.syn && s.seq === 0) return synAgain(c, s);
  if (s.rst) return reset(c, s);
  const len = s.data + (s.syn ? 1 : 0) + (s.fin ? 1 : 0);
  if (!acceptable(c, s.seq, len)) {
    const closedWindow = c.rcvWnd === 0 && s.seq === c.rcvNxt && s.hasAck && !s.syn;
    return closedWindow ? onlyItsAck(c, s) : unacceptable(c, s, len);
  }
  if (s.syn) {
    // In SYN-RECEIVED of a passive open: back to LISTEN. Else RFC 5961 §4: a challenge ACK, whatever the number.
    if (c.state === 'SYN-RECEIVED' && c.passive) return gone(c, 'LISTEN', 'drop');
    return stay(c, 'ack', 'drop: syn, challenge, RFC5961-4');
  }
  if (!s.hasAck) return stay(c, 'none', `drop: no_ack, none, ${OTHERWISE}`);
  return acknowledgment(c, s);
}

/** First check: what is not acceptable is answered by an ACK. */
function unacceptable(c: Situation, s: Arriving, len: number): Outcome {
  const allOld = len > 0 && s.seq + len <= c.rcvNxt;
  const verdict = allOld ? 'dup' : 'drop';
  // In TIME-WAIT a FIN that comes again is expected, and no drop.
  if (c.state === 'TIME-WAIT' && s.fin && s.seq + len === c.rcvNxt) return stay(c, 'ack', 'dup');
  // The log may name either rule for a SYN at RCV.NXT of a shut window; it names that of the SYN.
  const rule = s.syn && s.hasAck && c.rcvWnd === 0 && s.seq === c.rcvNxt ? 'RFC5961-4' : OTHERWISE;
  return stay(c, 'ack', `${verdict}: ${s.syn ? 'syn, challenge' : 'window, ack'}, ${rule}`);
}

/** The SYN that opened this connection comes again, perhaps with the ACK of ours: simultaneous open (§3.5). */
function synAgain(c: Situation, s: Arriving): Outcome {
  if (s.rst) return stay(c, 'none', `drop: rst, none, ${OTHERWISE}`);
  // Ruling: the same SYN gets the same answer, as from Linux; by the first check an ACK would do.
  if (!s.hasAck) return stay(c, 'synack', 'dup');
  if (s.ack <= c.una || s.ack > c.nxt) return stay(c, 'rst', `drop: ack, rst, ${OTHERWISE}`);
  const opened = { ...c, state: 'ESTABLISHED', una: s.ack, sndWnd: s.wnd, wl1: s.seq, wl2: s.ack };
  return { ...text(opened, { ...s, syn: false, seq: s.seq + 1 }), reply: 'ack' };
}

/** Second check, with RFC 5961 §3 and RFC 1337: only RCV.NXT exactly resets. */
function reset(c: Situation, s: Arriving): Outcome {
  const inside = s.seq === c.rcvNxt || (s.seq > c.rcvNxt && s.seq < c.rcvNxt + c.rcvWnd);
  const len = s.data + (s.syn ? 1 : 0) + (s.fin ? 1 : 0);
  if (!acceptable(c, s.seq, len) && s.seq !== c.rcvNxt)
    return stay(c, 'none', `drop: rst, none, ${OTHERWISE}`);
  if (c.state === 'TIME-WAIT') {
    const rule = acceptable(c, s.seq, len) || s.hasAck || s.rst ? 'RFC1337-3' : OTHERWISE;
    return stay(c, s.seq === c.rcvNxt ? 'none' : 'ack?', `drop: rst, none, ${rule}`);
  }
  if (!inside) return stay(c, 'none', `drop: rst, none, ${OTHERWISE}`);
  if (s.seq !== c.rcvNxt) return stay(c, 'ack', 'drop: rst, challenge, RFC5961-3');
  return gone(c, c.state === 'SYN-RECEIVED' && c.passive ? 'LISTEN' : 'CLOSED', 'accept');
}

/** With a closed window the text cannot be taken, but a valid ACK still counts (§3.10.7.4, first check; MUST-66). */
function onlyItsAck(c: Situation, s: Arriving): Outcome {
  const bare = acknowledgment(c, { ...s, data: 0, fin: false });
  const reply = bare.reply === 'rst' || bare.state === 'CLOSED' ? bare.reply : 'ack';
  return {
    ...bare,
    reply,
    told: bare.told.startsWith('drop') ? bare.told : `drop: window, ack, ${OTHERWISE}`,
  };
}

/** Fifth check. */
function acknowledgment(c: Situation, s: Arriving): Outcome {
  if (c.state === 'SYN-RECEIVED') {
    if (s.ack <= c.una || s.ack > c.nxt) return stay(c, 'rst', `drop: ack, rst, ${OTHERWISE}`);
    return text({ ...c, state: 'ESTABLISHED', una: s.ack, sndWnd: s.wnd }, s);
  }
  if (s.ack > c.nxt) return stay(c, 'ack', `drop: ack, challenge, ${OTHERWISE}`);
  if (s.ack < c.una - c.maxSndWnd) return stay(c, 'ack', 'drop: ack, challenge, RFC5961-5');
  if (c.state === 'TIME-WAIT') return text(c, s);
  const una = Math.max(c.una, s.ack);
  const after = { ...c, una, sndWnd: windowAfter(c, s) };
  const finAcknowledged = una === c.nxt;
  if (c.state === 'FIN-WAIT-1' && finAcknowledged) return text({ ...after, state: 'FIN-WAIT-2' }, s);
  const told = s.data > 0 || s.fin ? AFTER_FIN : 'accept';
  if (c.state === 'CLOSING' && finAcknowledged) {
    const reply = s.data > 0 || s.fin || s.seq !== c.rcvNxt ? 'ack?' : 'none';
    return { ...gone(after, 'TIME-WAIT', told), reply };
  }
  if (c.state === 'LAST-ACK' && finAcknowledged) return gone(after, 'CLOSED', told);
  return text(after, s);
}

/** Fifth check: a segment that is not older than the one which told of the window tells of a new one. */
function windowAfter(c: Situation, s: Arriving): number {
  if (s.ack < c.una) return c.sndWnd;
  const newer = c.wl1 < s.seq || (c.wl1 === s.seq && c.wl2 <= s.ack);
  // Ruling: one that acknowledges something new is newer than any before, also when its data comes again.
  return newer || s.ack > c.una ? s.wnd : c.sndWnd;
}

const AFTER_PEERS_FIN = ['CLOSE-WAIT', 'CLOSING', 'LAST-ACK', 'TIME-WAIT'];
const AFTER_FIN = `drop: after_fin, ack, ${OTHERWISE}`;

/** Seventh and eighth check: segment text, trimmed to the window, and FIN. */
function text(c: Situation, s: Arriving): Outcome {
  const isBare = s.data === 0 && !s.fin;
  if (AFTER_PEERS_FIN.includes(c.state)) {
    return stay(c, !isBare || s.seq !== c.rcvNxt ? 'ack?' : 'none', isBare ? 'accept' : AFTER_FIN);
  }
  if (isBare) return stay(c, s.seq === c.rcvNxt ? 'none' : 'ack?', 'accept');
  const edge = c.rcvNxt + c.rcvWnd;
  const end = s.seq + s.data;
  if (s.seq > c.rcvNxt) return stay(c, 'ack', 'ooo');
  const delivered = Math.max(0, Math.min(end, edge) - c.rcvNxt);
  const finTaken = s.fin && end < edge;
  const next = stay(c, 'ack', delivered < s.data ? 'trim' : 'accept');
  if (s.data > 0 && delivered === 0) next.told = 'dup';
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
