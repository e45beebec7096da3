// Where packets go next on a link of Ethernet frames: to their destination itself when its prefix is on the link, else to a
// gateway that was set up, else to a router that advertised itself (RFC 1122 §3.3.1, RFC 4861 §5.2, §6.3.6).
import { IpAddress } from '../../wire/address.js';
import { inPrefix, type LocalAddresses, type Prefix, parsePrefix } from '../addresses.js';
import { systemError } from '../errors.js';

/** A route that is set up. */
export interface RouteOptions {
  /** Prefix, such as `10.0.0.0/8`; `0.0.0.0/0` and `::/0` are the default routes. */
  readonly destination: string;
  /** The next hop, on the link. Absent: the prefix itself is on the link. */
  readonly gateway?: string;
}

interface Route extends Prefix {
  readonly gateway: IpAddress | null;
}

/** A router that advertised itself. */
export interface DefaultRouter {
  readonly address: IpAddress;
  /** Clock ms until which it may be used. */
  until: number;
  /** -1, 0 or 1. */
  preference: number;
  /** It did not answer when it was asked last. */
  isSuspect: boolean;
}

/** The routes of a stack. */
export class Routes {
  /** Grows with every change: next hops that were looked up before may be wrong. */
  generation = 0;
  private readonly routes: Route[];
  private routers: DefaultRouter[] = [];

  /**
   * @param gateways default routes' next hops, one for each family at most
   * @param maxRouters advertised routers that are remembered
   * @throws Error with code EINVAL for text that is no prefix or no address, a gateway of another family, or one that is
   *   not on the link
   */
  constructor(
    private readonly addresses: LocalAddresses,
    routes: readonly RouteOptions[],
    gateways: readonly string[],
    private readonly maxRouters: number,
  ) {
    const defaults = gateways.map((gateway) => ({
      destination: gateway.includes(':') ? '::/0' : '0.0.0.0/0',
      gateway,
    }));
    this.routes = [...routes, ...defaults].map(parseRoute);
    // Longest prefix first; of equals, the first that was named.
    this.routes.sort((a, b) => b.prefixBits - a.prefixBits);
    for (const { gateway } of this.routes) {
      if (gateway !== null && !this.isOnLink(gateway)) {
        const remedy = 'a gateway must be on the link: in the prefix of one of the addresses';
        throw systemError('EINVAL', 'route', gateway, undefined, remedy);
      }
    }
  }

  /** The advertised routers, for people to look at. */
  get defaultRouters(): readonly DefaultRouter[] {
    return this.routers;
  }

  /** Whether an IPv6 default route is set up, so that none need be asked for. */
  get hasFixedDefault6(): boolean {
    return this.routes.some(({ prefixBits, gateway }) => prefixBits === 0 && gateway?.family === 6);
  }

  /** The neighbour to which packets to `remote` go: itself, a gateway, or null when no route leads there. */
  nextHop(remote: IpAddress): IpAddress | null {
    const onLinkBits = this.onLinkBits(remote);
    for (const route of this.routes) {
      if (route.prefixBits <= onLinkBits || !inPrefix(remote, route)) continue;
      if (route.address.family !== remote.family) continue;
      return route.gateway ?? remote;
    }
    if (onLinkBits >= 0) return remote;
    return remote.family === 6 ? this.advertisedRouter() : null;
  }

  /**
   * A router advertised itself for so many milliseconds; 0: it is none any more (RFC 4861 §6.3.4).
   * @returns false when there was no room to remember it
   */
  advertise(address: IpAddress, lifetimeMs: number, preference: number, now: number): boolean {
    const known = this.routers.find((router) => router.address.equals(address));
    if (lifetimeMs === 0) {
      if (known !== undefined) this.removeRouter(known);
      return true;
    }
    if (known !== undefined) {
      if (known.preference !== preference || known.isSuspect) this.generation++;
      known.until = now + lifetimeMs;
      known.preference = preference;
      known.isSuspect = false;
      return true;
    }
    if (this.routers.length >= this.maxRouters) return false;
    this.routers.push({ address, until: now + lifetimeMs, preference, isSuspect: false });
    this.generation++;
    return true;
  }

  /** Forgets routers whose time is over; clock ms at which to look again, Infinity when there are none. */
  expire(now: number): number {
    for (const router of [...this.routers]) if (router.until <= now) this.removeRouter(router);
    return Math.min(...this.routers.map((router) => router.until), Number.POSITIVE_INFINITY);
  }

  /** That neighbour does not answer: another router is preferred, if there is one (RFC 4861 §6.3.6). */
  suspect(address: IpAddress): void {
    const router = this.routers.find((candidate) => candidate.address.equals(address));
    if (router === undefined || router.isSuspect) return;
    router.isSuspect = true;
    this.generation++;
  }

  /** An address of ours came or went, and with it the prefix around it. */
  changed(): void {
    this.generation++;
  }

  /** That neighbour is no router any more (RFC 4861 §7.2.5). */
  noRouter(address: IpAddress): void {
    const router = this.routers.find((candidate) => candidate.address.equals(address));
    if (router !== undefined) this.removeRouter(router);
  }

  private isOnLink(address: IpAddress): boolean {
    return this.onLinkBits(address) >= 0;
  }

  /** Length, in bits of 128, of the longest prefix on the link that has the address in it; -1 when none has. */
  private onLinkBits(address: IpAddress): number {
    const own = this.addresses.longestPrefix(address);
    // Link-local addresses are on every link (RFC 4291 §2.5.6).
    const isLinkLocal = (address.w0 & 0xffc00000) === (0xfe800000 | 0);
    return isLinkLocal ? Math.max(own, 64) : own;
  }

  private advertisedRouter(): IpAddress | null {
    let best: DefaultRouter | null = null;
    for (const router of this.routers) {
      if (best === null || rank(router) > rank(best)) best = router;
    }
    return best === null ? null : best.address;
  }

  private removeRouter(router: DefaultRouter): void {
    this.routers = this.routers.filter((other) => other !== router);
    this.generation++;
  }
}

/** One that answers beats any that does not, whatever its preference (RFC 4191 §3.2). */
function rank(router: DefaultRouter): number {
  return router.preference - (router.isSuspect ? 3 : 0);
}

function parseRoute({ destination, gateway }: RouteOptions): Route {
  const prefix = parsePrefix(destination);
  if (gateway === undefined) return { ...prefix, gateway: null };
  const next = IpAddress.parse(gateway);
  if (next === null) {
    throw systemError('EINVAL', 'route', gateway, undefined, 'write the gateway as 10.9.0.1 or fe80::1');
  }
  if (next.family !== prefix.address.family) {
    throw systemError('EINVAL', 'route', destination, undefined, `${gateway} is of the other address family`);
  }
  return { ...prefix, gateway: next };
}
