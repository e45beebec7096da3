// A TUN device with several queues, of which each is read and written by a stack of its own (IFF_MULTI_QUEUE). The holder has
// the device made, set up and taken away and never touches a packet; the queues may be opened in other threads.

import { netnsPath } from '../native/host-interface.js';
import { loadBinding } from '../native/load.js';
import { busyError } from '../native/tun-errors.js';
import { findTunOwner } from '../native/tun-owner.js';
import { openDevice, type TunLinkOptions } from './tun.js';

/** A device that waits for its queues to be opened. */
export interface TunQueues {
  readonly name: string;
  readonly mtu: number;
  /** The device existed before, and stays when it is closed. */
  readonly persistent: boolean;
  /** For `tunLink`, wherever it is called: one more queue of this device. Fit for `postMessage`. */
  readonly queue: TunLinkOptions;
  /** Takes the device away; to be called when all queues are closed. Idempotent. */
  close(): Promise<void>;
}

/**
 * Makes a device, or attaches to a persistent one made with `ip tuntap add … multi_queue`.
 * @param options as for `tunLink`; `queueOf` and `packetIds` are set by itself
 * @throws as `tunLink`; TunError `EBUSY` when another process uses a device of that name, which the kernel would let it share
 */
export async function tunQueues(options: Omit<TunLinkOptions, 'queueOf' | 'packetIds'>): Promise<TunQueues> {
  await refuseBusy(options);
  const { hostAddress: _, mtu: __, ...ofEach } = options;
  const holder = await openDevice(options, undefined, true);
  return {
    name: holder.name,
    mtu: holder.mtu,
    persistent: holder.persistent,
    queue: { ...ofEach, name: holder.name, queueOf: holder.index },
    close: () => holder.close(),
  };
}

async function refuseBusy({ name, netns }: TunLinkOptions): Promise<void> {
  if (name === undefined) return;
  const path = netns === undefined ? undefined : netnsPath(netns);
  const where = path === undefined ? {} : { netns: path };
  if (loadBinding().interfaceIndex({ name, ...where }) === 0) return;
  const owner = await findTunOwner(name, path);
  if (owner !== null) throw busyError(name, owner);
}
