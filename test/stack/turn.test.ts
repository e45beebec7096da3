import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { impair } from '../../src/link/impair.js';
import { VirtualClock } from '../../src/stack/clock.js';
import type { Endpoint, EndpointHandler } from '../../src/stack/endpoint.js';
import { PacketHint } from '../../src/stack/link.js';
import type { StackOptions } from '../../src/stack/stack.js';
import { Event } from '../../src/tcp/connection.js';
import { State } from '../../src/tcp/state.js';
import { ACK, PSH, RST, SYN } from '../../src/wire/segment.js';
import { batchOf, fromPeer, ip, LOCAL, PEER, TestLink, testStack } from './test-link.js';

/** A stack with connections to port 80 of the peer, established, from local ports 6000 on. */
function connected(
  count: number,
  options: Partial<StackOptions> = {},
  handler: EndpointHandler | null = null,
  link = new TestLink(),
) {
  const world = testStack(options, link);
  const endpoints: Endpoint[] = [];
  for (let i = 0; i < count; i++) {
    const endpoint = world.stack.connect({ remote: PEER, remotePort: 80, localPort: 6000 + i }, handler);
    endpoints.push(endpoint);
  }
  world.settle();
  for (let i = 0; i < count; i++)
    world.link.inject(toUs(i, { flags: SYN | ACK, seq: 99, options: Uint8Array.of(2, 4, 5, 180) }));
  world.link.sent.length = 0;
  for (const endpoint of endpoints) assert.equal(endpoint.connection.state, State.ESTABLISHED);
  return { ...world, endpoints };
}

/** A segment to connection `i`. */
function toUs(i: number, fields: Parameters<typeof fromPeer>[0]): Uint8Array {
  return fromPeer({ sourcePort: 80, destinationPort: 6000 + i, seq: 100, ack: 1001, ...fields });
}

