// The neighbours on a link of Ethernet frames and how sure we are of them: the states of RFC 4861 §7.3, for IPv4 as well.
// ARP and neighbour discovery bring the news (arp.ts, ndp.ts); who asks on the wire, and how packets leave, is told here.
import { IpAddress } from '../../wire/address.js';
import { FRAME_HEADROOM } from '../../wire/ethernet.js';
import type { PayloadPieces } from '../../wire/payload.js';
import { AgeQueue, KeyedEntry, KeyedTable } from '../keyed-table.js';
import type { Limits } from '../limits.js';
import type { PacketOffload } from '../link.js';
import { type RandomBytes, randomWord } from '../siphash.js';
import { WheelTask } from '../wheel-task.js';
import type { EthernetStats } from './stats.js';

/** RFC 4861 §7.3.2. */
export const NeighborState = {
  /** Asked for, not answered. */
  INCOMPLETE: 0,
  /** Known to have heard us lately. */
  REACHABLE: 1,
  /** Used as it is; asked again once it is used. */
  STALE: 2,
  /** Used; will be asked again soon. */
  DELAY: 3,
  /** Being asked again. */
  PROBE: 4,
  /** Forgotten: whoever still refers to it looks it up anew. */
  GONE: 5,
} as const;

/** One of the values of `NeighborState`. */
export type NeighborState = (typeof NeighborState)[keyof typeof NeighborState];

/** RFC 4861 §10. */
export const REACHABLE_TIME_MS = 30_000;
export const RETRANS_TIMER_MS = 1000;
export const DELAY_FIRST_PROBE_MS = 5000;
export const MAX_MULTICAST_SOLICIT = 3;
const MAX_UNICAST_SOLICIT = 3;
/** A neighbour that nothing was sent to for so long is forgotten. */
export const UNUSED_LIFETIME_MS = 600_000;

/** A packet that waits for a MAC address. */
export interface WaitingPacket {
  /** The IP packet, behind `FRAME_HEADROOM` octets. */
  readonly frame: Uint8Array;
  readonly packetId: number;
  /** What the link has yet to do to it. */
  readonly offload: PacketOffload | null;
}

const KEY_WORDS = 4;
/** Neighbours that are looked at to find one that was not used since it was last looked at. */
const SECOND_CHANCES = 16;

/** One neighbour: an address on the link. */
export class Neighbor extends KeyedEntry {
  state: NeighborState = NeighborState.INCOMPLETE;
  macHigh = 0;
  /** int32 */
  macLow = 0;
  /** It said so in a neighbour or router advertisement. */
  isRouter = false;
  /** Clock ms of the last packet to it. */
  usedAt: number;
  /** Clock ms at which it took its place among the others of its age. */
  linedUpAt: number;
  solicitations = 0;
  /** When what it is waiting for happens. */
  readonly task: WheelTask;
  readonly waiting: WaitingPacket[] = [];
  readonly address: IpAddress;

  constructor(key: Int32Array, hash: number, now: number, run: (neighbor: Neighbor, now: number) => void) {
    super(key, hash);
    this.address = new IpAddress(key[0]!, key[1]!, key[2]!, key[3]!);
    this.usedAt = now;
    this.linedUpAt = now;
    this.task = new WheelTask((at) => run(this, at));
  }

  /** True when packets can be sent to it at once. */
  get isResolved(): boolean {
    return this.state !== NeighborState.INCOMPLETE && this.state !== NeighborState.GONE;
  }
}

/** What the table works on. */
export interface NeighborParts {
  readonly limits: Pick<
    Limits,
    'neighbors' | 'resolvingNeighbors' | 'neighborQueuePackets' | 'neighborQueueBytes'
  >;
  readonly random: RandomBytes;
  readonly stats: EthernetStats;
  readonly wheel: { arm(task: WheelTask, deadline: number): void; remove(task: WheelTask): void };
  /** Asks for the neighbour's MAC address: everybody, or with `isUnicast` the neighbour as it is known. */
  solicit(neighbor: Neighbor, isUnicast: boolean): void;
  /** Sends a packet that has waited. */
  transmit(neighbor: Neighbor, packet: WaitingPacket): void;
  /** It does not answer. These packets will not leave. */
  unreachable(neighbor: Neighbor, packets: readonly WaitingPacket[], now: number): void;
}

