// Why a packet was refused: the numeric results of every parser, and their names for logs and counters.

/** Results of the parsers. 0 means that the view is filled and may be used; after any other it may not. */
export const ParseError = {
  NONE: 0,
  /** Fewer octets than the fixed header needs. */
  TRUNCATED: 1,
  /** The version nibble is not that of the parser. */
  VERSION: 2,
  /** IPv4 header length below five words or past the packet. */
  HEADER_LENGTH: 3,
  /** The length that the header claims is smaller than the header or greater than what arrived. */
  TOTAL_LENGTH: 4,
  /** The IPv4 header checksum is wrong. */
  HEADER_CHECKSUM: 5,
  /** An IPv4 option with length 0 or 1, or reaching past the header. */
  IP_OPTION: 6,
  /** An IPv6 extension header or an option in it reaches past the packet, or stands where it may not. */
  EXTENSION_HEADER: 7,
  /** More IPv6 extension headers, or more options in them, than the walk follows. */
  EXTENSION_LIMIT: 8,
  /** An IPv6 routing header of type 0, or one of another type that still has segments left. */
  ROUTING_HEADER: 9,
  /** An unknown IPv6 option asks that the packet be discarded. */
  UNKNOWN_OPTION: 10,
  /** An IPv4-mapped address in an IPv6 header: it would pass for the IPv4 address in every table. */
  MAPPED_ADDRESS: 11,
  /** TCP data offset below five words or past the segment. */
  DATA_OFFSET: 12,
  /** The checksum over the message is wrong. */
  CHECKSUM: 13,
  /** An Ethernet frame whose type field is a length: LLC, which carries no IP here. */
  ETHERNET_LENGTH: 14,
  /** ARP for something else than IPv4 over Ethernet, of an unknown operation, or from a group. */
  ARP_FORMAT: 15,
  /** A neighbour discovery message that RFC 4861 has receivers discard: hop limit, code, addresses, or an option. */
  NDP_FORMAT: 16,
} as const;

/** One of the values of `ParseError`. */
export type ParseError = (typeof ParseError)[keyof typeof ParseError];

const NAMES: readonly string[] = [
  'none',
  'truncated',
  'version',
  'header length',
  'total length',
  'header checksum',
  'ip option',
  'extension header',
  'extension limit',
  'routing header',
  'unknown option',
  'mapped address',
  'data offset',
  'checksum',
  'ethernet length',
  'arp format',
  'ndp format',
];

/** The name of a parser's result, in words; `error N` for a number that is none. */
export function parseErrorName(error: number): string {
  return NAMES[error] ?? `error ${error}`;
}
