import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Endpoint } from '../../src/stack/endpoint.js';
import type { Listener } from '../../src/stack/listener.js';
import type { StackOptions } from '../../src/stack/stack.js';
import { Event } from '../../src/tcp/connection.js';
import { State } from '../../src/tcp/state.js';
import { ACK, FIN, PSH, RST, SYN } from '../../src/wire/segment.js';
import { recordingTrace } from './recording-trace.js';
import { fromPeer, ip, LOCAL, PEER, testStack } from './test-link.js';

/** A stack that listens on port 80 and accepts nothing by itself. */
function listening(options: Partial<StackOptions> = {}, backlog?: number) {
  const world = testStack(options);
  let announced = 0;
  const listener = world.stack.listen(
    { address: null, port: 80, ...(backlog === undefined ? {} : { backlog }) },
    { onAcceptable: () => void announced++ },
  );
  return { ...world, listener, announced: () => announced };
}

type World = ReturnType<typeof listening>;

function syn(sourcePort: number, fields = {}): Uint8Array {
  return fromPeer({ flags: SYN, seq: 100, sourcePort, ...fields });
}

/** The ACK that ends a handshake with a stack whose ISN is 1000. */
function lastAck(sourcePort: number, fields = {}): Uint8Array {
  return fromPeer({ flags: ACK, seq: 101, ack: 1001, sourcePort, ...fields });
}

function handshake({ link }: World, sourcePort: number): void {
  link.inject(syn(sourcePort));
  link.inject(lastAck(sourcePort));
}

function acceptAll(listener: Listener): Endpoint[] {
  const accepted: Endpoint[] = [];
  for (let e = listener.accept(); e !== null; e = listener.accept()) accepted.push(e);
  return accepted;
}

