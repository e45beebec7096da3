// A Linux TUN device as a link: IP packets to and from the kernel of this machine. Opening and setting up the device is
// done by `native/`; here is the delivery of batches, the flow of sends, and the end. `tap.ts` opens its devices here, too.
import { constants } from 'node:os';
import {
  CONTROL_BYTES,
  CONTROL_DROPPED,
  CONTROL_ERROR,
  CONTROL_WORDS,
  EVENT_FAILED,
  EVENT_PACKETS,
  EVENT_WRITABLE,
  IFF_NO_PI,
  IFF_TAP,
  IFF_TUN,
  type NativePort,
  PACKET_ROOM,
  VNET_HEADER_BYTES,
} from '../native/binding.js';
import { checkInterface, netnsPath, setUpInterface, TX_QUEUE_PACKETS } from '../native/host-interface.js';
import { loadBinding } from '../native/load.js';
import { TransmitQueue } from '../native/transmit-queue.js';
import { checkInterfaceName, deviceGoneError, explainOpenError, TunError } from '../native/tun-errors.js';
import { findTunOwner } from '../native/tun-owner.js';
import {
  type EthernetIdentity,
  type Link,
  type LinkOffload,
  type LinkReceiver,
  NO_OFFLOAD,
  newLinkStats,
  type PacketBatch,
  PacketIds,
  type PacketOffload,
} from '../stack/link.js';
import type { PayloadPieces } from '../wire/payload.js';
import { completeBatch } from './unfinished-checksum.js';

export { TunError } from '../native/tun-errors.js';
export { findTunOwner, type TunOwner } from '../native/tun-owner.js';

/** Packets of one batch; then other handles of the event loop get their turn. */
const BATCH_PACKETS = 256;
/** Holds a full batch at MTU 1500, and 31 of the largest packets. */
const SLAB_BYTES = 32 * PACKET_ROOM;
/** Default of `busyPollUs`. */
const BUSY_POLL_US = 50;
/** How long `close` waits for the device to disappear. */
const CLOSE_DEADLINE_MS = 5000;
const CLOSE_POLL_MS = 2;

/** What a device with virtio-net headers does. Whether a received packet was verified is told of each. */
const DEVICE_OFFLOAD: LinkOffload = {
  transmitChecksum: true,
  receiveChecksum: false,
  // With the longest headers that TCP and IPv6 without extensions have, within the 65535 octets of an IPv4 packet.
  maxSegmentationBytes: 65_535 - 40 - 60,
};

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
   * does the kernel's receive work before it returns. Of use where the kernel forwards to a slower device.
   */
  sendBufferBytes?: number;
  /**
   * Leaves checksums, and the cutting of up to 64 KiB into segments, to the kernel, and takes the same from it. `offload`
   * of the link tells whether it came to that: the kernel may not offer it. Default true.
   */
  offload?: boolean;
  /** Numbering of the packets. Default: a new one. */
  packetIds?: PacketIds;
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
 * @throws as `tunLink`
 */
export async function openDevice(options: TunLinkOptions, ethernet?: EthernetIdentity): Promise<DeviceLink> {
  const name = options.name ?? 'syn%d';
  checkInterfaceName(name);
  checkRange('mtu', options.mtu ?? 1500, 68, ethernet === undefined ? 65_535 : MAX_TAP_MTU);
  checkRange('busyPollUs', options.busyPollUs ?? BUSY_POLL_US, 0, 1000);
  checkRange('sendBufferBytes', options.sendBufferBytes ?? 0, 0, 0x7fffffff);
  const hostAddresses = addressList(options.hostAddress);
  const netns = options.netns === undefined ? undefined : netnsPath(options.netns);

  const link = await openLink(name, netns, hostAddresses, options, ethernet);
  try {
    await (link.persistent ? check(link, options.mtu) : setUp(link));
  } catch (error) {
    await link.close();
    throw error;
  }
  return link;
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
): Promise<PortLink> {
  try {
    return new PortLink(name, netns, hostAddresses, options, ethernet);
  } catch (error) {
    const busy = error instanceof Error && 'code' in error && error.code === 'EBUSY';
    const kind = ethernet === undefined ? 'TUN' : 'TAP';
    throw explainOpenError(error, name, busy ? await findTunOwner(name, netns) : null, kind);
  }
}

