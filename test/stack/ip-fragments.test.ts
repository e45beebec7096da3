// Fragments in a stack: what is made whole is taken in as if it had come so, time runs by the stack's clock, and answers
// longer than the path leave in fragments.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { HeaderNumbers } from '../../src/stack/header-numbers.js';
import { NO_OFFLOAD } from '../../src/stack/link.js';
import { IpAddress } from '../../src/wire/address.js';
import { finish, pseudoHeader, sumRange } from '../../src/wire/checksum.js';
import { writeIcmpEchoRequest } from '../../src/wire/icmp.js';
import { Icmpv6Type } from '../../src/wire/icmpv6.js';
import { Ipv4View, parseIpv4 } from '../../src/wire/ipv4.js';
import { Ipv6View, parseIpv6 } from '../../src/wire/ipv6.js';
import { IpProtocol } from '../../src/wire/protocol.js';
import { ACK, RST, SYN } from '../../src/wire/segment.js';
import { cut, fragment4, fragment6, LOCAL_V6, PEER_V6, patterned, ReassemblyBench } from './fragments.js';
import { fromPeer, ip, LOCAL, PEER, seededRandom, TestLink, testStack } from './test-link.js';

/** An echo request with so many octets of data, its checksum right. */
function echo(family: 4 | 6, size: number): Uint8Array {
  const message = new Uint8Array(8 + size);
  const view = new DataView(message.buffer);
  writeIcmpEchoRequest(0x1234, 5, patterned(size), message, view, 0);
  if (family === 4) return message;
  message[0] = Icmpv6Type.ECHO_REQUEST;
  view.setUint16(2, 0);
  const sum = pseudoHeader(PEER_V6, LOCAL_V6, IpProtocol.ICMPV6, message.length);
  view.setUint16(2, finish(sum + sumRange(message, 0, message.length)));
  return message;
}

/** Data behind the IP header of a segment. */
function tcpOf(segment: Uint8Array): Uint8Array {
  return segment.slice(segment[0]! >>> 4 === 4 ? 20 : 40);
}

interface Sent {
  readonly start: number;
  readonly more: boolean;
  readonly dontFragment: boolean;
  readonly isFragment: boolean;
  readonly id: number;
  readonly length: number;
}

function describeSent(packet: Uint8Array): Sent {
  const view = new DataView(packet.buffer);
  const v4 = packet[0]! >>> 4 === 4;
  const ip4 = new Ipv4View();
  const ip6 = new Ipv6View();
  const error = v4
    ? parseIpv4(packet, view, 0, packet.length, ip4)
    : parseIpv6(packet, view, 0, packet.length, ip6);
  assert.equal(error, 0);
  const common = v4 ? ip4 : ip6;
  return {
    start: common.fragmentOffset,
    more: common.moreFragments,
    isFragment: common.isFragment,
    dontFragment: v4 && ip4.dontFragment,
    id: v4 ? ip4.id : ip6.fragmentId >>> 0,
    length: packet.length,
  };
}

