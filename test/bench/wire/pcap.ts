// Reads the captures of tcpdump: the classic format with nanoseconds, as the kernel has stamped the packets.
import { readFileSync } from 'node:fs';

/** A packet of a capture. */
export interface CapturedPacket {
  /** Milliseconds, from the first packet of this process's choice: see `readPcap`. */
  readonly atMs: number;
  /** Bytes on the wire. */
  readonly length: number;
  /** What tells it from other packets: its first bytes, which hold addresses, ports and numbers. */
  readonly key: string;
  /** Source address, `10.1.0.1`. */
  readonly source: string;
}

const MAGIC_NANOSECONDS = 0xa1b23c4d;
const FILE_HEADER_BYTES = 24;
const PACKET_HEADER_BYTES = 16;
/** IP and TCP headers with their numbers and checksums; the start of an echo request. */
const KEY_BYTES = 44;
/** Offset of the source address in an IPv4 header. */
const SOURCE_AT = 12;

/**
 * All packets of a capture.
 * @param originSeconds second of the Unix epoch from which times are counted, so that they keep their nanoseconds
 * @throws Error when the file is none of `tcpdump --time-stamp-precision=nano`
 */
export function readPcap(path: string, originSeconds: number): CapturedPacket[] {
  const file = readFileSync(path);
  if (file.length < FILE_HEADER_BYTES || file.readUInt32LE(0) !== MAGIC_NANOSECONDS) {
    throw new Error(`${path} is no little-endian capture with nanoseconds`);
  }
  const packets: CapturedPacket[] = [];
  let at = FILE_HEADER_BYTES;
  while (at + PACKET_HEADER_BYTES <= file.length) {
    const seconds = file.readUInt32LE(at) - originSeconds;
    const atMs = seconds * 1000 + file.readUInt32LE(at + 4) / 1e6;
    const kept = file.readUInt32LE(at + 8);
    const length = file.readUInt32LE(at + 12);
    at += PACKET_HEADER_BYTES;
    if (at + kept > file.length) break;
    const key = file.toString('latin1', at, at + Math.min(kept, KEY_BYTES));
    const source = file.subarray(at + SOURCE_AT, at + SOURCE_AT + 4).join('.');
    packets.push({ atMs, length, key, source });
    at += kept;
  }
  return packets;
}
