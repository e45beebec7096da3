// Packetization-layer path-MTU discovery (RFC 4821): a path that swallows large segments without a word.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ConnectionConfig } from '../../src/tcp/config.js';
import { Event } from '../../src/tcp/connection.js';
import { Pair, type Path } from '../tcp/harness.js';

const DELAY_MS = 10;

/** A sender that writes now and then, a reader that takes everything, and a path whose limit the test moves. */
class NarrowPath {
  /** Largest payload, options included, that passes. */
  carries = Number.POSITIVE_INFINITY;
  received = 0;
  readonly pair: Pair;
  /** The application writes fifteen full segments each time. */
  everyMs = 100;
  private nextWrite = 0;
  private timeoutsBefore = 0;

  constructor(config: Partial<ConnectionConfig> = {}) {
    const path: Path = (s) => (s.payload.length > this.carries ? [] : [DELAY_MS]);
    this.pair = new Pair({ config, path }, { path: () => [DELAY_MS] });
    this.pair.application = () => this.turn();
    this.pair.start();
  }

  private turn(): void {
    const { a, b, now } = this.pair;
    for (let bytes = b.connection?.receive(1e6, now); bytes; bytes = b.connection?.receive(1e6, now)) {
      this.received += bytes.length;
    }
    if (a.connection === null || (a.events & Event.ESTABLISHED) === 0 || now < this.nextWrite) return;
    this.nextWrite = now + this.everyMs;
    a.connection.send(new Uint8Array(15 * 1448), true, now);
  }

  run(ms: number): void {
    const until = this.pair.now + ms;
    while (this.pair.now < until) {
      this.pair.advance(Math.min(this.everyMs, until - this.pair.now));
      this.pair.turn();
    }
  }

  get sender() {
    return this.pair.a.connection!;
  }

  /** Timeouts since the last call. */
  takeTimeouts(): number {
    const { timers } = this.pair.a.recorder;
    const fired = timers.filter(({ name, op }) => name === 'rto' && op === 'fire').length;
    const before = this.timeoutsBefore;
    this.timeoutsBefore = fired;
    return fired - before;
  }
}

describe('black hole', () => {
  test('RFC4821 §7.7: after two timeouts the segments shrink to the base size and the data flows again', () => {
    const world = new NarrowPath();
    world.run(500);
    assert.ok(world.received > 50_000);
    world.carries = 1220;
    world.run(3000);
    const before = world.received;
    assert.ok(world.takeTimeouts() <= 4, 'no timeout beyond those that found it');
    world.run(2000);
    assert.ok(world.received > before + 100_000, `${world.received - before} bytes in two seconds`);
  });

  test('RFC4821 §7.3: probes find the largest size that passes, to within 32 bytes, and cost no timeout', () => {
    const world = new NarrowPath();
    world.run(500);
    world.carries = 1220;
    world.run(8000);
    world.takeTimeouts();
    world.run(30_000);
    assert.equal(world.takeTimeouts(), 0);
    const { pathMss } = world.sender;
    assert.ok(pathMss <= 1220 && pathMss > 1220 - 33, `${pathMss} of 1220`);
  });

  test('RFC4821 §7.6.2: a lost probe is no sign of congestion', () => {
    const world = new NarrowPath();
    world.run(500);
    world.carries = 1220;
    world.run(8000);
    const { congestion } = world.sender;
    const ssthresh = congestion.ssthresh;
    world.run(20_000);
    assert.equal(congestion.ssthresh, ssthresh);
  });

  test('RFC4821 §7.4: after an outage the old size comes back with the first probe', () => {
    const world = new NarrowPath();
    world.run(500);
    world.carries = 0;
    world.run(4000);
    assert.ok(world.sender.pathMss < 1460);
    world.carries = Number.POSITIVE_INFINITY;
    world.run(10_000);
    assert.equal(world.sender.pathMss, 1460);
  });

  test('RFC4821 §7.4: ten minutes later a bound that was found is doubted, and a wider path is used', () => {
    const world = new NarrowPath();
    world.run(500);
    world.carries = 1220;
    world.run(20_000);
    world.carries = Number.POSITIVE_INFINITY;
    world.everyMs = 5000;
    world.run(60_000);
    assert.ok(world.sender.pathMss <= 1220);
    world.run(600_000);
    assert.equal(world.sender.pathMss, 1460);
  });

  test('RFC4821 §7.7: a base that does not pass either gives way to the least size of all paths', () => {
    const world = new NarrowPath();
    world.run(500);
    world.carries = 700;
    world.run(20_000);
    const before = world.received;
    world.run(2000);
    assert.ok(world.received > before + 20_000);
  });

  test('with probeBaseMss 0 the size stays', () => {
    const world = new NarrowPath({ probeBaseMss: 0 });
    world.run(500);
    world.carries = 1220;
    world.run(5000);
    assert.equal(world.sender.pathMss, 1460);
  });
});
