// From a TCP segment to the connection or listener that owns it (RFC 9293 §3.10.7), or to the RST for a segment that
// nobody owns. The rules of a connection's states are in tcp/.
import type { ConnectionConfig } from '../tcp/config.js';
import { Connection, type ConnectionEnvironment } from '../tcp/connection.js';
import { fillReset } from '../tcp/segment-arrives/closed.js';
import { classifyListenSegment } from '../tcp/segment-arrives/listen.js';
import { SegmentOut } from '../tcp/segment-out.js';
import { State } from '../tcp/state.js';
import { fillCookieAnswer, openByCookie, recallSyn, SYN_COOKIE_LIFE_MS } from '../tcp/syn-cookie.js';
import { mayReopen } from '../tcp/time-wait-reuse.js';
import type { DropReason } from '../tcp/trace.js';
import { ConnectionTuple, type FourTuple, type IpAddress } from '../wire/address.js';
import { pseudoHeader4, pseudoHeader6 } from '../wire/checksum.js';
import { ParseError } from '../wire/parse-error.js';
import { IpProtocol } from '../wire/protocol.js';
import { ACK, RST, SegmentView, SYN } from '../wire/segment.js';
import { parseTcp, tcpChecksumOk } from '../wire/tcp.js';
import type { ConnectionTable } from './connection-table.js';
import { Endpoint, type EndpointDriver } from './endpoint.js';
import type { IpOutput } from './ip-output.js';
import type { IpPacket } from './ip-packet.js';
import type { Limits } from './limits.js';
import { PacketHint } from './link.js';
import type { Listener } from './listener.js';
import type { ListenerTable } from './listener-table.js';
import { RateLimit } from './rate-limit.js';
import type { TcpStats } from './stats.js';
import type { Strays } from './strays.js';
import type { StackTrace } from './trace.js';

/** What TCP input works on. */
export interface TcpInputParts {
  readonly table: ConnectionTable;
  readonly listeners: ListenerTable;
  readonly driver: EndpointDriver;
  readonly output: IpOutput;
  readonly environment: ConnectionEnvironment;
  readonly limits: Limits;
  readonly stats: TcpStats;
  readonly trace: StackTrace | null;
  readonly strays: Strays;
  /** True when the link has verified what it delivers in one piece. */
  readonly isVerified: boolean;
}

/** What comes for TCP. */
export class TcpInput {
  private readonly segment = new SegmentView();
  private readonly reply = new SegmentOut();
  private readonly recalled = new SegmentView();
  private readonly resets: RateLimit;
  /** Clock ms until which an ACK may show a SYN cookie; of several listeners on a port another one may get it. */
  private cookiesUntil = Number.NEGATIVE_INFINITY;
  private lastRemote: IpAddress | null = null;

  /** @param now clock ms */
  constructor(
    private readonly parts: TcpInputParts,
    now: number,
  ) {
    this.resets = new RateLimit(parts.limits.resetsPerSecond, now);
  }

  /** Takes in one segment. */
  receive(packet: IpPacket, now: number): void {
    const s = this.segment;
    s.mayBeKept = packet.mayBeKept;
    s.isKept = false;
    this.take(packet, s, now);
    if (s.isKept) packet.keep();
  }

  private take(packet: IpPacket, s: SegmentView, now: number): void {
    const { stats, table, driver } = this.parts;
    const fault = this.parse(packet, s);
    stats.inSegs += fault === 'malformed' ? 1 : s.segmentCount;
    if (fault !== null) {
      stats.inErrs++;
      const readable = fault === 'malformed' ? null : s;
      this.parts.trace?.segmentDropped(null, readable, fault, 'none', 'RFC9293-3.1', now);
      return;
    }
    const { w0, w1, w2, w3 } = packet.local;
    const { source0, source1, source2, source3 } = packet;
    const endpoint = table.demux.lookup(
      w0,
      w1,
      w2,
      w3,
      s.destinationPort,
      source0,
      source1,
      source2,
      source3,
      s.sourcePort,
    );
    if (endpoint === null) {
      this.receiveUnowned(packet, s, now);
      return;
    }
    if (endpoint.connection.state === State.TIME_WAIT && this.reopens(packet, s, endpoint, now)) return;
    if (isLastAckForFullListener(endpoint, s)) {
      this.refuseEstablishment(endpoint.listener!, s, now);
      return;
    }
    endpoint.connection.onSegment(s, now);
    driver.changed(endpoint);
  }

