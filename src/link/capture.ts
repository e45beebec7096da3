// A link that shows every packet crossing another link to a recorder, with the comments that observers attach to it
// in the same turn. Formats and files are the recorder's affair.
import { type Clock, epochNanoseconds, type ScheduledCall } from '../stack/clock.js';
import {
  type Link,
  type LinkOffload,
  type LinkReceiver,
  type LinkStats,
  NO_OFFLOAD,
  type PacketBatch,
  PacketHint,
  type PacketOffload,
} from '../stack/link.js';
import type { PayloadPieces } from '../wire/payload.js';
import { LONGEST_IP_PAYLOAD } from '../wire/tcp.js';
import { LinkWrapper } from './link-wrapper.js';
import { completePacket } from './unfinished-checksum.js';

/** Packets and events that may wait for comments; more are recorded without waiting. */
const MAX_PENDING = 2048;
/** Bytes that may wait for comments. */
const MAX_PENDING_BYTES = 4 * 1024 * 1024;
/** Comments that may come before their packet; beyond it the oldest are given up. */
const MAX_EARLY_ANNOTATIONS = 1024;
/** Recorded packet numbers remembered, to tell a late comment from an early one. */
const MAX_RECORDED_IDS = 4096;

/** A packet as the recorder gets it. Everything is valid during the call only. */
export interface RecordedPacket {
  /** Nanoseconds since the Unix epoch. */
  timeNs: bigint;
  /** From the stack's view. */
  direction: 'in' | 'out';
  packetId: number;
  bytes: Uint8Array;
  offset: number;
  /** Bytes kept, at most the recorder's `snapLength`. */
  length: number;
  originalLength: number;
  comments: readonly string[];
}

/** Takes what crosses a link. It must not throw and must not block. */
export interface PacketRecorder {
  /** Longest part of a packet worth keeping, in bytes. */
  readonly snapLength: number;
  /** True while it would keep nothing: what crosses meanwhile is not even copied. Default false. */
  readonly isIdle?: boolean;
  packet(packet: RecordedPacket): void;
  /** An event that has no packet: capital names to text. */
  event(timeNs: bigint, fields: Readonly<Record<string, string>>): void;
  /** No more will come. */
  close(): Promise<void>;
}

/** Counters of a capture. */
export interface CaptureStats {
  packets: number;
  /** Comments that came when their packet was recorded already, or never got one. */
  lateAnnotations: number;
}

/** Settings of `captureLink`. */
export interface CaptureOptions {
  clock: Clock;
}

/**
 * Wraps `link`: received packets are recorded before the stack sees them, sent ones when the link has taken them.
 * A packet waits for annotations until the turn ends: at `flush`, at the next received batch, at the clock's next
 * opportunity or at `close`, whichever is first. `close` closes the link, then the recorder.
 *
 * Over a link with offload packets are recorded as they cross it, of many segments joined where that is so, and with the
 * checksums that the other side of the link completes or leaves out.
 */
export function captureLink(link: Link, recorder: PacketRecorder, options: CaptureOptions): CaptureLink {
  return new CaptureLink(link, recorder, options.clock);
}

interface PendingPacket {
  readonly kind: 'packet';
  readonly timeNs: bigint;
  readonly direction: 'in' | 'out';
  readonly packetId: number;
  readonly bytes: Uint8Array;
  readonly originalLength: number;
  comments: string[];
}

interface PendingEvent {
  readonly kind: 'event';
  readonly timeNs: bigint;
  readonly fields: Readonly<Record<string, string>>;
}

const NO_COMMENTS: string[] = [];

