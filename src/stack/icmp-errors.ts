// The ICMP errors that we send about packets that came (RFC 1122 §3.2.2, RFC 4443 §2.4): who may be told, and how often.
// Errors that others send us are in icmp.ts.
import type { IpAddress } from '../wire/address.js';
import { pseudoHeader } from '../wire/checksum.js';
import { ICMP_HEADER_BYTES, isIcmpErrorType, MAX_ICMP_QUOTE_BYTES, writeIcmpError } from '../wire/icmp.js';
import { icmpv6ErrorLength, writeIcmpv6Error } from '../wire/icmpv6.js';
import { IPV4_HEADER } from '../wire/ipv4.js';
import { IPV6_HEADER, IPV6_HEADER_BYTES } from '../wire/ipv6.js';
import { findUpperLayer, UpperLayer } from '../wire/ipv6-extensions.js';
import { offsetOf } from '../wire/layout.js';
import { PayloadPieces } from '../wire/payload.js';
import { IpProtocol } from '../wire/protocol.js';
import type { IpOutput } from './ip-output.js';
import type { IpPacket } from './ip-packet.js';
import type { RateLimit } from './rate-limit.js';
import type { IcmpStats } from './stats.js';

const PROTOCOL = offsetOf(IPV4_HEADER, 'protocol');
const NEXT_HEADER = offsetOf(IPV6_HEADER, 'nextHeader');

/** Tells sources what is wrong with their packets. */
export class IcmpErrors {
  private readonly upper = new UpperLayer();

  /** @param limit shared with everything else that anybody can provoke ICMP to send */
  constructor(
    private readonly output: IpOutput,
    private readonly limit: RateLimit,
    private readonly stats: IcmpStats,
  ) {}

  /**
   * Sends an error about the packet being taken in, whose addresses were checked.
   * @param type of ICMP or ICMPv6, as the packet's family has it
   * @param detail what goes with the type: a pointer, or 0
   */
  about(packet: IpPacket, type: number, code: number, detail: number, now: number): void {
    const { bytes, packetOffset, packetLength, local, isLoopback } = packet;
    const quoted = bytes.subarray(packetOffset, packetOffset + packetLength);
    this.send(local, packet.remote(), isLoopback, quoted, type, code, detail, now);
  }

  /**
   * As `about`, for a packet of which a copy was kept.
   * @param local our address, to which it came
   * @param quoted the packet, its IP header included; not kept
   */
  send(
    local: IpAddress,
    remote: IpAddress,
    isLoopback: boolean,
    quoted: Uint8Array,
    type: number,
    code: number,
    detail: number,
    now: number,
  ): void {
    if (this.isAboutError(quoted, remote.family)) return;
    const { stats } = this;
    const isIpv4 = remote.family === 4;
    const message = isIpv4
      ? messageV4(quoted, type, code, detail)
      : messageV6(local, remote, quoted, type, code, detail);
    const pieces = new PayloadPieces();
    pieces.add(message, 0, message.length);
    const protocol = isIpv4 ? IpProtocol.ICMP : IpProtocol.ICMPV6;
    if (this.limit.take(now) && this.output.datagram(local, remote, protocol, pieces, isLoopback)) {
      stats.outErrors++;
    } else {
      stats.errorsSuppressed++;
    }
  }

  /** Errors are not answered by errors, or two hosts could keep each other busy (RFC 1122 §3.2.2, RFC 4443 §2.4 e). */
  private isAboutError(packet: Uint8Array, family: 4 | 6): boolean {
    if (family === 4) {
      return packet[PROTOCOL] === IpProtocol.ICMP && isIcmpErrorType(packet[(packet[0]! & 15) << 2] ?? 0);
    }
    const { upper } = this;
    const isFound = findUpperLayer(packet, IPV6_HEADER_BYTES, packet.length, packet[NEXT_HEADER]!, upper);
    return isFound && upper.protocol === IpProtocol.ICMPV6 && (packet[upper.offset] ?? 0) < 128;
  }
}

function messageV4(quoted: Uint8Array, type: number, code: number, detail: number): Uint8Array {
  const message = new Uint8Array(ICMP_HEADER_BYTES + Math.min(quoted.length, MAX_ICMP_QUOTE_BYTES));
  const view = new DataView(message.buffer);
  writeIcmpError(type, code, detail, quoted, 0, quoted.length, message, view, 0);
  return message;
}

function messageV6(
  local: IpAddress,
  remote: IpAddress,
  quoted: Uint8Array,
  type: number,
  code: number,
  detail: number,
): Uint8Array {
  const message = new Uint8Array(icmpv6ErrorLength(quoted.length));
  const view = new DataView(message.buffer);
  const sum = pseudoHeader(local, remote, IpProtocol.ICMPV6, message.length);
  writeIcmpv6Error(sum, type, code, detail, quoted, 0, quoted.length, message, view, 0);
  return message;
}
