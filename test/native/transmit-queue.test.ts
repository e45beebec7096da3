// The queue in front of the addon, without the addon: what is described for it, and what survives a flush that took a part.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CONTROL_LONG, CONTROL_QUEUED, CONTROL_WORDS, MAX_PIECES } from '../../src/native/binding.js';
import { TransmitQueue } from '../../src/native/transmit-queue.js';
import type { DeviceWork } from '../../src/native/vnet-header.js';
import { PayloadPieces } from '../../src/wire/payload.js';
import { pattern } from './packets.js';

function makeQueue() {
  const control = new Int32Array(CONTROL_WORDS);
  return { control, queue: new TransmitQueue(control) };
}

/** The packets as the addon would gather them. */
function described(queue: TransmitQueue): Uint8Array[] {
  const packets: Uint8Array[] = [];
  const d = queue.descriptors;
  for (let at = 0, n = 0; n < queue.packets; n++) {
    const bytes = [...queue.arena.subarray(d[at]!, d[at]! + d[at + 1]!)];
    const pieces = d[at + 2]!;
    assert.ok(pieces <= MAX_PIECES);
    at += 3;
    for (let i = 0; i < pieces; i++, at += 3) {
      bytes.push(...queue.buffers[d[at]!]!.subarray(d[at + 1]!, d[at + 1]! + d[at + 2]!));
    }
    packets.push(Uint8Array.from(bytes));
  }
  return packets;
}

interface Made {
  readonly header: Uint8Array;
  readonly payload: PayloadPieces;
  readonly whole: Uint8Array;
}

/** A packet whose payload has pieces of these lengths, each in a buffer of its own with a margin. */
function makePacket(headerLength: number, lengths: readonly number[], seed: number): Made {
  const header = pattern(headerLength, seed);
  const payload = new PayloadPieces();
  const whole = [...header];
  for (const [i, length] of lengths.entries()) {
    const buffer = pattern(length + 4, seed + i + 1);
    payload.add(buffer, 2, length);
    whole.push(...buffer.subarray(2, 2 + length));
  }
  return { header, payload, whole: Uint8Array.from(whole) };
}

const packetLists = fc.array(
  fc.record({
    header: fc.integer({ min: 1, max: 120 }),
    lengths: fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 20 }),
  }),
  { minLength: 1, maxLength: 30 },
);

