// Terminal columns of text.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { centreToWidth, cutToWidth, displayWidth, padToWidth } from '../../src/observe/display-width.js';

test('display width: wide and fullwidth take two columns, combining none, ambiguous one', () => {
  const expected: [string, number][] = [
    ['ESTABLISHED 已建立', 18],
    ['，。（）', 8],
    ['ﾊﾝｶｸ', 4],
    ['e\u0301', 1],
    ['→─│', 3],
    ['한국', 4],
    ['😀', 2],
    ['𠀀', 2],
    ['', 0],
  ];
  for (const [text, columns] of expected) assert.equal(displayWidth(text), columns, text);
});

test('display width: cutting never splits a wide character', () => {
  assert.equal(cutToWidth('已建立', 5), '已建');
  assert.equal(padToWidth('已建立', 5), '已建 ');
  assert.equal(padToWidth('ab', 5, '-'), 'ab---');
  assert.equal(centreToWidth('已', 5), ' 已  ');
});
