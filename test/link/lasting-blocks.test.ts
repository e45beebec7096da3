// Blocks that a thread may read: none serves again while a packet that refers to it waits, whatever was acknowledged.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LastingBlocks } from '../../src/link/lasting-blocks.js';
import { CONTROL_DONE, CONTROL_THREAD, CONTROL_WORDS, MAX_STRETCHES } from '../../src/native/binding.js';

const BLOCK_BYTES = 65_536;
const STRETCH_BLOCKS = 32;

function make(announced = true) {
  const control = new Int32Array(CONTROL_WORDS);
  const shown: Uint8Array[] = [];
  const blocks = new LastingBlocks(control, (memory) => {
    shown.push(memory);
    return announced;
  });
  return { control, shown, blocks };
}

describe('lasting blocks', () => {
  it('lie in a stretch, which is shown when the first one is taken', () => {
    const { blocks, shown } = make();
    assert.equal(blocks.take(BLOCK_BYTES + 1), null);
    assert.equal(shown.length, 0);
    const taken = [blocks.take(BLOCK_BYTES)!, blocks.take(BLOCK_BYTES)!];
    assert.equal(shown.length, 1);
    for (const block of taken) {
      assert.equal(block.length, BLOCK_BYTES);
      assert.equal(block.buffer, shown[0]!.buffer);
    }
    assert.notEqual(taken[0]!.byteOffset, taken[1]!.byteOffset);
  });

  it('serve again at once when nothing refers to them, the last one first', () => {
    const { blocks } = make();
    const [a, b] = [blocks.take(BLOCK_BYTES)!, blocks.take(BLOCK_BYTES)!];
    blocks.give(a);
    blocks.give(b);
    assert.equal(blocks.take(BLOCK_BYTES)!, b);
    assert.equal(blocks.take(BLOCK_BYTES)!, a);
  });

  it('rest until the last packet that refers to them is written', () => {
    for (const first of [0, 0x7fff_fffe]) {
      const { blocks, control } = make();
      const number = (i: number) => (first + i) | 0;
      control[CONTROL_DONE] = first;
      const block = blocks.take(BLOCK_BYTES)!;
      blocks.noteUse(block, number(1));
      blocks.noteUse(block, number(3));
      blocks.give(block);
      for (const done of [0, 1, 3]) {
        control[CONTROL_DONE] = number(done);
        assert.notEqual(blocks.take(BLOCK_BYTES)!, block, `${done} packets are written`);
      }
      control[CONTROL_DONE] = number(4);
      assert.equal(blocks.take(BLOCK_BYTES)!, block);
    }
  });

  it('serve again in preference to what has rested, once they are written', () => {
    const { blocks, control } = make();
    const [rested, warm] = [blocks.take(BLOCK_BYTES)!, blocks.take(BLOCK_BYTES)!];
    blocks.give(rested);
    blocks.noteUse(warm, 0);
    blocks.give(warm);
    control[CONTROL_DONE] = 1;
    assert.equal(blocks.take(BLOCK_BYTES), warm);
    assert.equal(blocks.take(BLOCK_BYTES), rested);
  });

  it('lie in as many stretches as it takes, beyond which there are none', () => {
    const { blocks, shown } = make();
    for (let i = 0; i < MAX_STRETCHES; i++) {
      const taken = Array.from({ length: STRETCH_BLOCKS }, () => blocks.take(BLOCK_BYTES)!);
      assert.equal(shown.length, i + 1);
      assert.ok(taken.every((block) => block.buffer === shown[i]!.buffer));
      assert.equal(new Set(taken.map((block) => block.byteOffset)).size, STRETCH_BLOCKS);
    }
    assert.equal(blocks.take(BLOCK_BYTES), null);
    assert.equal(shown.length, MAX_STRETCHES);
    assert.equal(blocks.give(new Uint8Array(BLOCK_BYTES)), false);
    assert.equal(blocks.take(BLOCK_BYTES), null);
  });

  it('are none where the port has no use for them', () => {
    const { blocks, shown } = make(false);
    assert.equal(blocks.take(BLOCK_BYTES), null);
    assert.equal(blocks.take(BLOCK_BYTES), null);
    assert.equal(shown.length, 1);
  });

  it('are faster while the port says that a thread is at work', () => {
    const { blocks, control } = make();
    assert.equal(blocks.isFaster, false);
    control[CONTROL_THREAD] = 1;
    assert.equal(blocks.isFaster, true);
  });
});
