// A Linux TUN device as a link: IP packets to and from the kernel of this machine. Opening and setting up the device is
// done by `native/`, and the traffic is that of `port-link.ts`. `tap.ts` opens its devices here, too.
import { constants, release } from 'node:os';
import {
  IFF_DETACH_QUEUE,
  IFF_MULTI_QUEUE,
  IFF_NO_PI,
  IFF_TAP,
  IFF_TUN,
  type NativePort,
} from '../native/binding.js';
import { checkInterface, netnsPath, setUpInterface, TX_QUEUE_PACKETS } from '../native/host-interface.js';
import { loadBinding } from '../native/load.js';
import { checkInterfaceName, deviceGoneError, explainOpenError, TunError } from '../native/tun-errors.js';
import { findTunOwner } from '../native/tun-owner.js';
import {
  type EthernetIdentity,
  type Link,
  type LinkOffload,
  NO_OFFLOAD,
  type PacketBatch,
  PacketIds,
} from '../stack/link.js';
import { longDestinations, takesLongPackets } from './long-packets.js';
import { BUSY_POLL_US, LONG_OFFLOAD, PortLink, VNET_OFFLOAD } from './port-link.js';
import { completeBatch } from './unfinished-checksum.js';

export { TunError } from '../native/tun-errors.js';
export { findTunOwner, type TunOwner } from '../native/tun-owner.js';

/** How long `close` waits for the device to disappear. */
const CLOSE_DEADLINE_MS = 5000;
const CLOSE_POLL_MS = 2;

/** Settings of `tunLink`. */
export interface TunLinkOptions {
  /**
   * Interface name of at most 15 letters; `%d` in it stands for the first free number. Default `syn%d`. A persistent TUN
   * device of that name is attached to, and left in place by `close`.
   */
  name?: string;
  /**
   * Address and prefix length of the kernel's end, such as `10.9.0.1/24`, or several (IPv4 and IPv6). The stack owns
   * others in the same network. Default: none; the device is brought up without an address. On a persistent device it is
   * only checked.
   */
  hostAddress?: string | readonly string[];
  /** Network namespace to make the device in: a name known to `ip netns`, or a path. Default: the caller's own. */
  netns?: string;
  /** Largest IP packet in bytes, 68…65535. Default 1500, or what a persistent device has. */
  mtu?: number;
  /**
   * How long the link looks for more packets after a batch before it sleeps, in microseconds, 0…1000. Costs up to that
   * much processor time per batch, and spares the wake-up, which is most of a round trip. 0: not at all. Default 50.
   */
  busyPollUs?: number;
  /**
   * Bytes that written packets may occupy in the kernel until `writable` becomes false. Default: unlimited, as a write
   * does the kernel's receive work before it returns, or leaves it to a thread that has nothing else to do. Of use where the
   * kernel forwards to a slower device.
   */
  sendBufferBytes?: number;
  /**
   * Leaves checksums, and the cutting of up to 64 KiB into segments, to the kernel, and takes the same from it; what the
   * kernel does not offer the addon does for sent packets. `'software'`: the addon in any case, so that every packet crosses
   * the device as on a wire; while there is much to send, a thread of the kernel's takes it in on another processor (where the
   * link makes the device, with one queue, and the process may look at sysfs). `false`: neither. Default true.
   */
  offload?: boolean | 'software';
  /** Numbering of the packets. Default: a new one. */
  packetIds?: PacketIds;
  /**
   * Interface index of a device with several queues that somebody holds (`tunQueues`): the link is one more of them, and what
   * concerns the whole device (addresses, MTU, its end) is left to the holder. Default: the device has a single queue.
   */
  queueOf?: number;
}

/** A link over a TUN or TAP device. */
export interface DeviceLink extends Link {
  /** Interface index in its namespace. */
  readonly index: number;
  /** The device existed before, and stays when the link is closed. */
  readonly persistent: boolean;
  /** Path of the namespace file, or null for the caller's own namespace. */
  readonly netns: string | null;
  /** Addresses of the kernel's end, as given. */
  readonly hostAddresses: readonly string[];
  /** Reads what there is right now and delivers it before it returns; the number of packets. */
  pull(): number;
  /**
   * Stops and resumes delivery; packets wait in the kernel's queue meanwhile. A device deleted while delivery is
   * stopped is noticed at the next write, or when delivery resumes.
   */
  pause(): void;
  resume(): void;
  ref(): void;
  unref(): void;
}

/** A link over a TUN device. */
export interface TunLink extends DeviceLink {
  readonly medium: 'ip';
}

