// ARP (RFC 826): asks for neighbours and answers for our addresses. Doubts about who owns an address go to
// address-claims.ts.
import { IpAddress } from '../../wire/address.js';
import { ArpOperation, ArpView, parseArp, writeArp } from '../../wire/arp.js';
import { EtherType, FRAME_HEADROOM } from '../../wire/ethernet.js';
import { MacAddress } from '../../wire/mac.js';
import { ParseError } from '../../wire/parse-error.js';
import type { LocalAddresses } from '../addresses.js';
import type { RateLimit } from '../rate-limit.js';
import type { AddressClaims } from './address-claims.js';
import type { FrameOutput } from './frame-output.js';
import { type Neighbor, NeighborState, type NeighborTable } from './neighbor-table.js';
import type { EthernetStats } from './stats.js';

/** The third word of an IPv4-mapped address. */
const MAPPED = 0xffff;

/** What ARP works on. */
export interface ArpParts {
  readonly addresses: LocalAddresses;
  readonly neighbors: NeighborTable;
  readonly claims: AddressClaims;
  readonly frames: FrameOutput;
  readonly answers: RateLimit;
  readonly stats: EthernetStats;
}

/** Who has which address. */
export class Arp {
  private readonly packet = new ArpView();

  constructor(private readonly parts: ArpParts) {}

  /** Takes in what came in a frame of type ARP. */
  receive(view: DataView, offset: number, length: number, now: number): void {
    const { packet } = this;
    const { stats, claims, frames } = this.parts;
    stats.inArp++;
    if (parseArp(view, offset, length, packet) !== ParseError.NONE) {
      stats.inArpDropped++;
      return;
    }
    const { mac } = frames.identity;
    const { senderMacHigh: high, senderMacLow: low, senderAddress: sender } = packet;
    // Ours, come back by a bridge that repeats everything.
    if (high === mac.high && low === mac.low) return;
    if (sender === 0) {
      if (packet.operation === ArpOperation.REQUEST) this.takeProbe(now);
      return;
    }
    // Whoever speaks as one of us is in our way, whatever else he wants (RFC 5227 §2.4).
    if (claims.spokenFor(0, 0, MAPPED, sender, high, low, now)) return;
    this.learn(now);
  }

  /** Asks who has the neighbour's address: everybody, or the neighbour itself. */
  solicit(neighbor: Neighbor, isUnicast: boolean): void {
    const { addresses } = this.parts;
    const source = addresses.sourceFor(neighbor.address);
    if (source === null) return;
    const high = isUnicast ? neighbor.macHigh : MacAddress.BROADCAST.high;
    const low = isUnicast ? neighbor.macLow : MacAddress.BROADCAST.low;
    this.send(high, low, ArpOperation.REQUEST, source.w3, 0, 0, neighbor.address.w3);
  }

  /** Asks whether an address is free, without saying that we want it (RFC 5227 §2.1.1). */
  probe(address: IpAddress): void {
    const { high, low } = MacAddress.BROADCAST;
    this.send(high, low, ArpOperation.REQUEST, 0, 0, 0, address.w3);
  }

  /** Tells everybody that an address is ours (RFC 5227 §2.3). */
  announce(address: IpAddress): void {
    const { high, low } = MacAddress.BROADCAST;
    this.parts.stats.outAnnouncements++;
    this.send(high, low, ArpOperation.REQUEST, address.w3, 0, 0, address.w3);
  }

  private takeProbe(now: number): void {
    const { targetAddress, senderMacHigh, senderMacLow } = this.packet;
    const { claims, addresses } = this.parts;
    if (claims.probedBy(0, 0, MAPPED, targetAddress, senderMacHigh, senderMacLow, now)) return;
    if (addresses.find(0, 0, MAPPED, targetAddress) !== null) this.answer(now);
  }

  /** RFC 826, "packet reception": the sender's MAC address is news, whatever he asked; then he may be answered. */
  private learn(now: number): void {
    const { packet } = this;
    const { addresses, neighbors } = this.parts;
    const { senderMacHigh: high, senderMacLow: low, senderAddress: sender } = packet;
    const isForUs = addresses.find(0, 0, MAPPED, packet.targetAddress) !== null;
    const isRequest = packet.operation === ArpOperation.REQUEST;
    const neighbor = neighbors.find(0, 0, MAPPED, sender);
    if (neighbor !== null && isForUs && !isRequest && isAsked(neighbor)) {
      neighbors.setMac(neighbor, high, low);
      neighbors.confirm(neighbor, now);
    } else if (neighbor !== null) {
      neighbors.overwrite(neighbor, high, low, now);
    } else if (isForUs && isRequest && this.isNeighbor(sender)) {
      neighbors.introduce(0, 0, MAPPED, sender, high, low, now);
    }
    if (isForUs && isRequest) this.answer(now);
  }

  /** Only hosts of our own networks are worth remembering: nothing is sent to others directly. */
  private isNeighbor(address: number): boolean {
    const { addresses } = this.parts;
    if (addresses.isMartianSource(0, 0, MAPPED, address)) return false;
    return addresses.longestPrefix(IpAddress.v4(address)) >= 0;
  }

  private answer(now: number): void {
    const { senderMacHigh: high, senderMacLow: low, senderAddress, targetAddress } = this.packet;
    const { answers, stats } = this.parts;
    if (!answers.take(now)) {
      stats.answersSuppressed++;
      return;
    }
    stats.outAnswers++;
    this.send(high, low, ArpOperation.REPLY, targetAddress, high, low, senderAddress);
  }

  private send(
    toHigh: number,
    toLow: number,
    operation: number,
    sender: number,
    targetHigh: number,
    targetLow: number,
    target: number,
  ): void {
    const { frames } = this.parts;
    const { mac } = frames.identity;
    const { view } = frames;
    const at = FRAME_HEADROOM;
    const length = writeArp(view, at, operation, mac.high, mac.low, sender, targetHigh, targetLow, target);
    frames.send(toHigh, toLow, EtherType.ARP, length);
  }
}

function isAsked({ state }: Neighbor): boolean {
  return state === NeighborState.INCOMPLETE || state === NeighborState.PROBE;
}
