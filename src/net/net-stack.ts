// What the `net` layer asks of a stack, so that it can be tested against a scripted one.
import type { BindOptions, BoundPort } from '../stack/bound-ports.js';
import type { Clock } from '../stack/clock.js';
import type {
  ConnectOptions,
  Endpoint,
  EndpointHandler,
  Listener,
  ListenerHandler,
  ListenOptions,
} from '../stack/endpoint.js';
import type { IpAddress } from '../wire/address.js';
import type { Liveness } from './liveness.js';

/** The part of a stack that sockets and servers use. */
export interface NetStack {
  readonly clock: Clock;
  /**
   * Passive open.
   * @throws Error with `code` EADDRINUSE, EADDRNOTAVAIL, EINVAL …
   */
  listen(options: ListenOptions, handler: ListenerHandler): Listener;
  /**
   * Active open.
   * @throws Error with `code` EADDRINUSE, EADDRNOTAVAIL, EHOSTUNREACH …
   */
  connect(options: ConnectOptions, handler: EndpointHandler): Endpoint;
  /**
   * Holds a port.
   * @throws Error with `code` EADDRINUSE, EADDRNOTAVAIL, EINVAL …
   */
  bind(options: BindOptions): BoundPort;
  /** Its own addresses: their families say what listening on "any address" means. */
  readonly addresses: readonly IpAddress[];
  /** Whether a listener stands in the way of another there; `address` null means all of `family`, 0 both. */
  isListenedOn(address: IpAddress | null, family: 0 | 4 | 6, port: number, sharesPort: boolean): boolean;
  /** Whether a connection was given that local port by choice; `address` null means any. */
  isChosenPort(address: IpAddress | null, port: number): boolean;
  /** Whether an address is its own. */
  owns(address: IpAddress): boolean;
}

/** Shared by the sockets and servers of one `stack.net`. */
export interface NetContext {
  readonly stack: NetStack;
  readonly liveness: Liveness;
  /** Default of the option `autoSelectFamily`. */
  autoSelectFamily: boolean;
  /** Default of the option `autoSelectFamilyAttemptTimeout`, in milliseconds. */
  autoSelectFamilyAttemptTimeoutMs: number;
}
