// The MAC address and VLAN that a link of Ethernet frames speaks with, out of what its caller wants.
import { randomBytes } from 'node:crypto';
import type { EthernetIdentity } from '../stack/link.js';
import { MAX_VLAN_ID } from '../wire/ethernet.js';
import { MacAddress } from '../wire/mac.js';

/** Settings that all links of Ethernet frames have. */
export interface EthernetOptions {
  /**
   * The stack's MAC address, as `02:00:00:00:00:01`. Default: a random, locally administered one. `interface` stands for
   * that of the interface, where there is one to share.
   */
  mac?: string;
  /** Speaks in this VLAN (IEEE 802.1Q), 1…4094, with tagged frames. Default: untagged. */
  vlan?: number;
}

/**
 * @param ofInterface the interface's own address, or null when there is none to share
 * @throws TypeError (`ERR_INVALID_ARG_VALUE`), RangeError (`ERR_OUT_OF_RANGE`)
 */
export function ethernetIdentity(options: EthernetOptions, ofInterface: MacAddress | null): EthernetIdentity {
  const { mac, vlan = 0 } = options;
  if (!Number.isInteger(vlan) || vlan < 0 || vlan > MAX_VLAN_ID) {
    const error = new RangeError(`vlan must be an integer from 1 to ${MAX_VLAN_ID}, not ${vlan}`);
    throw Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
  }
  return { mac: chosenMac(mac, ofInterface), vlan };
}

function chosenMac(text: string | undefined, ofInterface: MacAddress | null): MacAddress {
  if (text === undefined) return MacAddress.random(randomBytes(6));
  if (text === 'interface' && ofInterface !== null) return ofInterface;
  const mac = MacAddress.parse(text);
  if (mac !== null && !mac.isGroup && !mac.isZero) return mac;
  const shared = ofInterface === null ? '' : ', or "interface"';
  const reason = mac === null ? 'is not a MAC address' : 'cannot be the address of an interface';
  throw Object.assign(
    new TypeError(`${JSON.stringify(text)} ${reason}. Write one as 02:00:00:00:00:01${shared}.`),
    { code: 'ERR_INVALID_ARG_VALUE' },
  );
}
