// Paths that misbehave for long, over whole stacks in virtual time: nothing hangs, and no timeout is spent where something
// quicker would do. Judged by counts, over many seeds; SYNWAVE_SIM_SEEDS=n runs n of them per world.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { act, type Rule } from '../../src/link/impair-rules.js';
import type { Clock, ScheduledCall } from '../../src/stack/clock.js';
import { controllerNamed } from '../../src/tcp/congestion/registry.js';
import { State } from '../../src/tcp/state.js';
import { type Transfer, VirtualWire, type WireOptions } from './virtual-wire.js';

const SEEDS = Number(process.env.SYNWAVE_SIM_SEEDS ?? 25);
const RTT_MS = 20;
const PATH = { delayMs: RTT_MS / 2, rate: 20e6, queueBytes: 50_000 };
const CONTROLLERS = ['cubic', 'newreno', 'bbr'];

interface Run {
  wire: VirtualWire;
  transfer: Transfer;
  /** When the timeouts of the sender fired, those of a SYN apart: nothing else can tell of its loss. */
  timeoutsAt: number[];
  /** When packets were lost, in either direction. */
  lostAt: number[];
}

/** Sends `bytes` and runs to the end, which must come within `limitMs`. */
function run(seed: number, bytes: number, limitMs: number, options: WireOptions): Run {
  const lostAt: number[] = [];
  const congestion = controllerNamed(CONTROLLERS[seed % CONTROLLERS.length]!)!;
  const wire = new VirtualWire({
    ...PATH,
    seed,
    onAct: ({ act: name, time }) => name === 'drop' && lostAt.push(time),
    ...options,
    left: { congestion, ...options.left },
  });
  const transfer = wire.transfer({ bytes });
  const timeoutsAt: number[] = [];
  let ofSyn = 0;
  const isDone = () => {
    const { state, rtx } = transfer.connection;
    if (state < State.ESTABLISHED) ofSyn = rtx.tally.timeouts;
    while (ofSyn + timeoutsAt.length < rtx.tally.timeouts) timeoutsAt.push(wire.clock.now());
    return transfer.isDone;
  };
  const what = `seed ${seed}, ${transfer.connection.congestion.name}`;
  assert.ok(
    wire.run(limitMs, isDone),
    `${what}: ${transfer.sink.received} of ${bytes} bytes after ${limitMs} ms`,
  );
  assert.equal(transfer.sink.received, bytes, what);
  assert.equal(transfer.connection.error, null, what);
  return { wire, transfer, timeoutsAt, lostAt };
}

/**
 * One loss never costs a timeout: where the timer fires, a probe or a retransmission was lost as well, or its answer was.
 * All of it happened shortly before; where the timer fired before, since then.
 */
function assertNoNeedlessTimeout({ timeoutsAt, lostAt, transfer }: Run, seed: number): void {
  for (const [i, at] of timeoutsAt.entries()) {
    const before = timeoutsAt[i - 1] ?? at;
    const from = Math.min(at - 2000, before - 1);
    const losses = lostAt.filter((time) => time >= from && time <= at).length;
    assert.ok(
      losses >= (before < at - 2000 ? 1 : 2),
      `seed ${seed}: a timeout at ${at - transfer.beganAt} ms after ${losses} losses`,
    );
  }
}

function overSeeds(check: (seed: number) => void): void {
  for (let seed = 1; seed <= SEEDS; seed++) check(seed);
}

