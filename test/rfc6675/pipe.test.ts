// What is thought to be on its way (RFC 6675 §4, "pipe"), as far as it applies beside RACK: what was sent, without what
// arrived or is lost, and again what was sent again. And what the scoreboard costs.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pipe } from '../../src/tcp/losses.js';
import { Scoreboard } from '../../src/tcp/scoreboard.js';
import { ackBefore, flight, MSS, segmentsSent } from '../tcp/sacking.js';

describe('pipe', () => {
  test('RFC6675 §4: SACKed segments have left the network', () => {
    const bench = flight(10);
    bench.advance(100).peer(ackBefore(1, [2, 3]));
    assert.equal(pipe(bench.connection), 8 * MSS);
  });

  test('RFC6675 §4: so have those that are lost, until they are sent again', () => {
    const bench = flight(10);
    bench.take();
    bench.advance(100).peer(ackBefore(1, [4, 8]));
    const resent = segmentsSent(bench).filter((n) => n <= 3).length;
    assert.equal(bench.connection.flight.lostBytes, 3 * MSS);
    assert.equal(pipe(bench.connection), (10 - 5 - 3 + resent) * MSS);
  });

  test('RFC6675 §4: a segment that was sent again and is reported counts no more', () => {
    const bench = flight(10);
    bench.advance(100).peer(ackBefore(1, [3, 8]));
    bench.advance(100).peer(ackBefore(1, [2, 8]));
    const { flight: records } = bench.connection;
    assert.equal(records.sackedBytes, 7 * MSS);
    assert.equal(
      pipe(bench.connection),
      bench.status.inFlight - 7 * MSS - records.lostBytes + records.resentBytes,
    );
  });

  test('RFC6675 §5 (C): nothing leaves while pipe fills the window; SACK of two segments lets two go', () => {
    const bench = flight(10, { waiting: 10 });
    bench.take();
    bench.advance(100).peer(ackBefore(1, [2, 2]));
    assert.deepEqual(segmentsSent(bench), [11]);
    bench.peer(ackBefore(1, [2, 3]));
    assert.deepEqual(segmentsSent(bench), [12]);
  });

  test('RFC3042 §2: that is limited transmit: new data for each of the first two reports, before anything is lost', () => {
    const bench = flight(4, { waiting: 10 });
    bench.take();
    bench.advance(100).peer(ackBefore(1, [2, 2]), ackBefore(1, [2, 3]));
    assert.deepEqual(segmentsSent(bench), [5, 6]);
    assert.equal(bench.connection.flight.lostBytes, 0);
  });

  test('RFC6675 §5 (4): the lost ones first, oldest first, then new data', () => {
    const bench = flight(10, { waiting: 20 });
    bench.take();
    bench.advance(100);
    for (const last of [6, 7, 8, 9, 10]) bench.peer(ackBefore(1, [3, 4], [6, last]));
    const order = segmentsSent(bench);
    const isLost = (n: number) => [1, 2, 5].includes(n);
    assert.deepEqual(order.filter(isLost), [1, 2, 5]);
    assert.ok(order.findLastIndex(isLost) < order.findIndex((n) => n > 11), `${order}`);
  });

  test('RFC6675 §5: what was SACKed is not sent again while the peer keeps to it', () => {
    const bench = flight(10, { waiting: 20 });
    bench.take();
    bench.advance(100).peer(ackBefore(1, [2, 2], [4, 4], [6, 6], [8, 8], [10, 10]));
    const sent = new Set(segmentsSent(bench));
    while (bench.connection.rtx.tally.timeouts === 0) {
      bench.advance(10);
      for (const n of segmentsSent(bench)) sent.add(n);
    }
    for (const n of [2, 4, 6, 8, 10]) assert.ok(!sent.has(n), `segment ${n}`);
  });
});

describe('the cost of an ACK', () => {
  /** Reads of a flight's records during an ACK with one block of one segment beyond a hole, the first of a flight. */
  function reads(segments: number): number {
    const bench = flight(segments, { peer: { options: 'mss 1000, sackOK', window: 65_535 } });
    const { flight: records } = bench.connection;
    bench.advance(100);
    let count = 0;
    for (const name of ['mark', 'end', 'begin', 'sentAt', 'length'] as const) {
      const original = records[name].bind(records);
      const counted = (i: number) => {
        count++;
        return original(i);
      };
      Object.assign(records, { [name]: counted });
    }
    bench.peer(ackBefore(1, [segments - 1, segments - 1]));
    return count;
  }

  test('ATTACKS 2: it is in proportion to its blocks and the logarithm of the flight, not to the flight', () => {
    const few = reads(8);
    const many = reads(64);
    assert.ok(many <= few + 12, `${few} reads for 8 segments, ${many} for 64`);
  });

  test('ATTACKS 2: a scoreboard of a thousand ranges is searched in ten steps', () => {
    const board = new Scoreboard();
    for (let i = 0; i < 1000; i++) board.add(10 * i, 10 * i + 5);
    assert.equal(board.count, 1000);
    assert.equal(board.indexAfter(5000), 500);
    // What lies within a range, or joins two, makes no range more.
    board.add(5001, 5003);
    board.add(5005, 5010);
    assert.equal(board.count, 999);
  });
});
