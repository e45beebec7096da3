// Rows of a ladder as lines of at most 100 terminal columns. ASCII unless asked otherwise, because box-drawing
// characters are of ambiguous width; colours only when asked.
import { STATE_NAMES } from '../tcp/state.js';
import { centreToWidth, cutToWidth, displayWidth, padToWidth } from './display-width.js';
import type { LadderRow, LadderSegment, LadderState, LadderSummary } from './ladder-rows.js';
import type { Side } from './ladder-steps.js';
import { consumptionText, eventText, numberLines, remarkOn, stepText, WORDS } from './ladder-words.js';
import { type Lang, STATE_NAMES_ZH } from './lexicon.js';

/** How a ladder looks. */
export interface LadderStyle {
  /** Default English. */
  lang?: Lang;
  /** ANSI colours: red RST, yellow retransmission, bold where a state changes. Default off. */
  color?: boolean;
  /** Box-drawing characters and arrows, for terminals that show them one column wide. Default off. */
  unicode?: boolean;
  /** Letters x y u v w beside the numbers. Default off. */
  teaching?: boolean;
  /** First line: what is shown, and under which circumstances. */
  title?: { left: string; right?: string };
  /** A line below it: what is special this time. */
  subtitle?: string;
  /** What the ends are called in the header. Default `our stack`, `peer`. */
  names?: { ours?: string; peer?: string };
  /** What the star means, such as `* = read from the kernel by ss`. */
  starText?: string;
  /** What injected segments are, such as `OLD DUPLICATE`. */
  injectedText?: string;
  /** Lines put under the ladder. */
  footer?: readonly string[];
}

/** Widest line, in columns. */
export const LADDER_COLUMNS = 100;
const STEP_COLUMNS = 5;
const TIME_COLUMNS = 8;
/** Where `B = …` begins in the header. */
const B_TITLE_COLUMN = 45;
/** Columns behind a lost segment's X. */
const LOST_GAP = 10;

interface Glyphs {
  bar: string;
  cross: string;
  line: string;
  again: string;
  injected: string;
  right: string;
  left: string;
}

const ASCII: Glyphs = { bar: '|', cross: '+', line: '-', again: '=', injected: '~', right: '>', left: '<' };
const UNICODE: Glyphs = { bar: '│', cross: '┼', line: '─', again: '═', injected: '~', right: '▶', left: '◀' };

const BOLD = '\u001b[1m';
const RED = '\u001b[31m';
const YELLOW = '\u001b[33m';
const PLAIN = '\u001b[0m';

/** Draws one connection's ladder. Rows must come in order: it remembers which states it has shown. */
export class LadderRenderer {
  private readonly lang: Lang;
  private readonly words: (typeof WORDS)[Lang];
  private readonly glyphs: Glyphs;
  private readonly widthA: number;
  private readonly widthB: number;
  private readonly inner: number;
  private readonly shown: Record<Side, string> = { A: '', B: '' };
  private starShown = false;

  /** @param ends which end is our stack, and their addresses */
  constructor(
    private readonly ends: { ours: Side; a: string; b: string },
    private readonly style: LadderStyle = {},
  ) {
    this.lang = style.lang ?? 'en';
    this.words = WORDS[this.lang];
    this.glyphs = style.unicode ? UNICODE : ASCII;
    if (this.lang === 'zh') {
      [this.widthA, this.widthB, this.inner] = [20, 21, 39];
    } else {
      // The longest name has twelve letters; the end that is not ours needs room for a star.
      this.widthA = ends.ours === 'A' ? 12 : 13;
      this.widthB = 25 - this.widthA;
      this.inner = 46;
    }
  }

  /** Header, rows and footer. */
  whole(rows: readonly LadderRow[], summary: LadderSummary): string[] {
    return [...this.header(), ...rows.map((row) => this.row(row)), ...this.footer(summary)];
  }

  /** The lines above the rows. */
  header(): string[] {
    const { title } = this.style;
    const lines: string[] = [];
    if (title !== undefined) lines.push(this.titleLine(title.left, title.right ?? ''));
    const { subtitle } = this.style;
    if (subtitle !== undefined) lines.push(cutToWidth(` ${subtitle}`, LADDER_COLUMNS));
    lines.push(...this.endLines());
    const { bar } = this.glyphs;
    const a = padToWidth('A', this.widthA);
    const b = padToWidth('B', this.widthB);
    lines.push(`${this.words.time}  ${a} ${bar}${' '.repeat(this.inner)}${bar} ${b} ${this.words.step}`);
    lines.push(this.rule());
    return lines;
  }

