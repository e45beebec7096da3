import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BurstLossModel, Xoshiro128 } from '../../src/link/impair-random.js';

test('xoshiro128** gives the numbers of the reference implementation from state 1, 2, 3, 4', () => {
  const random = new Xoshiro128([1, 2, 3, 4]);
  const expected = [
    11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
  ];
  assert.deepEqual(
    expected.map(() => random.next()),
    expected,
  );
});

test('the same seed repeats, other seeds and streams differ', () => {
  const take = (seed: number, stream?: number) => {
    const random = Xoshiro128.seeded(seed, stream);
    return Array.from({ length: 20 }, () => random.next()).join();
  };
  assert.equal(take(7), take(7));
  assert.equal(new Set([take(7), take(8), take(7, 1), take(7, 2), take(0), take(-1)]).size, 6);
});

test('Gilbert-Elliott: loss share and mean burst length are those of the chain', () => {
  const model = new BurstLossModel({ enter: 0.01, leave: 0.25 }, Xoshiro128.seeded(11));
  const packets = 200_000;
  let lost = 0;
  let bursts = 0;
  let before = false;
  for (let i = 0; i < packets; i++) {
    const loses = model.loses();
    if (loses) lost++;
    if (loses && !before) bursts++;
    before = loses;
  }
  const share = lost / packets;
  assert.ok(Math.abs(share - 0.01 / 0.26) < 0.004, `share ${share}`);
  assert.ok(Math.abs(lost / bursts - 4) < 0.3, `burst ${lost / bursts}`);
});
