// Raw IP sockets as a link: the stack speaks from an address of this host, beside the kernel. Which ports are the stack's is
// settled when the link is opened; the kernel is kept from answering on them by raw-guard.ts. Sifting what comes is done
// by raw-input.ts, sending by raw-output.ts.
import { netnsPath } from '../native/host-interface.js';
import { loadBinding } from '../native/load.js';
import { type Link, type LinkReceiver, NO_OFFLOAD, newLinkStats, PacketIds } from '../stack/link.js';
import type { PayloadPieces } from '../wire/payload.js';
import { IpProtocol } from '../wire/protocol.js';
import { inspectAddress, type RawAddress } from './raw-address.js';
import { explainSocketError, RawError } from './raw-errors.js';
import { GUARD_MARK, RstGuard } from './raw-guard.js';
import { RawInput, type RawSource, wantedTypes } from './raw-input.js';
import { RawOutput } from './raw-output.js';
import { loadRawSocket, type RawSocket, type RawSocketPackage } from './raw-package.js';
import { chooseRawPorts } from './raw-port-choice.js';
import { parsePorts, type RawPorts } from './raw-ports.js';

export { RawError } from './raw-errors.js';

/** Settings of `rawLink`. */
export interface RawLinkOptions {
  /**
   * The stack's address, or several, IPv4 and IPv6: addresses of this host. One that the host does not own works when the
   * kernel delivers its packets, by `ip route add broadcast 192.0.2.7 dev eth0 table local` (`anycast` for IPv6).
   */
  address: string | readonly string[];
  /**
   * TCP ports on which the stack will listen, or connect from: numbers, and ranges such as `'8000-8010'`. All other
   * ports stay the kernel's. Connections from no particular port take one of a range of the link's own, beside that of the
   * kernel: half of what other links of this address have left there. It needs not be named. Default: none.
   */
  ports?: readonly (number | string)[];
  /**
   * Whether to keep the kernel from answering with RST on those ports, by a table of nftables that vanishes with the
   * link. `false` when a rule of yours does. Never done for an address that the kernel does not own. Default true.
   */
  guard?: boolean;
  /** Largest IP packet in bytes, 68…65535. Default: the MTU of the interface that has the address. */
  mtu?: number;
  /** Network namespace of the sockets: a name known to `ip netns`, or a path. Default: the caller's own. */
  netns?: string;
  /** Bytes that may wait in each receiving socket. Default 8 MiB; less where the kernel limits it. */
  receiveBufferBytes?: number;
  /** Numbering of the packets. Default: a new one. */
  packetIds?: PacketIds;
}

/** A link over raw sockets. It keeps the process alive until it is closed: the package cannot do otherwise. */
export interface RawLink extends Link {
  readonly medium: 'ip';
  readonly ports: RawPorts;
  /** The stack's addresses with the prefix of their network, as `createStack` takes them. */
  readonly addresses: readonly string[];
  /** Name of the guard's table in nftables, or null without one. */
  readonly guardTable: string | null;
  /** Packets that the kernel refused to send, by the code of its error: `EMSGSIZE`, `EPERM` (a firewall), `ENETUNREACH` … */
  readonly sendErrors: ReadonlyMap<string, number>;
  /** Reads what there is right now and delivers it before it returns; the number of packets. */
  pull(): number;
}

const RECEIVE_BUFFER_BYTES = 8 * 1024 * 1024;
const SEND_BUFFER_BYTES = 4 * 1024 * 1024;

// Of <sys/socket.h>, <linux/icmp.h> and <linux/icmpv6.h>. The forced sizes exceed the limits of the system, and need
// CAP_NET_ADMIN.
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SO_MARK = 36;
const SOL_RAW = 255;
const SOL_ICMPV6 = 58;
const ICMP_FILTER = 1;
/** A socket of this protocol takes packets with their header and receives nothing. */
const IPPROTO_RAW = 255;

/**
 * Opens raw sockets for addresses of this host. Needs CAP_NET_RAW, and CAP_NET_ADMIN for the guard.
 * @throws RawError with the codes named there; TunError `ENOENT` (no such namespace), `ERR_SYNWAVE_IP_MISSING`; RangeError
 * (`ERR_OUT_OF_RANGE`) for a port or number that makes no sense
 */
