// Rules against citations: what is proved, what is not and why, and what is wrong with the account itself.
import { type Citation, citedRules } from './citations.js';
import { levelOf, type Rule, type RuleBook } from './rules.js';

/** A rule with what proves it. */
export interface Row {
  readonly rule: Rule;
  readonly proofs: readonly Citation[];
}

/** One RFC. */
export interface Table {
  readonly book: RuleBook;
  readonly rows: readonly Row[];
}

/** The whole account. */
export interface Matrix {
  readonly tables: readonly Table[];
  /** What must be mended, each a sentence; empty when all is well. */
  readonly problems: readonly string[];
}

/** Joins rules and citations. */
export function makeMatrix(books: readonly RuleBook[], citations: readonly Citation[]): Matrix {
  const problems: string[] = [];
  const tables = books.map((book): Table => {
    const own = citations.filter((one) => one.rfc === book.rfc);
    const rows = book.rules.map(
      (rule): Row => ({ rule, proofs: citations.filter((one) => proves(one, book, rule)) }),
    );
    for (const row of rows) problems.push(...problemsOf(book, row));
    problems.push(...unknownNumbers(book, own));
    return { book, rows };
  });
  return { tables, problems };
}

function proves(citation: Citation, book: RuleBook, rule: Rule): boolean {
  const [meant] = rule.see === undefined ? [{ rfc: book.rfc, rule: rule.id }] : citedRules(rule.see);
  if (citation.rfc !== meant?.rfc || citation.rule !== meant.rule) return false;
  return rule.tests?.some((word) => `${citation.file} ${citation.title}`.includes(word)) ?? true;
}

function problemsOf(book: RuleBook, { rule, proofs }: Row): string[] {
  const name = `RFC ${book.rfc} ${rule.id}`;
  const problems: string[] = [];
  const reason = rule.inapplicable ?? rule.undone;
  if (rule.inapplicable !== undefined && rule.undone !== undefined) problems.push(`${name}: two reasons`);
  if (rule.inapplicable !== undefined && proofs.length > 0) {
    problems.push(`${name}: said not to apply, but ${proofs[0]!.file} proves it`);
  }
  if (proofs.length === 0 && reason === undefined) {
    const what = levelOf(rule) === 'MUST' ? 'a MUST' : `a ${levelOf(rule)}`;
    problems.push(
      `${name} (${what}): no test cites it${rule.tests ? ` with ${rule.tests.join(' or ')}` : ''}: ${rule.rule}`,
    );
  }
  if (proofs.length === 0 && rule.undone !== undefined && levelOf(rule) === 'MUST' && book.rfc === 9293) {
    problems.push(`${name}: a MUST that applies has no test`);
  }
  for (const word of rule.tests ?? []) {
    const found = proofs.some((one) => `${one.file} ${one.title}`.includes(word));
    if (!found) problems.push(`${name}: no test that cites it has "${word}" in its path or title`);
  }
  return problems;
}

/** A number that the RFC has not is a slip of the pen. Sections need not all have a row. */
function unknownNumbers(book: RuleBook, citations: readonly Citation[]): string[] {
  const known = new Set(book.rules.map((rule) => rule.id));
  return citations
    .filter((one) => !one.rule.startsWith('§') && !known.has(one.rule))
    .map((one) => `${one.file}: "${one.title}" cites RFC ${book.rfc} ${one.rule}, which there is not`);
}
