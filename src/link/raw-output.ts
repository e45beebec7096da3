// From the stack's packets to raw sockets: one for each family, with IP headers of the stack's own making. They take
// nothing in, so that a flood of packets on the receiving sockets cannot keep them from being written to.

import { IpAddress } from '../wire/address.js';
import type { PayloadPieces } from '../wire/payload.js';
import { codeOf } from './raw-errors.js';
import type { RawSocket } from './raw-package.js';

/** The largest packet of either family. */
const LARGEST_PACKET = 65_575;
/** Slots of the table of printed addresses. A power of two. */
const KNOWN = 1024;
const IPV4_DESTINATION = 16;
const IPV6_DESTINATION = 24;
/** 0xfe80/10 in the first word (RFC 4291 §2.5.6). */
const LINK_LOCAL = 0xfe800000 | 0;
const LINK_LOCAL_MASK = 0xffc00000 | 0;

/** The writing half of a raw link. */
export class RawOutput {
  /** Packets that the kernel refused, by the code of its error. */
  readonly errors = new Map<string, number>();
  private readonly packet = Buffer.allocUnsafeSlow(LARGEST_PACKET);
  private readonly view = new DataView(this.packet.buffer, this.packet.byteOffset, LARGEST_PACKET);
  private readonly words = new Int32Array(4 * KNOWN);
  private readonly texts: (string | undefined)[] = new Array(KNOWN).fill(undefined);
  private readonly nothing = (): void => {};
  /** Of the packet in `packet`. */
  private length = 0;

  /**
   * @param sockets of the families that the link has
   * @param device interface for link-local destinations, which mean nothing without one
   */
  constructor(
    private readonly sockets: Readonly<Partial<Record<4 | 6, RawSocket>>>,
    private readonly device: string,
  ) {}

  /**
   * Sends one packet, which is copied before this returns.
   * @returns null, or the code of the error: `EAGAIN` when the socket is full, which `again` is for
   */
  send(
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
  ): string | null {
    const { packet } = this;
    const total = headerLength + (payload === null ? 0 : payload.total);
    if (total > LARGEST_PACKET) return this.refused('EMSGSIZE');
    for (let i = 0; i < headerLength; i++) packet[i] = header[headerOffset + i]!;
    payload?.copyTo(packet, headerLength);
    this.length = total;
    return this.again();
  }

  /** Sends the packet of the last `send` once more, as that found the socket full. Returns as `send`. */
  again(): string | null {
    const { packet, length } = this;
    const family = packet[0]! >>> 4 === 4 ? 4 : 6;
    const socket = this.sockets[family];
    if (socket === undefined) return this.refused('EAFNOSUPPORT');
    const address = family === 4 ? this.ipv4Text() : this.ipv6Text();
    try {
      socket.wrap.send(packet, 0, length, address, this.nothing);
      return null;
    } catch (error) {
      const code = codeOf(error);
      return code === 'EAGAIN' ? code : this.refused(code);
    }
  }

  /** Octets of the packet of the last `send`. */
  get sentBytes(): number {
    return this.length;
  }

  private refused(code: string): string {
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
    return code;
  }

  private ipv4Text(): string {
    return this.text(0, 0, 0xffff, this.view.getInt32(IPV4_DESTINATION));
  }

  private ipv6Text(): string {
    const { view } = this;
    return this.text(
      view.getInt32(IPV6_DESTINATION),
      view.getInt32(IPV6_DESTINATION + 4),
      view.getInt32(IPV6_DESTINATION + 8),
      view.getInt32(IPV6_DESTINATION + 12),
    );
  }

  /** The package wants text; the peers are few and come again. */
  private text(w0: number, w1: number, w2: number, w3: number): string {
    const { words, texts } = this;
    const hash = Math.imul(w3 ^ Math.imul(w2, 31) ^ Math.imul(w1, 17) ^ w0, 0x9e3779b1);
    const slot = hash >>> 22;
    const at = 4 * slot;
    const known = texts[slot];
    const isSame = words[at] === w0 && words[at + 1] === w1 && words[at + 2] === w2 && words[at + 3] === w3;
    if (known !== undefined && isSame) return known;
    words[at] = w0;
    words[at + 1] = w1;
    words[at + 2] = w2;
    words[at + 3] = w3;
    const zone = (w0 & LINK_LOCAL_MASK) === LINK_LOCAL ? `%${this.device}` : '';
    const made = `${new IpAddress(w0, w1, w2, w3)}${zone}`;
    texts[slot] = made;
    return made;
  }
}
