// A passive open and its two queues: half-open connections and those that wait to be accepted. What arrives for it is
// judged in tcp-input.ts.
import type { ConnectionConfig } from '../tcp/config.js';
import { State, Trigger, transitionFor } from '../tcp/state.js';
import type { IpAddress } from '../wire/address.js';
import type { Endpoint } from './endpoint.js';
import { EndpointQueue } from './endpoint-queue.js';
import { LEAST_HALF_OPEN, type Limits } from './limits.js';
import { PendingFastOpens } from './pending-fast-opens.js';
import type { BacklogPolicy, StackTrace } from './trace.js';

/** `backlogFull` is traced at most this often. */
const REPORT_INTERVAL_MS = 1000;

/** Learns that connections wait to be accepted. */
export interface ListenerHandler {
  /**
   * At least one established connection came into the accept queue; take them with `listener.accept()` until it
   * returns null. Those left there are announced again when the next one comes.
   */
  onAcceptable(listener: Listener): void;
  /** The stack itself ends, or lost its link, and has closed the listener. */
  onClosed?(listener: Listener): void;
}

/** `Stack.listen`. */
export interface ListenOptions {
  /** Local address, or null for all. */
  address: IpAddress | null;
  /** With address null: all of this family only; a SYN over the other is answered as if nobody listened. Default: both. */
  family?: 4 | 6;
  /** 0 chooses an ephemeral port. */
  port: number;
  /** Connections that may wait for `accept`; as on Linux one more than this fits. Default `limits.backlog`. */
  backlog?: number;
  /** Listeners of which each says so may share an address and port; new connections go to them in turn. Default false. */
  reusePort?: boolean;
  config?: Partial<ConnectionConfig>;
}

/** What a listener needs of its stack. */
export interface ListenerHost {
  readonly limits: Limits;
  readonly trace: StackTrace | null;
  now(): number;
  changed(endpoint: Endpoint): void;
  /** The listener has something to accept. */
  acceptable(listener: Listener): void;
  /** The listener does not listen any more. */
  forget(listener: Listener): void;
}

/** A passive open (RFC 9293 §3.10.1) on one port, for one local address, all of a family, or all there are. */
export class Listener {
  /** @internal Connections in SYN-RECEIVED, oldest first. */
  readonly halfOpen = new EndpointQueue();
  /** @internal Connections that nobody took yet, oldest first: established ones, and those of Fast Open. */
  readonly waiting = new EndpointQueue();
  /** @internal Those that Fast Open has handed out before the end of their handshake, accepted or not. */
  readonly fastOpens = new PendingFastOpens();
  /** Connections that may wait for `accept`. */
  readonly backlog: number;
  /** @internal Half-open connections that it keeps at most. */
  readonly halfOpenLimit: number;
  /** @internal Whether the handler is to be called this turn. */
  awaitsDelivery = false;
  /** False once `close` was called. */
  isListening = true;
  private reportedAt = Number.NEGATIVE_INFINITY;

  /**
   * @internal Made by the stack.
   * @param asked backlog that the user asked for, or undefined for the default
   * @param configs settings of its connections over IPv4 and over IPv6
   */
  constructor(
    readonly id: number,
    /** Null means every address of the stack that is of `family`. */
    readonly address: IpAddress | null,
    /** That of the address; with null the only one that is served, or 0 for both. */
    readonly family: 0 | 4 | 6,
    readonly port: number,
    /** With others that say so too. */
    readonly sharesPort: boolean,
    asked: number | undefined,
    readonly handler: ListenerHandler,
    readonly configs: { readonly v4: ConnectionConfig; readonly v6: ConnectionConfig },
    private readonly host: ListenerHost,
  ) {
    const { limits } = host;
    this.backlog = asked ?? limits.backlog;
    this.halfOpenLimit = Math.min(limits.halfOpen, Math.max(asked ?? limits.halfOpen, LEAST_HALF_OPEN));
    const transition = transitionFor(State.CLOSED, State.LISTEN, Trigger.CALL_PASSIVE_OPEN);
    host.trace?.listenerOpened(this, transition, host.now());
  }

  /** The oldest established connection that nobody took yet, or null. Set its `handler` at once. */
  accept(): Endpoint | null {
    const endpoint = this.waiting.shift();
    if (endpoint === null) return null;
    endpoint.listener = null;
    this.host.trace?.called(endpoint.connection, 'accept', 0, null, this.host.now());
    return endpoint;
  }

  /**
   * Stops listening; half-open connections and those not accepted yet are aborted, accepted ones live on. Idempotent.
   */
  close(): void {
    if (!this.isListening) return;
    this.isListening = false;
    this.host.forget(this);
    const now = this.host.now();
    this.abortAll(this.halfOpen, now);
    this.abortAll(this.waiting, now);
    const transition = transitionFor(State.LISTEN, State.CLOSED, Trigger.CALL_CLOSE);
    this.host.trace?.listenerClosed(this, transition, now);
  }

  /** @internal True when no further connection may wait: one more than the backlog does, as on Linux. */
  get isFull(): boolean {
    return this.waiting.size > this.backlog;
  }

  /** @internal A half-open connection is established, or Fast Open vouches for it: it waits for `accept`. */
  promote(endpoint: Endpoint): void {
    this.waiting.push(endpoint);
    this.host.acceptable(this);
  }

  /** @internal Tells that a bound was reached, once a second. */
  reportFull(limit: number, policy: BacklogPolicy, now: number): void {
    if (this.host.trace === null || now - this.reportedAt < REPORT_INTERVAL_MS) return;
    this.reportedAt = now;
    this.host.trace.backlogFull(this, this.halfOpen.size, this.waiting.size, limit, policy, now);
  }

  private abortAll(queue: EndpointQueue, now: number): void {
    for (let endpoint = queue.shift(); endpoint !== null; endpoint = queue.shift()) {
      endpoint.listener = null;
      endpoint.connection.abort(now);
      this.host.changed(endpoint);
    }
  }
}
