// Two links joined back to back in memory: for loopback, for tests and for the simulated network. Faults are added
// by wrapping an end with `impair`, not here.
import { type Clock, type ScheduledCall, SystemClock } from '../stack/clock.js';
import {
  type Link,
  type LinkOffload,
  type LinkReceiver,
  NO_OFFLOAD,
  newLinkStats,
  type PacketBatch,
  PacketIds,
} from '../stack/link.js';
import type { PayloadPieces } from '../wire/payload.js';
import { PacketRing } from './packet-ring.js';

/** Packets handed over in one `receive`, at most. */
const BATCH_PACKETS = 64;
/** Default of `queueBytes`. */
const DEFAULT_QUEUE_BYTES = 16 * 1024 * 1024;

/** Settings of `memoryLinkPair`. */
export interface MemoryLinkOptions {
  /** Largest IP packet in bytes. Default 1500. */
  mtu?: number;
  /** Default: the host's clock. */
  clock?: Clock;
  /** Propagation delay of each direction in milliseconds. Default 0: delivered in the next turn. */
  delayMs?: number;
  /** Packets that each direction holds before it asks the sender to wait. Default 1024. */
  queuePackets?: number;
  /** Bytes that each direction holds before it asks the sender to wait. Default 16 MiB. */
  queueBytes?: number;
  /**
   * What both ends promise to spare their stacks. Default: nothing. Memory does not damage packets, so
   * `{transmitChecksum: true, receiveChecksum: true}` is safe here; segmentation is not offered.
   */
  offload?: LinkOffload;
  /** Default `ip`. */
  medium?: 'ip' | 'ethernet';
  /** Names of the two ends. Default `mem0` and `mem1`. */
  names?: readonly [string, string];
  /** Numbering of the packets, shared by both ends: a packet has one number on both. Default: a new one. */
  packetIds?: PacketIds;
}

/**
 * Makes two links; what one sends the other receives, in order, at `flush` plus `delayMs`, by a call that `clock`
 * schedules and never from within `send` or `flush`. Packets are copied, so buffers may be reused after `flush`.
 * A full direction refuses packets (`send` returns false) and calls `writable()` when half of it is free again.
 * Packets still under way when either end closes are dropped and counted by their sender.
 * @throws RangeError (`ERR_OUT_OF_RANGE`) for a size or delay that makes no sense
 */
export function memoryLinkPair(options: MemoryLinkOptions = {}): [MemoryLink, MemoryLink] {
  checkRange('mtu', options.mtu ?? 1500, 68, 65_535);
  checkRange('delayMs', options.delayMs ?? 0, 0, Number.MAX_SAFE_INTEGER);
  checkRange('queuePackets', options.queuePackets ?? 1024, 1, 1 << 20);
  checkRange('queueBytes', options.queueBytes ?? DEFAULT_QUEUE_BYTES, 1, 1 << 30);
  if ((options.offload?.maxSegmentationBytes ?? 0) !== 0) {
    throw outOfRange('offload.maxSegmentationBytes must be 0: a memory link does not cut segments.');
  }
  const shared = { clock: new SystemClock(), packetIds: new PacketIds(), ...options };
  const names = options.names ?? ['mem0', 'mem1'];
  const a = new MemoryLink(names[0], shared);
  const b = new MemoryLink(names[1], shared);
  a.join(b);
  b.join(a);
  return [a, b];
}

/** One end of `memoryLinkPair`. */
export class MemoryLink implements Link {
  readonly medium: 'ip' | 'ethernet';
  readonly mtu: number;
  readonly offload: LinkOffload;
  readonly packetIds: PacketIds;
  readonly stats = newLinkStats();
  private readonly clock: Clock;
  private readonly delayMs: number;
  private peer: MemoryLink | null = null;
  private receiver: LinkReceiver | null = null;
  private closed = false;
  private refused = false;
  private referenced = true;
  /** What this end sent and the other has not received. The newest `unflushed` packets wait for `flush`. */
  private readonly ring: PacketRing;
  private unflushed = 0;
  private delivery: ScheduledCall | null = null;
  private delivering = false;
  private readonly offsets = new Int32Array(BATCH_PACKETS);
  private readonly lengths = new Int32Array(BATCH_PACKETS);
  private readonly ids = new Float64Array(BATCH_PACKETS);

