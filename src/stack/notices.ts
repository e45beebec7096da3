// What a stack tells people about its link and the hosts on it, in words that name the remedy.
import type { AddressConflict } from './ethernet/address-claims.js';
import type { Link, LinkNotice } from './link.js';

/** Something that people should know. */
export interface StackNotice {
  /**
   * `EADDRINUSE`: another station uses an address of ours. `SYNWAVE_OVERSIZE_PACKET`: the sender's kernel leaves the cutting
   * of packets to a device that does not do it. Or a code of the link's.
   */
  readonly code: 'EADDRINUSE' | 'SYNWAVE_OVERSIZE_PACKET' | LinkNotice['code'];
  readonly message: string;
  /** The address in question. */
  readonly address?: string;
  /** The other station's MAC address. */
  readonly mac?: string;
  /** Whether the address was given up. */
  readonly isLost?: boolean;
}

/** An address of ours is used by another station. */
export function conflictNotice({ address, mac, isLost }: AddressConflict): StackNotice {
  const who = mac === null ? 'another station' : `the station ${mac}`;
  const what = isLost
    ? 'the stack has given it up. Give the stack another address, or take it from that station'
    : 'the stack has defended it and gives it up when that happens again within ten seconds';
  return {
    code: 'EADDRINUSE',
    message: `address ${address} is also used by ${who}: ${what}.`,
    address: String(address),
    isLost,
    ...(mac === null ? {} : { mac: String(mac) }),
  };
}

const SWITCH_OFF = 'ethtool -K IFACE tx off tso off gso off gro off';

/** Packets come that are longer than the link's MTU. */
export function oversizeNotice(link: Link, length: number): StackNotice {
  return {
    code: 'SYNWAVE_OVERSIZE_PACKET',
    message:
      `packets on ${link.name} are longer than its MTU of ${link.mtu} (${length} bytes): their sender is a kernel of ` +
      'this machine that leaves the cutting to a network card, or the interface has put packets together. They are ' +
      `accepted. To see packets as on a wire: ${SWITCH_OFF}, at the sender's interface and at ${link.name}.`,
  };
}
