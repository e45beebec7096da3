// A place to test the Ethernet layer in virtual time: a link that records frames as lines of text, frames from other stations,
// and a hub that joins several stacks.
import { VirtualClock } from '../../../src/stack/clock.js';
import type { EthernetIdentity } from '../../../src/stack/link.js';
import { Stack, type StackOptions } from '../../../src/stack/stack.js';
import { IpAddress } from '../../../src/wire/address.js';
import { ArpOperation, ArpView, parseArp, writeArp } from '../../../src/wire/arp.js';
import {
  EthernetView,
  EtherType,
  ethernetHeaderBytes,
  parseEthernet,
  writeEthernetHeader,
} from '../../../src/wire/ethernet.js';
import { Ipv6View, parseIpv6 } from '../../../src/wire/ipv6.js';
import { MacAddress } from '../../../src/wire/mac.js';
import { isNdpType, NdpType, NdpView, parseNdp } from '../../../src/wire/ndp.js';
import { decodePacket } from '../../../src/wire/packet.js';
import { formatFlags } from '../../../src/wire/segment.js';
import { ip, seededRandom, TestLink } from '../test-link.js';

/** The stack's address on the tests' links. */
export const OWN = mac('02:00:00:00:00:02');
/** Two other stations. */
export const PEER_MAC = mac('02:00:00:00:00:01');
export const OTHER_MAC = mac('02:00:00:00:00:99');
export const EVERYBODY = MacAddress.BROADCAST;

/** A parsed MAC address, which must be one. */
export function mac(text: string): MacAddress {
  const parsed = MacAddress.parse(text);
  if (parsed === null) throw new Error(`no MAC address: ${text}`);
  return parsed;
}

/** A test link of Ethernet frames. */
export class FrameLink extends TestLink {
  override readonly medium = 'ethernet';

  constructor(
    readonly ethernet: EthernetIdentity = { mac: OWN, vlan: 0 },
    mtu = 1500,
  ) {
    super(mtu);
  }

  /** What was sent, as lines of text; forgets it. */
  take(): string[] {
    return this.sent.splice(0).map(describe);
  }
}

/** A frame with that behind its header. */
export function frame(
  to: MacAddress,
  from: MacAddress,
  type: number,
  payload: Uint8Array,
  vlan = 0,
): Uint8Array {
  const header = ethernetHeaderBytes(vlan);
  // As short as a frame may be on a wire, which pads it.
  const bytes = new Uint8Array(Math.max(60, header + payload.length));
  writeEthernetHeader(new DataView(bytes.buffer), 0, to.high, to.low, from.high, from.low, type, vlan);
  bytes.set(payload, header);
  return bytes;
}

/** An IP packet in a frame from the peer to the stack. */
export function ipFrame(packet: Uint8Array, to = OWN, from = PEER_MAC, vlan = 0): Uint8Array {
  return frame(to, from, packet[0]! >>> 4 === 4 ? EtherType.IPV4 : EtherType.IPV6, packet, vlan);
}

/** An ARP packet in a frame. */
export function arpFrame(fields: {
  operation?: 'request' | 'reply';
  from: MacAddress;
  sender: string;
  target: string;
  to?: MacAddress;
  vlan?: number;
}): Uint8Array {
  const { from, vlan = 0 } = fields;
  const isReply = fields.operation === 'reply';
  const to = fields.to ?? (isReply ? OWN : EVERYBODY);
  const packet = new Uint8Array(28);
  writeArp(
    new DataView(packet.buffer),
    0,
    isReply ? ArpOperation.REPLY : ArpOperation.REQUEST,
    from.high,
    from.low,
    ip(fields.sender).w3,
    isReply ? to.high : 0,
    isReply ? to.low : 0,
    ip(fields.target).w3,
  );
  return frame(to, from, EtherType.ARP, packet, vlan);
}

/** A frame that an NDP writer fills: `write` is given memory and returns the octets written. */
export function ndpFrame(
  to: MacAddress,
  from: MacAddress,
  write: (bytes: Uint8Array, view: DataView) => number,
): Uint8Array {
  const packet = new Uint8Array(128);
  const length = write(packet, new DataView(packet.buffer));
  return frame(to, from, EtherType.IPV6, packet.subarray(0, length));
}

/** A frame in words: destination, VLAN if any, and what it says. */
export function describe(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = new EthernetView();
  if (parseEthernet(view, 0, bytes.length, header) !== 0) return 'malformed';
  const to = new MacAddress(header.destinationHigh, header.destinationLow);
  const who = to.equals(EVERYBODY) ? 'all' : String(to);
  const tag = header.vlan === 0 ? '' : ` vlan ${header.vlan}`;
  return `${who}${tag}: ${contents(bytes, view, header)}`;
}

