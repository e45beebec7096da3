// Packets on their way to the device: headers copied into an arena, payload by reference, described for one native call per
// flush. Knows nothing of devices; what they did not take is copied and kept here.
import type { PayloadPieces } from '../wire/payload.js';
import {
  CONTROL_LONG,
  CONTROL_NUMBER,
  CONTROL_QUEUED,
  MAX_PIECES,
  type NativePortOptions,
  VNET_HEADER_BYTES,
} from './binding.js';
import { type DeviceWork, writeVnetHeader } from './vnet-header.js';

/** Bytes for headers, and for payload that is better copied than referenced. Holds several of the largest packets. */
const ARENA_BYTES = 512 * 1024;
const DESCRIPTOR_WORDS = 16 * 1024;
/** Kept packets need six words each, so that many must always find room. */
const MAX_PACKETS = 2048;

/** Payload up to this many bytes is copied: looking up a buffer across the native border costs more. */
const COPY_BYTES = 512;
/** The longest IP packet that tells of its length. */
const MOST_IP_BYTES = 65_535;

/** Up to about this size a loop beats `set`, which needs a subarray. */
const LOOP_BYTES = 64;

const WORDS_PER_PACKET = 3;
const WORDS_PER_PIECE = 3;

/** Who has to know what of its memory packets refer to. */
export interface PayloadMemory {
  /** A packet refers to it, before which `number` packets were queued, of all time (as int32). */
  noteUse(bytes: Uint8Array, number: number): void;
}

/** The queue and the memory that it shares with the addon. */
export class TransmitQueue {
  readonly arena = new Uint8Array(ARENA_BYTES);
  readonly descriptors = new Int32Array(DESCRIPTOR_WORDS);
  /** Distinct payload buffers, by number. */
  readonly buffers: Uint8Array[] = [];
  /** Packets queued. */
  packets = 0;
  /** Octets of the virtio-net header before each packet: `VNET_HEADER_BYTES` or 0. */
  private vnetBytes = 0;
  private readonly arenaWords = new Int32Array(this.arena.buffer);
  /** IPv4 addresses, as int32, to which packets may go that are longer than IP can tell. */
  private longTo: readonly number[] = [];
  /** The memory of the last header, which is that of all as a rule, and the same in words. */
  private headerBytes: Uint8Array | null = null;
  private headerWords: Int32Array = new Int32Array(0);
  /** Packets that are done with, of all time, as int32: the number of the first one queued. */
  private first = 0;
  /** A multiple of four. */
  private arenaUsed = 0;
  private words = 0;

  /**
   * @param control the control array of the port, where the number of queued packets is shown to it
   * @param memory told of packets that refer to it
   */
  constructor(
    private readonly control: NativePortOptions['control'],
    private readonly memory: PayloadMemory | null = null,
  ) {}

  /** Puts a virtio-net header before every packet, from now on. The queue is empty. */
  useVnetHeaders(): void {
    this.vnetBytes = VNET_HEADER_BYTES;
  }

  /**
   * From now on packets to these IPv4 addresses (as int32) go to the device in one piece, however long, until it refuses: the
   * kernel on its other side owns them. Others are cut into parts by the addon.
   */
  useLongPackets(to: readonly number[]): void {
    this.longTo = to;
    this.control[CONTROL_LONG] = to.length > 0 ? 1 : 0;
  }

  /**
   * Appends a packet.
   * @param work what is left to the device; only with virtio-net headers
   * @returns false when there is no room until the queue is flushed
   */
  push(
    header: Uint8Array,
    offset: number,
    length: number,
    payload: PayloadPieces | null,
    work: DeviceWork | null = null,
  ): boolean {
    const { vnetBytes } = this;
    const total = payload === null ? 0 : payload.total;
    const pieces = payload === null ? 0 : payload.count;
    const copied = total <= COPY_BYTES || pieces > MAX_PIECES;
    const bytes = vnetBytes + (copied ? length + total : length);
    const words = WORDS_PER_PACKET + (copied ? 0 : WORDS_PER_PIECE * pieces);
    if (this.arenaUsed + bytes > ARENA_BYTES || this.words + words > DESCRIPTOR_WORDS) return false;
    if (this.packets >= MAX_PACKETS) return false;

    const at = this.arenaUsed;
    if (vnetBytes > 0) {
      const isLong = length + total > MOST_IP_BYTES && work !== null;
      const mayBeLong = isLong && this.mayBeLong(header, offset, work);
      writeVnetHeader(this.arena, at, header, offset, length, work, mayBeLong);
    }
    this.copyHeader(at + vnetBytes, header, offset, length);
    if (payload !== null && total > 0) {
      if (copied) this.copyPayload(payload, at + vnetBytes + length);
      else this.describePieces(payload);
    }
    const descriptors = this.descriptors;
    descriptors[this.words] = at;
    descriptors[this.words + 1] = bytes;
    descriptors[this.words + 2] = copied ? 0 : pieces;
    this.words += words;
    this.arenaUsed = (at + bytes + 3) & ~3;
    this.control[CONTROL_QUEUED] = ++this.packets;
    return true;
  }

