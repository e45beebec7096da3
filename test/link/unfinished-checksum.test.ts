// Checksums that a sender left to its device: found by the sum of the pseudo header, completed, and nothing else touched.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { completeBatch, completeChecksum, completePacket } from '../../src/link/unfinished-checksum.js';
import { PacketHint, PacketIds } from '../../src/stack/link.js';
import { finish, fold, pseudoHeader, pseudoHeader4, sumRange } from '../../src/wire/checksum.js';
import { buildTcpPacket, decodePacket } from '../../src/wire/packet.js';
import { ACK } from '../../src/wire/segment.js';
import { batchOf, ip } from '../stack/test-link.js';

const FIELD = 16;

test('an unfinished checksum is completed, whatever lies under it', () => {
  const segment = fc.uint8Array({ minLength: 20, maxLength: 200 });
  fc.assert(
    fc.property(segment, fc.integer(), fc.integer(), fc.nat(3), (bytes, source, destination, shift) => {
      const slab = new Uint8Array(bytes.length + shift);
      slab.set(bytes, shift);
      const pseudo = pseudoHeader4(source, destination, 6, bytes.length);
      slab[shift + FIELD] = pseudo >>> 8;
      slab[shift + FIELD + 1] = pseudo & 0xff;
      assert.equal(completeChecksum(slab, shift, bytes.length, FIELD, pseudo), true);
      assert.equal(fold(pseudo + sumRange(slab, shift, bytes.length)), 0xffff);
      const isField = (i: number) => i === FIELD || i === FIELD + 1;
      for (const [i, byte] of bytes.entries()) if (!isField(i)) assert.equal(slab[shift + i], byte);
    }),
  );
});

test('of the two zeros TCP has all bits clear, and UDP all bits set', () => {
  for (const [field, zero] of [
    [FIELD, 0x0000],
    [6, 0xffff],
  ] as const) {
    const bytes = new Uint8Array(24).fill(7);
    const view = new DataView(bytes.buffer);
    const pseudo = pseudoHeader4(1, 2, 6, bytes.length);
    view.setUint16(field, 0);
    view.setUint16(20, 0);
    view.setUint16(20, finish(pseudo + sumRange(bytes, 0, bytes.length)));
    view.setUint16(field, pseudo);
    assert.equal(completeChecksum(bytes, 0, bytes.length, field, pseudo), true);
    assert.equal(view.getUint16(field), zero);
  }
});

test('a finished checksum is left alone, a wrong one too', () => {
  const bytes = new Uint8Array(24).fill(7);
  const pseudo = pseudoHeader4(1, 2, 6, bytes.length);
  for (const wrong of [0, 1]) {
    bytes[FIELD] = 0;
    bytes[FIELD + 1] = 0;
    const checksum = finish(pseudo + sumRange(bytes, 0, bytes.length)) ^ wrong;
    bytes[FIELD] = checksum >>> 8;
    bytes[FIELD + 1] = checksum & 0xff;
    const before = bytes.slice();
    assert.equal(completeChecksum(bytes, 0, bytes.length, FIELD, pseudo), false);
    assert.deepEqual(bytes, before);
  }
});

test('what is too short to have the field is left alone', () => {
  const bytes = new Uint8Array(17);
  assert.equal(completeChecksum(bytes, 0, 17, FIELD, 0), false);
});

/** A TCP packet of either family whose checksum field holds the sum of its pseudo header. */
function unfinishedPacket(family: 4 | 6): Uint8Array<ArrayBuffer> {
  const [source, destination] = (family === 4 ? ['10.9.0.1', '10.9.0.2'] : ['fd00:9::1', 'fd00:9::2']).map(
    ip,
  );
  const payload = new Uint8Array(3001).fill(3);
  const ports = { sourcePort: 1, destinationPort: 2 };
  const packet = buildTcpPacket({
    source: source!,
    destination: destination!,
    ...ports,
    flags: ACK,
    payload,
  }).slice();
  const tcp = family === 4 ? 20 : 40;
  const sum = pseudoHeader(source!, destination!, 6, packet.length - tcp);
  new DataView(packet.buffer).setUint16(tcp + FIELD, sum);
  return packet;
}

function isSound(bytes: Uint8Array): boolean {
  const decoded = decodePacket(bytes);
  return typeof decoded !== 'string' && decoded.tcp?.checksumOk === true;
}

test('a whole packet of either family is completed, in a frame too', () => {
  for (const family of [4, 6] as const) {
    const packet = unfinishedPacket(family);
    const frame = new Uint8Array(14 + packet.length + 3);
    frame.set(packet, 14);
    new DataView(frame.buffer).setUint16(12, family === 4 ? 0x0800 : 0x86dd);
    assert.equal(isSound(packet), false);
    const view = new DataView(packet.buffer);
    assert.equal(completePacket(packet, view, 0, packet.length, 'ip'), true);
    assert.equal(isSound(packet), true);
    assert.equal(completePacket(packet, view, 0, packet.length, 'ip'), false, 'it is done');
    assert.equal(completePacket(frame, new DataView(frame.buffer), 0, frame.length, 'ethernet'), true);
    assert.equal(isSound(frame.subarray(14, 14 + packet.length)), true);
  }
});

test('UDP is completed as well, a sum of nothing as all ones (RFC 768)', () => {
  const packet = new Uint8Array(28);
  packet.set([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 9, 0, 1, 10, 9, 0, 2]);
  const view = new DataView(packet.buffer);
  const pseudo = pseudoHeader4(0x0a090001, 0x0a090002, 17, 8);
  // The ports make up for the rest, so that the sum is all ones and its complement zero.
  view.setUint16(20, (0xffff - pseudo - 8) & 0xffff);
  view.setUint16(24, 8);
  view.setUint16(26, pseudo);
  assert.equal(completePacket(packet, view, 0, 28, 'ip'), true);
  assert.equal(view.getUint16(26), 0xffff);
});

test('of a batch those are completed that the link names, and are then known to be complete', () => {
  const batch = batchOf([unfinishedPacket(4), unfinishedPacket(6)], new PacketIds());
  const hints = Int32Array.of(PacketHint.UNFINISHED | PacketHint.VERIFIED | 1448, 0);
  completeBatch({ ...batch, hints }, 'ip');
  const [first, second] = [0, 1].map((i) =>
    batch.bytes.slice(batch.offsets[i]!, batch.offsets[i]! + batch.lengths[i]!),
  );
  assert.deepEqual([isSound(first!), isSound(second!)], [true, false]);
  assert.deepEqual([...hints], [PacketHint.VERIFIED | 1448, 0]);
  completeBatch(batch, 'ip');
});
