// An observed connection as plain data, and as text: the ladder, then in words how it opened and closed and what was
// remarkable on the way, each with its rule.
import { displayWidth } from '../observe/display-width.js';
import { LADDER_COLUMNS, LadderRenderer, type LadderStyle } from '../observe/ladder-render.js';
import type { LadderRow, LadderSummary } from '../observe/ladder-rows.js';
import { opposite, type Side } from '../observe/ladder-steps.js';
import { type Lang, STATE_NAMES_ZH } from '../observe/lexicon.js';
import { STATE_NAMES } from '../tcp/state.js';
import { ANALYSIS_FLAGS } from './direction.js';
import type { Closing, ObservedConnection, Opening } from './observed-connection.js';
import { type RemarkKind, ruleOf, textOfRemark } from './remarks.js';

/** One end as plain data. */
export interface EndDocument {
  readonly endpoint: string;
  /** States that it passed through, as far as they showed. */
  readonly states: readonly string[];
  readonly segments: number;
  readonly bytes: number;
  readonly retransmissions: number;
}

/** One kind of remark as plain data. */
export interface RemarkDocument {
  readonly kind: RemarkKind;
  readonly rule: string;
  readonly count: number;
  /** The first of the frames that show it. */
  readonly frames: readonly number[];
  readonly text: string;
}

/** A connection as plain data. */
export interface ConnectionDocument {
  readonly stream: number;
  readonly opening: Opening;
  readonly closing: Closing;
  readonly closedFirst: Side | null;
  readonly inTimeWait: Side | null;
  readonly durationMs: number;
  readonly handshakeMs: number;
  readonly a: EndDocument;
  readonly b: EndDocument;
  /** By the names of Wireshark's `tcp.analysis.*`. */
  readonly counts: Readonly<Record<string, number>>;
  readonly remarks: readonly RemarkDocument[];
  readonly rows: readonly LadderRow[];
  readonly rowsOmitted: number;
  readonly summary: LadderSummary;
}

/** What may not begin a line. */
const CLOSING = '，。；：、）';

/** The connection as plain data; its words in the language. */
export function connectionDocument(c: ObservedConnection, lang: Lang): ConnectionDocument {
  const counts: Record<string, number> = {};
  for (const flag of ANALYSIS_FLAGS) {
    const count = c.counts.get(flag);
    if (count !== undefined) counts[flag] = count;
  }
  return {
    stream: c.stream,
    opening: c.opening,
    closing: c.closing,
    closedFirst: c.closedFirst,
    inTimeWait: c.inTimeWait,
    durationMs: c.lastMs - c.firstMs,
    handshakeMs: c.handshakeMs,
    a: endDocument(c, 'A'),
    b: endDocument(c, 'B'),
    counts,
    remarks: remarkDocuments(c, lang),
    rows: [...c.rows.first, ...c.rows.last],
    rowsOmitted: c.rowsOmitted,
    summary: c.summary(),
  };
}

function endDocument(c: ObservedConnection, side: Side): EndDocument {
  const { segments, bytes, retransmissions } = c.directions[side];
  return { endpoint: c.name(side), states: c.states.paths[side], segments, bytes, retransmissions };
}

function remarkDocuments(c: ObservedConnection, lang: Lang): RemarkDocument[] {
  const kinds = [...new Set(c.remarks.map(({ kind }) => kind))];
  return kinds.map((kind) => {
    const all = c.remarks.filter((remark) => remark.kind === kind);
    return {
      kind,
      rule: ruleOf(kind),
      count: c.remarkCount(kind),
      frames: all.map(({ frame }) => frame),
      text: textOfRemark(all[0]!, lang),
    };
  });
}

/** The connection as lines of text. */
export function connectionText(c: ObservedConnection, style: LadderStyle): string[] {
  const lang = style.lang ?? 'en';
  const words = WORDS[lang];
  const names = { ours: words.end, peer: words.end };
  const ends = { ours: 'A', a: c.name('A'), b: c.name('B') } as const;
  const title = { left: words.stream(c.stream), right: words.size(c) };
  const renderer = new LadderRenderer(ends, { ...style, names, title });
  const { first, last } = c.rows;
  const row = (each: LadderRow) => renderer.row(each);
  return [
    ...renderer.header(),
    ...first.map(row),
    ...(c.rowsOmitted > 0 ? [`           ... ${words.omitted(c.rowsOmitted)} ...`] : []),
    ...last.map(row),
    ...renderer.footer(c.summary()),
    '',
    ...storyLines(c, lang),
  ];
}

function storyLines(c: ObservedConnection, lang: Lang): string[] {
  const words = WORDS[lang];
  const lines: string[] = [];
  const say = (text: string) => lines.push(...indented(text, 1));
  say(words.opened[c.opening](c));
  say(words.closed[c.closing](c));
  for (const side of ['A', 'B'] as const) {
    const path = c.states.paths[side].map((name) => stateName(name, lang));
    if (path.length > 0) say(`${side}: ${path.join(' -> ')}`);
  }
  if (c.inTimeWait !== null) say(words.timeWait(c.inTimeWait));
  const remarks = remarkDocuments(c, lang);
  if (remarks.length > 0) lines.push('', ` ${words.remarkable}`);
  for (const { count, frames, text, rule } of remarks) {
    const where = `#${frames.slice(0, 5).join(' #')}${count > Math.min(5, frames.length) ? ' ...' : ''}`;
    lines.push(`   ${where}${count > 1 ? ` (${count}x)` : ''}  [${rule}]`);
    lines.push(...indented(text, 5));
  }
  return lines;
}

