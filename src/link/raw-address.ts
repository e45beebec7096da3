// How the kernel treats an address: as one of its own, as one that it only delivers, or not at all. A raw socket gets what
// the kernel delivers, so that this decides whether a raw link can work, and whether it needs a guard.
import { runIp } from '../native/host-interface.js';
import { IpAddress } from '../wire/address.js';
import { RawError } from './raw-errors.js';

/** An address that a raw socket can serve. */
export interface RawAddress {
  readonly address: IpAddress;
  /** Bits of its network. */
  readonly prefix: number;
  /** The kernel's TCP has it, too, and would answer with RST. */
  readonly isOwned: boolean;
  /** The interface that has it or by which its packets come. */
  readonly device: string;
  readonly mtu: number;
}

interface Route {
  readonly type?: string;
  readonly dev?: string;
}

interface Interface {
  readonly ifname?: string;
  readonly mtu?: number;
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
}

/**
 * Asks the kernel.
 * @param netns path of the network namespace; undefined for the caller's own
 * @throws RawError `ERR_SYNWAVE_RAW_ADDRESS` for what is no address, or none that the kernel delivers; TunError
 *   `ERR_SYNWAVE_IP_MISSING`
 */
export async function inspectAddress(text: string, netns: string | undefined): Promise<RawAddress> {
  const address = IpAddress.parse(text);
  if (address === null) {
    throw new RawError(
      'ERR_SYNWAVE_RAW_ADDRESS',
      `${JSON.stringify(text)} is not an address, such as 192.0.2.7`,
    );
  }
  const interfaces = JSON.parse(await runIp(netns, ['-json', 'address', 'show'])) as Interface[];
  for (const { ifname, mtu, addr_info } of interfaces) {
    for (const { local, prefixlen } of addr_info ?? []) {
      if (IpAddress.parse(local ?? '')?.equals(address) !== true) continue;
      return { address, prefix: prefixlen!, isOwned: true, device: ifname!, mtu: Math.min(mtu!, MAX_MTU) };
    }
  }
  const route = await routeTo(address, netns);
  const host = address.family === 4 ? 32 : 128;
  const device = interfaces.find(({ ifname }) => ifname === route?.dev);
  const mtu = Math.min(device?.mtu ?? USUAL_MTU, MAX_MTU);
  const common = { address, prefix: host, device: route?.dev ?? '', mtu };
  if (route?.type === 'local') return { ...common, isOwned: true };
  if (route?.type === DELIVERED_ONLY[address.family]) return { ...common, isOwned: false };
  throw notDelivered(address, device?.ifname === 'lo' ? undefined : device?.ifname);
}

const USUAL_MTU = 1500;
const MAX_MTU = 65_535;

/**
 * The kind of route of which the kernel delivers packets although the address is not one of its own: raw sockets get
 * them, and its TCP answers none of them.
 */
const DELIVERED_ONLY = { 4: 'broadcast', 6: 'anycast' } as const;

async function routeTo(address: IpAddress, netns: string | undefined): Promise<Route | undefined> {
  try {
    const [route] = JSON.parse(await runIp(netns, ['-json', 'route', 'get', `${address}`])) as Route[];
    return route;
  } catch (error) {
    if ((error as { code?: string }).code === 'ERR_SYNWAVE_IP_MISSING') throw error;
    return undefined; // No route at all.
  }
}

/** The command by which the kernel delivers packets for an address that it does not own. */
export function deliveryCommand(address: IpAddress, device: string): string {
  const family = address.family === 4 ? '' : '-6 ';
  return `ip ${family}route add ${DELIVERED_ONLY[address.family]} ${address} dev ${device} table local`;
}

function notDelivered(address: IpAddress, device = 'eth0'): RawError {
  return new RawError(
    'ERR_SYNWAVE_RAW_ADDRESS',
    `${address} is not an address of this host, and raw sockets get only what the kernel delivers. Give an address of the ` +
      `host; or have this one delivered without the kernel answering for it: ${deliveryCommand(address, device)} ` +
      `(peers then need a route or a neighbour entry for it); or use an Ethernet link, which answers ARP by itself.`,
  );
}
