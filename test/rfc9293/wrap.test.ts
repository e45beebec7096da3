// Sequence numbers that pass 2^32 and 2^31: RFC 9293 §3.4.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ACK, FIN } from '../../src/wire/segment.js';
import { client } from '../rfc7413/fixtures.js';
import { Bench, type BenchOptions, Pair, pattern } from '../tcp/harness.js';

const ORIGINS = [0xfffffffe, 0xffffffff, 0, 0x7fffffff, 0x7ffffffe, 0x80000000, 0xfffffc17];

describe('sequence wrap', () => {
  for (const iss of ORIGINS) {
    for (const irs of [0xfffffffe, 0x7fffffff, 5]) {
      const name = `ISS ${iss.toString(16)}, IRS ${irs.toString(16)}`;
      test(`RFC9293 §3.4: handshake, data, loss, reordering and teardown (${name})`, () => {
        const bench = Bench.established({ iss, irs, config: { delayedAckMs: 0, nagle: false } });
        bench.write(3000);
        assert.equal(bench.take().length, 3);
        bench.peer('A 1 a1', 'A 1 a1', 'A 1 a1');
        assert.equal(bench.take()[0]!.seq, 1);
        bench.peer('A 1 a3001');
        assert.equal(bench.status.sndUna, 3001);
        bench.peer('A 1001 a3001 [1000]').expect('A 3001 a1');
        bench.peer('A 1 a3001 [1000]').expect('A 3001 a2001');
        assert.equal(bench.read(), 2000);
        bench.take();
        bench.peer('R 5000').expect('A 3001 a2001');
        bench.peer('R 2000').silent();
        bench
          .shutdown()
          .expect('FA 3001 a2001')
          .peer('FA 2001 a3002')
          .state('TIME-WAIT')
          .expect('A 3002 a2002');
      });

      test(`RFC9293 §3.4: windows and acknowledgments across the wrap (${name})`, () => {
        const bench = Bench.established({ iss, irs, peer: { window: 2500 } });
        bench.write(10_000);
        assert.ok(bench.status.sndNxt <= 2501);
        bench.peer('A 1 a2001 w5000');
        bench.peer('A 1 a20000').state('ESTABLISHED');
        assert.equal(bench.status.sndUna, 2001);
        bench.peer('A 1 a-30000').state('ESTABLISHED');
        assert.equal(bench.status.sndUna, 2001);
      });
    }
  }

  for (const distance of [0x7fffffff, -0x80000000, -0x7fffffff]) {
    test(`ACK at half the number space (${distance}) is never taken`, () => {
      const bench = Bench.established({ iss: 0x7fffffff });
      bench.write(100);
      bench.peer(`A 1 a${1 + distance}`);
      assert.equal(bench.status.sndUna, 1);
      bench.state('ESTABLISHED');
    });
  }

  test('RFC9293 §3.4: a transfer through the wrap in both directions', () => {
    const pair = new Pair({ iss: 0xfffff000 }, { iss: 0x7ffff000 }).establish();
    const size = 200_000;
    const left = { ab: pattern(0, size, 1), ba: pattern(0, size, 2), abAt: 0, baAt: 0, abGot: 0, baGot: 0 };
    pair.application = () => {
      const { a, b } = { a: pair.a.connection!, b: pair.b.connection! };
      left.abAt += a.send(left.ab.subarray(left.abAt), true, pair.now);
      left.baAt += b.send(left.ba.subarray(left.baAt), true, pair.now);
      for (let x = b.receive(1e6, pair.now); x !== null; x = b.receive(1e6, pair.now)) {
        assert.deepEqual(x, left.ab.slice(left.abGot, left.abGot + x.length));
        left.abGot += x.length;
      }
      for (let x = a.receive(1e6, pair.now); x !== null; x = a.receive(1e6, pair.now)) {
        assert.deepEqual(x, left.ba.slice(left.baGot, left.baGot + x.length));
        left.baGot += x.length;
      }
    };
    pair.turn();
    pair.advance(60_000);
    assert.equal(`${left.abGot} ${left.baGot}`, `${size} ${size}`, pair.tail());
  });
});

/** An established connection that has sent 4 GiB, but for `left` bytes: the next number that equals ISS lies so far ahead. */
function nearIss(left: number, options: BenchOptions = {}): Bench {
  const bench = Bench.established({ ...options, config: { nagle: false, ...options.config } });
  bench.write(1000);
  bench.peer('A 1 a1001').take();
  const { snd } = bench.connection;
  snd.iss = (snd.nxt + left) | 0;
  return bench;
}

describe('RFC9293 §3.4: numbers that come past ISS once more, after 4 GiB', () => {
  test('a segment that begins there is data, the first time and again', () => {
    const bench = nearIss(1000);
    bench.write(3000);
    bench.expect('A 1001 a1 [1000]', 'A 2001 a1 [1000]', 'A 3001 a1 [1000]');
    bench.peer('A 1 a2001', 'A 1 a2001', 'A 1 a2001', 'A 1 a2001');
    bench.expect('A 2001 a1 [1000]');
    bench.peer('A 1 a4001').silent();
    assert.equal(bench.status.inFlight, 0);
  });

  test('with all acknowledged just there, the next segment is data', () => {
    const bench = nearIss(1000);
    bench.write(1000);
    bench.peer('A 1 a2001').take();
    bench.write(500);
    bench.expect('A 2001 a1 [500]');
    assert.equal(bench.connection.tcpInfo(bench.now).limitedBy, 'application');
    bench.advance(10);
    assert.equal(bench.connection.tcpInfo(bench.now).busyTimeMs, 10);
    bench.peer('A 1 a2501');
    assert.equal(bench.connection.tcpInfo(bench.now).bytesAcked, 2500);
  });

  test('RFC6298 §5.4, §5.7: a timeout there is that of data', () => {
    const bench = nearIss(0);
    bench.write(1000);
    bench.take();
    bench.advance(1100);
    assert.equal(bench.status.cwnd, 1000, 'the window of a loss');
    assert.ok(bench.take().every((s) => s.payload.length === 1000 && s.seq === 1001));
  });

  test('a FIN there is a FIN', () => {
    const bench = nearIss(1000);
    bench.queue(1000);
    bench.shutdown();
    bench.expect('FA 1001 a1 [1000]');
    bench.peer('A 1 a2001').advance(3000);
    assert.ok(bench.take().every((s) => s.seq === 2001 && s.flags === (FIN | ACK)));
    bench.peer('A 1 a2002').state('FIN-WAIT-2');
  });

  test('MUST-17: Nagle holds the second short segment back there', () => {
    const bench = nearIss(1, { config: { nagle: true } });
    bench.write(2);
    bench.take();
    bench.write(10);
    bench.silent();
  });
});

test('RFC9293 §3.4: 2 GiB behind the data of a SYN an ACK bears SND.NXT, also while the window is shut', () => {
  const { bench } = client(500);
  bench.peer('SA 0 a501 <mss 1000>').take();
  bench.write(1000);
  bench.take();
  bench.connection.snd.iss = (bench.connection.snd.iss - 0x8000_0000) | 0;
  bench.peer('A 1 a601 w0').take();
  bench.peer('A 1 a601 [10] w0').expect('A 1501 a11');
});
