// docs/state-event.md: what the oracle says of every state and every class of segment, as tables that people can read.
import { arriving, eventsOf, FLAGS, sequenceClasses, WINDOWS } from './segment-classes.js';
import { closedOutcome, listenOutcome, type Outcome, outcomeOf, type Situation } from './segment-oracle.js';
import { type Named, SITUATIONS } from './situations.js';

const HEAD = `# State × event

What becomes of a segment in each of the eleven states: RFC 9293 §3.10.7 with RFC 5961 (challenge ACKs) and RFC 1337 (TIME-WAIT).
Printed by \`scripts/rfc-coverage\` from the oracle of the tests, \`test/rfc9293/segment-oracle.ts\`, which is written from the
documents and knows nothing of the implementation. \`test/rfc9293/state-event.test.ts\` brings a connection into each state and
sends it every segment of this page: each set of SYN, FIN, RST, ACK and URG (with PSH), at each place of the sequence space,
with each acknowledgment, with and without data, with a window and with none, into an open and into a shut receive window.

Rows that read alike stand together. \`S F R A U\` are the flags; a star is a flag that makes no difference.

* **SND.UNA 101, SND.NXT 151** (152 with our FIN), **RCV.NXT 21** and a window of 2980 octets stand behind "old", "inside" and so on:
  every state has 50 octets of ours in flight where it can.
* \`-\` nothing happens and nothing is answered. **ACK** is an acknowledgment with SND.NXT and RCV.NXT, also where RFC 5961 calls it a
  challenge; *ACK?* may be left out. **RST** bears SEG.ACK as its number. **SYN-ACK** is ours again.
* "text" is delivered to the application, "UNA" advances SND.UNA, "WND" takes the window of the segment. *→ STATE* is a transition.
* Acknowledgments are *too old* (before SND.UNA - MAX.SND.WND), *old* (before SND.UNA), *una* (SND.UNA itself), *part* (some of what
  is in flight), *all* (SND.NXT) or *unsent* (beyond SND.NXT).
`;

/** The whole page. */
export function writeStateEventPage(): string {
  return `${[HEAD, closed(), listen(), ...SITUATIONS.map(table)].join('\n')}`;
}

function closed(): string {
  const rows = new Map<string, string[]>();
  for (const letters of FLAGS) {
    const outcome = closedOutcome(arriving(letters, 1000, 2000, 0, 0));
    const words =
      outcome === null
        ? '-'
        : outcome.ack === null
          ? 'RST, seq = SEG.ACK'
          : 'RST ACK, seq = 0, ack = SEG.SEQ + SEG.LEN';
    gather(rows, words, letters);
  }
  return twoColumns('CLOSED', rows);
}

function listen(): string {
  const rows = new Map<string, string[]>();
  const words = { open: '→ SYN-RECEIVED, SYN-ACK', reset: 'RST, seq = SEG.ACK', ignore: '-' };
  for (const letters of FLAGS)
    gather(rows, words[listenOutcome(arriving(letters, 1000, 2000, 0, 0))], letters);
  return twoColumns('LISTEN', rows);
}

function twoColumns(title: string, rows: ReadonlyMap<string, readonly string[]>): string {
  const lines = [`## ${title}`, '', '| flags | outcome |', '| --- | --- |'];
  for (const [words, flags] of rows) lines.push(`| ${flagSets(flags)} | ${words} |`);
  return `${lines.join('\n')}\n`;
}

function gather<K>(rows: Map<K, string[]>, key: K, value: string): void {
  const there = rows.get(key);
  if (there === undefined) rows.set(key, [value]);
  else there.push(value);
}

/** One situation: a row for each set of flags, a column for each place of the sequence space. */
function table({ name, situation }: Named): string {
  const places = Object.keys(sequenceClasses(situation));
  const rows = new Map<string, string[]>();
  for (const letters of FLAGS) {
    const cells = places.map((place) => cellText(situation, letters, place));
    gather(rows, cells.join(' | '), letters);
  }
  const lines = [
    `## ${name}`,
    '',
    `| flags | ${places.join(' | ')} |`,
    `| --- |${' --- |'.repeat(places.length)}`,
  ];
  for (const [cells, flags] of rows) lines.push(`| ${flagSets(flags)} | ${cells} |`);
  return `${lines.join('\n')}\n`;
}

