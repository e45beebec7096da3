// The probes of packetization-layer path-MTU discovery (RFC 4821 §7), segment by segment, against a scripted peer.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Controller } from '../../src/tcp/congestion/controller.js';
import type { Bench } from '../tcp/harness.js';
import { type FlightOptions, flight } from '../tcp/sacking.js';

const TOP = 1000;
const BASE = 600;
const FLOOR_V4 = 512;
const FOLLOWERS = 4;
const TIMESTAMP_BYTES = 12;

/** A window that stays as the test sets it, and a count of what is said against it. */
class Steady implements Controller {
  readonly name = 'steady';
  cwnd = 100_000;
  ssthresh = Number.MAX_SAFE_INTEGER;
  readonly inSlowStart = false;
  reductions = 0;
  setMss(): void {}
  onAck(): void {}
  onCongestion(): void {
    this.reductions++;
    this.ssthresh = this.cwnd;
  }
  onTimeout(): void {}
  onSpurious(): void {}
  onIdle(): void {}
}

/** A sender on a path that has begun to swallow segments of `TOP` bytes. */
class Suspicious {
  readonly controller = new Steady();
  readonly bench: Bench;
  /** Payload of the segments that left since the last look. */
  readonly sizes = () => this.bench.take().map((s) => s.payload.length);

  constructor(options: FlightOptions = {}) {
    const { config, ...more } = options;
    this.bench = flight(4, {
      iss: 0x9000_0000,
      ...more,
      config: { probeBaseMss: BASE, congestion: () => this.controller, ...config },
    });
    this.bench.checkSize = false;
    this.sizes();
  }

  /** Payload of the first segment that the latest timeout sent again. */
  resent(): number {
    const [first] = this.bench.take().filter(({ at }) => at === this.bench.now);
    return first!.payload.length;
  }

  get probing() {
    return this.bench.connection.mtuProbing!;
  }

  get pathMss(): number {
    return this.bench.connection.pathMss;
  }

  /** Waits for `count` timeouts, none of which brings anything back. */
  timeouts(count: number): this {
    const { recorder } = this.bench;
    const fired = () => recorder.timers.filter(({ name, op }) => name === 'rto' && op === 'fire').length;
    const until = fired() + count;
    while (fired() < until) this.bench.advance(this.bench.untilTimer);
    return this;
  }

  /** The peer has all that was sent. */
  acknowledgeAll(): this {
    this.bench.peer(`A 1 a${this.bench.status.sndNxt}`);
    return this;
  }

  /** Two timeouts, and the smaller segments arrive: all is acknowledged, and probes may begin. */
  fallBack(): this {
    this.timeouts(2).acknowledgeAll();
    this.bench.advance(this.bench.status.rtoMs);
    this.sizes();
    return this;
  }

  /** Data for a probe of `size` and its followers, and so many bytes more. */
  writeForProbe(size: number, more = 0): number[] {
    this.bench.write(size + FOLLOWERS * this.bench.status.sendMss + more);
    return this.sizes();
  }

  /** The path carries `limit` bytes: the peer reports what came behind a larger probe, and gets it in pieces. */
  probe(limit: number, size: number): number {
    const before = this.bench.status.sndNxt;
    const [first = 0] = this.writeForProbe(size);
    if (first > this.bench.status.sendMss && first > limit) {
      this.bench.peer(`A 1 a${before} <sack ${before + first}:${this.bench.status.sndNxt}>`);
      this.sizes();
    }
    this.acknowledgeAll();
    return first;
  }

  /** Probes until no more is tried; returns their sizes. */
  search(limit: number): number[] {
    const tried: number[] = [];
    for (let size = 1; size > 0 && tried.length < 20; ) {
      const small = this.bench.status.sendMss;
      size = this.probe(limit, TOP);
      if (size > small) tried.push(size);
      else size = 0;
    }
    return tried;
  }
}