describe('listener', () => {
  it('makes a connection of a handshake and hands it out once', () => {
    const world = listening();
    const { link, listener, stack } = world;
    link.inject(syn(5000));
    const [synAck] = link.takeSegments();
    assert.deepEqual([synAck!.flags, synAck!.seq, synAck!.ack], [SYN | ACK, 1000, 101]);
    const mss = synAck!.tcp.options.find((option) => option.kind === 2);
    assert.equal(mss !== undefined && 'mss' in mss && mss.mss, 1460, 'RFC9293 MUST-67');
    assert.equal(listener.accept(), null, 'not before the handshake is complete');
    assert.equal(world.announced(), 0);
    link.inject(lastAck(5000));
    assert.equal(world.announced(), 1);
    const endpoint = listener.accept()!;
    assert.equal(endpoint.connection.state, State.ESTABLISHED);
    assert.equal(listener.accept(), null);
    assert.deepEqual([stack.stats.tcp.passiveOpens, stack.stats.tcp.currEstab], [1, 1]);
  });

  it('delivers to a late handler what happened before', () => {
    const world = listening();
    const { link, listener, settle } = world;
    handshake(world, 5000);
    link.inject(lastAck(5000, { flags: ACK | PSH | FIN, payload: Uint8Array.of(1, 2, 3) }));
    const endpoint = listener.accept()!;
    let events = 0;
    endpoint.handler = {
      onEvents(_, bits) {
        events |= bits;
      },
    };
    settle();
    assert.equal(
      events & (Event.ESTABLISHED | Event.READABLE | Event.PEER_FIN),
      Event.ESTABLISHED | Event.READABLE | Event.PEER_FIN,
    );
    assert.deepEqual(endpoint.receive(10), Uint8Array.of(1, 2, 3));
  });

  it('is found by address and port', () => {
    const { stack, link } = testStack({ addresses: ['10.9.0.2/24', '10.9.0.3/24'] });
    const heard: string[] = [];
    const hear = (name: string) => ({ onAcceptable: () => void heard.push(name) });
    stack.listen({ address: LOCAL, port: 80 }, hear('first address'));
    stack.listen({ address: ip('10.9.0.3'), port: 80 }, hear('second address'));
    stack.listen({ address: null, port: 81 }, hear('any address'));
    for (const [destination, destinationPort] of [
      [LOCAL, 80],
      [ip('10.9.0.3'), 80],
      [LOCAL, 81],
      [ip('10.9.0.3'), 81],
    ] as const) {
      link.inject(syn(5000, { destination, destinationPort }));
      link.inject(lastAck(5000, { destination, destinationPort }));
    }
    assert.deepEqual(heard, ['first address', 'second address', 'any address', 'any address']);
  });

  it('RFC9293 §3.10.7.2: answers ACK by RST, ignores RST and SYN with FIN', () => {
    const { link, stack } = listening();
    link.inject(fromPeer({ flags: ACK, ack: 55 }), fromPeer({ flags: RST }), fromPeer({ flags: SYN | FIN }));
    link.inject(fromPeer({ flags: SYN | ACK, ack: 66 }));
    const segments = link.takeSegments();
    assert.deepEqual(
      segments.map((s) => [s.flags, s.seq]),
      [
        [RST, 55],
        [RST, 66],
      ],
    );
    assert.equal([...stack.connections()].length, 0);
  });

  it('RFC9293 MUST-11: forgets a half-open connection that an RST sends back to LISTEN', () => {
    const world = listening();
    const { link, listener, stack } = world;
    link.inject(syn(5000));
    link.inject(fromPeer({ flags: RST, seq: 101 }));
    assert.equal(listener.halfOpen.size, 0);
    assert.equal([...stack.connections()].length, 0);
    assert.equal(stack.stats.tcp.attemptFails, 1);
    link.sent.length = 0;
    handshake(world, 5000);
    assert.equal(acceptAll(listener).length, 1, 'the same peer may try again');
  });

  it('gives up half-open connections whose SYN-ACK stays unanswered', () => {
    const { link, clock, listener, stack } = listening();
    link.inject(syn(5000));
    clock.advance(600_000);
    assert.equal(listener.halfOpen.size, 0);
    assert.equal([...stack.connections()].length, 0);
    const replies = link.takeSegments();
    assert.ok(replies.length >= 2 && replies.length <= 6, `ATTACKS 27: ${replies.length} SYN-ACKs`);
    assert.equal(clock.nextCallAt(), Number.POSITIVE_INFINITY, 'no timer is left');
  });

  it('ATTACKS 25, RFC4987 §3.2: keeps a flood of 100,000 SYNs bounded, and a client with a quick answer gets in', () => {
    const { trace, lines } = recordingTrace();
    const world = listening({ trace, config: { synCookies: 'off' } }, 128);
    const { link, listener, stack, clock } = world;
    for (let i = 0; i < 100_000; i += 100) {
      const batch = Array.from({ length: 100 }, (_, k) =>
        syn(1024 + ((i + k) % 50_000), { source: ip(`198.18.${(i >> 8) & 255}.${1 + (k % 200)}`) }),
      );
      link.inject(...batch);
      link.sent.length = 0;
      assert.ok(listener.halfOpen.size <= 128);
    }
    assert.equal(stack.stats.tcp.halfOpenEvicted + listener.halfOpen.size, stack.stats.tcp.passiveOpens);
    assert.ok(stack.stats.tcp.passiveOpens > 90_000);
    assert.equal([...stack.connections()].length, listener.halfOpen.size);
    handshake(world, 5000);
    assert.equal(acceptAll(listener).length, 1);
    const full = lines.filter((line) => line.startsWith('backlog'));
    assert.deepEqual(full, ['backlog half 128 waiting 0 limit 128 drop-oldest'], 'told once a second');
    clock.advance(300_000);
    assert.equal(listener.halfOpen.size, 0);
  });

  it('takes a burst of a thousand clients whose SYNs all come before their ACKs', () => {
    const { link, listener, stack } = listening({}, undefined);
    for (let port = 5000; port < 6000; port++) link.inject(syn(port));
    assert.equal(listener.halfOpen.size, 1000);
    assert.equal(stack.stats.tcp.halfOpenEvicted, 0);
  });

  it('keeps no more half-open connections than limits.halfOpen, and eight with the smallest backlog', () => {
    for (const [limits, backlog, expected] of [
      [{ halfOpen: 5 }, 128, 5],
      [{}, 0, 8],
      [{}, 20, 20],
    ] as const) {
      const { link, listener, stack } = listening({ limits, config: { synCookies: 'off' } }, backlog);
      for (let port = 5000; port < 5030; port++) link.inject(syn(port));
      assert.equal(listener.halfOpen.size, expected);
      assert.equal(stack.stats.tcp.halfOpenEvicted, 30 - expected);
      link.sent.length = 0;
      link.inject(lastAck(5000));
      assert.equal(link.takeSegments()[0]!.flags, RST, 'the oldest was given up');
    }
  });

  it('ATTACKS 34: lets one more than the backlog wait, drops SYNs and late ACKs then, and loses no connection', () => {
    const { trace, lines } = recordingTrace();
    const world = listening({ trace }, 2);
    const { link, listener, stack, clock } = world;
    for (let port = 5000; port < 5005; port++) link.inject(syn(port));
    link.sent.length = 0;
    for (let port = 5000; port < 5005; port++) link.inject(lastAck(port));
    assert.equal(listener.waiting.size, 3);
    assert.equal(listener.halfOpen.size, 2);
    assert.equal(stack.stats.tcp.listenOverflows, 2);
    link.inject(syn(5009));
    assert.equal(stack.stats.tcp.listenDrops, 1);
    assert.equal(link.sent.length, 0, 'silence');
    assert.ok(lines.includes('backlog half 2 waiting 3 limit 3 drop-ack'));
    const before = acceptAll(listener);
    assert.deepEqual(
      before.map((endpoint) => endpoint.tuple.remotePort),
      [5000, 5001, 5002],
    );
    clock.advance(1500);
    assert.ok(
      link.takeSegments().every((s) => s.flags === (SYN | ACK)),
      'the SYN-ACK is sent again',
    );
    link.inject(lastAck(5003), lastAck(5004));
    assert.deepEqual(
      acceptAll(listener).map((endpoint) => endpoint.tuple.remotePort),
      [5003, 5004],
    );
  });

  it('does not hand out a connection that was reset while it waited', () => {
    const world = listening();
    const { link, listener, stack } = world;
    handshake(world, 5000);
    handshake(world, 5001);
    link.inject(fromPeer({ flags: RST, seq: 101 }));
    assert.deepEqual(
      acceptAll(listener).map((endpoint) => endpoint.tuple.remotePort),
      [5001],
    );
    assert.equal(stack.stats.tcp.estabResets, 1);
  });

  it('aborts on close what nobody accepted, and leaves accepted connections alone', () => {
    const { trace, lines } = recordingTrace();
    const world = listening({ trace });
    const { link, listener, stack, settle } = world;
    handshake(world, 5000);
    const accepted = listener.accept()!;
    handshake(world, 5001);
    link.inject(syn(5002));
    link.sent.length = 0;
    listener.close();
    listener.close();
    settle();
    const resets = link.takeSegments();
    assert.deepEqual(resets.map((s) => [s.destinationPort, s.flags & RST]).sort(), [
      [5001, RST],
      [5002, RST],
    ]);
    assert.deepEqual([...stack.connections()], [accepted]);
    assert.equal(accepted.connection.state, State.ESTABLISHED);
    assert.deepEqual(
      lines.filter((line) => line.startsWith('l1')),
      ['l1 CLOSED -> LISTEN', 'l1 LISTEN -> CLOSED'],
    );
    link.inject(syn(5003));
    assert.equal(link.takeSegments()[0]!.flags, RST | ACK);
  });

  it('bounds the data on SYNs of all half-open connections together', () => {
    const { link, stack, listener, clock } = listening({ limits: { synDataBytes: 3000 } });
    const payload = new Uint8Array(1000).fill(7);
    for (let port = 5000; port < 5005; port++) link.inject(syn(port, { payload }));
    assert.equal(stack.stats.tcp.synDataLimited, 2);
    assert.equal(stack.stats.tcp.passiveOpens, 5);
    link.inject(lastAck(5000, { seq: 101 }));
    const first = listener.accept()!;
    assert.equal(first.receive(5000)?.length, 1000, 'kept data is delivered');
    link.inject(syn(5005, { payload }));
    assert.equal(stack.stats.tcp.synDataLimited, 2, 'an established connection is not charged');
    link.inject(lastAck(5004, { flags: ACK | PSH, payload }));
    const last = acceptAll(listener)[0]!;
    assert.equal(last.receive(5000)?.length, 1000, 'what was not kept comes again');
    clock.advance(600_000);
    link.inject(syn(5006, { payload }), syn(5007, { payload }), syn(5008, { payload }));
    assert.equal(stack.stats.tcp.synDataLimited, 2, 'given-up connections return their share');
  });
});

