// The small things that others are made of: sequence arithmetic, flags, names, MAC addresses, lists of pieces, integers of a layout.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatEndpoint, IpAddress } from '../../src/wire/address.js';
import { struct, u8, u16be, u32be } from '../../src/wire/buffer-layout.js';
import {
  addPieces,
  addRange,
  finish,
  fold,
  pseudoHeader,
  pseudoHeader4,
  pseudoHeader6,
  sumRange,
} from '../../src/wire/checksum.js';
import { refreshIpv4Checksum } from '../../src/wire/ipv4.js';
import { decodeHeader, encodeHeader, offsetOf } from '../../src/wire/layout.js';
import { MacAddress } from '../../src/wire/mac.js';
import { buildTcpPacket, decodePacket } from '../../src/wire/packet.js';
import { PayloadPieces } from '../../src/wire/payload.js';
import { IpProtocol, protocolName } from '../../src/wire/protocol.js';
import { ACK, CWR, ECE, FIN, flagLetters, formatFlags, PSH, RST, SYN, URG } from '../../src/wire/segment.js';
import {
  seqAdd,
  seqDiff,
  seqGeq,
  seqGt,
  seqLeq,
  seqLt,
  seqMax,
  seqMin,
  toUint32,
} from '../../src/wire/seq.js';
import { randomFrom } from './slab.js';

describe('sequence numbers', () => {
  const near = [0, 1, -1, 2, 0x7ffffffe, 0x7fffffff, -0x80000000, -0x7fffffff, 12345, -98765];

  test('RFC9293 §3.4: order, distance and sum are those on the circle', () => {
    for (const a of near) {
      for (const by of [0, 1, 2, 1000, 0x3fffffff, 0x7ffffffe]) {
        const b = seqAdd(a, by);
        assert.equal(toUint32(b), (toUint32(a) + by) % 2 ** 32);
        assert.equal(seqDiff(b, a), by);
        assert.deepEqual(
          [seqLt(a, b), seqLeq(a, b), seqGt(a, b), seqGeq(a, b)],
          [by > 0, true, false, by === 0],
        );
        assert.deepEqual(
          [seqLt(b, a), seqLeq(b, a), seqGt(b, a), seqGeq(b, a)],
          [false, by === 0, by > 0, true],
        );
        assert.deepEqual([seqMax(a, b), seqMax(b, a), seqMin(a, b), seqMin(b, a)], [b, b, a, a]);
      }
    }
    assert.equal(toUint32(-1), 0xffffffff);
  });
});

describe('names', () => {
  test('flags by name and by letter', () => {
    for (const [flags, names, letters] of [
      [0, 'none', ''],
      [SYN, 'SYN', 'S'],
      [SYN | ACK, 'SYN,ACK', 'SA'],
      [FIN | RST | PSH | URG, 'FIN,RST,PSH,URG', 'FRPU'],
      [ECE | CWR | SYN, 'SYN,ECE,CWR', 'SEC'],
    ] as const) {
      assert.deepEqual([formatFlags(flags), flagLetters(flags)], [names, letters]);
    }
  });

  test('protocols', () => {
    assert.deepEqual(
      [protocolName(6), protocolName(IpProtocol.ICMPV6), protocolName(50), protocolName(200)],
      ['TCP', 'ICMPv6', 'ESP', 'protocol 200'],
    );
  });

  test('endpoints: IPv6 in brackets', () => {
    assert.equal(formatEndpoint(IpAddress.parse('10.9.0.1')!, 80), '10.9.0.1:80');
    assert.equal(formatEndpoint(IpAddress.parse('fd00::1')!, 80), '[fd00::1]:80');
  });
});