describe('a turn', () => {
  it('RFC9293 MUST-58 MUST-59: processes a batch in full before one ACK covers it', () => {
    const { link } = connected(1);
    const payload = new Uint8Array(100);
    const flushes = link.flushes;
    link.inject(...[0, 1, 2, 3, 4, 5].map((k) => toUs(0, { flags: ACK | PSH, seq: 100 + 100 * k, payload })));
    const acks = link.takeSegments();
    assert.deepEqual(
      acks.map((s) => s.ack),
      [700],
    );
    assert.equal(link.flushes, flushes + 1);
  });

  it('waits for what a batch announces: one ACK covers all, and the user hears of all at once', () => {
    for (const ending of ['another batch', 'nothing'] as const) {
      const heard: number[] = [];
      const handler: EndpointHandler = {
        onEvents(endpoint, events) {
          if (events & Event.READABLE) heard.push(endpoint.receive(10_000)!.length);
        },
      };
      const { link } = connected(1, {}, handler);
      const payload = new Uint8Array(100);
      const deliver = (k: number, more: boolean) =>
        link.receiver!.receive({
          ...batchOf([toUs(0, { flags: ACK | PSH, seq: 100 + 100 * k, payload })], link.packetIds),
          more,
        });
      deliver(0, true);
      deliver(1, true);
      assert.deepEqual([heard, link.takeSegments().length], [[], 0]);
      if (ending === 'nothing') link.receiver!.caughtUp!();
      else deliver(2, false);
      const all = ending === 'nothing' ? 200 : 300;
      assert.deepEqual(heard, [all]);
      assert.deepEqual(
        link.takeSegments().map((s) => s.ack),
        [100 + all],
      );
    }
  });

  it('calls handlers after the batch, and sends what they wrote with the ACK', () => {
    const seen: number[] = [];
    const handler: EndpointHandler = {
      onEvents(endpoint, events) {
        if (!(events & Event.READABLE)) return;
        const bytes = endpoint.receive(1000)!;
        seen.push(bytes.length);
        endpoint.send(bytes, true);
      },
    };
    const { link } = connected(1, {}, handler);
    const payload = new Uint8Array(10).fill(3);
    link.inject(toUs(0, { flags: ACK | PSH, payload }), toUs(0, { flags: ACK | PSH, seq: 110, payload }));
    assert.deepEqual(seen, [20]);
    const [echo, ...rest] = link.takeSegments();
    assert.equal(rest.length, 0);
    assert.deepEqual([echo!.ack, echo!.payload.length], [120, 20]);
  });

  it('leaves what a connection owes to the end of the task where its user is about to answer, and to that one only', () => {
    let answering: Endpoint[] = [];
    const handler: EndpointHandler = {
      onEvents(endpoint, events) {
        if (!(events & Event.READABLE)) return;
        endpoint.receive(1000);
        if (answering.includes(endpoint)) endpoint.leaveToUser();
      },
    };
    const { link, endpoints, settle } = connected(3, {}, handler);
    const segments = () => link.takeSegments().map((s) => [s.sourcePort, s.ack, s.payload.length]);
    const payload = new Uint8Array(10);
    answering = endpoints.slice(0, 2);
    link.inject(...[0, 1, 2].map((i) => toUs(i, { flags: ACK | PSH, payload })));
    assert.deepEqual(segments(), [[6002, 110, 0]]);
    endpoints[0]!.send(Uint8Array.of(1, 2), true);
    settle();
    assert.deepEqual(segments(), [
      [6000, 110, 2],
      [6001, 110, 0],
    ]);
    answering = [];
    endpoints[1]!.leaveToUser();
    link.inject(toUs(1, { flags: ACK | PSH, seq: 110, payload }));
    assert.deepEqual(segments(), [[6001, 120, 0]]);
  });

  it('puts calls from outside off to the end of the task, once', () => {
    const { link, endpoints, settle } = connected(3);
    const flushes = link.flushes;
    for (const endpoint of endpoints) endpoint.send(Uint8Array.of(1), true);
    for (const endpoint of endpoints) endpoint.setNagle(false);
    for (const endpoint of endpoints) endpoint.send(Uint8Array.of(2), true);
    assert.equal(link.sent.length, 0);
    settle();
    assert.deepEqual(
      link.takeSegments().map((s) => s.payload.length),
      [2, 2, 2],
    );
    assert.equal(link.flushes, flushes + 1);
  });

  it('ATTACKS 69: a handler may do anything to any connection', () => {
    let events: [number, number][] = [];
    let endpoints: Endpoint[] = [];
    const handler: EndpointHandler = {
      onEvents(endpoint, bits) {
        events.push([endpoint.tuple.localPort, bits]);
        if (!(bits & Event.READABLE)) return;
        for (const other of endpoints) if (other !== endpoint) other.abort();
        endpoint.close();
        endpoint.abort();
        endpoint.abort();
      },
    };
    const world = connected(3, {}, handler);
    endpoints = world.endpoints;
    events = [];
    const payload = Uint8Array.of(1);
    world.link.inject(
      toUs(0, { flags: ACK | PSH, payload }),
      toUs(1, { flags: ACK | PSH, payload }),
      toUs(2, { flags: RST }),
    );
    assert.equal([...world.stack.connections()].length, 0);
    for (const port of [6000, 6001, 6002]) {
      const closings = events.filter(([p, bits]) => p === port && bits & Event.CLOSED);
      assert.equal(closings.length, 1, `one CLOSED for ${port}`);
    }
    assert.equal(world.link.takeSegments().filter((s) => s.flags & RST).length, 2);
    assert.deepEqual(world.errors, []);
  });

  it('ATTACKS 71: a handler that throws stops nobody else; the error comes out after the turn', () => {
    let isOver = false;
    const reported: boolean[] = [];
    const handler: EndpointHandler = {
      onEvents(endpoint, bits) {
        if (!(bits & Event.READABLE)) return;
        endpoint.send(endpoint.receive(10)!, true);
        if (endpoint.tuple.localPort !== 6002) throw new Error(`from ${endpoint.tuple.localPort}`);
      },
    };
    const errors: string[] = [];
    const report = (error: unknown) => {
      reported.push(isOver);
      errors.push((error as Error).message);
    };
    const { link } = connected(3, { report }, handler);
    const flush = link.flush.bind(link);
    link.flush = () => {
      flush();
      isOver = true;
    };
    link.inject(...[0, 1, 2].map((i) => toUs(i, { flags: ACK | PSH, payload: Uint8Array.of(i) })));
    assert.deepEqual(errors, ['from 6000', 'from 6001']);
    assert.deepEqual(reported, [true, true]);
    assert.deepEqual(
      link.takeSegments().map((s) => s.payload[0]),
      [0, 1, 2],
    );
  });

  it('lets the error of a handler surface as an uncaught exception by default', () => {
    const script = `
      const { Stack } = await import(${JSON.stringify(new URL('../../src/stack/stack.js', import.meta.url))});
      const { TestLink, fromPeer } = await import(${JSON.stringify(new URL('./test-link.js', import.meta.url))});
      const link = new TestLink();
      const stack = new Stack({ link, addresses: ['10.9.0.2/24'], isn: { fixed: 0 } });
      stack.listen({ address: null, port: 80 }, { onAcceptable() { throw new Error('mine'); } });
      process.on('uncaughtException', (error) => {
        console.log('uncaught', error.message, [...stack.connections()].length);
        process.exit(7);
      });
      link.inject(fromPeer({ flags: 2, seq: 1 }));
      link.inject(fromPeer({ flags: 16, seq: 2, ack: 1 }));
      console.log('after');
    `;
    const { stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      timeout: 30_000,
    });
    assert.deepEqual([stdout, status], ['after\nuncaught mine 1\n', 7]);
  });

  it('bounds the calls of handlers that always have something new to tell', () => {
    let calls = 0;
    let endpoints: Endpoint[] = [];
    const handler: EndpointHandler = {
      onEvents() {
        calls++;
        // A soft event on the other connection, for ever.
        for (const { connection } of endpoints) connection.events |= Event.SOFT_ERROR;
        for (const endpoint of endpoints) endpoint.setNagle(true);
      },
    };
    const world = connected(2, { limits: { eventsPerTurn: 100 } }, handler);
    calls = 0;
    endpoints = world.endpoints;
    endpoints[0]!.connection.events |= Event.SOFT_ERROR;
    endpoints[0]!.setNagle(true);
    world.settle();
    assert.ok(calls > 10 && calls <= 100, `${calls} calls`);
    const before = calls;
    endpoints = [];
    world.clock.advance(1);
    assert.ok(calls > before, 'what was left over comes in a later turn');
  });

  it('RFC9293 MUST-58: bounds what users add in one turn, and others are told, and acknowledge, when that has left', () => {
    const told: number[] = [];
    const handler: EndpointHandler = {
      onEvents(endpoint, events) {
        if (!(events & Event.READABLE)) return;
        told.push(endpoint.tuple.localPort);
        endpoint.receive(1000);
        endpoint.send(new Uint8Array(600), true);
      },
    };
    const { link, clock, settle } = connected(5, { limits: { sendBytesPerTurn: 1000 } }, handler);
    const segments = () => link.takeSegments().map((s) => [s.sourcePort, s.ack, s.payload.length]);
    const payload = new Uint8Array(10);
    link.inject(...[0, 1, 2, 3, 4].map((i) => toUs(i, { flags: ACK | PSH, payload })));
    assert.deepEqual(told, [6000, 6001]);
    assert.deepEqual(
      segments(),
      [6000, 6001].map((port) => [port, 110, 600]),
    );
    clock.step();
    assert.deepEqual(told, [6000, 6001, 6002, 6003]);
    assert.deepEqual(
      segments(),
      [6002, 6003].map((port) => [port, 110, 600]),
    );
    clock.step();
    settle();
    assert.deepEqual(told, [6000, 6001, 6002, 6003, 6004]);
    assert.deepEqual(segments(), [[6004, 110, 600]]);
  });

  it('bounds the segments of one turn, and goes on with the rest', () => {
    const { link, endpoints, settle, clock } = connected(8, { limits: { segmentsPerTurn: 3 } });
    for (const endpoint of endpoints) endpoint.send(new Uint8Array(10), true);
    settle();
    assert.equal(link.takeSegments().length, 3);
    clock.step();
    assert.equal(link.takeSegments().length, 3);
    clock.step();
    assert.equal(link.takeSegments().length, 2);
  });

  it('bounds the timers of one turn, and goes on with the rest', () => {
    const { link, endpoints, settle, clock } = connected(8, { limits: { timersPerTurn: 3 } });
    for (const endpoint of endpoints) endpoint.send(new Uint8Array(10), true);
    settle();
    link.sent.length = 0;
    const sentPerTurn: number[] = [];
    for (let i = 0; i < 100 && link.sent.length < 8; i++) {
      const before = link.sent.length;
      clock.step();
      if (link.sent.length > before) sentPerTurn.push(link.sent.length - before);
    }
    assert.deepEqual(sentPerTurn, [3, 3, 2]);
  });
});