  /** Use `memoryLinkPair`. */
  constructor(
    readonly name: string,
    options: MemoryLinkOptions & { clock: Clock; packetIds: PacketIds },
  ) {
    this.medium = options.medium ?? 'ip';
    this.mtu = options.mtu ?? 1500;
    this.offload = options.offload ?? NO_OFFLOAD;
    this.packetIds = options.packetIds;
    this.clock = options.clock;
    this.delayMs = options.delayMs ?? 0;
    this.ring = new PacketRing(options.queuePackets ?? 1024, options.queueBytes ?? DEFAULT_QUEUE_BYTES);
  }

  /** Packets sent by this end that the other has not received yet. */
  get pending(): number {
    return this.ring.count;
  }

  get writable(): boolean {
    return !this.closed && !this.refused;
  }

  /** Names the other end. Called once, by `memoryLinkPair`. */
  join(peer: MemoryLink): void {
    this.peer = peer;
  }

  start(receiver: LinkReceiver): void {
    this.receiver = receiver;
    // What the peer sent before anybody listened here is still in its queue.
    this.peer!.arm();
  }

  send(
    packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
  ): boolean {
    const length = headerLength + (payload === null ? 0 : payload.total);
    if (this.closed || this.peer!.closed) {
      this.stats.dropped++;
      return true;
    }
    if (this.refused || !this.ring.fits(length)) {
      this.refused = true;
      return false;
    }
    this.ring.push(packetId, Number.POSITIVE_INFINITY, header, headerOffset, headerLength, payload);
    this.unflushed++;
    this.stats.packetsOut++;
    this.stats.bytesOut += length;
    return true;
  }

  flush(): void {
    if (this.unflushed === 0) return;
    this.ring.setDueOfNewest(this.unflushed, this.clock.now() + this.delayMs);
    this.unflushed = 0;
    this.arm();
  }

  ref(): void {
    this.referenced = true;
    this.delivery?.ref();
  }

  unref(): void {
    this.referenced = false;
    this.delivery?.unref();
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.receiver = null;
    this.discard();
    this.peer!.discard();
  }

  private discard(): void {
    this.delivery?.cancel();
    this.delivery = null;
    this.stats.dropped += this.ring.count;
    this.ring.clear();
    this.unflushed = 0;
    if (!this.refused) return;
    this.refused = false;
    if (!this.closed) this.clock.schedule(this.clock.now(), () => this.receiver?.writable());
  }

  private arm(): void {
    if (this.delivery !== null || this.delivering || this.closed) return;
    const at = this.ring.nextDue();
    if (at === Number.POSITIVE_INFINITY || this.peer!.receiver === null) return;
    this.delivery = this.clock.schedule(at, () => this.deliver());
    if (!this.referenced) this.delivery.unref();
  }

  /** Hands over what is due now; what is sent meanwhile waits for its own call. */
  private deliver(): void {
    this.delivery = null;
    this.delivering = true;
    const now = this.clock.now();
    let left = this.ring.count - this.unflushed;
    while (left > 0) {
      const n = Math.min(left, this.ring.peek(now, this.offsets, this.lengths, this.ids));
      const receiver = this.peer!.receiver;
      if (n === 0 || receiver === null) break;
      this.handOver(receiver, n);
      left -= n;
    }
    this.delivering = false;
    if (this.closed) return;
    this.arm();
    this.announceWritable();
  }

  private handOver(receiver: LinkReceiver, n: number): void {
    const { ring, offsets, lengths, ids } = this;
    const batch: PacketBatch = { bytes: ring.bytes, view: ring.view, count: n, offsets, lengths, ids };
    const stats = this.peer!.stats;
    stats.packetsIn += n;
    for (let i = 0; i < n; i++) stats.bytesIn += lengths[i]!;
    receiver.receive(batch);
    // A receiver that closes a link empties the ring under our feet.
    if (ring.count > 0) ring.shift(n);
  }

  private announceWritable(): void {
    if (!this.refused) return;
    const { ring } = this;
    if (ring.count * 2 > ring.maxPackets || ring.queuedBytes * 2 > ring.maxBytes) return;
    this.refused = false;
    this.receiver?.writable();
  }
}

function checkRange(name: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  throw outOfRange(`memoryLinkPair: ${name} is ${value}; give a number from ${least} to ${most}.`);
}

function outOfRange(message: string): RangeError {
  return Object.assign(new RangeError(message), { code: 'ERR_OUT_OF_RANGE' });
}
