// The IPv4 and IPv6 headers: round trips, every refusal, and bounded walks over options and extension headers.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  decodeHeader,
  encodeHeader,
  finish,
  IPV4_HEADER,
  IPV6_HEADER,
  IpAddress,
  Ipv4View,
  Ipv6View,
  MAX_EXTENSION_HEADERS,
  ParseError,
  parseErrorName,
  parseIpv4,
  parseIpv6,
  refreshIpv4Checksum,
  sumRange,
  writeIpv4Header,
  writeIpv6Header,
} from '../../src/wire/index.js';
import { hex, place, placements } from './slab.js';

/** Parses in all placements, which must agree; offsets are counted from the packet. */
function parse4(packet: Uint8Array): { error: number; ip: Ipv4View } {
  const results = placements(packet).map(({ bytes, view, offset, length }) => {
    const ip = new Ipv4View();
    const error = parseIpv4(bytes, view, offset, length, ip);
    if (error === ParseError.NONE) ip.payloadOffset -= offset;
    return { error, ip };
  });
  assert.deepEqual(results[1], results[0]);
  assert.deepEqual(results[2], results[0]);
  return results[0]!;
}

function parse6(packet: Uint8Array): { error: number; ip: Ipv6View } {
  const results = placements(packet).map(({ bytes, view, offset, length }) => {
    const ip = new Ipv6View();
    const error = parseIpv6(bytes, view, offset, length, ip);
    if (error === ParseError.NONE) {
      ip.payloadOffset -= offset;
      ip.protocolOffset -= offset;
    }
    return { error, ip };
  });
  assert.deepEqual(results[1], results[0]);
  assert.deepEqual(results[2], results[0]);
  return results[0]!;
}

/** A correct packet with these options (a multiple of four octets) and this many octets of payload. */
function packet4(options = '', payload = 0): Uint8Array {
  const extra = hex(options);
  const bytes = new Uint8Array(20 + extra.length + payload);
  const view = new DataView(bytes.buffer);
  writeIpv4Header(bytes, view, 0, bytes.length, 6, 0x0a090001, 0x0a090002, 64, 0, 7, true);
  bytes[0] = 0x45 + extra.length / 4;
  bytes.set(extra, 20);
  refreshIpv4Checksum(bytes, view, 0);
  return bytes;
}

/** A correct packet whose first next header is `next`, followed by `rest`. */
function packet6(next: number, rest: string): Uint8Array {
  const body = hex(rest);
  const bytes = new Uint8Array(40 + body.length);
  const source = IpAddress.parse('fd00::1')!;
  writeIpv6Header(bytes, new DataView(bytes.buffer), 0, body.length, next, source, source, 64, 0, 0);
  bytes.set(body, 40);
  return bytes;
}