describe('closing', () => {
  it('RFC9293 §3.10.5: a handler that closes the stack still resets the peer', async () => {
    let closed: Promise<void> | null = null;
    const handler: EndpointHandler = {
      onEvents(_endpoint, events) {
        if (events & Event.READABLE) closed = world.stack.close();
      },
    };
    const world = connected(1, {}, handler);
    world.link.inject(toUs(0, { flags: ACK | PSH, payload: Uint8Array.of(1) }));
    await closed;
    assert.ok(world.link.takeSegments().some((segment) => (segment.flags & RST) !== 0));
  });
});

describe('timers', () => {
  it('RFC6298 §5.3: an ACK that waits in the device when the timer comes up is heard first', () => {
    const { link, endpoints, settle, clock, stack } = connected(1);
    endpoints[0]!.send(Uint8Array.of(1), true);
    settle();
    link.sent.length = 0;
    link.unread.push(toUs(0, { flags: ACK, ack: 1002 }));
    clock.advance(10_000);
    assert.equal(link.sent.length, 0);
    assert.equal(stack.stats.tcp.retransSegs, 0);
  });

  it('RFC6298 §5.3: timers wait for what has arrived at a link that cannot be pulled', () => {
    const { link, endpoints, settle, clock, stack } = connected(1);
    let waiting: (() => void)[] = [];
    Object.assign(link, { pull: () => 0, whenDelivered: (delivered: () => void) => waiting.push(delivered) });
    endpoints[0]!.send(Uint8Array.of(1), true);
    settle();
    link.sent.length = 0;
    clock.advance(10_000);
    assert.equal(waiting.length, 1, 'asked once, however often the wheel wakes up meanwhile');
    link.inject(toUs(0, { flags: ACK, ack: 1002 }));
    waiting.pop()!();
    assert.equal(stack.stats.tcp.retransSegs, 0);
    // The next time nothing has arrived, and the segment is sent again.
    endpoints[0]!.send(Uint8Array.of(2), true);
    settle();
    for (let i = 0; i < 60 && stack.stats.tcp.retransSegs === 0; i++) {
      clock.advance(1000);
      const calls = waiting;
      waiting = [];
      for (const delivered of calls) delivered();
    }
    assert.equal(stack.stats.tcp.retransSegs, 1);
  });
});

