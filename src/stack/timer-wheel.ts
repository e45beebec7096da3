// A hierarchical timer wheel: six levels of 64 slots, ticks of one millisecond, entries linked through themselves. It
// knows deadlines and the clock; what a deadline means is its owner's business.
//
// Invariant: an entry that is looked at in tick T stands at the level of the highest base-64 digit in which T differs from
// the current tick. So every occupied slot of a level lies before every one of the level above, and the next wake-up is
// found by looking at the lowest occupied level only.
import type { Clock, ScheduledCall } from './clock.js';

const DIGIT_BITS = 6;
const SLOTS = 1 << DIGIT_BITS;
const LEVELS = 6;
/** Where entries wait that are due already; the slot after the last one. */
const DUE = LEVELS * SLOTS;
/** Deadlines further away are looked at on the way: ticks are int32, and a distance must keep its sign. */
const HORIZON = 1 << 30;
const NOT_LINKED = -1;

/** What can stand in a wheel, once. The fields belong to the wheel. */
export abstract class WheelEntry {
  /** Clock ms at which it is due, or Infinity. */
  deadline = Number.POSITIVE_INFINITY;
  /** @internal */ wheelNext: WheelEntry | null = null;
  /** @internal */ wheelPrevious: WheelEntry | null = null;
  /** @internal */ wheelSlot = NOT_LINKED;
  /** @internal The tick in which the wheel looks at it: never after `deadline`, often before. */
  wheelTick = 0;
}

/** Deadlines of many entries behind a single pending `Clock.schedule`. */
export class TimerWheel<E extends WheelEntry> {
  /** First entry of each slot; the list is a ring. */
  private readonly heads: (WheelEntry | null)[] = new Array(DUE + 1).fill(null);
  /** Two words of occupancy bits for each level. */
  private readonly occupied = new Int32Array(2 * LEVELS);
  /** Whole milliseconds up to which the wheel has run. */
  private elapsed: number;
  /** `elapsed` modulo 2^32, as int32. */
  private tick: number;
  /** The slot that `advance` is emptying, or -1. */
  private draining = NOT_LINKED;
  private call: ScheduledCall | null = null;
  private callAt = Number.POSITIVE_INFINITY;
  private referenced = true;
  private linked = 0;
  private readonly wake: () => void;

  /**
   * @param clock where time comes from
   * @param onWake called when `advance` should be called; call `reschedule` afterwards
   */
  constructor(
    private readonly clock: Clock,
    onWake: () => void,
  ) {
    this.elapsed = Math.floor(clock.now());
    this.tick = this.elapsed | 0;
    this.wake = () => {
      this.call = null;
      this.callAt = Number.POSITIVE_INFINITY;
      onWake();
    };
  }

  /** Entries that stand in the wheel, those with a lapsed deadline included until they are looked at. */
  get size(): number {
    return this.linked;
  }

  /**
   * Sets the deadline of an entry. A later one costs a store: the entry stays where it is and is looked at again in its
   * old slot; only an earlier one moves it.
   * @param deadline clock ms; Infinity for none
   */
  arm(entry: E, deadline: number): void {
    entry.deadline = deadline;
    if (deadline === Number.POSITIVE_INFINITY) return;
    const tick = this.tickOf(deadline);
    if (entry.wheelSlot !== NOT_LINKED) {
      if (((tick - entry.wheelTick) | 0) >= 0) return;
      this.unlink(entry);
    }
    this.link(entry, tick);
  }

  /** Takes an entry out. Harmless when it is not in. */
  remove(entry: E): void {
    entry.deadline = Number.POSITIVE_INFINITY;
    if (entry.wheelSlot !== NOT_LINKED) this.unlink(entry);
  }

  /**
   * Runs up to `now`: gives every entry whose deadline has come to `expire`, once, its deadline cleared.
   * @param budget how many entries may be looked at
   * @returns false when the budget ended before the work
   */
  advance(now: number, budget: number, expire: (entry: E, now: number) => void): boolean {
    const target = Math.floor(now);
    for (;;) {
      for (let entry = this.nextToLookAt(); entry !== null; entry = this.nextToLookAt()) {
        if (budget-- <= 0) return false;
        this.unlink(entry);
        if (entry.deadline <= now) {
          entry.deadline = Number.POSITIVE_INFINITY;
          expire(entry as E, now);
        } else if (entry.deadline !== Number.POSITIVE_INFINITY) {
          this.link(entry, this.tickOf(entry.deadline));
        }
      }
      this.draining = NOT_LINKED;
      const slot = this.firstOccupied();
      const distance = slot < 0 ? Number.POSITIVE_INFINITY : (this.startOf(slot) - this.tick) | 0;
      if (this.elapsed + distance > target) break;
      this.moveTo(this.elapsed + distance);
      this.setOccupied(slot, false);
      this.draining = slot;
    }
    if (target > this.elapsed) this.moveTo(target);
    return true;
  }

