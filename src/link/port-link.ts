// A link over a port of the addon, whatever its descriptor belongs to: delivery of batches, the flow of sends, and the end.
// Opening and what only one kind of descriptor has is done by its subclasses.
import { constants } from 'node:os';
import {
  CONTROL_BYTES,
  CONTROL_DROPPED,
  CONTROL_ERROR,
  CONTROL_JOIN,
  CONTROL_WORDS,
  CONTROL_WRITTEN,
  EVENT_FAILED,
  EVENT_PACKETS,
  EVENT_WRITABLE,
  JOIN_BEYOND_IP,
  JOIN_NOTHING,
  JOIN_WITHIN_IP,
  type PacketPort,
  type PortMemory,
} from '../native/binding.js';
import { ReceiveMemory } from '../native/receive-memory.js';
import { TransmitQueue } from '../native/transmit-queue.js';
import {
  type Link,
  type LinkOffload,
  type LinkReceiver,
  type LinkStats,
  NO_OFFLOAD,
  newLinkStats,
  type PacketBatch,
  type PacketIds,
  type PacketOffload,
} from '../stack/link.js';
import type { PayloadPieces } from '../wire/payload.js';
import { LONGEST_IP_PAYLOAD } from '../wire/tcp.js';
import { LastingBlocks } from './lasting-blocks.js';
import { type ReadBatch, ReadMemory, SLAB_BYTES } from './read-memory.js';

/** Packets of one batch; then other handles of the event loop get their turn. */
const BATCH_PACKETS = 256;
/** So many batches of at least so many bytes are one to the receiver. */
const MOST_BATCHES = 4;
const MUCH_BYTES = SLAB_BYTES / 2;
/** After a write for which the kernel had no memory: it does not tell when it has some. */
const RETRY_MS = 1;

/** How long a port looks for more packets after a batch before it sleeps, in microseconds. */
export const BUSY_POLL_US = 50;

/**
 * What is done for packets with virtio-net headers, by the kernel or by the addon. Whether a received packet was verified is
 * told of each.
 */
export const VNET_OFFLOAD: LinkOffload = {
  transmitChecksum: true,
  receiveChecksum: false,
  maxSegmentationBytes: LONGEST_IP_PAYLOAD,
};

/**
 * The same where the kernel cuts the segments: what is longer than an IP packet can tell the addon hands to it in parts, or in one
 * piece where it may.
 */
export const LONG_OFFLOAD: LinkOffload = { ...VNET_OFFLOAD, maxSegmentationBytes: 4 * LONGEST_IP_PAYLOAD };

/** The link. `Link` says what its members do. */
export abstract class PortLink implements Link {
  abstract readonly name: string;
  abstract readonly mtu: number;
  abstract readonly offload: LinkOffload;
  /** Opened by the subclass, with `memory`. */
  protected abstract readonly port: PacketPort;
  protected readonly memory: PortMemory;
  protected readonly queue: TransmitQueue;
  readonly blocks: LastingBlocks;
  protected readonly counters = newLinkStats();
  protected receiver: LinkReceiver | null = null;
  private readonly received = new ReceiveMemory();
  private readonly control = new Int32Array(CONTROL_WORDS);
  private readonly slabs = new ReadMemory(
    this.control,
    (bytes) => this.received.allocate(bytes),
    (slab) => this.port.useSlab(slab),
  );
  private readonly batch: ReadBatch;
  /** The kernel did not take everything; the rest waits in `queue` until there may be room. */
  private draining = false;
  private retry: NodeJS.Timeout | null = null;
  private hasEnded = false;
  private closing: Promise<void> | null = null;

  constructor(
    readonly medium: 'ip' | 'ethernet',
    readonly packetIds: PacketIds,
  ) {
    const slab = this.slabs.own;
    const table = new Int32Array(3 * BATCH_PACKETS);
    this.batch = {
      bytes: slab,
      view: new DataView(slab.buffer),
      count: 0,
      offsets: table.subarray(0, BATCH_PACKETS),
      lengths: table.subarray(BATCH_PACKETS, 2 * BATCH_PACKETS),
      hints: table.subarray(2 * BATCH_PACKETS),
      ids: new Float64Array(BATCH_PACKETS),
      keptUpTo: -1,
      more: false,
    };
    this.blocks = new LastingBlocks(this.control, (memory) => this.usePayload(memory));
    this.queue = new TransmitQueue(this.control, this.blocks);
    this.memory = {
      slab,
      table,
      arena: this.queue.arena,
      descriptors: this.queue.descriptors,
      control: this.control,
      onEvent: (event, value) => this.onEvent(event, value),
    };
  }

  get stats(): LinkStats {
    return this.counters;
  }

  get writable(): boolean {
    return !this.draining && !this.hasEnded;
  }

  start(receiver: LinkReceiver): void {
    this.receiver = receiver;
    // Whoever wants packets as they are on a wire has no offload.
    const most = receiver.takesLong === true ? JOIN_BEYOND_IP : JOIN_WITHIN_IP;
    this.control[CONTROL_JOIN] = this.offload === NO_OFFLOAD ? JOIN_NOTHING : most;
    this.port.startReading();
  }

