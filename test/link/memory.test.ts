import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Xoshiro128 } from '../../src/link/impair-random.js';
import { memoryLinkPair } from '../../src/link/memory.js';
import { PacketRing } from '../../src/link/packet-ring.js';
import { SystemClock, VirtualClock } from '../../src/stack/clock.js';
import { Collector, sendPacket } from './link-fixtures.js';

function pair(options: Parameters<typeof memoryLinkPair>[0] = {}) {
  const clock = new VirtualClock(100);
  const [a, b] = memoryLinkPair({ clock, ...options });
  const atA = new Collector(() => clock.now());
  const atB = new Collector(() => clock.now());
  a.start(atA);
  b.start(atB);
  return { clock, a, b, atA, atB };
}

const filled = (length: number, value: number) => new Uint8Array(length).fill(value);

test('packets arrive in order, in one batch, only after flush and only when the clock calls', () => {
  const { clock, a, atB } = pair();
  for (let i = 1; i <= 5; i++) assert.equal(sendPacket(a, filled(40 + i, i), 20), i);
  clock.advance(10);
  assert.deepEqual(atB.ids, []);
  a.flush();
  assert.deepEqual(atB.ids, []);
  clock.advance(0);
  assert.deepEqual(atB.ids, [1, 2, 3, 4, 5]);
  assert.deepEqual(atB.batches, [5]);
  for (const [i, packet] of atB.packets.entries()) assert.deepEqual(packet.bytes, filled(41 + i, i + 1));
});

test('buffers may be reused after flush, and headers after send', () => {
  const { clock, a, atB } = pair();
  const bytes = filled(60, 7);
  sendPacket(a, bytes, 20);
  bytes.fill(0, 0, 20);
  a.flush();
  bytes.fill(0);
  clock.advance(0);
  assert.deepEqual(atB.packets[0]!.bytes, filled(60, 7));
});

test('both directions at once; an answer from within receive travels in a later call', () => {
  const { clock, a, b, atA, atB } = pair({ delayMs: 5 });
  atB.onReceive = () => {
    sendPacket(b, filled(30, 9));
    b.flush();
    assert.deepEqual(atA.ids, []);
  };
  sendPacket(a, filled(30, 1));
  a.flush();
  clock.advance(5);
  assert.equal(atB.packets[0]!.at, 105);
  assert.deepEqual(atA.ids, []);
  clock.advance(5);
  assert.equal(atA.packets[0]!.at, 110);
});

test('a packet has one number on both ends, and both ends draw from one sequence', () => {
  const { clock, a, b, atA, atB } = pair();
  const first = sendPacket(a, filled(20, 1));
  const second = sendPacket(b, filled(20, 2));
  a.flush();
  b.flush();
  clock.advance(0);
  assert.deepEqual([first, second], [1, 2]);
  assert.deepEqual([atB.ids, atA.ids], [[1], [2]]);
});

test('a full queue refuses, keeps what it has, and announces when half of it is free', () => {
  const { clock, a, atA, atB } = pair({ queuePackets: 4 });
  const sent = [1, 2, 3, 4].map((n) => sendPacket(a, filled(20, n)));
  assert.deepEqual(sent, [1, 2, 3, 4]);
  assert.equal(a.writable, true);
  assert.equal(sendPacket(a, filled(20, 5)), -1);
  assert.equal(a.writable, false);
  a.flush();
  assert.equal(atA.writableCalls, 0);
  clock.advance(0);
  assert.deepEqual(atB.ids, [1, 2, 3, 4]);
  assert.equal(atA.writableCalls, 1);
  assert.equal(a.writable, true);
  assert.notEqual(sendPacket(a, filled(20, 6)), -1);
});

