// docs/conformance.md is true, no rule is without a proof or a reason, and the account would notice if it were not so.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Citation, citedRules, readCitations, titlesOf } from './citations.js';
import { compareDocument, writeDocument } from './document.js';
import { makeMatrix } from './matrix.js';
import { type Rule, readRuleBooks } from './rules.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '../../..');

describe('the account', () => {
  const matrix = makeMatrix(readRuleBooks(root), readCitations(root));

  test('every rule has a test that cites it, or a reason', () => {
    assert.deepEqual(matrix.problems, []);
  });

  test('all 119 numbered requirements of RFC 9293 are there', () => {
    const ids = matrix.tables[0]!.rows.map((row) => row.rule.id);
    const numbered = (prefix: string, n: number) => Array.from({ length: n }, (_, i) => `${prefix}-${i + 1}`);
    const due = [...numbered('MUST', 69), ...numbered('SHLD', 31), ...numbered('MAY', 18), 'REC-1'];
    assert.deepEqual(ids.toSorted(), due.toSorted());
  });

  test('docs/conformance.md says nothing that is not so', () => {
    const { wrong } = compareDocument(readFileSync(join(root, 'docs/conformance.md'), 'utf8'), matrix);
    assert.deepEqual(wrong, [], 'scripts/rfc-coverage writes it anew');
  });
});

describe('citations', () => {
  test('are read with all numbers and sections that follow the RFC', () => {
    assert.deepEqual(citedRules('RFC9293 MUST-20 SHLD-9, RFC 5961 §3, §4.2: so RFC 793 says'), [
      { rfc: 9293, rule: 'MUST-20' },
      { rfc: 9293, rule: 'SHLD-9' },
      { rfc: 5961, rule: '§3' },
      { rfc: 5961, rule: '§4.2' },
    ]);
  });

  test('stand in titles, with those of the groups around', () => {
    const inner = 'for (const a of b) test(`with $' + '{a.map((x) => `$' + '{x}`)} it`, () => {});';
    const script = `describe('RFC1 §2', () => { ${inner} });`;
    assert.deepEqual(titlesOf(`${script} it('alone', () => test.name);`), ['RFC1 §2 > with … it', 'alone']);
  });
});

describe('what the account notices', () => {
  const proof: Citation = {
    rfc: 9293,
    rule: 'MUST-1',
    file: 'test/a.test.ts',
    title: 'RFC9293 MUST-1: windows',
  };
  const account = (rule: Partial<Rule>, ...citations: Citation[]) =>
    makeMatrix([{ rfc: 9293, title: 'TCP', rules: [{ id: 'MUST-1', rule: 'windows', ...rule }] }], citations);

  const cases: [string, Partial<Rule>, Citation[], RegExp | null][] = [
    ['a proof', {}, [proof], null],
    ['no proof', {}, [], /MUST-1 \(a MUST\): no test cites it/],
    ['no proof, and a reason why it does not apply', { inapplicable: 'none' }, [], null],
    ['a proof of what does not apply', { inapplicable: 'none' }, [proof], /said not to apply/],
    ['a MUST that is not done', { undone: 'later' }, [], /a MUST that applies has no test/],
    ['a SHOULD that is not done', { id: 'SHLD-1', undone: 'later' }, [], null],
    ['a number that there is not', {}, [proof, { ...proof, rule: 'MUST-99' }], /MUST-99, which there is not/],
    ['a rule that another proves', { see: 'RFC 5555 §2' }, [{ ...proof, rfc: 5555, rule: '§2' }], null],
    ['a rule that another does not prove', { id: 'MUST-1', see: 'RFC 5555 §2' }, [proof], /no test cites it/],
    ['a proof that is not the one meant', { tests: ['shut'] }, [proof], /has "shut" in its path or title/],
  ];
  for (const [name, rule, citations, problem] of cases) {
    test(name, () => {
      const { problems } = account(rule, ...citations);
      if (problem === null) assert.deepEqual(problems, []);
      else assert.match(problems.join('\n'), problem);
    });
  }

  test('a document that names a proof which is gone, or says something else of the rule', () => {
    const before = account({}, proof);
    const text = writeDocument(before);
    assert.deepEqual(compareDocument(text, before), { wrong: [], missing: 0 });
    const other = { ...proof, file: 'test/b.test.ts' };
    assert.deepEqual(compareDocument(text, account({}, proof, other)), { wrong: [], missing: 1 });
    assert.match(
      compareDocument(text, account({}, other)).wrong[0]!,
      /names .*a\.test\.ts, which does not prove it/,
    );
    assert.match(
      compareDocument(text, account({ rule: 'shut' }, proof)).wrong[0]!,
      /says .*windows.*is .*shut/,
    );
    assert.match(compareDocument('', before).wrong[0]!, /has no row/);
  });
});
