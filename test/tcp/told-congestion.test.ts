// What a listener hears of the phases of congestion: each change with what brought it about.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newReno } from '../../src/tcp/congestion/newreno.js';
import type { Bench } from './harness.js';
import { ackBefore, type FlightOptions, flight, MSS } from './sacking.js';

/** Ten segments have left and their acknowledgments are due. */
function sender(options: FlightOptions = {}): Bench {
  const bench = flight(10, { waiting: 30, ...options, config: { congestion: newReno, ...options.config } });
  bench.take();
  return bench.advance(100);
}

/** `recovery by sack` of every change since the last look. */
function told(bench: Bench): string[] {
  return bench.recorder.phases.splice(0);
}

describe('the phase of congestion is told when it changes', () => {
  test('a recovery with SACK, and its end', () => {
    const bench = sender();
    bench.peer(ackBefore(1, [2, 4]));
    assert.deepEqual(told(bench), ['recovery by sack']);
    bench.peer(ackBefore(1, [2, 10]));
    assert.deepEqual(told(bench), []);
    bench.advance(100).peer(ackBefore(11));
    assert.deepEqual(told(bench), ['avoidance by ack']);
  });

  test('one without SACK', () => {
    const bench = sender({ sack: false });
    bench.peer(ackBefore(1), ackBefore(1), ackBefore(1));
    assert.deepEqual(told(bench), ['recovery by 3dupack']);
  });

  test('one that was needless: the segment had only been overtaken', () => {
    const bench = sender();
    bench.inject(ackBefore(1, [2, 4]));
    bench.inject(ackBefore(5));
    assert.deepEqual(told(bench), ['recovery by sack', 'slow_start by undo']);
  });

  test('one that turns out needless when it is over', () => {
    const bench = sender();
    bench.peer(ackBefore(1, [2, 4]));
    bench.advance(1).peer(ackBefore(11));
    told(bench);
    bench.peer(ackBefore(11, [1, 1]));
    assert.deepEqual(told(bench), ['slow_start by undo']);
  });

  test('a mark', () => {
    const bench = sender({ ecn: true, config: { ecn: 'on', congestion: newReno } });
    bench.peer(`AE 1 a${MSS + 1}`);
    assert.deepEqual(told(bench), ['recovery by ecn']);
  });

  test('a timeout, and that it was spurious', () => {
    const bench = sender();
    while (bench.connection.rtx.tally.timeouts === 0) bench.advance(1);
    assert.deepEqual(told(bench), ['loss by rto']);
    bench.peer(ackBefore(2)).peer(ackBefore(3));
    assert.deepEqual(told(bench), ['slow_start by undo']);
  });

  test('slow start that ends at its threshold', () => {
    const bench = sender();
    bench.connection.congestion.ssthresh = 12 * MSS;
    bench.peer(ackBefore(2));
    assert.deepEqual(told(bench), []);
    bench.peer(ackBefore(4));
    assert.deepEqual(told(bench), ['avoidance by ack']);
    bench.peer(ackBefore(5));
    assert.deepEqual(told(bench), []);
  });

  test('a loss that a tail loss probe has repaired', () => {
    const bench = sender({ waiting: 0 });
    bench.peer(ackBefore(10)).take();
    while (bench.sent.length === 0) bench.advance(1);
    told(bench);
    bench.advance(100).write(MSS);
    bench.advance(100).peer(ackBefore(12));
    assert.deepEqual(told(bench), ['avoidance by sack']);
  });
});
