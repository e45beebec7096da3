// Two stacks on one impaired wire in virtual time: everything that the stacks do over TUN, without waiting. The sender's
// host is `left`; all of the wire's faults are drawn from the seed.

import { type ImpairedLink, impair } from '../../src/link/impair.js';
import type { ImpairOptions } from '../../src/link/impair-options.js';
import { memoryLinkPair } from '../../src/link/memory.js';
import { type Clock, VirtualClock } from '../../src/stack/clock.js';
import type { Endpoint, EndpointHandler } from '../../src/stack/endpoint.js';
import type { Link } from '../../src/stack/link.js';
import type { Listener } from '../../src/stack/listener.js';
import { Stack } from '../../src/stack/stack.js';
import type { ConnectionConfig } from '../../src/tcp/config.js';
import { Event } from '../../src/tcp/connection.js';
import { IpAddress } from '../../src/wire/address.js';
import { seededRandom } from '../stack/test-link.js';

const LEFT = { 4: '10.9.0.1', 6: 'fd00:9::1' } as const;
const RIGHT = { 4: '10.9.0.2', 6: 'fd00:9::2' } as const;
/** More than any test lets wait in the memory link: its queue is not the one under test. */
const ROOM_PACKETS = 65_536;
/** What is sent has no meaning here. */
const ZEROES = new Uint8Array(65_536);

/** What a wire does, and the settings of the two stacks. */
export interface WireOptions extends Omit<ImpairOptions, 'clock'> {
  left?: Partial<ConnectionConfig>;
  right?: Partial<ConnectionConfig>;
  mtu?: number;
  /** The clock that a stack gets, made from that of the wire. Default: the same. */
  clockOf?: (side: 'left' | 'right', clock: VirtualClock) => Clock;
  /** What stands between the left stack and the wire. Default: nothing. */
  before?: (wire: ImpairedLink, clock: VirtualClock) => Link;
}

/** See the head of this file. `out` of the impairments is from left to right. */
export class VirtualWire {
  readonly clock = new VirtualClock(1000);
  readonly wire: ImpairedLink;
  readonly left: Stack;
  readonly right: Stack;

  constructor(options: WireOptions = {}) {
    const {
      left,
      right,
      mtu = 1500,
      clockOf = (_, own) => own,
      before = (wire) => wire,
      ...faults
    } = options;
    const { clock } = this;
    const room = { queuePackets: ROOM_PACKETS, queueBytes: 1 << 30 };
    const [a, b] = memoryLinkPair({ mtu, clock, ...room });
    const stored = { maxStoredPackets: ROOM_PACKETS, maxStoredBytes: 1 << 30 };
    this.wire = impair(a, { clock, ...stored, ...faults });
    const seed = options.seed ?? 1;
    this.left = this.stack(before(this.wire, clock), LEFT, left, 2 * seed, clockOf('left', clock));
    this.right = this.stack(b, RIGHT, right, 2 * seed + 1, clockOf('right', clock));
  }

  private stack(
    link: Link,
    address: typeof LEFT | typeof RIGHT,
    config: Partial<ConnectionConfig> = {},
    seed: number,
    clock: Clock,
  ): Stack {
    return new Stack({
      link,
      addresses: [`${address[4]}/24`, `${address[6]}/64`],
      clock,
      config,
      random: seededRandom(seed),
      // In virtual time the end of the task is the next call of the clock.
      defer: (callback) => void clock.schedule(clock.now(), callback),
    });
  }

  /** Sends `bytes` (default: without end) from left to right over a new connection, then ends it. */
  transfer(
    options: { bytes?: number; port?: number; family?: 4 | 6; config?: Partial<ConnectionConfig> } = {},
  ): Transfer {
    const { bytes = Number.POSITIVE_INFINITY, port = 7, family = 4, config } = options;
    const transfer = new Transfer(bytes, this.clock);
    this.right.listen({ address: null, port }, transfer.sink);
    const remote = IpAddress.parse(RIGHT[family])!;
    transfer.source.endpoint = this.left.connect({ remote, remotePort: port, config }, transfer.source);
    return transfer;
  }

  /** Lets time pass until `isDone`, at most `limitMs`. Returns whether it is. */
  run(limitMs: number, isDone: () => boolean = () => false): boolean {
    const end = this.clock.now() + limitMs;
    while (!isDone()) if (!this.clock.step(end)) break;
    if (!isDone() && Number.isFinite(end)) this.clock.advanceTo(end);
    return isDone();
  }
}

/** Writes as much as the connection takes. */
class Source implements EndpointHandler {
  endpoint: Endpoint | null = null;
  written = 0;
  isClosed = false;

  constructor(private readonly bytes: number) {}

  onEvents(endpoint: Endpoint, events: number): void {
    if (events & (Event.ESTABLISHED | Event.WRITABLE)) this.write(endpoint);
    if (events & Event.CLOSED) this.isClosed = true;
  }

  private write(endpoint: Endpoint): void {
    while (this.written < this.bytes) {
      const chunk = ZEROES.subarray(0, Math.min(ZEROES.length, this.bytes - this.written));
      const taken = endpoint.send(chunk, true);
      this.written += taken;
      if (taken < chunk.length) return;
    }
    endpoint.close();
  }
}

/** Reads whatever comes, at once, unless it is told to wait. */
class Sink implements EndpointHandler {
  endpoint: Endpoint | null = null;
  received = 0;
  firstAt = -1;
  endedAt = -1;
  reads = true;

  constructor(private readonly clock: VirtualClock) {}

  onAcceptable(listener: Listener): void {
    this.endpoint = listener.accept();
    if (this.endpoint !== null) this.endpoint.handler = this;
    listener.close();
  }

  onEvents(): void {
    if (this.reads) this.read();
  }

  /** Takes all there is. */
  read(): void {
    const { endpoint } = this;
    if (endpoint === null) return;
    for (let bytes = endpoint.receive(1 << 20); bytes !== null; bytes = endpoint.receive(1 << 20)) {
      if (this.firstAt < 0) this.firstAt = this.clock.now();
      this.received += bytes.length;
    }
    if (!endpoint.connection.atEnd || this.endedAt >= 0) return;
    this.endedAt = this.clock.now();
    endpoint.close();
  }
}

/** One direction of data from `left` to `right`. */
export class Transfer {
  readonly source: Source;
  readonly sink: Sink;
  readonly beganAt: number;

  constructor(bytes: number, clock: VirtualClock) {
    this.source = new Source(bytes);
    this.sink = new Sink(clock);
    this.beganAt = clock.now();
  }

  get connection() {
    return this.source.endpoint!.connection;
  }

  /** All of it and its end have arrived. */
  get isDone(): boolean {
    return this.sink.endedAt >= 0;
  }

  /** From the SYN to the end of the data, in ms. */
  get tookMs(): number {
    return this.sink.endedAt - this.beganAt;
  }
}
