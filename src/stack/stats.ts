// The counters of a stack. Those that exist in the MIBs of IP, ICMP and TCP (RFC 4293, RFC 4022) bear their names there.

import { type EthernetStats, newEthernetStats } from './ethernet/stats.js';

/** Packets as IP sees them. */
export interface IpStats {
  /** Packets received from the link. */
  inReceives: number;
  /** Dropped: header too short, wrong version, length or checksum, malformed options. */
  inHdrErrors: number;
  /** Dropped: neither ours nor broadcast or multicast. */
  inAddrErrors: number;
  /** Dropped: a source address that no packet from outside may bear (RFC 1122 §3.2.1.3, RFC 9293 MUST-63). */
  inMartians: number;
  /** Dropped: to a broadcast or multicast address (RFC 9293 MUST-57). */
  inBroadcasts: number;
  /** Dropped: fragments that no datagram can be made of, and those of a datagram that was given up. */
  inFragments: number;
  /** Fragments received. */
  reasmReqds: number;
  /** Datagrams made whole. */
  reasmOks: number;
  /** Failures: fragments that no datagram can be made of, and datagrams given up for their time, an overlap or a limit. */
  reasmFails: number;
  /** Of these, datagrams whose time was over. */
  reasmTimeouts: number;
  /** Of these, datagrams whose fragments contradicted each other (RFC 5722). */
  reasmOverlaps: number;
  /** Dropped: a loose or strict source route (RFC 7126 §4.3). */
  inSourceRoutes: number;
  /** Dropped: IPv6 packets that nothing here handles. */
  inUnsupportedVersion: number;
  /** Dropped: a protocol above IP that is not TCP or ICMP. */
  inUnknownProtos: number;
  /** Handed to TCP or ICMP. */
  inDelivers: number;
  /** Packets given to the link. */
  outRequests: number;
  /** Packets that the link refused. */
  outDiscards: number;
  /** Messages that left in fragments, being longer than the path. */
  outFragOks: number;
  /** Fragments that they left in. */
  outFragCreates: number;
  /** Times that the path to a destination proved narrower than known. */
  pathMtuLowered: number;
  /** Narrow paths forgotten because they were last heard of too long ago. */
  pathMtuAged: number;
  /** Doubts about a route, told by connections past R1 (RFC 9293 MUST-20); with one link there is no other to take. */
  negativeAdvices: number;
  /** Packets without an owner here that were shown to other stacks with the same addresses. */
  straysShown: number;
  /** Packets that came to another of these stacks and were for this one. */
  straysTaken: number;
  /** Dropped: packets without an owner beyond `limits.straysPerSecond`. */
  strayDrops: number;
  /** Packets from us to us. */
  loopedBack: number;
  /** Dropped: no room to loop them back (`limits.loopbackBytes`). */
  loopbackDiscards: number;
}

/** ICMP messages. */
export interface IcmpStats {
  inMsgs: number;
  /** Dropped: too short, wrong checksum, quote malformed. */
  inErrors: number;
  inEchos: number;
  outEchoReps: number;
  /** Echo requests not answered because of `limits.icmpPerSecond` or a full link. */
  echoesSuppressed: number;
  /** Errors sent about packets that came. */
  outErrors: number;
  /** Errors not sent because of `limits.icmpPerSecond` or a full link. */
  errorsSuppressed: number;
  /** Errors handed to the connection that they quote (RFC 9293 MUST-54). */
  inErrorsMatched: number;
  /** Errors that quote no connection of ours, or a packet too big that quotes no segment in flight. */
  inErrorsUnmatched: number;
  /** Messages that are ignored by rule: source quench (RFC 9293 MUST-55), redirects and the like. */
  inIgnored: number;
}

