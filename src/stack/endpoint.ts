// What users of a stack (the `net` layer, the lab) hold: a connection plus its place in the stack's tables. The rules of
// TCP are in the connection; when things happen is decided by the turn (turn.ts).
import type { ConnectionConfig } from '../tcp/config.js';
import type { Connection } from '../tcp/connection.js';
import type { Explanation } from '../tcp/explain.js';
import type { TcpInfo } from '../tcp/info.js';
import { joinWithinIp } from '../tcp/joined.js';
import type { ViewClass } from '../tcp/receive-queue.js';
import { State } from '../tcp/state.js';
import type { FourTuple, IpAddress } from '../wire/address.js';
import type { DemuxEntry } from './demux.js';
import type { EndpointQueue } from './endpoint-queue.js';
import type { Listener } from './listener.js';
import type { PendingFastOpens } from './pending-fast-opens.js';
import { WheelEntry } from './timer-wheel.js';

export { Listener, type ListenerHandler, type ListenOptions } from './listener.js';

/** Learns what happened on an endpoint. Called after a whole batch of packets was processed, never in the midst of one. */
export interface EndpointHandler {
  /** @param events bits of `Event` (tcp/connection.ts) */
  onEvents(endpoint: Endpoint, events: number): void;
}

/** Who drives endpoints: the stack's turn. */
export interface EndpointDriver {
  /** Clock ms of the turn, or of this moment outside of one. */
  now(): number;
  /**
   * Something was done to the endpoint: its place, events, segments and deadline are looked at before the turn ends.
   * @param now what `now` has answered to who did it
   */
  changed(endpoint: Endpoint, now?: number): void;
  /** See `Endpoint.leaveToUser`. */
  leaveToUser(endpoint: Endpoint): void;
}

/** `Stack.connect`. */
export interface ConnectOptions {
  remote: IpAddress;
  remotePort: number;
  /** Default: the stack's address for that destination. */
  local?: IpAddress;
  /** Default: an ephemeral port (RFC 6056). */
  localPort?: number;
  config?: Partial<ConnectionConfig>;
}

/** One connection in its stack. Calls take effect at once; their segments leave at the end of the turn. */
export class Endpoint extends WheelEntry implements DemuxEntry {
  /** @internal */ demuxNext: DemuxEntry | null = null;
  /** @internal */ demuxHash = 0;
  /** @internal The queue in which it stands, and its neighbours there. */
  queue: EndpointQueue | null = null;
  /** @internal */ queueNext: Endpoint | null = null;
  /** @internal */ queuePrevious: Endpoint | null = null;
  /** @internal The listener that has not handed it out yet. */
  listener: Listener | null = null;
  /** @internal True while the stack's tables know it. */
  isRegistered = false;
  /** @internal True when the stack chose its local port, which is then nobody else's to ask for. */
  hasChosenPort = false;
  /** @internal True when packets to the remote end never leave the stack. */
  isLoopback = false;
  /** @internal True when its owner hears that it is connected only after who listens, in this very stack. */
  heedsListener = false;
  /** @internal `PathMtu.generation` as it was when the path was last looked at. */
  pathGeneration = 0;
  /** @internal Path MTU of which the connection was told last, 0 before any. */
  pathMtu = 0;
  /** @internal The path is so narrow that routers have to fragment: packets leave without DF. */
  mayFragment = false;
  /** @internal The application has called `close`. */
  isOrphan = false;
  /** @internal State for which the tables were last brought up to date. */
  settledState: State = State.CLOSED;
  /** @internal Where it counts while Fast Open has handed it out and its handshake is not over. */
  fastOpenOf: PendingFastOpens | null = null;
  /** @internal Bytes of SYN data charged to the stack's common limit. */
  synDataBytes = 0;
  /** @internal Whether it waits for delivery of events, and for transmission. */
  awaitsDelivery = false;
  /** @internal */ awaitsTransmit = false;
  /** @internal See `leaveToUser`. */
  isLeftToUser = false;
  /** @internal Events that happened while nobody listened. */
  undelivered = 0;
  private listenerOfEvents: EndpointHandler | null = null;

  /** @internal Made by the stack. */
  constructor(
    readonly connection: Connection,
    private readonly driver: EndpointDriver,
  ) {
    super();
    connection.owner = this;
  }

  /** Local and remote address and port. */
  get tuple(): FourTuple {
    return this.connection.tuple;
  }

