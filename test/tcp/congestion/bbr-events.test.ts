// What BBR makes of each event that the sender tells: segments that leave, acknowledgments, marks, pauses.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Phase } from '../../../src/tcp/congestion/bbr/phase.js';
import { bbr } from '../../../src/tcp/congestion/bbr.js';
import { ByHand, MSS } from './bbr-by-hand.js';

describe('the beginning', () => {
  test('BBR §5.6.4.4: in recovery, too, the window is the controller’s', () => {
    assert.equal(bbr(MSS, 10).ownsRecovery, true);
  });

  test('RFC6928 §2: the initial window, also of jumbo segments', () => {
    assert.equal(bbr(1460, 10).cwnd, 14_600);
    assert.equal(bbr(1461, 10).cwnd, 14_600);
    assert.equal(bbr(9000, 10).cwnd, 18_000);
  });

  test('BBR §5.3.4.3: the times of the minima run from the first segment, wherever the clock stands', () => {
    const by = new ByHand({ phase: Phase.STARTUP, beganAt: 1_000_000 });
    by.ack({ rttMs: 60 });
    assert.equal(by.flow.minRtt.isProbeDue, false);
    assert.equal(by.flow.minRtt.ms, 50);
    // Another segment does not begin them anew.
    by.flow.onSent(MSS, false, false, by.now);
    by.now = 1_000_000 + 5001;
    by.ack({ rttMs: 60 });
    assert.equal(by.flow.minRtt.isProbeDue, true);
  });

  test('BBR §5.6.4.1: a window that was not used yet follows the size of the segments, another does not', () => {
    const fresh = bbr(MSS, 10);
    fresh.setMss(500);
    assert.deepEqual([fresh.mss, fresh.cwnd, fresh.pacingRate], [500, 5000, 2.77 * 5000]);
    fresh.cwnd = 7000;
    fresh.setMss(900);
    assert.deepEqual([fresh.mss, fresh.cwnd], [900, 7000]);
    assert.equal(fresh.inSlowStart, true);
    assert.equal(new ByHand().flow.inSlowStart, false);
  });

  test('BBR §5.5.7: the minimum of ten seconds does not begin with the clock', () => {
    const by = new ByHand({ beganAt: 5000 });
    by.now = 10_000;
    by.ack({ rttMs: 60 });
    assert.equal(by.flow.minRtt.isProbeDue, true);
    assert.equal(by.flow.minRtt.ms, 50);
  });

  test('BBR §5.6.2: the first round trip sets the pace, no later one does', () => {
    const by = new ByHand({ phase: Phase.STARTUP, rate: 1 });
    by.flow.pacingRate = 300;
    by.flow.setMss(900);
    assert.equal(by.flow.pacingRate, 300);
    by.ack({ srttMs: 100 });
    assert.equal(by.flow.pacingRate, 300);
  });

  test('BBR §5.6.2: no measurement is no round trip of zero, one of half a millisecond is one', () => {
    const fresh = bbr(MSS, 10);
    const by = new ByHand({ phase: Phase.STARTUP, rate: 1 });
    fresh.onSent(MSS, true, false, 0);
    fresh.onAck(by.sample({ srttMs: 0, deliveredBytes: MSS, sentDelivered: 0 }));
    assert.equal(fresh.pacingRate, 2.77 * 10 * MSS);
    fresh.onAck(by.sample({ srttMs: 0.5, deliveredBytes: MSS, sentDelivered: 0 }));
    assert.equal(fresh.pacingRate, (2.77 * 10 * MSS) / 0.5);
  });
});

describe('what is known of the window', () => {
  test('BBR §2.7: it limits the flow when no full segment fits any more', () => {
    for (const [room, limits] of [
      [MSS, false],
      [MSS - 1, true],
    ] as const) {
      const { flow, now } = new ByHand();
      flow.onSent(flow.cwnd - room, false, false, now);
      assert.equal(flow.isCwndLimited, limits, `${room}`);
    }
  });

  test('BBR §2.7: at first it does not', () => {
    assert.equal(new ByHand().endRound().flow.isCwndLimited, false);
  });

  test('BBR §2.7: that holds for the round trip in which it was so and the one after', () => {
    const by = new ByHand();
    const { flow } = by;
    flow.onSent(flow.cwnd, false, false, by.now);
    by.ack();
    assert.equal(flow.isCwndLimited, true);
    by.endRound();
    assert.equal(flow.isCwndLimited, true);
    flow.onSent(MSS, false, false, by.now);
    by.ack();
    assert.equal(flow.isCwndLimited, true);
    by.endRound();
    assert.equal(flow.isCwndLimited, false);
  });
});