/** The link made by `captureLink`. */
export class CaptureLink extends LinkWrapper implements Link {
  readonly captureStats: CaptureStats = { packets: 0, lateAnnotations: 0 };
  private receiver: LinkReceiver | null = null;
  private pending: (PendingPacket | PendingEvent)[] = [];
  private pendingBytes = 0;
  /** Place in `pending` of each packet. A number seen twice (a duplicate) means its latest appearance. */
  private readonly places = new Map<number, PendingPacket>();
  /** Comments for packets that have a number but have not crossed yet. */
  private readonly early = new Map<number, string[]>();
  private earlyCount = 0;
  private readonly recordedIds = new Set<number>();
  private drainCall: ScheduledCall | null = null;
  /** Packets wait that the stack has sent to itself and not taken in. */
  private awaitsArrival = false;
  private closing: Promise<void> | null = null;
  private innerOffload: LinkOffload = NO_OFFLOAD;
  private ownOffload: LinkOffload = NO_OFFLOAD;

  /** What is recorded must be able to tell its length. */
  private noteOffload(offload: LinkOffload): void {
    this.innerOffload = offload;
    const isLong = offload.maxSegmentationBytes > LONGEST_IP_PAYLOAD;
    this.ownOffload = isLong ? { ...offload, maxSegmentationBytes: LONGEST_IP_PAYLOAD } : offload;
  }

  /** Use `captureLink`. */
  constructor(
    inner: Link,
    private readonly recorder: PacketRecorder,
    private readonly clock: Clock,
  ) {
    super(inner);
  }

  get offload(): LinkOffload {
    if (this.inner.offload !== this.innerOffload) this.noteOffload(this.inner.offload);
    return this.ownOffload;
  }
  get stats(): LinkStats {
    return this.inner.stats;
  }
  get writable(): boolean {
    return this.inner.writable;
  }

  /**
   * Attaches a comment to a packet of this turn, or to one that has taken its number and is about to be sent.
   * A packet may get several. Too late, it is dropped and counted.
   */
  annotate(packetId: number, text: string): void {
    if (this.recorder.isIdle === true) return;
    const packet = this.places.get(packetId);
    if (packet !== undefined) {
      if (packet.comments === NO_COMMENTS) packet.comments = [text];
      else packet.comments.push(text);
      return;
    }
    if (this.recordedIds.has(packetId) || this.closing !== null) {
      this.captureStats.lateAnnotations++;
      return;
    }
    if (this.earlyCount >= MAX_EARLY_ANNOTATIONS) this.giveUpOldestEarly();
    const comments = this.early.get(packetId);
    if (comments === undefined) this.early.set(packetId, [text]);
    else comments.push(text);
    this.earlyCount++;
  }

  /** Records an event that has no packet, in its place among the packets. */
  event(fields: Readonly<Record<string, string>>): void {
    if (this.closing !== null || this.recorder.isIdle === true) return;
    this.enqueue({ kind: 'event', timeNs: this.timeNs(), fields }, 0);
  }

  /** Ends the wait for annotations: everything seen so far goes to the recorder. */
  drain(): void {
    this.drainCall?.cancel();
    this.drainCall = null;
    this.awaitsArrival = false;
    if (this.pending.length === 0) return;
    const entries = this.pending;
    this.pending = [];
    this.pendingBytes = 0;
    this.places.clear();
    for (const entry of entries) {
      if (entry.kind === 'event') this.recorder.event(entry.timeNs, entry.fields);
      else this.record(entry);
    }
  }

  start(receiver: LinkReceiver): void {
    this.receiver = receiver;
    this.inner.start({
      receive: (batch) => this.receive(batch),
      writable: () => receiver.writable(),
      failed: (error) => {
        this.drain();
        receiver.failed(error);
      },
      notice: (notice) => receiver.notice?.(notice),
    });
  }

  send(
    packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
    offload: PacketOffload | null = null,
  ): boolean {
    if (!this.inner.send(packetId, header, headerOffset, headerLength, payload, offload)) return false;
    this.keepSent(packetId, header, headerOffset, headerLength, payload, offload !== null);
    return true;
  }

  /** As on Linux's `lo`, a packet of the stack to itself is seen once; comments on its arrival come in the same turn. */
  looped(
    packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
  ): void {
    this.keepSent(packetId, header, headerOffset, headerLength, payload, false);
    this.awaitsArrival = true;
  }

