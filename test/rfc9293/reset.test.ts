// Resets and blind attacks: RFC 9293 §3.5.2, §3.5.3, §3.10.7.4; RFC 5961.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bench, losing, Pair } from '../tcp/harness.js';

/** ESTABLISHED with a receive window of 10 000 from sequence number 1. */
function open(): Bench {
  return Bench.accepted({ config: { receiveBufferBytes: 10_000 } });
}

describe('receiving RST', () => {
  test('RFC5961 §3: exactly at RCV.NXT it resets the connection', () => {
    const bench = open().peer('R 1').state('CLOSED').silent().events(['CLOSED']);
    assert.equal(bench.connection.error, 'ECONNRESET');
    assert.equal(bench.connection.nextTimeout(), Number.POSITIVE_INFINITY);
  });

  for (const seq of [2, 100, 5000, 10_000]) {
    test(`RFC5961 §3: at ${seq}, inside the window, it draws a challenge ACK`, () => {
      open().peer(`R ${seq}`).state('ESTABLISHED').expect('A 1 a1').events([], ['CLOSED']);
    });
  }

  for (const seq of [0, -1, -5000, 10_001, 20_000, 0x7fffffff]) {
    test(`RFC9293 §3.10.7.4: at ${seq}, outside the window, it is dropped in silence`, () => {
      open().peer(`R ${seq}`).state('ESTABLISHED').silent();
    });
  }

  test('RFC9293 SHLD-2: an RST that carries data is an RST', () => {
    open().peer('R 1 [40]').state('CLOSED').silent().events(['CLOSED'], ['READABLE']);
  });

  test('RFC9293 MUST-66: RST is obeyed while the receive window is shut', () => {
    const bench = Bench.accepted({ config: { receiveBufferBytes: 2000 } });
    bench.peer('A 1 a1 [1000]', 'A 1001 a1 [1000]');
    assert.equal(bench.status.rcvWnd, 0);
    bench.settled('ESTABLISHED').peer('R 2001').state('CLOSED').silent();
  });

  for (const flags of ['RA', 'SR', 'SRA', 'RF', 'SFRPAU']) {
    test(`RFC9293 §3.10.7.4: ${flags} counts as RST`, () => {
      open().peer(`${flags} 1 a1`).state('CLOSED').silent();
    });
  }

  test('RFC9293 §3.10.7.4: what arrived before the RST is not readable after it, and the error is known', () => {
    const bench = open().peer('A 1 a1 [10]').settled('ESTABLISHED').peer('R 11').state('CLOSED').silent();
    assert.equal(bench.connection.error, 'ECONNRESET');
    assert.equal(bench.write(5), 0);
    bench.silent();
  });

  test('RFC9293 §3.10.7.4: CLOSE-WAIT, FIN-WAIT-1, FIN-WAIT-2, CLOSING and LAST-ACK end by an exact RST', () => {
    open().peer('FA 1 a1').peer('R 2').state('CLOSED');
    open().shutdown().peer('R 1').state('CLOSED');
    open().shutdown().peer('A 1 a2').peer('R 1').state('CLOSED');
    open().shutdown().peer('FA 1 a1').peer('R 2').state('CLOSED');
    open().peer('FA 1 a1').shutdown().peer('R 2').state('CLOSED');
  });
});

describe('RST when both sides have said that they are done', () => {
  for (const [state, ways] of [
    ['LAST-ACK', (b: Bench) => b.peer('FA 1 a1').shutdown()],
    ['CLOSING', (b: Bench) => b.shutdown().peer('FA 1 a1')],
  ] as const) {
    test(`RFC9293 MUST-12: in ${state} it is an error only when data of ours was lost with it`, () => {
      const done = ways(Bench.accepted()).state(state).peer('R 2').state('CLOSED');
      assert.equal(done.connection.error, null);
      const one = Bench.accepted();
      one.write(1);
      const lost = ways(one).state(state).peer('R 2').state('CLOSED');
      assert.equal(lost.connection.error, 'ECONNRESET');
    });
  }
});

describe('SYN in synchronized states', () => {
  for (const seq of [-1000, 0, 1, 2, 5000, 20_000]) {
    test(`RFC5961 §4: SYN at ${seq} draws a challenge ACK and nothing else`, () => {
      const bench = open().peer(`S ${seq} <mss 1000>`).state('ESTABLISHED').expect('A 1 a1');
      bench.peer('A 1 a1 [10]');
      assert.equal(bench.read(), 10);
    });
  }
});

describe('blind data', () => {
  for (const ack of [-20_000, 2, 1_000_000, 0x7fffffff]) {
    test(`RFC5961 §5: in-window data that acknowledges ${ack} is not delivered and draws an ACK`, () => {
      const bench = open().peer(`A 1 a${ack} [10]`).expect('A 1 a1');
      assert.equal(bench.read(), 0);
      bench.peer('A 1 a1 [10]');
      assert.equal(bench.read(), 10);
    });
  }

  test('RFC9293 MAY-12: an acknowledgment no older than Max(SND.WND) is taken with its data', () => {
    const bench = Bench.accepted({ peer: { window: 1000 } });
    bench.write(900);
    bench.peer('A 1 a901').settled('ESTABLISHED');
    bench.peer('A 1 a1 [10]');
    assert.equal(bench.read(), 10);
  });
});

