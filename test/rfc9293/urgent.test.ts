// Urgent data: RFC 9293 §3.8.5, RFC 6093.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bench } from '../tcp/harness.js';

const URG = 0x20;

describe('receiving urgent data', () => {
  test('RFC9293 MUST-30 MUST-32 MUST-33: the application learns that it is there and how much is left', () => {
    const bench = Bench.accepted().peer('UA 1 a1 [10] u5').events(['URGENT', 'READABLE']);
    assert.equal(bench.connection.urgentBytes, 5);
    assert.equal(bench.read(3), 3);
    assert.equal(bench.connection.urgentBytes, 2);
    assert.equal(bench.read(), 7);
    assert.equal(bench.connection.urgentBytes, 0);
  });

  test('RFC9293 MUST-32: a pointer that advances is told again, one that stands is not', () => {
    const bench = Bench.accepted().peer('UA 1 a1 [10] u5').events(['URGENT']);
    bench.peer('UA 11 a1 [10] u5').events(['URGENT']);
    assert.equal(bench.connection.urgentBytes, 15);
    bench.peer('A 21 a1 [10]').events(['READABLE'], ['URGENT']);
    bench.peer('UA 1 a1 [10] u5').peer('UA 11 a1 [10] u5').events([], ['URGENT']);
    assert.equal(bench.connection.urgentBytes, 15);
  });

  test('RFC9293 MUST-32: nor is one that waits for its data, or points at what was received', () => {
    const ahead = Bench.accepted().peer('UA 1 a1 [10] u100').events(['URGENT']);
    ahead.peer('UA 11 a1 [10] u90').events([], ['URGENT']);
    const behind = Bench.accepted().peer('A 1 a1 [10]').settled('ESTABLISHED');
    behind.peer('UA 6 a1 [10] u5').events(['READABLE'], ['URGENT']);
    assert.equal(behind.connection.urgentBytes, 0);
  });

  test('RFC9293 §3.10.7.4: it counts as long as the peer may send, and no longer', () => {
    const half = Bench.accepted().shutdown();
    half.settled('FIN-WAIT-1').peer('UA 1 a1 [10] u5').events(['URGENT']);
    half.peer('A 11 a2').settled('FIN-WAIT-2').peer('UA 11 a2 [10] u5').events(['URGENT']);
    const ended = Bench.accepted().peer('FA 1 a1').settled('CLOSE-WAIT');
    ended.peer('UA 2 a1 u5').events([], ['URGENT']);
  });

  test('RFC9293 MUST-31: urgent data of any length, announced before it arrives', () => {
    const bench = Bench.accepted({ config: { receiveBufferBytes: 60_000 } });
    bench.peer('UA 1 a1 u50000').events(['URGENT']);
    assert.equal(bench.connection.urgentBytes, 50_000);
    for (let at = 1; at < 50_001; at += 1000) bench.peer(`UA ${at} a1 [1000] u${50_001 - at}`);
    assert.equal(bench.connection.urgentBytes, 50_000);
    assert.equal(bench.read(), 50_000);
    assert.equal(bench.connection.urgentBytes, 0);
  });

  test('RFC9293 MUST-66: URG is processed while the window is shut', () => {
    const bench = Bench.accepted({ config: { receiveBufferBytes: 2000 } });
    bench.peer('A 1 a1 [1000]', 'A 1001 a1 [1000]').settled('ESTABLISHED');
    bench.peer('UA 2001 a1 u7').events(['URGENT']);
    assert.equal(bench.connection.urgentBytes, 2007);
  });

  test('RFC6093 §3.1: urgent data is in line; nothing of the stream is skipped', () => {
    const bench = Bench.accepted().peer('UA 1 a1 [10] u4', 'A 11 a1 [10]');
    assert.equal(bench.read(), 20);
  });

  for (const [name, line] of [
    ['pointer 0', 'UA 1 a1 [10] u0'],
    ['pointer 65535', 'UA 1 a1 [10] u65535'],
    ['pointer beyond the segment', 'UA 1 a1 [10] u11'],
    ['without data', 'UA 1 a1 u3'],
    ['pointer without URG', 'A 1 a1 [10] u5'],
  ] as const) {
    test(`CVE-2019-12255: ${name} does no harm to the stream`, () => {
      const bench = Bench.accepted().peer(line, 'A 1 a1 [10]', 'A 11 a1 [10]');
      assert.equal(bench.read(), 20);
      assert.ok(bench.connection.urgentBytes >= 0);
      bench.state('ESTABLISHED');
    });
  }

  test('RFC9293 §3.8.5: a pointer without the URG flag means nothing', () => {
    const bench = Bench.accepted().peer('A 1 a1 [10] u5').events([], ['URGENT']);
    assert.equal(bench.connection.urgentBytes, 0);
  });

  test('RFC9293 §3.10.7.4: after the FIN the urgent pointer is ignored', () => {
    const bench = Bench.accepted().peer('FA 1 a1').settled('CLOSE-WAIT');
    bench.peer('UA 2 a1 u9').events([], ['URGENT']);
  });
});

