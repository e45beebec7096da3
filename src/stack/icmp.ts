// ICMP for both families: echo replies, and errors handed to the connection that they quote (RFC 9293 §3.9.2.2). Errors
// are claims of strangers: the connection checks the quoted sequence number before it believes one (RFC 5927).
import { pseudoHeader, pseudoHeader6 } from '../wire/checksum.js';
import { IcmpType, IcmpView, parseIcmp, UnreachableCode, writeIcmpEchoReply } from '../wire/icmp.js';
import type { IcmpQuote } from '../wire/icmp-quote.js';
import {
  Icmpv6Type,
  Icmpv6UnreachableCode,
  Icmpv6View,
  parseIcmpv6,
  writeIcmpv6EchoReply,
} from '../wire/icmpv6.js';
import { ParseError } from '../wire/parse-error.js';
import { PayloadPieces } from '../wire/payload.js';
import { IpProtocol } from '../wire/protocol.js';
import type { Demux } from './demux.js';
import type { Endpoint, EndpointDriver } from './endpoint.js';
import type { IpOutput } from './ip-output.js';
import type { IpPacket } from './ip-packet.js';
import { believedMss, type PathMtu } from './path-mtu.js';
import type { RateLimit } from './rate-limit.js';
import type { IcmpStats } from './stats.js';
import type { Strays } from './strays.js';
import type { PacketDropReason, StackTrace } from './trace.js';

/** MTUs of usual links, for routers that do not tell theirs (RFC 1191 §7.1). */
const PLATEAUS = [32_000, 17_914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68];

type ErrorKind = Parameters<Endpoint['connection']['onIcmpError']>[0];

/** By code of Destination Unreachable; FRAGMENTATION_NEEDED is dealt with apart. */
const KIND_V4: readonly (ErrorKind | null)[] = [];
{
  const kinds = KIND_V4 as (ErrorKind | null)[];
  const c = UnreachableCode;
  for (let code = 0; code <= c.PRECEDENCE_CUTOFF; code++) kinds[code] = null;
  for (const code of [c.NET, c.NET_UNKNOWN, c.NET_TOS, c.SOURCE_ROUTE_FAILED]) kinds[code] = 'net';
  for (const code of [c.HOST, c.HOST_UNKNOWN, c.HOST_ISOLATED, c.HOST_TOS]) kinds[code] = 'host';
  kinds[c.PROTOCOL] = 'protocol';
  kinds[c.PORT] = 'port';
  for (const code of [c.NET_PROHIBITED, c.HOST_PROHIBITED, c.PROHIBITED]) kinds[code] = 'prohibited';
  for (const code of [c.PRECEDENCE_VIOLATION, c.PRECEDENCE_CUTOFF]) kinds[code] = 'prohibited';
}

const KIND_V6: readonly (ErrorKind | null)[] = [];
{
  const kinds = KIND_V6 as (ErrorKind | null)[];
  const c = Icmpv6UnreachableCode;
  kinds[c.NO_ROUTE] = 'net';
  for (const code of [c.BEYOND_SCOPE, c.ADDRESS]) kinds[code] = 'host';
  kinds[c.PORT] = 'port';
  for (const code of [c.PROHIBITED, c.POLICY, c.REJECT_ROUTE]) kinds[code] = 'prohibited';
}

/** What comes for ICMP. */
export class IcmpInput {
  private readonly v4 = new IcmpView();
  private readonly v6 = new Icmpv6View();

  /**
   * @param linkMtu largest packet of the link; a path MTU is only ever smaller
   * @param limit shared with all else that ICMP sends because somebody asked for it
   */
  constructor(
    private readonly demux: Demux<Endpoint>,
    private readonly driver: EndpointDriver,
    private readonly output: IpOutput,
    private readonly paths: PathMtu,
    private readonly stats: IcmpStats,
    private readonly trace: StackTrace | null,
    private readonly linkMtu: number,
    private readonly limit: RateLimit,
    private readonly strays: Strays,
  ) {}

  /** Takes in one message. */
  receive(packet: IpPacket, now: number): void {
    this.stats.inMsgs++;
    const reason = packet.isIpv4 ? this.receiveV4(packet, now) : this.receiveV6(packet, now);
    if (reason !== null) this.trace?.packetDropped(reason, packet.packetId, now);
  }

  private receiveV4(packet: IpPacket, now: number): PacketDropReason | null {
    const { bytes, view, payloadOffset, payloadLength } = packet;
    const message = this.v4;
    if (parseIcmp(bytes, view, payloadOffset, payloadLength, message) !== ParseError.NONE) {
      return this.malformed();
    }
    switch (message.type) {
      case IcmpType.ECHO_REQUEST:
        return this.answerEcho(packet, now);
      case IcmpType.DESTINATION_UNREACHABLE:
        if (message.code === UnreachableCode.FRAGMENTATION_NEEDED) {
          const mtu = message.nextHopMtu > 0 ? message.nextHopMtu : plateauBelow(message.quote.totalLength);
          return this.pathMtu(packet, message.quote, mtu, now);
        }
        return this.error(packet, message.quote, KIND_V4[message.code] ?? null, now);
      case IcmpType.TIME_EXCEEDED:
        return this.error(packet, message.quote, 'time', now);
      default:
        // Source quench (RFC 9293 MUST-55) and redirects among others; a parameter problem changes nothing (MUST-56).
        return this.ignored();
    }
  }

