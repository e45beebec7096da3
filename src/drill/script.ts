// A packetdrill script as data: what the parser makes and the runner plays. Times are whole microseconds, sequence numbers
// those of the script.

/** Where something stands in its file, counted from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A script that no dialect of the language allows. Code `ERR_DRILL_SYNTAX`; the message begins with line and column. */
export class ScriptError extends Error {
  readonly code = 'ERR_DRILL_SYNTAX';

  constructor(
    readonly position: Position,
    readonly problem: string,
  ) {
    super(`${position.line}:${position.column}: ${problem}`);
    this.name = 'ScriptError';
  }
}

/** A whole script. */
export interface Script {
  /** As given to the parser: a path, or a word for people. */
  readonly name: string;
  readonly lines: readonly string[];
  readonly options: readonly ScriptOption[];
  /** Commands before the first event and behind the last. */
  readonly init: readonly Command[];
  readonly events: readonly ScriptEvent[];
  readonly cleanup: readonly Command[];
  readonly header: ScriptHeader;
}

/** What the comments of a script say to those who run it. */
export interface ScriptHeader {
  /** Ids of the rules that it proves: `// proves: RFC9293 MUST-12, RFC 5961 §3`. */
  readonly proves: readonly string[];
  /** Why it cannot be run against the kernel: `// kernel: differs, REASON`; null where both behave alike. */
  readonly kernelDiffers: string | null;
}

/** `--name=value`. */
export interface ScriptOption {
  readonly position: Position;
  readonly name: string;
  /** Null for `--name` alone. */
  readonly value: string | null;
}

/** When an event happens. `relative` counts from the event before. */
export type EventTime =
  | { readonly kind: 'at'; readonly relative: boolean; readonly us: number }
  | { readonly kind: 'range'; readonly relative: boolean; readonly us: number; readonly endUs: number }
  | { readonly kind: 'any' };

/** One line of the play. */
export interface ScriptEvent {
  readonly position: Position;
  readonly time: EventTime;
  readonly action: Action;
}

/** What happens. */
export type Action = TcpPacket | IcmpPacket | OtherPacket | Call | Command | Code;

/** `<` goes to the subject, `>` is expected of it. */
export type Direction = 'in' | 'out';

/** What stands in `[…]` or `(…)` before a packet. Null is not said. */
export interface IpInfo {
  /** The two bits, or `ect01` for either ECT. */
  readonly ecn: number | 'ect01' | null;
  readonly tos: number | null;
  readonly ttl: number | null;
  readonly flowLabel: number | null;
}

/** A sequence number: of the script, absolute (`1!`), or any (`...`). */
export type SequenceNumber =
  | { readonly kind: 'relative' | 'absolute'; readonly value: number }
  | { readonly kind: 'any' };

/** A TCP option as written. */
export type OptionSpec =
  | { readonly name: 'nop' | 'eol' | 'sackOK' }
  | { readonly name: 'mss'; readonly value: number }
  | { readonly name: 'wscale'; readonly value: number }
  | { readonly name: 'TS'; readonly val: number | null; readonly ecr: number | null }
  | { readonly name: 'sack'; readonly blocks: readonly (readonly [number, number])[] }
  /** Fast Open: the cookie in hexadecimal, empty for a request; null for `...`, the one that the subject gives or gave last. */
  | { readonly name: 'FO'; readonly cookie: string | null }
  /** Known to the language, not to this runner. */
  | { readonly name: 'other'; readonly text: string };

/** A TCP segment, to be sent to the subject or expected of it. */
export interface TcpPacket {
  readonly kind: 'tcp';
  readonly direction: Direction;
  readonly ip: IpInfo;
  readonly ports: { readonly source: number; readonly destination: number } | null;
  /** Bits as in the header. */
  readonly flags: number;
  readonly seq: SequenceNumber;
  readonly length: number;
  /** Null when not written. */
  readonly ack: SequenceNumber | null;
  readonly win: number | null;
  readonly urg: number;
  /** `any` for `<...>`. */
  readonly options: readonly OptionSpec[] | 'any';
  /** Why it cannot be played, or null. */
  readonly unsupported: string | null;
}

/** An ICMP error about a segment of the subject, or one expected of it. */
export interface IcmpPacket {
  readonly kind: 'icmp';
  readonly direction: Direction;
  readonly ip: IpInfo;
  readonly type: string;
  /** Name or number; null for none. */
  readonly code: string | null;
  readonly mtu: number | null;
  /** First sequence number and payload length of the segment quoted. */
  readonly quote: { readonly seq: SequenceNumber; readonly length: number };
  readonly unsupported: string | null;
}

/** A packet that the language knows and this runner cannot play: UDP, SCTP, tunnels. */
export interface OtherPacket {
  readonly kind: 'other';
  readonly direction: Direction;
  readonly unsupported: string;
}

/** A value in a call. */
export type Expression =
  | { readonly kind: 'any' }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'word'; readonly word: string }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'or'; readonly parts: readonly Expression[] }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  | { readonly kind: 'record'; readonly fields: readonly Field[] }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] };

/** One entry of `{…}`; the name is empty for a bare value. */
export interface Field {
  readonly name: string;
  readonly value: Expression;
}

/** A system call with its expected result. */
export interface Call {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly Expression[];
  readonly result: Expression;
  /** `EAGAIN`, or null. */
  readonly errno: string | null;
  /** For a call that blocks: when it returns, counted like the time of its event; null for the others. */
  readonly endUs: number | null;
  readonly text: string;
}

/** A shell command, of which none ever reaches a shell. */
export interface Command {
  readonly kind: 'command';
  readonly position: Position;
  readonly text: string;
}

/** A snippet between `%{` and `}%`. */
export interface Code {
  readonly kind: 'code';
  readonly position: Position;
  readonly text: string;
}
