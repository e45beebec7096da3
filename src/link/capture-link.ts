// The link over libpcap itself: frames out by one system call each, frames in by way of frame-intake.ts, and the end of an
// interface. Opening is prepared by ethernet.ts.
import { loadBinding } from '../native/load.js';
import {
  type EthernetIdentity,
  type LinkNotice,
  type LinkReceiver,
  NO_OFFLOAD,
  newLinkStats,
  type PacketIds,
} from '../stack/link.js';
import type { PayloadPieces } from '../wire/payload.js';
import { type CapPackage, type Capture, capAborts } from './cap-package.js';
import { EthernetError, explainCaptureError, interfaceLostError, sendFailureOf } from './ethernet-errors.js';
import type { EthernetLink } from './ethernet-link.js';
import { FrameIntake } from './frame-intake.js';

const ABORTS =
  'the package cap was compiled with its assertions: should the interface go down or away, the process will be aborted. ' +
  'Remedy: CXXFLAGS=-DNDEBUG npm rebuild cap';
/** After a send that found no room: the package does not tell when there is some. */
const RETRY_MS = 1;
/**
 * Frames sent in one turn of the event loop. Meanwhile none is read, and a ring of 512 slots is soon full of the
 * acknowledgments of what was sent.
 */
const SENDS_PER_TURN = 256;
/** How often it is looked whether the interface is still there. */
const WATCH_MS = 1000;
/** The longest frame that the package takes in or gives out. */
export const MAX_FRAME_BYTES = 65_535;

/** What the link is made of. */
export interface CaptureLinkParts {
  readonly package: CapPackage;
  /** Name of the interface. */
  readonly name: string;
  /** Path of its namespace; undefined: the caller's own. */
  readonly netns: string | undefined;
  readonly identity: EthernetIdentity;
  readonly filter: string;
  readonly mtu: number;
  readonly bufferBytes: number;
  readonly packetIds: PacketIds;
  /** Said at the start. */
  readonly notice?: LinkNotice | undefined;
}

/**
 * Captures that were closed. The package leaves its handle in the event loop's list: were the object collected, the list
 * would lead through freed memory.
 */
const closedCaptures: Capture[] = [];

/** The link itself. `Link` says what its members do. */
export class CaptureLink implements EthernetLink {
  readonly name: string;
  readonly medium = 'ethernet';
  readonly driver = 'pcap';
  readonly offload = NO_OFFLOAD;
  readonly mtu: number;
  readonly ethernet: EthernetIdentity;
  readonly filter: string;
  readonly packetIds: PacketIds;
  readonly stats = newLinkStats();
  private readonly intake: FrameIntake;
  /** Where the package puts each frame that comes, and where frames to send are put together. */
  private readonly incoming = Buffer.allocUnsafeSlow(MAX_FRAME_BYTES);
  private readonly outgoing = Buffer.allocUnsafeSlow(MAX_FRAME_BYTES);
  private capture: Capture;
  private receiver: LinkReceiver | null = null;
  private retry: NodeJS.Timeout | null = null;
  /** Octets of the frame in `outgoing`. */
  private outgoingLength = 0;
  private readonly watch: NodeJS.Timeout;
  private sentThisTurn = 0;
  private ended = false;
  private isClosed = false;

  /** @throws EthernetError as `ethernetLink` */
  constructor(private readonly parts: CaptureLinkParts) {
    this.name = parts.name;
    this.mtu = parts.mtu;
    this.ethernet = parts.identity;
    this.filter = parts.filter;
    this.packetIds = parts.packetIds;
    this.intake = new FrameIntake(this.incoming, this.packetIds, this.stats, () => this.reopen());
    this.capture = this.open();
    this.watch = setInterval(() => this.look(), WATCH_MS).unref();
  }

  get writable(): boolean {
    return this.retry === null && this.sentThisTurn < SENDS_PER_TURN && !this.ended;
  }

  get unfinishedChecksums(): number {
    return this.intake.unfinished;
  }

  get cutFrames(): number {
    return this.intake.cut;
  }

  start(receiver: LinkReceiver): void {
    this.receiver = receiver;
    this.intake.start(receiver, this.name);
    if (this.parts.notice !== undefined) receiver.notice?.(this.parts.notice);
    if (capAborts()) receiver.notice?.({ code: 'SYNWAVE_CAP_ABORTS', message: ABORTS });
  }

