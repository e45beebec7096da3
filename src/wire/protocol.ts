// Protocol numbers as they stand in the IPv4 protocol and IPv6 next-header fields (IANA registry).

/** Upper-layer protocols that the stack knows. */
export const IpProtocol = {
  ICMP: 1,
  TCP: 6,
  UDP: 17,
  ICMPV6: 58,
  /** IPv6: nothing follows (RFC 8200 §4.7). */
  NO_NEXT_HEADER: 59,
} as const;

/** The usual name of a protocol number, or `protocol N`. */
export function protocolName(protocol: number): string {
  return NAMES.get(protocol) ?? `protocol ${protocol}`;
}

const NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'HOPOPT'],
  [1, 'ICMP'],
  [2, 'IGMP'],
  [6, 'TCP'],
  [17, 'UDP'],
  [43, 'IPv6-Route'],
  [44, 'IPv6-Frag'],
  [50, 'ESP'],
  [51, 'AH'],
  [58, 'ICMPv6'],
  [59, 'IPv6-NoNxt'],
  [60, 'IPv6-Opts'],
]);