describe('sending urgent data', () => {
  test('RFC9293 MUST-62: the pointer is the number after the last urgent octet', () => {
    const bench = Bench.established();
    bench.writeUrgent(5);
    bench.expect('UA 1 a1 [5] u5');
  });

  test('RFC9293 MUST-62: what begins behind the last urgent octet does not point at it', () => {
    const bench = Bench.established({ config: { nagle: false } });
    bench.writeUrgent(10);
    bench.expect('UA 1 a1 [10] u10');
    bench.write(100);
    bench.expect('A 11 a1 [100]');
  });

  test('RFC9293 §3.1: the field reaches 65 535 octets ahead', () => {
    for (const [bytes, first] of [
      [65_535, 'UA 1 a1 [1000] u65535'],
      [65_536, 'A 1 a1 [1000]'],
    ] as const) {
      const bench = Bench.established({ config: { initialWindowSegments: 1 } });
      bench.writeUrgent(bytes);
      bench.expect(first);
    }
  });

  test('RFC9293 §3.8.5: urgent data that waits for the handshake leaves the SYN as it is', () => {
    const bench = new Bench();
    bench.connection.openActive(bench.now);
    bench.writeUrgent(10);
    bench.expect('S 0');
    bench.peer('SA 0 a1 <mss 1000>').expect('UA 1 a1 [10] u10');
  });

  test('RFC9293 MUST-62: it covers the data before it as well, on every segment up to it', () => {
    const bench = Bench.established({ config: { nagle: false } });
    bench.queue(1500);
    bench.writeUrgent(500);
    bench.expect('UA 1 a1 [1000] u2000', 'UA 1001 a1 [1000] u1000');
    bench.peer('A 1 a2001');
    bench.write(10);
    assert.equal(bench.take()[0]!.flags & URG, 0);
  });

  test('RFC9293 MUST-31: an urgent point beyond the reach of the field is announced rightly once it is in reach', () => {
    const bench = Bench.established({ config: { sendBufferBytes: 200_000 }, peer: { window: 5000 } });
    bench.queue(100_000);
    bench.writeUrgent(10);
    const end = 1 + 100_010;
    let announced = 0;
    for (let i = 0; i < 500 && bench.status.sndUna < end; i++) {
      for (const s of bench.take()) {
        if (!(s.flags & URG)) continue;
        announced++;
        assert.equal(s.urgent, Math.min(65_535, end - s.seq));
      }
      bench.peer(`A 1 a${bench.status.sndNxt}`);
    }
    assert.ok(announced >= 60, `${announced} segments with URG`);
  });

  test('RFC9293 §3.8.5: a retransmission keeps the urgent pointer right', () => {
    const bench = Bench.established();
    bench.writeUrgent(5);
    bench.take();
    bench.advance(1500);
    assert.equal(`${bench.sent[0]!.flags & URG} ${bench.sent[0]!.urgent}`, `${URG} 5`);
  });
});