/** The neighbours. */
export class NeighborTable {
  /** As the routers of an IPv6 link want it, else the default. */
  reachableTimeMs = REACHABLE_TIME_MS;
  retransTimerMs = RETRANS_TIMER_MS;
  private readonly table: KeyedTable<Neighbor>;
  /** Those being asked for the first time, and all others, by age. */
  private readonly resolving = new AgeQueue<Neighbor>();
  private readonly known = new AgeQueue<Neighbor>();
  private resolvingCount = 0;
  private waitingBytes = 0;
  private readonly key = new Int32Array(KEY_WORDS);
  private readonly run = (neighbor: Neighbor, now: number): void => this.onTimer(neighbor, now);

  constructor(private readonly parts: NeighborParts) {
    this.table = new KeyedTable(parts.limits.neighbors + parts.limits.resolvingNeighbors, parts.random);
  }

  /** Neighbours known or being asked for. */
  get size(): number {
    return this.table.count;
  }

  /** Packets' bytes that wait. */
  get queuedBytes(): number {
    return this.waitingBytes;
  }

  /** All of them, in no order that means anything. */
  *list(): IterableIterator<Neighbor> {
    for (const queue of [this.resolving, this.known]) {
      for (let at = queue.oldest; at !== null; at = at.newer as Neighbor | null) yield at;
    }
  }

  /** The neighbour of that address, or null. */
  find(w0: number, w1: number, w2: number, w3: number): Neighbor | null {
    return this.table.find(this.key, KEY_WORDS, this.hashOf(w0, w1, w2, w3));
  }

  /** The neighbour of that address, which is asked for when it is not known. */
  resolve(w0: number, w1: number, w2: number, w3: number, now: number): Neighbor {
    const hash = this.hashOf(w0, w1, w2, w3);
    const found = this.table.find(this.key, KEY_WORDS, hash);
    if (found !== null) return found;
    const { limits, stats } = this.parts;
    if (this.resolvingCount >= limits.resolvingNeighbors) {
      // The answer of an honest neighbour takes less than a millisecond: the oldest has had its chance (RFC 6583 §5).
      stats.neighborEvictions++;
      this.drop(this.resolving.oldest!);
    }
    const neighbor = this.add(hash, now);
    this.resolving.append(neighbor);
    this.resolvingCount++;
    this.solicit(neighbor, false, now);
    return neighbor;
  }

  /** A packet leaves for a neighbour that is not known to be reachable: soon it will be asked (RFC 4861 §7.3.3). */
  used(neighbor: Neighbor, now: number): void {
    neighbor.usedAt = now;
    if (neighbor.state !== NeighborState.STALE) return;
    neighbor.state = NeighborState.DELAY;
    this.parts.wheel.arm(neighbor.task, now + DELAY_FIRST_PROBE_MS);
  }

  /** Keeps a copy of a packet until the MAC address is known; the oldest that waits for it gives way to the newest. */
  enqueue(
    neighbor: Neighbor,
    packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
    offload: PacketOffload | null,
  ): void {
    const { limits, stats } = this.parts;
    const { waiting } = neighbor;
    const length = FRAME_HEADROOM + headerLength + (payload === null ? 0 : payload.total);
    if (waiting.length >= limits.neighborQueuePackets) this.dropPacket(waiting.shift()!);
    if (this.waitingBytes + length > limits.neighborQueueBytes) {
      stats.queueDrops++;
      return;
    }
    const frame = new Uint8Array(length);
    frame.set(header.subarray(headerOffset, headerOffset + headerLength), FRAME_HEADROOM);
    payload?.copyTo(frame, FRAME_HEADROOM + headerLength);
    this.waitingBytes += length;
    waiting.push({ frame, packetId, offload: offload === null ? null : { ...offload } });
    stats.queued++;
  }