/** The text in lines that fit below the ladder. */
function indented(text: string, spaces: number): string[] {
  return wrapped(text, LADDER_COLUMNS - spaces).map((line) => `${' '.repeat(spaces)}${line}`);
}

/** Lines of at most so many columns: broken at spaces, and between any two characters of full width. */
function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const piece of text.match(/[\u2e80-\uffef]|[^\s\u2e80-\uffef]+\s*|\s+/g) ?? []) {
    if (line !== '' && displayWidth(line + piece.trimEnd()) > columns && !CLOSING.includes(piece)) {
      lines.push(line.trimEnd());
      line = '';
    }
    line += piece;
  }
  return line === '' ? lines : [...lines, line.trimEnd()];
}

function stateName(name: string, lang: Lang): string {
  const index = (STATE_NAMES as readonly string[]).indexOf(name);
  return lang === 'zh' && index >= 0 ? `${name} ${STATE_NAMES_ZH[index]}` : name;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

interface StoryWords {
  readonly end: string;
  readonly stream: (n: number) => string;
  readonly size: (c: ObservedConnection) => string;
  readonly omitted: (n: number) => string;
  readonly remarkable: string;
  readonly timeWait: (side: Side) => string;
  readonly opened: Readonly<Record<Opening, (c: ObservedConnection) => string>>;
  readonly closed: Readonly<Record<Closing, (c: ObservedConnection) => string>>;
}

const WORDS: Readonly<Record<Lang, StoryWords>> = {
  en: {
    end: 'end',
    stream: (n) => `connection ${n}`,
    size: (c) => {
      const { A, B } = c.directions;
      return `${A.segments + B.segments} segments, ${A.bytes} bytes ->, ${B.bytes} bytes <-`;
    },
    omitted: (n) => `${n} rows not shown (--rows N shows more)`,
    remarkable: 'Remarkable:',
    timeWait: (side) =>
      `${side} stays in TIME-WAIT for 2 MSL, lest a lost last ACK or an old segment harm anybody (RFC9293 §3.6.1).`,
    opened: {
      handshake: (c) =>
        `Opened by A with a three-way handshake${c.handshakeMs > 0 ? `, SYN to SYN,ACK in ${seconds(c.handshakeMs)} s` : ''} (RFC9293 §3.5).`,
      simultaneous: () => 'Opened by both at once: their SYNs crossed (RFC9293 §3.5, Fig. 7).',
      refused: () => 'Not opened: B refused it by RST (RFC9293 §3.10.7.1).',
      unanswered: () => 'Not opened: nothing answered the SYN in this capture (RFC9293 §3.8.3).',
      'half-open': () =>
        'Half open: SYN and SYN,ACK, but no ACK that completes the handshake (RFC9293 §3.5).',
      midstream: () => 'Opened before the capture began.',
    },
    closed: {
      fin: (c) =>
        `Closed by ${c.closedFirst} first, then by ${opposite(c.closedFirst!)}: a FIN each way (RFC9293 §3.6).`,
      simultaneous: () => 'Closed by both at once: their FINs crossed (RFC9293 §3.6, Fig. 13).',
      reset: (c) => `Aborted by ${c.resetBy}: RST (RFC9293 §3.5.3).`,
      refused: () => 'There was nothing to close.',
      'half-closed': (c) =>
        `${c.closedFirst} has closed, ${opposite(c.closedFirst!)} not yet when the capture ends (RFC9293 §3.6).`,
      open: () => 'Still open when the capture ends.',
      unanswered: () => 'There was nothing to close.',
    },
  },
  zh: {
    end: '端点',
    stream: (n) => `连接 ${n}`,
    size: (c) => {
      const { A, B } = c.directions;
      return `${A.segments + B.segments} 个报文段，-> ${A.bytes} 字节，<- ${B.bytes} 字节`;
    },
    omitted: (n) => `有 ${n} 行未显示 (--rows N 可显示更多)`,
    remarkable: '值得注意：',
    timeWait: (side) =>
      `${side} 在 TIME-WAIT 停留 2MSL，以防最后的 ACK 丢失或旧报文段造成危害 (RFC9293 §3.6.1)。`,
    opened: {
      handshake: (c) =>
        `由 A 通过三次握手打开${c.handshakeMs > 0 ? `，SYN 到 SYN,ACK 用时 ${seconds(c.handshakeMs)} 秒` : ''} (RFC9293 §3.5)。`,
      simultaneous: () => '双方同时打开：SYN 交错 (RFC9293 §3.5 图 7)。',
      refused: () => '没有打开：B 用 RST 拒绝 (RFC9293 §3.10.7.1)。',
      unanswered: () => '没有打开：抓包中没有对 SYN 的任何回应 (RFC9293 §3.8.3)。',
      'half-open': () => '半打开：有 SYN 和 SYN,ACK，但没有完成握手的 ACK (RFC9293 §3.5)。',
      midstream: () => '在抓包开始之前已经打开。',
    },
    closed: {
      fin: (c) =>
        `${c.closedFirst} 先关闭，然后 ${opposite(c.closedFirst!)} 关闭：每个方向各一个 FIN (RFC9293 §3.6)。`,
      simultaneous: () => '双方同时关闭：FIN 交错 (RFC9293 §3.6 图 13)。',
      reset: (c) => `被 ${c.resetBy} 中止：RST (RFC9293 §3.5.3)。`,
      refused: () => '没有可关闭的连接。',
      'half-closed': (c) =>
        `抓包结束时 ${c.closedFirst} 已关闭，${opposite(c.closedFirst!)} 还没有 (RFC9293 §3.6)。`,
      open: () => '抓包结束时仍然打开。',
      unanswered: () => '没有可关闭的连接。',
    },
  },
};
