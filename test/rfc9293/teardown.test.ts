// Closing: four segments, three, simultaneous, half-closed, with losses (RFC 9293 §3.6, §3.10.4, §3.10.7.4).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bench, isPureAck, losing, Pair } from '../tcp/harness.js';

describe('teardown', () => {
  test('RFC9293 §3.6: four segments, closing first', () => {
    const bench = Bench.established().shutdown().state('FIN-WAIT-1').expect('FA 1 a1');
    bench.peer('A 1 a2').state('FIN-WAIT-2').silent().events(['ALL_ACKNOWLEDGED']);
    bench.peer('FA 1 a2').state('TIME-WAIT').expect('A 2 a2').events(['PEER_FIN', 'TIME_WAIT']);
    assert.deepEqual(bench.recorder.states.slice(2), ['FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT']);
  });

  test('RFC9293 §3.6: four segments, closing second', () => {
    const bench = Bench.accepted().peer('FA 1 a1').state('CLOSE-WAIT').events(['PEER_FIN'], ['CLOSED']);
    bench.advance(500).expect('A 1 a2');
    assert.equal(bench.connection.atEnd, true);
    bench.shutdown().state('LAST-ACK').expect('FA 1 a2');
    bench.peer('A 2 a2').state('CLOSED').silent().events(['CLOSED']);
    assert.equal(bench.connection.error, null);
    assert.equal(bench.connection.nextTimeout(), Number.POSITIVE_INFINITY);
  });

  test('RFC9293 §3.6: three segments when the application closes in the same turn', () => {
    const bench = Bench.accepted();
    bench.inject('FA 1 a1');
    bench.connection.shutdownWrite(bench.now);
    bench.flush().state('LAST-ACK').expect('FA 1 a2');
    bench.peer('A 2 a2').state('CLOSED');
  });

  test('RFC9293 §3.10.7.4: FIN with the ACK of ours goes from FIN-WAIT-1 to TIME-WAIT at once', () => {
    const bench = Bench.established().shutdown().expect('FA 1 a1');
    bench.peer('FA 1 a2').state('TIME-WAIT').expect('A 2 a2').events(['PEER_FIN', 'TIME_WAIT']);
    assert.ok(!bench.recorder.states.includes('FIN-WAIT-2'));
  });

  test('RFC9293 §3.6: simultaneous close passes CLOSING; the ACK from there is without FIN', () => {
    const bench = Bench.established().shutdown().expect('FA 1 a1');
    bench.peer('FA 1 a1').state('CLOSING').expect('A 2 a2').events(['PEER_FIN'], ['TIME_WAIT']);
    bench.peer('A 2 a2').state('TIME-WAIT').silent().events(['TIME_WAIT']);
  });

  test('RFC9293 §3.6: CLOSING resends a FIN whose ACK was lost, and takes the ACK of a repeated FIN', () => {
    const bench = Bench.established().shutdown().peer('FA 1 a1').settled('CLOSING');
    bench.advance(1500);
    const fins = bench.take();
    assert.ok(fins.length >= 1);
    for (const s of fins) assert.equal(`${s.seq} a${s.ack}`, '1 a2');
    bench.peer('A 2 a2').state('TIME-WAIT');
  });

  test('RFC9293 §3.10.4: the FIN leaves after all queued data and takes one number', () => {
    const bench = Bench.established({ peer: { window: 1000 } });
    bench.queue(10);
    bench.shutdown().state('FIN-WAIT-1').expect('FA 1 a1 [10]');
    assert.equal(bench.status.sndNxt, 12);
    bench.peer('A 1 a11').state('FIN-WAIT-1');
    bench.peer('A 1 a12').state('FIN-WAIT-2');
  });

  test('RFC9293 §3.10.4: FIN-WAIT-1 is entered at the call, though a small window holds the FIN back', () => {
    const bench = Bench.established({ config: { nagle: false }, peer: { window: 1000 } });
    bench.queue(2000);
    bench.shutdown().state('FIN-WAIT-1').expect('A 1 a1 [1000]');
    bench.peer('A 1 a1001 w500').expect('A 1001 a1 [500]');
    bench.peer('A 1 a1501 w1000').expect('FA 1501 a1 [500]');
    bench.peer('A 1 a2002').state('FIN-WAIT-2');
  });

  test('RFC9293 §3.10.7.4: FIN with data delivers the data, then the end', () => {
    const bench = Bench.accepted().peer('FA 1 a1 [10]').state('CLOSE-WAIT').events(['READABLE', 'PEER_FIN']);
    bench.advance(500).expect('A 1 a12');
    assert.equal(bench.connection.atEnd, false);
    assert.equal(bench.read(), 10);
    assert.equal(bench.connection.atEnd, true);
    assert.equal(bench.connection.receive(10, bench.now), null);
  });

  test('RFC9293 §3.10.7.4: a FIN that overtakes data waits for its turn', () => {
    const bench = Bench.accepted().peer('FA 4 a1').state('ESTABLISHED').expect('A 1 a1');
    bench.events([], ['PEER_FIN']);
    bench.peer('A 1 a1 [3]').state('CLOSE-WAIT').events(['PEER_FIN', 'READABLE']);
    bench.advance(40).expect('A 1 a5');
    assert.equal(bench.read(), 3);
  });

  test('RFC9293 §3.10.7.4: a repeated FIN is acknowledged again and counted once', () => {
    const bench = Bench.accepted().peer('FA 1 a1');
    bench.advance(1000).settled('CLOSE-WAIT');
    bench.peer('FA 1 a1').state('CLOSE-WAIT').expect('A 1 a2').events([], ['PEER_FIN', 'READABLE']);
    assert.equal(bench.status.rcvNxt, 2);
  });

  test('RFC9293 §3.10.7.4: data beyond the FIN is never delivered', () => {
    const bench = Bench.accepted().peer('FA 1 a1 [10]').settled('CLOSE-WAIT');
    bench.peer('A 11 a1 [20]', 'A 12 a1 [20]');
    assert.equal(bench.read(), 10);
    assert.equal(bench.connection.atEnd, true);
  });

  test('RFC9293 §3.10.7.4: a FIN that moves is counted once', () => {
    const bench = Bench.accepted().peer('FA 5 a1', 'FA 8 a1', 'A 1 a1 [4]', 'A 5 a1 [3]', 'FA 8 a1');
    bench.state('CLOSE-WAIT').events(['PEER_FIN']);
    const got = bench.read();
    assert.ok(got === 4 || got === 7, `${got} bytes`);
    assert.equal(bench.connection.atEnd, true);
    assert.equal(bench.status.rcvNxt, got + 2);
    bench.peer('FA 5 a1', 'FA 8 a1').events([], ['PEER_FIN', 'READABLE']);
  });

  test('RFC9293 §3.10.7.4: out-of-order data beyond an out-of-order FIN is never delivered', () => {
    const bench = Bench.accepted().peer('A 8 a1 [20]', 'FA 5 a1', 'A 1 a1 [4]');
    bench.state('CLOSE-WAIT');
    assert.equal(bench.read(), 4);
    assert.equal(bench.status.rcvNxt, 6);
  });

  test('RFC9293 §3.6: LAST-ACK ignores the ACK of data only', () => {
    const bench = Bench.accepted().peer('FA 1 a1');
    bench.queue(10);
    bench.shutdown().state('LAST-ACK').expect('FA 1 a2 [10]');
    bench.peer('A 2 a11').state('LAST-ACK');
    bench.peer('A 2 a12').state('CLOSED');
  });

  test('RFC9293 MUST-12: a FIN ends orderly, an RST with ECONNRESET', () => {
    const orderly = Bench.accepted().peer('FA 1 a1').shutdown().peer('A 2 a2').state('CLOSED');
    assert.equal(orderly.connection.error, null);
    const reset = Bench.accepted().peer('R 1').state('CLOSED').events(['CLOSED'], ['PEER_FIN']);
    assert.equal(reset.connection.error, 'ECONNRESET');
  });
});

