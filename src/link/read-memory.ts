// What a port reads packets into: memory of its own, written over and over, and, as soon as large packets come, slabs of which
// receivers may keep parts.
import { CONTROL_BEGIN, PACKET_ALIGNMENT, PACKET_ROOM } from '../native/binding.js';
import type { PacketBatch } from '../stack/link.js';

/** Holds a full batch at MTU 1500, and 31 of the largest packets. */
const OWN_BYTES = 32 * PACKET_ROOM;
/**
 * Few of the largest packets: what is kept of one pins no more than that. But of several connections each gets one turn of JavaScript
 * and one acknowledgment for what a slab holds of it, and over ten a slab of half that size took a fifth of the speed.
 */
export const SLAB_BYTES = 8 * PACKET_ROOM;
/** With less room than this in a slab, a batch of small packets of which nothing is kept would be one of hardly any. */
const SCANT_BYTES = 2 * PACKET_ROOM;
/** Of shorter packets nobody keeps anything: they do not need slabs. */
const LONG_BYTES = 60_000;

/** A batch whose memory changes. */
export interface ReadBatch extends Omit<PacketBatch, 'bytes' | 'view' | 'keptUpTo' | 'more'> {
  bytes: Uint8Array;
  view: DataView;
  keptUpTo: number;
  more: boolean;
}

/** The memory of one port, and what is known of it. */
export class ReadMemory {
  /** What to begin with. */
  readonly own = new Uint8Array(OWN_BYTES);
  private isKeepable = false;

  /**
   * @param control of the port
   * @param allocate makes a slab; what is in it is of no meaning
   * @param useSlab has the port read into other memory
   */
  constructor(
    private readonly control: Int32Array,
    private readonly allocate: (bytes: number) => Uint8Array,
    private readonly useSlab: (slab: Uint8Array) => void,
  ) {}

  /** Before a batch is delivered. */
  offer(batch: ReadBatch): void {
    batch.keptUpTo = this.isKeepable ? 0 : -1;
  }

  /**
   * After it was delivered: the next one goes behind what was kept of it, or to another slab.
   * @param longest octets of its longest packet
   */
  goOn(batch: ReadBatch, longest: number): void {
    if (!this.isKeepable) {
      if (longest >= LONG_BYTES) this.renew(batch);
      return;
    }
    if (batch.keptUpTo <= 0) {
      if (batch.bytes.length - this.control[CONTROL_BEGIN]! < SCANT_BYTES) this.renew(batch);
      return;
    }
    const begin = (batch.keptUpTo + PACKET_ALIGNMENT - 1) & -PACKET_ALIGNMENT;
    if (batch.bytes.length - begin < PACKET_ROOM) this.renew(batch);
    else this.control[CONTROL_BEGIN] = begin;
  }

  private renew(batch: ReadBatch): void {
    this.isKeepable = true;
    batch.bytes = this.allocate(SLAB_BYTES);
    batch.view = new DataView(batch.bytes.buffer);
    this.control[CONTROL_BEGIN] = 0;
    this.useSlab(batch.bytes);
  }
}