describe('how old an acknowledgment may be', () => {
  // Blind data with such an acknowledgment: its ten octets are delivered, or not.
  const delivers = (bench: Bench, ack: number) => bench.peer(`A 1 a${ack} [10]`).read() === 10;
  // The peer's window was 3000 once, in the segment given; then 3000 octets were sent and acknowledged.
  const used = (bench: Bench) => {
    bench.write(3000);
    bench.peer('A 1 a3001 w500').settled('ESTABLISHED');
    return bench;
  };

  for (const [ack, taken] of [
    [1, true],
    [0, false],
  ] as const) {
    test(`RFC9293 MAY-12: the largest window ever offered decides, also when it is gone: ${ack}`, () => {
      const grown = Bench.accepted({ peer: { window: 1000 } }).peer(
        'A 1 a1 w3000',
        'A 1 a1 w1000',
        'A 1 a1 w3000',
      );
      assert.equal(delivers(used(grown), ack), taken);
    });

    test(`RFC9293 MAY-12: also when it was that of the handshake: ${ack}`, () => {
      const passive = Bench.synReceived({ peer: { window: 100 } }).peer('A 1 a1 w3000');
      assert.equal(delivers(used(passive), ack), taken);
      const active = Bench.synSent().peer('SA 0 a1 <mss 1000> w3000');
      assert.equal(delivers(used(active), ack), taken);
      const shrunk = Bench.synReceived({ peer: { window: 3000 } }).peer('A 1 a1 w100', 'A 1 a1 w3000');
      assert.equal(delivers(used(shrunk), ack), taken);
    });
  }
});

describe('limits on replies', () => {
  test('RFC5961 §7: challenge ACKs are limited per connection, and the allowance comes back', () => {
    const bench = open();
    for (let i = 0; i < 100; i++) bench.peer('R 50');
    assert.ok(bench.take().length <= 10);
    bench.advance(5001);
    bench.peer('R 50').expect('A 1 a1');
  });

  test('RFC5961 §7: the allowance of one connection does not depend on another', () => {
    const one = open();
    for (let i = 0; i < 100; i++) one.peer('R 50');
    open().peer('R 50').expect('A 1 a1');
  });

  test('RFC9293 §3.10.7.4: pure ACKs outside the window are not answered without a limit', () => {
    const bench = open();
    for (let i = 0; i < 100; i++) bench.peer('A 30000 a1');
    const replies = bench.take();
    assert.ok(replies.length >= 1 && replies.length <= 10, `${replies.length} replies`);
  });

  test('RFC9293 §3.10.7.4: two desynchronized ends do not answer each other for ever', () => {
    const pair = new Pair({ iss: 1 }, { iss: 2 }).establish();
    // The peers disagree by a million bytes: each holds the other's segments for unacceptable.
    const captured: number[] = [];
    pair.a.options.path = (s) => {
      captured.push(s.rawSeq);
      s.rawSeq = (s.rawSeq + 1_000_000) | 0;
      return [10];
    };
    pair.b.options.path = (s) => {
      s.rawSeq = (s.rawSeq + 1_000_000) | 0;
      return [10];
    };
    pair.a.connection!.send(new Uint8Array(1), true, pair.now);
    pair.turn();
    pair.advance(10_000);
    assert.ok(captured.length >= 2, 'the data was sent and sent again');
    assert.ok(pair.log.length < 200, `${pair.log.length} segments in ten seconds`);
  });
});

describe('sending RST', () => {
  test('RFC9293 §3.10.5: abort sends RST with SND.NXT and ends at once', () => {
    const bench = open();
    bench.write(100);
    bench.settled('ESTABLISHED').abort().state('CLOSED').expect('RA 101 a1').events(['CLOSED']);
    assert.equal(bench.connection.nextTimeout(), Number.POSITIVE_INFINITY);
    bench.advance(100_000).silent();
  });

  test('RFC9293 §3.5.1: an end that forgot the connection resets the other one', () => {
    const pair = new Pair({ iss: 1 }, { iss: 2 }).establish();
    pair.b.connection = null;
    pair.a.connection!.send(new Uint8Array(100), true, pair.now);
    pair.turn();
    pair.advance(100);
    assert.equal(`${pair.a.state} ${pair.a.error}`, 'CLOSED ECONNRESET');
  });

  test('RFC9293 §3.6: a FIN that arrives when 2 MSL have passed is answered with RST', () => {
    let lost = true;
    const path = losing((s) => lost && s.seq === 2);
    const pair = new Pair({ iss: 1, path, config: { mslMs: 50 } }, { iss: 2 }).establish();
    pair.application = () => {
      if (pair.b.state === 'CLOSE-WAIT') pair.b.connection!.shutdownWrite(pair.now);
      if (pair.a.state === 'CLOSED') lost = false;
    };
    pair.a.connection!.shutdownWrite(pair.now);
    pair.turn();
    pair.runToQuiescence({ steps: 1000, until: 1_000_000 });
    assert.equal(`${pair.a.state} ${pair.b.state}`, 'CLOSED CLOSED', pair.tail());
    assert.deepEqual(pair.b.recorder.ends, ['rst']);
  });
});