describe('half-close', () => {
  test('RFC9293 §3.6 case 1: after our FIN the peer goes on sending, and everything is delivered', () => {
    const bench = Bench.established({ config: { delayedAckMs: 0 } });
    bench.write(3);
    bench.expect('A 1 a1 [3]').shutdown().expect('FA 4 a1');
    bench.peer('A 1 a5').state('FIN-WAIT-2');
    bench.peer('A 1 a5 [1000]').expect('A 5 a1001').events(['READABLE']);
    bench.peer('A 1001 a5 [500]').expect('A 5 a1501');
    bench.peer('FA 1501 a5').expect('A 5 a1502').state('TIME-WAIT');
    assert.equal(bench.read(), 1500);
    assert.equal(bench.connection.atEnd, true);
  });

  test('RFC9293 §3.10.7.4: data is also taken in FIN-WAIT-1', () => {
    const bench = Bench.established().shutdown().settled('FIN-WAIT-1');
    bench.peer('A 1 a1 [100]').state('FIN-WAIT-1');
    assert.equal(bench.read(), 100);
  });

  test('RFC9293 §3.6 case 2: CLOSE-WAIT sends as long as the application likes', () => {
    const bench = Bench.accepted().peer('FA 1 a1').settled('CLOSE-WAIT');
    bench.write(1000);
    bench.expect('A 1 a2 [1000]');
    bench.peer('A 2 a1001');
    bench.write(300);
    bench.expect('A 1001 a2 [300]');
    bench.peer('A 2 a1301').shutdown().expect('FA 1301 a2').state('LAST-ACK');
  });

  test('RFC9293 §3.10.2: nothing can be sent after our FIN was asked for', () => {
    const bench = Bench.established().shutdown().settled('FIN-WAIT-1');
    assert.equal(bench.write(10), 0);
    assert.equal(bench.connection.sendSpace, 0);
    bench.silent();
  });

  test('RFC9293 §3.10.3: data that arrived stays readable until the connection is gone, TIME-WAIT included', () => {
    const bench = Bench.established().shutdown().peer('A 1 a2 [10]', 'FA 11 a2').state('TIME-WAIT');
    assert.equal(bench.read(), 10);
  });
});

