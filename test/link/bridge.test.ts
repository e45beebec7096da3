// A bridge between memory links in virtual time: what it carries, what it loses and counts, and that the fate of a packet
// depends on its number and direction alone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Bridge, bridgeLinks } from '../../src/link/bridge.js';
import { impair } from '../../src/link/impair.js';
import type { ImpairOptions } from '../../src/link/impair-options.js';
import { type MemoryLink, memoryLinkPair } from '../../src/link/memory.js';
import { VirtualClock } from '../../src/stack/clock.js';
import { PacketIds } from '../../src/stack/link.js';
import { Collector, sendPacket } from './link-fixtures.js';

interface World {
  readonly clock: VirtualClock;
  readonly bridge: Bridge;
  /** The ends of the hosts, with what each has received. */
  readonly left: MemoryLink;
  readonly right: MemoryLink;
  readonly atLeft: Collector;
  readonly atRight: Collector;
}

function world(options: Omit<ImpairOptions, 'clock'> = {}, queuePackets = 1024): World {
  const clock = new VirtualClock();
  const packetIds = new PacketIds();
  const [left, wireLeft] = memoryLinkPair({ clock, packetIds, names: ['left', 'wire-left'], queuePackets });
  const [right, wireRight] = memoryLinkPair({
    clock,
    packetIds,
    names: ['right', 'wire-right'],
    queuePackets,
  });
  const bridge = bridgeLinks(wireLeft, wireRight, { ...options, clock });
  const atLeft = new Collector(() => clock.now());
  const atRight = new Collector(() => clock.now());
  left.start(atLeft);
  right.start(atRight);
  return { clock, bridge, left, right, atLeft, atRight };
}

/** A packet that says which it is. */
function numbered(n: number, length = 100): Uint8Array {
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(0, n);
  return bytes;
}

const numberOf = (bytes: Uint8Array) => new DataView(bytes.buffer).getUint32(0);
const numbers = (collector: Collector) => collector.packets.map((packet) => numberOf(packet.bytes));

function sendAll(link: MemoryLink, count: number, length = 100): void {
  for (let i = 0; i < count; i++) assert.ok(sendPacket(link, numbered(i, length)) > 0);
  link.flush();
}

test('without faults both directions carry everything, in order, unchanged, in the same instant', () => {
  const w = world();
  sendAll(w.left, 300, 1500);
  sendAll(w.right, 7);
  w.clock.advance(0);
  assert.deepEqual(numbers(w.atRight), [...Array(300).keys()]);
  assert.deepEqual(numbers(w.atLeft), [...Array(7).keys()]);
  assert.deepEqual(w.atRight.packets[299]!.bytes, numbered(299, 1500));
  // The number of a packet is the same on both sides of the bridge.
  assert.deepEqual(
    w.atRight.ids.concat(w.atLeft.ids).sort((a, b) => a - b),
    Array.from({ length: 307 }, (_, i) => i + 1),
  );
  const none = { drops: {}, acts: {} };
  const leftToRight = { packetsIn: 300, bytesIn: 450_000, packetsOut: 300, bytesOut: 450_000 };
  assert.deepEqual(w.bridge.leftToRight, { ...leftToRight, ...none });
  assert.deepEqual(w.bridge.rightToLeft, {
    ...{ packetsIn: 7, bytesIn: 700, packetsOut: 7, bytesOut: 700 },
    ...none,
  });
});

test('delay, bottleneck and tail drop: each packet comes out when a path of that shape lets it', () => {
  // 1000 bytes at 8 Mbit/s take a millisecond; the queue holds three and the one that is being sent.
  const w = world({ out: { rate: 8e6, queueBytes: 4000, delayMs: 10 }, in: { delayMs: 25 } });
  sendAll(w.left, 10, 1000);
  sendAll(w.right, 1, 40);
  w.clock.advance(100);
  assert.deepEqual(
    w.atRight.packets.map((packet) => [numberOf(packet.bytes), packet.at]),
    [
      [0, 11],
      [1, 12],
      [2, 13],
      [3, 14],
    ],
  );
  assert.deepEqual(w.bridge.leftToRight.drops, { queue: 6 });
  assert.equal(w.atLeft.packets[0]!.at, 25);
  assert.equal(w.bridge.underway, 0);
});

