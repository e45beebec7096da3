// Why a connection ended, and what makes it slow: the answer in words, with the chain of causes and where each rule stands.
// Everything here is read from what the rules have counted and from the way through the states; nothing is decided.
import type { Connection } from './connection.js';
import type { ConnectionErrorCode } from './events.js';
import type { FastOpenOutcome } from './fast-open.js';
import { type TcpInfo, tcpInfo } from './info.js';
import { STATE_NAMES, State, type Transition, Trigger } from './state.js';

/** One link of a chain. */
export interface Cause {
  /** A clause for people. */
  what: string;
  /** Where its rule stands: `RFC9293-3.10.7.4`; empty where no rule is behind it. */
  rule: string;
  /** When, in ms since the connection was opened; null for what went on all along. */
  atMs: number | null;
}

/** Who brought the end about. */
export type EndedBy = 'us' | 'peer' | 'path' | 'limit';

/** The end of a connection, as far as it has come. */
export interface EndExplanation {
  by: EndedBy;
  /** True when both directions ended with a FIN, or will; false after a reset or a silence. */
  orderly: boolean;
  /** The error that our application sees; null also when it was our side that reset. */
  error: ConnectionErrorCode | null;
  causes: Cause[];
}

/** What keeps the sender from sending, most of the time. */
export interface SlowExplanation {
  /** As in `TcpInfo.limitedBy`; `losses` when what was sent had to be sent again. */
  by: string;
  causes: Cause[];
}

/** See the head of this file. Prints as plain text. */
export interface Explanation {
  state: (typeof STATE_NAMES)[number];
  /** What has become of Fast Open; null where nobody asked for it. */
  opened: Cause | null;
  /** Null while nobody has begun to close. */
  ended: EndExplanation | null;
  /** Null when nothing was held back for long. */
  slow: SlowExplanation | null;
  toString(): string;
}

/** One step through the states. */
export class HistoryStep {
  /**
   * @param at clock ms
   * @param before the one before it, or null for the first
   */
  constructor(
    readonly transition: Transition,
    readonly at: number,
    readonly before: HistoryStep | null,
  ) {}
}

/** Explains the connection as it is at `now`, in clock ms. */
export function explain(c: Connection, now: number): Explanation {
  const info = tcpInfo(c, now);
  const state = STATE_NAMES[c.state];
  const opened = explainOpening(info);
  const ended = explainEnd(c, info);
  const slow = explainSlowness(info);
  return { state, opened, ended, slow, toString: () => inWords(state, opened, ended, slow) };
}

// ---- the beginning

const OPENED: Partial<Record<FastOpenOutcome, readonly [what: string, rule: string]>> = {
  avoided: ['Fast Open was not tried: it has failed on this path lately', 'RFC7413-4.1.3.1'],
  requested: ['our SYN asks for a Fast Open cookie', 'RFC7413-4.2.1'],
  'cookie received': [
    'the server gave a Fast Open cookie: the next connection can send data with its SYN',
    'RFC7413-4.2.1',
  ],
  offered: ['our SYN shows a Fast Open cookie', 'RFC7413-4.2.2'],
  accepted: ['Fast Open saved a round trip: the data on the SYN was taken at once', 'RFC7413-4.2.2'],
  'partly accepted': ['Fast Open: the server took a part of the data on the SYN', 'RFC7413-4.2.2'],
  refused: [
    'Fast Open saved nothing: there was no good cookie, and the handshake came first',
    'RFC7413-4.2.2',
  ],
  'given up': ['the SYN with the Fast Open option got no answer, and a plain one followed', 'RFC7413-4.2.2'],
  'cookie given': ['the client got a Fast Open cookie for its next connection', 'RFC7413-4.2.1'],
  limit: [
    'too many Fast Open connections awaited the end of their handshake: fastOpenPending',
    'RFC7413-5.1',
  ],
};

function explainOpening({ fastOpen }: TcpInfo): Cause | null {
  const said = OPENED[fastOpen];
  return said === undefined ? null : { what: said[0], rule: said[1], atMs: null };
}

// ---- the end

