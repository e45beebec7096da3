// Reads capture files of any tool as a stream of frames: pcap of both byte orders and resolutions, pcapng, either of them
// gzipped. Memory holds one block at a time, however large the file is.
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';

/** One frame as it was captured. */
export interface Frame {
  /** Place in the file, from 1, as Wireshark counts. */
  readonly number: number;
  /** Milliseconds since 1970; NaN where the format tells no time. */
  readonly timeMs: number;
  /** LINKTYPE_ value of its interface. */
  readonly linkType: number;
  /** What was kept of it; valid until the next frame is asked for. */
  readonly bytes: Uint8Array;
  /** Bytes that it had on the wire. */
  readonly wireBytes: number;
}

/** What is known of a file once it is read. */
export interface CaptureSummary {
  format: 'pcap' | 'pcapng';
  frames: number;
  /** The file ends in the midst of a block; what came before is whole. */
  isTruncated: boolean;
}

/** The file is no capture, or breaks the rules of its format. `code` is `ERR_SYNWAVE_CAPTURE`. */
export class CaptureError extends Error {
  readonly code = 'ERR_SYNWAVE_CAPTURE';
}

/** No frame that anybody captures is larger; lengths beyond it are damage. */
const MAX_FRAME_BYTES = 1 << 24;
const MAX_INTERFACES = 65_536;

const GZIP_MAGIC = 0x1f8b;
const SECTION_HEADER = 0x0a0d0d0a;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

/** Magic numbers of pcap: nanoseconds or not, and bytes that some systems add to each record header. */
const PCAP_MAGIC: ReadonlyMap<number, { readonly perMs: number; readonly extra: number }> = new Map([
  [0xa1b2c3d4, { perMs: 1e3, extra: 0 }],
  [0xa1b23c4d, { perMs: 1e6, extra: 0 }],
  [0xa1b2cd34, { perMs: 1e3, extra: 8 }],
]);

/** Bytes of a stream by count, with no more in memory than was asked for and one chunk. */
class ByteStream {
  private chunks: Buffer[] = [];
  private available = 0;
  private readonly source: AsyncIterator<Buffer>;
  private ended = false;

  constructor(source: AsyncIterable<Buffer>) {
    this.source = source[Symbol.asyncIterator]();
  }

  /** Looks at the next bytes without taking them; fewer at the end. */
  async peek(count: number): Promise<Buffer> {
    while (this.available < count && !this.ended) {
      const { value, done } = await this.source.next();
      if (done === true) this.ended = true;
      else if (value.length > 0) {
        this.chunks.push(value);
        this.available += value.length;
      }
    }
    if (this.chunks.length > 1 && this.chunks[0]!.length < count) this.chunks = [Buffer.concat(this.chunks)];
    return (this.chunks[0] ?? Buffer.alloc(0)).subarray(0, count);
  }

  /** Takes so many bytes; null when there are fewer. */
  async take(count: number): Promise<Buffer | null> {
    const bytes = await this.peek(count);
    if (bytes.length < count) return null;
    this.drop(count);
    return bytes;
  }

  /** Takes so many bytes and forgets them; false when there were fewer. */
  async skip(count: number): Promise<boolean> {
    for (let left = count; left > 0; ) {
      const piece = await this.peek(1);
      if (piece.length === 0) return false;
      const n = Math.min(left, this.chunks[0]!.length);
      this.drop(n);
      left -= n;
    }
    return true;
  }

  private drop(count: number): void {
    this.available -= count;
    const first = this.chunks[0];
    if (first === undefined) return;
    if (count < first.length) this.chunks[0] = first.subarray(count);
    else this.chunks.shift();
  }
}

/** A capture being read. */
export class CaptureFile {
  readonly summary: CaptureSummary = { format: 'pcap', frames: 0, isTruncated: false };
  private readonly source: AsyncIterable<Buffer>;

  /** @param source a path, or the bytes as they come, for instance `process.stdin` */
  constructor(source: string | AsyncIterable<Buffer>) {
    this.source = typeof source === 'string' ? createReadStream(source) : source;
  }

