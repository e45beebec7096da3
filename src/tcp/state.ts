// The eleven states of RFC 9293 §3.3.2 and the legal transitions between them, as data. `Connection` changes state
// only through this table, so a transition that is not here cannot happen, be logged or be drawn.

/** Connection states. The numbers are indexes into `STATE_NAMES`. */
export const State = {
  CLOSED: 0,
  LISTEN: 1,
  SYN_SENT: 2,
  SYN_RECEIVED: 3,
  ESTABLISHED: 4,
  FIN_WAIT_1: 5,
  FIN_WAIT_2: 6,
  CLOSE_WAIT: 7,
  CLOSING: 8,
  LAST_ACK: 9,
  TIME_WAIT: 10,
} as const;
export type State = (typeof State)[keyof typeof State];

/** State names as the RFC prints them, by state number. */
export const STATE_NAMES = [
  'CLOSED',
  'LISTEN',
  'SYN-SENT',
  'SYN-RECEIVED',
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'CLOSE-WAIT',
  'CLOSING',
  'LAST-ACK',
  'TIME-WAIT',
] as const;

/** What made a connection change its state. */
export const Trigger = {
  CALL_PASSIVE_OPEN: 0,
  CALL_ACTIVE_OPEN: 1,
  CALL_CLOSE: 2,
  CALL_ABORT: 3,
  SEG_SYN: 4,
  SEG_SYN_ACK: 5,
  SEG_ACK_OF_SYN: 6,
  SEG_FIN: 7,
  SEG_ACK_OF_FIN: 8,
  SEG_FIN_AND_ACK_OF_FIN: 9,
  SEG_RST: 10,
  TIMER_2MSL: 11,
  TIMER_USER_TIMEOUT: 12,
  TIMER_RETRANSMISSION: 13,
  TIMER_KEEPALIVE: 14,
  TIMER_FIN_WAIT_2: 15,
  ICMP_HARD_ERROR: 16,
  LIMIT_EVICTED: 17,
  SEG_DATA_AFTER_CLOSE: 18,
} as const;
export type Trigger = (typeof Trigger)[keyof typeof Trigger];

/** Kind of cause, as logged. `segment` includes what ICMP reports about a segment of ours. */
export type CauseKind = 'segment' | 'call' | 'timer';

/** One edge of the state diagram. */
export interface Transition {
  readonly from: State;
  readonly to: State;
  readonly trigger: Trigger;
  readonly cause: CauseKind;
  /** Name of the call or timer, for causes of these kinds; empty for segments. */
  readonly name: string;
  /** Where the rule stands, such as `RFC9293-3.10.7.4`. */
  readonly rule: string;
  /** A short clause for people. */
  readonly why: string;
}

const S = State;
const T = Trigger;

const SYNCHRONIZED: readonly State[] = [
  S.ESTABLISHED,
  S.FIN_WAIT_1,
  S.FIN_WAIT_2,
  S.CLOSE_WAIT,
  S.CLOSING,
  S.LAST_ACK,
  S.TIME_WAIT,
];
const UNACKNOWLEDGED_SENDER: readonly State[] = [
  S.SYN_SENT,
  S.SYN_RECEIVED,
  S.ESTABLISHED,
  S.FIN_WAIT_1,
  S.CLOSE_WAIT,
  S.CLOSING,
  S.LAST_ACK,
];

function segment(from: State, to: State, trigger: Trigger, rule: string, why: string): Transition {
  return { from, to, trigger, cause: 'segment', name: '', rule, why };
}
function call(from: State, to: State, trigger: Trigger, name: string, rule: string, why: string): Transition {
  return { from, to, trigger, cause: 'call', name, rule, why };
}
function timer(from: State, trigger: Trigger, name: string, rule: string, why: string): Transition {
  return { from, to: S.CLOSED, trigger, cause: 'timer', name, rule, why };
}

