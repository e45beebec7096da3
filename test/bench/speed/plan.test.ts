import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionOf, casesOf, caseText, PORT, portOf, SCENARIOS, turned } from './plan.js';

const all = casesOf({ quick: false, only: null });

test('both directions are measured at three MTUs, with offload and without, over 1, 10 and 100 connections', () => {
  for (const scenario of ['recv', 'send'] as const) {
    const cases = all.filter((each) => each.scenario === scenario);
    assert.equal(new Set(cases.map(caseText)).size, 3 * 2 * 3);
    assert.ok(cases.every(({ kinds }) => kinds.includes('crude') && kinds.includes('node')));
  }
});

test('every scenario is in the plan, and under names of its own', () => {
  assert.deepEqual(new Set(all.map(({ scenario }) => scenario)), new Set(SCENARIOS));
  assert.equal(new Set(all.map(caseText)).size, all.length);
});

test('a quick plan is a part of the whole one', () => {
  const quick = casesOf({ quick: true, only: null }).filter(({ scenario }) => scenario !== 'memory');
  const names = new Set(all.map(caseText));
  assert.ok(quick.length < all.length / 2);
  assert.deepEqual(
    quick.filter((each) => !names.has(caseText(each))),
    [],
  );
});

test('only what was asked for is planned', () => {
  assert.deepEqual(
    new Set(casesOf({ quick: false, only: ['crr'] }).map((each) => each.scenario)),
    new Set(['crr']),
  );
  assert.deepEqual(casesOf({ quick: false, only: [] }), []);
});

test('what a stack receives the load sends, and to the sink', () => {
  const [recv] = casesOf({ quick: true, only: ['recv'] });
  assert.equal(actionOf('recv'), 'send');
  assert.equal(actionOf('send'), 'receive');
  assert.equal(portOf(recv!), PORT.sink);
  const large = all.find(({ scenario, bytes }) => scenario === 'http' && bytes > 64);
  assert.equal(portOf(large!), PORT.httpLarge);
});

test('nobody is always the first, nor always behind the same other', () => {
  assert.deepEqual(turned(['a', 'b', 'c'], 0), ['a', 'b', 'c']);
  assert.deepEqual(turned(['a', 'b', 'c'], 4), ['b', 'c', 'a']);
});
