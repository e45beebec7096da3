// The TCP header: both ways through the layout agree, and nothing malformed gets through.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  ACK,
  addPieces,
  addRange,
  buildTcpPacket,
  decodeHeader,
  decodePacket,
  encodeHeader,
  FIN,
  IpAddress,
  offsetOf,
  ParseError,
  PayloadPieces,
  parseTcp,
  pseudoHeader,
  SegmentView,
  SYN,
  TCP_CHECKSUM_OFFSET,
  TCP_HEADER,
  type TcpHeader,
  tcpChecksumOk,
  writeTcpChecksum,
  writeTcpHeader,
  writeTcpPseudoSum,
} from '../../src/wire/index.js';
import { hex, place, placements } from './slab.js';

const V4 = [IpAddress.parse('10.9.0.1')!, IpAddress.parse('10.9.0.2')!] as const;
const V6 = [IpAddress.parse('fd00:9::1')!, IpAddress.parse('fd00:9::2')!] as const;

const header: fc.Arbitrary<TcpHeader> = fc.record({
  sourcePort: fc.nat(0xffff),
  destinationPort: fc.nat(0xffff),
  seq: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  ack: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  dataOffsetAndReserved: fc.nat(15).map((reserved) => 0x50 | reserved),
  flags: fc.nat(255),
  window: fc.nat(0xffff),
  checksum: fc.nat(0xffff),
  urgentPointer: fc.nat(0xffff),
});

