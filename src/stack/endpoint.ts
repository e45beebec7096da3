// CONTRACT SKELETON: signatures are final, bodies follow.
// What users of a stack (the `net` layer, the lab) hold: a connection plus its place in the stack, and listeners.

import type { ConnectionConfig } from '../tcp/config.js';
import type { Connection } from '../tcp/connection.js';
import type { FourTuple, IpAddress } from '../wire/address.js';

/** Learns what happened on an endpoint. Called after a whole batch of packets was processed, never in the midst of one. */
export interface EndpointHandler {
  /** @param events bits of `Event` (tcp/connection.ts) */
  onEvents(endpoint: Endpoint, events: number): void;
}

/** One connection in its stack. Calls take effect at once; their segments leave at the end of the turn. */
export declare class Endpoint {
  readonly connection: Connection;
  readonly tuple: FourTuple;
  handler: EndpointHandler | null;
  /** See the methods of the same names of `Connection`. */
  send(bytes: Uint8Array, push: boolean): number;
  sendUrgent(bytes: Uint8Array): number;
  receive(max: number): Uint8Array | null;
  shutdownWrite(): void;
  close(): void;
  abort(): void;
  setNagle(on: boolean): void;
  setKeepAlive(on: boolean, idleMs: number): void;
  setUserTimeout(ms: number): void;
  setDscp(dscp: number): void;
}

/** Learns that connections wait to be accepted. */
export interface ListenerHandler {
  /** At least one established connection is in the accept queue; take it with `listener.accept()`. */
  onAcceptable(listener: Listener): void;
}

/** A passive open (RFC 9293 §3.10.1) on one port, for one local address or all of them. */
export declare class Listener {
  readonly id: number;
  /** Null means every address of the stack. */
  readonly address: IpAddress | null;
  readonly port: number;
  readonly backlog: number;
  /** The oldest established connection that nobody took yet, or null. Set its `handler` at once. */
  accept(): Endpoint | null;
  /** Stops listening; half-open connections and those not accepted yet are aborted, accepted ones live on. */
  close(): void;
}

/** `Stack.listen`. */
export interface ListenOptions {
  /** Local address, or null for all. */
  address: IpAddress | null;
  /** 0 chooses an ephemeral port. */
  port: number;
  /** Connections that may wait for `accept`. Default `limits.backlog`. */
  backlog?: number;
  config?: Partial<ConnectionConfig>;
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