describe('acknowledgments', () => {
  test('BBR §5.5.4: the rates of what was sent while PROBE-RTT held the flow back count as app-limited', () => {
    for (const [sentDelivered, isQuiet] of [
      [999, false],
      [1000, true],
      [2000, true],
      [2001, false],
    ] as const) {
      const by = new ByHand();
      by.flow.quietFrom = 1000;
      by.flow.quietUntil = 2000;
      by.ack({ sentDelivered });
      assert.equal(by.flow.rs.isAppLimited, isQuiet, `${sentDelivered}`);
      by.ack({ sentDelivered, isAppLimited: true });
      assert.equal(by.flow.rs.isAppLimited, true);
    }
  });

  test('BBR §5.5.10.2: what is held lost in all is told by every event', () => {
    const by = new ByHand();
    by.flow.onTimeout(by.sample({ totalLost: 7000, inFlight: 0 }), true);
    assert.equal(by.flow.lost, 7000);
    by.ack({ totalLost: 9000 });
    assert.equal(by.flow.lost, 9000);
    by.flow.onCongestion(by.sample({ totalLost: 12_000 }), 'loss');
    assert.equal(by.flow.lost, 12_000);
    by.lose();
    assert.equal(by.flow.lost, 13_000);
  });

  test('BBR §5.5.10.3: losses of the flow’s own probing lower no bound, those of a steady flow do', () => {
    for (const phase of [Phase.STARTUP, Phase.REFILL, Phase.UP, Phase.CRUISE, Phase.DOWN]) {
      const by = new ByHand({ phase });
      by.ack().lose({ sentInFlight: 1_000_000 }).ack();
      by.endRound({ deliveryRate: 900 });
      const isLowered = by.flow.shortTerm.bw < Number.POSITIVE_INFINITY;
      assert.equal(isLowered, phase === Phase.CRUISE || phase === Phase.DOWN, `${phase}`);
    }
  });

  test('BBR §5.5.10.3: a loss lowers the bounds when the round trip from it on is over, and once', () => {
    const by = new ByHand().ack().endRound().ack().ack();
    by.lose({ sentInFlight: 1_000_000 });
    by.ack({ sentDelivered: by.delivered - 1, deliveryRate: 900 });
    assert.equal(by.flow.shortTerm.bw, Number.POSITIVE_INFINITY);
    by.endRound({ deliveryRate: 900 });
    const { bw } = by.flow.shortTerm;
    assert.ok(bw < Number.POSITIVE_INFINITY);
    by.endRound({ deliveryRate: 500 }).endRound({ deliveryRate: 500 });
    assert.equal(by.flow.shortTerm.bw, bw, 'nothing more was lost');
  });

  test('BBR §5.5.10.3: what a round trip delivered is measured on its own', () => {
    const by = new ByHand().ack().endRound({ deliveryRate: 950 });
    by.endRound({ deliveryRate: 700 }).endRound({ deliveryRate: 700 });
    assert.equal(by.flow.shortTerm.bwLatest, 700);
  });

  test('BBR §5.6.2: each sets the pace', () => {
    const by = new ByHand({ phase: Phase.UP });
    by.flow.pacingRate = 17;
    by.ack();
    assert.equal(by.flow.pacingRate, 1.25 * 1000 * 0.99);
  });

  test('BBR §5.5.3: the bandwidth to use is the highest of late, or the short-term bound', () => {
    const by = new ByHand();
    by.flow.bw = 0;
    by.ack();
    assert.equal(by.flow.bw, 1000);
    by.flow.shortTerm.bw = 600;
    by.ack();
    assert.equal(by.flow.bw, 600);
  });
});