  /** Who learns of events. Events that happened before it was set are delivered to it in the same turn. */
  get handler(): EndpointHandler | null {
    return this.listenerOfEvents;
  }

  set handler(handler: EndpointHandler | null) {
    this.listenerOfEvents = handler;
    if (handler !== null && this.undelivered !== 0) this.driver.changed(this);
  }

  /** Data sent before the end of the turn that opens it may travel with the SYN (RFC 7413). */
  get speaksFastOpen(): boolean {
    return this.connection.config.fastOpen;
  }

  /** See `Connection.send`. */
  send(bytes: Uint8Array, push: boolean): number {
    const now = this.driver.now();
    const taken = this.connection.send(bytes, push, now);
    this.driver.changed(this, now);
    return taken;
  }

  /** See `Connection.sendCopy`. */
  sendCopy(bytes: Uint8Array, push: boolean): number {
    const now = this.driver.now();
    const taken = this.connection.sendCopy(bytes, push, now);
    this.driver.changed(this, now);
    return taken;
  }

  /** See `Connection.sendBorrowed`. */
  sendBorrowed(bytes: Uint8Array, push: boolean): number {
    const now = this.driver.now();
    const taken = this.connection.sendBorrowed(bytes, push, now);
    this.driver.changed(this, now);
    return taken;
  }

  /** See `Connection.returnBorrowed`. */
  returnBorrowed(): void {
    this.connection.returnBorrowed();
  }

  /** See `Connection.sendUrgent`. */
  sendUrgent(bytes: Uint8Array): number {
    const now = this.driver.now();
    const taken = this.connection.sendUrgent(bytes, now);
    this.driver.changed(this, now);
    return taken;
  }

  /** See `Connection.receive`. */
  receive(max: number, View?: ViewClass): Uint8Array | null {
    const now = this.driver.now();
    const bytes = this.connection.receive(max, now, View);
    // What was taken may open the window.
    if (bytes !== null) this.driver.changed(this, now);
    return bytes;
  }

  /**
   * What this turn would send waits for the end of the present task: whoever uses the endpoint is about to send more, which
   * then leaves with it. For handlers of events; does nothing elsewhere.
   */
  leaveToUser(): void {
    this.driver.leaveToUser(this);
  }

  /** See `Connection.shutdownWrite`. */
  shutdownWrite(): void {
    const now = this.driver.now();
    this.connection.shutdownWrite(now);
    this.driver.changed(this, now);
  }

  /** See `Connection.close`. From here on the stack counts it among the orphans, until TIME-WAIT or CLOSED. */
  close(): void {
    const now = this.driver.now();
    this.connection.close(now);
    this.isOrphan = true;
    this.driver.changed(this, now);
  }

  /** See `Connection.abort`. */
  abort(): void {
    const now = this.driver.now();
    this.connection.abort(now);
    this.driver.changed(this, now);
  }

  /** @internal Packets to the remote end never leave the stack, which takes in what an IP header can tell of. */
  stayInMemory(): void {
    this.isLoopback = true;
    joinWithinIp(this.connection);
  }

  /** See `Connection.setNagle`. */
  setNagle(on: boolean): void {
    this.connection.setNagle(on);
    this.driver.changed(this);
  }

  /** See `Connection.setKeepAlive`. */
  setKeepAlive(on: boolean, idleMs: number): void {
    const now = this.driver.now();
    this.connection.setKeepAlive(on, idleMs, now);
    this.driver.changed(this, now);
  }

  /** See `Connection.setKeepAliveProbing`. */
  setKeepAliveProbing(intervalMs: number, probes: number): void {
    this.connection.setKeepAliveProbing(intervalMs, probes);
  }

  /** See `Connection.setUserTimeout`. */
  setUserTimeout(ms: number): void {
    const now = this.driver.now();
    this.connection.setUserTimeout(ms, now);
    this.driver.changed(this, now);
  }

  /** See `Connection.setQuickAck`. */
  setQuickAck(on: boolean): void {
    this.connection.setQuickAck(on);
    this.driver.changed(this);
  }

  /** Why the connection ended, and what makes it slow. */
  explain(): Explanation {
    return this.connection.explain(this.driver.now());
  }

  /** How the connection performs, and what limits it at this moment. */
  tcpInfo(): TcpInfo {
    return this.connection.tcpInfo(this.driver.now());
  }

  /** See `Connection.setDscp`. */
  setDscp(dscp: number): void {
    this.connection.setDscp(dscp);
  }
}
