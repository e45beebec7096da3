// Blocks are memory of their own; and V8, which takes each for memory that has come in addition, finds no reason for a collection of
// everything as long as quick ones free them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadBinding } from '../../src/native/load.js';
import { type Heap, ReceiveMemory } from '../../src/native/receive-memory.js';

const MB = 1024 * 1024;
const GB = 1024 * MB;
const BLOCK = 65_536;
const PROGRAM = fileURLToPath(new URL('./receive-memory-program.js', import.meta.url));

/** A binding and a heap that count as V8 does, and note each collection of everything. */
class Counting implements Heap {
  total = 10 * MB;
  /** Bytes since the beginning at which there was one. */
  readonly collections: number[] = [];
  highest = 0;
  private least = this.total;
  private bytes = 0;
  private young = 0;
  private dying = 0;
  private old = 0;
  private isNews = false;

  /**
   * @param slack what may be counted above the least before the next one
   * @param keptShare of the blocks that outlive quick ones
   */
  constructor(
    private readonly slack: number,
    private readonly keptShare = 0,
  ) {}

  readonly binding = {
    keepFreedMemory: () => {},
    adjustExternalMemory: (bytes: number) => {
      this.count(bytes);
      return this.total;
    },
  };

  /** A block that is about to be made: what came before the last but one quick collection is freed by now. */
  block(): void {
    this.bytes += BLOCK;
    this.young += BLOCK;
    this.count(BLOCK);
    if (this.young < 32 * MB) return;
    this.count(-this.dying);
    this.dying = this.young * (1 - this.keptShare);
    this.old += this.young * this.keptShare;
    this.young = 0;
  }

  usedBytes(): number {
    return 10 * this.slack;
  }

  limitBytes(): number {
    return 4 * GB;
  }

  /** What waits for a pause, or null. */
  inPause: (() => void) | null = null;

  later(callback: () => void): void {
    this.inPause = callback;
  }

  wasCollected(): boolean {
    const { isNews } = this;
    this.isNews = false;
    return isNews;
  }

  private count(bytes: number): void {
    this.total += bytes;
    this.highest = Math.max(this.highest, this.old);
    this.least = Math.min(this.least, this.total);
    if (this.total - this.least <= this.slack) return;
    this.collections.push(this.bytes);
    this.isNews = true;
    this.total -= this.old;
    this.old = 0;
    this.least = this.total;
  }
}

function receive(
  heap: Counting,
  bytes: number,
  memory = new ReceiveMemory(heap.binding, heap),
): ReceiveMemory {
  for (let i = 0; i < bytes / BLOCK; i++) {
    heap.block();
    memory.allocate(BLOCK);
  }
  return memory;
}

test('blocks do not touch each other, and may be passed on', () => {
  const memory = new ReceiveMemory();
  const blocks = Array.from({ length: 9 }, (_, i) => memory.allocate(65_536).fill(i));
  blocks.push(memory.allocate(2048).fill(9));
  memory.close();
  blocks.push(memory.allocate(65_536).fill(10));
  for (const [i, block] of blocks.entries()) {
    assert.ok(block.every((byte) => byte === i));
    assert.equal(block.buffer.byteLength, block.length);
    assert.equal(structuredClone(block, { transfer: [block.buffer as ArrayBuffer] })[0], i);
  }
});

test('where quick collections free the blocks, one collection of everything suffices, however much comes', () => {
  const heap = new Counting(64 * MB);
  const before = heap.total;
  const memory = receive(heap, 16 * GB);
  assert.equal(heap.collections.length, 1, 'when V8 is told of what is not there');
  assert.equal(heap.collections[0], BLOCK);
  memory.close();
  memory.close();
  assert.ok(heap.total - before < 65 * MB, 'at the end it counts what it would count by itself');
  const { total } = heap;
  memory.allocate(BLOCK);
  assert.equal(heap.total, total);
});