describe('TCP header', () => {
  test('what the layout encodes the packet path reads, reserved bits ignored', () => {
    fc.assert(
      fc.property(header, fc.uint8Array({ maxLength: 20 }), (fields, payload) => {
        const segment = new Uint8Array(20 + payload.length);
        assert.equal(encodeHeader(TCP_HEADER, fields, segment), 20);
        segment.set(payload, 20);
        for (const { bytes, view, offset, length } of placements(segment)) {
          const out = new SegmentView();
          assert.equal(parseTcp(bytes, view, offset, length, out), ParseError.NONE);
          assert.equal(out.sourcePort, fields.sourcePort);
          assert.equal(out.destinationPort, fields.destinationPort);
          assert.equal(out.seq, fields.seq | 0);
          assert.equal(out.ack, fields.ack | 0);
          assert.equal(out.flags, fields.flags);
          assert.equal(out.wnd, fields.window);
          assert.equal(out.urgentPointer, fields.urgentPointer);
          assert.deepEqual(bytes.subarray(out.payloadOffset, out.payloadOffset + out.payloadLength), payload);
          const control = (fields.flags & SYN ? 1 : 0) + (fields.flags & FIN ? 1 : 0);
          assert.equal(out.len, payload.length + control);
        }
      }),
      { seed: 7, numRuns: 500 },
    );
  });

  test('what the packet path writes the layout decodes', () => {
    fc.assert(
      fc.property(header, (fields) => {
        const { bytes, view, offset } = place(new Uint8Array(20), 7, 0xff, 9);
        const source = {
          seq: fields.seq | 0,
          ack: fields.ack | 0,
          flags: fields.flags,
          wnd: fields.window,
          urgentPointer: fields.urgentPointer,
          options: new Uint8Array(40),
          optionsLength: 0,
        };
        assert.equal(
          writeTcpHeader(bytes, view, offset, fields.sourcePort, fields.destinationPort, source),
          20,
        );
        const expected = { ...fields, checksum: 0, dataOffsetAndReserved: 0x50 };
        assert.deepEqual({ ...decodeHeader(TCP_HEADER, bytes, offset) }, expected);
        assert.ok(bytes.subarray(0, 7).every((octet) => octet === 0xff));
        assert.ok(bytes.subarray(27).every((octet) => octet === 0xff));
      }),
      { seed: 8, numRuns: 500 },
    );
  });

  test('segments of 0…19 octets and data offsets below 5 or past the segment are refused', () => {
    const out = new SegmentView();
    for (let length = 0; length < 20; length++) {
      for (const p of placements(new Uint8Array(length).fill(0x50))) {
        assert.equal(parseTcp(p.bytes, p.view, p.offset, p.length, out), ParseError.TRUNCATED);
      }
    }
    for (let words = 0; words < 16; words++) {
      for (const length of [20, 24, 59, 60, 61]) {
        const segment = new Uint8Array(length);
        segment[12] = words << 4;
        const right = words >= 5 && words * 4 <= length;
        for (const p of placements(segment)) {
          const result = parseTcp(p.bytes, p.view, p.offset, p.length, out);
          assert.equal(result, right ? ParseError.NONE : ParseError.DATA_OFFSET, `${words} in ${length}`);
          if (right) assert.equal(out.payloadLength, length - 4 * words);
        }
      }
    }
  });

  test('RFC9293 MUST-5: options are read on a segment without SYN; those of the segment before are forgotten', () => {
    const [source, destination] = V4;
    const build = (flags: number, options: Uint8Array) =>
      buildTcpPacket({ source, sourcePort: 1, destination, destinationPort: 2, flags, options });
    const out = new SegmentView();
    const first = place(build(ACK, Uint8Array.of(2, 4, 5, 0xb4)));
    parseTcp(first.bytes, first.view, 20, 24, out);
    assert.equal(out.mss, 1460);
    const second = place(build(ACK, new Uint8Array(0)));
    parseTcp(second.bytes, second.view, 20, 20, out);
    assert.equal(out.mss, -1);
  });

  test('RFC9293 §3.1: nothing is left of the options of the segment before', () => {
    const [source, destination] = V4;
    const build = (options: Uint8Array) =>
      place(buildTcpPacket({ source, sourcePort: 1, destination, destinationPort: 2, flags: ACK, options }));
    const told = (s: SegmentView) => [s.mss, s.windowScale, s.sackPermitted, s.sackCount, ...timesOf(s)];
    const timesOf = (s: SegmentView) => [s.hasTimestamps, s.tsVal, s.tsEcr, s.userTimeoutMs, ...cookieOf(s)];
    const cookieOf = (s: SegmentView) => [s.fastOpenLength, s.fastOpenOffset];
    const out = new SegmentView();
    const one = build(hex('0204 05b4 0303 07 0402 1c04 001e 2206 0102 0304 01'));
    parseTcp(one.bytes, one.view, 20, 40, out);
    assert.deepEqual(told(out), [1460, 7, true, 0, false, 0, 0, 30_000, 4, 55]);
    const other = build(hex('080a 00000001 00000002 050a 00000001 00000002'));
    parseTcp(other.bytes, other.view, 20, 40, out);
    assert.deepEqual(told(out), [-1, -1, false, 1, true, 1, 2, -1, -1, 0]);
    const none = build(new Uint8Array(0));
    parseTcp(none.bytes, none.view, 20, 20, out);
    assert.deepEqual(told(out), [-1, -1, false, 0, false, 0, 0, -1, -1, 0]);
  });

  test('RFC9293 §3.1: options end where the header ends: what follows is text', () => {
    const [source, destination] = V4;
    const from = { source, sourcePort: 1, destination, destinationPort: 2 };
    const packet = buildTcpPacket({ ...from, options: hex('01010101'), payload: hex('0204 05b4 0303 07') });
    const { bytes, view } = place(packet);
    const out = new SegmentView();
    assert.equal(parseTcp(bytes, view, 20, packet.length - 20, out), ParseError.NONE);
    assert.deepEqual([out.mss, out.windowScale, out.payloadLength], [-1, -1, 7]);
  });

  test('a segment of the link counts as the segments that it was joined of', () => {
    const out = new SegmentView();
    for (const [payloadLength, segmentBytes, count, first, extraSegments = 0] of [
      [5000, 0, 1, 5000],
      [0, 1000, 1, 0],
      [1, 1000, 1, 1],
      [1000, 1000, 1, 1000],
      [1001, 1000, 2, 1000],
      [3000, 1000, 3, 1000],
      [3000, 1000, 5, 1000, 2],
      [0, 0, 3, 0, 2],
    ] as const) {
      Object.assign(out, { payloadLength, segmentBytes, extraSegments });
      const told = [out.segmentCount, out.largestPayloadLength];
      assert.deepEqual(told, [count, first], `${payloadLength} in ${segmentBytes}`);
    }
  });

  test('RFC9293 MUST-2 MUST-3: a written checksum verifies, and any flipped bit breaks it', () => {
    const payload = Uint8Array.from({ length: 37 }, (_, i) => i * 7);
    for (const [source, destination] of [V4, V6]) {
      const packet = buildTcpPacket({
        source,
        sourcePort: 4,
        destination,
        destinationPort: 7,
        seq: -9,
        payload,
      });
      const at = source.family === 4 ? 20 : 40;
      const length = packet.length - at;
      const pseudo = pseudoHeader(source, destination, 6, length);
      assert.ok(tcpChecksumOk(pseudo, packet, at, length));
      for (let bit = 0; bit < 8 * length; bit++) {
        packet[at + (bit >> 3)]! ^= 1 << (bit & 7);
        assert.ok(!tcpChecksumOk(pseudo, packet, at, length), `bit ${bit}`);
        packet[at + (bit >> 3)]! ^= 1 << (bit & 7);
      }
      assert.ok(!tcpChecksumOk(pseudo + 1, packet, at, length), 'another pseudo header');
    }
  });

  test('RFC9293 MUST-2: scattered odd payload, and the sum that a link with offload completes', () => {
    const [source, destination] = V4;
    const whole = Uint8Array.from({ length: 301 }, (_, i) => i * 13);
    const pieces = new PayloadPieces();
    for (const [from, to] of [
      [0, 1],
      [1, 4],
      [4, 151],
      [151, 301],
    ] as const)
      pieces.add(whole, from, to - from);
    const bytes = new Uint8Array(20);
    const view = new DataView(bytes.buffer);
    const fields = { seq: 1, ack: 2, flags: ACK, wnd: 3, urgentPointer: 0, options: bytes, optionsLength: 0 };
    writeTcpHeader(bytes, view, 0, 10, 20, fields);
    const pseudo = pseudoHeader(source, destination, 6, 321);
    const checksum = writeTcpChecksum(pseudo, bytes, view, 0, 20, pieces);
    const segment = new Uint8Array(321);
    segment.set(bytes);
    pieces.copyTo(segment, 20);
    assert.ok(tcpChecksumOk(pseudo, segment, 0, 321));

    writeTcpPseudoSum(pseudo, view, 0);
    const completed = ~addPieces(addRange(0, bytes, 0, 20), pieces, 20) & 0xffff;
    assert.equal(completed, checksum);
  });

  test('offsets come from the declaration, and a misspelt field fails', () => {
    assert.equal(TCP_CHECKSUM_OFFSET, 16);
    assert.throws(() => offsetOf(TCP_HEADER, 'sequence' as 'seq'), { code: 'ERR_LAYOUT_FIELD' });
    assert.throws(() => decodeHeader(TCP_HEADER, new Uint8Array(19)), { code: 'ERR_HEADER_TRUNCATED' });
    assert.throws(() => decodeHeader(TCP_HEADER, new Uint8Array(40), 21), { code: 'ERR_HEADER_TRUNCATED' });
  });
});

