// Where the IP packet begins in a frame of any link type that captures of TCP come with.

/** LINKTYPE_ values (https://www.tcpdump.org/linktypes.html). */
export const LinkType = {
  NULL: 0,
  ETHERNET: 1,
  PPP: 9,
  RAW_BSD: 12,
  RAW_OPENBSD: 14,
  RAW: 101,
  LOOP: 108,
  LINUX_SLL: 113,
  IPV4: 228,
  IPV6: 229,
  LINUX_SLL2: 276,
} as const;

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_PPPOE = 0x8864;
const PPP_IPV4 = 0x0021;
const PPP_IPV6 = 0x0057;
/** 802.1Q, 802.1ad and what stood for it before. */
const VLAN_TAGS: readonly number[] = [0x8100, 0x88a8, 0x9100, 0x9200];
const MAX_VLAN_TAGS = 4;

/** Whether frames of this type can be read at all. */
export function isKnownLinkType(linkType: number): boolean {
  return (Object.values(LinkType) as number[]).includes(linkType);
}

/** Offset of the IP header in the frame, or -1 when it carries none. */
export function ipOffset(linkType: number, bytes: Uint8Array): number {
  switch (linkType) {
    case LinkType.ETHERNET:
      return behindEtherType(bytes, 12);
    case LinkType.RAW:
    case LinkType.RAW_BSD:
    case LinkType.RAW_OPENBSD:
    case LinkType.IPV4:
    case LinkType.IPV6:
      return bytes.length > 0 ? 0 : -1;
    case LinkType.NULL:
    case LinkType.LOOP:
      // The address family stands there in the byte order of whoever captured; the IP version says as much.
      return bytes.length > 4 && isIpVersion(bytes[4]! >>> 4) ? 4 : -1;
    case LinkType.LINUX_SLL:
      return bytes.length > 16 && isIp(uint16(bytes, 14)) ? 16 : behindVlan(bytes, 14);
    case LinkType.LINUX_SLL2:
      return bytes.length > 20 && isIp(uint16(bytes, 0)) ? 20 : -1;
    case LinkType.PPP:
      return behindPpp(bytes, 0);
    default:
      return -1;
  }
}

function uint16(bytes: Uint8Array, at: number): number {
  return at + 2 <= bytes.length ? (bytes[at]! << 8) | bytes[at + 1]! : -1;
}

function isIp(etherType: number): boolean {
  return etherType === ETHERTYPE_IPV4 || etherType === ETHERTYPE_IPV6;
}

function isIpVersion(version: number): boolean {
  return version === 4 || version === 6;
}

function behindEtherType(bytes: Uint8Array, typeAt: number): number {
  let at = typeAt;
  for (let tags = 0; tags < MAX_VLAN_TAGS && VLAN_TAGS.includes(uint16(bytes, at)); tags++) at += 4;
  const type = uint16(bytes, at);
  if (isIp(type)) return at + 2 < bytes.length ? at + 2 : -1;
  return type === ETHERTYPE_PPPOE ? behindPpp(bytes, at + 8) : -1;
}

function behindVlan(bytes: Uint8Array, typeAt: number): number {
  return VLAN_TAGS.includes(uint16(bytes, typeAt)) ? behindEtherType(bytes, typeAt) : -1;
}

/** With or without the address and control octets of HDLC. */
function behindPpp(bytes: Uint8Array, start: number): number {
  const at = uint16(bytes, start) === 0xff03 ? start + 2 : start;
  const protocol = uint16(bytes, at);
  return (protocol === PPP_IPV4 || protocol === PPP_IPV6) && at + 2 < bytes.length ? at + 2 : -1;
}
