// The filter that the kernel applies to an interface, so that no frame crosses to us that is none of ours.
import type { EthernetIdentity } from '../stack/link.js';
import type { IpAddress } from '../wire/address.js';

/**
 * A filter in the language of libpcap: frames to our MAC address, ARP to everybody, and neighbour discovery to groups; none
 * that we sent.
 * @param shared our IP addresses, when the MAC address is also that of a kernel; null when it is ours alone
 */
export function frameFilter({ mac, vlan }: EthernetIdentity, shared: readonly IpAddress[] | null): string {
  const toUs =
    shared === null
      ? `ether dst ${mac}`
      : `(ether dst ${mac} and (arp or icmp6 or ${shared.map(packetsTo).join(' or ')}))`;
  // Queries for listeners have a hop-by-hop header (0) in front of ICMPv6.
  const toAll = '(ether broadcast and arp) or (ether[0:2] = 0x3333 and (icmp6 or (ip6 and ip6[6] = 0)))';
  const wanted = `(${toUs} or ${toAll}) and not ether src ${mac}`;
  // The places of all that follows the word are behind the tag.
  return vlan === 0 ? wanted : `vlan ${vlan} and ${wanted}`;
}

function packetsTo(address: IpAddress): string {
  return address.family === 4 ? `(ip and dst host ${address})` : `(ip6 and dst host ${address})`;
}
