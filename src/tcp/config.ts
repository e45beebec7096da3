// What can be set on a connection, with the defaults and where they come from.
import type { ControllerFactory } from './congestion/controller.js';

/** Settings of one connection. Times in milliseconds, sizes in bytes. */
export interface ConnectionConfig {
  /** Largest payload that we can receive in a segment: the MSS option sent (RFC 9293 MUST-67). */
  receiveMss: number;
  /** Largest payload that the path lets us send, before the peer's MSS binds (RFC 9293 §3.7.1). */
  pathMss: number;
  /**
   * Most payload bytes of full segments that may leave as one, for the owner to have them cut (segmentation offload); less
   * than two segments: each leaves by itself.
   */
  joinedSendBytes: number;
  /** Bytes that the send buffer holds at the beginning; it grows with what is in flight. */
  sendBufferBytes: number;
  /** Bytes that the send buffer may grow to; no growth when this is not more than `sendBufferBytes`. */
  sendBufferMaxBytes: number;
  /** Bytes that the receive buffer holds at the beginning; bounds the advertised window. */
  receiveBufferBytes: number;
  /** Bytes that the receive buffer may grow to as the application keeps up; see `sendBufferMaxBytes`. */
  receiveBufferMaxBytes: number;
  /** Window-scale shift that we offer, 0…14, or -1 for no option (RFC 7323 §2). */
  windowScale: number;
  /** Offer and accept selective acknowledgments (RFC 2018). */
  sack: boolean;
  /** Offer and accept timestamps (RFC 7323 §3). */
  timestamps: boolean;
  /** Explicit congestion notification (RFC 3168): never, when the peer asks for it, or asked for by us too. */
  ecn: 'off' | 'accept' | 'on';
  /** Nagle's algorithm (RFC 9293 SHLD-7). */
  nagle: boolean;
  /** Longest delay of an acknowledgment; below 500 (RFC 9293 MUST-40). 0 acknowledges at once. */
  delayedAckMs: number;
  /** First retransmission timeout (RFC 6298 §2.1). */
  rtoInitialMs: number;
  /** Least distance of the retransmission timeout from the round-trip time. Linux has 200, RFC 6298 §2.4 recommends 1000. */
  rtoMinMs: number;
  /** Greatest retransmission timeout (RFC 6298 §2.5). */
  rtoMaxMs: number;
  /** Retransmissions of one segment after which IP is advised and the application warned (RFC 9293 SHLD-10). */
  r1Retransmissions: number;
  /** Time after which unacknowledged data ends the connection: R2 (RFC 9293 SHLD-11). */
  r2Ms: number;
  /** R2 for a SYN of ours on active open, at least three minutes (RFC 9293 MUST-23). */
  r2SynMs: number;
  /** Retransmissions of a SYN-ACK before a passive half-open connection is given up. */
  synAckRetries: number;
  /** User timeout; 0 leaves R2 in charge (RFC 9293 MUST-21). */
  userTimeoutMs: number;
  /** Keep-alive on or off (RFC 9293 MUST-25: off). */
  keepAlive: boolean;
  /** Idle time before the first keep-alive probe (RFC 9293 MUST-28: two hours). */
  keepAliveIdleMs: number;
  /** Time between keep-alive probes. */
  keepAliveIntervalMs: number;
  /** Unanswered probes that end the connection. */
  keepAliveProbes: number;
  /** Maximum segment lifetime; TIME-WAIT lasts twice as long. Linux behaves like 30 000, the RFC says 120 000. */
  mslMs: number;
  /** Longest stay of an orphan in FIN-WAIT-2. */
  finWait2Ms: number;
  /** Longest time without progress that a connection may live after its application has left (RFC 6429 §5). */
  orphanMs: number;
  /**
   * What to do with data on a SYN: keep it until ESTABLISHED, forget it, or keep and acknowledge it at once. With a good Fast
   * Open cookie it is acknowledged and delivered at once, whatever this says.
   */
  synData: 'queue' | 'discard' | 'accept';
  /** Bytes of SYN data kept per half-open connection. */
  synDataBytes: number;
  /**
   * TCP Fast Open (RFC 7413), off unless asked for: data on the SYN may then be delivered twice, when the network doubles the
   * SYN. A client asks for a cookie, and sends queued data with the SYN once it has one; a listener gives cookies, and hands a
   * connection whose SYN shows a good one to the application before the handshake is over.
   */
  fastOpen: boolean;
  /** Connections of a listener that Fast Open has handed out before the end of their handshake, at most (RFC 7413 §5.1). */
  fastOpenPending: number;
  /**
   * SYN cookies of a listener (RFC 4987 §3.6): never, when its half-open connections are at their limit, or for every SYN. A
   * connection that comes by one has the options of its SYN if both sides use timestamps, else only its MSS, rounded down.
   * With `off` the oldest half-open connection goes instead.
   */
  synCookies: 'off' | 'full' | 'always';
  /** Out-of-order segments kept, at most. */
  reassemblySegments: number;
  /** Least MSS that we accept from a peer; smaller ones are raised to it. */
  peerMssFloor: number;
  /** Challenge ACKs per connection and `challengeAckWindowMs` (RFC 5961 §7). */
  challengeAckLimit: number;
  challengeAckWindowMs: number;
  /** Ignore RST in TIME-WAIT (RFC 1337). */
  rfc1337: boolean;
  /** Differentiated-services code point of sent packets, 0…63 (RFC 9293 MUST-48). */
  dscp: number;
  /** Time to live or hop limit of sent packets (RFC 9293 MUST-49). */
  ttl: number;
  /** Report soft ICMP errors to the application (RFC 9293 MUST-47, SHLD-20). */
  reportSoftErrors: boolean;
  /** Least payload per segment that black-hole detection falls back to (RFC 4821 §7.2), or 0 to leave the path unprobed. */
  probeBaseMss: number;
  /** Initial congestion window in segments (RFC 6928). */
  initialWindowSegments: number;
  /** Makes the congestion controller. */
  congestion: ControllerFactory;
}