  /** The lines below the rows. */
  footer(summary: LadderSummary): string[] {
    const star = this.starShown ? `   ${this.style.starText ?? this.words.star}` : '';
    const teaching = this.style.teaching ?? false;
    const lines = [this.rule(), ` ${this.words.rule}${star}`];
    const numbers = numberLines(summary, teaching, this.lang);
    const oneLine = ` ${numbers.join('   ')}`;
    if (displayWidth(oneLine) <= LADDER_COLUMNS) lines.push(oneLine);
    else lines.push(...numbers.map((line) => ` ${line}`));
    const consumption = consumptionText(summary, this.lang);
    if (consumption !== '') lines.push(` ${consumption}`);
    if (summary.rowsOmitted > 0) lines.push(` ${this.words.omitted(summary.rowsOmitted)}`);
    for (const line of this.style.footer ?? []) lines.push(` ${line}`);
    return lines.filter((line) => line.trim() !== '').map((line) => cutToWidth(line, LADDER_COLUMNS));
  }

  /** One row. */
  row(row: LadderRow): string {
    const { bar } = this.glyphs;
    const a = this.stateCell('A', row.a, this.widthA);
    const b = this.stateCell('B', row.b, this.widthB);
    const middle =
      row.segment === null
        ? centreToWidth(row.event === null ? '' : eventText(row.event, this.lang), this.inner)
        : this.paint(colorOf(row.segment), this.arrow(row.segment));
    const step = padToWidth(stepText(this.stepOf(row), this.lang), STEP_COLUMNS);
    return `${timeText(row.t)}  ${a} ${bar}${middle}${bar} ${b} ${step}`.trimEnd();
  }

  /** What repeats shows its count in the step column. */
  private stepOf(row: LadderRow): string {
    const repeated = row.segment?.retransmission ?? 0;
    return repeated > 0 && row.segment?.fate !== 'injected' ? `RTX${repeated}` : row.step;
  }

  private titleLine(left: string, right: string): string {
    const columns = TIME_COLUMNS + 2 + this.widthA + this.inner + this.widthB + STEP_COLUMNS + 5;
    const room = columns - 1 - displayWidth(right);
    if (displayWidth(left) >= room) return cutToWidth(` ${left}  ${right}`, LADDER_COLUMNS).trimEnd();
    return ` ${padToWidth(left, room)}${right}`.trimEnd();
  }

  private endLines(): string[] {
    const { ours, a, b } = this.ends;
    const { names } = this.style;
    const mine = names?.ours ?? this.words.ours;
    const theirs = names?.peer ?? this.words.peer;
    const textA = ` A = ${ours === 'A' ? mine : theirs} ${a} (${this.words.client})`;
    const textB = `B = ${ours === 'B' ? mine : theirs} ${b} (${this.words.server})`;
    const together = `${padToWidth(textA, B_TITLE_COLUMN)}${textB}`;
    const fits = displayWidth(textA) < B_TITLE_COLUMN && displayWidth(together) <= LADDER_COLUMNS;
    return fits ? [together] : [textA, ` ${textB}`].map((line) => cutToWidth(line, LADDER_COLUMNS));
  }

  private rule(): string {
    const { cross, line } = this.glyphs;
    const dashes = (n: number) => line.repeat(n);
    const left = ` ${dashes(TIME_COLUMNS - 1)}  ${dashes(this.widthA)} ${cross}`;
    return `${left}${dashes(this.inner)}${cross} ${dashes(this.widthB)} ${dashes(STEP_COLUMNS)}`;
  }

  private stateCell(side: Side, state: LadderState | null, width: number): string {
    if (state === null) return ' '.repeat(width);
    if (state.read) this.starShown = true;
    const cell = padToWidth(this.stateText(state, width), width);
    const changed = this.shown[side] !== state.name;
    this.shown[side] = state.name;
    return changed ? this.paint(BOLD, cell) : cell;
  }

