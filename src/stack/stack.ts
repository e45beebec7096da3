// A stack: addresses, a link, connections and listeners, put together. Packets come in through ip-input.ts, leave through
// ip-output.ts, and the order of things is kept by turn.ts.
import { randomBytes } from 'node:crypto';
import { BlockPool } from '../tcp/block-pool.js';
import type { ConnectionConfig } from '../tcp/config.js';
import { Connection, type ConnectionEnvironment } from '../tcp/connection.js';
import { configWith } from '../tcp/defaults.js';
import { makeIsnGenerator } from '../tcp/isn.js';
import type { IpAddress } from '../wire/address.js';
import { IcmpQuote } from '../wire/icmp-quote.js';
import { LocalAddresses } from './addresses.js';
import { type BindOptions, type BoundPort, BoundPorts } from './bound-ports.js';
import { BufferView } from './buffer-view.js';
import { type Clock, type ScheduledCall, SystemClock } from './clock.js';
import { ConnectionTable } from './connection-table.js';
import { type ConnectOptions, Endpoint, type EndpointHandler } from './endpoint.js';
import { systemError } from './errors.js';
import type { DuplicateDetection } from './ethernet/address-claims.js';
import { EthernetPort } from './ethernet/ethernet-port.js';
import { quotedTuple, quoteOf } from './ethernet/quoted-frame.js';
import type { RouteOptions } from './ethernet/routes.js';
import { FastOpenMemory } from './fast-open-cache.js';
import { FastOpenKeys } from './fast-open-cookies.js';
import { IcmpInput } from './icmp.js';
import { IcmpErrors } from './icmp-errors.js';
import { IpInput } from './ip-input.js';
import { IpOutput } from './ip-output.js';
import { IpReassembly } from './ip-reassembly.js';
import { type Limits, withDefaultLimits } from './limits.js';
import type { Link, PacketBatch } from './link.js';
import { Listener, type ListenerHandler, type ListenOptions } from './listener.js';
import { ListenerTable } from './listener-table.js';
import { Loopback } from './loopback.js';
import { conflictNotice, oversizeNotice, type StackNotice } from './notices.js';
import { HEADER_BYTES, PathMtu } from './path-mtu.js';
import { EphemeralPorts, type PortRange, tupleMac, tuplePrf } from './ports.js';
import { RateLimit } from './rate-limit.js';
import { type RandomBytes, TableHash } from './siphash.js';
import { newStackStats, type StackStats } from './stats.js';
import { batchOf, type Siblings, Strays } from './strays.js';
import { TcpInput } from './tcp-input.js';
import { TimerWheel } from './timer-wheel.js';
import type { StackTrace } from './trace.js';
import { TupleChoice } from './tuple-choice.js';
import { Turn } from './turn.js';
import { WheelTask } from './wheel-task.js';

/** What a stack is made of. */
export interface StackOptions {
  /** The way onto the wire. The stack starts it and closes it. */
  link: Link;
  /** Our addresses with the length of their prefix: `10.9.0.2/24`, `fd00:9::2/64`. At least one. */
  addresses: readonly string[];
  /** Default gateways, one for each family: `10.9.0.1`, `fe80::1`. Only for links of Ethernet frames, as all routes. */
  gateway?: string | readonly string[];
  /** Further routes. IPv6 default routers are also learnt from their advertisements, unless a default route is given here. */
  routes?: readonly RouteOptions[];
  /** How addresses are claimed on a link of Ethernet frames. Default `optimistic`. */
  duplicateDetection?: DuplicateDetection;
  /** Default: the host's clock. */
  clock?: Clock;
  /** Default: nobody listens, and nothing is spent on it. */
  trace?: StackTrace | null;
  limits?: Partial<Limits>;
  /** Settings of all connections; those of `listen` and `connect` come on top. The MSS never exceeds the link's MTU. */
  config?: Partial<ConnectionConfig>;
  /** The only source of randomness. Default: `randomBytes` of `node:crypto`. */
  random?: RandomBytes;
  /** Initial sequence numbers: RFC 6528, or one and the same for every connection, for labs and tests. Default `rfc6528`. */
  isn?: 'rfc6528' | { readonly fixed: number };
  /**
   * Keys of the Fast Open cookies that listeners give (RFC 7413 §4.1.2): the first makes them, those of a second are still
   * taken. 16 octets each; hosts with one key, Linux's `tcp_fastopen_key` included, take each other's. Default: a random one,
   * replaced once a day.
   */
  fastOpenKeys?: readonly Uint8Array[];
  /** Default: those of the link, if it shares its address with others; else 32768–60999. */
  ephemeralPorts?: PortRange;
  /** Other stacks with the same addresses, each on a queue of its own of one device. Default: none. */
  siblings?: Siblings;
  /** Runs a callback at the end of the present task. Default: as a microtask. */
  defer?: (callback: () => void) => void;
  /** Takes an error that a handler threw, after the turn. Default: it is thrown from a microtask, as from a listener. */
  report?: (error: unknown) => void;
  /** Told when the link is gone; all connections end with ENETUNREACH. */
  onLinkFailure?: (error: Error) => void;
  /** Told of what people should know about the link and its hosts. */
  onNotice?: (notice: StackNotice) => void;
}

