// Opens a place where scripts meet the kernel: a TUN device in a network namespace, and the child in the same.
import { tunLink } from '../link/tun.js';
import { IpAddress } from '../wire/address.js';
import { KernelChild } from './kernel-child.js';
import { KernelHost } from './kernel-subject.js';

const LOCAL_V4 = '10.9.0.2';
const LOCAL_V6 = 'fd00:9::2';

/**
 * Makes the device and starts the child; `close` of the result removes both.
 * @param netns path of a network namespace, or null for our own; nothing else should live in it
 * @throws TunError when the device cannot be made; Error `ERR_DRILL_KERNEL` when the child cannot run
 */
export async function openKernelHost(netns: string | null): Promise<KernelHost> {
  const link = await tunLink({
    name: 'drill0',
    hostAddress: [`${LOCAL_V4}/16`, `${LOCAL_V6}/64`],
    busyPollUs: 0,
    offload: false,
    ...(netns === null ? {} : { netns }),
  });
  const child = new KernelChild(netns);
  const host = new KernelHost(link, child, IpAddress.parse(LOCAL_V4)!, IpAddress.parse(LOCAL_V6)!);
  try {
    await host.prepare();
  } catch (error) {
    await host.close();
    throw error;
  }
  return host;
}
