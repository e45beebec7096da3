// Neighbour discovery (RFC 4861): asks for neighbours and routers, answers for our addresses, listens to routers. Redirects
// are not obeyed (ATTACKS: redirect forgery); doubts about who owns an address go to address-claims.ts.
import { IpAddress } from '../../wire/address.js';
import { EtherType, FRAME_HEADROOM } from '../../wire/ethernet.js';
import type { Ipv6View } from '../../wire/ipv6.js';
import { MacAddress } from '../../wire/mac.js';
import {
  NdpType,
  NdpView,
  parseNdp,
  writeNeighborAdvertisement,
  writeNeighborSolicitation,
  writeRouterSolicitation,
} from '../../wire/ndp.js';
import { ParseError } from '../../wire/parse-error.js';
import type { LocalAddresses } from '../addresses.js';
import type { RateLimit } from '../rate-limit.js';
import { WheelTask } from '../wheel-task.js';
import type { AddressClaims } from './address-claims.js';
import type { FrameOutput } from './frame-output.js';
import { type Neighbor, NeighborState, type NeighborTable } from './neighbor-table.js';
import type { Routes } from './routes.js';
import type { EthernetStats } from './stats.js';

/** RFC 4861 §10: how often, and how far apart, routers are asked for. */
const MAX_ROUTER_SOLICITATIONS = 3;
/** The first question about our own addresses goes first. */
const ROUTER_SOLICITATION_DELAY_MS = 100;
const ROUTER_SOLICITATION_INTERVAL_MS = 4000;
const SECOND_MS = 1000;
/** What a router may set; beyond these bounds it would make us flood the link, or never look again. */
const REACHABLE_BOUNDS_MS = [1000, 3_600_000] as const;
const RETRANS_BOUNDS_MS = [100, 60_000] as const;

const UNSPECIFIED = new IpAddress(0, 0, 0, 0);
const ALL_NODES = new IpAddress(0xff020000 | 0, 0, 0, 1);
const ALL_ROUTERS = new IpAddress(0xff020000 | 0, 0, 0, 2);

/** The group of all who have an address with these last 24 bits (RFC 4291 §2.7.1). */
export function solicitedNodeGroup(address: IpAddress): IpAddress {
  return new IpAddress(0xff020000 | 0, 0, 1, 0xff000000 | (address.w3 & 0xffffff));
}

/** What neighbour discovery works on. */
export interface NdpParts {
  readonly addresses: LocalAddresses;
  readonly neighbors: NeighborTable;
  readonly claims: AddressClaims;
  readonly routes: Routes;
  readonly frames: FrameOutput;
  readonly answers: RateLimit;
  readonly stats: EthernetStats;
  readonly wheel: { arm(task: WheelTask, deadline: number): void; remove(task: WheelTask): void };
}

/** Who has which IPv6 address, and who routes. */
export class Ndp {
  private readonly message = new NdpView();
  private solicitations = 0;
  private readonly asking = new WheelTask((now) => this.askForRouters(now));
  private readonly aging = new WheelTask((now) => this.age(now));

  constructor(private readonly parts: NdpParts) {}

  /** Begins to look for routers, unless a default route is set up. */
  begin(now: number): void {
    const { routes, wheel } = this.parts;
    if (routes.hasFixedDefault6) return;
    wheel.arm(this.asking, now + ROUTER_SOLICITATION_DELAY_MS);
  }

  /** Takes in a message whose IPv6 header was read. */
  receive(bytes: Uint8Array, view: DataView, ip: Ipv6View, now: number): void {
    const { message } = this;
    const { stats } = this.parts;
    stats.inNdp++;
    const isTaken = parseNdp(bytes, view, ip, message) === ParseError.NONE && this.take(ip, now);
    if (!isTaken) stats.inNdpDropped++;
  }