  /**
   * The frames, in the order of the file. To be iterated once.
   * @throws CaptureError when the bytes are no capture, or cannot be one from some point on; Error of `node:fs`
   */
  async *frames(): AsyncGenerator<Frame, void, void> {
    let bytes = new ByteStream(this.source);
    const magic = await bytes.peek(4);
    if (magic.length >= 2 && magic.readUInt16BE(0) === GZIP_MAGIC) bytes = new ByteStream(gunzipped(bytes));
    const head = await bytes.peek(4);
    if (head.length < 4) throw new CaptureError('the file is empty or shorter than any capture');
    if (head.readUInt32BE(0) === SECTION_HEADER) yield* this.pcapng(bytes);
    else yield* this.pcap(bytes, head);
  }

  private frame(timeMs: number, linkType: number, bytes: Uint8Array, wireBytes: number): Frame {
    return { number: ++this.summary.frames, timeMs, linkType, bytes, wireBytes };
  }

  private async *pcap(bytes: ByteStream, head: Buffer): AsyncGenerator<Frame, void, void> {
    const big = PCAP_MAGIC.get(head.readUInt32BE(0));
    const kind = big ?? PCAP_MAGIC.get(head.readUInt32LE(0));
    if (kind === undefined) {
      throw new CaptureError(
        'neither pcap nor pcapng: convert it, for instance by `editcap FILE out.pcapng`',
      );
    }
    const read = big === undefined ? readLittle : readBig;
    const header = await bytes.take(24);
    if (header === null) throw new CaptureError('the file ends within its header');
    // The upper bits hold the length of a frame check sequence.
    const linkType = read(header, 20) & 0xffff;
    for (;;) {
      const record = await bytes.take(16 + kind.extra);
      if (record === null) break;
      const kept = checked(read(record, 8), this.summary.frames + 1);
      const data = await bytes.take(kept);
      if (data === null) {
        this.summary.isTruncated = true;
        return;
      }
      const timeMs = read(record, 0) * 1000 + read(record, 4) / kind.perMs;
      yield this.frame(timeMs, linkType, data, read(record, 12));
    }
    this.summary.isTruncated = (await bytes.peek(1)).length > 0;
  }

  private async *pcapng(bytes: ByteStream): AsyncGenerator<Frame, void, void> {
    this.summary.format = 'pcapng';
    let section = new Section(readLittle);
    for (;;) {
      const head = await bytes.peek(12);
      if (head.length === 0) return;
      if (head.length < 12) break;
      if (head.readUInt32BE(0) === SECTION_HEADER) section = new Section(byteOrder(head));
      const type = section.read(head, 0);
      const length = section.read(head, 4);
      if (length < 12 || length % 4 !== 0) {
        throw new CaptureError(
          `a block after frame ${this.summary.frames} has the impossible length ${length}`,
        );
      }
      if (!section.isWanted(type)) {
        if (COUNTED_BLOCKS.includes(type)) this.summary.frames++;
        if (!(await bytes.skip(length))) break;
        continue;
      }
      checked(length - 64, this.summary.frames + 1);
      const block = await bytes.take(length);
      if (block === null) break;
      const found = section.block(type, block);
      if (found !== null) yield this.frame(found.timeMs, found.linkType, found.bytes, found.wireBytes);
    }
    this.summary.isTruncated = true;
  }
}

type Read = (bytes: Buffer, at: number) => number;
const readLittle: Read = (bytes, at) => bytes.readUInt32LE(at);
const readBig: Read = (bytes, at) => bytes.readUInt32BE(at);

function byteOrder(head: Buffer): Read {
  if (head.readUInt32LE(8) === BYTE_ORDER_MAGIC) return readLittle;
  if (head.readUInt32BE(8) === BYTE_ORDER_MAGIC) return readBig;
  throw new CaptureError('the pcapng section has no byte-order magic');
}

function checked(bytes: number, frame: number): number {
  if (bytes <= MAX_FRAME_BYTES) return bytes;
  throw new CaptureError(`frame ${frame} claims ${bytes} bytes: the file is damaged from there on`);
}

function gunzipped(bytes: ByteStream): AsyncIterable<Buffer> {
  const unzip = createGunzip();
  void (async () => {
    try {
      for (let piece = await bytes.peek(65_536); piece.length > 0; piece = await bytes.peek(65_536)) {
        await bytes.take(piece.length);
        if (!unzip.write(piece)) await new Promise((resolve) => unzip.once('drain', resolve));
      }
      unzip.end();
    } catch (error) {
      unzip.destroy(error as Error);
    }
  })();
  return unzip;
}

interface Interface {
  readonly linkType: number;
  readonly snapLength: number;
  /** Units of its time stamps in one millisecond, and ms to be added. */
  readonly perMs: number;
  readonly offsetMs: number;
}