describe('marks', () => {
  test('BBR §3.7: a mark ends a probe that it may be about, and is no end of one that there is not', () => {
    const marked = (phase: Phase, isProbe: boolean, sentDelivered: number) => {
      const by = new ByHand({ phase });
      by.flow.isBwProbeSample = isProbe;
      by.flow.onCongestion(by.sample({ sentDelivered, sentInFlight: 70_000 }), 'ecn');
      return by.flow;
    };
    for (const sentDelivered of [0, 900_000]) {
      const flow = marked(Phase.UP, true, sentDelivered);
      assert.equal(flow.phase, Phase.DOWN);
      assert.equal(flow.longTerm.inflight, 70_000);
    }
    assert.equal(marked(Phase.UP, true, -1).phase, Phase.UP, 'nothing was delivered');
    const cruising = marked(Phase.CRUISE, false, 900_000);
    assert.equal(cruising.longTerm.inflight, Number.POSITIVE_INFINITY);
    assert.equal(cruising.wasTooHigh, false);
  });

  test('BBR §3.7: after the marks the window is that of before them, not of an older episode', () => {
    const by = new ByHand({ cwnd: 60_000 });
    by.flow.episode.priorCwnd = 90_000;
    by.flow.onCongestion(by.sample(), 'ecn');
    by.flow.cwnd = 30_000;
    by.flow.onRecovered();
    assert.equal(by.flow.cwnd, 60_000);
  });

  test('BBR §3.7: a mark counts as a loss of its round trip', () => {
    const by = new ByHand();
    by.ack();
    by.flow.onCongestion(by.sample(), 'ecn');
    by.ack();
    by.endRound({ deliveryRate: 900 });
    assert.equal(by.flow.shortTerm.bw, 1000, 'what it delivered at best');
    const unmarked = new ByHand();
    unmarked.ack().ack().endRound({ deliveryRate: 900 });
    assert.equal(unmarked.flow.shortTerm.bw, Number.POSITIVE_INFINITY);
  });
});

describe('a pause', () => {
  test('BBR §5.4.1: it was one when nothing was in flight and the application, or PROBE-RTT, held back', () => {
    const restarts = (isIdle: boolean, isAppLimited: boolean, quietUntil: number) => {
      const by = new ByHand({ phase: Phase.UP });
      by.flow.quietUntil = quietUntil;
      by.flow.onSent(MSS, isIdle, isAppLimited, by.now);
      return by.flow.isIdleRestart;
    };
    assert.equal(restarts(true, true, -1), true);
    assert.equal(restarts(false, true, -1), false);
    assert.equal(restarts(true, false, -1), false);
    assert.equal(restarts(false, false, 2_000_000), false);
    assert.equal(restarts(true, false, 1_000_000), true);
    assert.equal(restarts(true, false, 999_999), false);
  });

  test('BBR §5.4.1: in PROBE-BW the flow goes on at its bandwidth, elsewhere at its pace', () => {
    for (const phase of Object.values(Phase)) {
      const by = new ByHand({ phase });
      by.flow.pacingRate = 1234;
      by.flow.onSent(MSS, true, true, by.now);
      const isCycle = phase >= Phase.DOWN && phase <= Phase.UP;
      assert.equal(by.flow.pacingRate, isCycle ? 990 : 1234, `${phase}`);
    }
  });

  test('BBR §5.4.1: a bunch of ACKs before it has nothing to do with the next one', () => {
    const by = new ByHand();
    by.ack({ deliveredBytes: 30_000 });
    assert.equal(by.flow.extraAcked.bytes, 30_000);
    by.flow.onSent(MSS, true, true, by.now);
    by.now += 5;
    by.ack({ deliveredBytes: 14_000 });
    assert.equal(by.flow.extraAcked.bytes, 30_000);
    by.ack({ deliveredBytes: 20_000 });
    assert.equal(by.flow.extraAcked.bytes, 33_000, 'but what follows belongs together');
  });

  test('BBR §5.4.1: outside of PROBE-RTT it ends none, though one had been', () => {
    for (const phase of [Phase.STARTUP, Phase.DRAIN]) {
      const by = new ByHand({ phase });
      by.flow.probeRttDoneAt = 10;
      by.flow.episode.priorCwnd = 300_000;
      by.flow.onSent(MSS, true, true, by.now);
      assert.equal(by.flow.cwnd, 50_000, `${phase}`);
      assert.equal(by.flow.phase, phase);
    }
  });

  test('BBR §5.4.1: PROBE-RTT that has run its time ends with it, one that has not goes on', () => {
    for (const [doneAt, phase] of [
      [0, Phase.PROBE_RTT],
      [1000, Phase.PROBE_RTT],
      [999, Phase.CRUISE],
    ] as const) {
      const by = new ByHand({ phase: Phase.PROBE_RTT });
      by.flow.probeRttDoneAt = doneAt;
      by.flow.onSent(MSS, true, true, by.now);
      assert.equal(by.flow.phase, phase, `${doneAt}`);
    }
  });
});
