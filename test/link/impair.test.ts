import assert from 'node:assert/strict';
import { test } from 'node:test';
import { impair } from '../../src/link/impair.js';
import type { ActEvent, ImpairOptions } from '../../src/link/impair-options.js';
import { memoryLinkPair } from '../../src/link/memory.js';
import { VirtualClock } from '../../src/stack/clock.js';
import { Collector, segment, sendPacket } from './link-fixtures.js';

function world(options: Omit<ImpairOptions, 'clock'> = {}, queuePackets = 100_000) {
  const clock = new VirtualClock();
  const [inner, peer] = memoryLinkPair({ clock, queuePackets, queueBytes: 1 << 28 });
  const acts: string[] = [];
  const link = impair(inner, {
    clock,
    onAct: (event: ActEvent) =>
      acts.push(`${event.time} ${event.dir} ${event.act} ${event.packetId} ${event.rule}`),
    ...options,
  });
  const stack = new Collector(() => clock.now());
  const far = new Collector(() => clock.now());
  link.start(stack);
  peer.start(far);
  return { clock, link, peer, stack, far, acts };
}

type World = ReturnType<typeof world>;

/** Sends `count` packets each way, `gapMs` apart, and lets everything arrive. */
function exchange(w: World, count: number, gapMs = 1, length = 100): void {
  for (let i = 0; i < count; i++) {
    const bytes = new Uint8Array(length).fill(i);
    sendPacket(w.link, bytes, 40);
    w.link.flush();
    sendPacket(w.peer, bytes);
    w.peer.flush();
    w.clock.advance(gapMs);
  }
  w.clock.advance(60_000);
}

const ALL: Omit<ImpairOptions, 'clock'> = {
  loss: 0.05,
  burstLoss: { enter: 0.01, leave: 0.3 },
  duplicate: 0.05,
  reorder: { probability: 0.05, distance: 2 },
  corrupt: { probability: 0.05, bits: 3 },
  delayMs: 20,
  jitterMs: 5,
  rate: 2_000_000,
};

test('without faults everything passes in the same turn, batches and payload pieces untouched', () => {
  const w = world();
  const bytes = Uint8Array.from({ length: 200 }, (_, i) => i);
  for (let i = 0; i < 3; i++) sendPacket(w.link, bytes, 40);
  for (let i = 0; i < 3; i++) sendPacket(w.peer, bytes);
  w.link.flush();
  w.peer.flush();
  w.clock.advance(0);
  assert.deepEqual(
    [w.far.ids, w.stack.ids],
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
  );
  assert.deepEqual([w.far.batches, w.stack.batches], [[3], [3]]);
  assert.deepEqual(w.far.packets[0]!.bytes, bytes);
  assert.deepEqual(w.acts, []);
  const { packetsIn, packetsOut, bytesIn, bytesOut, dropped } = w.link.stats;
  assert.deepEqual([packetsIn, packetsOut, bytesIn, bytesOut, dropped], [3, 3, 600, 600, 0]);
});

test('the same seed and packets have the same fate, another seed another', () => {
  const run = (seed: number) => {
    const w = world({ ...ALL, seed });
    exchange(w, 400);
    const arrivals = [...w.far.packets, ...w.stack.packets].map(
      (p) => `${p.at} ${p.id} ${Buffer.from(p.bytes).toString('hex')}`,
    );
    return [...w.acts, ...arrivals].join('\n');
  };
  const first = run(42);
  assert.equal(run(42), first);
  assert.notEqual(run(43), first);
});

test('what crosses one way does not change the fate of the other way', () => {
  const drops = (alsoIn: boolean) => {
    const w = world({ loss: 0.2, seed: 5 });
    for (let i = 0; i < 200; i++) {
      w.link.send(i + 1, new Uint8Array(50), 0, 50, null);
      if (alsoIn) w.peer.send(1000 + i, new Uint8Array(50), 0, 50, null);
      w.link.flush();
      w.peer.flush();
      w.clock.advance(1);
    }
    return w.acts.filter((act) => act.includes(' out ')).join();
  };
  assert.equal(drops(true), drops(false));
});