describe('back-pressure', () => {
  it('stops at a full link and goes on when it is writable, without losing or repeating anything', () => {
    const { link, endpoints, settle, stack } = connected(3);
    link.room = 2;
    const data = Uint8Array.from({ length: 3 * 1460 }, (_, i) => i);
    for (const endpoint of endpoints) endpoint.send(data, true);
    settle();
    assert.equal(link.sent.length, 2);
    for (let i = 0; i < 50 && link.sent.length < 9; i++) link.makeRoom(1);
    link.makeRoom(100);
    const segments = link.takeSegments();
    assert.equal(segments.length, 9);
    for (const endpoint of endpoints) {
      const own = segments.filter((s) => s.sourcePort === endpoint.tuple.localPort);
      const stream = own.flatMap((s) => [...s.payload]);
      assert.deepEqual(stream, [...data]);
    }
    assert.equal(stack.stats.ip.outDiscards, 0);
    assert.equal(stack.stats.tcp.retransSegs, 0);
  });

  it('keeps timers running while the link is full', () => {
    const { link, endpoints, settle, clock } = connected(1);
    endpoints[0]!.send(Uint8Array.of(1), true);
    settle();
    link.sent.length = 0;
    link.room = 0;
    clock.advance(900_000 * 2);
    assert.equal(endpoints[0]!.connection.error, 'ETIMEDOUT');
    assert.equal(link.sent.length, 0);
  });

  it('RFC9293 MUST-20: ends connections whose data never left, and connects that never began', () => {
    const { link, endpoints, settle, clock, stack } = connected(3);
    link.room = 0;
    for (const endpoint of endpoints) endpoint.send(Uint8Array.of(1), true);
    endpoints.push(stack.connect({ remote: PEER, remotePort: 81 }, null));
    settle();
    clock.advance(900_000 * 2);
    for (const { connection } of endpoints) assert.equal(connection.error, 'ETIMEDOUT');
    assert.equal([...stack.connections()].length, 0);
  });
});