describe('the fallback', () => {
  test('RFC4821 §7.7: the second timeout of a large segment, and not the first, sends it at the base size', () => {
    const sender = new Suspicious();
    assert.equal(sender.timeouts(1).resent(), TOP);
    assert.equal(sender.pathMss, TOP);
    assert.equal(sender.timeouts(1).resent(), BASE);
    assert.equal(sender.pathMss, BASE);
  });

  test('RFC4821 §7.7: where the base is lost as well, the least of all paths, and no less', () => {
    const sender = new Suspicious();
    sender.timeouts(2).sizes();
    assert.equal(sender.timeouts(1).resent(), FLOOR_V4);
    assert.equal(sender.timeouts(3).resent(), FLOOR_V4);
    assert.equal(sender.pathMss, FLOOR_V4);
  });

  test('RFC4821 §7.2: a base below the least of all paths is raised to it', () => {
    const sender = new Suspicious({ config: { probeBaseMss: 100 } });
    assert.equal(sender.timeouts(2).resent(), FLOOR_V4);
  });

  test('RFC4821 §7.7: what is no larger than the base was not lost for its size', () => {
    for (const size of [BASE, FLOOR_V4]) {
      const sender = new Suspicious({ waiting: 0 });
      sender.acknowledgeAll();
      sender.bench.write(size);
      sender.timeouts(2);
      assert.equal(sender.pathMss, size > FLOOR_V4 ? FLOOR_V4 : TOP);
    }
    const sender = new Suspicious();
    sender.acknowledgeAll();
    sender.bench.write(FLOOR_V4);
    sender.timeouts(4);
    assert.equal(sender.pathMss, TOP);
    assert.equal(sender.bench.connection.mtuProbing, null);
  });

  test('RFC4821 §7.7: nor does a SYN prove anything by its silence', () => {
    const sender = new Suspicious();
    assert.equal(sender.bench.connection.mtuProbing, null);
  });

  test('a path that is known to be narrower than the base meanwhile stays so', () => {
    const sender = new Suspicious();
    sender.timeouts(1);
    sender.bench.connection.onPathMtuChanged(BASE - 50);
    sender.timeouts(1);
    assert.equal(sender.pathMss, BASE - 50);
  });

  test('with probeBaseMss 0 nothing is suspected', () => {
    const sender = new Suspicious({ config: { probeBaseMss: 0 } });
    assert.equal(sender.timeouts(4).resent(), TOP);
  });
});