describe('loss and reordering', () => {
  test('bursts of losses, five packets on average', () => {
    overSeeds((seed) => {
      const burstLoss = { enter: 0.004, leave: 0.2 };
      const got = run(seed, 500_000, 120_000, { burstLoss });
      assertNoNeedlessTimeout(got, seed);
    });
  });

  test('single losses, one in a hundred, both ways: at most one in twenty of them costs a timeout', () => {
    let timeouts = 0;
    let losses = 0;
    overSeeds((seed) => {
      const got = run(seed, 500_000, 60_000, { loss: 0.01 });
      assertNoNeedlessTimeout(got, seed);
      timeouts += got.timeoutsAt.length;
      losses += got.lostAt.length;
    });
    assert.ok(timeouts <= losses / 20, `${timeouts} timeouts for ${losses} losses`);
  });

  test('30 % of the packets are overtaken by three others: no timeout, and little is sent twice', () => {
    overSeeds((seed) => {
      const reorder = { probability: 0.3, distance: 3, maxMs: RTT_MS / 4 };
      const { transfer, timeoutsAt, lostAt } = run(seed, 500_000, 60_000, { reorder, queueBytes: 1e6 });
      assert.deepEqual(timeoutsAt, [], `seed ${seed}`);
      assert.deepEqual(lostAt, []);
      const { retransmissions, dataSegmentsOut } = transfer.connection;
      assert.ok(
        retransmissions < 0.05 * dataSegmentsOut,
        `seed ${seed}: ${retransmissions} of ${dataSegmentsOut}`,
      );
    });
  });

  test('half of all ACKs are lost: none costs a timeout while data goes on', () => {
    overSeeds((seed) => {
      const rules: Rule[] = [
        { match: { dir: 'in', flags: 'A', predicate: chance(seed, 0.5) }, act: act.drop() },
      ];
      const got = run(seed, 1_000_000, 60_000, { rules, queueBytes: 1e6 });
      const end = got.transfer.sink.endedAt - 1000;
      assert.deepEqual(
        got.timeoutsAt.filter((at) => at < end && at - got.transfer.beganAt > 1000),
        [],
        `seed ${seed}`,
      );
      assertNoNeedlessTimeout(got, seed);
    });
  });
});

/** True with a probability, from a seed. */
function chance(seed: number, probability: number): () => boolean {
  let state = seed * 2_654_435_761;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0;
    const mixed = Math.imul(state ^ (state >>> 13), 0x297a2d39);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32 < probability;
  };
}

describe('RFC4821: a path whose MTU falls to 1280 without a word', () => {
  for (const family of [4, 6] as const) {
    test(`over IPv${family} in the midst of a transfer: a few timeouts, then smaller segments`, () => {
      overSeeds((seed) => {
        let isNarrow = false;
        const rules: Rule[] = [
          { match: { dir: 'out', predicate: (p) => isNarrow && p.length > 1280 }, act: act.drop() },
        ];
        const congestion = controllerNamed(CONTROLLERS[seed % CONTROLLERS.length]!)!;
        const wire = new VirtualWire({ ...PATH, seed, rules, left: { congestion } });
        const bytes = 2_000_000;
        const transfer = wire.transfer({ bytes, family });
        wire.run(100 + 10 * (seed % 40));
        isNarrow = true;
        assert.ok(
          wire.run(60_000, () => transfer.isDone),
          `seed ${seed}: ${transfer.sink.received} bytes`,
        );
        const { connection } = transfer;
        const { timeouts } = connection.rtx.tally;
        assert.ok(timeouts >= 1 && timeouts <= 6, `seed ${seed}: ${timeouts} timeouts`);
        const headers = family === 4 ? 40 : 60;
        assert.ok(
          connection.pathMss + headers <= 1280,
          `seed ${seed}: packets of ${connection.pathMss + headers}`,
        );
        assert.ok(
          connection.pathMss + headers >= 1024,
          `seed ${seed}: packets of ${connection.pathMss + headers}`,
        );
      });
    });
  }
});