describe('fragments taken in by a stack', () => {
  it('a segment in pieces opens a connection, over both families', () => {
    for (const [family, ends] of [
      [4, {}],
      [6, { source: PEER_V6, destination: LOCAL_V6 }],
    ] as const) {
      const { stack, link } = testStack();
      const segment = fromPeer({ flags: SYN, payload: patterned(600), ...ends });
      link.inject(...cut(family, tcpOf(segment), [400], { protocol: IpProtocol.TCP }).reverse());
      assert.deepEqual(
        link.takeSegments().map((s) => s.flags),
        [RST | ACK],
      );
      const { ip: stats } = stack.stats;
      assert.deepEqual([stats.inReceives, stats.inDelivers, stats.reasmReqds, stats.reasmOks], [2, 1, 2, 1]);
      assert.deepEqual([stats.inFragments, stats.reasmFails], [0, 0]);
    }
  });

  it('RFC9293 MUST-3: the checksum of what came in pieces is verified, whatever the link has verified', () => {
    const link = new TestLink(1500, { ...NO_OFFLOAD, receiveChecksum: true });
    const { stack } = testStack({}, link);
    const segment = tcpOf(fromPeer({ flags: SYN, payload: patterned(64) }));
    segment[50]! ^= 1;
    link.inject(...cut(4, segment, [32], { protocol: IpProtocol.TCP }));
    assert.deepEqual([stack.stats.tcp.inCsumErrors, link.sent.length], [1, 0]);
  });

  it('RFC3168 §5.3: TCP sees the mark that one of the pieces had', () => {
    const seen: number[] = [];
    const { stack, link } = testStack();
    const endpoint = stack.connect({ remote: PEER, remotePort: 80, localPort: 4000 }, null);
    const { connection } = endpoint;
    const onSegment = connection.onSegment.bind(connection);
    connection.onSegment = (segment, now) => {
      seen.push(segment.ecn);
      onSegment(segment, now);
    };
    const segment = tcpOf(
      fromPeer({ flags: ACK, sourcePort: 80, destinationPort: 4000, payload: patterned(60) }),
    );
    const pieces = (id: number, marks: number[]) =>
      [0, 1].map((i) => {
        const data = i === 0 ? segment.slice(0, 40) : segment.slice(40);
        return fragment4({
          start: i * 40,
          data,
          more: i === 0,
          id,
          ecn: marks[i]!,
          protocol: IpProtocol.TCP,
        });
      });
    link.inject(...pieces(1, [2, 3]), ...pieces(2, [2, 2]), ...pieces(3, [0, 3]));
    assert.deepEqual(seen, [3, 2]);
    assert.equal(stack.stats.ip.reasmFails, 1);
  });

  it('RFC8200 §4.5, RFC6946: an atomic fragment is taken by itself, beside fragments of the same identification', () => {
    const { stack, link } = testStack();
    const segment = tcpOf(fromPeer({ flags: SYN, source: PEER_V6, destination: LOCAL_V6 }));
    const fields = { protocol: IpProtocol.TCP, id: 5 };
    link.inject(fragment6({ ...fields, start: 24, data: patterned(24), more: true }));
    link.inject(fragment6({ ...fields, start: 0, data: segment, more: false }));
    assert.deepEqual(
      link.takeSegments().map((s) => s.flags),
      [RST | ACK],
    );
    assert.deepEqual([stack.stats.ip.reasmReqds, stack.stats.ip.reasmOverlaps], [1, 0]);
  });

  it('fragments of fragments come to nothing', () => {
    const { stack, link } = testStack();
    const inner = fragment6({ start: 0, data: patterned(64), more: true, id: 9 }).slice(40);
    const pieces = cut(6, inner, [32], { protocol: 44, id: 8 });
    link.inject(...pieces);
    assert.deepEqual(
      [stack.stats.ip.reasmOks, stack.stats.ip.inHdrErrors, stack.stats.ip.reasmReqds],
      [1, 1, 2],
    );
  });

  it('RFC5722, RFC1858: pieces that contradict each other or cut the TCP header never reach TCP', () => {
    const { stack, link } = testStack();
    const segment = tcpOf(fromPeer({ flags: SYN, payload: patterned(60) }));
    const fields = { protocol: IpProtocol.TCP };
    link.inject(...cut(4, segment, [8, 40], { ...fields, id: 1 }));
    const overlapping = fragment4({ ...fields, id: 2, start: 8, data: patterned(72), more: false });
    link.inject(cut(4, segment, [40], { ...fields, id: 2 })[0]!, overlapping);
    link.inject(cut(4, segment, [40], { ...fields, id: 2 })[1]!);
    assert.deepEqual([stack.stats.tcp.inSegs, stack.stats.ip.inFragments], [0, 3]);
    assert.equal(link.sent.length, 0);
  });

  it('RFC1122 §3.3.2: time runs by the stack’s clock, one timer for all, and the source is told once', () => {
    const { stack, link, clock } = testStack();
    const first = fragment4({ start: 0, data: patterned(600), more: true, id: 1 });
    const first6 = fragment6({ start: 0, data: patterned(1400), more: true, id: 1 });
    link.inject(first, fragment4({ start: 24, data: patterned(24), more: true, id: 2 }), first6);
    clock.advance(29_999);
    assert.equal(link.sent.length, 0);
    clock.advance(1);
    const [told] = link.sent.splice(0);
    assert.deepEqual([...told!.subarray(12, 22)], [10, 9, 0, 2, 10, 9, 0, 1, 11, 1]);
    assert.deepEqual(told!.subarray(28), first.subarray(0, 548), 'as much as an error may quote');
    assert.equal(sumRange(told!, 20, told!.length - 20), 0xffff);
    assert.equal(stack.stats.ip.reasmTimeouts, 2);
    clock.advance(29_999);
    assert.equal(link.sent.length, 0);
    clock.advance(1);
    const [told6] = link.sent.splice(0);
    assert.deepEqual([...told6!.subarray(40, 42)], [Icmpv6Type.TIME_EXCEEDED, 1]);
    assert.deepEqual(told6!.subarray(48), first6.subarray(0, 1280 - 48));
    const sum = pseudoHeader(LOCAL_V6, PEER_V6, IpProtocol.ICMPV6, told6!.length - 40);
    assert.equal(finish(sum + sumRange(told6!, 40, told6!.length - 40)), 0);
    assert.deepEqual([stack.stats.ip.reasmTimeouts, stack.stats.icmp.outErrors], [3, 2]);
    clock.advance(100_000);
    assert.equal(link.sent.length, 0);
  });

  it('limits.icmpPerSecond binds what time-outs tell', () => {
    const { stack, link, clock } = testStack({ limits: { icmpPerSecond: 10 } });
    for (let id = 0; id < 30; id++) link.inject(fragment4({ start: 0, data: patterned(24), more: true, id }));
    clock.advance(30_000);
    assert.equal(link.sent.length, 10);
    assert.deepEqual([stack.stats.icmp.outErrors, stack.stats.icmp.errorsSuppressed], [10, 20]);
  });
});