/** Batches taken in before timers run, at most. */
const MAX_PULLS = 64;

/** Many connections on one link. */
export class Stack {
  readonly clock: Clock;
  readonly link: Link;
  readonly limits: Readonly<Limits>;
  /** Live counters. */
  readonly stats: StackStats = newStackStats();
  readonly trace: StackTrace | null;

  /** What stands between the stack and a link of Ethernet frames; null on a link of IP packets. */
  readonly ethernet: EthernetPort | null;
  private readonly local: LocalAddresses;
  private readonly environment: ConnectionEnvironment;
  private readonly fastOpenKeys: FastOpenKeys;
  private readonly choice: TupleChoice;
  private readonly listenerTable = new ListenerTable();
  private readonly bound = new BoundPorts();
  private readonly wheel: TimerWheel<Endpoint | WheelTask>;
  private readonly loopback: Loopback;
  private readonly table: ConnectionTable;
  private readonly paths: PathMtu;
  private readonly turn: Turn;
  private readonly input: IpInput;
  private readonly strays: Strays;
  private readonly expire = (entry: Endpoint | WheelTask, now: number): void => {
    if (entry instanceof WheelTask) {
      entry.run(now);
      return;
    }
    entry.connection.onTimer(now);
    this.turn.changed(entry);
  };
  /** Timers wait for what has arrived at a link that cannot be pulled. */
  private isSettling = false;
  private lastListenerId = 0;
  private phase: 'open' | 'closing' | 'closed' | 'failed' = 'open';
  private closed: Promise<void> | null = null;
  private onDrained: (() => void) | null = null;
  private drainTimeout: ScheduledCall | null = null;

  /**
   * Starts the link.
   * @throws Error with code EINVAL for addresses that no host can have and routes that lead nowhere; RangeError with code
   *   ERR_OUT_OF_RANGE for limits or ports that make no sense
   */
  constructor(private readonly options: StackOptions) {
    const { link } = options;
    if (options.addresses.length === 0) {
      throw systemError('EINVAL', 'open', undefined, undefined, 'give the stack at least one address');
    }
    const random = options.random ?? randomBytes;
    this.link = link;
    this.clock = options.clock ?? new SystemClock();
    this.trace = options.trace ?? null;
    this.limits = withDefaultLimits(options.limits);
    this.local = new LocalAddresses(options.addresses);
    this.fastOpenKeys = new FastOpenKeys(random);
    if (options.fastOpenKeys !== undefined) this.fastOpenKeys.set(options.fastOpenKeys);
    this.environment = {
      trace: this.trace,
      initialSequence: initialSequence(options.isn, random),
      timestampOffset: tuplePrf(random),
      allocate: link.allocate === undefined ? unzeroed : (bytes) => link.allocate!(bytes),
      View: BufferView,
      blocks: new BlockPool(unzeroed, link.blocks),
      synCookieMac: tupleMac(random),
      fastOpenCache: new FastOpenMemory(this.limits, random),
      fastOpenCookies: this.fastOpenKeys,
      negativeAdvice: (tuple, now) => {
        this.stats.ip.negativeAdvices++;
        this.ethernet?.doubt(tuple.remote, now);
      },
    };
    const ports = new EphemeralPorts(random, options.ephemeralPorts ?? link.ports?.ephemeral);
    this.wheel = new TimerWheel(this.clock, () => this.wake());
    this.loopback = new Loopback(this.limits.loopbackBytes);
    this.table = new ConnectionTable(
      this.limits,
      this.stats.tcp,
      this.wheel,
      new TableHash(random),
      (endpoint) => this.turn.mark(endpoint),
    );
    this.choice = new TupleChoice(this.local, ports, this.table, this.listenerTable, this.bound, link.ports);
    this.ethernet = link.medium === 'ethernet' ? this.makeEthernet(random) : null;
    const output = new IpOutput(this.ethernet ?? link, this.loopback, this.stats, random);
    const aged = new WheelTask((now) => this.paths.expire(now));
    this.paths = new PathMtu(link.mtu, this.limits, random, this.stats.ip, (at) => this.wheel.arm(aged, at));
    this.turn = this.makeTurn(output);
    this.strays = new Strays(options.siblings ?? null, this.limits, this.stats.ip, this.clock.now());
    this.input = this.makeInput(output, random);
    link.start({
      takesLong: true,
      receive: (batch) => this.receive(batch),
      caughtUp: () => this.turn.run(nothing),
      writable: () => this.turn.run(nothing),
      failed: (error) => this.fail(error),
      notice: (notice) => options.onNotice?.(notice),
    });
    if (this.ethernet !== null) this.turn.run((now) => this.ethernet!.begin(now));
  }