describe('addresses', () => {
  const v4 = IpAddress.parse('10.9.0.1')!;

  test('the family is told by all of the first three words', () => {
    assert.equal(v4.family, 4);
    for (const other of [
      new IpAddress(1, 0, 0xffff, v4.w3),
      new IpAddress(0, 1, 0xffff, v4.w3),
      new IpAddress(0, 0, 0, v4.w3),
      new IpAddress(0, 0, 0x1ffff, v4.w3),
    ]) {
      assert.equal(other.family, 6, `${other}`);
      assert.equal(other.equals(v4), false);
    }
    assert.equal(new IpAddress(0, 0, 0xffff, v4.w3 + 1).equals(v4), false);
  });

  test('RFC9293 §3.1: so is the pseudo header', () => {
    for (const [w0, w1, w2] of [
      [1, 0, 0xffff],
      [0, 1, 0xffff],
      [0, 0, 0],
      [0, 0, 5],
      [1, 1, 0xffff],
    ] as const) {
      const to = new IpAddress(w0, w1, w2, 0x01020304);
      const from = new IpAddress(7, 8, 9, 10);
      const expected = pseudoHeader6(7, 8, 9, 10, w0, w1, w2, 0x01020304, 6, 100);
      assert.equal(pseudoHeader(from, to, 6, 100), expected, `${to}`);
    }
    const to = IpAddress.parse('10.9.0.2')!;
    assert.equal(pseudoHeader(v4, to, 6, 100), pseudoHeader4(v4.w3, to.w3, 6, 100));
  });

  test('no number of a dotted address begins with a zero or exceeds 255, and there are four', () => {
    assert.equal(IpAddress.parse('1:2:3:4:5:6:7:8::1::2'), null);
    for (const text of ['01.2.3.4', '1.2.3.00', '1.2.3.256', '1.2.3', '1.2.3.4.5', '1.2.3.4 ', '1..3.4']) {
      assert.equal(IpAddress.parse(text), null, text);
    }
    assert.equal(IpAddress.parse('0.0.0.0')?.w3, 0);
    assert.equal(IpAddress.parse('255.255.255.255')?.w3, -1);
  });
});

describe('MAC addresses', () => {
  test('are printed as they are parsed, with colons or hyphens', () => {
    for (const text of ['00:00:00:00:00:00', '02:01:03:04:05:06', 'fe:dc:ba:98:76:54', 'ff:ff:ff:ff:ff:ff']) {
      assert.equal(`${MacAddress.parse(text)}`, text);
      assert.ok(MacAddress.parse(text.replaceAll(':', '-').toUpperCase())!.equals(MacAddress.parse(text)!));
    }
    for (const text of [
      '',
      '02:01:03:04:05',
      '02:01:03:04:05:06:07',
      '02:01-03:04:05:06',
      '2:1:3:4:5:6',
      'g0:01:03:04:05:06',
    ]) {
      assert.equal(MacAddress.parse(text), null, text);
    }
  });

  test('are read from any place, and told apart by either half', () => {
    const bytes = Uint8Array.from([9, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 9]);
    const mac = MacAddress.read(new DataView(bytes.buffer), 1);
    assert.equal(`${mac}`, 'fe:dc:ba:98:76:54');
    assert.equal(mac.equals(new MacAddress(mac.high + 1, mac.low)), false);
    assert.equal(mac.equals(new MacAddress(mac.high, mac.low + 1)), false);
  });

  test('random ones are unicast and locally administered, and hold all the other bits', () => {
    assert.equal(
      `${MacAddress.random(Uint8Array.from([0xff, 0x12, 0x34, 0x56, 0x78, 0x9a]))}`,
      'fe:12:34:56:78:9a',
    );
    assert.equal(
      `${MacAddress.random(Uint8Array.from([0x01, 0xf2, 0xf4, 0xf6, 0xf8, 0xfa]))}`,
      '02:f2:f4:f6:f8:fa',
    );
    assert.equal(`${MacAddress.random(new Uint8Array(0))}`, '02:00:00:00:00:00');
  });

  test('groups, the broadcast and the zero address', () => {
    const facts = (text: string) => {
      const mac = MacAddress.parse(text)!;
      return [mac.isGroup, mac.isZero];
    };
    assert.deepEqual(facts('33:33:00:00:00:01'), [true, false]);
    assert.deepEqual(facts('02:ff:ff:ff:ff:ff'), [false, false]);
    assert.deepEqual(facts('00:00:00:00:00:00'), [false, true]);
    assert.deepEqual(facts('00:00:00:00:00:01'), [false, false]);
    assert.deepEqual(facts('00:02:00:00:00:00'), [false, false]);
    assert.equal(`${MacAddress.BROADCAST}`, 'ff:ff:ff:ff:ff:ff');
    assert.equal(`${MacAddress.ofIpv6Group(0xff000001)}`, '33:33:ff:00:00:01');
  });
});

