// The ceiling: a receiver that acknowledges whatever comes, and a sender that fills the peer's window, over a link and with
// no more of TCP than a kernel at the other end insists on. No checks, no timers, nothing is ever sent again.
import type { Link, LinkReceiver, PacketBatch } from '../../../src/stack/link.js';
import { IpAddress } from '../../../src/wire/address.js';
import { addRange, fold, pseudoHeader4 } from '../../../src/wire/checksum.js';
import { IPV4_HEADER_BYTES, writeIpv4Header } from '../../../src/wire/ipv4.js';
import { buildTcpPacket } from '../../../src/wire/packet.js';
import { PayloadPieces } from '../../../src/wire/payload.js';
import { IpProtocol } from '../../../src/wire/protocol.js';
import { ACK, FIN, RST, SYN } from '../../../src/wire/segment.js';
import {
  TCP_HEADER_BYTES,
  writeTcpChecksum,
  writeTcpHeader,
  writeTcpPseudoSum,
} from '../../../src/wire/tcp.js';

const HEADER_BYTES = IPV4_HEADER_BYTES + TCP_HEADER_BYTES;
/** The largest IPv4 packet. */
const MOST_BYTES = 65_535;
/** Offsets into an IPv4 packet without options. */
const AT_SOURCE = 12;
const AT_SOURCE_PORT = 20;
const AT_DESTINATION_PORT = 22;
const AT_SEQ = 24;
const AT_ACK = 28;
const AT_DATA_OFFSET = 32;
const AT_FLAGS = 33;
const AT_WINDOW = 34;
const AT_OPTIONS = 40;

const SHIFT = 8;
/** Of 4 MiB: less than the device's queue holds, so that nothing is lost. */
const WINDOW_FIELD = (4 * 1024 * 1024) >> SHIFT;
const OPTION_MSS = 2;
const OPTION_SCALE = 3;
const NO_OPTIONS = new Uint8Array(0);

interface Peer {
  readonly address: number;
  readonly port: number;
  readonly localPort: number;
  readonly shift: number;
  rcvNxt: number;
  sndNxt: number;
  una: number;
  wnd: number;
  /** It sent something in this batch. */
  touched: boolean;
}

/** Receives on one port, sends on another. */
export class CrudeTcp implements LinkReceiver {
  bytesIn = 0;
  bytesOut = 0;
  private readonly peers = new Map<number, Peer>();
  private touched: Peer[] = [];
  private readonly header = new Uint8Array(HEADER_BYTES);
  private readonly view = new DataView(this.header.buffer);
  private readonly payload = new PayloadPieces();
  private readonly payloadSum: number;
  private readonly mss: number;
  /** Payload of one packet: as many segments as the link cuts by itself. */
  private readonly packetBytes: number;
  private readonly offload: { family: 4; transportOffset: number; segmentBytes: number } | null;
  private readonly source = {
    seq: 0,
    ack: 0,
    flags: ACK,
    wnd: WINDOW_FIELD,
    urgentPointer: 0,
    options: NO_OPTIONS,
    optionsLength: 0,
  };

  constructor(
    private readonly link: Link,
    private readonly own: IpAddress,
    private readonly sourcePort: number,
  ) {
    this.mss = link.mtu - HEADER_BYTES;
    const { maxSegmentationBytes, transmitChecksum } = link.offload;
    const most = Math.min(maxSegmentationBytes, MOST_BYTES - HEADER_BYTES);
    this.packetBytes = this.mss * Math.max(1, Math.floor(most / this.mss));
    this.offload = transmitChecksum
      ? { family: 4, transportOffset: IPV4_HEADER_BYTES, segmentBytes: 0 }
      : null;
    const bytes = new Uint8Array(this.packetBytes).fill(0x78);
    this.payload.add(bytes, 0, this.packetBytes);
    this.payloadSum = addRange(0, bytes, 0, this.packetBytes);
  }

  receive({ view, count, offsets, lengths }: PacketBatch): void {
    for (let i = 0; i < count; i++) this.packet(view, offsets[i]!, lengths[i]!);
    for (const peer of this.touched) {
      peer.touched = false;
      if (peer.localPort === this.sourcePort) this.fill(peer);
      else this.send(peer, null);
    }
    this.touched = [];
    this.link.flush();
  }

  writable(): void {
    for (const peer of this.peers.values()) if (peer.localPort === this.sourcePort) this.fill(peer);
    this.link.flush();
  }

  failed(error: Error): void {
    throw error;
  }

