// Segments that leave as one for their owner to cut: how many may, what keeps them apart, and that the sender knows of each
// of them as soon as the peer tells of a part.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newReno } from '../../src/tcp/congestion/newreno.js';
import { CWR, FIN, PSH } from '../../src/wire/segment.js';
import { Bench, type BenchOptions } from './harness.js';

const SACK = 'mss 1000, sackOK';

function joining(more: BenchOptions = {}): Bench {
  const { config, peer, ...rest } = more;
  return Bench.established({
    ...rest,
    peer: { window: 60_000, ...peer },
    config: { joinedSendBytes: 10_500, initialWindowSegments: 10, ...config },
  });
}

/** Sequence number, payload and cut of each segment that left. */
function left(bench: Bench): string[] {
  return bench.take().map((s) => `${s.seq} ${s.payload.length}/${s.segmentBytes}`);
}

describe('how much leaves as one', () => {
  test('full segments, as many as the limit of the owner holds', () => {
    const bench = joining({ config: { initialWindowSegments: 30 } });
    bench.write(25_000);
    assert.deepEqual(left(bench), ['1 10000/1000', '10001 10000/1000', '20001 5000/1000']);
  });

  test('the send buffer holds as many as leave in whole ones, where it holds two or more', () => {
    for (const [sendBufferBytes, taken] of [
      [30_999, 30_000],
      [21_000, 20_000],
      [20_999, 20_999],
      [9000, 9000],
    ] as const) {
      const bench = joining({ config: { sendBufferBytes, sendBufferMaxBytes: 0 } });
      assert.equal(bench.queue(50_000), taken);
    }
    const alone = joining({ config: { sendBufferBytes: 30_999, sendBufferMaxBytes: 0, joinedSendBytes: 0 } });
    assert.equal(alone.queue(50_000), 30_999);
  });

  test('RFC 5681 §3.1: as many as the congestion window lets go', () => {
    const bench = joining({ config: { initialWindowSegments: 4 } });
    bench.write(9000);
    assert.deepEqual(left(bench), ['1 4000/1000']);
  });

  test('RFC9293 §3.8.6: as many as the peer grants', () => {
    const bench = joining({ peer: { window: 3500 } });
    bench.write(9000);
    assert.deepEqual(left(bench), ['1 3000/1000']);
  });

  test('RFC9293 SHLD-7: a short segment behind them waits for Nagle, without it it joins', () => {
    const bench = joining();
    bench.write(2500);
    assert.deepEqual(left(bench), ['1 2000/1000']);
    bench.peer('A 1 a2001');
    assert.deepEqual(left(bench), ['2001 500/0']);

    const hasty = joining({ config: { nagle: false } });
    hasty.write(2500);
    assert.deepEqual(left(hasty), ['1 2500/1000']);
    hasty.write(1500, false);
    assert.deepEqual(left(hasty), ['2501 1000/0'], 'what was not pushed may wait for more');
  });

  test('a FIN goes with what precedes it, and counts as no payload', () => {
    const bench = joining();
    bench.queue(2500);
    bench.shutdown();
    const [all, ...more] = bench.take();
    assert.equal(more.length, 0);
    assert.equal(all!.payload.length, 2500);
    assert.equal(all!.flags & (FIN | PSH), FIN | PSH);
    bench.peer('A 1 a2502').state('FIN-WAIT-2');
  });

  test('one by one where the owner cuts nothing, and where less than two fit', () => {
    for (const joinedSendBytes of [0, 1000, 1999]) {
      const bench = joining({ config: { joinedSendBytes } });
      bench.write(3000);
      assert.deepEqual(left(bench), ['1 1000/0', '1001 1000/0', '2001 1000/0']);
    }
    const short = joining({ config: { joinedSendBytes: 1999, nagle: false } });
    short.write(1500);
    assert.deepEqual(left(short), ['1 1000/0', '1001 500/0']);
    const two = joining({ config: { joinedSendBytes: 2000 } });
    two.write(4000);
    assert.deepEqual(left(two), ['1 2000/1000', '2001 2000/1000'], 'just two fit');
  });

  test('RFC 5681 §3.1: what is in flight takes its part of the congestion window', () => {
    const bench = joining({ config: { initialWindowSegments: 4 } });
    bench.write(1000);
    bench.take();
    bench.write(9000);
    assert.deepEqual(left(bench), ['1001 3000/1000']);
  });

  test('RFC 5681 §3.1: without Nagle too, a short segment behind them stays within the congestion window', () => {
    const bench = joining({ config: { initialWindowSegments: 4, nagle: false } });
    bench.write(9000);
    assert.deepEqual(left(bench), ['1 4000/1000']);
    const short = joining({ config: { initialWindowSegments: 2, nagle: false } });
    short.write(2900);
    assert.deepEqual(left(short), ['1 2000/1000']);
  });

  test('RFC9293 §3.8.6: the short segment behind them ends with the window of the peer, and not beyond it', () => {
    const exact = joining({ peer: { window: 2500 }, config: { nagle: false } });
    exact.write(2500);
    assert.deepEqual(left(exact), ['1 2500/1000']);
    const beyond = joining({ peer: { window: 2500 }, config: { nagle: false } });
    beyond.write(2501);
    assert.deepEqual(left(beyond), ['1 2000/1000']);
  });

  test('RFC9293 §3.8.6: a FIN needs a place in the window of the peer as well', () => {
    for (const [window, expected] of [
      [2500, ['1 2000/1000']],
      [2501, ['1 2500/1000']],
    ] as const) {
      const bench = joining({ peer: { window } });
      bench.queue(2500);
      bench.shutdown();
      const flags = bench.sent.map((s) => s.flags & FIN);
      assert.deepEqual(left(bench), expected);
      assert.deepEqual(flags, [window === 2501 ? FIN : 0]);
    }
    const full = joining({ peer: { window: 3000 } });
    full.queue(3000);
    full.shutdown();
    full.expect('A 1 a1 [3000]');
  });

  test('RFC9293 §3.8.6.2.1: what the window cuts short is no full segment', () => {
    const bench = joining({ peer: { window: 600 } });
    bench.write(5000);
    assert.deepEqual(left(bench), ['1 600/0']);
  });

  test('as many as the pace lets go at a time', () => {
    const paced = (mss: number, segments: number) => Object.assign(newReno(mss, segments), { pacingRate: 1 });
    const bench = joining({ config: { congestion: paced, initialWindowSegments: 20 } });
    const { pacer } = bench.connection;
    assert.ok(pacer !== null);
    pacer.setRate(0);
    pacer.setRate(3500);
    bench.write(8000);
    assert.deepEqual(left(bench), ['1 3000/1000', '3001 3000/1000', '6001 2000/1000']);
  });

  test('RFC 5682 §2.1: the two new segments that follow a timeout leave one by one', () => {
    const bench = joining({ config: { initialWindowSegments: 3 } });
    bench.write(9000);
    bench.take();
    bench.advance(bench.untilTimer).take();
    bench.peer('A 1 a1001');
    assert.deepEqual(left(bench), ['3001 1000/0', '4001 1000/0']);
  });

  test('RFC 4821 §7: one by one while the size that the path takes is in doubt', () => {
    const bench = joining({ config: { probeBaseMss: 500 } });
    bench.write(1000);
    // Two timeouts in a row: the size is suspected, and the search begins.
    for (let i = 0; bench.connection.mtuProbing === null && i < 10; i++) bench.advance(bench.untilTimer);
    bench.peer('A 1 a1001').take();
    bench.write(3000);
    assert.ok(bench.sent.length > 0);
    assert.ok(left(bench).every((line) => line.endsWith('/0')));
  });

  test('RFC9293 MUST-62: one by one up to the end of urgent data, which each points at', () => {
    const bench = joining();
    bench.writeUrgent(3000);
    assert.deepEqual(left(bench), ['1 1000/0', '1001 1000/0', '2001 1000/0']);
  });

  test('RFC9293 MUST-16: as long as the options of each leave room for', () => {
    const bench = joining({ peer: { options: SACK }, config: { sack: true } });
    bench.peer('A 101 a1 [10]').take();
    bench.write(4000);
    // Four octets and one block of eight.
    const [all] = bench.sent;
    assert.deepEqual(left(bench), ['1 3952/988']);
    assert.deepEqual(all!.options.sack, [[101, 111]], 'each tells what is here');
  });

  test('the counts are those of the segments', () => {
    const bench = joining();
    const before = bench.connection.tcpInfo(bench.now);
    bench.write(5000);
    const after = bench.connection.tcpInfo(bench.now);
    assert.equal(after.segsOut - before.segsOut, 5);
    assert.equal(after.dataSegsOut, 5);
    assert.equal(after.unackedSegments, 5);
    const hasty = joining({ config: { nagle: false } });
    hasty.write(2500);
    assert.equal(hasty.connection.tcpInfo(hasty.now).dataSegsOut, 3, 'a short one counts');
  });
});