describe('a connection on a link with offload', () => {
  it('leaves the checksum to the link, with the sum of the pseudo header in its place', () => {
    const link = new TestLink(1500, {
      transmitChecksum: true,
      receiveChecksum: false,
      maxSegmentationBytes: 0,
    });
    const { stack, settle } = testStack({}, link);
    stack.connect({ remote: PEER, remotePort: 80 }, null);
    settle();
    const [syn] = link.takeSegments();
    assert.equal(syn!.tcp.checksumOk, false);
    // 10.9.0.2 + 10.9.0.1 + 6 + length
    const length = syn!.tcp.headerLength;
    assert.equal(syn!.tcp.header.checksum, 0x0a09 + 2 + 0x0a09 + 1 + 6 + length);
    assert.deepEqual(link.work, [{ family: 4, transportOffset: 20, segmentBytes: 0 }]);
  });

  it('sends as one what the link cuts, and takes in as one what it joined, counting the segments', () => {
    const offload = { transmitChecksum: true, receiveChecksum: false, maxSegmentationBytes: 60_000 };
    const { link, endpoints, stack } = connected(1, {}, null, new TestLink(1500, offload));
    const { outSegs, inSegs } = stack.stats.tcp;
    link.work.length = 0;
    link.inject(toUs(0, { flags: ACK }));
    endpoints[0]!.send(new Uint8Array(10_000), true);
    link.inject(toUs(0, { flags: ACK }));
    const [first] = link.takeSegments();
    assert.equal(first!.payload.length, 6 * 1460);
    assert.deepEqual(link.work[0], { family: 4, transportOffset: 20, segmentBytes: 1460 });
    assert.equal(stack.stats.tcp.outSegs - outSegs, 6);

    const joined = toUs(0, { flags: ACK, payload: new Uint8Array(5000) });
    joined[20 + 16]! ^= 1;
    const batch = batchOf([joined], link.packetIds);
    link.receiver!.receive({ ...batch, hints: Int32Array.of(PacketHint.VERIFIED | 1460) });
    assert.equal(link.takeSegments().at(-1)!.ack, 5100, 'an ACK at once, for more than two segments');
    assert.equal(stack.stats.tcp.inSegs - inSegs, 2 + 4);
    assert.equal(endpoints[0]!.tcpInfo().rcvMss, 1460);
    link.receiver!.receive({ ...batch, hints: Int32Array.of(1460) });
    assert.equal(stack.stats.tcp.inCsumErrors, 1, 'nobody vouched for it');
  });

  for (const [name, remote, at] of [
    ['IPv4', PEER, 2],
    ['IPv6', ip('fd00:9::1'), 4],
  ] as const) {
    it(`says nothing of the length in the header of ${name} that cannot tell it`, () => {
      const offload = { transmitChecksum: true, receiveChecksum: false, maxSegmentationBytes: 200_000 };
      const link = new TestLink(1500, offload);
      const config = { initialWindowSegments: 100 };
      const { stack, settle } = testStack({ config }, link);
      const endpoint = stack.connect({ remote, remotePort: 80, localPort: 6000 }, null);
      settle();
      const destination = remote === PEER ? LOCAL : ip('fd00:9::2');
      const ends = { source: remote, destination, sourcePort: 80, destinationPort: 6000 };
      const options = Uint8Array.of(2, 4, 4, 0, 3, 3, 7, 0);
      link.inject(fromPeer({ ...ends, flags: SYN | ACK, seq: 99, ack: 1001, options }));
      link.inject(fromPeer({ ...ends, flags: ACK, seq: 100, ack: 1001, wnd: 60_000 }));
      link.sent.length = 0;
      endpoint.send(new Uint8Array(100 * 1024), true);
      settle();
      const [packet] = link.sent;
      assert.ok(packet!.length > 100 * 1024);
      assert.equal(new DataView(packet!.buffer, packet!.byteOffset).getUint16(at), 0);
      assert.equal(stack.stats.tcp.outSegs, 2 + 100);
    });
  }

  for (const [name, remote, destination] of [
    ['IPv4', PEER, LOCAL],
    ['IPv6', ip('fd00:9::1'), ip('fd00:9::2')],
  ] as const) {
    it(`takes in all of what a link has joined beyond the length that the header of ${name} tells`, () => {
      const { stack, link, settle } = testStack();
      const endpoint = stack.connect({ remote, remotePort: 80, localPort: 6000 }, null);
      settle();
      const ends = { source: remote, destination, sourcePort: 80, destinationPort: 6000 };
      const options = Uint8Array.of(2, 4, 5, 180);
      link.inject(fromPeer({ ...ends, flags: SYN | ACK, seq: 99, ack: 1001, options }));
      const { inSegs } = stack.stats.tcp;
      const payload = Uint8Array.from({ length: 10_000 }, (_, i) => i % 251);
      const first = fromPeer({
        ...ends,
        flags: ACK,
        seq: 100,
        ack: 1001,
        payload: payload.subarray(0, 1460),
      });
      const joined = new Uint8Array(first.length + 10_000 - 1460);
      joined.set(first);
      joined.set(payload, first.length - 1460);
      const { VERIFIED, LONG, EXTRA_SHIFT } = PacketHint;
      const hints = Int32Array.of(VERIFIED | LONG | (2 << EXTRA_SHIFT) | 1460);
      link.receiver!.receive({ ...batchOf([joined], link.packetIds), hints });
      assert.equal(stack.stats.tcp.inSegs - inSegs, 7 + 2);
      assert.deepEqual(endpoint.receive(20_000), payload);
    });
  }

  it('knows no offload when it was declined by who stands around the link', () => {
    class Declining extends TestLink {
      isDeclined = false;
      declineOffload(): void {
        this.isDeclined = true;
      }
    }
    const link = new Declining();
    impair(link, { clock: new VirtualClock(0) });
    assert.equal(link.isDeclined, true);
  });
});
