// Who agrees to ECN, and who does not: RFC 3168 §6.1.1.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ecnCodepointFor, ecnEchoArrives } from '../../src/tcp/ecn.js';
import { ACK, CWR, ECE, SegmentView, SYN } from '../../src/wire/segment.js';
import { Bench, type BenchOptions } from '../tcp/harness.js';

const on: BenchOptions = { config: { ecn: 'on' } };
const accept: BenchOptions = { config: { ecn: 'accept' } };
const agreed = (bench: Bench) => bench.connection.ecnAgreed;
/** A mark that arrives is echoed. */
function answers(bench: Bench): boolean {
  bench.peer('A 1 a1 [10] e3');
  return (bench.take().at(-1)!.flags & ECE) !== 0;
}

describe('active open', () => {
  test('RFC9293 SHLD-8, RFC3168 §6.1.1: with `on` the SYN asks by ECE and CWR, is not markable itself, and the answer is ECE alone', () => {
    const bench = Bench.synSent(on).expect('SEC 0 e0');
    bench.peer('SAE 0 a1 <mss 1000>').state('ESTABLISHED').expect('A 1 a1 e0');
    assert.deepEqual([agreed(bench), answers(bench)], [true, true]);
  });

  for (const answer of ['SA', 'SAC', 'SAEC']) {
    test(`RFC3168 §6.1.1: ${answer} is no agreement`, () => {
      const bench = Bench.synSent(on);
      bench.peer(`${answer} 0 a1 <mss 1000>`).settled('ESTABLISHED');
      assert.deepEqual([agreed(bench), answers(bench)], [false, false]);
    });
  }

  for (const ecn of ['off', 'accept'] as const) {
    test(`RFC3168 §6.1.1: with \`${ecn}\` the SYN does not ask, and ECE in the answer means nothing`, () => {
      const bench = Bench.synSent({ config: { ecn } }).expect('S 0');
      bench.peer('SAE 0 a1 <mss 1000>').settled('ESTABLISHED');
      assert.deepEqual([agreed(bench), answers(bench)], [false, false]);
    });
  }

  test('RFC3168 §6.1.1.1: a SYN that is sent again after a timeout does not ask', () => {
    const bench = Bench.synSent(on).expect('SEC 0');
    bench.advance(1000).expect('S 0');
    bench.advance(2000).expect('S 0');
    bench.peer('SA 0 a1 <mss 1000>').settled('ESTABLISHED');
    assert.deepEqual([agreed(bench), answers(bench)], [false, false]);
  });

  test('RFC3168 §6.1.1: after both kinds of SYN nothing of ours is markable, but marks that we get are echoed', () => {
    const bench = Bench.synSent(on);
    bench.advance(1000).take();
    bench.peer('SAE 0 a1 <mss 1000>').settled('ESTABLISHED');
    assert.deepEqual([agreed(bench), answers(bench)], [false, true]);
  });
});

describe('passive open', () => {
  for (const ecn of ['accept', 'on'] as const) {
    test(`RFC3168 §6.1.1: with \`${ecn}\` a SYN that asks is answered by ECE alone`, () => {
      const bench = Bench.synReceived({ config: { ecn } }, 'SEC 0 <mss 1000>').expect('SAE 0 a1 e0');
      bench.peer('A 1 a1');
      assert.deepEqual([agreed(bench), answers(bench)], [true, true]);
    });
  }

  test('RFC3168 §6.1.1: with `off` it is answered as any SYN', () => {
    const bench = Bench.synReceived({}, 'SEC 0 <mss 1000>').expect('SA 0 a1');
    bench.peer('A 1 a1').take();
    assert.deepEqual([agreed(bench), answers(bench)], [false, false]);
  });

  for (const flags of ['S', 'SE', 'SC']) {
    test(`RFC3168 §6.1.1: ${flags} does not ask`, () => {
      const bench = Bench.synReceived(accept, `${flags} 0 <mss 1000>`).expect('SA 0 a1');
      bench.peer('A 1 a1').take();
      assert.deepEqual([agreed(bench), answers(bench)], [false, false]);
    });
  }

  test('RFC3168 §6.1.1: the SYN-ACK asks and answers the same when it is sent again', () => {
    const bench = Bench.synReceived(accept, 'SEC 0 <mss 1000>').expect('SAE 0 a1');
    bench.advance(1000).expect('SAE 0 a1');
  });

  test('RFC3168 §6.1.1: a SYN that comes again and asks again is answered as before', () => {
    const bench = Bench.synReceived(accept, 'SEC 0 <mss 1000>').expect('SAE 0 a1');
    bench.peer('SEC 0 <mss 1000>').expect('SAE 0 a1');
    bench.peer('A 1 a1').take();
    assert.deepEqual([agreed(bench), answers(bench)], [true, true]);
  });

  test('RFC3168 §6.1.1.1: a SYN that comes again without asking takes the agreement back', () => {
    const bench = Bench.synReceived(accept, 'SEC 0 <mss 1000>').expect('SAE 0 a1');
    bench.peer('S 0 <mss 1000>').expect('SA 0 a1');
    bench.peer('A 1 a1').take();
    assert.deepEqual([agreed(bench), answers(bench)], [false, true]);
  });
});