test('V8 is told soon after a link was opened, by one of several links, and no more if bulk came sooner', () => {
  const heap = new Counting(64 * MB);
  const memory = new ReceiveMemory(heap.binding, heap);
  heap.inPause!();
  assert.equal(heap.collections.length, 1, 'while there is little to look through');
  const another = new ReceiveMemory(heap.binding, heap);
  heap.inPause!();
  assert.equal(heap.collections.length, 1);
  receive(heap, GB, memory);
  assert.equal(heap.collections.length, 1, 'none that much has to wait for');
  another.close();
  memory.close();
  heap.inPause!();

  const soon = new Counting(64 * MB);
  const later = new ReceiveMemory(soon.binding, soon);
  const callback = soon.inPause!;
  receive(soon, BLOCK, later);
  callback();
  assert.equal(soon.collections.length, 1);
});

test('in a heap with hardly any room left there are few', () => {
  const heap = new Counting(26 * MB);
  receive(heap, 16 * GB);
  assert.ok(heap.collections.length <= 10, `${heap.collections.length} in 16 GB`);
});

test('what is used up of it is made good in a pause, where there is one', () => {
  const heap = new Counting(26 * MB);
  const memory = receive(heap, 2 * GB);
  for (let burst = 0; burst < 8; burst++) {
    heap.inPause?.();
    const { length } = heap.collections;
    receive(heap, GB, memory);
    assert.equal(heap.collections.length, length, 'none while much comes');
    heap.inPause!();
    assert.equal(heap.collections.length, length, 'it was no pause yet');
    heap.inPause!();
    assert.equal(heap.collections.length, length + 1);
    memory.allocate(BLOCK);
  }
  memory.close();
  heap.inPause?.();
});

test('of what outlives quick collections no more is left to itself than V8 would leave, and some', () => {
  for (const keptShare of [0.1, 0.5, 1]) {
    const heap = new Counting(64 * MB, keptShare);
    receive(heap, 8 * GB);
    assert.ok(heap.highest < 320 * MB, `${heap.highest / MB} MB`);
  }
});

test('V8 never counts less than nothing', () => {
  const heap = new Counting(64 * MB);
  heap.total = 0;
  let least = 0;
  const { binding } = heap;
  const adjustExternalMemory = (bytes: number) => {
    const total = binding.adjustExternalMemory(bytes);
    least = Math.min(least, total);
    return total;
  };
  const memory = new ReceiveMemory({ adjustExternalMemory }, heap);
  for (let i = 0; i < GB / BLOCK; i++) {
    heap.block();
    memory.allocate(BLOCK);
  }
  memory.close();
  assert.equal(least, 0);
});

test('of small blocks V8 is told nothing', () => {
  const told: number[] = [];
  const adjustExternalMemory = (bytes: number) => {
    told.push(bytes);
    return 0;
  };
  const memory = new ReceiveMemory({ adjustExternalMemory }, new Counting(64 * MB));
  for (let i = 0; i < 1000; i++) memory.allocate(2048);
  assert.equal(
    told.reduce((sum, bytes) => sum + bytes, 0),
    0,
  );
});

test('V8 takes gigabytes of blocks without a collection of everything for each few of them', () => {
  const found = JSON.parse(execFileSync(process.execPath, [PROGRAM], { encoding: 'utf8' }));
  assert.ok(found.quick >= 30, `${found.quick} quick ones show that blocks are young`);
  assert.ok(found.whole <= 10, `${found.whole} collections of everything in 8 GB`);
});

test('an addon of earlier is no obstacle, and words that make no sense are refused', () => {
  for (const adjustExternalMemory of [undefined, () => undefined]) {
    const memory = new ReceiveMemory(adjustExternalMemory === undefined ? {} : { adjustExternalMemory });
    assert.equal(memory.allocate(65_536).length, 65_536);
    memory.close();
  }
  const { adjustExternalMemory } = loadBinding();
  const counted = adjustExternalMemory!(MB)!;
  assert.equal(adjustExternalMemory!(-MB), counted - MB);
  assert.throws(() => adjustExternalMemory!('1' as never), { code: 'ERR_INVALID_ARG_TYPE' });
});
