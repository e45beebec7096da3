// ICMP and ICMPv6: answers to echo, errors written and read back, quotes cut at every length.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  buildTcpPacket,
  finish,
  IcmpType,
  IcmpView,
  Icmpv6Type,
  Icmpv6View,
  IpAddress,
  icmpName,
  icmpv6ErrorLength,
  icmpv6Name,
  ParseError,
  parseIcmp,
  parseIcmpv6,
  pseudoHeader,
  sumRange,
  UnreachableCode,
  writeIcmpEchoReply,
  writeIcmpEchoRequest,
  writeIcmpError,
  writeIcmpv6EchoReply,
  writeIcmpv6Error,
} from '../../src/wire/index.js';
import { hex, place, placements } from './slab.js';

const A4 = IpAddress.parse('10.9.0.1')!;
const B4 = IpAddress.parse('10.9.0.2')!;
const A6 = IpAddress.parse('fd00:9::1')!;
const B6 = IpAddress.parse('fd00:9::2')!;

/** Reads a message in all placements, which must agree. */
function read4(message: Uint8Array): { error: number; icmp: IcmpView } {
  const results = placements(message).map(({ bytes, view, offset, length }) => {
    const icmp = new IcmpView();
    const error = parseIcmp(bytes, view, offset, length, icmp);
    if (error === ParseError.NONE) icmp.dataOffset -= offset;
    return { error, icmp };
  });
  assert.deepEqual(results[1], results[0]);
  assert.deepEqual(results[2], results[0]);
  return results[0]!;
}

/** As `read4`. The place of a quote's payload in the slab is private to the view and not compared. */
function read6(message: Uint8Array): { error: number; icmp: Icmpv6View } {
  const pseudo = pseudoHeader(A6, B6, 58, message.length);
  const results = placements(message).map(({ bytes, view, offset, length }) => {
    const icmp = new Icmpv6View();
    const error = parseIcmpv6(bytes, view, offset, length, pseudo, icmp);
    if (error === ParseError.NONE) icmp.dataOffset -= offset;
    return { error, icmp };
  });
  const comparable = ({ error, icmp }: { error: number; icmp: Icmpv6View }) => {
    const { ipv6: _private, ...quote } = { ...icmp.quote } as Record<string, unknown>;
    return { error, ...icmp, quote };
  };
  assert.deepEqual(comparable(results[1]!), comparable(results[0]!));
  assert.deepEqual(comparable(results[2]!), comparable(results[0]!));
  return results[0]!;
}

/** Sets the checksum of an ICMP message. */
function seal4(message: Uint8Array): Uint8Array {
  message[2] = message[3] = 0;
  const checksum = finish(sumRange(message, 0, message.length));
  message[2] = checksum >>> 8;
  message[3] = checksum;
  return message;
}

const segment4 = buildTcpPacket({
  source: A4,
  sourcePort: 4000,
  destination: B4,
  destinationPort: 80,
  seq: 0xfedcba98 | 0,
  payload: new Uint8Array(700),
});
const segment6 = buildTcpPacket({
  source: A6,
  sourcePort: 4000,
  destination: B6,
  destinationPort: 80,
  seq: 0xfedcba98 | 0,
  payload: new Uint8Array(2000),
});

