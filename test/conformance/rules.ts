// The rules that the stack is measured by, one file of JSON for each RFC beside this one, in our own words.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One rule of an RFC. */
export interface Rule {
  /** `MUST-12`, or the section that states it: `§3.2`. */
  readonly id: string;
  /** Section, for rules that have a number. */
  readonly section?: string;
  /** `MUST`, `SHOULD`, `MAY`; follows from the number where there is one. */
  readonly level?: string;
  readonly rule: string;
  /** Of the tests that cite the section only those whose path or title holds one of these words prove this rule. */
  readonly tests?: readonly string[];
  /** The rule of another RFC that says the same, and whose tests prove this one: `RFC9293 MUST-18`. */
  readonly see?: string;
  /** Why it does not concern a stack like this. */
  readonly inapplicable?: string;
  /** Why it is not done, or is done otherwise. */
  readonly undone?: string;
}

/** What one RFC demands. */
export interface RuleBook {
  readonly rfc: number;
  readonly title: string;
  readonly rules: readonly Rule[];
}

/** Reads all rule books, RFC 9293 first. */
export function readRuleBooks(root: string): RuleBook[] {
  const folder = join(root, 'test/conformance');
  return readdirSync(folder)
    .filter((name) => /^rfc\d+\.json$/.test(name))
    .map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as RuleBook)
    .sort((a, b) => Number(b.rfc === 9293) - Number(a.rfc === 9293) || a.rfc - b.rfc);
}

/** `MUST`, `SHOULD` or `MAY`. */
export function levelOf(rule: Rule): string {
  if (rule.level !== undefined) return rule.level;
  const names: Record<string, string> = { MUST: 'MUST', SHLD: 'SHOULD', MAY: 'MAY', REC: 'RECOMMENDED' };
  return names[rule.id.split('-')[0]!] ?? '';
}