test('probabilities hold within four standard deviations', () => {
  const n = 20_000;
  const within = (name: string, count: number, p: number) => {
    const deviation = Math.sqrt(n * p * (1 - p));
    assert.ok(Math.abs(count - n * p) < 4 * deviation, `${name}: ${count} of ${n}, p ${p}`);
  };
  const cases = [
    ['loss', { out: { loss: 0.1 } }, 'drop', 0.1],
    ['duplicate', { out: { duplicate: 0.03 } }, 'dup', 0.03],
    ['corrupt', { out: { corrupt: 0.02 } }, 'corrupt', 0.02],
    ['reorder', { out: { reorder: 0.05 } }, 'reorder', 0.05],
  ] as const;
  for (const [name, options, act, p] of cases) {
    const w = world({ ...options, seed: 99 });
    for (let i = 0; i < n; i++) sendPacket(w.link, new Uint8Array(40));
    w.link.flush();
    w.clock.advance(1000);
    within(name, w.link.acts[act], p);
    const expected = n - w.link.acts.drop + w.link.acts.dup;
    assert.equal(w.far.packets.length, expected, name);
  }
});

test('corruption inverts exactly the bits asked for, and nothing is lost', () => {
  const w = world({ out: { corrupt: { probability: 1, bits: 1 } } });
  const bytes = segment('local', { flags: 'A', relAck: 1, payload: 'hello' });
  sendPacket(w.link, bytes);
  w.link.flush();
  w.clock.advance(1);
  const [arrived] = w.far.packets;
  let inverted = 0;
  for (const [i, byte] of arrived!.bytes.entries()) {
    for (let x = byte ^ bytes[i]!; x !== 0; x &= x - 1) inverted++;
  }
  assert.equal(inverted, 1);
  assert.equal(arrived!.bytes.length, bytes.length);
});

test('a duplicate carries the number of its original and comes right behind it', () => {
  const w = world({ out: { duplicate: 1 } });
  for (let i = 0; i < 3; i++) sendPacket(w.link, new Uint8Array(40));
  w.link.flush();
  w.clock.advance(1);
  assert.deepEqual(w.far.ids, [1, 1, 2, 2, 3, 3]);
});

test('a reordered packet is overtaken by exactly `distance` packets, even of its own batch', () => {
  const w = world({ out: { reorder: { probability: 0.1, distance: 3 } }, seed: 3 });
  for (let i = 0; i < 40; i++) sendPacket(w.link, new Uint8Array(40));
  w.link.flush();
  w.clock.advance(1000);
  const chosen = w.acts.filter((act) => act.includes('reorder')).map((act) => Number(act.split(' ')[3]));
  assert.ok(chosen.length > 0, 'seed 3 reorders some of 40');
  for (const id of chosen.filter(
    (id) => id <= 30 && !chosen.some((other) => other > id && other <= id + 4),
  )) {
    const before = w.far.ids.slice(0, w.far.ids.indexOf(id));
    assert.equal(before.filter((other) => other > id).length, 3, `packet ${id} in ${w.far.ids}`);
  }
  assert.deepEqual(
    [...w.far.ids].sort((a, b) => a - b),
    Array.from({ length: 40 }, (_, i) => i + 1),
  );
});

test('a reordered packet that nothing overtakes goes after maxMs', () => {
  const w = world({ out: { reorder: { probability: 1, maxMs: 30 } } });
  sendPacket(w.link, new Uint8Array(40));
  w.link.flush();
  w.clock.advance(29);
  assert.deepEqual(w.far.ids, []);
  w.clock.advance(1);
  assert.deepEqual(w.far.ids, [1]);
});

test('delay and jitter: within bounds and in order, each direction its own', () => {
  const w = world({ delayMs: 50, jitterMs: 10, in: { delayMs: 5, jitterMs: 0 } });
  const sent = new Map<number, number>();
  for (let i = 0; i < 200; i++) {
    sent.set(sendPacket(w.link, new Uint8Array(40)), w.clock.now());
    sent.set(sendPacket(w.peer, new Uint8Array(40)), w.clock.now());
    w.link.flush();
    w.peer.flush();
    w.clock.advance(3);
  }
  w.clock.advance(1000);
  const delays = w.far.packets.map((p) => p.at - sent.get(p.id)!);
  assert.ok(
    Math.min(...delays) >= 40 && Math.max(...delays) <= 60,
    `${Math.min(...delays)}…${Math.max(...delays)}`,
  );
  assert.ok(Math.max(...delays) - Math.min(...delays) > 10);
  assert.deepEqual(
    w.far.ids,
    [...w.far.ids].sort((a, b) => a - b),
  );
  assert.deepEqual([...new Set(w.stack.packets.map((p) => p.at - sent.get(p.id)!))], [5]);
});

