// Ethernet, ARP and neighbour discovery: frames of the Linux kernel and of radvd read as tshark reads them and written back octet
// by octet, and what must be refused.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { IpAddress } from '../../src/wire/address.js';
import { ARP_BYTES, ARP_HEADER, ArpView, parseArp, writeArp } from '../../src/wire/arp.js';
import { addRange, finish, pseudoHeader } from '../../src/wire/checksum.js';
import {
  ETHERNET_HEADER,
  EthernetView,
  EtherType,
  parseEthernet,
  writeEthernetHeader,
} from '../../src/wire/ethernet.js';
import { Ipv6View, parseIpv6 } from '../../src/wire/ipv6.js';
import { decodeHeader } from '../../src/wire/layout.js';
import { MacAddress } from '../../src/wire/mac.js';
import { writeMldReport } from '../../src/wire/mld.js';
import {
  NdpType,
  NdpView,
  parseNdp,
  writeNeighborAdvertisement,
  writeNeighborSolicitation,
  writeRouterSolicitation,
} from '../../src/wire/ndp.js';
import { ParseError } from '../../src/wire/parse-error.js';
import { hex, place, placements } from './slab.js';

interface Golden {
  readonly name: string;
  readonly hex: string;
  readonly tshark: Record<string, string>;
}

const file = new URL('../../../test/golden/ethernet-frames.json', import.meta.url);
const { frames, reports } = JSON.parse(readFileSync(file, 'utf8')) as Record<'frames' | 'reports', Golden[]>;
const named = (name: string) => hex(frames.find((golden) => golden.name === name)!.hex);

function mac(text: string): MacAddress {
  return MacAddress.parse(text)!;
}

function address(text: string): IpAddress {
  return IpAddress.parse(text)!;
}

describe('MAC addresses', () => {
  it('are read in both usual spellings and printed in one', () => {
    for (const text of ['02:00:5e:ff:00:a1', '02-00-5E-FF-00-A1']) {
      assert.equal(String(MacAddress.parse(text)), '02:00:5e:ff:00:a1');
    }
    for (const text of [
      '',
      '02:00:5e:ff:00',
      '02:00:5e:ff:00:a1:00',
      '02:00-5e:ff:00:a1',
      '2:0:5e:ff:0:a1',
      'g2:00:5e:ff:00:a1',
    ]) {
      assert.equal(MacAddress.parse(text), null, text);
    }
  });

  it('RFC 2464 §7: groups of IPv6 map to 33:33 and their last word', () => {
    assert.equal(String(MacAddress.ofIpv6Group(address('ff02::1:ff12:3456').w3)), '33:33:ff:12:34:56');
    assert.equal(MacAddress.ofIpv6Group(1).isGroup, true);
    assert.equal(MacAddress.BROADCAST.isGroup, true);
    assert.equal(mac('02:00:00:00:00:01').isGroup, false);
  });
});

describe('frames of Linux', () => {
  for (const golden of frames) {
    it(`${golden.name}: reads as tshark reads it, wherever it lies`, () => {
      const expect = golden.tshark;
      for (const { bytes, view, offset, length } of placements(hex(golden.hex))) {
        const frame = new EthernetView();
        assert.equal(parseEthernet(view, offset, length, frame), 0);
        assert.equal(String(new MacAddress(frame.destinationHigh, frame.destinationLow)), expect['eth.dst']);
        assert.equal(String(new MacAddress(frame.sourceHigh, frame.sourceLow)), expect['eth.src']);
        assert.equal(frame.type, Number(expect['eth.type']));
        assert.equal(frame.vlan, 0);
        const declared = decodeHeader(ETHERNET_HEADER, bytes, offset);
        assert.equal(declared.type, frame.type);
        if (frame.type === EtherType.ARP) checkArp(expect, bytes, view, frame);
        if (frame.type === EtherType.IPV6) checkNdp(expect, bytes, view, frame);
      }
    });
  }

  it('cover every message that is read', () => {
    const types = new Set(frames.map(({ tshark }) => tshark['icmpv6.type']).filter(Boolean));
    assert.deepEqual([...types].sort(), ['133', '134', '135', '136']);
  });
});

