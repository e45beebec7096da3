// A link over a packet socket of the kernel (AF_PACKET): checksums and the cutting of segments are left to the kernel, and
// what it has joined is taken in as it is. Opening is prepared by ethernet.ts.
import { constants } from 'node:os';
import type { SocketPort, TunBinding } from '../native/binding.js';
import { loadBinding, NativeBindingError } from '../native/load.js';
import {
  type EthernetIdentity,
  type LinkOffload,
  type LinkStats,
  NO_OFFLOAD,
  type PacketBatch,
  type PacketIds,
} from '../stack/link.js';
import { explainSocketError, interfaceLostError } from './ethernet-errors.js';
import type { EthernetLink } from './ethernet-link.js';
import { BUSY_POLL_US, LONG_OFFLOAD, PortLink, VNET_OFFLOAD } from './port-link.js';
import { completeBatch } from './unfinished-checksum.js';

/** Memory for frames on their way out: a burst of several of the largest, which a queue behind the socket holds up. */
const SEND_BUFFER_BYTES = 4 * 1024 * 1024;
/** An interface that is deleted goes down first; so long it may take from the one to the other. */
const GONE_WITHIN_MS = 20;

/** A binding that has packet sockets. */
export type SocketBinding = TunBinding & Required<Pick<TunBinding, 'SocketPort'>>;

/** @throws NativeBindingError when there is none, naming the remedy */
export function loadSocketBinding(): SocketBinding {
  const binding = loadBinding();
  if (binding.SocketPort !== undefined) return binding as SocketBinding;
  const remedy = 'npm rebuild synwave (in a checkout: npm run build:native)';
  throw new NativeBindingError(`the native binding is too old for packet sockets. Remedy: ${remedy}`);
}

/** What the link is made of. */
export interface PacketLinkParts {
  readonly binding: SocketBinding;
  /** Name of the interface. */
  readonly name: string;
  /** Path of its namespace; undefined: the caller's own. */
  readonly netns: string | undefined;
  readonly identity: EthernetIdentity;
  /** The filter in words, and as the program of `frameProgram`. */
  readonly filter: string;
  readonly program: Uint32Array;
  /** The link has a MAC address that the interface does not have. */
  readonly isOwnMac: boolean;
  readonly mtu: number;
  readonly bufferBytes: number;
  readonly offload: boolean;
  readonly packetIds: PacketIds;
}

/** The link itself. `Link` says what its members do. */
export class PacketLink extends PortLink implements EthernetLink {
  override readonly medium = 'ethernet';
  readonly driver = 'packet';
  readonly name: string;
  readonly mtu: number;
  readonly ethernet: EthernetIdentity;
  readonly filter: string;
  readonly unfinishedChecksums = 0;
  readonly cutFrames = 0;
  offload: LinkOffload;
  protected readonly port: SocketPort;
  private hasDeclined = false;
  private goneCheck: NodeJS.Timeout | null = null;

  /** @throws EthernetError as `ethernetLink` */
  constructor(private readonly parts: PacketLinkParts) {
    super('ethernet', parts.packetIds);
    const { name, netns, identity, bufferBytes } = parts;
    this.name = name;
    this.mtu = parts.mtu;
    this.ethernet = identity;
    this.filter = parts.filter;
    const { SocketPort } = parts.binding;
    try {
      this.port = new SocketPort({
        ...this.memory,
        name,
        ...(netns === undefined ? {} : { netns }),
        filter: parts.program,
        promiscuous: parts.isOwnMac,
        // The kernel cuts no segments out of tagged frames.
        software: identity.vlan !== 0,
        receiveBufferBytes: bufferBytes,
        sendBufferBytes: SEND_BUFFER_BYTES,
        spinUs: BUSY_POLL_US,
      });
    } catch (error) {
      throw explainSocketError(error, name);
    }
    this.queue.useVnetHeaders();
    const isDone = identity.vlan === 0 || this.port.software === true;
    const byKernel = this.port.software === true ? VNET_OFFLOAD : LONG_OFFLOAD;
    this.offload = parts.offload && isDone ? byKernel : NO_OFFLOAD;
  }

  /** Frames that found no room with the kernel are among those dropped. */
  override get stats(): LinkStats {
    this.counters.dropped += this.port.takeDrops();
    return this.counters;
  }

  /** The bytes of memory that frames may occupy until they are read, the kernel's bookkeeping included. */
  get receiveBufferBytes(): number {
    return this.port.receiveBufferBytes;
  }

  /** What others send joined stays so: their kernel does not ask. */
  declineOffload(): void {
    this.offload = NO_OFFLOAD;
    this.hasDeclined = true;
  }

  protected override prepare(batch: PacketBatch): void {
    if (this.hasDeclined) completeBatch(batch, this.medium);
  }

  protected override report(errno: number): void {
    if (errno !== constants.errno.ENETDOWN) super.report(errno);
    else this.goneCheck ??= setTimeout(() => super.report(errno), GONE_WITHIN_MS);
  }

  protected override lost(): Error {
    return interfaceLostError(this.name, !this.isThere());
  }

  protected override async shutDown(): Promise<void> {
    if (this.goneCheck !== null) clearTimeout(this.goneCheck);
    await super.shutDown();
    this.counters.dropped += this.port.takeDrops();
    this.port.close();
  }

  private isThere(): boolean {
    const { binding, name, netns } = this.parts;
    try {
      return binding.interfaceIndex({ name, ...(netns === undefined ? {} : { netns }) }) === this.port.index;
    } catch {
      return false; // The namespace is gone.
    }
  }
}
