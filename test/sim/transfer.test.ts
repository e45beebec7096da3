// Whole connections under loss, duplication, delay and reordering, in virtual time. A failure prints its seed.
// SYNWAVE_SIM_SEEDS=n runs n seeds per world instead of a few.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Random } from '../tcp/harness.js';
import { type PathOptions, runTransfer, type TransferOptions } from './transfer.js';

const SEEDS = Number(process.env.SYNWAVE_SIM_SEEDS ?? 12);

const CLEAN: PathOptions = { loss: 0, duplicate: 0, delayMs: 10, jitterMs: 0 };

function options(seed: number, more: Partial<TransferOptions> = {}): TransferOptions {
  return {
    seed,
    a: { mslMs: 120_000 },
    b: { mslMs: 120_000 },
    path: CLEAN,
    bytesAB: 100_000,
    bytesBA: 50_000,
    issA: 0xfffff000,
    issB: 0x7fffff00,
    simultaneousOpen: false,
    abortAfterMs: 0,
    ...more,
  };
}

const WORLDS: Record<string, Partial<TransferOptions>> = {
  'a clean path': {},
  'loss of 1 %': { path: { ...CLEAN, loss: 0.01 } },
  'loss of 5 %': { path: { ...CLEAN, loss: 0.05 } },
  'loss of 20 %': { path: { ...CLEAN, loss: 0.2 }, bytesAB: 30_000, bytesBA: 10_000 },
  duplication: { path: { ...CLEAN, duplicate: 0.2 } },
  reordering: { path: { ...CLEAN, jitterMs: 40 } },
  'everything at once': { path: { loss: 0.05, duplicate: 0.1, delayMs: 5, jitterMs: 60 } },
  'a long path': { path: { ...CLEAN, delayMs: 400, loss: 0.02 } },
  'no delay at all': { path: { ...CLEAN, delayMs: 0 } },
  'tiny windows': {
    a: { mslMs: 120_000, receiveBufferBytes: 700, windowScale: -1 },
    b: { mslMs: 120_000, receiveBufferBytes: 1500, windowScale: -1 },
    path: { ...CLEAN, loss: 0.03 },
    bytesAB: 30_000,
    bytesBA: 10_000,
  },
  'a send buffer smaller than a segment': {
    a: { mslMs: 120_000, sendBufferBytes: 300 },
    path: { ...CLEAN, loss: 0.02 },
    bytesAB: 20_000,
  },
  'different segment sizes': {
    a: { mslMs: 120_000, receiveMss: 300, pathMss: 8000 },
    b: { mslMs: 120_000, receiveMss: 8000, pathMss: 1000 },
    path: { ...CLEAN, loss: 0.03, jitterMs: 20 },
  },
  'no data at all': { bytesAB: 0, bytesBA: 0, path: { ...CLEAN, loss: 0.2 } },
  'one direction only': { bytesBA: 0, path: { ...CLEAN, loss: 0.05 } },
  'simultaneous open': { simultaneousOpen: true, path: { ...CLEAN, loss: 0.1, jitterMs: 30 } },
  'without Nagle and without delayed ACK': {
    a: { mslMs: 120_000, nagle: false, delayedAckMs: 0 },
    b: { mslMs: 120_000, nagle: false, delayedAckMs: 0 },
    path: { loss: 0.05, duplicate: 0.05, delayMs: 5, jitterMs: 20 },
  },
  'a path that carries less than the MSS': { pathCarries: 600, path: { ...CLEAN, loss: 0.03 } },
  'keep-alives that come often': {
    a: { mslMs: 120_000, keepAlive: true, keepAliveIdleMs: 50, keepAliveIntervalMs: 400 },
    b: { mslMs: 120_000, keepAlive: true, keepAliveIdleMs: 300, keepAliveIntervalMs: 400 },
    path: { ...CLEAN, delayMs: 70, jitterMs: 30, loss: 0.03 },
  },
  'few reassembly slots': {
    b: { mslMs: 120_000, reassemblySegments: 3 },
    path: { loss: 0.1, duplicate: 0.1, delayMs: 5, jitterMs: 50 },
  },
};

