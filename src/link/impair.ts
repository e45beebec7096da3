// A link that does to the packets of another link what networks do to packets: by chance, from a seed, or by script.
// What a packet's fate can be is said in impair-options.ts and impair-rules.ts; here it is carried out.
import type { Clock, ScheduledCall } from '../stack/clock.js';
import { type Link, type LinkReceiver, NO_OFFLOAD, newLinkStats, type PacketBatch } from '../stack/link.js';
import type { PayloadPieces } from '../wire/payload.js';
import { BatchView, Scratch } from './impair-buffers.js';
import { Judge } from './impair-judge.js';
import {
  type ActName,
  DEFAULT_MAX_STORED_BYTES,
  DEFAULT_MAX_STORED_PACKETS,
  type ImpairOptions,
} from './impair-options.js';
import type { StoredPacket } from './impair-queue.js';
import { ActLog } from './impair-report.js';
import type { Rule } from './impair-rules.js';
import type { InjectedSegment } from './impair-segment.js';
import { PacketStore } from './impair-store.js';
import { LinkWrapper } from './link-wrapper.js';

/** Packets kept for later that are handed to the stack in one `receive`, at most. */
const STORED_BATCH_PACKETS = 256;

/**
 * Wraps `link`. Everything the stack sends and receives through the result meets the faults that `options` ask for;
 * without any it passes unchanged, in the same turn. A packet keeps its number whatever happens to it, its copies have
 * the same one, and injected packets get new ones. Packets that are not passed on at once are copied.
 *
 * Segmentation and checksums must be done by the stack, because a fault is one of a packet as it is on the wire: the
 * result offers no offload, and a link that has any must decline it.
 * @throws Error (`ERR_SYNWAVE_LINK_OFFLOAD`) when `link` offloads and cannot decline; RangeError (`ERR_OUT_OF_RANGE`) for a setting;
 * RuleError (`ERR_SYNWAVE_RULE`) for a rule
 */
export function impair(link: Link, options: ImpairOptions): ImpairedLink {
  declineOffload(link);
  return new ImpairedLink(link, options);
}

/**
 * Has a link give and take packets as they are on a wire.
 * @throws Error (`ERR_SYNWAVE_LINK_OFFLOAD`) when it offloads and cannot decline
 */
export function declineOffload(link: Link): void {
  link.declineOffload?.();
  const { transmitChecksum, receiveChecksum, maxSegmentationBytes } = link.offload;
  if (!transmitChecksum && !receiveChecksum && maxSegmentationBytes === 0) return;
  const message = `link ${link.name} offloads checksums or segmentation; open it with offload off to impair it.`;
  throw Object.assign(new Error(message), { code: 'ERR_SYNWAVE_LINK_OFFLOAD' });
}

/** The link made by `impair`. */
export class ImpairedLink extends LinkWrapper implements Link {
  readonly offload = NO_OFFLOAD;
  /** Packets that reached the stack and the inner link; `dropped` counts all that were lost here. */
  readonly stats = newLinkStats();
  private readonly clock: Clock;
  private readonly log: ActLog;
  private readonly store: PacketStore;
  private readonly judge: Judge;
  /** Outgoing packets whose time has come while the inner link was full. */
  private waiting: StoredPacket[] = [];
  private receiver: LinkReceiver | null = null;
  private refused = false;
  private closed = false;
  private referenced = true;
  private wake: ScheduledCall | null = null;
  private wakeAt = Number.POSITIVE_INFINITY;
  private readonly scratch = new Scratch();
  private readonly batch = new BatchView();

  /** Use `impair`. */
  constructor(inner: Link, options: ImpairOptions) {
    super(inner);
    this.clock = options.clock;
    this.log = new ActLog(options.clock, this.stats, options.onAct);
    this.store = new PacketStore(
      options.maxStoredPackets ?? DEFAULT_MAX_STORED_PACKETS,
      options.maxStoredBytes ?? DEFAULT_MAX_STORED_BYTES,
    );
    this.judge = new Judge(inner.medium, inner.packetIds, this.store, this.log, options);
  }

  get writable(): boolean {
    return !this.closed && this.waiting.length === 0 && this.inner.writable;
  }
  /** Packets kept for later: delayed, held, set aside, or waiting for the inner link. */
  get stored(): number {
    return this.store.count;
  }
  /** How often each act was done. */
  get acts(): Readonly<Record<ActName, number>> {
    return this.log.acts;
  }

  /**
   * Adds a rule behind the others. A `hold` whose name was released before holds again.
   * @returns takes the rule away; packets that it holds stay held
   * @throws RuleError (`ERR_SYNWAVE_RULE`)
   */
  addRule(rule: Rule | string): () => void {
    return this.judge.addRule(rule);
  }

  /** Packets held under that name. */
  heldCount(name: string): number {
    return this.store.heldCount(name);
  }

  /**
   * Lets held packets go, oldest first, in the clock's next call.
   * @param count how many; the default lets all go and ends the rules that hold under that name
   * @returns how many went
   */
  release(name: string, count = Number.POSITIVE_INFINITY): number {
    const released = this.judge.release(name, count);
    this.arm();
    return released;
  }

