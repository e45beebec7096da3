import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { VirtualClock } from '../../src/stack/clock.js';
import type { Endpoint, EndpointHandler } from '../../src/stack/endpoint.js';
import type { Listener } from '../../src/stack/listener.js';
import { Stack, type StackOptions } from '../../src/stack/stack.js';
import { Event } from '../../src/tcp/connection.js';
import { State } from '../../src/tcp/state.js';
import type { IpAddress } from '../../src/wire/address.js';
import { ip, linkPair, seededRandom, TestLink } from './test-link.js';

/** Sends all it is given, bit by bit as the connection takes it, then ends its direction; collects what comes. */
class Client implements EndpointHandler {
  readonly received: Uint8Array[] = [];
  receivedBytes = 0;
  private sent = 0;
  isEnded = false;
  isClosed = false;

  constructor(private readonly data: Uint8Array) {}

  onEvents(endpoint: Endpoint, events: number): void {
    if (events & (Event.ESTABLISHED | Event.WRITABLE)) this.write(endpoint);
    for (let bytes = endpoint.receive(65_536); bytes !== null; bytes = endpoint.receive(65_536)) {
      this.received.push(bytes);
      this.receivedBytes += bytes.length;
    }
    if (endpoint.connection.atEnd && !this.isEnded) {
      this.isEnded = true;
      endpoint.close();
    }
    if (events & Event.CLOSED) this.isClosed = true;
  }

  private write(endpoint: Endpoint): void {
    while (this.sent < this.data.length) {
      const taken = endpoint.send(this.data.subarray(this.sent), true);
      if (taken === 0) return;
      this.sent += taken;
    }
    endpoint.shutdownWrite();
  }
}

/** Sends back what comes, and ends when the peer does. */
class EchoServer implements EndpointHandler {
  readonly endpoints: Endpoint[] = [];
  private readonly backlog = new Map<Endpoint, Uint8Array[]>();

  onAcceptable(listener: Listener): void {
    for (let endpoint = listener.accept(); endpoint !== null; endpoint = listener.accept()) {
      endpoint.handler = this;
      this.endpoints.push(endpoint);
      this.backlog.set(endpoint, []);
    }
  }

  onEvents(endpoint: Endpoint, events: number): void {
    const queue = this.backlog.get(endpoint)!;
    if (events & Event.CLOSED) return;
    for (;;) {
      while (queue.length > 0) {
        const taken = endpoint.send(queue[0]!, true);
        if (taken < queue[0]!.length) {
          queue[0] = queue[0]!.subarray(taken);
          return;
        }
        queue.shift();
      }
      const bytes = endpoint.receive(65_536);
      if (bytes === null) break;
      queue.push(bytes);
    }
    if (endpoint.connection.atEnd) endpoint.close();
  }
}

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >>> 8) * 13) & 255);
}

/** Two stacks on one virtual wire; B echoes on port 7. */
function world(delayMs = 5, options: Partial<StackOptions> = {}) {
  const clock = new VirtualClock();
  const [linkA, linkB] = linkPair(clock, delayMs);
  const make = (link: TestLink, address: string, address6: string, seed: number) =>
    new Stack({
      link,
      addresses: [`${address}/24`, `${address6}/64`],
      clock,
      random: seededRandom(seed),
      // In virtual time the end of the task is the next call of the clock.
      defer: (callback) => void clock.schedule(clock.now(), callback),
      ...options,
    });
  const a = make(linkA, '10.9.0.1', 'fd00:9::1', 1);
  const b = make(linkB, '10.9.0.2', 'fd00:9::2', 2);
  const server = new EchoServer();
  b.listen({ address: null, port: 7 }, server);
  return { clock, linkA, linkB, a, b, server };
}

/** Moves time on until `isDone`, at most `limitMs`. */
function runUntil(clock: VirtualClock, limitMs: number, isDone: () => boolean): void {
  const end = clock.now() + limitMs;
  while (!isDone() && clock.step(end)) {}
  assert.ok(isDone(), `not done after ${limitMs} virtual ms`);
}

function checkEcho(client: Client, data: Uint8Array): void {
  assert.equal(client.receivedBytes, data.length);
  assert.deepEqual(Buffer.concat(client.received), Buffer.from(data));
}

