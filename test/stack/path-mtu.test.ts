// Path MTU discovery in a stack: which errors are believed, who learns of them, and for how long.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Endpoint } from '../../src/stack/endpoint.js';
import { withDefaultLimits } from '../../src/stack/limits.js';
import { PathMtu } from '../../src/stack/path-mtu.js';
import type { StackOptions } from '../../src/stack/stack.js';
import { newStackStats } from '../../src/stack/stats.js';
import type { IpAddress } from '../../src/wire/address.js';
import { pseudoHeader } from '../../src/wire/checksum.js';
import { IcmpType, UnreachableCode, writeIcmpError } from '../../src/wire/icmp.js';
import { Icmpv6Type, icmpv6ErrorLength, writeIcmpv6Error } from '../../src/wire/icmpv6.js';
import { writeIpv4Header } from '../../src/wire/ipv4.js';
import { writeIpv6Header } from '../../src/wire/ipv6.js';
import { IpProtocol } from '../../src/wire/protocol.js';
import { ACK, SYN } from '../../src/wire/segment.js';
import { LOCAL_V6, PEER_V6 } from './fragments.js';
import { fromPeer, ip, LOCAL, PEER, type Segment, seededRandom, testStack } from './test-link.js';

const ROUTER = ip('10.9.0.254');
const ROUTER_V6 = ip('fd00:9::fe');
const TEN_MINUTES = 600_000;

/** What a router says about a packet of ours that did not fit. */
function tooBig(about: Uint8Array, mtu: number): Uint8Array {
  const message = new Uint8Array(1240);
  const view = new DataView(message.buffer);
  if (about[0]! >>> 4 === 4) {
    const type = IcmpType.DESTINATION_UNREACHABLE;
    const code = UnreachableCode.FRAGMENTATION_NEEDED;
    const length = writeIcmpError(type, code, mtu, about, 0, about.length, message, view, 0);
    const packet = new Uint8Array(20 + length);
    const out = new DataView(packet.buffer);
    writeIpv4Header(packet, out, 0, packet.length, IpProtocol.ICMP, ROUTER.w3, LOCAL.w3, 64, 0, 7, false);
    packet.set(message.subarray(0, length), 20);
    return packet;
  }
  const sum = pseudoHeader(ROUTER_V6, LOCAL_V6, IpProtocol.ICMPV6, icmpv6ErrorLength(about.length));
  const type = Icmpv6Type.PACKET_TOO_BIG;
  const length = writeIcmpv6Error(sum, type, 0, mtu, about, 0, about.length, message, view, 0);
  const packet = new Uint8Array(40 + length);
  const out = new DataView(packet.buffer);
  writeIpv6Header(packet, out, 0, length, IpProtocol.ICMPV6, ROUTER_V6, LOCAL_V6, 64, 0, 0);
  packet.set(message.subarray(0, length), 40);
  return packet;
}

/** A stack with a way to open connections to any remote address. */
function world(options: Partial<StackOptions> = {}) {
  const base = testStack({ config: { initialWindowSegments: 4, nagle: false }, ...options });
  const { stack, link, settle } = base;
  let lastPort = 40_000;
  /** An established connection; the peer takes segments of any size. */
  const open = (remote: IpAddress = PEER): Endpoint => {
    const localPort = ++lastPort;
    const endpoint = stack.connect({ remote, remotePort: 80, localPort }, null);
    settle();
    link.sent.length = 0;
    const options = Uint8Array.of(2, 4, 0x23, 0x28);
    const local = remote.family === 4 ? LOCAL : LOCAL_V6;
    const ends = { source: remote, destination: local, sourcePort: 80, destinationPort: localPort };
    link.inject(fromPeer({ ...ends, flags: SYN | ACK, seq: 500, ack: 1001, options, wnd: 65_535 }));
    link.sent.length = 0;
    return endpoint;
  };
  /** Sends so much, and returns the packets that leave then. */
  const send = (endpoint: Endpoint, bytes = 2000): Uint8Array[] => {
    link.sent.length = 0;
    endpoint.send(new Uint8Array(bytes), true);
    settle();
    return link.sent.splice(0);
  };
  /** The peer acknowledges everything. */
  const acknowledge = ({ connection, tuple }: Endpoint): void => {
    const ends = {
      source: tuple.remote,
      destination: tuple.local,
      sourcePort: 80,
      destinationPort: tuple.localPort,
    };
    link.inject(fromPeer({ ...ends, flags: ACK, seq: 501, ack: connection.snd.nxt >>> 0, wnd: 65_535 }));
  };
  return { ...base, open, send, acknowledge };
}

