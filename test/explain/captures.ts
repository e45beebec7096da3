// Captures made by tests: packets from one-line notation, wrapped in any link header and file format.
import { Readable } from 'node:stream';
import { CaptureFile } from '../../src/explain/capture-file.js';
import {
  type CaptureStory,
  type ObserverOptions,
  observeCapture,
} from '../../src/explain/capture-observer.js';
import type { ObservedConnection } from '../../src/explain/observed-connection.js';
import { IpAddress } from '../../src/wire/address.js';
import { buildTcpPacket } from '../../src/wire/packet.js';
import { parseFlags } from '../tcp/notation.js';

/** Initial numbers of both ends: near the wrap, so that relative numbers are put to the test. */
export const ISN = { a: 0xfffffff0, b: 0x7ffffff0 } as const;
export const ADDRESSES = {
  4: { a: IpAddress.parse('10.0.0.1')!, b: IpAddress.parse('10.0.0.2')! },
  6: { a: IpAddress.parse('fd00::1')!, b: IpAddress.parse('fd00::2')! },
} as const;
export const PORTS = { a: 40_000, b: 80 } as const;

/** A packet and when it was captured. */
export interface Timed {
  readonly timeMs: number;
  readonly packet: Uint8Array;
}

/** Encoded options of a line: `<mss 1460, ws 7, sackOK, sack 1:9>`; SACK edges are relative to the other end's number. */
function encodeOptions(text: string, other: number): Uint8Array {
  const bytes: number[] = [];
  const uint32 = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
  for (const part of text.split(',').map((each) => each.trim().split(/\s+/))) {
    const [name, ...args] = part;
    if (name === 'mss') bytes.push(2, 4, Number(args[0]) >> 8, Number(args[0]) & 255);
    else if (name === 'ws') bytes.push(1, 3, 3, Number(args[0]));
    else if (name === 'sackOK') bytes.push(1, 1, 4, 2);
    else if (name === 'sack') {
      bytes.push(1, 1, 5, 2 + 8 * args.length);
      for (const edge of args.flatMap((pair) => pair.split(':')))
        bytes.push(...uint32((Number(edge) + other) >>> 0));
    } else throw new Error(`no option ${name}`);
  }
  return Uint8Array.from(bytes);
}

/**
 * One line: `0.010 > S 0 <mss 1460>`: seconds, direction, flags, relative number, `a` ack, `[payload]`, `w` window.
 * `!` behind the line spoils the checksum.
 */
export function packetOf(line: string, family: 4 | 6 = 4, ports: { a: number; b: number } = PORTS): Timed {
  const tokens = line.match(/<[a-z][^>]*>|\[[^\]]*\]|\S+/g)!;
  const [time, way, flags, seq, ...rest] = tokens as [string, string, string, string];
  const [from, to] = way === '>' ? (['a', 'b'] as const) : (['b', 'a'] as const);
  const find = (first: string) => (rest as string[]).find((token) => token.startsWith(first))?.slice(1);
  const ack = find('a');
  const options = (rest as string[]).find((token) => token.startsWith('<'))?.slice(1, -1);
  const packet = buildTcpPacket({
    source: ADDRESSES[family][from],
    sourcePort: ports[from],
    destination: ADDRESSES[family][to],
    destinationPort: ports[to],
    flags: parseFlags(flags),
    seq: (Number(seq) + ISN[from]) | 0,
    ack: ack === undefined ? 0 : (Number(ack) + ISN[to]) | 0,
    wnd: Number(find('w') ?? 1000),
    payload: new Uint8Array(Number(find('[')?.replace(']', '') ?? 0)),
    ...(options === undefined ? {} : { options: encodeOptions(options, ISN[to]) }),
  });
  if ((rest as string[]).includes('!')) packet[packet.length - 1]! ^= 0xff;
  return { timeMs: Number(time) * 1000, packet };
}

/** Several lines. */
export function packetsOf(text: string, family: 4 | 6 = 4): Timed[] {
  return text
    .trim()
    .split('\n')
    .map((line) => packetOf(line.trim(), family));
}

/** A pcap file. */
export function pcap(
  frames: readonly Timed[],
  { linkType = 101, big = false, nanoseconds = false, snapLength = 65_535, extra = 0 } = {},
): Buffer {
  const uint32 = (...values: number[]) => {
    const bytes = Buffer.alloc(4 * values.length);
    for (const [i, value] of values.entries()) {
      if (big) bytes.writeUInt32BE(value >>> 0, 4 * i);
      else bytes.writeUInt32LE(value >>> 0, 4 * i);
    }
    return bytes;
  };
  const magic = extra > 0 ? 0xa1b2cd34 : nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4;
  const version = big ? 0x00020004 : 0x00040002;
  const parts = [uint32(magic, version, 0, 0, snapLength, linkType)];
  for (const { timeMs, packet } of frames) {
    const kept = packet.subarray(0, snapLength);
    const seconds = Math.floor(timeMs / 1000);
    const fraction = Math.round((timeMs - seconds * 1000) * (nanoseconds ? 1e6 : 1e3));
    parts.push(uint32(seconds, fraction, kept.length, packet.length), Buffer.alloc(extra), Buffer.from(kept));
  }
  return Buffer.concat(parts);
}

/** A stream of bytes in pieces of a size that splits everything. */
export function inPieces(bytes: Uint8Array, size = 7): AsyncIterable<Buffer> {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(Buffer.from(bytes.subarray(at, at + size)));
  return Readable.from(pieces);
}

/** Everything kept. */
export const KEEP_ALL: ObserverOptions = {
  stream: null,
  connections: 1000,
  firstRows: 10_000,
  lastRows: 10,
  remarksOfKind: 100,
};

/** What a capture file tells. */
export function storyOf(bytes: Uint8Array, options: Partial<ObserverOptions> = {}): Promise<CaptureStory> {
  return observeCapture(new CaptureFile(inPieces(bytes, 4096)), { ...KEEP_ALL, ...options });
}

/** The one connection of some lines. */
export async function connectionOf(text: string, family: 4 | 6 = 4): Promise<ObservedConnection> {
  const { connections } = await storyOf(pcap(packetsOf(text, family)));
  if (connections.length !== 1) throw new Error(`${connections.length} connections`);
  return connections[0]!;
}
