// What a receiver reports, and in which order: RFC 2018 §4. It never takes back what it said (§8).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { takeSackBlocks } from '../../src/tcp/sack-blocks.js';
import { sackOptionBytes } from '../../src/tcp/segment-options.js';
import { Bench, type BenchOptions } from '../tcp/harness.js';

function open(options: BenchOptions = {}): Bench {
  return Bench.accepted({
    ...options,
    config: { sack: true, delayedAckMs: 0, receiveBufferBytes: 30_000, ...options.config },
    peer: { options: 'mss 1000, sackOK', window: 60_000 },
  });
}

describe('blocks', () => {
  test('RFC2018 §4: the first block is the one that the segment belongs to, the others follow by age', () => {
    const bench = open();
    bench.peer('A 501 a1 [100]').expect('A 1 a1 <sack 501:601>');
    bench.peer('A 901 a1 [100]').expect('A 1 a1 <sack 901:1001 501:601>');
    bench.peer('A 101 a1 [100]').expect('A 1 a1 <sack 101:201 901:1001 501:601>');
    bench.peer('A 1301 a1 [100]').expect('A 1 a1 <sack 1301:1401 101:201 901:1001 501:601>');
    bench.peer('A 1701 a1 [100]').expect('A 1 a1 <sack 1701:1801 1301:1401 101:201 901:1001>');
  });

  test('RFC2018 §4: a segment that lengthens a block brings it to the front', () => {
    const bench = open().peer('A 501 a1 [100]').peer('A 901 a1 [100]');
    bench.take();
    bench.peer('A 601 a1 [100]').expect('A 1 a1 <sack 501:701 901:1001>');
    bench.peer('A 801 a1 [100]').expect('A 1 a1 <sack 801:1001 501:701>');
  });

  test('RFC2018 §4: blocks that meet are one', () => {
    const bench = open().peer('A 101 a1 [100]').peer('A 301 a1 [100]').peer('A 501 a1 [100]');
    bench.take();
    bench.peer('A 201 a1 [100]').expect('A 1 a1 <sack 101:401 501:601>');
    bench.peer('A 401 a1 [100]').expect('A 1 a1 <sack 101:601>');
  });

  test('RFC2018 §4: a segment that moves the acknowledgment leaves the others in the order of their reports', () => {
    const bench = open().peer('A 301 a1 [100]').peer('A 501 a1 [100]').peer('A 101 a1 [100]');
    bench.take();
    bench.peer('A 1 a1 [100]').expect('A 1 a201 <sack 501:601 301:401>');
    bench.peer('A 401 a1 [100]').expect('A 1 a201 <sack 301:601>');
    bench.peer('A 201 a1 [100]');
    const [ack] = bench.take();
    assert.deepEqual([ack!.ack, ack!.options.sack], [601, undefined]);
  });

  test('RFC2018 §4: one that arrives again and again takes the place of no other', () => {
    const bench = open().peer('A 501 a1 [100]').peer('A 901 a1 [100]');
    for (let i = 0; i < 9; i++) bench.peer('A 1301 a1 [100]');
    bench.take();
    bench.peer('A 1701 a1 [100]').expect('A 1 a1 <sack 1701:1801 1301:1401 901:1001 501:601>');
  });

  test('RFC2018 §3: no more of them than there is room for, whichever they are', () => {
    for (const most of [1, 2, 3, 4]) {
      const bench = open().peer('FA 1701 a1');
      for (const at of [501, 901, 1301]) bench.peer(`A ${at} a1 [100]`);
      for (const isDuplicate of [false, true]) {
        if (isDuplicate) bench.inject('A 901 a1 [100]');
        const edges = new Int32Array(16).fill(-1);
        assert.equal(takeSackBlocks(bench.connection, edges, most), most);
        assert.ok(edges.subarray(2 * most).every((edge) => edge === -1));
      }
    }
  });

  test('RFC2018 §4: when blocks become one, as many distinct ones as fit are reported, also old ones', () => {
    const bench = open();
    for (let i = 0; i < 12; i++) bench.peer(`A ${101 + 200 * i} a1 [100]`);
    bench.take();
    // Numbers 701 to 2401 become one stretch, and with it go all but the oldest of those that were reported last.
    bench.peer('A 701 a1 [1000]', 'A 1701 a1 [700]').take();
    bench.peer('A 2401 a1 [100]');
    const last = bench.take().at(-1)!;
    assert.deepEqual(last.options.sack, [
      [701, 2501],
      [101, 201],
      [301, 401],
      [501, 601],
    ]);
  });

  test('RFC2018 §4: every ACK carries them while something is missing, also one on data', () => {
    const bench = open().peer('A 501 a1 [100]');
    bench.take();
    bench.write(100);
    bench.expect('A 1 a1 [100] <sack 501:601>');
    bench.peer('A -500 a101 [10]');
    assert.deepEqual(bench.take()[0]!.options.sack!.at(-1), [501, 601]);
    bench.peer('A 1 a101 [500]');
    assert.equal(bench.take()[0]!.options.sack, undefined);
    bench.peer('A 601 a101 [10]');
    assert.equal(bench.take()[0]!.options.sack, undefined);
  });

  test('RFC5681 §4.2: each segment of a batch has its duplicate ACK, and they tell what is here when they leave', () => {
    const bench = open().peer('A 501 a1 [100]', 'A 701 a1 [100]', 'A 601 a1 [50]');
    bench.expect(...Array.from({ length: 3 }, () => 'A 1 a1 <sack 501:651 701:801>'));
  });

  test('RFC9293 §3.4: blocks across the wrap of the numbers', () => {
    const bench = open({ irs: -500 });
    bench.peer('A 401 a1 [200]').expect('A 1 a1 <sack 401:601>');
    bench.peer('A 301 a1 [50]').expect('A 1 a1 <sack 301:351 401:601>');
    bench.peer('A 351 a1 [50]').expect('A 1 a1 <sack 301:601>');
    bench.peer('A 1 a1 [300]').expect('A 1 a601');
    assert.equal(bench.read(), 600);
  });

  test('RFC2018 §4: a FIN beyond a hole counts with the data before it', () => {
    const bench = open().peer('FA 501 a1 [100]').expect('A 1 a1 <sack 501:602>');
    bench.peer('A 301 a1 [100]').expect('A 1 a1 <sack 301:401 501:602>');
    bench.peer('A 1 a1 [300]', 'A 401 a1 [100]').state('CLOSE-WAIT');
    assert.equal(bench.take().at(-1)!.ack, 602);
  });

  test('RFC2018 §4: a FIN without data beyond a hole is a block of its own', () => {
    const bench = open().peer('FA 501 a1').expect('A 1 a1 <sack 501:502>');
    bench.peer('A 401 a1 [100]').expect('A 1 a1 <sack 401:502>');
    bench.peer('A 1 a1 [400]').state('CLOSE-WAIT');
  });

  test('RFC2018 §4: a FIN behind the last of several blocks makes that one the latest', () => {
    const bench = open().peer('A 501 a1 [100]').peer('A 301 a1 [100]');
    bench.take();
    bench.peer('FA 601 a1').expect('A 1 a1 <sack 501:602 301:401>');
  });

  test('RFC2018 §4: one behind a hole of its own joins none of them, and is not mistaken for what was filled meanwhile', () => {
    const bench = open().peer('A 301 a1 [100]').peer('A 101 a1 [100]');
    bench.take();
    bench.peer('FA 501 a1').expect('A 1 a1 <sack 501:502 101:201 301:401>');
    bench.peer('A 1 a1 [100]').expect('A 1 a201 <sack 501:502 301:401>');
    bench.peer('A 201 a1 [100]').expect('A 1 a401 <sack 501:502>');
  });

  test('RFC2018 §4: after more arrivals than are remembered it is reported as soon as there is room', () => {
    const bench = open().peer('FA 5001 a1');
    for (let i = 0; i < 8; i++) bench.peer(`A ${101 + 200 * i} a1 [100]`);
    assert.equal(bench.take().at(-1)!.options.sack!.length, 4);
    for (let i = 0; i < 8; i++) bench.peer(`A ${1 + 200 * i} a1 [100]`);
    const acks = bench.take().map((s) => s.options.sack!.length);
    assert.deepEqual(acks, [4, 4, 4, 4, 4, 3, 2, 1]);
    bench.peer('A 1601 a1 [100]').expect('A 1 a1701 <sack 5001:5002>');
  });

  test('RFC9293 MUST-16: one that has been reached takes no room of our segments any more', () => {
    const bench = open().peer('A 501 a1 [100]').peer('A 1 a1 [500]', 'FA 601 a1').settled('CLOSE-WAIT');
    assert.equal(sackOptionBytes(bench.connection), 0);
    bench.write(1000);
    bench.expect('PA 1 a602 [1000]');
  });

  test('RFC2018 §4: without a FIN no block is longer than its data, wherever the numbers stand', () => {
    for (const end of [601, 602]) {
      const bench = open({ irs: -end });
      bench.peer('A 501 a1 [100]').expect('A 1 a1 <sack 501:601>');
      assert.equal(sackOptionBytes(bench.connection), 4 + 8);
    }
  });

  test('RFC9293 §3.10.7.2: data of a SYN, which waits for the handshake, is not reported', () => {
    const bench = Bench.synReceived(
      { config: { sack: true, delayedAckMs: 0 } },
      'S 0 [50] <mss 1000, sackOK>',
    );
    bench.take();
    bench.peer('A 20000 a1 [10]');
    const [ack] = bench.take();
    assert.deepEqual([ack!.ack, ack!.options.sack], [1, undefined]);
    assert.equal(sackOptionBytes(bench.connection), 0);
    bench.peer('A 101 a1 [10]').expect('A 1 a51 <sack 101:111>');
  });
});

