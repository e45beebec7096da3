// The virtio-net header, octet by octet as virtio 1.2 §5.1.6 has it.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CONTROL_WORDS, VNET_HEADER_BYTES } from '../../src/native/binding.js';
import { TransmitQueue } from '../../src/native/transmit-queue.js';
import { type DeviceWork, writeVnetHeader } from '../../src/native/vnet-header.js';

/** Flags, type, then the four lengths and places. */
function fields(header: Uint8Array): number[] {
  const view = new DataView(header.buffer, header.byteOffset);
  return [header[0]!, header[1]!, ...[2, 4, 6, 8].map((at) => view.getUint16(at, true))];
}

function written(packet: Uint8Array, offset: number, length: number, work: DeviceWork | null): number[] {
  const bytes = new Uint8Array(40).fill(0xff);
  writeVnetHeader(bytes, 8, packet, offset, length, work);
  assert.ok(bytes.subarray(0, 8).every((byte) => byte === 0xff) && bytes[24] === 0xff, 'nothing around it');
  assert.ok(
    bytes.subarray(18, 24).every((byte) => byte === 0),
    'padding',
  );
  return fields(bytes.subarray(8, 24));
}

/** A packet whose TCP header of 32 octets begins at `at`. */
function packetWith(at: number, flags = 0x10): Uint8Array {
  const packet = new Uint8Array(at + 32);
  packet[at + 12] = 8 << 4;
  packet[at + 13] = flags;
  return packet;
}

describe('virtio-net header', () => {
  test('a complete packet: nothing but the length of its headers', () => {
    assert.deepEqual(written(packetWith(20), 0, 52, null), [0, 0, 52, 0, 0, 0]);
  });

  test('a checksum to be completed', () => {
    const work = { family: 4, transportOffset: 20, segmentBytes: 0 } as const;
    assert.deepEqual(written(packetWith(27), 7, 45, work), [1, 0, 52, 0, 20, 16]);
  });

  test('segments to be cut, of both families, in a frame too', () => {
    const v4 = { family: 4, transportOffset: 20, segmentBytes: 1448 } as const;
    assert.deepEqual(written(packetWith(20), 0, 52, v4), [1, 1, 52, 1448, 20, 16]);
    const v6 = { family: 6, transportOffset: 54, segmentBytes: 1428 } as const;
    assert.deepEqual(written(packetWith(54), 0, 86, v6), [1, 4, 86, 1428, 54, 16]);
  });

  test('RFC 3168 §6.1.2: the first of the segments alone shall bear CWR', () => {
    const work = { family: 4, transportOffset: 20, segmentBytes: 1448 } as const;
    assert.equal(written(packetWith(20, 0x90), 0, 52, work)[1], 0x81);
    assert.equal(written(packetWith(20, 0x90), 0, 52, { ...work, segmentBytes: 0 })[1], 0);
  });

  test('a note for the addon where it may go in one piece, although IP cannot tell its length', () => {
    const work = { family: 4, transportOffset: 20, segmentBytes: 1448 } as const;
    const bytes = new Uint8Array(VNET_HEADER_BYTES);
    writeVnetHeader(bytes, 0, packetWith(20), 0, 52, work, true);
    assert.deepEqual([...bytes.subarray(10)], [0, 0, 1, 0, 0, 0]);
  });

  test('the length is that of the headers also where the payload stands right behind them', () => {
    const packet = new Uint8Array(2000);
    packet.set(packetWith(20));
    const work = { family: 4, transportOffset: 20, segmentBytes: 1000 } as const;
    assert.equal(written(packet, 0, 2000, work)[2], 52);
  });

  test('a queue puts one before each packet, and keeps it with the packet', () => {
    const queue = new TransmitQueue(new Int32Array(CONTROL_WORDS));
    queue.useVnetHeaders();
    const packet = packetWith(20);
    queue.push(packet, 0, 52, null, { family: 4, transportOffset: 20, segmentBytes: 0 });
    queue.push(packet, 0, 52, null);
    queue.keepAfter(1);
    const [kept] = queue.buffers;
    assert.equal(kept!.length, VNET_HEADER_BYTES + 52);
    assert.deepEqual(fields(kept!.subarray(0, VNET_HEADER_BYTES)), [0, 0, 52, 0, 0, 0]);
    assert.deepEqual(kept!.subarray(VNET_HEADER_BYTES), packet);
  });
});