describe('IPv4 header', () => {
  test('RFC9293 MUST-48 MUST-49: what is written is read back by the packet path and by the layout', () => {
    const byte = fc.nat(255);
    const word = fc.nat(0xffff);
    const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(
        byte,
        int32,
        int32,
        byte,
        byte,
        word,
        fc.boolean(),
        fc.nat(30),
        (protocol, from, to, ttl, tos, id, df, size) => {
          const { bytes, view, offset } = place(new Uint8Array(20 + size), 9, 0xff, 9);
          assert.equal(
            writeIpv4Header(bytes, view, offset, 20 + size, protocol, from, to, ttl, tos, id, df),
            20,
          );
          const { error, ip } = parse4(bytes.slice(9, 29 + size));
          assert.equal(error, ParseError.NONE);
          assert.deepEqual(
            [ip.protocol, ip.source, ip.destination, ip.ttl, ip.dscp, ip.ecn, ip.id, ip.dontFragment],
            [protocol, from, to, ttl, tos >>> 2, tos & 3, id, df],
          );
          assert.deepEqual([ip.headerLength, ip.payloadOffset, ip.payloadLength], [20, 20, size]);
          const header = decodeHeader(IPV4_HEADER, bytes, offset);
          assert.deepEqual([header.source, header.destination, header.ttl], [from >>> 0, to >>> 0, ttl]);
          const again = new Uint8Array(20);
          encodeHeader(IPV4_HEADER, header, again);
          assert.deepEqual(again, bytes.slice(9, 29));
          assert.equal(finish(sumRange(again, 0, 20)), 0);
        },
      ),
      { seed: 9, numRuns: 300 },
    );
  });

  test('link padding behind the packet is not part of it', () => {
    const frame = new Uint8Array(60).fill(0xee);
    frame.set(packet4('', 3));
    const { error, ip } = parse4(frame);
    assert.equal(error, ParseError.NONE);
    assert.equal(ip.payloadLength, 3);
  });

  test('lengths that lie are refused', () => {
    const change = (edit: (bytes: Uint8Array) => void) => {
      const bytes = packet4('', 4);
      edit(bytes);
      refreshIpv4Checksum(bytes, new DataView(bytes.buffer), 0);
      return parse4(bytes).error;
    };
    for (let length = 0; length < 20; length++)
      assert.equal(parse4(packet4().slice(0, length)).error, ParseError.TRUNCATED);
    for (const version of [0, 3, 5, 6, 15]) {
      assert.equal(
        change((b) => {
          b[0] = (version << 4) | 5;
        }),
        ParseError.VERSION,
      );
    }
    const shortHeader = packet4('', 4);
    for (const words of [0, 1, 4, 7, 15]) {
      shortHeader[0] = 0x40 | words;
      assert.equal(parse4(shortHeader).error, ParseError.HEADER_LENGTH, `${words}`);
    }
    assert.equal(
      change((b) => {
        b[3] = 19;
      }),
      ParseError.TOTAL_LENGTH,
    );
    assert.equal(
      change((b) => {
        b[3] = 25;
      }),
      ParseError.TOTAL_LENGTH,
    );
    assert.equal(
      change((b) => {
        b[2] = 0xff;
      }),
      ParseError.TOTAL_LENGTH,
    );
    assert.equal(
      change((b) => {
        b[3] = 24;
      }),
      ParseError.NONE,
    );
  });

  test('any flipped bit of the header is noticed', () => {
    for (let bit = 0; bit < 160; bit++) {
      const bytes = packet4('', 4);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      assert.notEqual(parse4(bytes).error, ParseError.NONE, `bit ${bit}`);
    }
  });

  test('options: broken ones refused, source routes flagged, the rest skipped', () => {
    const ok = (options: string) => {
      const { error, ip } = parse4(packet4(options, 2));
      assert.equal(error, ParseError.NONE, options);
      assert.equal(ip.payloadLength, 2);
      return ip;
    };
    for (const broken of [
      '0700 0000',
      '0701 0000',
      '07ff 0000',
      '0705 0404',
      '01010183',
      '44 00 0000',
      '83 01 00 00',
    ]) {
      assert.equal(parse4(packet4(broken)).error, ParseError.IP_OPTION, broken);
    }
    assert.equal(ok('94 04 0000').sourceRoute, false);
    assert.equal(ok('00 83 00 00').sourceRoute, false, 'nothing counts behind the end of options');
    assert.equal(ok('01 83 07 04 0a000001').sourceRoute, true);
    assert.equal(ok('89 07 04 0a000001 00').sourceRoute, true);
    assert.equal(ok('01'.repeat(40)).headerLength, 60);
    assert.equal(ok('01 01 07 02').headerLength, 24, 'one without a value, at the very end');
  });

  test('fragments are reported with their place in octets', () => {
    const bytes = packet4('', 8);
    const view = new DataView(bytes.buffer);
    for (const [field, more, at] of [
      [0x2000, true, 0],
      [0x0001, false, 8],
      [0x3fff, true, 65528],
      [0x8000, false, 0],
    ] as const) {
      view.setUint16(6, field);
      refreshIpv4Checksum(bytes, view, 0);
      const { ip } = parse4(bytes);
      assert.deepEqual([ip.moreFragments, ip.fragmentOffset, ip.isFragment], [more, at, more || at > 0]);
    }
  });
});