describe('simultaneous open', () => {
  test('RFC3168 §6.1.1: both asked, both answer', () => {
    const bench = Bench.synSent(on).expect('SEC 0');
    bench.peer('SEC 0 <mss 1000>').expect('SAE 0 a1');
    bench.peer('SAE 0 a1 <mss 1000>').settled('ESTABLISHED');
    assert.deepEqual([agreed(bench), answers(bench)], [true, true]);
  });

  test('RFC3168 §6.1.1: a SYN-ACK that declines takes the agreement back', () => {
    const bench = Bench.synSent(on);
    bench.peer('SEC 0 <mss 1000>');
    bench.peer('SA 0 a1 <mss 1000>').settled('ESTABLISHED');
    assert.equal(agreed(bench), false);
  });

  for (const [config, syn] of [
    [on, 'S'],
    [accept, 'SEC'],
  ] as const) {
    test(`RFC3168 §6.1.1: only one asked (we: ${config.config!.ecn}), nobody answers`, () => {
      const bench = Bench.synSent(config);
      bench.take();
      bench.peer(`${syn} 0 <mss 1000>`).expect('SA 0 a1');
      bench.peer('SA 0 a1 <mss 1000>').settled('ESTABLISHED');
      assert.deepEqual([agreed(bench), answers(bench)], [false, false]);
    });
  }
});

describe('what the sender asks', () => {
  test('RFC3168 §6.1.4, §6.1.5: new data is ECT(0), everything else not ECT; nothing is without agreement', () => {
    const bench = Bench.synReceived(accept, 'SEC 0 <mss 1000>').peer('A 1 a1');
    assert.deepEqual(
      [ecnCodepointFor(bench.connection, true), ecnCodepointFor(bench.connection, false)],
      [2, 0],
    );
    assert.equal(ecnCodepointFor(Bench.accepted(accept).connection, true), 0);
  });

  test('RFC3168 §6.1.2: ECE on an ACK is an echo, on a SYN-ACK or without agreement it is none', () => {
    const view = (flags: number) => Object.assign(new SegmentView(), { flags });
    const { connection } = Bench.synReceived(accept, 'SEC 0 <mss 1000>').peer('A 1 a1');
    assert.equal(ecnEchoArrives(connection, view(ACK | ECE)), true);
    assert.equal(ecnEchoArrives(connection, view(ACK)), false);
    assert.equal(ecnEchoArrives(connection, view(SYN | ACK | ECE)), false);
    assert.equal(ecnEchoArrives(Bench.accepted(accept).connection, view(ACK | ECE)), false);
  });

  test('RFC3168 §6.1.2: CWR stands once, on new data, on no retransmission and no bare ACK', () => {
    const bench = Bench.synReceived(
      { config: { ecn: 'accept', delayedAckMs: 0 }, peer: { window: 60_000 } },
      'SEC 0 <mss 1000>',
    ).peer('A 1 a1');
    bench.write(1000);
    bench.take();
    bench.connection.cwrDue = true;
    bench.peer('A 1 a1 [10]').expect('A 1001 a11');
    bench.advance(1000);
    const again = bench.take();
    assert.ok(again.length > 0);
    for (const s of again) assert.equal(s.flags & CWR, 0);
    bench.peer('A 11 a1001').take();
    bench.write(2000);
    bench.expect('AC 1001 a11 [1000]', 'A 2001 a11 [1000]');
  });

  test('RFC3168 §6.1.2: a single octet of new data carries it', () => {
    const bench = Bench.synReceived(accept, 'SEC 0 <mss 1000>').peer('A 1 a1');
    bench.take();
    bench.connection.cwrDue = true;
    bench.write(1);
    bench.expect('AC 1 a1 [1]');
  });

  test('RFC3168 §6.1.6: nor on the probe of a closed window', () => {
    const bench = Bench.synReceived(accept, 'SEC 0 <mss 1000>').peer('A 1 a1 w0');
    bench.take();
    bench.connection.cwrDue = true;
    bench.write(100);
    bench.advance(1500);
    const probes = bench.take();
    assert.ok(probes.length > 0);
    for (const s of probes) assert.deepEqual([s.flags & CWR, s.ecn], [0, 0]);
    bench.peer('A 1 a1 w5000');
    bench.advance(500);
    assert.equal(bench.connection.cwrDue, true, 'only what was sent before has gone again');
    bench.peer(`A 1 a${bench.status.sndNxt} w5000`);
    bench.write(1000);
    bench.peer(`A 1 a${bench.status.sndNxt} w5000`);
    assert.equal(bench.take().filter((s) => s.flags & CWR).length, 1);
  });
});