describe('PayloadPieces', () => {
  test('any part of a list is the part of its bytes, in no more pieces', () => {
    const random = randomFrom(3);
    for (let round = 0; round < 200; round++) {
      const list = new PayloadPieces();
      const all: number[] = [];
      for (let i = random(5); i >= 0; i--) {
        const bytes = Uint8Array.from({ length: random(9) + 4 }, () => random(256));
        const [offset, length] = [random(3), random(bytes.length - 3)];
        list.add(bytes, offset, length);
        all.push(...bytes.subarray(offset, offset + length));
      }
      assert.equal(list.total, all.length);
      const from = random(all.length + 1);
      const length = random(all.length - from + 1);
      const part = list.slice(from, length);
      const got = new Uint8Array(length + 2).fill(7);
      part.copyTo(got, 1);
      assert.deepEqual([...got], [7, ...all.slice(from, from + length), 7]);
      assert.equal(part.total, length);
      assert.ok(part.count <= list.count);
      for (let i = 0; i < part.count; i++) assert.ok(part.lengths[i]! > 0, 'no empty piece');
    }
  });

  test('cleared, it holds nothing and refers to nothing', () => {
    const list = new PayloadPieces();
    const bytes = new Uint8Array(5);
    list.add(bytes, 0, 5);
    list.add(bytes, 1, 2);
    list.clear();
    assert.deepEqual([list.count, list.total], [0, 0]);
    assert.equal(list.bytes.includes(bytes), false);
    assert.equal(list.bytes.length, 2, 'its arrays stay');
  });
});

describe('layouts', () => {
  interface Sample {
    octet: number;
    short: number;
    word: number;
  }
  const layout = struct<Sample>([u8('octet'), u16be('short'), u32be('word')]);

  test('integers of every width go through memory and back, negative ones as what they are modulo 2^32', () => {
    for (const word of [0, 1, 0xfedcba98, 0x7fffffff, -1, -0x80000000]) {
      const value: Sample = { octet: 0xfe, short: 0xfedc, word };
      const bytes = new Uint8Array(20).fill(0x11);
      encodeHeader(layout, value, bytes, 3);
      assert.deepEqual(decodeHeader(layout, bytes, 3), { ...value, word: word >>> 0 });
      assert.deepEqual([bytes[2], bytes[10]], [0x11, 0x11]);
      assert.equal(new DataView(bytes.buffer).getInt32(3 + offsetOf(layout, 'word')), word | 0);
    }
  });

  test('a header is read from the beginning when no place is told, and never from before or behind its memory', () => {
    const memory = Uint8Array.from({ length: 30 }, (_, i) => i);
    const bytes = memory.subarray(10, 20);
    assert.deepEqual(decodeHeader(layout, bytes), { octet: 10, short: 0x0b0c, word: 0x0d0e0f10 });
    assert.deepEqual(decodeHeader(layout, bytes, 3), { octet: 13, short: 0x0e0f, word: 0x10111213 });
    for (const offset of [-1, -10, 4, 10]) {
      assert.throws(() => decodeHeader(layout, bytes, offset), { code: 'ERR_HEADER_TRUNCATED' }, `${offset}`);
      const value: Sample = { octet: 1, short: 2, word: 3 };
      assert.throws(() => encodeHeader(layout, value, bytes, offset), { code: 'ERR_HEADER_TRUNCATED' });
    }
    assert.equal(memory[9], 9);
  });

  test('a field that there is not has no offset', () => {
    assert.throws(() => offsetOf(layout, 'none' as keyof Sample & string));
  });
});

test('a sum is folded as often as it needs, and its complement fits the field', () => {
  for (const [sum, folded] of [
    [0, 0],
    [0xffff, 0xffff],
    [0x10000, 1],
    [0x1ffff, 1],
    [0x2fffe, 1],
    [0xffffffff | 0, 0xffff],
  ] as const) {
    assert.equal(fold(sum), folded);
    assert.equal(finish(sum), 0xffff - folded);
  }
});

test('a range at an odd place of the data counts with its octets swapped', () => {
  const bytes = Uint8Array.from([0x12, 0x34, 0x56]);
  assert.equal(addRange(0, bytes, 0, 3), 0x1234 + 0x5600);
  assert.equal(addRange(0, bytes, 0, 3, 1), 0x3412 + 0x0056);
  assert.equal(addRange(0, bytes, 0, 3, 2), 0x1234 + 0x5600);
  const pieces = new PayloadPieces();
  pieces.add(bytes, 0, 1);
  pieces.add(bytes, 1, 2);
  assert.equal(addPieces(0, pieces), 0x1234 + 0x5600);
  assert.equal(addPieces(0, pieces, 1), 0x3412 + 0x0056);
});

