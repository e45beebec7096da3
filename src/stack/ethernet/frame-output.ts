// Frames on their way out: the Ethernet header in front of what others wrote, and the scratch memory in which ARP and
// neighbour discovery write their messages.
import { EtherType, ethernetHeaderBytes, FRAME_HEADROOM, writeEthernetHeader } from '../../wire/ethernet.js';
import type { PayloadPieces } from '../../wire/payload.js';
import type { EthernetIdentity, Link, PacketOffload } from '../link.js';
import type { Neighbor, WaitingPacket } from './neighbor-table.js';

/** Room for the longest message: a report of groups, an IPv6 packet. */
const MESSAGE_BYTES = 1280;

/** What is left to the link, counted from the beginning of the frame. */
class FrameOffload implements PacketOffload {
  family: 4 | 6 = 4;
  transportOffset = 0;
  segmentBytes = 0;
}

/** The way onto a link of Ethernet frames. */
export class FrameOutput {
  /** Where messages are written, from `FRAME_HEADROOM` on. */
  readonly message = new Uint8Array(FRAME_HEADROOM + MESSAGE_BYTES);
  readonly view = new DataView(this.message.buffer);
  private readonly headerBytes: number;
  private readonly offload = new FrameOffload();
  /** The memory in which headers were written last, with a view of it: there is one for all segments. */
  private knownBytes = this.message;
  private knownView = this.view;

  constructor(
    private readonly link: Link,
    readonly identity: EthernetIdentity,
  ) {
    this.headerBytes = ethernetHeaderBytes(identity.vlan);
  }

  /**
   * Sends the message of `length` octets that was written to `message`.
   * @returns false when the link is full
   */
  send(macHigh: number, macLow: number, type: number, length: number): boolean {
    const { message } = this;
    const id = this.nextPacketId();
    return this.packet(macHigh, macLow, type, id, message, FRAME_HEADROOM, length, null, null);
  }

  /** A number for a packet that will be sent later. */
  nextPacketId(): number {
    return this.link.packetIds.next();
  }

  /**
   * Sends an IP packet to a neighbour whose MAC address is known.
   * @param header with at least `FRAME_HEADROOM` octets in front of `headerOffset`, which are overwritten
   */
  toNeighbor(
    neighbor: Neighbor,
    packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
    offload: PacketOffload | null,
  ): boolean {
    const { macHigh, macLow } = neighbor;
    const type = header[headerOffset]! >>> 4 === 4 ? EtherType.IPV4 : EtherType.IPV6;
    return this.packet(macHigh, macLow, type, packetId, header, headerOffset, headerLength, payload, offload);
  }

  /** Sends a packet that has waited. */
  waited(neighbor: Neighbor, { frame, packetId, offload }: WaitingPacket): boolean {
    const length = frame.length - FRAME_HEADROOM;
    return this.toNeighbor(neighbor, packetId, frame, FRAME_HEADROOM, length, null, offload);
  }

  private packet(
    macHigh: number,
    macLow: number,
    type: number,
    packetId: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    payload: PayloadPieces | null,
    offload: PacketOffload | null,
  ): boolean {
    const { mac, vlan } = this.identity;
    const at = offset - this.headerBytes;
    const view = this.viewOf(bytes);
    writeEthernetHeader(view, at, macHigh, macLow, mac.high, mac.low, type, vlan);
    return this.link.send(packetId, bytes, at, length + this.headerBytes, payload, this.inFrame(offload));
  }

  private inFrame(packet: PacketOffload | null): PacketOffload | null {
    if (packet === null) return null;
    const { offload } = this;
    offload.family = packet.family;
    offload.transportOffset = this.headerBytes + packet.transportOffset;
    offload.segmentBytes = packet.segmentBytes;
    return offload;
  }

  private viewOf(bytes: Uint8Array): DataView {
    if (bytes === this.message) return this.view;
    if (bytes !== this.knownBytes) {
      this.knownBytes = bytes as Uint8Array<ArrayBuffer>;
      this.knownView = new DataView(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
    }
    return this.knownView;
  }
}
