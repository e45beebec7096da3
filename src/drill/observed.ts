// A packet of the subject, taken apart once.
import { decodePacket } from '../wire/packet.js';
import { FIN, SYN } from '../wire/segment.js';
import type { TcpOption } from '../wire/tcp-options-decode.js';

/** A segment that the subject sent, with the numbers of the wire. */
export interface Observed {
  /** Script time in ms at which it left. */
  readonly atMs: number;
  readonly remote: string;
  readonly localPort: number;
  readonly remotePort: number;
  readonly flags: number;
  readonly seq: number;
  readonly ack: number;
  readonly win: number;
  readonly urg: number;
  readonly options: readonly TcpOption[];
  readonly payload: Uint8Array;
  /** Two bits. */
  readonly ecn: number;
  readonly tos: number;
  readonly ttl: number;
  readonly flowLabel: number;
  readonly checksumOk: boolean;
}

/** Reads a packet; null when it is no whole TCP segment. */
export function observe(bytes: Uint8Array, atMs: number): Observed | null {
  const packet = decodePacket(bytes);
  if (typeof packet === 'string' || packet.tcp === undefined) return null;
  const { ip, tcp } = packet;
  const isV4 = ip.version === 4;
  const tos = isV4 ? ip.header.trafficClass : (ip.header.versionClassFlow >>> 20) & 0xff;
  return {
    atMs,
    remote: packet.destination.toString(),
    localPort: tcp.header.sourcePort,
    remotePort: tcp.header.destinationPort,
    flags: tcp.header.flags,
    seq: tcp.header.seq,
    ack: tcp.header.ack,
    win: tcp.header.window,
    urg: tcp.header.urgentPointer,
    options: tcp.options,
    payload: bytes.slice(tcp.payloadOffset, tcp.payloadOffset + tcp.payloadLength),
    ecn: tos & 3,
    tos,
    ttl: isV4 ? ip.header.ttl : ip.header.hopLimit,
    flowLabel: isV4 ? 0 : ip.header.versionClassFlow & 0xf_ffff,
    checksumOk: tcp.checksumOk,
  };
}

/** Sequence numbers that a segment takes. */
export function lengthOf(segment: Observed): number {
  return segment.payload.length + (segment.flags & SYN ? 1 : 0) + (segment.flags & FIN ? 1 : 0);
}
