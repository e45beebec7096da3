// RFC 7661 at the sender: when a window that the application does not use may grow, when it shrinks, and what it counts for
// when something is lost. The arithmetic of it is tested in congestion/cwnd-validation.test.ts.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ControllerFactory } from '../../src/tcp/congestion/controller.js';
import { cubic } from '../../src/tcp/congestion/cubic.js';
import type { Bench } from './harness.js';
import { ackBefore, edges, flight, MSS } from './sacking.js';

const FIVE_MINUTES_MS = 300_000;
/** Less than a retransmission timeout, after which a pause would begin anew in any case (RFC 5681 §4.1). */
const ROUND_MS = 290;

/** Its window stays where the sender puts it. */
const motionless: ControllerFactory = (mss, initialWindowSegments) =>
  Object.assign(cubic(mss, initialWindowSegments), { onAck: () => {} });

/** Four segments were sent and acknowledged; then the window is set. */
function withWindow(cwnd: number, ssthresh: number, congestion = cubic): Bench {
  const bench = flight(4, { config: { congestion } });
  bench.advance(100).peer(ackBefore(5));
  bench.connection.congestion.cwnd = cwnd;
  bench.connection.congestion.ssthresh = ssthresh;
  return bench;
}

/** `segments` at a time are sent, and acknowledged after 100 ms. */
function use(bench: Bench, segments: number, forMs: number): void {
  for (const end = bench.now + forMs; bench.now < end; bench.advance(ROUND_MS - 100)) {
    bench.write(segments * MSS);
    bench.advance(100).peer(`A 1 a${bench.status.sndNxt}`);
  }
}

describe('a window of which little is used', () => {
  test('RFC7661 §4.4.3: is halved after five minutes, and three quarters of it are remembered as the threshold', () => {
    const bench = withWindow(40 * MSS, 10 * MSS);
    use(bench, 1, FIVE_MINUTES_MS - 2 * ROUND_MS);
    assert.deepEqual([bench.status.cwnd, bench.status.ssthresh], [40 * MSS, 10 * MSS]);
    use(bench, 1, 4 * ROUND_MS);
    assert.deepEqual([bench.status.cwnd, bench.status.ssthresh], [20 * MSS, 30 * MSS]);
  });

  test('RFC7661 §4.4.3: but not below the initial window', () => {
    const bench = withWindow(6 * MSS, 5 * MSS);
    use(bench, 1, FIVE_MINUTES_MS + 10 * ROUND_MS);
    assert.equal(bench.status.cwnd, 4 * MSS);
  });

  test('RFC7661 §4.3: grows like a full one as long as half of it is used', () => {
    const bench = withWindow(10 * MSS, 100 * MSS);
    use(bench, 6, 5 * ROUND_MS);
    assert.ok(bench.status.cwnd > 10 * MSS, `cwnd ${bench.status.cwnd}`);
  });
});

describe('a loss', () => {
  test('RFC7661 §4.4.1: counts by what was in use; in the end what was sent again is taken off, in each episode anew', () => {
    const bench = withWindow(40 * MSS, 40 * MSS, motionless);
    for (let episode = 1; episode <= 2; episode++) {
      bench.connection.congestion.cwnd = 40 * MSS;
      use(bench, 4, 1500);
      bench.write(5 * MSS);
      const first = Math.round((bench.status.sndUna - 1) / MSS) + 1;
      bench.advance(100).peer(ackBefore(first, [first + 1, first + 4]));
      assert.equal(bench.status.ssthresh, 2500, `beginning of episode ${episode}`);
      bench.advance(100).peer(ackBefore(first + 5));
      assert.deepEqual([bench.status.cwnd, bench.status.ssthresh], [2000, 2000], `end of episode ${episode}`);
    }
  });

  test('RFC7661 §4.4.1: in a window that was full the controller decides alone, however little the last round trip carried', () => {
    const bench = withWindow(40 * MSS, 100 * MSS);
    bench.write(45 * MSS);
    bench.advance(100).peer(`A 1 a${4 * MSS + 1} <sack ${edges(6, 44)}>`);
    assert.equal(bench.status.ssthresh, 28 * MSS);
  });

  test('RFC7661 §4.4.1: also after a pause so long that no round trip is remembered', () => {
    const patient: ControllerFactory = (mss, segments) =>
      Object.assign(motionless(mss, segments), { onIdle: () => {} });
    const bench = withWindow(40 * MSS, 100 * MSS, patient);
    bench.advance(5000).write(45 * MSS);
    bench.advance(100).peer(`A 1 a${4 * MSS + 1} <sack ${edges(6, 44)}>`);
    assert.equal(bench.status.ssthresh, 28 * MSS);
  });
});

test('RFC7661 §4.4: after a timeout within a recovery what is used counts again', () => {
  const bench = withWindow(10 * MSS, 100 * MSS);
  bench.write(5 * MSS);
  bench.advance(100).peer(ackBefore(5, [6, 9]));
  assert.equal(bench.connection.tcpInfo(bench.now).caState, 'recovery');
  while (bench.connection.rtx.tally.timeouts === 0) bench.advance(1);
  bench.advance(100).peer(ackBefore(10));
  assert.equal(bench.connection.tcpInfo(bench.now).caState, 'open');
  bench.connection.congestion.cwnd = 10 * MSS;
  bench.connection.congestion.ssthresh = 100 * MSS;
  use(bench, 6, 10 * ROUND_MS);
  assert.ok(bench.status.cwnd > 10 * MSS, `cwnd ${bench.status.cwnd}`);
});