async function setUp(link: PortLink): Promise<void> {
  await setUpInterface(link.name, link.netns ?? undefined, {
    addresses: link.hostAddresses,
    txQueueLength: TX_QUEUE_PACKETS,
    // A host on an Ethernet has one, and its neighbours are entitled to it; on a TUN device it would only make noise.
    noLinkLocal: !link.ipv6Disabled && !(link.medium === 'ethernet' && link.speaksIpv6),
  });
}

/** A device that somebody else set up is not changed; what it lacks is said. Without wishes there is nothing to ask `ip`. */
async function check(link: PortLink, mtu: number | undefined): Promise<void> {
  if (mtu === undefined && link.hostAddresses.length === 0) return;
  await checkInterface(link.name, link.netns ?? undefined, { addresses: link.hostAddresses, mtu });
}

/** The link itself. `Link` says what its members do. */
class PortLink implements DeviceLink {
  readonly name: string;
  readonly medium: 'ip' | 'ethernet';
  /** Whether the kernel's end has an IPv6 address. */
  readonly speaksIpv6: boolean;
  readonly mtu: number;
  readonly index: number;
  readonly persistent: boolean;
  readonly ipv6Disabled: boolean;
  offload: LinkOffload;
  readonly packetIds: PacketIds;
  readonly stats = newLinkStats();
  readonly netns: string | null;
  private readonly port: NativePort;
  private readonly batch: PacketBatch;
  private readonly control = new Int32Array(CONTROL_WORDS);
  private readonly queue = new TransmitQueue(this.control);
  private receiver: LinkReceiver | null = null;
  /** The kernel did not take everything; the rest waits in `queue` for EVENT_WRITABLE. */
  private draining = false;
  private ended = false;
  private closing: Promise<void> | null = null;

  constructor(
    name: string,
    netns: string | undefined,
    readonly hostAddresses: readonly string[],
    options: TunLinkOptions,
    readonly ethernet: EthernetIdentity | undefined,
  ) {
    this.medium = ethernet === undefined ? 'ip' : 'ethernet';
    this.speaksIpv6 = hostAddresses.some((address) => address.includes(':'));
    const slab = new Uint8Array(SLAB_BYTES);
    const table = new Int32Array(3 * BATCH_PACKETS);
    this.batch = {
      bytes: slab,
      view: new DataView(slab.buffer),
      count: 0,
      offsets: table.subarray(0, BATCH_PACKETS),
      lengths: table.subarray(BATCH_PACKETS, 2 * BATCH_PACKETS),
      hints: table.subarray(2 * BATCH_PACKETS),
      ids: new Float64Array(BATCH_PACKETS),
    };
    this.packetIds = options.packetIds ?? new PacketIds();
    const { Port } = loadBinding();
    this.port = new Port({
      name,
      ...(netns === undefined ? {} : { netns }),
      flags: (ethernet === undefined ? IFF_TUN : IFF_TAP) | IFF_NO_PI,
      // The kernel cuts no segments out of tagged frames.
      offload: (options.offload ?? true) && (ethernet === undefined || ethernet.vlan === 0),
      mtu: options.mtu ?? 0,
      sendBufferBytes: options.sendBufferBytes ?? 0,
      disableIpv6: !this.speaksIpv6,
      spinUs: options.busyPollUs ?? BUSY_POLL_US,
      slab,
      table,
      arena: this.queue.arena,
      descriptors: this.queue.descriptors,
      control: this.control,
      onEvent: (event, value) => this.onEvent(event, value),
    });
    this.name = this.port.name;
    this.mtu = this.port.mtu;
    this.index = this.port.index;
    this.persistent = this.port.persistent;
    this.ipv6Disabled = this.port.ipv6Disabled;
    this.netns = netns ?? null;
    this.offload = this.port.offload ? DEVICE_OFFLOAD : NO_OFFLOAD;
    if (this.port.offload) this.queue.useVnetHeaders();
  }

  get writable(): boolean {
    return !this.draining && !this.ended;
  }

