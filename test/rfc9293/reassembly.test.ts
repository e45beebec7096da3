// Segments that arrive out of order, overlap or repeat: RFC 9293 §3.4, §3.10.7.4.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bench, PEER_SALT, pattern, Random } from '../tcp/harness.js';

function open(config = {}): Bench {
  return Bench.accepted({ config: { receiveBufferBytes: 20_000, delayedAckMs: 0, ...config } });
}

describe('reassembly', () => {
  test('RFC9293 SHLD-31: out-of-order data inside the window is kept and delivered in order', () => {
    const bench = open().peer('A 1001 a1 [1000]').expect('A 1 a1').peer('A 2001 a1 [1000]').expect('A 1 a1');
    assert.equal(bench.status.reassemblyBytes, 2000);
    assert.equal(bench.connection.receiveQueueBytes, 0);
    bench.peer('A 1 a1 [1000]').expect('A 1 a3001').events(['READABLE']);
    assert.equal(bench.status.reassemblyBytes, 0);
    assert.equal(bench.read(), 3000);
  });

  test('RFC9293 §3.10.7.4: an exact duplicate is delivered once', () => {
    const bench = open().peer('A 1 a1 [100]', 'A 1 a1 [100]', 'A 1 a1 [50]');
    assert.equal(bench.read(), 100);
  });

  test('RFC9293 §3.10.7.4: only the new part of an overlapping segment counts', () => {
    const bench = open().peer('A 1 a1 [100]').peer('A 51 a1 [100]').expect('A 1 a101', 'A 1 a151');
    assert.equal(bench.read(), 150);
  });

  for (const [name, lines, end] of [
    ['head', ['A 101 a1 [100]', 'A 51 a1 [100]', 'A 1 a1 [50]'], 200],
    ['tail', ['A 101 a1 [100]', 'A 151 a1 [100]', 'A 1 a1 [100]'], 250],
    ['inside', ['A 101 a1 [300]', 'A 151 a1 [100]', 'A 1 a1 [100]'], 400],
    ['around', ['A 151 a1 [50]', 'A 101 a1 [200]', 'A 1 a1 [100]'], 300],
    ['bridge', ['A 101 a1 [50]', 'A 201 a1 [50]', 'A 121 a1 [100]', 'A 1 a1 [100]'], 250],
    ['in-order over queued', ['A 101 a1 [50]', 'A 201 a1 [50]', 'A 1 a1 [220]'], 250],
  ] as const) {
    test(`RFC9293 §3.10.7.4: overlap of queued segments (${name})`, () => {
      const bench = open().peer(...lines);
      assert.equal(bench.read(), end);
      assert.equal(bench.status.rcvNxt, end + 1);
      assert.equal(bench.status.reassemblyBytes, 0);
    });
  }

  test('the first bytes to arrive win, and what was delivered never changes', () => {
    const bench = open().peer('A 101 a1 [100]');
    const lie = new Uint8Array(200).fill(0x55);
    lie.set(pattern(0, 100, PEER_SALT), 0);
    bench.injectRaw({
      flags: 0x10,
      seq: (bench.irs + 1) | 0,
      ack: (bench.iss + 1) | 0,
      wnd: 1000,
      urgent: 0,
      payload: lie,
    });
    assert.equal(bench.read(), 200);
  });

  test('what may be kept is bounded in segments, and the stream survives', () => {
    const bench = open({ reassemblySegments: 16 });
    for (let i = 0; i < 500; i++) bench.peer(`A ${3 + 2 * i} a1 [1]`);
    assert.ok(bench.status.reassemblyBytes <= 500);
    bench.take();
    bench.peer('A 1 a1 [1000]');
    assert.equal(bench.status.rcvNxt, 1001);
    assert.equal(bench.read(), 1000);
  });

  test('RFC9293 §3.10.7.4: what lies outside the window is not kept', () => {
    const bench = open({ receiveBufferBytes: 2000 });
    bench.peer('A 1501 a1 [1000]');
    assert.ok(bench.status.reassemblyBytes <= 500);
    bench.peer('A 2001 a1 [10]', 'A 5000 a1 [10]');
    assert.ok(bench.status.reassemblyBytes <= 500);
    bench.peer('A 1 a1 [1500]');
    assert.equal(bench.read(), 2000);
  });

  test('RFC9293 §3.10.7.4: segments far larger than the MSS are taken', () => {
    const bench = open({ receiveBufferBytes: 65_535 });
    bench.peer('A 1 a1 [60000]').expect('A 1 a60001');
    assert.equal(bench.read(), 60_000);
  });

  for (let seed = 1; seed <= 40; seed++) {
    test(`any order, overlap and repetition give the same stream (seed ${seed})`, () => {
      const random = new Random(seed);
      const bench = open({ receiveBufferBytes: 5000 });
      const size = 3000;
      const pieces: [number, number][] = [];
      for (let at = 0; at < size; ) {
        const length = Math.min(random.int(1, 400), size - at);
        const back = random.int(0, Math.min(at, 200));
        pieces.push([at - back, length + back]);
        at += length;
      }
      for (const piece of [...pieces]) if (random.chance(0.3)) pieces.push(piece);
      for (let i = pieces.length - 1; i > 0; i--) {
        const j = random.int(0, i);
        [pieces[i], pieces[j]] = [pieces[j]!, pieces[i]!];
      }
      let got = 0;
      for (const [at, length] of pieces) {
        bench.peer(`A ${at + 1} a1 [${length}]`);
        if (random.chance(0.5)) got += bench.read(random.int(1, 500));
      }
      got += bench.read();
      assert.equal(got, size);
    });
  }
});
