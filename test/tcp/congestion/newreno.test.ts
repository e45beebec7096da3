// NewReno: RFC 5681, RFC 6582, RFC 6928, RFC 3168, RFC 4015, as far as the window goes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newReno } from '../../../src/tcp/congestion/newreno.js';
import { ack, flight, lose, MSS, Rounds } from './samples.js';

/** In congestion avoidance with this window. */
function avoiding(segments: number) {
  const c = newReno(MSS, 10);
  c.onAck(ack());
  c.cwnd = c.ssthresh = segments * MSS;
  return c;
}

describe('initial window', () => {
  test('RFC6928 §2: ten segments, 14600 bytes at most, two segments in any case', () => {
    assert.equal(newReno(1460, 10).cwnd, 14_600);
    assert.equal(newReno(536, 10).cwnd, 5360);
    assert.equal(newReno(4000, 10).cwnd, 14_600);
    assert.equal(newReno(9000, 10).cwnd, 18_000);
    assert.equal(newReno(1460, 3).cwnd, 4380);
  });

  test('RFC6928 §2: the window follows the MSS that the handshake settles, and no later one', () => {
    const c = newReno(536, 10);
    c.setMss(1460);
    assert.equal(c.cwnd, 14_600);
    c.onAck(ack({ ackedBytes: 1460 }));
    const { cwnd } = c;
    c.setMss(1000);
    assert.equal(c.cwnd, cwnd);
    c.cwnd = 1000;
    c.setMss(1400);
    assert.equal(c.cwnd, 1400, 'one segment must fit');
  });

  test('RFC5681 §3.1: after a lost SYN one segment, of whatever size; ssthresh knows nothing yet', () => {
    const c = newReno(536, 10);
    c.onTimeout(flight(1), true);
    c.setMss(1460);
    assert.equal(c.cwnd, 1460);
    assert.equal(c.ssthresh, Number.MAX_SAFE_INTEGER);
    c.onAck(ack({ ackedBytes: 2920 }));
    assert.equal(c.cwnd, 3 * 1460, 'and slow start is that of a beginning');
  });
});

describe('what a controller made anew would know as well', () => {
  test('is all until the first acknowledgment, the loss of a SYN, or a threshold', () => {
    const c = newReno(MSS, 10);
    assert.equal(c.isUntouched, true);
    c.setMss(1460);
    assert.equal(c.isUntouched, true);

    c.ssthresh = 5 * MSS;
    assert.equal(c.isUntouched, false, 'a threshold');

    const acknowledged = newReno(MSS, 10);
    acknowledged.onAck(ack({ windowLimited: false }));
    assert.deepEqual([acknowledged.cwnd, acknowledged.isUntouched], [10 * MSS, false]);

    const late = newReno(MSS, 10);
    late.onTimeout(flight(1), true);
    assert.deepEqual([late.ssthresh, late.isUntouched], [Number.MAX_SAFE_INTEGER, false]);
  });
});

describe('congestion avoidance', () => {
  test('RFC5681 §3.1: one segment a round trip', () => {
    const c = avoiding(20);
    const rounds = new Rounds(c);
    for (let i = 0; i < 10; i++) rounds.round(100);
    assert.equal(c.cwnd, 30 * MSS);
  });

  test('RFC3465 §2.1: whether the ACKs are delayed, stretched or divided', () => {
    for (const bytesPerAck of [100, 2 * MSS, 10 * MSS]) {
      const c = avoiding(20);
      const rounds = new Rounds(c, bytesPerAck);
      for (let i = 0; i < 10; i++) rounds.round(100);
      assert.equal(c.cwnd, 30 * MSS, `${bytesPerAck} bytes an ACK`);
    }
  });

  test('RFC3465 §2.1: bytes beyond a full window count for the next step', () => {
    const c = avoiding(2);
    c.onAck(ack({ ackedBytes: 3 * MSS }));
    assert.equal(c.cwnd, 3 * MSS);
    c.onAck(ack({ ackedBytes: 2 * MSS }));
    assert.equal(c.cwnd, 4 * MSS);
  });

  test('RFC7661 §4.4: not while the application limits the sender', () => {
    const c = avoiding(20);
    new Rounds(c).round(100, { windowLimited: false });
    new Rounds(c).round(100, { windowLimited: false });
    assert.equal(c.cwnd, 20 * MSS);
  });
});

