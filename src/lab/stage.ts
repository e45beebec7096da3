// What the script of a scenario sees: two applications, the link between them, and time. The two worlds implement it.
import type { EditableSegment } from '../link/impair-segment.js';
import type { Side } from '../observe/ladder-steps.js';
import type { TcpStats } from '../stack/stats.js';
import type { ConnectionConfig } from '../tcp/config.js';
import type { STATE_NAMES } from '../tcp/state.js';
import type { World } from './scenario.js';
import type { Wait } from './waits.js';

/** A state by its name in the RFC. */
export type StateName = (typeof STATE_NAMES)[number];

/** What an application does when the other end has finished sending. */
export type AtEnd = 'nothing' | 'close';

/** One connection as its application sees it. */
export interface Session {
  established: boolean;
  readonly sent: Uint8Array[];
  readonly received: Uint8Array[];
  /** The end of the stream was read. */
  ended: boolean;
  /** Nothing is left of it but, perhaps, TIME-WAIT. */
  closed: boolean;
  /** Code such as `ECONNRESET`, or null. */
  error: string | null;
}

/** A fresh session. */
export function newSession(): Session {
  return { established: false, sent: [], received: [], ended: false, closed: false, error: null };
}

/** Settings of `Actor.connect`. */
export interface ConnectSettings {
  /** Sent with the call, so that it can travel with the third segment. */
  readonly data?: string;
  /** The data may travel with the SYN itself. Default false. */
  readonly fastOpen?: boolean;
  readonly config?: Partial<ConnectionConfig>;
  /** Added to the client's port: another connection beside the first. Default 0. */
  readonly portOffset?: number;
}

/** Settings of `Actor.listen`. */
export interface ListenSettings {
  readonly backlog?: number;
  /** Default `nothing`. */
  readonly atEnd?: AtEnd;
}

/** The application of one end. Calls take effect at once, or as soon as the program on the kernel's side hears of them. */
export interface Actor {
  readonly sessions: readonly Session[];
  /** The newest session; a fresh one before there is any. */
  readonly session: Session;
  /** Bytes that the newest session has received. */
  readonly receivedBytes: number;
  /** What the newest session has received, as text. */
  readonly receivedText: string;
  /** Connections that were handed to the application of a listener. */
  readonly accepted: number;
  /** What it does when the newest session's stream ends; may be set at any time. */
  atEnd: AtEnd;
  listen(settings?: ListenSettings): Promise<void>;
  connect(settings?: ConnectSettings): void;
  /** Text, or so many bytes of a pattern. */
  send(data: string | number): void;
  /** No more will be sent; reading goes on. */
  shutdown(): void;
  /** The application leaves. */
  close(): void;
  /** Ends it by RST. */
  abort(): void;
  /** Leaves what arrives unread. */
  pause(): void;
  /** The state of the newest connection, as the end itself tells it. */
  state(): StateName;
}

/** Which segments are meant. Numbers count from the ISN of the side that they belong to. */
export interface SegmentMatch {
  readonly from: Side;
  /** Letters of exactly the control bits set, PSH aside. */
  readonly flags?: string;
  /** Letters of bits that must be set, and that must not. */
  readonly has?: string;
  readonly without?: string;
  readonly seq?: number | string;
  readonly ack?: number | string;
  readonly len?: number | string;
  /** Which of them: `1`, `>2`, `1..3`. Default: all. */
  readonly nth?: number | string;
}

/** A segment that nobody sent. */
export interface InjectedByLab {
  /** Whose segment it pretends to be; it reaches the other. */
  readonly from: Side;
  readonly flags: string;
  /** Relative to the ISN of `from`. */
  readonly seq: number;
  /** Relative to the ISN of the other. */
  readonly ack?: number;
  /** The numbers count from zero instead. Default false. */
  readonly raw?: boolean;
  readonly payload?: string;
  readonly window?: number;
  /** Where it pretends to come from instead of the other end. */
  readonly source?: { readonly address: string; readonly port: number };
  readonly options?: Uint8Array;
}

/** The link, and what a script may do to what crosses it. */
export interface StageLink {
  drop(match: SegmentMatch): void;
  delay(match: SegmentMatch, ms: number): void;
  dup(match: SegmentMatch, copies?: number, gapMs?: number): void;
  /** The segment lets one that matches `after` go first. */
  reorder(match: SegmentMatch, after: SegmentMatch): void;
  /** Keeps a segment, with `line` also everything behind it, until `release(name)`. */
  hold(name: string, match: SegmentMatch, line?: boolean): void;
  release(name: string): void;
  /** How many segments are kept under that name. */
  held(name: string): number;
  rewrite(match: SegmentMatch, edit: (segment: EditableSegment) => void): void;
  inject(segment: InjectedByLab): void;
  /** What our stack sends of this kind counts as not sent: for stacks that are broken on purpose. */
  swallow(match: SegmentMatch): void;
  /** What our stack sends to anybody but the other end leads nowhere. */
  swallowStrangers(): void;
  /** Nothing crosses any more, in either direction, and nobody is told. */
  cut(): void;
}

/** Everything that a script works with. */
export interface Stage {
  readonly world: World;
  readonly ours: Side;
  readonly a: Actor;
  readonly b: Actor;
  readonly link: StageLink;
  /** Maximum segment lifetime of our stack, ms. */
  readonly mslMs: number;
  /** Milliseconds since the run began. */
  now(): number;
  wait(ms: number): Promise<void>;
  /** Waits for a condition. @throws WaitedInVain when it does not come about */
  until(what: Wait, holds: () => boolean): Promise<void>;
  /** Waits until both ends are ESTABLISHED in the eyes of their applications. */
  established(): Promise<void>;
  /** Puts a remark into the ladder. */
  note(en: string, zh: string): void;
  /** An assertion of the scenario. */
  check(en: string, zh: string, holds: boolean, got?: unknown): void;
  /** Our transitions so far, as `SYN-SENT>ESTABLISHED`. */
  transitions(): readonly string[];
  /** Records of our log so far. */
  records(): readonly Readonly<Record<string, unknown>>[];
  /** What our stack has counted so far. */
  counters(): Readonly<TcpStats>;
  /** How many segments of a kind the ladder shows so far. */
  count(match: {
    readonly from?: Side;
    readonly flags?: string;
    readonly len?: number;
    readonly lost?: boolean;
  }): number;
  /** Times, in ms since the run began, of the segments of a kind. */
  times(match: { readonly from?: Side; readonly flags?: string }): number[];
  /** The record ends here: what is left of the connection is cleared away unseen. */
  curtain(): void;
  /** Our stack forgets all connections, as a host that was switched off; nothing is sent. */
  reboot(): void;
}
