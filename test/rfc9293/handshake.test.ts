// Opening a connection: RFC 9293 §3.5, §3.10.1, §3.10.7.2 and §3.10.7.3.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bench, losing, Pair } from '../tcp/harness.js';

describe('active open', () => {
  test('RFC9293 §3.5: SYN, SYN-ACK, ACK; each SYN takes one sequence number', () => {
    const bench = Bench.synSent().state('SYN-SENT').expect('S 0');
    bench
      .peer('SA 0 a1 <mss 1000>')
      .state('ESTABLISHED')
      .expect('A 1 a1')
      .events(['ESTABLISHED'], ['CLOSED']);
    assert.deepEqual(bench.recorder.states, ['SYN-SENT', 'ESTABLISHED']);
  });

  test('RFC9293 §3.5: the first SYN carries neither ACK nor an acknowledgment number', () => {
    const [syn] = Bench.synSent().take();
    assert.equal(syn!.flags & 0x3f, 0x02);
    assert.equal(syn!.rawAck, 0);
  });

  test('RFC9293 §3.10.7.3: data queued before the handshake leaves with the third segment', () => {
    const bench = Bench.synSent().expect('S 0');
    assert.equal(bench.write(5), 5);
    bench.silent();
    bench.peer('SA 0 a1 <mss 1000>').expect('A 1 a1 [5]');
  });

  test('RFC9293 §3.10.7.3: a SYN-ACK may carry data, read after ESTABLISHED', () => {
    const bench = Bench.synSent().expect('S 0');
    bench.peer('SA 0 a1 [30] <mss 1000>').state('ESTABLISHED').expect('A 1 a31');
    bench.events(['ESTABLISHED', 'READABLE']);
    assert.equal(bench.read(), 30);
  });

  for (const ack of [-1, 0, 2, 0x40000000, -0x40000000]) {
    test(`RFC9293 §3.10.7.3: SYN-ACK of a${ack} is answered with RST at that number, and the open goes on`, () => {
      const bench = Bench.synSent().expect('S 0');
      bench.peer(`SA 500 a${ack} <mss 1000>`).state('SYN-SENT').expect(`R ${ack}`);
      bench.peer('SA 0 a1 <mss 1000>').state('ESTABLISHED').expect('A 1 a1');
    });
  }

  test('RFC9293 §3.10.7.3: a bare ACK with a wrong number gets RST, with the right one silence', () => {
    const bench = Bench.synSent().expect('S 0');
    bench.peer('A 77 a9').state('SYN-SENT').expect('R 9');
    bench.peer('A 77 a1').state('SYN-SENT').silent();
  });

  test('RFC9293 §3.10.7.3: RST without ACK, or with a wrong ACK, means nothing in SYN-SENT', () => {
    const bench = Bench.synSent().expect('S 0');
    bench.peer('R 0').state('SYN-SENT').silent();
    bench.peer('RA 0 a0').state('SYN-SENT').silent();
    bench.peer('RA 0 a2').state('SYN-SENT').silent().events([], ['CLOSED']);
  });

  test('RFC9293 §3.10.7.3: RST with an acceptable ACK refuses the connection', () => {
    const bench = Bench.synSent().expect('S 0');
    bench.peer('RA 0 a1').state('CLOSED').silent().events(['CLOSED'], ['ESTABLISHED']);
    assert.equal(bench.connection.error, 'ECONNREFUSED');
    assert.equal(bench.connection.nextTimeout(), Number.POSITIVE_INFINITY);
  });

  test('RFC9293 §3.10.7.4: a repeated SYN-ACK in ESTABLISHED is acknowledged again', () => {
    const bench = Bench.established();
    bench.peer('SA 0 a1 <mss 1000>').expect('A 1 a1').state('ESTABLISHED');
  });
});