/**
 * Opens a TUN device: attaches to a persistent one, or makes one that vanishes with the link. Needs CAP_NET_ADMIN in the
 * namespace, unless a persistent device belongs to the user.
 * @throws TunError with the codes named there; NativeBindingError (`ERR_SYNWAVE_NATIVE`); RangeError
 * (`ERR_OUT_OF_RANGE`) for a number that makes no sense
 */
export async function tunLink(options: TunLinkOptions = {}): Promise<TunLink> {
  return (await openDevice(options)) as TunLink;
}

/** Largest MTU of a TAP device: with the Ethernet header its frames stay within 65535 bytes. */
const MAX_TAP_MTU = 65_521;

/**
 * Opens a TUN device, or with `ethernet` a TAP device.
 * @param holdsQueues the link is to hold a device whose queues others open, and never to be started
 * @throws as `tunLink`
 */
export async function openDevice(
  options: TunLinkOptions,
  ethernet?: EthernetIdentity,
  holdsQueues = false,
): Promise<DeviceLink> {
  const name = options.name ?? 'syn%d';
  checkInterfaceName(name);
  checkRange('mtu', options.mtu ?? 1500, 68, ethernet === undefined ? 65_535 : MAX_TAP_MTU);
  checkRange('busyPollUs', options.busyPollUs ?? BUSY_POLL_US, 0, 1000);
  checkRange('sendBufferBytes', options.sendBufferBytes ?? 0, 0, 0x7fffffff);
  const hostAddresses = addressList(options.hostAddress);
  const netns = options.netns === undefined ? undefined : netnsPath(options.netns);

  const link = await openLink(name, netns, hostAddresses, options, ethernet, holdsQueues);
  try {
    if (options.queueOf !== undefined) checkQueue(link, options.queueOf);
    else await (link.persistent ? check(link, options.mtu) : setUp(link));
  } catch (error) {
    await link.close();
    throw error;
  }
  return link;
}

/** A holder that is gone would have let the kernel make a new device of that name. */
function checkQueue(link: TunTapLink, device: number): void {
  if (link.index !== device) throw deviceGoneError(link.name, constants.errno.ENODEV, 'TUN');
}

function addressList(given: string | readonly string[] | undefined): readonly string[] {
  const list = given === undefined ? [] : typeof given === 'string' ? [given] : given;
  for (const address of list) {
    if (!/^[0-9a-fA-F.:]+\/\d{1,3}$/.test(address)) {
      throw new TunError(
        'ERR_SYNWAVE_TUN_ADDRESS',
        `hostAddress ${JSON.stringify(address)} is not an address with its prefix length, such as 10.9.0.1/24`,
      );
    }
  }
  return list;
}

function checkRange(what: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  const error = new RangeError(`${what} must be an integer from ${low} to ${high}, not ${value}`);
  throw Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
}

async function openLink(
  name: string,
  netns: string | undefined,
  hostAddresses: readonly string[],
  options: TunLinkOptions,
  ethernet: EthernetIdentity | undefined,
  holdsQueues: boolean,
): Promise<TunTapLink> {
  const hasQueues = holdsQueues || options.queueOf !== undefined;
  try {
    return new TunTapLink(name, netns, hostAddresses, options, ethernet, holdsQueues);
  } catch (error) {
    const busy = error instanceof Error && 'code' in error && error.code === 'EBUSY';
    const kind = ethernet === undefined ? 'TUN' : 'TAP';
    throw explainOpenError(error, name, busy ? await findTunOwner(name, netns) : null, kind, hasQueues);
  }
}

async function setUp(link: TunTapLink): Promise<void> {
  await setUpInterface(link.name, link.netns ?? undefined, {
    addresses: link.hostAddresses,
    txQueueLength: TX_QUEUE_PACKETS,
    // A host on an Ethernet has one, and its neighbours are entitled to it; on a TUN device it would only make noise.
    noLinkLocal: !link.ipv6Disabled && !(link.medium === 'ethernet' && link.speaksIpv6),
  });
}

/** A device that somebody else set up is not changed; what it lacks is said. Without wishes there is nothing to ask `ip`. */
async function check(link: TunTapLink, mtu: number | undefined): Promise<void> {
  if (mtu === undefined && link.hostAddresses.length === 0) return;
  await checkInterface(link.name, link.netns ?? undefined, { addresses: link.hostAddresses, mtu });
}

