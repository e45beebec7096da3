// What a stack tells people about its link and the hosts on it, in words that name the remedy.
import type { AddressConflict } from './ethernet/address-claims.js';
import type { Link } from './link.js';

/** Something that people should know. */
export interface StackNotice {
  /**
   * `EADDRINUSE`: another station uses an address of ours. `SYNWAVE_UNFINISHED_CHECKSUM`, `SYNWAVE_OVERSIZE_PACKET`: the
   * sender's kernel leaves to a device what no device does here; the packets are taken as they are.
   */
  readonly code: 'EADDRINUSE' | 'SYNWAVE_UNFINISHED_CHECKSUM' | 'SYNWAVE_OVERSIZE_PACKET';
  readonly message: string;
  /** The address in question. */
  readonly address?: string;
  /** The other station's MAC address. */
  readonly mac?: string;
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
    ...(mac === null ? {} : { mac: String(mac) }),
  };
}

const SWITCH_OFF = 'ethtool -K IFACE tx off tso off gso off gro off';

/** Segments come whose checksum is unfinished. */
export function unfinishedNotice(link: Link): StackNotice {
  return {
    code: 'SYNWAVE_UNFINISHED_CHECKSUM',
    message:
      `packets on ${link.name} bear unfinished TCP checksums: their sender is a kernel of this machine that leaves ` +
      `them to a network card. They are accepted. To have them verified: ${SWITCH_OFF}, at the sender's interface.`,
  };
}

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