  /** The name, in Chinese followed by its translation as far as the column has room. */
  private stateText(state: LadderState, width: number): string {
    const name = state.read ? `${state.name}*` : state.name;
    if (this.lang === 'en') return name;
    const translated = STATE_NAMES_ZH[STATE_NAMES.indexOf(state.name)]!;
    for (const text of [`${name} ${translated}`, `${name}${translated}`]) {
      if (displayWidth(text) <= width) return text;
    }
    return name;
  }

  private arrow(segment: LadderSegment): string {
    const { line, again, injected, right, left } = this.glyphs;
    const rightward = segment.from === 'A';
    const repeated = segment.retransmission > 0;
    const dash = segment.fate === 'injected' ? injected : repeated ? again : line;
    if (segment.fate === 'lost') return this.lostArrow(segment, rightward, dash);
    const text = this.segmentText(segment, this.inner - 7);
    const fill = (n: number) => dash.repeat(n);
    const space = this.inner - displayWidth(text) - 5;
    return rightward
      ? `${fill(3)} ${text} ${fill(space - 1)}${right}`
      : `${left}${fill(2)} ${text} ${fill(space)}`;
  }

  /** `--- SYN seq=0 ----------------X lost          `, and its mirror image. */
  private lostArrow(segment: LadderSegment, rightward: boolean, dash: string): string {
    const mark = rightward ? `X ${this.words.lost}` : `${this.words.lost} X`;
    const markWidth = displayWidth(mark);
    const text = this.segmentText(segment, this.inner - markWidth - 6);
    const room = this.inner - displayWidth(text) - 5 - markWidth;
    const gap = Math.max(0, Math.min(LOST_GAP, room - 1));
    const fill = dash.repeat(room - gap);
    const body = `${dash.repeat(3)} ${text} ${fill}`;
    return rightward ? `${body}${mark}${' '.repeat(gap)}` : `${' '.repeat(gap)}${mark}${body}`;
  }

  /** The richest description that fits. */
  private segmentText(segment: LadderSegment, columns: number): string {
    const injectedText = this.style.injectedText ?? this.words.injected;
    const remark = remarkOn(segment, injectedText, this.lang);
    const tail = remark === '' ? '' : `  ${remark}`;
    const letters = this.style.teaching ?? false;
    const candidates = [
      this.numbers(segment, letters, true, true) + tail,
      this.numbers(segment, letters, false, true) + tail,
      this.numbers(segment, letters, false, false) + tail,
      this.numbers(segment, false, false, false) + tail,
      ...(tail === '' ? [] : [this.numbers({ ...segment, ack: null }, false, false, false) + tail]),
      this.numbers(segment, false, false, false),
      compactNumbers(segment),
    ];
    return (
      candidates.find((text) => displayWidth(text) <= columns) ?? cutToWidth(compactNumbers(segment), columns)
    );
  }

  private numbers(segment: LadderSegment, letters: boolean, mss: boolean, preview: boolean): string {
    const named = (letter: string) => (letters && letter !== '' ? ` [${letter}]` : '');
    let text = `${segment.flags} seq=${segment.seq}${named(segment.seqLetter)}`;
    if (segment.ack !== null) text += ` ack=${segment.ack}${named(segment.ackLetter)}`;
    if (mss && segment.mss !== null) text += ` mss=${segment.mss}`;
    if (segment.tfo !== null) text += segment.tfo === 0 ? ' tfo?' : ` tfo=${segment.tfo}`;
    if (segment.len > 0) text += ` ${this.words.bytes(segment.len)}`;
    if (preview && segment.preview !== '') text += ` "${segment.preview}"`;
    return text;
  }

  private paint(code: string, text: string): string {
    return this.style.color && code !== '' ? `${code}${text}${PLAIN}` : text;
  }
}

function colorOf(segment: LadderSegment): string {
  if (segment.flags.includes('RST')) return RED;
  return segment.retransmission > 0 ? YELLOW : '';
}

function compactNumbers(segment: LadderSegment): string {
  const ack = segment.ack === null ? '' : ` a${segment.ack}`;
  return `${segment.flags} ${segment.seq}${ack}${segment.len > 0 ? ` n${segment.len}` : ''}`;
}

/** Seconds with three decimals, fewer when there is no room. */
function timeText(ms: number): string {
  const exact = (ms / 1000).toFixed(3);
  const text = exact.length <= TIME_COLUMNS ? exact : String(Math.round(ms / 1000));
  return text.padStart(TIME_COLUMNS);
}
