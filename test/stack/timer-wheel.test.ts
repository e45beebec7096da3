import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SystemClock, VirtualClock } from '../../src/stack/clock.js';
import { TimerWheel, WheelEntry } from '../../src/stack/timer-wheel.js';

class Entry extends WheelEntry {
  constructor(readonly name: number) {
    super();
  }
}

const NEVER = Number.POSITIVE_INFINITY;
const UNBOUNDED = NEVER;

/** A wheel that is driven by its clock alone, and writes down who expired when. */
function drivenWheel(clock: VirtualClock, budget = UNBOUNDED) {
  const expired: { name: number; at: number }[] = [];
  const wheel: TimerWheel<Entry> = new TimerWheel<Entry>(clock, () => {
    wheel.advance(clock.now(), budget, (entry, now) => expired.push({ name: entry.name, at: now }));
    wheel.reschedule();
  });
  return { wheel, expired };
}

describe('timer wheel', () => {
  it('expires each entry in the tick of its deadline, at every level', () => {
    for (const start of [0, 63, 4095.5, 2 ** 31 - 10, 2 ** 32 - 70, 2 ** 33 + 12345]) {
      const clock = new VirtualClock(start);
      const { wheel, expired } = drivenWheel(clock);
      const delays = [0, 0.2, 1, 2, 63, 64, 65, 4095, 4096, 262_143, 262_144, 2 ** 24, 2 ** 29, 2 ** 31];
      delays.forEach((delay, i) => {
        wheel.arm(new Entry(i), start + delay);
      });
      wheel.reschedule();
      clock.advanceTo(start + 2 ** 31 + 5);
      assert.equal(expired.length, delays.length, `start ${start}`);
      for (const { name, at } of expired) {
        const deadline = start + delays[name]!;
        assert.ok(at >= deadline && at - deadline <= 1, `entry ${name}: ${deadline} expired at ${at}`);
      }
      assert.equal(wheel.size, 0);
      assert.equal(clock.nextCallAt(), NEVER, 'an empty wheel does not wake');
    }
  });

  it('keeps a deadline that moves later where it is, and moves one that becomes earlier', () => {
    const clock = new VirtualClock();
    const { wheel, expired } = drivenWheel(clock);
    const entry = new Entry(1);
    wheel.arm(entry, 200);
    const tick = entry.wheelTick;
    for (let at = 201; at < 400; at++) wheel.arm(entry, at);
    assert.equal(entry.wheelTick, tick, 'lazy: not linked anew');
    wheel.reschedule();
    clock.advanceTo(398);
    assert.deepEqual(expired, [], 'looked at in its old slot, not expired');
    clock.advanceTo(1000);
    assert.deepEqual(expired, [{ name: 1, at: 399 }]);
    wheel.arm(entry, 5000);
    wheel.arm(entry, 1101);
    wheel.arm(entry, 1100);
    wheel.reschedule();
    clock.advanceTo(1100);
    assert.deepEqual(expired[1], { name: 1, at: 1100 });
    wheel.arm(entry, 1110);
    wheel.arm(entry, 1109);
    wheel.reschedule();
    clock.advanceTo(1109);
    assert.deepEqual(expired[2], { name: 1, at: 1109 });
  });

  it('has one call of the clock outstanding, however many entries', () => {
    let outstanding = 0;
    class CountingClock extends VirtualClock {
      override schedule(at: number, callback: () => void) {
        outstanding++;
        const call = super.schedule(at, () => {
          outstanding--;
          callback();
        });
        const cancel = call.cancel;
        call.cancel = function (this: unknown) {
          outstanding--;
          cancel.call(call);
        };
        return call;
      }
    }
    const clock = new CountingClock();
    const { wheel, expired } = drivenWheel(clock);
    for (let i = 0; i < 1000; i++) {
      wheel.arm(new Entry(i), 5000 - i);
      wheel.reschedule();
      assert.equal(outstanding, 1);
    }
    clock.advanceTo(6000);
    assert.equal(expired.length, 1000);
    assert.equal(outstanding, 0);
  });

  it('does bounded work per call and finishes the rest later', () => {
    const clock = new VirtualClock();
    const wheel = new TimerWheel<Entry>(clock, () => {});
    for (let i = 0; i < 1000; i++) wheel.arm(new Entry(i), 100);
    clock.advanceTo(100);
    let expired = 0;
    let calls = 0;
    for (;;) {
      const before = expired;
      calls++;
      const isDone = wheel.advance(100, 64, () => expired++);
      assert.ok(expired - before <= 64);
      if (isDone) break;
      assert.ok(wheel.nextWake() <= 100, 'asks to be woken at once for the rest');
    }
    assert.equal(expired, 1000);
    assert.ok(calls >= 1000 / 64);
  });

  it('agrees with a naive model under any sequence of operations', () => {
    const delay = fc.oneof(
      fc.integer({ min: 0, max: 300 }),
      fc.integer({ min: 0, max: 300_000 }),
      fc.double({ min: 0, max: 5000, noNaN: true }),
      fc.integer({ min: 0, max: 2 ** 31 }),
    );
    const operation = fc.oneof(
      { weight: 5, arbitrary: fc.record({ op: fc.constant('arm'), who: fc.nat(19), ms: delay }) },
      {
        weight: 1,
        arbitrary: fc.record({
          op: fc.constantFrom('remove', 'disarm'),
          who: fc.nat(19),
          ms: fc.constant(0),
        }),
      },
      { weight: 3, arbitrary: fc.record({ op: fc.constant('advance'), who: fc.constant(0), ms: delay }) },
    );
    fc.assert(
      fc.property(
        fc.constantFrom(0, 1000.25, 2 ** 31 - 500, 2 ** 32 - 100_000),
        fc.integer({ min: 1, max: 50 }),
        fc.array(operation, { maxLength: 80 }),
        (start, budget, operations) => {
          const clock = new VirtualClock(start);
          const entries = Array.from({ length: 20 }, (_, i) => new Entry(i));
          const deadlines = new Map<number, number>();
          const wheel: TimerWheel<Entry> = new TimerWheel<Entry>(clock, () => {
            wheel.advance(clock.now(), budget, (entry, now) => {
              const deadline = deadlines.get(entry.name);
              assert.ok(deadline !== undefined, `${entry.name} expired without a deadline`);
              assert.ok(now >= deadline && now - deadline <= 1, `${entry.name}: ${deadline} at ${now}`);
              deadlines.delete(entry.name);
            });
            wheel.reschedule();
          });
          for (const { op, who, ms } of operations) {
            if (op === 'arm') {
              wheel.arm(entries[who]!, clock.now() + ms);
              deadlines.set(who, clock.now() + ms);
            } else if (op === 'remove') {
              wheel.remove(entries[who]!);
              deadlines.delete(who);
            } else if (op === 'disarm') {
              wheel.arm(entries[who]!, NEVER);
              deadlines.delete(who);
            } else {
              wheel.reschedule();
              clock.advance(ms);
              for (const [name, deadline] of deadlines) {
                assert.ok(deadline > clock.now() - 1, `${name}: ${deadline} missed at ${clock.now()}`);
              }
            }
          }
          wheel.reschedule();
          clock.advance(2 ** 32);
          assert.equal(deadlines.size, 0);
          assert.equal(wheel.size, 0);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('holds 100,000 entries and touches only those that are due', () => {
    const clock = new VirtualClock();
    const { wheel, expired } = drivenWheel(clock);
    const entries = Array.from({ length: 100_000 }, (_, i) => new Entry(i));
    for (const entry of entries) wheel.arm(entry, 10_000 + (entry.name % 1000));
    for (let round = 1; round <= 5; round++) {
      for (const entry of entries) wheel.arm(entry, 10_000 + round + (entry.name % 1000));
    }
    assert.equal(wheel.size, 100_000);
    wheel.reschedule();
    clock.advanceTo(9_999);
    assert.equal(expired.length, 0);
    clock.advanceTo(10_005);
    assert.equal(expired.length, 100);
    clock.advanceTo(20_000);
    assert.equal(expired.length, 100_000);
  });

  it('runs on the system clock, and its timer holds the process only while it is told to', async () => {
    const clock = new SystemClock();
    const holding = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const before = holding();
    const expired = await new Promise<number>((resolve) => {
      const wheel: TimerWheel<Entry> = new TimerWheel<Entry>(clock, () => {
        wheel.advance(clock.now(), UNBOUNDED, (entry) => resolve(entry.name));
        wheel.reschedule();
      });
      wheel.setReferenced(false);
      // Far enough off that it is not due already, however late this process gets its turn.
      wheel.arm(new Entry(42), clock.now() + 100);
      wheel.reschedule();
      assert.equal(holding(), before);
      wheel.setReferenced(true);
      assert.equal(holding(), before + 1);
    });
    assert.equal(expired, 42);
  });
});
