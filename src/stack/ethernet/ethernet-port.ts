// Between IP and a link of Ethernet frames: what comes in frames is handed to ARP, to neighbour discovery or as bare packets
// to IP; what IP sends gets the MAC address of its next hop, or waits for it.
import { IpAddress } from '../../wire/address.js';
import { EthernetView, EtherType, parseEthernet } from '../../wire/ethernet.js';
import { IPV4_HEADER } from '../../wire/ipv4.js';
import { IPV6_HEADER, IPV6_HEADER_BYTES, Ipv6View, parseIpv6 } from '../../wire/ipv6.js';
import { offsetOf } from '../../wire/layout.js';
import { MacAddress } from '../../wire/mac.js';
import { isNdpType } from '../../wire/ndp.js';
import { ParseError } from '../../wire/parse-error.js';
import type { PayloadPieces } from '../../wire/payload.js';
import { IpProtocol } from '../../wire/protocol.js';
import type { LocalAddresses } from '../addresses.js';
import type { PacketExit } from '../ip-output.js';
import type { Limits } from '../limits.js';
import {
  type EthernetIdentity,
  type Link,
  type LinkOffload,
  type PacketBatch,
  PacketHint,
  type PacketIds,
  type PacketOffload,
} from '../link.js';
import { RateLimit } from '../rate-limit.js';
import type { RandomBytes } from '../siphash.js';
import type { WheelTask } from '../wheel-task.js';
import { AddressClaims, type AddressConflict, type DuplicateDetection } from './address-claims.js';
import { Arp } from './arp.js';
import { FrameOutput } from './frame-output.js';
import { Mld } from './mld.js';
import { Ndp, solicitedNodeGroup } from './ndp.js';
import { type Neighbor, NeighborState, NeighborTable, type WaitingPacket } from './neighbor-table.js';
import { type RouteOptions, Routes } from './routes.js';
import type { EthernetStats } from './stats.js';

const DESTINATION_V4 = offsetOf(IPV4_HEADER, 'destination');
const DESTINATION_V6 = offsetOf(IPV6_HEADER, 'destination0');
const NEXT_HEADER = offsetOf(IPV6_HEADER, 'nextHeader');

/** Destinations whose next hop is remembered, so that packets of busy connections need no search. A power of two. */
const KNOWN_DESTINATIONS = 256;

/** A destination and where its packets go. */
class KnownDestination {
  w0 = 0;
  w1 = 0;
  w2 = 0;
  w3 = 0;
  neighbor: Neighbor | null = null;
  generation = -1;
}

/** The IP packets of a batch of frames: the same memory, other places. */
class PacketsOfFrames implements PacketBatch {
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  count = 0;
  offsets = new Int32Array(0);
  lengths = new Int32Array(0);
  ids = new Float64Array(0);
  hints = new Int32Array(0);
  private frames: PacketBatch | null = null;

  get keptUpTo(): number {
    return this.frames?.keptUpTo ?? -1;
  }

  set keptUpTo(offset: number) {
    this.frames!.keptUpTo = offset;
  }

  begin(frames: PacketBatch): void {
    this.frames = frames;
    this.bytes = frames.bytes;
    this.view = frames.view;
    this.count = 0;
    if (this.ids.length >= frames.count) return;
    this.offsets = new Int32Array(frames.count);
    this.lengths = new Int32Array(frames.count);
    this.ids = new Float64Array(frames.count);
    this.hints = new Int32Array(frames.count);
  }

  add(offset: number, length: number, id: number, hint: number): void {
    this.offsets[this.count] = offset;
    this.lengths[this.count] = length;
    this.hints[this.count] = hint;
    this.ids[this.count++] = id;
  }
}

/** What the port is told when it is made. */
export interface EthernetOptions {
  readonly routes: readonly RouteOptions[];
  readonly gateways: readonly string[];
  readonly duplicateDetection: DuplicateDetection;
}