  /** It answered what we asked: it hears us. */
  confirm(neighbor: Neighbor, now: number): void {
    this.enter(neighbor, NeighborState.REACHABLE, now);
  }

  /**
   * Somebody who has that address made himself known without having been asked: with an ARP request for us, a solicitation, or a
   * router's message. He is remembered as STALE, also when he was not known (RFC 826, RFC 4861 §7.2.3, §6.3.4).
   */
  introduce(
    w0: number,
    w1: number,
    w2: number,
    w3: number,
    high: number,
    low: number,
    now: number,
  ): Neighbor {
    const hash = this.hashOf(w0, w1, w2, w3);
    const found = this.table.find(this.key, KEY_WORDS, hash);
    if (found !== null) {
      this.overwrite(found, high, low, now);
      return found;
    }
    if (this.table.count - this.resolvingCount >= this.parts.limits.neighbors) this.evict(now);
    const neighbor = this.add(hash, now);
    this.known.append(neighbor);
    neighbor.macHigh = high;
    neighbor.macLow = low;
    neighbor.state = NeighborState.STALE;
    this.parts.wheel.arm(neighbor.task, now + UNUSED_LIFETIME_MS);
    return neighbor;
  }

  /** News of a known neighbour's MAC address that nobody asked for. When it is another one, it is used, and looked into. */
  overwrite(neighbor: Neighbor, high: number, low: number, now: number): void {
    if (neighbor.isResolved && neighbor.macHigh === high && neighbor.macLow === low) return;
    this.setMac(neighbor, high, low);
    this.enter(neighbor, NeighborState.STALE, now);
  }

  /** Notes a MAC address; the state is the caller's affair. */
  setMac(neighbor: Neighbor, high: number, low: number): void {
    if (neighbor.isResolved && (neighbor.macHigh !== high || neighbor.macLow !== low)) {
      this.parts.stats.neighborMoves++;
    }
    neighbor.macHigh = high;
    neighbor.macLow = low;
  }

  /**
   * There is doubt about a neighbour: it is asked at once, and everybody with it, since it may have moved to another MAC
   * address (RFC 7048 §3).
   */
  doubt(neighbor: Neighbor, now: number): void {
    const { state } = neighbor;
    if (state === NeighborState.INCOMPLETE || state === NeighborState.PROBE || !neighbor.isResolved) return;
    neighbor.state = NeighborState.PROBE;
    neighbor.solicitations = 0;
    this.solicit(neighbor, false, now);
  }

  /** It spoke from another MAC address than we know, but does not insist (RFC 4861 §7.2.5): to be looked into. */
  suspect(neighbor: Neighbor, now: number): void {
    if (neighbor.state === NeighborState.REACHABLE) this.enter(neighbor, NeighborState.STALE, now);
  }

  /** Forgets a neighbour and what waits for it. */
  forget(neighbor: Neighbor): void {
    this.drop(neighbor);
  }

  private enter(
    neighbor: Neighbor,
    state: typeof NeighborState.REACHABLE | typeof NeighborState.STALE,
    now: number,
  ): void {
    if (neighbor.state === NeighborState.GONE) return;
    const wasResolving = neighbor.state === NeighborState.INCOMPLETE;
    neighbor.state = state;
    const lifetime = state === NeighborState.REACHABLE ? this.someReachableTime() : UNUSED_LIFETIME_MS;
    this.parts.wheel.arm(neighbor.task, now + lifetime);
    if (!wasResolving) return;
    this.resolving.remove(neighbor);
    this.resolvingCount--;
    if (this.table.count - this.resolvingCount > this.parts.limits.neighbors) this.evict(now);
    neighbor.linedUpAt = now;
    this.known.append(neighbor);
    this.release(neighbor, now);
  }