test('a queue that is more than half full is not announced yet', () => {
  const { clock, a, atA, atB } = pair({ queuePackets: 4, delayMs: 5 });
  sendPacket(a, filled(20, 1));
  a.flush();
  clock.advance(1);
  for (const n of [2, 3, 4]) sendPacket(a, filled(20, n));
  a.flush();
  assert.equal(sendPacket(a, filled(20, 5)), -1);
  clock.advance(4);
  assert.deepEqual([atB.ids.length, atA.writableCalls, a.writable], [1, 0, false]);
  clock.advance(1);
  assert.deepEqual([atB.ids.length, atA.writableCalls, a.writable], [4, 1, true]);
});

test('the bound in bytes refuses too', () => {
  const { a } = pair({ queueBytes: 100 });
  assert.notEqual(sendPacket(a, filled(60, 1)), -1);
  assert.equal(sendPacket(a, filled(60, 2)), -1);
});

test('close drops what is under way in both directions, counts it and is idempotent', async () => {
  const { clock, a, b, atA, atB } = pair({ delayMs: 5 });
  sendPacket(a, filled(20, 1));
  sendPacket(b, filled(20, 2));
  a.flush();
  b.flush();
  await a.close();
  await a.close();
  clock.advance(50);
  assert.deepEqual([atA.ids, atB.ids], [[], []]);
  assert.deepEqual([a.stats.dropped, b.stats.dropped], [1, 1]);
  sendPacket(b, filled(20, 3));
  assert.equal(b.stats.dropped, 2);
});

test('what was sent before the other end started is delivered when it starts', () => {
  const clock = new VirtualClock();
  const [a, b] = memoryLinkPair({ clock });
  const atB = new Collector(() => clock.now());
  a.start(new Collector(() => clock.now()));
  sendPacket(a, filled(20, 1));
  a.flush();
  clock.advance(1);
  b.start(atB);
  clock.advance(1);
  assert.deepEqual(atB.ids, [1]);
});

test('the host clock delivers as well', async () => {
  const clock = new SystemClock();
  const [a, b] = memoryLinkPair({ clock });
  const atB = new Collector(() => clock.now());
  a.start(new Collector(() => clock.now()));
  const arrived = new Promise<void>((resolve) => {
    atB.onReceive = () => resolve();
  });
  b.start(atB);
  sendPacket(a, filled(20, 1));
  a.flush();
  assert.deepEqual(atB.ids, []);
  await arrived;
  assert.deepEqual(atB.ids, [1]);
  await a.close();
});

test('settings out of range are refused with a code', () => {
  for (const options of [{ mtu: 10 }, { queuePackets: 0 }, { delayMs: -1 }, { queueBytes: Number.NaN }]) {
    assert.throws(() => memoryLinkPair(options), { code: 'ERR_OUT_OF_RANGE' });
  }
});

test('the ring keeps order and content against a plain array, through wraps and growth', () => {
  const seed = 20_240_613;
  const random = Xoshiro128.seeded(seed);
  const ring = new PacketRing(40, 400_000);
  const model: { id: number; bytes: Uint8Array }[] = [];
  const offsets = new Int32Array(8);
  const lengths = new Int32Array(8);
  const ids = new Float64Array(8);
  for (let id = 1; id <= 5000; id++) {
    const bytes = Uint8Array.from({ length: 1 + random.below(id % 50 === 0 ? 60_000 : 3000) }, () =>
      random.next(),
    );
    if (ring.fits(bytes.length)) {
      ring.push(id, 0, bytes, 0, bytes.length, null);
      model.push({ id, bytes });
    }
    const n = random.chance(0.5) ? ring.peek(0, offsets, lengths, ids) : 0;
    const taken = Math.min(n, random.below(8));
    for (let i = 0; i < taken; i++) {
      const expected = model.shift()!;
      assert.equal(ids[i], expected.id, `seed ${seed}`);
      const actual = ring.bytes.subarray(offsets[i]!, offsets[i]! + lengths[i]!);
      assert.ok(Buffer.compare(actual, expected.bytes) === 0, `seed ${seed}, packet ${expected.id}`);
    }
    ring.shift(taken);
    assert.equal(ring.count, model.length);
  }
  assert.equal(
    ring.queuedBytes,
    model.reduce((sum, packet) => sum + packet.bytes.length, 0),
  );
});
