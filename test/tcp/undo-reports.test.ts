// Reports of duplicates beside a recovery: those of a tail loss probe before it, and of what the network has doubled, are no
// news of what the recovery has sent again.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Timer } from '../../src/tcp/timers.js';
import type { Bench } from './bench.js';
import { ackBefore, flight, MSS, segmentsSent } from './sacking.js';

const caState = ({ connection, now }: Bench) => connection.tcpInfo(now).caState;

/** Of four segments the first is lost. The others are so late that the last was repeated as a probe before they arrived. */
function recovering(): { bench: Bench; ssthresh: number } {
  const bench = flight(4);
  bench.take();
  const { ssthresh } = bench.status;
  bench.advance(bench.connection.timers.deadline(Timer.LOSS_PROBE) - bench.now);
  assert.deepEqual(segmentsSent(bench), [4]);
  bench.advance(1).peer(ackBefore(1, [2, 4]));
  assert.deepEqual(segmentsSent(bench), [1]);
  assert.equal(caState(bench), 'recovery');
  return { bench, ssthresh };
}

describe('a probe of data that had arrived, and a recovery', () => {
  test('RFC3708 §3: the report of the probe does not make the retransmission of something else needless', () => {
    const { bench, ssthresh } = recovering();
    bench.advance(1).peer(ackBefore(1, [4, 4], [2, 4]));
    assert.equal(caState(bench), 'recovery');
    bench.advance(100).peer(ackBefore(5));
    assert.equal(caState(bench), 'open');
    assert.ok(bench.status.ssthresh < ssthresh);
  });

  test('RFC3708 §3: the report of that retransmission does', () => {
    const { bench, ssthresh } = recovering();
    bench.advance(1).peer(ackBefore(1, [4, 4], [2, 4]));
    bench.advance(1).peer(ackBefore(5));
    bench.write(1000);
    bench.advance(100).peer(ackBefore(5, [1, 1]));
    assert.equal(caState(bench), 'open');
    assert.ok(bench.status.ssthresh >= ssthresh);
  });
});

describe('duplicates of the network, and a recovery', () => {
  /** Segments 1 to 3 of twelve arrive late, after they were sent again. */
  function late(): { bench: Bench; ssthresh: number } {
    const bench = flight(12);
    const { ssthresh } = bench.status;
    bench.take();
    bench.advance(100).peer(ackBefore(1, [4, 9]));
    bench.advance(1).peer(ackBefore(1, [4, 10]));
    assert.deepEqual(segmentsSent(bench), [1, 2, 3]);
    return { bench, ssthresh };
  }

  test('RFC3708 §3: one of something that was not sent again does not count', () => {
    const { bench, ssthresh } = late();
    for (const n of [11, 12, 11]) bench.peer(ackBefore(13, [n, n]));
    assert.equal(caState(bench), 'open');
    assert.ok(bench.status.ssthresh < ssthresh);
  });

  test('RFC3708 §3: a report of one and a part is one of one', () => {
    const { bench, ssthresh } = late();
    bench.advance(1).peer(`A 1 a${12 * MSS + 1} <sack 1:${MSS + 500 + 1}>`);
    bench.write(1000);
    bench.peer(ackBefore(13, [3, 3]));
    assert.ok(bench.status.ssthresh < ssthresh);
  });

  test('RFC3708 §3: a report of less than a segment is one', () => {
    const { bench, ssthresh } = late();
    bench.advance(1).peer(ackBefore(13, [1, 2]));
    bench.write(1000);
    bench.peer(`A 1 a${12 * MSS + 1} <sack ${2 * MSS + 1}:${2 * MSS + 501}>`);
    assert.ok(bench.status.ssthresh >= ssthresh);
  });

  test('RFC3708 §3: a report of several retransmissions at once is one of each', () => {
    const { bench, ssthresh } = late();
    bench.advance(1).peer(ackBefore(13, [1, 2]));
    assert.ok(bench.status.ssthresh < ssthresh);
    bench.write(1000);
    bench.peer(ackBefore(13, [3, 3]));
    assert.ok(bench.status.ssthresh >= ssthresh);
  });
});

test('RFC3708 §3: what a probe has sent for the first time may be sent again needlessly as any other', () => {
  const bench = flight(3, { waiting: 1 });
  bench.take();
  const { ssthresh } = bench.status;
  bench.advance(bench.connection.timers.deadline(Timer.LOSS_PROBE) - bench.now);
  assert.deepEqual(segmentsSent(bench), [4]);
  bench.advance(100).peer(ackBefore(4));
  bench.connection.congestion.cwnd = 20 * MSS;
  bench.write(4 * MSS);
  bench.take();
  bench.advance(100).peer(ackBefore(4, [5, 8]));
  assert.deepEqual(segmentsSent(bench), [4]);
  bench.advance(1).peer(ackBefore(9));
  bench.write(MSS);
  assert.ok(bench.status.ssthresh < ssthresh);
  bench.advance(1).peer(ackBefore(9, [4, 4]));
  assert.ok(bench.status.ssthresh >= ssthresh);
});

test('RFC3708 §3: the report of a probe does not count among retransmissions around it either', () => {
  const bench = flight(4);
  bench.take();
  const { ssthresh } = bench.status;
  bench.advance(bench.connection.timers.deadline(Timer.LOSS_PROBE) - bench.now);
  assert.deepEqual(segmentsSent(bench), [4]);
  bench.connection.congestion.cwnd = 20 * MSS;
  bench.write(6 * MSS);
  bench.take();
  bench.advance(100).peer(ackBefore(1, [2, 4], [6, 10]));
  assert.deepEqual(segmentsSent(bench), [1, 5]);
  bench.advance(1).peer(ackBefore(11));
  bench.write(MSS);
  for (const n of [4, 1]) bench.peer(ackBefore(11, [n, n]));
  assert.ok(bench.status.ssthresh < ssthresh);
  bench.peer(ackBefore(11, [5, 5]));
  assert.ok(bench.status.ssthresh >= ssthresh);
});

test('RFC3708 §3: a segment that is sent again twice does not hide the report of one behind it', () => {
  const bench = flight(10);
  bench.take();
  const { ssthresh } = bench.status;
  bench.advance(100).peer(ackBefore(1, [2, 4], [6, 10]));
  assert.deepEqual(segmentsSent(bench), [1, 5]);
  bench.connection.congestion.cwnd = 40 * MSS;
  bench.advance(1).write(4 * MSS);
  assert.deepEqual(segmentsSent(bench), [11, 12, 13, 14]);
  bench.advance(100).peer(ackBefore(1, [2, 14]));
  bench.advance(100);
  assert.deepEqual(segmentsSent(bench), [1]);
  bench.advance(1).peer(ackBefore(15));
  bench.write(MSS);
  for (const n of [1, 1]) bench.peer(ackBefore(15, [n, n]));
  assert.ok(bench.status.ssthresh < ssthresh);
  bench.peer(ackBefore(15, [5, 5]));
  assert.ok(bench.status.ssthresh >= ssthresh);
});
