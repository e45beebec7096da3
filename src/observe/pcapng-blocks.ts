// Encoders of pcapng blocks (draft-ietf-opsawg-pcapng), little-endian. Each returns one whole block; where blocks go
// is decided in pcapng.ts.
import { IpAddress } from '../wire/address.js';

const BLOCK_SECTION_HEADER = 0x0a0d0d0a;
const BLOCK_INTERFACE = 1;
const BLOCK_NAME_RESOLUTION = 4;
const BLOCK_INTERFACE_STATISTICS = 5;
const BLOCK_ENHANCED_PACKET = 6;
const BLOCK_SYSTEMD_JOURNAL = 9;

/** Written as 0x1A2B3C4D, it tells the reader our byte order. */
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** "Not given": the section extends to the next section header or to the end of the file. */
const SECTION_LENGTH_UNKNOWN = 0xffffffff;

const OPT_END = 0;
const OPT_COMMENT = 1;
const SHB_HARDWARE = 2;
const SHB_OS = 3;
const SHB_APPLICATION = 4;
const IF_NAME = 2;
const IF_DESCRIPTION = 3;
const IF_IPV4_ADDRESS = 4;
const IF_IPV6_ADDRESS = 5;
const IF_TIMESTAMP_RESOLUTION = 9;
const IF_OS = 12;
const EPB_FLAGS = 2;
const EPB_DROP_COUNT = 4;
const EPB_PACKET_ID = 5;
const ISB_START_TIME = 2;
const ISB_END_TIME = 3;
const ISB_RECEIVED = 4;
const ISB_DROPPED = 5;

const NAME_RECORD_END = 0;
const NAME_RECORD_IPV4 = 1;
const NAME_RECORD_IPV6 = 2;

/** An option's length field has 16 bits. */
const MAX_OPTION_LENGTH = 0xffff;
/** Timestamps count units of 10^-9 s. */
const NANOSECOND_RESOLUTION = 9;

/** LINKTYPE_RAW: packets begin with their IPv4 or IPv6 header. */
export const LINKTYPE_RAW = 101;
/** LINKTYPE_ETHERNET. */
export const LINKTYPE_ETHERNET = 1;

const utf8 = new TextEncoder();

/** What `sectionHeaderBlock` describes. Absent fields are left out. */
export interface SectionDescription {
  hardware?: string | undefined;
  os?: string | undefined;
  application?: string | undefined;
  comment?: string | undefined;
}

/** What `interfaceBlock` describes. */
export interface InterfaceDescription {
  linkType: number;
  /** Longest stored packet in bytes; 0 for no limit. */
  snapLength: number;
  name?: string | undefined;
  description?: string | undefined;
  /** Addresses with prefix lengths: `10.9.0.2/24`, `fd00:9::2/64`. */
  addresses?: readonly string[] | undefined;
  os?: string | undefined;
}

/** A name for an address, for `nameResolutionBlock`. */
export interface NamedAddress {
  /** IPv4 or IPv6, as text. */
  address: string;
  name: string;
}

/** One stored packet, for `enhancedPacketBlock`. */
export interface PacketDescription {
  /** Nanoseconds since the Unix epoch. */
  timeNs: bigint;
  direction: 'in' | 'out';
  packetId: number;
  /** Packets lost between this one and the one before. */
  dropCount: number;
  comments: readonly string[];
}

/** Counters for `interfaceStatisticsBlock`. */
export interface InterfaceStatistics {
  startNs: bigint;
  endNs: bigint;
  received: number;
  dropped: number;
}

/** Section header: the first block of a file. */
export function sectionHeaderBlock(section: SectionDescription): Uint8Array {
  const block = new BlockBuilder(BLOCK_SECTION_HEADER, 64);
  block.u32(BYTE_ORDER_MAGIC);
  block.u16(1);
  block.u16(0);
  block.u32(SECTION_LENGTH_UNKNOWN);
  block.u32(SECTION_LENGTH_UNKNOWN);
  block.text(SHB_HARDWARE, section.hardware);
  block.text(SHB_OS, section.os);
  block.text(SHB_APPLICATION, section.application);
  block.text(OPT_COMMENT, section.comment);
  return block.finish();
}

/**
 * Interface description with nanosecond timestamps.
 * @throws TypeError (`ERR_INVALID_ARG_VALUE`) for an address that is not one
 */
