// The kernel's filter as a program: run on frames by an interpreter of classic BPF, and held against what libpcap makes of
// the filter in words.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { frameFilter } from '../../src/link/ethernet-filter.js';
import { frameProgram } from '../../src/link/frame-program.js';
import { IpAddress } from '../../src/wire/address.js';
import { EtherType } from '../../src/wire/ethernet.js';
import { MacAddress } from '../../src/wire/mac.js';
import { hasTool } from '../native/test-namespace.js';
import { arpFrame, EVERYBODY, frame, OTHER_MAC, OWN, PEER_MAC } from '../stack/ethernet/ethernet-bench.js';

/** What the kernel tells of a frame aside. */
interface Aside {
  readonly outgoing?: boolean;
  /** Of the tag that the kernel took out. */
  readonly tag?: number;
}

/** Runs a program as the kernel does. @returns whether the frame is let through */
function passes(program: Uint32Array, bytes: Uint8Array, aside: Aside = {}): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const beside = new Map([
    [-0x1000 + 4, aside.outgoing ? 4 : 0],
    [-0x1000 + 44, aside.tag ?? 0],
    [-0x1000 + 48, aside.tag === undefined ? 0 : 1],
  ]);
  let a = 0;
  let x = 0;
  const sizes: Record<number, number> = { 32: 4, 40: 2, 48: 1 };
  for (let at = 0; ; at++) {
    assert.ok(4 * at + 3 < program.length, 'it ends by a return');
    const [code, jt, jf, k] = program.subarray(4 * at, 4 * at + 4) as unknown as [
      number,
      number,
      number,
      number,
    ];
    const indexed = code === 0x40 || code === 0x48 || code === 0x50;
    const size = sizes[indexed ? code - 0x20 : code];
    if (size !== undefined) {
      const place = (k | 0) + (indexed ? x : 0);
      if (place < 0) a = beside.get(place)!;
      else if (place + size > bytes.length) return false;
      else a = size === 4 ? view.getUint32(place) : size === 2 ? view.getUint16(place) : view.getUint8(place);
    } else if (code === 0x54) a = (a & k) >>> 0;
    else if (code === 0x05) at += k;
    else if (code === 0x15) at += a === k ? jt : jf;
    else if (code === 0x25) at += a > k ? jt : jf;
    else if (code === 0x35) at += a >= k ? jt : jf;
    else if (code === 0x45) at += (a & k) !== 0 ? jt : jf;
    else if (code === 0x06) return k !== 0;
    else if (code === 0xb1) x = (view.getUint8(k) & 15) << 2;
    else if (code === 0x00) a = k;
    else if (code === 0x01) x = k;
    else if (code === 0x07) x = a;
    else if (code === 0x87) a = x;
    else assert.fail(`instruction ${code.toString(16)}`);
  }
}

const V4 = IpAddress.parse('10.9.0.2')!;
const V6 = IpAddress.parse('fd00:9::2')!;

function ipv4(destination: IpAddress, protocol = 6): Uint8Array {
  const packet = new Uint8Array(40);
  packet[0] = 0x45;
  packet[9] = protocol;
  new DataView(packet.buffer).setInt32(16, destination.w3);
  return packet;
}

function ipv6(destination: IpAddress, nextHeader = 6): Uint8Array {
  const packet = new Uint8Array(60);
  packet[0] = 0x60;
  packet[6] = nextHeader;
  const view = new DataView(packet.buffer);
  [destination.w0, destination.w1, destination.w2, destination.w3].forEach((word, i) => {
    view.setInt32(24 + 4 * i, word);
  });
  return packet;
}

const GROUP = MacAddress.parse('33:33:ff:00:00:02')!;
const alone = frameProgram({ mac: OWN, vlan: 0 }, null);
const shared = frameProgram({ mac: OWN, vlan: 0 }, [V4, V6]);

