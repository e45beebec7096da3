// A Linux TAP device as a link: Ethernet frames to and from the kernel of this machine. The device itself is opened and
// served as a TUN device is.
import { type EthernetOptions, ethernetIdentity } from './ethernet-identity.js';
import { type DeviceLink, openDevice, type TunLinkOptions } from './tun.js';

/** Settings of `tapLink`: those of `tunLink`, where `mtu` is that of IP and at most 65521, and of Ethernet. */
export interface TapLinkOptions extends TunLinkOptions, EthernetOptions {}

/** A link over a TAP device. */
export interface TapLink extends DeviceLink {
  readonly medium: 'ethernet';
}

/**
 * Opens a TAP device as `tunLink` opens a TUN device: attaches to a persistent one, or makes one that vanishes with the
 * link. The kernel's end has a MAC address of its own choice.
 * @throws as `tunLink`; TypeError or RangeError (`ERR_INVALID_ARG_VALUE`, `ERR_OUT_OF_RANGE`) for a MAC address or a VLAN
 * that cannot be
 */
export async function tapLink(options: TapLinkOptions = {}): Promise<TapLink> {
  const identity = ethernetIdentity(options, null);
  return (await openDevice(options, identity)) as TapLink;
}