test('a rate spaces packets, queues up to its bytes and drops the tail', () => {
  // 8000 bit/s: one byte a millisecond.
  const w = world({ out: { rate: 8000, queueBytes: 300 } });
  for (let i = 0; i < 5; i++) sendPacket(w.link, new Uint8Array(100));
  w.link.flush();
  w.clock.advance(10_000);
  assert.deepEqual(
    w.far.packets.map((p) => [p.id, p.at]),
    [
      [1, 100],
      [2, 200],
      [3, 300],
    ],
  );
  assert.deepEqual(w.acts, ['0 out drop 4 queue', '0 out drop 5 queue']);
  assert.equal(w.link.stats.dropped, 2);
  assert.equal(w.link.writable, true);
});

test('a large queue delays instead of dropping: bufferbloat', () => {
  const w = world({ out: { rate: 8000, queueBytes: 1e6 } });
  for (let i = 0; i < 50; i++) sendPacket(w.link, new Uint8Array(100));
  w.link.flush();
  w.clock.advance(10_000);
  assert.equal(w.far.packets.length, 50);
  assert.equal(w.far.packets[49]!.at, 5000);
});

test('what is kept is bounded: the next packet is dropped and named', () => {
  const w = world({ delayMs: 10, maxStoredPackets: 3 });
  for (let i = 0; i < 5; i++) sendPacket(w.link, new Uint8Array(40));
  assert.equal(w.link.stored, 3);
  w.clock.advance(100);
  assert.deepEqual(w.far.ids, [1, 2, 3]);
  assert.deepEqual(w.acts, ['0 out drop 4 limit', '0 out drop 5 limit']);
  assert.equal(w.link.stored, 0);
});

test('back-pressure of the inner link passes through, and nothing is judged twice or lost', () => {
  const w = world({ rules: ['delay ms=5 dir=out nth=3'] }, 2);
  assert.equal(sendPacket(w.link, new Uint8Array(40)), 1);
  assert.equal(sendPacket(w.link, new Uint8Array(40)), 2);
  assert.equal(sendPacket(w.link, new Uint8Array(40)), 3);
  assert.equal(sendPacket(w.link, new Uint8Array(40)), 4);
  assert.equal(w.link.writable, false);
  assert.equal(sendPacket(w.link, new Uint8Array(40)), -1);
  w.link.flush();
  w.clock.advance(20);
  assert.deepEqual(w.far.ids, [1, 2, 4, 3]);
  assert.equal(w.stack.writableCalls, 1);
  assert.equal(w.link.writable, true);
});

test('close drops and counts what was kept', async () => {
  const w = world({ delayMs: 10, rules: ['hold until=x dir=out nth=1'] });
  for (let i = 0; i < 3; i++) sendPacket(w.link, new Uint8Array(40));
  await w.link.close();
  w.clock.advance(100);
  assert.deepEqual(w.far.ids, []);
  assert.equal(w.link.stats.dropped, 3);
  assert.equal(w.link.stored, 0);
});

test('a link with offload is refused with the remedy', () => {
  const clock = new VirtualClock();
  const offload = { transmitChecksum: true, receiveChecksum: true, maxSegmentationBytes: 0 };
  const [inner] = memoryLinkPair({ clock, offload });
  assert.throws(() => impair(inner, { clock }), { code: 'ERR_SYNWAVE_LINK_OFFLOAD', message: /offload off/ });
});

test('settings out of range are refused with a code', () => {
  for (const options of [
    { loss: 1.5 },
    { in: { delayMs: -1 } },
    { reorder: Number.NaN },
    { out: { rate: 0 } },
  ]) {
    assert.throws(() => world(options), { code: 'ERR_OUT_OF_RANGE' });
  }
});

test('whatever bytes arrive, nothing is thrown and nothing is lost without a cause', () => {
  const w = world({ rules: ['drop flags=S dir=out', 'rewrite len=>0 => window=1'] });
  for (let length = 0; length < 120; length++) {
    const bytes = segment('remote', { flags: 'A', relAck: 1, payload: 'x'.repeat(100) }).slice(0, length);
    if (length > 40) bytes[2 + (length % 40)]! ^= 0xff;
    sendPacket(w.peer, bytes);
  }
  w.peer.flush();
  w.clock.advance(10);
  assert.equal(w.stack.packets.length, 120);
});
