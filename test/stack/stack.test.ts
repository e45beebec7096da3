import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Endpoint, EndpointHandler } from '../../src/stack/endpoint.js';
import { Stack } from '../../src/stack/stack.js';
import { Event } from '../../src/tcp/connection.js';
import { State } from '../../src/tcp/state.js';
import type { IpAddress } from '../../src/wire/address.js';
import { ACK, FIN, RST, SYN } from '../../src/wire/segment.js';
import { recordingTrace } from './recording-trace.js';
import { fromPeer, ip, LOCAL, PEER, seededRandom, TestLink, testStack } from './test-link.js';

const nobody = { onAcceptable() {} };

function answer(localPort: number, fields: Parameters<typeof fromPeer>[0]): Uint8Array {
  return fromPeer({ sourcePort: 80, destinationPort: localPort, seq: 99, ack: 1001, ...fields });
}

/** Brings a connection from local port `localPort` to TIME-WAIT, the stack closing first. */
function toTimeWait({ stack, link, settle }: ReturnType<typeof testStack>, localPort: number): Endpoint {
  const endpoint = stack.connect({ remote: PEER, remotePort: 80, localPort }, null);
  settle();
  link.inject(answer(localPort, { flags: SYN | ACK }));
  endpoint.close();
  settle();
  link.inject(answer(localPort, { flags: FIN | ACK, seq: 100, ack: 1002 }));
  assert.equal(endpoint.connection.state, State.TIME_WAIT);
  link.sent.length = 0;
  return endpoint;
}

describe('making a stack', () => {
  it('refuses links and addresses that it cannot use', () => {
    const link = new TestLink();
    assert.throws(() => new Stack({ link, addresses: [] }), { code: 'EINVAL' });
    assert.throws(() => new Stack({ link, addresses: ['10.9.0.2/40'] }), { code: 'EINVAL' });
    assert.throws(() => new Stack({ link, addresses: ['10.9.0.2/24'], limits: { backlog: 0 } }), {
      code: 'ERR_OUT_OF_RANGE',
    });
    const frames = new TestLink();
    Object.defineProperty(frames, 'medium', { value: 'ethernet' });
    const lost = { link: frames, addresses: ['10.9.0.2/24'], gateway: '10.8.0.1' };
    assert.throws(() => new Stack(lost), { code: 'EINVAL', message: /gateway must be on the link/ });
    assert.equal(link.receiver, null, 'a link is not started in vain');
  });

  it('holds the process by its link only while it is told to', () => {
    const { stack, link } = testStack();
    stack.unref();
    assert.equal(link.isReferenced, false);
    stack.ref();
    assert.equal(link.isReferenced, true);
  });

  it('RFC9293 MUST-8 MUST-9: draws initial sequence numbers of RFC 6528 unless told otherwise', () => {
    const isns = new Set<number>();
    const { stack, link, settle } = testStack({ isn: 'rfc6528' });
    for (let i = 0; i < 20; i++) stack.connect({ remote: PEER, remotePort: 80 + i }, null);
    settle();
    for (const syn of link.takeSegments()) isns.add(syn.seq);
    assert.equal(isns.size, 20);
  });

  it('RFC9293 MUST-9, RFC6528 §3: the same tuple at the same time has another number with another secret, and the same with the same', () => {
    const isnWith = (seed: number) => {
      const { stack, link, settle } = testStack({ isn: 'rfc6528', random: seededRandom(seed) });
      stack.connect({ remote: PEER, remotePort: 80, localPort: 5000 }, null);
      settle();
      return link.takeSegments()[0]!.seq;
    };
    const numbers = Array.from({ length: 20 }, (_, seed) => isnWith(seed + 1));
    assert.equal(new Set(numbers).size, 20);
    assert.equal(isnWith(3), numbers[2]);
  });
});

