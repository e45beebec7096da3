import assert from 'node:assert/strict';
import { test } from 'node:test';
import { captureLink, type PacketRecorder, type RecordedPacket } from '../../src/link/capture.js';
import { memoryLinkPair } from '../../src/link/memory.js';
import { epochNanoseconds, VirtualClock } from '../../src/stack/clock.js';
import { type PacketBatch, PacketHint } from '../../src/stack/link.js';
import { pseudoHeader } from '../../src/wire/checksum.js';
import { buildTcpPacket } from '../../src/wire/packet.js';
import { ACK } from '../../src/wire/segment.js';
import { batchOf, LOCAL, PEER, TestLink } from '../stack/test-link.js';
import { Collector, sendPacket } from './link-fixtures.js';

class Recorder implements PacketRecorder {
  readonly lines: string[] = [];
  readonly packets: RecordedPacket[] = [];
  closed = 0;

  constructor(readonly snapLength = 65_535) {}

  packet(packet: RecordedPacket): void {
    this.packets.push({ ...packet, bytes: packet.bytes.slice() });
    this.lines.push([packet.direction, packet.packetId, ...packet.comments].join(' '));
  }
  event(_timeNs: bigint, fields: Readonly<Record<string, string>>): void {
    this.lines.push(`event ${fields.MESSAGE}`);
  }
  async close(): Promise<void> {
    this.closed++;
  }
}

function world(recorder = new Recorder(), queuePackets = 1024) {
  const clock = new VirtualClock(0.25);
  const [inner, peer] = memoryLinkPair({ clock, queuePackets });
  const link = captureLink(inner, recorder, { clock });
  const stack = new Collector(() => clock.now());
  link.start(stack);
  peer.start(new Collector(() => clock.now()));
  const receive = (...lengths: number[]) => {
    for (const length of lengths) sendPacket(peer, new Uint8Array(length).fill(length));
    peer.flush();
    clock.step();
  };
  return { clock, link, peer, stack, recorder, receive };
}

test('received and sent packets are recorded in order, with bytes, direction, number and time', () => {
  const w = world();
  w.receive(40, 50);
  sendPacket(
    w.link,
    Uint8Array.from({ length: 60 }, (_, i) => i),
    20,
  );
  w.link.flush();
  assert.deepEqual(w.recorder.lines, ['in 1', 'in 2', 'out 3']);
  const [first, , third] = w.recorder.packets;
  assert.deepEqual(first!.bytes, new Uint8Array(40).fill(40));
  assert.deepEqual(
    [...third!.bytes],
    Array.from({ length: 60 }, (_, i) => i),
  );
  assert.equal(third!.timeNs, 1_704_067_200_000_250_000n);
});

test('comments of the turn reach their packets: several, in order, also before a packet is sent', () => {
  const w = world();
  w.stack.onReceive = () => {
    w.link.annotate(1, 'LISTEN -> SYN-RECEIVED');
    w.link.annotate(1, 'RFC 9293 §3.10.7.2');
    w.link.annotate(2, 'the answer');
    assert.equal(sendPacket(w.link, new Uint8Array(40)), 2);
    w.link.annotate(2, 'second');
  };
  w.receive(40);
  assert.deepEqual(w.recorder.lines, []);
  w.link.flush();
  assert.deepEqual(w.recorder.lines, [
    'in 1 LISTEN -> SYN-RECEIVED RFC 9293 §3.10.7.2',
    'out 2 the answer second',
  ]);
  assert.equal(w.link.captureStats.lateAnnotations, 0);
});

test('a late comment is dropped and counted', () => {
  const w = world();
  w.receive(40);
  w.link.flush();
  w.link.annotate(1, 'too late');
  assert.deepEqual(w.recorder.lines, ['in 1']);
  assert.equal(w.link.captureStats.lateAnnotations, 1);
});

test('the wait ends at the next batch, at the next call of the clock, and at close', async () => {
  const w = world();
  w.receive(40);
  w.receive(41);
  assert.deepEqual(w.recorder.lines, ['in 1']);
  w.clock.advance(0);
  assert.deepEqual(w.recorder.lines, ['in 1', 'in 2']);
  w.receive(42);
  const closing = w.link.close();
  assert.equal(closing, w.link.close());
  await closing;
  assert.deepEqual(w.recorder.lines, ['in 1', 'in 2', 'in 3']);
  assert.equal(w.recorder.closed, 1);
});

test('events stand in their place among the packets', () => {
  const w = world();
  w.receive(40);
  w.link.event({ MESSAGE: '2MSL over' });
  sendPacket(w.link, new Uint8Array(40));
  w.link.annotate(1, 'still in time');
  w.link.flush();
  assert.deepEqual(w.recorder.lines, ['in 1 still in time', 'event 2MSL over', 'out 2']);
});

