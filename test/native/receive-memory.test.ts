// Blocks are memory of their own, and what V8 is told of them adds up.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadBinding } from '../../src/native/load.js';
import { ReceiveMemory } from '../../src/native/receive-memory.js';

const MB = 1024 * 1024;

/** A binding that notes what V8 is told. */
function recorder() {
  const told: number[] = [];
  return {
    told,
    binding: { keepFreedMemory() {}, adjustExternalMemory: (bytes: number) => void told.push(bytes) },
  };
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

test('what V8 is told at once is taken off block by block, then it is told again; at the end the sum is nothing', () => {
  const { told, binding } = recorder();
  const memory = new ReceiveMemory(binding, () => 10 * MB);
  for (let i = 0; i < 513; i++) memory.allocate(MB);
  assert.deepEqual([told[0], told[1], told[512], told[513], told[514]], [512 * MB, -MB, -MB, 512 * MB, -MB]);
  memory.close();
  memory.close();
  memory.allocate(MB);
  assert.equal(told.length, 516);
  assert.equal(
    told.reduce((sum, bytes) => sum + bytes),
    0,
  );
});

test('in a large heap, and of small blocks, V8 is told nothing', () => {
  const { told, binding } = recorder();
  let heap = 100 * MB;
  const memory = new ReceiveMemory(binding, () => heap);
  for (let i = 0; i < 512; i++) memory.allocate(MB);
  assert.equal(told.length, 0);
  heap = 10 * MB;
  memory.allocate(2048);
  assert.equal(told.length, 0);
  memory.allocate(MB);
  assert.deepEqual(told, [512 * MB, -MB]);
  heap = 100 * MB;
  for (let i = 0; i < 512; i++) memory.allocate(MB);
  assert.equal(
    told.reduce((sum, bytes) => sum + bytes),
    0,
    'what was told is taken off when the heap has grown',
  );
});

test('an addon of earlier is no obstacle, and words that make no sense are refused', () => {
  const memory = new ReceiveMemory({});
  assert.equal(memory.allocate(65_536).length, 65_536);
  memory.close();
  loadBinding().adjustExternalMemory!(MB);
  loadBinding().adjustExternalMemory!(-MB);
  assert.throws(() => loadBinding().adjustExternalMemory!('1' as never), { code: 'ERR_INVALID_ARG_TYPE' });
});