  /** Uniform between half and one and a half of it, lest all neighbours ask in step (RFC 4861 §6.3.2). */
  private someReachableTime(): number {
    return this.reachableTimeMs * (0.5 + (randomWord(this.parts.random) >>> 0) / 2 ** 32);
  }

  private release(neighbor: Neighbor, now: number): void {
    for (const packet of neighbor.waiting.splice(0)) {
      this.waitingBytes -= packet.frame.length;
      this.used(neighbor, now);
      this.parts.transmit(neighbor, packet);
    }
  }

  private onTimer(neighbor: Neighbor, now: number): void {
    switch (neighbor.state) {
      case NeighborState.INCOMPLETE:
        if (neighbor.solicitations < MAX_MULTICAST_SOLICIT) this.solicit(neighbor, false, now);
        else this.fail(neighbor, now);
        break;
      case NeighborState.REACHABLE:
        this.enter(neighbor, NeighborState.STALE, now);
        break;
      case NeighborState.STALE:
        if (now - neighbor.usedAt >= UNUSED_LIFETIME_MS) this.drop(neighbor);
        else this.parts.wheel.arm(neighbor.task, neighbor.usedAt + UNUSED_LIFETIME_MS);
        break;
      case NeighborState.DELAY:
        neighbor.state = NeighborState.PROBE;
        neighbor.solicitations = 0;
        this.solicit(neighbor, true, now);
        break;
      case NeighborState.PROBE:
        if (neighbor.solicitations < MAX_UNICAST_SOLICIT) this.solicit(neighbor, true, now);
        else this.fail(neighbor, now);
        break;
    }
  }

  private solicit(neighbor: Neighbor, isUnicast: boolean, now: number): void {
    neighbor.solicitations++;
    this.parts.stats.outSolicitations++;
    this.parts.wheel.arm(neighbor.task, now + this.retransTimerMs);
    this.parts.solicit(neighbor, isUnicast);
  }

  private fail(neighbor: Neighbor, now: number): void {
    const packets = neighbor.waiting.splice(0);
    for (const packet of packets) this.dropPacket(packet);
    this.parts.stats.neighborFailures++;
    this.drop(neighbor);
    this.parts.unreachable(neighbor, packets, now);
  }

  private add(hash: number, now: number): Neighbor {
    const neighbor = new Neighbor(this.key.slice(), hash, now, this.run);
    this.table.add(neighbor);
    return neighbor;
  }

  /** Makes room among the known: the oldest that was not used since it was last passed over. */
  private evict(now: number): void {
    this.parts.stats.neighborEvictions++;
    for (let chance = 0; chance < SECOND_CHANCES; chance++) {
      const oldest = this.known.oldest!;
      if (oldest.usedAt <= oldest.linedUpAt) break;
      oldest.linedUpAt = now;
      this.known.remove(oldest);
      this.known.append(oldest);
    }
    this.drop(this.known.oldest!);
  }

  private drop(neighbor: Neighbor): void {
    if (neighbor.state === NeighborState.GONE) return;
    for (const packet of neighbor.waiting.splice(0)) this.dropPacket(packet);
    if (neighbor.state === NeighborState.INCOMPLETE) {
      this.resolving.remove(neighbor);
      this.resolvingCount--;
    } else {
      this.known.remove(neighbor);
    }
    this.table.remove(neighbor);
    this.parts.wheel.remove(neighbor.task);
    neighbor.state = NeighborState.GONE;
  }

  private dropPacket(packet: WaitingPacket): void {
    this.waitingBytes -= packet.frame.length;
    this.parts.stats.queueDrops++;
  }

  /** Leaves the words in `key`. */
  private hashOf(w0: number, w1: number, w2: number, w3: number): number {
    const { key } = this;
    key[0] = w0;
    key[1] = w1;
    key[2] = w2;
    key[3] = w3;
    return this.table.hash(key, KEY_WORDS);
  }
}