describe('congestion', () => {
  test('RFC5681 §3.2, RFC3168 §6.1.2: half of the flight after a loss, and after a mark', () => {
    for (const cause of ['loss', 'ecn'] as const) {
      const c = avoiding(20);
      c.onCongestion(flight(20 * MSS), cause);
      assert.equal(c.ssthresh, 10 * MSS, cause);
    }
  });

  test('RFC5681 §3.1 (4): of the flight, not of a window that was not used', () => {
    const c = avoiding(40);
    c.onCongestion(flight(10 * MSS), 'loss');
    assert.equal(c.ssthresh, 5 * MSS);
  });

  test('RFC5681 §3.1 (4): the reduction is measured by the flight, whatever is thought to be on its way', () => {
    const c = newReno(MSS, 10);
    c.onCongestion(ack({ priorInFlight: 4 * MSS, flightBytes: 10 * MSS }), 'loss');
    assert.equal(c.ssthresh, 5 * MSS);
  });

  test('RFC5681 §3.1 (4): two segments at least', () => {
    const c = avoiding(3);
    c.onCongestion(flight(3 * MSS), 'loss');
    assert.equal(c.ssthresh, 2 * MSS);
  });

  test('RFC3168 §6.1.2: marks bring the window down to one segment, a loss does not', () => {
    const marked = avoiding(2);
    lose(marked, 2 * MSS, 0, 'ecn');
    assert.equal(marked.cwnd, MSS);
    const lossy = avoiding(2);
    lose(lossy, 2 * MSS);
    assert.equal(lossy.cwnd, 2 * MSS);
  });

  test('RFC5681 §3.1: growth after recovery begins with a whole new round', () => {
    const c = avoiding(20);
    c.onAck(ack({ ackedBytes: 19 * MSS }));
    lose(c, 20 * MSS);
    c.onAck(ack({ ackedBytes: 10 * MSS - 1 }));
    assert.equal(c.cwnd, 10 * MSS);
    c.onAck(ack({ ackedBytes: 1 }));
    assert.equal(c.cwnd, 11 * MSS);
  });
});

describe('timeouts, pauses and mistakes', () => {
  test('RFC5681 §3.1 (4): a timeout leaves one segment and half of the flight; a repeated one leaves ssthresh', () => {
    const c = avoiding(20);
    c.onTimeout(flight(20 * MSS), true);
    assert.deepEqual([c.cwnd, c.ssthresh], [MSS, 10 * MSS]);
    c.onTimeout(flight(MSS), false);
    assert.deepEqual([c.cwnd, c.ssthresh], [MSS, 10 * MSS]);
  });

  test('RFC5681 §3.1 (4): a timeout, too, leaves an ssthresh of two segments at least', () => {
    const c = avoiding(20);
    c.onTimeout(flight(1), true);
    assert.equal(c.ssthresh, 2 * MSS, 'a byte of data is no SYN');
    const small = newReno(MSS, 10);
    small.onTimeout(flight(2), true);
    assert.equal(small.ssthresh, 2 * MSS);
  });

  test('RFC5681 §3.1 (4): also one of the first flight', () => {
    const c = newReno(MSS, 10);
    c.onTimeout(flight(10 * MSS), true);
    assert.deepEqual([c.cwnd, c.ssthresh], [MSS, 5 * MSS]);
  });

  test('RFC5681 §3.1: growth after a timeout begins with a whole new round', () => {
    const c = avoiding(20);
    c.onAck(ack({ ackedBytes: 19 * MSS }));
    c.onTimeout(flight(20 * MSS), true);
    while (c.inSlowStart) c.onAck(ack());
    c.onAck(ack({ ackedBytes: 10 * MSS - 1 }));
    assert.equal(c.cwnd, 10 * MSS);
  });

  test('RFC4015 §3.2: a needless reduction is taken back, never to less than there is now', () => {
    const c = avoiding(20);
    c.onTimeout(flight(20 * MSS), true);
    c.onSpurious(20 * MSS, 20 * MSS, 100);
    assert.deepEqual([c.cwnd, c.ssthresh], [20 * MSS, 20 * MSS]);
    c.onCongestion(flight(20 * MSS), 'loss');
    c.cwnd = 30 * MSS;
    c.onSpurious(20 * MSS, 20 * MSS, 200);
    assert.deepEqual([c.cwnd, c.ssthresh], [30 * MSS, 20 * MSS]);
  });

  test('RFC5681 §4.1: after a pause the window is the initial one, if it was more', () => {
    const c = avoiding(20);
    c.onIdle(5000);
    assert.deepEqual([c.cwnd, c.ssthresh], [10 * MSS, 20 * MSS]);
    c.cwnd = 4 * MSS;
    c.onIdle(5000);
    assert.equal(c.cwnd, 4 * MSS);
  });
});
