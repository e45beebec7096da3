// Opens the link that `--link` asks for, and loads no other. What the stack does with it is the same for all of them.
import type { EthernetLinkOptions } from '../link/ethernet.js';
import type { Link } from '../stack/link.js';
import type { MemoryPeer } from './memory-peer.js';
import { HOST } from './namespace.js';
import type { StackSettings } from './options.js';

/** A link in use. */
export interface OpenedLink {
  readonly link: Link;
  /** The stack's addresses on it, with the length of their prefix. */
  readonly addresses: readonly string[];
  /** Who is at the other end of a link that never leaves this process. */
  readonly peer: MemoryPeer | null;
}

/**
 * @param ports on which the verb will listen, or from which it will connect: a link beside the kernel must know them
 * @throws the errors of the link
 */
export async function openLink(settings: StackSettings, ports: readonly number[]): Promise<OpenedLink> {
  const { link: choice, mtu, offload } = settings;
  const size = mtu === null ? {} : { mtu };
  const place = settings.netns === HOST ? {} : { netns: settings.netns };
  const addresses = settings.addresses.map((own) => `${own.address}/${own.prefix}`);
  switch (choice.kind) {
    case 'tun': {
      const { tunLink } = await import('../link/tun.js');
      const hostAddress = settings.hostAddresses;
      const link = await tunLink({ name: choice.device, hostAddress, offload, ...place, ...size });
      return { link, addresses, peer: null };
    }
    case 'tap': {
      const { tapLink } = await import('../link/tap.js');
      const hostAddress = settings.hostAddresses;
      const frames = frameOptions(settings);
      const link = await tapLink({ name: choice.device, hostAddress, offload, ...place, ...size, ...frames });
      return { link, addresses, peer: null };
    }
    case 'ethernet': {
      const { ethernetLink } = await import('../link/ethernet.js');
      const frames = frameOptions(settings);
      const { driver } = settings;
      const how = driver === null ? {} : { driver };
      const link = await ethernetLink({
        interface: choice.device,
        addresses,
        offload,
        ...how,
        ...place,
        ...frames,
      });
      return { link, addresses, peer: null };
    }
    case 'raw': {
      const { rawLink } = await import('../link/raw.js');
      const link = await rawLink({ address: choice.addresses.map(String), ports, ...place, ...size });
      return { link, addresses: link.addresses, peer: null };
    }
    case 'memory': {
      const { memoryLinkPair } = await import('../link/memory.js');
      const { MemoryPeer } = await import('./memory-peer.js');
      const [link, far] = memoryLinkPair(size);
      return { link, addresses, peer: await MemoryPeer.open(far, settings.hostAddresses) };
    }
  }
}

function frameOptions({ mac, vlan }: StackSettings): Pick<EthernetLinkOptions, 'mac' | 'vlan'> {
  return { ...(mac === null ? {} : { mac }), ...(vlan === null ? {} : { vlan }) };
}