describe('a packet from its parts', () => {
  const v4 = { source: IpAddress.parse('10.9.0.1')!, destination: IpAddress.parse('10.9.0.2')! };
  const v6 = { source: IpAddress.parse('fd00::1')!, destination: IpAddress.parse('fd00::2')! };
  const ports = { sourcePort: 1, destinationPort: 2 };

  test('what is not given is zero, but for the window and the TTL', () => {
    for (const ends of [v4, v6]) {
      const decoded = decodePacket(buildTcpPacket({ ...ends, ...ports }));
      assert.ok(typeof decoded !== 'string' && decoded.tcp !== undefined);
      const { seq, ack, flags, window, urgentPointer } = decoded.tcp.header;
      assert.deepEqual([seq, ack, flags, window, urgentPointer], [0, 0, 0, 0xffff, 0]);
      const { ip } = decoded;
      assert.equal(ip.version === 4 ? ip.view.ttl : ip.view.hopLimit, 64);
      assert.equal(ip.version === 4 ? ip.view.id : ip.view.flowLabel, 0);
      assert.deepEqual([ip.view.dscp, ip.view.ecn], [0, 0]);
    }
  });

  test('the length field bounds the payload: over IPv4 with its header, over IPv6 without', () => {
    const build = (ends: typeof v4, size: number) => () =>
      buildTcpPacket({ ...ends, ...ports, payload: new Uint8Array(size) });
    build(v4, 65_495)();
    assert.throws(build(v4, 65_496), { code: 'ERR_PACKET_TOO_LONG' });
    build(v6, 65_515)();
    assert.throws(build(v6, 65_516), { code: 'ERR_PACKET_TOO_LONG' });
  });

  test('it is found behind an offset, and nothing is where nothing is', () => {
    const packet = buildTcpPacket({ ...v4, ...ports, payload: Uint8Array.of(1, 2, 3) });
    const slab = new Uint8Array(7 + packet.length);
    slab.set(packet, 7);
    const decoded = decodePacket(slab, 7);
    assert.ok(typeof decoded !== 'string' && decoded.tcp?.payloadLength === 3);
    assert.equal(typeof decodePacket(new Uint8Array(0)), 'string');
    assert.equal(typeof decodePacket(slab, 7, 0), 'string');
    assert.equal(typeof decodePacket(slab.subarray(0, slab.length - 1), 7), 'string', 'what is cut off');
  });

  test('one that is empty or cut off within its IP header is truncated, of either family', () => {
    for (const [ends, least] of [
      [v4, 20],
      [v6, 40],
    ] as const) {
      const packet = buildTcpPacket({ ...ends, ...ports });
      for (let length = 0; length < least; length++) {
        assert.equal(decodePacket(packet, 0, length), 'truncated', `${length} octets`);
        assert.equal(decodePacket(packet.slice(0, length)), 'truncated', `${length} octets alone`);
      }
      const decoded = decodePacket(packet);
      assert.ok(typeof decoded !== 'string');
      assert.equal(decoded.ip.version, ends === v4 ? 4 : 6);
    }
  });

  test('a fragment has no TCP header to be told of, nor has another protocol', () => {
    const hasTcp = (packet: Uint8Array) => {
      const decoded = decodePacket(packet);
      assert.ok(typeof decoded !== 'string');
      return 'tcp' in decoded;
    };
    const four = buildTcpPacket({ ...v4, ...ports });
    const view = new DataView(four.buffer);
    view.setUint16(6, 0x2000);
    refreshIpv4Checksum(four, view, 0);
    assert.equal(hasTcp(four), false);
    view.setUint16(6, 0);
    four[9] = 17;
    refreshIpv4Checksum(four, view, 0);
    assert.equal(hasTcp(four), false);

    const six = buildTcpPacket({ ...v6, ...ports });
    const behind = (offsetAndMore: number) => {
      const packet = Uint8Array.from([
        ...six.slice(0, 40),
        6,
        0,
        0,
        offsetAndMore,
        0,
        0,
        0,
        9,
        ...six.slice(40),
      ]);
      packet[5] = 28;
      packet[6] = 44;
      return packet;
    };
    assert.deepEqual([0, 1, 8].map(behind).map(hasTcp), [true, false, false]);
    six[6] = 17;
    assert.equal(hasTcp(six), false);
  });
});

test('the sum of a range is that of its octets, whatever its length and place', () => {
  const random = randomFrom(5);
  const bytes = Uint8Array.from({ length: 300 }, () => random(256));
  for (let length = 0; length < 200; length++) {
    for (const offset of [0, 1, 2, 3, 31, 32, 33]) {
      let sum = 0;
      for (let i = 0; i < length; i++) sum += bytes[offset + i]! << (i % 2 === 0 ? 8 : 0);
      while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
      assert.equal(sumRange(bytes, offset, length) % 0xffff, sum % 0xffff, `${length} at ${offset}`);
    }
  }
});