  private get kind(): 'TUN' | 'TAP' {
    return this.medium === 'ip' ? 'TUN' : 'TAP';
  }

  start(receiver: LinkReceiver): void {
    this.receiver = receiver;
    this.port.startReading();
  }

  send(
    _packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
    offload: PacketOffload | null = null,
  ): boolean {
    if (!this.writable) return false;
    if (this.queue.push(header, headerOffset, headerLength, payload, offload)) return true;
    this.flush();
    if (!this.writable) return false;
    // What an empty queue cannot hold is larger than any IP packet.
    if (!this.queue.push(header, headerOffset, headerLength, payload, offload)) this.stats.dropped++;
    return true;
  }

  declineOffload(): void {
    this.port.setOffload(false);
    this.offload = NO_OFFLOAD;
  }

  flush(): void {
    if (this.queue.packets === 0 || this.draining || this.ended) return;
    this.write();
  }

  pull(): number {
    if (this.ended || this.receiver === null) return 0;
    const count = this.port.pull();
    const errno = this.control[CONTROL_ERROR]!;
    if (count > 0) this.deliver(count);
    if (errno !== 0) this.failLater(errno);
    return count;
  }

  pause(): void {
    this.port.stopReading();
  }

  resume(): void {
    if (this.receiver !== null && !this.ended) this.port.startReading();
  }

  ref(): void {
    this.port.ref();
  }

  unref(): void {
    this.port.unref();
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private onEvent(event: number, value: number): void {
    if (event === EVENT_PACKETS) this.deliver(value);
    else if (event === EVENT_WRITABLE) this.onWritable();
    else if (event === EVENT_FAILED) this.fail(value);
  }

  private deliver(count: number): void {
    const batch = this.batch;
    const { lengths, ids } = batch;
    let bytes = 0;
    for (let i = 0; i < count; i++) {
      ids[i] = this.packetIds.next();
      bytes += lengths[i]!;
    }
    batch.count = count;
    // What the kernel had queued before offload was declined.
    if (this.port.offload && this.offload === NO_OFFLOAD) completeBatch(batch, this.medium);
    this.stats.packetsIn += count;
    this.stats.bytesIn += bytes;
    this.receiver!.receive(batch);
  }

  /** Hands the queue to the kernel, and keeps copies of what it has no room for. */
  private write(): void {
    const queue = this.queue;
    const queued = queue.packets;
    const taken = this.port.flush(queued, queue.buffers);
    const dropped = this.control[CONTROL_DROPPED]!;
    const errno = this.control[CONTROL_ERROR]!;
    this.stats.packetsOut += taken - dropped;
    const headers = this.port.offload ? VNET_HEADER_BYTES * (taken - dropped) : 0;
    this.stats.bytesOut += this.control[CONTROL_BYTES]! - headers;
    this.stats.dropped += dropped;
    this.draining = errno === constants.errno.EAGAIN;
    if (this.draining) {
      queue.keepAfter(taken);
    } else {
      this.stats.dropped += queued - taken;
      queue.clear();
      if (errno !== 0) this.failLater(errno);
    }
  }

  private onWritable(): void {
    if (this.ended) return;
    this.draining = false;
    this.flush();
    if (!this.writable) return;
    this.receiver?.writable();
  }

  /** For errors met inside a call of the receiver, which does not expect to be called back there. */
  private failLater(errno: number): void {
    if (this.ended) return;
    this.ended = true;
    this.port.stopReading();
    setImmediate(() => this.report(errno));
  }

  private fail(errno: number): void {
    if (this.ended) return;
    this.ended = true;
    this.report(errno);
  }

  private report(errno: number): void {
    if (this.closing !== null) return;
    this.stats.dropped += this.queue.packets;
    this.queue.clear();
    this.receiver?.failed(deviceGoneError(this.name, errno, this.kind));
  }

  private async shutDown(): Promise<void> {
    this.flush();
    this.ended = true;
    this.stats.dropped += this.queue.packets;
    this.queue.clear();
    // Whoever opens the device next may not know of virtio-net headers.
    if (this.persistent && this.port.offload) this.port.setOffload(false);
    this.port.close();
    if (!this.persistent) await this.vanished();
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