/** What the port works on. */
export interface EthernetParts {
  readonly link: Link;
  readonly addresses: LocalAddresses;
  readonly limits: Limits;
  readonly random: RandomBytes;
  readonly stats: EthernetStats;
  readonly wheel: { arm(task: WheelTask, deadline: number): void; remove(task: WheelTask): void };
  now(): number;
  /** The IP packet at `frame[FRAME_HEADROOM …)` is ours, and its next hop's silence keeps it from leaving. */
  unreachable(frame: Uint8Array, now: number): void;
  /** Another station uses an address of ours. */
  conflict(conflict: AddressConflict, now: number): void;
  /** Packets come that are longer than the MTU; told once. */
  oversize(length: number, now: number): void;
}

/** The stack's side of a link of Ethernet frames. */
export class EthernetPort implements PacketExit {
  readonly mtu: number;
  readonly offload: LinkOffload;
  readonly packetIds: PacketIds;
  readonly identity: EthernetIdentity;
  readonly neighbors: NeighborTable;
  readonly routes: Routes;
  readonly claims: AddressClaims;
  private readonly arp: Arp;
  private readonly ndp: Ndp;
  private readonly mld: Mld;
  private readonly frames: FrameOutput;
  private readonly frame = new EthernetView();
  private readonly ipv6 = new Ipv6View();
  private readonly packets = new PacketsOfFrames();
  private readonly known: KnownDestination[] = [];
  private knownBytes = new Uint8Array(0);
  private knownView = new DataView(this.knownBytes.buffer);

  /** @throws Error with code EINVAL for routes that make no sense */
  constructor(
    private readonly parts: EthernetParts,
    options: EthernetOptions,
  ) {
    const { link, addresses, limits, random, stats, wheel } = parts;
    this.mtu = link.mtu;
    this.offload = link.offload;
    this.packetIds = link.packetIds;
    this.identity = link.ethernet ?? { mac: MacAddress.random(random(6)), vlan: 0 };
    for (let i = 0; i < KNOWN_DESTINATIONS; i++) this.known.push(new KnownDestination());
    this.routes = new Routes(addresses, options.routes, options.gateways, limits.defaultRouters);
    const frames = new FrameOutput(link, this.identity);
    this.frames = frames;
    this.neighbors = new NeighborTable({
      limits,
      random,
      stats,
      wheel,
      solicit: (neighbor, isUnicast) => this.solicit(neighbor, isUnicast),
      transmit: (neighbor, packet) => {
        if (!frames.waited(neighbor, packet)) stats.queueDrops++;
      },
      unreachable: (neighbor, packets, now) => this.unreachable(neighbor, packets, now),
    });
    this.claims = new AddressClaims({
      addresses,
      mode: options.duplicateDetection,
      random,
      stats,
      wheel,
      voice: (family) => (family === 4 ? this.arp : this.ndp),
      changed: () => this.routes.changed(),
      conflict: (conflict, now) => parts.conflict(conflict, now),
    });
    const answers = new RateLimit(limits.neighborAnswersPerSecond, parts.now());
    const { neighbors, claims, routes } = this;
    this.arp = new Arp({ addresses, neighbors, claims, frames, answers, stats });
    this.ndp = new Ndp({ addresses, neighbors, claims, routes, frames, answers, stats, wheel });
    this.mld = new Mld({
      frames,
      random,
      stats,
      wheel,
      groups: () => this.groups(),
      linkLocal: () => addresses.list().find(isLinkLocal) ?? null,
    });
  }

  /** Groups to which solicitations for our addresses are sent; several addresses may share one. */
  private groups(): readonly IpAddress[] {
    const groups = new Map<number, IpAddress>();
    for (const address of this.claims.claimed()) {
      const group = solicitedNodeGroup(address);
      if (address.family === 6) groups.set(group.w3, group);
    }
    return [...groups.values()];
  }