describe('a probe', () => {
  test('RFC4821 §7.4: the size of before is tried first: one segment of it, then four of the size in use', () => {
    const sender = new Suspicious().fallBack();
    assert.deepEqual(sender.writeForProbe(TOP), [TOP, BASE, BASE, BASE, BASE]);
  });

  test('RFC4821 §7.3: there is one at a time', () => {
    const sender = new Suspicious().fallBack();
    const sizes = sender.writeForProbe(TOP, 20 * BASE);
    assert.deepEqual(sizes, [TOP, ...Array<number>(FOLLOWERS + 20).fill(BASE)]);
  });

  test('RFC4821 §7.3: no probe without the data of four segments behind it', () => {
    const sender = new Suspicious().fallBack();
    assert.equal(sender.writeForProbe(TOP, -1)[0], BASE);
  });

  test('RFC4821 §7.3: nor where the peer’s window has no room for them', () => {
    const needed = TOP + FOLLOWERS * BASE;
    for (const [window, first] of [
      [needed - 1, BASE],
      [needed, TOP],
    ] as const) {
      const sender = new Suspicious().fallBack();
      sender.bench.peerWindow = window;
      sender.bench.peer(`A 1 a${sender.bench.status.sndNxt}`);
      assert.equal(sender.writeForProbe(TOP, 10_000)[0], first, `window ${window}`);
    }
  });

  test('RFC4821 §7.3: nor where the congestion window has none, what is in flight counted', () => {
    const needed = TOP + FOLLOWERS * BASE;
    for (const [window, first] of [
      [BASE + needed - 1, BASE],
      [BASE + needed, TOP],
    ] as const) {
      const sender = new Suspicious().fallBack();
      sender.bench.write(BASE);
      sender.sizes();
      sender.controller.cwnd = window;
      assert.equal(sender.writeForProbe(TOP, 10_000)[0], first, `window ${window}`);
    }
  });

  test('RFC4821 §7.4: none before one timeout has passed since the fallback', () => {
    const sender = new Suspicious();
    sender.timeouts(1);
    const { rtoMs } = sender.bench.status;
    sender.timeouts(1);
    sender.acknowledgeAll();
    sender.sizes();
    sender.bench.advance(rtoMs - 1);
    assert.equal(sender.writeForProbe(TOP)[0], BASE);
    sender.acknowledgeAll();
    sender.bench.advance(1);
    assert.equal(sender.writeForProbe(TOP)[0], TOP);
  });

  test('RFC4821 §7.3: none while segments were overtaken, with SACK or without', () => {
    for (const sack of [true, false]) {
      const sender = new Suspicious({ sack }).fallBack();
      sender.bench.write(2 * BASE);
      sender.sizes();
      const una = sender.bench.status.sndUna;
      sender.bench.advance(10);
      sender.bench.peer(`A 1 a${una}${sack ? ` <sack ${una + BASE}:${una + 2 * BASE}>` : ''}`);
      assert.equal(sender.writeForProbe(TOP)[0], BASE, sack ? 'SACK' : 'duplicate ACK');
    }
  });

  test('RFC4821 §7.3: none while a tail loss probe is out', () => {
    const sender = new Suspicious().fallBack();
    sender.bench.write(BASE);
    sender.acknowledgeAll();
    sender.bench.write(BASE);
    sender.bench.advance(sender.bench.untilTimer);
    assert.deepEqual(sender.sizes(), [BASE, BASE, BASE]);
    assert.equal(sender.writeForProbe(TOP)[0], BASE);
    sender.acknowledgeAll();
    assert.equal(sender.writeForProbe(TOP)[0], TOP);
  });

  test('RFC4821 §7.3: none while the window sinks because of a mark', () => {
    const sender = new Suspicious({ config: { ecn: 'on' }, ecn: true }).fallBack();
    sender.bench.write(2 * BASE);
    sender.bench.peer(`AE 1 a${sender.bench.status.sndUna + BASE}`);
    sender.sizes();
    assert.equal(sender.writeForProbe(TOP)[0], BASE);
    while (sender.bench.status.inFlight > 0) sender.acknowledgeAll();
    sender.sizes();
    assert.equal(sender.writeForProbe(TOP)[0], TOP);
  });

  test('RFC4821 §7.3: none while the losses of a timeout are repaired', () => {
    const sender = new Suspicious().fallBack();
    sender.bench.write(4 * BASE);
    sender.timeouts(1);
    sender.sizes();
    sender.bench.peer(`A 1 a${sender.bench.status.sndUna + BASE}`);
    assert.equal(sender.writeForProbe(TOP)[0], BASE);
  });

  test('RFC4821 §7.2: no larger than the peer takes', () => {
    const sender = new Suspicious({ config: { pathMss: TOP + 200 } }).fallBack();
    assert.equal(sender.probe(TOP, TOP), TOP);
    assert.equal(sender.pathMss, TOP);
    assert.deepEqual(sender.writeForProbe(TOP + 200)[0], TOP);
    sender.acknowledgeAll();
    assert.equal(sender.pathMss, TOP);
  });

  test('RFC4821 §7.2: timestamps come off its size', () => {
    const sender = new Suspicious({ timestamps: true });
    const { bench } = sender;
    const acknowledge = (n: number) =>
      bench.peer(`A 1 a${bench.status.sndNxt} <ts ${500 + n} ${bench.history.at(-1)!.options.ts![0]}>`);
    sender.timeouts(2);
    assert.equal(sender.resent(), BASE - TIMESTAMP_BYTES);
    acknowledge(1);
    bench.advance(2000);
    assert.equal(sender.writeForProbe(TOP)[0], TOP - TIMESTAMP_BYTES);
    acknowledge(2);
    assert.equal(sender.pathMss, TOP);
    assert.equal(bench.status.sendMss, TOP - TIMESTAMP_BYTES);
  });
});

