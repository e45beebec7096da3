// What a link is: the contract between the stack and whatever carries its packets. Implementations live in
// `link/`; `impair` and `capture` implement it by wrapping another link.
import type { BlockSource } from '../tcp/block-pool.js';
import type { MacAddress } from '../wire/mac.js';
import type { PayloadPieces } from '../wire/payload.js';

/**
 * Packets read in one wake-up. The arrays are reused: they are valid until `receive` returns, but for what is kept (`keptUpTo`).
 * Packet `i` is `bytes[offsets[i] … offsets[i] + lengths[i])`; an IP packet for medium `ip`, a frame for `ethernet`.
 */
export interface PacketBatch {
  readonly bytes: Uint8Array;
  /** Over the same memory as `bytes`, and starting where it starts. */
  readonly view: DataView;
  count: number;
  readonly offsets: Int32Array;
  readonly lengths: Int32Array;
  /** Number of each packet, from the link's `packetIds`. */
  readonly ids: Float64Array;
  /** What the link knows of each packet beside its bytes, as `PacketHint` has it. Absent: nothing of any. */
  readonly hints?: Int32Array | undefined;
  /**
   * Where a receiver may keep what it was given: `bytes` up to this offset are never written again, and whoever keeps a view
   * of a packet raises it to the end of that. Absent or negative: everything is written again.
   */
  keptUpTo?: number;
  /** More is likely to follow at once: what this leads to waits for that, or for `LinkReceiver.caughtUp`, one of which comes. */
  more?: boolean;
}

/** The parts of a number that tells of a received packet. */
export const PacketHint = {
  /** Mask: payload octets of the largest TCP segment, of which the packet has joined several; 0: it is as it was sent. */
  SEGMENT_BYTES: 0xffff,
  /** Its transport checksum needs no check: it was verified, or the packet never left memory. */
  VERIFIED: 0x10000,
  /** Its checksum field holds the sum of the pseudo header alone. */
  UNFINISHED: 0x20000,
  /** Shift and, then, mask: segments joined in it beyond those that its length tells, as some were shorter, or were
   * acknowledgments for less that it took the place of. */
  EXTRA_SHIFT: 19,
  EXTRA_SEGMENTS: 0xfff,
  /** It is longer than its IP header tells: as long as the batch says. Only for who takes such; see `LinkReceiver`. */
  LONG: 0x40000,
} as const;

/** Numbers packets of both directions in the order in which they cross, from 1. Shared by a link and its wrappers. */
export class PacketIds {
  private last = 0;

  /** The next number. */
  next(): number {
    return ++this.last;
  }
}

/** What a link does for its packets, so that the stack need not. */
export interface LinkOffload {
  /** True when outgoing TCP checksums may be left to the link. */
  readonly transmitChecksum: boolean;
  /** True when received packets were verified, or never left memory. */
  readonly receiveChecksum: boolean;
  /**
   * Largest TCP payload that the link cuts into MSS-sized segments by itself, in bytes; 0 when it does not. It may be more than
   * an IP header can tell the length of: that is 0 there then.
   */
  readonly maxSegmentationBytes: number;
}

/** What a link with offload has yet to do to a packet that it is given. Reused by its owner, valid during `send`. */
export interface PacketOffload {
  /** Family of the packet. */
  readonly family: 4 | 6;
  /**
   * Octets from the beginning of the given header to the TCP header, whose checksum field holds the sum of the pseudo
   * header.
   */
  readonly transportOffset: number;
  /** Payload octets of each segment that the packet is to be cut into; 0 leaves it whole. */
  readonly segmentBytes: number;
}

/** No offload: the stack computes and verifies every checksum and sends MSS-sized segments. */
export const NO_OFFLOAD: LinkOffload = {
  transmitChecksum: false,
  receiveChecksum: false,
  maxSegmentationBytes: 0,
};

/** What the frames of a link of medium `ethernet` bear. */
export interface EthernetIdentity {
  /** The stack's own address on that link. */
  readonly mac: MacAddress;
  /** The VLAN whose tag they bear, 1…4094; 0: none. */
  readonly vlan: number;
}

/** Counters of a link, since it was opened. */
export interface LinkStats {
  packetsIn: number;
  packetsOut: number;
  bytesIn: number;
  bytesOut: number;
  /** Packets that the link could not take or deliver. */
  dropped: number;
}

/** Fresh counters. */
export function newLinkStats(): LinkStats {
  return { packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0, dropped: 0 };
}