interface Found {
  timeMs: number;
  linkType: number;
  bytes: Uint8Array;
  wireBytes: number;
}

const BLOCK = { INTERFACE: 1, OBSOLETE_PACKET: 2, SIMPLE_PACKET: 3, ENHANCED_PACKET: 6 } as const;
const OPTION = { END: 0, TIME_RESOLUTION: 9, TIME_OFFSET: 14 } as const;

/** Blocks without a packet that Wireshark numbers as frames: journal entries and system calls. */
const COUNTED_BLOCKS: readonly number[] = [9, 0x204, 0x205, 0x208, 0x209];

/** One section of a pcapng file: a byte order and the interfaces described so far. */
class Section {
  private readonly interfaces: Interface[] = [];

  constructor(readonly read: Read) {}

  /** Whether anything is to be had from a block of this type. */
  isWanted(type: number): boolean {
    return (
      type === BLOCK.INTERFACE ||
      type === BLOCK.ENHANCED_PACKET ||
      type === BLOCK.SIMPLE_PACKET ||
      type === BLOCK.OBSOLETE_PACKET
    );
  }

  /** Takes a block in; a packet when it is one. */
  block(type: number, block: Buffer): Found | null {
    if (type === BLOCK.INTERFACE) {
      this.describe(block);
      return null;
    }
    if (type === BLOCK.SIMPLE_PACKET) return this.simple(block);
    return this.packet(block, type === BLOCK.OBSOLETE_PACKET);
  }

  private uint16(block: Buffer, at: number): number {
    return this.read === readLittle ? block.readUInt16LE(at) : block.readUInt16BE(at);
  }

  private describe(block: Buffer): void {
    if (block.length < 20 || this.interfaces.length >= MAX_INTERFACES) {
      throw new CaptureError('an interface description is damaged');
    }
    let perMs = 1e3;
    let offsetMs = 0;
    for (let at = 16; at + 4 <= block.length - 4; ) {
      const code = this.uint16(block, at);
      const length = this.uint16(block, at + 2);
      if (code === OPTION.END || at + 4 + length > block.length - 4) break;
      if (code === OPTION.TIME_RESOLUTION && length >= 1) perMs = unitsPerMs(block[at + 4]!);
      if (code === OPTION.TIME_OFFSET && length >= 8) offsetMs = this.int64(block, at + 4) * 1000;
      at += 4 + Math.ceil(length / 4) * 4;
    }
    this.interfaces.push({
      linkType: this.uint16(block, 8),
      snapLength: this.read(block, 12),
      perMs,
      offsetMs,
    });
  }

  private int64(block: Buffer, at: number): number {
    return Number(this.read === readLittle ? block.readBigInt64LE(at) : block.readBigInt64BE(at));
  }

  private packet(block: Buffer, isObsolete: boolean): Found | null {
    if (block.length < 32) throw new CaptureError('a packet block is too short');
    const index = isObsolete ? this.uint16(block, 8) : this.read(block, 8);
    const place = this.interfaces[index];
    if (place === undefined)
      throw new CaptureError(`a packet names interface ${index}, which is not described`);
    const kept = this.read(block, 20);
    if (28 + kept > block.length - 4) throw new CaptureError('a packet is longer than its block');
    // 2^32 units and more: exact in a double for a microsecond until the year 2255, to 128 ns for nanoseconds.
    const units = this.read(block, 12) * 2 ** 32 + this.read(block, 16);
    return {
      timeMs: units / place.perMs + place.offsetMs,
      linkType: place.linkType,
      bytes: block.subarray(28, 28 + kept),
      wireBytes: this.read(block, 24),
    };
  }

  /** Without a time, and cut only by the snap length of the first interface. */
  private simple(block: Buffer): Found | null {
    const place = this.interfaces[0];
    if (place === undefined || block.length < 16)
      throw new CaptureError('a simple packet without an interface');
    const wireBytes = this.read(block, 8);
    const limit = place.snapLength === 0 ? wireBytes : Math.min(wireBytes, place.snapLength);
    const bytes = block.subarray(12, 12 + Math.min(limit, block.length - 16));
    return { timeMs: Number.NaN, linkType: place.linkType, bytes, wireBytes };
  }
}

/** The resolution octet: a power of ten, or of two with the top bit. */
function unitsPerMs(octet: number): number {
  const exponent = octet & 0x7f;
  return (octet & 0x80 ? 2 ** exponent : 10 ** exponent) / 1000;
}
