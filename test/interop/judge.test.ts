// The judge itself: it passes a faultless capture, and finds a wrong checksum, a retransmission, and an empty capture.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { PcapngWriter } from '../../src/observe/pcapng.js';
import { assertJudged } from './judge.js';
import { obstacle } from './lab.js';

const skip = obstacle('tshark');
const SYN = 0x02;
const ACK = 0x10;

function sum16(bytes: Buffer, start: number, end: number, initial = 0): number {
  let sum = initial;
  for (let i = start; i < end; i += 2) sum += bytes.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** An IPv4 packet with one segment of ten bytes of payload, 10.9.0.1:1000 to 10.9.0.2:2000. */
function packet(seq: number, flags: number): Buffer {
  const bytes = Buffer.alloc(50);
  bytes.set([0x45, 0, 0, 50, 0, 0, 0, 0, 64, 6, 0, 0, 10, 9, 0, 1, 10, 9, 0, 2]);
  bytes.writeUInt16BE(sum16(bytes, 0, 20), 10);
  bytes.writeUInt16BE(1000, 20);
  bytes.writeUInt16BE(2000, 22);
  bytes.writeUInt32BE(seq, 24);
  bytes.set([0x50, flags, 0xff, 0xff], 32);
  bytes.writeUInt16BE(sum16(bytes, 12, 50, 6 + 30), 36);
  return bytes;
}

async function captureOf(
  t: TestContext,
  packets: readonly Buffer[],
  direction: 'in' | 'out' = 'in',
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'synwave-judge-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'judged.pcapng');
  const writer = new PcapngWriter({ target: file });
  for (const [i, bytes] of packets.entries()) {
    writer.packet({
      timeNs: 1_700_000_000_000_000_000n + BigInt(i) * 500_000_000n,
      direction,
      packetId: i + 1,
      bytes,
      offset: 0,
      length: bytes.length,
      originalLength: bytes.length,
      comments: [],
    });
  }
  await writer.close();
  return file;
}

test('judge: two segments in order are faultless', { skip }, async (t) => {
  const file = await captureOf(t, [packet(1, ACK), packet(11, ACK)]);
  assert.equal((await assertJudged(file, { minFrames: 2 })).frames, 2);
});

test('judge: a wrong TCP or IP checksum is found, whatever was damaged on the way in', {
  skip,
}, async (t) => {
  for (const at of [45, 11]) {
    const damaged = packet(11, ACK);
    damaged[at]! ^= 1;
    const file = await captureOf(t, [packet(1, ACK), damaged]);
    await assert.rejects(assertJudged(file), /wrong checksum/);
    assert.equal((await assertJudged(file, { damaged: 'received' })).frames, 1);
    const sent = await captureOf(t, [packet(1, ACK), damaged], 'out');
    await assert.rejects(assertJudged(sent, { damaged: 'received' }), /wrong checksum/);
  }
});

test('judge: a checksum of zero may be received as 0xffff, but not sent so', { skip }, async (t) => {
  const zero = packet(1, ACK);
  zero.writeUInt16BE(zero.readUInt16BE(36), 40);
  zero.writeUInt16BE(0xffff, 36);
  assert.equal((await assertJudged(await captureOf(t, [zero]))).frames, 1);
  await assert.rejects(assertJudged(await captureOf(t, [zero], 'out')), /wrong checksum/);
});

test('judge: a retransmission is found, and allowed when it is expected', { skip }, async (t) => {
  const file = await captureOf(t, [packet(1, ACK), packet(11, ACK), packet(11, ACK)]);
  await assert.rejects(assertJudged(file), /retransmission in 1 frames \(3\)/);
  await assertJudged(file, { allow: { retransmission: 1 } });
});

test('judge: what is expected must be there; an empty capture proves nothing', { skip }, async (t) => {
  const file = await captureOf(t, [packet(1, SYN)]);
  await assert.rejects(assertJudged(file, { allow: { rst: 1 } }), /rst in 0 frames, expected 1/);
  await assert.rejects(assertJudged(await captureOf(t, [])), /has 0 frames/);
});