  /**
   * Resolves when no address waits any more to be found free: at once, but for `duplicateDetection: 'strict'`.
   * `addresses` has those that were.
   */
  get ready(): Promise<void> {
    return this.ethernet?.claims.ready ?? Promise.resolve();
  }

  /** Our addresses. */
  get addresses(): readonly IpAddress[] {
    return this.local.list();
  }

  /** All connections, TIME-WAIT included, in no order. */
  connections(): IterableIterator<Endpoint> {
    return [...this.table.demux].values();
  }

  /** How many `connections()` there are. */
  get connectionCount(): number {
    return this.table.size;
  }

  /** All listeners. */
  listeners(): IterableIterator<Listener> {
    return [...this.listenerTable].values();
  }

  /**
   * Whether a listener stands in the way of another on that address, or of a connection from it.
   * @param address null means all of `family`
   * @param family 0 means both
   * @param sharesPort the other would share the port
   */
  isListenedOn(address: IpAddress | null, family: 0 | 4 | 6, port: number, sharesPort: boolean): boolean {
    return this.listenerTable.conflicts(address, family, port, sharesPort);
  }

  /** Whether a connection has that local end, with null at any address, and was given its port by choice. */
  isChosenPort(address: IpAddress | null, port: number): boolean {
    return this.table.isChosen(address, port);
  }

  /** True when packets to `address` stay inside of the stack. */
  owns(address: IpAddress): boolean {
    return this.local.owns(address);
  }

  /**
   * Passive OPEN (RFC 9293 §3.10.1): a new listener, which disturbs no existing connection (MUST-41), also when some
   * have that local port (MUST-42).
   * @throws Error with code EADDRINUSE, EADDRNOTAVAIL (not our address, or no ephemeral port left), EINVAL (a port, backlog
   *   or family that makes no sense) or ENETDOWN
   */
  listen(options: ListenOptions, handler: ListenerHandler): Listener {
    const { address, backlog } = options;
    this.requireOpen('listen', address ?? undefined, options.port);
    if (backlog !== undefined && (!Number.isInteger(backlog) || backlog < 0)) {
      throw systemError(
        'EINVAL',
        'listen',
        address ?? undefined,
        options.port,
        'backlog must not be negative',
      );
    }
    const family = address?.family ?? options.family ?? 0;
    if (options.family !== undefined && options.family !== family) {
      throw systemError('EINVAL', 'listen', address!, options.port, 'the address is of the other family');
    }
    const sharesPort = options.reusePort ?? false;
    const port = this.choice.forListen('listen', address, family, options.port, sharesPort);
    const configs = { v4: this.configFor(4, options.config), v6: this.configFor(6, options.config) };
    const id = ++this.lastListenerId;
    const listener = new Listener(id, address, family, port, sharesPort, backlog, handler, configs, {
      limits: this.limits,
      trace: this.trace,
      now: () => this.turn.now(),
      changed: (endpoint) => this.turn.changed(endpoint),
      acceptable: (self) => this.turn.acceptable(self),
      forget: (self) => this.listenerTable.remove(self),
    });
    this.listenerTable.add(listener);
    return listener;
  }