test('only as much as the recorder keeps is copied; the original length is told', () => {
  const w = world(new Recorder(30));
  w.receive(100, 20);
  sendPacket(w.link, new Uint8Array(80), 20);
  w.link.flush();
  assert.deepEqual(
    w.recorder.packets.map((p) => [p.length, p.bytes.length, p.originalLength]),
    [
      [30, 30, 100],
      [20, 20, 20],
      [30, 30, 80],
    ],
  );
});

test('a refused packet is not recorded, back-pressure and close pass through', async () => {
  const w = world(new Recorder(), 1);
  sendPacket(w.link, new Uint8Array(40));
  assert.equal(sendPacket(w.link, new Uint8Array(40)), -1);
  assert.equal(w.link.writable, false);
  w.link.flush();
  w.clock.advance(0);
  assert.equal(w.link.writable, true);
  assert.equal(w.stack.writableCalls, 1);
  assert.deepEqual(w.recorder.lines, ['out 1']);
  await w.link.close();
  assert.equal(w.peer.stats.dropped, 0);
});

test('what may wait for comments is bounded', () => {
  const w = world();
  w.stack.onReceive = () => {
    for (let i = 0; i < 3000; i++) w.link.event({ MESSAGE: `${i}` });
    assert.ok(w.recorder.lines.length > 0);
  };
  w.receive(40);
  w.link.flush();
  assert.equal(w.recorder.lines.length, 3001);
  for (let id = 10_000; id < 12_000; id++) w.link.annotate(id, 'nobody');
  assert.equal(w.link.captureStats.lateAnnotations, 976);
});

test('epoch nanoseconds keep the fraction that one sum of milliseconds would round away', () => {
  assert.equal(epochNanoseconds(1_704_067_200_000, 0.000001), 1_704_067_200_000_000_001n);
  assert.equal(epochNanoseconds(1_704_067_200_000.5, 1234.567891), 1_704_067_201_235_067_891n);
  assert.equal(epochNanoseconds(1_704_067_200_000.75, 0.25), 1_704_067_200_001_000_000n);
});

test('over a link with offload packets are recorded with finished checksums, and passed on as they are', () => {
  const source = PEER;
  const destination = LOCAL;
  const payload = new Uint8Array(4000).fill(5);
  const packet = buildTcpPacket({
    source,
    sourcePort: 1,
    destination,
    destinationPort: 2,
    flags: ACK,
    payload,
  }).slice();
  const sound = packet.slice();
  new DataView(packet.buffer).setUint16(20 + 16, pseudoHeader(source, destination, 6, packet.length - 20));

  const recorder = new Recorder();
  const inner = new TestLink(1500, {
    transmitChecksum: true,
    receiveChecksum: false,
    maxSegmentationBytes: 60_000,
  });
  const link = captureLink(inner, recorder, { clock: new VirtualClock(0) });
  const received: PacketBatch[] = [];
  link.start({ receive: (batch) => void received.push(batch), writable() {}, failed() {} });
  const hints = Int32Array.of(PacketHint.VERIFIED | PacketHint.UNFINISHED | 1460);
  inner.receiver!.receive({ ...batchOf([packet], inner.packetIds), hints });
  assert.equal(received[0]!.hints, hints);
  assert.deepEqual(received[0]!.bytes, packet);

  const work = { family: 4, transportOffset: 20, segmentBytes: 1460 } as const;
  link.send(2, packet, 0, packet.length, null, work);
  link.flush();
  assert.deepEqual(inner.work, [work]);
  assert.deepEqual(inner.sent, [packet]);
  assert.deepEqual(
    recorder.packets.map(({ bytes }) => bytes),
    [sound, sound],
  );

  const short = new Recorder(100);
  const cutting = captureLink(new TestLink(), short, { clock: new VirtualClock(0) });
  cutting.send(1, packet, 0, packet.length, null, work);
  cutting.flush();
  assert.deepEqual(short.packets[0]!.bytes, sound.slice(0, 100));
  assert.equal(short.packets[0]!.originalLength, packet.length);
});

test('nothing is longer than its record could tell', () => {
  const offload = { transmitChecksum: true, receiveChecksum: false };
  const most = (maxSegmentationBytes: number) => {
    const inner = new TestLink(1500, { ...offload, maxSegmentationBytes });
    const link = captureLink(inner, new Recorder(), { clock: new VirtualClock(0) });
    assert.equal(link.offload, link.offload);
    assert.equal(link.offload.transmitChecksum, true);
    return link.offload.maxSegmentationBytes;
  };
  assert.deepEqual([0, 60_000, 65_435, 65_436, 261_740].map(most), [0, 60_000, 65_435, 65_435, 65_435]);
});