const BY_TRIGGER: Partial<Record<Trigger, EndedBy>> = {
  [Trigger.CALL_CLOSE]: 'us',
  [Trigger.CALL_ABORT]: 'us',
  [Trigger.SEG_DATA_AFTER_CLOSE]: 'us',
  [Trigger.SEG_FIN]: 'peer',
  [Trigger.SEG_RST]: 'peer',
  [Trigger.SEG_FIN_AND_ACK_OF_FIN]: 'peer',
  [Trigger.TIMER_USER_TIMEOUT]: 'path',
  [Trigger.TIMER_RETRANSMISSION]: 'path',
  [Trigger.TIMER_KEEPALIVE]: 'path',
  [Trigger.TIMER_FIN_WAIT_2]: 'peer',
  [Trigger.ICMP_HARD_ERROR]: 'path',
  [Trigger.LIMIT_EVICTED]: 'limit',
};

/** An end in order belongs to whom closed first; one that failed, to what broke it off. */
function explainEnd(c: Connection, info: TcpInfo): EndExplanation | null {
  const { history } = c;
  const closing = history.filter(({ transition }) => isOfTheEnd(transition));
  if (closing.length === 0) return null;
  const first = closing[0]!;
  const last = closing.at(-1)!;
  const orderly = !isAbrupt(last.transition);
  const decisive = orderly ? first : last;
  const openedAt = history[0]!.at;
  return {
    by: BY_TRIGGER[decisive.transition.trigger]!,
    orderly,
    error: c.error,
    causes: [
      ...closing.map(({ transition, at }) => stepOf(transition, at - openedAt)),
      ...circumstances(c, last.transition, info),
    ],
  };
}

function isOfTheEnd({ from, to }: Transition): boolean {
  return to === State.CLOSED ? from !== State.LISTEN : to >= State.FIN_WAIT_1;
}

/** In TIME-WAIT both directions have ended, whatever ends that state. */
function isAbrupt({ from, to, trigger }: Transition): boolean {
  return to === State.CLOSED && from !== State.TIME_WAIT && trigger !== Trigger.SEG_ACK_OF_FIN;
}

function stepOf({ from, to, why, rule }: Transition, atMs: number): Cause {
  return { what: `${why} (${STATE_NAMES[from]} to ${STATE_NAMES[to]})`, rule, atMs };
}

/** What a reader wants to know beside the last step. */
function circumstances(c: Connection, { from, trigger }: Transition, info: TcpInfo): Cause[] {
  const causes: Cause[] = [];
  const add = (what: string, rule: string) => void causes.push({ what, rule, atMs: null });
  switch (trigger) {
    case Trigger.CALL_ABORT:
      if (c.readClosed) add('received data was never read, so close() had to reset', 'RFC2525-2.17');
      break;
    case Trigger.SEG_RST:
      if (from === State.SYN_SENT) add('nobody listens on that port', 'RFC9293-3.10.7.1');
      break;
    case Trigger.TIMER_RETRANSMISSION:
    case Trigger.TIMER_USER_TIMEOUT:
    case Trigger.TIMER_KEEPALIVE:
      add(silence(info), 'RFC9293-3.8.3');
  }
  if (c.softError !== null) add(`on the way ICMP had reported ${c.softError}`, 'RFC9293-3.9.2.2');
  if (c.error !== null && info.bytesSent - info.bytesRetrans > info.bytesAcked) {
    const bytes = info.bytesSent - info.bytesRetrans - info.bytesAcked;
    add(`${bytes} bytes that we had sent were not acknowledged`, 'RFC9293-3.8');
  }
  return causes;
}

function silence(info: TcpInfo): string {
  const heard = info.lastAckRecvMs === null ? 'nothing was ever heard' : 'nothing more was heard';
  return `${heard} of the peer, through ${info.totalRto} timeouts and ${info.probes} probes`;
}

// ---- slowness

/** Less of the busy time than this is not worth a word. */
const WORTH_SAYING = 0.05;
/** More segments sent again than this are a cause of their own. */
const LOSSY = 0.01;

interface Kind {
  readonly by: TcpInfo['limitedBy'];
  readonly ms: (info: TcpInfo) => number;
  readonly what: string;
  readonly rule: string;
}