function contents(bytes: Uint8Array, view: DataView, header: EthernetView): string {
  const { payloadOffset: at, payloadLength: length } = header;
  if (header.type === EtherType.ARP) return arpText(view, at, length);
  if (header.type === EtherType.IPV6 && isNdpType(bytes[at + 40]!)) return ndpText(bytes, view, at, length);
  const packet = decodePacket(bytes, at, length);
  if (typeof packet === 'string') return packet;
  if (packet.tcp === undefined) return `ip ${packet.source} > ${packet.destination}`;
  if (!packet.tcp.checksumOk) return 'wrong checksum';
  return `tcp ${packet.source} > ${packet.destination} ${formatFlags(packet.tcp.header.flags)}`;
}

function arpText(view: DataView, at: number, length: number): string {
  const arp = new ArpView();
  if (parseArp(view, at, length, arp) !== 0) return 'malformed arp';
  const sender = IpAddress.v4(arp.senderAddress);
  const target = IpAddress.v4(arp.targetAddress);
  if (arp.operation === ArpOperation.REPLY) {
    return `arp ${sender} is-at ${new MacAddress(arp.senderMacHigh, arp.senderMacLow)}`;
  }
  if (arp.senderAddress === 0) return `arp probe ${target}`;
  return arp.senderAddress === arp.targetAddress
    ? `arp announce ${target}`
    : `arp who-has ${target} tell ${sender}`;
}

function ndpText(bytes: Uint8Array, view: DataView, at: number, length: number): string {
  const header = new Ipv6View();
  const message = new NdpView();
  if (parseIpv6(bytes, view, at, length, header) !== 0) return 'malformed ipv6';
  if (parseNdp(bytes, view, header, message) !== 0) return 'malformed ndp';
  const source = new IpAddress(header.source0, header.source1, header.source2, header.source3);
  const target = new IpAddress(message.target0, message.target1, message.target2, message.target3);
  if (message.type === NdpType.ROUTER_SOLICITATION) return `rs from ${source}`;
  if (message.type === NdpType.NEIGHBOR_SOLICITATION) return `ns ${target} from ${source}`;
  const flags = `${message.isSolicited ? ' solicited' : ''}${message.isOverride ? ' override' : ''}`;
  return `na ${target}${flags}`;
}

/** A stack on a link of frames, in virtual time; by default without the claims of its addresses, which only make noise. */
export function ethernetStack(options: Partial<StackOptions> = {}, link = new FrameLink()) {
  const clock = (options.clock as VirtualClock | undefined) ?? new VirtualClock(1000);
  const notices: string[] = [];
  const stack = new Stack({
    link,
    addresses: ['10.9.0.2/24', 'fd00:9::2/64'],
    clock,
    random: seededRandom(link.ethernet.mac.low),
    isn: { fixed: 1000 },
    defer: (callback) => void clock.schedule(clock.now(), callback),
    duplicateDetection: 'off',
    onNotice: ({ code, message }) => void notices.push(`${code}: ${message}`),
    ...options,
  });
  clock.advance(0);
  /** Lets so many milliseconds pass; what was sent meanwhile. */
  const pass = (ms: number) => {
    clock.advance(ms);
    return link.take();
  };
  const port = stack.ethernet!;
  const { ethernet: stats } = stack.stats;
  return { stack, link, clock, pass, port, stats, notices };
}

/** What connects ports: a frame that one sends all others receive, a tenth of a millisecond later. */
export class Hub {
  private readonly links: HubLink[] = [];
  /** All frames, in words, with the time at which they were sent. */
  readonly frames: { at: number; text: string }[] = [];

  constructor(readonly clock: VirtualClock) {}

  /** A new port for a station with that MAC address. */
  port(address: MacAddress): HubLink {
    const link = new HubLink(this, { mac: address, vlan: 0 });
    this.links.push(link);
    return link;
  }

  /** @internal */
  carry(from: HubLink, bytes: Uint8Array): void {
    this.frames.push({ at: this.clock.now(), text: describe(bytes) });
    this.clock.schedule(this.clock.now() + 0.1, () => {
      for (const link of this.links) if (link !== from && !link.isClosed) link.inject(bytes);
    });
  }
}

/** A port of a hub. */
export class HubLink extends FrameLink {
  constructor(
    private readonly hub: Hub,
    identity: EthernetIdentity,
  ) {
    super(identity);
  }

  protected override deliver(bytes: Uint8Array): void {
    this.hub.carry(this, bytes);
  }
}