function largest(packets: readonly Uint8Array[]): number {
  return Math.max(...packets.map((packet) => packet.length));
}

function mssOptionOf(syn: Segment): number {
  const option = syn.tcp.options.find(({ kind }) => kind === 2);
  assert.ok(option !== undefined && 'mss' in option);
  return option.mss;
}

describe('path MTU: whom to believe', () => {
  it('RFC1191 §3, RFC9293 §3.7.2: the quoted connection sends what was lost again, in smaller segments, at once', () => {
    const { link, open, send } = world();
    const endpoint = open();
    const [first] = send(endpoint, 2920);
    assert.equal(first!.length, 1500);
    link.inject(tooBig(first!, 1400));
    const again = link.takeSegments();
    assert.deepEqual([again[0]!.seq, again[0]!.payload.length], [1001, 1360]);
    assert.equal(endpoint.connection.status().sendMss, 1360);
  });

  it('ATTACKS 21, RFC5927 §7.2: what is no reason to have dropped the packet changes nothing', () => {
    const { stack, link, open, send } = world();
    const endpoint = open();
    const packets = send(endpoint, 2000);
    assert.deepEqual(
      packets.map(({ length }) => length),
      [1500, 580],
    );
    const [large, small] = packets;
    for (const [about, mtu] of [
      [large!, 1500],
      [large!, 9000],
      [small!, 580],
      [small!, 1000],
    ] as const) {
      link.inject(tooBig(about, mtu));
    }
    assert.deepEqual([stack.stats.icmp.inIgnored, stack.stats.ip.pathMtuLowered], [4, 0]);
    assert.equal(endpoint.connection.pathMss, 1460);
    link.inject(tooBig(small!, 579));
    assert.equal(endpoint.connection.pathMss, 539);
  });

  it('RFC5927 §4: a quote of what is not in flight, or of nobody, changes nothing for anybody', () => {
    const { stack, link, open, send, acknowledge } = world();
    const endpoint = open();
    const [about] = send(endpoint, 1460);
    const changed = (at: number) => {
      const copy = about!.slice();
      copy[at]! ^= 0x40;
      return copy;
    };
    link.inject(
      ...[changed(24), changed(27), changed(15), changed(19), changed(21)].map((one) => tooBig(one, 600)),
    );
    acknowledge(endpoint);
    link.inject(tooBig(about!, 600));
    assert.equal(endpoint.connection.pathMss, 1460);
    assert.deepEqual([stack.stats.icmp.inErrorsUnmatched, stack.stats.icmp.inErrorsMatched], [6, 0]);
    assert.equal(largest(send(open())), 1500, 'nothing was noted for the destination');
  });

  it('ATTACKS 21: not below 552 octets over IPv4 and 1280 over IPv6, never up', () => {
    const { link, open, send } = world();
    const endpoint = open();
    const [about] = send(endpoint);
    link.inject(tooBig(about!, 1400), tooBig(about!, 1450));
    assert.equal(endpoint.connection.pathMss, 1360);
    link.inject(tooBig(about!, 68), tooBig(about!, 1000));
    assert.equal(endpoint.connection.pathMss, 512);
    const endpoint6 = open(PEER_V6);
    const [about6] = send(endpoint6);
    assert.equal(about6!.length, 1500);
    link.inject(tooBig(about6!, 1279));
    assert.equal(endpoint6.connection.pathMss, 1220);
    link.inject(tooBig(about6!, 0));
    assert.equal(endpoint6.connection.pathMss, 1220);
  });

  it('RFC8021: after a packet too big below 1280 no packet has a fragment header', () => {
    const { link, open, send, acknowledge } = world();
    const endpoint = open(PEER_V6);
    const [about] = send(endpoint);
    link.inject(tooBig(about!, 600));
    acknowledge(endpoint);
    link.sent.length = 0;
    const packets = send(endpoint, 3000);
    assert.equal(largest(packets), 1280);
    assert.ok(packets.every((packet) => packet[6] === IpProtocol.TCP));
  });

  it('RFC1191 §5, §7.1: routers that tell no MTU make us go down by plateaus', () => {
    const { link, open, send, acknowledge } = world();
    const endpoint = open();
    const sizes: number[] = [];
    for (let i = 0; i < 5; i++) {
      const packets = send(endpoint, 3000);
      sizes.push(largest(packets));
      link.inject(tooBig(packets.find((packet) => packet.length === sizes.at(-1))!, 0));
      link.sent.length = 0;
      acknowledge(endpoint);
    }
    assert.deepEqual(sizes, [1500, 1492, 1006, 552, 552]);
  });

  it('a path that takes less than 552 octets gets packets that routers may cut', () => {
    const { link, open, send, acknowledge } = world();
    const endpoint = open();
    const other = open(ip('10.9.0.8'));
    const [about] = send(endpoint);
    assert.equal(about![6], 0x40, 'DF');
    link.inject(tooBig(about!, 296));
    acknowledge(endpoint);
    link.sent.length = 0;
    const packets = [...send(endpoint, 3000), ...send(open(), 600)];
    assert.equal(largest(packets), 552);
    assert.ok(packets.every((packet) => packet[6] === 0));
    const ids = packets.map((packet) => (packet[4]! << 8) | packet[5]!);
    assert.equal(new Set(ids).size, packets.length);
    assert.ok(
      send(other).every((packet) => packet[6] === 0x40),
      'other destinations keep DF',
    );
  });
});

