// One received packet after its IP header was read, the same for both families. Reused; nothing of it outlives the packet.
import { IpAddress } from '../wire/address.js';
import { type PacketBatch, PacketHint } from './link.js';

/** What TCP and ICMP need to know of the packet that carried them. */
export class IpPacket {
  packetId = 0;
  bytes: Uint8Array = new Uint8Array(0);
  view: DataView = new DataView(this.bytes.buffer);
  /** Where its IP header begins in `bytes`, and its octets from there on, those behind the packet not counted. */
  packetOffset = 0;
  packetLength = 0;
  /** Octets of the longest packet in which it came: the fragments', when it came in several. */
  largestPacket = 0;
  /** True when it was put together of fragments: no link has verified a checksum over them. */
  isReassembled = false;
  /** The batch whose memory it lies in, when parts of that may be kept. */
  private lender: PacketBatch | null = null;
  /** What the link said of it, as `PacketHint` has it. */
  hint = 0;
  /** Octets of the upper layer. */
  payloadOffset = 0;
  payloadLength = 0;
  protocol = 0;
  ecn = 0;
  /** True when the packet came from this stack and never left it. */
  isLoopback = false;
  /** Our address, to which it came. */
  local: IpAddress = IpAddress.v4(0);
  /** Source address in the words of `IpAddress`. */
  source0 = 0;
  source1 = 0;
  source2 = 0;
  source3 = 0;

  /** Begins with the next packet of a batch. */
  begin(batch: PacketBatch, index: number, isLoopback: boolean): void {
    this.packetId = batch.ids[index]!;
    this.bytes = batch.bytes;
    this.view = batch.view;
    this.isLoopback = isLoopback;
    this.isReassembled = false;
    this.lender = (batch.keptUpTo ?? -1) < 0 ? null : batch;
    this.hint = batch.hints === undefined ? 0 : batch.hints[index]!;
    this.largestPacket = 0;
  }

  /** Goes on with the whole that was made of fragments, of which this was the last to come. */
  become(whole: Uint8Array, view: DataView, largestPacket: number): void {
    this.bytes = whole;
    this.view = view;
    this.isReassembled = true;
    this.lender = null;
    this.hint = 0;
    this.largestPacket = largestPacket;
  }

  /**
   * Notes where the packet stands, once its header has told its length.
   * @param given octets that the link has given for it; default what its header says
   */
  place(offset: number, length: number, given = length): void {
    const octets = (this.hint & PacketHint.LONG) === 0 ? length : given;
    this.packetOffset = offset;
    this.packetLength = octets;
    if (!this.isReassembled) this.largestPacket = octets;
  }

  /** Notes where the upper layer begins; it goes to the end of the packet. */
  placePayload(offset: number): void {
    this.payloadOffset = offset;
    this.payloadLength = this.packetOffset + this.packetLength - offset;
  }

  /** Whether views of its bytes may be kept, if `keep` is called. */
  get mayBeKept(): boolean {
    return this.lender !== null;
  }

  /** Has the link write nowhere into the packet any more. */
  keep(): void {
    const end = this.packetOffset + this.packetLength;
    if (end > this.lender!.keptUpTo!) this.lender!.keptUpTo = end;
  }

  setSource(w0: number, w1: number, w2: number, w3: number): void {
    this.source0 = w0;
    this.source1 = w1;
    this.source2 = w2;
    this.source3 = w3;
  }

  /** The source as an address of its own, to be kept. */
  remote(): IpAddress {
    return new IpAddress(this.source0, this.source1, this.source2, this.source3);
  }

  /** True over IPv4. */
  get isIpv4(): boolean {
    return this.source2 === 0xffff && (this.source0 | this.source1) === 0;
  }
}