export function interfaceBlock(description: InterfaceDescription): Uint8Array {
  const block = new BlockBuilder(BLOCK_INTERFACE, 64);
  block.u16(description.linkType);
  block.u16(0);
  block.u32(description.snapLength);
  block.text(IF_NAME, description.name);
  block.text(IF_DESCRIPTION, description.description);
  for (const text of description.addresses ?? []) {
    const { address, prefix } = parseInterfaceAddress(text);
    if (address.family === 4) {
      const mask = prefix === 0 ? 0 : -1 << (32 - prefix);
      block.option(IF_IPV4_ADDRESS, bigEndianWords([address.w3, mask]));
    } else {
      block.option(IF_IPV6_ADDRESS, Uint8Array.of(...addressBytes(address), prefix));
    }
  }
  block.option(IF_TIMESTAMP_RESOLUTION, Uint8Array.of(NANOSECOND_RESOLUTION));
  block.text(IF_OS, description.os);
  return block.finish();
}

/**
 * One packet: `bytes[offset … offset + length)` of a packet that was `originalLength` long.
 * Comments that do not fit an option are cut at a character boundary.
 */
export function enhancedPacketBlock(
  packet: PacketDescription,
  bytes: Uint8Array,
  offset: number,
  length: number,
  originalLength: number,
): Uint8Array {
  const block = new BlockBuilder(BLOCK_ENHANCED_PACKET, length + 96);
  block.u32(0);
  block.timestamp(packet.timeNs);
  block.u32(length);
  block.u32(originalLength);
  block.padded(bytes.subarray(offset, offset + length));
  for (const comment of packet.comments) block.text(OPT_COMMENT, comment);
  block.optionU32(EPB_FLAGS, packet.direction === 'in' ? 1 : 2);
  if (packet.dropCount > 0) block.optionU64(EPB_DROP_COUNT, BigInt(packet.dropCount));
  if (packet.packetId > 0) block.optionU64(EPB_PACKET_ID, BigInt(packet.packetId));
  return block.finish();
}

/**
 * Names for addresses, shown by readers that resolve names.
 * @throws TypeError (`ERR_INVALID_ARG_VALUE`) for an address that is not one
 */
export function nameResolutionBlock(names: readonly NamedAddress[]): Uint8Array {
  const block = new BlockBuilder(BLOCK_NAME_RESOLUTION, 64);
  for (const { address: text, name } of names) {
    const address = IpAddress.parse(text);
    if (address === null) throw invalidAddress(text);
    const label = utf8.encode(`${name}\0`);
    const raw = addressBytes(address);
    const record = new Uint8Array(raw.length + label.length);
    record.set(raw);
    record.set(label, raw.length);
    block.option(address.family === 4 ? NAME_RECORD_IPV4 : NAME_RECORD_IPV6, record);
  }
  block.u16(NAME_RECORD_END);
  block.u16(0);
  return block.finish();
}

/** Counters of the interface, written when the capture ends. */
export function interfaceStatisticsBlock(statistics: InterfaceStatistics): Uint8Array {
  const block = new BlockBuilder(BLOCK_INTERFACE_STATISTICS, 96);
  block.u32(0);
  block.timestamp(statistics.endNs);
  block.optionTimestamp(ISB_START_TIME, statistics.startNs);
  block.optionTimestamp(ISB_END_TIME, statistics.endNs);
  block.optionU64(ISB_RECEIVED, BigInt(statistics.received));
  block.optionU64(ISB_DROPPED, BigInt(statistics.dropped));
  return block.finish();
}

/**
 * One event that has no packet, as a systemd journal entry. Field names are capitals, digits and `_`; others are
 * left out, as journald itself would refuse them.
 */
export function journalBlock(timeNs: bigint, fields: Readonly<Record<string, string>>): Uint8Array {
  const block = new BlockBuilder(BLOCK_SYSTEMD_JOURNAL, 256);
  block.raw(utf8.encode(`__REALTIME_TIMESTAMP=${timeNs / 1000n}\n`));
  for (const [name, value] of Object.entries(fields)) {
    if (!/^[A-Z][A-Z0-9_]{0,63}$/.test(name)) continue;
    if (!value.includes('\n')) {
      block.raw(utf8.encode(`${name}=${value}\n`));
      continue;
    }
    // A value of several lines is written with its length in front.
    const data = utf8.encode(value);
    block.raw(utf8.encode(`${name}\n`));
    block.u32(data.length);
    block.u32(0);
    block.raw(data);
    block.raw(Uint8Array.of(0x0a));
  }
  block.pad();
  return block.finish(false);
}

