import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { NO_OFFLOAD } from '../../src/stack/link.js';
import { finish, pseudoHeader, sumRange } from '../../src/wire/checksum.js';
import { IcmpType, writeIcmpEchoRequest, writeIcmpError } from '../../src/wire/icmp.js';
import { Icmpv6Type } from '../../src/wire/icmpv6.js';
import { refreshIpv4Checksum, writeIpv4Header } from '../../src/wire/ipv4.js';
import { writeIpv6Header } from '../../src/wire/ipv6.js';
import { IpProtocol } from '../../src/wire/protocol.js';
import { ACK, FIN, RST, SYN } from '../../src/wire/segment.js';
import { fromPeer, ip, LOCAL, PEER, TestLink, testStack } from './test-link.js';

/** An IPv4 packet around `message`. */
function ipv4(protocol: number, message: Uint8Array, source = PEER, destination = LOCAL): Uint8Array {
  const packet = new Uint8Array(20 + message.length);
  const view = new DataView(packet.buffer);
  writeIpv4Header(packet, view, 0, packet.length, protocol, source.w3, destination.w3, 64, 0, 7, true);
  packet.set(message, 20);
  return packet;
}

function echoRequest(data: Uint8Array): Uint8Array {
  const message = new Uint8Array(8 + data.length);
  writeIcmpEchoRequest(0x1234, 5, data, message, new DataView(message.buffer), 0);
  return message;
}

/** Changes bytes of an IPv4 packet and makes its header checksum right again. */
function altered(packet: Uint8Array, change: (bytes: Uint8Array, view: DataView) => void): Uint8Array {
  const view = new DataView(packet.buffer);
  change(packet, view);
  refreshIpv4Checksum(packet, view, 0);
  return packet;
}

