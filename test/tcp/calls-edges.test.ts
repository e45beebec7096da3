// The user calls of RFC 9293 §3.10 where it is about a single octet, an order, or a state.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Connection } from '../../src/tcp/connection.js';
import { SegmentView, URG } from '../../src/wire/segment.js';
import { Bench, fillView, PEER_SALT, parseSegment, Recorder } from './harness.js';

/** Looks at a connection at its very beginning, as a log does. */
class Onlooker extends Recorder {
  override connectionOpened(c?: Connection): void {
    super.connectionOpened();
    c!.status();
  }
}

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

  test('who looks at a connection as it opens changes nothing of its recovery', () => {
    const bench = Bench.established({ iss: 0xf000_0000, environment: { trace: new Onlooker() } });
    bench.write(5000);
    bench.peer('A 1 a1001').take();
    bench.peer('A 1 a1001', 'A 1 a1001', 'A 1 a1001').expect('A 1001 a1 [1000]');
    const opening = Bench.synSent({ environment: { trace: new Onlooker() } });
    opening.take();
    opening.advance(1000).expect('S 0');
  });

  test('RFC9293 MAY-2: a number beyond those of the connection in TIME-WAIT is taken as it is, one within is not', () => {
    const old = Bench.established().shutdown().peer('FA 1 a2').settled('TIME-WAIT').connection;
    for (const [number, expected] of [
      [old.snd.nxt + 1, old.snd.nxt + 1],
      [old.snd.nxt, old.snd.nxt + 65_537],
      [old.snd.nxt - 1000, old.snd.nxt + 65_537],
    ] as const) {
      const environment = { trace: null, initialSequence: () => number };
      const next = new Connection(2, old.tuple, old.config, environment, 'passive');
      const syn = new SegmentView();
      fillView(syn, parseSegment('S 9000'), { sender: 0, receiver: 0 }, PEER_SALT, 10_000);
      next.openPassive(syn, old, 60_000);
      assert.equal(next.snd.iss, expected);
    }
  });
});

describe('SEND', () => {
  test('bytes are sent as they stand when they leave, unless they were to be copied', () => {
    for (const [way, expected] of [
      ['send', 9],
      ['sendCopy', 1],
    ] as const) {
      const bench = Bench.established();
      bench.checkPayload = false;
      bench.queue(1000);
      const bytes = new Uint8Array(2000).fill(1);
      bench.connection[way](bytes, true, bench.now);
      bytes.fill(9);
      bench.flush();
      assert.deepEqual(new Set(bench.take()[1]!.payload), new Set([expected]), way);
    }
  });

  test('nothing needs no buffer', () => {
    const bench = Bench.established();
    bench.write(0);
    assert.equal(bench.connection.sendBuffer, null);
  });

  test('RFC9293 SHLD-7: an octet that is not pushed waits for more', () => {
    const bench = Bench.established();
    bench.write(1, false);
    bench.silent();
    bench.write(1, true);
    bench.expect('A 1 a1 [2]');
    const elsewhere = Bench.established({ iss: 0xf000_0000 });
    elsewhere.write(1, false);
    elsewhere.silent();
  });

  test('RFC9293 §3.8.6.2.1: the window of the SYN counts as offered: less than half of it waits', () => {
    const bench = Bench.synReceived().settled('SYN-RECEIVED').peer('A 1 a1 w400');
    bench.write(5000);
    bench.silent();
  });

  test('RECEIVE of nothing gives nothing', () => {
    const bench = Bench.established().peer('A 1 a1 [10]');
    assert.equal(bench.connection.receive(0, bench.now), null);
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
  test('RFC9293 §3.10.4: pushes what was queued before it, also where the window leaves its FIN no room', () => {
    const bench = Bench.established({ peer: { window: 100 } });
    bench.write(100, false);
    bench.silent();
    bench.shutdown().expect('A 1 a1 [100]');
  });

  test('RFC9293 SHLD-3: data of a SYN that crossed ours was not taken yet: it is refused when it comes again', () => {
    const bench = Bench.synSent().peer('S 0 [10] <mss 1000>').settled('SYN-RECEIVED');
    bench.close().expect('FA 1 a1').state('FIN-WAIT-1');
    bench.peer('A 1 a1 [10]').expect('R 1').state('CLOSED');
  });

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