describe('two stacks back to back', () => {
  for (const [family, remote] of [
    ['IPv4', ip('10.9.0.2')],
    ['IPv6', ip('fd00:9::2')],
  ] as const satisfies readonly (readonly [string, IpAddress])[]) {
    it(`echo one megabyte over ${family}, close, and leave nothing behind`, () => {
      const { clock, a, b, server } = world();
      const data = pattern(1 << 20);
      const client = new Client(data);
      const endpoint = a.connect({ remote, remotePort: 7 }, client);
      runUntil(clock, 60_000, () => client.isEnded && server.endpoints[0]?.connection.state === State.CLOSED);
      checkEcho(client, data);
      assert.equal(endpoint.connection.state, State.TIME_WAIT);
      assert.equal([...b.connections()].length, 0);
      assert.equal(client.isClosed, false);
      clock.advance(60_001);
      assert.equal(client.isClosed, true);
      assert.equal(endpoint.connection.error, null);
      assert.equal([...a.connections()].length, 0);
      assert.equal(clock.nextCallAt(), Number.POSITIVE_INFINITY, 'no timer is left');
      assert.equal(a.stats.tcp.retransSegs + b.stats.tcp.retransSegs, 0);
      assert.equal(a.stats.tcp.inErrs + b.stats.tcp.inErrs, 0);
      assert.equal(a.stats.tcp.currEstab + b.stats.tcp.currEstab, 0);
    });
  }

  it('echo through a lossy wire', () => {
    const { clock, linkA, linkB, a, server } = world();
    linkA.loses = (n) => n % 23 === 7;
    linkB.loses = (n) => n % 29 === 3;
    const data = pattern(200_000);
    const client = new Client(data);
    a.connect({ remote: ip('10.9.0.2'), remotePort: 7 }, client);
    runUntil(clock, 600_000, () => client.isEnded && server.endpoints[0]?.connection.state === State.CLOSED);
    checkEcho(client, data);
    assert.ok(a.stats.tcp.retransSegs > 0);
  });

  it('carry many connections at once', () => {
    const { clock, a, b, server } = world();
    const clients = Array.from({ length: 300 }, (_, i) => new Client(pattern(1000 + 37 * i)));
    for (const client of clients) a.connect({ remote: ip('10.9.0.2'), remotePort: 7 }, client);
    runUntil(clock, 60_000, () => clients.every((client) => client.isEnded));
    for (const [i, client] of clients.entries()) checkEcho(client, pattern(1000 + 37 * i));
    assert.equal(server.endpoints.length, 300);
    clock.advance(120_000);
    assert.equal([...a.connections()].length + [...b.connections()].length, 0);
    assert.equal(clock.nextCallAt(), Number.POSITIVE_INFINITY);
  });

  it('give the same packets for the same seeds', () => {
    const run = () => {
      const { clock, linkA, linkB, a } = world();
      linkA.loses = (n) => n % 11 === 5;
      const client = new Client(pattern(50_000));
      a.connect({ remote: ip('10.9.0.2'), remotePort: 7 }, client);
      runUntil(clock, 600_000, () => client.isEnded);
      return [linkA.carried, linkA.fingerprint, linkB.carried, linkB.fingerprint, clock.now()];
    };
    assert.deepEqual(run(), run());
  });
});

describe('a stack and itself', () => {
  it('connects to its own address without touching the link', () => {
    const { clock, b, linkB, server } = world();
    const data = pattern(300_000);
    const client = new Client(data);
    b.connect({ remote: ip('10.9.0.2'), remotePort: 7 }, client);
    runUntil(clock, 10_000, () => client.isEnded && server.endpoints[0]?.connection.state === State.CLOSED);
    checkEcho(client, data);
    assert.equal(linkB.carried, 0);
    assert.ok(b.stats.ip.loopedBack > 200);
    assert.equal(b.stats.ip.inMartians, 0);
    clock.advance(60_001);
    assert.equal([...b.connections()].length, 0);
  });

  it('can own nothing but a loopback address', () => {
    const clock = new VirtualClock();
    const link = new TestLink();
    const defer = (callback: () => void) => void clock.schedule(clock.now(), callback);
    const stack = new Stack({ link, addresses: ['127.0.0.1/8', '::1/128'], clock, defer });
    const server = new EchoServer();
    stack.listen({ address: null, port: 7 }, server);
    for (const remote of ['127.0.0.1', '::1']) {
      const client = new Client(pattern(5000));
      stack.connect({ remote: ip(remote), remotePort: 7 }, client);
      runUntil(clock, 10_000, () => client.isEnded);
      checkEcho(client, pattern(5000));
    }
    assert.equal(link.sent.length, 0);
  });

  it('sends to itself packet by packet when limits.loopbackBytes is small', () => {
    const { clock, b } = world(5, { limits: { loopbackBytes: 4000 } });
    const data = pattern(40_000);
    const client = new Client(data);
    b.connect({ remote: ip('10.9.0.2'), remotePort: 7 }, client);
    runUntil(clock, 600_000, () => client.isEnded);
    checkEcho(client, data);
    assert.equal(b.stats.ip.loopbackDiscards, 0);
  });

  it('loses packets to itself that exceed limits.loopbackBytes, and only these', () => {
    const { clock, b, linkB } = world(5, { limits: { loopbackBytes: 60 } });
    const endpoint = b.connect({ remote: ip('10.9.0.2'), remotePort: 7 }, null);
    clock.advance(1000);
    assert.equal(endpoint.connection.state, State.SYN_SENT);
    assert.ok(b.stats.ip.loopbackDiscards > 0);
    b.connect({ remote: ip('10.9.0.1'), remotePort: 7 }, null);
    clock.advance(1);
    assert.equal(linkB.carried, 1);
  });

  it('gives way to others after limits.roundsPerTurn, and goes on', () => {
    const { clock, b } = world(5, { limits: { roundsPerTurn: 1 } });
    const endpoint = b.connect({ remote: ip('10.9.0.2'), remotePort: 9 }, null);
    const states: number[] = [];
    for (let i = 0; i < 10 && clock.step(clock.now()); i++) states.push(endpoint.connection.state);
    assert.ok(states.filter((state) => state === State.SYN_SENT).length >= 1, 'not in one turn');
    assert.equal(endpoint.connection.error, 'ECONNREFUSED');
  });

  it('can connect to the very socket that connects', () => {
    const { clock, b } = world();
    const remote = ip('10.9.0.2');
    const endpoint = b.connect({ remote, remotePort: 5555, localPort: 5555 }, null);
    clock.advance(100);
    assert.equal(endpoint.connection.state, State.ESTABLISHED);
    endpoint.send(Uint8Array.of(1, 2, 3), true);
    clock.advance(100);
    assert.deepEqual(endpoint.receive(10), Uint8Array.of(1, 2, 3));
  });

  it('is refused by itself where nobody listens', () => {
    const { clock, b } = world();
    const endpoint = b.connect({ remote: ip('10.9.0.2'), remotePort: 9 }, null);
    clock.advance(1);
    assert.equal(endpoint.connection.error, 'ECONNREFUSED');
    assert.equal([...b.connections()].length, 0);
  });
});