describe('IP input', () => {
  it('RFC9293 MUST-63, ATTACKS 57 58: drops martian sources silently, LAND among them', () => {
    const { stack, link } = testStack();
    const sources =
      '0.0.0.0 127.0.0.1 224.0.0.9 240.0.0.1 255.255.255.255 10.9.0.255 10.9.0.0 10.9.0.2'.split(' ');
    for (const source of sources) link.inject(fromPeer({ flags: SYN, source: ip(source) }));
    link.inject(fromPeer({ flags: SYN, source: LOCAL, sourcePort: 80 }));
    assert.equal(stack.stats.ip.inMartians, sources.length + 1);
    assert.equal(stack.stats.tcp.inSegs, 0);
    assert.equal(link.sent.length, 0);
    const other = { source: ip('::1'), destination: ip('fd00:9::2') };
    link.inject(
      fromPeer({ flags: SYN, ...other }),
      fromPeer({ flags: SYN, ...other, source: ip('ff02::1') }),
    );
    assert.equal(stack.stats.ip.inMartians, sources.length + 3);
  });

  it('RFC9293 MUST-57: drops broadcast and multicast destinations silently, also with a listener', () => {
    const { stack, link } = testStack();
    stack.listen({ address: null, port: 80 }, { onAcceptable() {} });
    for (const destination of ['255.255.255.255', '10.9.0.255', '10.9.0.0', '224.0.0.1']) {
      link.inject(fromPeer({ flags: SYN, destination: ip(destination) }));
      link.inject(ipv4(IpProtocol.ICMP, echoRequest(new Uint8Array(8)), PEER, ip(destination)));
    }
    link.inject(fromPeer({ flags: SYN, source: ip('fd00:9::1'), destination: ip('ff02::1') }));
    assert.equal(stack.stats.ip.inBroadcasts, 9);
    assert.equal(link.sent.length, 0);
    assert.equal([...stack.connections()].length, 0);
  });

  it('counts what is not for us, and answers nothing', () => {
    const { stack, link } = testStack();
    link.inject(fromPeer({ flags: SYN, destination: ip('10.9.0.3') }));
    assert.equal(stack.stats.ip.inAddrErrors, 1);
    assert.equal(link.sent.length, 0);
  });

  it('ATTACKS 60: refuses source routes', () => {
    const { stack, link } = testStack();
    for (const kind of [131, 137]) {
      const segment = fromPeer({ flags: SYN });
      const routed = new Uint8Array(segment.length + 8);
      routed.set(segment.subarray(0, 20));
      routed.set([kind, 7, 4, 10, 9, 0, 9, 0], 20);
      routed.set(segment.subarray(20), 28);
      link.inject(
        altered(routed, (bytes, view) => {
          bytes[0] = 0x47;
          view.setUint16(2, routed.length);
        }),
      );
    }
    assert.equal(stack.stats.ip.inSourceRoutes, 2);
    assert.equal(link.sent.length, 0);
  });

  it('RFC9293 MUST-50: ignores IP options that it does not know', () => {
    const { stack, link } = testStack();
    const segment = fromPeer({ flags: SYN });
    const optioned = new Uint8Array(segment.length + 4);
    optioned.set(segment.subarray(0, 20));
    optioned.set([148, 4, 0, 0], 20);
    optioned.set(segment.subarray(20), 24);
    link.inject(
      altered(optioned, (bytes, view) => {
        bytes[0] = 0x46;
        view.setUint16(2, optioned.length);
      }),
    );
    assert.equal(link.takeSegments()[0]!.flags, RST | ACK);
    assert.equal(stack.stats.ip.inDelivers, 1);
  });

  it('RFC9293 MUST-3: drops wrong TCP checksums silently, unless the link has verified', () => {
    const { stack, link } = testStack();
    const broken = fromPeer({ flags: SYN });
    broken[36]! ^= 0x40;
    link.inject(broken);
    assert.equal(link.sent.length, 0);
    assert.deepEqual([stack.stats.tcp.inErrs, stack.stats.tcp.inCsumErrors], [1, 1]);
    const trusting = testStack({}, new TestLink(1500, { ...NO_OFFLOAD, receiveChecksum: true }));
    trusting.link.inject(broken);
    assert.equal(trusting.link.takeSegments()[0]!.flags, RST | ACK);
  });

  it('ATTACKS 59: drops port 0', () => {
    const { stack, link } = testStack();
    link.inject(fromPeer({ flags: SYN, sourcePort: 0 }), fromPeer({ flags: SYN, destinationPort: 0 }));
    assert.equal(stack.stats.tcp.inErrs, 2);
    assert.equal(link.sent.length, 0);
  });

  it('counts other protocols, other versions and broken headers', () => {
    const { stack, link } = testStack();
    link.inject(ipv4(IpProtocol.UDP, new Uint8Array(12)));
    link.inject(Uint8Array.of(0x50, 0, 0, 0), new Uint8Array(0), Uint8Array.of(0x45, 0, 0));
    const { ip: stats } = stack.stats;
    assert.deepEqual(
      [stats.inReceives, stats.inUnknownProtos, stats.inUnsupportedVersion, stats.inHdrErrors],
      [4, 1, 1, 2],
    );
  });

  it('survives any bytes', () => {
    // Checksums count as verified, so that what follows them is reached.
    const link = new TestLink(1500, { ...NO_OFFLOAD, receiveChecksum: true });
    const { stack, errors } = testStack({}, link);
    stack.listen({ address: null, port: 80 }, { onAcceptable() {} });
    const noise = fc.uint8Array({ minLength: 0, maxLength: 120 });
    const mutated = fc
      .tuple(fc.constantFrom(4, 6), fc.array(fc.tuple(fc.nat(99), fc.nat(255)), { maxLength: 6 }))
      .map(([version, changes]) => {
        const options = Uint8Array.of(2, 4, 5, 180, 1, 3, 3, 7, 4, 2, 1, 1);
        const packet =
          version === 4
            ? fromPeer({ flags: SYN, options, payload: new Uint8Array(40) })
            : fromPeer({ flags: SYN, options, source: ip('fd00:9::1'), destination: ip('fd00:9::2') });
        for (const [at, value] of changes) if (at < packet.length) packet[at] = value;
        const isWhole = packet[0]! >>> 4 === 4 && (packet[0]! & 15) << 2 <= packet.length;
        return version === 4 && isWhole ? altered(packet, () => {}) : packet;
      });
    fc.assert(
      fc.property(fc.array(fc.oneof(noise, mutated), { maxLength: 5 }), (packets) => link.inject(...packets)),
      { numRuns: 2000 },
    );
    assert.deepEqual(errors, []);
    const { ip: ipStats, tcp } = stack.stats;
    for (const counter of [ipStats.inHdrErrors, ipStats.inFragments, tcp.inSegs, tcp.passiveOpens]) {
      assert.ok(counter > 10, 'the bytes reached every layer');
    }
  });
});