  private receiveV6(packet: IpPacket, now: number): PacketDropReason | null {
    const { bytes, view, payloadOffset, payloadLength, local } = packet;
    const message = this.v6;
    const { source0, source1, source2, source3 } = packet;
    const { w0, w1, w2, w3 } = local;
    const sum = pseudoHeader6(
      source0,
      source1,
      source2,
      source3,
      w0,
      w1,
      w2,
      w3,
      IpProtocol.ICMPV6,
      payloadLength,
    );
    if (parseIcmpv6(bytes, view, payloadOffset, payloadLength, sum, message) !== ParseError.NONE) {
      return this.malformed();
    }
    switch (message.type) {
      case Icmpv6Type.ECHO_REQUEST:
        return this.answerEcho(packet, now);
      case Icmpv6Type.DESTINATION_UNREACHABLE:
        return this.error(packet, message.quote, KIND_V6[message.code] ?? null, now);
      case Icmpv6Type.PACKET_TOO_BIG:
        return this.pathMtu(packet, message.quote, message.mtu, now);
      case Icmpv6Type.TIME_EXCEEDED:
        return this.error(packet, message.quote, 'time', now);
      default:
        return this.ignored();
    }
  }

  private answerEcho(packet: IpPacket, now: number): PacketDropReason | null {
    const { stats } = this;
    stats.inEchos++;
    if (!this.limit.take(now)) {
      stats.echoesSuppressed++;
      return 'icmp_rate';
    }
    const { bytes, payloadOffset, payloadLength: length, local } = packet;
    const remote = packet.remote();
    // The link refers to the payload until it flushes, which may be after the batch is gone: hence an own copy.
    const reply = new Uint8Array(length);
    const view = new DataView(reply.buffer);
    if (packet.isIpv4) {
      writeIcmpEchoReply(bytes, payloadOffset, length, reply, view, 0);
    } else {
      const sum = pseudoHeader(local, remote, IpProtocol.ICMPV6, length);
      writeIcmpv6EchoReply(sum, bytes, payloadOffset, length, reply, view, 0);
    }
    const message = new PayloadPieces();
    message.add(reply, 0, length);
    const protocol = packet.isIpv4 ? IpProtocol.ICMP : IpProtocol.ICMPV6;
    // What the request came in, the reply can leave in: a source that knows of a narrow path has fragmented for it.
    const largest = Math.min(packet.largestPacket, this.paths.to(remote));
    if (!this.output.datagram(local, remote, protocol, message, packet.isLoopback, largest)) {
      stats.echoesSuppressed++;
      return 'link_full';
    }
    stats.outEchoReps++;
    return null;
  }

  private error(
    packet: IpPacket,
    quote: IcmpQuote,
    kind: ErrorKind | null,
    now: number,
  ): PacketDropReason | null {
    if (kind === null) return this.ignored();
    const endpoint = this.quoted(packet, quote);
    if (endpoint === null) return this.strays.pass(packet, now) ? null : this.unmatched();
    this.stats.inErrorsMatched++;
    endpoint.connection.onIcmpError(kind, quote.seq, now);
    this.driver.changed(endpoint);
    return null;
  }

  private pathMtu(packet: IpPacket, quote: IcmpQuote, mtu: number, now: number): PacketDropReason | null {
    // Never raises anything: what is no smaller than the link's MTU says nothing, and what would have let the quoted
    // packet pass is no reason to have dropped it (RFC 5927 §7.2).
    if (mtu >= this.linkMtu || (quote.present && quote.totalLength <= mtu)) return this.ignored();
    const endpoint = this.quoted(packet, quote);
    if (endpoint === null) return this.strays.pass(packet, now) ? null : this.unmatched();
    const mss = believedMss(mtu, packet.isIpv4 ? 4 : 6);
    if (!endpoint.connection.onPathMss(mss, quote.seq)) return this.unmatched();
    this.stats.inErrorsMatched++;
    this.paths.learn(endpoint.tuple.remote, mtu, now);
    this.driver.changed(endpoint);
    return null;
  }

  /** The connection whose segment is quoted. The quote must come from the address to which the message came. */
  private quoted(packet: IpPacket, quote: IcmpQuote): Endpoint | null {
    if (!quote.present || quote.protocol !== IpProtocol.TCP || !quote.hasSeq) return null;
    const { w0, w1, w2, w3 } = packet.local;
    if (quote.source3 !== w3 || quote.source2 !== w2 || quote.source1 !== w1 || quote.source0 !== w0) {
      return null;
    }
    const { destination0, destination1, destination2, destination3, sourcePort, destinationPort } = quote;
    return this.demux.lookup(
      w0,
      w1,
      w2,
      w3,
      sourcePort,
      destination0,
      destination1,
      destination2,
      destination3,
      destinationPort,
    );
  }

  private malformed(): PacketDropReason {
    this.stats.inErrors++;
    return 'icmp_malformed';
  }

  private ignored(): PacketDropReason {
    this.stats.inIgnored++;
    return 'icmp_ignored';
  }

  private unmatched(): PacketDropReason {
    this.stats.inErrorsUnmatched++;
    return 'icmp_unmatched';
  }
}

/** The next smaller usual MTU (RFC 1191 §5). */
function plateauBelow(length: number): number {
  for (const plateau of PLATEAUS) if (plateau < length) return plateau;
  return PLATEAUS.at(-1)!;
}