/** Who receives from a link: the stack, or a wrapper. None of these may throw. */
export interface LinkReceiver {
  /** True: packets of TCP may come that are longer than an IP header can tell (`PacketHint.LONG`). Default false. */
  readonly takesLong?: boolean;
  /** Takes a batch; everything in it is used, copied, or marked as kept before the call returns. */
  receive(batch: PacketBatch): void;
  /** Nothing came behind a batch that announced more. Absent: no batch may. */
  caughtUp?(): void;
  /** The link takes packets again after `send` had returned false. */
  writable(): void;
  /** The link is gone (device deleted, descriptor broken): no packet will come or go any more. */
  failed(error: Error): void;
  /** Something about the link that people should know. */
  notice?(notice: LinkNotice): void;
}

/** What a link tells people. */
export interface LinkNotice {
  /**
   * `SYNWAVE_UNFINISHED_CHECKSUM`: the sender's kernel leaves checksums to a device that the packets never meet.
   * `SYNWAVE_CAP_ABORTS`: the package below the link was compiled so that it aborts the process when the interface goes.
   * `SYNWAVE_PCAP_FALLBACK`: an Ethernet link is made by libpcap, as the native binding has no packet sockets here.
   */
  readonly code: 'SYNWAVE_UNFINISHED_CHECKSUM' | 'SYNWAVE_CAP_ABORTS' | 'SYNWAVE_PCAP_FALLBACK';
  /** In words that name the remedy. */
  readonly message: string;
}

/** The local TCP ports that a stack may use on a link that shares its address with other users of it. */
export interface LocalPorts {
  /** Whether segments of this port come and go by the link. */
  has(port: number): boolean;
  /** The ports for connections whose user names none; both included. */
  readonly ephemeral: { readonly first: number; readonly last: number };
  /** How to get one more, for the error about a port that is not among them. */
  readonly remedy: string;
}

/** A way onto the wire. */
export interface Link {
  readonly name: string;
  readonly medium: 'ip' | 'ethernet';
  /** Largest IP packet, in bytes. */
  readonly mtu: number;
  /** For medium `ethernet`. Default: a random address, and no tag. */
  readonly ethernet?: EthernetIdentity | undefined;
  readonly offload: LinkOffload;
  readonly packetIds: PacketIds;
  readonly stats: LinkStats;
  /** Present when the stack must keep to some ports, because others use the address as well. Default: all are ours. */
  readonly ports?: LocalPorts | undefined;
  /** Family whose packets arrive without their ECN marks: ECN is not negotiated there (RFC 3168 §6.1). Default: none. */
  readonly ecnBlind?: 4 | 6 | undefined;
  /** False while the link asks to be spared; `writable()` announces the end of it. */
  readonly writable: boolean;

  /** Begins delivery. Called once. */
  start(receiver: LinkReceiver): void;

  /**
   * Queues one packet: `header[headerOffset … headerOffset + headerLength)`, which is copied at once, followed by the
   * payload, which is only referenced until the next `flush` returns.
   * @param packetId number of this packet, taken by the sender from `packetIds`
   * @param offload what the link has to do, within the bounds of its `offload`; default nothing: the packet is complete
   * @returns false when the link is full: the packet was not taken, and `writable()` will follow. A link takes the packet when it
   * was `writable` before the call: what it finds no room for then, it keeps.
   */
  send(
    packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
    offload?: PacketOffload | null,
  ): boolean;

  /**
   * For who stands around a link and must see packets as they are on a wire: called before `start`, it turns `offload`
   * into `NO_OFFLOAD`.
   */
  declineOffload?(): void;

  /** For links that watch: a packet that the stack sends to itself, past the link. As `send`, but nothing is to be done. */
  looped?(
    packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
  ): void;

  /** Hands all queued packets to the wire. Cheap when there are none. */
  flush(): void;

  /**
   * Memory for bytes received, with whatever is in it: that of a link which gets back by itself what nobody refers to any
   * more. Default: a fresh array.
   */
  allocate?(bytes: number): Uint8Array;

  /**
   * Memory for payload on its way out that the link may go on reading after `flush`: it gives a block out again only when it is through
   * with it. All other `PayloadPieces` are read until `flush` returns. Default: none.
   */
  readonly blocks?: BlockSource;

  /** Delivers what has arrived and waits in the device, before it returns; the number of packets. */
  pull?(): number;

  /** For a link that cannot be pulled: calls back, soon and once, when what has arrived by now has been delivered. */
  whenDelivered?(delivered: () => void): void;

  /** True while the link keeps the process alive (default) or not. */
  ref?(): void;
  unref?(): void;

  /** Stops delivery, lets go of the device and removes it when this link made it. Idempotent. */
  close(): Promise<void>;
}