describe('what became of it', () => {
  test('RFC4821 §7.6.1: a probe that is acknowledged sets the size from then on', () => {
    const sender = new Suspicious().fallBack();
    sender.writeForProbe(TOP);
    const probe = sender.bench.status.sndUna + TOP;
    sender.bench.peer(`A 1 a${probe - 1}`);
    assert.equal(sender.pathMss, BASE, 'not by a part of it');
    sender.bench.peer(`A 1 a${probe}`);
    assert.equal(sender.pathMss, TOP);
    sender.acknowledgeAll();
    assert.deepEqual(sender.writeForProbe(TOP), Array<number>(5).fill(TOP));
  });

  test('RFC4821 §7.6.1: so does one that SACK reports behind a hole', () => {
    const sender = new Suspicious().fallBack();
    sender.controller.cwnd = BASE;
    sender.bench.write(BASE);
    sender.controller.cwnd = 100_000;
    sender.sizes();
    const una = sender.bench.status.sndUna;
    assert.equal(sender.writeForProbe(TOP)[0], TOP);
    const begin = una + BASE;
    sender.bench.peer(`A 1 a${una} <sack ${begin + TOP}:${begin + TOP + BASE}>`);
    assert.equal(sender.pathMss, BASE, 'not by what follows it');
    sender.bench.peer(`A 1 a${una} <sack ${begin}:${begin + TOP + BASE}>`);
    assert.equal(sender.pathMss, TOP);
  });

  test('RFC4821 §7.6.2: a probe that alone is lost goes again in pieces, and no congestion is seen in it', () => {
    const sender = new Suspicious().fallBack();
    sender.writeForProbe(TOP);
    const { sndUna, sndNxt } = sender.bench.status;
    sender.bench.peer(`A 1 a${sndUna} <sack ${sndUna + TOP}:${sndNxt}>`);
    assert.deepEqual(sender.sizes(), [BASE, TOP - BASE]);
    assert.equal(sender.controller.reductions, 0);
    assert.equal(sender.bench.connection.tcpInfo(sender.bench.now).caState, 'disorder');
    assert.equal(sender.pathMss, BASE);
  });

  test('RFC4821 §7.6.2: until it is repaired there is no other, and its pieces may be lost again', () => {
    const sender = new Suspicious().fallBack();
    sender.writeForProbe(TOP);
    const { sndUna, sndNxt } = sender.bench.status;
    sender.bench.peer(`A 1 a${sndUna} <sack ${sndUna + TOP}:${sndNxt}>`);
    sender.sizes();
    sender.bench.peer(`A 1 a${sndUna + BASE} <sack ${sndUna + TOP}:${sndNxt}>`);
    assert.equal(sender.controller.reductions, 0);
    assert.equal(sender.probing.isRepairing, true);
    sender.bench.peer(`A 1 a${sndNxt}`);
    assert.equal(sender.probing.isRepairing, false);
    sender.sizes();
    const [next = 0] = sender.writeForProbe(TOP);
    assert.ok(next > BASE && next < TOP, `${next}`);
  });

  test('RFC4821 §7.6.2: nor is congestion seen where one of the pieces arrives before the other', () => {
    const sender = new Suspicious().fallBack();
    sender.writeForProbe(TOP);
    const { sndUna, sndNxt } = sender.bench.status;
    sender.bench.peer(`A 1 a${sndUna} <sack ${sndUna + TOP}:${sndNxt}>`);
    sender.bench.peer(`A 1 a${sndUna} <sack ${sndUna + BASE}:${sndNxt}>`);
    assert.equal(sender.controller.reductions, 0);
  });

  test('RFC4821 §7.6.2: what is lost when the search is over is congestion', () => {
    const sender = new Suspicious().fallBack();
    sender.search(BASE + 10);
    sender.writeForProbe(TOP);
    const { sndUna, sndNxt } = sender.bench.status;
    sender.bench.peer(`A 1 a${sndUna} <sack ${sndUna + BASE}:${sndNxt}>`);
    assert.equal(sender.controller.reductions, 1);
  });

  test('RFC4821 §7.6.2: another segment that is lost with it is congestion', () => {
    const sender = new Suspicious().fallBack();
    sender.writeForProbe(TOP, BASE);
    const { sndUna, sndNxt } = sender.bench.status;
    sender.bench.peer(`A 1 a${sndUna} <sack ${sndUna + TOP + BASE}:${sndNxt}>`);
    assert.equal(sender.controller.reductions, 1);
  });

  test('RFC4821 §7.6.2: so is one that is lost after the probe arrived', () => {
    const sender = new Suspicious().fallBack();
    sender.writeForProbe(TOP);
    const { sndUna, sndNxt } = sender.bench.status;
    sender.bench.peer(`A 1 a${sndUna + TOP} <sack ${sndUna + TOP + BASE}:${sndNxt}>`);
    assert.equal(sender.controller.reductions, 1);
  });

  test('RFC4821 §7.6.4: a timeout while a probe is out counts as its loss, whatever else was lost', () => {
    const sender = new Suspicious().fallBack();
    sender.writeForProbe(TOP);
    sender.timeouts(1).acknowledgeAll();
    sender.sizes();
    const [next = 0] = sender.writeForProbe(TOP);
    assert.ok(next > BASE && next < TOP, `${next}`);
  });
});

test('RFC4821 §7.6.4: a timeout ends the repair of a probe: what is lost behind it is not its loss', () => {
  const sender = new Suspicious().fallBack();
  sender.writeForProbe(TOP);
  const { sndUna, sndNxt } = sender.bench.status;
  sender.bench.peer(`A 1 a${sndUna} <sack ${sndUna + TOP}:${sndNxt}>`);
  assert.equal(sender.probing.isRepairing, true);
  sender.timeouts(1);
  assert.equal(sender.probing.isRepairing, false);
});