describe('passive open', () => {
  test('RFC9293 §3.10.7.2: SYN makes SYN-RECEIVED, the ACK of our SYN makes ESTABLISHED', () => {
    const bench = Bench.synReceived().state('SYN-RECEIVED').expect('SA 0 a1');
    bench.events([], ['ESTABLISHED', 'READABLE']);
    bench.peer('A 1 a1').state('ESTABLISHED').silent().events(['ESTABLISHED']);
  });

  test('RFC9293 §3.5: the third segment may carry data', () => {
    const bench = Bench.synReceived().expect('SA 0 a1');
    bench.peer('A 1 a1 [5]').state('ESTABLISHED').events(['ESTABLISHED', 'READABLE']);
    assert.equal(bench.read(), 5);
    assert.equal(bench.status.rcvNxt, 6);
  });

  test('RFC9293 §3.10.7.4: the third segment may carry data and FIN', () => {
    const bench = Bench.synReceived().expect('SA 0 a1');
    bench.peer('FA 1 a1 [5]').state('CLOSE-WAIT').events(['ESTABLISHED', 'READABLE', 'PEER_FIN']);
    bench.advance(40).expect('A 1 a7');
    assert.deepEqual(bench.recorder.states.slice(-2), ['ESTABLISHED', 'CLOSE-WAIT']);
  });

  test('RFC9293 §3.10.7.4: a repeated SYN gets the same SYN-ACK again', () => {
    const bench = Bench.synReceived().expect('SA 0 a1');
    bench.peer('S 0 <mss 1000>').state('SYN-RECEIVED').expect('SA 0 a1');
    bench.peer('A 1 a1').state('ESTABLISHED');
  });

  for (const ack of [-1, 0, 2, 1_000_000]) {
    test(`RFC9293 §3.10.7.4: ACK of a${ack} in SYN-RECEIVED gets RST, the half-open connection stays`, () => {
      const bench = Bench.synReceived().expect('SA 0 a1');
      bench.peer(`A 1 a${ack} [9]`).state('SYN-RECEIVED').expect(`R ${ack}`);
      bench.peer('A 1 a1').state('ESTABLISHED').events(['ESTABLISHED'], ['READABLE']);
    });
  }

  test('RFC9293 MUST-11: RST takes a passive SYN-RECEIVED back to LISTEN, the application never hears of it', () => {
    const bench = Bench.synReceived().expect('SA 0 a1');
    bench.peer('R 1').silent().events(['CLOSED'], ['ESTABLISHED']);
    assert.deepEqual(bench.recorder.states.slice(-2), ['SYN-RECEIVED', 'LISTEN']);
    assert.equal(bench.connection.nextTimeout(), Number.POSITIVE_INFINITY);
  });

  test('RFC9293 §3.10.7.4: RST outside the window or not at RCV.NXT leaves SYN-RECEIVED alone', () => {
    const bench = Bench.synReceived().expect('SA 0 a1');
    bench.peer('R 20001').state('SYN-RECEIVED').silent();
    bench.peer('R 0').state('SYN-RECEIVED').silent();
    bench.peer('R 2').state('SYN-RECEIVED').expect('A 1 a1');
  });

  test('RFC9293 §3.10.7.4: another SYN inside the window takes a passive SYN-RECEIVED back to LISTEN', () => {
    const bench = Bench.synReceived().expect('SA 0 a1');
    bench.peer('S 50 <mss 1000>').silent().events(['CLOSED'], ['ESTABLISHED']);
    assert.deepEqual(bench.recorder.states.slice(-2), ['SYN-RECEIVED', 'LISTEN']);
  });

  test('RFC9293 §3.10.7.4: another SYN outside the window is answered with ACK', () => {
    const bench = Bench.synReceived().expect('SA 0 a1');
    bench.peer('S 1000000 <mss 1000>').state('SYN-RECEIVED').expect('A 1 a1');
  });
});

