// Links for the tests of the stack: one that records what is sent and takes packets from the test, and a pair that joins
// two stacks in virtual time.
import { type Clock, VirtualClock } from '../../src/stack/clock.js';
import {
  type Link,
  type LinkOffload,
  type LinkReceiver,
  NO_OFFLOAD,
  newLinkStats,
  type PacketBatch,
  PacketIds,
  type PacketOffload,
} from '../../src/stack/link.js';
import type { RandomBytes } from '../../src/stack/siphash.js';
import { Stack, type StackOptions } from '../../src/stack/stack.js';
import { IpAddress } from '../../src/wire/address.js';
import { buildTcpPacket, type DecodedTcp, decodePacket } from '../../src/wire/packet.js';
import type { PayloadPieces } from '../../src/wire/payload.js';

/** A batch of packets that lie in one slab. */
export function batchOf(packets: readonly Uint8Array[], ids: PacketIds): PacketBatch {
  const bytes = new Uint8Array(packets.reduce((sum, packet) => sum + packet.length, 0));
  const offsets = new Int32Array(packets.length);
  const lengths = new Int32Array(packets.length);
  const numbers = new Float64Array(packets.length);
  let at = 0;
  for (const [i, packet] of packets.entries()) {
    bytes.set(packet, at);
    offsets[i] = at;
    lengths[i] = packet.length;
    numbers[i] = ids.next();
    at += packet.length;
  }
  return { bytes, view: new DataView(bytes.buffer), count: packets.length, offsets, lengths, ids: numbers };
}

/** Records packets; the test injects others. */
export class TestLink implements Link {
  readonly name: string = 'test0';
  readonly medium: 'ip' | 'ethernet' = 'ip';
  readonly packetIds = new PacketIds();
  readonly stats = newLinkStats();
  /** Packets flushed, oldest first. */
  readonly sent: Uint8Array[] = [];
  /** What was left to the link, packet by packet. */
  readonly work: (PacketOffload | null)[] = [];
  protected queued: Uint8Array[] = [];
  flushes = 0;
  isClosed = false;
  isReferenced = true;
  /** Packets that it takes until it asks to be spared. */
  room = Number.POSITIVE_INFINITY;
  receiver: LinkReceiver | null = null;

  constructor(
    readonly mtu = 1500,
    readonly offload: LinkOffload = NO_OFFLOAD,
  ) {}

  get writable(): boolean {
    return this.room > 0;
  }

  start(receiver: LinkReceiver): void {
    this.receiver = receiver;
  }

  send(
    _packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
    offload: PacketOffload | null = null,
  ): boolean {
    if (this.room <= 0) return false;
    this.room--;
    const packet = new Uint8Array(headerLength + (payload?.total ?? 0));
    packet.set(header.subarray(headerOffset, headerOffset + headerLength));
    payload?.copyTo(packet, headerLength);
    this.queued.push(packet);
    this.work.push(offload === null ? null : { ...offload });
    return true;
  }

  flush(): void {
    this.flushes++;
    if (this.isClosed) this.queued.length = 0;
    for (const packet of this.queued.splice(0)) this.deliver(packet);
  }

  protected deliver(packet: Uint8Array): void {
    this.sent.push(packet);
  }

  ref(): void {
    this.isReferenced = true;
  }

