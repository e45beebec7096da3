// Which fields an ICMP or ICMPv6 message has by its type and code, for all of them: what it does not have reads as zero.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  buildTcpPacket,
  finish,
  IcmpView,
  Icmpv6View,
  IpAddress,
  icmpName,
  icmpv6Name,
  ParseError,
  parseIcmp,
  parseIcmpv6,
  pseudoHeader,
  sumRange,
  writeIcmpError,
} from '../../src/wire/index.js';
import { place } from './slab.js';

const WORD = [0x12, 0x34, 0x56, 0x78];

function message(type: number, code: number, data: Uint8Array, pseudo: number): Uint8Array {
  const bytes = Uint8Array.from([type, code, 0, 0, ...WORD, ...data]);
  new DataView(bytes.buffer).setUint16(2, finish(sumRange(bytes, 0, bytes.length) + pseudo));
  return bytes;
}

const words = (view: { [key: string]: unknown }, end: string) => [0, 1, 2, 3].map((i) => view[`${end}${i}`]);

for (const [family, a, b] of [
  [4, '10.9.0.1', '10.9.0.2'],
  [6, '1:2:3:4:5:6:7:8', '9:a:b:c:d:e:f:10'],
] as const) {
  const source = IpAddress.parse(a)!;
  const destination = IpAddress.parse(b)!;
  const quoted = buildTcpPacket({ source, destination, sourcePort: 7, destinationPort: 9, seq: -5 });

  function read(type: number, code: number, data: Uint8Array) {
    if (family === 4) {
      const { bytes, view, offset, length } = place(message(type, code, data, 0), 9, 0xff, 40);
      const out = new IcmpView();
      assert.equal(parseIcmp(bytes, view, offset, length, out), ParseError.NONE);
      return { ...out, mtu: out.nextHopMtu };
    }
    const pseudo = pseudoHeader(source, destination, 58, 8 + data.length);
    const { bytes, view, offset, length } = place(message(type, code, data, pseudo), 9, 0xff, 40);
    const out = new Icmpv6View();
    assert.equal(parseIcmpv6(bytes, view, offset, length, pseudo, out), ParseError.NONE);
    return { ...out };
  }

  const errors = family === 4 ? [3, 4, 5, 11, 12] : Array.from({ length: 128 }, (_, type) => type);
  const echoes = family === 4 ? [0, 8] : [128, 129];

  describe(`ICMP over IPv${family}`, () => {
    test('identifier and sequence number are those of an echo, and of nothing else', () => {
      for (let type = 0; type < 256; type++) {
        const { identifier, sequence, code } = read(type, 4, quoted);
        assert.deepEqual(
          [identifier, sequence],
          echoes.includes(type) ? [0x1234, 0x5678] : [0, 0],
          `type ${type}`,
        );
        assert.equal(code, 4);
      }
    });

    test('the MTU is that of "too big", the pointer that of a parameter problem', () => {
      for (let type = 0; type < 256; type++) {
        for (const code of [0, 3, 4, 5]) {
          const { mtu, pointer } = read(type, code, quoted);
          const isTooBig = family === 4 ? type === 3 && code === 4 : type === 2;
          assert.equal(mtu, isTooBig ? (family === 4 ? 0x5678 : 0x12345678) : 0, `type ${type} code ${code}`);
          const isProblem = family === 4 ? type === 12 : type === 4;
          assert.equal(pointer, isProblem ? (family === 4 ? 0x12 : 0x12345678) : 0, `type ${type}`);
        }
      }
    });

    test('errors quote, other messages do not', () => {
      for (let type = 0; type < 256; type++) {
        const { isError, quote } = read(type, 0, quoted);
        assert.deepEqual(
          [isError, quote.present],
          [errors.includes(type), errors.includes(type)],
          `type ${type}`,
        );
      }
    });

    test('a quote tells all of both addresses, and of TCP ports and number', () => {
      const { quote } = read(errors[0]!, 1, quoted);
      const { w0, w1, w2, w3 } = source;
      assert.deepEqual(words({ ...quote }, 'source'), [w0, w1, w2, w3]);
      assert.deepEqual(words({ ...quote }, 'destination'), [
        destination.w0,
        destination.w1,
        destination.w2,
        destination.w3,
      ]);
      assert.deepEqual([quote.sourcePort, quote.destinationPort, quote.hasSeq, quote.seq], [7, 9, true, -5]);
      assert.equal(quote.totalLength, quoted.length);
    });

    test('of UDP it tells ports alone, of others nothing', () => {
      for (const [protocol, expected] of [
        [17, [7, 9, false, 0]],
        [47, [0, 0, false, 0]],
      ] as const) {
        const packet = quoted.slice();
        packet[family === 4 ? 9 : 6] = protocol;
        const { quote } = read(errors[0]!, 1, packet);
        assert.equal(quote.present, true);
        assert.deepEqual([quote.sourcePort, quote.destinationPort, quote.hasSeq, quote.seq], expected);
      }
    });

    test('a quote needs its header and eight octets more', () => {
      const least = (family === 4 ? 20 : 40) + 8;
      for (let length = 0; length <= least; length++) {
        const { quote } = read(errors[0]!, 1, quoted.slice(0, length));
        assert.equal(quote.present, length === least, `${length} octets`);
      }
    });

    test('a quote of another version is none', () => {
      const packet = quoted.slice();
      packet[0] = (packet[0]! & 15) | ((family === 4 ? 6 : 4) << 4);
      assert.equal(read(errors[0]!, 1, packet).quote.present, false);
    });

    test('nothing is left of the quote before: not in an echo, nor in an error that quotes too little', () => {
      const quotes = (type: number, data: Uint8Array) => {
        const pseudo = family === 4 ? 0 : pseudoHeader(source, destination, 58, 8 + data.length);
        const { bytes, view, offset, length } = place(message(type, 0, data, pseudo));
        const error =
          family === 4
            ? parseIcmp(bytes, view, offset, length, out4)
            : parseIcmpv6(bytes, view, offset, length, pseudo, out6);
        assert.equal(error, ParseError.NONE);
        return family === 4 ? out4.quote.present : out6.quote.present;
      };
      const out4 = new IcmpView();
      const out6 = new Icmpv6View();
      for (const [type, data] of [
        [echoes[0]!, quoted],
        [errors[0]!, quoted.subarray(0, 30)],
        [errors[0]!, quoted.subarray(0, 10)],
        [errors[0]!, new Uint8Array(60)],
      ] as const) {
        assert.equal(quotes(errors[0]!, quoted), true);
        const isThere = family === 4 && data.length === 30;
        assert.equal(quotes(type, data), isThere, `type ${type}, ${data.length} octets`);
      }
    });

    test('every code has a name, those unknown their number', () => {
      const name = family === 4 ? icmpName : icmpv6Name;
      const unreachable = family === 4 ? 3 : 1;
      const names = Array.from({ length: 256 }, (_, code) => name(unreachable, code));
      const known = names.filter((text) => /^[a-z]/.test(text) && !/\d/.test(text));
      assert.ok(known.length >= 7);
      assert.equal(new Set(known).size, known.length, 'no two alike');
      assert.equal(names[255], `type ${unreachable} code 255`);
      assert.equal(names[known.length], `type ${unreachable} code ${known.length}`);
      for (const text of names) assert.equal(typeof text, 'string');
      assert.equal(name(200, 3), 'type 200 code 3');
      assert.match(name(echoes[0]!, 0), /echo/);
      assert.notEqual(name(echoes[0]!, 1), names[1]);
    });
  });
}

test('an error that is written bears its detail where its type has it', () => {
  const packet = new Uint8Array(28).fill(0x45);
  for (const [type, code, detail, word] of [
    [3, 4, 1492, [0, 0, 0x05, 0xd4]],
    [12, 0, 20, [20, 0, 0, 0]],
    [11, 0, 0, [0, 0, 0, 0]],
  ] as const) {
    const out = new Uint8Array(60).fill(0xee);
    const length = writeIcmpError(type, code, detail, packet, 0, 28, out, new DataView(out.buffer), 3);
    assert.equal(length, 36);
    assert.deepEqual([out[3], out[4], ...out.slice(7, 11)], [type, code, ...word]);
    assert.equal(sumRange(out, 3, length), 0xffff);
  }
});