describe('answers to segments that nobody owns (RFC 9293 §3.10.7.1)', () => {
  it('carry the numbers that the rule names', () => {
    const { link } = testStack();
    link.inject(fromPeer({ flags: SYN, seq: 100 }));
    link.inject(fromPeer({ flags: ACK, seq: 100, ack: 777, payload: new Uint8Array(10) }));
    link.inject(fromPeer({ flags: FIN, seq: 0xffffffff, payload: new Uint8Array(3) }));
    link.inject(fromPeer({ flags: RST, seq: 5 }), fromPeer({ flags: RST | ACK, seq: 5, ack: 6 }));
    const [first, second, third, ...rest] = link.takeSegments();
    assert.deepEqual([first!.flags, first!.seq, first!.ack], [RST | ACK, 0, 101]);
    assert.deepEqual([second!.flags, second!.seq, second!.ack], [RST, 777, 0]);
    assert.deepEqual([third!.flags, third!.seq, third!.ack], [RST | ACK, 0, 3]);
    assert.equal(rest.length, 0, 'no RST for an RST (ATTACKS 28)');
    assert.deepEqual([first!.sourcePort, first!.destinationPort], [80, 5000]);
    assert.deepEqual([String(first!.source), String(first!.destination)], ['10.9.0.2', '10.9.0.1']);
    assert.equal(first!.tcp.options.length, 0);
  });

  it('go out over IPv6 as well', () => {
    const { link } = testStack();
    link.inject(fromPeer({ flags: SYN, seq: 9, source: ip('fd00:9::1'), destination: ip('fd00:9::2') }));
    const [reset] = link.takeSegments();
    assert.deepEqual([reset!.flags, reset!.ack, String(reset!.destination)], [RST | ACK, 10, 'fd00:9::1']);
  });

  it('are limited per second, and counted', () => {
    const { stack, link, clock } = testStack({ limits: { resetsPerSecond: 20 } });
    const flood = Array.from({ length: 100 }, (_, i) => fromPeer({ flags: SYN, sourcePort: 1000 + i }));
    link.inject(...flood);
    assert.equal(link.sent.length, 20);
    assert.equal(stack.stats.tcp.resetsSuppressed, 80);
    clock.advance(500);
    link.inject(...flood);
    assert.equal(link.sent.length, 30);
    assert.equal(stack.stats.tcp.outRsts, 30);
  });

  it('use identifications that tell nothing of other destinations, and forbid fragmentation (ATTACKS 17)', () => {
    const { link } = testStack();
    const ids: number[] = [];
    for (let i = 0; i < 64; i++) {
      link.inject(fromPeer({ flags: SYN, sourcePort: 1000 + i }));
      const { packet } = link.takeSegments()[0]!;
      assert.ok(packet.ip.version === 4 && packet.ip.view.dontFragment);
      ids.push(packet.ip.view.id);
    }
    const steps = new Set(ids.slice(1).map((id, i) => (id - ids[i]!) & 0xffff));
    assert.ok(steps.size > 60, `${steps.size} different steps`);
  });
});