  /** Asks who has the neighbour's address: all who may, or the neighbour itself. */
  solicit(neighbor: Neighbor, isUnicast: boolean): void {
    const { addresses, frames } = this.parts;
    const { address } = neighbor;
    const source = addresses.sourceFor(address);
    if (source === null) return;
    const { message, view, identity } = frames;
    const destination = isUnicast ? address : solicitedNodeGroup(address);
    const mac = isUnicast
      ? new MacAddress(neighbor.macHigh, neighbor.macLow)
      : MacAddress.ofIpv6Group(destination.w3);
    const at = FRAME_HEADROOM;
    const length = writeNeighborSolicitation(message, view, at, source, destination, address, identity.mac);
    frames.send(mac.high, mac.low, EtherType.IPV6, length);
  }

  /** Asks whether an address is free (RFC 4862 §5.4.2). */
  probe(address: IpAddress): void {
    const { message, view } = this.parts.frames;
    const group = solicitedNodeGroup(address);
    const at = FRAME_HEADROOM;
    const length = writeNeighborSolicitation(message, view, at, UNSPECIFIED, group, address, null);
    this.sendToGroup(group, length);
  }

  /** Tells everybody that an address is ours (RFC 4861 §7.2.6). */
  announce(address: IpAddress): void {
    this.parts.stats.outAnnouncements++;
    this.advertiseToAll(address);
  }

  private take(ip: Ipv6View, now: number): boolean {
    switch (this.message.type) {
      case NdpType.NEIGHBOR_SOLICITATION:
        return this.takeSolicitation(ip, now);
      case NdpType.NEIGHBOR_ADVERTISEMENT:
        return this.takeAdvertisement(now);
      case NdpType.ROUTER_ADVERTISEMENT:
        return this.takeRouter(ip, now);
      default:
        return false;
    }
  }

  private takeSolicitation(ip: Ipv6View, now: number): boolean {
    const { message } = this;
    const { addresses, neighbors, claims } = this.parts;
    const { target0, target1, target2, target3 } = message;
    const { source0, source1, source2, source3 } = ip;
    const isProbe = (source0 | source1 | source2 | source3) === 0;
    if (isProbe && claims.probedBy(target0, target1, target2, target3, -1, 0, now)) return true;
    const target = addresses.find(target0, target1, target2, target3);
    if (target === null) return false;
    if (isProbe) {
      if (this.mayAnswer(now)) this.advertiseToAll(target);
      return true;
    }
    if (addresses.isMartianSource(source0, source1, source2, source3)) return false;
    const { macHigh, macLow } = message;
    const neighbor = message.hasMac
      ? neighbors.introduce(source0, source1, source2, source3, macHigh, macLow, now)
      : neighbors.resolve(source0, source1, source2, source3, now);
    if (this.mayAnswer(now)) this.answer(neighbor, target, now);
    return true;
  }

  /** RFC 4861 §7.2.5. */
  private takeAdvertisement(now: number): boolean {
    const { message } = this;
    const { neighbors, claims, routes } = this.parts;
    const { target0, target1, target2, target3, macHigh, macLow, hasMac } = message;
    const high = hasMac ? macHigh : -1;
    if (claims.spokenFor(target0, target1, target2, target3, high, macLow, now)) return true;
    const neighbor = neighbors.find(target0, target1, target2, target3);
    if (neighbor === null) return false;
    const isNew = hasMac && (macHigh !== neighbor.macHigh || macLow !== neighbor.macLow);
    if (neighbor.state === NeighborState.INCOMPLETE) {
      if (!hasMac) return false;
      neighbors.setMac(neighbor, macHigh, macLow);
      if (message.isSolicited) neighbors.confirm(neighbor, now);
      else neighbors.overwrite(neighbor, macHigh, macLow, now);
    } else if (isNew && !message.isOverride) {
      neighbors.suspect(neighbor, now);
      return true;
    } else {
      if (isNew) neighbors.overwrite(neighbor, macHigh, macLow, now);
      if (message.isSolicited) neighbors.confirm(neighbor, now);
    }
    if (neighbor.isRouter && !message.isRouter) routes.noRouter(neighbor.address);
    neighbor.isRouter = message.isRouter;
    return true;
  }