  /**
   * Makes a segment appear, in the clock's next call or `delayMs` later. It meets no rule and no chance.
   * @returns its packet number
   * @throws RuleError (`ERR_SYNWAVE_RULE`) when the description is incomplete; Error (`ERR_SYNWAVE_LINK_CLOSED`)
   */
  inject(segment: InjectedSegment): number {
    if (this.closed) {
      throw Object.assign(new Error(`link ${this.name} is closed; inject before close().`), {
        code: 'ERR_SYNWAVE_LINK_CLOSED',
      });
    }
    const packetId = this.judge.inject(segment);
    this.arm();
    return packetId;
  }

  start(receiver: LinkReceiver): void {
    this.receiver = receiver;
    this.inner.start({
      receive: (batch) => this.receive(batch),
      writable: () => this.innerWritable(),
      failed: (error) => receiver.failed(error),
      notice: (notice) => receiver.notice?.(notice),
    });
  }

  send(
    packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
  ): boolean {
    if (this.closed) {
      this.stats.dropped++;
      return true;
    }
    // Asked before the packet is judged: what comes again must not be counted or diced twice.
    if (!this.writable) {
      this.refused = true;
      return false;
    }
    const { scratch } = this;
    const length = scratch.gather(header, headerOffset, headerLength, payload);
    const passes = this.judge.judge('out', packetId, scratch.bytes, scratch.view, 0, length);
    this.arm();
    if (!passes) return true;
    if (this.inner.send(packetId, header, headerOffset, headerLength, payload)) {
      this.countOut(length);
    } else {
      this.wait(packetId, scratch.bytes.slice(0, length));
    }
    return true;
  }

  flush(): void {
    this.inner.flush();
  }

  override ref(): void {
    this.referenced = true;
    this.wake?.ref();
    super.ref();
  }

  override unref(): void {
    this.referenced = false;
    this.wake?.unref();
    super.unref();
  }

  /** Drops and counts what is still kept, and closes the inner link. */
  async close(): Promise<void> {
    if (!this.closed) {
      this.closed = true;
      this.wake?.cancel();
      this.wake = null;
      this.stats.dropped += this.store.clear();
      this.waiting = [];
      this.judge.paths.in.clear();
      this.judge.paths.out.clear();
    }
    await this.inner.close();
  }

  private receive(batch: PacketBatch): void {
    if (this.closed) return;
    const { bytes, view, count, offsets, lengths, ids } = batch;
    this.batch.begin(bytes, view, count);
    for (let i = 0; i < count; i++) {
      if (this.judge.judge('in', ids[i]!, bytes, view, offsets[i]!, lengths[i]!)) {
        this.batch.add(offsets[i]!, lengths[i]!, ids[i]!);
      }
    }
    this.arm();
    this.deliver(this.batch.count === count ? batch : this.batch);
  }

  private deliver(batch: PacketBatch): void {
    if (batch.count === 0) return;
    this.stats.packetsIn += batch.count;
    for (let i = 0; i < batch.count; i++) this.stats.bytesIn += batch.lengths[i]!;
    this.receiver!.receive(batch);
  }

  private arm(): void {
    if (this.closed) return;
    const at = Math.min(this.store.timed.nextAt(), this.judge.nextDeadline());
    if (at === Number.POSITIVE_INFINITY || (this.wake !== null && this.wakeAt <= at)) return;
    this.wake?.cancel();
    this.wakeAt = at;
    this.wake = this.clock.schedule(at, () => this.run());
    if (!this.referenced) this.wake.unref();
  }

  /** Sends on what is due. What becomes due meanwhile waits for its own call. */
  private run(): void {
    this.wake = null;
    const now = this.clock.now();
    this.judge.resumeExpired(now);
    const { timed } = this.store;
    const incoming: StoredPacket[] = [];
    for (let packet = timed.take(now); packet !== null; packet = timed.take(now)) {
      if (packet.dir === 'in') incoming.push(packet);
      else this.waiting.push(packet);
    }
    this.sendWaiting();
    this.deliverStored(incoming);
    this.arm();
  }

  private deliverStored(packets: readonly StoredPacket[]): void {
    if (packets.length === 0 || this.receiver === null) return;
    for (const packet of packets) this.store.forget(packet);
    for (let i = 0; i < packets.length && !this.closed; i += STORED_BATCH_PACKETS) {
      const batch = new BatchView();
      batch.gather(packets.slice(i, i + STORED_BATCH_PACKETS));
      this.deliver(batch);
    }
  }

  /** The inner link refused although it had said it was writable; the packet has met its fate and must not be lost. */
  private wait(packetId: number, bytes: Uint8Array): void {
    const packet = this.store.keep('out', packetId, bytes);
    if (packet === null) this.log.report('drop', 'out', packetId, 0, 'limit', bytes);
    else this.waiting.push(packet);
  }

  private sendWaiting(): void {
    let sent = 0;
    for (const { packetId, bytes } of this.waiting) {
      if (!this.inner.writable || !this.inner.send(packetId, bytes, 0, bytes.length, null)) break;
      this.countOut(bytes.length);
      sent++;
    }
    if (sent === 0) return;
    for (const packet of this.waiting.splice(0, sent)) this.store.forget(packet);
    this.inner.flush();
  }

  private innerWritable(): void {
    this.sendWaiting();
    if (!this.refused || !this.writable) return;
    this.refused = false;
    this.receiver!.writable();
  }

  private countOut(length: number): void {
    this.stats.packetsOut++;
    this.stats.bytesOut += length;
  }
}