describe('the program of the filter', () => {
  for (const [what, program, bytes, aside, wanted] of [
    ['a packet to us', alone, frame(OWN, PEER_MAC, EtherType.IPV4, ipv4(V4)), {}, true],
    ['any protocol to us', alone, frame(OWN, PEER_MAC, 0x88cc, new Uint8Array(46)), {}, true],
    ['a packet to another station', alone, frame(OTHER_MAC, PEER_MAC, EtherType.IPV4, ipv4(V4)), {}, false],
    [
      'ARP to everybody',
      alone,
      arpFrame({ from: PEER_MAC, sender: '10.9.0.1', target: '10.9.0.2' }),
      {},
      true,
    ],
    ['IPv4 to everybody', alone, frame(EVERYBODY, PEER_MAC, EtherType.IPV4, ipv4(V4)), {}, false],
    ['neighbour discovery to a group', alone, frame(GROUP, PEER_MAC, EtherType.IPV6, ipv6(V6, 58)), {}, true],
    ['a query for listeners', alone, frame(GROUP, PEER_MAC, EtherType.IPV6, ipv6(V6, 0)), {}, true],
    ['UDP to a group', alone, frame(GROUP, PEER_MAC, EtherType.IPV6, ipv6(V6, 17)), {}, false],
    ['what bears our own address', alone, frame(OWN, OWN, EtherType.IPV4, ipv4(V4)), {}, false],
    [
      'what this host sends',
      alone,
      frame(OWN, PEER_MAC, EtherType.IPV4, ipv4(V4)),
      { outgoing: true },
      false,
    ],
    ['a tagged frame', alone, frame(OWN, PEER_MAC, EtherType.IPV4, ipv4(V4)), { tag: 7 }, false],
    ['a tag of priority', alone, frame(OWN, PEER_MAC, EtherType.IPV4, ipv4(V4)), { tag: 0xe000 }, true],
    ['a frame too short', alone, new Uint8Array(5), {}, false],
    ['IPv4 to our address', shared, frame(OWN, PEER_MAC, EtherType.IPV4, ipv4(V4)), {}, true],
    [
      'IPv4 to the host',
      shared,
      frame(OWN, PEER_MAC, EtherType.IPV4, ipv4(IpAddress.parse('10.9.0.3')!)),
      {},
      false,
    ],
    ['IPv6 to our address', shared, frame(OWN, PEER_MAC, EtherType.IPV6, ipv6(V6)), {}, true],
    [
      'IPv6 to the host',
      shared,
      frame(OWN, PEER_MAC, EtherType.IPV6, ipv6(IpAddress.parse('fd00:9::3')!)),
      {},
      false,
    ],
    [
      'a neighbour’s answer',
      shared,
      frame(OWN, PEER_MAC, EtherType.IPV6, ipv6(IpAddress.parse('fe80::1')!, 58)),
      {},
      true,
    ],
    [
      'an ARP answer',
      shared,
      arpFrame({ operation: 'reply', from: PEER_MAC, sender: '10.9.0.1', target: '10.9.0.3' }),
      {},
      true,
    ],
  ] as const) {
    it(`${wanted ? 'passes' : 'refuses'} ${what}`, () => {
      assert.equal(passes(program, bytes, aside), wanted);
    });
  }

  it('passes frames of its VLAN and no other', () => {
    const program = frameProgram({ mac: OWN, vlan: 7 }, null);
    const bytes = frame(OWN, PEER_MAC, EtherType.IPV4, ipv4(V4));
    assert.equal(passes(program, bytes, { tag: 0x6007 }), true);
    assert.equal(passes(program, bytes, { tag: 8 }), false);
    assert.equal(passes(program, bytes), false);
  });

  it('finds one of hundreds of addresses, further than a conditional jump reaches', () => {
    const many = Array.from({ length: 300 }, (_, i) => IpAddress.v4(0x0a090100 + i));
    const program = frameProgram({ mac: OWN, vlan: 0 }, [...many, V6]);
    for (const address of [many[0]!, many[150]!, many[299]!]) {
      assert.equal(passes(program, frame(OWN, PEER_MAC, EtherType.IPV4, ipv4(address))), true);
    }
    assert.equal(passes(program, frame(OWN, PEER_MAC, EtherType.IPV4, ipv4(V4))), false);
    assert.equal(passes(program, frame(OWN, PEER_MAC, EtherType.IPV6, ipv6(V6))), true);
  });

  it('decides as libpcap does on the filter in words', { skip: !hasTool('tcpdump') }, () => {
    const macs = fc.constantFrom(OWN, PEER_MAC, OTHER_MAC, EVERYBODY, GROUP);
    const address4 = fc.constantFrom(V4, IpAddress.parse('10.9.0.3')!);
    const address6 = fc.constantFrom(V6, IpAddress.parse('fd00:9::3')!);
    const protocol = fc.constantFrom(0, 6, 17, 44, 58);
    const packet = fc.oneof(
      fc.tuple(
        fc.constant<number>(EtherType.IPV4),
        fc.tuple(address4, protocol).map(([to, p]) => ipv4(to, p)),
      ),
      fc.tuple(
        fc.constant<number>(EtherType.IPV6),
        fc.tuple(address6, protocol).map(([to, p]) => ipv6(to, p)),
      ),
      fc.tuple(fc.constantFrom<number>(EtherType.ARP, 0x88cc), fc.constant(new Uint8Array(46))),
    );
    for (const addresses of [null, [V4, V6]]) {
      const reference = compiled(frameFilter({ mac: OWN, vlan: 0 }, addresses));
      const program = frameProgram({ mac: OWN, vlan: 0 }, addresses);
      fc.assert(
        fc.property(macs, macs, packet, (to, from, [type, bytes]) => {
          const whole = frame(to, from, type, bytes);
          assert.equal(passes(program, whole), passes(reference, whole));
        }),
        { numRuns: 1000 },
      );
    }
  });
});

/** libpcap's own program. */
function compiled(filter: string): Uint32Array {
  const text = execFileSync('tcpdump', ['-y', 'EN10MB', '-ddd', filter], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [, ...lines] = text.trim().split('\n');
  return Uint32Array.from(lines.flatMap((line) => line.split(' ').map(Number)));
}
