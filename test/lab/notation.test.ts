// The notation of expectations: what it says, and what it refuses.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExpectation } from '../../src/lab/notation.js';

test('a line tells direction, flags, numbers, payload, fate, repetition and states', () => {
  const [line] = parseExpectation('? lost A>B FA 4 a-9 [10] x2..4 | FIN-WAIT-1 | CLOSE-WAIT*  # u', 'sim');
  assert.deepEqual(
    { ...line, line: undefined },
    {
      line: undefined,
      from: 'A',
      flags: 'AF',
      seq: 4,
      ack: -9,
      len: 10,
      fate: 'lost',
      optional: true,
      least: 2,
      most: 4,
      a: 'FIN-WAIT-1',
      b: 'CLOSE-WAIT',
      read: true,
    },
  );
});

test('a line of the other world is passed over', () => {
  const source = 'kernel: A>B S 0\nsim: A>B S 1';
  assert.deepEqual(
    parseExpectation(source, 'kernel').map(({ seq }) => seq),
    [0],
  );
  assert.deepEqual(
    parseExpectation(source, 'sim').map(({ seq }) => seq),
    [1],
  );
});

for (const line of ['A>A S 0', 'A>B 0', 'A>B S x', 'A>B S 0 | SYN-SEEN']) {
  test(`"${line}" is refused with its text and a code`, () => {
    assert.throws(() => parseExpectation(line, 'sim'), {
      code: 'ERR_SYNWAVE_LAB_NOTATION',
      message: new RegExp(`"${line.replaceAll('|', '\\|')}"`),
    });
  });
}
