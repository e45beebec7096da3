// DCTCP against RFC 8257.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dctcp } from '../../../src/tcp/congestion/dctcp.js';
import { ack, flight, lose, MSS, Rounds } from './samples.js';

const G = 1 / 16;

function avoiding(segments: number) {
  const c = dctcp(MSS, 10);
  c.cwnd = c.ssthresh = segments * MSS;
  return c;
}

/** A round trip in which the first `marked` segments of the window met marks. */
function round(rounds: Rounds, marked: number): void {
  let n = 0;
  const { controller } = rounds;
  const window = controller.cwnd;
  const sentDelivered = rounds.totalDelivered;
  for (let done = 0; done < window; done += MSS) {
    rounds.now += 1;
    rounds.totalDelivered += MSS;
    const { now, totalDelivered } = rounds;
    controller.onAck(
      ack({ now, totalDelivered, sentDelivered, ecnEcho: n++ < marked, sentInFlight: window }),
    );
  }
}

test('RFC8257 §3.2: the receiver is asked for the exact marks', () => {
  assert.equal(dctcp(MSS, 10).exactEcn, true);
});

describe('alpha', () => {
  test('RFC8257 §4.2: is 1 before anything is known', () => {
    assert.equal(dctcp(MSS, 10).alpha, 1);
  });

  test('RFC8257 §3.3: without marks it decays by g in each window of data', () => {
    const c = avoiding(10);
    const rounds = new Rounds(c);
    let expected = 1;
    for (let i = 0; i < 20; i++) {
      round(rounds, 0);
      // The first ACK of a round ends the observation of the one before.
      expected *= 1 - G;
      assert.ok(Math.abs(c.alpha - expected) < 1e-12, `round ${i}: ${c.alpha}, expected ${expected}`);
    }
  });

  test('RFC8257 §3.3: it tends to the share of marked bytes', () => {
    const c = avoiding(100);
    const rounds = new Rounds(c);
    for (let i = 0; i < 200; i++) {
      c.cwnd = c.ssthresh = 100 * MSS;
      round(rounds, 25);
    }
    assert.ok(Math.abs(c.alpha - 0.25) < 0.01, `${c.alpha}`);
  });

  test('RFC8257 §3.3: the series of a window with five of ten marked, step by step', () => {
    const c = avoiding(10);
    const feed = (totalDelivered: number, sentDelivered: number, ecnEcho: boolean) =>
      c.onAck(ack({ totalDelivered, sentDelivered, ecnEcho, sentInFlight: 10 * MSS }));
    feed(MSS, 0, false);
    let alpha = 1 - G;
    assert.equal(c.alpha, alpha);
    for (let i = 2; i <= 10; i++) feed(i * MSS, 0, i > 5);
    assert.equal(c.alpha, alpha, 'the window of data is not over');
    // The observation began after the first ACK; the ACK that ends it is part of it.
    feed(11 * MSS, MSS, false);
    alpha = alpha * (1 - G) + G * 0.5;
    assert.ok(Math.abs(c.alpha - alpha) < 1e-12, `${c.alpha}, expected ${alpha}`);
  });

  test('RFC8257 §3.3: bytes are counted when delivered, whether acknowledged in order or selectively', () => {
    const c = avoiding(10);
    c.onAck(ack({ totalDelivered: MSS }));
    c.onAck(ack({ ackedBytes: 0, deliveredBytes: MSS, totalDelivered: 2 * MSS, ecnEcho: true }));
    c.onAck(ack({ ackedBytes: 4 * MSS, deliveredBytes: MSS, totalDelivered: 3 * MSS, sentDelivered: MSS }));
    assert.ok(Math.abs(c.alpha - ((1 - G) ** 2 + G * 0.5)) < 1e-12, `${c.alpha}`);
  });

  test('RFC8257 §3.3: the marks of a recovery, whose ACKs were not seen, do not skew it', () => {
    const c = avoiding(10);
    c.onAck(ack({ totalDelivered: MSS, ecnEcho: false }));
    c.onAck(ack({ totalDelivered: 2 * MSS, ecnEcho: true }));
    const { alpha } = c;
    c.onCongestion(flight(10 * MSS), 'loss');
    c.cwnd = c.ssthresh;
    c.onRecovered?.(ack({ totalDelivered: 20 * MSS, sentDelivered: 10 * MSS }));
    c.onAck(ack({ totalDelivered: 21 * MSS, sentDelivered: 12 * MSS }));
    assert.equal(c.alpha, alpha);
    c.onAck(ack({ totalDelivered: 22 * MSS, sentDelivered: 20 * MSS }));
    assert.ok(Math.abs(c.alpha - alpha * (1 - G)) < 1e-12);
  });
});

