// What must hold in every run, whatever it shows: sequence numbers, acknowledgments, transitions, payload. Judged from the
// log, and from code that the stack does not share.
import { STATE_NAMES, TRANSITIONS } from '../tcp/state.js';
import { type Assertion, same } from './outcome.js';
import { sha256 } from './payload.js';
import { type Text, text } from './scenario.js';
import type { Actor } from './stage.js';

type LogRecord = Readonly<Record<string, unknown>>;

interface LoggedSegment {
  conn: string;
  dir: 'in' | 'out';
  flags: string;
  seq: number;
  ack?: number;
  len: number;
  rtx: number;
}

/** An assertion that holds when nothing is found against it. */
export function assertion(what: Text, faults: readonly Text[]): Assertion {
  return { what, ok: faults.length === 0, detail: faults };
}

function segmentsOf(records: readonly LogRecord[]): Map<string, LoggedSegment[]> {
  const byConnection = new Map<string, LoggedSegment[]>();
  for (const record of records) {
    if (record.ev !== 'seg') continue;
    const segment = record as unknown as LoggedSegment;
    const list = byConnection.get(segment.conn);
    if (list === undefined) byConnection.set(segment.conn, [segment]);
    else list.push(segment);
  }
  return byConnection;
}

function lineOf({ flags, seq, ack, len }: LoggedSegment): string {
  return `${flags} ${seq}${ack === undefined ? '' : ` a${ack}`}${len > 0 ? ` [${len}]` : ''}`;
}

function taken({ flags, len }: LoggedSegment): number {
  return len + (flags.includes('S') ? 1 : 0) + (flags.includes('F') ? 1 : 0);
}

/** G2: bytes, SYN and FIN take one number each, nothing else does, and only a repetition goes back. */
export function sequenceNumbers(records: readonly LogRecord[]): Assertion {
  const faults: Text[] = [];
  for (const segments of segmentsOf(records).values()) {
    let next = 0;
    for (const segment of segments.filter(({ dir, flags }) => dir === 'out' && !flags.includes('R'))) {
      const end = segment.seq + taken(segment);
      const again = segment.rtx > 0 && end <= next;
      if (segment.seq !== next && !again) {
        faults.push(
          text(
            `${lineOf(segment)} should have begun at ${next}: every byte, SYN and FIN before it took one number`,
            `${lineOf(segment)} 的序号应为 ${next}：之前的每个字节、SYN 和 FIN 各消耗一个序号`,
          ),
        );
        break;
      }
      next = Math.max(next, end);
    }
  }
  return assertion(
    text('our sequence numbers count bytes, SYN and FIN', '我方序号按字节、SYN、FIN 计数'),
    faults,
  );
}

/** G3: every segment but the first SYN acknowledges, and what is acknowledged is never taken back. */
export function acknowledgments(records: readonly LogRecord[]): Assertion {
  const faults: Text[] = [];
  for (const segments of segmentsOf(records).values()) {
    let acked = 0;
    for (const segment of segments.filter(({ dir, flags }) => dir === 'out' && !flags.includes('R'))) {
      if (segment.ack === undefined) {
        if (segment.flags === 'S') continue;
        faults.push(
          text(
            `${lineOf(segment)} has no ACK; only the first SYN may go without`,
            `${lineOf(segment)} 没有 ACK；只有第一个 SYN 可以不带`,
          ),
        );
      } else if (segment.ack < acked) {
        faults.push(
          text(
            `${lineOf(segment)} takes back what was acknowledged up to ${acked}`,
            `${lineOf(segment)} 收回了已确认到 ${acked} 的数据`,
          ),
        );
      } else {
        acked = segment.ack;
      }
    }
  }
  return assertion(text('our acknowledgments never go back', '我方确认号从不后退'), faults);
}

/** G4: transitions form a path of the diagram, and each has a cause. */
export function legalTransitions(records: readonly LogRecord[]): Assertion {
  const faults: Text[] = [];
  const at = new Map<unknown, string>();
  for (const record of records) {
    if (record.ev !== 'state') continue;
    const { conn, from, to, cause } = record;
    const before = at.get(conn);
    const step = `${from}>${to}`;
    const isLegal = TRANSITIONS.some(
      (each) => STATE_NAMES[each.from] === from && STATE_NAMES[each.to] === to,
    );
    if (!isLegal || cause === undefined) {
      faults.push(text(`${step} is no edge of the state diagram`, `${step} 不是状态图中的边`));
    }
    if (conn !== undefined && before !== undefined && before !== from) {
      faults.push(text(`${step} begins where ${before} was left`, `${step} 与之前的状态 ${before} 不相接`));
    }
    at.set(conn, String(to));
  }
  return assertion(
    text('our states follow the diagram of RFC 9293', '我方状态转换符合 RFC 9293 状态图'),
    faults,
  );
}

/** G6: what was sent was received, once and in order. */
export function wholeStreams(a: Actor, b: Actor): Assertion {
  const faults: Text[] = [];
  for (const [from, to, name] of [
    [a, b, 'A>B'],
    [b, a, 'B>A'],
  ] as const) {
    const sent = from.sessions.flatMap((session) => session.sent);
    const received = to.sessions.flatMap((session) => session.received);
    if (sha256(sent) === sha256(received)) continue;
    const count = (pieces: readonly Uint8Array[]) => pieces.reduce((sum, piece) => sum + piece.length, 0);
    faults.push(
      text(
        `${name}: ${count(sent)} bytes sent, ${count(received)} received, or others than were sent`,
        `${name}：发送 ${count(sent)} 字节，收到 ${count(received)} 字节，或内容不符`,
      ),
    );
  }
  return assertion(
    text('each byte arrived once and in order (SHA-256)', '每个字节恰好按序到达一次 (SHA-256)'),
    faults,
  );
}

/** G7: nobody is left on stage. */
export function nothingLeft(ours: readonly string[], peer: readonly string[]): Assertion {
  const faults = [
    ...ours.map((state) => same(`our stack: ${state}`)),
    ...peer.map((state) => same(`the other end: ${state}`)),
  ];
  return assertion(text('afterwards no connection is left', '结束后没有残留的连接'), faults);
}