export async function rawLink(options: RawLinkOptions): Promise<RawLink> {
  const named = parsePorts(options.ports ?? []);
  const { mtu } = options;
  if (mtu !== undefined && !(Number.isInteger(mtu) && mtu >= 68 && mtu <= 65_535)) {
    const error = new RangeError(`mtu must be an integer from 68 to 65535, not ${mtu}`);
    throw Object.assign(error, { code: 'ERR_OUT_OF_RANGE' });
  }
  const netns = options.netns === undefined ? undefined : netnsPath(options.netns);
  const package_ = await loadRawSocket();
  const texts = typeof options.address === 'string' ? [options.address] : options.address;
  if (texts.length === 0) throw new RawError('ERR_SYNWAVE_RAW_ADDRESS', 'a raw link needs an address');
  const addresses: RawAddress[] = [];
  for (const text of texts) addresses.push(await inspectAddress(text, netns));
  const within = <T>(body: () => T): T =>
    netns === undefined ? body() : loadBinding().inNamespace(netns, body);

  const owned = addresses.filter(({ isOwned }) => isOwned).map(({ address }) => address);
  const ports = chooseRawPorts(owned, named, netns);
  const needsGuard = options.guard !== false && owned.length > 0;
  const guard = needsGuard ? RstGuard.install({ addresses: owned, ports: ports.ranges, netns }) : null;
  try {
    const sockets = within(() => openSockets(package_, addresses, options));
    return new RawSocketLink(addresses, ports, sockets, guard, options);
  } catch (error) {
    guard?.remove();
    throw error;
  }
}

/** Raw sockets of a link. */
export interface Sockets {
  readonly senders: Partial<Record<4 | 6, RawSocket>>;
  readonly sources: (RawSource & { readonly socket: RawSocket })[];
}

function openSockets(
  package_: RawSocketPackage,
  addresses: readonly RawAddress[],
  options: RawLinkOptions,
): Sockets {
  const sockets: Sockets = { senders: {}, sources: [] };
  try {
    for (const family of [4, 6] as const) {
      const own = addresses.filter(({ address }) => address.family === family);
      if (own.length > 0) openFamily(package_, family, own, options, sockets);
    }
  } catch (error) {
    closeSockets(sockets);
    throw error;
  }
  return sockets;
}

function openFamily(
  package_: RawSocketPackage,
  family: 4 | 6,
  own: readonly RawAddress[],
  options: RawLinkOptions,
  sockets: Sockets,
): void {
  const make = (protocol: number) => createSocket(package_, family, protocol);
  const sender = make(IPPROTO_RAW);
  sockets.senders[family] = sender;
  sender.setOption(SOL_SOCKET, SO_MARK, GUARD_MARK);
  setBuffer(sender, SO_SNDBUFFORCE, SO_SNDBUF, SEND_BUFFER_BYTES);
  const icmp = family === 4 ? IpProtocol.ICMP : IpProtocol.ICMPV6;
  for (const protocol of [IpProtocol.TCP, icmp]) {
    const socket = make(protocol);
    sockets.sources.push({ socket, wrap: socket.wrap, family, protocol });
    setBuffer(socket, SO_RCVBUFFORCE, SO_RCVBUF, options.receiveBufferBytes ?? RECEIVE_BUFFER_BYTES);
    if (protocol === icmp)
      filterIcmp(
        socket,
        family,
        own.every(({ isOwned }) => isOwned),
      );
  }
}

function createSocket(package_: RawSocketPackage, family: 4 | 6, protocol: number): RawSocket {
  let socket: RawSocket;
  try {
    // Packets are read into memory of ours; the buffer of the package is not used.
    socket = package_.createSocket({ protocol, addressFamily: family === 4 ? 1 : 2, bufferSize: 1 });
  } catch (error) {
    throw explainSocketError(error, family);
  }
  socket.pauseRecv();
  // Its own listeners read one packet an event, and send one an event when nothing can be read.
  for (const event of ['recvReady', 'sendReady', 'error']) socket.wrap.removeAllListeners(event);
  return socket;
}

function setBuffer(socket: RawSocket, forced: number, plain: number, bytes: number): void {
  try {
    socket.setOption(SOL_SOCKET, forced, bytes);
  } catch {
    socket.setOption(SOL_SOCKET, plain, bytes); // Cut to the limit of the system.
  }
}

/** Set bits block, in words of the machine: one word of types for IPv4, eight for IPv6. */
function filterIcmp(socket: RawSocket, family: 4 | 6, isOwned: boolean): void {
  const blocked = new Uint32Array(family === 4 ? 1 : 8).fill(0xffffffff);
  for (const type of wantedTypes(family, isOwned)) blocked[type >>> 5]! &= ~(1 << (type & 31));
  const bytes = Buffer.from(blocked.buffer);
  socket.setOption(family === 4 ? SOL_RAW : SOL_ICMPV6, ICMP_FILTER, bytes, bytes.length);
}

function closeSockets({ senders, sources }: Sockets): void {
  for (const socket of [senders[4], senders[6], ...sources.map((source) => source.socket)]) socket?.close();
}

/** Links in use. The package closes a socket that nobody refers to. */
const open = new Set<RawSocketLink>();