describe('what the peer tells of a part', () => {
  test('an ACK in the midst releases what it covers, and is a measurement', () => {
    const bench = joining();
    bench.write(8000);
    bench.take();
    bench.advance(30);
    bench.peer('A 1 a3001');
    const info = bench.connection.tcpInfo(bench.now);
    assert.equal(info.rttMs, 30);
    assert.equal(info.unackedBytes, 5000);
    assert.equal(info.deliveredBytes, 3000);
  });

  test('RFC 8985 §6.2: a hole is sent again, and nothing else', () => {
    const bench = joining({ peer: { options: SACK }, config: { sack: true } });
    bench.write(8000);
    bench.take();
    bench.advance(30);
    bench.peer('A 1 a1001 <sack 3001:8001>');
    assert.deepEqual(left(bench), ['1001 1000/0', '2001 1000/0']);
    bench.peer('A 1 a8001').silent();
    assert.equal(bench.connection.inFlight, 0);
  });

  test('RFC 5681 §3.2: three segments beyond a hole are three, though they left as one', () => {
    const bench = joining({ peer: { options: SACK }, config: { sack: true } });
    bench.write(8000);
    bench.take();
    bench.advance(30);
    // Two could have overtaken it.
    bench.peer('A 1 a1 <sack 1001:3001>').silent();
    bench.peer('A 1 a1 <sack 1001:4001>');
    assert.deepEqual(left(bench), ['1 1000/0']);
  });

  test('RFC 2018 §3: a last segment of a single octet is one, with a FIN behind it or without', () => {
    const ways: Record<string, [(bench: Bench) => void, end: number]> = {
      'without a FIN': [() => {}, 1002],
      'a FIN in it': [(bench) => bench.connection.shutdownWrite(bench.now), 1003],
      'a FIN behind it': [(bench) => void bench.flush().shutdown(), 1002],
    };
    for (const [way, [end, edge]] of Object.entries(ways)) {
      const bench = joining({ peer: { options: SACK }, config: { sack: true, nagle: false } });
      bench.queue(1001);
      end(bench);
      bench.flush();
      assert.equal(left(bench)[0], '1 1001/1000', way);
      bench.advance(30);
      bench.peer(`A 1 a1 <sack 1001:${edge}>`);
      const { sackedCount, sackedBytes } = bench.connection.flight;
      assert.deepEqual([sackedCount, sackedBytes], [1, edge - 1001], way);
    }
  });

  test('RFC 6582 §3.2: without SACK the third duplicate repeats the first segment', () => {
    const bench = joining();
    bench.write(8000);
    bench.take();
    bench.peer('A 1 a1', 'A 1 a1', 'A 1 a1');
    assert.deepEqual(left(bench), ['1 1000/0']);
    bench.peer('A 1 a2001');
    assert.equal(left(bench)[0], '2001 1000/0', 'a partial ACK repeats the next one');
  });

  test('RFC 6582 §3.2: the third duplicate repeats a first segment that was shorter than others as it was', () => {
    const bench = joining({ config: { nagle: false } });
    for (const bytes of [400, 1000, 1000, 1000]) bench.write(bytes);
    bench.take();
    bench.peer('A 1 a1', 'A 1 a1', 'A 1 a1');
    assert.deepEqual(left(bench), ['1 400/0']);
    bench.peer('A 1 a3401').silent();
    assert.equal(bench.connection.inFlight, 0);
  });

  test('RFC9293 §3.7.4: a full segment and its FIN are one segment, which is repeated whole', () => {
    const bench = joining();
    bench.write(3000);
    bench.peer('A 1 a3001').take();
    bench.queue(1000);
    bench.shutdown();
    bench.expect('FA 3001 a1 [1000]');
    for (let i = 0; i < 3; i++) bench.peer('A 1 a3001');
    bench.expect('FA 3001 a1 [1000]');
  });

  test('RFC 2018 §3: text reported without the FIN behind it leaves them one segment', () => {
    const bench = joining({ peer: { options: SACK }, config: { sack: true } });
    bench.write(1000);
    bench.queue(1000);
    bench.shutdown();
    bench.take();
    bench.advance(30);
    bench.peer('A 1 a1 <sack 1001:2001>');
    assert.equal(bench.connection.flight.sackedCount, 0);
    assert.equal(bench.connection.flight.count, 2);
  });

  test('an ACK of the text without its FIN releases the text', () => {
    const bench = joining();
    bench.queue(2000);
    bench.shutdown();
    bench.take();
    bench.peer('A 1 a1001');
    assert.equal(bench.connection.tcpInfo(bench.now).deliveredBytes, 1000);
    bench.peer('A 1 a2001');
    assert.equal(bench.connection.tcpInfo(bench.now).deliveredBytes, 2000);
    bench.advance(1100);
    assert.ok(bench.take().every((s) => s.seq === 2001 && s.flags & FIN));
  });

  test('RFC 6298 §5.4: a timeout repeats the first segment', () => {
    const bench = joining();
    bench.write(8000);
    bench.take();
    bench.advance(1100);
    assert.deepEqual(new Set(left(bench)), new Set(['1 1000/0']), 'it alone, however often');
  });

  test('RFC 8985 §7.3: a tail loss probe repeats the last segment', () => {
    const bench = joining({ peer: { options: SACK }, config: { sack: true } });
    bench.write(1000);
    bench.advance(10);
    bench.peer('A 1 a1001').take();
    bench.write(6000);
    bench.take();
    bench.advance(30);
    assert.deepEqual(left(bench), ['6001 1000/0']);
  });

  test('RFC 7323 §3: one time stamp for all, which its echo answers', () => {
    const bench = joining({ peer: { options: `${SACK}, ts 7 0` }, config: { timestamps: true } });
    bench.write(4000);
    const [all] = bench.take();
    assert.equal(all!.segmentBytes, 988);
    assert.ok(all!.options.ts !== undefined);
  });
});