describe('path MTU: who learns of it', () => {
  it('RFC1191 §6.3: other connections to the destination, those to come too, and no others', () => {
    const { stack, link, open, send, settle } = world();
    const [quoted, beside, elsewhere] = [open(), open(), open(ip('10.9.0.8'))];
    const [about] = send(quoted);
    link.inject(tooBig(about!, 1300));
    link.sent.length = 0;
    assert.equal(largest(send(beside)), 1300);
    assert.equal(largest(send(elsewhere)), 1500);
    assert.equal(largest(send(open())), 1300);
    assert.equal(stack.stats.ip.pathMtuLowered, 1);

    link.sent.length = 0;
    stack.connect({ remote: PEER, remotePort: 81 }, null);
    settle();
    assert.equal(mssOptionOf(link.takeSegments()[0]!), 1460, 'RFC 6691: what we receive is another matter');
  });

  it('RFC1191 §6.3: connections that come to a listener start with it as well', () => {
    const { stack, link, open, send, settle } = world();
    const listener = stack.listen({ address: null, port: 80 }, { onAcceptable() {} });
    const [about] = send(open());
    link.inject(tooBig(about!, 1300));
    link.sent.length = 0;
    link.inject(fromPeer({ flags: SYN, seq: 10, options: Uint8Array.of(2, 4, 5, 180) }));
    link.inject(fromPeer({ flags: ACK, seq: 11, ack: 1001 }));
    link.sent.length = 0;
    const endpoint = listener.accept()!;
    assert.equal(largest(send(endpoint)), 1300);
    settle();
  });

  it('does not send again what another connection has in flight: it may have gone through', () => {
    const { link, open, send } = world();
    const [quoted, beside] = [open(), open()];
    send(beside, 1460);
    const [about] = send(quoted);
    link.inject(tooBig(about!, 1300));
    const ports = new Set(link.takeSegments().map(({ sourcePort }) => sourcePort));
    assert.deepEqual([...ports], [quoted.tuple.localPort]);
    send(beside, 100);
    assert.equal(beside.connection.retransmissions, 0);
  });

  it('an echo reply leaves in fragments that fit', () => {
    const { link, open, send } = world();
    const [about] = send(open());
    link.inject(tooBig(about!, 1300));
    link.sent.length = 0;
    const request = new Uint8Array(20 + 1408);
    const view = new DataView(request.buffer);
    writeIpv4Header(request, view, 0, request.length, IpProtocol.ICMP, PEER.w3, LOCAL.w3, 64, 0, 7, false);
    request.set([8, 0, 0xf7, 0xff], 20);
    link.inject(request);
    assert.deepEqual(
      link.sent.map(({ length }) => length),
      [1300, 20 + 1408 - 1280],
    );
  });

  it('what a connection found out by itself stands when another destination makes news', () => {
    const { link, open, send } = world();
    const [alone, quoted] = [open(ip('10.9.0.8')), open()];
    alone.connection.onPathMtuChanged(1024);
    link.inject(tooBig(send(quoted)[0]!, 1300));
    link.sent.length = 0;
    assert.equal(largest(send(alone)), 1064);
  });

  it('a smaller MSS that was configured stands', () => {
    const { stack, link, settle } = world({
      config: { pathMss: 900, initialWindowSegments: 4, nagle: false },
    });
    const endpoint = stack.connect({ remote: PEER, remotePort: 80 }, null);
    settle();
    endpoint.connection.onPathMtuChanged(1360);
    assert.equal(endpoint.connection.pathMss, 900);
    assert.equal(link.sent.length, 1);
  });
});

