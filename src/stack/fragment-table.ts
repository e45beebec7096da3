// The datagrams that are not whole yet: found by their key, given up by their age, and bounded in number and memory
// (ATTACKS: FragmentSmack). What a datagram is made of is in fragmented-datagram.ts.
import { FragmentedDatagram } from './fragmented-datagram.js';
import { AgeQueue, KeyedTable } from './keyed-table.js';
import type { Limits } from './limits.js';
import type { RandomBytes } from './siphash.js';

/** Words of an IPv4 key: source, destination, protocol and identification. */
export const IPV4_KEY_WORDS = 3;
/** Words of an IPv6 key: source, destination, identification. */
export const IPV6_KEY_WORDS = 9;

/** All datagrams of a stack that are not whole yet. */
export class FragmentTable {
  /** What is held, in bytes, the objects around the data included. */
  bytes = 0;
  private readonly table: KeyedTable<FragmentedDatagram>;
  /** Those of a family have one and the same time, so that the order of age is that of deadlines, too. */
  private readonly v4 = new AgeQueue<FragmentedDatagram>();
  private readonly v6 = new AgeQueue<FragmentedDatagram>();

  /** @param onEvicted told of every datagram that goes for a limit's sake before its time */
  constructor(
    private readonly limits: Pick<Limits, 'fragmentBytes' | 'fragmentDatagrams'>,
    random: RandomBytes,
    private readonly onEvicted: (datagram: FragmentedDatagram) => void,
  ) {
    this.table = new KeyedTable(limits.fragmentDatagrams, random);
  }

  /** Datagrams held, those given up for an overlap included. */
  get count(): number {
    return this.table.count;
  }

  /**
   * The datagram of the first `words` words of `key`, made if it is not there.
   * @param timeoutMs how long a new one may take; the same for all of a family
   */
  find(key: Int32Array, words: number, now: number, timeoutMs: number): FragmentedDatagram {
    const { table } = this;
    const hash = table.hash(key, words);
    const known = table.find(key, words, hash);
    if (known !== null) return known;
    if (table.count >= this.limits.fragmentDatagrams) this.evictOldest();
    const datagram = new FragmentedDatagram(key.slice(0, words), hash, now, now + timeoutMs);
    table.add(datagram);
    this.queueOf(datagram).append(datagram);
    this.bytes += datagram.cost;
    return datagram;
  }

  /** Takes note that a datagram costs more or less than it did, and gives up the oldest ones until all fit. */
  settle(datagram: FragmentedDatagram, costBefore: number): void {
    this.bytes += datagram.cost - costBefore;
    while (this.bytes > this.limits.fragmentBytes && this.table.count > 0) this.evictOldest();
  }

  /** Lets go of a datagram. */
  remove(datagram: FragmentedDatagram): void {
    this.table.remove(datagram);
    this.queueOf(datagram).remove(datagram);
    datagram.isHeld = false;
    this.bytes -= datagram.cost;
  }

  /** A datagram whose time is over at `now`, or null. */
  expired(now: number): FragmentedDatagram | null {
    const v4 = this.v4.oldest;
    if (v4 !== null && v4.deadline <= now) return v4;
    const v6 = this.v6.oldest;
    return v6 !== null && v6.deadline <= now ? v6 : null;
  }

  /** When the next datagram's time is over, in clock ms; Infinity when there is none. */
  get nextDeadline(): number {
    const v4 = this.v4.oldest?.deadline ?? Number.POSITIVE_INFINITY;
    const v6 = this.v6.oldest?.deadline ?? Number.POSITIVE_INFINITY;
    return Math.min(v4, v6);
  }

  /** Of either family: a flood of the one must not push out all of the other first. */
  private evictOldest(): void {
    const v4 = this.v4.oldest;
    const v6 = this.v6.oldest;
    const oldest = v4 === null || (v6 !== null && v6.begunAt < v4.begunAt) ? v6! : v4;
    this.remove(oldest);
    this.onEvicted(oldest);
  }

  private queueOf(datagram: FragmentedDatagram): AgeQueue<FragmentedDatagram> {
    return datagram.key.length === IPV4_KEY_WORDS ? this.v4 : this.v6;
  }
}