describe('answers longer than the path', () => {
  for (const family of [4, 6] as const) {
    const headers = family === 4 ? 20 : 48;

    it(`RFC1122 §3.2.2.6, RFC4443 §4.2: an echo of 4000 octets over IPv${family} goes back whole`, () => {
      const { stack, link } = testStack();
      const message = echo(family, 4000);
      const room = (1500 - headers) & ~7;
      link.inject(...cut(family, message, [room, 2 * room]));
      const replies = link.sent.splice(0);
      const sent = replies.map(describeSent);
      assert.deepEqual(
        sent.map(({ start, more, dontFragment }) => [start, more, dontFragment]),
        [
          [0, true, false],
          [room, true, false],
          [2 * room, false, false],
        ],
      );
      assert.ok(sent.every(({ length }) => length <= 1500));
      assert.equal(new Set(sent.map(({ id }) => id)).size, 1, 'one identification');
      const bench = new ReassemblyBench();
      assert.deepEqual(bench.takeAll(replies), ['kept', 'kept', 'whole']);
      assert.deepEqual(bench.wholeData().slice(8), patterned(4000));
      assert.deepEqual([stack.stats.ip.outFragOks, stack.stats.ip.outFragCreates], [1, 3]);
    });

    it(`over IPv${family} a reply comes in no larger packets than its request did`, () => {
      const { link } = testStack();
      link.inject(...cut(family, echo(family, 2000), [1000, 1600]));
      const sent = link.sent.splice(0).map(describeSent);
      assert.deepEqual(
        sent.map(({ length }) => length),
        [1000 + headers, 1000 + headers, 8 + headers],
      );
    });
  }

  it('RFC791: what fits leaves in one piece, and routers may cut it', () => {
    const { link } = testStack();
    const packet = fragment4({ start: 0, data: echo(4, 1400), more: false });
    link.inject(packet, packet);
    const [first, second] = link.sent.map(describeSent);
    assert.deepEqual([first!.isFragment, first!.dontFragment, first!.length], [false, false, 1428]);
    assert.notEqual(first!.id, second!.id);
  });

  it('a link that fills up in the midst of the pieces gets no more of them', () => {
    const { stack, link } = testStack();
    const room = (1500 - 20) & ~7;
    const pieces = cut(4, echo(4, 4000), [room, 2 * room]);
    link.inject(...pieces.slice(0, 2));
    link.room = 1;
    link.inject(pieces[2]!);
    assert.deepEqual([link.sent.length, stack.stats.icmp.echoesSuppressed], [1, 1]);
    assert.deepEqual([stack.stats.ip.outFragOks, stack.stats.ip.outDiscards], [0, 1]);
  });
});

describe('identifications', () => {
  it('RFC6864 §4.2: none comes twice to a destination before all others have', () => {
    const numbers = new HeaderNumbers(seededRandom(5));
    const seen = new Set<number>();
    for (let i = 0; i < 65_536; i++) seen.add(numbers.uniqueIdentification(PEER, 16));
    assert.equal(seen.size, 65_536);
    const wide = new Set<number>();
    for (let i = 0; i < 100_000; i++) wide.add(numbers.uniqueIdentification(PEER_V6, 32));
    assert.equal(wide.size, 100_000);
    assert.ok([...wide].some((id) => id > 0x7fffffff) && [...wide].every((id) => id >= 0 && id < 2 ** 32));
  });

  it('RFC7739, ATTACKS 17: the steps tell one destination nothing, and nothing of another', () => {
    const numbers = new HeaderNumbers(seededRandom(5));
    const other = ip('10.9.0.200');
    const steps = new Set<number>();
    const differences = new Set<number>();
    let last = 0;
    for (let i = 0; i < 1000; i++) {
      const mine = numbers.uniqueIdentification(PEER, 16);
      const theirs = numbers.uniqueIdentification(other, 16);
      steps.add((mine - last) & 0xffff);
      differences.add((mine - theirs) & 0xffff);
      last = mine;
    }
    assert.ok(steps.size > 900 && differences.size > 900, `${steps.size}, ${differences.size}`);
    const again = new HeaderNumbers(seededRandom(6));
    assert.notEqual(again.uniqueIdentification(PEER, 32), numbers.uniqueIdentification(PEER, 32));
    assert.notEqual(again.uniqueIdentification(IpAddress.v4(1), 16), again.uniqueIdentification(LOCAL, 16));
  });
});
