// Any number of clients that open a connection and never say anything more. Nothing is remembered of them: what a process
// grows by belongs to the stack that serves them.
import type { Link, LinkReceiver, PacketBatch } from '../../../src/stack/link.js';
import { IpAddress } from '../../../src/wire/address.js';
import { IPV4_HEADER_BYTES } from '../../../src/wire/ipv4.js';
import { buildTcpPacket } from '../../../src/wire/packet.js';
import { ACK, SYN } from '../../../src/wire/segment.js';
import {
  appendMss,
  appendSackPermitted,
  appendTimestamps,
  appendWindowScale,
  padOptions,
} from '../../../src/wire/tcp-options.js';

const PORTS = 50_000;
const FIRST_PORT = 10_000;
/** How many handshakes may be under way. */
const AT_ONCE = 256;
const ISS = 1000;
const FIRST_CLIENT = IpAddress.parse('10.1.0.0')!.w3;
const MSS = 1460;
const SHIFT = 7;

/** Offsets into a packet without IP options. */
const AT_DESTINATION = 16;
const AT_DESTINATION_PORT = IPV4_HEADER_BYTES + 2;
const AT_SEQ = IPV4_HEADER_BYTES + 4;
const AT_FLAGS = IPV4_HEADER_BYTES + 13;
const AT_OPTIONS = IPV4_HEADER_BYTES + 20;

/** Clients at addresses from 10.1.0.0 on, fifty thousand at each. */
export class CrudeClients implements LinkReceiver {
  /** Handshakes that were completed; one whose SYN,ACK came again counts again. */
  opened = 0;
  private asked = 0;
  private wanted = 0;
  private ready: () => void = () => {};

  constructor(
    private readonly link: Link,
    private readonly server: IpAddress,
    private readonly port: number,
  ) {
    link.start(this);
  }

  /** Opens so many more. Resolves when the last handshake is complete. */
  open(count: number): Promise<void> {
    this.wanted += count;
    const opened = new Promise<void>((resolve) => {
      this.ready = resolve;
    });
    this.ask();
    return opened;
  }

  receive({ view, count, offsets }: PacketBatch): void {
    for (let i = 0; i < count; i++) {
      if (view.getUint8(offsets[i]! + AT_FLAGS) === (SYN | ACK)) this.complete(view, offsets[i]!);
    }
    this.ask();
    if (this.opened >= this.wanted) this.ready();
  }

  writable(): void {
    this.ask();
  }

  failed(error: Error): void {
    throw error;
  }

  private ask(): void {
    while (this.asked < this.wanted && this.asked - this.opened < AT_ONCE) {
      const client = IpAddress.v4(FIRST_CLIENT + Math.floor(this.asked / PORTS));
      const options = new Uint8Array(40);
      let end = appendMss(options, 0, MSS);
      end = appendSackPermitted(options, end);
      end = appendTimestamps(options, end, 1, 0);
      end = appendWindowScale(options, end, SHIFT);
      const used = options.subarray(0, padOptions(options, end));
      this.send(client, FIRST_PORT + (this.asked % PORTS), { seq: ISS, flags: SYN, options: used });
      this.asked++;
    }
    this.link.flush();
  }

  /** The third segment of a handshake. */
  private complete(view: DataView, at: number): void {
    const client = IpAddress.v4(view.getInt32(at + AT_DESTINATION));
    const options = new Uint8Array(12);
    options.set([1, 1]);
    appendTimestamps(options, 2, 2, timestampOf(view, at + AT_OPTIONS));
    const ack = (view.getInt32(at + AT_SEQ) + 1) | 0;
    const port = view.getUint16(at + AT_DESTINATION_PORT);
    this.send(client, port, { seq: ISS + 1, ack, flags: ACK, options });
    this.opened++;
  }

  private send(
    source: IpAddress,
    sourcePort: number,
    segment: { seq: number; ack?: number; flags: number; options: Uint8Array },
  ): void {
    const ends = { source, sourcePort, destination: this.server, destinationPort: this.port };
    const packet = buildTcpPacket({ ...ends, ...segment });
    this.link.send(this.link.packetIds.next(), packet, 0, packet.length, null);
  }
}

const OPTION_NOP = 1;
const OPTION_TIMESTAMPS = 8;

/** TSval among options that hold one. */
function timestampOf(view: DataView, at: number): number {
  for (let i = at; ; ) {
    const kind = view.getUint8(i);
    if (kind === OPTION_TIMESTAMPS) return view.getInt32(i + 2);
    i += kind === OPTION_NOP ? 1 : view.getUint8(i + 1);
  }
}
