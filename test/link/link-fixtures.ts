// What the tests of the links share: a receiver that keeps copies, and TCP packets of one connection.

import { flagsFromLetters } from '../../src/link/impair-numbers.js';
import type { Link, LinkReceiver, PacketBatch } from '../../src/stack/link.js';
import { IpAddress } from '../../src/wire/address.js';
import { buildTcpPacket, decodePacket } from '../../src/wire/packet.js';
import { PayloadPieces } from '../../src/wire/payload.js';
import { flagLetters } from '../../src/wire/segment.js';

/** ISN of the stack's side and of the other. Near the wrap, so that relative numbers must be modular. */
export const LOCAL_ISN = 0xffff_fff0;
export const REMOTE_ISN = 5_000;

export interface Arrived {
  id: number;
  bytes: Uint8Array;
  at: number;
}

/** Keeps what it receives. */
export class Collector implements LinkReceiver {
  readonly packets: Arrived[] = [];
  readonly batches: number[] = [];
  writableCalls = 0;
  onReceive: ((batch: PacketBatch) => void) | null = null;

  constructor(private readonly now: () => number) {}

  get ids(): number[] {
    return this.packets.map((packet) => packet.id);
  }

  receive(batch: PacketBatch): void {
    this.batches.push(batch.count);
    for (let i = 0; i < batch.count; i++) {
      const from = batch.offsets[i]!;
      const bytes = batch.bytes.slice(from, from + batch.lengths[i]!);
      this.packets.push({ id: batch.ids[i]!, bytes, at: this.now() });
    }
    this.onReceive?.(batch);
  }

  writable(): void {
    this.writableCalls++;
  }

  failed(): void {}
}

/** Sends one packet, header and payload apart when `split` says where. Returns its number, or -1 when refused. */
export function sendPacket(link: Link, bytes: Uint8Array, split = bytes.length): number {
  const id = link.packetIds.next();
  let payload: PayloadPieces | null = null;
  if (split < bytes.length) {
    payload = new PayloadPieces();
    const middle = (split + bytes.length) >> 1;
    payload.add(bytes, split, middle - split);
    payload.add(bytes, middle, bytes.length - middle);
  }
  return link.send(id, bytes, 0, split, payload) ? id : -1;
}

export interface TestSegment {
  flags: string;
  relSeq?: number;
  relAck?: number;
  payload?: string;
  family?: 4 | 6;
}

/** A segment of the connection local:80 <-> remote:50000, as that side sends it. */
export function segment(from: 'local' | 'remote', s: TestSegment): Uint8Array {
  const [localText, remoteText] = s.family === 6 ? ['fd00:9::2', 'fd00:9::1'] : ['10.9.0.2', '10.9.0.1'];
  const local = { address: IpAddress.parse(localText)!, port: 80, isn: LOCAL_ISN };
  const remote = { address: IpAddress.parse(remoteText)!, port: 50_000, isn: REMOTE_ISN };
  const [source, destination] = from === 'local' ? [local, remote] : [remote, local];
  return buildTcpPacket({
    source: source.address,
    sourcePort: source.port,
    destination: destination.address,
    destinationPort: destination.port,
    seq: (source.isn + (s.relSeq ?? 0)) | 0,
    ack: s.relAck === undefined ? 0 : (destination.isn + s.relAck) | 0,
    flags: flagsFromLetters(s.flags),
    payload: new TextEncoder().encode(s.payload ?? ''),
  });
}

/** `FA 4 a1 [3]` as the lab writes it, `!` in front when a checksum is wrong. */
export function describe(bytes: Uint8Array, from: 'local' | 'remote'): string {
  const packet = decodePacket(bytes);
  if (typeof packet === 'string' || packet.tcp === undefined) return 'not TCP';
  const { header, payloadLength, checksumOk } = packet.tcp;
  const [own, other] = from === 'local' ? [LOCAL_ISN, REMOTE_ISN] : [REMOTE_ISN, LOCAL_ISN];
  const letters = flagLetters(header.flags & ~0x08);
  const ack = header.flags & 0x10 ? ` a${(header.ack - other) | 0}` : '';
  const length = payloadLength > 0 ? ` [${payloadLength}]` : '';
  return `${checksumOk ? '' : '!'}${letters} ${(header.seq - own) | 0}${ack}${length}`;
}