  /** Clock ms at which something must be looked at, or Infinity. Never later than the earliest deadline's tick. */
  nextWake(): number {
    if (this.nextToLookAt() !== null) return this.elapsed;
    const slot = this.firstOccupied();
    return slot < 0 ? Number.POSITIVE_INFINITY : this.elapsed + ((this.startOf(slot) - this.tick) | 0);
  }

  /** Sees to it that the clock wakes us in time. A call that would come too early is left as it is. */
  reschedule(): void {
    const at = this.nextWake();
    if (this.call !== null) {
      if (this.callAt <= at && at !== Number.POSITIVE_INFINITY) return;
      this.call.cancel();
      this.call = null;
      this.callAt = Number.POSITIVE_INFINITY;
    }
    if (at === Number.POSITIVE_INFINITY) return;
    this.callAt = at;
    this.call = this.clock.schedule(at, this.wake);
    if (!this.referenced) this.call.unref();
  }

  /** Whether a pending deadline keeps the process alive; it does until told otherwise. */
  setReferenced(referenced: boolean): void {
    this.referenced = referenced;
    if (referenced) this.call?.ref();
    else this.call?.unref();
  }

  /** Forgets the pending wake-up. */
  stop(): void {
    this.call?.cancel();
    this.call = null;
    this.callAt = Number.POSITIVE_INFINITY;
  }

  private moveTo(elapsed: number): void {
    this.elapsed = elapsed;
    this.tick = elapsed | 0;
  }

  /** The int32 tick of a deadline, at most the horizon away. Rounded up, so that no timer is early. */
  private tickOf(deadline: number): number {
    const distance = Math.ceil(deadline) - this.elapsed;
    if (distance <= 0) return this.tick;
    return (this.tick + Math.min(distance, HORIZON)) | 0;
  }

  private link(entry: WheelEntry, tick: number): void {
    const slot = this.slotFor(tick);
    entry.wheelTick = tick;
    entry.wheelSlot = slot;
    const head = this.heads[slot]!;
    if (head === null) {
      entry.wheelNext = entry;
      entry.wheelPrevious = entry;
      this.heads[slot] = entry;
      if (slot !== DUE) this.setOccupied(slot, true);
    } else {
      const last = head.wheelPrevious!;
      entry.wheelNext = head;
      entry.wheelPrevious = last;
      last.wheelNext = entry;
      head.wheelPrevious = entry;
    }
    this.linked++;
  }

  private unlink(entry: WheelEntry): void {
    const slot = entry.wheelSlot;
    const next = entry.wheelNext!;
    if (next === entry) {
      this.heads[slot] = null;
      if (slot !== DUE) this.setOccupied(slot, false);
    } else {
      next.wheelPrevious = entry.wheelPrevious;
      entry.wheelPrevious!.wheelNext = next;
      if (this.heads[slot] === entry) this.heads[slot] = next;
    }
    entry.wheelNext = null;
    entry.wheelPrevious = null;
    entry.wheelSlot = NOT_LINKED;
    this.linked--;
  }

  private slotFor(tick: number): number {
    if (((tick - this.tick) | 0) <= 0) return DUE;
    const level = ((31 - Math.clz32(tick ^ this.tick)) / DIGIT_BITS) | 0;
    return level * SLOTS + ((tick >>> (level * DIGIT_BITS)) & (SLOTS - 1));
  }

  private nextToLookAt(): WheelEntry | null {
    const due = this.heads[DUE]!;
    if (due !== null || this.draining === NOT_LINKED) return due;
    return this.heads[this.draining]!;
  }

  /** The occupied slot that begins first, or -1. Only the top level can wrap around. */
  private firstOccupied(): number {
    for (let level = 0; level < LEVELS; level++) {
      const low = this.occupied[2 * level]!;
      const high = this.occupied[2 * level + 1]!;
      if ((low | high) === 0) continue;
      const digit = (this.tick >>> (level * DIGIT_BITS)) & (SLOTS - 1);
      return level * SLOTS + firstBitAfter(low, high, digit);
    }
    return -1;
  }

  /** The tick with which a slot begins. */
  private startOf(slot: number): number {
    const level = slot >>> DIGIT_BITS;
    const shift = level * DIGIT_BITS;
    const digit = slot & (SLOTS - 1);
    if (level === LEVELS - 1) return digit << shift;
    return (this.tick & (-1 << (shift + DIGIT_BITS))) | (digit << shift);
  }

  private setOccupied(slot: number, on: boolean): void {
    const bit = 1 << (slot & 31);
    if (on) this.occupied[slot >>> 5]! |= bit;
    else this.occupied[slot >>> 5]! &= ~bit;
  }
}

/** Number of the first set bit of a 64-bit ring after `position`. At least one bit is set, and not that one alone. */
function firstBitAfter(low: number, high: number, position: number): number {
  const from = (position + 1) & 63;
  const lowAfter = from < 32 ? low & (-1 << from) : 0;
  if (lowAfter !== 0) return trailingZeros(lowAfter);
  const highAfter = from < 32 ? high : high & (-1 << (from - 32));
  if (highAfter !== 0) return 32 + trailingZeros(highAfter);
  return low !== 0 ? trailingZeros(low) : 32 + trailingZeros(high);
}

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}