describe('connect', () => {
  it('RFC9293 MUST-43 MUST-44 MUST-45: chooses the source, or takes the one asked for', () => {
    const { stack, link, settle } = testStack({ addresses: ['10.9.0.2/24', '10.8.0.2/24', 'fd00:9::2/64'] });
    stack.connect({ remote: ip('10.8.0.1'), remotePort: 80 }, null);
    stack.connect({ remote: ip('10.8.0.1'), remotePort: 80, local: LOCAL, localPort: 1234 }, null);
    stack.connect({ remote: ip('fd00:9::1'), remotePort: 80 }, null);
    settle();
    const syns = link.takeSegments();
    assert.deepEqual(
      syns.map((s) => String(s.source)),
      ['10.8.0.2', '10.9.0.2', 'fd00:9::2'],
    );
    assert.equal(syns[1]!.sourcePort, 1234);
    const mss = syns.map((s) => s.tcp.options.find((option) => option.kind === 2));
    assert.deepEqual(
      mss.map((option) => option !== undefined && 'mss' in option && option.mss),
      [1460, 1460, 1440],
      'RFC9293 MUST-67',
    );
  });

  it('RFC9293 MUST-46: refuses remote addresses that no host can have', () => {
    const { stack } = testStack();
    for (const text of [
      '255.255.255.255',
      '10.9.0.255',
      '224.0.0.1',
      '0.0.0.0',
      '240.0.0.1',
      '::',
      'ff02::1',
    ]) {
      assert.throws(
        () => stack.connect({ remote: ip(text), remotePort: 80 }, null),
        { code: 'EINVAL', syscall: 'connect', address: text, port: 80 },
        text,
      );
    }
    assert.throws(() => stack.connect({ remote: PEER, remotePort: 0 }, null), { code: 'EINVAL' });
    assert.equal([...stack.connections()].length, 0);
  });

  it('names the reason why a connection cannot be', () => {
    const { stack } = testStack({ addresses: ['10.9.0.2/24'], limits: { connections: 3 } });
    const to = (options: object) => () => stack.connect({ remote: PEER, remotePort: 80, ...options }, null);
    assert.throws(to({ remote: ip('fd00:9::1') }), { code: 'EHOSTUNREACH' });
    assert.throws(to({ remote: ip('127.0.0.1') }), { code: 'EHOSTUNREACH' });
    assert.throws(to({ local: ip('10.9.0.7') }), { code: 'EADDRNOTAVAIL', address: '10.9.0.7' });
    assert.throws(to({ localPort: 70_000 }), { code: 'EINVAL' });
    stack.listen({ address: null, port: 80 }, nobody);
    assert.throws(to({ localPort: 80 }), { code: 'EADDRINUSE' });
    to({ localPort: 1000 })();
    assert.throws(to({ localPort: 1000 }), { code: 'EADDRNOTAVAIL' });
    to({ localPort: 1000, remotePort: 81 })();
    to({})();
    assert.throws(to({}), { code: 'ENOBUFS' });
  });

  it('keeps a port that it chose from those who ask for it, until that connection is gone', () => {
    const { stack } = testStack({ addresses: ['10.9.0.2/24', '10.9.0.3/24'] });
    const [first, second] = [ip('10.9.0.2'), ip('10.9.0.3')];
    const chosen = stack.connect({ remote: PEER, remotePort: 80, local: first }, null);
    const { localPort } = chosen.tuple;
    const ask = (local?: IpAddress, remotePort = 80) =>
      stack.connect({ remote: PEER, remotePort, localPort, ...(local && { local }) }, null);
    for (const remotePort of [80, 81]) {
      assert.throws(() => ask(first, remotePort), {
        code: 'EADDRINUSE',
        address: '10.9.0.2',
        port: localPort,
      });
      assert.throws(() => ask(undefined, remotePort), { code: 'EADDRINUSE' });
    }
    ask(second).abort();
    // RFC 9293 MUST-42: a listener may have it.
    stack.listen({ address: first, port: localPort }, nobody).close();
    chosen.abort();
    const asked = ask(first);
    assert.equal(stack.isChosenPort(first, localPort), false);
    asked.abort();
  });

  it('chooses no port for a listener that it chose for a connection', () => {
    const { stack } = testStack({ ephemeralPorts: { first: 50_000, last: 50_001 } });
    const { localPort } = stack.connect({ remote: PEER, remotePort: 80 }, null).tuple;
    for (let i = 0; i < 20; i++) {
      const bound = stack.bind({ address: null, port: 0 });
      assert.equal(bound.port, 100_001 - localPort);
      bound.close();
    }
  });

  it('runs out of ephemeral ports for one destination only', () => {
    const { stack } = testStack({ ephemeralPorts: { first: 50_000, last: 50_009 } });
    const ports = new Set<number>();
    for (let i = 0; i < 10; i++) {
      ports.add(stack.connect({ remote: PEER, remotePort: 80 }, null).tuple.localPort);
    }
    assert.equal(ports.size, 10);
    assert.throws(() => stack.connect({ remote: PEER, remotePort: 80 }, null), {
      code: 'EADDRNOTAVAIL',
      message: /ephemeral/,
    });
    stack.connect({ remote: PEER, remotePort: 81 }, null);
  });

  it('counts tuples in TIME-WAIT as taken', () => {
    const world = testStack({ ephemeralPorts: { first: 50_000, last: 50_000 } });
    toTimeWait(world, 50_000);
    assert.throws(() => world.stack.connect({ remote: PEER, remotePort: 80 }, null), {
      code: 'EADDRNOTAVAIL',
    });
    world.clock.advance(60_001);
    world.stack.connect({ remote: PEER, remotePort: 80 }, null);
  });

  it('gives the port back when an attempt ends', () => {
    const { stack, link, settle, clock } = testStack();
    const events: number[] = [];
    const handler: EndpointHandler = { onEvents: (_, bits) => void events.push(bits) };
    const first = stack.connect({ remote: PEER, remotePort: 80, localPort: 1000 }, handler);
    settle();
    link.inject(answer(1000, { flags: RST | ACK }));
    assert.equal(first.connection.error, 'ECONNREFUSED');
    assert.deepEqual(events, [Event.CLOSED]);
    assert.equal(clock.nextCallAt(), Number.POSITIVE_INFINITY, 'its timers are gone');
    const second = stack.connect({ remote: PEER, remotePort: 80, localPort: 1000 }, handler);
    second.abort();
    stack.connect({ remote: PEER, remotePort: 80, localPort: 1000 }, handler);
  });
});

