// Where a port reads next: what was kept is never read over, and what was not is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ReadBatch, ReadMemory, SLAB_BYTES } from '../../src/link/read-memory.js';
import { CONTROL_BEGIN, CONTROL_WORDS, PACKET_ROOM } from '../../src/native/binding.js';

class Bench {
  readonly control = new Int32Array(CONTROL_WORDS);
  /** What the port was told to read into, in order. */
  readonly used: Uint8Array[] = [];
  readonly memory: ReadMemory;
  readonly batch: ReadBatch;

  constructor() {
    this.memory = new ReadMemory(
      this.control,
      (bytes) => new Uint8Array(bytes),
      (slab) => this.used.push(slab),
    );
    const { own } = this.memory;
    const table = new Int32Array(1);
    this.batch = {
      bytes: own,
      view: new DataView(own.buffer),
      count: 1,
      offsets: table,
      lengths: table,
      ids: new Float64Array(1),
      keptUpTo: -1,
      more: false,
    };
  }

  /** A batch is delivered, and its receiver keeps all up to that offset if it may. Returns whether it might. */
  deliver(longest: number, keptUpTo = 0): boolean {
    this.memory.offer(this.batch);
    const mayKeep = this.batch.keptUpTo >= 0;
    if (mayKeep && keptUpTo > 0) this.batch.keptUpTo = keptUpTo;
    this.memory.goOn(this.batch, longest);
    return mayKeep;
  }

  get begin(): number {
    return this.control[CONTROL_BEGIN]!;
  }
}

test('small packets need no slab', () => {
  const bench = new Bench();
  assert.equal(bench.deliver(1500), false);
  assert.equal(bench.deliver(59_999), false);
  assert.deepEqual([bench.used.length, bench.begin], [0, 0]);
});

test('after a large packet slabs are read into, and what is kept of them is not read over', () => {
  const bench = new Bench();
  assert.equal(bench.deliver(60_000), false);
  assert.equal(bench.used.length, 1);
  assert.equal(bench.batch.bytes, bench.used[0]);
  assert.equal(bench.batch.view.buffer, bench.used[0]!.buffer);
  assert.equal(bench.deliver(60_000, 1), true);
  assert.equal(bench.begin, 64);
  assert.equal(bench.deliver(60_000, 128), true);
  assert.equal(bench.begin, 128);
  assert.equal(bench.deliver(60_000), true);
  assert.equal(bench.begin, 128, 'nothing kept: the same place again');
  assert.equal(bench.used.length, 1);
});

test('a slab without room for a packet gives way to the next', () => {
  const bench = new Bench();
  bench.deliver(60_000);
  bench.deliver(60_000, SLAB_BYTES - PACKET_ROOM);
  assert.deepEqual([bench.used.length, bench.begin], [1, SLAB_BYTES - PACKET_ROOM]);
  bench.deliver(60_000, SLAB_BYTES - PACKET_ROOM + 1);
  assert.deepEqual([bench.used.length, bench.begin], [2, 0]);
  assert.notEqual(bench.used[1], bench.used[0]);
  assert.equal(bench.batch.bytes, bench.used[1]);
});

test('where nothing is kept, a slab with room for hardly any small packets gives way as well', () => {
  const bench = new Bench();
  bench.deliver(60_000);
  bench.deliver(60_000, SLAB_BYTES - 2 * PACKET_ROOM);
  bench.deliver(1500);
  assert.deepEqual([bench.used.length, bench.begin], [1, SLAB_BYTES - 2 * PACKET_ROOM]);
  bench.deliver(60_000, SLAB_BYTES - 2 * PACKET_ROOM + 1);
  assert.equal(bench.used.length, 1);
  bench.deliver(1500);
  assert.deepEqual([bench.used.length, bench.begin], [2, 0]);
  bench.deliver(1500);
  assert.equal(bench.used.length, 2, 'there is room now');
});
