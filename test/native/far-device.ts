// A second device of a namespace, to which the kernel forwards what another writes to it: packets arrive there as they would on a wire.
import { type DeviceLink, openDevice } from '../../src/link/tun.js';
import type { LinkReceiver } from '../../src/stack/link.js';
import type { TestNamespace } from './test-namespace.js';

/** Opens it as 10.2.0.1/24, without offload, and has the namespace forward. */
export async function openFarDevice(namespace: TestNamespace, receiver: LinkReceiver): Promise<DeviceLink> {
  const far = await openDevice({
    netns: namespace.name,
    offload: false,
    name: 'far0',
    hostAddress: '10.2.0.1/24',
  });
  namespace.run('sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward');
  far.start(receiver);
  return far;
}