describe('TIME-WAIT', () => {
  it('RFC9293 MUST-13: lasts two MSL, then nothing is left', () => {
    const world = testStack();
    toTimeWait(world, 6000);
    world.clock.advance(59_000);
    assert.equal([...world.stack.connections()].length, 1);
    world.clock.advance(2_000);
    assert.equal([...world.stack.connections()].length, 0);
    assert.equal(world.clock.nextCallAt(), Number.POSITIVE_INFINITY);
  });

  it('ATTACKS 35: is bounded, the oldest ends early', () => {
    const world = testStack({ limits: { timeWait: 3 } });
    const endpoints = [6000, 6001, 6002, 6003, 6004].map((port) => toTimeWait(world, port));
    assert.deepEqual(
      endpoints.map((endpoint) => endpoint.connection.state),
      [State.CLOSED, State.CLOSED, State.TIME_WAIT, State.TIME_WAIT, State.TIME_WAIT],
    );
    assert.equal(world.stack.stats.tcp.timeWaitEvicted, 2);
    assert.equal(world.link.sent.length, 0, 'without a segment');
  });

  /** A server at port 80 whose connection from 10.9.0.1:5000 is in TIME-WAIT, RCV.NXT at 102. */
  function serverInTimeWait() {
    const { trace, lines } = recordingTrace();
    const world = testStack({ trace });
    const events: number[] = [];
    const listener = world.stack.listen({ address: null, port: 80 }, nobody);
    world.link.inject(fromPeer({ flags: SYN, seq: 100 }));
    world.link.inject(fromPeer({ flags: ACK, seq: 101, ack: 1001 }));
    const old = listener.accept()!;
    old.handler = { onEvents: (_, bits) => void events.push(bits) };
    old.close();
    world.settle();
    world.link.inject(fromPeer({ flags: FIN | ACK, seq: 101, ack: 1002 }));
    assert.equal(old.connection.state, State.TIME_WAIT);
    world.link.sent.length = 0;
    lines.length = 0;
    events.length = 0;
    return { ...world, listener, old, lines, events };
  }

  it('RFC9293 MAY-2: a SYN beyond RCV.NXT opens the tuple anew', () => {
    const { link, listener, old, stack, lines, events } = serverInTimeWait();
    link.inject(fromPeer({ flags: SYN, seq: 103 }));
    const [synAck] = link.takeSegments();
    assert.equal(synAck!.flags, SYN | ACK);
    assert.ok(synAck!.seq > 1002, 'beyond the numbers of the old connection');
    link.inject(fromPeer({ flags: ACK, seq: 104, ack: synAck!.seq + 1 }));
    const fresh = listener.accept()!;
    assert.notEqual(fresh, old);
    assert.deepEqual([...stack.connections()], [fresh]);
    assert.equal(old.connection.state, State.CLOSED);
    assert.deepEqual(events, [Event.CLOSED]);
    assert.equal(stack.stats.tcp.timeWaitReused, 1);
    assert.deepEqual(lines, [
      'c1 end reused',
      'c2 TIME-WAIT -> SYN-RECEIVED',
      'c2 SYN-RECEIVED -> ESTABLISHED',
      'c2 accept',
    ]);
  });

  it('ATTACKS 24: an old SYN is answered by an ACK, and nothing changes', () => {
    const { link, old, stack } = serverInTimeWait();
    link.inject(fromPeer({ flags: SYN, seq: 50 }));
    const [ack] = link.takeSegments();
    assert.deepEqual([ack!.flags, ack!.seq, ack!.ack], [ACK, 1002, 102]);
    assert.deepEqual([...stack.connections()], [old]);
  });

  it('does not give way to a SYN when nobody listens any more', () => {
    const { link, old, stack, listener, settle } = serverInTimeWait();
    listener.close();
    settle();
    link.inject(fromPeer({ flags: SYN, seq: 5000 }));
    assert.deepEqual([...stack.connections()], [old]);
    assert.equal(stack.stats.tcp.timeWaitReused, 0);
  });
});