const FAULTS = { seed: 7, loss: 0.1, burstLoss: { enter: 0.02, leave: 0.3 }, duplicate: 0.03, reorder: 0.05 };

/** Numbers of the packets that arrive at the right when the left sends 2000, sent in the manner of `manner`. */
function arrivals(manner: (w: World, send: (from: number, to: number) => void) => void): number[] {
  const w = world({ ...FAULTS, delayMs: 5 });
  manner(w, (from, to) => {
    for (let i = from; i < to; i++) sendPacket(w.left, numbered(i, 60 + (i % 1000)));
    w.left.flush();
  });
  w.clock.advance(1000);
  return numbers(w.atRight);
}

test('the same seed gives the same fates, however the packets are spaced and whatever the other direction does', () => {
  const batched = arrivals((w, send) => {
    for (let i = 0; i < 2000; i += 200) {
      send(i, i + 200);
      w.clock.advance(0);
    }
  });
  const spaced = arrivals((w, send) => {
    for (let i = 0; i < 2000; i++) {
      send(i, i + 1);
      sendPacket(w.right, numbered(i));
      sendPacket(w.right, numbered(i));
      w.right.flush();
      w.clock.advance(0.3);
    }
  });
  const kinds = (list: number[]) => [...list].sort((a, b) => a - b);
  assert.ok(batched.length < 1900 && batched.length > 1500, `${batched.length} arrived`);
  assert.deepEqual(kinds(spaced), kinds(batched));
});

test('left to right is `out` and right to left is `in`: a stack behind `impair` meets the same fates', () => {
  const w = world(FAULTS);
  for (let i = 0; i < 2000; i++) {
    sendAll(w.left, 1, 60);
    sendAll(w.right, 1, 60);
    w.clock.advance(1);
  }
  w.clock.advance(1000);

  const clock = new VirtualClock();
  const [outer, far] = memoryLinkPair({ clock });
  const near = impair(outer, { ...FAULTS, clock });
  const [atNear, atFar] = [new Collector(() => clock.now()), new Collector(() => clock.now())];
  near.start(atNear);
  far.start(atFar);
  for (let i = 0; i < 2000; i++) {
    sendPacket(near as never, numbered(0, 60));
    near.flush();
    sendAll(far, 1, 60);
    clock.advance(1);
  }
  clock.advance(1000);
  const times = (collector: Collector) => collector.packets.map((packet) => packet.at);
  assert.deepEqual(times(w.atRight), times(atFar));
  assert.deepEqual(times(w.atLeft), times(atNear));
  assert.notDeepEqual(times(w.atRight), times(w.atLeft));
});

test('every packet that came in went out, was lost for a cause, or is under way', () => {
  const w = world({ ...FAULTS, corrupt: 0.02, rate: 20e6, queueBytes: 10_000, delayMs: 3 });
  for (let i = 0; i < 300; i++) {
    sendAll(w.left, 3, 1200);
    sendAll(w.right, 2, 400);
    w.clock.advance(1);
  }
  const balance = () => {
    let kept = 0;
    for (const way of [w.bridge.leftToRight, w.bridge.rightToLeft]) {
      const lost = Object.values(way.drops).reduce((sum, n) => sum + n, 0);
      kept += way.packetsIn + (way.acts.dup ?? 0) - way.packetsOut - lost;
    }
    return kept;
  };
  assert.ok(w.bridge.underway > 0);
  assert.equal(balance(), w.bridge.underway);
  w.clock.advance(1000);
  assert.equal(balance(), 0);
  const { drops, acts } = w.bridge.leftToRight;
  for (const cause of ['loss', 'burst-loss', 'queue']) assert.ok(drops[cause]! > 0, cause);
  for (const act of ['dup', 'reorder', 'corrupt'] as const) assert.ok(acts[act]! > 0, act);
});

