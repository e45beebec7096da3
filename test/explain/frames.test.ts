// From a frame to a segment: every link type, extension headers, fragments, offloads, cut-off packets, hostile bytes.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ipOffset, isKnownLinkType, LinkType } from '../../src/explain/link-header.js';
import { type Observation, observe } from '../../src/explain/observed-segment.js';
import { Random } from '../tcp/random.js';
import { packetOf } from './captures.js';

const V4 = packetOf('0 > PA 5 a9 [20] <mss 1400>').packet;
const V6 = packetOf('0 > PA 5 a9 [20]', 6).packet;
const bytes = (...parts: (readonly number[] | Uint8Array)[]) =>
  Buffer.concat(parts.map((p) => Buffer.from(p)));
const MACS = new Array(12).fill(2) as number[];

function segmentOf(found: Observation) {
  assert.equal(found.what, 'segment');
  return (found as Extract<Observation, { what: 'segment' }>).segment;
}

describe('link types', () => {
  const sll = [0, 0, 0, 1, 0, 6, ...new Array(8).fill(0)];
  const rows: [string, number, Buffer, number][] = [
    ['Ethernet', LinkType.ETHERNET, bytes(MACS, [8, 0], V4), 14],
    ['Ethernet, IPv6', LinkType.ETHERNET, bytes(MACS, [0x86, 0xdd], V6), 14],
    ['a VLAN', LinkType.ETHERNET, bytes(MACS, [0x81, 0, 0, 7, 8, 0], V4), 18],
    ['a VLAN in a VLAN', LinkType.ETHERNET, bytes(MACS, [0x88, 0xa8, 0, 1, 0x81, 0, 0, 7, 8, 0], V4), 22],
    ['PPPoE', LinkType.ETHERNET, bytes(MACS, [0x88, 0x64, 0x11, 0, 0, 1, 0, 60, 0, 0x21], V4), 22],
    ['ARP', LinkType.ETHERNET, bytes(MACS, [8, 6], new Uint8Array(28)), -1],
    ['raw', LinkType.RAW, bytes(V4), 0],
    ['raw of the BSDs', LinkType.RAW_BSD, bytes(V6), 0],
    ['IPv4', LinkType.IPV4, bytes(V4), 0],
    ['IPv6', LinkType.IPV6, bytes(V6), 0],
    ['loopback, little endian', LinkType.NULL, bytes([2, 0, 0, 0], V4), 4],
    ['loopback, big endian', LinkType.LOOP, bytes([0, 0, 0, 24], V6), 4],
    ['Linux cooked', LinkType.LINUX_SLL, bytes(sll, [8, 0], V4), 16],
    ['Linux cooked 2', LinkType.LINUX_SLL2, bytes([8, 0], new Uint8Array(18), V4), 20],
    ['PPP', LinkType.PPP, bytes([0xff, 3, 0, 0x57], V6), 4],
    ['one that nobody knows', 147, bytes(V4), -1],
    ['too short', LinkType.ETHERNET, bytes(MACS), -1],
  ];
  for (const [what, linkType, frame, offset] of rows) {
    test(what, () => assert.equal(ipOffset(linkType, frame), offset));
  }

  test('which are known', () => {
    assert.equal(isKnownLinkType(LinkType.LINUX_SLL2), true);
    assert.equal(isKnownLinkType(147), false);
  });
});

