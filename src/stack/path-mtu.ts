// What is known of the paths to single destinations (RFC 1191 §6.3, RFC 8201 §5.2): how large packets may be, for as long as
// that may be believed. Whom to believe is decided by icmp.ts and the connection that an error quotes.
import type { IpAddress } from '../wire/address.js';
import type { Endpoint } from './endpoint.js';
import { AgeQueue, KeyedEntry, KeyedTable } from './keyed-table.js';
import type { Limits } from './limits.js';
import type { RandomBytes } from './siphash.js';
import type { IpStats } from './stats.js';

/** Time after which the link's MTU is tried again (RFC 1191 §6.3, RFC 8201 §4: no less than five minutes, better ten). */
export const PATH_MTU_LIFETIME_MS = 600_000;

/**
 * The least that an error can talk us into over IPv4: 512 octets of data behind two headers, Linux's `min_pmtu`. Paths
 * narrower than that are history, and segments so small that headers outweigh data serve attackers only (ATTACKS: PMTU
 * reduction). If there is one nevertheless, its routers fragment: packets there leave without DF.
 */
export const LEAST_PATH_MTU_V4 = 552;
/** Every IPv6 link carries this much (RFC 8200 §5); less is never believed, and answered by no atomic fragments (RFC 8021). */
export const LEAST_PATH_MTU_V6 = 1280;

/** Octets of IP header and TCP header without options: what an MTU has beside payload (RFC 9293 MUST-67, RFC 6691). */
export const HEADER_BYTES = { 4: 40, 6: 60 } as const;

const LEAST = { 4: LEAST_PATH_MTU_V4, 6: LEAST_PATH_MTU_V6 } as const;

/** Payload of the segments that fit a path on which a router says packets may have `mtu` octets, as far as that is heard. */
export function believedMss(mtu: number, family: 4 | 6): number {
  return Math.max(mtu, LEAST[family]) - HEADER_BYTES[family];
}

/** Words of a destination's address. */
const KEY_WORDS = 4;

/** One destination. */
class Path extends KeyedEntry {
  /** Clock ms at which it is forgotten. */
  deadline = 0;
  /** Some link on the way takes even less than what we are willing to go down to. */
  isNarrower = false;

  constructor(
    key: Int32Array,
    hash: number,
    public mtu: number,
  ) {
    super(key, hash);
  }
}

/** The path MTUs of a stack. */
export class PathMtu {
  /** Grows with every change: an endpoint that has seen a smaller one has to look again. */
  generation = 0;
  private readonly table: KeyedTable<Path>;
  /** By the time of the last word about each. */
  private readonly queue = new AgeQueue<Path>();
  private readonly key = new Int32Array(KEY_WORDS);

  /**
   * @param linkMtu what a path takes of which nothing is known
   * @param arm told when `expire` wants to be called: clock ms, the earliest there is
   */
  constructor(
    private readonly linkMtu: number,
    private readonly limits: Pick<Limits, 'pathMtuEntries'>,
    random: RandomBytes,
    private readonly stats: IpStats,
    private readonly arm: (deadline: number) => void,
  ) {
    this.table = new KeyedTable(limits.pathMtuEntries, random);
  }

  /** Destinations of which something is known. */
  get size(): number {
    return this.table.count;
  }

  /** Octets that a packet to `remote` may have, its IP header included. */
  to(remote: IpAddress): number {
    return this.find(remote)?.mtu ?? this.linkMtu;
  }

  /**
   * A router said that packets to `remote` may have `mtu` octets, and its word was found good.
   * @param mtu may be anything; it neither raises what is known nor goes below the least
   */
  learn(remote: IpAddress, mtu: number, now: number): void {
    const least = LEAST[remote.family];
    const believed = Math.max(mtu, least);
    if (believed >= this.linkMtu) return;
    let path = this.find(remote);
    if (path === null) {
      path = this.add(remote, believed);
      this.changed();
    } else if (believed > path.mtu) {
      // It speaks of a packet from before, or of another way.
      return;
    } else if (believed < path.mtu) {
      path.mtu = believed;
      this.changed();
    }
    if (remote.family === 4 && mtu < least && !path.isNarrower) {
      path.isNarrower = true;
      this.generation++;
    }
    this.renew(path, now);
  }

  /** Forgets what is too old. */
  expire(now: number): void {
    const { queue, stats } = this;
    for (let path = queue.oldest; path !== null && path.deadline <= now; path = queue.oldest) {
      this.remove(path);
      stats.pathMtuAged++;
      this.generation++;
    }
    if (queue.oldest !== null) this.arm(queue.oldest.deadline);
  }

  /** Tells an endpoint what has become of its path, if anything has. Cheap while nothing changes anywhere. */
  follow(endpoint: Endpoint): void {
    if (endpoint.pathGeneration === this.generation) return;
    endpoint.pathGeneration = this.generation;
    if (endpoint.isLoopback) return;
    const { remote } = endpoint.tuple;
    const path = this.find(remote);
    const mtu = path === null ? this.linkMtu : path.mtu;
    endpoint.mayFragment = path?.isNarrower ?? false;
    // What the connection found out by itself stands until there is news.
    if (mtu === (endpoint.pathMtu || this.linkMtu)) return;
    endpoint.pathMtu = mtu;
    endpoint.connection.onPathMtuChanged(mtu - HEADER_BYTES[remote.family]);
  }

  private changed(): void {
    this.stats.pathMtuLowered++;
    this.generation++;
  }

  /** The oldest goes without a word: its connections keep what they have, or they would run into the router again. */
  private add(remote: IpAddress, mtu: number): Path {
    if (this.table.count >= this.limits.pathMtuEntries) this.remove(this.queue.oldest!);
    const hash = this.hashOf(remote);
    const path = new Path(this.key.slice(), hash, mtu);
    this.table.add(path);
    this.queue.append(path);
    return path;
  }

  private find(remote: IpAddress): Path | null {
    if (this.table.count === 0) return null;
    const hash = this.hashOf(remote);
    return this.table.find(this.key, KEY_WORDS, hash);
  }

  private renew(path: Path, now: number): void {
    path.deadline = now + PATH_MTU_LIFETIME_MS;
    this.queue.remove(path);
    this.queue.append(path);
    this.arm(this.queue.oldest!.deadline);
  }

  private remove(path: Path): void {
    this.table.remove(path);
    this.queue.remove(path);
  }

  /** Leaves the words in `key`. */
  private hashOf({ w0, w1, w2, w3 }: IpAddress): number {
    const { key } = this;
    key[0] = w0;
    key[1] = w1;
    key[2] = w2;
    key[3] = w3;
    return this.table.hash(key, KEY_WORDS);
  }
}