  private mayBeLong(header: Uint8Array, offset: number, { family, transportOffset }: DeviceWork): boolean {
    if (family !== 4 || this.control[CONTROL_LONG] === 0) return false;
    // The last that stands before TCP.
    const at = offset + transportOffset - 4;
    const high = (header[at]! << 24) | (header[at + 1]! << 16);
    return this.longTo.includes(high | (header[at + 2]! << 8) | header[at + 3]!);
  }

  /** Forgets everything, and lets go of the payload. */
  clear(): void {
    this.pass(this.packets);
    this.packets = 0;
    this.arenaUsed = 0;
    this.words = 0;
    if (this.buffers.length > 0) this.buffers.length = 0;
    this.control[CONTROL_QUEUED] = 0;
  }

  /**
   * Drops the first `taken` packets and makes the others independent of the buffers that they refer to, which their
   * owners may reuse from now on.
   */
  keepAfter(taken: number): void {
    const kept: Uint8Array[] = [];
    let total = 0;
    for (let at = 0, i = 0; i < this.packets; i++) {
      if (i >= taken) {
        const packet = this.join(at);
        kept.push(packet);
        total += packet.length;
      }
      at += WORDS_PER_PACKET + WORDS_PER_PIECE * this.descriptors[at + 2]!;
    }
    this.clear();
    this.pass(-kept.length);
    const bytes = new Uint8Array(total);
    this.buffers.push(bytes);
    let offset = 0;
    for (const packet of kept) {
      bytes.set(packet, offset);
      this.descriptors.set([0, 0, 1, 0, offset, packet.length], this.words);
      this.words += WORDS_PER_PACKET + WORDS_PER_PIECE;
      offset += packet.length;
    }
    this.packets = kept.length;
  }

  private pass(packets: number): void {
    this.first = (this.first + packets) | 0;
    this.control[CONTROL_NUMBER] = this.first;
  }

  /** The bytes of the packet described at `at`, in a copy. */
  private join(at: number): Uint8Array {
    const d = this.descriptors;
    const pieces = d[at + 2]!;
    let total = d[at + 1]!;
    for (let i = 0, p = at + WORDS_PER_PACKET; i < pieces; i++, p += WORDS_PER_PIECE) total += d[p + 2]!;
    const packet = new Uint8Array(total);
    copyPiece(packet, 0, this.arena, d[at]!, d[at + 1]!);
    let offset = d[at + 1]!;
    for (let i = 0, p = at + WORDS_PER_PACKET; i < pieces; i++, p += WORDS_PER_PIECE) {
      copyPiece(packet, offset, this.buffers[d[p]!]!, d[p + 1]!, d[p + 2]!);
      offset += d[p + 2]!;
    }
    return packet;
  }

  /** Word by word where it can be; up to three octets behind it are written as well. */
  private copyHeader(at: number, header: Uint8Array, offset: number, length: number): void {
    if (header !== this.headerBytes) this.noteHeader(header);
    const { arenaWords, headerWords } = this;
    const from = offset >>> 2;
    const end = (offset + length + 3) >>> 2;
    if (((at | offset) & 3) !== 0 || end > headerWords.length) {
      copyPiece(this.arena, at, header, offset, length);
      return;
    }
    const shift = (at >>> 2) - from;
    for (let i = from; i < end; i++) arenaWords[i + shift] = headerWords[i]!;
  }

  private noteHeader(header: Uint8Array): void {
    const { buffer, byteOffset, byteLength } = header;
    this.headerBytes = header;
    this.headerWords =
      (byteOffset & 3) === 0 ? new Int32Array(buffer, byteOffset, byteLength >>> 2) : new Int32Array(0);
  }

  private copyPayload(payload: PayloadPieces, at: number): void {
    for (let i = 0; i < payload.count; i++) {
      const length = payload.lengths[i]!;
      copyPiece(this.arena, at, payload.bytes[i]!, payload.offsets[i]!, length);
      at += length;
    }
  }

  private describePieces(payload: PayloadPieces): void {
    const descriptors = this.descriptors;
    let at = this.words + WORDS_PER_PACKET;
    for (let i = 0; i < payload.count; i++) {
      this.memory?.noteUse(payload.bytes[i]!, (this.first + this.packets) | 0);
      descriptors[at] = this.bufferNumber(payload.bytes[i]!);
      descriptors[at + 1] = payload.offsets[i]!;
      descriptors[at + 2] = payload.lengths[i]!;
      at += WORDS_PER_PIECE;
    }
  }

  /** Consecutive segments lie in the same buffer as a rule; a search further back would cost more than it saves. */
  private bufferNumber(bytes: Uint8Array): number {
    const last = this.buffers.length - 1;
    if (last >= 0 && this.buffers[last] === bytes) return last;
    return this.buffers.push(bytes) - 1;
  }
}

/**
 * Copies `from[offset … offset + length)` to `target` at `at`. A buffer that its owner transferred to another thread
 * meanwhile has no bytes left: zeros take their place, and the receiver's checksum rejects the packet.
 */
function copyPiece(target: Uint8Array, at: number, from: Uint8Array, offset: number, length: number): void {
  if (offset + length > from.length) target.fill(0, at, at + length);
  else if (length <= LOOP_BYTES) for (let i = 0; i < length; i++) target[at + i] = from[offset + i]!;
  else target.set(from.subarray(offset, offset + length), at);
}