describe('reduction', () => {
  test('RFC8257 §3.3: by alpha / 2, once in a window of data', () => {
    const c = avoiding(100);
    const rounds = new Rounds(c);
    for (let i = 0; i < 40; i++) round(rounds, 0);
    const { cwnd } = c;
    round(rounds, 30);
    // Alpha moved with the first ACK of the round only, the one that reduced the window.
    const reduced = cwnd * (1 - c.alpha / 2);
    assert.ok(c.alpha < 0.1 && reduced > 0.95 * cwnd);
    assert.ok(c.cwnd >= reduced - 1 && c.cwnd <= reduced + MSS, `${cwnd} to ${c.cwnd}, expected ${reduced}`);
    assert.equal(c.inSlowStart, false);
  });

  test('RFC8257 §3.3: in every window of data that has marks', () => {
    const c = avoiding(100);
    const rounds = new Rounds(c);
    const windows = [c.cwnd];
    for (let i = 0; i < 3; i++) {
      round(rounds, 1000);
      windows.push(c.cwnd);
    }
    // Alpha stays 1 when all is marked.
    assert.deepEqual(windows, [100 * MSS, 50 * MSS, 25 * MSS, 12.5 * MSS]);
  });

  test('RFC8257 §3.3: the next window of data begins with what was sent after the reduction', () => {
    const c = avoiding(100);
    const mark = (totalDelivered: number, sentDelivered: number) => {
      c.onAck(ack({ totalDelivered, sentDelivered, ecnEcho: true }));
      return c.cwnd;
    };
    assert.equal(mark(10_000, 0), 50 * MSS);
    assert.equal(mark(11_000, 9999), 50 * MSS);
    assert.equal(mark(12_000, 10_000), 25 * MSS);
  });

  test('RFC8257 §3.3: in whole bytes', () => {
    const c = avoiding(100);
    c.cwnd = c.ssthresh = 100 * MSS + 1;
    c.onAck(ack({ totalDelivered: 10_000, ecnEcho: true }));
    assert.equal(c.cwnd, 50_000);
    const seldom = avoiding(100);
    round(new Rounds(seldom), 0);
    seldom.cwnd = 100 * MSS + 1;
    seldom.onAck(ack({ totalDelivered: 1_000_000, sentDelivered: 500_000, ecnEcho: true }));
    assert.ok(seldom.cwnd > 51_000);
    seldom.onCongestion(flight(seldom.cwnd), 'loss');
    assert.equal(seldom.ssthresh, 50_000);
  });

  test('RFC8257 §3.3: an acknowledgment of nothing is no observation', () => {
    const c = avoiding(100);
    c.onAck(ack({ ackedBytes: 0, totalDelivered: 0 }));
    assert.equal(c.alpha, 1);
    c.onAck(ack({ ackedBytes: 1, totalDelivered: 1 }));
    assert.equal(c.alpha, 1 - G, 'one of a byte is');
  });

  test('RFC3465 §2.3: after a recovery slow start is that of a beginning', () => {
    const c = avoiding(100);
    c.onTimeout(flight(100 * MSS), true);
    lose(c, 50 * MSS);
    c.ssthresh = 100 * MSS;
    const { cwnd } = c;
    c.onAck(ack({ ackedBytes: 2 * MSS }));
    assert.equal(c.cwnd, cwnd + 2 * MSS);
  });

  test('RFC3168 §6.1.2: an ACK that echoes marks lets nothing grow', () => {
    const c = dctcp(MSS, 10);
    c.onAck(ack({ totalDelivered: MSS, ecnEcho: true }));
    const { cwnd } = c;
    for (let i = 2; i < 10; i++) c.onAck(ack({ totalDelivered: i * MSS, ecnEcho: true }));
    assert.equal(c.cwnd, cwnd);
  });

  test('RFC3168 §6.1.2: to one segment at least, and ssthresh to two', () => {
    const c = avoiding(10);
    const rounds = new Rounds(c);
    for (let i = 0; i < 20; i++) round(rounds, 1000);
    assert.ok(c.cwnd <= 2 * MSS && c.cwnd >= MSS, `${c.cwnd}`);
    assert.equal(c.ssthresh, 2 * MSS);
  });

  test('RFC8257 §3.5: a loss halves the flight as for any sender, whatever alpha is', () => {
    const c = avoiding(100);
    const rounds = new Rounds(c);
    for (let i = 0; i < 100; i++) round(rounds, 0);
    assert.ok(c.alpha < 0.01);
    const { cwnd } = c;
    c.onCongestion(flight(cwnd), 'loss');
    assert.equal(c.ssthresh, Math.floor(cwnd / 2));
  });

  test('RFC8257 §3.5: marks and a loss in one window of data reduce it by half together', () => {
    const c = avoiding(100);
    const rounds = new Rounds(c);
    for (let i = 0; i < 10; i++) round(rounds, 0);
    const { cwnd } = c;
    const sentDelivered = rounds.totalDelivered;
    c.onAck(ack({ totalDelivered: sentDelivered + MSS, sentDelivered, ecnEcho: true }));
    assert.ok(c.cwnd < 0.8 * cwnd && c.cwnd > 0.5 * cwnd);
    c.onCongestion(flight(c.cwnd), 'loss');
    assert.equal(c.ssthresh, Math.floor(cwnd / 2));
    // A loss in a later window of data stands for itself.
    c.cwnd = c.ssthresh;
    c.onRecovered?.(ack({ totalDelivered: 3 * sentDelivered, sentDelivered: 2 * sentDelivered }));
    c.onAck(
      ack({ totalDelivered: 4 * sentDelivered, sentDelivered: 3 * sentDelivered, windowLimited: false }),
    );
    c.onCongestion(flight(c.cwnd), 'loss');
    assert.equal(c.ssthresh, Math.floor(cwnd / 4));
  });

  test('RFC8257 §3.5: a timeout leaves one segment', () => {
    const c = avoiding(100);
    c.onAck(ack({ totalDelivered: MSS }));
    c.onTimeout(flight(100 * MSS), true);
    assert.deepEqual([c.cwnd, c.ssthresh], [MSS, 50 * MSS]);
    const marked = avoiding(100);
    marked.onAck(ack({ totalDelivered: MSS }));
    marked.onAck(ack({ totalDelivered: 2 * MSS, sentDelivered: MSS, ecnEcho: true }));
    const { cwnd } = marked;
    marked.onTimeout(flight(cwnd), true);
    assert.equal(marked.ssthresh, Math.floor(cwnd / 2));
  });
});

test('RFC8257 §3.4: without marks the window grows as that of NewReno', () => {
  const c = avoiding(20);
  const rounds = new Rounds(c);
  for (let i = 0; i < 10; i++) round(rounds, 0);
  assert.equal(c.cwnd, 30 * MSS);
  lose(c, c.cwnd);
  assert.equal(c.cwnd, 15 * MSS);
});