test('RFC 3168 §6.1.2: CWR is told once, on a segment that may be one of several', () => {
  const bench = joining({ config: { ecn: 'on' }, peer: { options: 'mss 1000' } });
  assert.equal(bench.connection.ecnAgreed, false, 'the peer of the bench does not speak ECN');
  bench.connection.ecnAgreed = true;
  bench.connection.cwrDue = true;
  bench.write(3000);
  bench.write(3000);
  assert.deepEqual(
    bench.take().map((s) => (s.flags & CWR) !== 0),
    [true, false],
  );
});

test('RFC8985 §6.2 step 2: an ACK of all that left as one tells nothing of what left as one behind it', () => {
  const bench = joining({ config: { sack: true }, peer: { options: SACK } });
  bench.write(4000);
  const since = bench.now;
  bench.advance(10).write(4000);
  assert.deepEqual(left(bench), ['1 4000/1000', '4001 4000/1000']);
  bench.advance(90).peer('A 1 a4001');
  assert.equal(bench.connection.rack.sentAt, since);
  assert.equal(bench.connection.flight.count, 1);
});

describe('packets that are longer than IP can tell', () => {
  const LONGEST = 65_435;
  const LONG = {
    joinedSendBytes: 200_000,
    initialWindowSegments: 500,
    windowScale: 4,
    sendBufferBytes: 500_000,
  };

  function long(more: BenchOptions = {}): Bench {
    const bench = joining({
      ...more,
      peer: { window: 65_535, options: 'mss 1000, sackOK, ws 4', ...more.peer },
      config: { ...LONG, ...more.config },
    });
    // The window of a SYN is not scaled.
    bench.peer('A 1 a1').take();
    return bench;
  }

  test('leave as one, and are no more once all of one was lost: the path may not take such', () => {
    const bench = long({ config: { sack: true } });
    bench.write(200_000);
    bench.write(3000);
    assert.deepEqual(left(bench), ['1 200000/1000', '200001 3000/1000']);
    bench.advance(30);
    bench.peer('A 1 a1 <sack 200001:203001>');
    assert.ok(bench.take().every((s) => s.payload.length === 1000));
    bench.peer('A 1 a203001').take();
    bench.write(200_000);
    assert.equal(bench.take()[0]!.payload.length, 65_000);
  });

  test('RFC 6298 §5.4: nor after a timeout', () => {
    const bench = long({ peer: { options: 'mss 1000, ws 4' } });
    bench.write(200_000);
    bench.take();
    bench.advance(bench.untilTimer);
    assert.equal(bench.take()[0]!.payload.length, 1000);
    bench.peer('A 1 a200001').take();
    bench.write(200_000);
    assert.ok(bench.take().every((s) => s.payload.length <= LONGEST));
  });

  test('go on where a part of one was lost', () => {
    const bench = long({ config: { sack: true } });
    bench.write(200_000);
    bench.take();
    bench.advance(30);
    bench.peer('A 1 a1 <sack 5001:200001>').take();
    bench.peer('A 1 a200001').take();
    bench.write(200_000);
    assert.ok(bench.take()[0]!.payload.length > LONGEST);
  });
});