  /**
   * Holds a port for a listener or a connection to come, which may have it once this is closed, or meanwhile.
   * @throws Error with code EADDRINUSE (somebody listens there), EADDRNOTAVAIL or EINVAL as `listen` does, or ENETDOWN
   */
  bind({ address, family, port, reusePort = false }: BindOptions): BoundPort {
    this.requireOpen('bind', address ?? undefined, port);
    const chosen = this.choice.forListen('bind', address, address?.family ?? family ?? 0, port, reusePort);
    return this.bound.hold(chosen);
  }

  /**
   * Active OPEN: the SYN leaves at the end of the turn, and from then on the local address stays the same (RFC 9293
   * MUST-45).
   * @throws Error with code EINVAL (a remote address that no host can have, MUST-46), EHOSTUNREACH (none of our addresses
   *   reaches it), ENETUNREACH (no route leads there), EADDRNOTAVAIL (not our address, tuple in use, or no ephemeral port left), EADDRINUSE (somebody listens
   *   on the local port, or a connection was given it by choice), ENOBUFS (`limits.connections`) or ENETDOWN
   */
  connect(options: ConnectOptions, handler: EndpointHandler | null): Endpoint {
    const { remote, remotePort } = options;
    this.requireOpen('connect', remote, remotePort);
    const tuple = this.choice.forConnect(options);
    if (this.ethernet !== null && !this.owns(remote) && !this.ethernet.hasRoute(remote)) {
      const remedy = 'it is not on the link, and no gateway is set up';
      throw systemError('ENETUNREACH', 'connect', remote, remotePort, remedy);
    }
    if (this.table.isFull) {
      throw systemError('ENOBUFS', 'connect', remote, remotePort, 'limits.connections is reached');
    }
    const config = this.configFor(remote.family, options.config);
    const connection = new Connection(this.table.nextId(), tuple, config, this.environment, 'active');
    const endpoint = new Endpoint(connection, this.turn);
    endpoint.hasChosenPort = !options.localPort;
    if (this.local.owns(remote)) endpoint.stayInMemory();
    endpoint.heedsListener = endpoint.isLoopback;
    endpoint.handler = handler;
    this.table.register(endpoint);
    connection.openActive(this.turn.now());
    this.turn.changed(endpoint);
    return endpoint;
  }

  /**
   * Replaces the keys of Fast Open cookies; see `StackOptions.fastOpenKeys`. To let cookies expire without a gap, give the new
   * key and the one before.
   * @throws RangeError with code ERR_OUT_OF_RANGE for other than one or two keys of 16 octets
   */
  setFastOpenKeys(keys: readonly Uint8Array[]): void {
    this.fastOpenKeys.set(keys);
  }

  /**
   * Takes in a packet that one of the `siblings` was given.
   * @param packet an IP packet, complete or as `hint` says; used or copied before the call returns
   * @param hint what the link said of it, as `PacketHint` has it
   * @param isReturned it was given to this stack, and all siblings have refused it: now it is answered as usual
   * @returns false when nobody here owns it, and nothing was done
   */
  takeStray(packet: Uint8Array, hint: number, isReturned: boolean): boolean {
    if (this.phase === 'closed' || this.phase === 'failed') return false;
    const batch = batchOf(packet, hint, this.link.packetIds);
    let isTaken = false;
    this.turn.run((now) => {
      isTaken = this.strays.take(isReturned, () => this.input.receive(batch, false, now));
    });
    return isTaken;
  }

  /** Lets pending timers and the link keep the process alive; so it is from the beginning. */
  ref(): void {
    this.wheel.setReferenced(true);
    this.link.ref?.();
  }

  /** The process may end although timers are pending and the link is open. */
  unref(): void {
    this.wheel.setReferenced(false);
    this.link.unref?.();
  }

