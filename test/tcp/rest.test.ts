// A connection at rest holds nothing of a sender. That it did shows in nothing but its memory: two connections live through
// the same, of which one is kept from resting.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bbr } from '../../src/tcp/congestion/bbr.js';
import { Connection } from '../../src/tcp/connection.js';
import { configWith } from '../../src/tcp/defaults.js';
import type { SegmentOut, SegmentSink } from '../../src/tcp/segment-out.js';
import { State } from '../../src/tcp/state.js';
import { openByCookie } from '../../src/tcp/syn-cookie.js';
import { IpAddress } from '../../src/wire/address.js';
import { ACK, SegmentView, SYN } from '../../src/wire/segment.js';
import { Bench } from './harness.js';

const PEER_ISS = 5000;
const RTT_MS = 12.5;

/** A server's connection, driven by hand. */
class Life implements SegmentSink {
  readonly writable = true;
  readonly sent: string[] = [];
  readonly connection: Connection;
  now = 1000;
  /** Of the peer, as it stands in its segments. */
  window = 65_535;
  private readonly view = new SegmentView();
  private peerNxt = PEER_ISS + 1;

  constructor(
    private readonly mayRest: boolean,
    config = configWith(),
    private readonly rttMs = RTT_MS,
    iss = 100,
  ) {
    const local = IpAddress.parse('10.0.0.1')!;
    const remote = IpAddress.parse('10.0.0.2')!;
    const tuple = { local, localPort: 7, remote, remotePort: 40_000 };
    this.connection = new Connection(
      1,
      tuple,
      config,
      { trace: null, initialSequence: () => iss },
      'passive',
    );
  }

  get holdsSender(): boolean {
    return (this.connection as unknown as { sender: object | null }).sender !== null;
  }

  segment(_connection: Connection, { seq, len, flags, wnd }: SegmentOut): void {
    this.sent.push(`${this.now} ${seq} ${len} ${flags} ${wnd}`);
  }

  /** Until it may rest, the owner waits for so long. */
  restAfterMs = 0;

  shakeHands(): void {
    Object.assign(this.view, { mss: 1460, windowScale: 7, sackPermitted: true, hasTimestamps: true });
    this.view.seq = PEER_ISS;
    this.view.flags = SYN;
    this.view.wnd = 65_535;
    this.view.len = 1;
    this.view.tsVal = 1;
    this.connection.openPassive(this.view, null, this.now);
    this.poll();
    Object.assign(this.view, { mss: -1, windowScale: -1, sackPermitted: false });
    this.now += this.rttMs;
    this.acknowledge();
    assert.equal(this.connection.state, State.ESTABLISHED);
    this.now += this.restAfterMs;
    if (this.mayRest && this.connection.mayRest) this.connection.rest();
  }

  /** Everything up to SND.NXT less `missing` bytes. */
  acknowledge(missing = 0): void {
    this.arrive((this.connection.snd.nxt - missing) | 0, 0);
  }

  arrive(ack: number, length: number): void {
    const { view } = this;
    view.bytes = new Uint8Array(length);
    view.seq = this.peerNxt;
    view.ack = ack;
    view.wnd = this.window;
    view.flags = ACK;
    view.payloadLength = length;
    view.len = length;
    view.tsVal++;
    view.tsEcr = Math.floor(this.now - this.rttMs);
    this.peerNxt += length;
    this.connection.onSegment(view, this.now);
    this.connection.receive(length, this.now);
    this.poll();
  }

  poll(): void {
    this.connection.pollTransmit(this.now, this);
  }

  timeout(): void {
    this.now = Math.max(this.now, this.connection.nextTimeout());
    this.connection.onTimer(this.now);
    this.poll();
  }

  /** What can be seen of it from outside. */
  seen() {
    const { connection, now } = this;
    return {
      sent: this.sent,
      status: connection.status(),
      info: connection.tcpInfo(now),
      events: connection.takeEvents(),
      now,
      next: connection.nextTimeout(),
    };
  }
}

/** Two that live through the same, made by `bear`. */
function twins(
  live: (life: Life) => void,
  restAfterMs = 0,
  bear = (mayRest: boolean) => new Life(mayRest),
): void {
  const [resting, awake] = [bear(true), bear(false)];
  for (const life of [resting, awake]) {
    life.restAfterMs = restAfterMs;
    life.shakeHands();
  }
  assert.equal(resting.holdsSender, false);
  assert.equal(awake.holdsSender, true);
  for (const life of [resting, awake]) live(life);
  assert.deepEqual(resting.seen(), awake.seen());
}

test('after a handshake a connection that waits holds nothing of a sender, and tells the same of itself', () => {
  twins((life) => {
    life.now += 60_000;
  });
});

test('how long after the handshake it goes to rest shows in nothing', () => {
  twins((life) => {
    life.now += 250_000;
    life.connection.send(new Uint8Array(3000), true, life.now);
    life.poll();
    life.now += 2 * RTT_MS;
    life.acknowledge();
  }, 90_000);
});

test('what it sends later, and what becomes of its window, is as if it had not rested', () => {
  twins((life) => {
    life.now += 5000;
    for (let round = 0; round < 8; round++) {
      life.connection.send(new Uint8Array(40_000), true, life.now);
      life.poll();
      life.now += RTT_MS;
      life.acknowledge(round % 3 === 2 ? 1448 : 0);
    }
    life.timeout();
    life.now += RTT_MS;
    life.acknowledge();
  });
});

