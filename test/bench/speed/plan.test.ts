import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionOf, casesOf, caseText, GROUPS, PORT, portOf, SCENARIOS, turned } from './plan.js';

const all = casesOf({ quick: false, only: null });

test('both directions are measured at three MTUs, with offload and without, over 1, 10 and 100 connections', () => {
  for (const scenario of ['recv', 'send'] as const) {
    const cases = all.filter((each) => each.group === 'speed' && each.scenario === scenario);
    assert.equal(new Set(cases.map(caseText)).size, 3 * 2 * 3);
    assert.ok(cases.every(({ kinds }) => kinds.includes('kernel') && kinds.includes('node')));
    const usual = cases.filter(({ setting }) => setting.mtu === 1500);
    assert.ok(
      usual.every(({ kinds }) => kinds.includes('crude')),
      'with the ceiling',
    );
  }
});

test('lwIP takes part at the MTU of its MSS, in all that a program on it can do, and nowhere that ours is compared with itself', () => {
  const withLwip = all.filter(({ kinds }) => kinds.includes('lwip'));
  assert.ok(withLwip.every(({ group, setting }) => group === 'speed' && setting.mtu === 1500));
  const scenarios = new Set(withLwip.map(({ scenario }) => scenario));
  assert.deepEqual([...scenarios], ['recv', 'send', 'ping', 'connect', 'crr', 'raw', 'memory']);
  const bulk = withLwip.filter(({ scenario }) => scenario === 'recv');
  assert.deepEqual(new Set(bulk.map(({ setting }) => setting.offload)), new Set([true, false]));
});

test('slirp4netns takes part where nothing is left to a device, and where messages are short', () => {
  const withSlirp = all.filter(({ kinds }) => kinds.includes('slirp'));
  const bulk = withSlirp.filter(({ scenario }) => scenario === 'recv' || scenario === 'send');
  assert.deepEqual(
    new Set(bulk.map(({ setting }) => `${setting.mtu} ${setting.offload}`)),
    new Set(['1500 false', '65535 false']),
  );
  const others = new Set(withSlirp.filter((each) => !bulk.includes(each)).map(({ scenario }) => scenario));
  assert.deepEqual([...others], ['ping', 'connect', 'crr', 'raw']);
});

test('a kind that cannot be measured here is left out, and nothing else with it', () => {
  const without = casesOf({ quick: false, only: null }, ['lwip']);
  assert.deepEqual(without.map(caseText), all.map(caseText));
  assert.deepEqual(
    without.map(({ kinds }) => kinds),
    all.map(({ kinds }) => kinds.filter((kind) => kind !== 'lwip')),
  );
});

test('every scenario is in the plan, and under names of its own', () => {
  assert.deepEqual(new Set(all.map(({ scenario }) => scenario)), new Set(SCENARIOS));
  assert.deepEqual(new Set(all.map(({ group }) => group)), new Set(GROUPS));
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
  const cores = casesOf({ quick: false, only: ['cores'] });
  assert.ok(
    cores.length > 1 && cores.every(({ group, kinds }) => group === 'cores' && kinds.includes('workers')),
  );
  assert.ok(casesOf({ quick: false, only: ['recv'] }).every(({ group }) => group === 'speed'));
  assert.ok(
    casesOf({ quick: true, only: null }).every(({ group }) => group !== 'long'),
    'nothing long is quick',
  );
});

test('cases are chosen by their names, columns by theirs, and no case is left without one', () => {
  const some = casesOf({ quick: false, only: null, cases: /^(crowd )?crr ×50,/u, kinds: ['ours', 'node'] });
  assert.deepEqual(
    some.map((each) => [caseText(each), each.kinds.join()]),
    [
      ['crr ×50, MTU 1500', 'ours,node'],
      ['crowd crr ×50, MTU 1500', 'ours'],
    ],
  );
  const ceilings = casesOf({ quick: false, only: null, kinds: ['crude'] });
  assert.ok(ceilings.length > 1 && ceilings.every(({ kinds }) => kinds.join() === 'crude'));
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