describe('IPv6 header', () => {
  test('what is written is read back by the packet path and by the layout', () => {
    const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    const address = fc
      .tuple(
        int32.filter((w) => w !== 0),
        int32,
        int32,
        int32,
      )
      .map((w) => new IpAddress(...w));
    fc.assert(
      fc.property(
        address,
        address,
        fc.nat(255),
        fc.nat(255),
        fc.nat(0xfffff),
        fc.nat(30),
        (from, to, hops, tc, flow, size) => {
          const { bytes, view, offset } = place(new Uint8Array(40 + size), 9, 0xff, 9);
          assert.equal(writeIpv6Header(bytes, view, offset, size, 6, from, to, hops, tc, flow), 40);
          const { error, ip } = parse6(bytes.slice(9, 49 + size));
          assert.equal(error, ParseError.NONE);
          assert.deepEqual([ip.hopLimit, ip.dscp, ip.ecn, ip.flowLabel], [hops, tc >>> 2, tc & 3, flow]);
          assert.deepEqual([ip.protocol, ip.payloadOffset, ip.payloadLength], [6, 40, size]);
          assert.ok(from.equals(new IpAddress(ip.source0, ip.source1, ip.source2, ip.source3)));
          assert.ok(
            to.equals(new IpAddress(ip.destination0, ip.destination1, ip.destination2, ip.destination3)),
          );
          const header = decodeHeader(IPV6_HEADER, bytes, offset);
          assert.equal(header.destination3, to.w3 >>> 0);
          const again = new Uint8Array(40);
          encodeHeader(IPV6_HEADER, header, again);
          assert.deepEqual(again, bytes.slice(9, 49));
        },
      ),
      { seed: 10, numRuns: 300 },
    );
  });

  test('lengths and versions that lie are refused; padding is cut', () => {
    for (let length = 0; length < 40; length++)
      assert.equal(parse6(packet6(6, '').slice(0, length)).error, ParseError.TRUNCATED);
    const packet = packet6(6, '01020304');
    assert.equal(parse6(packet.slice(0, 43)).error, ParseError.TOTAL_LENGTH);
    assert.equal(parse6(Uint8Array.of(...packet, 9, 9)).ip.payloadLength, 4);
    packet[0] = 0x45;
    assert.equal(parse6(packet).error, ParseError.VERSION);
  });

  test('IPv4-mapped addresses are refused in either place', () => {
    const mapped = IpAddress.v4(0x0a090001);
    const own = IpAddress.parse('fd00::1')!;
    for (const [from, to] of [
      [mapped, own],
      [own, mapped],
    ] as const) {
      const bytes = new Uint8Array(40);
      writeIpv6Header(bytes, new DataView(bytes.buffer), 0, 0, 6, from, to, 1, 0, 0);
      assert.equal(parse6(bytes).error, ParseError.MAPPED_ADDRESS);
    }
  });

  test('RFC4291 §2.5.5.2: an address is mapped by its first three words together', () => {
    const own = IpAddress.parse('fd00::1')!;
    for (const [w0, w1, w2] of [
      [1, 0, 0xffff],
      [0, 1, 0xffff],
      [1, 1, 0xffff],
      [0, 0, 0xfffe],
      [0, 0, 0],
    ] as const) {
      const other = new IpAddress(w0, w1, w2, 0x0a090001);
      for (const [from, to] of [
        [other, own],
        [own, other],
      ] as const) {
        const bytes = new Uint8Array(40);
        writeIpv6Header(bytes, new DataView(bytes.buffer), 0, 0, 6, from, to, 1, 0, 0);
        assert.equal(parse6(bytes).error, ParseError.NONE, `${from} to ${to}`);
      }
    }
  });

  test('a packet that is no fragment and has no fault says so after one that is, and one that has', () => {
    const out = new Ipv6View();
    const read = (packet: Uint8Array) => {
      const { bytes, view, offset, length } = place(packet);
      return parseIpv6(bytes, view, offset, length, out);
    };
    const facts = (ip: Ipv6View) => [
      ...[ip.isFragment, ip.moreFragments, ip.extensionHeaders, ip.fragmentOffset, ip.fragmentId],
      ...[ip.fragmentHeaderAt, ip.fragmentNamedAt, ip.faultPointer, ip.faultAction],
    ];
    for (const before of [
      packet6(60, '2c00 0104 00000000 0600 0009 00000001 ff'),
      packet6(0, '0600 0100 5e01 00 00'),
    ]) {
      read(before);
      assert.equal(read(packet6(6, 'aabb')), ParseError.NONE);
      assert.deepEqual(facts(out), [false, false, 0, 0, 0, 0, 0, 0, 0]);
    }
  });

  test('hop-by-hop, destination and routing headers are passed', () => {
    const tcp = 'aabbccdd';
    const { error, ip } = parse6(
      packet6(0, `3c00 0502 0000 0100 2b00 0104 00000000 0600 0200 00000000 ${tcp}`),
    );
    assert.equal(error, ParseError.NONE);
    assert.deepEqual([ip.protocol, ip.protocolOffset, ip.payloadOffset, ip.payloadLength], [6, 56, 64, 4]);
    assert.equal(ip.extensionHeaders, 3);
  });

  test('RFC5095 §3, RFC8200 §4.4: a routing header is refused while segments are left, and passed over when not', () => {
    for (const type of ['00', '04', '02']) {
      const { error, ip } = parse6(packet6(43, `0600 ${type}01 00000000`));
      assert.deepEqual(
        [error, ip.faultPointer],
        [ParseError.ROUTING_HEADER, 42],
        'points at the routing type',
      );
      const usedUp = parse6(packet6(43, `0600 ${type}00 00000000`));
      assert.deepEqual([usedUp.error, usedUp.ip.protocol], [ParseError.NONE, 6]);
    }
    assert.equal(parse6(packet6(60, '2b00 0104 00000000 0600 0009 00000000')).ip.faultPointer, 50);
  });

  test('fragments end the walk; an atomic fragment does not', () => {
    const first = parse6(packet6(44, '0600 0001 deadbeef 0102030405060708')).ip;
    assert.deepEqual([first.isFragment, first.moreFragments, first.fragmentOffset], [true, true, 0]);
    assert.deepEqual([first.fragmentId, first.protocol, first.payloadLength], [0xdeadbeef | 0, 6, 8]);
    assert.deepEqual([first.fragmentHeaderAt, first.fragmentNamedAt], [40, 6]);
    const reserved = parse6(packet6(44, '06ff 0001 deadbeef 0102030405060708'));
    assert.deepEqual(
      [reserved.error, reserved.ip.payloadOffset],
      [ParseError.NONE, 48],
      'its second octet is no length',
    );
    const behind = parse6(packet6(60, '2c00 0104 00000000 0600 0009 00000001 ff')).ip;
    assert.deepEqual([behind.fragmentHeaderAt, behind.fragmentNamedAt, behind.fragmentOffset], [48, 40, 8]);
    const later = parse6(packet6(44, '3c00 05a9 00000001 ffff')).ip;
    assert.deepEqual([later.isFragment, later.moreFragments, later.fragmentOffset], [true, true, 0x5a8]);
    assert.deepEqual([later.protocol, later.payloadLength], [60, 2]);
    const atomic = parse6(packet6(44, '3c00 0000 00000001 0600 0104 00000000 aa')).ip;
    assert.deepEqual([atomic.isFragment, atomic.protocol, atomic.payloadLength], [false, 6, 1]);
  });

  test('a hundred extension headers, and one more than the limit', () => {
    const chain = (n: number) => packet6(60, `${'3c00 0104 00000000'.repeat(n - 1)}0600 0104 00000000`);
    assert.equal(parse6(chain(MAX_EXTENSION_HEADERS)).error, ParseError.NONE);
    assert.equal(parse6(chain(MAX_EXTENSION_HEADERS + 1)).error, ParseError.EXTENSION_LIMIT);
    assert.equal(parse6(chain(100)).error, ParseError.EXTENSION_LIMIT);
  });

  test('extension headers and options that reach past the packet, or stand where they may not', () => {
    for (const bad of [
      '',
      '06',
      '0600 0104 000000',
      '0601 0104 00000000',
      '06ff 0104 00000000',
      '0600 0105 00000000',
      '0600 1eff 00000000',
      '0600 0102 00000005',
    ]) {
      assert.equal(parse6(packet6(60, bad)).error, ParseError.EXTENSION_HEADER, bad);
    }
    assert.equal(parse6(packet6(44, '0600 0000 000000')).error, ParseError.EXTENSION_HEADER);
  });

  test('RFC8200 §4: hop-by-hop options behind another header are a header that nobody knows', () => {
    const { error, ip } = parse6(packet6(60, '0000 0104 00000000 0600 0104 00000000'));
    assert.deepEqual([error, ip.protocol, ip.protocolOffset, ip.payloadOffset], [ParseError.NONE, 0, 40, 48]);
  });

  test('RFC8200 §4.2: options: unknown ones act by their high bits, too many are refused', () => {
    assert.equal(parse6(packet6(60, '0600 1e04 00000000')).error, ParseError.NONE);
    for (const [kind, action] of [
      ['5e', 1],
      ['9e', 2],
      ['de', 3],
      ['c2', 3],
    ] as const) {
      const { error, ip } = parse6(packet6(0, `0600 00 0100 ${kind}01 00`));
      assert.deepEqual(
        [error, ip.faultAction, ip.faultPointer],
        [ParseError.UNKNOWN_OPTION, action, 45],
        kind,
      );
    }
    assert.equal(parse6(packet6(60, `0607 ${'00'.repeat(62)}`)).error, ParseError.NONE);
    // Sixty-three octets of padding and an option of seven; one more of padding and an option of six.
    const most = parse6(packet6(60, `0608 ${'00'.repeat(63)} 01050000000000`));
    assert.deepEqual([most.error, most.ip.protocol], [ParseError.NONE, 6]);
    const more = parse6(packet6(60, `0608 ${'00'.repeat(64)} 010400000000`));
    assert.equal(more.error, ParseError.EXTENSION_LIMIT);
    assert.equal(parse6(packet6(60, `06ff ${'00'.repeat(2046)}`)).error, ParseError.EXTENSION_LIMIT);
  });

  test('RFC8200 §4.2: padding of one octet has no length, and any other option leads to the next by its own', () => {
    for (const [options, pointer] of [
      ['00 c2 03 000000', 43],
      ['01 01 1e c2 01 00', 45],
      ['05 02 0000 de 00', 46],
    ] as const) {
      const { error, ip } = parse6(packet6(60, `0600 ${options}`));
      assert.deepEqual(
        [error, ip.faultPointer, ip.faultAction],
        [ParseError.UNKNOWN_OPTION, pointer, 3],
        options,
      );
    }
    assert.equal(parse6(packet6(60, '0600 0103 000000 00')).error, ParseError.NONE, 'one octet at the end');
  });

  test('no next header has no payload; an unknown header is the upper layer', () => {
    const none = parse6(packet6(59, 'aabb')).ip;
    assert.deepEqual([none.protocol, none.payloadLength], [59, 0]);
    const esp = parse6(packet6(50, 'aabb')).ip;
    assert.deepEqual([esp.protocol, esp.payloadLength, esp.protocolOffset], [50, 2, 6]);
  });
});

test('every parse error has a name of its own', () => {
  const names = Object.values(ParseError).map(parseErrorName);
  assert.equal(new Set(names).size, names.length);
  assert.ok(names.every((name) => !name.startsWith('error ')));
  assert.equal(parseErrorName(99), 'error 99');
});