describe('listen', () => {
  const handler = { onAcceptable() {} };

  it('refuses ports in use, foreign addresses and nonsense', () => {
    const { stack } = testStack();
    stack.listen({ address: LOCAL, port: 80 }, handler);
    for (const address of [LOCAL, null]) {
      assert.throws(() => stack.listen({ address, port: 80 }, handler), {
        code: 'EADDRINUSE',
        syscall: 'listen',
        port: 80,
      });
    }
    assert.throws(() => stack.listen({ address: PEER, port: 81 }, handler), {
      code: 'EADDRNOTAVAIL',
      address: '10.9.0.1',
    });
    for (const port of [-1, 65_536, 1.5]) {
      assert.throws(() => stack.listen({ address: null, port }, handler), { code: 'EINVAL' });
    }
    assert.throws(() => stack.listen({ address: null, port: 82, backlog: -1 }, handler), { code: 'EINVAL' });
  });

  it('RFC9293 §3.10.7.2: takes an RST for an RST, whatever else its segment carries', () => {
    const { stack, link } = testStack();
    stack.listen({ address: null, port: 80 }, handler);
    for (const others of [0, ACK, SYN, SYN | ACK])
      link.inject(fromPeer({ flags: RST | others, seq: 9, ack: 7 }));
    assert.equal([...stack.connections()].length, 0);
    assert.equal(link.sent.length, 0);
  });

  it('chooses an ephemeral port for port 0, until none is left', () => {
    const { stack } = testStack({ ephemeralPorts: { first: 40_000, last: 40_002 } });
    const ports = [1, 2, 3].map(() => stack.listen({ address: null, port: 0 }, handler).port);
    assert.deepEqual(ports.sort(), [40_000, 40_001, 40_002]);
    assert.throws(() => stack.listen({ address: null, port: 0 }, handler), { code: 'EADDRNOTAVAIL' });
    [...stack.listeners()][0]!.close();
    stack.listen({ address: null, port: 0 }, handler);
  });

  it('RFC9293 MUST-41 MUST-42: disturbs no connection with that local port', () => {
    const { stack, link, settle } = testStack();
    const endpoint = stack.connect({ remote: PEER, remotePort: 80, localPort: 7777 }, null);
    settle();
    stack.listen({ address: null, port: 7777 }, handler);
    assert.equal(endpoint.connection.state, State.SYN_SENT);
    const [first] = link.takeSegments();
    const answer = { sourcePort: 80, destinationPort: 7777, ack: first!.seq + 1 };
    link.inject(fromPeer({ flags: SYN | ACK, seq: 9, ...answer }));
    assert.equal(endpoint.connection.state, State.ESTABLISHED);
  });

  it('RFC9293 MUST-41 MUST-42: also not one in SYN-RECEIVED, nor can the port be listened on twice', () => {
    const { stack, link, settle } = testStack();
    const endpoint = stack.connect({ remote: PEER, remotePort: 80, localPort: 7777 }, null);
    settle();
    const [first] = link.takeSegments();
    const crossing = { sourcePort: 80, destinationPort: 7777 };
    link.inject(fromPeer({ flags: SYN, seq: 9, ...crossing }));
    assert.equal(endpoint.connection.state, State.SYN_RECEIVED);
    const listener = stack.listen({ address: null, port: 7777 }, handler);
    assert.throws(() => stack.listen({ address: null, port: 7777 }, handler), { code: 'EADDRINUSE' });
    link.inject(fromPeer({ flags: ACK, seq: 10, ack: first!.seq + 1, ...crossing }));
    assert.equal(endpoint.connection.state, State.ESTABLISHED);
    assert.equal(listener.accept(), null, 'it is not the listener that it belongs to');
  });
});
