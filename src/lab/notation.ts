// The notation of expectations: one line for each segment, with the states that it leaves behind.
//
//     A>B FA 4 a1 [10]   | FIN-WAIT-1 | CLOSE-WAIT*      flags, sequence number, ack, payload; state of A, of B
//     lost A>B FA 4 a1                                    the link destroyed it; `inj`: the lab made it up
//     ? B>A A 1 a5                                        it may come
//     B>A FA 1 a2 x3                                      three in a row; `x2..4` two to four
//     B>A A * a*                                          any numbers
//     kernel: A>B A 1 a1                                  in that world only; `sim:` likewise
//
// Flags are letters of S F R A, PSH is never told. Numbers count from the ISN of their side. A star asks the kernel for
// its state at that moment, while our link holds everything back.

import type { LadderRow } from '../observe/ladder-rows.js';
import type { Side } from '../observe/ladder-steps.js';
import { STATE_NAMES } from '../tcp/state.js';
import type { World } from './scenario.js';
import type { StateName } from './stage.js';

/** One line. */
export interface ExpectedSegment {
  /** The line as it was written. */
  readonly line: string;
  readonly from: Side;
  readonly flags: string;
  /** NaN for any. */
  readonly seq: number;
  /** Null for a segment without ACK, NaN for any number. */
  readonly ack: number | null;
  readonly len: number;
  readonly fate: 'arrived' | 'lost' | 'injected';
  readonly optional: boolean;
  readonly least: number;
  readonly most: number;
  readonly a: StateName | null;
  readonly b: StateName | null;
  /** The other end is to be asked for its state. */
  readonly read: boolean;
}

const LINE =
  /^(\?\s+)?(?:(lost|inj)\s+)?([AB])>([AB])\s+([SFRAUEC]+)\s+(-?\d+|\*)(?:\s+a(-?\d+|\*))?(?:\s+\[(\d+)\])?(?:\s+x(\d+)(?:\.\.(\d+))?)?$/;

/**
 * Reads the expectation of a scenario for one world.
 * @throws Error with code `ERR_SYNWAVE_LAB_NOTATION` that names the line
 */
export function parseExpectation(source: string, world: World): ExpectedSegment[] {
  const lines: ExpectedSegment[] = [];
  for (const raw of source.split('\n')) {
    const line = raw.replace(/#.*$/, '').trim();
    if (line === '') continue;
    const own = /^(kernel|sim):\s*(.*)$/.exec(line);
    if (own === null) lines.push(parseLine(line));
    else if (own[1] === world) lines.push(parseLine(own[2]!));
  }
  return lines;
}

function parseLine(line: string): ExpectedSegment {
  const [segment = '', a = '', b = ''] = line.split('|').map((part) => part.trim());
  const match = LINE.exec(segment);
  if (match === null) throw notationError(line, 'write it like  A>B FA 4 a1 [10]  | FIN-WAIT-1 | CLOSE-WAIT');
  const [, optional, fate, from, to, flags, seq, ack, len, least, most] = match;
  if (from === to) throw notationError(line, 'a segment goes from A to B or from B to A');
  return {
    line,
    from: from as Side,
    flags: sorted(flags!),
    seq: Number(seq),
    ack: ack === undefined ? null : Number(ack),
    len: Number(len ?? 0),
    fate: fate === 'lost' ? 'lost' : fate === 'inj' ? 'injected' : 'arrived',
    optional: optional !== undefined,
    least: Number(least ?? 1),
    most: Number(most ?? least ?? 1),
    a: stateIn(a, line),
    b: stateIn(b, line),
    read: a.endsWith('*') || b.endsWith('*'),
  };
}

function stateIn(cell: string, line: string): StateName | null {
  const name = cell.replace(/\*$/, '');
  if (name === '' || name === '-') return null;
  const state = STATE_NAMES.find((each) => each === name);
  if (state === undefined) throw notationError(line, `"${name}" is no state of RFC 9293`);
  return state;
}

function notationError(line: string, problem: string): Error {
  return Object.assign(new Error(`expectation "${line}": ${problem}`), { code: 'ERR_SYNWAVE_LAB_NOTATION' });
}

function sorted(letters: string): string {
  return [...letters].sort().join('');
}

/** The control bits of a row as sorted letters without PSH. */
export function rowFlags(row: LadderRow): string {
  const letters = row.segment!.flags.split(',').map((name) => name[0]!);
  return sorted(letters.filter((letter) => letter !== 'P').join(''));
}

/** A row in the notation of expectations. */
export function rowLine(row: LadderRow): string {
  const { from, flags, seq, ack, len, fate } = row.segment!;
  const letters = flags
    .split(',')
    .map((name) => name[0]!)
    .filter((letter) => letter !== 'P')
    .join('');
  const prefix = fate === 'lost' ? 'lost ' : fate === 'injected' ? 'inj ' : '';
  const parts = [`${prefix}${from}>${from === 'A' ? 'B' : 'A'} ${letters} ${seq}`];
  if (ack !== null) parts.push(`a${ack}`);
  if (len > 0) parts.push(`[${len}]`);
  return parts.join(' ');
}

/** Whether a row is the segment of that line; states aside. */
export function matches(expected: ExpectedSegment, row: LadderRow): boolean {
  const segment = row.segment!;
  return (
    segment.from === expected.from &&
    rowFlags(row) === expected.flags &&
    (Number.isNaN(expected.seq) || segment.seq === expected.seq) &&
    (segment.ack === expected.ack ||
      (segment.ack !== null && expected.ack !== null && Number.isNaN(expected.ack))) &&
    segment.len === expected.len &&
    segment.fate === expected.fate
  );
}

/** A row that is not what was expected; null on either side for nothing at all. */
export interface Mismatch {
  /** Which segment of the run, from 1. */
  readonly index: number;
  readonly expected: ExpectedSegment | null;
  readonly got: LadderRow | null;
}

/** Holds rows against an expectation as they come. */
export class WireMatcher {
  /** The first mismatch, or null. */
  mismatch: Mismatch | null = null;
  /** Rows with the line that each met. */
  readonly matched: { readonly row: LadderRow; readonly expected: ExpectedSegment }[] = [];
  private at = 0;
  private times = 0;
  private count = 0;

  constructor(private readonly lines: readonly ExpectedSegment[]) {}

  /** Takes the next row; returns the line that it meets, or null after a mismatch. */
  take(row: LadderRow): ExpectedSegment | null {
    this.count++;
    if (this.mismatch !== null) return null;
    for (let at = this.at; at < this.lines.length; at++) {
      const line = this.lines[at]!;
      const times = at === this.at ? this.times : 0;
      if (times < line.most && matches(line, row)) {
        this.at = at;
        this.times = times + 1;
        this.matched.push({ row, expected: line });
        return line;
      }
      if (times < line.least && !line.optional) break;
    }
    this.mismatch = { index: this.count, expected: this.nextLine(), got: row };
    return null;
  }

  /** No more rows will come. */
  finish(): void {
    if (this.mismatch !== null) return;
    for (let at = this.at; at < this.lines.length; at++) {
      const line = this.lines[at]!;
      const times = at === this.at ? this.times : 0;
      if (times >= line.least || line.optional) continue;
      this.mismatch = { index: this.count + 1, expected: line, got: null };
      return;
    }
  }

  /** The line that should have come instead. */
  private nextLine(): ExpectedSegment | null {
    const line = this.lines[this.at];
    if (line === undefined || this.times < line.least) return line ?? null;
    return this.lines[this.at + 1] ?? null;
  }
}
