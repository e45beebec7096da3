// Frames of a network interface as a link: the stack is a station of its own on that Ethernet, with a MAC address that the
// host does not have, or with the host's. Here it is settled how; the link itself is in packet-link.ts, or with libpcap in
// capture-link.ts.
import { inspectInterface, netnsPath } from '../native/host-interface.js';
import { NativeBindingError } from '../native/load.js';
import { checkInterfaceName } from '../native/tun-errors.js';
import { type LinkNotice, PacketIds } from '../stack/link.js';
import { IpAddress } from '../wire/address.js';
import { MacAddress } from '../wire/mac.js';
import { type CapPackage, loadCap } from './cap-package.js';
import { CaptureLink } from './capture-link.js';
import { EthernetError, interfaceLostError } from './ethernet-errors.js';
import { frameFilter } from './ethernet-filter.js';
import { type EthernetOptions, ethernetIdentity } from './ethernet-identity.js';
import type { EthernetDriver, EthernetLink } from './ethernet-link.js';
import { frameProgram } from './frame-program.js';
import { loadSocketBinding, PacketLink, type SocketBinding } from './packet-link.js';

export { EthernetError } from './ethernet-errors.js';
export type { EthernetDriver, EthernetLink } from './ethernet-link.js';

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
  /**
   * How frames come and go. Default: `packet` where it is to be had, which is on Linux with the native binding, else `pcap`
   * with a notice.
   */
  driver?: EthernetDriver;
  /**
   * Bytes for frames that wait to be read. With driver `packet` the kernel grants twice that for the memory that they occupy,
   * its bookkeeping included: the default holds 16 MiB in frames of 1500 bytes, whose payload is as little as a third of
   * it. Default 32 MiB.
   */
  bufferBytes?: number;
  /**
   * Leaves checksums, and the cutting of up to 64 KiB into segments, to the kernel, with driver `packet`. What others send
   * joined is taken in as it is in any case. Default true.
   */
  offload?: boolean;
  /** Numbering of the packets. Default: a new one. */
  packetIds?: PacketIds;
}

/** Default of `bufferBytes`. */
const BUFFER_BYTES = 32 * 1024 * 1024;

/**
 * Opens an interface. Needs CAP_NET_RAW, and CAP_NET_ADMIN for promiscuous mode; another namespace also needs
 * CAP_SYS_ADMIN.
 * @throws EthernetError with the codes named there; NativeBindingError (`ERR_SYNWAVE_NATIVE`) when driver `packet` is wanted
 * and not to be had; TunError `ERR_SYNWAVE_TUN_NAME` (impossible name), `ENOENT` (no such
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
  const how = await chooseDriver(options.driver);
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
  const shared = String(identity.mac) === host.mac ? sharedAddresses(options) : null;
  const parts = {
    name,
    netns,
    identity,
    filter: frameFilter(identity, shared),
    mtu: host.mtu,
    bufferBytes,
    packetIds: options.packetIds ?? new PacketIds(),
  };
  if ('package' in how) return new CaptureLink({ ...parts, ...how });
  const program = frameProgram(identity, shared);
  const { offload = true } = options;
  return new PacketLink({ ...parts, ...how, program, isOwnMac: shared === null, offload });
}

/** What the chosen driver needs. */
type Means =
  | { readonly binding: SocketBinding }
  | { readonly package: CapPackage; readonly notice?: LinkNotice | undefined };

/** @throws EthernetError or NativeBindingError when the wanted one is not there, TypeError when there is none of that name */
async function chooseDriver(wanted: EthernetDriver | undefined): Promise<Means> {
  if (wanted !== undefined && wanted !== 'packet' && wanted !== 'pcap') {
    const error = new TypeError(`driver must be packet or pcap, not ${JSON.stringify(wanted)}`);
    throw Object.assign(error, { code: 'ERR_INVALID_ARG_VALUE' });
  }
  if (wanted === 'pcap') return { package: await loadCap() };
  let lack: NativeBindingError;
  try {
    return { binding: loadSocketBinding() };
  } catch (error) {
    if (!(error instanceof NativeBindingError) || wanted === 'packet') throw error;
    lack = error;
  }
  const message = `the link is made by libpcap, which sends slower and holds less: ${lack.message}`;
  return { package: await loadCap(), notice: { code: 'SYNWAVE_PCAP_FALLBACK', message } };
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
