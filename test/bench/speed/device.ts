// The TUN device of a process whose TCP is ours.
import { ethernetLink } from '../../../src/link/ethernet.js';
import { type TunLink, tunLink } from '../../../src/link/tun.js';
import type { LinkOffload } from '../../../src/stack/link.js';
import type { Setting } from './plan.js';

/** Where a device stands and what it shall do. */
export interface DeviceOptions {
  readonly setting: Setting;
  /** Of the kernel's end and of ours, with prefix lengths. */
  readonly hostAddress: string;
  readonly address: string;
  /** The interface of a packet socket. */
  readonly interface: string;
}

/** A device in use. */
export interface Device {
  readonly link: TunLink;
  readonly address: string;
  /** What it does for a stack, in words. */
  readonly features: string;
}

/**
 * Makes the device in the namespace of this process. It goes with the process.
 * @param instead what a setting without offload comes to
 */
export async function openDevice(
  { setting, hostAddress, address }: DeviceOptions,
  instead: false | 'software' = 'software',
): Promise<Device> {
  const offload = setting.offload || instead;
  const link = await tunLink({ hostAddress, mtu: setting.mtu, offload });
  const features = featuresOf(link.offload);
  return { link, address, features: offload === 'software' ? `nothing; the addon: ${features}` : features };
}

/** Opens the interface, in the namespace of this process. */
export async function openInterface({ setting, address, interface: name }: DeviceOptions) {
  const link = await ethernetLink({
    interface: name,
    addresses: [address],
    offload: setting.offload,
    driver: 'packet',
  });
  return { link, address, features: featuresOf(link.offload) };
}

function featuresOf({ maxSegmentationBytes, transmitChecksum, receiveChecksum }: LinkOffload): string {
  const features = [
    transmitChecksum || receiveChecksum ? 'checksums' : '',
    maxSegmentationBytes > 0 ? `segments of up to ${maxSegmentationBytes} bytes` : '',
  ].filter((text) => text !== '');
  return features.join(', ') || 'none';
}