const SHORT_ACKS: Record<string, string> = {
  'far past': 'too old',
  'too old': 'too old',
  oldest: 'old',
  old: 'old',
  'SND.UNA': 'una',
  partial: 'part',
  'SND.NXT': 'all',
  unsent: 'unsent',
  'far future': 'unsent',
};

/** The outcomes of a cell; where they differ, by acknowledgment, and then by data. */
function cellText(situation: Situation, letters: string, place: string): string {
  const byAck = new Map<string, Map<string, Set<string>>>();
  for (const { segment, seqClass, ackClass } of eventsOf(situation, letters)) {
    if (seqClass !== place) continue;
    const ack = SHORT_ACKS[ackClass] ?? '';
    const byData = byAck.get(ack) ?? new Map<string, Set<string>>();
    byAck.set(ack, byData);
    const data = segment.data > 0 ? 'data' : 'no data';
    const words = byData.get(data) ?? new Set<string>();
    byData.set(data, words);
    const takesWindow = WINDOWS.every((wnd) => outcomeOf(situation, { ...segment, wnd }).sndWnd === wnd);
    words.add(outcomeText(situation, outcomeOf(situation, segment), takesWindow));
  }
  if (byAck.size === 0) return 'a new connection may begin';
  const outcomes = new Map<string, string[]>();
  for (const [ack, byData] of byAck) gather(outcomes, dataText(byData), ack);
  if (outcomes.size === 1) return [...outcomes.keys()][0]!;
  return [...outcomes].map(([words, acks]) => `*${acks.join(', ')}:* ${words}`).join('<br>');
}

function dataText(byData: ReadonlyMap<string, ReadonlySet<string>>): string {
  const texts = [...byData].map(([data, words]) => [data, [...words].join(' or ')] as const);
  const [first] = texts;
  if (texts.every(([, words]) => words === first![1])) return first![1];
  return texts.map(([data, words]) => `${words} (${data})`).join('; ');
}

function outcomeText(before: Situation, after: Outcome, takesWindow: boolean): string {
  const parts: string[] = [];
  if (after.delivered > 0) parts.push('text');
  if (after.una > before.una && after.state !== 'CLOSED') parts.push('UNA');
  if (takesWindow && after.state !== 'CLOSED') parts.push('WND');
  if (after.state !== before.state) parts.push(`→ ${after.state}`);
  const replies = { none: '', ack: '**ACK**', 'ack?': '*ACK?*', synack: '**SYN-ACK**', rst: '**RST**' };
  if (replies[after.reply] !== '') parts.push(replies[after.reply]);
  return parts.length === 0 ? '-' : parts.join(', ');
}

/** Sets of flags with a star where both with and without it are there: `SF*` for SF and SFA. */
function flagSets(sets: readonly string[]): string {
  // Ternary patterns over the five flags: 0, 1, or 2 for "makes no difference"; joined as long as two differ in one place.
  const order = ['S', 'F', 'R', 'A', 'U'];
  let patterns = sets.map((set) => order.map((flag) => (set.includes(flag) ? 1 : 0)) as number[]);
  for (let i = 0; i < order.length; i++) {
    const joined = new Map<string, number[]>();
    for (const pattern of patterns) {
      const key = pattern.map((value, at) => (at === i ? '-' : value)).join('');
      const other = joined.get(key);
      joined.set(key, other === undefined ? pattern : pattern.map((value, at) => (at === i ? 2 : value)));
    }
    patterns = [...joined.values()];
  }
  const words = (pattern: readonly number[]) => {
    const all = pattern.map((value, i) => (value === 0 ? '' : value === 1 ? order[i]! : `${order[i]!}\\*`));
    return all.join('') || 'none';
  };
  return patterns.map(words).join(', ');
}