/** Every legal transition. */
export const TRANSITIONS: readonly Transition[] = [
  call(S.CLOSED, S.LISTEN, T.CALL_PASSIVE_OPEN, 'listen', 'RFC9293-3.10.1', 'passive open'),
  call(S.CLOSED, S.SYN_SENT, T.CALL_ACTIVE_OPEN, 'connect', 'RFC9293-3.10.1', 'active open sends SYN'),
  call(S.LISTEN, S.SYN_SENT, T.CALL_ACTIVE_OPEN, 'connect', 'RFC9293-3.10.1', 'active open sends SYN'),
  call(S.LISTEN, S.CLOSED, T.CALL_CLOSE, 'close', 'RFC9293-3.10.4', 'listener closed'),
  call(S.LISTEN, S.CLOSED, T.CALL_ABORT, 'abort', 'RFC9293-3.10.5', 'listener aborted'),
  segment(S.LISTEN, S.SYN_RECEIVED, T.SEG_SYN, 'RFC9293-3.10.7.2', 'SYN arrived'),

  segment(S.SYN_SENT, S.ESTABLISHED, T.SEG_SYN_ACK, 'RFC9293-3.10.7.3', 'SYN,ACK covers our SYN'),
  segment(S.SYN_SENT, S.SYN_RECEIVED, T.SEG_SYN, 'RFC9293-3.10.7.3', 'SYN crossed ours: simultaneous open'),
  segment(S.SYN_SENT, S.CLOSED, T.SEG_RST, 'RFC9293-3.10.7.3', 'RST answers our SYN: connection refused'),
  call(S.SYN_SENT, S.CLOSED, T.CALL_CLOSE, 'close', 'RFC9293-3.10.4', 'closed before the handshake ended'),
  call(S.SYN_SENT, S.CLOSED, T.CALL_ABORT, 'abort', 'RFC9293-3.10.5', 'aborted before the handshake ended'),
  segment(
    S.SYN_SENT,
    S.CLOSED,
    T.ICMP_HARD_ERROR,
    'RFC9293-3.9.2.2',
    'ICMP says the SYN cannot be delivered',
  ),

  segment(S.SYN_RECEIVED, S.ESTABLISHED, T.SEG_ACK_OF_SYN, 'RFC9293-3.10.7.4', 'ACK covers our SYN'),
  call(S.SYN_RECEIVED, S.FIN_WAIT_1, T.CALL_CLOSE, 'close', 'RFC9293-3.10.4', 'FIN follows our SYN'),
  segment(S.SYN_RECEIVED, S.LISTEN, T.SEG_RST, 'RFC9293-3.10.7.4', 'RST: the peer never asked for this'),
  segment(S.SYN_RECEIVED, S.CLOSED, T.SEG_RST, 'RFC9293-3.10.7.4', 'RST: connection refused'),
  segment(S.SYN_RECEIVED, S.LISTEN, T.SEG_SYN, 'RFC9293-3.10.7.4', 'another SYN: the peer started afresh'),
  call(
    S.SYN_RECEIVED,
    S.CLOSED,
    T.LIMIT_EVICTED,
    'evict',
    'RFC4987-3.2',
    'half-open table full, oldest given up',
  ),
  call(S.SYN_RECEIVED, S.CLOSED, T.CALL_ABORT, 'abort', 'RFC9293-3.10.5', 'aborted by the user, RST sent'),

  call(S.ESTABLISHED, S.FIN_WAIT_1, T.CALL_CLOSE, 'close', 'RFC9293-3.10.4', 'no more to send'),
  segment(S.ESTABLISHED, S.CLOSE_WAIT, T.SEG_FIN, 'RFC9293-3.10.7.4', 'FIN: the peer has no more to send'),
  segment(S.FIN_WAIT_1, S.FIN_WAIT_2, T.SEG_ACK_OF_FIN, 'RFC9293-3.10.7.4', 'ACK covers our FIN'),
  segment(S.FIN_WAIT_1, S.CLOSING, T.SEG_FIN, 'RFC9293-3.10.7.4', 'FINs crossed: simultaneous close'),
  segment(
    S.FIN_WAIT_1,
    S.TIME_WAIT,
    T.SEG_FIN_AND_ACK_OF_FIN,
    'RFC9293-3.10.7.4',
    'FIN and the ACK of ours in one segment',
  ),
  segment(S.FIN_WAIT_2, S.TIME_WAIT, T.SEG_FIN, 'RFC9293-3.10.7.4', 'FIN: both directions are done'),
  timer(
    S.FIN_WAIT_2,
    T.TIMER_FIN_WAIT_2,
    'finwait2',
    'RFC6429-4',
    'nobody reads and the peer does not close',
  ),
  segment(
    S.FIN_WAIT_1,
    S.CLOSED,
    T.SEG_DATA_AFTER_CLOSE,
    'RFC9293-3.6.1',
    'data arrived after close(): RST, nobody reads it',
  ),
  segment(
    S.FIN_WAIT_2,
    S.CLOSED,
    T.SEG_DATA_AFTER_CLOSE,
    'RFC9293-3.6.1',
    'data arrived after close(): RST, nobody reads it',
  ),
  call(S.CLOSE_WAIT, S.LAST_ACK, T.CALL_CLOSE, 'close', 'RFC9293-3.10.4', 'our FIN answers the peer’s'),
  segment(S.CLOSING, S.TIME_WAIT, T.SEG_ACK_OF_FIN, 'RFC9293-3.10.7.4', 'ACK covers our FIN'),
  segment(S.LAST_ACK, S.CLOSED, T.SEG_ACK_OF_FIN, 'RFC9293-3.10.7.4', 'ACK covers our FIN'),
  timer(S.TIME_WAIT, T.TIMER_2MSL, 'timewait', 'RFC9293-3.10.8', '2MSL expired'),
  segment(S.TIME_WAIT, S.SYN_RECEIVED, T.SEG_SYN, 'RFC9293-3.6.1', 'a newer SYN reopens the connection'),
  call(
    S.TIME_WAIT,
    S.CLOSED,
    T.LIMIT_EVICTED,
    'evict',
    'RFC9293-3.6.1',
    'TIME-WAIT table full, oldest given up',
  ),

  ...SYNCHRONIZED.map((from) =>
    segment(from, S.CLOSED, T.SEG_RST, 'RFC9293-3.10.7.4', 'RST: the peer aborted'),
  ),
  ...SYNCHRONIZED.map((from) =>
    call(from, S.CLOSED, T.CALL_ABORT, 'abort', 'RFC9293-3.10.5', 'aborted by the user'),
  ),
  ...UNACKNOWLEDGED_SENDER.map((from) =>
    timer(
      from,
      T.TIMER_USER_TIMEOUT,
      'user',
      'RFC9293-3.10.8',
      'user timeout: data not acknowledged in time',
    ),
  ),
  ...UNACKNOWLEDGED_SENDER.map((from) =>
    timer(from, T.TIMER_RETRANSMISSION, 'rto', 'RFC9293-3.8.3', 'retransmission threshold R2 reached'),
  ),
  ...([S.ESTABLISHED, S.CLOSE_WAIT, S.FIN_WAIT_2] as const).map((from) =>
    timer(from, T.TIMER_KEEPALIVE, 'keepalive', 'RFC9293-3.8.4', 'keep-alive probes unanswered'),
  ),
];

const byFromToTrigger = new Map<number, Transition>();
for (const transition of TRANSITIONS) {
  byFromToTrigger.set(keyOf(transition.from, transition.to, transition.trigger), transition);
}

function keyOf(from: State, to: State, trigger: Trigger): number {
  return (from * 16 + to) * 32 + trigger;
}

/**
 * The transition from one state to another by a trigger.
 * @throws Error when the diagram has no such edge: a bug in the caller, never in the peer
 */
export function transitionFor(from: State, to: State, trigger: Trigger): Transition {
  const transition = byFromToTrigger.get(keyOf(from, to, trigger));
  if (transition === undefined) {
    throw new Error(`illegal transition ${STATE_NAMES[from]} -> ${STATE_NAMES[to]} by trigger ${trigger}`);
  }
  return transition;
}