describe('no reneging', () => {
  test('RFC2018 §8: when there are enough stretches, the new one is refused and the reported ones stay', () => {
    const bench = open({ config: { reassemblySegments: 3 } });
    bench.peer('A 901 a1 [100]', 'A 701 a1 [100]', 'A 501 a1 [100]');
    bench.take();
    bench.peer('A 301 a1 [100]').expect('A 1 a1 <sack 501:601 701:801 901:1001>');
    bench.peer('A 1101 a1 [100]').expect('A 1 a1 <sack 501:601 701:801 901:1001>');
    assert.deepEqual(bench.recorder.drops.at(-1), { reason: 'reassembly_limit', reply: 'ack' });
    bench.peer('A 1001 a1 [10]').expect('A 1 a1 <sack 901:1011 501:601 701:801>');
    bench.peer('A 1 a1 [500]').expect('A 1 a601 <sack 901:1011 701:801>');
    bench.peer('A 1101 a1 [100]').expect('A 1 a601 <sack 1101:1201 901:1011 701:801>');
  });

  test('RFC2018 §8: contiguous segments are one stretch: a whole window fits behind one hole', () => {
    const bench = open({ config: { reassemblySegments: 1 } });
    for (let at = 1001; at < 30_001; at += 1000) bench.peer(`A ${at} a1 [1000]`);
    assert.deepEqual(bench.take().at(-1)!.options.sack, [[1001, 30_001]]);
    bench.peer('A 1 a1 [1000]').expect('A 1 a30001');
    assert.equal(bench.read(), 30_000);
  });

  test('ATTACKS 4: single bytes between holes pin a bounded amount of memory', () => {
    let allocated = 0;
    const allocate = (bytes: number) => {
      allocated += bytes;
      return new Uint8Array(bytes);
    };
    const bench = open({ config: { receiveBufferBytes: 60_000 }, environment: { allocate } });
    for (let i = 0; i < 20_000; i++) bench.inject(`A ${3 + 2 * i} a1 [1]`);
    assert.ok(bench.status.reassemblyBytes <= 1024);
    assert.ok(allocated <= 1024 * 256, `${allocated} bytes`);
    bench.flush().take();
    // Filled up one by one, from the far end: a stretch takes its one block now at the latest.
    for (let i = 1023; i >= 1; i--) bench.inject(`A ${2 + 2 * i} a1 [1]`);
    assert.ok(allocated <= 1024 * 256 + 4096, `${allocated} bytes in all`);
    bench.flush().take();
    bench.peer('A 1 a1 [2]', 'A 4 a1 [1]');
    assert.equal(bench.connection.receiveQueueBytes, bench.status.rcvNxt - 1);
    assert.ok(bench.status.rcvNxt > 2048);
    const held = new Set<ArrayBufferLike>();
    for (let bytes = bench.connection.receive(1e6, bench.now); bytes !== null; ) {
      held.add(bytes.buffer);
      bytes = bench.connection.receive(1e6, bench.now);
    }
    const total = [...held].reduce((sum, buffer) => sum + buffer.byteLength, 0);
    assert.ok(total <= 2 * bench.status.rcvNxt + 4096, `${total} bytes hold ${bench.status.rcvNxt}`);
  });
});

