// Who may send SACK: RFC 2018 §2; how many blocks fit, §3.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sackOptionBytes } from '../../src/tcp/segment-options.js';
import { Bench, type BenchOptions } from '../tcp/harness.js';

const config = { sack: true, delayedAckMs: 0, receiveBufferBytes: 30_000 };
const sackOK: BenchOptions = { config, peer: { options: 'mss 1000, sackOK', window: 60_000 } };
const stamped: BenchOptions = {
  config: { ...config, timestamps: true },
  peer: { options: 'mss 1000, sackOK, ts 1 0', window: 60_000 },
};

/** Segments of ten bytes, each behind a hole. */
function holes(count: number, options = ''): string[] {
  return Array.from({ length: count }, (_, i) => `A ${101 + 100 * i} a1 [10]${options}`);
}

describe('negotiation', () => {
  test('RFC2018 §2: a SYN offers it, a SYN-ACK answers', () => {
    Bench.synSent(sackOK).expect('S 0 <mss 1000, sackOK>');
    Bench.synReceived(sackOK).expect('SA 0 a1 <mss 1000, sackOK>');
  });

  for (const [name, options] of [
    ['the peer did not offer it', { ...sackOK, peer: { options: 'mss 1000' } }],
    ['we do not want it', { ...sackOK, config: { ...config, sack: false } }],
  ] as const) {
    test(`RFC2018 §2: no SACK when ${name}`, () => {
      for (const bench of [Bench.accepted(options), Bench.established(options)]) {
        bench.peer(...holes(2));
        const acks = bench.take();
        assert.equal(acks.length, 2);
        for (const s of bench.history) assert.equal(s.options.sack, undefined);
        assert.equal(bench.connection.sackAgreed, false);
      }
      assert.equal(Bench.synReceived(options).take()[0]!.options.sackOK, undefined);
    });
  }

  test('RFC2018 §2: a SACK-permitted that comes after the SYN permits nothing', () => {
    const bench = Bench.accepted({ ...sackOK, peer: { options: 'mss 1000' } });
    bench.peer('A 101 a1 [10] <sackOK>', 'A 201 a1 [10]');
    for (const s of bench.take()) assert.equal(s.options.sack, undefined);
  });
});

describe('room', () => {
  test('RFC2018 §3: four blocks without timestamps, behind two NOPs', () => {
    const bench = Bench.accepted(sackOK).peer(...holes(6));
    const last = bench.take().at(-1)!;
    assert.equal(last.options.sack!.length, 4);
    assert.equal(last.optionBytes, 36);
    assert.deepEqual([...last.optionArea.subarray(0, 4)], [1, 1, 5, 34]);
  });

  test('RFC2018 §3: three beside timestamps', () => {
    const bench = Bench.accepted(stamped).peer(...holes(6, ' <ts 2 0>'));
    const last = bench.take().at(-1)!;
    assert.equal(last.options.sack!.length, 3);
    assert.equal(last.optionBytes, 40);
    assert.deepEqual([...last.optionArea.subarray(12, 16)], [1, 1, 5, 26]);
  });

  test('RFC9293 MUST-16: sackOptionBytes tells beforehand what the next segment will carry', () => {
    for (const [options, most] of [
      [sackOK, 36],
      [stamped, 28],
    ] as const) {
      const ts = options === stamped ? ' <ts 2 0>' : '';
      const bench = Bench.accepted(options);
      assert.equal(sackOptionBytes(bench.connection), 0);
      for (let i = 0; i < 6; i++) {
        bench.inject(`A ${101 + 100 * i} a1 [10]${ts}`);
        const told = sackOptionBytes(bench.connection);
        bench.flush();
        const [ack] = bench.take();
        assert.equal(ack!.optionBytes - (options === stamped ? 12 : 0), told);
        assert.equal(told, Math.min(most, 12 + 8 * i));
      }
    }
  });

  test('RFC9293 MUST-16: it counts a duplicate that waits to be reported, and a FIN beyond a hole', () => {
    for (const [lines, blocks] of [
      [['A 1 a1 [10]', 'A 1 a1 [10]'], 1],
      [['A 101 a1 [10]', 'A 101 a1 [10]'], 2],
      [['FA 101 a1'], 1],
      [['FA 101 a1 [10]'], 1],
      [['FA 101 a1', 'A 51 a1 [10]'], 2],
    ] as const) {
      const bench = Bench.accepted(sackOK);
      for (const line of lines) bench.inject(line);
      assert.equal(sackOptionBytes(bench.connection), 4 + 8 * blocks, `${lines}`);
    }
  });

  test('RFC9293 MUST-16: a segment whose payload leaves no room goes without blocks rather than grow too large', () => {
    const bench = Bench.accepted(sackOK);
    bench.inject('A 101 a1 [10]');
    bench.write(3000);
    const sent = bench.take().filter((s) => s.payload.length > 0);
    assert.ok(sent.length >= 3);
    for (const s of sent) assert.ok(s.payload.length + s.optionBytes <= 1000, `${s.payload.length}`);
    bench.peer('A 201 a1 [10]');
    assert.equal(bench.take().at(-1)!.options.sack!.length, 2, 'the next ACK says it all');
  });
});
