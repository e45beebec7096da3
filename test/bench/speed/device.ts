// The TUN device of a process whose TCP is ours.
import { type TunLink, tunLink } from '../../../src/link/tun.js';
import type { Setting } from './plan.js';

/** Where a device stands and what it shall do. */
export interface DeviceOptions {
  readonly setting: Setting;
  /** Of the kernel's end and of ours, with prefix lengths. */
  readonly hostAddress: string;
  readonly address: string;
}

/** A device in use. */
export interface Device {
  readonly link: TunLink;
  readonly address: string;
  /** What it does for a stack, in words. */
  readonly features: string;
}

/** Makes the device in the namespace of this process. It goes with the process. */
export async function openDevice({ setting, hostAddress, address }: DeviceOptions): Promise<Device> {
  const link = await tunLink({ hostAddress, mtu: setting.mtu, offload: setting.offload });
  const { maxSegmentationBytes, transmitChecksum, receiveChecksum } = link.offload;
  const features = [
    transmitChecksum || receiveChecksum ? 'checksums' : '',
    maxSegmentationBytes > 0 ? `segments of up to ${maxSegmentationBytes} bytes` : '',
  ].filter((text) => text !== '');
  return { link, address, features: features.join(', ') || 'none' };
}