test('RFC2018 §2: without SACK nothing is remembered for reports that there will never be', () => {
  const bench = Bench.accepted().peer('A 501 a1 [100]', 'A 501 a1 [100]', 'A 1 a1 [100]', 'A 1 a1 [100]');
  assert.equal(bench.connection.sack, null);
});

test('RFC2018 §2: without SACK repetitions that arrive in one batch are answered by one ACK', () => {
  const bench = Bench.accepted({ config: { delayedAckMs: 0 } }).peer('A 1 a1 [1000]');
  bench.take();
  bench.peer('A 1 a1 [10]', 'A 501 a1 [10]').expect('A 1 a1001');
});

test('RFC2018 §2: without an agreement a hole takes nothing of the segments of ours', () => {
  const bench = Bench.accepted({ config: { sack: false } });
  bench.peer('A 1001 a1 [100]').take();
  bench.write(3000);
  assert.deepEqual(
    bench.take().map((s) => [s.payload.length, s.optionBytes]),
    [
      [1000, 0],
      [1000, 0],
      [1000, 0],
    ],
  );
});

test('RFC9293 MUST-16: where blocks fill nearly all of a segment, one octet of ours goes along', () => {
  const bench = Bench.accepted({
    config: { sack: true, peerMssFloor: 37, receiveBufferBytes: 30_000 },
    peer: { options: 'mss 37, sackOK' },
  });
  for (const at of [101, 201, 301, 401]) bench.peer(`A ${at} a1 [10]`);
  bench.take();
  bench.write(3);
  assert.deepEqual(
    bench.take().map((s) => [s.payload.length, s.optionBytes]),
    [
      [1, 36],
      [1, 36],
      [1, 36],
    ],
  );
});