describe('packets', () => {
  test('IPv4 and IPv6: numbers, options, payload, checksum', () => {
    for (const [packet, mss] of [
      [V4, 1400],
      [V6, undefined],
    ] as const) {
      const s = segmentOf(observe(packet, packet.length, 3, 12));
      assert.deepEqual([s.frame, s.timeMs, s.len, s.payload.length], [3, 12, 20, 20]);
      assert.deepEqual([s.sourcePort, s.destinationPort, s.checksum], [40_000, 80, 'good']);
      assert.equal(s.options.mss, mss);
    }
  });

  test('padding of the link is no payload', () => {
    const padded = bytes(packetOf('0 > A 5 a9').packet, new Uint8Array(6));
    assert.equal(segmentOf(observe(padded, padded.length, 1, 0)).len, 0);
  });

  test('a packet that was cut off: its length is that of the wire, its checksum not known', () => {
    const s = segmentOf(observe(V4.subarray(0, 50), V4.length, 1, 0));
    assert.deepEqual([s.len, s.payload.length, s.checksum], [20, 6, 'unknown']);
  });

  test('a wrong checksum, and one that a network card was to finish', () => {
    const spoilt = Uint8Array.from(V4);
    spoilt[V4.length - 1]! ^= 1;
    assert.equal(segmentOf(observe(spoilt, spoilt.length, 1, 0)).checksum, 'bad');
    const unfinished = Uint8Array.from(V4);
    // The sum of the pseudo header 10.0.0.1, 10.0.0.2, 6, 44.
    new DataView(unfinished.buffer).setUint16(36, 0x0a00 + 1 + 0x0a00 + 2 + 6 + 44);
    assert.equal(segmentOf(observe(unfinished, unfinished.length, 1, 0)).checksum, 'unfinished');
  });

  test('a length of 0 in packets that a network card cuts', () => {
    const offloaded = Uint8Array.from(V4);
    new DataView(offloaded.buffer).setUint16(2, 0);
    assert.equal(segmentOf(observe(offloaded, offloaded.length, 1, 0)).len, 20);
  });

  test('behind extension headers; fragments', () => {
    const header = V6.subarray(0, 40);
    const withHeaders = (next: number, ...extension: number[]) => {
      const packet = Buffer.concat([header, Buffer.from(extension), V6.subarray(40)]);
      packet.writeUInt16BE(V6.length - 40 + extension.length, 4);
      packet[6] = next;
      return packet;
    };
    const options = withHeaders(0, 60, 0, 1, 4, 0, 0, 0, 0, 6, 0, 1, 4, 0, 0, 0, 0);
    assert.equal(segmentOf(observe(options, options.length, 1, 0)).len, 20);
    const first = withHeaders(44, 6, 0, 0, 1, 0, 0, 0, 9);
    assert.equal(segmentOf(observe(first, first.length, 1, 0)).checksum, 'unknown');
    const later = withHeaders(44, 6, 0, 0, 8, 0, 0, 0, 9);
    assert.equal(observe(later, later.length, 1, 0).what, 'fragment');
    const laterV4 = Uint8Array.from(V4);
    laterV4[7] = 5;
    assert.equal(observe(laterV4, laterV4.length, 1, 0).what, 'fragment');
  });

  test('an ICMP error: whose segment it quotes, and the MTU', () => {
    const icmp = bytes(V4.subarray(0, 20), [3, 4, 0, 0, 0, 0, 0x05, 0x14], V4.subarray(0, 28));
    icmp[9] = 1;
    icmp.writeUInt16BE(icmp.length, 2);
    const found = observe(icmp, icmp.length, 7, 1);
    assert.equal(found.what, 'icmp');
    const { type, code, mtu, sourcePort, frame } = (found as Extract<Observation, { what: 'icmp' }>).icmp;
    assert.deepEqual([type, code, mtu, sourcePort, frame], [3, 4, 1300, 40_000, 7]);
  });

  test('anything at all is read without an error', () => {
    for (let seed = 1; seed <= 3000; seed++) {
      const random = new Random(seed);
      const packet = Uint8Array.from(random.chance(0.5) ? V4 : V6);
      for (let i = random.int(0, 8); i > 0; i--)
        packet[random.int(0, packet.length - 1)] = random.int(0, 255);
      const kept = packet.subarray(0, random.int(0, packet.length));
      assert.doesNotThrow(() => observe(kept, random.int(0, 2000), 1, 0), `seed ${seed}`);
    }
  });
});