describe('bounds of the tables', () => {
  it('drops SYNs silently beyond limits.connections', () => {
    const { stack, link } = testStack({ limits: { connections: 2 } });
    stack.listen({ address: null, port: 80 }, nobody);
    for (let port = 5000; port < 5004; port++) link.inject(fromPeer({ flags: SYN, sourcePort: port }));
    assert.equal([...stack.connections()].length, 2);
    assert.equal(stack.stats.tcp.connectionLimitDrops, 2);
    assert.equal(link.takeSegments().length, 2);
  });

  it('ATTACKS 31: resets the oldest orphan beyond limits.orphans', () => {
    const { stack, link, settle } = testStack({ limits: { orphans: 2 } });
    const endpoints = [6000, 6001, 6002].map((localPort) =>
      stack.connect({ remote: PEER, remotePort: 80, localPort }, null),
    );
    settle();
    for (const { tuple } of endpoints) link.inject(answer(tuple.localPort, { flags: SYN | ACK }));
    link.sent.length = 0;
    for (const endpoint of endpoints) endpoint.send(new Uint8Array(100), true);
    for (const endpoint of endpoints) endpoint.close();
    settle();
    const [first, ...others] = endpoints;
    assert.equal(first!.connection.state, State.CLOSED);
    assert.deepEqual(
      others.map((endpoint) => endpoint.connection.state),
      [State.FIN_WAIT_1, State.FIN_WAIT_1],
    );
    const resets = link.takeSegments().filter((s) => s.flags & RST);
    assert.deepEqual(
      resets.map((s) => s.sourcePort),
      [6000],
    );
    assert.equal(stack.stats.tcp.orphansEvicted, 1);
  });
});