  /**
   * Ends everything: listeners at once, connections by `close`, those that are left after `timeoutMs` by `abort`, then the
   * link. TIME-WAIT is not waited for. Later calls return the promise of the first.
   * @param options.timeoutMs how long connections may take to end; default 0, which aborts them at once
   */
  close({ timeoutMs = 0 }: { timeoutMs?: number } = {}): Promise<void> {
    this.closed ??= this.closeOnce(timeoutMs);
    return this.closed;
  }

  private async closeOnce(timeoutMs: number): Promise<void> {
    if (this.phase === 'open') this.phase = 'closing';
    this.closeListeners();
    if (timeoutMs > 0) {
      for (const endpoint of this.connections()) endpoint.close();
      await this.drained(timeoutMs);
    }
    this.phase = 'closed';
    this.turn.run(() => {
      for (const endpoint of this.connections()) this.discard(endpoint);
    });
    // Called by a handler, this is in the midst of a turn, and the RSTs leave at its end.
    await null;
    this.turn.stop();
    this.wheel.stop();
    await this.link.close();
  }

  /** Resolves when only TIME-WAIT is left, or after `timeoutMs`. */
  private drained(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.onDrained = null;
        this.drainTimeout?.cancel();
        this.drainTimeout = null;
        resolve();
      };
      this.onDrained = done;
      this.drainTimeout = this.clock.schedule(this.clock.now() + timeoutMs, done);
      this.turn.run(nothing);
    });
  }

  private closeListeners(): void {
    for (const listener of this.listeners()) {
      listener.close();
      listener.handler.onClosed?.(listener);
    }
  }

  private discard(endpoint: Endpoint): void {
    endpoint.connection.abort(this.turn.now());
    this.turn.changed(endpoint);
  }

  private fail(error: Error): void {
    if (this.phase === 'closed' || this.phase === 'failed') return;
    this.phase = 'failed';
    this.turn.run((now) => {
      this.closeListeners();
      for (const endpoint of this.connections()) {
        endpoint.connection.abort(now);
        endpoint.connection.error = 'ENETUNREACH';
        this.turn.changed(endpoint);
      }
    });
    this.options.onLinkFailure?.(error);
  }

  private receive(batch: PacketBatch): void {
    if (this.phase === 'closed' || this.phase === 'failed') return;
    const takeIn = (now: number) =>
      this.input.receive(this.ethernet?.takeIn(batch, now) ?? batch, false, now);
    if (batch.more === true) this.turn.begin(takeIn);
    else this.turn.run(takeIn);
  }

  private wake(): void {
    // What the budget leaves over is due at once, and the wheel asks to be woken for it.
    // Node runs timers before it looks at devices: after a pause of the process the ACK that a timer waits for may be here
    // already, and must be heard first.
    for (let i = 0; i < MAX_PULLS && (this.link.pull?.() ?? 0) > 0; i++);
    if (this.link.whenDelivered === undefined) {
      this.runTimers();
    } else if (!this.isSettling) {
      this.isSettling = true;
      this.link.whenDelivered(() => {
        this.isSettling = false;
        this.runTimers();
      });
    }
  }

  private runTimers(): void {
    this.turn.run((now) => void this.wheel.advance(now, this.limits.timersPerTurn, this.expire));
  }

  private makeEthernet(random: RandomBytes): EthernetPort {
    const { link, options } = this;
    const { gateway = [] } = options;
    const tell = (notice: StackNotice) => options.onNotice?.(notice);
    return new EthernetPort(
      {
        link,
        addresses: this.local,
        limits: this.limits,
        random,
        stats: this.stats.ethernet,
        wheel: this.wheel,
        now: () => this.turn?.now() ?? this.clock.now(),
        unreachable: (frame, now) => this.unreachable(frame, now),
        conflict: (conflict, now) => {
          if (conflict.isLost) this.abandon(conflict.address, now);
          tell(conflictNotice(conflict));
        },
        oversize: (length) => tell(oversizeNotice(link, length)),
      },
      {
        routes: options.routes ?? [],
        gateways: typeof gateway === 'string' ? [gateway] : gateway,
        duplicateDetection: options.duplicateDetection ?? 'optimistic',
      },
    );
  }

  /** The next hop of a packet of ours does not answer: whose connection it is learns of it. */
  private unreachable(frame: Uint8Array, now: number): void {
    const quote = new IcmpQuote();
    const endpoint = quoteOf(frame, quote) ? this.table.demux.get(quotedTuple(quote)) : null;
    if (endpoint === null) return;
    // Nobody has to be believed here: we asked ourselves. So a connection that never was ends at once, as in Linux.
    endpoint.connection.onIcmpError('prohibited', quote.seq, now);
    this.turn.changed(endpoint);
  }

  /** An address is not ours any more: connections from it would only disturb its owner. */
  private abandon(address: IpAddress, now: number): void {
    for (const endpoint of this.connections()) {
      if (!endpoint.tuple.local.equals(address)) continue;
      endpoint.connection.abort(now);
      endpoint.connection.error = 'ENETUNREACH';
      this.turn.changed(endpoint);
    }
  }

  private makeTurn(output: IpOutput): Turn {
    const { clock, options } = this;
    return new Turn({
      clock,
      limits: this.limits,
      table: this.table,
      wheel: this.wheel,
      output,
      paths: this.paths,
      takeLooped: (now) => {
        const batch = this.loopback.take();
        if (batch !== null) this.input.receive(batch, true, now);
        return batch !== null;
      },
      hasLooped: () => !this.loopback.isEmpty,
      defer: options.defer ?? afterTask,
      resume: (callback) => void clock.schedule(clock.now(), callback),
      report: options.report ?? throwLater,
      ended: () => {
        if (this.onDrained !== null && this.table.size === this.table.timeWait.size) this.onDrained();
      },
    });
  }

  private makeInput(output: IpOutput, random: RandomBytes): IpInput {
    const { stats, trace, table, turn, limits, wheel } = this;
    const now = this.clock.now();
    const icmpLimit = new RateLimit(limits.icmpPerSecond, now);
    const errors = new IcmpErrors(output, icmpLimit, stats.icmp);
    const reassembly = new IpReassembly(limits, random, errors, stats.ip, (at) => wheel.arm(timeouts, at));
    const timeouts = new WheelTask((at) => reassembly.expire(at));
    const tcp = new TcpInput(
      {
        table,
        listeners: this.listenerTable,
        driver: turn,
        output,
        environment: this.environment,
        limits,
        stats: stats.tcp,
        trace,
        strays: this.strays,
        isVerified: this.link.offload.receiveChecksum,
      },
      now,
    );
    const icmp = new IcmpInput(
      table.demux,
      turn,
      output,
      this.paths,
      stats.icmp,
      trace,
      this.link.mtu,
      icmpLimit,
      this.strays,
    );
    return new IpInput(this.local, tcp, icmp, reassembly, errors, stats.ip, trace);
  }

  private configFor(family: 4 | 6, chosen: Partial<ConnectionConfig> | undefined): ConnectionConfig {
    const asked = { ...this.options.config, ...chosen };
    const config = configWith(asked);
    const largest = this.link.mtu - HEADER_BYTES[family];
    config.receiveMss = Math.min(largest, asked.receiveMss ?? largest);
    config.pathMss = Math.min(largest, asked.pathMss ?? largest);
    const joined = this.link.offload.maxSegmentationBytes;
    config.joinedSendBytes = Math.min(joined, asked.joinedSendBytes ?? joined);
    if (this.link.ecnBlind === family) config.ecn = 'off';
    return config;
  }

  private requireOpen(syscall: string, address: IpAddress | undefined, port: number): void {
    if (this.phase === 'open') return;
    const why = this.phase === 'failed' ? 'the link has failed' : 'the stack is closed';
    throw systemError('ENETDOWN', syscall, address, port, why);
  }
}

/** Memory that will be overwritten before anybody sees it need not be cleared first. */
function unzeroed(bytes: number): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
}

function initialSequence(
  isn: StackOptions['isn'],
  random: RandomBytes,
): ConnectionEnvironment['initialSequence'] {
  if (isn !== undefined && isn !== 'rfc6528') {
    const fixed = isn.fixed | 0;
    return () => fixed;
  }
  return makeIsnGenerator(tuplePrf(random));
}

const settled = Promise.resolve();

/** As `queueMicrotask`, which makes an object for async_hooks at each call; the callback throws nothing. */
function afterTask(callback: () => void): void {
  settled.then(callback);
}

function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

function nothing(): void {}
