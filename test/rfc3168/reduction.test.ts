// The sender's answer to echoed marks (RFC 3168 §6.1.2): one reduction for a window of data, in proportion as for a loss.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newReno } from '../../src/tcp/congestion/newreno.js';
import { CWR } from '../../src/wire/segment.js';
import type { Bench } from '../tcp/harness.js';
import { ackBefore, edges, flight, MSS, segmentsSent } from '../tcp/sacking.js';

const FLIGHT = 10;

/** Ten segments are in flight and more wait; ECN is agreed. */
function sender(sack = true): Bench {
  const bench = flight(FLIGHT, {
    sack,
    ecn: true,
    waiting: 60,
    config: { ecn: 'on', congestion: newReno },
    peer: { window: 60_000 },
  });
  bench.take();
  return bench.advance(100);
}

/** As `ackBefore`, with an echo. */
function echo(n: number, ...reported: (readonly [number, number])[]): string {
  return ackBefore(n, ...reported).replace('A', 'AE');
}

function caState(bench: Bench): string {
  return bench.connection.tcpInfo(bench.now).caState;
}

describe('an echoed mark', () => {
  test('RFC3168 §6.1.2: halves the threshold, and the window sinks to it as ACKs come in', () => {
    const bench = sender();
    bench.peer(echo(2));
    assert.equal(caState(bench), 'cwr');
    assert.equal(bench.status.ssthresh, (FLIGHT / 2) * MSS);
    let sent = segmentsSent(bench).length;
    for (let n = 3; n <= FLIGHT - 2; n++) {
      bench.peer(ackBefore(n));
      sent += segmentsSent(bench).length;
      // The first in any case, then one for every two that arrive.
      assert.equal(sent, Math.max(1, Math.floor((n - 1) / 2)), `after ${n - 1} have arrived`);
    }
  });

  test('RFC3168 §6.1.2: ends when the data of its window is acknowledged; then another one counts', () => {
    const bench = sender();
    bench.peer(echo(2));
    bench.peer(ackBefore(FLIGHT));
    assert.equal(caState(bench), 'cwr', 'one segment of that window is not acknowledged');
    bench.peer(ackBefore(FLIGHT + 1));
    assert.equal(caState(bench), 'open');
    const { cwnd, ssthresh } = bench.status;
    assert.equal(ssthresh, (FLIGHT / 2) * MSS);
    assert.ok(cwnd >= ssthresh && cwnd <= ssthresh + MSS, `${cwnd}`);
    bench.advance(100).peer(`AE 1 a${bench.status.sndNxt}`);
    assert.ok(bench.status.ssthresh < (FLIGHT / 2) * MSS);
  });

  test('RFC3168 §6.1.2: of one window counts once, and each is answered by CWR', () => {
    const bench = sender();
    bench.peer(echo(2));
    const { ssthresh } = bench.status;
    for (let n = 3; n <= 8; n++) bench.peer(echo(n));
    assert.equal(bench.status.ssthresh, ssthresh);
    assert.ok(bench.take().some((s) => s.flags & CWR));
  });

  test('RFC3168 §6.1.2: in a recovery reduces nothing further', () => {
    const bench = sender();
    bench.peer(ackBefore(1, [2, 5]));
    assert.equal(caState(bench), 'recovery');
    const { ssthresh } = bench.status;
    bench.peer(echo(1, [2, 6]));
    assert.equal(caState(bench), 'recovery');
    assert.equal(bench.status.ssthresh, ssthresh);
  });

  test('RFC3168 §6.1.2: nor does a loss in the window of a mark', () => {
    const bench = sender();
    bench.peer(echo(2));
    const { ssthresh } = bench.status;
    bench.peer(ackBefore(2, [3, 8]));
    assert.equal(caState(bench), 'recovery');
    assert.equal(bench.status.ssthresh, ssthresh);
    assert.ok(segmentsSent(bench).includes(2));
  });

  test('RFC5681 §3.1: nor a timeout in it', () => {
    const bench = sender();
    bench.peer(echo(2));
    const { ssthresh } = bench.status;
    while (bench.connection.rtx.tally.timeouts === 0) bench.advance(1);
    assert.equal(bench.status.ssthresh, ssthresh);
    assert.equal(bench.status.cwnd, MSS);
  });

  test('RFC3168 §6.1.2: without SACK, the marks of a duplicate ACK count as well', () => {
    const bench = sender(false);
    bench.peer('AE 1 a1');
    assert.equal(caState(bench), 'cwr');
    assert.equal(bench.status.ssthresh, (FLIGHT / 2) * MSS);
  });

  test('RFC4015: is not taken back by a report that a segment arrived twice', () => {
    const bench = sender();
    bench.peer(echo(3));
    const { ssthresh } = bench.status;
    bench.peer(`A 1 a${2 * MSS + 1} <sack ${edges(2, 2)}>`);
    assert.equal(bench.status.ssthresh, ssthresh);
    assert.equal(caState(bench), 'cwr');
  });
});