  private packet(view: DataView, at: number, length: number): void {
    if (length < HEADER_BYTES || view.getUint8(at) !== 0x45) return;
    const port = view.getUint16(at + AT_SOURCE_PORT);
    const flags = view.getUint8(at + AT_FLAGS);
    if ((flags & SYN) !== 0) {
      this.open(view, at, port);
      return;
    }
    const peer = this.peers.get(port);
    if (peer === undefined) return;
    if ((flags & (RST | FIN)) !== 0) {
      this.peers.delete(port);
      return;
    }
    peer.una = view.getInt32(at + AT_ACK);
    peer.wnd = view.getUint16(at + AT_WINDOW) << peer.shift;
    const payload = length - IPV4_HEADER_BYTES - ((view.getUint8(at + AT_DATA_OFFSET) >> 4) << 2);
    if (payload > 0 && view.getInt32(at + AT_SEQ) === peer.rcvNxt) {
      peer.rcvNxt = (peer.rcvNxt + payload) | 0;
      this.bytesIn += payload;
    } else if (payload <= 0 && peer.localPort !== this.sourcePort) {
      return;
    }
    if (peer.touched) return;
    peer.touched = true;
    this.touched.push(peer);
  }

  /** Answers a SYN. */
  private open(view: DataView, at: number, port: number): void {
    const peer: Peer = {
      address: view.getInt32(at + AT_SOURCE),
      port,
      localPort: view.getUint16(at + AT_DESTINATION_PORT),
      shift: shiftOf(view, at),
      rcvNxt: (view.getInt32(at + AT_SEQ) + 1) | 0,
      sndNxt: 1,
      una: 0,
      wnd: 0,
      touched: false,
    };
    this.peers.set(port, peer);
    const packet = buildTcpPacket({
      source: this.own,
      sourcePort: peer.localPort,
      destination: IpAddress.v4(peer.address),
      destinationPort: port,
      seq: 0,
      ack: peer.rcvNxt,
      flags: SYN | ACK,
      options: Uint8Array.of(OPTION_MSS, 4, this.mss >> 8, this.mss & 0xff, OPTION_SCALE, 3, SHIFT, 0),
    });
    this.link.send(this.link.packetIds.next(), packet, 0, packet.length, null);
  }

  /** Sends all that the peer's window takes. */
  private fill(peer: Peer): void {
    const { packetBytes } = this;
    while (((peer.una + peer.wnd - peer.sndNxt) | 0) >= packetBytes) {
      if (!this.send(peer, this.payload)) return;
      peer.sndNxt = (peer.sndNxt + packetBytes) | 0;
      this.bytesOut += packetBytes;
    }
  }

  private send(peer: Peer, payload: PayloadPieces | null): boolean {
    const { header, view, source, link, own, offload } = this;
    const tcpBytes = TCP_HEADER_BYTES + (payload === null ? 0 : this.packetBytes);
    const total = IPV4_HEADER_BYTES + tcpBytes;
    writeIpv4Header(header, view, 0, total, IpProtocol.TCP, own.w3, peer.address, 64, 0, 0, true);
    source.seq = peer.sndNxt;
    source.ack = peer.rcvNxt;
    writeTcpHeader(header, view, IPV4_HEADER_BYTES, peer.localPort, peer.port, source);
    const pseudoSum = pseudoHeader4(own.w3, peer.address, IpProtocol.TCP, tcpBytes);
    if (offload !== null) {
      offload.segmentBytes = payload !== null && this.packetBytes > this.mss ? this.mss : 0;
      writeTcpPseudoSum(pseudoSum, view, IPV4_HEADER_BYTES);
    } else {
      // The payload never changes, and neither does its sum.
      const sum = fold(pseudoSum + (payload === null ? 0 : this.payloadSum));
      writeTcpChecksum(sum, header, view, IPV4_HEADER_BYTES, TCP_HEADER_BYTES, null);
    }
    return link.send(link.packetIds.next(), header, 0, HEADER_BYTES, payload, offload);
  }
}

/** The peer's window scale, from the options of its SYN. */
function shiftOf(view: DataView, at: number): number {
  const end = at + IPV4_HEADER_BYTES + ((view.getUint8(at + AT_DATA_OFFSET) >> 4) << 2);
  for (let i = at + AT_OPTIONS; i + 2 < end; ) {
    const kind = view.getUint8(i);
    if (kind === OPTION_SCALE) return view.getUint8(i + 2);
    if (kind === 0) return 0;
    i += kind === 1 ? 1 : Math.max(2, view.getUint8(i + 1));
  }
  return 0;
}
