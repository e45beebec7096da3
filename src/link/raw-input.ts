// From raw sockets to batches of packets: only those for the stack's addresses and ports, each with its IP header and a
// finished checksum. The kernel gives every raw socket a copy of all that it delivers of a protocol.
import type { PacketBatch, PacketIds } from '../stack/link.js';
import { IpAddress } from '../wire/address.js';
import { fold, pseudoHeader4, pseudoHeader6, sumRange } from '../wire/checksum.js';
import { IcmpType, isIcmpErrorType } from '../wire/icmp.js';
import { Icmpv6Type } from '../wire/icmpv6.js';
import { IPV6_HEADER_BYTES, writeIpv6Header } from '../wire/ipv6.js';
import { IpProtocol } from '../wire/protocol.js';
import { TCP_CHECKSUM_OFFSET, TCP_HEADER_BYTES } from '../wire/tcp.js';
import type { RawAddress } from './raw-address.js';
import { codeOf } from './raw-errors.js';
import type { SocketWrap } from './raw-package.js';
import type { RawPorts } from './raw-ports.js';
import { completeChecksum } from './unfinished-checksum.js';

/** Packets of one batch. */
const SLOTS = 32;
/** The kernel merges segments up to this, and an IPv6 header of ours comes in front. */
const LARGEST_PACKET = 65_535;
const SLOT_BYTES = 65_664;
/** Packets read in one event, ours or not; then other handles of the event loop get their turn. */
const READS_PER_EVENT = 256;
/** Peers whose printed address is remembered. */
const KNOWN_PEERS = 1024;
/** The kernel does not tell the hop limit of what it delivers; nothing here depends on it. */
const HOP_LIMIT = 64;

const IPV4_PROTOCOL = 9;
const IPV4_DESTINATION = 16;
const IPV4_SOURCE = 12;

/** A socket to read from. */
export interface RawSource {
  readonly wrap: SocketWrap;
  readonly family: 4 | 6;
  readonly protocol: number;
}

/** Reads and sifts. */
export class RawInput {
  /** What `read` found. Reused. */
  readonly batch: PacketBatch;
  private readonly slots: Record<4 | 6, readonly Buffer[]>;
  private readonly own: Record<4 | 6, readonly RawAddress[]>;
  private readonly peers = new Map<string, IpAddress>();
  private length = 0;
  private source = '';
  private readonly note = (_buffer: Buffer, bytes: number, source: string): void => {
    this.length = bytes;
    this.source = source;
  };

  constructor(
    addresses: readonly RawAddress[],
    private readonly ports: RawPorts,
    private readonly packetIds: PacketIds,
  ) {
    const slab = Buffer.allocUnsafeSlow(SLOTS * SLOT_BYTES);
    this.batch = {
      // No Buffer: its `slice` would give those who copy out of a batch a view of memory that is reused.
      bytes: new Uint8Array(slab.buffer, slab.byteOffset, slab.length),
      view: new DataView(slab.buffer, slab.byteOffset, slab.length),
      count: 0,
      offsets: new Int32Array(SLOTS),
      lengths: new Int32Array(SLOTS),
      ids: new Float64Array(SLOTS),
    };
    const cut = (from: number) =>
      Array.from({ length: SLOTS }, (_, i) =>
        slab.subarray(i * SLOT_BYTES + from, i * SLOT_BYTES + from + LARGEST_PACKET),
      );
    // Of IPv6 the kernel delivers what follows the headers; ours is written in front.
    this.slots = { 4: cut(0), 6: cut(IPV6_HEADER_BYTES) };
    const ofFamily = (family: 4 | 6) => addresses.filter(({ address }) => address.family === family);
    this.own = { 4: ofFamily(4), 6: ofFamily(6) };
  }

  /**
   * Fills the batch with what has arrived at a socket, up to its size.
   * @returns null, or the code of the error that ended it, when it was not for want of packets
   */
  read(socket: RawSource): string | null {
    const { batch, packetIds } = this;
    const slots = this.slots[socket.family];
    batch.count = 0;
    for (let reads = 0; reads < READS_PER_EVENT && batch.count < SLOTS; reads++) {
      const slot = batch.count;
      try {
        socket.wrap.recv(slots[slot]!, this.note);
      } catch (error) {
        const code = codeOf(error);
        return code === 'EAGAIN' || code === 'EINTR' ? null : code;
      }
      const offset = slot * SLOT_BYTES;
      const length =
        socket.family === 4 ? this.takeIpv4(offset, socket.protocol) : this.takeIpv6(offset, socket.protocol);
      if (length === 0) continue;
      batch.offsets[slot] = offset;
      batch.lengths[slot] = length;
      batch.ids[slot] = packetIds.next();
      batch.count++;
    }
    return null;
  }