function checkArp(
  expect: Record<string, string>,
  bytes: Uint8Array,
  view: DataView,
  frame: EthernetView,
): void {
  const arp = new ArpView();
  const { payloadOffset: at, payloadLength: length } = frame;
  assert.equal(parseArp(view, at, length, arp), 0);
  assert.equal(arp.operation, Number(expect['arp.opcode']));
  assert.equal(String(new MacAddress(arp.senderMacHigh, arp.senderMacLow)), expect['arp.src.hw_mac']);
  assert.equal(String(new MacAddress(arp.targetMacHigh, arp.targetMacLow)), expect['arp.dst.hw_mac']);
  assert.equal(String(IpAddress.v4(arp.senderAddress)), expect['arp.src.proto_ipv4']);
  assert.equal(String(IpAddress.v4(arp.targetAddress)), expect['arp.dst.proto_ipv4']);
  const declared = decodeHeader(ARP_HEADER, bytes, at);
  assert.equal(declared.senderAddress | 0, arp.senderAddress);
  assert.equal(declared.targetMacLow | 0, arp.targetMacLow);
  const out = new Uint8Array(ARP_BYTES);
  const { operation, senderMacHigh, senderMacLow, targetMacHigh, targetMacLow } = arp;
  writeArp(
    new DataView(out.buffer),
    0,
    operation,
    senderMacHigh,
    senderMacLow,
    arp.senderAddress,
    targetMacHigh,
    targetMacLow,
    arp.targetAddress,
  );
  assert.deepEqual(out, bytes.slice(at, at + ARP_BYTES));
}

function checkNdp(
  expect: Record<string, string>,
  bytes: Uint8Array,
  view: DataView,
  frame: EthernetView,
): void {
  const ip = new Ipv6View();
  const message = new NdpView();
  assert.equal(parseIpv6(bytes, view, frame.payloadOffset, frame.payloadLength, ip), 0);
  assert.equal(parseNdp(bytes, view, ip, message), 0);
  assert.equal(message.type, Number(expect['icmpv6.type']));
  const linkAddress = expect['icmpv6.opt.linkaddr'];
  assert.equal(message.hasMac, linkAddress !== undefined);
  if (linkAddress !== undefined) {
    assert.equal(String(new MacAddress(message.macHigh, message.macLow)), linkAddress);
  }
  const target = expect['icmpv6.nd.ns.target_address'] ?? expect['icmpv6.nd.na.target_address'];
  if (target !== undefined) {
    const { target0, target1, target2, target3 } = message;
    assert.equal(String(new IpAddress(target0, target1, target2, target3)), target);
  }
  if (message.type === NdpType.NEIGHBOR_ADVERTISEMENT) {
    assert.equal(message.isRouter, flag(expect['icmpv6.nd.na.flag.r']));
    assert.equal(message.isSolicited, flag(expect['icmpv6.nd.na.flag.s']));
    assert.equal(message.isOverride, flag(expect['icmpv6.nd.na.flag.o']));
  }
  if (message.type === NdpType.ROUTER_ADVERTISEMENT) {
    assert.equal(message.hopLimit, Number(expect['icmpv6.nd.ra.cur_hop_limit']));
    assert.equal(message.routerLifetime, Number(expect['icmpv6.nd.ra.router_lifetime']));
    assert.equal(message.reachableTime, Number(expect['icmpv6.nd.ra.reachable_time']));
    assert.equal(message.retransTimer, Number(expect['icmpv6.nd.ra.retrans_timer']));
    assert.equal(message.preference, Number(expect['icmpv6.nd.ra.flag.prf']));
    assert.equal(message.mtu, Number(expect['icmpv6.opt.mtu']));
  }
}

function flag(text: string | undefined): boolean {
  return text === '1' || text === 'True';
}