/** Segments and connections. */
export interface TcpStats {
  /** SYN-SENT entered from CLOSED. */
  activeOpens: number;
  /** SYN-RECEIVED entered from LISTEN. */
  passiveOpens: number;
  /** SYN-SENT or SYN-RECEIVED left for CLOSED or LISTEN. */
  attemptFails: number;
  /** ESTABLISHED or CLOSE-WAIT left for CLOSED. */
  estabResets: number;
  /** Connections now in ESTABLISHED or CLOSE-WAIT. */
  currEstab: number;
  inSegs: number;
  outSegs: number;
  retransSegs: number;
  /** Dropped: malformed header or wrong checksum (RFC 9293 MUST-3). */
  inErrs: number;
  /** Of these, wrong checksum. */
  inCsumErrors: number;
  /** Segments sent with RST. */
  outRsts: number;
  /** Segments for no connection and no listener. */
  inNoPorts: number;
  /** RSTs not sent because of `limits.resetsPerSecond` or a full link. */
  resetsSuppressed: number;
  /** SYNs dropped because the accept queue was full. */
  listenDrops: number;
  /** Final ACKs of handshakes dropped because the accept queue was full. */
  listenOverflows: number;
  /** Half-open connections given up for newer ones (`limits.halfOpen`). */
  halfOpenEvicted: number;
  /** SYNs answered by a cookie (RFC 4987 §3.6), connections that came by one, and ACKs that showed a wrong one. */
  synCookiesSent: number;
  synCookiesRecv: number;
  synCookiesFailed: number;
  /** Connections handed out by Fast Open before the end of their handshake, cookies that were wrong, and SYNs beyond the limit. */
  fastOpenPassive: number;
  fastOpenPassiveFail: number;
  fastOpenListenOverflow: number;
  /** SYNs dropped because of `limits.connections`. */
  connectionLimitDrops: number;
  /** SYNs whose data was left to retransmission because of `limits.synDataBytes`. */
  synDataLimited: number;
  /** TIME-WAIT connections ended early because of `limits.timeWait`. */
  timeWaitEvicted: number;
  /** Connections reopened out of TIME-WAIT by a newer SYN (RFC 9293 MAY-2). */
  timeWaitReused: number;
  /** Orphans reset because of `limits.orphans`. */
  orphansEvicted: number;
}

/** All counters, live. */
export interface StackStats {
  readonly ip: IpStats;
  readonly icmp: IcmpStats;
  readonly tcp: TcpStats;
  /** All zero but on a link of Ethernet frames. */
  readonly ethernet: EthernetStats;
}

/** Fresh counters. */
export function newStackStats(): StackStats {
  return {
    ip: {
      inReceives: 0,
      inHdrErrors: 0,
      inAddrErrors: 0,
      inMartians: 0,
      inBroadcasts: 0,
      inFragments: 0,
      reasmReqds: 0,
      reasmOks: 0,
      reasmFails: 0,
      reasmTimeouts: 0,
      reasmOverlaps: 0,
      inSourceRoutes: 0,
      inUnsupportedVersion: 0,
      inUnknownProtos: 0,
      inDelivers: 0,
      outRequests: 0,
      outDiscards: 0,
      outFragOks: 0,
      outFragCreates: 0,
      pathMtuLowered: 0,
      pathMtuAged: 0,
      negativeAdvices: 0,
      straysShown: 0,
      straysTaken: 0,
      strayDrops: 0,
      loopedBack: 0,
      loopbackDiscards: 0,
    },
    icmp: {
      inMsgs: 0,
      inErrors: 0,
      inEchos: 0,
      outEchoReps: 0,
      echoesSuppressed: 0,
      outErrors: 0,
      errorsSuppressed: 0,
      inErrorsMatched: 0,
      inErrorsUnmatched: 0,
      inIgnored: 0,
    },
    tcp: {
      activeOpens: 0,
      passiveOpens: 0,
      attemptFails: 0,
      estabResets: 0,
      currEstab: 0,
      inSegs: 0,
      outSegs: 0,
      retransSegs: 0,
      inErrs: 0,
      inCsumErrors: 0,
      outRsts: 0,
      inNoPorts: 0,
      resetsSuppressed: 0,
      listenDrops: 0,
      listenOverflows: 0,
      halfOpenEvicted: 0,
      synCookiesSent: 0,
      synCookiesRecv: 0,
      synCookiesFailed: 0,
      fastOpenPassive: 0,
      fastOpenPassiveFail: 0,
      fastOpenListenOverflow: 0,
      connectionLimitDrops: 0,
      synDataLimited: 0,
      timeWaitEvicted: 0,
      timeWaitReused: 0,
      orphansEvicted: 0,
    },
    ethernet: newEthernetStats(),
  };
}