  /** Fills the view, or says what is wrong. */
  private parse(packet: IpPacket, s: SegmentView): DropReason | null {
    const { bytes, view, payloadOffset, payloadLength } = packet;
    s.packetId = packet.packetId;
    s.ecn = packet.ecn;
    s.segmentBytes = packet.hint & PacketHint.SEGMENT_BYTES;
    s.extraSegments = (packet.hint >>> PacketHint.EXTRA_SHIFT) & PacketHint.EXTRA_SEGMENTS;
    if (parseTcp(bytes, view, payloadOffset, payloadLength, s) !== ParseError.NONE) return 'malformed';
    const isVouchedFor =
      packet.isLoopback ||
      (packet.hint & PacketHint.VERIFIED) !== 0 ||
      (this.parts.isVerified && !packet.isReassembled);
    if (!isVouchedFor && !this.isChecksumOk(packet)) {
      this.parts.stats.inCsumErrors++;
      return 'checksum';
    }
    // Port 0 belongs to nobody, and an answer could not be addressed.
    if (s.sourcePort === 0 || s.destinationPort === 0) return 'malformed';
    return null;
  }

  /** RFC 9293 MUST-3. */
  private isChecksumOk(packet: IpPacket): boolean {
    const { payloadLength: length, source0, source1, source2, source3 } = packet;
    const { w0, w1, w2, w3 } = packet.local;
    const sum = packet.isIpv4
      ? pseudoHeader4(source3, w3, IpProtocol.TCP, length)
      : pseudoHeader6(source0, source1, source2, source3, w0, w1, w2, w3, IpProtocol.TCP, length);
    return tcpChecksumOk(sum, packet.bytes, packet.payloadOffset, length);
  }

  private receiveUnowned(packet: IpPacket, s: SegmentView, now: number): void {
    const { w0, w1, w2, w3 } = packet.local;
    const listener = this.parts.listeners.lookup(w0, w1, w2, w3, s.destinationPort);
    const kind = listener === null ? 'reset' : classifyListenSegment(s);
    if (listener !== null && kind === 'open') {
      this.open(packet, s, listener, null, now);
      return;
    }
    const mayShowCookie = listener !== null && kind === 'reset' && now < this.cookiesUntil;
    if (mayShowCookie && this.openByCookie(packet, s, listener, now)) return;
    if (this.parts.strays.pass(packet, now)) return;
    if (listener === null) {
      this.parts.stats.inNoPorts++;
      this.reset(packet, s, 'no_tcb', 'RFC9293-3.10.7.1', now);
    } else if (kind === 'reset') {
      this.reset(packet, s, 'listen_ack', 'RFC9293-3.10.7.2', now);
    } else {
      this.dropped(s, s.flags & RST ? 'rst' : 'listen_flags', 'RFC9293-3.10.7.2', now);
    }
  }

  /** Answers a segment that nobody owns, as often as the limit allows. */
  private reset(packet: IpPacket, s: SegmentView, reason: DropReason, rule: string, now: number): void {
    const { stats, trace, output } = this.parts;
    if (!fillReset(s, this.reply)) {
      this.dropped(s, reason, rule, now);
      return;
    }
    const isSent =
      this.resets.take(now) &&
      output.answer(
        packet.local,
        s.destinationPort,
        packet.remote(),
        s.sourcePort,
        this.reply,
        packet.isLoopback,
      );
    if (!isSent) stats.resetsSuppressed++;
    trace?.segmentDropped(null, s, reason, isSent ? 'rst' : 'none', rule, now);
  }

