// What fragmentation and reassembly need of the codec: writing fragments, making the whole again, and looking behind
// extension headers for the upper layer.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  findUpperLayer,
  IpAddress,
  IpProtocol,
  Ipv4View,
  Ipv6View,
  isTransportHeaderWhole,
  MAX_EXTENSION_HEADERS,
  ParseError,
  parseIpv4,
  parseIpv6,
  rewriteIpv4Fragment,
  rewriteIpv4Reassembled,
  rewriteIpv6Reassembled,
  UpperLayer,
  writeIpv4Header,
  writeIpv6FragmentHeader,
  writeIpv6Header,
} from '../../src/wire/index.js';
import { hex } from './slab.js';

function read4(bytes: Uint8Array): Ipv4View {
  const ip = new Ipv4View();
  assert.equal(parseIpv4(bytes, new DataView(bytes.buffer), 0, bytes.length, ip), ParseError.NONE);
  return ip;
}

function read6(bytes: Uint8Array): Ipv6View {
  const ip = new Ipv6View();
  assert.equal(parseIpv6(bytes, new DataView(bytes.buffer), 0, bytes.length, ip), ParseError.NONE);
  return ip;
}

describe('IPv4 fragments', () => {
  test('RFC791: one that is written is read back, without DF and with a good checksum', () => {
    const bytes = new Uint8Array(28);
    const view = new DataView(bytes.buffer);
    writeIpv4Header(bytes, view, 0, 28, 1, 0x0a090001, 0x0a090002, 64, 0, 0xbeef, true);
    for (const [at, more] of [
      [0, true],
      [65_528, false],
      [1480, true],
    ] as const) {
      rewriteIpv4Fragment(bytes, view, 0, at, more);
      const ip = read4(bytes);
      assert.deepEqual(
        [ip.fragmentOffset, ip.moreFragments, ip.dontFragment, ip.id, ip.payloadLength],
        [at, more, false, 0xbeef, 8],
      );
    }
  });

  test('RFC791: the whole has its length, no place, the given ECN, and keeps DF and the code point', () => {
    const bytes = new Uint8Array(60);
    const view = new DataView(bytes.buffer);
    writeIpv4Header(bytes, view, 0, 28, 6, 1, 2, 64, (46 << 2) | 1, 7, true);
    view.setUint16(6, 0x6000);
    rewriteIpv4Reassembled(bytes, view, 0, 60, 3);
    const ip = read4(bytes);
    assert.deepEqual(
      [ip.totalLength, ip.isFragment, ip.dontFragment, ip.dscp, ip.ecn],
      [60, false, true, 46, 3],
    );
  });
});

test('the ECN codepoint of the whole is the given one, whatever the first fragment had', () => {
  for (const before of [0, 1, 2, 3]) {
    for (const ecn of [0, 1, 2, 3]) {
      const bytes = new Uint8Array(60);
      const view = new DataView(bytes.buffer);
      writeIpv4Header(bytes, view, 0, 28, 6, 1, 2, 64, (46 << 2) | before, 7, false);
      rewriteIpv4Reassembled(bytes, view, 0, 60, ecn);
      const { dscp: dscp4, ecn: ecn4 } = read4(bytes);
      assert.deepEqual([dscp4, ecn4], [46, ecn], `IPv4: ${before} becomes ${ecn}`);
      const address = IpAddress.parse('fd00::1')!;
      writeIpv6Header(bytes, view, 0, 4, 6, address, address, 64, (46 << 2) | before, 0);
      rewriteIpv6Reassembled(bytes, view, 0, 20, ecn);
      const { dscp: dscp6, ecn: ecn6 } = read6(bytes);
      assert.deepEqual([dscp6, ecn6], [46, ecn], `IPv6: ${before} becomes ${ecn}`);
    }
  }
});