test('RFC9293 MUST-20: nor does what a path says that has become silent', () => {
  twins((life) => {
    life.connection.send(new Uint8Array(3000), true, life.now);
    life.poll();
    for (let i = 0; i < 6; i++) life.timeout();
  });
});

test('RFC6582 §3.2: duplicate ACKs are heard after a rest, wherever the numbers stand', () => {
  const bear = (mayRest: boolean) => new Life(mayRest, configWith({ sack: false }), RTT_MS, -5000);
  twins(
    (life) => {
      life.connection.send(new Uint8Array(10_000), true, life.now);
      life.poll();
      life.now += RTT_MS;
      for (let i = 0; i < 3; i++) life.acknowledge(life.connection.inFlight);
      assert.equal(life.connection.retransmissions, 1);
    },
    0,
    bear,
  );
});

test('RFC9293 §3.8.6.2.1: after a rest a small window is no reason for a small segment', () => {
  twins((life) => {
    life.window = 1;
    life.acknowledge();
    life.connection.send(new Uint8Array(1000), true, life.now);
    life.poll();
    assert.equal(life.connection.inFlight, 0);
  });
});

test('a handshake of half a millisecond, at the beginning of the clock, is remembered over a rest', () => {
  const bear = (mayRest: boolean) => {
    const life = new Life(mayRest, configWith(), 0.5);
    life.now = 0;
    return life;
  };
  twins((life) => life.connection.send(new Uint8Array(1000), true, life.now), 0, bear);
});

test('what it receives after a rest is acknowledged as if it had not rested', () => {
  twins((life) => {
    for (let i = 0; i < 40; i++) {
      life.now += i % 7;
      life.arrive(life.connection.snd.nxt, 1448);
    }
    life.now += 1000;
  });
});

test('whichever part of the sender is asked for first after a rest, it is there again', () => {
  const parts = [
    'rtx',
    'flight',
    'rate',
    'rack',
    'rtt',
    'limited',
    'congestion',
    'validation',
    'pacer',
  ] as const;
  for (const part of parts) {
    const life = new Life(true);
    life.shakeHands();
    assert.equal(life.connection[part] === null, part === 'pacer', part);
    assert.equal(life.connection.flight.start, life.connection.snd.una);
  }
});

test('who has sent something does not rest any more', () => {
  const life = new Life(true);
  life.shakeHands();
  life.connection.send(new Uint8Array(10), true, life.now);
  life.poll();
  life.now += RTT_MS;
  life.acknowledge();
  assert.equal(life.holdsSender, true);
});

test('a lost SYN,ACK is remembered', () => {
  const life = new Life(true);
  const { connection } = life;
  const { acknowledge } = life;
  life.acknowledge = () => {
    life.timeout();
    acknowledge.call(life);
  };
  life.shakeHands();
  assert.ok(connection.retransmissions > 0);
  assert.equal(life.holdsSender, true);
});

test('a SYN,ACK that was sent again although the first had arrived is remembered', () => {
  const life = new Life(true, configWith(), 1500);
  const { acknowledge } = life;
  life.acknowledge = () => {
    const until = life.now;
    life.now -= 1500;
    life.timeout();
    life.now = until;
    acknowledge.call(life);
  };
  life.shakeHands();
  assert.equal(life.connection.retransmissions, 1);
  assert.equal(life.connection.rtt.srtt, 1500, 'the echo is that of the first');
  assert.equal(life.holdsSender, true);
});

test('a handshake of less than a millisecond is one', () => {
  const life = new Life(true, configWith(), 0.5);
  life.shakeHands();
  assert.equal(life.holdsSender, false);
});

test('who speaks first does not rest', () => {
  const life = new Life(true);
  const { acknowledge, connection } = life;
  life.acknowledge = () => {
    connection.send(new Uint8Array(10), true, life.now);
    acknowledge.call(life);
  };
  life.shakeHands();
  assert.equal(life.holdsSender, true);
});

test('nor does one that a SYN cookie opened, of whose handshake nothing was measured', () => {
  const bench = new Bench({ role: 'passive' });
  const { connection } = bench;
  const [syn, ack] = [new SegmentView(), new SegmentView()];
  Object.assign(syn, { seq: bench.irs, mss: 1000, wnd: 10_000 });
  ack.ack = bench.iss + 1;
  openByCookie(connection, syn, ack, bench.now);
  bench.queue(10);
  bench.peer('A 1 a1').expect('A 1 a1 [10]');
  connection.rest();
  bench.advance(1000).expect('A 1 a1 [10]');
});

test('RFC 4987 §3.6: a SYN-ACK that left as a cookie is one that may have to go again', () => {
  const bench = new Bench({ role: 'passive' });
  const [syn, ack] = [new SegmentView(), new SegmentView()];
  Object.assign(syn, { seq: bench.irs, mss: 1000, wnd: 10_000 });
  ack.ack = bench.iss + 1;
  openByCookie(bench.connection, syn, ack, bench.now);
  bench.flush().silent();
  bench.advance(bench.untilTimer).expect('SA 0 a1');
  bench.peer('A 1 a1').state('ESTABLISHED');
});

test('a controller that may have learnt something of the handshake is kept', () => {
  const life = new Life(true, configWith({ congestion: bbr }));
  life.shakeHands();
  assert.equal(life.holdsSender, true);
});