describe('ICMP', () => {
  it('answers an echo request byte by byte', () => {
    const { stack, link } = testStack();
    const data = Uint8Array.from({ length: 13 }, (_, i) => 0xa0 + i);
    link.inject(ipv4(IpProtocol.ICMP, echoRequest(data)));
    const [reply] = link.sent.splice(0);
    assert.equal(reply!.length, 41);
    assert.equal(sumRange(reply!, 0, 20), 0xffff, 'header checksum');
    assert.equal(sumRange(reply!, 20, 21), 0xffff, 'message checksum');
    assert.deepEqual([...reply!.subarray(12, 22)], [10, 9, 0, 2, 10, 9, 0, 1, 0, 0]);
    assert.deepEqual([...reply!.subarray(24, 28)], [0x12, 0x34, 0, 5]);
    assert.deepEqual(reply!.subarray(28), data);
    assert.deepEqual([stack.stats.icmp.inEchos, stack.stats.icmp.outEchoReps], [1, 1]);
  });

  it('answers an ICMPv6 echo request', () => {
    const { link } = testStack();
    const [source, destination] = [ip('fd00:9::1'), ip('fd00:9::2')];
    const packet = new Uint8Array(40 + 12);
    const view = new DataView(packet.buffer);
    writeIpv6Header(packet, view, 0, 12, IpProtocol.ICMPV6, source, destination, 64, 0, 0);
    packet.set([Icmpv6Type.ECHO_REQUEST, 0, 0, 0, 0, 1, 0, 2, 9, 8, 7, 6], 40);
    const sum = pseudoHeader(source, destination, IpProtocol.ICMPV6, 12);
    view.setUint16(42, finish(sum + sumRange(packet, 40, 12)));
    link.inject(packet);
    const [reply] = link.sent.splice(0);
    const replySum = pseudoHeader(destination, source, IpProtocol.ICMPV6, 12);
    assert.equal(~finish(replySum + sumRange(reply!, 40, 12)) & 0xffff, 0xffff);
    assert.deepEqual([...reply!.subarray(44)], [0, 1, 0, 2, 9, 8, 7, 6]);
    assert.equal(reply![40], Icmpv6Type.ECHO_REPLY);
  });

  it('limits echo replies per second', () => {
    const { stack, link } = testStack({ limits: { icmpPerSecond: 5 } });
    for (let i = 0; i < 9; i++) link.inject(ipv4(IpProtocol.ICMP, echoRequest(new Uint8Array(4))));
    assert.equal(link.sent.length, 5);
    assert.equal(stack.stats.icmp.echoesSuppressed, 4);
  });

  /** Destination unreachable about the newest packet sent. */
  function unreachable(code: number, mtu: number, about: Uint8Array, quoted = about.length): Uint8Array {
    const message = new Uint8Array(600);
    const length = writeIcmpError(
      IcmpType.DESTINATION_UNREACHABLE,
      code,
      mtu,
      about,
      0,
      quoted,
      message,
      new DataView(message.buffer),
      0,
    );
    return ipv4(IpProtocol.ICMP, message.slice(0, length), ip('10.9.0.254'));
  }

  it('RFC9293 MUST-54: hands an error to the connection that it quotes, and to no other', () => {
    const { stack, link, settle } = testStack();
    const first = stack.connect({ remote: PEER, remotePort: 80 }, null);
    const second = stack.connect({ remote: PEER, remotePort: 80 }, null);
    settle();
    const [syn] = link.sent.splice(0);
    link.inject(unreachable(3, 0, syn!));
    assert.equal(first.connection.error, 'ECONNREFUSED');
    assert.equal(second.connection.error, null);
    assert.equal(stack.stats.icmp.inErrorsMatched, 1);
    assert.deepEqual([...stack.connections()], [second]);
  });

  it('ATTACKS 19: ignores quotes of connections or sequence numbers that are not there', () => {
    const { stack, link, settle } = testStack();
    const endpoint = stack.connect({ remote: PEER, remotePort: 80 }, null);
    settle();
    const [syn] = link.sent.splice(0);
    const wrongSeq = Uint8Array.from(syn!);
    new DataView(wrongSeq.buffer).setUint32(24, 999_999);
    const wrongPort = Uint8Array.from(syn!);
    wrongPort[21]! ^= 1;
    const wrongSource = Uint8Array.from(syn!);
    wrongSource[15]! ^= 1;
    link.inject(
      unreachable(3, 0, wrongSeq),
      unreachable(3, 0, wrongPort),
      unreachable(3, 0, wrongSource),
      unreachable(3, 0, syn!, 24),
    );
    assert.equal(endpoint.connection.error, null);
    assert.equal(stack.stats.icmp.inErrorsUnmatched, 3);
    assert.deepEqual([...stack.connections()], [endpoint]);
  });

  it('RFC9293 MUST-55: ignores source quench; and redirects (ATTACKS 20 22)', () => {
    const { stack, link, settle } = testStack();
    const endpoint = stack.connect({ remote: PEER, remotePort: 80 }, null);
    settle();
    const [syn] = link.sent.splice(0);
    for (const type of [4, 5]) {
      const packet = unreachable(0, 0, syn!);
      packet[20] = type;
      const view = new DataView(packet.buffer);
      view.setUint16(22, 0);
      view.setUint16(22, finish(sumRange(packet, 20, packet.length - 20)));
      link.inject(packet);
    }
    assert.equal(stack.stats.icmp.inIgnored, 2);
    assert.equal(endpoint.connection.softError, null);
    assert.equal(link.sent.length, 0);
  });
});