describe('data on a SYN', () => {
  test('RFC9293 §3.10.7.2: it is queued, not acknowledged and not readable until ESTABLISHED', () => {
    const bench = Bench.synReceived({}, 'S 0 [72] <mss 1000>').expect('SA 0 a1');
    assert.equal(bench.connection.receiveQueueBytes, 0);
    assert.equal(bench.connection.receive(100, bench.now), null);
    bench.events([], ['READABLE']);
    bench.peer('A 1 a1').state('ESTABLISHED').expect('A 1 a73').events(['ESTABLISHED', 'READABLE']);
    assert.equal(bench.read(), 72);
  });

  test('RFC9293 §3.10.7.2: a single octet is acknowledged at once as well', () => {
    const bench = Bench.synReceived({}, 'S 0 [1] <mss 1000>').expect('SA 0 a1');
    bench.peer('A 1 a1').expect('A 1 a2');
    assert.equal(bench.read(), 1);
  });

  test('RFC9293 §3.10.7.2: the peer repeats it with the third segment: delivered once', () => {
    const bench = Bench.synReceived({}, 'S 0 [72] <mss 1000>').expect('SA 0 a1');
    bench.peer('A 1 a1 [72]').expect('A 1 a73');
    assert.equal(bench.read(), 72);
    bench.peer('A 73 a1 [8]');
    assert.equal(bench.read(), 8);
  });

  test('policy `discard` forgets it', () => {
    const bench = Bench.synReceived({ config: { synData: 'discard' } }, 'S 0 [72] <mss 1000>').expect(
      'SA 0 a1',
    );
    bench.peer('A 1 a1').silent();
    assert.equal(bench.read(), 0);
    bench.peer('A 1 a1 [72]');
    assert.equal(bench.read(), 72);
  });

  test('policy `accept` acknowledges it at once, and still delivers only when ESTABLISHED', () => {
    const bench = Bench.synReceived({ config: { synData: 'accept' } }, 'S 0 [72] <mss 1000>').expect(
      'SA 0 a73',
    );
    assert.equal(bench.connection.receive(100, bench.now), null);
    bench.peer('A 73 a1').state('ESTABLISHED').events(['ESTABLISHED', 'READABLE']);
    assert.equal(bench.read(), 72);
  });

  test('RFC9293 §3.10.7.2: no more is kept than the limit; the rest comes again by retransmission', () => {
    const bench = Bench.synReceived({ config: { synDataBytes: 10 } }, 'S 0 [72] <mss 1000>').expect(
      'SA 0 a1',
    );
    bench.peer('A 1 a1').state('ESTABLISHED');
    const kept = bench.read();
    assert.ok(kept <= 10, `${kept} bytes kept`);
    bench.peer('A 1 a1 [72]');
    assert.equal(bench.read(), 72 - kept);
  });
});

describe('lost segments of the handshake', () => {
  test('RFC9293 §3.5: a lost SYN, a lost SYN-ACK and a lost ACK only delay it', () => {
    for (const [a, b] of [
      [0, -1],
      [-1, 0],
      [1, -1],
    ] as const) {
      const pair = new Pair(
        { iss: 100, path: losing((_, index) => index === a) },
        { iss: 900, path: losing((_, index) => index === b) },
      );
      pair.start().advance(4000);
      assert.equal(`${pair.a.state} ${pair.b.state}`, 'ESTABLISHED ESTABLISHED', pair.tail());
      assert.equal(pair.b.past.length, 1, 'one SYN, one connection');
    }
  });

  test('RFC9293 §3.5: the ACK was lost, the next data segment completes the handshake', () => {
    const pair = new Pair({ iss: 1, path: losing((_, index) => index === 1) }, { iss: 2 });
    pair.start().advance(100);
    assert.equal(`${pair.a.state} ${pair.b.state}`, 'ESTABLISHED SYN-RECEIVED');
    pair.a.connection!.send(new Uint8Array(10), true, pair.now);
    pair.turn();
    pair.advance(100);
    assert.equal(pair.b.state, 'ESTABLISHED');
    assert.equal(pair.b.connection!.receiveQueueBytes, 10);
  });

  test('RFC9293 §3.5: an old SYN ends at the RST that its SYN-ACK provokes', () => {
    const bench = Bench.synReceived().expect('SA 0 a1');
    bench.peer('R 1');
    assert.ok(!bench.takeEvents().includes('ESTABLISHED'));
    assert.equal(bench.connection.nextTimeout(), Number.POSITIVE_INFINITY);
    bench.advance(400_000).silent();
  });
});