/** Grows one block: type, length, body, options, length again. */
class BlockBuilder {
  private bytes: Uint8Array;
  private view: DataView;
  private at = 8;
  private hasOptions = false;

  constructor(
    private readonly type: number,
    expectedBytes: number,
  ) {
    this.bytes = new Uint8Array(expectedBytes + 32);
    this.view = new DataView(this.bytes.buffer);
  }

  u16(value: number): void {
    this.reserve(2);
    this.view.setUint16(this.at, value, true);
    this.at += 2;
  }

  u32(value: number): void {
    this.reserve(4);
    this.view.setUint32(this.at, value, true);
    this.at += 4;
  }

  /** High word first, each word little-endian: the odd order of the block's timestamps. */
  timestamp(timeNs: bigint): void {
    this.u32(Number((timeNs >> 32n) & 0xffffffffn));
    this.u32(Number(timeNs & 0xffffffffn));
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  pad(): void {
    this.reserve(3);
    this.at = (this.at + 3) & ~3;
  }

  padded(bytes: Uint8Array): void {
    this.raw(bytes);
    this.pad();
  }

  option(code: number, value: Uint8Array): void {
    this.u16(code);
    this.u16(value.length);
    this.padded(value);
    this.hasOptions = this.type !== BLOCK_NAME_RESOLUTION;
  }

  text(code: number, value: string | undefined): void {
    if (value !== undefined) this.option(code, encodeBounded(value, MAX_OPTION_LENGTH));
  }

  optionU32(code: number, value: number): void {
    this.u16(code);
    this.u16(4);
    this.u32(value);
    this.hasOptions = true;
  }

  optionU64(code: number, value: bigint): void {
    this.u16(code);
    this.u16(8);
    this.reserve(8);
    this.view.setBigUint64(this.at, value, true);
    this.at += 8;
    this.hasOptions = true;
  }

  optionTimestamp(code: number, timeNs: bigint): void {
    this.u16(code);
    this.u16(8);
    this.timestamp(timeNs);
    this.hasOptions = true;
  }

  /** @param withOptions false for a block whose body knows no options */
  finish(withOptions = true): Uint8Array {
    if (withOptions && this.hasOptions) {
      this.u16(OPT_END);
      this.u16(0);
    }
    const length = this.at + 4;
    this.u32(length);
    this.view.setUint32(0, this.type, true);
    this.view.setUint32(4, length, true);
    return this.bytes.subarray(0, length);
  }

  private reserve(n: number): void {
    if (this.at + n <= this.bytes.length) return;
    const bytes = new Uint8Array(Math.max(this.bytes.length * 2, this.at + n));
    bytes.set(this.bytes.subarray(0, this.at));
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}

/** UTF-8 of the text, cut before the character that would cross the limit. */
function encodeBounded(text: string, limit: number): Uint8Array {
  // At least one octet a code unit: a longer text cannot fit, so do not encode all of it.
  const head = text.length > limit ? text.slice(0, limit) : text;
  const bytes = utf8.encode(head);
  if (bytes.length <= limit) return bytes;
  let end = limit;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

function bigEndianWords(words: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(words.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [i, word] of words.entries()) view.setInt32(i * 4, word);
  return bytes;
}

function addressBytes(address: IpAddress): Uint8Array {
  return bigEndianWords(
    address.family === 4 ? [address.w3] : [address.w0, address.w1, address.w2, address.w3],
  );
}

function parseInterfaceAddress(text: string): { address: IpAddress; prefix: number } {
  const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
  const address = match === null ? null : IpAddress.parse(match[1]!);
  if (address === null) throw invalidAddress(text);
  const most = address.family === 4 ? 32 : 128;
  const prefix = match![2] === undefined ? most : Number(match![2]);
  if (prefix > most) throw invalidAddress(text);
  return { address, prefix };
}

function invalidAddress(text: string): TypeError {
  const error = new TypeError(
    `"${text}" is not an IP address that a capture can carry; write it like 10.9.0.2/24 or fd00:9::2/64.`,
  );
  return Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
}