  /** Claims the addresses and looks for routers. The link must have been started. */
  begin(now: number): void {
    const speaksIpv6 = this.parts.addresses.list().some(({ family }) => family === 6);
    this.claims.begin(now);
    if (!speaksIpv6) return;
    this.mld.begin(now);
    this.ndp.begin(now);
  }

  get writable(): boolean {
    return this.parts.link.writable;
  }

  flush(): void {
    this.parts.link.flush();
  }

  /** Whether packets to `remote` have a next hop. */
  hasRoute(remote: IpAddress): boolean {
    return this.routes.nextHop(remote) !== null;
  }

  /** A connection makes no progress: its next hop is asked whether it is still there (RFC 9293 MUST-20). */
  doubt(remote: IpAddress, now: number): void {
    const hop = this.routes.nextHop(remote);
    if (hop === null) return;
    const neighbor = this.neighbors.find(hop.w0, hop.w1, hop.w2, hop.w3);
    if (neighbor !== null) this.neighbors.doubt(neighbor, now);
  }

  /**
   * Takes in a batch of frames.
   * @returns the IP packets in it, in memory that is reused
   */
  takeIn(batch: PacketBatch, now: number): PacketBatch {
    const { packets } = this;
    packets.begin(batch);
    this.parts.stats.inFrames += batch.count;
    for (let i = 0; i < batch.count; i++) this.takeFrame(batch, i, now);
    return packets;
  }

  /** As `Link.send`, with an IP packet that has `FRAME_HEADROOM` octets of room in front of its header. */
  send(
    packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
    offload: PacketOffload | null = null,
  ): boolean {
    const now = this.parts.now();
    const neighbor = this.nextHop(header, headerOffset, now);
    if (neighbor === null) {
      // There is nothing to wait for.
      this.parts.stats.outNoRoutes++;
      return true;
    }
    if (neighbor.state === NeighborState.INCOMPLETE) {
      this.neighbors.enqueue(neighbor, packetId, header, headerOffset, headerLength, payload, offload);
      return true;
    }
    this.neighbors.used(neighbor, now);
    return this.frames.toNeighbor(neighbor, packetId, header, headerOffset, headerLength, payload, offload);
  }

  private nextHop(header: Uint8Array, at: number, now: number): Neighbor | null {
    if (header !== this.knownBytes) {
      this.knownBytes = header as Uint8Array<ArrayBuffer>;
      this.knownView = new DataView(header.buffer as ArrayBuffer, header.byteOffset, header.byteLength);
    }
    const view = this.knownView;
    if (header[at]! >>> 4 === 4) {
      return this.neighborFor(0, 0, 0xffff, view.getInt32(at + DESTINATION_V4), now);
    }
    const to = at + DESTINATION_V6;
    const w0 = view.getInt32(to);
    return this.neighborFor(w0, view.getInt32(to + 4), view.getInt32(to + 8), view.getInt32(to + 12), now);
  }

  private neighborFor(w0: number, w1: number, w2: number, w3: number, now: number): Neighbor | null {
    // No secret is needed here: who makes destinations collide only makes them be searched for.
    const mixed = w3 ^ w2 ^ w1 ^ w0;
    const known = this.known[(mixed ^ (mixed >>> 8) ^ (mixed >>> 16)) & (KNOWN_DESTINATIONS - 1)]!;
    const isSame = known.w3 === w3 && known.w2 === w2 && known.w1 === w1 && known.w0 === w0;
    if (isSame && known.generation === this.routes.generation) {
      const { neighbor } = known;
      if (neighbor !== null && neighbor.state !== NeighborState.GONE) return neighbor;
    }
    const hop = this.routes.nextHop(new IpAddress(w0, w1, w2, w3));
    if (hop === null) return null;
    known.w0 = w0;
    known.w1 = w1;
    known.w2 = w2;
    known.w3 = w3;
    known.generation = this.routes.generation;
    known.neighbor = this.neighbors.resolve(hop.w0, hop.w1, hop.w2, hop.w3, now);
    return known.neighbor;
  }

