// Two SYNs that cross: RFC 9293 §3.5, figure 7.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SYN } from '../../src/wire/segment.js';
import { Bench, losing, Pair, pattern } from '../tcp/harness.js';

describe('simultaneous open', () => {
  function crossed(): Bench {
    return Bench.synSent().expect('S 0').peer('S 0 <mss 1000>').state('SYN-RECEIVED').expect('SA 0 a1');
  }

  test('RFC9293 MUST-10: the crossing SYN makes SYN-RECEIVED, the SYN-ACK at IRS makes ESTABLISHED', () => {
    const bench = crossed().events([], ['ESTABLISHED']);
    bench.peer('SA 0 a1 <mss 1000>').state('ESTABLISHED').events(['ESTABLISHED']);
    for (const s of bench.take()) assert.equal(`${s.seq} a${s.ack} ${s.payload.length}`, '1 a1 0');
    assert.deepEqual(bench.recorder.states, ['SYN-SENT', 'SYN-RECEIVED', 'ESTABLISHED']);
  });

  test('RFC9293 §3.1: an acknowledgment number without the ACK flag completes nothing', () => {
    const bench = crossed();
    bench.injectRaw({
      flags: SYN,
      seq: bench.irs,
      ack: bench.iss + 1,
      wnd: 1000,
      urgent: 0,
      payload: new Uint8Array(),
    });
    bench.flush().state('SYN-RECEIVED').expect('SA 0 a1');
  });

  test('RFC9293 MUST-10: a plain ACK of our SYN completes it as well', () => {
    crossed().peer('A 1 a1').state('ESTABLISHED').events(['ESTABLISHED']);
  });

  test('RFC9293 MUST-11: RST refuses a connection that was opened actively', () => {
    const bench = crossed().peer('R 1').state('CLOSED').silent().events(['CLOSED'], ['ESTABLISHED']);
    assert.equal(bench.connection.error, 'ECONNREFUSED');
  });

  test('RFC9293 §3.10.7.4: another SYN in SYN-RECEIVED of an active open gets a challenge ACK', () => {
    crossed().peer('S 50 <mss 1000>').state('SYN-RECEIVED').expect('A 1 a1');
  });

  test('RFC9293 §3.10.7.3: data on the crossing SYN waits for ESTABLISHED', () => {
    const bench = Bench.synSent().expect('S 0').peer('S 0 [20] <mss 1000>').expect('SA 0 a1');
    assert.equal(bench.connection.receive(100, bench.now), null);
    bench.peer('SA 0 a1 [20] <mss 1000>').state('ESTABLISHED');
    if (bench.connection.receiveQueueBytes === 0) bench.peer('A 1 a1 [20]');
    assert.equal(bench.read(), 20);
  });

  test('RFC9293 §3.10.7.3: as much as the setting lets, or none', () => {
    const kept = (config: object) => {
      const bench = Bench.synSent({ config }).peer('S 0 [20] <mss 1000>').peer('A 1 a1').state('ESTABLISHED');
      return bench.read();
    };
    assert.deepEqual([kept({}), kept({ synDataBytes: 3 }), kept({ synData: 'discard' })], [20, 3, 0]);
    const none = Bench.synSent().peer('S 0 <mss 1000>');
    assert.equal(none.connection.reassembly, null);
  });

  test('RFC6298 §5.1: the SYN-ACK has a timeout of its own, counted from when it left', () => {
    const bench = Bench.synSent().expect('S 0').advance(600).peer('S 0 <mss 1000>').expect('SA 0 a1');
    bench.advance(999).silent().advance(1).expect('SA 0 a1');
  });

  test('RFC9293 §3.10.7.3: a SYN that the link still holds back leaves once, as SYN-ACK', () => {
    const bench = new Bench({ role: 'active' });
    bench.writable = false;
    bench.call((c, now) => c.openActive(now)).inject('S 0 <mss 1000>');
    bench.writable = true;
    bench.flush().expect('SA 0 a1').state('SYN-RECEIVED');
    assert.equal(bench.connection.retransmissions, 0);
  });

  for (const lost of [-1, 0, 1]) {
    test(`RFC9293 MUST-10: both ends reach ESTABLISHED and exchange data (${lost < 0 ? 'nothing' : `segment ${lost}`} lost)`, () => {
      const pair = new Pair(
        { iss: 0xfffffffe, opens: true, path: losing((_, index) => index === lost) },
        { iss: 0x7fffffff, opens: true },
      );
      pair.start().advance(10_000);
      assert.equal(`${pair.a.state} ${pair.b.state}`, 'ESTABLISHED ESTABLISHED', pair.tail());
      assert.equal(pair.a.past.length + pair.b.past.length, 2, 'one connection');
      pair.a.connection!.send(pattern(0, 3000, 1), true, pair.now);
      pair.b.connection!.send(pattern(0, 2000, 2), true, pair.now);
      pair.turn();
      pair.advance(10_000);
      assert.equal(pair.b.connection!.receiveQueueBytes, 3000);
      assert.equal(pair.a.connection!.receiveQueueBytes, 2000);
    });
  }
});