const KINDS: readonly Kind[] = [
  {
    by: 'receive window',
    ms: (info) => info.rwndLimitedMs,
    what: 'the peer’s window was full: its application does not read as fast as we send, or its buffer is small',
    rule: 'RFC9293-3.8.6',
  },
  {
    by: 'congestion window',
    ms: (info) => info.cwndLimitedMs,
    what: 'the congestion window was full: the path has not yet proved that it takes more, or has lost packets',
    rule: 'RFC5681-3.1',
  },
  {
    by: 'send buffer',
    ms: (info) => info.sndbufLimitedMs,
    what: 'the send buffer was full of unacknowledged data: sendBufferMaxBytes is less than the path holds',
    rule: 'RFC7323-1.1',
  },
  {
    by: 'nagle',
    ms: (info) => info.nagleLimitedMs,
    what: 'short segments waited for an ACK (Nagle); noDelay or larger writes help',
    rule: 'RFC9293-3.7.4',
  },
  {
    by: 'pacing',
    ms: (info) => info.pacingLimitedMs,
    what: 'the congestion controller paced the sender at what it holds the path to deliver',
    rule: '',
  },
  {
    by: 'f-rto',
    ms: (info) => info.fRtoLimitedMs,
    what: 'after a timeout it was waited for whether it had been spurious',
    rule: 'RFC5682-2.1',
  },
  { by: 'link', ms: (info) => info.linkLimitedMs, what: 'the link took no more packets', rule: '' },
  {
    by: 'handshake',
    ms: (info) => info.handshakeMs,
    what: 'the handshake took its time: a SYN or its answer was lost or late',
    rule: 'RFC6298-2.1',
  },
  {
    by: 'application',
    ms: (info) => info.appLimitedMs,
    what: 'the application had nothing more to send',
    rule: '',
  },
];

function explainSlowness(info: TcpInfo): SlowExplanation | null {
  const total = KINDS.reduce((sum, { ms }) => sum + ms(info), 0);
  if (total <= 0) return null;
  const ranked = KINDS.map((kind) => ({ kind, share: kind.ms(info) / total }))
    .filter(({ share }) => share >= WORTH_SAYING)
    .sort((a, b) => b.share - a.share);
  const causes: Cause[] = ranked.map(({ kind, share }) => ({
    what: `${Math.round(share * 100)} % of the time ${kind.what}`,
    rule: kind.rule,
    atMs: null,
  }));
  const lossShare = info.totalRetrans / info.segsOut;
  if (lossShare > LOSSY) causes.push(lossCause(info, lossShare));
  if (info.rttMs > 0) causes.push({ what: roundTrips(info), rule: 'RFC6298-2', atMs: null });
  // The largest of so few shares is worth saying.
  const top = ranked[0]!.kind.by;
  return { by: lossShare > LOSSY && top === 'congestion window' ? 'losses' : top, causes };
}

function lossCause(info: TcpInfo, share: number): Cause {
  const timeouts = info.totalRto > 0 ? `, ${info.totalRto} of them after a timeout` : '';
  return {
    what: `${info.totalRetrans} segments (${(share * 100).toFixed(1)} %) had to be sent again${timeouts}`,
    rule: 'RFC8985-6',
    atMs: null,
  };
}

function roundTrips(info: TcpInfo): string {
  const { rttMs, minRttMs, sndCwndBytes } = info;
  const rate = Math.round((sndCwndBytes / rttMs) * 1000);
  const queueing = rttMs > 2 * minRttMs ? `, of which ${minRttMs.toFixed(1)} ms are the path’s own` : '';
  return `a round trip takes ${rttMs.toFixed(1)} ms${queueing}, so this window allows ${rate} bytes a second`;
}

// ---- words

const ENDED_BY: Record<EndedBy, string> = {
  us: 'our side ended it',
  peer: 'the peer ended it',
  path: 'the path or the peer fell silent',
  limit: 'a limit of the stack ended it',
};

function inWords(
  state: string,
  opened: Cause | null,
  ended: EndExplanation | null,
  slow: SlowExplanation | null,
): string {
  const lines = [`The connection is ${state}.`];
  if (opened !== null) lines.push('How it was opened:', line(opened));
  if (ended !== null) {
    const how = ended.orderly ? 'in order' : (ended.error ?? 'by a reset');
    lines.push(`Why it closed: ${ENDED_BY[ended.by]}, ${how}.`);
    lines.push(...ended.causes.map(line));
  }
  if (slow !== null) {
    lines.push(`What held the sender back: ${slow.by}.`);
    lines.push(...slow.causes.map(line));
  }
  return lines.join('\n');
}

function line({ what, rule, atMs }: Cause): string {
  const when = atMs === null ? '' : `${(atMs / 1000).toFixed(3)} s: `;
  return `  ${when}${what}${rule === '' ? '' : ` [${rule}]`}`;
}
