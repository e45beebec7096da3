// Slabs go out, are kept as long as anybody has a view of them, and come back as the same memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import type { NativeSlabPool as Pool } from '../../src/native/binding.js';
import { loadBinding } from '../../src/native/load.js';
import { SlabPool } from '../../src/native/slab-pool.js';

const PAGE = 4096;
const { SlabPool: NativeSlabPool } = loadBinding();
assert.ok(NativeSlabPool !== undefined);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Slabs come back on the event loop, some time after a collection. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    collectGarbage();
    await new Promise(setImmediate);
  }
}

/** Whoever calls this holds nothing afterwards. */
function mark(pool: Pool, count: number): void {
  for (let i = 1; i <= count; i++) new Uint8Array(pool.take()!).fill(i);
}

test('slabs that nobody refers to come back, without being cleared', { timeout: 60_000 }, async () => {
  const pool = new NativeSlabPool(PAGE, 3);
  assert.equal(pool.available(), 3);
  mark(pool, 3);
  await until(() => pool.available() === 3);
  const found = [1, 2, 3].map(() => new Uint8Array(pool.take()!));
  assert.deepEqual(
    found.map((slab) => slab.length),
    [PAGE, PAGE, PAGE],
  );
  assert.deepEqual(found.map((slab) => slab[PAGE - 1]).sort(), [1, 2, 3]);
  assert.ok(found.every((slab) => slab.every((byte) => byte === slab[0])));
});

test('a view of a few bytes keeps a slab from being used again', { timeout: 60_000 }, async () => {
  const pool = new NativeSlabPool(PAGE, 2);
  const kept = new Uint8Array(pool.take()!).fill(7).subarray(100, 103).subarray(1);
  mark(pool, 1);
  assert.equal(pool.available(), 0);
  assert.equal(pool.take(), null);
  await until(() => pool.available() === 1);
  for (let i = 0; i < 3; i++) {
    collectGarbage();
    await new Promise(setImmediate);
  }
  assert.equal(pool.available(), 1);
  new Uint8Array(pool.take()!).fill(9);
  assert.equal(pool.take(), null);
  assert.deepEqual([...kept], [7, 7]);
});

test('a closed pool gives nothing, and what is out stays good', { timeout: 60_000 }, async () => {
  const pool = new NativeSlabPool(PAGE, 2);
  const slab = new Uint8Array(pool.take()!).fill(5);
  pool.close();
  pool.close();
  assert.equal(pool.take(), null);
  assert.equal(pool.available(), 0);
  collectGarbage();
  assert.ok(slab.every((byte) => byte === 5));
});

test('a slab does not go to another thread with all that is in it', () => {
  const pool = new NativeSlabPool(PAGE, 1);
  const slab = pool.take()!;
  try {
    structuredClone(slab, { transfer: [slab] });
  } catch (error) {
    assert.equal((error as Error).name, 'DataCloneError');
  }
  assert.equal(slab.byteLength, PAGE);
});

test('sizes and limits that make no sense are refused', () => {
  for (const [bytes, limit] of [
    [0, 1],
    [PAGE + 1, 1],
    [PAGE, 0],
  ] as const) {
    assert.throws(() => new NativeSlabPool(bytes, limit), { code: 'ERR_OUT_OF_RANGE' });
  }
});

test('a thread may end while slabs are out', { timeout: 60_000 }, async () => {
  const code = `const { loadBinding } = await import(${JSON.stringify(new URL('../../src/native/load.js', import.meta.url).href)});
    const pool = new (loadBinding().SlabPool)(${PAGE}, 2);
    globalThis.kept = [pool.take(), pool.take()];`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
  const exitCode = await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
  assert.equal(exitCode, 0);
});

test('large blocks are cut from slabs without touching each other, small ones and what finds no slab are plain', () => {
  const pool = new SlabPool();
  const blocks = Array.from({ length: 9 }, () => pool.allocate(65_536));
  for (const [i, block] of blocks.entries()) block.fill(i);
  for (const [i, block] of blocks.entries()) {
    assert.ok(block.length === 65_536 && block.every((byte) => byte === i));
  }
  assert.equal(blocks[0]!.buffer, blocks[7]!.buffer);
  assert.notEqual(blocks[7]!.buffer, blocks[8]!.buffer);
  assert.equal(pool.allocate(2048).buffer.byteLength, 2048);
  pool.close();
  assert.equal(pool.allocate(65_536).buffer.byteLength, 65_536);
});