  /** A SYN for a listener: makes the half-open connection, if there is room for it. */
  private open(
    packet: IpPacket,
    s: SegmentView,
    listener: Listener,
    reopened: Endpoint | null,
    now: number,
  ): void {
    const { table, driver, stats } = this.parts;
    if (listener.sharesPort) this.parts.listeners.passTurn(listener);
    if (listener.isFull) {
      stats.listenDrops++;
      listener.reportFull(listener.backlog + 1, 'drop-syn', now);
      this.dropped(s, 'backlog', 'RFC9293-3.10.7.2', now);
      return;
    }
    const config = packet.isIpv4 ? listener.configs.v4 : listener.configs.v6;
    const isCrowded = listener.halfOpen.size >= listener.halfOpenLimit;
    // A cookie cannot tell that a TIME-WAIT is being reopened.
    if (reopened === null && (isCrowded ? config.synCookies !== 'off' : config.synCookies === 'always')) {
      this.answerByCookie(packet, s, listener, config, now);
      return;
    }
    if (isCrowded) this.evictOldest(listener, now);
    if (reopened !== null) table.replace(reopened, now);
    if (table.isFull) {
      stats.connectionLimitDrops++;
      this.dropped(s, 'backlog', 'RFC9293-3.10.7.2', now);
      return;
    }
    const endpoint = this.halfOpen(packet, this.tupleOf(packet, s), listener, config);
    const { connection } = endpoint;
    this.boundSynData(endpoint, s, now);
    connection.openPassive(s, reopened?.connection ?? null, now, listener.fastOpens.count(now));
    driver.changed(endpoint);
    if (connection.fastOpen !== null) this.noteFastOpen(endpoint, listener);
    if (reopened !== null) driver.changed(reopened);
  }

  /** A connection among the listener's half-open ones, still in CLOSED. */
  private halfOpen(
    packet: IpPacket,
    tuple: FourTuple,
    listener: Listener,
    config: ConnectionConfig,
  ): Endpoint {
    const { table, driver, environment } = this.parts;
    const connection = new Connection(table.nextId(), tuple, config, environment, 'passive');
    const endpoint = new Endpoint(connection, driver);
    if (packet.isLoopback) endpoint.stayInMemory();
    endpoint.listener = listener;
    table.register(endpoint);
    listener.halfOpen.push(endpoint);
    return endpoint;
  }

  /** What became of Fast Open; with a good cookie the application gets the connection at once (RFC 7413 §4.2.2). */
  private noteFastOpen(endpoint: Endpoint, listener: Listener): void {
    const { stats } = this.parts;
    const { outcome, isAccepted } = endpoint.connection.fastOpen!;
    if (outcome === 'refused') stats.fastOpenPassiveFail++;
    if (outcome === 'limit') stats.fastOpenListenOverflow++;
    if (!isAccepted) return;
    stats.fastOpenPassive++;
    listener.fastOpens.begin();
    endpoint.fastOpenOf = listener.fastOpens;
    listener.promote(endpoint);
  }

  /** Answers a SYN and keeps nothing (RFC 4987 §3.6). */
  private answerByCookie(
    packet: IpPacket,
    s: SegmentView,
    listener: Listener,
    config: ConnectionConfig,
    now: number,
  ): void {
    const { stats, trace, output, environment } = this.parts;
    const tuple = this.tupleOf(packet, s);
    const { local, localPort, remote, remotePort } = tuple;
    fillCookieAnswer(config, environment, tuple, s, now, this.reply);
    if (config.synCookies === 'full') listener.reportFull(listener.halfOpenLimit, 'syn-cookies', now);
    const isSent = output.answer(local, localPort, remote, remotePort, this.reply, packet.isLoopback);
    if (isSent) stats.synCookiesSent++;
    this.cookiesUntil = now + SYN_COOKIE_LIFE_MS;
    trace?.segmentDropped(null, s, 'syn_cookie', isSent ? 'cookie' : 'none', 'RFC4987-3.6', now);
  }