  send(
    _packetId: number,
    header: Uint8Array,
    headerOffset: number,
    headerLength: number,
    payload: PayloadPieces | null,
  ): boolean {
    if (!this.writable) return false;
    const { outgoing, stats } = this;
    const length = headerLength + (payload === null ? 0 : payload.total);
    if (length > MAX_FRAME_BYTES) {
      stats.dropped++;
      return true;
    }
    for (let i = 0; i < headerLength; i++) outgoing[i] = header[headerOffset + i]!;
    payload?.copyTo(outgoing, headerLength);
    this.outgoingLength = length;
    this.handOver();
    if (this.sentThisTurn++ === 0) setImmediate(() => this.nextTurn());
    return true;
  }

  /** Gives the frame in `outgoing` to the kernel. Where that has no room it stays there and is given later. */
  private handOver(): void {
    try {
      this.capture.send(this.outgoing, this.outgoingLength);
    } catch (error) {
      this.notSent(error);
      return;
    }
    this.stats.packetsOut++;
    this.stats.bytesOut += this.outgoingLength;
  }

  /** Nothing to do: `send` hands over at once. */
  flush(): void {}

  async close(): Promise<void> {
    if (this.retry !== null) clearTimeout(this.retry);
    clearInterval(this.watch);
    if (this.isClosed) return;
    this.isClosed = true;
    this.ended = true;
    this.intake.stop();
    this.discard(this.capture);
  }

  private notSent(error: unknown): void {
    const failure = sendFailureOf(error);
    if (failure === 'full') {
      this.retry = setTimeout(() => this.tryAgain(), RETRY_MS);
      return;
    }
    this.stats.dropped++;
    if (failure !== 'packet') this.failLater(failure === 'gone');
  }

  /** Immediates come after devices were looked at, so what has arrived is in the intake by now. */
  whenDelivered(delivered: () => void): void {
    setImmediate(() => {
      this.intake.deliverAll();
      delivered();
    });
  }

  private nextTurn(): void {
    const wasExhausted = this.sentThisTurn >= SENDS_PER_TURN;
    this.sentThisTurn = 0;
    if (wasExhausted && this.writable) this.receiver?.writable();
  }

  private tryAgain(): void {
    this.retry = null;
    if (this.ended) return;
    this.handOver();
    if (this.writable) this.receiver?.writable();
  }

  private open(): Capture {
    const { netns, bufferBytes } = this.parts;
    const capture = new this.parts.package.Cap();
    const open = () => capture.open(this.name, this.filter, bufferBytes, this.incoming);
    try {
      const kind = netns === undefined ? open() : loadBinding().inNamespace(netns, open);
      if (kind !== 'ETHERNET') {
        this.discard(capture);
        throw new EthernetError('ERR_SYNWAVE_ETHERNET_MEDIUM', `libpcap sees ${kind} on ${this.name}`);
      }
    } catch (error) {
      throw error instanceof EthernetError ? error : explainCaptureError(error, this.name);
    }
    capture.on('packet', (length, truncated) => this.intake.take(length, truncated));
    return capture;
  }

  /** The package reads until nothing is left; more comes than can be read, so what waits is given up (pcap.md). */
  private reopen(): void {
    if (this.ended) return;
    const old = this.capture;
    try {
      this.capture = this.open();
    } catch {
      this.failLater(true);
      return;
    }
    this.discard(old);
  }

  private discard(capture: Capture): void {
    capture.removeAllListeners('packet');
    capture.close();
    closedCaptures.push(capture);
  }

  /** An interface that is gone says nothing to who only listens. */
  private look(): void {
    if (this.ended) return;
    const { netns } = this.parts;
    const where = netns === undefined ? {} : { netns };
    let isThere = true;
    try {
      isThere = loadBinding().interfaceIndex({ name: this.name, ...where }) > 0;
    } catch {
      // Without the native binding it is noticed at the next send.
    }
    if (!isThere) this.failLater(true);
  }

  /** For what is met inside a call of the receiver, which does not expect to be called back there. */
  private failLater(isGone: boolean): void {
    if (this.ended) return;
    this.ended = true;
    setImmediate(() => {
      if (!this.isClosed) this.receiver?.failed(interfaceLostError(this.name, isGone));
    });
  }
}
