// Frames of a network interface by libpcap, as a link: the stack is a station of its own on that Ethernet, with a MAC
// address that the host does not have, or with the host's. Here it is settled how; the link itself is in capture-link.ts.
import { inspectInterface, netnsPath } from '../native/host-interface.js';
import { checkInterfaceName } from '../native/tun-errors.js';
import { PacketIds } from '../stack/link.js';
import { IpAddress } from '../wire/address.js';
import { MacAddress } from '../wire/mac.js';
import { loadCap } from './cap-package.js';
import { CaptureLink, type EthernetLink } from './capture-link.js';
import { EthernetError, interfaceLostError } from './ethernet-errors.js';
import { frameFilter } from './ethernet-filter.js';
import { type EthernetOptions, ethernetIdentity } from './ethernet-identity.js';

export type { EthernetLink } from './capture-link.js';
export { EthernetError } from './ethernet-errors.js';

/** Settings of `ethernetLink`. */
export interface EthernetLinkOptions extends EthernetOptions {
  /** Name of the interface: a NIC, one end of a veth pair, a bridge. It must be up. */
  interface: string;
  /**
   * The stack's IP addresses, with or without prefix length. Needed with `mac: 'interface'`, when the host's own packets come to the
   * same MAC address: the kernel's filter tells them apart by these.
   */
  addresses?: readonly string[];
  /** Network namespace of the interface: a name known to `ip netns`, or a path. Default: the caller's own. */
  netns?: string;
  /** Bytes of the ring in which the kernel puts frames. Default 32 MiB. */
  bufferBytes?: number;
  /** Numbering of the packets. Default: a new one. */
  packetIds?: PacketIds;
}

/** Default of `bufferBytes`. */
const BUFFER_BYTES = 32 * 1024 * 1024;

/**
 * Opens an interface. Needs CAP_NET_RAW, and CAP_NET_ADMIN for promiscuous mode; another namespace also needs
 * CAP_SYS_ADMIN.
 * @throws EthernetError with the codes named there; TunError `ERR_SYNWAVE_TUN_NAME` (impossible name), `ENOENT` (no such
 * namespace), `ERR_SYNWAVE_IP_MISSING`; TypeError (`ERR_INVALID_ARG_VALUE`) or RangeError (`ERR_OUT_OF_RANGE`) for a MAC
 * address, a VLAN or a number that cannot be
 */
export async function ethernetLink(options: EthernetLinkOptions): Promise<EthernetLink> {
  const { interface: name, bufferBytes = BUFFER_BYTES } = options;
  checkInterfaceName(name);
  if (!Number.isInteger(bufferBytes) || bufferBytes < 1 << 17 || bufferBytes > 1 << 30) {
    const error = new RangeError(
      `bufferBytes must be an integer from 131072 to 1073741824, not ${bufferBytes}`,
    );
    throw Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
  }
  const netns = options.netns === undefined ? undefined : netnsPath(options.netns);
  const package_ = await loadCap();
  const host = await inspectInterface(name, netns);
  if (host === null) {
    throw new EthernetError(
      'ENODEV',
      `there is no interface ${name} here. \`ip link\` shows those that are.`,
    );
  }
  if (host.kind !== 'ether') {
    const remedy = 'Choose an Ethernet interface, or use tunLink.';
    throw new EthernetError('ERR_SYNWAVE_ETHERNET_MEDIUM', `${name} is of kind ${host.kind}. ${remedy}`);
  }
  if (!host.up) throw interfaceLostError(name, false);
  const identity = ethernetIdentity(options, MacAddress.parse(host.mac));
  const filter = frameFilter(identity, String(identity.mac) === host.mac ? sharedAddresses(options) : null);
  const packetIds = options.packetIds ?? new PacketIds();
  const { mtu } = host;
  return new CaptureLink({
    package: package_,
    name,
    netns,
    identity,
    filter,
    mtu,
    bufferBytes,
    packetIds,
  });
}

function sharedAddresses({ addresses = [], interface: name }: EthernetLinkOptions): IpAddress[] {
  const parsed = addresses.map((text) => IpAddress.parse(text.split('/')[0]!));
  if (parsed.length > 0 && !parsed.includes(null)) return parsed as IpAddress[];
  throw new EthernetError(
    'ERR_SYNWAVE_ETHERNET_ADDRESS',
    `to share the MAC address of ${name} with the host, give the link the stack's IP addresses ({ addresses: ` +
      "['10.9.0.2'] }): else all packets of the host would cross to the stack as well.",
  );
}