describe('the search', () => {
  test('RFC4821 §7.4: a timeout between two probes does not end it', () => {
    const sender = new Suspicious().fallBack();
    sender.bench.write(BASE);
    sender.timeouts(1).acknowledgeAll();
    sender.sizes();
    assert.equal(sender.writeForProbe(TOP)[0], TOP);
  });

  test('RFC4821 §7.4: a size that is known to pass again is not probed for; the search goes on above it', () => {
    const sender = new Suspicious().fallBack();
    assert.equal(sender.probe(BASE, TOP), TOP);
    const passed = sender.probe(TOP, TOP);
    assert.ok(passed > BASE && passed < TOP);
    sender.bench.write(passed);
    sender.sizes();
    sender.fallBack();
    sender.bench.connection.onPathMtuChanged(passed);
    const next = sender.probe(TOP, TOP);
    assert.ok(next > passed && next < TOP, `${next}`);
  });

  test('RFC4821 §7.4: each probe lies between what passed and what did not, until they are 32 bytes apart', () => {
    for (const limit of [601, 633, 700, 811, 999]) {
      const sender = new Suspicious().fallBack();
      const tried = sender.search(limit);
      let low = BASE;
      let high = TOP + 1;
      for (const size of tried) {
        assert.ok(size > low && size < high, `${size} between ${low} and ${high}`);
        assert.ok(high - low > 32, `no need for ${size} between ${low} and ${high}`);
        if (size > limit) high = size;
        else low = size;
      }
      assert.equal(tried[0], TOP);
      assert.ok(high - low <= 32, `${low} to ${high}`);
      assert.ok(tried.length <= 6, tried.join());
      assert.equal(sender.pathMss, low);
      assert.equal(sender.controller.reductions, 0);
    }
  });

  test('RFC4821 §7.4: bounds 32 bytes apart are near enough', () => {
    for (const [mss, first] of [
      [BASE + 32, BASE],
      [BASE + 33, BASE + 33],
    ] as const) {
      const sender = new Suspicious({ config: { pathMss: mss } }).fallBack();
      assert.equal(sender.writeForProbe(mss)[0], first, `${mss}`);
    }
  });

  test('RFC4821 §7.4: ten minutes after the last failure, not sooner, the size of before is tried anew', () => {
    const sender = new Suspicious().fallBack();
    let failedAt = 0;
    for (let before = 0; before !== sender.bench.now; ) {
      before = sender.bench.now;
      const low = sender.pathMss;
      if (sender.probe(700, TOP) > low && sender.pathMss === low) failedAt = sender.bench.now;
      if (sender.probe(700, TOP) > low) sender.bench.advance(1);
    }
    const small = sender.pathMss;
    sender.bench.advance(failedAt + 600_000 - 1 - sender.bench.now);
    assert.equal(sender.probe(TOP, TOP), small);
    sender.bench.advance(1);
    assert.equal(sender.probe(700, TOP), TOP);
    // It fails again, and that is remembered for ten minutes.
    const again = sender.search(700);
    assert.ok(again.length > 0 && again.every((size) => size > small && size < TOP), again.join());
    assert.equal(sender.pathMss > 700 - 32, true);
  });

  test('RFC4821 §7.4: after each outage the size of before is what is tried first', () => {
    const sender = new Suspicious().fallBack();
    assert.equal(sender.probe(TOP, TOP), TOP);
    sender.bench.write(TOP);
    sender.sizes();
    sender.fallBack();
    assert.equal(sender.pathMss, BASE);
    assert.equal(sender.probe(TOP, TOP), TOP);
    assert.equal(sender.pathMss, TOP);
  });

  test('RFC4821 §7.4: also when the base was lost as well', () => {
    const sender = new Suspicious();
    sender.timeouts(3).acknowledgeAll();
    sender.bench.advance(sender.bench.status.rtoMs);
    sender.sizes();
    assert.equal(sender.pathMss, FLOOR_V4);
    assert.equal(sender.probe(TOP, TOP), TOP);
  });

  test('RFC4821 §7.4: an outage on a path that was found to be narrow brings back what was in use, and no more', () => {
    const sender = new Suspicious().fallBack();
    sender.search(811);
    const found = sender.pathMss;
    sender.bench.write(found);
    sender.sizes();
    sender.fallBack();
    const tried = sender.search(811);
    assert.equal(tried[0], found);
    assert.ok(
      tried.every((size) => size < TOP),
      tried.join(),
    );
    assert.equal(sender.pathMss, found);
  });
});