  private takeFrame(batch: PacketBatch, index: number, now: number): void {
    const { frame, identity } = this;
    const { stats } = this.parts;
    if (parseEthernet(batch.view, batch.offsets[index]!, batch.lengths[index]!, frame) !== ParseError.NONE) {
      stats.inErrors++;
      return;
    }
    if (frame.vlan !== identity.vlan) {
      stats.inOtherVlan++;
      return;
    }
    const { mac } = identity;
    if (frame.sourceLow === mac.low && frame.sourceHigh === mac.high) {
      stats.inOwn++;
      return;
    }
    const isOurs = frame.destinationLow === mac.low && frame.destinationHigh === mac.high;
    if (!isOurs && !frame.isGroup) {
      stats.inNotForUs++;
      return;
    }
    if (frame.type === EtherType.ARP) {
      this.arp.receive(batch.view, frame.payloadOffset, frame.payloadLength, now);
    } else if (frame.type === EtherType.IPV6 && this.isNdp(batch)) {
      this.takeNdp(batch, now);
    } else if (frame.type !== EtherType.IPV4 && frame.type !== EtherType.IPV6) {
      stats.inUnknownTypes++;
    } else if (!isOurs && this.isQuery(batch, now)) {
      stats.inQueries++;
    } else if (!isOurs) {
      // What everybody gets is not for one: such a packet is not to be answered (RFC 1122 §3.3.6).
      stats.inNotForUs++;
    } else {
      const hint = batch.hints === undefined ? 0 : batch.hints[index]!;
      const isJoined = (hint & PacketHint.SEGMENT_BYTES) > 0;
      if (frame.payloadLength > this.mtu && !isJoined) this.noteOversize(frame.payloadLength, now);
      this.packets.add(frame.payloadOffset, frame.payloadLength, batch.ids[index]!, hint);
    }
  }

  private noteOversize(length: number, now: number): void {
    if (this.parts.stats.inOversize++ === 0) this.parts.oversize(length, now);
  }

  /** Messages of neighbour discovery follow the fixed header: what puts another between them is left to IP. */
  private isNdp({ bytes }: PacketBatch): boolean {
    const { payloadOffset: at, payloadLength: length } = this.frame;
    return (
      length > IPV6_HEADER_BYTES &&
      bytes[at + NEXT_HEADER] === IpProtocol.ICMPV6 &&
      isNdpType(bytes[at + IPV6_HEADER_BYTES]!)
    );
  }

  /** Queries for listeners bear a hop-by-hop header with a router alert (RFC 3810 §5). */
  private isQuery({ bytes, view }: PacketBatch, now: number): boolean {
    const { payloadOffset: at, payloadLength: length, type } = this.frame;
    if (type !== EtherType.IPV6 || length <= IPV6_HEADER_BYTES || bytes[at + NEXT_HEADER] !== 0) return false;
    if (parseIpv6(bytes, view, at, length, this.ipv6) !== ParseError.NONE) return false;
    return this.mld.receive(bytes, view, this.ipv6, now);
  }

  private takeNdp({ bytes, view }: PacketBatch, now: number): void {
    const { payloadOffset, payloadLength } = this.frame;
    const { ipv6 } = this;
    if (parseIpv6(bytes, view, payloadOffset, payloadLength, ipv6) !== ParseError.NONE) {
      this.parts.stats.inErrors++;
      return;
    }
    this.ndp.receive(bytes, view, ipv6, now);
  }

  private solicit(neighbor: Neighbor, isUnicast: boolean): void {
    const voice = neighbor.address.family === 4 ? this.arp : this.ndp;
    voice.solicit(neighbor, isUnicast);
  }

  private unreachable(neighbor: Neighbor, packets: readonly WaitingPacket[], now: number): void {
    this.routes.suspect(neighbor.address);
    for (const { frame } of packets) this.parts.unreachable(frame, now);
  }
}

function isLinkLocal({ w0 }: IpAddress): boolean {
  return (w0 & 0xffc00000) === (0xfe800000 | 0);
}
