// A link that takes nothing for a long time: RFC 9293 §3.8.3 counts for what never left, too.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { newReno } from '../../src/tcp/congestion/newreno.js';
import { State } from '../../src/tcp/state.js';
import { SegmentView, SYN } from '../../src/wire/segment.js';
import { Bench } from './harness.js';

function stalled(bench: Bench, ms: number): void {
  bench.writable = false;
  const end = bench.now + ms;
  while (bench.now < end && bench.connection.nextTimeout() <= end) {
    bench.now = Math.max(bench.now, bench.connection.nextTimeout());
    bench.connection.onTimer(bench.now);
    bench.connection.heldBack(bench.now);
  }
}

test('RFC9293 MUST-20: data that a full link holds back ends the connection at R2', () => {
  const bench = Bench.established({ config: { r2Ms: 100_000 } });
  bench.writable = false;
  bench.queue(1000);
  bench.connection.heldBack(bench.now);
  stalled(bench, 90_000);
  assert.equal(bench.connection.state, State.ESTABLISHED);
  stalled(bench, 20_000);
  assert.equal(bench.connection.state, State.CLOSED);
  assert.equal(bench.connection.error, 'ETIMEDOUT');
});

test('RFC6298 §5.1: the timeout of data counts from when it left, not from when it was held back', () => {
  const bench = Bench.established();
  bench.writable = false;
  bench.queue(1000);
  bench.connection.heldBack(bench.now);
  const deadline = bench.connection.nextTimeout();
  bench.now = deadline - 1;
  bench.writable = true;
  bench.flush();
  assert.equal(bench.take().length, 1);
  assert.ok(bench.connection.nextTimeout() > deadline + 1);
});

/** A way out with room for so many segments. */
function narrow(bench: Bench, room: number): { sent(): boolean } {
  const sink = {
    get writable() {
      return room > 0;
    },
    segment: (...args: Parameters<Bench['segment']>) => {
      room--;
      bench.segment(...args);
    },
  };
  return { sent: () => bench.connection.pollTransmit(bench.now, sink) };
}

describe('a full link gets nothing, and the rest once it has room', () => {
  const waiting: Record<string, [bench: () => Bench, segments: number]> = {
    'a reset': [() => quiet((b) => b.connection.abort(b.now)), 1],
    'duplicate ACKs': [() => quiet((b) => void b.inject('A 1001 a1 [10]').inject('A 2001 a1 [10]')), 2],
    'an ACK': [() => quiet((b) => b.connection.acknowledgeNow()), 1],
    data: [() => quiet((b) => void b.queue(3000)), 3],
    'the probe of keep-alive': [
      () => quiet((b) => void Object.assign(b.connection, { keepAliveDue: true })),
      1,
    ],
    'ACKs of another mark': [() => marked(), 2],
  };

  function quiet(act: (bench: Bench) => void): Bench {
    const bench = Bench.established({ peer: { window: 60_000 } });
    act(bench);
    return bench;
  }

  /** RFC 8257 §3.2: an ACK of what came before the marks changed is owed, and one of what came since. */
  function marked(): Bench {
    const exact = (mss: number, segments: number) =>
      Object.assign(newReno(mss, segments), { exactEcn: true });
    const bench = Bench.synSent({ config: { ecn: 'on', congestion: exact } });
    bench.peer('SAE 0 a1 <mss 1000>').settled('ESTABLISHED');
    bench.checkAcknowledgment = false;
    return bench.inject('A 1 a1 [900] e2').inject('A 901 a1 [10] e3');
  }

  for (const [what, [made, segments]] of Object.entries(waiting)) {
    test(what, () => {
      const bench = made();
      assert.equal(bench.connection.wantsTransmit, true);
      assert.equal(narrow(bench, 0).sent(), false);
      bench.silent();
      for (let i = 1; i <= segments; i++) {
        assert.equal(bench.connection.wantsTransmit, true, `${segments - i + 1} are still to leave`);
        narrow(bench, 1).sent();
        assert.equal(bench.take().length, 1);
      }
      assert.equal(bench.connection.wantsTransmit, false);
      assert.equal(narrow(bench, 1).sent(), true);
      bench.silent();
    });
  }
});

describe('what a full link leaves to the timers', () => {
  test('RFC6298 §5.1: data that could not leave is watched, an ACK is not', () => {
    const bench = Bench.established();
    bench.connection.acknowledgeNow();
    assert.equal(narrow(bench, 0).sent(), false);
    assert.equal(bench.connection.nextTimeout(), Number.POSITIVE_INFINITY);
    bench.queue(100);
    assert.equal(narrow(bench, 0).sent(), false);
    assert.ok(bench.connection.nextTimeout() < Number.POSITIVE_INFINITY);
  });

  test('RFC9293 §3.8.3: a SYN that could not leave is watched', () => {
    const bench = new Bench();
    bench.connection.openActive(bench.now);
    assert.equal(narrow(bench, 0).sent(), false);
    assert.ok(bench.connection.nextTimeout() < Number.POSITIVE_INFINITY);
  });

  test('RFC9293 §3.8.3: the wait of data begins when it is held back, however long nothing was sent before', () => {
    const bench = Bench.established({ config: { r2Ms: 100_000 } });
    bench.write(100);
    bench.peer('A 1 a101').advance(1_000_000).take();
    bench.writable = false;
    bench.queue(1000);
    bench.connection.heldBack(bench.now);
    stalled(bench, 90_000);
    assert.equal(bench.connection.state, State.ESTABLISHED);
  });

  test('RFC9293 §3.10.7.4: nothing in TIME-WAIT, also when more than 2 GiB were sent', () => {
    const bench = Bench.established();
    bench.write(1000);
    bench.peer('A 1 a1001').shutdown();
    bench.peer('A 1 a1002').inject('FA 1 a1002').state('TIME-WAIT');
    bench.connection.snd.iss = (bench.connection.snd.nxt + 0x4000_0000) | 0;
    const wait = bench.connection.nextTimeout();
    assert.equal(narrow(bench, 0).sent(), false);
    assert.equal(bench.connection.nextTimeout(), wait);
  });
});

test('RFC9293 §3.10.7.4: a half-open connection that was reset before its SYN-ACK left sends none', () => {
  const bench = new Bench({ role: 'passive' });
  bench.writable = false;
  const syn = new SegmentView();
  Object.assign(syn, { flags: SYN, seq: bench.irs, len: 1, mss: 1000, wnd: 10_000 });
  bench.connection.openPassive(syn, null, bench.now);
  bench.connection.heldBack(bench.now);
  bench.inject('R 1').state('LISTEN');
  bench.writable = true;
  bench.flush().silent();
});