  /**
   * An ACK that nobody owns, at a listener that has sent cookies.
   * @returns false when it shows none
   */
  private openByCookie(packet: IpPacket, s: SegmentView, listener: Listener, now: number): boolean {
    const { stats, environment, table, driver } = this.parts;
    if ((s.flags & (ACK | SYN | RST)) !== ACK) return false;
    const config = packet.isIpv4 ? listener.configs.v4 : listener.configs.v6;
    const tuple = this.tupleOf(packet, s);
    if (!recallSyn(config, environment, tuple, s, now, this.recalled)) {
      stats.synCookiesFailed++;
      return false;
    }
    if (listener.isFull || table.isFull) {
      this.refuseEstablishment(listener, s, now);
      return true;
    }
    stats.synCookiesRecv++;
    const endpoint = this.halfOpen(packet, tuple, listener, config);
    openByCookie(endpoint.connection, this.recalled, s, now);
    driver.changed(endpoint);
    endpoint.connection.onSegment(s, now);
    driver.changed(endpoint);
    return true;
  }

  private tupleOf(packet: IpPacket, s: SegmentView): FourTuple {
    const remote = packet.remote();
    // Connections that one host opens in a row share its address.
    if (this.lastRemote?.equals(remote) !== true) this.lastRemote = remote;
    return new ConnectionTuple(packet.local, s.destinationPort, this.lastRemote!, s.sourcePort);
  }

  private evictOldest(listener: Listener, now: number): void {
    const { stats, driver } = this.parts;
    stats.halfOpenEvicted++;
    listener.reportFull(listener.halfOpenLimit, 'drop-oldest', now);
    const oldest = listener.halfOpen.first!;
    oldest.connection.evict(now);
    driver.changed(oldest);
  }

  /** Data on a SYN is charged to a common limit; what exceeds it is left to the peer, who was not promised anything. */
  private boundSynData(endpoint: Endpoint, s: SegmentView, now: number): void {
    const { config } = endpoint.connection;
    if (s.payloadLength === 0 || (config.synData === 'discard' && !config.fastOpen)) return;
    const { table, limits, stats, trace } = this.parts;
    const kept = Math.min(s.payloadLength, config.synDataBytes);
    if (table.synDataBytes + kept > limits.synDataBytes) {
      stats.synDataLimited++;
      trace?.segmentDropped(endpoint.connection, s, 'syndata_limit', 'none', 'RFC9293-3.10.7.2', now);
      s.len -= s.payloadLength;
      s.payloadLength = 0;
      return;
    }
    endpoint.synDataBytes = kept;
    table.synDataBytes += kept;
  }

  /**
   * A SYN for a tuple in TIME-WAIT opens it anew when it is newer than the old connection and somebody listens. Everything
   * else is the old connection's business.
   */
  private reopens(packet: IpPacket, s: SegmentView, old: Endpoint, now: number): boolean {
    if (!(s.flags & SYN) || classifyListenSegment(s) !== 'open') return false;
    const { w0, w1, w2, w3 } = packet.local;
    const listener = this.parts.listeners.lookup(w0, w1, w2, w3, s.destinationPort);
    if (listener === null) return false;
    const { timestamps } = packet.isIpv4 ? listener.configs.v4 : listener.configs.v6;
    if (!mayReopen(old.connection, s, timestamps)) return false;
    this.open(packet, s, listener, old, now);
    return true;
  }

  /** The peer believes to be connected; our SYN-ACK, sent again, will bring another ACK when there is room. */
  private refuseEstablishment(listener: Listener, s: SegmentView, now: number): void {
    this.parts.stats.listenOverflows++;
    listener.reportFull(listener.backlog + 1, 'drop-ack', now);
    this.dropped(s, 'backlog', 'RFC9293-3.10.7.4', now);
  }

  private dropped(s: SegmentView, reason: DropReason, rule: string, now: number): void {
    this.parts.trace?.segmentDropped(null, s, reason, 'none', rule, now);
  }
}

/** An ACK that could complete a handshake for which the accept queue has no place. */
function isLastAckForFullListener(endpoint: Endpoint, s: SegmentView): boolean {
  const { listener } = endpoint;
  if (listener === null || endpoint.queue !== listener.halfOpen || !listener.isFull) return false;
  return (s.flags & (ACK | SYN | RST)) === ACK;
}