  /** RFC 4861 §6.3.4, as far as it is about default routers. */
  private takeRouter(ip: Ipv6View, now: number): boolean {
    const { message } = this;
    const { neighbors, routes, wheel } = this.parts;
    const { source0, source1, source2, source3 } = ip;
    const address = new IpAddress(source0, source1, source2, source3);
    if (!routes.advertise(address, message.routerLifetime * SECOND_MS, message.preference, now)) return false;
    const router = message.hasMac
      ? neighbors.introduce(source0, source1, source2, source3, message.macHigh, message.macLow, now)
      : neighbors.find(source0, source1, source2, source3);
    if (router !== null) router.isRouter = true;
    if (message.reachableTime !== 0) {
      neighbors.reachableTimeMs = within(message.reachableTime, REACHABLE_BOUNDS_MS);
    }
    if (message.retransTimer !== 0) {
      neighbors.retransTimerMs = within(message.retransTimer, RETRANS_BOUNDS_MS);
    }
    if (message.routerLifetime > 0) this.solicitations = MAX_ROUTER_SOLICITATIONS;
    wheel.remove(this.aging);
    wheel.arm(this.aging, routes.expire(now));
    return true;
  }

  private answer(neighbor: Neighbor, target: IpAddress, now: number): void {
    const { frames, neighbors } = this.parts;
    const { message, view, identity } = frames;
    const at = FRAME_HEADROOM;
    const length = writeNeighborAdvertisement(
      message,
      view,
      at,
      target,
      neighbor.address,
      identity.mac,
      true,
      true,
    );
    if (neighbor.isResolved) {
      neighbors.used(neighbor, now);
      frames.send(neighbor.macHigh, neighbor.macLow, EtherType.IPV6, length);
    } else {
      neighbors.enqueue(neighbor, frames.nextPacketId(), message, at, length, null, null);
    }
  }

  private advertiseToAll(address: IpAddress): void {
    const { message, view, identity } = this.parts.frames;
    const at = FRAME_HEADROOM;
    const length = writeNeighborAdvertisement(
      message,
      view,
      at,
      address,
      ALL_NODES,
      identity.mac,
      false,
      true,
    );
    this.sendToGroup(ALL_NODES, length);
  }

  private mayAnswer(now: number): boolean {
    const { answers, stats } = this.parts;
    if (answers.take(now)) {
      stats.outAnswers++;
      return true;
    }
    stats.answersSuppressed++;
    return false;
  }

  private askForRouters(now: number): void {
    if (this.solicitations >= MAX_ROUTER_SOLICITATIONS) return;
    this.solicitations++;
    const { addresses, frames, wheel } = this.parts;
    const source = addresses.sourceFor(ALL_ROUTERS) ?? UNSPECIFIED;
    const mac = source === UNSPECIFIED ? null : frames.identity.mac;
    const { message, view } = frames;
    const length = writeRouterSolicitation(message, view, FRAME_HEADROOM, source, ALL_ROUTERS, mac);
    this.sendToGroup(ALL_ROUTERS, length);
    wheel.arm(this.asking, now + ROUTER_SOLICITATION_INTERVAL_MS);
  }

  private age(now: number): void {
    const next = this.parts.routes.expire(now);
    this.parts.wheel.arm(this.aging, next);
    if (next !== Number.POSITIVE_INFINITY) return;
    // The last router has gone without a word: perhaps there is another (RFC 4861 §6.3.7).
    this.solicitations = 0;
    this.begin(now);
  }

  private sendToGroup(group: IpAddress, length: number): void {
    const { high, low } = MacAddress.ofIpv6Group(group.w3);
    this.parts.frames.send(high, low, EtherType.IPV6, length);
  }
}

function within(value: number, [least, most]: readonly [number, number]): number {
  return Math.min(most, Math.max(least, value));
}
