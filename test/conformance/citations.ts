// Which rules the tests and the drill scripts say that they prove: `RFC9293 MUST-12`, `RFC 5961 §3`.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type AnyNode, parse } from 'acorn';
import { children } from '../mutants/points.js';

/** One citation of one rule. */
export interface Citation {
  readonly rfc: number;
  /** `MUST-12`, or a section: `§3.10.7.4`. */
  readonly rule: string;
  /** Below the repository: `test/rfc9293/reset.test.ts`, `test/drill/rst-in-window.pkt`. */
  readonly file: string;
  /** Title of the test with those of the groups around it, or the line of the script. */
  readonly title: string;
}

/** Rules after the number of an RFC: `RFC9293 MUST-20 SHLD-9`, `RFC 5961 §3, §4`. */
const CITED = /\bRFC ?(\d{3,5})((?:[ ,]+(?:(?:MUST|SHLD|MAY|REC)-\d+|§\d+(?:\.\d+)*))+)/g;
const RULE = /(?:MUST|SHLD|MAY|REC)-\d+|§\d+(?:\.\d+)*/g;

/** The rules that a text cites. */
export function citedRules(text: string): { rfc: number; rule: string }[] {
  const found: { rfc: number; rule: string }[] = [];
  for (const [, rfc, rules] of text.matchAll(CITED)) {
    for (const [rule] of rules!.matchAll(RULE)) found.push({ rfc: Number(rfc), rule });
  }
  return found;
}

/** Every citation of the compiled tests and of the scripts, by file. */
export function readCitations(root: string): Citation[] {
  return [...citationsOfTests(root), ...citationsOfScripts(root)];
}

function* citationsOfTests(root: string): Iterable<Citation> {
  const compiled = join(root, 'dist/test');
  for (const path of filesBelow(compiled, '.test.js')) {
    const file = `test/${relative(compiled, path).replace(/\.js$/, '.ts')}`;
    // What an earlier build has left is no test.
    if (!existsSync(join(root, file))) continue;
    for (const title of titlesOf(readFileSync(path, 'utf8'))) {
      for (const { rfc, rule } of citedRules(title)) yield { rfc, rule, file, title };
    }
  }
}

/** A script says so in its head: `// proves: RFC9293 MUST-12, RFC 5961 §3`. */
function* citationsOfScripts(root: string): Iterable<Citation> {
  const folder = join(root, 'test/drill');
  if (!existsSync(folder)) return;
  for (const path of filesBelow(folder, '.pkt')) {
    const lines = readFileSync(path, 'utf8').split('\n');
    for (const line of lines) {
      const proves = /^\s*\/\/\s*proves:\s*(.*)$/.exec(line)?.[1];
      if (proves === undefined) continue;
      for (const { rfc, rule } of citedRules(proves)) {
        yield { rfc, rule, file: relative(root, path), title: line.trim() };
      }
    }
  }
}

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** Titles of all cases of a test file, each with its groups before it. What is computed in a title shows as `…`. */
export function titlesOf(script: string): string[] {
  const titles: string[] = [];
  const visit = (node: AnyNode, groups: readonly string[]) => {
    let inside = groups;
    if (node.type === 'CallExpression' && node.callee.type === 'Identifier') {
      const title = titleOf(node.arguments[0], script);
      if (node.callee.name === 'describe' && title !== null) inside = [...groups, title];
      else if ((node.callee.name === 'test' || node.callee.name === 'it') && title !== null) {
        titles.push([...groups, title].join(' > '));
      }
    }
    for (const { child } of children(node)) visit(child, inside);
  };
  visit(parse(script, { ecmaVersion: 2022, sourceType: 'module' }), []);
  return titles;
}

function titleOf(node: AnyNode | undefined, script: string): string | null {
  if (node?.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node?.type !== 'TemplateLiteral') return null;
  return script.slice(node.start + 1, node.end - 1).replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, '…');
}
