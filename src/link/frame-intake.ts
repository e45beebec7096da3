// Takes in the frames that libpcap delivers one by one: copies them, makes batches, and keeps a flood of them from taking
// the event loop for itself. The package reads until its ring is empty, which may be never: see native-notes/pcap.md.
import { offloadRemedy } from '../native/host-interface.js';
import type { LinkReceiver, LinkStats, PacketBatch, PacketIds } from '../stack/link.js';
import { completePacket } from './unfinished-checksum.js';

const BATCH_PACKETS = 256;
/** Holds a full batch at MTU 1500, and 32 of the largest frames. */
const SLAB_BYTES = 32 * 65_536;
/** Frames begin at multiples of this, as those of the native binding. */
const ALIGNMENT = 64;

/**
 * So long frames are delivered while they come without a pause. From then on they are kept: a peer that gets no
 * acknowledgment falls silent within a window, the ring becomes empty, and timers and other handles get their turn.
 */
const BURST_MS = 50;
/** Batches kept in that case; what comes beyond them is dropped. */
const MAX_KEPT = 8;
/** Who does not fall silent within that time does not mind losses. */
const GIVE_UP_MS = 250;

class FrameBatch implements PacketBatch {
  // No Buffer: its `slice` would give those who copy out of a batch a view of memory that is reused.
  readonly bytes = new Uint8Array(SLAB_BYTES);
  readonly view = new DataView(this.bytes.buffer);
  readonly offsets = new Int32Array(BATCH_PACKETS);
  readonly lengths = new Int32Array(BATCH_PACKETS);
  readonly ids = new Float64Array(BATCH_PACKETS);
  count = 0;
  private used = 0;

  /** Where the frame was put, or -1 when there is no room for it. */
  add(frame: Buffer, length: number, ids: PacketIds): number {
    const at = this.used;
    if (this.count === BATCH_PACKETS || at + length > SLAB_BYTES) return -1;
    frame.copy(this.bytes, at, 0, length);
    this.offsets[this.count] = at;
    this.lengths[this.count] = length;
    this.ids[this.count++] = ids.next();
    this.used = (at + length + ALIGNMENT - 1) & -ALIGNMENT;
    return at;
  }

  empty(): void {
    this.count = 0;
    this.used = 0;
  }
}

/** What is done with the frames that come. */
export class FrameIntake {
  /** Frames whose checksum was completed. */
  unfinished = 0;
  /** Frames that did not fit into what libpcap keeps of one. */
  cut = 0;
  private filling = new FrameBatch();
  private readonly kept: FrameBatch[] = [];
  private receiver: LinkReceiver | null = null;
  private name = '';
  /** The end of the present run of frames; it comes when the ring has been empty. */
  private pause: NodeJS.Immediate | null = null;
  private runBegan = 0;

  /**
   * @param incoming where each frame is while it is taken
   * @param overrun asked to give up what waits in the ring
   * @param now milliseconds
   */
  constructor(
    private readonly incoming: Buffer,
    private readonly ids: PacketIds,
    private readonly stats: LinkStats,
    private readonly overrun: () => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Frames are taken from now on. */
  start(receiver: LinkReceiver, name: string): void {
    this.receiver = receiver;
    this.name = name;
  }

  /** No more is delivered. */
  stop(): void {
    this.receiver = null;
    if (this.pause !== null) clearImmediate(this.pause);
    this.pause = null;
    this.kept.length = 0;
    this.filling.empty();
  }

  /** Takes the frame in `incoming`. */
  take(length: number, truncated: boolean): void {
    if (this.receiver === null) return;
    // The package says what its buffer could not hold, and not what libpcap did not keep.
    if (truncated || length >= this.incoming.length) {
      this.cut++;
      this.stats.dropped++;
      return;
    }
    this.beginRun();
    let at = this.filling.add(this.incoming, length, this.ids);
    if (at < 0) {
      if (!this.makeRoom()) {
        this.stats.dropped++;
        return;
      }
      at = this.filling.add(this.incoming, length, this.ids);
    }
    this.complete(at, length);
  }

  /** It comes with the event loop, so everybody else had his turn. */
  private endRun(): void {
    this.pause = null;
    this.deliverAll();
  }

  /** Delivers what is kept and what is being filled. */
  deliverAll(): void {
    for (let batch = this.kept.shift(); batch !== undefined; batch = this.kept.shift()) this.deliver(batch);
    this.deliver(this.filling);
    this.filling.empty();
  }

  private beginRun(): void {
    if (this.pause !== null) return;
    this.runBegan = this.now();
    this.pause = setImmediate(() => this.endRun());
  }

  /** The batch is full in the midst of a run. */
  private makeRoom(): boolean {
    const lasted = this.now() - this.runBegan;
    if (lasted < BURST_MS) {
      this.deliver(this.filling);
      this.filling.empty();
      return this.receiver !== null;
    }
    if (lasted > GIVE_UP_MS) {
      this.overrun();
      return false;
    }
    if (this.kept.length >= MAX_KEPT) return false;
    this.kept.push(this.filling);
    this.filling = new FrameBatch();
    return true;
  }

  private deliver(batch: FrameBatch): void {
    if (this.receiver === null || batch.count === 0) return;
    this.stats.packetsIn += batch.count;
    for (let i = 0; i < batch.count; i++) this.stats.bytesIn += batch.lengths[i]!;
    this.receiver.receive(batch);
  }

  /** Finishes a checksum that the sender's kernel left to a device, so that what is received and recorded is sound. */
  private complete(at: number, length: number): void {
    const { bytes, view } = this.filling;
    if (completePacket(bytes, view, at, length, 'ethernet') && this.unfinished++ === 0) this.tell();
  }

  private tell(): void {
    this.receiver?.notice?.({
      code: 'SYNWAVE_UNFINISHED_CHECKSUM',
      message:
        `packets on ${this.name} bear unfinished TCP checksums: their sender is a kernel of this machine that leaves ` +
        "them to a network card. They are completed as they come, unverified. Remedy, at the sender's interface: " +
        offloadRemedy('IFACE'),
    });
  }
}
