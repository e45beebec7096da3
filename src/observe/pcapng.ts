// Writes captures that Wireshark, tshark, tcpdump and capinfos read: packets with comments, direction and number,
// events without packets, names and statistics. Blocks are encoded in pcapng-blocks.ts, the file is in pcapng-file.ts.
import { arch, release, type } from 'node:os';
import type { PacketRecorder, RecordedPacket } from '../link/capture.js';
import {
  enhancedPacketBlock,
  interfaceBlock,
  interfaceStatisticsBlock,
  journalBlock,
  LINKTYPE_ETHERNET,
  LINKTYPE_RAW,
  type NamedAddress,
  nameResolutionBlock,
  sectionHeaderBlock,
} from './pcapng-blocks.js';
import { BlockWriter, type CaptureSink, fileSink } from './pcapng-file.js';

/** Longest packet that Wireshark agrees to read; also the default of `snapLength`. */
const MAX_SNAP_LENGTH = 262_144;
/** Default of `maxBufferedBytes`. */
const DEFAULT_BUFFERED_BYTES = 64 * 1024 * 1024;
const SYSLOG_IDENTIFIER = 'synwave';

/** Settings of `PcapngWriter`. */
export interface PcapngOptions {
  /** Path of the file, an open descriptor (1 for standard output), or anything that takes bytes. */
  target: string | number | CaptureSink;
  /** The link's medium: `ip` is written as link type RAW (101), `ethernet` as ETHERNET (1). Default `ip`. */
  medium?: 'ip' | 'ethernet';
  /** Longest part of a packet that is kept, in bytes. Default 262144, the most that Wireshark reads. */
  snapLength?: number;
  /** Write each block before the call returns, for crash paths and short runs. Default false. */
  sync?: boolean;
  /** Bytes that may wait for the file; packets beyond are dropped and counted. Default 64 MiB. */
  maxBufferedBytes?: number;
  /** Write events without a packet as journal entries. `editcap -F pcap` refuses them. Default true. */
  events?: boolean;
  /** Section header. Defaults: this machine's architecture, its system, `synwave`, none. */
  hardware?: string;
  os?: string;
  application?: string;
  comment?: string;
  interfaceName?: string;
  interfaceDescription?: string;
  /** Addresses of the stack, with prefix lengths: `10.9.0.2/24`. */
  addresses?: readonly string[];
  /** Labels for hosts, shown by `tshark -N n` and Wireshark's "Resolve network addresses". */
  names?: readonly NamedAddress[];
  /** Learns once that the target failed (disk full, reader gone); what follows is dropped and counted. */
  onError?: (error: Error) => void;
}

/** Counters of a `PcapngWriter`. */
export interface PcapngStats {
  /** Packets offered. */
  received: number;
  /** Packets of those that are not in the file. */
  dropped: number;
  /** Events that are not in the file. */
  eventsDropped: number;
}

/**
 * A capture file in pcapng with one interface and nanosecond timestamps. The headers are written by the constructor.
 * @throws the system's error when the file cannot be opened; RangeError (`ERR_OUT_OF_RANGE`) for a bad `snapLength`
 * or `maxBufferedBytes`; TypeError (`ERR_INVALID_ARG_VALUE`) for a bad address
 */
export class PcapngWriter implements PacketRecorder {
  readonly snapLength: number;
  readonly stats: PcapngStats = { received: 0, dropped: 0, eventsDropped: 0 };
  private readonly writer: BlockWriter;
  private readonly events: boolean;
  private dropsSinceLast = 0;
  private firstNs: bigint | null = null;
  private lastNs = 0n;
  private closing: Promise<void> | null = null;

  constructor(options: PcapngOptions) {
    this.snapLength = options.snapLength ?? MAX_SNAP_LENGTH;
    checkRange('snapLength', this.snapLength, 1, MAX_SNAP_LENGTH);
    const maxBufferedBytes = options.maxBufferedBytes ?? DEFAULT_BUFFERED_BYTES;
    checkRange('maxBufferedBytes', maxBufferedBytes, 1, Number.MAX_SAFE_INTEGER);
    this.events = options.events ?? true;
    const head = headerBlocks(options, this.snapLength);
    const { target } = options;
    const sink = typeof target === 'object' ? target : fileSink(target);
    this.writer = new BlockWriter(sink, maxBufferedBytes, options.sync ?? false, (error) => {
      options.onError?.(error);
    });
    for (const block of head) this.writer.add(block, true);
  }

  /** Bytes that wait for the file. */
  get bufferedBytes(): number {
    return this.writer.bufferedBytes;
  }

  packet(packet: RecordedPacket): void {
    this.stats.received++;
    this.sawTime(packet.timeNs);
    const block = enhancedPacketBlock(
      { ...packet, dropCount: this.dropsSinceLast },
      packet.bytes,
      packet.offset,
      Math.min(packet.length, this.snapLength),
      packet.originalLength,
    );
    if (this.writer.add(block)) {
      this.dropsSinceLast = 0;
    } else {
      this.dropsSinceLast++;
      this.stats.dropped++;
    }
  }

  /**
   * Writes an event that has no packet. Field names are capitals, digits and `_`; `MESSAGE` is what Wireshark shows.
   * `SYSLOG_IDENTIFIER` is set unless given.
   */
  event(timeNs: bigint, fields: Readonly<Record<string, string>>): void {
    if (!this.events) return;
    this.sawTime(timeNs);
    if (!this.writer.add(journalBlock(timeNs, { SYSLOG_IDENTIFIER, ...fields }))) this.stats.eventsDropped++;
  }

  /** Writes more labels for hosts. */
  names(names: readonly NamedAddress[]): void {
    if (names.length > 0) this.writer.add(nameResolutionBlock(names), true);
  }

  /** Writes the statistics and closes the file. Rejects with the first error that the file had. Idempotent. */
  close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  private finish(): Promise<void> {
    const statistics = {
      startNs: this.firstNs ?? 0n,
      endNs: this.lastNs,
      received: this.stats.received,
      dropped: this.stats.dropped,
    };
    this.writer.add(interfaceStatisticsBlock(statistics), true);
    return this.writer.close();
  }

  private sawTime(timeNs: bigint): void {
    this.firstNs ??= timeNs;
    this.lastNs = timeNs;
  }
}

function headerBlocks(options: PcapngOptions, snapLength: number): Uint8Array[] {
  const os = options.os ?? `${type()} ${release()}`;
  const blocks = [
    sectionHeaderBlock({
      hardware: options.hardware ?? arch(),
      os,
      application: options.application ?? 'synwave',
      comment: options.comment,
    }),
    interfaceBlock({
      linkType: options.medium === 'ethernet' ? LINKTYPE_ETHERNET : LINKTYPE_RAW,
      snapLength,
      name: options.interfaceName,
      description: options.interfaceDescription,
      addresses: options.addresses,
      os,
    }),
  ];
  if (options.names !== undefined && options.names.length > 0) {
    blocks.push(nameResolutionBlock(options.names));
  }
  return blocks;
}

function checkRange(name: string, value: number, least: number, most: number): void {
  if (value >= least && value <= most) return;
  const error = new RangeError(`PcapngWriter: ${name} is ${value}; give a number from ${least} to ${most}.`);
  throw Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
}
