// The user calls of RFC 9293 §3.10 where it is about a single octet, an order, or a state.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { URG } from '../../src/wire/segment.js';
import { Bench } from './harness.js';

describe('OPEN', () => {
  test('RFC9293 §3.10.7.2: the SYN that opened a connection counts as heard, and its octet as data', () => {
    const bench = Bench.synReceived({}, 'S 0 [1] <mss 1000>');
    bench.advance(50);
    const info = bench.connection.tcpInfo(bench.now);
    assert.deepEqual([info.lastAckRecvMs, info.segsIn, info.dataSegsIn], [50, 1, 1]);
  });

  test('RFC9293 MUST-62: nothing is urgent at first, wherever the numbers begin', () => {
    for (const iss of [0xffff_ff00, 0x7fff_ff00, 0]) {
      const bench = Bench.established({ iss });
      bench.write(600);
      assert.equal(bench.take()[0]!.flags & URG, 0, iss.toString(16));
    }
  });
});

describe('SEND', () => {
  test('RFC9293 SHLD-7: an octet that is not pushed waits for more', () => {
    const bench = Bench.established();
    bench.write(1, false);
    bench.silent();
    bench.write(1, true);
    bench.expect('A 1 a1 [2]');
  });

  test('RFC9293 MUST-62: one octet may be urgent', () => {
    const bench = Bench.established();
    bench.writeUrgent(1);
    bench.expect('UA 1 a1 [1] u1');
  });

  test('bytes that may change are copied, as many as are taken', () => {
    const bench = Bench.established({ config: { sendBufferBytes: 3 } });
    bench.checkPayload = false;
    const bytes = Uint8Array.of(1, 2, 3, 4);
    assert.equal(bench.connection.sendCopy(bytes, true, bench.now), 3);
    bytes.fill(9);
    bench.flush();
    assert.deepEqual([...bench.take()[0]!.payload], [1, 2, 3]);
  });
});

describe('CLOSE', () => {
  test('RFC9293 SHLD-3: with an octet unread it resets, in order or beyond a hole, also after the peer’s FIN', () => {
    Bench.established().peer('A 1 a1 [1]').settled('ESTABLISHED').close().expect('RA 1 a2').state('CLOSED');
    Bench.established().peer('A 11 a1 [1]').settled('ESTABLISHED').close().expect('RA 1 a1').state('CLOSED');
    Bench.established().peer('FA 1 a1 [1]').settled('CLOSE-WAIT').close().expect('RA 1 a3').state('CLOSED');
    const waiting = Bench.established().shutdown().peer('A 1 a2 [1]').settled('FIN-WAIT-2');
    waiting.close().state('CLOSED');
  });

  test('RFC9293 §3.10.4: where nothing can arrive any more there is nothing to tell the peer', () => {
    const bench = Bench.established().peer('FA 1 a1 [1]').shutdown().settled('LAST-ACK');
    bench.close().silent().state('LAST-ACK');
  });

  test('RFC9293 §3.10.4: without anything unread it ends in order', () => {
    Bench.established().close().expect('FA 1 a1').state('FIN-WAIT-1');
    const read = Bench.established().peer('FA 1 a1 [1]');
    read.read();
    read.settled('CLOSE-WAIT').close().expect('FA 1 a3').state('LAST-ACK');
  });
});
