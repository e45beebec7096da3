// Memory that flights and timers take while they need it: it is used again, and bounded.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Flight, type SendSnapshot } from '../../src/tcp/flight.js';
import { giveBackRing, takeRing } from '../../src/tcp/flight-ring.js';

/** More than are kept of any size. */
const MANY = 65;

const noted: SendSnapshot = {
  delivered: 0,
  deliveredAt: 0,
  firstSentAt: 0,
  lost: 0,
  inFlight: 0,
  isAppLimited: false,
};

/** Afterwards no ring of this size is kept. */
function takeAll(size: number): void {
  for (let i = 0; i < MANY; i++) takeRing(size);
}

/** The size that `act` leaves a ring of behind, of these; none of theirs was kept before. */
function givenBack(act: () => void, sizes = [8, 16, 32, 64, 128]): number[] {
  for (const size of sizes) takeAll(size);
  act();
  // A ring that nobody has used yet is full of zeros.
  return sizes.filter((size) => takeRing(size).ends.some((end) => end !== 0));
}

/** `records` leave, and then all of them arrive. */
function use(flight: Flight, records: number): void {
  for (let i = 0; i < records; i++) flight.push(flight.start + 100 + 100 * i, i, noted);
  while (flight.count > 0) flight.shift();
}

describe('rings', () => {
  test('one that was given back is taken again, by who needs that size', () => {
    takeAll(256);
    const ring = takeRing(256);
    giveBackRing(ring);
    assert.notEqual(takeRing(128), ring);
    assert.equal(takeRing(256), ring);
    assert.notEqual(takeRing(256), ring);
  });

  test('so many of each size are kept, and no more', () => {
    takeAll(512);
    const rings = Array.from({ length: MANY }, () => takeRing(512));
    for (const ring of rings) giveBackRing(ring);
    const again = Array.from({ length: MANY }, () => takeRing(512));
    assert.equal(again.filter((ring) => rings.includes(ring)).length, 64);
  });

  test('those of the largest flights are not kept', () => {
    for (const [size, isKept] of [
      [1024, true],
      [2048, false],
    ] as const) {
      takeAll(size);
      const ring = takeRing(size);
      giveBackRing(ring);
      assert.equal(takeRing(size) === ring, isKept, `${size} records`);
    }
  });

  test('the least has eight records', () => {
    assert.deepEqual([takeRing(0).size, takeRing(8).size, takeRing(16).size], [8, 8, 16]);
  });
});

describe('a flight', () => {
  test('gives its ring back when all of it has arrived, and smaller ones when it grows', () => {
    const flight = new Flight();
    assert.deepEqual(
      givenBack(() => use(flight, 1)),
      [8],
    );
    assert.deepEqual(
      givenBack(() => use(new Flight(), 33)),
      [8, 16, 32, 64],
    );
  });

  test('keeps it while one segment is left', () => {
    const flight = new Flight();
    assert.deepEqual(
      givenBack(() => {
        flight.push(100, 1, noted);
        flight.push(200, 1, noted);
        flight.shift();
      }),
      [],
    );
  });

  test('fills its ring before it takes a larger one', () => {
    assert.deepEqual(
      givenBack(() => use(new Flight(), 8)),
      [8],
    );
    assert.deepEqual(
      givenBack(() => use(new Flight(), 9)),
      [8, 16],
    );
  });

  test('begins with what the one before it needed at most', () => {
    const flight = new Flight();
    use(flight, 100);
    assert.deepEqual(
      givenBack(() => use(flight, 33)),
      [128],
    );
    // However few of them are under way when the last one leaves.
    for (let i = 0; i < 33; i++) flight.push(flight.start + 100 + 100 * i, i, noted);
    while (flight.count > 1) flight.shift();
    assert.deepEqual(
      givenBack(() => use(flight, 1)),
      [128],
    );
    assert.deepEqual(
      givenBack(() => use(flight, 1)),
      [128],
    );
  });

  test('with half of that where a quarter was enough, time after time', () => {
    const flight = new Flight();
    use(flight, 100);
    const sizes = [33, 32, 32, 16, 1, 1, 1].map((records) => givenBack(() => use(flight, records)));
    assert.deepEqual(sizes, [[128], [128], [64], [64], [32], [16], [8]]);
  });
});