describe('frames of ours', () => {
  const write = (body: (bytes: Uint8Array, view: DataView) => number): Uint8Array => {
    const bytes = new Uint8Array(256).fill(0xaa);
    return bytes.slice(0, body(bytes, new DataView(bytes.buffer)));
  };

  it('equal those of Linux: solicitation, advertisement, router solicitation', () => {
    const solicitation = write((bytes, view) =>
      writeNeighborSolicitation(
        bytes,
        view,
        0,
        address('fd00:9::a'),
        address('ff02::1:ff00:b'),
        address('fd00:9::b'),
        mac('02:00:00:00:00:0a'),
      ),
    );
    assert.deepEqual(solicitation, named('NS').slice(14));
    const advertisement = write((bytes, view) =>
      writeNeighborAdvertisement(
        bytes,
        view,
        0,
        address('fd00:9::b'),
        address('fd00:9::a'),
        mac('02:00:00:00:00:0b'),
        true,
        true,
      ),
    );
    assert.deepEqual(advertisement, named('NA').slice(14));
    const routers = write((bytes, view) =>
      writeRouterSolicitation(
        bytes,
        view,
        0,
        address('fe80::ff:fe00:b'),
        address('ff02::2'),
        mac('02:00:00:00:00:0b'),
      ),
    );
    assert.deepEqual(routers, named('RS').slice(14));
  });

  for (const golden of reports) {
    it(`RFC 3810: a report equals that of Linux: ${golden.name}`, () => {
      const { tshark } = golden;
      const groups = tshark['icmpv6.mldr.mar.multicast_address']!.split(',').map(address);
      const report = write((bytes, view) =>
        writeMldReport(bytes, view, 0, address(tshark['ipv6.src']!), address('ff02::16'), groups, true),
      );
      assert.deepEqual(report, hex(golden.hex).slice(14));
    });
  }

  it('RFC 3810 §5.2.5: a record holds the whole address of its group', () => {
    const groups = [address('ff3e:40:2001:db8:1:2:3:4'), address('ff05:6:7:8:9:a:b:c')];
    const report = write((bytes, view) =>
      writeMldReport(bytes, view, 0, address('fe80::1'), address('ff02::16'), groups, false),
    );
    const view = new DataView(report.buffer);
    // Behind the fixed header, the hop-by-hop header and the head of the report.
    const told = [56, 76].map((at) => [4, 8, 12, 16].map((word) => view.getInt32(at + word)));
    assert.deepEqual(
      told,
      groups.map(({ w0, w1, w2, w3 }) => [w0, w1, w2, w3]),
    );
    assert.equal(report.length, 96);
  });

  it('IEEE 802.1Q: a tag goes between the addresses and the type, and comes back', () => {
    const bytes = new Uint8Array(64);
    const view = new DataView(bytes.buffer);
    assert.equal(writeEthernetHeader(view, 0, 0x0200, 1, 0x0200, 2, EtherType.ARP, 4094), 18);
    assert.deepEqual(bytes.slice(0, 18), hex('020000000001 020000000002 8100 0ffe 0806'));
    const frame = new EthernetView();
    assert.equal(parseEthernet(view, 0, 64, frame), 0);
    assert.equal(frame.vlan, 4094);
    assert.equal(frame.type, EtherType.ARP);
    assert.equal(frame.payloadOffset, 18);
    assert.equal(frame.payloadLength, 46);
    // A tag of VLAN 0 sets a priority and nothing else.
    view.setUint16(14, 0xe000);
    assert.equal(parseEthernet(view, 0, 64, frame), 0);
    assert.equal(frame.vlan, 0);
    assert.equal(frame.type, EtherType.ARP);
  });
});