describe('whole packets', () => {
  test('what is built is taken apart again', () => {
    for (const [source, destination] of [V4, V6]) {
      const options = Uint8Array.of(2, 4, 5, 0xb4);
      const payload = Uint8Array.of(1, 2, 3);
      const from = { source, sourcePort: 1, destination, destinationPort: 65535, ttl: 7, trafficClass: 0xb9 };
      const packet = buildTcpPacket({ ...from, seq: -1, ack: 9, flags: SYN, wnd: 5, options, payload });
      const { bytes, offset, length } = place(packet, 11, 0xff, 40);
      const decoded = decodePacket(bytes, offset, length);
      assert.ok(typeof decoded !== 'string');
      assert.ok(decoded.source.equals(source) && decoded.destination.equals(destination));
      assert.equal(decoded.ip.view.dscp, 46);
      assert.equal(decoded.ip.view.ecn, 1);
      assert.equal(decoded.tcp?.checksumOk, true);
      assert.equal(decoded.tcp.header.seq, 2 ** 32 - 1);
      assert.equal(decoded.tcp.payloadLength, 3);
      assert.deepEqual(decoded.tcp.options, [{ kind: 2, offset: 0, length: 4, name: 'mss', mss: 1460 }]);
    }
    assert.equal(decodePacket(new Uint8Array(0)), 'truncated');
    assert.equal(decodePacket(new Uint8Array(20)), 'version');
  });

  test('what cannot be built is refused with a code', () => {
    const [source, destination] = V4;
    const from = { source, sourcePort: 1, destination, destinationPort: 2 };
    assert.throws(() => buildTcpPacket({ ...from, destination: V6[1] }), { code: 'ERR_ADDRESS_FAMILY' });
    assert.throws(() => buildTcpPacket({ ...from, options: new Uint8Array(3) }), { code: 'ERR_TCP_OPTIONS' });
    assert.throws(() => buildTcpPacket({ ...from, options: new Uint8Array(44) }), {
      code: 'ERR_TCP_OPTIONS',
    });
    assert.throws(() => buildTcpPacket({ ...from, payload: new Uint8Array(65_496) }), {
      code: 'ERR_PACKET_TOO_LONG',
    });
    assert.equal(buildTcpPacket({ ...from, payload: new Uint8Array(65_495) }).length, 65_535);
  });
});