/** The link itself. `Link` says what its members do. */
class TunTapLink extends PortLink implements DeviceLink {
  readonly name: string;
  /** Whether the kernel's end has an IPv6 address. */
  readonly speaksIpv6: boolean;
  readonly mtu: number;
  readonly index: number;
  readonly persistent: boolean;
  readonly ipv6Disabled: boolean;
  /** The device is another's: it outlives this queue. */
  private readonly isOneOfSeveral: boolean;
  offload: LinkOffload;
  readonly netns: string | null;
  protected readonly port: NativePort;

  constructor(
    name: string,
    netns: string | undefined,
    readonly hostAddresses: readonly string[],
    options: TunLinkOptions,
    readonly ethernet: EthernetIdentity | undefined,
    holdsQueues: boolean,
  ) {
    super(ethernet === undefined ? 'ip' : 'ethernet', options.packetIds ?? new PacketIds());
    this.speaksIpv6 = hostAddresses.some((address) => address.includes(':'));
    this.isOneOfSeveral = options.queueOf !== undefined;
    const { Port } = loadBinding();
    this.port = new Port({
      ...this.memory,
      name,
      ...(netns === undefined ? {} : { netns }),
      flags: (ethernet === undefined ? IFF_TUN : IFF_TAP) | IFF_NO_PI | this.queueFlags(holdsQueues),
      // The kernel cuts no segments out of tagged frames.
      offload: (options.offload ?? true) === true && (ethernet === undefined || ethernet.vlan === 0),
      software: options.offload !== false,
      mtu: options.mtu ?? 0,
      sendBufferBytes: options.sendBufferBytes ?? 0,
      disableIpv6: !this.speaksIpv6 && !this.isOneOfSeveral,
      spinUs: options.busyPollUs ?? BUSY_POLL_US,
    });
    this.name = this.port.name;
    this.mtu = this.port.mtu;
    this.index = this.port.index;
    this.persistent = this.port.persistent;
    this.ipv6Disabled = this.port.ipv6Disabled;
    this.netns = netns ?? null;
    const hasHeaders = this.port.offload || this.port.software === true;
    const offload = this.port.offload ? LONG_OFFLOAD : VNET_OFFLOAD;
    this.offload = hasHeaders ? offload : NO_OFFLOAD;
    if (hasHeaders) this.queue.useVnetHeaders();
    if (this.port.offload && takesLongPackets(release())) {
      this.queue.useLongPackets(longDestinations(hostAddresses));
    }
  }

  private queueFlags(holdsQueues: boolean): number {
    if (holdsQueues) return IFF_MULTI_QUEUE | IFF_DETACH_QUEUE;
    return this.isOneOfSeveral ? IFF_MULTI_QUEUE : 0;
  }

  private get kind(): 'TUN' | 'TAP' {
    return this.medium === 'ip' ? 'TUN' : 'TAP';
  }

  declineOffload(): void {
    if (this.port.offload) this.port.setOffload(false);
    this.offload = NO_OFFLOAD;
  }

  /** Completes what the kernel had queued before offload was declined. */
  protected override prepare(batch: PacketBatch): void {
    if (this.port.offload && this.offload === NO_OFFLOAD) completeBatch(batch, this.medium);
  }

  protected override lost(errno: number): Error {
    return deviceGoneError(this.name, errno, this.kind);
  }

  protected override async shutDown(): Promise<void> {
    await super.shutDown();
    // Whoever opens the device next may not know of virtio-net headers.
    if (this.persistent && this.port.offload && !this.isOneOfSeveral) this.port.setOffload(false);
    this.port.close();
    if (!this.persistent && !this.isOneOfSeveral) await this.vanished();
  }

  /**
   * The kernel removes the device when the last descriptor closes. A child process being started at this moment holds a
   * copy until it runs its program, so that may be a little later than `port.close()`.
   */
  private async vanished(): Promise<void> {
    const deadline = performance.now() + CLOSE_DEADLINE_MS;
    while (this.exists()) {
      if (performance.now() > deadline) {
        const message = `${this.kind} device ${this.name} did not go away: another process holds its descriptor`;
        throw new TunError('ERR_SYNWAVE_TUN_STUCK', message);
      }
      await new Promise((resolve) => setTimeout(resolve, CLOSE_POLL_MS));
    }
  }

  private exists(): boolean {
    try {
      const where = this.netns === null ? {} : { netns: this.netns };
      return loadBinding().interfaceIndex({ name: this.name, ...where }) === this.index;
    } catch {
      return false; // The namespace is gone, and every device that lived in it.
    }
  }
}