describe('frames that are refused', () => {
  const ethernet = (bytes: Uint8Array) => {
    const { view, offset, length } = place(bytes);
    return parseEthernet(view, offset, length, new EthernetView());
  };
  const arp = (bytes: Uint8Array) => {
    const { view, offset, length } = place(bytes);
    return parseArp(view, offset, length, new ArpView());
  };

  it('Ethernet: too short, cut within a tag, or with a length instead of a type', () => {
    const frame = named('ARP request');
    for (let length = 0; length < 14; length++)
      assert.equal(ethernet(frame.slice(0, length)), ParseError.TRUNCATED);
    const tagged = hex('020000000001 020000000002 8100 0005 0806');
    for (let length = 14; length < 18; length++) {
      assert.equal(ethernet(tagged.slice(0, length)), ParseError.TRUNCATED);
    }
    assert.equal(ethernet(hex('020000000001 020000000002 8100 0005 0806')), ParseError.NONE, 'an empty one');
    assert.equal(ethernet(hex('020000000001 020000000002 0026')), ParseError.ETHERNET_LENGTH);
  });

  it('IEEE 802.3 §3.2.6: a type is 0x0600 or more, a length is less', () => {
    assert.equal(ethernet(hex('020000000001 020000000002 05ff')), ParseError.ETHERNET_LENGTH);
    assert.equal(ethernet(hex('020000000001 020000000002 0600')), ParseError.NONE);
  });

  it('IEEE 802 §8.2.2: a group is told by one bit of the first octet, and by none of the second', () => {
    const frame = new EthernetView();
    for (const [high, isGroup] of [
      ['0100', true],
      ['ff00', true],
      ['02ff', false],
      ['feff', false],
    ] as const) {
      const { view, offset, length } = place(hex(`${high}00000001 020000000002 0800`));
      assert.equal(parseEthernet(view, offset, length, frame), ParseError.NONE);
      assert.equal(frame.isGroup, isGroup, high);
      const packet = named('ARP request').slice(14);
      packet.set(hex(high), 8);
      assert.equal(arp(packet), isGroup ? ParseError.ARP_FORMAT : ParseError.NONE, `ARP from ${high}`);
    }
  });

  it('ARP: too short, not Ethernet and IPv4, an unknown operation, or from a group', () => {
    const packet = named('ARP request').slice(14);
    for (let length = 0; length < 28; length++)
      assert.equal(arp(packet.slice(0, length)), ParseError.TRUNCATED);
    for (const [at, value] of [
      [1, 6],
      [3, 1],
      [4, 8],
      [5, 16],
      [7, 0],
      [7, 3],
      [8, 1],
    ] as const) {
      const changed = packet.slice();
      changed[at] = value;
      assert.equal(arp(changed), ParseError.ARP_FORMAT, `octet ${at} is ${value}`);
    }
  });

  it('RFC 4861 §6.1 §7.1: what receivers must discard', () => {
    const cases: [string, string, (packet: Uint8Array) => void, number][] = [
      ['NS', 'a hop limit below 255', (p) => (p[7] = 254), ParseError.NDP_FORMAT],
      ['NA', 'a code that is not 0', (p) => (p[41] = 1), ParseError.NDP_FORMAT],
      ['NS', 'a target that is a group', (p) => (p[48] = 0xff), ParseError.NDP_FORMAT],
      ['NS', 'an option of length 0', (p) => (p[65] = 0), ParseError.NDP_FORMAT],
      ['NS', 'an option past the end', (p) => (p[65] = 2), ParseError.NDP_FORMAT],
      ['NS', 'a group as link-layer address', (p) => (p[66] = 1), ParseError.NDP_FORMAT],
      [
        'NS',
        'an unspecified source with an address to remember',
        (p) => p.fill(0, 8, 24),
        ParseError.NDP_FORMAT,
      ],
      ['NA', 'a solicited answer to a group', (p) => p.set([0xff, 2], 24), ParseError.NDP_FORMAT],
      ['RA of radvd', 'a router without link-local address', (p) => (p[8] = 0xfd), ParseError.NDP_FORMAT],
    ];
    for (const [name, what, change, expected] of cases) {
      const packet = named(name).slice(14);
      change(packet);
      assert.equal(ndpResult(sealed(packet)), expected, `${name} with ${what}`);
    }
    const damaged = named('NS').slice(14);
    damaged[70]! ^= 1;
    assert.equal(ndpResult(damaged), ParseError.CHECKSUM);
  });

  it('RFC 4861 §7.1.1: a test for duplicates that is not sent to the group of its target', () => {
    const packet = named('NS to find a duplicate, with a nonce').slice(14);
    assert.equal(ndpResult(packet), ParseError.NONE);
    packet.set([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], 24);
    assert.equal(ndpResult(sealed(packet)), ParseError.NDP_FORMAT);
  });
});

/** The packet with the checksum that fits what was changed in it. */
function sealed(packet: Uint8Array): Uint8Array {
  const view = new DataView(packet.buffer);
  const word = (at: number) => view.getInt32(at);
  const source = new IpAddress(word(8), word(12), word(16), word(20));
  const destination = new IpAddress(word(24), word(28), word(32), word(36));
  const length = packet.length - 40;
  view.setUint16(42, 0);
  view.setUint16(42, finish(addRange(pseudoHeader(source, destination, 58, length), packet, 40, length)));
  return packet;
}

function ndpResult(packet: Uint8Array): number {
  const { bytes, view, offset, length } = place(packet);
  const ip = new Ipv6View();
  assert.equal(parseIpv6(bytes, view, offset, length, ip), 0);
  return parseNdp(bytes, view, ip, new NdpView());
}