  unref(): void {
    this.isReferenced = false;
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  /** Packets that lie in the device, unread. */
  readonly unread: Uint8Array[] = [];

  pull(): number {
    const packets = this.unread.splice(0);
    if (packets.length > 0) this.inject(...packets);
    return packets.length;
  }

  /** Delivers packets in one batch. */
  inject(...packets: Uint8Array[]): void {
    this.receiver!.receive(batchOf(packets, this.packetIds));
  }

  /** Makes room and says so. */
  makeRoom(packets: number): void {
    this.room = packets;
    this.receiver!.writable();
  }

  /** Takes what was sent, as TCP segments. Fails on anything else, and on a wrong checksum. */
  takeSegments(): Segment[] {
    return this.sent.splice(0).map((bytes) => {
      const packet = decodePacket(bytes);
      if (typeof packet === 'string' || packet.tcp === undefined) throw new Error(`no TCP packet: ${packet}`);
      if (!packet.tcp.checksumOk && !this.offload.transmitChecksum) throw new Error('wrong checksum');
      const { header, payloadOffset, payloadLength } = packet.tcp;
      return {
        ...header,
        source: packet.source,
        destination: packet.destination,
        packet,
        tcp: packet.tcp,
        payload: bytes.subarray(payloadOffset, payloadOffset + payloadLength),
      };
    });
  }
}

/** A sent segment, taken apart. */
export interface Segment {
  sourcePort: number;
  destinationPort: number;
  seq: number;
  ack: number;
  flags: number;
  window: number;
  source: IpAddress;
  destination: IpAddress;
  packet: Exclude<ReturnType<typeof decodePacket>, string>;
  tcp: DecodedTcp;
  payload: Uint8Array;
}

/** One end of a pair: what it flushes arrives at the other after `delayMs`, all packets of one flush in one batch. */
export class PairLink extends TestLink {
  peer: PairLink | null = null;
  private underWay: Uint8Array[] = [];
  /** Packets carried. */
  carried = 0;
  /** Depends on every byte carried, and on the order (FNV-1a). */
  fingerprint = 0x811c9dc5 | 0;
  /** Which packets to lose, by number from 1. */
  loses: (n: number) => boolean = () => false;

  constructor(
    private readonly clock: Clock,
    private readonly delayMs: number,
    mtu = 1500,
    offload: LinkOffload = NO_OFFLOAD,
  ) {
    super(mtu, offload);
  }

  override flush(): void {
    super.flush();
    const packets = this.underWay;
    if (packets.length === 0) return;
    this.underWay = [];
    this.clock.schedule(this.clock.now() + this.delayMs, () => {
      if (this.peer !== null && !this.peer.isClosed) this.peer.inject(...packets);
    });
  }

  protected override deliver(packet: Uint8Array): void {
    this.carried++;
    for (const byte of packet) this.fingerprint = Math.imul(this.fingerprint ^ byte, 0x01000193);
    if (!this.loses(this.carried)) this.underWay.push(packet);
  }
}

/** Two joined links. */
export function linkPair(clock: Clock, delayMs = 5, mtu = 1500): [PairLink, PairLink] {
  const a = new PairLink(clock, delayMs, mtu);
  const b = new PairLink(clock, delayMs, mtu);
  a.peer = b;
  b.peer = a;
  return [a, b];
}

/** Reproducible bytes that look random: xorshift32. */
export function seededRandom(seed = 1): RandomBytes {
  let state = seed | 0 || 1;
  return (n) => {
    const bytes = new Uint8Array(n);
    for (let i = 0; i < n; i++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      bytes[i] = state >>> 11;
    }
    return bytes;
  };
}

/** A parsed address, which must be one. */
export function ip(text: string): IpAddress {
  const address = IpAddress.parse(text);
  if (address === null) throw new Error(`no address: ${text}`);
  return address;
}

export const LOCAL = ip('10.9.0.2');
export const PEER = ip('10.9.0.1');

/** A stack at 10.9.0.2/24 on a test link, with virtual time and a fixed ISN of 1000. */
export function testStack(options: Partial<StackOptions> = {}, link = new TestLink()) {
  const clock = new VirtualClock(1000);
  const deferred: (() => void)[] = [];
  const errors: unknown[] = [];
  const stack = new Stack({
    link,
    addresses: ['10.9.0.2/24', 'fd00:9::2/64'],
    clock,
    random: seededRandom(7),
    isn: { fixed: 1000 },
    defer: (callback) => void deferred.push(callback),
    report: (error) => void errors.push(error),
    ...options,
  });
  /** Runs what was deferred. */
  const settle = () => {
    for (let next = deferred.shift(); next !== undefined; next = deferred.shift()) next();
  };
  return { stack, link, clock, settle, errors };
}

/** A packet from the peer to the stack; every field can be set. */
export function fromPeer(
  fields: Partial<Parameters<typeof buildTcpPacket>[0]> & { flags: number },
): Uint8Array {
  return buildTcpPacket({
    source: PEER,
    sourcePort: 5000,
    destination: LOCAL,
    destinationPort: 80,
    ...fields,
  });
}
