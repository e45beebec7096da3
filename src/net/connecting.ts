// From `connect()` to an established endpoint: the lookup, and the attempts on one address after the other
// (RFC 8305 in the form that `node:net` gives it).
import { AsyncResource } from 'node:async_hooks';
import { ADDRCONFIG, lookup as dnsLookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { type BlockList, isIP, type LookupFunction } from 'node:net';
import type { ScheduledCall } from '../stack/clock.js';
import type { Endpoint, EndpointHandler } from '../stack/endpoint.js';
import type { ConnectionConfig } from '../tcp/config.js';
import { Event } from '../tcp/connection.js';
import type { IpAddress } from '../wire/address.js';
import { ANY_IPV4, ANY_IPV6, familyMismatch, parseAddress, parseRemote } from './addresses.js';
import { parseAttemptTimeout, parseBoolean, parseConnectTarget } from './arguments.js';
import type { LocalEnd } from './bound-socket.js';
import {
  addressError,
  allAttemptsFailed,
  connectionTimeout,
  invalidAddressFamily,
  invalidArgValue,
  invalidIpAddress,
  ipBlocked,
  type SystemError,
  surfaceUncaught,
  systemCodeOf,
} from './errors.js';
import { Share } from './liveness.js';
import type { NetContext } from './net-stack.js';
import type { SocketConnectOptions } from './options.js';
import { parseTcpOptions } from './tcp-options.js';

/**
 * How an attempt finds the socket: `free` to be connected; or with another attempt under way, or a connection, which says
 * the code, but for the first attempt after it was connected: that is `repeated`, and succeeds at once, as on Linux.
 */
export type Standing = 'free' | 'repeated' | 'EALREADY' | 'EISCONN';

/** The socket that wants to be connected. */
export interface ConnectingOwner {
  /** Emits the events of the way: lookup, connectionAttempt, connectionAttemptFailed, connectionAttemptTimeout. */
  emit(event: string, ...args: unknown[]): boolean;
  /** `address:port` of its own end, undefined while it has none. */
  _localEnd(): string | undefined;
  /** About to try an address: the idle timer starts anew. */
  _unrefTimer(): void;
  /** How one more attempt finds it; asked when that is about to open a connection. */
  _standing(): Standing;
  /** A copy of what it waits to send, at most `most` bytes, for a SYN that may carry data; empty for nothing. */
  _earlyData(most: number): Uint8Array;
  autoSelectFamilyAttemptedAddresses?: string[];
  blockList?: BlockList;
}

/** How it ends: one of the three is called, once, unless cancelled before. */
export interface ConnectingOutcome {
  /**
   * @param events what else happened by now, as bits of `Event`
   * @param early bytes of `_earlyData` that the connection has taken
   */
  connected(endpoint: Endpoint, events: number, early: number): void;
  /** It was connected already. */
  repeated(): void;
  failed(error: Error): void;
}

/** No SYN carries more (RFC 7413 §4.1.3). */
const MOST_EARLY_BYTES = 1460;

/** One address to try. */
interface Target {
  address: string;
  family: number;
}

/** The road of one `connect()` call. */
export class Connecting implements EndpointHandler {
  /** The endpoint of the attempt under way, or null. */
  endpoint: Endpoint | null = null;
  /** Of the latest attempt, also when that has failed; null before the first. */
  latest: Endpoint | null = null;

  private readonly scope = new AsyncResource('SYNWAVECONNECT');
  private readonly share: Share;
  private readonly host: string;
  private readonly port: number;
  private readonly localAddress: string | undefined;
  private readonly localPort: number | undefined;
  private readonly attemptTimeoutMs: number;
  /** What the option `tcp` says. */
  readonly config: Partial<ConnectionConfig> | undefined;
  private targets: Target[] = [];
  private current = -1;
  /** Bytes that the attempt under way took before it was connected. */
  private early = 0;
  private readonly errors: Error[] = [];
  private timer: ScheduledCall | null = null;
  private over = false;

  /** Checks the options, and throws as `node:net` does; nothing else happens before `start`. */
  constructor(
    private readonly context: NetContext,
    private readonly options: SocketConnectOptions,
    private readonly owner: ConnectingOwner,
    private readonly outcome: ConnectingOutcome,
    /** Where it comes from, when that was bound before. */
    private readonly bound: LocalEnd | null,
    /** Of an earlier call of `connect` that is not over, or null. */
    private readonly previous: Connecting | null,
  ) {
    const { host, port } = parseConnectTarget(options);
    if (bound !== null && (options.localAddress !== undefined || options.localPort !== undefined)) {
      const reason = 'localAddress and localPort cannot be used with an adopted bound socket';
      throw invalidArgValue('options', options, reason);
    }
    this.host = host;
    this.port = port;
    this.localAddress = options.localAddress || undefined;
    this.localPort = options.localPort || undefined;
    this.attemptTimeoutMs =
      options.autoSelectFamilyAttemptTimeout == null
        ? context.autoSelectFamilyAttemptTimeoutMs
        : parseAttemptTimeout(
            options.autoSelectFamilyAttemptTimeout,
            'options.autoSelectFamilyAttemptTimeout',
          );
    if (options.autoSelectFamily != null) parseBoolean(options.autoSelectFamily, 'options.autoSelectFamily');
    this.config = parseTcpOptions(options.tcp);
    this.share = new Share(context.liveness);
  }

  /** Sets out: at the next tick for an address, a turn later with Fast Open, at once from a bound end, after the lookup for a name. */
  start(): void {
    const family = isIP(this.host);
    if (family === 0) this.lookUp();
    // What is written in this turn of the event loop, as a request of http is, may travel with the SYN.
    else if (this.config?.fastOpen === true)
      setImmediate(() => this.tryTargets([{ address: this.host, family }]));
    else if (this.bound !== null) this.tryTargets([{ address: this.host, family }]);
    else process.nextTick(() => this.tryTargets([{ address: this.host, family }]));
  }

  /** The socket was destroyed: nothing is reported any more. */
  cancel(): void {
    this.previous?.cancel();
    if (this.over) return;
    this.finish();
    this.dropAttempt();
  }

  /** What is being opened, here or by an earlier call; or null. */
  get underWay(): Endpoint | null {
    return this.endpoint ?? this.previous?.underWay ?? null;
  }

  // ---- lookup

  private lookUp(): void {
    const { options } = this;
    const family = options.family === 'IPv4' ? 4 : options.family === 'IPv6' ? 6 : options.family;
    const one = family === 4 || family === 6;
    const request: LookupOptions = { family, hints: options.hints || (one ? 0 : ADDRCONFIG) };
    const auto = this.bound === null && (options.autoSelectFamily ?? this.context.autoSelectFamily);
    const several = !one && this.localAddress === undefined && auto;
    if (several) request.all = true;
    const lookup = (options.lookup ?? dnsLookup) as LookupFunction;
    lookup(this.host, request, (error, address, addressFamily) => {
      if (several) this.onAddresses(error, address as LookupAddress[]);
      else this.onAddress(error, address as string, addressFamily);
    });
  }

  private onAddress(error: Error | null, address: string, family: number | undefined): void {
    this.owner.emit('lookup', error, address, family, this.host);
    if (this.over) return;
    if (error) this.failSoon(error);
    else if (isIP(address) === 0) this.failSoon(invalidIpAddress(address));
    else if (family !== 4 && family !== 6) {
      this.failSoon(invalidAddressFamily(family, this.host, this.port));
    } else {
      this.tryTargets([{ address, family }]);
    }
  }

  /** A list without anything in it is a bug of the user's, who has the TypeError as from `node:net`. */
  private onAddresses(failure: Error | null, found: readonly LookupAddress[]): void {
    if (this.over) return;
    if (failure) {
      this.owner.emit('lookup', failure, undefined, undefined, this.host);
      this.failSoon(failure);
      return;
    }
    for (let i = 0; i < found.length; i++) {
      const { address, family } = found[i]!;
      this.owner.emit('lookup', null, address, family, this.host);
      if (this.over) return;
    }
    const targets = alternateFamilies(found);
    if (targets.length > 0) {
      this.tryTargets(targets);
      return;
    }
    const { address, family } = found[0]!;
    if (isIP(address) === 0) this.failSoon(invalidIpAddress(address));
    else this.failSoon(invalidAddressFamily(family, this.host, this.port));
  }

  /** Listeners of `error` may be added after a lookup that answers at once. */
  private failSoon(error: Error): void {
    process.nextTick(() => this.fail(error));
  }

  // ---- attempts

  private tryTargets(targets: Target[]): void {
    if (this.over) return;
    // Not before: a lookup of the user's holds the process by itself, or means not to.
    this.share.set(true);
    this.targets = targets;
    this.current = -1;
    this.owner._unrefTimer();
    if (targets.length > 1) this.owner.autoSelectFamilyAttemptedAddresses = [];
    this.tryNext();
  }

  private tryNext(): void {
    for (;;) {
      this.current++;
      const target = this.targets[this.current];
      if (target === undefined) {
        this.fail(this.errors.length > 0 ? allAttemptsFailed(this.errors) : connectionTimeout());
        return;
      }
      const error = this.attempt(target);
      if (error === null || this.over) return;
      if (this.targets.length === 1) {
        this.fail(error);
        return;
      }
      this.errors.push(error);
      if (isOfBind(error)) continue;
      this.owner.emit('connectionAttemptFailed', target.address, this.port, target.family, error);
      if (this.over) return;
    }
  }

  /** Opens one connection. Returns what there is against it, or null. */
  private attempt(target: Target): Error | null {
    const several = this.targets.length > 1;
    const isBlocked = this.owner.blockList?.check(target.address, target.family === 6 ? 'ipv6' : 'ipv4');
    if (several && isBlocked) return ipBlocked(target.address);
    const standing = this.owner._standing();
    const refusal = isBlocked || standing !== 'free' ? null : this.openTo(target);
    // Binding comes before.
    if (refusal !== null && isOfBind(refusal)) return refusal;
    this.owner.emit('connectionAttempt', target.address, this.port, target.family);
    if (this.over) return null;
    if (isBlocked) return ipBlocked(target.address);
    if (several) this.owner.autoSelectFamilyAttemptedAddresses?.push(`${target.address}:${this.port}`);
    if (standing === 'repeated') setImmediate(() => this.repeat());
    else if (standing !== 'free') return this.errorOf(standing, target, this.owner._localEnd());
    else if (refusal === null && this.current < this.targets.length - 1) this.limitAttempt();
    return refusal;
  }

  private repeat(): void {
    if (this.over) return;
    this.finish();
    this.outcome.repeated();
  }

  private limitAttempt(): void {
    const { clock } = this.context.stack;
    this.timer = clock.schedule(clock.now() + this.attemptTimeoutMs, () => this.onAttemptTimeout());
  }

  private openTo(target: Target): Error | null {
    const mismatch = this.bound === null ? null : familyMismatch(this.bound.shown.family, target.family);
    if (mismatch !== null) return this.errorOf(mismatch, target, this.unboundLocal(target));
    // An address that is not of the family it is said to be.
    if (isIP(target.address) !== target.family) return this.errorOf('EINVAL', target, 'undefined:undefined');
    if (this.localPort !== undefined && this.localPort > portOf(this.localPort)) {
      return this.bindError('EADDRINUSE', target);
    }
    // Nobody listens on port 0, so nobody need be asked.
    if (this.port === 0) return this.errorOf('ECONNREFUSED', target);
    const remote = parseRemote(target.address, this.context.stack.addresses);
    const local = this.localAddress === undefined ? this.bound?.address : parseAddress(this.localAddress);
    if (remote === null || (local === null && this.bound === null))
      return this.errorOf('EINVAL', target, this.unboundLocal(target));
    try {
      this.endpoint = this.open(remote, local ?? undefined);
      this.latest = this.endpoint;
      return null;
    } catch (error) {
      return this.refusal(error, target);
    }
  }

  private open(remote: IpAddress, local: IpAddress | undefined): Endpoint {
    const localPort = this.localPort === undefined ? this.bound?.shown.port : portOf(this.localPort);
    const request = {
      remote,
      remotePort: this.port,
      ...(local !== undefined && { local }),
      ...(localPort !== undefined && { localPort }),
      ...(this.config !== undefined && { config: this.config }),
    };
    const endpoint = this.context.stack.connect(request, this);
    this.early = 0;
    if (endpoint.speaksFastOpen) this.sendEarly(endpoint);
    return endpoint;
  }

  /** Before the SYN leaves, which is at the end of the turn. Without a cookie it goes with the third segment. */
  private sendEarly(endpoint: Endpoint): void {
    const bytes = this.owner._earlyData(MOST_EARLY_BYTES);
    if (bytes.length > 0) this.early = endpoint.send(bytes, true);
  }

  /** What the stack threw, as the error of `bind` or `connect`. */
  private refusal(error: unknown, target: Target): Error {
    const code = systemCodeOf(error);
    if (code === null) return error instanceof Error ? error : new Error(String(error));
    const bound = this.localAddress !== undefined || this.localPort !== undefined;
    const mixed = this.localAddress !== undefined && isIP(this.localAddress) !== target.family;
    // Such a connection exists: the local end by itself was to be had.
    const isOfTuple = (error as SystemError).port === this.port && this.port !== this.localPort;
    if (bound && (code === 'EADDRINUSE' || (code === 'EADDRNOTAVAIL' && !isOfTuple) || mixed)) {
      return this.bindError(code, target);
    }
    return this.errorOf(code, target, this.unboundLocal(target));
  }

  private bindError(code: string, target: Target): Error {
    return addressError(code, 'bind', this.localAddress ?? anyOf(target), this.localPort);
  }

  private unboundLocal(target: Target): string {
    const { address, port } = this.bound?.shown ?? { address: anyOf(target), port: 0 };
    return `${this.localAddress ?? address}:${this.localPort ?? port}`;
  }

  private errorOf(code: string, target: Target, local?: string): Error {
    return addressError(code, 'connect', target.address, this.port, local);
  }

  /** The error of an attempt that was under way; names the local end when the user had chosen its port. */
  private attemptError(code: string, target: Target): Error {
    const { localAddress = anyOf(target), localPort } = this;
    if (localPort === undefined) return this.errorOf(code, target);
    const error = this.errorOf(code, target, `${localAddress}:${localPort}`);
    return Object.assign(error, { localAddress, localPort });
  }

  onEvents(endpoint: Endpoint, events: number): void {
    if (this.over || endpoint !== this.endpoint) return;
    try {
      this.scope.runInAsyncScope(this.deliver, this, events);
    } catch (error) {
      surfaceUncaught(error);
    }
  }

  private deliver(events: number): void {
    const endpoint = this.endpoint!;
    if ((events & Event.ESTABLISHED) !== 0) {
      this.finish();
      this.outcome.connected(endpoint, events & ~Event.ESTABLISHED, this.early);
    } else if ((events & Event.CLOSED) !== 0) {
      this.onAttemptFailed(endpoint.connection.error ?? 'ECONNABORTED');
    }
  }

  private onAttemptFailed(code: string): void {
    const target = this.targets[this.current]!;
    const error = this.attemptError(code, target);
    this.dropAttempt();
    this.owner.emit('connectionAttemptFailed', target.address, this.port, target.family, error);
    if (this.over) return;
    if (this.targets.length === 1) {
      this.fail(error);
      return;
    }
    this.errors.push(error);
    this.tryNext();
  }

  private onAttemptTimeout(): void {
    const target = this.targets[this.current]!;
    this.timer = null;
    this.dropAttempt();
    this.owner.emit('connectionAttemptTimeout', target.address, this.port, target.family);
    if (this.over) return;
    this.errors.push(this.attemptError('ETIMEDOUT', target));
    this.tryNext();
  }

  private dropAttempt(): void {
    const { endpoint } = this;
    this.timer?.cancel();
    this.timer = null;
    this.endpoint = null;
    if (endpoint === null) return;
    endpoint.handler = null;
    endpoint.abort();
  }

  private fail(error: Error): void {
    if (this.over) return;
    this.finish();
    this.outcome.failed(error);
  }

  private finish(): void {
    this.over = true;
    this.timer?.cancel();
    this.timer = null;
    this.share.set(false);
  }
}

/** What the kernel makes of a port; `node:net` takes a number too large for that as one that somebody has. */
function portOf(asked: number): number {
  return asked & 0xffff;
}

function anyOf(target: Target): string {
  return target.family === 4 ? ANY_IPV4 : ANY_IPV6;
}

function isOfBind(error: Error): boolean {
  return (error as Partial<SystemError>).syscall === 'bind';
}

/** Each valid address once, the families in turn, beginning with the family of the first. */
function alternateFamilies(found: readonly LookupAddress[]): Target[] {
  const valid = Array.from(found).filter(
    ({ address, family }, i, all) =>
      isIP(address) !== 0 &&
      (family === 4 || family === 6) &&
      all.findIndex((other) => other.address === address) === i,
  );
  const first = valid.filter(({ family }) => family === valid[0]?.family);
  const second = valid.filter(({ family }) => family !== valid[0]?.family);
  const targets: Target[] = [];
  for (let i = 0; i < Math.max(first.length, second.length); i++) {
    if (first[i] !== undefined) targets.push(first[i]!);
    if (second[i] !== undefined) targets.push(second[i]!);
  }
  return targets;
}