/**
 * The link itself. `Link` says what its members do. The package calls its listeners from outside of any callback scope of
 * Node: ticks and microtasks would not run after them, and a parser of `node:http` would abort the process. So nothing
 * is done there but to ask for an immediate, which comes in the same turn of the event loop.
 */
export class RawSocketLink implements RawLink {
  readonly name: string;
  readonly medium = 'ip';
  readonly mtu: number;
  readonly offload = NO_OFFLOAD;
  readonly ecnBlind = 6;
  readonly packetIds: PacketIds;
  readonly stats = newLinkStats();
  readonly addresses: readonly string[];
  readonly guardTable: string | null;
  private readonly input: RawInput;
  private readonly output: RawOutput;
  private receiver: LinkReceiver | null = null;
  /** Sockets that were full and have not said yet that they take packets again. */
  private full = 0;
  private ended = false;

  constructor(
    addresses: readonly RawAddress[],
    readonly ports: RawPorts,
    private readonly sockets: Sockets,
    private readonly guard: RstGuard | null,
    options: RawLinkOptions,
  ) {
    this.name = addresses[0]!.device;
    this.mtu = options.mtu ?? Math.min(...addresses.map(({ mtu }) => mtu));
    this.addresses = addresses.map(({ address, prefix }) => `${address}/${prefix}`);
    this.guardTable = guard?.table ?? null;
    this.packetIds = options.packetIds ?? new PacketIds();
    this.input = new RawInput(addresses, ports, this.packetIds);
    this.output = new RawOutput(sockets.senders, this.name);
    for (const sender of this.senders()) {
      const ready = () => this.onSendReady(sender);
      sender.wrap.on('sendReady', () => void setImmediate(ready));
      sender.wrap.on('error', (error) => this.failLater(error));
    }
    for (const source of sockets.sources) {
      const arrived = () => void this.take(source);
      source.wrap.on('recvReady', () => void setImmediate(arrived));
      source.wrap.on('error', (error) => this.failLater(error));
    }
    open.add(this);
  }

  get writable(): boolean {
    return this.full === 0 && !this.ended;
  }

  get sendErrors(): ReadonlyMap<string, number> {
    return this.output.errors;
  }

  start(receiver: LinkReceiver): void {
    this.receiver = receiver;
    for (const { socket } of this.sockets.sources) socket.resumeRecv();
  }

  send(
    _packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
  ): boolean {
    if (!this.writable) return false;
    this.handedOver(this.output.send(header, headerOffset, headerLength, payload));
    return true;
  }

  /** What became of a packet. One for which there was no room stays in `output` until there is. */
  private handedOver(code: string | null): void {
    if (code === null) {
      this.stats.packetsOut++;
      this.stats.bytesOut += this.output.sentBytes;
    } else if (code === 'EAGAIN') {
      this.waitUntilWritable();
    } else {
      this.stats.dropped++;
    }
  }

  /** Nothing to do: `send` hands over at once. */
  flush(): void {}

  pull(): number {
    let packets = 0;
    for (const source of this.sockets.sources) packets += this.take(source);
    return packets;
  }

  async close(): Promise<void> {
    this.ended = true;
    if (!open.delete(this)) return;
    closeSockets(this.sockets);
    this.guard?.remove();
  }

  private senders(): RawSocket[] {
    return Object.values(this.sockets.senders);
  }

  /** Reads a batch and delivers it; the number of packets. */
  private take(source: RawSource): number {
    if (this.ended || this.receiver === null) return 0;
    const { input } = this;
    const code = input.read(source);
    const { batch } = input;
    const { count } = batch;
    if (count > 0) {
      this.stats.packetsIn += count;
      for (let i = 0; i < count; i++) this.stats.bytesIn += batch.lengths[i]!;
      this.receiver.receive(batch);
    }
    if (code !== null) this.failLater(new Error(code));
    return count;
  }

  /** Only the one that was full announces itself; a socket with room would do so over and over. */
  private waitUntilWritable(): void {
    for (const sender of this.senders()) sender.resumeSend();
    this.full = this.senders().length;
  }

  private onSendReady(sender: RawSocket): void {
    if (this.ended) return;
    sender.pauseSend();
    if (this.full > 0 && --this.full === 0) this.handedOver(this.output.again());
    if (this.writable) this.receiver?.writable();
  }

  private failLater(error: Error | undefined): void {
    if (this.ended) return;
    this.ended = true;
    const reason = error?.message ?? 'unknown';
    const failure = new RawError(
      'ENETDOWN',
      `the raw socket of ${this.name} broke: ${reason}`,
      undefined,
      error,
    );
    setImmediate(() => this.receiver?.failed(failure));
  }
}