  send(
    _packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
    offload: PacketOffload | null = null,
  ): boolean {
    if (!this.writable) return false;
    if (this.queue.push(header, headerOffset, headerLength, payload, offload)) return true;
    this.flush();
    if (!this.writable) return false;
    // What an empty queue cannot hold is larger than any IP packet.
    if (!this.queue.push(header, headerOffset, headerLength, payload, offload)) this.counters.dropped++;
    return true;
  }

  flush(): void {
    if (this.queue.packets === 0 || this.draining || this.hasEnded) return;
    this.write();
  }

  pull(): number {
    if (this.hasEnded || this.receiver === null) return 0;
    const count = this.read();
    if (count > 0) this.deliver(count);
    return count;
  }

  allocate(bytes: number): Uint8Array {
    return this.received.allocate(bytes);
  }

  pause(): void {
    this.port.stopReading();
  }

  resume(): void {
    if (this.receiver !== null && !this.hasEnded) this.port.startReading();
  }

  ref(): void {
    this.port.ref();
  }

  unref(): void {
    this.port.unref();
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  /** The error that tells of the end by that errno. */
  protected abstract lost(errno: number): Error;

  /** Has the last look at a batch before it is delivered. */
  protected prepare(_batch: PacketBatch): void {}

  /** What `close` does, once. */
  protected async shutDown(): Promise<void> {
    this.flush();
    this.hasEnded = true;
    if (this.retry !== null) clearTimeout(this.retry);
    this.giveUpQueue();
    this.received.close();
  }

  /** Tells the receiver of the end. */
  protected report(errno: number): void {
    if (this.closing !== null) return;
    this.giveUpQueue();
    this.receiver?.failed(this.lost(errno));
  }

  private usePayload(memory: Uint8Array): boolean {
    return !this.hasEnded && this.port.usePayload?.(memory) === true;
  }

  private giveUpQueue(): void {
    this.counters.dropped += this.queue.packets;
    this.queue.clear();
  }

  private onEvent(event: number, value: number): void {
    if (event === EVENT_PACKETS) this.deliver(value);
    else if (event === EVENT_WRITABLE) this.onWritable();
    else if (event === EVENT_FAILED) this.fail(value);
  }

  /** Reads what waits; the number of packets. */
  private read(): number {
    const count = this.port.pull();
    const errno = this.control[CONTROL_ERROR]!;
    if (errno !== 0) this.failLater(errno);
    return count;
  }

  /** Of much that waits several batches are one to the receiver, which tells and acknowledges all that is in them at once. */
  private deliver(count: number): void {
    for (let batches = 1; this.deliverBatch(count, batches < MOST_BATCHES); batches++) {
      count = this.hasEnded ? 0 : this.read();
      if (count > 0) continue;
      this.receiver!.caughtUp!();
      return;
    }
  }

  /** Returns whether the receiver waits for more. */
  private deliverBatch(count: number, mayAnnounce: boolean): boolean {
    const { batch, receiver } = this;
    const { lengths, ids } = batch;
    let bytes = 0;
    let longest = 0;
    for (let i = 0; i < count; i++) {
      ids[i] = this.packetIds.next();
      bytes += lengths[i]!;
      longest = Math.max(longest, lengths[i]!);
    }
    batch.count = count;
    batch.more = mayAnnounce && bytes >= MUCH_BYTES && receiver!.caughtUp !== undefined;
    this.prepare(batch);
    this.counters.packetsIn += count;
    this.counters.bytesIn += bytes;
    this.slabs.offer(batch);
    receiver!.receive(batch);
    this.slabs.goOn(batch, longest);
    return batch.more;
  }

  /** Hands the queue to the kernel, and keeps copies of what it has no room for. */
  private write(): void {
    const { queue, counters } = this;
    const queued = queue.packets;
    const taken = this.port.flush(queued, queue.buffers);
    const dropped = this.control[CONTROL_DROPPED]!;
    const errno = this.control[CONTROL_ERROR]!;
    counters.packetsOut += this.control[CONTROL_WRITTEN]!;
    counters.bytesOut += this.control[CONTROL_BYTES]!;
    counters.dropped += dropped;
    this.draining = errno === constants.errno.EAGAIN || errno === constants.errno.ENOBUFS;
    if (errno === constants.errno.ENOBUFS) this.retry = setTimeout(() => this.onWritable(), RETRY_MS);
    if (this.draining) {
      queue.keepAfter(taken);
    } else {
      counters.dropped += queued - taken;
      queue.clear();
      if (errno !== 0) this.failLater(errno);
    }
  }

  private onWritable(): void {
    if (this.hasEnded) return;
    this.draining = false;
    this.flush();
    if (!this.writable) return;
    this.receiver?.writable();
  }

  /** For errors met inside a call of the receiver, which does not expect to be called back there. */
  private failLater(errno: number): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.port.stopReading();
    setImmediate(() => this.report(errno));
  }

  private fail(errno: number): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.report(errno);
  }
}
