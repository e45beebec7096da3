// The ICMP errors that the stack sends about packets that came, and those that it must not send.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StackOptions } from '../../src/stack/stack.js';
import { finish, pseudoHeader, sumRange } from '../../src/wire/checksum.js';
import { IcmpType } from '../../src/wire/icmp.js';
import { Icmpv6Type } from '../../src/wire/icmpv6.js';
import { refreshIpv4Checksum, writeIpv4Header } from '../../src/wire/ipv4.js';
import { writeIpv6Header } from '../../src/wire/ipv6.js';
import { IpProtocol } from '../../src/wire/protocol.js';
import { cut, fragment6, LOCAL_V6, PEER_V6, patterned } from './fragments.js';
import { ip, LOCAL, PEER, testStack } from './test-link.js';

const TCP = IpProtocol.TCP;

function packet4(protocol: number, data: Uint8Array, source = PEER, destination = LOCAL): Uint8Array {
  const packet = new Uint8Array(20 + data.length);
  const view = new DataView(packet.buffer);
  writeIpv4Header(packet, view, 0, packet.length, protocol, source.w3, destination.w3, 64, 0, 7, true);
  packet.set(data, 20);
  return packet;
}

function packet6(
  next: number,
  data: readonly number[],
  source = PEER_V6,
  destination = LOCAL_V6,
): Uint8Array {
  const packet = new Uint8Array(40 + data.length);
  const view = new DataView(packet.buffer);
  writeIpv6Header(packet, view, 0, data.length, next, source, destination, 64, 0, 0);
  packet.set(data, 40);
  return packet;
}

/** Type, code and the four octets of detail of each ICMPv6 error sent about a packet; the quote and the sums are checked. */
function told6(
  packets: readonly Uint8Array[],
  options: Partial<StackOptions> = {},
): [number, number, number][] {
  const { link } = testStack(options);
  return packets.flatMap((packet) => {
    link.inject(packet);
    return link.sent.splice(0).map((error): [number, number, number] => {
      const length = error.length - 40;
      const sum = pseudoHeader(LOCAL_V6, PEER_V6, IpProtocol.ICMPV6, length);
      assert.equal(finish(sum + sumRange(error, 40, length)), 0, 'checksum');
      assert.deepEqual(error.slice(8, 40), Uint8Array.of(...packet.slice(24, 40), ...packet.slice(8, 24)));
      assert.deepEqual(error.subarray(48), packet.subarray(0, 1232), 'quote');
      return [error[40]!, error[41]!, new DataView(error.buffer).getUint32(44)];
    });
  });
}

/** An option of this type in a header that names `next`. */
function optionHeader(next: number, type: number): number[] {
  return [next, 0, 1, 0, type, 2, 0, 0];
}