describe('transfers', () => {
  for (const [name, world] of Object.entries(WORLDS)) {
    test(`RFC9293 §3.8: exact streams both ways over ${name}`, () => {
      for (let seed = 1; seed <= SEEDS; seed++) runTransfer(options(seed, world));
    });
  }

  for (const [name, world] of Object.entries(WORLDS)) {
    test(`RFC9293 §3.8: the same, with segments that leave as one, over ${name}`, () => {
      const joined = (config: TransferOptions['a'] = { mslMs: 120_000 }) => ({
        ...config,
        joinedSendBytes: 65_435,
      });
      for (let seed = 1; seed <= Math.ceil(SEEDS / 3); seed++) {
        runTransfer(options(seed, { ...world, a: joined(world.a), b: joined(world.b) }));
      }
    });
  }

  test('RFC9293 §3.10.5: an abort at any moment leaves no timer and no false byte', () => {
    for (let seed = 1; seed <= 120; seed++) {
      const random = new Random(seed);
      runTransfer(
        options(seed, {
          abortAfterMs: random.int(1, 1500),
          path: { loss: random.pick([0, 0.05, 0.2]), duplicate: 0.05, delayMs: 10, jitterMs: 20 },
        }),
      );
    }
  });

  test('the same seed gives the same segments at the same moments', () => {
    const world = WORLDS['everything at once']!;
    const first = runTransfer(options(77, world));
    const second = runTransfer(options(77, world));
    assert.deepEqual(second.log, first.log);
    assert.notDeepEqual(runTransfer(options(78, world)).log, first.log);
  });

  test('a clean path takes about as many segments as the data needs', () => {
    const { segments, log, retransmissions } = runTransfer(options(1, { bytesAB: 1_000_000, bytesBA: 0 }));
    assert.equal(retransmissions, 0, 'nothing was lost, nothing is sent twice');
    const data = log.filter((line) => line.includes('a>b') && line.includes('[')).length;
    // 1 000 000 / 1460 is 685; writes of random length and Nagle make some more.
    assert.ok(data < 1200, `${data} data segments`);
    assert.ok(segments < 2 * data + 20, `${segments} segments in all`);
    assert.ok(!log.some((line) => line.includes('LOST')));
  });
});

const settings = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000_000 }),
  loss: fc.constantFrom(0, 0.01, 0.05, 0.15),
  duplicate: fc.constantFrom(0, 0.1),
  delayMs: fc.integer({ min: 0, max: 200 }),
  jitterMs: fc.constantFrom(0, 5, 80),
  bytesAB: fc.integer({ min: 0, max: 40_000 }),
  bytesBA: fc.integer({ min: 0, max: 40_000 }),
  issA: fc.integer({ min: -0x80000000, max: 0x7fffffff }),
  issB: fc.constantFrom(-2, -1, 0, 0x7fffffff, -0x80000000),
  receive: fc.constantFrom(600, 3000, 20_000, 262_144),
  send: fc.constantFrom(500, 4000, 262_144),
  mss: fc.constantFrom(64, 200, 536, 1460),
  scale: fc.constantFrom(-1, 0, 3, 14),
  nagle: fc.boolean(),
  delayedAckMs: fc.constantFrom(0, 40, 200),
  simultaneousOpen: fc.boolean(),
});

describe('any settings', () => {
  test('RFC9293 §3.8: whatever the settings, the stream is exact and everything ends', () => {
    fc.assert(
      fc.property(settings, (s) => {
        const config = {
          mslMs: 120_000,
          receiveBufferBytes: s.receive,
          sendBufferBytes: s.send,
          windowScale: s.scale,
          nagle: s.nagle,
          delayedAckMs: s.delayedAckMs,
        };
        runTransfer({
          seed: s.seed,
          a: { ...config, receiveMss: s.mss },
          b: config,
          path: { loss: s.loss, duplicate: s.duplicate, delayMs: s.delayMs, jitterMs: s.jitterMs },
          bytesAB: s.bytesAB,
          bytesBA: s.bytesBA,
          issA: s.issA,
          issB: s.issB,
          simultaneousOpen: s.simultaneousOpen,
          abortAfterMs: 0,
        });
      }),
      { numRuns: 150, seed: 20260101, endOnFailure: true },
    );
  });
});
