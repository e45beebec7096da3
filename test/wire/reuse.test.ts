// Parsers fill one view again and again: what a packet does not say must not be left from the one before. And a packet that is cut
// off anywhere is told as such, and read no further than it goes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { EthernetView, parseEthernet } from '../../src/wire/ethernet.js';
import {
  buildTcpPacket,
  IcmpView,
  Icmpv6View,
  IpAddress,
  Ipv4View,
  Ipv6View,
  ipv6PseudoSum,
  ParseError,
  parseIcmp,
  parseIcmpv6,
  parseIpv4,
  parseIpv6,
  parseTcp,
  refreshIpv4Checksum,
  SegmentView,
  SYN,
} from '../../src/wire/index.js';
import { hex, type Placed, place } from './slab.js';

const file = new URL('../../../test/golden/wire-packets.json', import.meta.url);
const golden = (JSON.parse(readFileSync(file, 'utf8')) as { packets: { name: string; hex: string }[] })
  .packets;

const ends = {
  source: IpAddress.parse('10.9.0.1')!,
  sourcePort: 80,
  destination: IpAddress.parse('10.9.0.2')!,
  destinationPort: 81,
};

/** An IPv4 packet with the checksum that fits. */
function withChecksum(packet: Uint8Array): Uint8Array {
  refreshIpv4Checksum(packet, new DataView(packet.buffer), 0);
  return packet;
}

/** Beside the kernel's packets some with rarer things: a source route, extension headers, Fast Open, a timeout. */
const rare: [string, Uint8Array][] = [
  [
    'IPv4 with a source route',
    withChecksum(hex('4700 0020 0001 4000 4084 0000 0a090001 0a090002 8307040a09000900 00500051')),
  ],
  [
    'IPv6 with a hop-by-hop option',
    hex(
      '6000 0000 0010 0040 fd000009000000000000000000000001 fd000009000000000000000000000002 3b00 01040000 0000 3b00000000000000',
    ),
  ],
  [
    'an IPv6 fragment',
    hex(
      '6000 0000 0010 2c40 fd000009000000000000000000000001 fd000009000000000000000000000002 0600 0009 deadbeef 0102030405060708',
    ),
  ],
  [
    'TCP with Fast Open and a user timeout',
    buildTcpPacket({ ...ends, flags: SYN, options: hex('2206deadbeef 1c048001 0402 0303 07 01') }),
  ],
  ['TCP without options', buildTcpPacket({ ...ends, flags: SYN })],
];

const packets = [...golden.map(({ name, hex: text }) => [name, hex(text)] as const), ...rare].map(
  ([name, packet]) => ({ name, placed: place(packet, 20, 0xff, 60) }),
);

/** One view of each kind, as an intake has. */
class Views {
  readonly ipv4 = new Ipv4View();
  readonly ipv6 = new Ipv6View();
  readonly tcp = new SegmentView();
  readonly icmp = new IcmpView();
  readonly icmpv6 = new Icmpv6View();

  /** Parses all layers; returns the codes and everything that the views say. */
  read({ bytes, view, offset, length }: Placed): string {
    const isV6 = bytes[offset]! >>> 4 === 6;
    const ip = isV6 ? this.ipv6 : this.ipv4;
    const codes: number[] = [
      isV6
        ? parseIpv6(bytes, view, offset, length, this.ipv6)
        : parseIpv4(bytes, view, offset, length, this.ipv4),
    ];
    const said: object[] = [ip];
    const { payloadOffset: at, payloadLength: n, protocol } = ip;
    if (codes[0] === ParseError.NONE && !ip.isFragment) {
      if (protocol === 6) {
        codes.push(parseTcp(bytes, view, at, n, this.tcp));
        said.push(this.tcp);
      } else if (protocol === 1) {
        codes.push(parseIcmp(bytes, view, at, n, this.icmp));
        said.push(this.icmp);
      } else if (protocol === 58) {
        codes.push(parseIcmpv6(bytes, view, at, n, ipv6PseudoSum(this.ipv6, 58), this.icmpv6));
        said.push(this.icmpv6);
      }
    }
    if (codes.some((code) => code !== ParseError.NONE)) return JSON.stringify(codes);
    return JSON.stringify([codes, said], (key, value) => {
      if (value instanceof Uint8Array) return undefined;
      // Of what is not there only that is said.
      if (key === 'quote' && !value.present) return 'none';
      return ArrayBuffer.isView(value) ? [...(value as Int32Array)] : value;
    });
  }
}

/** SACK edges behind `sackCount` mean nothing and are not cleared. */
const meaningful = (said: string) => said.replace(/"sackEdges":\[[^\]]*\],?/, '');

describe('a view that is filled again', () => {
  test('is filled: every packet but those that lie is read', () => {
    for (const { name, placed } of packets) assert.match(new Views().read(placed), /^\[\[0(,0)?\],\[/, name);
  });

  for (const { name, placed } of packets) {
    test(`says of "${name}" the same after any other packet`, () => {
      const fresh = meaningful(new Views().read(placed));
      for (const before of packets) {
        const views = new Views();
        views.read(before.placed);
        assert.equal(meaningful(views.read(placed)), fresh, `after "${before.name}"`);
      }
    });
  }

  test('says of a plain frame no VLAN after a tagged one', () => {
    const tagged = place(hex('ffffffffffff 020000000001 8100 2005 0800 45'), 7, 0xff, 20);
    const plain = place(hex('020000000002 020000000001 86dd 60'), 7, 0xff, 20);
    const out = new EthernetView();
    assert.equal(parseEthernet(tagged.view, tagged.offset, tagged.length, out), ParseError.NONE);
    assert.equal(parseEthernet(plain.view, plain.offset, plain.length, out), ParseError.NONE);
    const fresh = new EthernetView();
    parseEthernet(plain.view, plain.offset, plain.length, fresh);
    assert.deepEqual(out, fresh);
    assert.equal(out.vlan, 0);
    assert.deepEqual([out.isGroup, fresh.isGroup], [false, false]);
  });
});

describe('a packet that is cut off', () => {
  for (const { name, placed } of packets) {
    test(`"${name}": every beginning of it is read alike, whatever lies behind`, () => {
      const packet = placed.bytes.slice(placed.offset, placed.offset + placed.length);
      for (let length = 0; length < packet.length; length++) {
        const part = packet.slice(0, length);
        // Alone a read behind the end throws; the first octet decides upon the family.
        const alone = length === 0 ? '' : meaningful(new Views().read(place(part)));
        const position = /"(payloadOffset|fragmentHeaderAt|fragmentNamedAt|fastOpenOffset|offset)":-?\d+/g;
        for (const poison of [0, 0xff]) {
          const among = length === 0 ? '' : meaningful(new Views().read(place(part, 32, poison, 90)));
          assert.equal(
            among.replace(position, ''),
            alone.replace(position, ''),
            `${length} octets, ${poison}`,
          );
        }
      }
    });
  }
});
