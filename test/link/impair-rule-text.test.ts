import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RuleError } from '../../src/link/impair-numbers.js';
import { parseRule } from '../../src/link/impair-rule-text.js';

test('text becomes match and act', () => {
  const cases = [
    ['drop dir=out flags=FA nth=1', { dir: 'out', flags: 'FA', nth: '1' }, { kind: 'drop' }],
    ['  delay   ms=1.5 dir=in has=F ', { dir: 'in', has: 'F' }, { kind: 'delay', ms: 1.5 }],
    ['dup len=>0', { len: '>0' }, { kind: 'dup', copies: 1, gapMs: 0 }],
    ['dup copies=3 gap=10', {}, { kind: 'dup', copies: 3, gapMs: 10 }],
    [
      'reorder relseq=-1..5 => flags=FA',
      { relSeq: '-1..5' },
      { kind: 'reorder', after: { flags: 'FA' }, maxMs: 1000 },
    ],
    ['reorder max=5', {}, { kind: 'reorder', after: null, maxMs: 5 }],
    ['hold until=x line=yes port=80', { port: '80' }, { kind: 'hold', until: 'x', line: true }],
    ['HOLD until=x', {}, { kind: 'hold', until: 'x', line: false }],
    [
      'inject flags=S => dir=in flags=RA seq=0 relack=1 payload=hex:00ff delay=2',
      { flags: 'S' },
      {
        kind: 'inject',
        segment: { dir: 'in', flags: 'RA', seq: 0, relAck: 1, payload: Uint8Array.of(0, 255), delayMs: 2 },
      },
    ],
  ] as const;
  for (const [text, match, act] of cases) {
    const rule = parseRule(text);
    assert.deepEqual(rule.match, match, text);
    assert.deepEqual(rule.act, act, text);
    assert.equal(rule.text, text);
  }
});

test('what cannot be understood is refused with code, column and remedy', () => {
  const cases: [string, number, RegExp][] = [
    ['', 1, /begin with drop/],
    ['lose dir=in', 1, /"lose" is not an act; begin with drop/],
    ['drop dir=sideways', 10, /in or out/],
    ['drop dir=in flags=FQ', 19, /S F R A P U E C/],
    ['drop nth=first', 10, />0, <=3, !=1 or 1..3/],
    ['drop dir', 6, /not name=value/],
    ['drop dir=in dir=out', 13, /twice/],
    ['drop  colour=red', 7, /colour means nothing here; use dir, flags/],
    ['drop host=10.9.0', 11, /10\.9\.0\.1/],
    ['delay dir=in', 1, /ms=/],
    ['delay ms=-1', 10, /from 0/],
    ['hold dir=in', 1, /until=/],
    ['drop dir=in => flags=F', 13, /nothing after =>/],
    ['rewrite dir=in', 15, /needs =>/],
    ['rewrite => colour=red', 12, /use flags, relseq/],
    ['inject => flags=S seq=1', 8, /dir=/],
    ['inject => dir=in flags=S', 8, /exactly one of seq and relSeq/],
    ['inject => dir=in flags=S seq=1 payload=hex:0', 40, /even number/],
    ['dup copies=5000', 12, /from 1 to 1000/],
  ];
  for (const [text, column, remedy] of cases) {
    assert.throws(
      () => parseRule(text),
      (error) => {
        assert.ok(error instanceof RuleError, text);
        assert.equal(error.code, 'ERR_SYNWAVE_RULE');
        assert.equal(error.column, column, `${text}: ${error.message}`);
        assert.match(error.message, remedy);
        return true;
      },
    );
  }
});