  /** Length of the packet in the slot when it is ours, else 0. */
  private takeIpv4(offset: number, protocol: number): number {
    const { bytes, view } = this.batch;
    const length = this.length;
    const header = (bytes[offset]! & 15) * 4;
    if (length < header + 8 || bytes[offset + IPV4_PROTOCOL] !== protocol) return 0;
    const destination = view.getInt32(offset + IPV4_DESTINATION);
    const own = this.own[4].find(({ address }) => address.w3 === destination);
    if (own === undefined) return 0;
    const at = offset + header;
    if (protocol === IpProtocol.ICMP) return isAnswered(own, bytes[at]!, protocol) ? length : 0;
    if (!this.ports.has(view.getUint16(at + 2))) return 0;
    const pseudo = pseudoHeader4(view.getInt32(offset + IPV4_SOURCE), destination, protocol, length - header);
    completeChecksum(bytes, at, length - header, TCP_CHECKSUM_OFFSET, pseudo);
    return length;
  }

  private takeIpv6(offset: number, protocol: number): number {
    const { bytes, view } = this.batch;
    const length = this.length;
    const at = offset + IPV6_HEADER_BYTES;
    const isTcp = protocol === IpProtocol.TCP;
    if (length < (isTcp ? TCP_HEADER_BYTES : 8)) return 0;
    if (isTcp && !this.ports.has(view.getUint16(at + 2))) return 0;
    const source = this.peer(this.source);
    const own = source === null ? null : this.addressedTo(source, at, length, protocol);
    if (source === null || own === null) return 0;
    if (!isTcp && !isAnswered(own, bytes[at]!, protocol)) return 0;
    writeIpv6Header(bytes, view, offset, length, protocol, source, own.address, HOP_LIMIT, 0, 0);
    return IPV6_HEADER_BYTES + length;
  }

  /**
   * The kernel does not tell for which of the host's addresses an IPv6 packet came, but the checksum covers it: the
   * address is the one with which the sum comes out right, or of whose pseudo header the unfinished field is the sum.
   */
  private addressedTo(source: IpAddress, at: number, length: number, protocol: number): RawAddress | null {
    const { bytes } = this.batch;
    const field = protocol === IpProtocol.TCP ? TCP_CHECKSUM_OFFSET : 2;
    let sum = -1;
    for (const own of this.own[6]) {
      const { w0, w1, w2, w3 } = own.address;
      const pseudo = pseudoHeader6(
        source.w0,
        source.w1,
        source.w2,
        source.w3,
        w0,
        w1,
        w2,
        w3,
        protocol,
        length,
      );
      if (completeChecksum(bytes, at, length, field, pseudo)) return own;
      if (sum < 0) sum = sumRange(bytes, at, length);
      if (fold(sum + pseudo) === 0xffff) return own;
    }
    return null;
  }

  private peer(text: string): IpAddress | null {
    const known = this.peers.get(text);
    if (known !== undefined) return known;
    const address = IpAddress.parse(text);
    if (address === null) return null;
    if (this.peers.size >= KNOWN_PEERS) this.peers.clear();
    this.peers.set(text, address);
    return address;
  }
}

/**
 * Errors concern the stack's connections. Pings are the kernel's to answer, but those of an IPv4 address that it only
 * delivers.
 */
function isAnswered({ isOwned }: RawAddress, type: number, protocol: number): boolean {
  if (protocol === IpProtocol.ICMP) return !isOwned || isIcmpErrorType(type);
  return type < Icmpv6Type.ECHO_REQUEST;
}

/** Types that `isAnswered` may let pass, for the filter in the kernel. */
export function wantedTypes(family: 4 | 6, isOwned: boolean): number[] {
  const { DESTINATION_UNREACHABLE, TIME_EXCEEDED, PARAMETER_PROBLEM } = family === 4 ? IcmpType : Icmpv6Type;
  const errors: number[] = [DESTINATION_UNREACHABLE, TIME_EXCEEDED, PARAMETER_PROBLEM];
  if (family === 6) return [...errors, Icmpv6Type.PACKET_TOO_BIG];
  return isOwned ? errors : [...errors, IcmpType.ECHO_REQUEST];
}