describe('ICMPv6 errors about packets that came', () => {
  it('RFC8200 §4: an unknown next header, wherever it is named', () => {
    assert.deepEqual(told6([packet6(99, [1, 2, 3, 4])]), [[4, 1, 6]]);
    assert.deepEqual(told6([packet6(IpProtocol.UDP, new Array(1400).fill(7))]), [[4, 1, 6]]);
    assert.deepEqual(told6([packet6(60, [99, 0, 1, 4, 0, 0, 0, 0, 1])]), [[4, 1, 40]]);
    const behind = [...optionHeader(60, 0x1e), ...optionHeader(99, 0x1e), 1];
    assert.deepEqual(told6([packet6(0, behind)]), [[4, 1, 48]]);
    const secondHopByHop = [0, 0, 1, 4, 0, 0, 0, 0, TCP, 0, 1, 4, 0, 0, 0, 0];
    assert.deepEqual(told6([packet6(60, secondHopByHop)]), [[4, 1, 40]]);
  });

  it('RFC8200 §4.7: no next header is an end, and no error', () => {
    assert.deepEqual(told6([packet6(59, [1, 2, 3]), packet6(60, [59, 0, 1, 4, 0, 0, 0, 0])]), []);
  });

  it('RFC8200 §4.2: options do as their two high bits say', () => {
    for (const header of [0, 60]) {
      const sent = (type: number) => told6([packet6(header, [...optionHeader(TCP, type), 1, 2, 3])]);
      assert.deepEqual(sent(0x5e), [], '01: discarded in silence');
      assert.deepEqual(sent(0x9e), [[4, 2, 44]], '10: the source is told');
      assert.deepEqual(sent(0xde), [[4, 2, 44]], '11: told, for this was no multicast');
    }
    const { stack, link } = testStack();
    link.inject(packet6(60, optionHeader(TCP, 0x1e)), packet6(60, optionHeader(TCP, 0x5e)));
    assert.deepEqual([stack.stats.tcp.inSegs, stack.stats.ip.inHdrErrors], [1, 1], '00: passed over');
  });

  it('RFC8200 §4.4, RFC5095 §3: a routing header with segments left points at its type', () => {
    assert.deepEqual(told6([packet6(43, [TCP, 0, 0, 1, 0, 0, 0, 0])]), [[4, 0, 42]]);
    assert.deepEqual(told6([packet6(43, [TCP, 0, 4, 9, 0, 0, 0, 0])]), [[4, 0, 42]]);
    const { stack, link } = testStack();
    link.inject(packet6(43, [TCP, 0, 0, 0, 0, 0, 0, 0]), packet6(43, [TCP, 0, 0, 1, 0, 0, 0, 0]));
    assert.deepEqual([stack.stats.tcp.inSegs, stack.stats.ip.inSourceRoutes], [1, 1]);
  });

  it('RFC8200 §4.5, RFC7112: fragments that no packet can be made of', () => {
    assert.deepEqual(
      told6([
        fragment6({ start: 0, data: patterned(20), more: true }),
        fragment6({ start: 65_528, data: patterned(16), more: false }),
        fragment6({ start: 0, data: patterned(8), more: true, protocol: TCP }),
      ]),
      [
        [4, 0, 4],
        [4, 0, 42],
        [4, 3, 0],
      ],
    );
  });

  it('are about the whole when it came in fragments', () => {
    const { link } = testStack();
    link.inject(...cut(6, patterned(64), [32], { protocol: 99 }));
    const [error] = link.sent;
    assert.deepEqual([...error!.subarray(40, 42)], [4, 1]);
    assert.equal(new DataView(error!.buffer).getUint32(44), 6);
    assert.deepEqual(error!.subarray(48 + 40), patterned(64));
  });

  it('RFC4443 §2.4 e: are not sent about errors, whatever stands in front of them', () => {
    const error = [Icmpv6Type.PACKET_TOO_BIG, 0, 0, 0, 0, 0, 5, 0];
    const request = [Icmpv6Type.ECHO_REQUEST, 0, 0, 0, 0, 0, 0, 0];
    const option = optionHeader(IpProtocol.ICMPV6, 0x9e);
    assert.deepEqual(told6([packet6(60, [...option, ...error])]), []);
    assert.deepEqual(told6([packet6(60, [...option, ...request])]), [[4, 2, 44]]);
    assert.deepEqual(told6([packet6(60, option)]), [], 'it cannot be told what it is');
    const piece = { start: 0, more: true, data: Uint8Array.from([...error, ...new Array(12).fill(0)]) };
    assert.deepEqual(told6([fragment6(piece)]), []);
  });

  it('RFC4443 §2.4 e: are not sent to or about multicast, martians, or others', () => {
    const bad = [...optionHeader(TCP, 0xde), 1];
    assert.deepEqual(told6([packet6(60, bad, ip('ff02::1'))]), []);
    assert.deepEqual(told6([packet6(60, bad, PEER_V6, ip('ff02::1'))]), []);
    assert.deepEqual(told6([packet6(60, bad, PEER_V6, ip('fd00:9::9'))]), []);
    assert.deepEqual(told6([packet6(60, bad, ip('::'))]), []);
  });

  it('limits.icmpPerSecond binds them together with echo replies', () => {
    const packets = Array.from({ length: 9 }, () => packet6(99, [1]));
    assert.equal(told6(packets, { limits: { icmpPerSecond: 4 } }).length, 4);
    const { stack, link } = testStack({ limits: { icmpPerSecond: 4 } });
    for (const packet of packets) link.inject(packet);
    assert.deepEqual([stack.stats.icmp.outErrors, stack.stats.icmp.errorsSuppressed], [4, 5]);
    assert.equal(stack.stats.ip.inUnknownProtos, 9);
  });
});

describe('ICMP errors about packets that came', () => {
  it('RFC1122 §3.2.2.1: a protocol that nobody here speaks', () => {
    const { stack, link } = testStack();
    const packet = packet4(IpProtocol.UDP, patterned(900));
    link.inject(packet);
    const [error] = link.sent;
    assert.deepEqual(
      [...error!.subarray(12, 22)],
      [10, 9, 0, 2, 10, 9, 0, 1, IcmpType.DESTINATION_UNREACHABLE, 2],
    );
    assert.deepEqual(error!.subarray(28), packet.subarray(0, 548), 'at most 576 octets');
    assert.deepEqual([sumRange(error!, 20, error!.length - 20), sumRange(error!, 0, 20)], [0xffff, 0xffff]);
    assert.deepEqual([stack.stats.ip.inUnknownProtos, stack.stats.icmp.outErrors], [1, 1]);
  });

  it('RFC1122 §3.2.2: are not sent to or about broadcast, multicast and martians', () => {
    const { link } = testStack();
    for (const [source, destination] of [
      ['10.9.0.255', '10.9.0.2'],
      ['224.0.0.1', '10.9.0.2'],
      ['10.9.0.1', '10.9.0.255'],
      ['10.9.0.1', '224.0.0.1'],
    ] as const) {
      link.inject(packet4(IpProtocol.UDP, patterned(9), ip(source), ip(destination)));
    }
    assert.equal(link.sent.length, 0);
  });

  it('RFC1122 §3.2.2: are not sent about errors', () => {
    const { link, clock } = testStack();
    for (const [id, type] of [IcmpType.DESTINATION_UNREACHABLE, IcmpType.ECHO_REQUEST].entries()) {
      const piece = packet4(IpProtocol.ICMP, Uint8Array.from([type, ...new Array(23).fill(0)]));
      const view = new DataView(piece.buffer);
      view.setUint16(4, id);
      view.setUint16(6, 0x2000);
      refreshIpv4Checksum(piece, view, 0);
      link.inject(piece);
    }
    clock.advance(30_000);
    assert.deepEqual(
      link.sent.map((error) => [error[20], error[28 + 20]]),
      [[11, IcmpType.ECHO_REQUEST]],
    );
  });
});