describe('close by an application that leaves', () => {
  test('RFC9293 MAY-1: nothing is readable any more', () => {
    const bench = Bench.accepted().close().peer('A 1 a2').state('FIN-WAIT-2');
    assert.equal(bench.connection.receiveQueueBytes, 0);
    assert.equal(bench.connection.receive(10, bench.now), null);
    bench.events([], ['READABLE']);
  });

  test('RFC9293 SHLD-3: close with unread data sends RST', () => {
    const bench = Bench.accepted().peer('A 1 a1 [10]').settled('ESTABLISHED');
    bench.close().state('CLOSED').expect('RA 1 a11');
  });

  test('RFC9293 SHLD-3: the same after a half-close of our own, in FIN-WAIT-1 and FIN-WAIT-2', () => {
    const early = Bench.accepted().shutdown().peer('A 1 a1 [10]').settled('FIN-WAIT-1');
    early.close().state('CLOSED').expect('RA 2 a11');
    const late = Bench.accepted().shutdown().peer('A 1 a2 [10]').settled('FIN-WAIT-2');
    late.close().state('CLOSED').expect('RA 2 a11');
  });

  test('RFC9293 SHLD-3: data that arrives after close is answered with RST', () => {
    const bench = Bench.accepted().close().expect('FA 1 a1').peer('A 1 a2').state('FIN-WAIT-2');
    bench.peer('A 1 a2 [10]').state('CLOSED').events(['CLOSED']);
    const [reset, ...more] = bench.take();
    assert.equal(more.length, 0);
    assert.equal(reset!.flags & 4, 4);
    assert.equal(reset!.seq, 2);
  });

  test('RFC9293 §3.10.4: close after everything was read is an orderly end', () => {
    const bench = Bench.accepted().peer('A 1 a1 [10]');
    bench.read();
    bench.settled('ESTABLISHED').close().state('FIN-WAIT-1').expect('FA 1 a11');
    bench.peer('A 11 a2').state('FIN-WAIT-2').peer('FA 11 a2').state('TIME-WAIT').expect('A 2 a12');
  });

  test('RFC6429: an orphan in FIN-WAIT-2 ends by its timer', () => {
    const bench = Bench.accepted({ config: { finWait2Ms: 60_000 } });
    bench.close().peer('A 1 a2').settled('FIN-WAIT-2');
    bench.advance(59_900).state('FIN-WAIT-2');
    bench.advance(200).state('CLOSED').events(['CLOSED']);
  });

  test('RFC9293 §3.6: a half-closed connection whose application still reads has no FIN-WAIT-2 timer', () => {
    const bench = Bench.accepted({ config: { finWait2Ms: 60_000 } });
    bench.shutdown().peer('A 1 a2').settled('FIN-WAIT-2');
    bench.advance(3_600_000).state('FIN-WAIT-2').silent();
  });
});

describe('teardown with losses', () => {
  for (const side of ['a', 'b'] as const) {
    for (let lost = 0; lost < 3; lost++) {
      test(`RFC9293 §3.6: both ends reach CLOSED when ${side} loses its segment ${lost} of the teardown`, () => {
        let base = Number.POSITIVE_INFINITY;
        const path = (name: string) => losing((_, index) => name === side && index - base === lost);
        const pair = new Pair({ iss: 5, path: path('a') }, { iss: 6, path: path('b') }).establish();
        pair.advance(1000);
        base = pair[side].segmentsSent;
        pair.application = () => {
          if (pair.b.state === 'CLOSE-WAIT') pair.b.connection!.shutdownWrite(pair.now);
        };
        pair.a.connection!.shutdownWrite(pair.now);
        pair.turn();
        pair.runToQuiescence({ steps: 10_000, until: 10_000_000 });
        assert.equal(`${pair.a.state} ${pair.b.state}`, 'CLOSED CLOSED');
        assert.equal(`${pair.a.error} ${pair.b.error}`, 'null null', pair.tail());
      });
    }
  }

  test('RFC9293 §3.6: a lost FIN is sent again with the same number', () => {
    const bench = Bench.established().shutdown().expect('FA 1 a1');
    bench.advance(1100);
    const again = bench.take();
    assert.ok(again.length >= 1);
    for (const s of again) assert.equal(`${s.seq} a${s.ack} ${s.flags & 1}`, '1 a1 1');
    bench.state('FIN-WAIT-1');
  });

  test('RFC9293 §3.4: an ACK is never answered with an ACK', () => {
    const bench = Bench.established();
    for (let i = 0; i < 50; i++) bench.peer('A 1 a1');
    assert.equal(bench.take().filter(isPureAck).length, 0);
  });
});