describe('path MTU: for how long', () => {
  it('RFC1191 §6.3, RFC8201 §4: after ten minutes the link’s MTU is tried again', () => {
    for (const [remote, family] of [
      [PEER, 4],
      [PEER_V6, 6],
    ] as const) {
      const { stack, link, clock, open, send, acknowledge } = world();
      const endpoint = open(remote);
      link.inject(tooBig(send(endpoint)[0]!, 1300));
      acknowledge(endpoint);
      clock.advance(TEN_MINUTES - 1);
      assert.equal(largest(send(endpoint)), 1300, `IPv${family}`);
      acknowledge(endpoint);
      clock.advance(1);
      assert.equal(largest(send(endpoint)), 1500, `IPv${family}`);
      assert.equal(largest(send(open(remote))), 1500);
      assert.equal(stack.stats.ip.pathMtuAged, 1);
    }
  });

  it('RFC1191 §6.3: counted from the last word about it', () => {
    const { link, clock, open, send, acknowledge } = world();
    const endpoint = open();
    link.inject(tooBig(send(endpoint)[0]!, 1300));
    acknowledge(endpoint);
    clock.advance(TEN_MINUTES / 2);
    link.inject(tooBig(send(endpoint)[0]!, 1200));
    acknowledge(endpoint);
    clock.advance(TEN_MINUTES / 2);
    assert.equal(largest(send(endpoint)), 1200);
    acknowledge(endpoint);
    clock.advance(TEN_MINUTES / 2);
    assert.equal(largest(send(endpoint)), 1500);
  });
});

describe('the table of path MTUs', () => {
  function table(pathMtuEntries: number) {
    const stats = newStackStats().ip;
    const armed: number[] = [];
    const limits = withDefaultLimits({ pathMtuEntries });
    const paths = new PathMtu(1500, limits, seededRandom(2), stats, (at) => void armed.push(at));
    return { paths, stats, armed };
  }

  const remotes = Array.from({ length: 40 }, (_, i) =>
    ip(i % 2 === 0 ? `10.1.0.${i + 1}` : `fd00:8::${i + 1}`),
  );

  it('limits.pathMtuEntries: forgets the one that was heard of least recently', () => {
    const { paths } = table(10);
    for (const [i, remote] of remotes.entries()) paths.learn(remote, 1300 + i, i);
    assert.equal(paths.size, 10);
    assert.deepEqual(remotes.map((remote) => paths.to(remote)).slice(28), [1500, 1500, ...range(1330, 1340)]);
    paths.learn(remotes[30]!, 1330, 50);
    paths.learn(PEER, 1400, 51);
    assert.deepEqual([paths.to(remotes[30]!), paths.to(remotes[31]!)], [1330, 1500]);
  });

  it('asks to be called when the next one is due, and for no other time', () => {
    const { paths, stats, armed } = table(10);
    for (const [i, remote] of remotes.slice(0, 4).entries()) paths.learn(remote, 1300, i * 1000);
    paths.learn(remotes[0]!, 1300, 5000);
    assert.equal(armed.at(-1), TEN_MINUTES + 1000);
    const before = paths.generation;
    paths.expire(TEN_MINUTES + 999);
    assert.deepEqual([paths.size, paths.generation], [4, before]);
    paths.expire(TEN_MINUTES + 2000);
    assert.deepEqual([paths.size, stats.pathMtuAged, armed.at(-1)], [2, 2, TEN_MINUTES + 3000]);
    assert.ok(paths.generation > before);
    assert.deepEqual(
      remotes.slice(0, 4).map((remote) => paths.to(remote)),
      [1300, 1500, 1500, 1300],
    );
    paths.expire(2 * TEN_MINUTES);
    assert.equal(paths.size, 0);
  });

  it('tells nobody when there is nothing new', () => {
    const { paths } = table(10);
    for (const mtu of [1500, 9000]) paths.learn(PEER, mtu, 0);
    assert.deepEqual([paths.generation, paths.size], [0, 0]);
    paths.learn(PEER, 1400, 0);
    const { generation } = paths;
    for (const mtu of [1400, 1450]) paths.learn(PEER, mtu, 0);
    assert.equal(paths.generation, generation);
  });
});

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
