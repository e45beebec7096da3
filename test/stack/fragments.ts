// Fragments for the tests of reassembly: made field by field or cut from a message, and a reassembly alone to feed them to.
import type { IcmpErrors } from '../../src/stack/icmp-errors.js';
import { IpPacket } from '../../src/stack/ip-packet.js';
import { type FragmentResult, IpReassembly } from '../../src/stack/ip-reassembly.js';
import { type Limits, withDefaultLimits } from '../../src/stack/limits.js';
import { newStackStats } from '../../src/stack/stats.js';
import type { IpAddress } from '../../src/wire/address.js';
import {
  IPV4_HEADER_BYTES,
  Ipv4View,
  parseIpv4,
  refreshIpv4Checksum,
  rewriteIpv4Fragment,
  writeIpv4Header,
} from '../../src/wire/ipv4.js';
import { IPV6_HEADER_BYTES, Ipv6View, parseIpv6, writeIpv6Header } from '../../src/wire/ipv6.js';
import { writeIpv6FragmentHeader } from '../../src/wire/ipv6-extensions.js';
import { ParseError } from '../../src/wire/parse-error.js';
import { IpProtocol } from '../../src/wire/protocol.js';
import { ip, LOCAL, PEER, seededRandom } from './test-link.js';

export const LOCAL_V6 = ip('fd00:9::2');
export const PEER_V6 = ip('fd00:9::1');

/** What a fragment is made of. */
export interface FragmentFields {
  /** Place of the data in the whole, in octets. */
  start: number;
  data: Uint8Array;
  more: boolean;
  /** Default 7. */
  id?: number;
  /** Default: ICMP of the family. */
  protocol?: number;
  source?: IpAddress;
  destination?: IpAddress;
  /** Default 0. */
  ecn?: number;
  /** IPv4 options, or IPv6 extension headers in front of the fragment header, of which the first is destination options. */
  options?: Uint8Array;
}

/** An IPv4 packet with one fragment. */
export function fragment4(fields: FragmentFields): Uint8Array {
  const { start, data, more, id = 7, protocol = IpProtocol.ICMP, ecn = 0 } = fields;
  const { source = PEER, destination = LOCAL, options = new Uint8Array(0) } = fields;
  const headerBytes = IPV4_HEADER_BYTES + options.length;
  const packet = new Uint8Array(headerBytes + data.length);
  const view = new DataView(packet.buffer);
  writeIpv4Header(packet, view, 0, packet.length, protocol, source.w3, destination.w3, 64, ecn, id, false);
  packet[0] = 0x40 | (headerBytes / 4);
  packet.set(options, IPV4_HEADER_BYTES);
  rewriteIpv4Fragment(packet, view, 0, start, more);
  refreshIpv4Checksum(packet, view, 0);
  packet.set(data, headerBytes);
  return packet;
}

/** An IPv6 packet with one fragment. */
export function fragment6(fields: FragmentFields): Uint8Array {
  const { start, data, more, id = 7, protocol = IpProtocol.ICMPV6, ecn = 0 } = fields;
  const { source = PEER_V6, destination = LOCAL_V6, options = new Uint8Array(0) } = fields;
  const at = IPV6_HEADER_BYTES + options.length;
  const packet = new Uint8Array(at + 8 + data.length);
  const view = new DataView(packet.buffer);
  const first = options.length > 0 ? 60 : 44;
  writeIpv6Header(packet, view, 0, packet.length - 40, first, source, destination, 64, ecn, 0);
  packet.set(options, IPV6_HEADER_BYTES);
  writeIpv6FragmentHeader(packet, view, at, protocol, start, more, id);
  packet.set(data, at + 8);
  return packet;
}

/** The maker of each family. */
export const MAKE = { 4: fragment4, 6: fragment6 } as const;

/** A message cut at these places, in order; `fields` apply to all. */
export function cut(
  family: 4 | 6,
  message: Uint8Array,
  places: readonly number[],
  fields: Partial<FragmentFields> = {},
): Uint8Array[] {
  const starts = [0, ...places];
  return starts.map((start, i) => {
    const end = starts[i + 1] ?? message.length;
    return MAKE[family]({ ...fields, start, data: message.slice(start, end), more: end < message.length });
  });
}

/** Octets that tell where they stand. */
export function patterned(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (Math.imul(i + 1, 0x9e3779b1) >>> 13) + seed);
}

/** What was said to a source: type, code and detail. */
export type Told = [type: number, code: number, detail: number];

/** A reassembly alone, without a stack around it. Time stands still until `now` is set. */
export class ReassemblyBench {
  readonly stats = newStackStats().ip;
  readonly told: Told[] = [];
  /** Packets that the errors quote. */
  readonly quoted: Uint8Array[] = [];
  readonly reassembly: IpReassembly;
  now = 0;
  /** When the reassembly last asked to be called. */
  armedFor = Number.POSITIVE_INFINITY;
  private readonly packet = new IpPacket();
  private readonly v4 = new Ipv4View();
  private readonly v6 = new Ipv6View();

  constructor(limits: Partial<Limits> = {}) {
    const errors: Pick<IcmpErrors, 'about' | 'send'> = {
      about: (_packet, type, code, detail) => void this.told.push([type, code, detail]),
      send: (_local, _remote, _isLoopback, quoted, type, code, detail) => {
        this.told.push([type, code, detail]);
        this.quoted.push(quoted.slice());
      },
    };
    const arm = (deadline: number) => {
      this.armedFor = deadline;
    };
    const all = withDefaultLimits(limits);
    this.reassembly = new IpReassembly(all, seededRandom(3), errors, this.stats, arm);
  }

  /** Takes a packet, which must be a readable fragment. */
  take(bytes: Uint8Array): FragmentResult {
    const { packet } = this;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    packet.bytes = bytes;
    packet.view = view;
    packet.isReassembled = false;
    if (bytes[0]! >>> 4 === 4) {
      if (parseIpv4(bytes, view, 0, bytes.length, this.v4) !== ParseError.NONE) throw new Error('unreadable');
      packet.place(0, this.v4.totalLength);
      return this.reassembly.takeIpv4(packet, this.v4, this.now);
    }
    if (parseIpv6(bytes, view, 0, bytes.length, this.v6) !== ParseError.NONE) throw new Error('unreadable');
    packet.place(0, this.v6.totalLength);
    return this.reassembly.takeIpv6(packet, this.v6, this.now);
  }

  /** Takes several; the results. */
  takeAll(packets: readonly Uint8Array[]): FragmentResult[] {
    return packets.map((packet) => this.take(packet));
  }

  /** A copy of the packet that was made whole. */
  whole(): Uint8Array {
    return this.reassembly.bytes.slice(0, this.reassembly.wholeLength);
  }

  /** What follows the IP header in the whole. */
  wholeData(): Uint8Array {
    const whole = this.whole();
    return whole.slice(whole[0]! >>> 4 === 4 ? (whole[0]! & 15) * 4 : IPV6_HEADER_BYTES);
  }
}