describe('ICMP', () => {
  test('echo: the reply carries identifier, sequence number and data of the request', () => {
    for (const size of [0, 1, 56, 57, 1472, 65_507]) {
      const data = Uint8Array.from({ length: size }, (_, i) => i);
      const request = new Uint8Array(8 + size);
      const length = writeIcmpEchoRequest(0xabcd, 0xfffe, data, request, new DataView(request.buffer), 0);
      assert.equal(length, request.length);
      const out = place(new Uint8Array(length), 3, 0xff, 3);
      writeIcmpEchoReply(request, 0, length, out.bytes, out.view, out.offset);
      const { error, icmp } = read4(out.bytes.slice(3, 3 + length));
      assert.equal(error, ParseError.NONE);
      assert.deepEqual([icmp.type, icmp.identifier, icmp.sequence], [IcmpType.ECHO_REPLY, 0xabcd, 0xfffe]);
      assert.deepEqual(out.bytes.slice(3 + 8, 3 + length), data);
      assert.ok(!icmp.isError && !icmp.quote.present);
      writeIcmpEchoReply(request, 0, length, request, new DataView(request.buffer), 0);
      assert.deepEqual(request, out.bytes.slice(3, 3 + length), 'in place');
    }
  });

  test('RFC9293 MUST-54: every unreachable code quotes addresses, ports and sequence number', () => {
    const out = new Uint8Array(600);
    const view = new DataView(out.buffer);
    for (const code of Object.values(UnreachableCode)) {
      const mtu = code === UnreachableCode.FRAGMENTATION_NEEDED ? 1300 : 0;
      const length = writeIcmpError(
        IcmpType.DESTINATION_UNREACHABLE,
        code,
        mtu,
        segment4,
        0,
        segment4.length,
        out,
        view,
        0,
      );
      assert.equal(length, 576 - 20);
      const { error, icmp } = read4(out.slice(0, length));
      assert.equal(error, ParseError.NONE);
      assert.deepEqual([icmp.type, icmp.code, icmp.nextHopMtu, icmp.isError], [3, code, mtu, true]);
      const { quote } = icmp;
      assert.ok(quote.present && quote.hasSeq);
      assert.deepEqual([quote.source2, quote.source3, quote.destination3], [0xffff, A4.w3, B4.w3]);
      assert.deepEqual([quote.sourcePort, quote.destinationPort], [4000, 80]);
      assert.deepEqual([quote.protocol, quote.seq, quote.totalLength], [6, 0xfedcba98 | 0, 740]);
      assert.ok(!icmpName(3, code).startsWith('type'));
    }
  });

  test('time exceeded, parameter problem and source quench are read', () => {
    const out = new Uint8Array(600);
    const view = new DataView(out.buffer);
    let length = writeIcmpError(IcmpType.TIME_EXCEEDED, 1, 0, segment4, 0, 28, out, view, 0);
    assert.equal(length, 36);
    let { icmp } = read4(out.slice(0, length));
    assert.deepEqual([icmp.type, icmp.code, icmp.quote.seq], [11, 1, 0xfedcba98 | 0]);
    length = writeIcmpError(IcmpType.PARAMETER_PROBLEM, 0, 20, segment4, 0, 40, out, view, 0);
    ({ icmp } = read4(out.slice(0, length)));
    assert.deepEqual([icmp.type, icmp.pointer, icmp.quote.present], [12, 20, true]);
    const quench = out.slice(0, length);
    quench[0] = IcmpType.SOURCE_QUENCH;
    ({ icmp } = read4(seal4(quench)));
    assert.deepEqual([icmp.type, icmp.pointer, icmp.isError, icmp.quote.present], [4, 0, true, true]);
    assert.equal(icmpName(4, 0), 'source quench');
    assert.equal(icmpName(200, 7), 'type 200 code 7');
  });

  test('a quote is used only when the eight octets behind its header are there', () => {
    for (let quoted = 0; quoted <= 60; quoted++) {
      const message = new Uint8Array(8 + quoted);
      message[0] = 3;
      message.set(segment4.subarray(0, quoted), 8);
      const { error, icmp } = read4(seal4(message));
      assert.equal(error, ParseError.NONE);
      assert.equal(icmp.quote.present, quoted >= 28, `${quoted}`);
    }
  });

  test('quotes that lie about version, header length or fragment are not used', () => {
    const quote = (edit: (packet: Uint8Array) => void) => {
      const message = new Uint8Array(48);
      message[0] = 3;
      const packet = segment4.slice(0, 40);
      edit(packet);
      message.set(packet, 8);
      return read4(seal4(message)).icmp.quote;
    };
    assert.ok(quote(() => {}).present);
    assert.ok(
      !quote((p) => {
        p[0] = 0x65;
      }).present,
    );
    for (const words of [0, 4, 9, 15])
      assert.ok(
        !quote((p) => {
          p[0] = 0x40 | words;
        }).present,
        `${words}`,
      );
    assert.ok(
      !quote((p) => {
        p[7] = 1;
      }).present,
    );
    const udp = quote((p) => {
      p[9] = 17;
    });
    assert.deepEqual([udp.present, udp.hasSeq, udp.sourcePort], [true, false, 4000]);
    const other = quote((p) => {
      p[9] = 47;
    });
    assert.deepEqual([other.present, other.hasSeq, other.sourcePort], [true, false, 0]);
  });

  test('short messages and wrong checksums are refused', () => {
    for (let length = 0; length < 8; length++)
      assert.equal(read4(new Uint8Array(length)).error, ParseError.TRUNCATED);
    const message = seal4(hex('0800 0000 0001 0002 aabbcc'));
    assert.equal(read4(message).error, ParseError.NONE);
    for (let bit = 0; bit < 8 * message.length; bit++) {
      const broken = message.slice();
      broken[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(read4(broken).error, ParseError.CHECKSUM);
    }
  });
});

describe('ICMPv6', () => {
  test('echo: the reply carries identifier, sequence number and data of the request', () => {
    const request = hex('8000 0000 abcd fffe 010203');
    const out = place(new Uint8Array(11), 5, 0xff, 5);
    writeIcmpv6EchoReply(pseudoHeader(A6, B6, 58, 11), request, 0, 11, out.bytes, out.view, 5);
    const { error, icmp } = read6(out.bytes.slice(5, 16));
    assert.equal(error, ParseError.NONE);
    assert.deepEqual([icmp.type, icmp.identifier, icmp.sequence, icmp.dataLength], [129, 0xabcd, 0xfffe, 3]);
    assert.equal(icmp.isError, false);
  });

  test('RFC9293 MUST-54: errors quote addresses, ports and sequence number, within 1280 octets', () => {
    const out = new Uint8Array(1300);
    const view = new DataView(out.buffer);
    const length = icmpv6ErrorLength(segment6.length);
    assert.equal(length, 1240);
    const pseudo = pseudoHeader(A6, B6, 58, length);
    for (const [type, code, word] of [
      [1, 4, 0],
      [2, 0, 0xffffffff],
      [2, 0, 1280],
      [3, 0, 0],
      [4, 1, 40],
    ] as const) {
      assert.equal(
        writeIcmpv6Error(pseudo, type, code, word, segment6, 0, segment6.length, out, view, 0),
        length,
      );
      const { error, icmp } = read6(out.slice(0, length));
      assert.equal(error, ParseError.NONE);
      assert.deepEqual([icmp.type, icmp.code, icmp.isError], [type, code, true]);
      assert.equal(icmp.mtu, type === Icmpv6Type.PACKET_TOO_BIG ? word : 0);
      assert.equal(icmp.pointer, type === Icmpv6Type.PARAMETER_PROBLEM ? word : 0);
      const { quote } = icmp;
      assert.ok(quote.present && quote.hasSeq);
      assert.deepEqual([quote.source0, quote.source3, quote.destination3], [A6.w0, A6.w3, B6.w3]);
      assert.deepEqual([quote.sourcePort, quote.destinationPort, quote.seq], [4000, 80, 0xfedcba98 | 0]);
      assert.equal(quote.totalLength, segment6.length);
      assert.ok(!icmpv6Name(type, code).startsWith('type'));
    }
  });

  test('a quote is used only when the eight octets behind its header are there', () => {
    for (let quoted = 0; quoted <= 70; quoted++) {
      const out = new Uint8Array(8 + quoted);
      const view = new DataView(out.buffer);
      writeIcmpv6Error(pseudoHeader(A6, B6, 58, out.length), 1, 0, 0, segment6, 0, quoted, out, view, 0);
      const { error, icmp } = read6(out);
      assert.equal(error, ParseError.NONE);
      assert.equal(icmp.quote.present, quoted >= 48, `${quoted}`);
    }
  });

  test('RFC5927 §4: only the first fragment of a quoted packet has ports and a sequence number', () => {
    const quoting = (offsetAndMore: number) => {
      const packet = new Uint8Array(68);
      packet.set(segment6.subarray(0, 40));
      packet[5] = 28;
      packet[6] = 44;
      packet.set([6, 0, offsetAndMore >>> 8, offsetAndMore, 0, 0, 0, 9], 40);
      packet.set(segment6.subarray(40, 60), 48);
      const out = new Uint8Array(76);
      writeIcmpv6Error(
        pseudoHeader(A6, B6, 58, 76),
        1,
        0,
        0,
        packet,
        0,
        68,
        out,
        new DataView(out.buffer),
        0,
      );
      const { error, icmp } = read6(out);
      assert.equal(error, ParseError.NONE);
      return icmp.quote;
    };
    const first = quoting(1);
    assert.deepEqual([first.present, first.sourcePort, first.seq], [true, 4000, 0xfedcba98 | 0]);
    assert.equal(quoting(8).present, false);
    assert.equal(quoting(9).present, false);
  });

  test('the pseudo header counts: another address, a flipped bit, a short message are refused', () => {
    const out = new Uint8Array(48);
    const view = new DataView(out.buffer);
    writeIcmpv6Error(pseudoHeader(A6, A6, 58, 48), 1, 0, 0, segment6, 0, 40, out, view, 0);
    assert.equal(read6(out).error, ParseError.CHECKSUM);
    for (let length = 0; length < 8; length++)
      assert.equal(read6(new Uint8Array(length)).error, ParseError.TRUNCATED);
  });
});