  private keepSent(
    packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
    isUnfinished: boolean,
  ): void {
    if (this.recorder.isIdle === true) return;
    const length = headerLength + (payload === null ? 0 : payload.total);
    let bytes = new Uint8Array(length);
    bytes.set(header.subarray(headerOffset, headerOffset + headerLength));
    payload?.copyTo(bytes, headerLength);
    if (isUnfinished) this.complete(bytes);
    if (length > this.recorder.snapLength) bytes = bytes.slice(0, this.recorder.snapLength);
    this.remember('out', this.timeNs(), packetId, bytes, length);
  }

  flush(): void {
    this.inner.flush();
    if (!this.awaitsArrival) this.drain();
  }

  /** Resolves when the link is closed and the recorder has everything; rejects when either failed. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    try {
      await this.inner.close();
    } finally {
      this.drain();
      this.captureStats.lateAnnotations += this.earlyCount;
      this.early.clear();
      await this.recorder.close();
    }
  }

  private receive(batch: PacketBatch): void {
    if (this.recorder.isIdle !== true) this.keep(batch);
    this.receiver!.receive(batch);
  }

  private keep(batch: PacketBatch): void {
    this.drain();
    const timeNs = this.timeNs();
    for (let i = 0; i < batch.count; i++) {
      const offset = batch.offsets[i]!;
      const length = batch.lengths[i]!;
      const isUnfinished = ((batch.hints?.[i] ?? 0) & PacketHint.UNFINISHED) !== 0;
      const kept = Math.min(length, this.recorder.snapLength);
      let bytes = batch.bytes.slice(offset, offset + (isUnfinished ? length : kept));
      if (isUnfinished) this.complete(bytes);
      if (bytes.length > kept) bytes = bytes.slice(0, kept);
      this.remember('in', timeNs, batch.ids[i]!, bytes, length);
    }
  }

  private complete(bytes: Uint8Array<ArrayBuffer>): void {
    completePacket(bytes, new DataView(bytes.buffer), 0, bytes.length, this.medium);
  }

  private remember(
    direction: 'in' | 'out',
    timeNs: bigint,
    packetId: number,
    bytes: Uint8Array,
    originalLength: number,
  ): void {
    this.captureStats.packets++;
    let comments = NO_COMMENTS;
    const early = this.early.get(packetId);
    if (early !== undefined) {
      this.early.delete(packetId);
      this.earlyCount -= early.length;
      comments = early;
    }
    const packet: PendingPacket = {
      kind: 'packet',
      timeNs,
      direction,
      packetId,
      bytes,
      originalLength,
      comments,
    };
    this.enqueue(packet, bytes.length);
    this.places.set(packetId, packet);
  }

  private enqueue(entry: PendingPacket | PendingEvent, length: number): void {
    if (this.pending.length >= MAX_PENDING || this.pendingBytes + length > MAX_PENDING_BYTES) this.drain();
    this.pending.push(entry);
    this.pendingBytes += length;
    // Should the stack have nothing to flush, the packet still reaches the recorder in this turn of the clock.
    this.drainCall ??= this.scheduleDrain();
  }

  private scheduleDrain(): ScheduledCall {
    const call = this.clock.schedule(this.clock.now(), () => {
      this.drainCall = null;
      this.drain();
    });
    call.unref();
    return call;
  }

  private record(packet: PendingPacket): void {
    if (this.recordedIds.size >= MAX_RECORDED_IDS) {
      for (const oldest of this.recordedIds) {
        this.recordedIds.delete(oldest);
        break;
      }
    }
    this.recordedIds.add(packet.packetId);
    const { timeNs, direction, packetId, bytes, originalLength, comments } = packet;
    this.recorder.packet({
      timeNs,
      direction,
      packetId,
      bytes,
      offset: 0,
      length: bytes.length,
      originalLength,
      comments,
    });
  }

  private giveUpOldestEarly(): void {
    for (const [packetId, comments] of this.early) {
      this.early.delete(packetId);
      this.earlyCount -= comments.length;
      this.captureStats.lateAnnotations += comments.length;
      return;
    }
  }

  private timeNs(): bigint {
    return epochNanoseconds(this.clock.epochMs, this.clock.now());
  }
}