describe('RFC9293 MUST-37: a receiver that closes its window for minutes', () => {
  test('is probed ever more seldom, without a timeout, and the rest follows when it opens', () => {
    overSeeds((seed) => {
      const wire = new VirtualWire({ ...PATH, seed, right: { receiveBufferBytes: 65_536 } });
      const transfer = wire.transfer({ bytes: 1_000_000 });
      wire.run(50 + seed);
      transfer.sink.reads = false;
      const minutes = 5 + (seed % 30);
      wire.run(minutes * 60_000);
      const { connection } = transfer;
      assert.equal(connection.snd.wnd, 0);
      // Doubling up to a minute: some eight until then, and one a minute afterwards.
      assert.ok(
        connection.rtx.probes <= 9 + minutes,
        `seed ${seed}: ${connection.rtx.probes} probes in ${minutes} min`,
      );
      transfer.sink.reads = true;
      transfer.sink.read();
      wire.run(100);
      assert.ok(
        wire.run(10_000, () => transfer.isDone),
        `seed ${seed}: ${transfer.sink.received} bytes`,
      );
      assert.equal(connection.rtx.tally.timeouts, 0, `seed ${seed}`);
      assert.equal(transfer.sink.received, 1_000_000);
    });
  });

  test('also where the update that opens it is lost: the next probe finds out', () => {
    overSeeds((seed) => {
      let isDeaf = false;
      const rules: Rule[] = [{ match: { dir: 'in', predicate: () => isDeaf }, act: act.drop() }];
      const wire = new VirtualWire({ ...PATH, seed, rules, right: { receiveBufferBytes: 65_536 } });
      // More than the send buffer holds: a sender that has closed gives up on a window that stays closed.
      const transfer = wire.transfer({ bytes: 2_000_000 });
      wire.run(50);
      transfer.sink.reads = false;
      wire.run(120_000 + 1000 * seed);
      isDeaf = true;
      transfer.sink.reads = true;
      transfer.sink.read();
      wire.run(RTT_MS);
      isDeaf = false;
      assert.ok(
        wire.run(70_000, () => transfer.isDone),
        `seed ${seed}: ${transfer.sink.received} bytes`,
      );
      assert.equal(transfer.connection.rtx.tally.timeouts, 0);
    });
  });
});

/** A clock that can leap: what it had promised for later is then late. */
class LeapingClock implements Clock {
  private leaps = 0;

  constructor(private readonly base: Clock) {}

  get epochMs(): number {
    return this.base.epochMs;
  }

  now(): number {
    return this.base.now() + this.leaps;
  }

  schedule(at: number, callback: () => void): ScheduledCall {
    return this.base.schedule(at - this.leaps, callback);
  }

  leap(ms: number): void {
    this.leaps += ms;
  }
}

describe('clock jumps', () => {
  /** @param isQuiet nothing is on its way: the receiver had stopped reading some seconds ago */
  function leaps(sides: readonly ('left' | 'right')[], ms: number, isQuiet = false): void {
    overSeeds((seed) => {
      const clocks = new Map<string, LeapingClock>();
      const isLossy = seed % 2 === 0;
      const wire = new VirtualWire({
        ...PATH,
        seed,
        loss: isLossy ? 0.01 : 0,
        clockOf: (side, clock) => {
          clocks.set(side, new LeapingClock(clock));
          return clocks.get(side)!;
        },
      });
      const transfer = wire.transfer({ bytes: 1_000_000 });
      wire.run(60 + 7 * seed);
      transfer.sink.reads = !isQuiet;
      if (isQuiet) {
        wire.run(5000);
        // A probe of the closed window would arrive with a time stamp of before the leap.
        const silentFor = () => clocks.get('left')!.now() - transfer.connection.lastSentAt;
        assert.ok(wire.run(60_000, () => silentFor() > 2 * RTT_MS));
      }
      // Nor is a probe of the closed window under way: its timestamp would be one of thirty days ago.
      const { connection } = transfer;
      if (isQuiet) wire.run(1000, () => clocks.get('left')!.now() - connection.lastSentAt > 5 * RTT_MS);
      for (const side of sides) clocks.get(side)!.leap(ms);
      transfer.sink.reads = true;
      transfer.sink.read();
      assert.ok(
        wire.run(60_000, () => transfer.isDone),
        `seed ${seed}: ${transfer.sink.received} bytes`,
      );
      assert.equal(transfer.connection.error, null);
      const { timeouts } = transfer.connection.rtx.tally;
      assert.ok(timeouts <= (isLossy ? 6 : 1), `seed ${seed}: ${timeouts} timeouts`);
    });
  }

  for (const [name, ms] of [
    ['a second', 1000],
    ['a minute', 60_000],
    ['a day', 86_400_000],
  ] as const) {
    test(`RFC9293 MUST-20: the sender’s clock leaps by ${name} in the midst of a transfer`, () =>
      leaps(['left'], ms));
    test(`RFC9293 MUST-40: the receiver’s clock leaps by ${name} in the midst of a transfer`, () =>
      leaps(['right'], ms));
  }

  test('RFC7323 §5.5: both have slept for thirty days, longer than timestamps can tell', () => {
    leaps(['left', 'right'], 30 * 86_400_000, true);
  });
});
