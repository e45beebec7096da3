// Transitions as comments on the packets of a capture. A transition caused by a segment belongs to that packet, one
// caused by a call to the segment that the call makes, one caused by a timer to a frame of its own.
import type { Connection } from '../tcp/connection.js';
import type { SegmentOut } from '../tcp/segment-out.js';
import { STATE_NAMES, State, type Transition } from '../tcp/state.js';
import type { ConnectionEnd } from '../tcp/trace.js';
import { FIN, RST, type SegmentView, SYN } from '../wire/segment.js';
import { type Lang, stateTitle, whyText } from './lexicon.js';
import { SilentTrace } from './silent-trace.js';

/** Where the comments go: the capture of the link that carries the packets. */
export interface CommentSinks {
  /** Attaches a comment to a packet. */
  annotate(packetId: number, text: string): void;
  /** Records something that has no packet, under journal field names. Absent: such transitions are left out. */
  event?(fields: Readonly<Record<string, string>>): void;
  /** Language of the clauses. Default English. */
  lang?: Lang;
}

/** Makes a listener that writes each transition once, as a packet's comment or as an event. */
export function commentTrace(sinks: CommentSinks): CommentTrace {
  return new CommentTrace(sinks);
}

/** The bit whose segment carries out the call that led to a state, or 0 when none does. */
function carrierOf(to: State): number {
  if (to === State.SYN_SENT) return SYN;
  if (to === State.FIN_WAIT_1 || to === State.LAST_ACK) return FIN;
  return to === State.CLOSED ? RST : 0;
}

/** The listener made by `commentTrace`. */
export class CommentTrace extends SilentTrace {
  /** Transitions by calls whose segment has not left yet. */
  private readonly waiting = new WeakMap<Connection, Transition>();

  constructor(private readonly sinks: CommentSinks) {
    super();
  }

  override stateChanged(connection: Connection, transition: Transition, segment: SegmentView | null): void {
    this.giveUpWaiting(connection);
    if (segment !== null && segment.packetId > 0) {
      this.sinks.annotate(segment.packetId, this.textOf(connection, transition));
    } else if (transition.cause === 'call' && carrierOf(transition.to) !== 0) {
      this.waiting.set(connection, transition);
    } else {
      this.emitEvent(connection, transition);
    }
  }

  override segmentSent(connection: Connection, segment: SegmentOut): void {
    const transition = this.waiting.get(connection);
    if (transition === undefined || (segment.flags & carrierOf(transition.to)) === 0) return;
    this.waiting.delete(connection);
    this.sinks.annotate(segment.packetId, this.textOf(connection, transition));
  }

  override connectionClosed(connection: Connection, _end: ConnectionEnd): void {
    // The RST of an abort leaves after the connection has ended.
    if (connection.pendingReset === null) this.giveUpWaiting(connection);
  }

  /** A call that made no segment (an abort in SYN-SENT, a FIN overtaken by an RST) is an event of its own. */
  private giveUpWaiting(connection: Connection): void {
    const transition = this.waiting.get(connection);
    if (transition === undefined) return;
    this.waiting.delete(connection);
    this.emitEvent(connection, transition);
  }

  private emitEvent(connection: Connection, transition: Transition): void {
    this.sinks.event?.({
      MESSAGE: this.textOf(connection, transition),
      SYSLOG_IDENTIFIER: 'synwave',
      TCP_CONNECTION: `c${connection.id}`,
      TCP_FROM: STATE_NAMES[transition.from],
      TCP_TO: STATE_NAMES[transition.to],
    });
  }

  private textOf(connection: Connection, transition: Transition): string {
    const lang = this.sinks.lang ?? 'en';
    const side = connection.role === 'active' ? 'A' : 'B';
    const from = stateTitle(transition.from, lang);
    const to = stateTitle(transition.to, lang);
    return `${side} ${from} -> ${to} | ${this.clauseOf(transition, lang)} | ${ruleForPeople(transition.rule)}`;
  }

  /** The clause, with the name of the segment in front where it does not say it itself. */
  private clauseOf(transition: Transition, lang: Lang): string {
    const why = whyText(transition, lang);
    const carriesFin = transition.cause === 'call' && carrierOf(transition.to) === FIN;
    if (!carriesFin || why.includes('FIN')) return why;
    return lang === 'zh' ? `FIN：${why}` : `FIN: ${why}`;
  }
}

/** `RFC 9293 3.10.4` from `RFC9293-3.10.4`. */
export function ruleForPeople(rule: string): string {
  return rule.replace(/^RFC(\d+)-/, 'RFC $1 ');
}