describe('IPv6 fragments', () => {
  const address = IpAddress.parse('fd00::1')!;

  test('RFC8200 §4.5: a header that is written is read back', () => {
    const bytes = new Uint8Array(56);
    const view = new DataView(bytes.buffer);
    bytes.fill(0xff);
    writeIpv6Header(bytes, view, 0, 16, 44, address, address, 64, 0, 0);
    assert.equal(writeIpv6FragmentHeader(bytes, view, 40, 58, 0xfff8, false, 0x89abcdef), 8);
    const ip = read6(bytes);
    assert.deepEqual([ip.fragmentOffset, ip.moreFragments, ip.protocol], [0xfff8, false, 58]);
    assert.deepEqual([ip.fragmentId, ip.payloadLength, bytes[41]], [0x89abcdef | 0, 8, 0]);
    writeIpv6FragmentHeader(bytes, view, 40, 58, 8, true, 1);
    assert.deepEqual([read6(bytes).fragmentOffset, read6(bytes).moreFragments], [8, true]);
  });

  test('the whole has its length and the given ECN, and keeps code point and flow label', () => {
    const bytes = new Uint8Array(70);
    const view = new DataView(bytes.buffer);
    writeIpv6Header(bytes, view, 0, 4, 6, address, address, 64, (46 << 2) | 2, 0xabcde);
    rewriteIpv6Reassembled(bytes, view, 0, 30, 1);
    const ip = read6(bytes);
    assert.deepEqual([ip.payloadLength, ip.ecn, ip.dscp, ip.flowLabel], [30, 1, 46, 0xabcde]);
  });
});

describe('looking for the upper layer', () => {
  /** The upper layer of what begins with header `protocol`, or null. */
  const find = (protocol: number, text: string) => {
    const bytes = hex(text);
    const out = new UpperLayer();
    return findUpperLayer(bytes, 0, bytes.length, protocol, out) ? [out.protocol, out.offset] : null;
  };

  test('RFC7112: it is found behind options, routing and atomic fragment headers, whatever these say', () => {
    assert.deepEqual(find(6, ''), [6, 0]);
    assert.deepEqual(find(60, '2b00 c204 00000000 2c00 0001 00000000 3a00 0000 00000009'), [58, 24]);
    assert.deepEqual(find(44, '0600 0001 00000000'), [6, 8], 'a first fragment');
    assert.deepEqual(find(59, 'aa'), [59, 0]);
  });

  test('RFC7112: not when the chain ends early, is endless, or goes on in another fragment', () => {
    assert.equal(find(60, '0600 0104 000000'), null);
    assert.equal(find(60, '0601 0104 00000000'), null);
    assert.equal(find(44, '0600 0008 00000000 ff'), null);
    assert.equal(find(44, '0600 0100 00000000 ff'), null);
    assert.deepEqual(
      find(60, `${'3c00 0104 00000000'.repeat(MAX_EXTENSION_HEADERS - 1)}0600 0104 00000000`),
      [6, 8 * MAX_EXTENSION_HEADERS],
    );
    assert.equal(find(60, `${'3c00 0104 00000000'.repeat(MAX_EXTENSION_HEADERS)}0600 0104 00000000`), null);
  });

  test('RFC1858: a transport header is whole or not', () => {
    const bytes = new Uint8Array(64);
    const whole = (protocol: number, length: number) => isTransportHeaderWhole(protocol, bytes, 2, length);
    bytes[14] = 0x80;
    assert.deepEqual(
      [31, 32].map((n) => whole(IpProtocol.TCP, n)),
      [false, true],
      'data offset 8',
    );
    bytes[14] = 0x10;
    assert.deepEqual(
      [0, 16, 19, 20].map((n) => whole(IpProtocol.TCP, n)),
      [false, false, false, true],
    );
    for (const protocol of [IpProtocol.ICMP, IpProtocol.ICMPV6, IpProtocol.UDP]) {
      assert.deepEqual(
        [7, 8].map((n) => whole(protocol, n)),
        [false, true],
      );
    }
    assert.equal(whole(132, 1), true);
  });
});