describe('TransmitQueue', () => {
  it('describes every packet exactly, and after a partial flush the rest, whatever became of the buffers', () => {
    fc.assert(
      fc.property(packetLists, fc.nat(), fc.nat(), (list, seed, cut) => {
        const { queue, control } = makeQueue();
        const made = list.map((one, i) => makePacket(one.header, one.lengths, seed + 31 * i));
        for (const one of made) assert.equal(queue.push(one.header, 0, one.header.length, one.payload), true);
        const wholes = made.map((one) => one.whole);
        assert.deepEqual(described(queue), wholes);
        assert.equal(control[CONTROL_QUEUED], made.length);

        const taken = cut % made.length;
        queue.keepAfter(taken);
        for (const one of made) for (const buffer of one.payload.bytes) buffer.fill(0);
        assert.deepEqual(described(queue), wholes.slice(taken));
        const again = taken + ((made.length - taken) >> 1);
        queue.keepAfter(again - taken);
        assert.deepEqual(described(queue), wholes.slice(again));

        queue.clear();
        assert.equal(control[CONTROL_QUEUED], 0);
        assert.deepEqual(described(queue), []);
        assert.equal(queue.buffers.length, 0, 'no buffer is kept alive');
      }),
      { numRuns: 200 },
    );
  });

  it('takes headers out of one memory as they are at the time, wherever they begin and however long they are', () => {
    const { queue } = makeQueue();
    const memory = new Uint8Array(120);
    const expected: Uint8Array[] = [];
    let seed = 0;
    for (const offset of [0, 20, 7, 18]) {
      for (const length of [40, 52, 1, 43, 100, 63]) {
        memory.set(pattern(120, seed++));
        const payload = new PayloadPieces();
        payload.add(pattern(5, seed++), 0, 5);
        assert.equal(queue.push(memory, offset, length, payload), true);
        expected.push(
          Uint8Array.from([...memory.subarray(offset, offset + length), ...payload.bytes[0]!.subarray(0, 5)]),
        );
      }
    }
    memory.fill(0);
    assert.deepEqual(described(queue), expected);
  });

  it('refers to one buffer once when segments follow each other in it', () => {
    const { queue } = makeQueue();
    const buffer = pattern(10_000, 1);
    for (let i = 0; i < 5; i++) {
      const payload = new PayloadPieces();
      payload.add(buffer, i * 1000, 1000);
      queue.push(new Uint8Array(40), 0, 40, payload);
    }
    assert.equal(queue.buffers.length, 1);
  });

  it('lets only what is too long for IP go in one piece, to whom it is said, and until the addon learns otherwise', () => {
    const { queue, control } = makeQueue();
    queue.useVnetHeaders();
    const work = { family: 4, transportOffset: 34, segmentBytes: 1448 } as const;
    const header = new Uint8Array(54);
    header.set([10, 9, 0, 200], 30);
    header[46] = 5 << 4;
    const isLong = (bytes: number, more: Partial<DeviceWork> = {}) => {
      const payload = new PayloadPieces();
      payload.add(new Uint8Array(bytes), 0, bytes);
      queue.clear();
      assert.ok(queue.push(header, 0, 54, payload, { ...work, ...more }));
      return queue.arena[12] === 1;
    };
    assert.equal(isLong(100_000), false, 'to nobody at first');
    queue.useLongPackets([0x0a090001, 0x0a0900c8]);
    assert.equal(isLong(100_000), true);
    assert.equal(isLong(65_535 - 54), false);
    assert.equal(isLong(65_535 - 53), true);
    assert.equal(isLong(100_000, { family: 6 }), false);
    header[33] = 201;
    assert.equal(isLong(100_000), false, 'to somebody else');
    header[33] = 200;
    control[CONTROL_LONG] = 0;
    assert.equal(isLong(100_000), false, 'the kernel has refused one');
  });

  it('refuses when full, and a full queue of the smallest packets can be kept', () => {
    const { queue } = makeQueue();
    const header = Uint8Array.of(1);
    let count = 0;
    while (queue.push(header, 0, 1, null)) count++;
    assert.ok(count >= 1024);
    queue.keepAfter(0);
    assert.equal(queue.packets, count);
    assert.ok(described(queue).every((packet) => packet.length === 1 && packet[0] === 1));
  });

  it('refuses what its arena cannot hold', () => {
    const { queue } = makeQueue();
    assert.equal(queue.push(new Uint8Array(1 << 20), 0, 1 << 20, null), false);
    assert.equal(queue.packets, 0);
  });

  it('puts zeros, never old bytes, in place of a buffer that was transferred away', () => {
    const { queue } = makeQueue();
    queue.push(new Uint8Array(4000).fill(0xaa), 0, 4000, null);
    queue.clear();
    const gone = makePacket(4, [20], 1);
    const later = makePacket(4, [2000], 2);
    structuredClone(gone.payload.bytes[0]!.buffer, {
      transfer: [gone.payload.bytes[0]!.buffer as ArrayBuffer],
    });
    assert.equal(queue.push(gone.header, 0, 4, gone.payload), true);
    assert.equal(queue.push(later.header, 0, 4, later.payload), true);
    structuredClone(later.payload.bytes[0]!.buffer, {
      transfer: [later.payload.bytes[0]!.buffer as ArrayBuffer],
    });
    queue.keepAfter(0);
    assert.deepEqual(described(queue), [
      Uint8Array.from([...gone.header, ...new Uint8Array(20)]),
      Uint8Array.from([...later.header, ...new Uint8Array(2000)]),
    ]);
  });
});