describe('closing a stack', () => {
  it('aborts everything by default, closes the link, and refuses what comes later', async () => {
    const { stack, link, settle, clock } = testStack();
    const events: number[] = [];
    const handler: EndpointHandler = { onEvents: (_, bits) => void events.push(bits) };
    const endpoint = stack.connect({ remote: PEER, remotePort: 80, localPort: 6000 }, handler);
    stack.listen({ address: null, port: 80 }, nobody);
    settle();
    link.inject(answer(6000, { flags: SYN | ACK }));
    link.sent.length = 0;
    const closed = stack.close();
    assert.equal(stack.close(), closed);
    await closed;
    assert.equal(link.isClosed, true);
    assert.equal(link.takeSegments()[0]!.flags & RST, RST);
    assert.equal(endpoint.connection.state, State.CLOSED);
    assert.equal(events.at(-1)! & Event.CLOSED, Event.CLOSED);
    assert.equal([...stack.connections()].length + [...stack.listeners()].length, 0);
    assert.throws(() => stack.connect({ remote: PEER, remotePort: 80 }, null), { code: 'ENETDOWN' });
    assert.throws(() => stack.listen({ address: null, port: 80 }, nobody), { code: 'ENETDOWN' });
    const { flushes } = link;
    link.inject(fromPeer({ flags: SYN }));
    endpoint.setNagle(false);
    settle();
    assert.equal(link.sent.length, 0);
    assert.equal(link.flushes, flushes, 'a closed link is left alone');
    assert.equal(clock.nextCallAt(), Number.POSITIVE_INFINITY);
  });

  it('waits for connections that end in order, but not for TIME-WAIT', async () => {
    const { stack, link, settle, clock } = testStack();
    stack.connect({ remote: PEER, remotePort: 80, localPort: 6000 }, null);
    settle();
    link.inject(answer(6000, { flags: SYN | ACK }));
    const closed = stack.close({ timeoutMs: 10_000 });
    settle();
    assert.equal(link.takeSegments().at(-1)!.flags & FIN, FIN);
    assert.equal(link.isClosed, false);
    link.inject(answer(6000, { flags: FIN | ACK, seq: 100, ack: 1002 }));
    await closed;
    assert.equal(link.isClosed, true);
    assert.ok(link.takeSegments().every((s) => !(s.flags & RST)));
    assert.equal(clock.now(), 1000);
  });

  it('aborts what has not ended in time', async () => {
    const { stack, link, settle, clock } = testStack();
    stack.connect({ remote: PEER, remotePort: 80, localPort: 6000 }, null);
    settle();
    link.inject(answer(6000, { flags: SYN | ACK }));
    const closed = stack.close({ timeoutMs: 3000 });
    settle();
    clock.advance(2999);
    assert.equal(link.isClosed, false);
    clock.advance(1);
    await closed;
    assert.equal(link.takeSegments().at(-1)!.flags & RST, RST);
    assert.equal(clock.nextCallAt(), Number.POSITIVE_INFINITY);
  });

  it('tells every connection when the link fails', () => {
    const failures: string[] = [];
    const closed: string[] = [];
    const { stack, link, settle } = testStack({
      onLinkFailure: (error) => void failures.push(error.message),
    });
    const handler: EndpointHandler = {
      onEvents({ connection }, bits) {
        if (bits & Event.CLOSED) closed.push(`${connection.error}`);
      },
    };
    for (let i = 0; i < 3; i++) stack.connect({ remote: PEER, remotePort: 80 + i }, handler);
    settle();
    link.receiver!.failed(new Error('device deleted'));
    link.receiver!.failed(new Error('again'));
    assert.deepEqual(failures, ['device deleted']);
    assert.deepEqual(closed, ['ENETUNREACH', 'ENETUNREACH', 'ENETUNREACH']);
    assert.throws(() => stack.connect({ remote: PEER, remotePort: 80 }, null), { code: 'ENETDOWN' });
  });
});
