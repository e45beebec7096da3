import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spreadOf } from './statistics.js';

test('the median of rounds is that of the middle, whatever their order', () => {
  assert.deepEqual(spreadOf([3, 1, 2]), { median: 2, low: 1, high: 3 });
  assert.deepEqual(spreadOf([10, 9, 100, 8]), { median: 9.5, low: 8, high: 100 });
  assert.deepEqual(spreadOf([5]), { median: 5, low: 5, high: 5 });
});
