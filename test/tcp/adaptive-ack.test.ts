// How the delay of acknowledgments adapts: the quick phase at the beginning and after a pause, and the wait for a second
// segment (RFC 9293 §3.8.6.3, RFC 5681 §4.2).
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Bench } from './harness.js';

/** The peer sends one segment and the application reads it. Returns whether an ACK left at once. */
function segmentArrives(bench: Bench, seq: number): boolean {
  bench.peer(`A ${seq} a1 [1000]`);
  bench.read();
  return bench.take().length > 0;
}

describe('quick phase', () => {
  test('RFC5681 §4.2: the first 16 segments are acknowledged one by one, the next waits for another', () => {
    const bench = Bench.accepted();
    let seq = 1;
    for (let i = 0; i < 16; i++, seq += 1000) assert.ok(segmentArrives(bench, seq), `segment ${i}`);
    assert.equal(segmentArrives(bench, seq), false);
    assert.equal(segmentArrives(bench, seq + 1000), true);
  });

  test('it begins anew after a pause of more than a timeout, when the peer is in slow start again', () => {
    const bench = Bench.accepted();
    let seq = 1;
    for (let i = 0; i < 18; i++, seq += 1000) segmentArrives(bench, seq);
    bench.advance(bench.connection.rtt.rto + 100).take();
    assert.ok(segmentArrives(bench, seq));
    assert.ok(segmentArrives(bench, seq + 1000));
  });

  test('not where the application answers: its answers carry the acknowledgments', () => {
    const bench = Bench.accepted({ peer: { window: 60_000 } });
    let seq = 1;
    for (let i = 0; i < 18; i++, seq += 1000) segmentArrives(bench, seq);
    bench.write(10);
    bench.take();
    bench.peer(`A ${seq} a11`);
    bench.advance(bench.connection.rtt.rto + 100).take();
    assert.equal(segmentArrives(bench, seq), false);
  });
});

test('RFC5681 §4.1: a pause of a timeout is none, and an answer of before the last segment is none to it', () => {
  for (const [moreMs, isQuick] of [
    [0, false],
    [1, true],
  ] as const) {
    const bench = Bench.accepted();
    bench.write(10);
    bench.peer('A 1 a11').take();
    let seq = 1;
    for (let i = 0; i < 18; i++, seq += 1000) bench.advance(1).peer(`A ${seq} a11 [1000]`).read();
    bench.now += bench.connection.rtt.rto + moreMs;
    bench.take();
    bench.peer(`A ${seq} a11 [1000]`);
    assert.equal(bench.take().length > 0, isQuick, `${moreMs} ms more`);
  }
});

test('RFC9293 §3.8.6.3: a FIN waits for an answer also as the first that comes', () => {
  Bench.accepted().peer('FA 1 a1').silent().state('CLOSE-WAIT').advance(100).expect('A 1 a2');
});

test('a FIN without data is no answer: the peer begins anew in slow start behind it as behind silence', () => {
  const bench = Bench.accepted();
  let seq = 1;
  for (let i = 0; i < 18; i++, seq += 1000) segmentArrives(bench, seq);
  bench.shutdown().peer(`A ${seq} a2`);
  bench.advance(bench.connection.rtt.rto + 100).take();
  bench.peer(`A ${seq} a2 [1000]`).expect(`A 2 a${seq + 1000}`);
});

describe('the delay', () => {
  /** Past the quick phase, with segments every `gapMs`. */
  function steady(gapMs: number): { bench: Bench; seq: number } {
    const bench = Bench.accepted();
    let seq = 1;
    for (let i = 0; i < 40; i++, seq += 1000) {
      segmentArrives(bench, seq);
      bench.advance(gapMs).take();
    }
    // An even number since the last ACK: the next segment is the first of a pair.
    bench.advance(60).take();
    return { bench, seq };
  }

  test('is about twice the usual distance of two segments', () => {
    const { bench, seq } = steady(8);
    assert.equal(segmentArrives(bench, seq), false);
    bench.advance(15).silent();
    bench.advance(2).expect(`A 1 a${seq + 1000}`);
  });

  test('is not less than 4 ms, however fast they come', () => {
    const { bench, seq } = steady(0);
    assert.equal(segmentArrives(bench, seq), false);
    bench.advance(3).silent();
    bench.advance(2).expect(`A 1 a${seq + 1000}`);
  });

  test('is the configured one where waiting for a second segment is in vain', () => {
    const { bench, seq } = steady(100);
    assert.equal(segmentArrives(bench, seq), false);
    bench.advance(39).silent();
    bench.advance(2).expect(`A 1 a${seq + 1000}`);
  });

  test('is the configured one where the application answers, so that the answer can carry the ACK', () => {
    const { bench, seq } = steady(8);
    bench.write(1);
    bench.take();
    bench.peer(`A ${seq} a2`);
    assert.equal(segmentArrives(bench, seq), false);
    bench.advance(39).silent();
    bench.advance(2).expect(`A 2 a${seq + 1000}`);
  });

  test('is the configured one for a FIN, so that a close in answer shares its segment', () => {
    const { bench, seq } = steady(0);
    bench.peer(`FA ${seq} a1`).silent();
    bench.advance(39).silent();
    bench.advance(2).expect(`A 1 a${seq + 1}`);
  });
});

describe('the usual time between two segments', () => {
  test('is the average of the last, newer ones counting for more; a pause between bursts is none of them', () => {
    const bench = Bench.accepted();
    const { delayedAck } = bench.connection;
    bench.peer('A 1 a1 [100]');
    assert.ok(delayedAck.twiceGapMs < 0);
    bench.advance(40).peer('A 101 a1 [100]');
    assert.ok(delayedAck.twiceGapMs < 0, 'as long as the longest delay');
    bench.advance(10).peer('A 201 a1 [100]');
    assert.equal(delayedAck.twiceGapMs, 20);
    bench.advance(20).peer('A 301 a1 [100]');
    assert.equal(delayedAck.twiceGapMs, 20 / 2 + 20);
    bench.advance(0).peer('A 401 a1 [100]');
    bench.advance(0).peer('A 501 a1 [100]');
    assert.equal(delayedAck.twiceGapMs, 30 / 4);
  });

  test('may be nothing at all, which is known then', () => {
    const bench = Bench.accepted();
    bench.peer('A 1 a1 [100]').peer('A 101 a1 [100]');
    assert.equal(bench.connection.delayedAck.twiceGapMs, 0);
    bench.advance(10).peer('A 201 a1 [100]');
    assert.equal(bench.connection.delayedAck.twiceGapMs, 10);
  });
});
