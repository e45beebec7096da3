// docs/conformance.md: how it is written, and whether what stands there is still true.
import { posix } from 'node:path';
import type { Matrix, Row, Table } from './matrix.js';
import { levelOf } from './rules.js';

const HEAD = `# Conformance

Which rules of the TCP RFCs synwave follows, and the tests that prove it. Written by \`scripts/rfc-coverage\` from the rules in
\`test/conformance/\` (in our words; the RFC is what counts) and from the titles of the tests and the heads of the scripts, which
cite the rule they prove. \`scripts/rfc-coverage RFC9293 MUST-12\` tells the tests of one rule by name, \`scripts/rfc-coverage
--check\` whether this page is true; the tests run it.

A rule counts as proved when at least one test that cites it passes. Not proved are rules that do not concern a stack like this, and
some that are not done; each says why.
`;

/** The whole document. */
export function writeDocument(matrix: Matrix): string {
  const parts = [HEAD, summary(matrix.tables)];
  for (const table of matrix.tables) parts.push(section(table));
  return `${parts.join('\n')}`;
}

function summary(tables: readonly Table[]): string {
  const lines = ['| RFC | rules | proved | do not apply | not done |', '| --- | ---: | ---: | ---: | ---: |'];
  for (const { book, rows } of tables) {
    const count = (test: (row: Row) => boolean) => rows.filter(test).length;
    const proved = count((row) => row.proofs.length > 0);
    const foreign = count((row) => row.rule.inapplicable !== undefined);
    const link = `[${book.rfc}](#rfc-${book.rfc}) ${book.title}`;
    lines.push(`| ${link} | ${rows.length} | ${proved} | ${foreign} | ${rows.length - proved - foreign} |`);
  }
  return `${lines.join('\n')}\n`;
}

function section({ book, rows }: Table): string {
  const lines = [
    `## RFC ${book.rfc}`,
    '',
    book.title,
    '',
    '| rule | level | what it demands | proof |',
    '| --- | --- | --- | --- |',
  ];
  for (const row of rows) lines.push(line(row));
  return `${lines.join('\n')}\n`;
}

function line(row: Row): string {
  const { rule } = row;
  const name = rule.section === undefined ? rule.id : `${rule.id} (§${rule.section})`;
  return `| ${name} | ${levelOf(rule)} | ${cell(rule.rule)} | ${proofCell(row)} |`;
}

function proofCell({ rule, proofs }: Row): string {
  if (rule.inapplicable !== undefined) return `does not apply: ${cell(rule.inapplicable)}`;
  const files = [...new Set(proofs.map((one) => one.file))].sort();
  const links = files.map((file) => `[${nameOf(file)}](${posix.relative('docs', file)})`).join(' ');
  if (rule.see !== undefined) return `as ${rule.see}: ${links}`;
  if (rule.undone === undefined) return links;
  return `${links === '' ? 'not done' : `${links}, in part`}: ${cell(rule.undone)}`;
}

function nameOf(file: string): string {
  return file.replace(/^test\//, '').replace(/\.(test\.ts|pkt)$/, '');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

/**
 * Compares the document with what it should say.
 * @returns `wrong`: lines that are not true any more; `missing`: proofs that came since, which it does not name yet
 */
export function compareDocument(text: string, matrix: Matrix): { wrong: string[]; missing: number } {
  const wrong: string[] = [];
  const told = rowsOf(text);
  const due = rowsOf(writeDocument(matrix));
  let missing = 0;
  for (const [name, row] of due) {
    const stands = told.get(name);
    if (stands === undefined) {
      wrong.push(`${name}: has no row`);
      continue;
    }
    if (stands.words !== row.words) wrong.push(`${name}: says "${stands.words}", is "${row.words}"`);
    for (const link of stands.links) {
      if (!row.links.has(link)) wrong.push(`${name}: names ${link}, which does not prove it`);
    }
    for (const link of row.links) if (!stands.links.has(link)) missing++;
  }
  for (const name of told.keys()) if (!due.has(name)) wrong.push(`${name}: is no rule`);
  return { wrong, missing };
}

/** The rows of the tables of rules: what they say, apart from the links. */
function rowsOf(text: string): Map<string, { words: string; links: Set<string> }> {
  const rows = new Map<string, { words: string; links: Set<string> }>();
  let rfc = '';
  for (const line of text.split('\n')) {
    rfc = /^## (RFC \d+)$/.exec(line)?.[1] ?? rfc;
    if (rfc === '' || !line.startsWith('| ') || /^\| (rule|---)/.test(line)) continue;
    const links = new Set([...line.matchAll(/\]\(([^)]*)\)/g)].map((match) => match[1]!));
    // A proof that came since may make "not done" a "done in part"; the reason beside it stands.
    const words = line.replace(/\[[^\]]*\]\([^)]*\) ?/g, '').replace(/\| (not done|, in part): /, '| ');
    const rule = /^\| ([^|]*?) \|/.exec(line)?.[1] ?? '';
    let name = `${rfc} ${rule}`;
    while (rows.has(name)) name += ' again';
    rows.set(name, { words, links });
  }
  return rows;
}