test('a full link loses what comes for it, and goes on afterwards', () => {
  const clock = new VirtualClock();
  const [left, wireLeft] = memoryLinkPair({ clock, queuePackets: 8 });
  const [right, wireRight] = memoryLinkPair({ clock, queuePackets: 8 });
  const bridge = bridgeLinks(wireLeft, wireRight, { clock });
  // Nobody reads at the right yet.
  for (let i = 0; i < 4; i++) {
    sendAll(left, 5);
    clock.advance(1);
  }
  // Eight in the link, and the one by which the impairment learned that it is full.
  assert.deepEqual([bridge.leftToRight.drops, bridge.rightToLeft.drops], [{ full: 11 }, {}]);
  assert.equal(bridge.underway, 1);
  sendAll(right, 6);
  clock.advance(1);
  sendAll(right, 6);
  clock.advance(1);
  assert.deepEqual([bridge.leftToRight.drops, bridge.rightToLeft.drops], [{ full: 11 }, { full: 4 }]);
  const atRight = new Collector(() => clock.now());
  right.start(atRight);
  clock.advance(1);
  sendAll(left, 5);
  clock.advance(1);
  assert.deepEqual(numbers(atRight), [0, 1, 2, 3, 4, 0, 1, 2, 3, 0, 1, 2, 3, 4]);
});

test('rules act in their direction and are counted by their text', () => {
  const rule = 'drop dir=out nth=2';
  const w = world({ rules: [rule] });
  sendAll(w.left, 3);
  sendAll(w.right, 3);
  w.clock.advance(0);
  assert.deepEqual(numbers(w.atRight), [0, 2]);
  assert.deepEqual(numbers(w.atLeft), [0, 1, 2]);
  assert.deepEqual(w.bridge.leftToRight.drops, { [rule]: 1 });
});

test('a link that fails is told of once; close ends both, once', async () => {
  const clock = new VirtualClock();
  const [, wireLeft] = memoryLinkPair({ clock });
  const [right, wireRight] = memoryLinkPair({ clock });
  const receivers: Parameters<MemoryLink['start']>[0][] = [];
  for (const link of [wireLeft, wireRight]) link.start = (receiver) => void receivers.push(receiver);
  const told: string[] = [];
  const onFailure = (error: Error) => told.push(error.message);
  const bridge = bridgeLinks(wireLeft, wireRight, { clock, onFailure });
  for (const receiver of receivers) receiver.failed(new Error('gone'));
  assert.deepEqual(told, ['gone']);
  await bridge.close();
  await bridge.close();
  assert.equal(wireLeft.writable || wireRight.writable, false);
  await right.close();
});

test('links of different media are refused', () => {
  const [left] = memoryLinkPair({ clock: new VirtualClock() });
  const [right] = memoryLinkPair({ clock: new VirtualClock(), medium: 'ethernet' });
  assert.throws(() => bridgeLinks(left, right, { clock: new VirtualClock() }), {
    code: 'ERR_SYNWAVE_LINK_MEDIUM',
  });
});

test('links that offload and cannot decline are refused, on either side', () => {
  const clock = new VirtualClock();
  const offload = { transmitChecksum: true, receiveChecksum: true, maxSegmentationBytes: 0 };
  const [offloading] = memoryLinkPair({ clock, offload });
  const [plain] = memoryLinkPair({ clock });
  assert.throws(() => bridgeLinks(offloading, plain, { clock }), { code: 'ERR_SYNWAVE_LINK_OFFLOAD' });
  assert.throws(() => bridgeLinks(plain, offloading, { clock }), { code: 'ERR_SYNWAVE_LINK_OFFLOAD' });
});
